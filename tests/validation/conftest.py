"""A small clean study (tests/cases/clean_study), with tools to plant a defect in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cdiscway.converters.dataset import BuiltDataset, DatasetMetadata, VariableMetadata
from cdiscway.specs.codelists import Terminology, load_terminology
from cdiscway.specs.standards import load_standard
from cdiscway.validation import run
from cdiscway.validation.checks import CannotRunError, Study, View
from cdiscway.validation.finding import Finding, NotRun
from cdiscway.validation.intake import guess_spec

FOLDER = Path(__file__).parents[1] / "cases" / "clean_study"
KEYS = {
    "LB": ("STUDYID", "USUBJID", "LBTESTCD", "LBSPEC", "VISITNUM"),
    "SUPPLB": ("STUDYID", "RDOMAIN", "USUBJID", "IDVAR", "IDVARVAL", "QNAM"),
    "TS": ("STUDYID", "TSPARMCD", "TSSEQ"),
    "ADTTE": ("STUDYID", "USUBJID", "PARAMCD"),
    "ADLB": ("STUDYID", "USUBJID", "PARAMCD", "AVISITN"),
    "DM": ("STUDYID", "USUBJID"),
    "ADSL": ("STUDYID", "USUBJID"),
}
OWN_LABELS = {"AGEGR1": "Pooled Age Group 1", "AGEGR1N": "Pooled Age Group 1 (N)"}


@dataclass(frozen=True)
class Table:
    """A dataset on its way to a BuiltDataset: text in, defects planted, then typed."""

    name: str
    rows: tuple[Mapping[str, str], ...]
    columns: tuple[str, ...]
    label: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    lengths: Mapping[str, int] = field(default_factory=dict)
    formats: Mapping[str, str] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)
    origin: str = ""


def read_table(path: Path) -> Table:
    frame = pd.read_csv(path, dtype="str", keep_default_na=False)
    rows = tuple({str(name): str(value) for name, value in row.items()} for row in frame.to_dict("records"))
    return Table(path.stem.upper(), rows, tuple(map(str, frame.columns)))


def build(tables: Sequence[Table]) -> list[BuiltDataset]:
    longest: dict[str, int] = {}
    for table in tables:
        for row in table.rows:
            for name in table.columns:
                longest[name] = max(longest.get(name, 1), len(row.get(name, "").encode()))
    return [_build_once(table, tuple(longest.get(name, 1) for name in table.columns)) for table in tables]


BUILT: dict[tuple[int, tuple[int, ...]], tuple[Table, BuiltDataset]] = {}
VIEWS: dict[int, View] = {}


def _build_once(table: Table, lengths: tuple[int, ...]) -> BuiltDataset:
    """Build a table once: a hundred cases share the datasets they leave as they are."""
    key = (id(table), lengths)
    if key not in BUILT:
        BUILT[key] = (table, _build(table, dict(zip(table.columns, lengths, strict=True))))
    return BUILT[key][1]


def view_once(study: Study, name: str) -> View:
    """Stand in for Study.view: the distinct values of a dataset are looked for once."""
    dataset = study.datasets.get(name)
    if dataset is None:
        raise CannotRunError(f"needs {name}, which is not there")
    if name not in study.views:
        study.views[name] = VIEWS.setdefault(id(dataset), View(dataset))
    return study.views[name]


def _build(table: Table, longest: Mapping[str, int]) -> BuiltDataset:
    plain = DatasetMetadata(
        table.origin or table.name, "", tuple(VariableMetadata(n, "", "Char", 1) for n in table.columns)
    )
    guessed = guess_spec(plain)
    standard = load_standard(guessed.standard)
    known = {variable.name: variable for variable in guessed.variables}
    general = "SUPPQUAL" if table.name.startswith("SUPP") else table.name
    label = standard.dataset(general).label if general in standard.names else f"Label of {table.name}"
    if general == "SUPPQUAL":
        label = f"Supplemental Qualifiers for {table.name[4:]}"
    columns, described = {}, []
    for name in table.columns:
        spec = known[name]
        kind = table.types.get(name, spec.type)
        values = [row.get(name, "") or None for row in table.rows]
        columns[name] = (
            pd.Series([None if v is None else float(v) for v in values], dtype="float64")
            if kind == "Num"
            else pd.Series(values, dtype="str")
        )
        own = max((len((value or "").encode()) for value in values), default=1)
        length = max(own, 1) if general == "SUPPQUAL" else longest.get(name, 1)
        shown = table.labels.get(name, spec.label or OWN_LABELS.get(name, name))
        dated = kind == "Num" and name.endswith("DT")
        described.append(
            VariableMetadata(
                name,
                shown,
                kind,  # type: ignore[arg-type]
                8 if kind == "Num" else table.lengths.get(name, length),
                table.formats.get(name, "DATE9." if dated else ""),
            )
        )
    told = label if table.label is None else table.label
    spec = guessed.model_copy(update={"name": table.name, "keys": KEYS.get(table.name, ()), "label": told[:40]})
    metadata = DatasetMetadata(table.name, told, tuple(described))
    return BuiltDataset(spec, pd.DataFrame(columns, columns=list(table.columns)), metadata)


def plant(tables: Sequence[Table], case: Mapping[str, Any]) -> list[Table]:
    """Return the study with one defect: the words of a case are those of tests/cases/planted.yaml."""
    tables = plant(tables, case["and"]) if "and" in case else tables
    planted = [table if table.name != case["in"] else _plant(table, case) for table in tables]
    return [table for table in planted if not (table.name == case["in"] and case.get("remove") == "dataset")]


def _plant(table: Table, case: Mapping[str, Any]) -> Table:
    rows = [dict(row) for row in table.rows]
    columns = list(table.columns)
    at = [int(number) - 1 for number in _list(case.get("record", 1))]
    for name, value in case.get("set", {}).items():
        if name not in columns:
            columns.append(name)
        for place in range(len(rows)) if case.get("record") == "all" else at:
            rows[place][name] = "A" * 201 if value == "201 letters" else str(value)
    for name, values in case.get("each", {}).items():
        columns += [name] if name not in columns else []
        for row, value in zip(rows, values, strict=True):
            row[name] = value
    if "repeat" in case:
        rows.append(rows[case["repeat"] - 1] | case.get("with", {}))
    if case.get("remove") == "records":
        rows = []
    elif isinstance(case.get("remove"), int):
        del rows[case["remove"] - 1]
    for name in _list(case.get("drop", [])):
        columns.remove(name)
    if "move_last" in case:
        columns.remove(case["move_last"])
        columns.append(case["move_last"])
    if "order" in case:
        columns = load_order(table.name, columns)
    more = {key: case[key] for key in ("label", "labels", "lengths", "formats", "types") if key in case}
    name = case.get("rename", table.name)
    return replace(table, name=name, origin=table.name, rows=tuple(rows), columns=tuple(columns), **more)


def load_order(name: str, columns: Sequence[str]) -> list[str]:
    standard = load_standard("SDTMIG 3.4")
    return list(standard.order(standard.dataset("SUPPQUAL" if name.startswith("SUPP") else name), columns))


def _list(value: Any) -> list[Any]:
    return [] if value == "all" else value if isinstance(value, list) else [value]


@pytest.fixture(scope="session")
def clean_tables() -> list[Table]:
    return [read_table(path) for path in sorted(FOLDER.glob("*.csv"))]


@pytest.fixture(scope="session")
def terminology() -> Terminology:
    return load_terminology()


@pytest.fixture(scope="session")
def judge(terminology: Terminology, direct: Any):  # type: ignore[no-untyped-def]
    """Run all checks without great-expectations."""

    def judged(tables: Sequence[Table]) -> run.ValidationResult:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(run, "_run", direct)
            patch.setattr(Study, "view", view_once)
            return run.validate(build(tables), terminology)

    return judged


def shown(finding: Finding | NotRun) -> str:
    if isinstance(finding, NotRun):
        return f"not run: {finding.rule} {finding.dataset}: {finding.reason}"
    return f"{finding.rule} {finding.dataset}.{finding.variable}: {finding.message}"


@pytest.fixture(scope="session")
def tools():  # type: ignore[no-untyped-def]
    """The functions above, for test modules (conftest cannot be imported)."""
    return {"plant": plant, "build": build, "shown": shown}
