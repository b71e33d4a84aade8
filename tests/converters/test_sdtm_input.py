"""A study that begins with SDTM transport files: analysis datasets as mappings, with no raw data."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cdiscway.converters.build import build_study, convert, read_plan, write_datasets
from cdiscway.converters.readers import xpt
from cdiscway.specs.mistakes import MistakesError

ROOT = Path(__file__).parents[2]
BENCH = ROOT.parent / "shared" / "bench"


def load_benchmark() -> Any:
    spec = importlib.util.spec_from_file_location("benchmark_adam", ROOT / "benchmarks" / "adam.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The mappings of the benchmark, and four subjects that the test below writes down by hand."""
    target = tmp_path / "study"
    shutil.copytree(ROOT / "benchmarks" / "adam_study", target)
    write_sdtm(target / "sdtm")
    return target


PEOPLE = [  # subject, age, arm, first dose, end
    ("S1", 64.0, "Drug", "2022-01-10", "2022-03-10"),
    ("S2", 65.0, "Placebo", "2022-01-10", "2022-03-10"),
    ("S3", 81.0, "Screen Failure", "", ""),
    ("S4", 80.0, "Drug", "2022-01-10", "2022-02-10"),
]
EVENTS = [  # subject, AESEQ, AEDECOD, AEBODSYS, AESTDTC
    ("S1", 2.0, "RASH", "SKIN AND SUBCUTANEOUS TISSUE DISORDERS", "2022-01-20"),
    ("S1", 1.0, "APPLICATION SITE ERYTHEMA", "GENERAL DISORDERS", "2022-01-20"),  # a tie: the lowest AESEQ counts
    ("S1", 3.0, "RASH", "SKIN AND SUBCUTANEOUS TISSUE DISORDERS", "2022-01-09"),  # before the first dose
    ("S2", 1.0, "ALOPECIA", "SKIN AND SUBCUTANEOUS TISSUE DISORDERS", "2022-01-20"),  # not a dermatologic event here
    ("S4", 1.0, "PRURITUS", "SKIN AND SUBCUTANEOUS TISSUE DISORDERS", "2022-01"),  # the first of the month: before
    ("S4", 2.0, "PRURITUS", "SKIN AND SUBCUTANEOUS TISSUE DISORDERS", "2022-02"),
]


def write_sdtm(sdtm: Path, seed: int | None = None) -> None:
    sdtm.mkdir(exist_ok=True)
    names, ages, arms, starts, ends = (list(part) for part in zip(*PEOPLE, strict=True))
    codes = ["SCRNFAIL" if arm == "Screen Failure" else arm.upper() for arm in arms]
    died = ["", "", "", "2022-02-10"]
    tables: dict[str, dict[str, Any]] = {
        "DM": {
            "STUDYID": "STDY01", "DOMAIN": "DM", "USUBJID": names, "SUBJID": names, "RFSTDTC": starts, "RFENDTC": ends,
            "RFXSTDTC": starts, "RFXENDTC": ends, "DTHDTC": died, "DTHFL": ["", "", "", "Y"], "SITEID": "1", "AGE": ages,
            "AGEU": "YEARS", "SEX": "F", "RACE": "WHITE", "ETHNIC": "NOT HISPANIC OR LATINO", "ARMCD": codes, "ARM": arms,
            "ACTARMCD": codes, "ACTARM": arms, "COUNTRY": "FRA", "DMDTC": "2022-01-01",
        },
        "EX": {
            "STUDYID": "STDY01", "DOMAIN": "EX", "USUBJID": ["S1", "S1", "S2", "S4"], "EXSEQ": [1.0, 2.0, 1.0, 1.0],
            "EXTRT": ["DRUG X", "DRUG X", "PLACEBO", "DRUG X"], "EXDOSE": [54.0, 54.0, 0.0, 54.0],
            "EXSTDTC": ["2022-01-10", "2022-02-10", "2022-01-10", "2022-01-10"],
            "EXENDTC": ["2022-02-09", "2022-03-10", "2022-03-10", "2022-02-10"],
        },
        "DS": {
            "STUDYID": "STDY01", "DOMAIN": "DS", "USUBJID": ["S1", "S1", "S2", "S3", "S4", "S4"],
            "DSSEQ": [1.0, 2.0, 1.0, 1.0, 1.0, 2.0],
            "DSDECOD": ["RANDOMIZED", "COMPLETED", "RANDOMIZED", "SCREEN FAILURE", "RANDOMIZED", "DEATH"],
            "DSCAT": ["PROTOCOL MILESTONE", "DISPOSITION EVENT", "PROTOCOL MILESTONE", "DISPOSITION EVENT",
                      "PROTOCOL MILESTONE", "DISPOSITION EVENT"],
            "DSSTDTC": ["2022-01-10", "2022-03-10", "2022-01-10", "2022-01-05", "2022-01-10", "2022-02-10"],
        },
        "AE": {
            "STUDYID": "STDY01", "DOMAIN": "AE",
            **{name: list(part) for name, part in zip(
                ("USUBJID", "AESEQ", "AEDECOD", "AEBODSYS", "AESTDTC"), zip(*EVENTS, strict=True), strict=True)},
        },
    }  # fmt: skip
    tables["AE"]["AETERM"] = tables["AE"]["AEDECOD"]
    write = load_benchmark().write
    for name, columns in tables.items():
        frame = pd.DataFrame(columns)
        order = np.arange(len(frame)) if seed is None else np.random.default_rng(seed).permutation(len(frame))
        write(name, sdtm, {column: frame[column].to_numpy()[order] for column in frame.columns})


