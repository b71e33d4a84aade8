"""`cdiscway rules`: prove rules on cases."""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.group("rules")
def command() -> None:
    """Work with conformance rules in CDISC's open rule format."""


@command.command("test")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--rule", "only", metavar="ID", help="Run the cases of this rule alone (CORE-000001).")
@click.option("-v", "--verbose", is_flag=True, help="Name the cases that passed, too.")
def test_rules(folder: Path, only: str | None, verbose: bool) -> None:
    """Run the cases below FOLDER: what a rule finds must be what its case expects.

    A case agrees in dataset, record, variable and value, or it fails; a rule that cannot run fails with its reason.
    A case without results.csv has no values to compare; those that pass are named. Exit code 1 when a case failed.
    """
    from cdiscway.validation.rule_cases import CaseRunner
    from cdiscway.validation.rule_library import PackageTerminology, library_of

    runner = CaseRunner(library_of, PackageTerminology())
    passed = failed = 0
    current, good = "", 0
    reasons: list[str] = []
    noted: list[str] = []
    for result in runner.run_folder(folder, only):
        if result.rule != current:
            _print_rule(current, good, reasons)
            current, good, reasons = result.rule, 0, []
        if result.passed:
            good += 1
            passed += 1
            noted += [f"{result.rule} {result.case}: {result.note}"] if result.note else []
            if verbose:
                click.echo(f"{result.rule} {result.case}: passed")
        else:
            reasons.append(f"{result.case}: {result.reason}")
            failed += 1
    _print_rule(current, good, reasons)
    if noted:
        click.echo(f"{len(noted)} of those passed prove less than the others:")
        for note in noted:
            click.echo(f"  {note}")
    click.echo(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


def _print_rule(rule: str, good: int, reasons: list[str]) -> None:
    """Print one line for a rule, and one for each case that failed."""
    if not rule:
        return
    click.echo(f"{rule}: {good} passed, {len(reasons)} failed")
    for reason in reasons:
        click.echo(f"  {reason}")
