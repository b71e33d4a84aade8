"""The walk of a study, from its folder to its build folder: read, plan, map, finish, derive, judge, describe, pack.

The build folder appears whole or not at all: everything is written beside it and put in its place at the end.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cdiscway.define.build import build_define
from cdiscway.define.check import check_define
from cdiscway.define.html import write_html as write_define_html
from cdiscway.define.input import DefineInput
from cdiscway.define.write import write_define
from cdiscway.specs.codelists import Terminology, load_terminology
from cdiscway.specs.load import Way
from cdiscway.specs.mistakes import Mistake, MistakesError
from cdiscway.validation.finding import Finding, NotRun, Source

from .adam import derive_dataset
from .build_files import own_folder, replace_folder, write_json, write_kept, write_lineage, write_manifest
from .build_time import build_time
from .dataset import BuiltDataset
from .documents import copy_documents, crf_pages, dictionaries, document_findings, package_documents
from .finish import finish_sdtm, give_lengths, to_ascii
from .plan import Plan, plan_study, study_place
from .readers.raw import files_not_read
from .reporter import Recoded, Reporter, WorkItem, source_at
from .results.arm import results_metadata
from .results.fresh import keep_results
from .sdtm import map_dataset
from .study import Study, read_study
from .submission import Split, show_bytes
from .tables import FormBalance, StudyTables
from .transliteration import Replacement
from .worklist import write_csv, write_workbook
from .writers import xpt
from .writers.split import FOLDER, Part, SplitError, write_split

if TYPE_CHECKING:
    from cdiscway.validation.report import About
    from cdiscway.validation.rule_dictionaries import Dictionary
    from cdiscway.validation.rule_model import Rule
    from cdiscway.validation.run import ValidationResult

Progress = Callable[[str, int, int], None]
"""Told (what is done, how many steps are done, how many there are)."""
InAscii = tuple[str, Replacement]
"""A dataset, and a value of it that was written in ASCII."""


@dataclass(frozen=True)
class Package:
    """One package to submit: SDTM or ADaM."""

    name: str
    standard: str
    datasets: tuple[BuiltDataset, ...]

    def file(self, dataset: BuiltDataset) -> str:
        """Return the file of a dataset inside the build folder."""
        return f"{self.name}/{dataset.name.lower()}.xpt"


@dataclass(frozen=True)
class WrittenPart:
    """A part of a dataset whose file is above the size limit; `size` is that of its file, in bytes."""

    package: str
    dataset: str
    part: Part
    size: int

    @property
    def file(self) -> str:
        """The file of the part inside the build folder."""
        return f"{self.package}/{FOLDER}/{self.part.path.name}"


@dataclass(frozen=True)
class Converted:
    """A study after deriving: its packages, and what the mapping found."""

    plan: Plan
    packages: tuple[Package, ...]
    findings: tuple[Finding, ...]
    worklist: tuple[WorkItem, ...]
    balance: tuple[FormBalance, ...]
    transliterated: tuple[tuple[str, Replacement], ...] = ()
    recoded: tuple[Recoded, ...] = ()
    parts: tuple[WrittenPart, ...] = ()


@dataclass(frozen=True)
class Built:
    """A finished build; `dropped_results` says why results of the build before are not of its data, and are gone."""

    converted: Converted
    validation: ValidationResult
    about: About
    folder: Path
    manifest: dict[str, Any]
    dropped_results: tuple[str, ...] = ()

    def is_given(self, finding: Finding) -> bool:
        """Whether a finding is about SDTM that the study begins with, not about what was made: nobody mends it here."""
        made = {dataset.name for package in self.converted.packages for dataset in package.datasets}
        mapped = {(known.rule, known.dataset) for known in self.converted.findings}
        own = finding.dataset in made or finding.dataset.startswith("AD")  # an ADSL that is not there, too
        own |= (finding.rule, finding.dataset) in mapped
        return bool(self.converted.plan.given) and not own

    @property
    def errors(self) -> int:
        """How many error findings what was made has."""
        return sum(found.severity == "error" and not self.is_given(found) for found in self.validation.findings)


def open_terminology(study: Study) -> Terminology:
    """Return the terminology that study.yaml names, with the sponsor's extension terms."""
    packages = [f"{kind} CT {day}" for kind, day in study.file.standards.terminology.items()]
    extensions = study.extensions
    return load_terminology(packages, extensions, shown=study.shown(extensions) if extensions else "")


