"""`cdiscway validate PATH`: judge a study folder, or any folder of transport files."""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Write the report as one HTML page.")
@click.option("--json", "json_file", type=click.Path(path_type=Path, dir_okay=False), help="Write the report as JSON.")
def command(path: Path, html: Path | None, json_file: Path | None) -> None:
    """Validate PATH: a study folder (mapped in memory, nothing is built), or a folder of XPT files, with or without define."""
    from cdiscway.cli.progress import progress_of
    from cdiscway.cli.summary import print_datasets, print_verdict
    from cdiscway.converters.validate import validate_path

    with progress_of("validating") as progress:
        judged = validate_path(path, progress)
    print_datasets(judged.result, judged.about)
    print_verdict(judged.result)
    judged.write(html, json_file)
    sys.exit(0 if judged.result.clean else 1)
