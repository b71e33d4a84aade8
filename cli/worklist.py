"""`cdiscway worklist`: what somebody has decided about raw values that found no place, read back into the study."""

from __future__ import annotations

from pathlib import Path

import click


@click.group()
def command() -> None:
    """Show raw texts that need a decision (no term, no date), and apply what was decided."""


@command.command("apply")
@click.argument("study", type=click.Path(path_type=Path))
@click.argument("file", type=click.Path(path_type=Path), required=False)
def apply(study: Path, file: Path | None) -> None:
    """Add the accepted terms of FILE (default: STUDY/build/worklist.xlsx) to STUDY/terminology/synonyms.yaml.

    A line counts where the column `accepted` holds a term. Nothing is written where one of them is wrong.
    """
    from cdiscway.converters.build import open_terminology
    from cdiscway.converters.study import read_study
    from cdiscway.converters.worklist import apply_worklist, read_worklist

    opened = read_study(study)
    rows = read_worklist(file or opened.build / "worklist.xlsx")
    target = study / "terminology" / "synonyms.yaml"
    outcomes = apply_worklist(rows, target, open_terminology(opened))
    for item in outcomes:
        name = f"{item.codelist}: " if item.codelist else ""
        click.echo(f"{name}{item.value} -> {item.term}: {item.outcome}")
    added = sum(item.outcome == "added" for item in outcomes)
    click.echo(f"{added} of {len(outcomes)} accepted lines added to {target.name}")


@command.command("show")
@click.argument("study", type=click.Path(path_type=Path))
def show(study: Path) -> None:
    """List the worklist of STUDY's last build."""
    from cdiscway.converters.study import read_study
    from cdiscway.converters.worklist import read_worklist

    for row in read_worklist(read_study(study).build / "worklist.csv"):
        near = f"  ({row['suggestion']})" if row["suggestion"] else ""
        click.echo(f"{row['records']:>7}  {row['kind']:6} {row['dataset']}.{row['variable']}  {row['value']}{near}")
