"""The lineage of a value: back to the raw text, forward through mapping, conversion and codelist."""

from __future__ import annotations

import pytest

from cdiscway.converters.build import Converted, convert, read_plan
from cdiscway.converters.explain import explain
from cdiscway.specs.mistakes import MistakesError

STUDY = """study: S1
title: A study
protocol: P1
standards: {terminology: {SDTM: 2026-03-27}}
raw: {cutoff: 2021-01-01, decimal: ","}
subject: {SUBJID: {column: SUBJ}, USUBJID: {concat: [STUDYID, SUBJID], with: "-"}}
"""
LB = """domain: LB
records:
  - form: BLOOD
    let:
      doubled: {calculate: HB * 2}
    tests:
      - {LBTESTCD: HGB, result: HB, unit: {column: UNIT}, standard_unit: g/L}
    set:
      LBSPEC: BLOOD
      LBREFID: {column: doubled}
"""


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Converted:
    folder = tmp_path_factory.mktemp("study")
    (folder / "raw").mkdir()
    (folder / "mapping").mkdir()
    (folder / "study.yaml").write_text(STUDY)
    (folder / "mapping" / "lb.yaml").write_text(LB)
    (folder / "raw" / "BLOOD.csv").write_text("SUBJ;HB;UNIT\n01;13,5;g/dL\n02;9,2;g/dL\n")
    return convert(read_plan(folder))


def said(converted: Converted, *words: str) -> dict[str, list[str]]:
    (steps,) = list(explain(converted, "LB", words[:-1], words[-1]))
    found: dict[str, list[str]] = {}
    for step in steps:
        found.setdefault(step.about, []).append(step.said)
    return found


def test_a_standard_result_goes_back_to_the_raw_text(converted: Converted) -> None:
    found = said(converted, "02", "LBSEQ=1", "LBSTRESN")
    assert found["value"] == ["LB.LBSTRESN = 92"]
    assert found["raw"] == ["raw/BLOOD.csv, record 2 of form BLOOD"]
    assert found["column"] == ["HB = '9,2'", "UNIT = 'g/dL'"]
    assert found["mapping"] == ["mapping/lb.yaml:7 LB.records[0].tests[0]"]
    assert found["conversion"] == ["g/dL to g/L: multiplied by 10"]


def test_a_coded_value_names_codelist_version_and_code(converted: Converted) -> None:
    (codelist,) = said(converted, "USUBJID=S1-01", "LBTESTCD")["codelist"]
    assert codelist.startswith("LBTESTCD (C65047, SDTM CT 2026-03-27): HGB is C")


def test_a_working_column_is_seen_through(converted: Converted) -> None:
    found = said(converted, "01", "LBREFID")
    assert found["rule"] == ["mapping/lb.yaml:10 LBREFID: {column: doubled}"]
    assert found["method"] == ["HB * 2."]


@pytest.mark.parametrize(
    ("dataset", "words", "part"),
    [
        ("LX", ["LBSEQ"], "no such dataset"),
        ("LB", ["LBSTRESM"], "no such variable"),
        ("LB", ["LBFOO=1", "LBSEQ"], "no such variable"),
        ("LB", ["99", "LBSEQ"], "no record of LB fits 99"),
    ],
)
def test_what_is_not_there_is_a_mistake(converted: Converted, dataset: str, words: list[str], part: str) -> None:
    with pytest.raises(MistakesError, match=part):
        list(explain(converted, dataset, words[:-1], words[-1]))