def derived(study: Path) -> dict[str, pd.DataFrame]:
    write_datasets(convert(read_plan(study)), study / "out")
    return {path.stem.upper(): xpt.read(path)[0] for path in sorted((study / "out").glob("*/*.xpt"))}


def iso(days: pd.Series) -> list[str | None]:
    dates = np.datetime64("1960-01-01") + days.fillna(0).to_numpy().astype("timedelta64[D]")
    return [str(date) if known else None for date, known in zip(dates, days.notna(), strict=True)]


def values(column: pd.Series) -> list[Any]:
    return [None if pd.isna(value) else value for value in column]


def test_adsl_is_derived_from_dm_ex_and_ds(folder: Path) -> None:
    adsl = derived(folder)["ADSL"].set_index("USUBJID").loc[["S1", "S2", "S3", "S4"]]
    assert iso(adsl.TRTSDT) == ["2022-01-10", "2022-01-10", None, "2022-01-10"]
    assert iso(adsl.TRTEDT) == ["2022-03-10", "2022-03-10", None, "2022-02-10"]
    assert values(adsl.TRTDURD) == [60, 60, None, 32]
    assert values(adsl.AGEGR1) == ["<65", "65-80", ">80", "65-80"]
    assert values(adsl.SAFFL) == ["Y", "Y", "N", "Y"]
    assert values(adsl.ITTFL) == ["Y", "Y", "N", "Y"]
    assert values(adsl.EOSSTT) == ["COMPLETED", "ONGOING", None, "DISCONTINUED"]
    assert values(adsl.DCSREAS) == [None, None, None, "DEATH"]


def test_the_first_dermatologic_event_counts_ties_by_the_lowest_sequence(folder: Path) -> None:
    made = derived(folder)["ADTTE"].set_index("USUBJID")
    assert list(made.index) == ["S1", "S4"], "S2 has neither event nor end of study: a finding, no record"
    assert values(made.CNSR) == [0, 0]
    assert values(made.AVAL) == [11, 23]
    assert values(made.SRCSEQ) == [1, 2]
    assert values(made.SRCDOM) == ["ADAE", "ADAE"]


def test_who_has_no_time_is_an_error_finding(folder: Path) -> None:
    found = [finding for finding in convert(read_plan(folder)).findings if finding.rule == "CDW-MAP-TTE"]
    assert [(finding.severity, finding.records) for finding in found] == [("error", 1)]


def test_the_order_of_the_given_records_changes_no_byte(folder: Path) -> None:
    def files() -> dict[str, bytes]:
        write_datasets(convert(read_plan(folder)), folder / "out")
        made = {path.name: path.read_bytes() for path in sorted((folder / "out").glob("*/*.xpt"))}
        shutil.rmtree(folder / "out")
        return made

    first = files()
    for seed in (1, 2):
        write_sdtm(folder / "sdtm", seed)
        assert files() == first


def test_a_build_holds_the_analysis_package_alone_and_traces_it_to_what_is_given(folder: Path) -> None:
    built = build_study(folder)
    assert [package.name for package in built.converted.packages] == ["adam"]
    assert sorted(path.name for path in built.folder.glob("*/*.xpt")) == ["adae.xpt", "adsl.xpt", "adtte.xpt"]
    assert (built.folder / "adam" / "define.xml").is_file()
    rules = {cause.finding.rule for cause in built.validation.causes if cause.finding.dataset.startswith("AD")}
    assert "CDW-SOURCE" not in rules
    assert "CDW-SOURCE" in str(built.validation.suites["ADTTE"]), "it was looked at"


def test_mistakes_are_told_before_a_record_is_read(folder: Path) -> None:
    path = folder / "mapping" / "adsl.yaml"
    path.write_text(
        path.read_text().replace("{column: RFSTDTC}", "{column: RFSTDTX}").replace("EXDOSE > 0", "EXDOS > 0")
    )
    (folder / "mapping" / "dm.yaml").write_text("domain: DM\nrecords: [{dataset: EX, set: {AGE: {column: EXDOSE}}}]\n")
    with pytest.raises(MistakesError) as caught:
        read_plan(folder)
    text = str(caught.value)
    assert "has no variable 'RFSTDTX'" in text or "no column 'RFSTDTX'" in text
    assert "EXDOS" in text
    assert "is given in sdtm/dm.xpt" in text


def test_an_empty_folder_of_datasets_is_a_mistake(folder: Path) -> None:
    shutil.rmtree(folder / "sdtm")
    (folder / "sdtm").mkdir()
    with pytest.raises(MistakesError, match="holds no transport file"):
        read_plan(folder)


def test_records_of_another_study_are_an_error_finding(folder: Path) -> None:
    path = folder / "study.yaml"
    path.write_text(path.read_text().replace("study: STDY01", "study: OTHER"))
    rules = {finding.rule: finding for finding in convert(read_plan(folder)).findings}
    assert rules["CDW-STUDYID"].severity == "error"


@pytest.mark.skipif(not BENCH.is_dir(), reason="the shared benchmark is not there")
def test_no_cell_differs_from_the_independent_derivation_of_the_benchmark(tmp_path: Path) -> None:
    data, study = tmp_path / "data", tmp_path / "study"
    subprocess.run([sys.executable, BENCH / "gen.py", "500", "1", data], check=True, capture_output=True)
    shutil.copytree(ROOT / "benchmarks" / "adam_study", study)
    (study / "sdtm").mkdir()
    for path in data.glob("*.xpt"):
        shutil.copy(path, study / "sdtm")
    derived(study)
    told = subprocess.run(
        [sys.executable, BENCH / "expected.py", data, "-", "-", study / "out" / "adam"],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    assert told.count("mismatching cells 0") == 2, told
    assert "missing cols []" in told
