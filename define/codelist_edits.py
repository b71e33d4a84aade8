"""Bring the edits of codelists.yaml into a define.xml."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from cdiscway.specs.load import Document
from cdiscway.specs.mistakes import Mistake
from cdiscway.specs.model import Codelist, Term

from .fresh import standard_of
from .model import Alias, CodeList, CodeListItem, DefineXml, EnumeratedItem, Standards, describe
from .specs import NCI, codelist_spec

Lists = tuple[Document, tuple[Codelist, ...]]
HINTS = {
    "extensible": "it follows from the terms: one without a code extends a CDISC codelist",
    "package": "it is a terminology package with its date: SDTM CT 2026-03-27",
    "name": "it is the OID without CL., and each is given once",
}


def oid_by_name(define: DefineXml) -> dict[str, str]:
    """Return the OIDs of the codelists by the names specs give them."""
    listed = [codelist.oid or "" for codelist in define.metadata.codelists if not codelist.external]
    return {oid.removeprefix("CL."): oid for oid in reversed(listed)}


def edit_codelists(define: DefineXml, before: Sequence[Codelist], lists: Lists, mistakes: list[Mistake]) -> DefineXml:
    """Return the define.xml with the codelists of the file; those taken out of it are taken out."""
    document, wanted = lists
    allowed = Counter(codelist.name for codelist in before)
    for name, count in Counter(codelist.name for codelist in wanted).items():
        if count > max(1, allowed[name]):
            places = [place for place, codelist in enumerate(wanted) if codelist.name == name]
            line = document.line(("codelists", places[-1], "name"))
            mistakes.append(Mistake(document.name, line, name, "the codelist is given twice"))
    names, old = oid_by_name(define), {codelist.name: codelist for codelist in before}
    listed = {codelist.oid or "": codelist for codelist in define.metadata.codelists}
    for name in set(old) - {codelist.name for codelist in wanted}:
        listed.pop(names[name], None)
    standards = define.metadata.standards
    for codelist in wanted:
        if codelist == old.get(codelist.name):
            continue
        oid = names.get(codelist.name, f"CL.{codelist.name}")
        held = listed.get(oid) or CodeList(oid=oid, data_type="text", is_non_standard="Yes")
        listed[oid], standards = edit_codelist(define, held, codelist, old.get(codelist.name), standards)
    metadata = replace(define.metadata, codelists=tuple(listed.values()), standards=standards)
    return replace(define, odm=replace(define.odm, study=replace(define.study, metadata=metadata)))


def is_own(codelist: Codelist) -> bool:
    """Whether a codelist is the sponsor's own: its code is none of NCI's, it is known by its name."""
    return codelist.code in ("", codelist.name, f"CL.{codelist.name}") and not re.fullmatch(r"C\d+", codelist.code)


def edit_codelist(
    define: DefineXml, held: CodeList, wanted: Codelist, before: Codelist | None, standards: Standards | None
) -> tuple[CodeList, Standards | None]:
    """Return a codelist with what differs from its spec before, and the standards with the one it follows."""
    values: dict[str, Any] = {"name": wanted.label}
    if before is None or wanted.code != before.code:
        others = tuple(alias for alias in held.aliases if alias.context != NCI)
        values["aliases"] = others if is_own(wanted) else (Alias(context=NCI, name=wanted.code), *others)
    if (before is None or wanted.package != before.package) and define.version != "2.0":
        found, oid = standard_of(standards, wanted.package)
        standards = found if oid else standards
        values |= {"standard_oid": oid, "is_non_standard": None if oid else "Yes"}
    if define.version == "2.0":
        values["is_non_standard"] = None
    if before is None or wanted.terms != before.terms:
        coded = any(alias.context == NCI for alias in values.get("aliases", held.aliases))
        values |= _terms(held, wanted, is_coded=coded)
    return replace(held, **values), standards


def _terms(held: CodeList, wanted: Codelist, *, is_coded: bool) -> dict[str, Any]:
    """Return the terms; with decodes where every one has a decode, else without."""
    known = {term.coded_value: term for term in held.terms}
    numbered = not held.terms or any(term.order_number for term in held.terms)
    decoded = bool(wanted.terms) and all(term.decode for term in wanted.terms)
    made = []
    for place, term in enumerate(wanted.terms, 1):
        old = known.get(term.value)
        values: dict[str, Any] = {
            "coded_value": term.value,
            "rank": old.rank if old else None,
            "order_number": str(place) if numbered else None,
            "extended_value": ("Yes" if not term.code else None) if is_coded else None,
            "aliases": _aliases(old, term),
            "descriptions": old.descriptions if old else (),
            "extras": old.extras if old else (),
        }
        if decoded:
            given = getattr(old, "decode", None)
            values["decode"] = given if given and given.text == term.decode else describe(term.decode)
        made.append((CodeListItem if decoded else EnumeratedItem)(**values))
    return {"items": tuple(made) if decoded else (), "enumerated": () if decoded else tuple(made)}


def _aliases(old: CodeListItem | EnumeratedItem | None, term: Term) -> tuple[Alias, ...]:
    given = old.aliases if old else ()
    if next((alias.name or "" for alias in given if alias.context == NCI), "") == term.code:
        return given
    others = tuple(alias for alias in given if alias.context != NCI)
    return (Alias(context=NCI, name=term.code), *others) if term.code else others


def codelist_leftovers(define: DefineXml, lists: Lists, *, is_fresh: bool) -> Iterator[Mistake]:
    """Name every word of codelists.yaml that the define.xml does not say now."""
    document, wanted = lists
    names = oid_by_name(define)
    held = {codelist.oid: codelist for codelist in define.metadata.codelists}
    for place, codelist in enumerate(wanted):
        found = held.get(names.get(codelist.name, ""))
        got = codelist_spec(define, found) if found else None
        if got == codelist:
            continue
        for name in ("code", "name", "label", "extensible", "package"):
            if name == "extensible" and is_fresh:
                continue  # what a list might allow is no part of a define.xml; what extends it is
            if name == "code" and got and found and is_own(codelist) and got.code == found.oid:
                continue  # a sponsor's own list needs no code
            if got is None or getattr(got, name) != getattr(codelist, name):
                yield _leftover(document, ("codelists", place, name), codelist.name, getattr(codelist, name))
        yield from _term_leftovers(document, place, codelist, got)


def _term_leftovers(document: Document, place: int, codelist: Codelist, got: Codelist | None) -> Iterator[Mistake]:
    there = got.by_value if got else {}
    for number, term in enumerate(codelist.terms):
        back = there.get(term.value)
        for name in ("value", "code", "decode", "synonyms", "definition"):
            if back is None or getattr(back, name) != getattr(term, name):
                way = ("codelists", place, "terms", number, name)
                hint = "a codelist has decodes for all its terms or for none" if name == "decode" else ""
                yield _leftover(document, way, f"{codelist.name}.{term.value}", getattr(term, name), hint)


def _leftover(document: Document, way: tuple[str | int, ...], path: str, value: object, hint: str = "") -> Mistake:
    name = str(way[-1])
    shown = ", ".join(map(str, value)) if isinstance(value, tuple) else value
    message = f"{name} {shown!r} has no place in the define.xml" if value != "" else f"{name} cannot be left out"
    return Mistake(document.name, document.line(way), path, message, hint or HINTS.get(name, ""))
