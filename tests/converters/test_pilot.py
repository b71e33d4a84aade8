"""ADaM from SDTM files alone: the page's study is built on records of CDISC's pilot, and held against the published datasets."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cdiscway.cli.main import main
from cdiscway.converters.build import Built, build_study, convert, read_plan, write_datasets
from cdiscway.converters.dataset import DatasetMetadata, VariableMetadata
from cdiscway.converters.readers import xpt as reader
from cdiscway.converters.writers import dataset_json as json_writer
from cdiscway.converters.writers import xpt
from cdiscway.specs.mistakes import MistakesError
from cdiscway.specs.model import DatasetSpec
from cdiscway.specs.standards import load_standard
from cdiscway.validation.intake import read_package

ROOT = Path(__file__).parents[2]
CASES = ROOT / "tests" / "cases" / "pilot"
PAGE = ROOT / "docs" / "adam-from-sdtm.md"
GIVEN = ("dm", "ex", "ds", "sv", "ae", "suppdm")

# What differs from the published values, and why: dataset, variable -> (published, ours).
DIFFERENCES = {
    ("ADAE", "TRTEMFL"): {("N", "")},  # the guide allows Y alone
    ("ADAE", "ADURU"): {("DAY", "DAYS")},  # the term of today's terminology
    ("ADTTE", "EVNTDESC"): {("Dematologic Event Occured", "Dermatologic Event Occurred")},  # misspelt there
}


def write_study(folder: Path, prefix: str = "") -> Path:
    """Write the files that the page shows; `template/` has its own ADSL alone."""
    for name, text in re.findall(r"```yaml (\S+)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        if name == "study.yaml" or name.startswith(f"{prefix}mapping/"):
            target = folder / name.removeprefix(prefix)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
    return folder


def spec_of(name: str) -> DatasetSpec:
    standard = load_standard("SDTMIG 3.4")
    return standard.supplemental(name[4:].upper()) if name.startswith("supp") else standard.dataset(name.upper())


def frame_of(name: str) -> pd.DataFrame:
    """Return the records of a case table: numbers where the guide says so, else text."""
    table = pd.read_csv(CASES / f"{name}.csv", dtype=str, keep_default_na=False)
    return pd.DataFrame({column: as_typed(name, table[column]) for column in table.columns})


def as_typed(name: str, column: pd.Series) -> pd.Series:
    known = load_standard("SDTMIG 3.4").resolve(spec_of(name), str(column.name))
    is_number = known is not None and known.type == "Num"
    return pd.to_numeric(column).astype("float64") if is_number else column.astype("str")


def metadata_of(name: str, frame: pd.DataFrame) -> DatasetMetadata:
    """Return the metadata of a transport file, with the guide's labels."""
    standard, spec = load_standard("SDTMIG 3.4"), spec_of(name)
    variables = []
    for column in frame.columns:
        known = standard.resolve(spec, column)
        kind = "Num" if frame[column].dtype == float else "Char"
        variables.append(VariableMetadata(column, known.label if known else column, kind, 8 if kind == "Num" else 0))
    return DatasetMetadata(name.upper(), spec.label, tuple(variables))


