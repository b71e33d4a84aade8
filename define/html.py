"""define.html: a define.xml as one page that needs no stylesheet processor, no network and no other file.

Browsers are dropping XSLT; this page shows the same content from the same model. All text is escaped by the template.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, StrictUndefined

from cdiscway.converters.whole_file import whole_file

from .index import Index, Value, Variable, keys_of
from .model import (
    CodeList,
    CommentDef,
    DefineXml,
    Description,
    DocumentRef,
    ItemDef,
    ItemGroupDef,
    ItemRef,
    Leaf,
    MethodDef,
    Origin,
    PlainText,
    WhereClauseDef,
)

INLINE_TERMS = 6
COMPARATORS = {"EQ": "=", "NE": "≠", "LT": "<", "LE": "≤", "GT": ">", "GE": "≥", "IN": "in", "NOTIN": "not in"}


def write_html(define: DefineXml, path: Path) -> None:
    """Write define.html; the same model gives the same bytes."""
    with whole_file(path) as file:
        file.write(define_html(define).encode("utf-8"))


def define_html(define: DefineXml) -> str:
    """Return the page."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(_resource("define.html.j2"))
    return template.render(
        page=_Page(define), css=_resource("define.css"), js=_resource("define.js"), anchor=anchor, words=words
    )


def _resource(name: str) -> str:
    return (resources.files("cdiscway.define") / name).read_text(encoding="utf-8")


def anchor(oid: str | None) -> str:
    """Return an OID as the id of a place in the page."""
    return re.sub(r"[^A-Za-z0-9_.:-]", "_", oid or "")


def words(text: Description | PlainText | None) -> str:
    """Return the text of a description, or of a plain element; empty where there is none."""
    return text.text.strip() if text else ""