def read_plan(folder: Path) -> Plan:
    """Read a study folder and resolve its mapping. Raises MistakesError with all mistakes."""
    study = read_study(folder)
    try:
        terminology = open_terminology(study)
    except MistakesError as error:
        # The mapping files are looked at too, so that the user sees all mistakes at once.
        mistakes = list(error.mistakes)
        try:
            plan_study(study, load_terminology())
        except MistakesError as others:
            mistakes += [mistake for mistake in others.mistakes if "is not a term of codelist" not in mistake.message]
        raise MistakesError(mistakes) from None
    return plan_study(study, terminology)


def convert(plan: Plan, progress: Progress = lambda *_: None) -> Converted:
    """Map, finish and derive all datasets of a plan; nothing is written."""
    reporter = Reporter()
    tables = StudyTables(plan, reporter)
    finished, written = tabulate(plan, tables, progress)
    derived, more = derive(plan, tables, progress)
    report_completeness(plan, tables, reporter)
    return Converted(
        plan,
        packages_of(plan, finished, derived),
        tuple(reporter.findings),
        tuple(reporter.worklist),
        tuple(tables.balance[name] for name in sorted(tables.balance)),
        (*written, *more),
        sum_recoded(reporter.recoded),
    )


def tabulate(plan: Plan, tables: StudyTables, progress: Progress) -> tuple[list[BuiltDataset], list[InAscii]]:
    """Map and finish the SDTM datasets, and keep them among the tables; return also what was written in ASCII."""
    items = [item for item in plan.datasets if not item.mapping.is_analysis]
    steps = len(plan.datasets) + 1
    mapped = []
    for done, item in enumerate(items):
        progress(f"mapping {item.name}", done, steps)
        made = map_dataset(item, tables)
        tables.keep(item.name, made.frame, made.sources)
        tables.mark_used(made.sources, item.name)
        mapped.append(made)
    tables.read_all()
    progress("finishing SDTM", len(items), steps)
    finished, written = in_ascii(finish_sdtm(mapped, plan, tables), plan, tables.reporter)
    for dataset in finished:
        tables.keep(dataset.name, dataset.frame, dataset.sources)
    return finished, written


def derive(plan: Plan, tables: StudyTables, progress: Progress) -> tuple[list[BuiltDataset], list[InAscii]]:
    """Derive the analysis datasets, and keep them among the tables; return also what was written in ASCII."""
    items = [item for item in plan.datasets if item.mapping.is_analysis]
    steps = len(plan.datasets) + 1
    derived: list[BuiltDataset] = []
    written: list[InAscii] = []
    for done, item in enumerate(items, steps - len(items)):
        progress(f"deriving {item.name}", done, steps)
        dataset = derive_dataset(item, tables)
        if plan.given:  # else they are made of SDTM that is in ASCII already
            [dataset], own = in_ascii([dataset], plan, tables.reporter)
            written += own
        tables.keep(dataset.name, dataset.frame, dataset.sources)
        derived.append(dataset)
    return derived, written


def in_ascii(datasets: list[BuiltDataset], plan: Plan, reporter: Reporter) -> tuple[list[BuiltDataset], list[InAscii]]:
    """Return the datasets in ASCII where study.yaml asks for it, with every value that was changed, which is told."""
    if not plan.study.file.raw.transliterate:
        return datasets, []
    datasets, written = to_ascii(datasets)
    report_transliterated(written, reporter)
    return datasets, written


def packages_of(plan: Plan, finished: Sequence[BuiltDataset], derived: Sequence[BuiltDataset]) -> tuple[Package, ...]:
    """Return the packages that have datasets, with the lengths of their variables."""
    standards, created = plan.study.file.standards, build_time(plan.study)
    made = (("sdtm", standards.sdtm, finished), ("adam", standards.adam, derived))
    return tuple(Package(name, standard, tuple(give_lengths(part, created))) for name, standard, part in made if part)


def sum_recoded(recoded: Iterable[Recoded]) -> tuple[Recoded, ...]:
    """Put the records of the same value in the same place together (a table of tests reports each test by itself)."""
    counts: dict[Recoded, int] = {}
    for item in recoded:
        place = replace(item, records=0)
        counts[place] = counts.get(place, 0) + item.records
    ordered = sorted(counts, key=lambda item: (item.dataset, item.variable, item.form, item.value))
    return tuple(replace(place, records=counts[place]) for place in ordered)


