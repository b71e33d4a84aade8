"""Define-XML conformance rules that the schema cannot hold (Define-XML 2.1, sections 4 and 5, in own words).

Each rule is one generator over the index of a file; it yields (severity, dataset, variable, message).
"""

from __future__ import annotations

import re
from collections import Counter

from cdiscway.validation.finding import Finding

from . import conformance_parts as _parts  # noqa: F401 - registers its rules
from .conformance_rules import RULES, Report, all_items, all_variables, rule
from .index import Index, number
from .model import CodeList, ItemDef, ItemGroupDef, RangeCheck, WhereClauseDef

MEASURED = ("text", "integer", "float")
ONE_VALUE = ("EQ", "NE", "LT", "LE", "GT", "GE")
NEEDS_SOURCE = ("Collected", "Derived", "Assigned", "Protocol")
LONGEST_TEXT = 200
"""Bytes of text a SAS V5 transport file holds."""


def conformance_findings(index: Index) -> list[Finding]:
    """Return the findings of all rules."""
    return [
        Finding(rule=rule, severity=severity, dataset=dataset, variable=variable, message=message, fix_in="spec")
        for rule, judges in RULES.items()
        for judge in judges
        for severity, dataset, variable, message in judge(index)
    ]


@rule("CDW-DEF-LENGTH")
def judge_lengths(index: Index) -> Report:
    """Text, integer and float have a Length, float has SignificantDigits; no other type has them."""
    for dataset, name, item in all_items(index):
        measured = item.data_type in MEASURED
        if measured and item.length is None:
            yield "error", dataset, name, f"{item.data_type} needs a Length"
        if not measured and item.length is not None:
            yield "warning", dataset, name, f"{item.data_type} has no Length, but {item.length} is given"
        if item.data_type == "float" and item.significant_digits is None:
            yield "error", dataset, name, "float needs SignificantDigits"
        if item.data_type != "float" and item.significant_digits is not None:
            yield "warning", dataset, name, f"{item.data_type} has no SignificantDigits"
        yield from _sizes(dataset, name, item)


def _sizes(dataset: str, name: str, item: ItemDef) -> Report:
    length, digits = number(item.length), number(item.significant_digits)
    if length == 0:
        yield "error", dataset, name, "a Length of 0 holds nothing"
    if item.data_type == "text" and length is not None and length > LONGEST_TEXT:
        yield "error", dataset, name, f"its Length is {length}; a transport file holds {LONGEST_TEXT} bytes of text"
    if length and digits is not None and digits >= length:
        yield "error", dataset, name, f"its {digits} SignificantDigits do not fit into a Length of {length}"


@rule("CDW-DEF-ORIGIN")
def judge_origins(index: Index) -> Report:
    """Each variable has an origin, itself or in each of its value-level definitions."""
    for variable in all_variables(index):
        values = list(index.values(variable))
        empty = variable.ref.has_no_data or variable.dataset.has_no_data
        if not variable.item.origins and not empty and not (values and all(value.item.origins for value in values)):
            yield "error", variable.dataset.name or "", variable.name, "has no Origin"


@rule("CDW-DEF-ORIGIN-SOURCE")
def judge_origin_sources(index: Index) -> Report:
    """In 2.1 an origin names its source; a predecessor names the variable it is copied from."""
    if index.define.version != "2.1":
        return
    for dataset, name, item in all_items(index):
        for origin in item.origins:
            if origin.type in NEEDS_SOURCE and not origin.source:
                yield "warning", dataset, name, f"the Origin {origin.type} needs a Source"
            if origin.type == "Predecessor" and not origin.description:
                yield "warning", dataset, name, "the Origin Predecessor needs a Description: the variable copied"


@rule("CDW-DEF-METHOD")
def judge_methods(index: Index) -> Report:
    """What is derived has a method, itself or in its value-level definitions."""
    for variable in all_variables(index):
        values = list(index.values(variable))
        if variable.ref.method_oid or any(value.ref.method_oid for value in values):
            continue
        if any(origin.type == "Derived" for origin in variable.item.origins):
            yield "error", variable.dataset.name or "", variable.name, "is derived, but has no method"


@rule("CDW-DEF-NO-DATA")
def judge_no_data(index: Index) -> Report:
    """What has no data has a comment that says why."""
    for dataset in index.define.metadata.datasets:
        if dataset.has_no_data and not dataset.comment_oid:
            yield "warning", dataset.name or "", "", "has no data, but no comment says why"
    for variable in all_variables(index):
        if variable.ref.has_no_data and not variable.item.comment_oid and not variable.dataset.has_no_data:
            yield "warning", variable.dataset.name or "", variable.name, "has no data, but no comment says why"


