"""Controlled terminology for a study: codelists with the sponsor's extension terms, and raw values matched to terms."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from pydantic import RootModel

from .load import Document, parse_model, read_yaml, show_way
from .mistakes import Mistake, MistakeCollector, MistakesError, nearest
from .model import Codelist, Strict, Term
from .package import Package
from .store import bundled, full_title, open_package, store_folder
from .units import UNIT_CODELISTS, fold_unit

How = Literal["exact", "study", "folded", "synonym", ""]
_SHORT_NAMES = ("TESTCD", "PARMCD")


@dataclass(frozen=True, slots=True)
class Match:
    """What a raw value is in a codelist, and how that was found; no term: nothing matched.

    `candidates` are the submission values of the terms that would all fit: an ambiguous value matches nothing.
    """

    value: str
    term: Term | None
    how: How
    candidates: tuple[str, ...] = ()


class ExtensionTerm(Strict):
    """A sponsor's own term of an extensible codelist, as terminology/extensions.yaml declares it."""

    value: str
    decode: str = ""
    synonyms: tuple[str, ...] = ()
    why: str = ""


class ExtensionFile(RootModel[dict[str, tuple[ExtensionTerm, ...]]]):
    """terminology/extensions.yaml: codelist (submission value or NCI code) -> terms."""


class Terminology:
    """The codelists of some packages, with the sponsor's terms in them."""

    def __init__(self, packages: Sequence[Package], extensions: Mapping[str, Sequence[Term]] | None = None) -> None:
        self._packages = tuple(packages)
        self._extensions = {code: tuple(terms) for code, terms in (extensions or {}).items()}
        self._made: dict[str, Codelist] = {}

    def __repr__(self) -> str:
        return f"<Terminology {', '.join(self.packages)}>"

    @property
    def packages(self) -> tuple[str, ...]:
        """The titles: `SDTM CT 2026-03-27`, `ADaM CT 2026-03-27`."""
        return tuple(package.title for package in self._packages)

    @property
    def selections(self) -> tuple[str, ...]:
        """The titles of packages of which only the bundled selection of codelists is here."""
        return tuple(package.title for package in self._packages if not package.whole)

    @property
    def extensions(self) -> tuple[tuple[Codelist, Term], ...]:
        """The sponsor's terms with their codelists, for the report and the reviewer's guide."""
        return tuple((self.codelist(code), term) for code, terms in self._extensions.items() for term in terms)

    def extended(self, terms: Mapping[str, Sequence[Term]]) -> Terminology:
        """Return the terminology with sponsor's terms (those without a code) of some lists, by NCI codelist code."""
        more = {code: tuple(term for term in found if term.extended) for code, found in terms.items() if code in self}
        own = {code: (*self._extensions.get(code, ()), *found) for code, found in more.items() if found}
        return Terminology(self._packages, {**self._extensions, **own})

    def __contains__(self, code: str) -> bool:
        """Whether a list of that NCI code is loaded."""
        return any(code in package for package in self._packages)

    @functools.cached_property
    def names(self) -> tuple[str, ...]:
        """The submission values of all codelists."""
        return tuple(dict.fromkeys(name for package in self._packages for name in package.names))

    def codelist(self, code_or_name: str) -> Codelist:
        """Return a codelist by NCI code (C65047) or submission value (LBTESTCD); raises KeyError saying why.

        The decode of a term is its name where CDISC has a list of names to the list of codes (LBTEST to LBTESTCD),
        else its NCI preferred term; sponsor's terms stand last and have no code.
        """
        if code_or_name not in self._made:
            self._made[code_or_name] = self._make(code_or_name)
        return self._made[code_or_name]

    def find(self, code_or_name: str) -> Codelist | None:
        """Return a codelist, or None where no loaded package holds it."""
        try:
            return self.codelist(code_or_name)
        except KeyError:
            return None

    def partner(self, codelist: Codelist) -> Codelist | None:
        """Return the list of names that goes with a list of codes (LBTEST with LBTESTCD), or None."""
        for package in self._packages:
            if package.title == codelist.package:
                name = package.partner(codelist.name)
                return self.codelist(name) if name else None
        return None

    def _make(self, code_or_name: str) -> Codelist:
        for package in self._packages:
            if code_or_name in package:
                found = package.codelist(code_or_name)
                own = self._extensions.get(found.code, ())
                return _with_terms(found, own) if own else found
        selection = f"; only a selection of {', '.join(self.selections)} is bundled" if self.selections else ""
        raise KeyError(f"no codelist {code_or_name} in {', '.join(self.packages)}{selection}")


def _with_terms(codelist: Codelist, own: Sequence[Term]) -> Codelist:
    """Return a new codelist (a copy of the old would keep its index of terms)."""
    fields = {name: getattr(codelist, name) for name in Codelist.model_fields}
    return Codelist.model_validate({**fields, "terms": (*codelist.terms, *own)})


