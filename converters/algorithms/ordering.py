"""How texts that stand for numbers or dates are put in order, and which of them cannot be told apart."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from . import columns
from .iso8601 import compare_partial
from .results import DecimalMark, read_number

Order = Literal["numbers", "dates", "letters", "unsure"]
Mask = npt.NDArray[np.bool_]
_DATE = r"(?:[0-9]{4}|-)(?:-(?:[0-9]{2}|-)(?:-(?:[0-9]{2}|-))?)?"
_ISO_DATE = re.compile(rf"{_DATE}(?:[T/].*)?")
_PARTIAL = re.compile(r"[0-9]{4}(?:-(?:[0-9]{2}|-)(?:-(?:[0-9]{2}|-)?)?)?(?:T.*)?")
_WHOLE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T/].*)?")


def order_of(texts: Iterable[str], decimal: DecimalMark = ".") -> Order:
    """Say by what distinct texts are put in order: by size, by day (ISO 8601), or letter by letter.

    `unsure` are texts that begin with a digit and are neither: letter by letter `31/01/2019` comes after `01/02/2020`.

    >>> order_of(["9", "10"]), order_of(["2020-02", "2020-02-03T08:00"]), order_of(["A", "B"]), order_of(["31/01/2019"])
    ('numbers', 'dates', 'letters', 'unsure')
    """
    known = list(texts)
    if all(_ISO_DATE.fullmatch(text) for text in known):
        return "dates"
    if all(read_number(text, decimal) is not None for text in known):
        return "numbers"
    return "unsure" if any(text[:1].isdigit() for text in known) else "letters"


def is_partial(text: str) -> bool:
    """Whether an ISO 8601 date has a year and no day; an interval is none."""
    return bool(_PARTIAL.fullmatch(text)) and not _WHOLE.fullmatch(text)


def undecided(left: pd.Series, right: pd.Series) -> Mask:
    """Return where two columns of ISO 8601 dates differ, and a day that is not known could turn their order round.

    >>> undecided(pd.Series(["2020-02", "2020-01", "2020-02"]), pd.Series(["2020-02-02", "2020-02-02", "2020-02"])).tolist()
    [True, False, False]
    """
    sides = [columns.as_text(side) for side in (left, right)]
    if not any(is_partial(text) for side in sides for text in columns.distinct(side)[1]):
        return np.zeros(len(left), dtype=np.bool_)
    partial = [
        columns.numbers_of_distinct(side, lambda texts: [float(is_partial(text)) for text in texts]) == 1
        for side in sides
    ]
    dates = [columns.map_distinct(side, lambda texts: [_date_of(text) for text in texts]) for side in sides]
    open_ = (partial[0] | partial[1]).to_numpy(dtype=np.bool_)
    return np.asarray(open_ & (compare_partial(*dates) == 0) & ~columns.same_text(*dates), dtype=np.bool_)


def _date_of(text: str) -> str:
    """Return the date of a text, without its time and what is unknown at its right."""
    return text.partition("T")[0].rstrip("-")
