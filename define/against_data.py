"""Hold a define.xml against the data, both ways: what it says that the data do not, and the other way round.

Works on distinct values; conditions of value-level metadata are evaluated on the distinct combinations of the variables
they name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from cdiscway.converters.dataset import DatasetMetadata, VariableMetadata
from cdiscway.validation.finding import Finding, NotRun, Severity

from .index import Index, Value, Variable, keys_of, number
from .measure import NUMBERS, PATTERNS, arrow_text, distinct, measure_numbers
from .model import ItemDef, ItemGroupDef, RangeCheck, WhereClauseDef
from .terms import texts_of

Datasets = Mapping[str, tuple[pd.DataFrame, DatasetMetadata]]
Mask = np.ndarray[Any, np.dtype[np.bool_]]
Broken = tuple[str, Severity, str, str]
SHOWN = 5
TYPE, LENGTH, TERM = "CDW-DEF-DATA-TYPE", "CDW-DEF-DATA-LENGTH", "CDW-DEF-DATA-TERM"


class UnreachableError(Exception):
    """A condition names a variable that cannot be joined to the records; the text says why."""


@dataclass
class _Report:
    """Gathers what is found."""

    findings: list[Finding]
    not_run: list[NotRun]

    def add(self, rule: str, severity: Severity, dataset: str, variable: str, message: str, **more: Any) -> None:
        self.findings.append(Finding(rule, severity, dataset, message, variable, **more))


def check_against_data(index: Index, datasets: Datasets) -> tuple[list[Finding], list[NotRun]]:
    """Return what differs between a define.xml and the data of its package, and what could not be checked.

    `datasets` are frames as `converters.readers.xpt.read` returns them, by name, with the metadata of their files.
    """
    report = _Report([], [])
    defined = {dataset.name or "": dataset for dataset in index.define.metadata.datasets}
    for name in sorted(set(datasets) - set(defined)):
        report.add("CDW-DEF-DATA-EXTRA", "error", name, "", "is in the data, but not in the define.xml", fix_in="spec")
    for name, dataset in defined.items():
        if name in datasets:
            _check_dataset(report, index, dataset, datasets)
        elif not dataset.has_no_data:
            report.add("CDW-DEF-DATA-MISSING", "error", name, "", "is in the define.xml, but not in the data")
    return report.findings, report.not_run


def _check_dataset(report: _Report, index: Index, dataset: ItemGroupDef, datasets: Datasets) -> None:
    name = dataset.name or ""
    frame, metadata = datasets[name]
    if dataset.has_no_data and len(frame):
        report.add("CDW-DEF-DATA-HAS-DATA", "error", name, "", "is said to have no data", records=len(frame))
    label = dataset.description.text if dataset.description else ""
    if label != metadata.label:
        message = f"its label is {metadata.label!r} in the data, {label!r} in the define.xml"
        report.add("CDW-DEF-DATA-LABEL", "error", name, "", message)
    variables = list(index.variables(dataset))
    _check_names(report, name, [variable.name for variable in variables], list(frame.columns))
    files = {variable.name: variable for variable in metadata.variables}
    for variable in variables:
        if variable.name in frame.columns and variable.name in files:
            _check_file(report, variable, files[variable.name])
            _check_content(report, index, variable, frame[variable.name])
    _check_keys(report, name, keys_of(variables), frame)
    for variable in variables:
        if variable.name in frame.columns:
            _check_values(report, index, variable, datasets)


def _check_names(report: _Report, dataset: str, said: list[str], held: list[str]) -> None:
    for name in said:
        if name not in held:
            report.add("CDW-DEF-DATA-VARIABLE", "error", dataset, name, "is in the define.xml, but not in the data")
    for name in held:
        if name not in said:
            report.add("CDW-DEF-DATA-VARIABLE", "error", dataset, name, "is in the data, but not in the define.xml")
    for name in sorted({name for name in said if said.count(name) > 1}):
        report.add("CDW-DEF-DATA-VARIABLE", "error", dataset, name, "is in the define.xml more than once")
    common = [name for name in dict.fromkeys(said) if name in held]
    there = [name for name in held if name in said]
    if common != there:
        first = next(a for a, b in zip(common, there, strict=True) if a != b)
        message = f"the variables stand in another order than in the data, from {first} on"
        report.add("CDW-DEF-DATA-ORDER", "error", dataset, first, message)


def _check_file(report: _Report, variable: Variable, file: VariableMetadata) -> None:
    """Compare type, label, length and format with the header of the file."""
    dataset, name, item = variable.dataset.name or "", variable.name, variable.item
    numeric = item.data_type in ("integer", "float") or (file.type == "Num" and bool(item.display_format))
    if (file.type == "Num") != numeric:
        message = f"is {item.data_type} in the define.xml, {file.type} in the data"
        report.add("CDW-DEF-DATA-TYPE", "error", dataset, name, message)
    if variable.label != file.label:
        message = f"its label is {file.label!r} in the data, {variable.label!r} in the define.xml"
        report.add("CDW-DEF-DATA-LABEL", "error", dataset, name, message)
    length = number(item.length)
    if item.data_type == "text" and file.type == "Char" and length is not None and length != file.length:
        message = f"its length is {file.length} in the data, {length} in the define.xml"
        report.add("CDW-DEF-DATA-LENGTH", "error", dataset, name, message)
    said = item.display_format or ""
    if file.format and file.type == "Num" and said.strip(".").casefold() != file.format.strip(".").casefold():
        message = f"its format is {file.format} in the data, {said or 'none'} in the define.xml"
        report.add("CDW-DEF-DATA-FORMAT", "warning", dataset, name, message)


def _check_content(report: _Report, index: Index, variable: Variable, column: pd.Series[Any]) -> None:
    """Compare what the variable holds with its data type, length, codelist, and with Mandatory and HasNoData."""
    dataset, name = variable.dataset.name or "", variable.name
    missing = int(column.isna().sum())
    if variable.ref.mandatory == "Yes" and missing:
        report.add("CDW-DEF-DATA-MANDATORY", "error", dataset, name, "is mandatory, but is missing", records=missing)
    if variable.ref.has_no_data and missing < len(column):
        message = "is said to have no data"
        report.add("CDW-DEF-DATA-HAS-DATA", "error", dataset, name, message, records=len(column) - missing)
    for rule, severity, message, value in judge_values(index, variable.item, distinct(column)):
        report.add(rule, severity, dataset, name, message, value=value)


def judge_values(index: Index, item: ItemDef, values: pd.Series[Any]) -> Iterator[Broken]:
    """Yield what distinct values break of a definition (type, length, codelist): rule, severity, message, a value."""
    if values.empty:
        return
    if pd.api.types.is_numeric_dtype(values.dtype):
        yield from _judge_numbers(item, values)
    else:
        yield from _judge_texts(item, values)
    codelist = index.codelist(item)
    if codelist is not None and not codelist.external:
        known = set(codelist.values)
        unknown = sorted({text for text in texts_of(values) if text not in known})
        if unknown:
            yield TERM, "error", f"{_listed(unknown)} not in the codelist {codelist.oid}", unknown[0]


def _judge_numbers(item: ItemDef, values: pd.Series[Any]) -> Iterator[Broken]:
    found = measure_numbers(values)
    largest = texts_of(values.iloc[[int(values.abs().to_numpy().argmax())]])[0]
    if item.data_type == "integer" and found.data_type == "float":
        first = texts_of(values[values != values.round()].head(1))[0]
        yield TYPE, "error", "is an integer in the define.xml, but holds decimals", first
    whole = (found.length or 0) - (found.significant_digits + 1 if found.significant_digits else 0)
    length, digits = number(item.length), number(item.significant_digits) or 0
    if length is not None and whole > length - (digits + 1 if digits else 0):
        shown = f"Length {length}" + (f" with {digits} decimals" if digits else "")
        yield LENGTH, "error", f"holds numbers too long for {shown}", largest


def _judge_texts(item: ItemDef, values: pd.Series[Any]) -> Iterator[Broken]:
    array = arrow_text(values)
    pattern = PATTERNS.get(item.data_type or "")
    if pattern is not None:
        wrong = values[~_mask(pc.match_substring_regex(array, f"^({pattern})$"))]
        if len(wrong):
            severity: Severity = "error" if item.data_type in NUMBERS else "warning"
            yield TYPE, severity, f"is {item.data_type} in the define.xml, but holds other text", str(wrong.iloc[0])
    length = number(item.length)
    if length is not None:
        sizes = pc.binary_length(array).to_numpy(zero_copy_only=False)
        if sizes.max() > length:
            longest = str(values.iloc[int(sizes.argmax())])
            yield LENGTH, "error", f"holds text of {sizes.max()} bytes, too long for Length {length}", longest


def _mask(array: Any) -> Mask:
    return np.asarray(array.to_numpy(zero_copy_only=False), dtype=np.bool_)


def _listed(values: list[str]) -> str:
    shown = ", ".join(repr(value) for value in values[:SHOWN])
    more = f" and {len(values) - SHOWN:,} more" if len(values) > SHOWN else ""
    return f"{shown}{more} {'is' if len(values) == 1 else 'are'}"


def _check_keys(report: _Report, dataset: str, keys: list[str], frame: pd.DataFrame) -> None:
    """Check that the keys tell the records apart, and that the records stand in their order."""
    if not keys or not set(keys) <= set(frame.columns) or frame.empty:
        return
    keys = list(dict.fromkeys(keys))
    codes = frame[keys]
    repeated = int(codes.duplicated().sum())
    if repeated:
        message = f"the keys {', '.join(keys)} do not tell all records apart"
        report.add("CDW-DEF-DATA-KEYS", "error", dataset, "", message, records=repeated)
    row = _first_unsorted(codes)
    if row is not None:
        message = f"is not sorted by its keys {', '.join(keys)}"
        report.add("CDW-DEF-DATA-SORTED", "warning", dataset, "", message, record=row + 1)


def _first_unsorted(keys: pd.DataFrame) -> int | None:
    """Return the first record that stands before the one above it; missing comes first, as SAS sorts."""
    same = np.ones(max(len(keys) - 1, 0), dtype=np.bool_)
    wrong = np.zeros_like(same)
    for name in keys.columns:
        ranks = _ranks(keys[name])
        step = np.diff(ranks)
        wrong |= same & (step < 0)
        same &= step == 0
    return int(np.argmax(wrong)) + 1 if wrong.any() else None


def _ranks(column: pd.Series[Any]) -> np.ndarray[Any, Any]:
    """Return the place of each value in the sorted distinct values; missing is -1. Text sorts by its bytes."""
    codes, found = pd.factorize(column)
    values = found.tolist()
    order = sorted(range(len(values)), key=lambda i: values[i].encode() if isinstance(values[i], str) else values[i])
    places = np.empty(len(values) + 1, dtype=np.int64)
    places[order] = np.arange(len(values))
    places[-1] = -1
    return places[codes]


def _check_values(report: _Report, index: Index, variable: Variable, datasets: Datasets) -> None:
    """Hold value-level definitions against the records they are about, and the records against the definitions."""
    values = list(index.values(variable))
    if not values:
        return
    dataset = variable.dataset.name or ""
    try:
        table, columns = _combinations(index, variable, values, datasets)
    except UnreachableError as error:
        report.not_run.append(NotRun("CDW-DEF-DATA-VALUE", dataset, f"{variable.name}: {error}"))
        return
    covered = np.zeros(len(table), dtype=np.bool_)
    held = _Held(table, columns)
    for value in values:
        mask = np.zeros(len(table), dtype=np.bool_)
        for clause in value.where:
            found = held.matching(clause)
            if not found.any():
                message = f"the condition {clause.oid} holds for no record"
                report.add("CDW-DEF-DATA-WHERE", "warning", dataset, variable.name, message, value=clause.oid or "")
            mask |= found
        covered |= mask
        subset = pd.Series(table[variable.name][mask].unique()).dropna()
        for rule, severity, message, shown in judge_values(index, value.item, subset.reset_index(drop=True)):
            report.add(rule, severity, dataset, variable.name, f"{value.item.oid}: {message}", value=shown)
    open_ = table[~covered & table[variable.name].notna().to_numpy()]
    if len(open_):
        names = [name for name in columns.values() if name != variable.name]
        shown = ", ".join(f"{name} = {open_[name].iloc[0]}" for name in dict.fromkeys(names))
        message = f"no value-level definition is about the records with {shown}"
        report.add("CDW-DEF-DATA-VALUE", "warning", dataset, variable.name, message, records=int(open_["_count"].sum()))


def _combinations(
    index: Index, variable: Variable, values: list[Value], datasets: Datasets
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return the distinct combinations of a variable and those its conditions name, and the columns by ItemOID."""
    frame = datasets[variable.dataset.name or ""][0]
    parts: dict[str, pd.Series[Any]] = {variable.name: frame[variable.name]}
    columns: dict[str, str] = {}
    for oid in dict.fromkeys(check.item_oid or "" for value in values for w in value.where for check in w.checks):
        owner = index.owner(oid, variable.dataset)
        if owner is None:
            raise UnreachableError(f"{oid} is no variable of a dataset")
        if owner.dataset.oid == variable.dataset.oid:
            columns[oid] = owner.name
            if owner.name not in frame.columns:
                raise UnreachableError(f"{owner.name} is not in the data")
            parts[owner.name] = frame[owner.name]
        else:
            columns[oid] = f"{owner.dataset.name}.{owner.name}"
            parts[columns[oid]] = _joined(frame, owner, datasets)
    table = pd.DataFrame(parts)
    counted = table.groupby(list(table.columns), dropna=False, sort=False, observed=True).size()
    return counted.reset_index(name="_count"), columns


