"""The tutorial, done: its files are a study that is mapped without an error."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cdiscway.cli.main import main
from cdiscway.converters.build import convert, read_plan

PAGE = Path(__file__).parents[2] / "docs" / "tutorial.md"


def write_files(folder: Path) -> None:
    """Write every file that the tutorial shows (its name stands beside the language of the block)."""
    for name, text in re.findall(r"```(?:yaml|csv) (\S+)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def test_the_study_of_the_tutorial_is_mapped_whole(tmp_path: Path) -> None:
    write_files(tmp_path)
    converted = convert(read_plan(tmp_path))
    assert [finding for finding in converted.findings if finding.severity != "info"] == []
    datasets = {dataset.name: dataset.frame for package in converted.packages for dataset in package.datasets}
    assert datasets["DM"]["AGE"].tolist() == [64, 58, 71]
    pulse = datasets["VS"][datasets["VS"]["VSTESTCD"] == "PULSE"]
    assert pulse["VSORRES"].tolist() == ["72", "80", "<40"]
    assert pulse["VSDY"].tolist() == [-7, 8, 8]
    assert pulse["VSLOBXFL"].notna().tolist() == [True, False, False]
    assert (datasets["VS"]["VSSTAT"] == "NOT DONE").sum() == 1
    assert not any(converted.plan.unmapped.values())


def shown(text: str) -> list[str]:
    """Return the lines of output that the page shows: in blocks without a language, but for folders and commands."""
    blocks = [block for language, block in re.findall(r"^```([^\n]*)\n(.*?)^```$", text, re.M | re.S) if not language]
    return [line for block in blocks if not block.startswith(("mystudy/", "cdiscway ")) for line in block.splitlines()]


def test_what_the_tutorial_says_is_printed_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_files(tmp_path)
    with pytest.raises(SystemExit) as built:
        main(["build", str(tmp_path)])
    mapping = tmp_path / "mapping" / "vs.yaml"
    mapping.write_text(mapping.read_text(encoding="utf-8").replace("PULSE", "PULS"), encoding="utf-8")
    with pytest.raises(SystemExit) as mistaken:
        main(["build", str(tmp_path)])
    assert (built.value.code, mistaken.value.code) == (0, 2)
    printed = capsys.readouterr()
    lines = shown(PAGE.read_text(encoding="utf-8"))
    assert len(lines) == 3
    for line in lines:
        assert line in printed.out + printed.err
