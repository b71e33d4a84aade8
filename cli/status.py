"""`cdiscway status`: what of a study is mapped, and what is not yet."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from cdiscway.converters.plan import Plan


@click.command()
@click.argument("study", type=click.Path(path_type=Path))
def command(study: Path) -> None:
    """Show, form by form, how many columns of STUDY are mapped, not submitted, and not mapped yet; nothing is built.

    Where STUDY begins with SDTM datasets: which of their variables the mappings ask for.
    Exit code 1 where a column is neither mapped nor listed as not submitted.
    """
    from cdiscway.converters.build import read_plan

    plan = read_plan(study)
    if plan.given:
        _print_given(plan)
    else:
        _print_forms(plan)
    click.echo(f"Datasets, in their order: {', '.join(item.name for item in plan.datasets)}")
    sys.exit(1 if any(plan.unmapped.values()) else 0)


def _print_given(plan: Plan) -> None:
    """Print the SDTM datasets that the study begins with, and which of their variables the mappings ask for."""
    click.echo(f"{'Given':20}{'Variables':>10}{'Used':>6}")
    for name, given in sorted(plan.given.items()):
        used = [variable for variable in given.variables if (("dataset", name), variable) in plan.used]
        click.echo(f"{given.shown:20}{len(given.variables):>10}{len(used):>6}")
        if used:
            click.echo(f"    {', '.join(used)}")


def _print_forms(plan: Plan) -> None:
    click.echo(f"{'Form':20}{'Columns':>8}{'Mapped':>8}{'Not submitted':>15}{'Not mapped':>12}")
    for form, names in plan.headers.items():
        left = plan.unmapped[form]
        out = sum((form, name) in plan.not_submitted for name in names)
        click.echo(f"{form:20}{len(names):>8}{len(names) - out - len(left):>8}{out:>15}{len(left):>12}")
        if left:
            click.echo(f"    {', '.join(left)}")
