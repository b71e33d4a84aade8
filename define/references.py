"""OIDs: each defined once, each reference to one that exists, and of the right kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from cdiscway.validation.finding import Finding, Severity

from .model import DefineXml, Element, Leaf, walk

REFERENCES = {
    "item_oid": "ItemDef",
    "codelist_oid": "CodeList",
    "role_codelist_oid": "CodeList",
    "value_list_oid": "ValueListDef",
    "where_clause_oid": "WhereClauseDef",
    "method_oid": "MethodDef",
    "comment_oid": "CommentDef",
    "standard_oid": "Standard",
    "leaf_id": "Leaf",
    "archive_location_id": "Leaf",
    "item_group_oid": "ItemGroupDef",
    "parameter_oid": "ItemDef",
}
"""A field that refers -> the element it must refer to."""
EXPECTED_UNUSED = ("ItemGroupDef", "Standard", "ODM", "Study", "MetaDataVersion", "ResultDisplay", "AnalysisResult")


def reference_findings(define: DefineXml) -> list[Finding]:
    """Return findings for OIDs defined twice, references to nothing, and definitions nobody refers to."""
    elements = list(walk(define.odm))
    defined = Counter((type(item).__name__, oid) for _, item in elements if (oid := oid_of(item)))
    referred = {(kind, oid) for _, item in elements for kind, oid in references_of(item)}
    return [*_duplicates(elements), *_dangling(elements, set(defined)), *_unused(defined, referred)]


def oid_of(element: Element) -> str | None:
    """Return the OID (or the ID of a leaf) an element defines."""
    found = element.id if isinstance(element, Leaf) else getattr(element, "oid", None)
    return found if isinstance(found, str) else None


def references_of(element: Element) -> Iterator[tuple[str, str]]:
    """Yield what an element refers to: kind of the element meant, OID."""
    for name, kind in REFERENCES.items():
        oid = getattr(element, name, None)
        if isinstance(oid, str):
            yield kind, oid


def _duplicates(elements: list[tuple[str, Element]]) -> Iterator[Finding]:
    counted = Counter(oid for _, item in elements if (oid := oid_of(item)))
    for oid, count in sorted(counted.items()):
        if count > 1:
            yield _finding("CDW-DEF-OID-UNIQUE", "error", f"the OID {oid} is defined {count} times", oid)


def _dangling(elements: list[tuple[str, Element]], defined: set[tuple[str, str]]) -> Iterator[Finding]:
    for path, item in elements:
        for kind, oid in references_of(item):
            if (kind, oid) not in defined:
                message = f"{path.rpartition('MetaDataVersion/')[2]} refers to the {kind} {oid}, which is not defined"
                yield _finding("CDW-DEF-OID-REF", "error", message, oid)


def _unused(defined: Counter[tuple[str, str]], referred: set[tuple[str, str]]) -> Iterator[Finding]:
    for kind, oid in sorted(set(defined) - referred):
        if kind not in EXPECTED_UNUSED:
            yield _finding("CDW-DEF-OID-UNUSED", "warning", f"the {kind} {oid} is referred to by nothing", oid)


def _finding(rule: str, severity: Severity, message: str, oid: str) -> Finding:
    return Finding(rule=rule, severity=severity, dataset="define.xml", message=message, value=oid, fix_in="spec")
