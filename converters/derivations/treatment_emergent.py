"""Treatment-emergent flag (TRTEMFL): events that start between the first dose and a declared time after the last."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from .keys import Mask, flag

Floats = npt.NDArray[np.float64]


class Span(NamedTuple):
    """The first and the last SAS day that a date may stand for: the same for a whole date, NaN where nothing is known."""

    first: Floats
    last: Floats


class Worsening(NamedTuple):
    """How bad an event was before treatment and at its worst, as numbers, the worst the highest (grades)."""

    before: npt.ArrayLike
    worst: npt.ArrayLike


def treatment_emergent(
    start: npt.ArrayLike | Span,
    first_dose: npt.ArrayLike,
    last_dose: npt.ArrayLike,
    *,
    days_after: float | None = None,
    end: Span | None = None,
    possible: bool = False,
    worsening: Worsening | None = None,
) -> pd.Series:
    """Flag `Y` the events whose start (SAS day) lies between the first dose and the last dose plus `days_after`.

    Without `days_after` there is no end. A missing last dose is a treatment that goes on: the window stays open. A
    subject without a first dose has no flag. An event whose start is not known to the day has no flag, or where it is
    `possible`: one, if a day of the window may be meant; an event that ended (`end`) before the first dose has none. With
    `worsening` an event that began before, and did not end before, the first dose is flagged too where it became worse.

    >>> treatment_emergent([5.0, 10.0, 99.0], [10.0] * 3, [20.0, float("nan"), 20.0], days_after=30).tolist()
    [nan, 'Y', nan]
    """
    begins = start if isinstance(start, Span) else Span(np.asarray(start, np.float64), np.asarray(start, np.float64))
    first = np.asarray(first_dose, dtype=np.float64)
    last = np.nan_to_num(np.asarray(last_dose, dtype=np.float64), nan=np.inf)
    until = np.full(len(last), np.inf) if days_after is None else last + days_after
    known = begins.first == begins.last
    inside = known & (begins.first >= first) & (begins.first <= until)
    over = np.zeros(len(first), dtype=np.bool_) if end is None else end.last < first
    if possible:
        inside |= ~known & ~np.isnan(first) & ~over & _may_lie_in(begins, first, until)
    if worsening is not None:
        worse = np.asarray(worsening.worst, dtype=np.float64) > np.asarray(worsening.before, dtype=np.float64)
        inside |= (begins.last < first) & worse & ~over
    return flag(np.asarray(inside, dtype=np.bool_))


def _may_lie_in(begins: Span, first: Floats, until: Floats) -> Mask:
    """Return whether any day that the start may stand for lies in the window; an unknown start may be any day."""
    earliest, latest = np.nan_to_num(begins.first, nan=-np.inf), np.nan_to_num(begins.last, nan=np.inf)
    return np.asarray((latest >= first) & (earliest <= until), dtype=np.bool_)
