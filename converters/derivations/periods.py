"""Treatment periods: the n-th run of records of a subject (APxxSDT, APxxEDT, TRTxxA), and the period of a day (APERIOD)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from .keys import Codes, Mask, group_codes, label_codes, ranked_texts, ranks, rows_of

Floats = npt.NDArray[np.float64]


class Periods(NamedTuple):
    """All periods of all subjects: the row of the subject, the number (1 the first), first and last day, what is given.

    `undecided` are the subjects with two treatments that begin on one day: they have no periods.
    """

    subject: Codes
    number: Codes
    start: Floats
    end: Floats
    value: pd.Series
    undecided: Mask


def periods_of(
    subjects: pd.Series, subject: pd.Series, start: npt.ArrayLike, end: npt.ArrayLike, value: pd.Series, *,
    until_next: bool = False,
) -> Periods:  # fmt: skip
    """Return the periods of each subject: runs of records with the same value, in the order of their start (SAS days).

    A period ends on the latest end of its records, or where it is to last `until_next` on the day before the next one
    starts. Records without a start or a value belong to none; a missing end of the last record leaves the period open (NaN).

    >>> who, drug = pd.Series(["1"] * 3), pd.Series(["A", "B", "A"])
    >>> found = periods_of(pd.Series(["1"]), who, [1.0, 21.0, 11.0], [10.0, 30.0, 20.0], drug)
    >>> found.number.tolist(), found.start.tolist(), found.end.tolist(), found.value.tolist()
    ([1, 2], [1.0, 21.0], [20.0, 30.0], ['A', 'B'])
    """
    index = pd.Index(subjects.astype("str"))
    codes = rows_of(index, subject)
    starts, ends = np.asarray(start, dtype=np.float64), np.asarray(end, dtype=np.float64)
    places = ranks(value)
    undecided = _two_on_one_day(codes, starts, places, len(index))
    used = np.flatnonzero((codes >= 0) & ~np.isnan(starts) & (places >= 0) & ~np.append(undecided, True)[codes])
    order = used[np.lexsort([ends[used], places[used], starts[used], codes[used]])]  # an open end comes last
    codes, starts, ends, places = codes[order], starts[order], ends[order], places[order]
    opens = np.ones(len(order), dtype=np.bool_)
    opens[1:] = (codes[1:] != codes[:-1]) | (places[1:] != places[:-1])
    firsts = np.flatnonzero(opens)
    who = codes[firsts]
    last = np.fmax.reduceat(ends, firsts) if len(firsts) else np.zeros(0)
    last = np.where(np.isnan(ends[np.append(firsts[1:], len(order)) - 1]), np.nan, last) if len(firsts) else last
    begins = np.ones(len(firsts), dtype=np.bool_)
    begins[1:] = who[1:] != who[:-1]
    number = np.arange(len(firsts)) - np.maximum.accumulate(np.where(begins, np.arange(len(firsts)), 0)) + 1
    if until_next and len(firsts):
        followed = np.append(~begins[1:], False)
        last = np.where(followed, np.append(starts[firsts][1:], np.nan) - 1, last)
    return Periods(who, number, starts[firsts], last, label_codes(places[firsts], ranked_texts(value)), undecided)


def _two_on_one_day(codes: Codes, starts: Floats, places: Codes, size: int) -> Mask:
    """Return the subjects for whom records with different values start on one day."""
    known = (codes >= 0) & ~np.isnan(starts) & (places >= 0)
    group, groups = group_codes(pd.Series(codes), pd.Series(starts))
    low, high = np.full(groups, np.iinfo(np.int64).max), np.full(groups, -1)
    np.minimum.at(low, group[known], places[known])
    np.maximum.at(high, group[known], places[known])
    found = np.zeros(size, dtype=np.bool_)
    found[codes[known & (high[group] > low[group])]] = True
    return found


def period_on(days: npt.ArrayLike, starts: Sequence[npt.ArrayLike], ends: Sequence[npt.ArrayLike]) -> Codes:
    """Return the number of the period (0 the first) that holds each day, -1 for none; both ends belong to it.

    `starts` and `ends` have one column for each period, aligned with the days; a period without an end goes on. Of two
    periods that share a day the later one counts, since its treatment has begun.

    >>> period_on([5.0, 10.0, 30.0, 3.0], [[1.0] * 4, [10.0] * 4], [[10.0] * 4, [20.0] * 4]).tolist()
    [0, 1, -1, 0]
    """
    day = np.asarray(days, dtype=np.float64)
    found = np.full(len(day), -1, dtype=np.int64)
    for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
        last = np.nan_to_num(np.asarray(end, dtype=np.float64), nan=np.inf)
        found[(day >= np.asarray(start, dtype=np.float64)) & (day <= last)] = number
    return found
