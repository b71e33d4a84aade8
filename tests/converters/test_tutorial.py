"""The tutorial, done: its files are a study that is mapped without an error."""

from __future__ import annotations

import re
from pathlib import Path

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
