"""The report as JUnit XML: a dataset is a suite, a rule with a finding (or one that could not run) is a case."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from lxml import etree

from .report import About, report_data
from .run import ValidationResult

_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_junit(result: ValidationResult, path: Path, about: About | None = None) -> None:
    """Write the report as JUnit XML: findings of severity error fail, checks that could not run are errors."""
    data = report_data(result, about)
    root = etree.Element("testsuites", name=_clean((about or About()).study or "cdiscway"))
    places = sorted({*result.checks, *(item["dataset"] for item in (*data["findings"], *data["not_run"]))})
    for dataset in places:
        _suite(root, dataset or "PACKAGE", dataset, data, result.checks.get(dataset, 0))
    path.write_bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True))


def _suite(root: Any, name: str, dataset: str, data: dict[str, Any], ran: int) -> None:
    findings = [finding for finding in data["findings"] if finding["dataset"] == dataset]
    not_run = [item for item in data["not_run"] if item["dataset"] == dataset]
    suite = etree.SubElement(root, "testsuite", name=_clean(name))
    rules: dict[str, list[dict[str, Any]]] = {}
    for finding in findings:
        rules.setdefault(finding["rule"], []).append(finding)
    failures = 0
    for rule, found in rules.items():
        case = etree.SubElement(suite, "testcase", classname=_clean(name), name=_clean(rule))
        failed = [finding for finding in found if finding["severity"] == "error"]
        failures += bool(failed)
        lines = "\n".join(line for finding in found for line in _lines(finding))
        if failed:
            etree.SubElement(case, "failure", message=_clean(failed[0]["message"]), type="error").text = lines
        else:
            etree.SubElement(case, "system-out").text = lines
    for item in not_run:
        case = etree.SubElement(suite, "testcase", classname=_clean(name), name=_clean(item["rule"]))
        etree.SubElement(case, "error", message=_clean(item["reason"]), type="not run")
    passed = max(ran - len(rules), 0)
    if passed:
        case = etree.SubElement(suite, "testcase", classname=_clean(name), name="checks without a finding")
        etree.SubElement(case, "system-out").text = str(passed)
    suite.set("tests", str(len(suite)))
    suite.set("failures", str(failures))
    suite.set("errors", str(len(not_run)))


def _lines(finding: dict[str, Any]) -> list[str]:
    """Return one line for a finding, and one for each that follows from it."""
    told = _clean(f"{finding['severity']}: {finding['variable']} {finding['message']} ({finding['records']})")
    below = [
        _clean(f"  with it {item['rule']} {item['dataset']}: {item['message']}") for item in finding["consequences"]
    ]
    return [told, *below]


def _clean(text: str) -> str:
    return _ILLEGAL.sub("\N{REPLACEMENT CHARACTER}", text)
