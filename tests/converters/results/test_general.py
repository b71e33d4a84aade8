"""Results of any study: several arms, nobody, one subject, no events, one kind of event, missing values; each case is data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from cdiscway.converters.results.layout import body, header, notes
from cdiscway.converters.results.run import Results, compute_results, write_results

pytest.importorskip("sksurv", reason="the optional extra cdiscway[results] is not installed")
CASES = yaml.safe_load((Path(__file__).parents[2] / "cases" / "results" / "general.yaml").read_text())
STUDY = "study: S1\ntitle: A study\nprotocol: S1\nraw: {cutoff: 2020-01-01}\nsubject: {USUBJID: {column: ID}}\n"
KINDS = ("kaplan_meier", "cumulative_incidence", "engraftment", "swimmer")
NUMBERS = ("AVAL", "CNSR", "AGE", "GRADE", "TRT01AN", "EXDOSE", "STDT", "ENDT")
WriteDataset = Callable[[Path, str, pd.DataFrame], None]


def frame(columns: dict[str, Any]) -> pd.DataFrame:
    size = len(columns["USUBJID"])
    values = {name: given if isinstance(given, list) else [given] * size for name, given in columns.items()}
    return pd.DataFrame(
        {name: pd.Series(given, dtype="float64" if name in NUMBERS else "str") for name, given in values.items()}
    )


def made(case: dict[str, Any], tmp_path: Path, write_dataset: WriteDataset, **displays: dict[str, Any]) -> Results:
    adam = tmp_path / "build" / "adam"
    adam.mkdir(parents=True)
    (tmp_path / "results").mkdir()
    (tmp_path / "study.yaml").write_text(STUDY)
    for name in ("adsl", "adtte", "adae", "adex"):
        if name in case:
            write_dataset(adam, name.upper(), frame(case[name]))
    for name, display in displays.items():
        (tmp_path / "results" / f"{name}.yaml").write_text(yaml.safe_dump(display, sort_keys=False))
    return compute_results(tmp_path)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_table_reads_as_it_should(case: dict[str, Any], tmp_path: Path, write_dataset: WriteDataset) -> None:
    results = made(case, tmp_path, write_dataset, t1={"table": "t1", "title": "T"} | case["table"])
    (table,) = results.tables
    assert header(table) == case["header"]
    lines = [(kind, cells) for kind, cells in body(table) if kind != "head"]
    if isinstance(case["lines"], dict):
        assert {cells[0]: cells[1:] for _, cells in lines} == case["lines"]
    else:
        assert [["  " * (kind == "level") + cells[0], *cells[1:]] for kind, cells in lines] == case["lines"]
    assert [note for note in notes(table) if " record" in note] == case.get("notes", [])
    assert not results.ard.duplicated(["DISPLAY", "ORDER", "LEVEL", "GROUPVAL", "STAT"]).any()
    assert {"t1.docx", "t1.rtf", "results.xlsx"} <= {path.name for path in write_results(results).iterdir()}


WITH_TIMES = [case for case in CASES if "adtte" in case]


@pytest.mark.parametrize("case", WITH_TIMES, ids=lambda case: case["name"])
@pytest.mark.filterwarnings("error")
def test_every_figure_can_be_drawn(case: dict[str, Any], tmp_path: Path, write_dataset: WriteDataset) -> None:
    size = len(case["adsl"]["USUBJID"])
    case = case | {"adsl": case["adsl"] | {"STDT": [0] * size, "ENDT": [None, *range(1, size)]}}
    of_table = {name: case["table"][name] for name in ("population", "group", "groups") if name in case["table"]}
    curves = {"curves": [{"parameter": case["adtte"]["PARAMCD"]}]}
    extra = {"swimmer": {"start": "STDT", "end": "ENDT"}}
    displays = {
        kind: {"figure": kind, "title": "F", "kind": kind} | extra.get(kind, curves | of_table) for kind in KINDS
    }
    results = made(case, tmp_path, write_dataset, **displays)
    assert [drawn.png[:4] for drawn in results.figures] == [b"\x89PNG"] * len(KINDS)
    assert all(drawn.words for drawn in results.figures)


def test_a_figure_of_nobody_without_declared_groups_says_so(tmp_path: Path, write_dataset: WriteDataset) -> None:
    (case,) = (case for case in CASES if case["name"] == "nobody is in the population")
    figure = {"figure": "f", "title": "F", "kind": "kaplan_meier", "curves": [{"parameter": "OS"}], "group": "TRT01A"}
    (drawn,) = made(case, tmp_path, write_dataset, f=figure | {"population": 'SAFFL == "Y"'}).figures
    assert drawn.words == "OS: 0 subjects, 0 events"
