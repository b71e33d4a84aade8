"""`cdiscway build STUDY`: the whole way, from the raw export to checked packages."""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.command()
@click.argument("study", type=click.Path(path_type=Path))
@click.option("--manifest", is_flag=True, help="Print the SHA-256 of every file that was built.")
def command(study: Path, manifest: bool) -> None:
    """Build STUDY: map its raw forms, derive, validate, describe; everything goes into STUDY/build."""
    from cdiscway.cli.progress import progress_of
    from cdiscway.cli.summary import print_manifest, print_summary
    from cdiscway.converters.build import build_study

    with progress_of("building") as progress:
        built = build_study(study, progress)
    print_summary(built)
    if manifest:
        print_manifest(built.manifest)
    sys.exit(1 if built.errors else 0)
