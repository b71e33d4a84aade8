"""What a build prints at its end: one line for each dataset, then the causes that matter most."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from cdiscway.converters.build import Built, WrittenPart
    from cdiscway.validation.causes import Cause
    from cdiscway.validation.core import Agreement
    from cdiscway.validation.finding import Finding, NotRun
    from cdiscway.validation.report import About
    from cdiscway.validation.run import ValidationResult

HEADER = ("Dataset", "Records", "Variables", "Errors", "Warnings", "Infos", "File")
TOP_CAUSES = 5


def print_summary(built: Built) -> None:
    """Print the table of datasets, the counts, the top causes, and where the report is."""
    print_datasets(built.validation, built.about)
    print_parts(built.converted.parts)
    print_verdict(built.validation, built.is_given)
    print_dropped(built.dropped_results)
    click.echo(f"Report: {built.folder / 'validation' / 'report.html'}")


def print_dropped(reasons: Sequence[str]) -> None:
    """Print why results of the build before are gone."""
    if reasons:
        click.echo(f"Results were of other data and are gone ({'; '.join(reasons)}): run 'cdiscway results' again")


def print_datasets(result: ValidationResult, about: About) -> None:
    """Print one line for each dataset: records, variables, findings by severity, file."""
    click.echo(f"{about.study}{' (synthetic data)' if about.synthetic else ''}")
    rows = [
        [
            name,
            records,
            result.variables[name],
            *(result.count(severity, name) for severity in ("error", "warning", "info")),
            about.files.get(name, "(not written)"),
        ]
        for name, records in result.records.items()
    ]
    click.echo(table(HEADER, rows))


def print_parts(parts: Sequence[WrittenPart]) -> None:
    """Print which datasets stand there in parts too, and by what they were split."""
    for dataset in dict.fromkeys(part.dataset for part in parts):
        made = [item for item in parts if item.dataset == dataset]
        by = ", ".join(dict.fromkeys(name for item in made for name in item.part.by))
        files = ", ".join(f"{item.file} ({item.part.records})" for item in made)
        click.echo(f"{dataset} is above the size limit and stands there in {len(made)} parts too, by {by}: {files}")


def print_verdict(result: ValidationResult, is_given: Callable[[Finding], bool] = lambda _: False) -> None:
    """Print the counts by severity, the checks that did not run, and the top causes: those of what was made come first."""
    checks = sum(result.checks.values())
    waived = f"; waived: {len(result.waived)}" if result.waived else ""
    more = f" (and {len(result.consequences)} that follow from these)" if result.consequences else ""
    click.echo(f"{checks} checks; findings: {counted(result.findings)}{more}; not run: {len(result.not_run)}{waived}")
    made = [cause for cause in result.causes if not is_given(cause.finding)]
    given = [cause for cause in result.causes if is_given(cause.finding)]
    if given:
        told, of_given = (counted([cause.finding for cause in causes]) for causes in (made, given))
        click.echo(f"  of what was made: {told}; of the SDTM that is given: {of_given}")
    grave = [cause for cause in (*made, *given) if cause.finding.severity != "info"]
    for cause in grave[:TOP_CAUSES]:
        print_cause(cause)
    if len(grave) > TOP_CAUSES:
        click.echo(f"  and {len(grave) - TOP_CAUSES:,} more: see the report")
    print_not_run(result.not_run)


def print_not_run(items: Sequence[NotRun]) -> None:
    """Print the checks that did not run, one line for each rule and reason."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for item in items:
        reasons.setdefault((item.rule, item.reason), []).append(item.dataset)
    for (rule, reason), datasets in list(reasons.items())[:TOP_CAUSES]:
        where = datasets[0] if len(datasets) == 1 else f"{len(datasets)} datasets"
        click.echo(f"  not run: {where} {rule}: {reason}")


def counted(findings: Sequence[Finding]) -> str:
    """Return how many findings there are of each severity."""
    from cdiscway.validation.report import SEVERITIES

    counts = Counter(finding.severity for finding in findings)
    return ", ".join(f"{counts[severity]} {severity}" for severity in SEVERITIES)


def print_cause(cause: Cause) -> None:
    """Print a finding on one line, with its first raw source, and what follows from it on the next."""
    finding = cause.finding
    name = ".".join(part for part in (finding.dataset, finding.variable) if part) or "package"
    records = f" [{finding.records:,} records]" if finding.records > 1 else ""
    source = f", {finding.source.file} row {finding.source.row}" if finding.source and finding.source.row else ""
    click.echo(f"  {finding.severity}: {name} {finding.message}{records} ({finding.rule}{source})")
    rules = Counter(below.finding.rule for below in cause.consequences)
    if rules:
        click.echo(f"    with it: {', '.join(rule if n == 1 else f'{rule} ({n})' for rule, n in rules.items())}")


def print_agreement(found: Sequence[Agreement]) -> None:
    """Print how many rules of CDISC CORE agree with ours, and each that does not."""
    counts = Counter(item.verdict for item in found)
    click.echo("CDISC CORE: " + ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items())))
    for item in found:
        if item.verdict in {"CORE alone", "ours alone"}:
            names = ", ".join((*item.numbers, *item.rules))
            click.echo(f"  {item.verdict}: {item.core} ({names}): {item.theirs} issues, {item.ours} records of ours")


def table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Return a plain text table: text to the left, numbers to the right.

    >>> print(table(("Dataset", "Records"), [["DM", 23]]))
    Dataset  Records
    DM            23
    """
    cells = [[str(cell) for cell in row] for row in [header, *rows]]
    widths = [max(len(row[place]) for row in cells) for place in range(len(header))]
    right = [all(isinstance(row[place], int) for row in rows) for place in range(len(header))]
    lines = [
        "  ".join(
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in cells
    ]
    return "\n".join(lines)


def print_manifest(manifest: dict[str, Any]) -> None:
    """Print the outputs as sha256sum does."""
    for name, digest in manifest["outputs"].items():
        click.echo(f"{digest}  {name}")
