"""`cdiscway rules`: prove rules on cases."""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.group("rules")
def command() -> None:
    """List and show the rules that run; run rules of CDISC's open format on their cases."""


@command.command("list")
@click.option("--standard", type=click.Choice(["sdtm", "adam"]), help="Rules on tabulations or on analysis data alone.")
@click.option("--severity", type=click.Choice(["error", "warning", "info"]), help="Rules of this severity alone.")
def list_rules(standard: str | None, severity: str | None) -> None:
    """List the rules that a build and validate run: id, severity, what must hold."""
    from cdiscway.validation.catalogue import all_rules

    shown = [rule for rule in all_rules() if severity in {None, rule.severity}]
    if standard is not None:
        shown = [rule for rule in shown if (rule.group in {"adam", "open"}) is (standard == "adam")]
    for rule in shown:
        click.echo(f"{rule.id}  {rule.severity}  {rule.title}")
    click.echo(f"{len(shown)} rules")


@command.command("show")
@click.argument("rule_id", metavar="ID")
def show_rule(rule_id: str) -> None:
    """Show one rule: what must hold, where it comes from, where to mend, and its text where it is a file."""
    from cdiscway.specs.mistakes import nearest
    from cdiscway.validation.catalogue import all_rules
    from cdiscway.validation.rule_checks import OWN, own_rules

    known = {rule.id: rule for rule in all_rules()}
    if rule_id.upper() not in known:
        raise click.BadParameter(
            f"there is no rule {rule_id}. {nearest(rule_id.upper(), known)}".strip(), param_hint="ID"
        )
    rule = known[rule_id.upper()]
    click.echo(f"{rule.id} ({rule.severity}): {rule.title}.")
    for text in (rule.description, f"Source: {rule.citation}" if rule.citation else "", f"Mend in: {rule.fix_in}"):
        if text:
            click.echo(text)
    for file in (own.file for own in own_rules() if own.id == rule.id):
        click.echo("\n" + (OWN / file).read_text(encoding="utf-8").rstrip())


@command.command("test")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--rule", "only", metavar="ID", help="Run the cases of this rule alone (CORE-000001).")
@click.option(
    "--dictionary",
    multiple=True,
    metavar="NAME=FOLDER",
    help="The folder of a dictionary that rules ask for: meddra=FOLDER.",
)
@click.option("-v", "--verbose", is_flag=True, help="Name the cases that passed, too.")
def test_rules(folder: Path, only: str | None, dictionary: tuple[str, ...], verbose: bool) -> None:
    """Run the cases below FOLDER: what a rule finds must be what its case expects.

    A case agrees in dataset, record, variable and value, or it fails; a rule that cannot run fails with its reason.
    A case without results.csv has no values to compare; those that pass are named. Exit code 1 when a case failed.
    """
    from cdiscway.cli.progress import progress_of
    from cdiscway.specs.mistakes import Mistake, MistakesError
    from cdiscway.validation.rule_cases import CaseRunner
    from cdiscway.validation.rule_dictionaries import read_dictionaries
    from cdiscway.validation.rule_library import PackageTerminology, library_of
    from cdiscway.validation.rule_model import rule_files

    runner = CaseRunner(library_of, PackageTerminology(), read_dictionaries(dictionary))
    passed = failed = 0
    noted: list[str] = []
    with progress_of("reading the rules") as progress:
        for rule, results in runner.by_rule(folder, only, progress):
            reasons = [f"{result.case}: {result.reason}" for result in results if not result.passed]
            for result in results if verbose else ():
                if result.passed:
                    click.echo(f"{rule} {result.case}: passed")
            _print_rule(rule, len(results) - len(reasons), reasons)
            noted += [f"{rule} {result.case}: {result.note}" for result in results if result.note]
            passed, failed = passed + len(results) - len(reasons), failed + len(reasons)
    if not passed + failed:
        raise MistakesError([Mistake(str(folder), None, "", "holds no case (positive|negative/NN/data)")])
    others = rule_files(folder)[1]
    if others:
        click.echo(f"{len(others)} rules for other standards were left out")
    if noted:
        click.echo(f"{len(noted)} of those passed prove less than the others:")
        for note in noted:
            click.echo(f"  {note}")
    click.echo(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


def _print_rule(rule: str, good: int, reasons: list[str]) -> None:
    """Print one line for a rule, and one for each case that failed."""
    click.echo(f"{rule}: {good} passed, {len(reasons)} failed")
    for reason in reasons:
        click.echo(f"  {reason}")