def load_terminology(
    packages: Sequence[str] = (), extensions: Path | None = None, *, home: Path | None = None, shown: str = ""
) -> Terminology:
    """Return the terminology of the packages named (`SDTM CT 2026-03-27`); kinds not named come from the bundled ones.

    A package that was imported is used whole, else the bundled one of that title. `extensions` is the study's
    terminology/extensions.yaml, `shown` its name in messages. Raises MistakesError.
    """
    folder = store_folder(home)
    titles = {_kind(full_title(name)): full_title(name) for name in packages}
    for title in bundled():
        titles.setdefault(_kind(title), title)
    order = sorted(titles, key=lambda kind: (kind != "SDTM", kind))
    opened = [open_package(titles[kind], folder) for kind in order]
    plain = Terminology(opened)
    if extensions is None:
        return plain
    return Terminology(
        opened, read_extensions(extensions, plain, shown or f"{extensions.parent.name}/{extensions.name}")
    )


def _kind(title: str) -> str:
    return title.partition(" CT ")[0]


def read_extensions(path: Path, terminology: Terminology, shown: str = "") -> dict[str, tuple[Term, ...]]:
    """Read terminology/extensions.yaml: NCI codelist code -> the sponsor's terms.

    A term of a list of codes (LBTESTCD) also becomes a term of its list of names (LBTEST), under its decode.
    Raises MistakesError for an unknown or non-extensible codelist, and for a term CDISC has already.
    """
    document = read_yaml(path, shown or None)
    collector = MistakeCollector()
    found: dict[str, list[Term]] = {}
    data = {} if document.data is None else parse_model(document, ExtensionFile).root
    for name, terms in data.items():
        codelist = _codelist_of(document, name, terminology, collector)
        if codelist is None:
            continue
        if not codelist.extensible:
            message = f"{codelist.name} is not extensible: it takes no sponsor's terms"
            collector.add(document.name, document.line((name,)), name, message)
            continue
        for i, term in enumerate(terms):
            message, hint = _extension_mistake(term, codelist, found.get(codelist.code, []))
            if message:
                way = (name, i, "value")
                collector.add(document.name, document.line(way), show_way(way), message, hint)
                continue
            found.setdefault(codelist.code, []).append(_as_term(term))
            other = terminology.partner(codelist)
            if other and other.extensible and term.decode not in other.by_value:
                found.setdefault(other.code, []).append(_as_name(term))
    collector.raise_if_any()
    return {code: tuple(terms) for code, terms in found.items()}


def _codelist_of(
    document: Document, name: str, terminology: Terminology, collector: MistakeCollector
) -> Codelist | None:
    try:
        return terminology.codelist(name)
    except KeyError as error:
        hint = nearest(name, terminology.names)
        collector.add(document.name, document.line((name,)), name, str(error.args[0]), hint)
        return None


def _extension_mistake(term: ExtensionTerm, codelist: Codelist, own: list[Term]) -> tuple[str, str]:
    if any(other.value == term.value for other in own):
        return f"'{term.value}' is declared twice", ""
    if term.value in codelist.by_value:
        return f"'{term.value}' is a term of {codelist.name} already", "leave it out"
    found = match_terms(codelist, [term.value])[0]
    if found.term:
        return (
            f"'{term.value}' means the term '{found.term.value}' of {codelist.name} already ({found.how})",
            "use that",
        )
    return (_short_name_mistake(term), "") if codelist.name.endswith(_SHORT_NAMES) else ("", "")


def _short_name_mistake(term: ExtensionTerm) -> str:
    """Return what is wrong with a --TESTCD or its --TEST (SDTMIG 3.4 section 4.2.1), or an empty text."""
    if not re.fullmatch(r"[A-Z_][A-Z0-9_]{0,7}", term.value):
        return f"'{term.value}' must be at most 8 capitals, digits and _, and not begin with a digit"
    if not 0 < len(term.decode) <= 40:
        return f"'{term.value}' needs a decode of at most 40 characters: the test's name"
    return ""


def _as_term(term: ExtensionTerm) -> Term:
    return Term(value=term.value, decode=term.decode or term.value, synonyms=term.synonyms, definition=term.why)


def _as_name(term: ExtensionTerm) -> Term:
    return Term(value=term.decode, decode=term.decode, synonyms=term.synonyms, definition=term.why)


def read_synonyms(path: Path, terminology: Terminology, shown: str = "") -> dict[str, dict[str, str]]:
    """Read terminology/synonyms.yaml: NCI codelist code -> raw value -> submission value.

    Raises MistakesError for an unknown codelist, a value that is no term of it, and a raw value that is a term itself.
    """
    document = read_yaml(path, shown or None)
    collector = MistakeCollector()
    found: dict[str, dict[str, str]] = {}
    data = document.data or {}
    if not isinstance(data, dict):
        raise MistakesError([Mistake(document.name, 1, "", "must be codelists, each with raw value: submission value")])
    for name, pairs in data.items():
        codelist = _codelist_of(document, name, terminology, collector)
        if codelist is None:
            continue
        if not isinstance(pairs, dict):
            collector.add(document.name, document.line((name,)), name, "must be raw value: submission value")
            continue
        for raw, given in pairs.items():
            value = _text(given)
            message, hint = _synonym_mistake(raw, value, codelist)
            if message:
                collector.add(document.name, document.line((name, raw)), f"{name}.{raw}", message, hint)
            found.setdefault(codelist.code, {})[raw] = value
    collector.raise_if_any()
    return found


