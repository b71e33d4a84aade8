"""Datasets above the size limit in a build: whole and in parts, and everything that tells of them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cdiscway.cli.summary import print_parts
from cdiscway.converters.about import about_study
from cdiscway.converters.build import Converted, write_defines, write_packages
from cdiscway.converters.build_files import write_manifest
from cdiscway.converters.readers.xpt import read
from cdiscway.converters.submission import Submission
from cdiscway.converters.writers.xpt import write
from cdiscway.define.read import read_define
from cdiscway.validation.finding import Finding
from cdiscway.validation.intake import read_package

SPLIT = {"size_limit": "500 kB", "split": {"LB": {"by": "LBCAT", "names": {"HEMATOLOGY": "LBHM"}}}}
PARTS = ["lbap.xpt", "lbdi.xpt", "lbhm.xpt"]


def limited(converted: Converted, submission: Mapping[str, Any]) -> Converted:
    """Return the same datasets under another `submission` of study.yaml."""
    study = converted.plan.study
    file = study.file.model_copy(update={"submission": Submission.model_validate(submission)})
    return replace(converted, plan=replace(converted.plan, study=replace(study, file=file)))


@pytest.fixture(scope="module")
def package(converted: Converted, tmp_path_factory: pytest.TempPathFactory) -> tuple[Converted, Path, list[Finding]]:
    """The example with a limit that only LB exceeds, its folder, and what was found while it was written."""
    folder = tmp_path_factory.mktemp("split")
    small = limited(converted, SPLIT)
    findings, parts = write_packages(small, folder)
    done = replace(small, parts=parts)
    return done, folder, [*findings, *write_defines(done, folder)]


Package = tuple[Converted, Path, list[Finding]]


def test_the_whole_stands_beside_its_parts_in_split(package: Package) -> None:
    """FDA Study Data Technical Conformance Guide, dataset size: the smaller files in addition to the larger one."""
    _, folder, findings = package
    assert findings == []
    assert sorted(path.name for path in (folder / "sdtm" / "split").iterdir()) == PARTS
    assert not (folder / "adam" / "split").exists()
    whole, metadata = read(folder / "sdtm" / "lb.xpt")
    parts = [read(folder / "sdtm" / "split" / name) for name in PARTS]
    together = pd.concat([frame for frame, _ in parts])
    pd.testing.assert_frame_equal(
        together.sort_values(["USUBJID", "LBSEQ"], ignore_index=True),
        whole.sort_values(["USUBJID", "LBSEQ"], ignore_index=True),
    )
    assert not together.duplicated(["USUBJID", "LBSEQ"]).any()
    assert set(together["DOMAIN"]) == {"LB"}
    for name, (frame, found) in zip(PARTS, parts, strict=True):
        assert (found.name, found.variables) == (name[:4].upper(), metadata.variables)
        assert frame["LBCAT"].nunique() == 1
        assert (folder / "sdtm" / "split" / name).stat().st_size <= 500_000


def test_define_describes_the_whole_and_says_where_the_parts_are(package: Package) -> None:
    _, folder, _ = package
    define = read_define(folder / "sdtm" / "define.xml")
    assert define.odm.study is not None
    assert define.odm.study.metadata is not None
    names = [dataset.name for dataset in define.odm.study.metadata.datasets]
    assert "LB" in names
    assert not {"LBHM", "LBAP", "LBDI"} & set(names)
    text = (folder / "sdtm" / "define.xml").read_text(encoding="utf-8")
    assert "The file is larger than 500 kB. Its records stand also in split/, in parts: lbap.xpt (LBCAT" in text
    assert 'href="lb.xpt"' in text
    assert "lbhm.xpt<" not in text


def test_report_manifest_and_summary_list_the_parts(package: Package, capsys: pytest.CaptureFixture[str]) -> None:
    done, folder, _ = package
    section = next(section for section in about_study(done).sections if section.title == "Split datasets")
    assert [row[-1] for row in section.rows] == [f"sdtm/split/{name}" for name in PARTS]
    assert sum(row[3] for row in section.rows) == len(read(folder / "sdtm" / "lb.xpt", ["LBSEQ"])[0])
    assert {f"sdtm/split/{name}" for name in PARTS} < set(write_manifest(done, folder)["outputs"])
    print_parts(done.parts)
    told = capsys.readouterr().out
    assert "LB is above the size limit and stands there in 3 parts too, by LBCAT: sdtm/split/lbap.xpt (" in told


def test_the_files_are_judged_with_their_parts(package: Package) -> None:
    _, folder, _ = package
    found = read_package(folder)
    assert found.findings == []
    assert not {"LBHM", "LBAP"} & set(found.files)


def drop_a_record(part: Path) -> None:
    frame, metadata = read(part)
    write(frame.iloc[1:], metadata, part)


def repeat_a_part(part: Path) -> None:
    frame, metadata = read(part)
    write(frame, replace(metadata, name="LBXX"), part.with_name("lbxx.xpt"))


def change_a_value(part: Path) -> None:
    frame, metadata = read(part)
    frame.loc[0, "LBSEQ"] = 99_999
    write(frame, metadata, part)


def rename_a_label(part: Path) -> None:
    frame, metadata = read(part)
    first = replace(metadata.variables[0], label="Something")
    write(frame, replace(metadata, variables=(first, *metadata.variables[1:])), part)


def cut(part: Path) -> None:
    part.write_bytes(part.read_bytes()[:1200])


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (drop_a_record, ["1 records of the whole are in no part"]),
        (repeat_a_part, ["records of the parts are not in the whole, or in several parts"]),
        (change_a_value, ["1 records of the whole are in no part", "1 records of the parts are not in the whole"]),
        (rename_a_label, ["sdtm/split/lbap.xpt describes other variables than the whole: STUDYID"]),
        (cut, ["sdtm/split/lbap.xpt cannot be read: is cut off"]),
        (lambda part: part.rename(part.with_name("lbap2.xpt")), ["holds LBAP: it should be named lbap.xpt"]),
        (
            lambda part: part.rename(part.with_name("xx.xpt")),
            ["xx.xpt is a part of no dataset", "of the whole are in no part"],
        ),
    ],
)
def test_parts_that_are_not_the_whole_are_findings(
    package: Package, tmp_path: Path, fault: Callable[[Path], object], says: list[str]
) -> None:
    shutil.copytree(package[1] / "sdtm" / "split", tmp_path / "sdtm" / "split")
    shutil.copy(package[1] / "sdtm" / "lb.xpt", tmp_path / "sdtm")
    fault(tmp_path / "sdtm" / "split" / "lbap.xpt")
    found = read_package(tmp_path).findings
    assert {finding.rule for finding in found} == {"CDW-FILE-SPLIT"}
    assert len(found) == len(says)
    for text in says:
        assert any(text in finding.message for finding in found), found


@pytest.mark.parametrize(
    ("submission", "dataset", "says"),
    [
        (
            {"size_limit": "300 kB", "split": {"LB": "LBCAT"}},
            "LB",
            r"part LBHE \(HEMATOLOGY\) has 4[0-9,]+ bytes, the limit is 300,000 .*see submission.split.LB in study.yaml",
        ),
        ({"size_limit": "300 kB", "split": {"LB": ["LBCAT", "LBSTAT"]}}, "LB", "LBSTAT|is missing"),
        ({"size_limit": "300 kB"}, "ADLB", "is not there to split by; name another variable.*submission.split.ADLB"),
        ({"size_limit": "4 kB"}, "SUPPAE", "is not there to split by"),
        ({"size_limit": "300 kB", "split": {"LB": "LBBLFL"}}, "LB", "is not there to split by"),
    ],
)
def test_what_cannot_be_split_is_an_error_finding_and_the_whole_is_written(
    converted: Converted, submission: dict[str, Any], dataset: str, says: str, tmp_path: Path
) -> None:
    small = limited(converted, submission)
    wanted = [p for p in small.packages if p.name == ("adam" if dataset.startswith("AD") else "sdtm")]
    one = [replace(p, datasets=tuple(d for d in p.datasets if d.name == dataset)) for p in wanted]
    findings, parts = write_packages(replace(small, packages=tuple(one)), tmp_path)
    assert parts == ()
    assert findings
    assert {(finding.rule, finding.severity, finding.dataset) for finding in findings} == {
        ("CDW-FILE-SIZE", "error", dataset)
    }
    assert any(re.search(says, finding.message) for finding in findings), findings
    assert (tmp_path / one[0].name / f"{dataset.lower()}.xpt").is_file()
    assert not (tmp_path / one[0].name / "split").exists()
