"""What define.xml says, as far as rules ask for it (Define-XML 2.0 and 2.1): item groups, items, value lists, codelists."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from cdiscway.specs.mistakes import Mistake, MistakesError
from cdiscway.specs.safe_xml import parse_xml, read_xml

from .rule_columns import Mask, as_number, as_text
from .rule_dates import is_duration, is_valid_date, parse_date
from .rule_frame import Frame

Facts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class RangeCheck:
    """One test of a where clause: `variable` compared with `values`."""

    variable: str
    comparator: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ValueItem:
    """One item of a value list: what it says of `variable` where one of the clauses holds with all its tests."""

    variable: str
    facts: Mapping[str, Any]
    clauses: tuple[tuple[RangeCheck, ...], ...]


@dataclass(frozen=True)
class Define:
    """A define.xml: facts of each dataset and variable under the names rules use (`define_dataset_label`)."""

    datasets: Mapping[str, Facts]
    variables: Mapping[str, Mapping[str, Facts]]
    value_items: Mapping[str, Sequence[ValueItem]] = field(default_factory=dict)
    terminology: Mapping[str, str] = field(default_factory=dict)
    dictionaries: Mapping[str, str] = field(default_factory=dict)

    def variable_facts(self, dataset: str) -> Mapping[str, Facts]:
        """Facts of a dataset's variables, in the order of its ItemRefs; none for a dataset not described."""
        return self.variables.get(dataset, {})

    def terminology_date(self, kind: str) -> str | None:
        """The version of the CDISC/NCI terminology named for a kind (SDTM, ADaM)."""
        return self.terminology.get(kind.upper(), self.terminology.get(""))


def read_define(path: Path) -> Define:
    """Read a define.xml.

    Raises MistakesError where it is missing, not well-formed, declares a document type (no entity is expanded and no
    other file is read), or is no ODM file.
    """
    return _of_root(read_xml(path, path.name).getroot(), path.name)


def parse_define(content: bytes, name: str) -> Define:
    """Read a define.xml from memory; see `read_define`."""
    return _of_root(parse_xml(content, name).getroot(), name)


def _of_root(root: Any, name: str) -> Define:
    if _local(root.tag) != "ODM":
        raise MistakesError([Mistake(name, None, "", f"the root is {_local(root.tag)}, not ODM")])
    return _Reader(root).define()


def merged_defines(defines: Sequence[Define]) -> Define | None:
    """Return the define.xml of several packages as one (a dataset is described by the first that has it), or None."""
    if not defines:
        return None
    backwards = list(reversed(defines))
    return Define(
        {name: facts for define in backwards for name, facts in define.datasets.items()},
        {name: facts for define in backwards for name, facts in define.variables.items()},
        {name: items for define in backwards for name, items in define.value_items.items()},
        {kind: day for define in backwards for kind, day in define.terminology.items()},
        {name: version for define in backwards for name, version in define.dictionaries.items()},
    )


def _local(name: Any) -> str:
    return str(name).rpartition("}")[2]


def _children(element: Any, *names: str) -> Iterator[Any]:
    for child in element:
        if isinstance(child.tag, str) and _local(child.tag) in names:
            yield child


def _attribute(element: Any, name: str) -> str | None:
    """Return an attribute by its local name, whatever its namespace."""
    for key, value in element.attrib.items():
        if _local(key) == name:
            return str(value)
    return None


def _text_of(element: Any) -> str | None:
    """Return the first translated text of Description (or Decode)."""
    for found in element.iter():
        if isinstance(found.tag, str) and _local(found.tag) == "TranslatedText":
            return " ".join((found.text or "").split())
    return None


def _description(element: Any) -> str | None:
    found = next(_children(element, "Description"), None)
    return None if found is None else _text_of(found)


def _yes(text: str | None) -> bool:
    return text == "Yes"


