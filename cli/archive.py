"""`cdiscway archive STUDY OUT`: the end of the walk; what is not clean is refused."""

from __future__ import annotations

import sys
from pathlib import Path

import click

SHOWN_REASONS = 20


@click.command()
@click.argument("study", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path, dir_okay=False))
def command(study: Path, out: Path) -> None:
    """Build STUDY, validate the very files that go in, and write them to the ZIP file OUT.

    Refused while there is a finding of severity error, a check that could not run, or no check at all.
    """
    from cdiscway.cli.progress import progress_of
    from cdiscway.converters.archive import ArchiveRefusedError, archive_study

    try:
        with progress_of("archiving") as progress:
            archived = archive_study(study, out, progress)
    except ArchiveRefusedError as error:
        count = len(error.reasons)
        click.echo(f"Not archived: {count} reason{'s' if count > 1 else ''}", err=True)
        for reason in error.reasons[:SHOWN_REASONS]:
            click.echo(f"  {reason}", err=True)
        if count > SHOWN_REASONS:
            click.echo(
                f"  and {count - SHOWN_REASONS} more: see {study / 'build' / 'validation' / 'report.html'}", err=True
            )
        sys.exit(1)
    if archived.built.dropped_results:
        click.echo(f"Results were of other data ({'; '.join(archived.built.dropped_results)})", err=True)
    if archived.lacks_results:
        click.echo(f"No results inside: run 'cdiscway results {study}', then archive again", err=True)
    checks = sum(archived.validation.checks.values())
    click.echo(f"{out}: {archived.files} files, {checks} checks, no error")
    click.echo(f"sha256 {archived.sha256}")
