"""Waivers set findings aside, are shown, expire, and go stale when the finding changes."""

from __future__ import annotations

import datetime
import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from cdiscway.specs.mistakes import MistakesError
from cdiscway.validation.finding import Finding, NotRun
from cdiscway.validation.report import SCHEMA, write_html, write_json
from cdiscway.validation.run import Cause, ValidationResult, finding_id
from cdiscway.validation.waivers import Waiver, apply_waivers, read_waivers

TODAY = datetime.date(2026, 3, 27)
FINDING = Finding("CDW-CODELIST", "error", "LB", "'CD34' is no term", "LBTESTCD", value="CD34", records=36)


def result(*findings: Finding, not_run: tuple[NotRun, ...] = ()) -> ValidationResult:
    sizes = {"LB": 40}
    return ValidationResult(
        tuple(map(Cause, findings)), not_run, {"LB": 3}, sizes, {"LB": 1}, {"LB": ""}, {"LB": {}}, {}, {}, {}
    )


def waiver(**more: object) -> Waiver:
    plain = {
        "rule": "CDW-CODELIST",
        "reason": "<b>asked for at CDISC</b>",
        "who": "Data management",
        "date": "2026-03-01",
    }
    return Waiver.model_validate(plain | more)


@pytest.mark.parametrize(
    ("scope", "left"),
    [
        ({}, []),
        ({"dataset": "LB", "variable": "LBTESTCD", "value": "CD34"}, []),
        ({"finding": finding_id(FINDING)}, []),
        ({"expires": "2026-03-27"}, []),
        ({"expires": "2026-03-26"}, ["CDW-CODELIST", "CDW-WAIVER-EXPIRED"]),
        ({"dataset": "VS"}, ["CDW-CODELIST", "CDW-WAIVER-STALE"]),
        ({"value": "CD3"}, ["CDW-CODELIST", "CDW-WAIVER-STALE"]),
        ({"finding": "0123456789ab"}, ["CDW-CODELIST", "CDW-WAIVER-STALE"]),
    ],
)
def test_scope_and_age_of_a_waiver(scope: dict[str, str], left: list[str]) -> None:
    judged = apply_waivers(result(FINDING), [waiver(**scope)], TODAY)
    assert [finding.rule for finding in judged.findings] == left
    assert judged.clean is (not left)
    assert len(judged.waived) == (not left)


@pytest.mark.parametrize("change", [{"records": 37}, {"message": "other"}, {"severity": "warning"}])
def test_a_waiver_goes_stale_when_the_finding_changes(change: dict[str, object]) -> None:
    named = waiver(finding=finding_id(FINDING))
    judged = apply_waivers(result(replace(FINDING, **change)), [named], TODAY)  # type: ignore[arg-type]
    assert [finding.rule for finding in judged.findings] == ["CDW-CODELIST", "CDW-WAIVER-STALE"]
    assert "has changed" in judged.findings[1].message


def test_a_check_that_did_not_run_cannot_be_waived() -> None:
    missing = NotRun("CDW-CODELIST", "LB", "no terminology")
    assert not apply_waivers(result(not_run=(missing,)), [waiver()], TODAY).clean


def test_waived_findings_are_shown(tmp_path: Path) -> None:
    judged = apply_waivers(result(FINDING), [waiver(expires="2027-01-01")], TODAY)
    write_json(judged, tmp_path / "r.json")
    data = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    jsonschema.validate(data, json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert [(item["rule"], item["who"], item["expires"]) for item in data["waived"]] == [
        ("CDW-CODELIST", "Data management", "2027-01-01")
    ]
    write_html(judged, tmp_path / "r.html")
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;asked for at CDISC" in page


def test_a_file_of_waivers_is_read(tmp_path: Path) -> None:
    text = "- rule: CDW-CODELIST\n  dataset: LB\n  reason: own term\n  who: DM\n  date: 2026-03-01\n"
    (tmp_path / "waivers.yaml").write_text(text)
    assert [item.dataset for item in read_waivers(tmp_path / "waivers.yaml")] == ["LB"]
    (tmp_path / "waivers.yaml").write_text("")
    assert read_waivers(tmp_path / "waivers.yaml") == ()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("reson: typo", "'reson' is not a word known here"),
        ("date: yesterday", "date"),
        ("expires: 2020-01-01", "expire before its date"),
        ("who: ''", "who"),
    ],
)
def test_mistakes_in_a_file_of_waivers_are_told_with_their_line(tmp_path: Path, line: str, told: str) -> None:
    good = {"rule": "R", "reason": "r", "who": "w", "date": "2026-03-01"}
    good.pop(line.split(":", maxsplit=1)[0], None)
    body = "\n  ".join([f"{key}: {value}" for key, value in good.items()] + [line])
    (tmp_path / "waivers.yaml").write_text(f"- {body}\n")
    with pytest.raises(MistakesError, match=told) as caught:
        read_waivers(tmp_path / "waivers.yaml")
    assert caught.value.mistakes[0].file == "waivers.yaml"
    assert caught.value.mistakes[0].line is not None
