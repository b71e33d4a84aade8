"""SAS dates, times and datetimes as ISO 8601 texts, and back."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pyarrow as pa

from .ibm_float import SPECIAL_TAGS, Floats, tagged_nan
from .number_values import to_times
from .sas_formats import Kind

_FIRST, _LAST = np.datetime64("0001-01-01"), np.datetime64("9999-12-31T23:59:59")
_UNITS = {"date": "D", "time": "s", "datetime": "s"}
_EPOCH = np.datetime64("1960-01-01", "us")
_DAY, _CLOCK = r"\d{4}-\d\d-\d\d", r"\d\d:\d\d:\d\d(\.\d{1,6})?"
_ISO = {"date": re.compile(_DAY), "time": re.compile(_CLOCK), "datetime": re.compile(f"{_DAY}T{_CLOCK}")}
_DECIMAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


def iso_texts(floats: Floats, meaning: Kind) -> Any:
    """Return SAS numbers as an Arrow array of texts; None where not all of them are whole days or seconds of the calendar.

    >>> iso_texts(np.array([21915.0, np.nan]), "date").to_pylist()
    ['2020-01-01', None]
    """
    missing = np.isnan(floats)
    times, inexact = to_times(floats, meaning)
    if inexact.size or not (np.trunc(floats[~missing]) == floats[~missing]).all():
        return None
    known = times[~missing]
    if meaning == "time":
        if len(known) and (known.min() < np.timedelta64(0) or known.max() >= np.timedelta64(1, "D")):
            return None
        times = _EPOCH + times
    elif len(known) and (known.min() < _FIRST or known.max() > _LAST):
        return None
    texts = np.datetime_as_string(times.astype(f"datetime64[{_UNITS[meaning]}]"))
    return pa.array([text[11:] if meaning == "time" else text for text in texts], pa.string(), mask=missing)


def parse_iso(text: str, kind: Kind) -> float:
    """Return an ISO 8601 text as a SAS number; raises ValueError.

    >>> parse_iso("2020-01-01", "date"), parse_iso("08:30:00", "time")
    (21915.0, 30600.0)
    """
    if not _ISO[kind].fullmatch(text):
        raise ValueError(f"{text!r} is no {kind} of ISO 8601")
    moment = np.datetime64(f"1960-01-01T{text}" if kind == "time" else text, "us")
    seconds = float((moment - _EPOCH) / np.timedelta64(1, "s"))
    return seconds / 86_400 if kind == "date" else seconds


def number_of(text: str, meaning: Kind | None) -> float | None:
    """Return the number that a cell of a text file means, None where it means none.

    >>> number_of("3.10", None), number_of("2020-01-01", "date"), number_of("3,1", None)
    (3.1, 21915.0, None)
    """
    if text == ".":
        return float("nan")
    if len(text) == 2 and text[0] == "." and text[1] in SPECIAL_TAGS:
        return float(tagged_nan(ord(text[1]))[0])
    try:
        if meaning is not None and _ISO[meaning].fullmatch(text):
            return parse_iso(text, meaning)
    except ValueError:
        return None
    return float(text) if _DECIMAL.fullmatch(text) else None