@dataclass(frozen=True, slots=True)
class Link:
    """A link, or plain text where the address is empty."""

    text: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A variable, or a value-level definition, as the page shows it."""

    oid: str
    name: str
    label: str
    type: str
    key: str
    mandatory: bool
    role: str
    no_data: bool
    where: tuple[str, ...]
    codelist: CodeList | None
    origins: tuple[tuple[str, str, tuple[Link, ...]], ...]
    method: MethodDef | None
    comment: CommentDef | None
    values: tuple[Row, ...] = ()


class _Page:
    """The model as the template needs it."""

    def __init__(self, define: DefineXml) -> None:
        self.define = define
        self.metadata = define.metadata
        self.names = define.study.global_variables
        self.index = Index(define)
        self._leaves = {leaf.id: leaf for leaf in self._all_leaves()}
        self._comments = {comment.oid: comment for comment in self.metadata.comments}
        self.users = self._users()

    def _all_leaves(self) -> Iterator[Leaf]:
        yield from self.metadata.leaves
        yield from (dataset.leaf for dataset in self.metadata.datasets if dataset.leaf)

    @property
    def title(self) -> str:
        """The study's name."""
        return (words(self.names.study_name) if self.names else "") or "define.xml"

    @property
    def standards(self) -> list[tuple[str, str, str]]:
        """Name, version and comment of each standard, in either version of Define-XML."""
        listed = self.metadata.standards.standards if self.metadata.standards else ()
        found = [
            (
                " ".join(
                    part for part in (item.name, item.publishing_set, item.type if item.type == "CT" else "") if part
                ),
                f"{item.version or ''}{'' if item.status in (None, 'Final') else f' ({item.status})'}",
                self.comment_text(item.comment_oid),
            )
            for item in listed
        ]
        if self.metadata.standard_name:
            found.append((self.metadata.standard_name, self.metadata.standard_version or "", ""))
        return found

    @property
    def standard_comments(self) -> bool:
        """Whether a standard has a comment."""
        return any(comment for _, _, comment in self.standards)

    @property
    def codelists(self) -> list[CodeList]:
        """The codelists by name, as a reader looks for them."""
        return sorted(self.metadata.codelists, key=lambda item: ((item.name or "").casefold(), item.oid or ""))

    @staticmethod
    def is_coded(codelist: CodeList) -> bool:
        """Whether a term has a code of NCI (or another alias)."""
        return any(term.aliases for term in codelist.terms)

    @property
    def documents(self) -> list[Link]:
        """The documents beside the define.xml."""
        return [link_of(leaf) for leaf in self.metadata.leaves]

    def standard_of(self, oid: str | None) -> str:
        """Return the name of a standard of the file."""
        listed = self.metadata.standards.standards if self.metadata.standards else ()
        found = next((item for item in listed if item.oid == oid and oid), None)
        parts = (found.name, found.publishing_set, found.version) if found else ()
        return " ".join(part for part in parts if part)

    def comment(self, oid: str | None) -> CommentDef | None:
        """Return a comment of the file."""
        return self._comments.get(oid)

    def comment_text(self, oid: str | None) -> str:
        """Return the text of a comment; empty where there is none."""
        found = self.comment(oid)
        return words(found.description) if found else ""

    def keys(self, dataset: ItemGroupDef) -> str:
        """Return the keys of a dataset."""
        return ", ".join(keys_of(list(self.index.variables(dataset))))

    def file(self, dataset: ItemGroupDef) -> Link | None:
        """Return the link to the dataset's file."""
        return link_of(dataset.leaf) if dataset.leaf else None

    def documents_of(self, refs: Iterable[DocumentRef]) -> tuple[Link, ...]:
        """Return links to documents, or to the pages that are meant."""
        return tuple(link for ref in refs for link in self._pages(ref))

    def _pages(self, ref: DocumentRef) -> Iterator[Link]:
        leaf = self._leaves.get(ref.leaf_id)
        whole = link_of(leaf) if leaf else Link(ref.leaf_id or "")
        if not ref.pages:
            yield whole
        for page in ref.pages:
            numbers = (page.page_refs or "").split()
            if page.first_page:
                numbers.append(f"{page.first_page}-{page.last_page}")
            named = page.type == "NamedDestination"
            for place, number in enumerate(numbers):
                target = number if named else f"page={number.partition('-')[0]}"
                before = f"{page.title or whole.text} {'' if named else 'p. '}" if place == 0 else ""
                yield Link(before + number, f"{whole.href}#{quote(target, safe='=')}" if whole.href else "")

    def rows(self, dataset: ItemGroupDef) -> Iterator[Row]:
        """Yield the variables of a dataset, each with its value-level definitions."""
        for variable in self.index.variables(dataset):
            values = tuple(self._value(value) for value in self.index.values(variable))
            yield self._row(variable.ref, variable.item, variable.item.oid, (), values, dataset)

    def _value(self, value: Value) -> Row:
        where = tuple(show_condition(self.index, clause, value.variable) for clause in value.where)
        return self._row(value.ref, value.item, value.item.oid, where, (), value.variable.dataset)

    def _row(
        self,
        ref: ItemRef,
        item: ItemDef,
        oid: str | None,
        where: tuple[str, ...],
        values: tuple[Row, ...],
        dataset: ItemGroupDef,
    ) -> Row:
        return Row(
            oid=f"{dataset.oid}.{oid}",
            name=item.name or "",
            label=words(item.description),
            type=show_type(item),
            key=ref.key_sequence or "",
            mandatory=ref.mandatory == "Yes",
            role=ref.role or "",
            no_data=ref.has_no_data == "Yes",
            where=where,
            codelist=self.index.codelist(item),
            origins=tuple(self._origin(origin) for origin in item.origins),
            method=self.index.methods.get(ref.method_oid or ""),
            comment=self.comment(item.comment_oid),
            values=values,
        )

    def _origin(self, origin: Origin) -> tuple[str, str, tuple[Link, ...]]:
        kind = f"{origin.type or ''}{f' ({origin.source})' if origin.source else ''}"
        return kind, words(origin.description), self.documents_of(origin.documents)

    def _users(self) -> dict[str, list[Link]]:
        """Return which variables use each codelist and method."""
        found: dict[str, list[Link]] = {}
        for dataset in self.metadata.datasets:
            for variable in self.index.variables(dataset):
                values = [(value.ref, value.item) for value in self.index.values(variable)]
                for ref, item in [(variable.ref, variable.item), *values]:
                    link = Link(f"{dataset.name}.{variable.name}", f"#{anchor(f'{dataset.oid}.{variable.item.oid}')}")
                    oids = (item.codelist.codelist_oid if item.codelist else None, ref.method_oid)
                    for oid in filter(None, oids):
                        if link not in found.setdefault(oid, []):
                            found[oid].append(link)
        return found

    def where(self, oid: str | None) -> str:
        """Return a condition in words."""
        clause = self.index.where_clauses.get(oid or "")
        return show_condition(self.index, clause, None) if clause else ""

    def item_name(self, oid: str | None) -> str:
        """Return the name of an item."""
        item = self.index.items.get(oid or "")
        return item.name or "" if item else oid or ""

    def dataset_name(self, oid: str | None) -> str:
        """Return the name of a dataset."""
        return next((item.name or "" for item in self.metadata.datasets if item.oid == oid), oid or "")

    def shown_terms(self, codelist: CodeList) -> list[Any]:
        """Return the first terms of a codelist, for the table of variables."""
        return list(codelist.terms[:INLINE_TERMS])


def show_type(item: ItemDef) -> str:
    """Return type, length and format in one line.

    >>> show_type(ItemDef(data_type="float", length="5", significant_digits="2", display_format="5.2"))
    'float 5 (2 decimals) 5.2'
    """
    digits = item.significant_digits
    decimals = f"({digits} decimal{'' if digits == '1' else 's'})" if digits else ""
    return " ".join(part for part in (item.data_type, item.length, decimals, item.display_format) if part)


def show_condition(index: Index, clause: WhereClauseDef, variable: Variable | None) -> str:
    """Return a condition in words: `LBTESTCD = NEUT and LBSPEC in (BLOOD, SERUM)`."""
    parts = []
    for check in clause.checks:
        dataset = variable.dataset if variable else ItemGroupDef()
        owner = index.owner(check.item_oid or "", dataset)
        foreign = owner is not None and variable is not None and owner.dataset.oid != dataset.oid
        name = f"{owner.dataset.name}.{owner.name}" if owner and foreign else owner.name if owner else check.item_oid
        values = ", ".join(value.text for value in check.values)
        shown = f"({values})" if check.comparator in ("IN", "NOTIN") else values
        parts.append(f"{name} {COMPARATORS.get(check.comparator or '', check.comparator)} {shown}")
    return " and ".join(parts)


def link_of(leaf: Leaf) -> Link:
    """Return the link of a leaf; an address that is neither relative nor http(s) is shown, but leads nowhere."""
    href, title = leaf.href or "", words(leaf.title)
    harmless = re.match(r"https?://", href) or not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:|//", href)
    return Link(title or href, href if harmless else "")
