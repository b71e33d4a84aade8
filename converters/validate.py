"""Station 6 from outside: judge a study folder, or any folder of transport files, with or without define.xml."""

from __future__ import annotations

import datetime
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from cdiscway.define.check import check_define
from cdiscway.define.specs import Specs, specs_of
from cdiscway.specs.codelists import Terminology, load_terminology
from cdiscway.specs.mistakes import Mistake, MistakesError
from cdiscway.specs.model import DatasetSpec
from cdiscway.validation.core import Agreement, agreements, run_core
from cdiscway.validation.finding import Finding, NotRun
from cdiscway.validation.intake import read_package
from cdiscway.validation.report import About, Section, write_html, write_json
from cdiscway.validation.report_junit import write_junit
from cdiscway.validation.report_sarif import write_sarif
from cdiscway.validation.report_xlsx import write_xlsx
from cdiscway.validation.rule_checks import read_rule_folders
from cdiscway.validation.rule_define import Define, merged_defines, read_define
from cdiscway.validation.rule_dictionaries import Dictionary, read_dictionaries
from cdiscway.validation.rule_model import Rule
from cdiscway.validation.run import ValidationResult, validate
from cdiscway.validation.waivers import apply_waivers, read_waivers

from .about import about_study
from .build import Progress, convert, judge, read_plan
from .dataset import BuiltDataset

_WRITERS = {"html": write_html, "json": write_json, "xlsx": write_xlsx, "sarif": write_sarif, "junit": write_junit}


@dataclass(frozen=True)
class Judged:
    """A validation, and what its report says of the data; `files` is the folder of the transport files judged."""

    result: ValidationResult
    about: About
    files: Path
    core: tuple[Agreement, ...] = ()

    def write(
        self,
        html: Path | None = None,
        json: Path | None = None,
        xlsx: Path | None = None,
        sarif: Path | None = None,
        junit: Path | None = None,
    ) -> None:
        """Write the reports that are asked for."""
        wanted = {"html": html, "json": json, "xlsx": xlsx, "sarif": sarif, "junit": junit}
        for name, path in wanted.items():
            if path is not None:
                _WRITERS[name](self.result, path, self.about)


def validate_path(
    path: Path,
    progress: Progress = lambda *_: None,
    rules: Sequence[Path] = (),
    waivers: Path | None = None,
    core: Path | None = None,
    dictionaries: Sequence[str] = (),
) -> Judged:
    """Validate a study folder (it is mapped in memory) or a folder of transport files. Raises MistakesError.

    `rules` are folders of rules in the open format, run beside ours; `waivers` is a file of waivers (else the folder's
    own waivers.yaml); `core` is an installed CDISC CORE to run on the same files; `dictionaries` are named as
    `meddra=FOLDER`.
    """
    more, held = read_rule_folders(rules), read_dictionaries(dictionaries)
    if (path / "study.yaml").is_file():
        converted = convert(read_plan(path), progress)
        progress("validating", 0, 1)
        judged = Judged(
            judge(converted, more, waivers, held), about_study(converted), converted.plan.study.build / "sdtm"
        )
    else:
        progress("reading the files", 0, 1)
        judged = validate_folder(path, load_terminology(), progress, more, waivers, held)
    if core is None:
        return judged
    progress("running CDISC CORE", 0, 1)
    return beside_core(judged, core, more)


def validate_folder(
    folder: Path,
    terminology: Terminology,
    progress: Progress = lambda *_: None,
    rules: Sequence[Rule] = (),
    waivers: Path | None = None,
    dictionaries: Mapping[str, Dictionary] | None = None,
) -> Judged:
    """Validate every transport file in and below a folder, against each define.xml that stands beside them."""
    findings, not_run, said = check_defines(folder)
    findings += undescribed(folder)
    package = read_package(folder)
    specs = {spec.name: spec for part in said for spec in part.datasets}
    datasets = [as_said(dataset, specs.get(dataset.name)) for dataset in package.datasets]
    terminology = terminology.extended({item.code: item.terms for part in said for item in part.codelists})
    progress("validating", 0, 1)
    standards = sorted({dataset.spec.standard for dataset in datasets})
    result = validate(
        datasets,
        terminology,
        findings=(*package.findings, *findings),
        not_run=(*package.not_run, *not_run),
        standards=standards,
        rules=rules,
        define=_define_of_rules(folder) if rules else None,
        sizes={name: (folder / file).stat().st_size for name, file in package.files.items()} if rules else None,
        dictionaries=dictionaries,
    )
    file = waivers or folder / "waivers.yaml"
    if waivers is not None or file.is_file():
        result = _without_waived(result, file)
    about = About(study=folder.name, title=f"Validation of {folder.name}", files=package.files)
    return Judged(result, about, folder)


