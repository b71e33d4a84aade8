"""`cdiscway terminology`: import published packages, look terms up, compare packages, bring a study to another date."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from cdiscway.converters.migrate import Touched
    from cdiscway.specs.changes import Change
    from cdiscway.specs.package import Package

_HOME = click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the store (default: $CDISCWAY_HOME, else the platform's user data folder).",
)
_PACKAGES = click.option(
    "--package", "packages", multiple=True, help="Package to look in, such as 'SDTM CT 2026-03-27'."
)


@click.group()
def command() -> None:
    """Controlled terminology: import, list, find, show, diff, migrate."""


@command.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--kind", default="", help="SDTM, ADaM, Define-XML or CDASH: a file of another kind is refused.")
@click.option("--date", default="", help="The package's date, where neither the file nor its name says it.")
@_HOME
def import_(file: Path, kind: str, date: str, home: Path | None) -> None:
    """Import FILE, a package as NCI publishes it (.txt, .odm.xml, .xlsx), into the local store.

    The file is checked as a whole first; a file that is truncated, of another kind or otherwise wrong changes nothing.
    """
    from cdiscway.specs.store import import_package, store_folder

    folder = store_folder(home)
    found = import_package(file, folder, kind, date)
    terms = len(found.rows) - found.codelists
    click.echo(
        f"{found.kind} CT {found.date}: {len(found.rows)} rows, {found.codelists} codelists, {terms} terms -> {folder}"
    )


@command.command("list")
@_HOME
def list_(home: Path | None) -> None:
    """List the packages that are bundled and imported."""
    from cdiscway.specs.store import bundled, imported, open_package, store_folder

    folder = store_folder(home)
    own = imported(folder)
    rows = []
    for title in sorted({**bundled(), **own}):
        package = open_package(title, folder)
        extent = "whole" if package.whole else f"selection of {len(package.blocks)} codelists"
        rows.append(
            (title, "imported" if title in own else "bundled", extent, str(package.rows), str(package.codelists))
        )
    _print_table(("package", "from", "extent", "rows", "codelists"), rows)


@command.command("find")
@click.argument("text")
@_PACKAGES
@_HOME
def find(text: str, packages: Sequence[str], home: Path | None) -> None:
    """Find TEXT in the codes, submission values, synonyms and names of all terms."""
    rows = [
        (package.title, codelist.name, codelist.code, term.value, term.code, term.decode, "; ".join(term.synonyms))
        for package in _open(packages, home)
        for codelist, term in package.find(text)
    ]
    _print_table(("package", "codelist", "code", "value", "term code", "decode", "synonyms"), rows)
    if not rows:
        click.echo(f"nothing has '{text}'{_of_selections(packages, home)}")
        sys.exit(1)


@command.command("show")
@click.argument("codelist")
@click.option("--definitions", is_flag=True, help="Show the definitions too (imported packages have them).")
@_PACKAGES
@_HOME
def show(codelist: str, definitions: bool, packages: Sequence[str], home: Path | None) -> None:
    """Show CODELIST, by submission value (LBTESTCD) or NCI code (C65047)."""
    from cdiscway.specs.mistakes import Mistake, MistakesError, nearest

    opened = _open(packages, home)
    for package in opened:
        if codelist in package:
            found = package.codelist(codelist)
            extensible = "extensible" if found.extensible else "not extensible"
            click.echo(
                f"{found.name} {found.code} {found.label}: {len(found.terms)} terms, {extensible}, {found.package}"
            )
            rows = [
                (
                    term.value,
                    term.code,
                    term.decode,
                    "; ".join(term.synonyms),
                    *((term.definition,) if definitions else ()),
                )
                for term in found.terms
            ]
            head = ("value", "code", "decode", "synonyms", *(("definition",) if definitions else ()))
            _print_table(head, rows)
            return
    hint = nearest(codelist, (name for package in opened for name in package.names))
    message = f"no such codelist{_of_selections(packages, home)}"
    raise MistakesError([Mistake(codelist, None, "", message, hint)])


@command.command("diff")
@click.argument("old")
@click.argument("new")
@click.option(
    "--kind", default="", help="SDTM, ADaM, Define-XML or CDASH (default: all that are there for both dates)."
)
@click.option(
    "--study", type=click.Path(path_type=Path, exists=True), help="Show which values of this study are touched."
)
@click.option(
    "--csv", "file", type=click.Path(path_type=Path), metavar="FILE", help="Write all changes into this file."
)
@_HOME
def diff(old: str, new: str, kind: str, study: Path | None, file: Path | None, home: Path | None) -> None:
    """Compare the packages of two dates: OLD and NEW, such as 2025-03-28 2026-03-27."""
    from cdiscway.converters.migrate import common_titles, open_pair, touched_values
    from cdiscway.specs.changes import count_changes, diff_packages
    from cdiscway.specs.store import store_folder

    folder = store_folder(home)
    every: list[Change] = []
    for titles in common_titles(old, new, folder, kind):
        changes = diff_packages(*open_pair(titles, folder))
        every += changes
        click.echo(f"{titles[0]} -> {titles[1]}")
        for what, count in count_changes(changes).items():
            click.echo(f"  {count:5} {what}")
    rows = [(c.kind, c.codelist_code, c.codelist, c.term_code, c.old, c.new) for c in every]
    head = ("change", "codelist code", "codelist", "term code", "old", "new")
    if file:
        _write_csv(file, head, rows)
    elif study is None:
        _print_table(head, rows)
    if study is not None:
        _print_touched(study, touched_values(study, every))


@command.command("migrate")
@click.argument("study", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--to", "date", required=True, help="The date of the packages to go to, such as 2026-03-27.")
@click.option("--apply", "apply_", is_flag=True, help="Write the safe renames and the new date into the study's files.")
@_HOME
def migrate(study: Path, date: str, apply_: bool, home: Path | None) -> None:
    """Bring STUDY to the terminology of a date: list what is touched, apply what is safe.

    A rename is safe where CDISC changed the submission value of one concept and neither value means another one; all others
    are listed and left to you.
    """
    from cdiscway.converters.migrate import apply_migration, plan_migration

    migration = plan_migration(study, date, home)
    _print_touched(study, migration.touched)
    for title in migration.missing:
        click.echo(f"{title} is neither imported nor bundled: its date stays")
    if apply_:
        for path in apply_migration(migration):
            click.echo(f"changed {path.relative_to(study)}")
    elif migration.edits:
        click.echo(f"{len(migration.edits)} can be applied: --apply")
    if migration.left:
        click.echo(f"{len(migration.left)} left to you")
        sys.exit(1)


def _open(packages: Sequence[str], home: Path | None) -> list[Package]:
    """Return the packages named, or the newest of each kind that is there."""
    from cdiscway.specs.store import bundled, imported, open_package, store_folder

    folder = store_folder(home)
    newest: dict[str, str] = {}
    for title in sorted({**bundled(), **imported(folder)}):
        newest[title.partition(" CT ")[0]] = title
    return [open_package(title, folder) for title in packages or newest.values()]


def _of_selections(packages: Sequence[str], home: Path | None) -> str:
    partial = [package.title for package in _open(packages, home) if not package.whole]
    return f" ({', '.join(partial)} is bundled as a selection of its codelists)" if partial else ""


def _print_touched(study: Path, touched: Iterable[Touched]) -> None:
    rows = [
        (f"{one.file.relative_to(study)}:{one.line}", one.path, one.codelist, one.effect, one.old, one.new, one.why)
        for one in touched
    ]
    if rows:
        _print_table(("where", "path", "codelist", "effect", "old", "new", "why"), rows)
    else:
        click.echo("no value of the study is touched")


def _print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print columns apart by tabs when piped, aligned on a terminal."""
    if not rows:
        return
    if not sys.stdout.isatty():
        for row in (head, *rows):
            click.echo("\t".join(row))
        return
    widths = [min(40, max(len(row[i]) for row in (head, *rows))) for i in range(len(head))]
    for row in (head, *rows):
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _write_csv(file: Path, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(head)
        writer.writerows(rows)
