"""`cdiscway inspect RAW`: what a raw export holds, before anything is mapped."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from cdiscway.converters.inspect import Intake

FORMATS = ("delimited", "xlsx", "sas7bdat", "xpt", "parquet", "odm", "redcap", "castor", "openclinica", "rave")
COLUMNS = ("Column", "Filled", "Blank", "Distinct", "Seen as", "Values")


@click.command()
@click.argument("raw", type=click.Path(path_type=Path))
@click.option(
    "--format", "wanted", type=click.Choice(FORMATS), help="Read RAW in this format, instead of the one found."
)
@click.option("--form", "forms", multiple=True, metavar="NAME", help="Show this form alone (may be repeated).")
@click.option(
    "--json", "json_file", type=click.Path(path_type=Path), metavar="FILE", help="Write the contract as JSON."
)
@click.option("--html", "html_file", type=click.Path(path_type=Path), metavar="FILE", help="Write it as one HTML page.")
def command(
    raw: Path, wanted: str | None, forms: tuple[str, ...], json_file: Path | None, html_file: Path | None
) -> None:
    """Print the intake contract of RAW: a raw file, a folder of them, or a study folder.

    Files, records, keys, what each column holds (types, forms of dates, words for unknown, value lists), what is odd
    (encoding, repeated names, records of the wrong width), and a proposal for study.yaml. Nothing is changed.
    """
    from cdiscway.converters.inspect import inspect_raw
    from cdiscway.converters.inspect_report import to_html, to_json

    intake = inspect_raw(raw, wanted)  # type: ignore[arg-type]
    _demand_forms(intake, forms)
    _print(intake, forms)
    for file, write in ((json_file, to_json), (html_file, to_html)):
        if file is not None:
            file.write_text(write(intake), encoding="utf-8")
            click.echo(f"Written: {file}")
    sys.exit(0 if intake.forms else 2)


def _demand_forms(intake: Intake, forms: tuple[str, ...]) -> None:
    from cdiscway.specs.mistakes import Mistake, MistakesError, nearest

    known = [form.name for form in intake.forms]
    wrong = [name for name in forms if name not in known]
    if wrong:
        raise MistakesError(
            Mistake("--form", None, name, "there is no such form", nearest(name, known)) for name in wrong
        )


def _print(intake: Intake, forms: tuple[str, ...]) -> None:
    from cdiscway.cli.summary import table
    from cdiscway.converters.inspect_report import column_cells, form_line, form_remarks

    records = sum(form.rows for form in intake.forms)
    click.echo(f"{intake.path}: format {intake.format}, {len(intake.forms)} forms, {records:,} records")
    for form in intake.forms:
        if not forms or form.name in forms:
            click.echo(f"\n{form_line(form)}")
            for remark in form_remarks(form):
                click.echo(f"  {remark}")
            click.echo(table(COLUMNS, [column_cells(column) for column in form.columns]))
    if intake.not_read:
        click.echo(f"\nFiles not read: {', '.join(intake.not_read)}")
    if intake.trouble:
        click.echo("\nWhat is odd:")
        for text in intake.trouble:
            click.echo(f"  {text}")
    click.echo(f"\nProposal for study.yaml:\n\n{intake.proposal}", nl=False)
