"""The tables a rule can be checked on, one per rule type of the format."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from .operations import standard_variables
from .operators import CannotRunError
from .rule_columns import Codes, Column, as_number, as_text, constant, encode
from .rule_data import LibraryVariable, RuleDataset, RuleStudy
from .rule_define import Define, Facts, ValueItem, has_data_type, rows_of
from .rule_frame import Frame, Loader, frame_of_columns

Table = Callable[[RuleStudy, RuleDataset], Frame]
ValueTable = Callable[[RuleStudy, RuleDataset], Iterator[Frame]]
RULE_TYPES: dict[str, Table] = {}


def rule_type(*names: str) -> Callable[[Table], Table]:
    """Register the table of a rule type under its names."""

    def register(function: Table) -> Table:
        RULE_TYPES.update(dict.fromkeys(names, function))
        return function

    return register


def _frame(rows: Sequence[Mapping[str, Any]], names: Iterable[str], prefix: str) -> Frame:
    columns = {name: encode([row.get(name) for row in rows]) for name in names}
    return frame_of_columns(columns, len(rows), prefix)


def _names(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def _define(study: RuleStudy) -> Define:
    if study.define is None:
        raise CannotRunError("needs a define.xml")
    return study.define


# records ------------------------------------------------------------------------------------------------------------


@rule_type("Record Data")
def record_data(study: RuleStudy, dataset: RuleDataset) -> Frame:
    """The records of the dataset."""
    return dataset.table


def _with_facts(frame: Frame, facts: Mapping[str, Any]) -> Frame:
    return frame.with_columns({name: constant(value, frame.length) for name, value in facts.items()})


@rule_type("Dataset Contents Check against Define XML")
def contents_and_define(study: RuleStudy, dataset: RuleDataset) -> Frame:
    """The records, with what the file and define.xml say of the dataset."""
    facts = dataset_facts(dataset) | _define(study).datasets.get(dataset.name, {})
    return _with_facts(dataset.table, facts)


@rule_type("Dataset Contents Check against Define XML and Library Metadata")
def contents_and_library(study: RuleStudy, dataset: RuleDataset) -> Frame:
    """As against define.xml, with the variables the standard has for the dataset."""
    facts = dataset_facts(dataset) | _define(study).datasets.get(dataset.name, {})
    listed = tuple(v.name for v in standard_variables(study, dataset))
    return _with_facts(dataset.table, {**facts, "library_dataset_variables": listed})


# datasets -----------------------------------------------------------------------------------------------------------


def dataset_facts(dataset: RuleDataset) -> Facts:
    """What a dataset's file says of it."""
    return {
        "dataset_name": dataset.name,
        "dataset_label": dataset.label,
        "dataset_location": dataset.filename,
        "dataset_size": dataset.size,
        "dataset_domain": dataset.domain,
        "dataset_columns": tuple(dataset.table.names),
        "record_count": dataset.table.length,
        "is_ap": bool(dataset.domain and len(dataset.domain) == 4 and dataset.domain.startswith("AP")),
        "ap_suffix": dataset.domain[2:] if dataset.domain and dataset.domain.startswith("AP") else None,
    }


@rule_type("Dataset Metadata Check")
def dataset_metadata(study: RuleStudy, dataset: RuleDataset) -> Frame:
    """One row: the dataset's metadata."""
    facts = dataset_facts(dataset)
    return _frame([facts | {"DOMAIN": dataset.domain}], [*facts, "DOMAIN"], dataset.prefix)


@rule_type("Dataset Metadata Check against Define XML")
def dataset_metadata_and_define(study: RuleStudy, dataset: RuleDataset) -> Frame:
    """One row: the dataset's metadata and define.xml's (empty where it does not describe the dataset)."""
    described = _define(study).datasets
    names = _names([dataset_facts(dataset), *described.values()])
    own = {} if dataset.kept.get("absent") else dataset_facts(dataset)
    return _frame([own | described.get(dataset.name, {})], names, dataset.prefix)