def write_sdtm(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in GIVEN:
        frame = frame_of(name)
        xpt.write(frame, metadata_of(name, frame), folder / f"{name}.xpt")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = write_study(tmp_path_factory.mktemp("pilot"))
    write_sdtm(folder / "sdtm")
    return build_study(folder)


@lru_cache
def published(name: str) -> pd.DataFrame:
    return pd.read_csv(CASES / f"published_{name}.csv", dtype=str, keep_default_na=False)


def as_text(column: pd.Series) -> list[str]:
    """Return values as the case tables write them: dates in ISO 8601, whole numbers without a point, nothing for missing."""
    if column.dtype != float:
        return ["" if pd.isna(value) else str(value) for value in column]
    if column.name in {"STARTDT", "ADT"} or str(column.name).endswith("DT"):
        days = np.datetime64("1960-01-01") + column.fillna(0).to_numpy().astype("timedelta64[D]")
        return [str(day) if there else "" for day, there in zip(days, column.notna(), strict=True)]
    return ["" if pd.isna(value) else f"{value:g}" if value < 1e6 else str(value) for value in column]


def compare(
    folder: Path, name: str, keys: list[str], table: str | None = None
) -> tuple[int, dict[str, set[tuple[str, str]]]]:
    """Return how many cells were compared, and by variable which published values are others here."""
    made = reader.read(folder / "adam" / f"{name}.xpt")[0]
    expected = published(table or name)
    texts = pd.DataFrame({column: as_text(made[column]) for column in expected.columns})
    paired = expected.merge(texts, on=keys, how="left", suffixes=("", "_ours"), validate="one_to_one", indicator=True)
    assert (paired["_merge"] == "both").all(), "every published record is made"
    cells = 0
    differ: dict[str, set[tuple[str, str]]] = {}
    for column in expected.columns.difference(keys):
        cells += len(paired)
        rows = paired[column] != paired[f"{column}_ours"]
        if rows.any():
            differ[column] = set(zip(paired[column][rows], paired[f"{column}_ours"][rows], strict=True))
    return cells, differ


@pytest.mark.parametrize(
    ("name", "keys", "records"),
    [("adsl", ["USUBJID"], 17), ("adae", ["USUBJID", "AESEQ"], 101), ("adtte", ["USUBJID"], 17)],
)
def test_each_published_value_is_reached_but_for_the_listed_ones(
    built: Built, name: str, keys: list[str], records: int
) -> None:
    assert len(published(name)) == records == len(reader.read(built.folder / "adam" / f"{name}.xpt")[0])
    _, differ = compare(built.folder, name, keys)
    assert differ == {column: pairs for (dataset, column), pairs in DIFFERENCES.items() if dataset == name.upper()}


def test_the_page_says_how_many_values_agree(built: Built) -> None:
    for name, keys in (("adsl", ["USUBJID"]), ("adae", ["USUBJID", "AESEQ"]), ("adtte", ["USUBJID"])):
        cells, _ = compare(built.folder, name, keys)
        assert f"| {name.upper()} | {len(published(name))} | {cells:,} |" in PAGE.read_text(encoding="utf-8")


def test_the_end_of_study_counts_where_the_last_dose_has_no_end(tmp_path: Path) -> None:
    folder = write_study(tmp_path)
    write_sdtm(folder / "sdtm")
    frame = frame_of("ex")
    frame.loc[(frame["USUBJID"] == "01-701-1153") & (frame["EXSEQ"] == 3), "EXENDTC"] = ""
    xpt.write(frame, metadata_of("ex", frame), folder / "sdtm" / "ex.xpt")
    adsl = {d.name: d.frame for d in convert(read_plan(folder)).packages[0].datasets}["ADSL"].set_index("USUBJID")
    assert as_text(adsl.loc[["01-701-1153"], "TRTEDT"]) == ["2014-04-01"], "not the end of the dose before, 2014-03-11"


def test_the_usual_templates_reach_the_published_values(tmp_path: Path) -> None:
    folder = write_study(tmp_path, "template/")
    write_sdtm(folder / "sdtm")
    made_datasets = {dataset.name: dataset.frame for dataset in convert(read_plan(folder)).packages[0].datasets}
    adsl = made_datasets["ADSL"].reset_index(drop=True)
    made = pd.DataFrame(
        {name: as_text(adsl[name].astype(float) if name.endswith("DT") else adsl[name]) for name in adsl.columns}
    )
    assert len(made) == 18, "all subjects of DM"
    expected = published("admiral_adsl")
    ours = made.set_index("USUBJID").loc[expected["USUBJID"], expected.columns[1:]].reset_index()
    pd.testing.assert_frame_equal(ours, expected, check_dtype=False)
    status = made.set_index("SUBJID")[["ITTFL", "SAFFL", "EOSSTT", "DCSREAS", "SCRFDT"]]
    assert status.loc["1057"].tolist() == ["N", "N", "", "", "2013-12-20"], "a screen failure has no status"
    assert status.loc["1211"].tolist() == ["Y", "Y", "DISCONTINUED", "DEATH", ""]
    times, expected = made_datasets["ADTTE"].reset_index(drop=True), published("adtte")
    for name in ("USUBJID", "AVAL", "CNSR", "SRCSEQ", "STARTDT", "ADT"):
        assert as_text(times[name]) == expected[name].tolist(), name
    assert {*times["SRCDOM"]} == {"AE", "ADSL"}


def test_given_sdtm_is_judged_but_only_what_was_made_counts(built: Built) -> None:
    given = [finding for finding in built.validation.findings if built.is_given(finding)]
    assert {"CDW-BLANKS", "CDW-CODELIST", "CDW-PACKAGE-TS"} <= {finding.rule for finding in given}
    assert {finding.dataset for finding in given} <= {*(name.upper() for name in GIVEN), "TS", ""}
    made = [found for found in built.validation.findings if not built.is_given(found) and found.severity == "error"]
    assert {(finding.rule, finding.dataset) for finding in made} == {("CDW-VAR-REQ", "ADAE")}, "what AE lacks here"
    assert built.errors == len(made) < built.validation.count("error")


def files_made(folder: Path) -> dict[str, bytes]:
    write_datasets(convert(read_plan(folder)), folder / "out")
    return {path.name: path.read_bytes() for path in sorted((folder / "out").glob("*/*.xpt"))}


def test_dataset_json_in_place_of_transport_files_gives_the_same_bytes(tmp_path: Path) -> None:
    folder, other = write_study(tmp_path / "xpt"), write_study(tmp_path / "json")
    write_sdtm(folder / "sdtm")
    (other / "sdtm").mkdir()
    for name in GIVEN:
        frame = frame_of(name)
        suffix = "ndjson" if name == "ae" else "json"
        json_writer.write(frame, metadata_of(name, frame), other / "sdtm" / f"{name}.{suffix}", ndjson=name == "ae")
    assert files_made(other) == files_made(folder)
    judged = read_package(other / "sdtm")
    assert ({dataset.name for dataset in judged.datasets}, judged.findings) == ({name.upper() for name in GIVEN}, [])


@pytest.mark.parametrize("transliterate", [False, True])
def test_bytes_of_windows_1252_are_read_and_never_written_in_silence(tmp_path: Path, transliterate: bool) -> None:
    folder = write_study(tmp_path)
    write_sdtm(folder / "sdtm")
    frame = frame_of("ae")
    frame.loc[0, "AETERM"] = "ÉRYTHÈME"
    xpt.write(frame, metadata_of("ae", frame), folder / "sdtm" / "ae.xpt", encoding="cp1252")
    if transliterate:
        path = folder / "study.yaml"
        path.write_text(path.read_text().replace("cutoff:", "transliterate: true, cutoff:"))
    built = build_study(folder)
    rules = {(finding.rule, finding.dataset) for finding in built.validation.findings}
    assert ("CDW-FILE-ENCODING", "AE") in rules, sorted(rules)
    assert (("CDW-XPT", "ADAE") in rules) is not transliterate
    assert (("CDW-ASCII", "ADAE") in rules) is transliterate
    assert (built.folder / "adam" / "adae.xpt").is_file() is transliterate
    assert (built.folder / "adam" / "adtte.xpt").is_file()


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    return int(left.value.code or 0), capsys.readouterr().out


def test_status_inspect_and_explain_know_what_is_given(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_study(tmp_path)
    write_sdtm(folder / "sdtm")
    code, text = said(capsys, "status", str(folder))
    assert (code, "sdtm/sv.xpt                  8     2\n    VISITNUM, SVSTDTC\n" in text) == (0, True), text
    code, text = said(capsys, "inspect", str(folder), "--form", "dm")
    assert (code, "format: sdtm" in text) == (0, True), text
    code, text = said(capsys, "explain", str(folder), "ADTTE", "01-701-1146", "AVAL")
    assert (code, "source     ADAE.ASTDT, sequence 3" in text) == (0, True), text
    code, text = said(capsys, "explain", str(folder), "ADSL", "01-701-1057", "TRTSDT")
    assert code == 2, "a screen failure is not in this ADSL"
    code, text = said(capsys, "explain", str(folder), "ADSL", "01-701-1023", "TRTSDT")
    assert "given      sdtm/sv.xpt, records 8, 9, 10, 11, 12, 13 of the subject" in text, text


def test_a_file_that_cannot_be_read_stops_only_what_asks_for_it(tmp_path: Path) -> None:
    folder = write_study(tmp_path, "template/")
    write_sdtm(folder / "sdtm")
    (folder / "sdtm" / "qs.xpt").write_bytes((folder / "sdtm" / "sv.xpt").read_bytes()[:900])
    built = build_study(folder)
    assert [(item.rule, item.dataset) for item in built.validation.not_run] == [("CDW-FILE-READ", "QS")]
    assert built.errors == 0
    (folder / "sdtm" / "ds.xpt").write_bytes(b"")
    with pytest.raises(MistakesError, match=r"ds\.xpt"):
        read_plan(folder)
