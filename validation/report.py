"""The report of a validation: one JSON for programs, one self-contained HTML page for people."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from .causes import Cause, Example
from .finding import Severity, Source
from .run import ValidationResult, finding_id

TEMPLATES = Path(__file__).parent / "templates"
SCHEMA = TEMPLATES / "validation.schema.json"
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")
_MAX_SUBJECTS = 2000


@dataclass(frozen=True, slots=True)
class Section:
    """A table of the caller's that the report shows: the balance sheet, the worklist, the study's own terms."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | int | float, ...], ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class About:
    """What a report says of its study. `files` maps a dataset to its file, `synthetic` puts a banner on the page."""

    study: str = ""
    title: str = "Validation report"
    synthetic: bool = False
    files: Mapping[str, str] = field(default_factory=dict)
    sections: tuple[Section, ...] = ()


def report_data(result: ValidationResult, about: About | None = None) -> dict[str, Any]:
    """Return the report as plain data, as `write_json` writes it and the schema describes it."""
    told = about or About()
    return {
        "format": "cdiscway validation report",
        "version": 1,
        "study": told.study,
        "synthetic": told.synthetic,
        "clean": result.clean,
        "counts": {
            **{severity: result.count(severity) for severity in SEVERITIES},
            "not_run": len(result.not_run),
            "waived": len(result.waived),
            "checks": sum(result.checks.values()),
            "records": sum(result.records.values()),
            "consequences": len(result.consequences),
        },
        "standards": list(result.standards),
        "terminology": list(result.packages),
        "versions": dict(result.versions),
        "datasets": [_dataset(result, told, name) for name in result.records],
        "findings": [_finding(cause) for cause in result.causes],
        "waived": [
            {**_finding(w.cause), "reason": w.reason, "who": w.who, "date": w.date, "expires": w.expires}
            for w in result.waived
        ],
        "not_run": [{"rule": n.rule, "dataset": n.dataset, "reason": n.reason} for n in result.not_run],
        "rules": {name: _rule(rule) for name, rule in result.rules.items()},
        "sections": [
            {"title": s.title, "note": s.note, "columns": list(s.columns), "rows": [list(row) for row in s.rows]}
            for s in told.sections
        ],
    }


def _dataset(result: ValidationResult, about: About, name: str) -> dict[str, Any]:
    return {
        "name": name,
        "label": result.labels[name],
        "records": result.records[name],
        "variables": result.variables[name],
        "checks": result.checks.get(name, 0),
        **{severity: result.count(severity, name) for severity in SEVERITIES},
        "file": about.files.get(name, ""),
        "completeness": dict(result.completeness[name]),
    }


def _finding(cause: Cause) -> dict[str, Any]:
    finding = cause.finding
    examples = [_example(example) for example in cause.examples]
    if not examples and (finding.keys or finding.value or finding.source):
        examples = [_lone_example(cause)]
    return {
        "id": finding_id(finding),
        "rule": finding.rule,
        "severity": finding.severity,
        "dataset": finding.dataset,
        "variable": finding.variable,
        "message": finding.message,
        "records": finding.records,
        "value": finding.value,
        "fix_in": finding.fix_in,
        "examples": examples,
        "subjects": dict(sorted(cause.subjects.items())),
        "also": list(cause.also),
        "consequences": [_finding(below) for below in cause.consequences],
    }


def _example(example: Example) -> dict[str, Any]:
    return {
        "record": example.record,
        "keys": dict(example.keys),
        "values": dict(example.values),
        "source": _source(example.source),
    }


def _lone_example(cause: Cause) -> dict[str, Any]:
    """Show the first record of a finding that an earlier station reported."""
    finding = cause.finding
    values = {finding.variable or "value": finding.value} if finding.value else {}
    return {
        "record": finding.record,
        "keys": dict(finding.keys),
        "values": values,
        "source": _source(finding.source),
    }


def _source(source: Source | None) -> dict[str, Any] | None:
    if source is None:
        return None
    return {"form": source.form, "file": source.file, "row": source.row, "column": source.column}


def _rule(rule: Any) -> dict[str, Any]:
    names = ("severity", "title", "description", "citation", "fix_in", "group")
    return {name: getattr(rule, name) for name in names}


def write_json(result: ValidationResult, path: Path, about: About | None = None) -> None:
    """Write the report as JSON; `templates/validation.schema.json` describes it."""
    path.write_text(_by_lines(report_data(result, about)), encoding="utf-8", newline="\n")


def _by_lines(data: Mapping[str, Any]) -> str:
    """Return JSON with a line for each entry of the outermost lists: as quick to write as without lines, and comparable.

    >>> print(_by_lines({"a": [1, 2], "b": {}}), end="")
    {
    "a": [
    1,
    2
    ],
    "b": {}
    }
    """

    def shown(value: Any) -> str:
        if not isinstance(value, list) or not value:
            return json.dumps(value, ensure_ascii=False)
        return "[\n" + ",\n".join(json.dumps(item, ensure_ascii=False) for item in value) + "\n]"

    return "{\n" + ",\n".join(f"{json.dumps(key)}: {shown(value)}" for key, value in data.items()) + "\n}\n"


