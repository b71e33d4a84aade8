"""The reports of a validation: JSON by its schema, HTML by itself."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import openpyxl
import pytest
from lxml import etree

from cdiscway.validation.checks import RULES
from cdiscway.validation.finding import Finding, NotRun, Source
from cdiscway.validation.report import SCHEMA, About, Section, write_html, write_json
from cdiscway.validation.report_junit import write_junit
from cdiscway.validation.report_sarif import write_sarif
from cdiscway.validation.report_xlsx import plain_text, write_xlsx
from cdiscway.validation.run import Cause, Example, ValidationResult

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"


def result(*causes: Cause, not_run: tuple[NotRun, ...] = (), checks: int = 1) -> ValidationResult:
    rules = {name: planned.rule for name, planned in RULES.items() if name == "CDW-CODELIST"}
    sizes = {"LB": 3}
    return ValidationResult(
        causes, not_run, {"LB": checks}, sizes, {"LB": 1}, {"LB": EVIL}, {"LB": {"LBTEST": 2}}, {}, rules, {}
    )


def evil_cause() -> Cause:
    source = Source(EVIL, EVIL, 7, EVIL)
    finding = Finding("CDW-CODELIST", "error", "LB", EVIL, EVIL, {EVIL: EVIL}, EVIL, 1, 3, source, "raw")
    return Cause(finding, (Example(1, EVIL, {EVIL: EVIL}, {EVIL: EVIL}, source),), {EVIL: 3})


ABOUT = About(EVIL, EVIL, True, {"LB": EVIL}, (Section(EVIL, (EVIL, "n"), ((EVIL, 1234567),), EVIL),))


def test_json_keeps_to_its_schema(tmp_path: Path) -> None:
    write_json(result(evil_cause(), not_run=(NotRun("CDW-KEYS", "LB", "why"),)), tmp_path / "r.json", ABOUT)
    data = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    jsonschema.validate(data, json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert data["findings"][0]["value"] == EVIL
    assert data["clean"] is False


def test_html_escapes_every_value(tmp_path: Path) -> None:
    write_html(result(evil_cause(), not_run=(NotRun(EVIL, EVIL, EVIL),)), tmp_path / "r.html", ABOUT)
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert page.count("<script") == 2
    assert page.count("</script>") == 2
    assert "<img" not in page
    payload = re.search(r'id="data">(.*?)</script>', page, re.S)
    assert payload is not None
    assert EVIL in json.loads(payload[1])["texts"]


def test_what_follows_from_a_cause_is_in_every_report_and_counts_in_none(tmp_path: Path) -> None:
    below = Cause(Finding("CDW-DEF-DATA-MANDATORY", "error", "LB", "is mandatory", "LBTEST"))
    told = result(Cause(Finding("CDW-REQ-NULL", "error", "LB", "no value", "LBTEST"), consequences=(below,)))
    for name, write in {
        "json": write_json,
        "html": write_html,
        "xlsx": write_xlsx,
        "sarif": write_sarif,
        "xml": write_junit,
    }.items():
        write(told, tmp_path / f"r.{name}", About("S"))
    data = json.loads((tmp_path / "r.json").read_text())
    jsonschema.validate(data, json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert (data["counts"]["error"], data["counts"]["consequences"]) == (1, 1)
    assert [item["rule"] for item in data["findings"][0]["consequences"]] == ["CDW-DEF-DATA-MANDATORY"]
    sarif = json.loads((tmp_path / "r.sarif").read_text())["runs"][0]["results"]
    assert [item["ruleId"] for item in sarif] == ["CDW-REQ-NULL"]
    assert sarif[0]["relatedLocations"][0]["message"]["text"] == "CDW-DEF-DATA-MANDATORY: is mandatory"
    suite = etree.parse(tmp_path / "r.xml").getroot()[0]
    assert suite.get("failures") == "1" and "CDW-DEF-DATA-MANDATORY LB: is mandatory" in suite[0][0].text
    rows = list(openpyxl.load_workbook(tmp_path / "r.xlsx")["Findings"].values)
    assert [(row[0], row[2], row[10]) for row in rows[1:]] == [
        (1, "CDW-REQ-NULL", None),
        (None, "CDW-DEF-DATA-MANDATORY", 1),
    ]
    assert "CDW-DEF-DATA-MANDATORY" in (tmp_path / "r.html").read_text()


def test_html_needs_nothing_but_itself(tmp_path: Path) -> None:
    write_html(result(), tmp_path / "r.html", About("S"))
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert not re.search(r"""(?:src|href)\s*=\s*["'](?!#)|https?://|@import|url\(""", page)
    assert "synthetic" not in page.split("<main>")[0].split("</style>")[1]


