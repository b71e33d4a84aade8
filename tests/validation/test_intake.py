"""Folders of transport files as they come: whole, cut, empty, foreign."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyreadstat
import pytest

from cdiscway.converters.dataset import DatasetMetadata, VariableMetadata
from cdiscway.converters.writers import xpt
from cdiscway.specs.mistakes import MistakesError
from cdiscway.validation.intake import guess_spec, read_package
from cdiscway.validation.run import validate


def write(path: Path, frame: pd.DataFrame, label: str = "") -> Path:
    labels = [f"Label of {name}" for name in frame.columns]
    pyreadstat.write_xport(
        frame, path, table_name=path.stem.upper(), file_label=label, column_labels=labels, file_format_version=5
    )
    return path


@pytest.fixture
def folder(tmp_path: Path, clean_tables, tools) -> Path:  # type: ignore[no-untyped-def]
    for dataset in tools["build"](clean_tables):
        if dataset.name in {"DM", "TS", "LB", "SUPPLB", "ADSL", "ADTTE", "ADLB"}:
            folder = tmp_path / ("adam" if dataset.name.startswith("AD") else "sdtm")
            folder.mkdir(exist_ok=True)
            write(folder / f"{dataset.name.lower()}.xpt", dataset.frame.astype("object"), dataset.metadata.label)
    return tmp_path


def test_a_folder_is_read_with_its_folders(folder: Path) -> None:
    package = read_package(folder)
    assert [dataset.name for dataset in package.datasets] == ["ADLB", "ADSL", "ADTTE", "DM", "LB", "SUPPLB", "TS"]
    assert package.findings == []
    assert package.files["ADLB"] == "adam/adlb.xpt"
    classes = {dataset.name: dataset.spec.observation_class for dataset in package.datasets}
    assert classes["ADTTE"] == "Basic Data Structure"
    assert classes["SUPPLB"] == "Relationship"
    assert classes["LB"] == "Findings"
    assert {dataset.spec.keys for dataset in package.datasets} == {()}


@pytest.mark.parametrize("keep", [0, 79, 500, 1200, 3000])
def test_a_file_cut_in_the_middle_is_never_a_pass(folder: Path, terminology, keep: int) -> None:  # type: ignore[no-untyped-def]
    path = folder / "sdtm" / "lb.xpt"
    path.write_bytes(path.read_bytes()[:keep])
    package = read_package(folder)
    assert "LB" not in package.files
    assert [finding.rule for finding in package.findings] == ["CDW-FILE-READ"]
    result = validate(package.datasets, terminology, findings=package.findings, not_run=package.not_run)
    assert not result.clean
    assert "CDW-FILE-READ" in {item.rule for item in result.not_run}


def test_wrong_bytes_are_a_finding(folder: Path) -> None:
    (folder / "sdtm" / "lb.xpt").write_bytes(b"\x00\xff PK not a transport file" * 100)
    package = read_package(folder)
    assert [finding.rule for finding in package.findings] == ["CDW-FILE-READ"]
    assert [item.dataset for item in package.not_run] == ["LB"]


@pytest.mark.parametrize(("encoding", "told"), [("utf-8", "utf-8"), ("cp1252", "cp1252")])
def test_text_that_is_not_ascii_is_read_and_told(folder: Path, encoding: str, told: str) -> None:
    path = folder / "sdtm" / "supplb.xpt"
    path.write_bytes(path.read_bytes().replace(b"LAB ONE", "LABÉNE".encode(encoding).ljust(7)))
    package = read_package(folder)
    assert [finding.rule for finding in package.findings] == ["CDW-FILE-ENCODING"]
    assert told in package.findings[0].message
    values = next(dataset for dataset in package.datasets if dataset.name == "SUPPLB").frame["QVAL"].tolist()
    assert any("É" in value for value in values)


def test_an_empty_dataset_is_not_a_pass(folder: Path, terminology) -> None:  # type: ignore[no-untyped-def]
    frame = pd.DataFrame({"STUDYID": pd.Series([], dtype="str"), "DOMAIN": pd.Series([], dtype="str")})
    variables = tuple(VariableMetadata(name, name.title(), "Char", 2) for name in frame.columns)
    metadata = DatasetMetadata("AE", "Adverse Events", variables)
    xpt.write(frame, metadata, folder / "sdtm" / "ae.xpt", allow_empty=True)
    package = read_package(folder)
    result = validate(package.datasets, terminology, findings=package.findings, not_run=package.not_run)
    assert "CDW-DATASET-EMPTY" in {finding.rule for finding in result.findings if finding.dataset == "AE"}
    assert "CDW-DATASET-EMPTY" in {item.rule for item in result.not_run}


def test_missing_dm_is_a_finding_and_its_checks_did_not_run(folder: Path, terminology) -> None:  # type: ignore[no-untyped-def]
    (folder / "sdtm" / "dm.xpt").unlink()
    package = read_package(folder)
    result = validate(package.datasets, terminology, findings=package.findings, not_run=package.not_run)
    assert "CDW-PACKAGE-DM" in {finding.rule for finding in result.findings}
    assert "CDW-SUBJECT-DM" in {item.rule for item in result.not_run}
    assert not result.clean


def test_names_of_files(folder: Path) -> None:
    (folder / "sdtm" / "lb.xpt").rename(folder / "sdtm" / "labs.xpt")
    (folder / "copy").mkdir()
    (folder / "copy" / "ts.xpt").write_bytes((folder / "sdtm" / "ts.xpt").read_bytes())
    (folder / "split").mkdir()
    (folder / "split" / "lb1.xpt").write_bytes((folder / "sdtm" / "ts.xpt").read_bytes())
    told = sorted(finding.rule for finding in read_package(folder).findings)
    assert told == ["CDW-FILE-NAME", "CDW-FILE-SPLIT", "CDW-FILE-TWICE"]


def test_a_folder_without_files_is_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(MistakesError, match="no transport file"):
        read_package(tmp_path)
    with pytest.raises(MistakesError, match="no such folder"):
        read_package(tmp_path / "nowhere")


def test_a_custom_domain_is_known_by_its_variables(folder: Path) -> None:
    frame = pd.DataFrame({"STUDYID": ["S"], "DOMAIN": ["XX"], "USUBJID": ["S-1"], "XXSEQ": [1.0], "XXTERM": ["Event"]})
    write(folder / "sdtm" / "xx.xpt", frame, "Own events")
    spec = next(dataset.spec for dataset in read_package(folder).datasets if dataset.name == "XX")
    assert spec.observation_class == "Events"
    assert spec.variable("XXSEQ").core == "Req"
    assert guess_spec.__doc__
