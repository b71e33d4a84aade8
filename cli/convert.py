"""`cdiscway convert`: one dataset file from another."""

from __future__ import annotations

from pathlib import Path

import click

ENCODINGS = click.Choice(["ascii", "cp1252", "latin-1", "utf-8"])


@click.command()
@click.argument("source", metavar="IN", type=click.Path(path_type=Path))
@click.argument("target", metavar="OUT", type=click.Path(path_type=Path))
@click.option("--encoding", type=ENCODINGS, default="ascii", help="Encoding of the text of IN, a transport file.")
@click.option("--to-encoding", type=ENCODINGS, default="ascii", help="Encoding of the text of OUT, a transport file.")
@click.option("--transliterate", is_flag=True, help="Replace characters that are not ASCII (é by e), and list it.")
@click.option(
    "--like", type=click.Path(path_type=Path), metavar="FILE", help="Take names, types and formats from this file."
)
@click.option("--keep-control-characters", is_flag=True, help="Let a transport file hold tabs, line ends and the like.")
@click.option("--allow-empty", is_flag=True, help="Write a transport file without records too.")
@click.option("--name", default="", help="Name of the dataset, where it is not that of IN.")
def command(  # noqa: PLR0913, PLR0917 - one for each option
    source: Path,
    target: Path,
    encoding: str,
    to_encoding: str,
    transliterate: bool,
    like: Path | None,
    keep_control_characters: bool,
    allow_empty: bool,
    name: str,
) -> None:
    """Convert a dataset file; the formats are told by the names of IN and OUT.

    Transport files (.xpt), Dataset-JSON 1.1 (.json, .ndjson), CSV (.csv), Parquet (.parquet) and, as IN only, SAS
    datasets (.sas7bdat). What OUT cannot hold is a mistake, or is told.
    """
    from cdiscway.converters.convert import Options, convert
    from cdiscway.converters.transliteration import ASCII_TABLE

    table = ASCII_TABLE if transliterate else None
    options = Options(encoding, to_encoding, like, name, table, keep_control_characters, allow_empty)
    done = convert(source, target, options)
    click.echo(f"{target}: {done.metadata.name}, {done.records:,} records, {len(done.metadata.variables)} variables")
    for found in done.replacements:
        click.echo(f"  replaced in {found.variable}: {found.old!r} by {found.new!r} ({found.count:,} records)")
    for lost in done.lost:
        click.echo(f"  not in {target.name}: {lost}", err=True)
