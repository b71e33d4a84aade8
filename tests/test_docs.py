"""The documents are true: every page is linked, every link leads somewhere, every command is told of."""

from __future__ import annotations

import json
import re
from pathlib import Path

import click
import pytest

from cdiscway.cli.main import COMMANDS, cdiscway, main

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_to_a_file(page: Path) -> None:
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page.name} links {target}"


def test_every_page_is_linked_from_the_index() -> None:
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    for page in sorted((ROOT / "docs").rglob("*.md")):
        name = page.relative_to(ROOT / "docs").as_posix()
        assert name == "README.md" or name in index, name


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_stands_in_the_readme(command: str) -> None:
    assert f"`cdiscway {command}" in (ROOT / "README.md").read_text(encoding="utf-8")


def commands(command: click.Command, name: str) -> list[tuple[str, click.Command]]:
    """Return the commands below a command that do something, by their whole names."""
    if not isinstance(command, click.Group):
        return [(name, command)]
    context = click.Context(command)
    found = [(below, command.get_command(context, below)) for below in command.list_commands(context)]
    return [pair for below, sub in found if sub is not None for pair in commands(sub, f"{name} {below}")]


@pytest.mark.parametrize(
    ("name", "command"), commands(cdiscway, "cdiscway"), ids=lambda item: item if isinstance(item, str) else ""
)
def test_every_command_and_option_is_told_of_in_the_pages(name: str, command: click.Command) -> None:
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert name in text
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.help, option.name
            assert max(option.opts, key=len) in text, option.opts


def test_the_readme_shows_the_build_of_the_example_as_it_is(built: Path) -> None:
    report = json.loads((built / "validation" / "report.json").read_text(encoding="utf-8"))
    counts, readme = report["counts"], (ROOT / "README.md").read_text(encoding="utf-8")
    assert (
        f"{counts['checks']} checks; findings: {counts['error']} error, {counts['warning']} warning, "
        f"{counts['info']} info (and {counts['consequences']} that follow from these); not run: {counts['not_run']}\n"
    ) in readme
    shown = re.findall(r"^(\w+) +(\d+) +(\d+) +\d+ +\d+ +\d+  (\w+/\w+\.xpt)$", readme, re.MULTILINE)
    held = {dataset["name"]: dataset for dataset in report["datasets"]}
    assert len(shown) == 4
    for name, records, variables, _ in shown:
        assert (held[name]["records"], held[name]["variables"]) == (int(records), int(variables)), name


def test_the_mistakes_that_the_readme_shows_are_told(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, old, new in (("dm", "DATE_CONS}", "DATE_CONSENT}"), ("ss", "SURVSTAT", "ALIVE")):
        mapping = study / "mapping" / f"{name}.yaml"
        mapping.write_text(mapping.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(SystemExit) as stopped:
        main(["build", str(study)])
    assert stopped.value.code == 2
    readme, told = (ROOT / "README.md").read_text(encoding="utf-8"), capsys.readouterr().err
    shown = readme[readme.index("2 mistakes to mend:") :].split("\n```")[0].splitlines()
    assert len(shown) == 3
    for line in shown:
        assert line.removesuffix("(...)") in told
