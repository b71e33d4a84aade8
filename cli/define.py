"""`cdiscway define`: read, write, check and show a define.xml."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from cdiscway.define.model import DefineXml

FILE = click.Path(path_type=Path)


@click.group()
def command() -> None:
    """Read, write, check and show a define.xml."""


@command.command()
@click.argument("source", type=FILE)
@click.argument("folder", type=FILE)
def read(source: Path, folder: Path) -> None:
    """Turn SOURCE into specs in FOLDER.

    SOURCE is a define.xml (2.0 or 2.1) or a specification workbook (.xlsx). FOLDER gets specs/*.yaml, codelists.yaml, and
    define.xml, which keeps what specs have no place for; that is listed.
    """
    from cdiscway.define.specs import write_specs

    found = write_specs(load(source), folder)
    click.echo(f"{len(found.datasets)} datasets and {len(found.codelists)} codelists in {folder}")
    say_kept(found.unheld, f"kept in {folder / 'define.xml'}")


@command.command()
@click.argument("source", type=FILE)
@click.argument("target", type=FILE)
@click.option("--study", default="", help="The study's name, for a fresh define.xml from specs alone.")
def write(source: Path, target: Path, study: str) -> None:
    """Write SOURCE as TARGET.

    SOURCE is a define.xml, a workbook (.xlsx) or a folder with specs/*.yaml and codelists.yaml; the name of TARGET says
    what is written: .xml (with its stylesheet beside it), .xlsx or .html. Where the folder holds the define.xml that
    `define read` kept, the edits of the specs are brought into it; else --study names the study of a fresh one.
    """
    from cdiscway.define.excel import write_excel
    from cdiscway.define.html import write_html
    from cdiscway.define.write import write_define
    from cdiscway.specs.mistakes import Mistake, MistakesError

    if target.suffix not in (".xml", ".xlsx", ".html"):
        raise MistakesError([Mistake(str(target), None, "", "is neither .xml, .xlsx nor .html")])
    define = load(source, study)
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.suffix == ".xml":
        write_define(define, target)
    elif target.suffix == ".html":
        write_html(define, target)
    else:
        say_kept(write_excel(define, target), "kept on the sheet Kept")
    click.echo(f"wrote {target}")


@command.command()
@click.argument("path", type=FILE)
@click.option("--all", "everything", is_flag=True, help="Show every finding, not the first 20 of each rule.")
def check(path: Path, everything: bool) -> None:
    """Check the define.xml at PATH: schema, references, rules, and the data beside it, both ways.

    PATH is a define.xml or its folder. Exit code 1 when a finding is an error.
    """
    from cdiscway.define.check import check_define

    result = check_define(path)
    shown: dict[str, int] = {}
    for finding in result.findings:
        shown[finding.rule] = shown.get(finding.rule, 0) + 1
        if everything or shown[finding.rule] <= 20:
            place = ".".join(part for part in (finding.dataset, finding.variable) if part)
            click.echo(f"{finding.severity:8}{finding.rule:24}{place}: {finding.message}")
    for rule, count in shown.items():
        if count > 20 and not everything:
            click.echo(f"{rule}: {count - 20} more (--all shows them)")
    for item in result.not_run:
        click.echo(f"not run {item.rule:24}{item.dataset}: {item.reason}")
    errors = sum(finding.severity == "error" for finding in result.findings)
    click.echo(f"{len(result.findings)} findings, {errors} of them errors; {len(result.not_run)} checks not run")
    if errors:
        sys.exit(1)


@command.command()
@click.argument("source", type=FILE)
@click.option("--kept", is_flag=True, help="List what the file holds that the model does not know.")
def show(source: Path, kept: bool) -> None:
    """Show what SOURCE (a define.xml or a workbook) describes: its datasets with their size."""
    from cdiscway.define.index import Index, keys_of
    from cdiscway.define.model import list_extras

    define = load(source)
    index = Index(define)
    click.echo(f"Define-XML {define.metadata.define_version or define.version}: {define.metadata.name or ''}")
    for dataset in define.metadata.datasets:
        variables = list(index.variables(dataset))
        values = sum(1 for variable in variables for _ in index.values(variable))
        label = dataset.description.text if dataset.description else ""
        levels = f", {values} value-level definitions" if values else ""
        click.echo(
            f"{dataset.name or '':9}{label}: {len(variables)} variables{levels}; keys {', '.join(keys_of(variables))}"
        )
    extras = list_extras(define)
    parts = "1 part is" if len(extras) == 1 else f"{len(extras)} parts are"
    click.echo(f"{parts} kept that the model does not know (comments, other namespaces)")
    for path, extra in extras if kept else ():
        click.echo(f"  {path}: {extra.kind} {extra.name} {extra.value.strip()[:80]}")


def load(source: Path, study: str = "") -> DefineXml:
    """Read a define.xml, a workbook, or a folder of specs (for a fresh define.xml: of the study of that name)."""
    from cdiscway.define.edits import read_folder
    from cdiscway.define.excel import read_workbook
    from cdiscway.define.read import read_define

    if source.is_dir() and (source / "specs").is_dir():
        define, unheld = read_folder(source, study)
        for item in unheld:
            click.echo(f"not in the define.xml: {item}")
        return define
    if source.suffix == ".xlsx":
        define, unread = read_workbook(source)
        for item in unread:
            click.echo(f"not read: {item}")
        return define
    return read_define(source / "define.xml" if source.is_dir() else source)


def say_kept(unheld: tuple[str, ...] | list[str], where: str) -> None:
    """List what has no place in what was written."""
    if unheld:
        click.echo(f"Has no place there, and is {where}:")
    for item in unheld:
        click.echo(f"  {item}")
