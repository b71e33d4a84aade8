"""Station 6 from outside: judge a study folder, or any folder of transport files, with or without define.xml."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cdiscway.define.check import check_define
from cdiscway.specs.codelists import Terminology, load_terminology
from cdiscway.validation.finding import Finding, NotRun
from cdiscway.validation.intake import read_package
from cdiscway.validation.report import About, write_html, write_json
from cdiscway.validation.run import ValidationResult, validate

from .build import Progress, about_study, convert, judge, read_plan


@dataclass(frozen=True)
class Judged:
    """A validation, and what its report says of the data."""

    result: ValidationResult
    about: About

    def write(self, html: Path | None, json_file: Path | None) -> None:
        """Write the reports that are asked for."""
        if html is not None:
            write_html(self.result, html, self.about)
        if json_file is not None:
            write_json(self.result, json_file, self.about)


def validate_path(path: Path, progress: Progress = lambda *_: None) -> Judged:
    """Validate a study folder (it is mapped in memory) or a folder of transport files. Raises MistakesError."""
    if (path / "study.yaml").is_file():
        converted = convert(read_plan(path), progress)
        progress("validating", 0, 1)
        return Judged(judge(converted), about_study(converted))
    progress("reading the files", 0, 1)
    return validate_folder(path, load_terminology(), progress)


def validate_folder(folder: Path, terminology: Terminology, progress: Progress = lambda *_: None) -> Judged:
    """Validate every transport file in and below a folder, against each define.xml that stands beside them."""
    package = read_package(folder)
    progress("validating", 0, 1)
    findings, not_run = check_defines(folder)
    standards = sorted({dataset.spec.standard for dataset in package.datasets})
    result = validate(
        package.datasets,
        terminology,
        findings=(*package.findings, *findings),
        not_run=(*package.not_run, *not_run),
        standards=standards,
    )
    return Judged(result, About(study=folder.name, title=f"Validation of {folder.name}", files=package.files))


def check_defines(folder: Path) -> tuple[Sequence[Finding], Sequence[NotRun]]:
    """Hold every define.xml of a folder against the transport files beside it."""
    findings: list[Finding] = []
    not_run: list[NotRun] = []
    for path in sorted(folder.rglob("define.xml")):
        checked = check_define(path)
        findings.extend(checked.findings)
        not_run.extend(checked.not_run)
    return findings, not_run