def report_transliterated(changed: Sequence[tuple[str, Replacement]], reporter: Reporter) -> None:
    """Say for each variable how many values were written in ASCII; build/transliterated.csv lists them."""
    counts: dict[tuple[str, str], int] = {}
    for name, item in changed:
        counts[name, item.variable] = counts.get((name, item.variable), 0) + item.count
    for (name, variable), count in counts.items():
        message = "values are written in ASCII (accents and signs); transliterated.csv lists them"
        reporter.findings.append(
            Finding("CDW-ASCII", "info", name, message, variable=variable, records=count, fix_in="raw")
        )


def report_completeness(plan: Plan, tables: StudyTables, reporter: Reporter) -> None:
    """Report raw columns that are neither mapped nor declared, and raw rows that became no record."""
    undeclared = {form for form, column in plan.not_submitted}
    report_not_read(plan, reporter)
    for form, names in plan.unmapped.items():
        for name in names:
            message = f"column {name} of form {form} is neither mapped nor listed as not submitted"
            shown = tables.balance[form].file
            reporter.findings.append(
                Finding(
                    "CDW-MAP-COLUMN", "error", form, message, variable=name,
                    source=Source(form, shown, 0, name), fix_in="mapping",
                )
            )  # fmt: skip
    for form, balance in sorted(tables.balance.items()):
        left = balance.unaccounted
        if left and (balance.datasets or form not in undeclared):
            message = (
                f"{left} of {balance.rows} rows of form {form} became no record and are under no declared exclusion"
            )
            table = tables.table(("form", form))
            rows = (
                ~balance.used[table.sources["row"].to_numpy(dtype="int64") - 1] if table.sources is not None else None
            )
            reporter.report(
                "CDW-MAP-ROWS", "warning", form, message, rows=rows, sources=table.sources, fix_in="mapping"
            )


def report_not_read(plan: Plan, reporter: Reporter) -> None:
    """Name each file of the raw folder that is no form and no part of one: nothing in it is in the package."""
    if plan.given:
        return
    for shown in files_not_read(study_place(plan.study), plan.study.file.raw, plan.raw):
        message = f"{shown} is in the raw folder, and nothing of it was read"
        reporter.findings.append(Finding("CDW-RAW-FILE", "info", "", message, value=shown, fix_in="raw"))


def build_study(folder: Path, progress: Progress = lambda *_: None) -> Built:
    """Build a study: all files of its build folder, which is replaced as a whole. Raises MistakesError."""
    from .about import about_study  # noqa: PLC0415 - only what validates pays for it

    progress("reading the study", 0, 1)
    plan = read_plan(folder)
    converted = convert(plan, progress)
    target = plan.study.build
    part = own_folder(target)
    try:
        progress("writing datasets and define.xml", 0, 1)
        findings, parts = write_packages(converted, part)
        converted = replace(converted, parts=parts)
        findings += write_defines(converted, part)
        converted = replace(converted, findings=(*converted.findings, *findings))
        progress("validating", 0, 1)
        result, about = judge(converted), about_study(converted)
        progress("writing the reports", 0, 1)
        write_reports(converted, result, about, part)
        manifest = write_manifest(converted, part)
        dropped = keep_results(target, part, plan.study.folder / "results")
        replace_folder(part, target)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return Built(converted, result, about, target, manifest, dropped)


def judge(
    converted: Converted,
    rules: Sequence[Rule] = (),
    waivers: Path | None = None,
    dictionaries: Mapping[str, Dictionary] | None = None,
) -> ValidationResult:
    """Validate the packages together, so that analysis records can be traced to their sources.

    `rules` are the user's own beside ours; findings that `waivers` (else the study's waivers.yaml) names are set aside.
    """
    from cdiscway.validation.run import validate  # noqa: PLC0415 - only what validates pays for it

    from .rule_facts import Asked, facts_of  # noqa: PLC0415

    datasets = [dataset for package in converted.packages for dataset in package.datasets]
    standards = [package.standard for package in converted.packages]
    findings, not_run = converted.findings, tuple[NotRun, ...]()
    if converted.plan.given:
        from cdiscway.validation.intake import read_package  # noqa: PLC0415

        given = read_package(study_place(converted.plan.study).folder)
        datasets = [*given.datasets, *datasets]
        standards = [converted.plan.study.file.standards.sdtm, *standards]
        findings, not_run = (*findings, *given.findings), (*not_run, *given.not_run)
    terminology = converted.plan.terminology
    asked = facts_of(converted) if rules else Asked()
    result = validate(
        datasets,
        terminology,
        findings=findings,
        not_run=not_run,
        standards=standards,
        rules=rules,
        define=asked.define,
        sizes=asked.sizes,
        dictionaries=dictionaries,
    )
    return without_waived(result, converted.plan.study, waivers)