@rule_type("Define Item Group Metadata Check", "Define Item Group Metadata Check against Library Metadata")
def define_item_group(study: RuleStudy, dataset: RuleDataset) -> Frame:
    """One row: what define.xml says of the dataset."""
    described = _define(study).datasets
    rows = [described[dataset.name]] if dataset.name in described else []
    return _frame(rows, _names(list(described.values())), dataset.prefix)


@rule_type("Domain Presence Check")
def domain_presence(study: RuleStudy, dataset: RuleDataset) -> Frame:
    """One row with a column per dataset (and per domain) of the study, holding the file's name."""
    files: dict[str, str] = {}
    for held in study.datasets:
        files[held.name] = held.filename or held.name
    for held in study.datasets:
        files.setdefault(held.domain or held.name, held.filename or held.name)
    return _frame([files], files, dataset.prefix)


@rule_type("Domain Presence Check against Define XML")
def domain_presence_and_define(study: RuleStudy, dataset: RuleDataset) -> Frame:
    """One row per dataset of define.xml; `domain` and `filename` are empty where it is not submitted."""
    rows = []
    for name, facts in _define(study).datasets.items():
        held = study.dataset(name)
        rows.append({"domain": held and (held.domain or held.name), "filename": held and held.filename, **facts})
    return _frame(rows, _names(rows) or ["domain", "filename"], dataset.prefix)


# variables ----------------------------------------------------------------------------------------------------------


def variable_facts(dataset: RuleDataset) -> dict[str, Facts]:
    """What a dataset's file says of its variables."""
    found = {}
    for i, name in enumerate(dataset.table.names):
        metadata, column = dataset.variable(name), dataset.table.column(name)
        found[name] = {
            "variable_name": name,
            "variable_order_number": i + 1,
            "variable_label": metadata.label if metadata else None,
            "variable_size": metadata.length if metadata else None,
            "variable_data_type": metadata.type if metadata else ("Num" if column.is_numeric else "Char"),
            "variable_format": metadata.format if metadata else None,
            "variable_has_empty_values": bool(column.missing.any()),
            "variable_is_empty": bool(column.missing.all()),
            "variable_max_size": max((len(text) for text in column.texts), default=0),
        }
    return found


LIBRARY_WORDS = ("name", "order_number", "label", "data_type", "role", "core", "ccode", "has_codelist")


def library_facts(variables: Iterable[LibraryVariable]) -> dict[str, Facts]:
    """What the standard says of variables, under the names rules use."""
    return {
        v.name: {
            "library_variable_name": v.name,
            "library_variable_order_number": v.order,
            "library_variable_label": v.label,
            "library_variable_data_type": v.type,
            "library_variable_role": v.role,
            "library_variable_core": v.core,
            "library_variable_ccode": (v.codelists[0] if len(v.codelists) == 1 else v.codelists)
            if v.codelists
            else None,
            "library_variable_has_codelist": bool(v.codelists),
        }
        for v in variables
    }


def _define_words(study: RuleStudy) -> list[str]:
    return _names([facts for held in _define(study).variables.values() for facts in held.values()])


def _joined(base: Mapping[str, Facts], *others: Mapping[str, Facts]) -> list[Facts]:
    rows = []
    for name, facts in base.items():
        row = dict(facts)
        for other in others:
            row |= other.get(name, {})
        rows.append(row)
    return rows


@rule_type("Variable Metadata Check")
def variable_metadata(study: RuleStudy, dataset: RuleDataset) -> Frame:
    """One row per variable of the dataset."""
    facts = variable_facts(dataset)
    return _frame(list(facts.values()), _names(list(facts.values())), dataset.prefix)


@rule_type("Variable Metadata Check against Define XML")
def variable_metadata_and_define(study: RuleStudy, dataset: RuleDataset) -> Frame:
    """One row per variable of the dataset or of define.xml, with what both say."""
    facts, described = variable_facts(dataset), _define(study).variable_facts(dataset.name)
    rows = _joined(_union(facts, described), described)
    return _frame(rows, [*_names(list(facts.values())), *_define_words(study)], dataset.prefix)


def _union(first: Mapping[str, Facts], second: Mapping[str, Facts]) -> dict[str, Facts]:
    return {**first, **{name: {} for name in second if name not in first}}


def _library_words() -> list[str]:
    return [f"library_variable_{word}" for word in LIBRARY_WORDS]


