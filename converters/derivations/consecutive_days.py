"""The first of N consecutive days on which a condition holds (neutrophil or platelet recovery, engraftment)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from .keys import Codes, Mask, rows_of

Floats = npt.NDArray[np.float64]
MissingDay = Literal["breaks", "holds", "skipped"]
SameDay = Literal["all", "any"]


@dataclass(frozen=True)
class Recovery:
    """What is looked for: `days` in a row, and what is declared about the days that do not speak for themselves.

    `missing_day`: a day without a record `breaks` the row; or it `holds` where the records on both sides do; or it is
    `skipped`, so that the row is of N measured days. `same_day`: of several records on one day `all` must hold, or
    `any`. `clear_before` and `clear_after`: the days around the first day that must be free of an excluded event (a
    transfusion), counted from it; None does not look.
    """

    days: int = 3
    missing_day: MissingDay = "breaks"
    same_day: SameDay = "all"
    clear_before: int | None = None
    clear_after: int | None = None


@dataclass(frozen=True)
class Measurements:
    """One record per measurement: its subject, its SAS day, and whether the condition holds (ANC > 0.5)."""

    subject: pd.Series
    days: npt.ArrayLike
    holds: Mask


def first_of_consecutive_days(
    subjects: pd.Series,
    start: npt.ArrayLike,
    measurements: Measurements,
    rule: Recovery,
    excluded: tuple[pd.Series, npt.ArrayLike] | None = None,
) -> Floats:
    """Return, for each subject, the SAS day that is the first of N consecutive days with the condition; NaN for none.

    Only days on or after `start` count. `excluded` are the subjects and days of events that must not lie around it.

    >>> anc = Measurements(pd.Series(["1"] * 5), [1, 2, 3, 4, 5], np.array([True, False, True, True, True]))
    >>> first_of_consecutive_days(pd.Series(["1"]), [1.0], anc, Recovery(days=3)).tolist()
    [3.0]
    """
    index = pd.Index(subjects.astype("str"))
    begins = np.asarray(start, dtype=np.float64)
    codes, days, holds = _daily(index, begins, measurements, rule.same_day)
    enough = holds & _row_is_long_enough(codes, days, holds, rule)
    if excluded is not None and (rule.clear_before is not None or rule.clear_after is not None):
        enough &= _is_clear(index, codes, days, rule, excluded)
    first = np.full(len(index), np.inf)
    np.minimum.at(first, codes[enough], days[enough])
    return np.where(np.isinf(first), np.nan, first)


def _daily(
    index: pd.Index, begins: Floats, measurements: Measurements, same_day: SameDay
) -> tuple[Codes, Floats, Mask]:
    """Return one record per subject and day, sorted: what holds on it by the rule for several records."""
    codes = rows_of(index, measurements.subject)
    days = np.asarray(measurements.days, dtype=np.float64)
    used = np.flatnonzero((codes >= 0) & (days >= np.append(begins, np.nan)[codes]))
    order = used[np.lexsort([days[used], codes[used]])]
    codes, days, holds = codes[order], days[order], np.asarray(measurements.holds, dtype=np.bool_)[order]
    if not len(order):
        return codes, days, holds
    firsts = np.flatnonzero(np.append(True, (codes[1:] != codes[:-1]) | (days[1:] != days[:-1])))
    joined = np.logical_and.reduceat(holds, firsts) if same_day == "all" else np.logical_or.reduceat(holds, firsts)
    return codes[firsts], days[firsts], np.asarray(joined, dtype=np.bool_)


def _row_is_long_enough(codes: Codes, days: Floats, holds: Mask, rule: Recovery) -> Mask:
    """Return from which days a row of N days goes on: to the end of the row there are N, counted as the rule says."""
    count = len(codes)
    if not count:
        return np.zeros(0, dtype=np.bool_)
    breaks = np.append(True, (codes[1:] != codes[:-1]) | (holds[1:] != holds[:-1]))
    if rule.missing_day == "breaks":
        breaks[1:] |= days[1:] != days[:-1] + 1
    row = np.cumsum(breaks) - 1
    last = np.append(np.flatnonzero(breaks)[1:], count) - 1
    length = last[row] - np.arange(count) + 1 if rule.missing_day == "skipped" else days[last[row]] - days + 1
    return np.asarray(length >= rule.days, dtype=np.bool_)


def _is_clear(
    index: pd.Index, codes: Codes, days: Floats, rule: Recovery, excluded: tuple[pd.Series, npt.ArrayLike]
) -> Mask:
    """Return which days have no excluded event from `clear_before` days before to `clear_after` days after."""
    event_codes = rows_of(index, excluded[0])
    event_days = np.asarray(excluded[1], dtype=np.float64)
    used = (event_codes >= 0) & ~np.isnan(event_days)
    before, after = rule.clear_before or 0, rule.clear_after or 0
    everything = np.concatenate([days, event_days[used], [0.0]])
    low = everything.min() - before - 1
    span = everything.max() + after + 2 - low
    events = np.sort(event_codes[used] * span + (event_days[used] - low))
    here = codes * span + (days - low)
    return np.asarray(
        np.searchsorted(events, here + after, side="right") == np.searchsorted(events, here - before, side="left"),
        dtype=np.bool_,
    )
