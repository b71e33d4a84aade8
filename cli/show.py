"""`cdiscway show`: what a dataset file holds."""

from __future__ import annotations

from pathlib import Path

import click

from .convert import ENCODINGS


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--records", "-n", default=5, show_default=True, type=click.IntRange(min=0), help="Records to show.")
@click.option("--encoding", type=ENCODINGS, default="ascii", help="Encoding of the text of a transport file.")
def command(file: Path, records: int, encoding: str) -> None:
    """Print the metadata and the first records of a dataset file (any that `convert` reads)."""
    from cdiscway.converters.convert import Options, load
    from cdiscway.converters.show import describe

    frame, metadata = load(file, Options(encoding=encoding))
    click.echo(describe(frame, metadata, records))