@rule_type("Variable Metadata Check against Library Metadata")
def variable_metadata_and_library(study: RuleStudy, dataset: RuleDataset) -> Frame:
    """One row per variable of the dataset, with what the standard says of it."""
    facts, known = variable_facts(dataset), library_facts(standard_variables(study, dataset))
    rows = _joined(facts, known)
    return _frame(rows, [*_names(list(facts.values())), *_library_words()], dataset.prefix)


@rule_type(
    "Variables Metadata Check against Define XML and Library Metadata",
    "Variable Metadata Check against Define XML and Library Metadata",
)
def variable_metadata_define_library(study: RuleStudy, dataset: RuleDataset) -> Frame:
    """One row per variable of the dataset, define.xml or the standard, with what all say."""
    facts, described = variable_facts(dataset), _define(study).variable_facts(dataset.name)
    known = library_facts(standard_variables(study, dataset))
    rows = _joined(_union(_union(facts, described), known), described, known)
    rows = [row | _value_list_match(row) for row in rows]
    names = [*_names(list(facts.values())), *_define_words(study), *_library_words(), *_value_list_match({})]
    return _frame(rows, dict.fromkeys(names), dataset.prefix)


def _value_list_match(row: Mapping[str, Any]) -> Facts:
    codes, library = row.get("define_vlm_ccodes") or (), row.get("library_variable_ccode")
    allowed = set(library) if isinstance(library, tuple) else {library}
    return {
        "define_vlm_ccode_matches_library_all": bool(codes) and all(code in allowed for code in codes),
        "define_vlm_ccode_matches_library_any": any(code in allowed for code in codes),
    }


@rule_type("Define Item Metadata Check", "Define Codelist Metadata Check")
def define_item(study: RuleStudy, dataset: RuleDataset) -> Frame:
    """One row per variable that define.xml describes for the dataset."""
    described = _define(study).variable_facts(dataset.name)
    return _frame(list(described.values()), _define_words(study), dataset.prefix)


@rule_type("Define Item Metadata Check against Library Metadata")
def define_item_and_library(study: RuleStudy, dataset: RuleDataset) -> Frame:
    """One row per variable that define.xml describes for the dataset, with what the standard says."""
    described = _define(study).variable_facts(dataset.name)
    known = library_facts(standard_variables(study, dataset))
    return _frame(_joined(described, known), [*_define_words(study), *_library_words()], dataset.prefix)


# values ------------------------------------------------------------------------------------------------------------


def _of_value(dataset: RuleDataset, name: str, facts: Mapping[str, Any], words: Iterable[str]) -> Frame:
    """One row per record: the value of one variable, with facts of it."""
    table = dataset.table
    values, length = table.column(name), table.length
    columns = {
        "row_number": Column(range(1, length + 1), np.arange(length, dtype=np.int32)),
        "variable_name": constant(name, length),
        "variable_value": values,
    }
    loaders = {**frame_of_columns(columns, length).loaders, "variable_value_length": lambda: _lengths(values)}
    for word in words:
        loaders.setdefault(word, _constant_later(facts.get(word), length))
    return Frame(length, loaders, dataset.prefix)


def _lengths(values: Column) -> Column:
    return values.map(lambda value: len(as_text(value)))


def _constant_later(value: Any, length: int) -> Loader:
    return lambda: constant(value, length)


def stack(columns: Sequence[Column]) -> Column:
    """Put columns one after the other."""
    values: list[Any] = []
    codes: list[Codes] = []
    for column in columns:
        codes.append(np.where(column.codes < 0, -1, column.codes + len(values)))
        values.extend(column.values)
    return Column(values, np.concatenate(codes) if codes else np.zeros(0, dtype=np.intp))


VALUE_TYPES: dict[str, ValueTable] = {}
"""Rule types about single values: their tables are made one variable at a time, since all together are large."""


def value_type(name: str) -> Callable[[ValueTable], ValueTable]:
    """Register the tables of a rule type about values."""

    def register(function: ValueTable) -> ValueTable:
        VALUE_TYPES[name] = function
        RULE_TYPES[name] = _one_by_one
        return function

    return register


