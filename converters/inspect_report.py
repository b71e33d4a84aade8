"""The intake contract as lines for a terminal, as JSON, and as one self-contained page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import jinja2

from .inspect import ColumnIntake, FormIntake, Intake

TEMPLATE = Path(__file__).parent / "inspect.html.j2"
_WIDEST_VALUE = 24
_TERMINAL_VALUES = 5


def to_json(intake: Intake) -> str:
    """Return the contract as JSON."""
    return json.dumps(intake.data(), ensure_ascii=False, indent=2) + "\n"


def to_html(intake: Intake) -> str:
    """Return the contract as one page; every value of the export is escaped."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(intake=intake) + "\n"


def form_line(form: FormIntake) -> str:
    """Return the head line of a form."""
    found = [f"{name} {text}" for name, text in form.found.items()]
    found += [f"decimal {form.decimal}"] if form.decimal else []
    label = f" ({form.label})" if form.label else ""
    return f"{form.name}{label}: {form.file}, {form.rows:,} records" + (f" [{', '.join(found)}]" if found else "")


def form_remarks(form: FormIntake) -> Iterator[str]:
    """Yield the lines below it: keys, records set aside, what is odd."""
    keys = "; ".join(" + ".join(key) for key in form.keys)
    yield f"keys: {keys or 'no set of columns tells the records apart'}"
    for why, count in form.aside.items():
        yield f"{count:,} records are {why}: set aside"
    for note in form.notes:
        yield f"odd: {note}"
    for column in form.columns:
        for text in column.trouble:
            yield f"odd: {column.name}: {text}"


def column_cells(column: ColumnIntake) -> tuple[str, int, int, int, str, str]:
    """Return a column's line: name, filled, blank, distinct, what it is seen as, values."""
    seen = column.seen_as
    if column.date_formats:
        seen += " as " + ", ".join(column.date_formats)
    if column.ambiguous_dates:
        seen += f"; {column.ambiguous_dates} could be mm/dd as well"
    if column.unknown_words:
        seen += "; unknown: " + ", ".join(f"{word} {count}" for word, count in column.unknown_words.items())
    if column.impossible_dates:
        seen += "; impossible: " + ", ".join(column.impossible_dates)
    if column.label_of:
        seen += f"; labels of {column.label_of}"
    shown = [_value(item.value, item.label, item.count) for item in column.values[:_TERMINAL_VALUES]]
    text = ", ".join(shown) + (" ..." if column.distinct > len(shown) else "")
    if column.odd:
        text += "; also: " + ", ".join(_value(item.value, "", item.count) for item in column.odd[:_TERMINAL_VALUES])
    return column.name, column.filled, column.blank, column.distinct, seen, text


def _value(value: str, label: str, count: int) -> str:
    """Return a value on one line, long ones shortened."""
    flat = " ".join(f"{value} = {label}".split() if label else value.split())
    return f"{flat if len(flat) <= _WIDEST_VALUE else flat[: _WIDEST_VALUE - 3] + '...'} ({count})"
