"""`cdiscway validate PATH`: judge a study folder, or any folder of transport files."""

from __future__ import annotations

import sys
from pathlib import Path

import click

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--rules",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    metavar="FOLDER",
    help="Run the rules of a folder in CDISC's open rule format, too (may be repeated).",
)
@click.option(
    "--dictionary",
    multiple=True,
    metavar="NAME=FOLDER",
    help="The folder of a dictionary that rules ask for: meddra=FOLDER.",
)
@click.option("--html", type=FILE, help="Write the report as one HTML page.")
@click.option("--json", "json_file", type=FILE, help="Write the report as JSON.")
@click.option("--xlsx", type=FILE, help="Write the report as a workbook.")
@click.option("--sarif", type=FILE, help="Write the findings as SARIF.")
@click.option("--junit", type=FILE, help="Write the checks as JUnit XML.")
@click.option(
    "--waivers",
    type=click.Path(exists=True, path_type=Path, dir_okay=False),
    help="Set aside the findings this file waives (default: waivers.yaml in PATH).",
)
@click.option("--core", type=FILE, help="Run an installed CDISC CORE on the same files, and show where both agree.")
def command(  # noqa: PLR0913, PLR0917 - one parameter per option
    path: Path,
    rules: tuple[Path, ...],
    dictionary: tuple[str, ...],
    html: Path | None,
    json_file: Path | None,
    xlsx: Path | None,
    sarif: Path | None,
    junit: Path | None,
    waivers: Path | None,
    core: Path | None,
) -> None:
    """Check PATH: a study folder (mapped in memory, nothing is built), or a folder of transport files.

    In a folder, a define.xml is held against the files beside it. Exit code 1 when a finding is an error, a check could
    not run, or none ran.

    With --core on a study folder, CORE reads the files of its last build.
    """
    from cdiscway.cli.progress import progress_of
    from cdiscway.cli.summary import print_agreement, print_datasets, print_verdict
    from cdiscway.converters.validate import validate_path

    for folder in rules:
        _tell_others(folder)
    with progress_of("validating") as progress:
        judged = validate_path(path, progress, rules, waivers, core, dictionary)
    print_datasets(judged.result, judged.about)
    print_verdict(judged.result)
    if core is not None:
        print_agreement(judged.core)
    judged.write(html, json_file, xlsx, sarif, junit)
    sys.exit(0 if judged.result.clean else 1)


def _tell_others(folder: Path) -> None:
    """Say how many rules of a folder are for standards this tool does not know."""
    from cdiscway.validation.rule_model import rule_files

    others = [] if folder.is_file() else rule_files(folder)[1]
    if others:
        click.echo(f"{len(others)} rules of {folder} are for other standards and are left out")
