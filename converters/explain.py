"""Lineage of one value: the raw file, row, columns and texts it was made of, the line of the mapping, and each step."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cdiscway.specs.load import Document, Way, show_way
from cdiscway.specs.mistakes import Mistake, MistakesError, nearest

from .algorithms import columns
from .algorithms.units import UnitError, conversion
from .build import Converted
from .dataset import BuiltDataset, Provenance
from .dataset_variables import domain_prefix
from .plan import DatasetPlan
from .readers.sdtm import read_dataset

MOST = 20
"""How many records are explained at most."""


@dataclass(frozen=True)
class Step:
    """One line of an explanation: what it is about, and what is said."""

    about: str
    said: str


def explain(converted: Converted, dataset: str, conditions: Sequence[str], variable: str) -> Iterator[list[Step]]:
    """Yield the steps of a variable's value for each record that fits the conditions (`LBSEQ=12`, or a subject).

    Raises MistakesError for a dataset, a variable or a condition that is not there, and where no record fits.
    """
    given = converted.plan.given.get(dataset)
    if given is not None:
        message = f"is given in {given.shown}: nothing of it is made here"
        raise MistakesError([Mistake("explain", None, dataset, message, "'cdiscway show' prints its records")])
    built = find_dataset(converted, dataset)
    demand(variable, built)
    rows = fitting_rows(built, conditions)
    if not len(rows):
        message = f"no record of {dataset} fits {' and '.join(conditions)}"
        raise MistakesError([Mistake("explain", None, dataset, message)])
    plan = next((item for item in converted.plan.datasets if item.name == built.name), None)
    for row in rows[:MOST].tolist():
        yield list(steps(converted, plan, built, row, variable))


def find_dataset(converted: Converted, name: str) -> BuiltDataset:
    """Return a built dataset by its name; raises MistakesError."""
    found = {dataset.name: dataset for package in converted.packages for dataset in package.datasets}
    if name not in found:
        raise MistakesError([Mistake("explain", None, name, "there is no such dataset", nearest(name, found))])
    return found[name]


def demand(variable: str, built: BuiltDataset) -> None:
    """Raise MistakesError where a dataset does not have a variable."""
    if variable not in built.frame.columns:
        hint = nearest(variable, built.spec.names)
        raise MistakesError([Mistake("explain", None, variable, f"{built.name} has no such variable", hint)])


def fitting_rows(built: BuiltDataset, conditions: Sequence[str]) -> np.ndarray:
    """Return the positions of the records that fit; a condition without `=` is a subject (USUBJID, or how it ends)."""
    keep = np.ones(len(built.frame), dtype=bool)
    for condition in conditions:
        name, sign, value = condition.partition("=")
        if not sign:
            name, value = "USUBJID", condition
        demand(name, built)
        codes, texts = columns.distinct(columns.as_text(built.frame[name]))
        fits = [text == value or (not sign and text.endswith(f"-{value}")) for text in texts]
        keep &= np.append(np.array(fits, dtype=bool), False)[codes]
    return np.flatnonzero(keep)


def steps(
    converted: Converted, plan: DatasetPlan | None, built: BuiltDataset, row: int, variable: str
) -> Iterator[Step]:
    """Yield the steps of one value, from the record back to the raw export and forward again."""
    value = shown(built.frame[variable].iloc[row])
    keys = [name for name in built.spec.keys if name in built.frame.columns and name != "STUDYID"]
    yield Step("record", ", ".join(f"{name} {shown(built.frame[name].iloc[row])}" for name in keys))
    yield Step("value", f"{built.name}.{variable} = {value}")
    provenance = provenance_of(built, row, variable)
    source = None if built.sources is None else built.sources.iloc[row]
    if source is not None and pd.notna(source["row"]):
        yield Step("raw", f"{source['file']}, record {int(source['row'])} of form {source['form']}")
        names = [*provenance.columns, *result_columns(built, row, variable)]
        yield from raw_texts(converted, names, str(source["form"]), int(source["row"]))
    if source is not None and plan is not None and "mapping" in source.index and pd.notna(source["mapping"]):
        yield from rule_steps(plan, str(source["mapping"]), variable)
    yield Step("origin", provenance.origin + (f" ({provenance.source})" if provenance.source else ""))
    if provenance.method:
        yield Step("method", provenance.method)
    if provenance.predecessor:
        yield Step("copy of", provenance.predecessor)
    yield from event_steps(built, row, variable)
    yield from given_steps(converted, built, row, provenance)
    yield from conversion_steps(built, row, variable)
    yield from codelist_steps(converted, built, variable, value)


def event_steps(built: BuiltDataset, row: int, variable: str) -> Iterator[Step]:
    """Yield the record that a time to event comes from."""
    if variable not in {"AVAL", "ADT", "CNSR", "EVNTDESC", "CNSDTDSC"} or "SRCDOM" not in built.frame.columns:
        return
    names = [name for name in ("SRCDOM", "SRCVAR", "SRCSEQ") if name in built.frame.columns]
    domain, *rest = (shown(built.frame[name].iloc[row]) for name in names)
    if domain:
        place = ".".join([domain, *rest[:1]])
        yield Step("source", f"{place}, sequence {rest[1]}" if len(rest) > 1 and rest[1] else place)


def given_steps(converted: Converted, built: BuiltDataset, row: int, provenance: Provenance) -> Iterator[Step]:
    """Yield the subject's records in each dataset that is given and that the method names."""
    if "USUBJID" not in built.frame.columns:
        return
    subject = shown(built.frame["USUBJID"].iloc[row])
    for name, given in sorted(converted.plan.given.items()):
        said = f"{provenance.method} {provenance.predecessor}"
        if re.search(rf"\b{name}\.", said):
            frame = read_dataset(given)
            places = [str(place + 1) for place in np.flatnonzero(columns.as_text(frame["USUBJID"]) == subject)]
            listed = ", ".join(places[:MOST]) + (" ..." if len(places) > MOST else "")
            yield Step("given", f"{given.shown}, record{'s' if len(places) > 1 else ''} {listed} of the subject")


