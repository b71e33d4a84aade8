"""OpenClinica's flat exports: one record for each subject, each column ITEM_E1_C1 a value of one event and one form (CRF).

A header table may stand before the data; it names the events (E1) and forms (C1). Each CRF becomes a form with one row for each
subject, event, repeat of the event and repeat of the item group that holds a value. `ITEM_E2_3_C1_2` is the item in the third
repeat of event 2, second repeat of its group.
"""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from cdiscway.specs.mistakes import Mistake, MistakesError

from .delimited import find_layout, read_delimited
from .options import ReaderOptions
from .raw import SUFFIXES, FileForms, Place, RawColumn, RawForm, RawNote, RawTable, one_file, text_column

_ITEM = re.compile(r"(.+)_(E\d+)(?:_(\d+))?_(C\d+)(?:_(\d+))?")
_EVENT = re.compile(r"(.+)_(E\d+)(?:_(\d+))?")
_DEFINITION = re.compile(r"(?:E|C)\d+")
_SEARCHED_LINES = 500

EVENT_COLUMNS = ("StudyEvent", "StudyEventName", "StudyEventRepeat", "ItemGroupRepeat")
"""Columns that the reader makes of the column names and the header table."""


class Occasion(NamedTuple):
    """An event with its repeat, and the repeat of the item group; 0 is none."""

    event: str
    event_repeat: int
    group_repeat: int


@dataclass(frozen=True)
class Crf:
    """A form: for each occasion item -> column of the file."""

    code: str
    items: tuple[str, ...]
    occasions: Mapping[Occasion, Mapping[str, str]]


def open_source(place: Place, options: ReaderOptions) -> FileForms:
    """Open the one table of a flat export. Raises MistakesError."""
    path = one_file(place, options, SUFFIXES["openclinica"])
    shown = place.show(path)
    text = options.of(None)
    head = read_head(path, text.encoding)
    line = text.header_line or header_line(head)
    layout = find_layout(path, text.model_copy(update={"header_line": line}), shown)
    names = definitions(head[: line - 1], layout.delimiter)
    crfs = find_crfs(layout.names)
    if not crfs:
        message = "is no flat OpenClinica export: no column is named like ITEM_E1_C1"
        raise MistakesError([Mistake(shown, line, "", message, "read it with 'format: delimited'")])
    table = read_delimited(path, layout, shown)
    subject = [name for name in layout.names if not _EVENT.fullmatch(name) and not _ITEM.fullmatch(name)]
    events = event_columns(layout.names)
    source = FileForms()
    for crf in crfs.values():
        own = names.get(crf.code, crf.code)
        event_items = list(dict.fromkeys(item for items in events.values() for item in items))
        columns = tuple(RawColumn(name) for name in dict.fromkeys([*subject, *EVENT_COLUMNS, *event_items, *crf.items]))
        about = RawForm(own, shown, "", columns, found=layout.found | {"crf": crf.code})
        source.add(about, partial(_read, table, crf, about, subject, events, names))
    return source


def read_head(path: Path, encoding: str | None) -> list[str]:
    """Return the first lines of a file; wrong bytes are judged later."""
    name = "utf-8-sig" if encoding is None or "+" in encoding else encoding
    with path.open(encoding=name, errors="replace", newline="") as stream:
        return list(itertools.islice(stream, _SEARCHED_LINES))


def header_line(head: Sequence[str]) -> int:
    """Return the line of the column names: the first that names an item, else the first."""
    found = re.compile(r"_E\d+(?:_\d+)?_C\d+(?:_\d+)?[\"']?(?=[\t;,|\r\n]|$)")
    return next((number for number, line in enumerate(head, 1) if found.search(line)), 1)


def definitions(head: Sequence[str], delimiter: str) -> dict[str, str]:
    """Return E1 -> event and C1 -> form of the header table; two forms of one name keep their code behind it."""
    found: dict[str, str] = {}
    for cells in csv.reader(head, delimiter=delimiter):
        texts = [cell.strip() for cell in cells if cell.strip()]
        if len(texts) >= 2 and _DEFINITION.fullmatch(texts[-1]):
            found[texts[-1]] = texts[-2]
    forms = [name for code, name in found.items() if code.startswith("C")]
    return {
        code: f"{name}_{code}" if code.startswith("C") and forms.count(name) > 1 else name
        for code, name in found.items()
    }


def find_crfs(names: Sequence[str]) -> dict[str, Crf]:
    """Return the forms that the column names speak of, in order."""
    places: dict[str, dict[Occasion, dict[str, str]]] = {}
    for name in names:
        match = _ITEM.fullmatch(name)
        if match:
            item, event, event_repeat, crf, group_repeat = match.groups()
            occasion = Occasion(event, int(event_repeat or 0), int(group_repeat or 0))
            places.setdefault(crf, {}).setdefault(occasion, {})[item] = name
    return {
        crf: Crf(crf, tuple(dict.fromkeys(item for items in occasions.values() for item in items)), occasions)
        for crf, occasions in places.items()
    }


def event_columns(names: Sequence[str]) -> dict[tuple[str, int], dict[str, str]]:
    """Return (event, repeat) -> item -> column of what belongs to an event as a whole (StartDate_E1)."""
    found: dict[tuple[str, int], dict[str, str]] = {}
    for name in names:
        match = None if _ITEM.fullmatch(name) else _EVENT.fullmatch(name)
        if match:
            found.setdefault((match[2], int(match[3] or 0)), {})[match[1]] = name
    return found


def _read(
    table: RawTable,
    crf: Crf,
    about: RawForm,
    subject: Sequence[str],
    events: Mapping[tuple[str, int], Mapping[str, str]],
    names: Mapping[str, str],
) -> RawTable:
    """Put the rows of all occasions below each other, subject by subject."""
    parts: list[pd.DataFrame] = []
    records: list[np.ndarray] = []
    for occasion, items in crf.occasions.items():
        held = np.logical_or.reduce([table.frame[column].notna().to_numpy() for column in items.values()])
        rows = np.flatnonzero(held)
        event = events.get((occasion.event, occasion.event_repeat), {})
        columns = {**dict(zip(subject, subject, strict=True)), **event, **items}
        fixed = {
            "StudyEvent": occasion.event,
            "StudyEventName": names.get(occasion.event, occasion.event),
            "StudyEventRepeat": str(occasion.event_repeat or 1),
            "ItemGroupRepeat": str(occasion.group_repeat or ""),
        }
        part = {
            name: table.frame[columns[name]].astype("str").iloc[rows].reset_index(drop=True)
            if name in columns
            else pd.Series([fixed.get(name) or None] * len(rows), dtype="str")
            for name in about.names
        }
        parts.append(pd.DataFrame(part, columns=list(about.names)))
        records.append(rows + 1)
    numbers = np.concatenate(records)
    order = np.argsort(numbers, kind="stable")
    frame = pd.concat(parts, ignore_index=True).iloc[order].reset_index(drop=True)
    without = len(table.frame) - len(np.unique(numbers))
    notes = (
        [RawNote("CDW-RAW-EMPTY", "info", f"{without} records of the file hold nothing of this form")]
        if without
        else []
    )
    return RawTable(_categorical(frame), (*table.notes, *notes), numbers[order])


def _categorical(frame: pd.DataFrame) -> pd.DataFrame:
    columns = {}
    for name in frame.columns:
        codes, values = pd.factorize(frame[name])
        columns[name] = text_column(codes, [str(value) for value in values.tolist()])
    return pd.DataFrame(columns, index=frame.index)
