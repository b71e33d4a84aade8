"""`cdiscway`: the group of all commands. Each command is one file, imported only when it is called."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib.metadata import version

import click

COMMANDS: dict[str, tuple[str, str]] = {
    "inspect": ("cdiscway.cli.inspect", "Show what a raw export holds, and propose how to read it."),
    "build": ("cdiscway.cli.build", "Build a study: map, derive, validate, describe."),
    "worklist": ("cdiscway.cli.worklist", "Show raw texts that need a decision, and apply what was decided."),
    "explain": ("cdiscway.cli.explain", "Show where a value comes from: raw file, row, column, and each step."),
    "status": ("cdiscway.cli.status", "Show what of a study is mapped, and what is not yet."),
    "schema": ("cdiscway.cli.schema", "Print the JSON Schema of study.yaml or of the mapping files."),
    "validate": ("cdiscway.cli.validate", "Check a study folder, or any folder of transport files."),
    "archive": ("cdiscway.cli.archive", "Validate the very files that go in, and pack them; refuse what is not clean."),
    "results": ("cdiscway.cli.results", "Compute a study's tables and figures from its analysis datasets."),
    "convert": ("cdiscway.cli.convert", "Convert a dataset file between XPT, Dataset-JSON, CSV, Parquet and sas7bdat."),
    "show": ("cdiscway.cli.show", "Print the metadata and the first records of a dataset file."),
    "define": ("cdiscway.cli.define", "Read, write, check and show a define.xml."),
    "rules": ("cdiscway.cli.rules", "List and show the rules; run rules of CDISC's format on their cases."),
    "terminology": ("cdiscway.cli.terminology", "Import, look up, compare and migrate controlled terminology."),
}
"""Command -> (module, one line of help): `--help` imports none of the modules."""


class LazyGroup(click.Group):
    """A group that imports a command's module when the command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the walk."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command's module; each defines `command`."""
        if cmd_name not in COMMANDS:
            return None
        found = importlib.import_module(COMMANDS[cmd_name][0]).command
        return found if isinstance(found, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands with their one line, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("cdiscway"), prog_name="cdiscway")
def cdiscway() -> None:
    """From a study's raw eCRF export to a checked, submission-ready CDISC package.

    Exit codes: 0 clean, 1 findings of severity error, 2 a mistake in what was given.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; mistakes of the user are printed without a traceback, exit code 2."""
    from cdiscway.specs.mistakes import MistakesError

    try:
        cdiscway.main(args=None if arguments is None else list(arguments), prog_name="cdiscway")
    except MistakesError as error:
        count = len(error.mistakes)
        click.echo(f"{count} mistake{'s' if count > 1 else ''} to mend:", err=True)
        for mistake in error.mistakes:
            click.echo(f"  {mistake}", err=True)
        sys.exit(2)