@rule("CDW-DEF-STANDARD")
def judge_standards(index: Index) -> Report:
    """In 2.1 datasets and codelists follow a standard of the file, or are marked as non-standard; not both."""
    if index.define.version != "2.1":
        return
    listed = index.define.metadata.standards.standards if index.define.metadata.standards else ()
    for kind in ("IG", "CT"):
        if not any(standard.type == kind for standard in listed):
            yield "error" if kind == "IG" else "warning", "define.xml", "", f"names no standard of type {kind}"
    things: list[tuple[str, str, ItemGroupDef | CodeList]] = [
        *((dataset.name or "", "", dataset) for dataset in index.define.metadata.datasets),
        *(("define.xml", item.oid or "", item) for item in index.define.metadata.codelists if not item.external),
    ]
    for dataset, name, thing in things:
        if not thing.standard_oid and not thing.is_non_standard:
            yield "error", dataset, name, "follows no standard, and is not marked as non-standard"
        if thing.standard_oid and thing.is_non_standard:
            yield "error", dataset, name, "follows a standard, and is marked as non-standard"


@rule("CDW-DEF-DATASET")
def judge_datasets(index: Index) -> Report:
    """A dataset has a label, a class, keys, a domain (tabulations), and a file where it has data, and only there."""
    for dataset in index.define.metadata.datasets:
        name = dataset.name or ""
        if not dataset.description or not dataset.description.text:
            yield "error", name, "", "has no label"
        if not dataset.class_name:
            yield "error", name, "", "has no class"
        if not any(ref.key_sequence for ref in dataset.items):
            yield "error", name, "", "has no keys (KeySequence)"
        if dataset.purpose == "Tabulation" and not dataset.domain:
            yield "error", name, "", "is a tabulation, but has no Domain"
        if not dataset.has_no_data and not dataset.leaf:
            yield "error", name, "", "has data, but no file (def:leaf)"
        if dataset.has_no_data and dataset.leaf:
            yield "warning", name, "", "has no data, but names a file (def:leaf)"
        if dataset.is_reference_data == "Yes" and dataset.repeating == "Yes":
            yield "warning", name, "", "is reference data: no subject can have several records (Repeating)"
        if dataset.leaf and dataset.archive_location_id != dataset.leaf.id:
            yield (
                "error",
                name,
                "",
                f"ArchiveLocationID {dataset.archive_location_id} is not its leaf {dataset.leaf.id}",
            )


@rule("CDW-DEF-ORDER")
def judge_order(index: Index) -> Report:
    """OrderNumber rises in the order of the file; KeySequence counts 1, 2, 3; nothing is listed twice."""
    for name, count in Counter(dataset.name for dataset in index.define.metadata.datasets).items():
        if count > 1:
            yield "error", name or "", "", f"is described {count} times"
    for dataset in index.define.metadata.datasets:
        for name, count in Counter(variable.name for variable in index.variables(dataset)).items():
            if count > 1:
                yield "error", dataset.name or "", name, f"is listed {count} times"
        orders = [number(ref.order_number) for ref in dataset.items]
        given = [order for order in orders if order is not None]
        if given and len(given) < len(orders):
            yield "error", dataset.name or "", "", "gives OrderNumber to some variables only"
        if given != sorted(given):
            yield "error", dataset.name or "", "", "its variables do not stand in the order of OrderNumber"
        keys = sorted(key for ref in dataset.items if (key := number(ref.key_sequence)) is not None)
        if keys != list(range(1, len(keys) + 1)):
            yield "error", dataset.name or "", "", f"KeySequence is {', '.join(map(str, keys))}"


@rule("CDW-DEF-NAME")
def judge_names(index: Index) -> Report:
    """Names fit a transport file: letters and digits, at most 8; labels have at most 40 characters."""
    for dataset in index.define.metadata.datasets:
        yield from _name(dataset.name or "", "", dataset.name or "")
        if dataset.sas_dataset_name and dataset.sas_dataset_name != dataset.name:
            yield "warning", dataset.name or "", "", f"its SASDatasetName is {dataset.sas_dataset_name}"
    for variable in all_variables(index):
        field = variable.item.sas_field_name
        if field and field != variable.name:
            yield "warning", variable.dataset.name or "", variable.name, f"its SASFieldName is {field}"
        yield from _name(variable.dataset.name or "", variable.name, variable.name)
        if not variable.label:
            yield "error", variable.dataset.name or "", variable.name, "has no label"
        elif len(variable.label) > 40:
            yield "error", variable.dataset.name or "", variable.name, f"its label has {len(variable.label)} characters"


def _name(dataset: str, variable: str, name: str) -> Report:
    if not re.fullmatch(r"[A-Z][A-Z0-9_]{0,7}", name):
        yield "error", dataset, variable, f"{name!r} cannot be a name in a transport file"


