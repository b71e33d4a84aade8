"""The how-to pages, done: their REDCap study ends with the errors they tell; their waiver is one of the example."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from cdiscway.cli.main import main
from cdiscway.validation.waivers import read_waivers

DOCS = Path(__file__).parents[2] / "docs"


def write_files(page: str, folder: Path) -> None:
    """Write every file that a page shows (its name stands beside the language of the block)."""
    text = (DOCS / page).read_text(encoding="utf-8")
    for name, content in re.findall(r"```(?:yaml|csv) (\S+)\n(.*?)```", text, re.DOTALL):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")


def build(folder: Path) -> dict[str, set[str]]:
    """Build a study; return the rules of its errors and warnings, by severity."""
    with pytest.raises(SystemExit):
        main(["build", str(folder)])
    report = json.loads((folder / "build" / "validation" / "report.json").read_text(encoding="utf-8"))
    return {
        level: {found["rule"] for found in report["findings"] if found["severity"] == level}
        for level in ("error", "warning")
    }


def test_the_redcap_study_ends_with_the_errors_that_the_page_tells(tmp_path: Path) -> None:
    write_files("redcap.md", tmp_path)
    found = build(tmp_path)
    assert found["error"] == {"CDW-REQ-NULL", "CDW-ARMNRS", "CDW-PACKAGE-TS"}
    assert found["warning"] == {"CDW-PACKAGE-DESIGN"}


def test_coded_terms_in_a_second_file_are_joined_as_the_page_says(tmp_path: Path) -> None:
    write_files("redcap.md", tmp_path)
    text = (DOCS / "redcap.md").read_text(encoding="utf-8")
    forms, join = (re.search(pattern, text).group(1) for pattern in (r"`raw: \{(forms: .*?)\}` ", r"`(join: \[.*?\])`"))  # type: ignore[union-attr]
    for name, before, line in (
        ("study.yaml", "  cutoff:", f"  {forms}"),
        ("mapping/ae.yaml", "    set:", f"    {join}"),
    ):
        written = (tmp_path / name).read_text(encoding="utf-8").replace(before, f"{line}\n{before}", 1)
        (tmp_path / name).write_text(
            written.replace("    set:\n", "    set:\n      AEDECOD: {column: PT}\n"), encoding="utf-8"
        )
    coded = "record_id,redcap_data_access_group,redcap_repeat_instance,PT\n1001,lyon,1,Pyrexia\n1001,lyon,2,Cough\n"
    (tmp_path / "raw" / "meddra.csv").write_text(coded, encoding="utf-8")
    assert build(tmp_path)["error"] == {"CDW-ARMNRS", "CDW-PACKAGE-TS"}


def test_the_waiver_that_the_page_shows_is_of_a_finding_of_the_example(tmp_path: Path, built: Path) -> None:
    write_files("findings.md", tmp_path)
    (waiver,) = read_waivers(tmp_path / "waivers.yaml")
    report = json.loads((built / "validation" / "report.json").read_text(encoding="utf-8"))
    told = {(found["rule"], found["dataset"], found["variable"]) for found in report["findings"]}
    assert (waiver.rule, waiver.dataset, waiver.variable) in told