@pytest.mark.parametrize(
    ("severity", "not_run", "checks", "clean"),
    [
        (None, (), 1, True),
        ("warning", (), 1, True),
        ("error", (), 1, False),
        (None, (NotRun("CDW-KEYS", "LB", "why"),), 1, False),
        (None, (), 0, False),
    ],
)
def test_clean_means_that_checks_ran_and_found_no_error(severity, not_run, checks, clean) -> None:  # type: ignore[no-untyped-def]
    causes = (Cause(Finding("R", severity, "LB", "m")),) if severity else ()
    assert result(*causes, not_run=not_run, checks=checks).clean is clean


def test_reports_are_the_same_every_time(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_html(result(evil_cause()), tmp_path / f"{name}.html", ABOUT)
        write_json(result(evil_cause()), tmp_path / f"{name}.json", ABOUT)
        write_xlsx(result(evil_cause()), tmp_path / f"{name}.xlsx", ABOUT)
        write_sarif(result(evil_cause()), tmp_path / f"{name}.sarif", ABOUT)
        write_junit(result(evil_cause()), tmp_path / f"{name}.xml", ABOUT)
    for kind in ("html", "json", "xlsx", "sarif", "xml"):
        assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()


@pytest.mark.parametrize("value", ["=1+1", "+1+cmd", "-1-1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("x")', "=\x00"])
def test_no_cell_of_the_workbook_is_a_formula(tmp_path: Path, value: str) -> None:
    finding = Finding("CDW-CODELIST", "error", "LB", value, value, {value: value}, value, 1, 3, Source(value, value, 1))
    cause = Cause(finding, (Example(1, value, {value: value}, {value: value}),), {})
    about = About(sections=(Section(value, (value,), ((value,),)),))
    write_xlsx(result(cause, not_run=(NotRun(value, value, value),)), tmp_path / "r.xlsx", about)
    for sheet in openpyxl.load_workbook(tmp_path / "r.xlsx"):
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f"
                assert not str(cell.value or "").startswith(("=", "+", "-", "@", "\t", "\r"))


@pytest.mark.parametrize("value", ["-5", "+5.25", "LB", "", "5-6"])
def test_numbers_and_words_of_the_workbook_stay_as_they_are(value: str) -> None:
    assert plain_text(value) == value


def test_sarif_has_a_result_per_cause_and_a_notification_per_check_not_run(tmp_path: Path) -> None:
    write_sarif(result(evil_cause(), not_run=(NotRun("CDW-KEYS", "LB", "why"),)), tmp_path / "r.sarif", ABOUT)
    run = json.loads((tmp_path / "r.sarif").read_text(encoding="utf-8"))["runs"][0]
    assert [(item["ruleId"], item["level"], item["occurrenceCount"]) for item in run["results"]] == [
        ("CDW-CODELIST", "error", 3)
    ]
    assert run["tool"]["driver"]["rules"][run["results"][0]["ruleIndex"]]["id"] == "CDW-CODELIST"
    assert run["invocations"][0]["executionSuccessful"] is False
    assert len(run["invocations"][0]["toolExecutionNotifications"]) == 1


def test_junit_counts_failures_and_errors(tmp_path: Path) -> None:
    warned = Cause(Finding("CDW-ASCII", "warning", "LB", "\x00 odd"))
    write_junit(
        result(evil_cause(), warned, not_run=(NotRun("CDW-KEYS", "LB", "why"),), checks=9), tmp_path / "r.xml", ABOUT
    )
    suite = etree.parse(tmp_path / "r.xml").getroot()[0]
    assert [suite.get(name) for name in ("name", "tests", "failures", "errors")] == ["LB", "4", "1", "1"]
