"""The mapping language by its cases: raw rows and a mapping in, records, findings or mistakes out.

A case in tests/cases/mapping/*.yaml has a `name`, the raw columns (`raw: {A: [x, y]}`, one subject per row unless SUBJ is
given; several forms as `forms: {F: {...}}`), and either one `rule` for one variable (`for`, default AETERM of AE) with
the values it `gives`, or whole `mappings` with the `records` of datasets. `findings` are (rule id, records) of what is
wrong with the data, `said` parts of their messages, `mistakes` are parts of the messages of what is wrong with the mapping.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from cdiscway.converters.build import convert
from cdiscway.converters.plan import plan_study
from cdiscway.converters.reporter import Reporter
from cdiscway.converters.sdtm import map_dataset
from cdiscway.converters.study import read_study
from cdiscway.converters.tables import StudyTables
from cdiscway.specs.codelists import Terminology, load_terminology
from cdiscway.specs.load import read_yaml
from cdiscway.specs.mistakes import MistakesError

CASES = Path(__file__).parents[1] / "cases" / "mapping"
STUDY: dict[str, Any] = {
    "study": "S1",
    "title": "A study",
    "protocol": "P1",
    "raw": {"cutoff": "2021-01-01"},
    "subject": {"SUBJID": {"column": "SUBJ"}, "USUBJID": {"concat": ["STUDYID", "SUBJID"], "with": "-"}},
    "not_submitted": [{"columns": ["*"], "why": "a case is about what it maps"}],
}


def read_cases() -> list[Any]:
    """Return all cases with their file and name as id."""
    return [
        pytest.param(case, id=f"{path.stem}: {case['name']}")
        for path in sorted(CASES.glob("*.yaml"))
        for case in read_yaml(path).data
    ]


@functools.cache
def bundled_terms() -> Terminology:
    return load_terminology(["SDTM CT 2026-03-27", "ADaM CT 2026-03-27"])


def write_study(folder: Path, case: dict[str, Any]) -> None:
    """Write the study folder of a case."""
    (folder / "raw").mkdir()
    (folder / "mapping").mkdir()
    forms = case.get("forms") or {"F": case.get("raw", {"A": ["x"]})}
    for form, columns in forms.items():
        write_form(folder / "raw" / f"{form}.csv", columns)
    study = merge(STUDY, case.get("study", {}))
    dump(study, folder / "study.yaml")
    for place, mapping in enumerate(mappings_of(case)):
        dump(mapping, folder / "mapping" / f"{place}.yaml")
    for name, text in case.get("files", {}).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def write_form(path: Path, columns: dict[str, list[Any]]) -> None:
    rows = max(len(values) for values in columns.values())
    if "SUBJ" not in columns:
        columns = {"SUBJ": [f"{row + 1:02d}" for row in range(rows)], **columns}
    frame = pd.DataFrame(
        {name: ["" if value is None else str(value) for value in column] for name, column in columns.items()}
    )
    frame.to_csv(path, index=False, sep=";")


def merge(base: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """Return `base` with the words of `more`, dictionaries merged one level deep."""
    return base | {
        key: base[key] | value if isinstance(value, dict) and isinstance(base.get(key), dict) else value
        for key, value in more.items()
    }


def mappings_of(case: dict[str, Any]) -> list[dict[str, Any]]:
    if "mappings" in case:
        return [case["mappings"]] if isinstance(case["mappings"], dict) else case["mappings"]
    target = case.get("for", "AETERM")
    block = {"form": next(iter(case.get("forms", {"F": 0}))), "set": {**case.get("before", {}), target: case["rule"]}}
    extra = {name: case[name] for name in ("let", "join", "when") if name in case}
    return [{"domain": case.get("domain", target[:2]), "records": [{**extra, **block}]}]


def dump(data: Any, path: Path) -> None:
    path.write_text(yaml.safe_dump(data, sort_keys=False, allow_unicode=True), encoding="utf-8")


def shown(column: pd.Series) -> list[str | None]:
    """Return the values as the cases write them: text, numbers in their shortest form, None for missing."""
    return [
        None if pd.isna(value) else (f"{value:.12g}" if isinstance(value, float) else str(value))
        for value in column.tolist()
    ]


def as_written(values: list[Any]) -> list[str | None]:
    return [None if value is None else str(value) for value in values]


@pytest.mark.parametrize("case", read_cases())
def test_mapping_case(case: dict[str, Any], tmp_path: Path) -> None:
    write_study(tmp_path, case)
    try:
        study = read_study(tmp_path)
        plan = plan_study(study, case_terms(study))
    except MistakesError as error:
        said = [str(mistake) for mistake in error.mistakes]
        assert "mistakes" in case, said
        assert len(said) == len(case["mistakes"]), said
        for part in case["mistakes"]:
            assert any(part in text for text in said), (part, said)
        return
    assert "mistakes" not in case, "the mapping was accepted"
    found = check_values(case, plan) if "rule" in case else check_records(case, plan)
    assert sorted(found) == sorted(tuple(item) for item in case.get("findings", [])), found


def case_terms(study: Any) -> Terminology:
    if study.extensions is None:
        return bundled_terms()
    return load_terminology(["SDTM CT 2026-03-27", "ADaM CT 2026-03-27"], study.extensions)


def check_values(case: dict[str, Any], plan: Any) -> list[tuple[str, int]]:
    """Check the values of one rule, in the order of the raw rows."""
    reporter = Reporter()
    mapped = map_dataset(plan.datasets[0], StudyTables(plan, reporter))
    assert shown(mapped.frame[case.get("for", "AETERM")]) == as_written(case["gives"])
    if "origin" in case:
        assert mapped.provenance[case.get("for", "AETERM")].origin == case["origin"]
    if "method" in case:
        assert mapped.provenance[case.get("for", "AETERM")].method == case["method"]
    for part in case.get("said", []):
        assert any(part in finding.message for finding in reporter.findings), [one.message for one in reporter.findings]
    return [(finding.rule, finding.records) for finding in reporter.findings]


def check_records(case: dict[str, Any], plan: Any) -> list[tuple[str, int]]:
    """Check the named variables of finished datasets, in record order; `absent` variables and datasets are not there."""
    converted = convert(plan)
    datasets = {dataset.name: dataset for package in converted.packages for dataset in package.datasets}
    for name, columns in case.get("records", {}).items():
        assert name in datasets, list(datasets)
        for variable, values in columns.items():
            frame = datasets[name].frame
            assert variable in frame.columns, list(frame.columns)
            assert (variable, shown(frame[variable])) == (variable, as_written(values))
    for name, methods in case.get("methods", {}).items():
        for variable, method in methods.items():
            assert (variable, datasets[name].provenance[variable].method) == (variable, method)
    for name in case.get("absent", []):
        dataset, _, variable = name.partition(".")
        assert dataset not in datasets if not variable else variable not in datasets[dataset].frame.columns
    for part in case.get("said", []):
        assert any(part in finding.message for finding in converted.findings), [
            one.message for one in converted.findings
        ]
    return [(finding.rule, finding.records) for finding in converted.findings]


def test_there_are_two_hundred_cases() -> None:
    assert len(read_cases()) >= 200