def _define_of_rules(folder: Path) -> Define | None:
    """Return the define.xml that rules may ask: that of the tabulations first, where there are several."""
    found = sorted(folder.rglob("define.xml"), key=lambda path: (path.parent.name != "sdtm", path))
    read = []
    for path in found:
        with suppress(MistakesError):  # told by check_defines
            read.append(read_define(path))
    return merged_defines(read)


def _without_waived(result: ValidationResult, file: Path) -> ValidationResult:
    """Set waived findings aside; the day is SOURCE_DATE_EPOCH's, for transport files tell of no cut-off."""
    waivers, epoch = read_waivers(file, str(file)), os.environ.get("SOURCE_DATE_EPOCH")
    if not epoch and any(waiver.expires for waiver in waivers):
        message = "a waiver expires, and nothing says on which day it is judged"
        raise MistakesError([Mistake(str(file), None, "", message, "set SOURCE_DATE_EPOCH")])
    day = datetime.datetime.fromtimestamp(int(epoch), datetime.UTC).date() if epoch else datetime.date.min
    return apply_waivers(result, waivers, day)


def beside_core(judged: Judged, core: Path, rules: Sequence[Rule]) -> Judged:
    """Run CDISC CORE on the files that were judged, and show rule by rule where both agree."""
    if not any(judged.files.rglob("*.xpt")):
        message = "there are no transport files that CDISC CORE could read"
        raise MistakesError([Mistake(str(judged.files), None, "", message, "build the study first")])
    define = judged.files / "define.xml"
    found = tuple(agreements(run_core(core, judged.files, define if define.is_file() else None), judged.result, rules))
    rows = tuple((a.core, ", ".join(a.numbers), a.verdict, a.theirs, a.ours, ", ".join(a.rules)) for a in found)
    columns = ("Rule of CORE", "Conformance rules", "Agreement", "Issues of CORE", "Records of ours", "Our rules")
    note = "Rules are compared where both cite the same conformance rule, or where CDISC's rules were run here too."
    section = Section("CDISC CORE beside ours", columns, rows, note)
    return replace(judged, core=found, about=replace(judged.about, sections=(*judged.about.sections, section)))


def check_defines(folder: Path) -> tuple[list[Finding], list[NotRun], list[Specs]]:
    """Hold every define.xml of a folder against the transport files beside it; return also what it says of them."""
    findings: list[Finding] = []
    not_run: list[NotRun] = []
    said: list[Specs] = []
    for path in sorted(folder.rglob("define.xml")):
        checked = check_define(path)
        findings.extend(checked.findings)
        not_run.extend(checked.not_run)
        if checked.define is not None:
            said.append(specs_of(checked.define))
    return findings, not_run, said


def undescribed(folder: Path) -> list[Finding]:
    """Name the folders with transport files but no define.xml: a warning, an error in the folders of a submission.

    In a submission, tabulations stand in tabulations/sdtm and analyses in analysis/adam/datasets (FDA Study Data
    Technical Conformance Guide, section 7). The parts of a split dataset are described with the whole.
    """
    holding = {path.parent for path in folder.rglob("*.xpt") if path.is_file() and path.parent.name != "split"}
    return [
        Finding(
            rule="CDW-PACKAGE-DEFINE",
            severity="error" if {"tabulations", "analysis"} & set(path.resolve().parts[-4:]) else "warning",
            dataset="define.xml",
            message=f"{path.relative_to(folder.parent).as_posix()} has no define.xml: it is asked for in a submission",
            fix_in="spec",
        )
        for path in sorted(holding)
        if not (path / "define.xml").is_file()
    ]


def as_said(dataset: BuiltDataset, said: DatasetSpec | None) -> BuiltDataset:
    """Return the dataset with the class, the structure and the keys that its define.xml gives."""
    if said is None:
        return dataset
    told = {"observation_class": said.observation_class, "structure": said.structure, "keys": said.keys}
    return replace(dataset, spec=dataset.spec.model_copy(update=told))