def without_waived(result: ValidationResult, study: Study, waivers: Path | None = None) -> ValidationResult:
    """Set the findings aside that a file of waivers names (the study's waivers.yaml), on the day that dates every file."""
    from cdiscway.validation.waivers import apply_waivers, read_waivers  # noqa: PLC0415

    file = waivers or study.folder / "waivers.yaml"
    if waivers is None and not file.is_file():
        return result
    shown = study.shown(file) if waivers is None else str(file)
    return apply_waivers(result, read_waivers(file, shown), build_time(study).date())


def write_datasets(converted: Converted, folder: Path) -> list[Finding]:
    """Write the transport files; what a file cannot hold is an error finding, and that file is not written."""
    return write_packages(converted, folder)[0]


def write_packages(converted: Converted, folder: Path) -> tuple[list[Finding], tuple[WrittenPart, ...]]:
    """Write the transport files of all packages, and beside them the parts of datasets above the size limit."""
    findings: list[Finding] = []
    parts: list[WrittenPart] = []
    for package in converted.packages:
        (folder / package.name).mkdir(parents=True)
        taken = {dataset.name for dataset in package.datasets}
        for dataset in package.datasets:
            if not len(dataset.frame):
                continue
            try:
                _, *made = _write_dataset(converted.plan.study, dataset, folder / package.name, taken)
            except SplitError as error:
                findings.extend(_unsplit(converted.plan.study, dataset, mistake) for mistake in error.mistakes)
                continue
            except xpt.XptError as error:
                findings.extend(_unwritable(dataset, mistake) for mistake in error.mistakes)
                continue
            taken |= {part.name for part in made}
            parts += [WrittenPart(package.name, dataset.name, part, part.path.stat().st_size) for part in made]
    return findings, tuple(parts)


def _write_dataset(study: Study, dataset: BuiltDataset, folder: Path, taken: set[str]) -> tuple[Part, ...]:
    limit, split = study.file.submission.size_limit, study.file.submission.split.get(dataset.name, Split())
    metadata, by = dataset.metadata, split.by or None
    return write_split(dataset.frame, metadata, folder, by=by, limit=limit, names=split.names, taken=taken)


def _unsplit(study: Study, dataset: BuiltDataset, mistake: Mistake) -> Finding:
    """Return the finding of a dataset that is too large for one file and cannot be split, and where to mend that."""
    way: Way = ("submission", "split", dataset.name)
    given = dataset.name in study.file.submission.split
    place = f"study.yaml:{study.document.line(way)}" if given else "study.yaml"
    size, variable = show_bytes(study.file.submission.size_limit), getattr(mistake, "variable", "")
    why = f"{mistake.message} ({mistake.hint})" if mistake.hint else mistake.message
    message = f"the file is above {size} and cannot be split: {why}; see submission.split.{dataset.name} in {place}"
    row = getattr(mistake, "row", None)
    return Finding("CDW-FILE-SIZE", "error", dataset.name, message, variable=variable, record=row, fix_in="mapping")


def _unwritable(dataset: BuiltDataset, mistake: Mistake) -> Finding:
    variable, value = getattr(mistake, "variable", ""), getattr(mistake, "value", "")
    message = f"the transport file cannot hold this: {mistake.message}" + (f" ({mistake.hint})" if mistake.hint else "")
    record = getattr(mistake, "row", None)
    source = source_at(dataset.sources, record - 1) if record and dataset.sources is not None else None
    return Finding(
        "CDW-XPT", "error", dataset.name, message, variable=variable, value=value, record=record, fix_in="raw",
        keys=_keys_at(dataset, record), source=source,
    )  # fmt: skip


def _keys_at(dataset: BuiltDataset, record: int | None) -> dict[str, str]:
    """Return the subject and the sequence of a record, for a reader to find it by."""
    names = [name for name in dataset.frame.columns if name == "USUBJID" or name.endswith("SEQ")] if record else []
    values = {str(name): dataset.frame[name].iloc[(record or 1) - 1] for name in names}
    return {name: f"{value:g}" if isinstance(value, float) else str(value) for name, value in values.items()}