def _one_by_one(study: RuleStudy, dataset: RuleDataset) -> Frame:
    raise CannotRunError("is checked one variable at a time")


@value_type("Value Check with Dataset Metadata")
def value_and_dataset(study: RuleStudy, dataset: RuleDataset) -> Iterator[Frame]:
    """The values, with what the file says of their dataset."""
    facts = dataset_facts(dataset)
    return (_of_value(dataset, name, facts, facts) for name in dataset.table.names)


@value_type("Value Check with Variable Metadata")
def value_and_variable(study: RuleStudy, dataset: RuleDataset) -> Iterator[Frame]:
    """The values, with what the file says of their variable."""
    return (_of_value(dataset, name, facts, facts) for name, facts in variable_facts(dataset).items())


@value_type("Value Check against Define XML Variable")
def value_and_define(study: RuleStudy, dataset: RuleDataset) -> Iterator[Frame]:
    """The values, with what define.xml says of their variable."""
    described, words = _define(study).variable_facts(dataset.name), _define_words(study)
    return (_of_value(dataset, name, described.get(name, {}), words) for name in dataset.table.names)


@value_type("Value Check against Library Metadata")
def value_and_library(study: RuleStudy, dataset: RuleDataset) -> Iterator[Frame]:
    """The values, with what the standard says of their variable."""
    known = library_facts(standard_variables(study, dataset))
    return (_of_value(dataset, name, known.get(name, {}), _library_words()) for name in dataset.table.names)


@rule_type("Value Check against Define XML VLM", "Value Level Metadata Check against Define XML")
def value_and_value_list(study: RuleStudy, dataset: RuleDataset) -> Frame:
    """One row per value that a value list of define.xml describes, with what it says and the whole record."""
    items = [i for i in _define(study).value_items.get(dataset.name, ()) if dataset.table.has(i.variable)]
    found = [np.flatnonzero(rows_of(item, dataset.table)) for item in items]
    records = np.concatenate(found) if found else np.zeros(0, dtype=np.intp)
    place = np.repeat(np.arange(len(items), dtype=np.intp), [len(rows) for rows in found])
    values = stack([dataset.table.column(i.variable).take(rows) for i, rows in zip(items, found, strict=True)])
    columns = {name: dataset.table.column(name).take(records) for name in dataset.table.names}
    columns |= _value_columns(items, records, place, values)
    frame = frame_of_columns(columns, len(records), dataset.prefix)
    frame.records = records
    return frame


def _value_columns(items: Sequence[ValueItem], records: Codes, place: Codes, values: Column) -> dict[str, Column]:
    words = _names([item.facts for item in items])
    columns = {word: encode([item.facts.get(word) for item in items]).take(place) for word in words}
    columns["row_number"] = Column([i + 1 for i in range(int(records.max(initial=-1)) + 1)], records)
    columns["variable_name"] = encode([item.variable for item in items]).take(place)
    columns["define_variable_name"] = columns["variable_name"]
    columns["variable_value"] = values
    columns["variable_value_length"] = values.map(lambda value: len(as_text(value)))
    pairs, distinct = pd.factorize(place.astype(np.int64) * (len(values.values) + 1) + values.codes + 1)
    found = [divmod(pair, len(values.values) + 1) for pair in distinct.tolist()]
    checks = [_checks(items[p].facts, values.values[code - 1] if code else None) for p, code in found]
    columns["type_check"] = encode([check[0] for check in checks]).take(pairs)
    columns["length_check"] = encode([check[1] for check in checks]).take(pairs)
    return columns


def _checks(facts: Mapping[str, Any], value: Any) -> tuple[bool, bool]:
    """Whether a value has the type and the length its value list says; no value breaks neither."""
    if value is None:
        return True, True
    limit = as_number(facts.get("define_vlm_length"))
    return has_data_type(value, facts.get("define_vlm_data_type")), not len(as_text(value)) > limit


# other languages ----------------------------------------------------------------------------------------------------


@rule_type("JSONata", "JSON Schema Check")
def other_language(study: RuleStudy, dataset: RuleDataset) -> Frame:
    """Rules for study definitions in JSON (USDM)."""
    raise CannotRunError("is written for study definitions in JSON, not for datasets")