class _Reader:
    def __init__(self, root: Any) -> None:
        self.root = root
        self.items = self.by_oid("ItemDef")
        self.codelists = self.by_oid("CodeList")
        self.value_lists = self.by_oid("ValueListDef")
        self.clauses = self.by_oid("WhereClauseDef")

    def every(self, name: str) -> Iterator[Any]:
        return (e for e in self.root.iter() if isinstance(e.tag, str) and _local(e.tag) == name)

    def by_oid(self, name: str) -> dict[str, Any]:
        return {str(e.get("OID")): e for e in self.every(name)}

    def define(self) -> Define:
        groups = {str(group.get("Name")): group for group in self.every("ItemGroupDef")}
        variables = {name: self.variables(group) for name, group in groups.items()}
        return Define(
            {name: self.dataset(group, list(variables[name])) for name, group in groups.items()},
            variables,
            {name: tuple(self.value_items(group)) for name, group in groups.items()},
            self.terminology(),
            {str(e.get("Dictionary")).lower(): str(e.get("Version") or "") for e in self.every("ExternalCodeList")},
        )

    def dataset(self, group: Any, names: list[str]) -> Facts:
        references = list(_children(group, "ItemRef"))
        ordered = sorted(
            range(len(references)), key=lambda i: (as_number(references[i].get("OrderNumber") or i + 1), i)
        )
        keys = [r for r in references if r.get("KeySequence")]
        keys.sort(key=lambda r: as_number(r.get("KeySequence")))
        leaf = next(_children(group, "leaf"), None)
        held = next(_children(group, "Class"), None)
        return {
            "define_dataset_name": group.get("Name"),
            "define_dataset_label": _description(group),
            "define_dataset_location": None if leaf is None else _attribute(leaf, "href"),
            "define_dataset_domain": group.get("Domain"),
            "define_dataset_class": _attribute(group, "Class") if held is None else held.get("Name"),
            "define_dataset_structure": _attribute(group, "Structure"),
            "define_dataset_is_non_standard": _attribute(group, "IsNonStandard"),
            "define_dataset_has_no_data": _yes(_attribute(group, "HasNoData")),
            "define_dataset_key_sequence": tuple(self.name_of(r) for r in keys),
            "define_dataset_variables": tuple(names),
            "define_dataset_variable_order": tuple(names[i] for i in ordered if i < len(names)),
        }

    def name_of(self, reference: Any) -> str:
        item = self.items.get(str(reference.get("ItemOID")))
        return "" if item is None else str(item.get("Name"))

    def variables(self, group: Any) -> dict[str, Facts]:
        found: dict[str, Facts] = {}
        for i, reference in enumerate(_children(group, "ItemRef")):
            item = self.items.get(str(reference.get("ItemOID")))
            if item is not None:
                facts = self.facts(reference, item, "define_variable_", i + 1)
                found[str(item.get("Name"))] = {**facts, **self.value_list_facts(item)}
        return found

    def facts(self, reference: Any, item: Any, prefix: str, order: int) -> Facts:
        origin = next(_children(item, "Origin"), None)
        kind = None if origin is None else origin.get("Type")
        facts = {
            "name": item.get("Name"),
            "label": _description(item),
            "data_type": item.get("DataType"),
            "role": reference.get("Role"),
            "size": _integer(item.get("Length")),
            "length": _integer(item.get("Length")),
            "format": _attribute(item, "DisplayFormat"),
            "origin_type": kind,
            "is_collected": kind in {"Collected", "CRF"},
            "has_no_data": _attribute(reference, "HasNoData"),
            "order_number": _integer(reference.get("OrderNumber")) or order,
            "mandatory": reference.get("Mandatory"),
            "has_comment": _attribute(item, "CommentOID") is not None,
            "has_method": reference.get("MethodOID") is not None,
            **self.codelist_facts(item),
        }
        return {prefix + name: value for name, value in facts.items()}

    def codelist_facts(self, item: Any) -> Facts:
        reference = next(_children(item, "CodeListRef"), None)
        codelist = None if reference is None else self.codelists.get(str(reference.get("CodeListOID")))
        terms = [] if codelist is None else list(_children(codelist, "CodeListItem", "EnumeratedItem"))
        return {
            "has_codelist": reference is not None,
            "ccode": None if codelist is None else _alias(codelist),
            "codelist_coded_values": tuple(str(t.get("CodedValue")) for t in terms),
            "codelist_coded_codes": tuple(code for t in terms if (code := _alias(t))),
            "allowed_terms": tuple(text for t in terms if (text := _text_of(t))),
        }

    def value_list_facts(self, item: Any) -> Facts:
        found = [self.items[o] for r in self.references(item) if (o := str(r.get("ItemOID"))) in self.items]
        held = [self.codelist_facts(value_item) for value_item in found]
        codes = [facts["ccode"] for facts in held]
        return {
            "define_vlm_present": bool(found),
            "define_vlm_item_count": len(found),
            "define_vlm_ccodes": tuple(dict.fromkeys(code for code in codes if code)),
            "define_vlm_ccode_missing_any": any(not code for code in codes),
            "define_vlm_has_codelist_all": bool(held) and all(facts["has_codelist"] for facts in held),
            "define_vlm_has_codelist_any": any(facts["has_codelist"] for facts in held),
        }

    def references(self, item: Any) -> list[Any]:
        reference = next(_children(item, "ValueListRef"), None)
        listed = None if reference is None else self.value_lists.get(str(reference.get("ValueListOID")))
        return [] if listed is None else list(_children(listed, "ItemRef"))

    def value_items(self, group: Any) -> Iterator[ValueItem]:
        for reference in _children(group, "ItemRef"):
            item = self.items.get(str(reference.get("ItemOID")))
            for i, inner in enumerate([] if item is None else self.references(item)):
                described = self.items.get(str(inner.get("ItemOID")))
                if described is not None and item is not None:
                    facts = self.facts(inner, described, "define_vlm_", i + 1)
                    yield ValueItem(str(item.get("Name")), facts, tuple(self.tests_of(inner)))

    def tests_of(self, reference: Any) -> Iterator[tuple[RangeCheck, ...]]:
        for clause in _children(reference, "WhereClauseRef"):
            definition = self.clauses.get(str(clause.get("WhereClauseOID")))
            if definition is not None:
                yield tuple(self.range_checks(definition))

    def range_checks(self, definition: Any) -> Iterator[RangeCheck]:
        for check in _children(definition, "RangeCheck"):
            item = self.items.get(str(_attribute(check, "ItemOID")))
            values = tuple((v.text or "").strip() for v in _children(check, "CheckValue"))
            if item is not None:
                yield RangeCheck(str(item.get("Name")), str(check.get("Comparator")), values)

    def terminology(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for standard in self.every("Standard"):
            if standard.get("Type") == "CT" and standard.get("Version"):
                found.setdefault(str(standard.get("PublishingSet") or "").upper(), str(standard.get("Version")))
        return found


def _integer(text: str | None) -> int | None:
    return int(text) if text and re.fullmatch(r"\d+", text) else None


def _alias(element: Any) -> str | None:
    found = [a for a in _children(element, "Alias") if str(a.get("Context", "")).startswith("nci:ExtCodeID")]
    return str(found[0].get("Name")) if found else None


def rows_of(item: ValueItem, table: Frame) -> Mask:
    """Return the records of a dataset that a value item describes: one of its clauses holds, or it has none."""
    if not item.clauses:
        return np.ones(table.length, dtype=bool)
    return np.asarray(np.logical_or.reduce([_clause_holds(clause, table) for clause in item.clauses]))


def _clause_holds(clause: tuple[RangeCheck, ...], table: Frame) -> Mask:
    keep = np.ones(table.length, dtype=bool)
    for test in clause:
        if not table.has(test.variable):
            return np.zeros(table.length, dtype=bool)
        keep &= table.column(test.variable).where(functools.partial(_holds, test), missing=_absent_holds(test))
    return keep


def _absent_holds(test: RangeCheck) -> bool:
    return test.comparator in {"NE", "NOTIN"} or (test.comparator == "EQ" and test.values == ("",))


def _holds(test: RangeCheck, value: Any) -> bool:
    text, number = as_text(value), as_number(value)
    if test.comparator in {"EQ", "IN"}:
        return text in test.values
    if test.comparator in {"NE", "NOTIN"}:
        return text not in test.values
    limit = as_number(test.values[0]) if test.values else float("nan")
    ordered = {"LT": number < limit, "LE": number <= limit, "GT": number > limit, "GE": number >= limit}
    return bool(ordered.get(test.comparator, False))


def has_data_type(value: Any, data_type: str | None) -> bool:
    """Whether a value is of a Define-XML data type (2.1, section 4.3.1)."""
    text = as_text(value)
    if data_type == "integer":
        return re.fullmatch(r"[+-]?\d+", text) is not None
    if data_type in {"float", "double"}:
        return not np.isnan(as_number(value))
    if data_type in {"datetime", "date", "partialDate", "partialDatetime", "incompleteDatetime"}:
        return is_valid_date(text) and (data_type != "date" or len(parse_date(text) or ()) == 3)
    if data_type == "durationDatetime":
        return is_duration(text, negative=True)
    return True
