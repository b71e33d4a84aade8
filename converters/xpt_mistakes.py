"""What keeps a dataset from being written or read: every mistake with dataset, variable, row and value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cdiscway.specs.mistakes import Mistake, MistakesError

SHOWN_VALUES = 100
"""Distinct values of one variable listed one by one; the rest is counted."""
_SHOWN_ROWS = 3
_SHOWN_CHARACTERS = 60


@dataclass(frozen=True, slots=True, order=True)
class DataMistake(Mistake):
    """A mistake with its place in the data: `row` is the 1-based position of the first record, None for metadata."""

    dataset: str = ""
    variable: str = ""
    row: int | None = None
    value: str = ""


class DatasetFileError(MistakesError):
    """A frame or its metadata cannot be held by the file, or a file cannot be read: all reasons at once."""


class XptError(DatasetFileError):
    """Of a transport file."""


class DatasetJsonError(DatasetFileError):
    """Of a Dataset-JSON file."""


def data_mistake(
    file: str,
    dataset: str,
    variable: str,
    message: str,
    *,
    rows: Sequence[int] | npt.NDArray[np.intp] = (),
    value: object = None,
    hint: str = "",
) -> DataMistake:
    """Return the mistake of one value; `rows` counts from 0.

    >>> print(data_mistake("ae.xpt", "AE", "AETERM", "is not ASCII", rows=[2, 7], value="é"))
    ae.xpt AE.AETERM: 'é' is not ASCII (row 3, 8)
    """
    shown = "" if value is None else _shorten(repr(value)) + " "
    places = "row " + ", ".join(str(row + 1) for row in rows[:_SHOWN_ROWS]) if len(rows) else ""
    if len(rows) > _SHOWN_ROWS:
        places += f" and {len(rows) - _SHOWN_ROWS:,} more"
    return DataMistake(
        file=file,
        line=None,
        path=f"{dataset}.{variable}" if variable else dataset,
        message=shown + message,
        hint="; ".join(part for part in (places, hint) if part),
        dataset=dataset,
        variable=variable,
        row=int(rows[0]) + 1 if len(rows) else None,
        value="" if value is None else str(value),
    )


def _shorten(text: str) -> str:
    if len(text) <= _SHOWN_CHARACTERS:
        return text
    return f"{text[:_SHOWN_CHARACTERS]}... ({len(text):,} characters)"
