"""The report as a workbook: findings, records, checks that could not run, findings waived, datasets."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from cdiscway.converters.spreadsheet import harmless, storable
from cdiscway.converters.timeless import timeless

from .report import About, report_data
from .run import ValidationResult

_MOST_ROWS = 1_048_575
_LONGEST_CELL = 32_767
_SHEET = re.compile(r"[\\*?:/\[\]'\x00-\x08\x0b\x0c\x0e-\x1f]")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")


def plain_text(value: str) -> str:
    """Return text that no spreadsheet takes for a formula, also after it was saved as CSV.

    >>> plain_text("=1+1"), plain_text("-5.2"), plain_text("LB")
    ("'=1+1", '-5.2', 'LB')
    """
    text = storable(value)[:_LONGEST_CELL]
    return text if _NUMBER.fullmatch(text) else harmless(text)


def write_xlsx(result: ValidationResult, path: Path, about: About | None = None) -> None:
    """Write the report as a workbook; a sheet that would be too long ends with a row that says so."""
    from openpyxl import Workbook  # noqa: PLC0415 - only this report needs it

    data = report_data(result, about)
    book = Workbook(write_only=True)
    for title, columns, rows in _sheets(data):
        sheet = book.create_sheet(_SHEET.sub(" ", title)[:31])
        sheet.freeze_panes = "A2"
        for name, width in zip("ABCDEFGHIJKL", _widths(columns), strict=False):
            sheet.column_dimensions[name].width = width
        for row in [columns, *_cut(rows)]:
            sheet.append([_cell(sheet, value) for value in row])
    memory = io.BytesIO()
    book.save(memory)
    path.write_bytes(timeless(memory.getvalue()))


def _cell(sheet: Any, value: Any) -> Any:
    text = _as_text(value) if isinstance(value, str) else value
    return _error_text(sheet, text) if isinstance(text, str) and text.startswith("#") else text


_as_text = lru_cache(maxsize=65_536)(plain_text)


def _error_text(sheet: Any, text: str) -> Any:
    """Return a cell that says it is text: a workbook takes `#N/A` and the like for errors."""
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415 - only this report needs it

    cell = WriteOnlyCell(sheet, text)
    cell.data_type = "s"
    return cell


def _widths(columns: Sequence[str]) -> list[int]:
    wide = {"message": 70, "why": 70, "title": 60, "citation": 40, "values": 50, "source": 40, "keys": 40, "label": 40}
    return [wide.get(name, 14) for name in columns]


def _cut(rows: Iterable[Sequence[Any]]) -> list[Sequence[Any]]:
    kept = list(rows)
    if len(kept) <= _MOST_ROWS:
        return kept
    return [*kept[: _MOST_ROWS - 1], [f"and {len(kept) - _MOST_ROWS + 1:,} more: see the JSON report"]]


def _sheets(data: Mapping[str, Any]) -> list[tuple[str, list[str], list[list[Any]]]]:
    findings, records = [], []
    for number, finding in enumerate(data["findings"], start=1):
        rule = data["rules"].get(finding["rule"], {})
        names = ("severity", "rule", "dataset", "variable", "message", "records", "fix_in")
        findings.append(
            [number, *(finding[name] for name in names), rule.get("title", ""), rule.get("citation", ""), ""]
        )
        for below in finding["consequences"]:
            rule = data["rules"].get(below["rule"], {})
            told = [*(below[name] for name in names), rule.get("title", ""), rule.get("citation", "")]
            findings.append([None, *told, number])
        for example in finding["examples"]:
            source = example["source"]
            where = f"{source['file']}, row {source['row']}" if source else ""
            place = [number, finding["rule"], finding["dataset"], example["record"]]
            records.append([*place, _join(example["keys"]), _join(example["values"]), where])
    not_run = [[item["dataset"], item["rule"], item["reason"]] for item in data["not_run"]]
    head = ["name", "label", "records", "variables", "checks", "error", "warning", "info", "file"]
    datasets = [[dataset[name] for name in head] for dataset in data["datasets"]]
    columns = ["no", "severity", "rule", "dataset", "variable", "message", "records", "mend in", "title", "citation"]
    columns.append("follows from no")
    waived = [
        [*(item[name] for name in ("severity", "rule", "dataset", "variable", "message", "records")), *_waiver(item)]
        for item in data["waived"]
    ]
    return [
        ("Findings", columns, findings),
        ("Records", ["no", "rule", "dataset", "record", "keys", "values", "source"], records),
        ("Not run", ["dataset", "rule", "why"], not_run),
        *([("Waived", [*columns[1:7], "reason", "who", "date", "until"], waived)] if waived else []),
        ("Datasets", head, datasets),
        *(
            [("Synthetic data", ["study", "data"], [[data["study"], "synthetic: made up"]])]
            if data["synthetic"]
            else []
        ),
        *((f"{at} {s['title']}", s["columns"], s["rows"]) for at, s in enumerate(data["sections"], start=1)),
    ]


def _waiver(item: Mapping[str, Any]) -> list[str]:
    return [item[name] for name in ("reason", "who", "date", "expires")]


def _join(values: Mapping[str, str]) -> str:
    return "; ".join(f"{name} = {value}" for name, value in values.items())
