"""Excel workbooks: each sheet a form, each cell the text a user sees.

Excel shows a date as its format says, and a number with its format's zeros. What a format would hide is kept: digits are never
rounded off, a two-digit year gets its century, and a format that shows something else on each computer (the system's short
date) is written by ISO 8601.
"""

from __future__ import annotations

import re
import warnings
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd

from cdiscway.specs.mistakes import Mistake, MistakesError, nearest

from .options import DecimalMark, FormOptions, ReaderOptions, TextOptions
from .raw import (
    SUFFIXES,
    ColumnBuilder,
    FileForms,
    Place,
    RawColumn,
    RawForm,
    RawNote,
    RawTable,
    no_repeats,
    open_files,
)
from .typed import moment_text, number_text

SYSTEM_DATES = ("mm-dd-yy", "m/d/yy h:mm", "[$-F800]", "[$-F400]", "[$-x-sysdate]", "[$-x-systime]")
"""Formats that Excel shows as the computer is set (the first two are its built-in formats 14 and 22)."""

_OLD_WORKBOOK = b"\xd0\xcf\x11\xe0"
_TOKEN = re.compile(r'"([^"]*)"|\\(.)|\[[^\]]*\]|(y+|m+|d+|h+|s+|AM/PM|\.0+)|_.|\*.|(.)', re.IGNORECASE | re.DOTALL)
_NUMBER = re.compile(r"[#,?]*(0*)[#,?]*(?:[.]([0#?]+))?(%?)")
_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]


def open_source(place: Place, options: ReaderOptions) -> FileForms:
    """Open a folder of workbooks: a form for each sheet that holds something. Raises MistakesError."""
    return open_files(place, options, SUFFIXES["xlsx"], partial(_add, options))


def _add(options: ReaderOptions, source: FileForms, name: str, form: FormOptions, path: Path, shown: str) -> None:
    book = _opened(path, shown)
    for sheet in book.worksheets:
        sheet.reset_dimensions()  # some writers state a size that leaves cells out
    if form.part and form.part not in book.sheetnames:
        hint = nearest(form.part, book.sheetnames)
        raise MistakesError([Mistake(shown, None, "", f"has no sheet '{form.part}'", hint)])
    mistakes: list[Mistake] = []
    for own, sheet, text in _chosen(options, source, name, form, book):
        try:
            with _as_mistake(shown):
                _add_sheet(source, own, sheet, text, form, shown, _hidden(book))
        except MistakesError as error:
            mistakes += error.mistakes
    if mistakes:
        raise MistakesError(mistakes)


def _chosen(
    options: ReaderOptions, source: FileForms, name: str, form: FormOptions, book: Any
) -> Iterator[tuple[str, Any, TextOptions]]:
    """Yield (form, sheet, how it is written): a declared sheet by its form's name, the others by their own, once."""
    twins = [item for item in options.forms.values() if item.file == form.file]
    declared = {item.part for item in twins if item.part}
    others = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible" and sheet.title not in declared]
    if form.part:
        yield name, book[form.part], options.of(form)
    if form.part and twins[0] is not form:
        return
    for sheet in others:
        own = name if len(others) == 1 and not declared else sheet.title
        own = f"{name}.{own}" if own in source.forms or (own != name and own in options.forms) else own
        yield own, sheet, options.of(None if form.part else form)


def _hidden(book: Any) -> str:
    return ", ".join(sheet.title for sheet in book.worksheets if sheet.sheet_state != "visible")


def _add_sheet(
    source: FileForms, own: str, sheet: Any, text: TextOptions, form: FormOptions, shown: str, hidden: str
) -> None:
    line = text.header_line or 1
    header = _header(sheet, line, shown, text.repeated_names)
    if not header:
        if any(cell.value is not None for row in sheet.iter_rows() for cell in row):
            hint = "say where they stand: 'header_line' of the form in study.yaml"
            raise MistakesError([Mistake(shown, line, sheet.title, "the row holds no column names", hint)])
        return
    found = {"sheet": sheet.title} | ({"hidden sheets, not read": hidden} if hidden else {})
    about = RawForm(own, shown, form.label, tuple(RawColumn(item) for item in header), found=found)
    source.add(about, partial(_read, sheet, header, line, text.decimal or ".", shown))


def _opened(path: Path, shown: str) -> Any:
    with path.open("rb") as stream:
        if stream.read(4) == _OLD_WORKBOOK:
            message = "is an .xls workbook, or one with a password"
            raise MistakesError([Mistake(shown, None, "", message, "save it as .xlsx without a password")])
    with _as_mistake(shown), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # styles and validations that openpyxl does not know
        _refuse_doctype(path, shown)
        return openpyxl.load_workbook(path, read_only=True, data_only=not _has_empty_formula(path))


@contextmanager
def _as_mistake(shown: str) -> Iterator[None]:
    """Turn what openpyxl raises at a damaged file (KeyError, BadZipFile, ParseError, ValueError ...) into a mistake."""
    try:
        yield
    except MistakesError:
        raise
    except Exception as error:
        raise MistakesError([Mistake(shown, None, "", f"is no Excel workbook, or a damaged one: {error}")]) from None


