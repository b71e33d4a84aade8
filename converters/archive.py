"""Station 8: the archive. The very files that go in are validated again; one finding of severity error, and there is none.

The archive is one ZIP whose bytes depend only on its content. It appears whole or not at all.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cdiscway.validation.intake import read_package
from cdiscway.validation.run import ValidationResult, validate

from .build import Built, Progress, build_study, without_waived
from .build_files import files_in, is_input
from .whole_file import sha256, whole_path

ZIP_TIME = (1980, 1, 1, 0, 0, 0)
"""The first moment a ZIP can hold: the archive shows no time of its own."""


class ArchiveRefusedError(Exception):
    """The study is not clean; `reasons` says why, one line each."""

    def __init__(self, reasons: Iterable[str]) -> None:
        self.reasons = tuple(reasons)
        super().__init__("\n".join(self.reasons))


@dataclass(frozen=True)
class Archived:
    """A finished archive; `lacks_results` is true where the study specifies results, but none of this data are there."""

    built: Built
    validation: ValidationResult
    path: Path
    files: int
    sha256: str
    lacks_results: bool = False


def archive_study(folder: Path, target: Path, progress: Progress = lambda *_: None) -> Archived:
    """Build a study, validate the files as they were written, and pack them. Raises ArchiveRefusedError, MistakesError."""
    built = build_study(folder, progress)
    progress("validating the files", 0, 1)
    result = validate_files(built)
    reasons = reasons_against(result)
    if reasons:
        raise ArchiveRefusedError(reasons)
    progress("packing", 0, 1)
    entries = archive_entries(built)
    write_zip(entries, target)
    return Archived(built, result, target, len(entries) + 1, sha256(target), lacks_results(built))


def validate_files(built: Built) -> ValidationResult:
    """Validate the transport files of a build as they stand on disk, with what the mapping found."""
    plan = built.converted.plan
    specs = {dataset.name: dataset.spec for package in built.converted.packages for dataset in package.datasets}
    package = read_package(built.folder, specs)
    result = validate(
        package.datasets,
        plan.terminology,
        findings=(*built.converted.findings, *package.findings),
        not_run=package.not_run,
        standards=[item.standard for item in built.converted.packages],
    )
    return without_waived(result, plan.study)


def reasons_against(result: ValidationResult) -> list[str]:
    """Return why nothing may be archived: errors, checks that could not run, or no check at all."""
    reasons = [
        f"error: {'.'.join(part for part in (finding.dataset, finding.variable) if part)} {finding.message} ({finding.rule})"
        for finding in (cause.finding for cause in result.causes)
        if finding.severity == "error"
    ]
    reasons += [f"not run: {item.dataset} {item.rule}: {item.reason}" for item in result.not_run]
    if not sum(result.checks.values()):
        reasons.append("no check ran: nothing is known of these files")
    return reasons


def lacks_results(built: Built) -> bool:
    """Whether the study specifies results, and the build has none of its data."""
    specified = any((built.converted.plan.study.folder / "results").glob("*.yaml"))
    return specified and not (built.folder / "results").is_dir()


def archive_entries(built: Built) -> dict[str, Path]:
    """Return what goes in, by its name in the archive: packages, reports, results, and the study's own files but raw data."""
    study = built.converted.plan.study
    entries = {path.relative_to(built.folder).as_posix(): path for path in files_in(built.folder)}
    for path in files_in(study.folder):
        if is_input(path, study) and path.relative_to(study.folder).parts[0] != study.file.raw.folder:
            entries[f"study/{study.shown(path)}"] = path
    return dict(sorted(entries.items()))


def write_zip(entries: Mapping[str, Path], target: Path) -> None:
    """Write the archive: the entries by name, then SHA256SUMS.json over all of them."""
    sums: dict[str, str] = {name: sha256(path) for name, path in entries.items()}
    target.parent.mkdir(parents=True, exist_ok=True)
    with whole_path(target) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, path in entries.items():
            _add(archive, name, path.read_bytes())
        _add(archive, "SHA256SUMS.json", (json.dumps(sums, indent=1) + "\n").encode())


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    info = zipfile.ZipInfo(name, ZIP_TIME)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o644 << 16
    archive.writestr(info, data)