def _joined(frame: pd.DataFrame, owner: Variable, datasets: Datasets) -> pd.Series[Any]:
    """Bring a subject's value (DM.COUNTRY) to the records of the subject."""
    name = owner.dataset.name or ""
    if name not in datasets or "USUBJID" not in frame.columns:
        raise UnreachableError(f"{name} cannot be joined by USUBJID")
    other = datasets[name][0]
    if not {"USUBJID", owner.name} <= set(other.columns) or other["USUBJID"].duplicated().any():
        raise UnreachableError(f"{name} has not one record for each USUBJID")
    return frame["USUBJID"].map(other.set_index("USUBJID")[owner.name])


class _Held:
    """Answers which combinations a condition holds for; each comparison with a value is a look-up."""

    def __init__(self, table: pd.DataFrame, columns: dict[str, str]) -> None:
        self._size = len(table)
        self._columns = columns
        self._codes: dict[str, np.ndarray[Any, Any]] = {}
        self._places: dict[str, dict[str, int]] = {}
        for name in dict.fromkeys(columns.values()):
            codes, found = pd.factorize(table[name])
            self._codes[name] = codes
            self._places[name] = {text: code for code, text in enumerate(texts_of(pd.Series(found)))}

    def matching(self, clause: WhereClauseDef) -> Mask:
        mask = np.ones(self._size, dtype=np.bool_)
        for check in clause.checks:
            mask &= self._compare(check)
        return mask

    def _compare(self, check: RangeCheck) -> Mask:
        name = self._columns[check.item_oid or ""]
        codes, places = self._codes[name], self._places[name]
        values = [value.text for value in check.values]
        if check.comparator in ("EQ", "IN"):
            return _any_of(codes, [places[value] for value in values if value in places])
        if check.comparator in ("NE", "NOTIN"):
            return ~_any_of(codes, [places[value] for value in values if value in places])
        chosen = [code for text, code in places.items() if _ordered(check.comparator or "", text, values)]
        return _any_of(codes, chosen)


def _any_of(codes: np.ndarray[Any, Any], wanted: list[int]) -> Mask:
    return codes == wanted[0] if len(wanted) == 1 else np.isin(codes, wanted)


def _ordered(comparator: str, text: str, values: list[str]) -> bool:
    """Compare as numbers where both are; else as text."""
    if not values:
        return False
    try:
        left: Any = float(text)
        right: Any = float(values[0])
    except ValueError:
        left, right = text, values[0]
    return bool({"LT": left < right, "LE": left <= right, "GT": left > right, "GE": left >= right}.get(comparator))
