"""The word impute: start and end together, limits, flags, and what has no day."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from cdiscway.converters.build import convert, read_plan
from cdiscway.converters.dataset import DatasetMetadata, VariableMetadata
from cdiscway.converters.writers import xpt

STUDY = """\
study: S1
title: Dates
protocol: S1
standards: {terminology: {SDTM: 2026-03-27, ADaM: 2026-03-27}}
raw: {format: sdtm, folder: sdtm, cutoff: 2024-01-01}
"""
MAPPING = """\
dataset: ADAE
keys: [USUBJID]
records:
  - dataset: AE
    set:
      AETERM: {column: AETERM}
      ASTDT: {impute: [AESTDTC, AEENDTC], part: start, not_before: DOSE, not_after: [DEATH]}
      ASTDTF: {impute: [AESTDTC, AEENDTC], part: start, not_before: DOSE, not_after: [DEATH], flag: true}
      AENDT: {impute: [AESTDTC, AEENDTC], part: end, not_before: DOSE, not_after: [DEATH]}
      AENDTF: {impute: [AESTDTC, AEENDTC], part: end, not_before: DOSE, not_after: [DEATH], flag: true}
"""
CASES = [  # AESTDTC, AEENDTC, DOSE, DEATH -> ASTDT, ASTDTF, AENDT, AENDTF
    ("2020-03-05", "2020-03-09", "2020-03-01", "", "2020-03-05", "", "2020-03-09", ""),
    ("2020-03", "2020-04", "2020-03-10", "", "2020-03-10", "D", "2020-04-30", "D"),
    ("2020-03", "2020-03-04", "2020-03-10", "", "2020-03-01", "D", "2020-03-04", ""),  # the end is before the dose
    ("2020", "", "2020-03-10", "", "2020-03-10", "M", "", ""),
    ("2020-05", "2020-06", "2020-03-10", "2020-06-12", "2020-05-01", "D", "2020-06-12", "D"),
    ("2020-05-20", "2020-07", "2020-03-10", "2020-06-12", "2020-05-20", "", "", ""),  # ends after death: a conflict
]
NAMES = ("AESTDTC", "AEENDTC", "DOSE", "DEATH")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    table = {name: [case[place] for case in CASES] for place, name in enumerate(NAMES)}
    table |= {
        "STUDYID": ["S1"] * len(CASES),
        "USUBJID": [f"S{n}" for n in range(len(CASES))],
        "AETERM": ["X"] * len(CASES),
    }
    frame = pd.DataFrame(table, dtype="str")
    variables = tuple(VariableMetadata(name, name, "Char", 0) for name in frame.columns)
    (tmp_path / "sdtm").mkdir()
    xpt.write(frame, DatasetMetadata("AE", "Adverse Events", variables), tmp_path / "sdtm" / "ae.xpt")
    (tmp_path / "mapping").mkdir()
    (tmp_path / "mapping" / "adae.yaml").write_text(MAPPING)
    (tmp_path / "study.yaml").write_text(STUDY)
    return tmp_path


def shown(value: object) -> str:
    """Return a day as ISO 8601, a flag as it is, nothing as an empty text."""
    if pd.isna(value):
        return ""
    day = pd.Timestamp("1960-01-01") + pd.Timedelta(days=value) if isinstance(value, float) else None
    return str(value) if day is None else day.date().isoformat()


def test_starts_and_ends_are_imputed_together_within_their_limits(folder: Path) -> None:
    converted = convert(read_plan(folder))
    made = converted.packages[0].datasets[0].frame
    for row, case in enumerate(CASES):
        found = [shown(made[name].iloc[row]) for name in ("ASTDT", "ASTDTF", "AENDT", "AENDTF")]
        assert found == list(case[4:]), case


def test_a_date_without_a_possible_day_is_an_error_finding(folder: Path) -> None:
    found = [finding for finding in convert(read_plan(folder)).findings if finding.rule == "CDW-MAP-IMPUTE"]
    assert [(finding.severity, finding.records) for finding in found] == [("error", 1)]


def test_the_method_stands_in_words(folder: Path) -> None:
    provenance = convert(read_plan(folder)).packages[0].datasets[0].provenance
    assert provenance["ASTDT"].method == (
        "Date part of AE.AESTDTC, a partial one as its first possible day, not before AE.DOSE, not after AE.DEATH."
    )