def _refuse_doctype(path: Path, shown: str) -> None:
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.endswith((".xml", ".rels")):
                with archive.open(name) as part:
                    if b"<!DOCTYPE" in part.read(1024):
                        raise MistakesError([Mistake(shown, None, "", f"its part {name} has a DOCTYPE: not read")])


def _has_empty_formula(path: Path) -> bool:
    """Whether a sheet has a formula without its result: then formulas are read, to be refused with their cell."""
    empty = re.compile(rb"<f[^>]*(?:/>|>[^<]*</f>)\s*(?:</c>|<v\s*/>|<v></v>)")
    with zipfile.ZipFile(path) as archive:
        sheets = [name for name in archive.namelist() if name.startswith("xl/worksheets/") and name.endswith(".xml")]
        return any(empty.search(archive.read(name)) for name in sheets)


def _header(sheet: Any, line: int, shown: str, repeated: str | None) -> list[str]:
    row = next(iter(sheet.iter_rows(min_row=line, max_row=line)), ())
    names = ["" if cell.value is None else cell_text(cell, ".").strip() for cell in row]
    while names and not names[-1]:
        names.pop()
    if not names:
        return []
    try:
        return no_repeats(names, shown, line, repeated)
    except MistakesError as error:
        raise MistakesError(
            [
                Mistake(item.file, item.line, f"{sheet.title}.{item.path}", item.message, item.hint)
                for item in error.mistakes
            ]
        ) from None


def _read(sheet: Any, header: list[str], line: int, mark: DecimalMark, shown: str) -> RawTable:
    """Read the rows below the header. A row without any value is none, and counts in the numbering."""
    with _as_mistake(shown):
        return _rows(sheet, header, line, mark, shown)


def _rows(sheet: Any, header: list[str], line: int, mark: DecimalMark, shown: str) -> RawTable:
    builders = [ColumnBuilder() for _ in header]
    numbers: list[int] = []
    mistakes: list[Mistake] = []
    errors: dict[tuple[str, str], list[int]] = {}
    for number, row in enumerate(sheet.iter_rows(min_row=line + 1), 1):
        if all(cell.value is None for cell in row):
            continue
        mistakes += _misplaced(row, len(header), line + number, shown, sheet.title)
        for name, builder, cell in zip(header, builders, _padded(row, len(header)), strict=True):
            builder.add(None if cell is None or cell.value is None else cell_text(cell, mark))
            if cell is not None and cell.data_type == "e":
                errors.setdefault((name, str(cell.value)), []).append(len(numbers))
        numbers.append(number)
    if mistakes:
        raise MistakesError(mistakes)
    columns = {name: builder.column() for name, builder in zip(header, builders, strict=True)}
    notes = [
        RawNote("CDW-RAW-CELL", "warning", f"a cell of {name} holds Excel's error {value}", name, value, tuple(rows))
        for (name, value), rows in errors.items()
    ]
    notes += _gaps(numbers) + _merged(sheet, line, numbers)
    return RawTable(pd.DataFrame(columns, index=pd.RangeIndex(len(numbers))), tuple(notes), np.array(numbers, np.int64))


def _padded(row: tuple[Any, ...], width: int) -> Iterator[Any]:
    for place in range(width):
        yield row[place] if place < len(row) else None


def _misplaced(row: Iterable[Any], width: int, line: int, shown: str, sheet: str) -> list[Mistake]:
    """Name the cells right of the last column name, and formulas without a result."""
    found = []
    for place, cell in enumerate(row):
        if place >= width and cell.value is not None:
            found.append(Mistake(shown, line, sheet, f"cell {cell.coordinate} stands under no column name"))
        elif cell.data_type == "f":
            message = f"cell {cell.coordinate} holds a formula without its result"
            found.append(Mistake(shown, line, sheet, message, "open the workbook in Excel and save it"))
    return found


def _gaps(numbers: list[int]) -> list[RawNote]:
    blank = (numbers[-1] if numbers else 0) - len(numbers)
    return [RawNote("CDW-RAW-GAP", "info", f"{blank} rows between the records are empty")] if blank else []


def _merged(sheet: Any, line: int, numbers: list[int]) -> list[RawNote]:
    """Name merged cells below the column names: only the first of them holds the value, the records below it have none."""
    with sheet._get_source() as source:  # a sheet that is read row by row does not tell
        refs = re.findall(rb'<(?:\w+:)?mergeCell\s[^>]*ref="([A-Z]+)([0-9]+):([A-Z]+)([0-9]+)"', source.read())
    below = [
        (left.decode(), int(top), right.decode(), int(last)) for left, top, right, last in refs if int(last) > line
    ]
    if not below:
        return []
    inside = {row - line for _, top, _, last in below for row in range(max(top, line + 1), last + 1)}
    rows = tuple(place for place, number in enumerate(numbers) if number in inside)
    shown = ", ".join(f"{left}{top}:{right}{last}" for left, top, right, last in below[:5])
    shown += f" and {len(below) - 5} others" if len(below) > 5 else ""
    message = f"cells are merged ({shown}): the first holds the value, the others are empty"
    return [RawNote("CDW-RAW-CELL", "warning", message, rows=rows)] if rows else []