def provenance_of(built: BuiltDataset, row: int, variable: str) -> Provenance:
    """Return where a value comes from: by the value list it belongs to, else by its variable."""
    for (name, by, value), provenance in built.value_provenance.items():
        if name == variable and by in built.frame.columns and shown(built.frame[by].iloc[row]) == value:
            return provenance
    return built.provenance.get(variable, Provenance("Assigned", "Sponsor"))


def result_columns(built: BuiltDataset, row: int, variable: str) -> list[str]:
    """Return the raw columns of the collected result and unit, for a variable that was derived from them."""
    prefix = standard_prefix(variable)
    if prefix is None:
        return []
    names = [name for name in (f"{prefix}ORRES", f"{prefix}ORRESU") if name in built.frame.columns]
    return [column for name in names for column in provenance_of(built, row, name).columns]


def standard_prefix(variable: str) -> str | None:
    """Return the prefix of a standard result, unit or limit (LBSTRESN), or None for any other variable."""
    ends = ("STRESC", "STRESN", "STRESU", "STNRLO", "STNRHI")
    return next((variable[: -len(end)] for end in ends if variable.endswith(end)), None)


def raw_texts(converted: Converted, names: Sequence[str], form: str, row: int) -> Iterator[Step]:
    """Yield the raw texts of the columns that a value was made of, as they stand in the file."""
    raw = converted.plan.raw.read(form)
    place = row - 1 if raw.numbers is None else int(np.flatnonzero(raw.numbers == row)[0])
    for name in dict.fromkeys(names):
        of, _, column = name.partition(".")
        if of == form and column in raw.frame.columns:
            yield Step("column", f"{column} = {shown(raw.frame[column].iloc[place])!r}")


def rule_steps(plan: DatasetPlan, place: str, variable: str) -> Iterator[Step]:
    """Yield the line of the mapping that made the record, and the rule of the variable."""
    file, _, line = place.rpartition(":")
    way = record_way(plan.document, int(line))
    yield Step("mapping", f"{file}:{line} {plan.name}.{show_way(way)}" if way else place)
    block = way[:2]
    for base in (way, (*way, "set"), (*block, "set"), (*block, "supplemental")):
        rule_way = (*base, variable)
        if rule_way in plan.document.lines:
            yield Step(
                "rule", f"{file}:{plan.document.line(rule_way)} {variable}: {written(at(plan.document, rule_way))}"
            )
            return
    suffix = variable.removeprefix(domain_prefix(plan.spec))
    if suffix in {"ORRES", "ORRESU", "STRESC", "STRESN", "STRESU"} and "tests" in way:
        yield Step("rule", f"{file}:{line} {written(at(plan.document, way))}")


def record_way(document: Document, line: int) -> Way:
    """Return the way of the block, test or row that stands on a line: the deepest that begins there."""
    fits = [way for way, own in document.lines.items() if own == line and is_record(way)]
    return max(fits, key=len, default=())


def is_record(way: Way) -> bool:
    """Whether a way is that of a block of records, or of a line of its `tests`, `each` or `rows`."""
    return way[:1] == ("records",) and (len(way) == 2 or (len(way) == 4 and way[2] in {"tests", "each", "rows"}))


def at(document: Document, way: Way) -> Any:
    """Return what stands at a way of a document."""
    found = document.data
    for step in way:
        found = found[step]
    return found


def written(rule: Any) -> str:
    """Write a rule on one line, as YAML reads it."""
    if isinstance(rule, dict):
        return "{" + ", ".join(f"{key}: {written(value)}" for key, value in rule.items()) + "}"
    if isinstance(rule, list):
        return "[" + ", ".join(written(value) for value in rule) + "]"
    return rule if isinstance(rule, str) else json.dumps(rule)


def conversion_steps(built: BuiltDataset, row: int, variable: str) -> Iterator[Step]:
    """Yield the conversion of a standard result, limit or unit."""
    prefix = standard_prefix(variable)
    if prefix is None:
        return
    names = (f"{prefix}ORRES", f"{prefix}ORRESU", f"{prefix}STRESU")
    texts = [shown(built.frame[name].iloc[row]) if name in built.frame.columns else "" for name in names]
    yield Step("collected", f"{texts[0]} {texts[1]}".strip())
    if texts[1] and texts[2] and texts[1] != texts[2]:
        try:
            yield Step("conversion", conversion(texts[1], texts[2]).method)
        except UnitError:
            yield Step("conversion", f"{texts[1]} to {texts[2]}, by the molar mass or factor of the test")


def codelist_steps(converted: Converted, built: BuiltDataset, variable: str, value: str) -> Iterator[Step]:
    """Yield the codelists of the variable with their versions, and the code of the value."""
    for code in built.spec.variable(variable).codelists:
        try:
            codelist = converted.plan.terminology.codelist(code)
        except KeyError:
            continue
        term = codelist.by_value.get(value)
        known = "no term of it" if term is None else (term.code or "a term of the sponsor")
        yield Step("codelist", f"{codelist.name} ({codelist.code}, {codelist.package}): {value} is {known}")


def shown(value: Any) -> str:
    """Return a value as text; a missing one is empty."""
    if pd.isna(value):
        return ""
    return columns.number_text(value) if isinstance(value, float) else str(value)
