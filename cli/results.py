"""`cdiscway results STUDY`: tables and figures out of the analysis datasets of a build."""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.command()
@click.argument("study", type=click.Path(path_type=Path))
@click.option(
    "--adam",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Folder of analysis datasets, where it is not STUDY's build.",
)
def command(study: Path, adam: Path | None) -> None:
    """Compute the tables and figures of STUDY/results from its analysis datasets; they go into STUDY/build/results.

    Published figures in a specification are printed beside the computed ones. One that differs without a note is an
    error (exit code 1).
    """
    from cdiscway.cli.summary import table
    from cdiscway.converters.results.layout import body, header
    from cdiscway.converters.results.run import compute_results, write_results

    results = compute_results(study, adam)
    click.echo(f"{results.study.file.study}{' (synthetic data)' if results.study.file.synthetic else ''}")
    for made in results.tables:
        click.echo(f"\n{made.table.title}")
        rows = [[f"  {row[0]}" if kind == "level" else row[0], *row[1:]] for kind, row in body(made)]
        click.echo(table(header(made), rows))
    for drawn in results.figures:
        click.echo(f"\n{drawn.figure.title}: {drawn.words}")
    folder = write_results(results)
    click.echo(f"\nResults: {folder / 'results.html'}")
    for line in results.different:
        click.echo(f"  differs without a note: {line}", err=True)
    sys.exit(1 if results.different else 0)