def coded_formats(converted: Converted) -> set[str]:
    """Return what the standard says of the terms of all variables that are built (MedDRA, ISO 8601 ...)."""
    return {
        variable.format for package in converted.packages for one in package.datasets for variable in one.spec.variables
    }


def write_defines(converted: Converted, folder: Path) -> list[Finding]:
    """Write one define.xml for each package, with its page to read; then hold each against the files beside it."""
    study = converted.plan.study
    findings: list[Finding] = list(document_findings(study, converted.plan.forms, coded_formats(converted)))
    for package in converted.packages:
        target = folder / package.name
        copy_documents(study, package.name, target)
        given = replace(define_input(converted.plan, package), comments=split_comments(converted, package))
        define = build_define(given)
        write_define(define, target / "define.xml")
        write_define_html(define, target / "define.html")
        findings.extend(check_define(target / "define.xml").findings)
    return findings


def define_input(plan: Plan, package: Package) -> DefineInput:
    """Return what the define.xml of a package is built from."""
    study = plan.study.file
    datasets = tuple(dataset for dataset in package.datasets if len(dataset.frame))
    variables = {dataset.name: dataset.spec.names for dataset in datasets}
    specified = plan.study.folder / "results"
    results, conditions = results_metadata(specified, variables) if package.name == "adam" else (None, ())
    return DefineInput(
        study_id=study.study,
        study_name=study.study,
        study_description=f"{study.title} (synthetic data)" if study.synthetic else study.title,
        protocol=study.protocol,
        standard=package.standard,
        datasets=datasets,
        terminology=plan.terminology,
        ct_packages=used_packages(plan, package),
        documents=package_documents(plan.study, package.name),
        dictionaries=dictionaries(plan.study),
        crf_pages=crf_pages(plan.study),
        results=results,
        result_conditions=conditions,
        created=build_time(plan.study),
        originator=study.sponsor,
        source_system="cdiscway",
        source_system_version=version("cdiscway"),
    )


def split_comments(converted: Converted, package: Package) -> dict[str, str]:
    """Return what the define.xml says of each dataset that stands there whole and in parts (it describes the whole)."""
    found: dict[str, list[WrittenPart]] = {}
    for item in converted.parts:
        if item.package == package.name:
            found.setdefault(item.dataset, []).append(item)
    limit = show_bytes(converted.plan.study.file.submission.size_limit)
    return {
        dataset: f"The file is larger than {limit}. Its records stand also in {FOLDER}/, in parts: "
        + ", ".join(f"{item.part.path.name} ({' and '.join(item.part.by)} {item.part.category})" for item in items)
        for dataset, items in found.items()
    }


def used_packages(plan: Plan, package: Package) -> tuple[str, ...]:
    """Return the terminology packages that bind a variable of the package, and its own kind's."""
    kind = "ADaM" if package.name == "adam" else "SDTM"
    used = {name for name in plan.terminology.packages if name.startswith(kind)}
    variables = [variable for dataset in package.datasets for variable in dataset.spec.variables]
    codes = {code for variable in variables for code in variable.codelists}
    used |= {found.package for code in codes if (found := plan.terminology.find(code)) is not None}
    return tuple(name for name in plan.terminology.packages if name in used)


def write_reports(converted: Converted, result: ValidationResult, about: About, folder: Path) -> None:
    """Write the validation report (HTML, JSON, XLSX, SARIF, JUnit), the suites, the worklist and the lineage."""
    from cdiscway.validation import report, report_junit, report_sarif, report_xlsx  # noqa: PLC0415 - only what validates

    target = folder / "validation"
    (target / "suites").mkdir(parents=True)
    for name, suite in sorted(result.suites.items()):
        write_json(suite, target / "suites" / f"{name.lower()}.json")
    report.write_json(result, target / "report.json", about)
    report.write_html(result, target / "report.html", about)
    report_xlsx.write_xlsx(result, target / "report.xlsx", about)
    report_sarif.write_sarif(result, target / "report.sarif", about)
    report_junit.write_junit(result, target / "report.junit.xml", about)
    write_csv(converted.worklist, folder / "worklist.csv")
    write_workbook(converted.worklist, folder / "worklist.xlsx")
    write_kept(converted, folder)
    write_lineage(converted.packages, folder / "lineage.parquet")
