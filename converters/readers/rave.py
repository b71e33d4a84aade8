"""Medidata Rave clinical views (CSV, SAS datasets or transport files): one file for each form.

A fixed block of columns comes first, then several columns for each field.
Every column stays as it is: FIELD, FIELD_RAW (what was typed), FIELD_STD (the code), FIELD_INT (a completed date), FIELD_UN
(the unit). A value that is in FIELD_RAW alone did not conform, and is named. A line EOF ends the file. Inactive records
are set aside, counted and named.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from cdiscway.specs.mistakes import Mistake, MistakesError

from .delimited import find_layout, read_delimited
from .options import FormOptions, ReaderOptions
from .raw import SUFFIXES, FileForms, Place, RawColumn, RawForm, RawNote, RawTable, open_files, text_column

END_ROW = "EOF"
BLOCK = (
    "instancename",
    "instanceid",
    "folder",
    "foldername",
    "folderseq",
    "recordposition",
    "datapagename",
    "recordid",
)
"""Columns of the fixed block: a Rave form has Subject and one of these at least."""

_INACTIVE = frozenset({"0", "false", "no", "n"})


def open_source(place: Place, options: ReaderOptions) -> FileForms:
    """Open a folder of clinical views. Raises MistakesError."""
    return open_files(place, options, SUFFIXES["rave"], partial(_add, options))


def _add(options: ReaderOptions, source: FileForms, name: str, form: FormOptions, path: Path, shown: str) -> None:
    about, read = _opened(options, name, form, path, shown)
    lower = {column.lower() for column in about.names}
    if "subject" not in lower or not lower & set(BLOCK):
        message = "is no Rave clinical view: it has no column Subject with InstanceName, RecordPosition or the like"
        raise MistakesError([Mistake(shown, form.header_line or 1, "", message, "read it with another 'format'")])
    source.add(about, partial(_read, read, options.active))


def _opened(
    options: ReaderOptions, name: str, form: FormOptions, path: Path, shown: str
) -> tuple[RawForm, Callable[[], RawTable]]:
    """Open a view as delimited text, as a SAS dataset, or as a transport file."""
    kind = path.suffix.lower().removeprefix(".")
    if kind in {"sas7bdat", "xpt"}:
        from .sas_forms import add_form  # noqa: PLC0415 - only where a view is one

        inner = FileForms()
        add_form(options.model_copy(update={"format": kind}), {}, inner, name, form, path, shown)
        return inner.forms[name], inner.readers[name]
    layout = find_layout(path, options.of(form), shown, END_ROW)
    columns = tuple(RawColumn(column) for column in layout.names)
    about = RawForm(name, shown, form.label, columns, found=layout.found)
    return about, partial(read_delimited, path, layout, shown)


def _read(read: Callable[[], RawTable], active: Sequence[str]) -> RawTable:
    table = without_end(read())
    frame = table.frame
    aside: dict[str, tuple[int, ...]] = {}
    taken = np.zeros(len(frame), dtype=bool)
    known = {name.casefold(): name for name in frame.columns}
    for word in active:
        name = known.get(word.casefold(), "")
        if name:
            rows = positions(frame[name], _INACTIVE, fold=True) & ~taken
            taken |= rows
            if rows.any():
                aside[f"inactive in the EDC ({name} is 0)"] = tuple(np.flatnonzero(rows).tolist())
    return RawTable(frame, (*table.notes, *only_raw(frame, ~taken)), None, aside)


def without_end(table: RawTable) -> RawTable:
    """Return the table without a last row that says EOF in its first field and nothing else."""
    frame = table.frame
    if not len(frame) or frame.iloc[-1, 0] != END_ROW or frame.iloc[-1, 1:].notna().any():
        return table
    short = {
        name: text_column(frame[name].cat.codes.to_numpy()[:-1], frame[name].cat.categories.tolist())
        for name in frame.columns
    }
    note = RawNote("CDW-RAW-END", "info", f"the line '{END_ROW}' at the end of the file is no record")
    return RawTable(pd.DataFrame(short, index=pd.RangeIndex(len(frame) - 1)), (*table.notes, note))


def positions(column: pd.Series, texts: frozenset[str], fold: bool = False) -> np.ndarray:
    """Return where a column holds one of these texts, as a boolean array."""
    hits = [(text.casefold() if fold else text) in texts for text in column.cat.categories]
    return np.array([*hits, False], dtype=bool)[column.cat.codes.to_numpy()]


def only_raw(frame: pd.DataFrame, active: np.ndarray) -> list[RawNote]:
    """Name the values of active records that FIELD_RAW holds and FIELD does not: they did not conform."""
    notes = []
    for name in frame.columns:
        raw = f"{name}_RAW"
        if raw in frame.columns:
            rows = np.flatnonzero(active & frame[name].isna().to_numpy() & frame[raw].notna().to_numpy())
            if len(rows):
                message = f"{len(rows)} values stand in {raw} alone: {name} could not take them"
                value = str(frame[raw].iloc[rows[0]])
                notes.append(RawNote("CDW-RAW-NONCONFORMANT", "warning", message, raw, value, tuple(rows.tolist())))
    return notes