@rule("CDW-DEF-CODELIST")
def judge_codelists(index: Index) -> Report:
    """A codelist has terms, each once; the sponsor's own terms in a CDISC codelist are marked as extended."""
    for codelist in index.define.metadata.codelists:
        oid = codelist.oid or ""
        if not codelist.values and not codelist.external:
            yield "error", "define.xml", oid, "has no terms"
        if codelist.items and codelist.enumerated:
            yield "error", "define.xml", oid, "mixes terms with and without decodes"
        for value, count in Counter(codelist.values).items():
            if count > 1:
                yield "error", "define.xml", oid, f"holds the term {value!r} {count} times"
        if any(alias.context == "nci:ExtCodeID" for alias in codelist.aliases):
            yield from _extended(codelist)


def _extended(codelist: CodeList) -> Report:
    for term in codelist.terms:
        coded = any(alias.context == "nci:ExtCodeID" for alias in term.aliases)
        if not coded and not term.extended_value:
            message = f"the term {term.coded_value!r} has no NCI code and is not marked as extended"
            yield "warning", "define.xml", codelist.oid or "", message
        if coded and term.extended_value:
            message = f"the term {term.coded_value!r} has an NCI code, but is marked as extended"
            yield "error", "define.xml", codelist.oid or "", message


@rule("CDW-DEF-CODELIST-TYPE")
def judge_codelist_types(index: Index) -> Report:
    """A codelist has the data type of the variables that use it."""
    for dataset, name, item in all_items(index):
        codelist = index.codelist(item)
        if codelist and not codelist.external and _kind(codelist.data_type) != _kind(item.data_type):
            yield "error", dataset, name, f"is {item.data_type}, its codelist {codelist.oid} is {codelist.data_type}"


def _kind(data_type: str | None) -> str:
    return "number" if data_type in ("integer", "float") else "text"


@rule("CDW-DEF-VALUE-LIST")
def judge_value_lists(index: Index) -> Report:
    """Value-level definitions have conditions, each its own; QVAL of supplemental qualifiers has them."""
    for variable in all_variables(index):
        dataset = variable.dataset.name or ""
        values = list(index.values(variable))
        if variable.name == "QVAL" and not values and not variable.dataset.has_no_data:
            yield "error", dataset, "QVAL", "has no value-level metadata"
        for value in values:
            if not value.where:
                yield "error", dataset, variable.name, f"the value-level definition {value.item.oid} has no condition"
        used = Counter(where.oid for value in values for where in value.where)
        for oid, count in used.items():
            if count > 1:
                yield "error", dataset, variable.name, f"the condition {oid} stands for {count} definitions"


@rule("CDW-DEF-WHERE")
def judge_where_clauses(index: Index) -> Report:
    """EQ and the like compare with one value; the values are terms of the variable; joins are explained."""
    for clause in index.define.metadata.where_clauses:
        datasets: set[str] = set()
        for check in clause.checks:
            yield from _comparator(clause, check)
            item = index.items.get(check.item_oid or "")
            if item is not None:
                yield from _terms(index, clause, check, item)
                owners = {variable.dataset.name or "" for variable in index.owners(item)}
                datasets |= owners if len(owners) == 1 else set()
        if len(datasets) > 1 and not clause.comment_oid:
            message = f"{clause.oid} joins {' and '.join(sorted(datasets))}, but no comment says how"
            yield "warning", "define.xml", "", message


def _comparator(clause: WhereClauseDef, check: RangeCheck) -> Report:
    if check.comparator in ONE_VALUE and len(check.values) != 1:
        message = f"{clause.oid}: {check.comparator} compares with one value, {len(check.values)} are given"
        yield "error", "define.xml", "", message


def _terms(index: Index, clause: WhereClauseDef, check: RangeCheck, item: ItemDef) -> Report:
    codelist = index.codelist(item)
    if codelist is None or codelist.external or check.comparator not in ("EQ", "NE", "IN", "NOTIN"):
        return
    for value in check.values:
        if value.text not in codelist.values:
            message = f"{clause.oid}: {value.text!r} is no term of {codelist.oid}"
            yield "error", "define.xml", item.name or "", message


@rule("CDW-DEF-CRF")
def judge_crf(index: Index) -> Report:
    """What is collected names the pages of the annotated CRF, or says in words where it comes from."""
    for dataset, name, item in all_items(index):
        for origin in item.origins:
            told = origin.documents or origin.description or origin.source in ("Sponsor", "Vendor")
            if origin.type in ("Collected", "CRF") and not told:
                yield "warning", dataset, name, "is collected, but neither CRF pages nor a description say where"