def write_html(result: ValidationResult, path: Path, about: About | None = None) -> None:
    """Write the report as one page that needs nothing but itself: no network, no other file."""
    told = about or About()
    data = report_data(result, told)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    page = environment.get_template("report.html.j2").render(
        title=told.title,
        data=data,
        bars=_bars(_places(data)),
        quiet=[d["name"] for d in data["datasets"] if not sum(d[s] for s in SEVERITIES)],
        completeness=_strips(data["datasets"]),
        style=Markup((TEMPLATES / "report.css").read_text(encoding="utf-8")),
        script=Markup((TEMPLATES / "report.js").read_text(encoding="utf-8")),
        payload=Markup(_embed(_page_data(data))),
    )
    path.write_text(page, encoding="utf-8", newline="\n")


def _embed(data: Any) -> str:
    r"""Return JSON that may stand inside a script element: nothing in it can end the element.

    >>> _embed({"a": "</script>"})
    '{"a":"\\u003c/script\\u003e"}'
    """
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text


def _page_data(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the page's script needs, with repeated texts kept once."""
    texts: dict[str, int] = {}

    def at(text: str) -> int:
        return texts.setdefault(text, len(texts))

    rows = []
    for finding in data["findings"]:
        names = ("rule", "dataset", "variable", "message", "fix_in")
        examples = [
            [e["record"], _named(e["keys"]), _named(e["values"]), _where(e["source"])] for e in finding["examples"]
        ]
        rows.append(
            [
                SEVERITIES.index(finding["severity"]),
                *(at(finding[n]) for n in names),
                finding["records"],
                examples,
                finding["id"],
                [_below(below, at) for below in finding["consequences"]],
            ]
        )
    return {
        "texts": list(texts),
        "findings": rows,
        "rules": data["rules"],
        "subjects": _subjects(data["findings"]),
    }


def _below(finding: Mapping[str, Any], at: Callable[[str], int]) -> list[Any]:
    """Return what the page tells of a consequence: severity, rule, dataset, variable, message, records."""
    names = ("rule", "dataset", "variable", "message")
    return [SEVERITIES.index(finding["severity"]), *(at(finding[name]) for name in names), finding["records"]]


def _named(values: Mapping[str, str]) -> list[list[str]]:
    return [[name, value] for name, value in values.items()]


def _where(source: Mapping[str, Any] | None) -> str:
    if source is None:
        return ""
    column = f", column {source['column']}" if source["column"] else ""
    return f"{source['file']}, row {source['row']}{column}"


def _subjects(findings: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
    """Return the subjects with the most findings: name, causes by severity, records, places of the findings."""
    found: dict[str, list[Any]] = {}
    for place, finding in enumerate(findings):
        for subject, records in finding["subjects"].items():
            row = found.setdefault(subject, [subject, 0, 0, 0, 0, []])
            row[1 + SEVERITIES.index(finding["severity"])] += 1
            row[4] += records
            row[5].append(place)
    ranked = sorted(found.values(), key=lambda row: (-row[1], -row[2], -row[3], -row[4], row[0]))
    return ranked[:_MAX_SUBJECTS]


def _places(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what has findings, with their number by severity: datasets, then raw forms and the package."""
    counts: dict[str, dict[str, int]] = {dataset["name"]: {} for dataset in data["datasets"]}
    for finding in data["findings"]:
        place = counts.setdefault(finding["dataset"], {})
        place[finding["severity"]] = place.get(finding["severity"], 0) + 1
    return [{"name": name, **dict.fromkeys(SEVERITIES, 0), **found} for name, found in counts.items() if found]


def _bars(datasets: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the bars of the chart: where each severity begins and how wide it is, in a width of 100."""
    most = max((sum(d[s] for s in SEVERITIES) for d in datasets), default=0) or 1
    bars = []
    for dataset in datasets:
        start, parts = 0.0, []
        for severity in SEVERITIES:
            width = round(100 * dataset[severity] / most, 3)
            if width:
                parts.append({"severity": severity, "x": round(start, 3), "width": width, "count": dataset[severity]})
            start += width
        bars.append({"name": dataset["name"], "parts": parts, "total": sum(dataset[s] for s in SEVERITIES)})
    return bars


def _strips(datasets: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return for each dataset the share of records that have a value, by variable, in percent."""
    return [
        {
            "name": d["name"],
            "share": _share(sum(d["completeness"].values()), d["records"] * len(d["completeness"])),
            "empty": [name for name, count in d["completeness"].items() if not count],
            "cells": [
                {"name": name, "percent": _share(count, d["records"])} for name, count in d["completeness"].items()
            ],
        }
        for d in datasets
    ]


def _share(count: int, of: int) -> float:
    return round(100 * count / of, 1) if of else 0.0