def _text(given: object) -> str:
    if isinstance(given, bool):
        return "true" if given else "false"
    return "" if given is None else str(given)


def _synonym_mistake(raw: str, value: str, codelist: Codelist) -> tuple[str, str]:
    if value not in codelist.by_value:
        hint = nearest(value, codelist.by_value) or "declare a sponsor term in terminology/extensions.yaml"
        return f"'{value}' is not a term of {codelist.name}", hint
    if raw in codelist.by_value and raw != value:
        return f"'{raw}' is itself a term of {codelist.name}: this line would change what was collected", ""
    return "", ""


_NO_SYNONYMS: Mapping[str, str] = MappingProxyType({})


def match_terms(codelist: Codelist, values: Iterable[str], synonyms: Mapping[str, str] = _NO_SYNONYMS) -> list[Match]:
    """Match distinct raw values to the terms of a codelist, one Match per value, in their order.

    A value is taken exactly; else as the study's own file says (`synonyms`: raw value -> submission value); else as a
    synonym (CDISC's, or of a sponsor's term) written exactly so; else with case and blanks folded, as a term or as a
    synonym. Where several terms fit, none is taken (`egfr`: EGFR, or a synonym of GFRE). In lists of units case
    matters (g/L is no G/L): only signs and blanks are folded.

    >>> terms = (Term(value="Y", code="C49488", synonyms=("Yes",)), Term(value="N", code="C49487", synonyms=("No",)))
    >>> ny = Codelist(code="C66742", name="NY", label="No Yes Response", extensible=False, terms=terms)
    >>> [match.how for match in match_terms(ny, ["Y", "y ", "YES", "Oui"], {"Oui": "Y"})]
    ['exact', 'folded', 'synonym', 'study']
    """
    index = _index(_Same(codelist))
    study = _study(index, synonyms)
    return [index.match(value, study) for value in values]


class _Same:
    """A codelist by identity: comparing and hashing all its terms would cost more than the index saves."""

    def __init__(self, codelist: Codelist) -> None:
        self.codelist = codelist

    def __hash__(self) -> int:
        return id(self.codelist)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.codelist is self.codelist


@functools.lru_cache(maxsize=256)
def _index(same: _Same) -> _Index:
    return _Index(same.codelist)


def _study(index: _Index, synonyms: Mapping[str, str]) -> dict[str, str]:
    """Return the study's lines, also with the raw value folded where only one line folds so."""
    folded = _gather((index.fold(raw), value) for raw, value in synonyms.items())
    alone = {raw: next(iter(values)) for raw, values in folded.items() if len(values) == 1}
    return {**alone, **synonyms}


class _Index:
    """The ways into one codelist, each built when it is first needed."""

    def __init__(self, codelist: Codelist) -> None:
        self.codelist = codelist
        self.fold = fold_unit if codelist.code in UNIT_CODELISTS else fold

    def match(self, value: str, study: Mapping[str, str]) -> Match:
        """Match one value; `study` is what `_study` returns."""
        term = self.codelist.by_value.get(value)
        if term:
            return Match(value, term, "exact")
        own = (study.get(value) or study.get(self.fold(value))) if study else None
        if own and own in self.codelist.by_value:
            return Match(value, self.codelist.by_value[own], "study")
        folded, meant = self._folded.get(self.fold(value), set()), self._synonyms_folded.get(self.fold(value), set())
        written = self._synonyms.get(value, set())
        found = written or folded | meant
        if len(found) != 1:
            return Match(value, None, "", tuple(sorted(found)))
        only = next(iter(found))
        return Match(value, self.codelist.by_value[only], "synonym" if written or only not in folded else "folded")

    @functools.cached_property
    def _folded(self) -> dict[str, set[str]]:
        return _gather((self.fold(term.value), term.value) for term in self.codelist.terms)

    @functools.cached_property
    def _synonyms(self) -> dict[str, set[str]]:
        return _gather((synonym, term.value) for term in self.codelist.terms for synonym in _meanings(term))

    @functools.cached_property
    def _synonyms_folded(self) -> dict[str, set[str]]:
        return _gather((self.fold(synonym), term.value) for term in self.codelist.terms for synonym in _meanings(term))


def _meanings(term: Term) -> tuple[str, ...]:
    """Return the synonyms; for a sponsor's own term its decode is one too."""
    return (*term.synonyms, term.decode) if term.extended and term.decode else term.synonyms


def _gather(pairs: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for key, value in pairs:
        found.setdefault(key, set()).add(value)
    return found


def fold(text: str) -> str:
    """Fold case, blanks and Unicode's composed forms.

    >>> fold("  Not   Done ")
    'not done'
    """
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())
