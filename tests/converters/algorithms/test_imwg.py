"""The word imwg_response: inputs by name, light chains by the involved chain, and the comparison with what was collected."""

from __future__ import annotations

from pathlib import Path

import pytest

from cdiscway.converters.build import convert, read_plan
from cdiscway.specs.mistakes import MistakesError

STUDY = """\
study: S1
title: Responses
protocol: S1
standards: {terminology: {SDTM: 2026-03-27, ADaM: 2026-03-27}}
raw: {format: sdtm, folder: sdtm, cutoff: 2024-01-01}
"""
MAPPING = """\
dataset: ADRS
label: Response
class: Basic Data Structure
keys: [USUBJID, ADT]
records:
  - dataset: RS
    let:
      response:
        imwg_response: RSDTC
        baseline: START
        results: {serum: SERUM, urine: URINE, kappa: KAPPA, lambda: LAMBDA, marrow: MARROW}
        chain: CHAIN
        collected: RSSTRESC
        zero_is_negative: true
    set:
      PARAMCD: RESP
      PARAM: Response
      ADT: {sas_date: RSDTC}
      AVALC: {column: response}
"""
HEAD = ("USUBJID", "RSDTC", "RSSTRESC", "SERUM", "URINE", "KAPPA", "LAMBDA", "MARROW", "CHAIN")
ROWS = [  # M-protein: halved and confirmed, then gone with marrow, twice
    ("S1", "2020-01-01", "", "40", "0", "", "", "60", "KAPPA"),
    ("S1", "2020-02-01", "PR", "18", "0", "", "", "", "KAPPA"),
    ("S1", "2020-03-01", "VGPR", "16", "0", "", "", "", "KAPPA"),  # collected is better than the criteria say
    ("S1", "2020-04-01", "CR", "0", "", "", "", "2", "KAPPA"),
    ("S1", "2020-05-01", "CR", "0", "", "", "", "1", "KAPPA"),
    # light chains: lambda is involved, 300 against 10 falls by half, twice
    ("S2", "2020-01-01", "", "", "", "10", "300", "", "LAMBDA"),
    ("S2", "2020-02-01", "PR", "", "", "10", "140", "", "LAMBDA"),
    ("S2", "2020-03-01", "PR", "", "", "10", "130", "", "LAMBDA"),
    # two assessments on one day
    ("S3", "2020-01-01", "", "30", "0", "", "", "", "KAPPA"),
    ("S3", "2020-02-01", "PR", "10", "0", "", "", "", "KAPPA"),
    ("S3", "2020-02-01", "PR", "12", "0", "", "", "", "KAPPA"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    import pandas as pd

    from cdiscway.converters.dataset import DatasetMetadata, VariableMetadata
    from cdiscway.converters.writers import xpt

    columns = dict(zip(HEAD, zip(*ROWS, strict=True), strict=True))
    frame = pd.DataFrame({name: pd.Series(list(values), dtype="str") for name, values in columns.items()})
    frame.insert(0, "STUDYID", pd.Series(["S1"] * len(frame), dtype="str"))
    frame["START"] = pd.Series(["2020-01-15"] * len(frame), dtype="str")
    variables = tuple(VariableMetadata(name, name, "Char", 0) for name in frame.columns)
    (tmp_path / "sdtm").mkdir()
    xpt.write(frame, DatasetMetadata("RS", "Response", variables), tmp_path / "sdtm" / "rs.xpt")
    (tmp_path / "mapping").mkdir()
    (tmp_path / "study.yaml").write_text(STUDY)
    (tmp_path / "mapping" / "adrs.yaml").write_text(MAPPING)
    return tmp_path


def test_responses_follow_the_criteria_with_confirmation(folder: Path) -> None:
    made = convert(read_plan(folder)).packages[0].datasets[0].frame
    found = {
        name: rows.AVALC.astype("object").where(rows.AVALC.notna(), None).tolist()
        for name, rows in made.groupby("USUBJID", observed=True)
    }
    assert found["S1"] == [None, "PR", "PR", "CR", "CR"]
    assert found["S2"] == [None, "PR", "PR"]
    assert found["S3"] == [None, None, None]


def test_differences_from_the_collected_response_are_a_warning_and_two_a_day_too(folder: Path) -> None:
    found = {finding.rule: finding for finding in convert(read_plan(folder)).findings}
    assert (found["CDW-IMWG"].severity, found["CDW-IMWG"].records) == ("warning", 1)
    assert "6 compared" in found["CDW-IMWG"].message
    assert (found["CDW-IMWG-DAY"].severity, found["CDW-IMWG-DAY"].records) == ("warning", 2)


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [("serum: SERUM", "blood: SERUM", "there is no result 'blood'"), ("        chain: CHAIN\n", "", "need 'chain'"),
     ("baseline: START", "baseline: STARTS", "'STARTS'")],
)  # fmt: skip
def test_mistakes_are_told(folder: Path, right: str, wrong: str, message: str) -> None:
    (folder / "mapping" / "adrs.yaml").write_text(MAPPING.replace(right, wrong))
    with pytest.raises(MistakesError) as caught:
        read_plan(folder)
    assert message in str(caught.value)
