"""The report as SARIF 2.1.0, for tools that collect results of checks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from .report import About, report_data
from .run import ValidationResult

_LEVELS = {"error": "error", "warning": "warning", "info": "note"}
_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def sarif_data(result: ValidationResult, about: About | None = None) -> dict[str, Any]:
    """Return the report as a SARIF log: rules, one result per cause, checks that could not run as notifications.

    What follows from a cause is a related location of its result; a waived cause is a result that is suppressed.
    """
    data = report_data(result, about)
    files = {dataset["name"]: dataset["file"] for dataset in data["datasets"]}
    names = sorted({item["rule"] for item in (*data["findings"], *data["waived"])} | set(data["rules"]))
    run: dict[str, Any] = {
        "tool": {
            "driver": {
                "name": "cdiscway",
                "version": data["versions"].get("cdiscway", "0"),
                "rules": [_rule(name, data["rules"].get(name)) for name in names],
            }
        },
        "invocations": [
            {
                "executionSuccessful": not data["not_run"],
                "toolExecutionNotifications": [
                    {
                        "level": "error",
                        "message": {"text": f"{item['dataset']}: {item['rule']} could not run: {item['reason']}"},
                    }
                    for item in data["not_run"]
                ],
            }
        ],
        "results": [
            *(_result(finding, names, files) for finding in data["findings"]),
            *(_waived(item, names, files) for item in data["waived"]),
        ],
    }
    if data["synthetic"]:
        run["properties"] = {"synthetic": True}
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(name: str, rule: Mapping[str, str] | None) -> dict[str, Any]:
    if rule is None:
        return {"id": name}
    return {
        "id": name,
        "shortDescription": {"text": rule["title"]},
        "fullDescription": {"text": rule["description"] or rule["title"]},
        "help": {"text": rule["citation"]},
        "defaultConfiguration": {"level": _LEVELS[rule["severity"]]},
    }


def _result(finding: Mapping[str, Any], names: list[str], files: Mapping[str, str]) -> dict[str, Any]:
    location: dict[str, Any] = {"logicalLocations": [_place(finding)]}
    if files.get(finding["dataset"]):
        location["physicalLocation"] = {"artifactLocation": {"uri": quote(files[finding["dataset"]])}}
    result = {
        "ruleId": finding["rule"],
        "ruleIndex": names.index(finding["rule"]),
        "level": _LEVELS[finding["severity"]],
        "message": {"text": finding["message"]},
        "occurrenceCount": max(finding["records"], 1),
        "locations": [location],
        "partialFingerprints": {"finding/v1": finding["id"]},
    }
    if finding["consequences"]:
        result["relatedLocations"] = [
            {"message": {"text": f"{below['rule']}: {below['message']}"}, "logicalLocations": [_place(below)]}
            for below in finding["consequences"]
        ]
    return result


def _waived(item: Mapping[str, Any], names: list[str], files: Mapping[str, str]) -> dict[str, Any]:
    told = f"{item['reason']} ({item['who']}, {item['date']})"
    suppression = {"kind": "external", "status": "accepted", "justification": told}
    return {**_result(item, names, files), "suppressions": [suppression]}


def _place(finding: Mapping[str, Any]) -> dict[str, str]:
    name = ".".join(part for part in (finding["dataset"], finding["variable"]) if part) or "package"
    return {"name": finding["variable"] or finding["dataset"] or "package", "fullyQualifiedName": name}


def write_sarif(result: ValidationResult, path: Path, about: About | None = None) -> None:
    """Write the report as SARIF; it holds messages, which may quote a value, but no records."""
    text = json.dumps(sarif_data(result, about), ensure_ascii=False, indent=1)
    path.write_text(text + "\n", encoding="utf-8", newline="\n")
