"""`cdiscway explain`: where a value comes from."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("study", type=click.Path(path_type=Path))
@click.argument("dataset")
@click.argument("words", nargs=-1, required=True)
def command(study: Path, dataset: str, words: tuple[str, ...]) -> None:
    """Show where a value of DATASET comes from: raw file, row, column and text, mapping line, codelist, conversion.

    WORDS are the subject (or how its identifier ends), conditions such as LBSEQ=12, and, last, the variable:

        cdiscway explain STUDY LB 003 LBSEQ=12 LBSTRESN
    """
    from cdiscway.converters.build import convert, read_plan
    from cdiscway.converters.explain import explain

    converted = convert(read_plan(study))
    for number, steps in enumerate(explain(converted, dataset, words[:-1], words[-1])):
        if number:
            click.echo()
        for step in steps:
            click.echo(f"{step.about:11}{step.said}")