def cell_text(cell: Any, mark: DecimalMark) -> str:
    """Return the text of a cell that is not empty."""
    return value_text(cell.value, cell.number_format or "General", mark)


def value_text(value: Any, number_format: str, mark: DecimalMark = ".") -> str:
    """Return a value as Excel shows it under a number format; see the module for what is kept beyond that.

    >>> value_text(datetime(2020, 3, 1), "dd/mm/yyyy"), value_text(7, "000"), value_text(1.5, "0.00", ",")
    ('01/03/2020', '007', '1,50')
    """
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, datetime | date | time):
        return _moment(value, number_format)
    if isinstance(value, timedelta):
        seconds = int(value.total_seconds())
        return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    if isinstance(value, int | float):
        return _number(value, number_format, mark)
    return str(value)


def _number(value: float, number_format: str, mark: DecimalMark) -> str:
    match = _NUMBER.fullmatch(number_format.split(";", maxsplit=1)[0])
    if match is None or number_format == "General":
        return number_text(value, 0, mark, digits=15)
    zeros, decimals, percent = match.groups()
    least = (decimals or "").count("0")
    text = number_text(abs(value) * (100 if percent else 1), least, mark, digits=15)
    whole, point, rest = text.partition(mark)
    return f"{'-' if value < 0 else ''}{whole.zfill(len(zeros))}{point}{rest}{percent}"


def _moment(value: datetime | date | time, number_format: str) -> str:
    if isinstance(value, datetime) and value.microsecond:
        # Excel's instants are doubles: what is nearer than a millisecond to a second is that second.
        rounded = (value + timedelta(microseconds=500)).replace(microsecond=0)
        value = rounded if abs(rounded - value) < timedelta(milliseconds=1) else value
    tokens = _tokens(number_format)
    shows_time = any(kind in "hs" for kind, _ in tokens)
    shows_date = any(kind in "yd" for kind, _ in tokens)
    clock = value.time() if isinstance(value, datetime) else (value if isinstance(value, time) else time())
    hides_time = clock != time() and not shows_time
    hides_date = (
        not isinstance(value, time) and not shows_date and not (isinstance(value, datetime) and value.year <= 1900)
    )
    if number_format.startswith(SYSTEM_DATES) or hides_time or hides_date or not tokens:
        plain = value.date() if isinstance(value, datetime) and clock == time() else value
        return moment_text(plain)
    return "".join(_part(kind, text, value, clock, tokens) for kind, text in tokens)


@lru_cache(maxsize=256)
def _tokens(number_format: str) -> tuple[tuple[str, str], ...]:
    """Cut a date format into (kind, text); `n` is minutes, which Excel writes like months."""
    tokens: list[tuple[str, str]] = []
    for match in _TOKEN.finditer(number_format.split(";", maxsplit=1)[0]):
        literal, escaped, word, other = match.groups()
        if word is not None:
            kind = "a" if word.upper() == "AM/PM" else word[0].lower()
            tokens.append((kind, word.lower()))
        elif (text := literal or escaped or other) is not None:
            tokens.append(("=", "" if text == "@" else text))
    kinds = [kind for kind, _ in tokens if kind != "="]
    minutes, place = [], 0
    for index, (kind, _) in enumerate(tokens):
        if kind == "=":
            continue
        before = kinds[place - 1] if place else ""
        after = kinds[place + 1] if place + 1 < len(kinds) else ""
        if kind == "m" and (before == "h" or after == "s"):
            minutes.append(index)
        place += 1
    return tuple(("n" if index in minutes else kind, text) for index, (kind, text) in enumerate(tokens))


def _part(  # noqa: PLR0911 - one line for each part of a format
    kind: str, text: str, value: Any, clock: time, tokens: tuple[tuple[str, str], ...]
) -> str:
    if kind == "y":
        return f"{value.year:04}"
    if kind == "m":
        names: dict[int, str] = {
            3: _MONTHS[value.month - 1][:3],
            4: _MONTHS[value.month - 1],
            5: _MONTHS[value.month - 1][:1],
        }
        return names.get(len(text), f"{value.month:0{len(text)}}")
    if kind == "d":
        days = {3: _DAYS[value.weekday()][:3], 4: _DAYS[value.weekday()]}
        return str(days.get(len(text), f"{value.day:0{len(text)}}"))
    if kind == "h":
        hour = clock.hour if not any(other == "a" for other, _ in tokens) else (clock.hour % 12 or 12)
        return f"{hour:0{len(text)}}"
    if kind == "n":
        return f"{clock.minute:0{len(text)}}"
    if kind == "s":
        return f"{clock.second:0{len(text)}}"
    if kind == "a":
        return "AM" if clock.hour < 12 else "PM"
    return f".{clock.microsecond:06}"[: len(text)] if kind == "." else text
