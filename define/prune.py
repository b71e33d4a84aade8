"""Take out what an edit leaves without a purpose, and find what it would leave pointing at nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from cdiscway.specs.mistakes import Mistake

from .model import DefineXml, ItemRef, walk
from .references import oid_of, references_of

PRUNED = ("items", "value_lists", "where_clauses", "methods", "comments")
KINDS = {"items": "ItemDef", "value_lists": "ValueListDef", "where_clauses": "WhereClauseDef"}
KINDS |= {"methods": "MethodDef", "comments": "CommentDef"}


def prune(before: DefineXml, after: DefineXml) -> DefineXml:
    """Return `after` without the definitions that something referred to before and nothing refers to now."""
    if before == after:
        return after
    referred = _referred(before)
    while True:
        lost = referred - _referred(after)
        values: dict[str, Any] = {}
        for name in PRUNED:
            found = getattr(after.metadata, name)
            kept = tuple(item for item in found if (KINDS[name], item.oid) not in lost)
            if len(kept) < len(found):
                values[name] = kept
        if not values:
            return after
        metadata = replace(after.metadata, **values)
        after = replace(after, odm=replace(after.odm, study=replace(after.study, metadata=metadata)))


def demand_no_dangling(before: DefineXml, after: DefineXml) -> Iterator[Mistake]:
    """Yield a mistake for each reference that an edit left without its definition, or without its variable."""
    if before == after:
        return
    known = _dangling(before)
    gone = _in_datasets(before) - _in_datasets(after)
    for (path, oid), kind in sorted({**_dangling(after), **_left_behind(after, gone)}.items()):
        if (path, oid) not in known:
            yield Mistake("define.xml", None, path, f"refers to the {kind} {oid}, which the specs no longer have")


def _in_datasets(define: DefineXml) -> set[str]:
    return {ref.item_oid or "" for dataset in define.metadata.datasets for ref in dataset.items}


def _left_behind(define: DefineXml, gone: set[str]) -> dict[tuple[str, str], str]:
    """Return conditions and analyses that refer to a variable no dataset has any more."""
    if not gone:
        return {}
    return {
        (path.rpartition("MetaDataVersion/")[2], oid): kind
        for path, element in walk(define.odm)
        if not isinstance(element, ItemRef)
        for kind, oid in references_of(element)
        if kind == "ItemDef" and oid in gone
    }


def _referred(define: DefineXml) -> set[tuple[str, str]]:
    return {found for _, element in walk(define.odm) for found in references_of(element)}


def _dangling(define: DefineXml) -> dict[tuple[str, str], str]:
    elements = list(walk(define.odm))
    defined = {(type(element).__name__, oid) for _, element in elements if (oid := oid_of(element))}
    return {
        (path.rpartition("MetaDataVersion/")[2], oid): kind
        for path, element in elements
        for kind, oid in references_of(element)
        if (kind, oid) not in defined
    }
