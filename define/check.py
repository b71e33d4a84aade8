"""Check a define.xml: that it can be read, its schema, its references, its rules, and the data beside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from lxml import etree

from cdiscway.converters.readers import xpt
from cdiscway.specs.mistakes import MistakesError
from cdiscway.specs.safe_xml import read_xml
from cdiscway.validation.finding import Finding, NotRun

from .against_data import Datasets, check_against_data
from .conformance import conformance_findings
from .index import Index
from .model import DefineXml, list_extras, walk
from .read import define_from_tree
from .references import reference_findings
from .schema import schema_findings


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What a check found, and what could not be checked; `define` is None where the file cannot be read."""

    findings: tuple[Finding, ...]
    not_run: tuple[NotRun, ...]
    define: DefineXml | None = None


def check_define(path: Path) -> CheckResult:
    """Check a define.xml (or the one in a folder) by itself and against the transport files beside it.

    A file that is missing, not well-formed, declares a document type or is no Define-XML is a finding too: the check
    never raises for what stands in a file.
    """
    file = path / "define.xml" if path.is_dir() else path
    try:
        tree = read_xml(file, file.name)
        define = define_from_tree(tree, file.name)
    except MistakesError as error:
        unread = NotRun("CDW-DEF-DATA", "define.xml", "the define.xml cannot be read")
        return CheckResult(tuple(_unreadable(str(mistake)) for mistake in error.mistakes), (unread,))
    findings = check_content(define, tree.getroot())
    findings += _missing_files(define, file.parent)
    datasets, unread_files = read_datasets(file.parent)
    if not datasets and not unread_files:
        missing = NotRun("CDW-DEF-DATA", "define.xml", "no transport files stand beside the define.xml")
        return CheckResult(tuple(findings), (missing,), define)
    found, not_run = check_against_data(Index(define), datasets)
    return CheckResult((*findings, *found), (*unread_files, *not_run), define)


def check_content(define: DefineXml, root: etree._Element) -> list[Finding]:
    """Check a define.xml by itself: schema, references, rules, and what it holds that no rule here knows."""
    index = Index(define)
    return [
        *schema_findings(root, define.version),
        *reference_findings(define),
        *conformance_findings(index),
        *_extra_findings(define),
    ]


def read_datasets(folder: Path) -> tuple[Datasets, list[NotRun]]:
    """Read the transport files of a folder by dataset name; files that cannot be read are listed."""
    datasets, not_run = {}, []
    for path in sorted(folder.glob("*.xpt")):
        try:
            frame, metadata = xpt.read(path)
            datasets[metadata.name] = (frame, metadata)
        except (MistakesError, OSError) as error:
            reason = str(error.mistakes[0]) if isinstance(error, MistakesError) else f"{path.name}: {error.strerror}"
            not_run.append(NotRun("CDW-DEF-DATA", path.stem.upper(), reason))
    return datasets, not_run


def _unreadable(message: str) -> Finding:
    return Finding("CDW-DEF-XML", "error", "define.xml", message, fix_in="spec")


def _extra_findings(define: DefineXml) -> list[Finding]:
    """List elements, attributes and text that Define-XML does not know; comments are none of these."""
    return [
        Finding(
            rule="CDW-DEF-EXTRA",
            severity="info",
            dataset="define.xml",
            message=f"{path.rpartition('MetaDataVersion/')[2]} holds the {extra.kind} {extra.name}".rstrip(),
            value=extra.value[:80],
            fix_in="spec",
        )
        for path, extra in list_extras(define)
        if extra.kind in ("attribute", "element", "text")
    ]


def _missing_files(define: DefineXml, folder: Path) -> list[Finding]:
    """Report leaves that point to no file, or outside the folder; nothing outside is looked at."""
    findings = []
    datasets = {dataset.archive_location_id: dataset.name for dataset in define.metadata.datasets}
    for _, element in walk(define.odm):
        href = getattr(element, "href", None)
        if type(element).__name__ != "Leaf" or not isinstance(href, str):
            continue
        parts = urlsplit(href)
        target = Path(unquote(parts.path))
        if parts.scheme or parts.netloc or target.is_absolute() or ".." in target.parts:
            message = f"the leaf {getattr(element, 'id', '')} points outside the package: {href}"
            findings.append(Finding("CDW-DEF-LEAF-OUTSIDE", "warning", "define.xml", message, value=href))
        elif not (folder / target).is_file():
            message = f"the leaf {getattr(element, 'id', '')} points to {href}, which is not there"
            dataset = datasets.get(getattr(element, "id", None)) or "define.xml"
            findings.append(Finding("CDW-DEF-LEAF-MISSING", "error", dataset, message, value=href))
    return findings
