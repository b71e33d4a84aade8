"""Visits: the planned visit of a day by windows, and numbers of unscheduled visits between planned ones (2.1, 2.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from .keys import Codes, ranks

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Window:
    """A window of study days, both ends in it (None: open); `target` is the planned day (AWTARGET)."""

    visit: str
    number: float
    start: float | None
    end: float | None
    target: float | None = None

    @property
    def said(self) -> str:
        """The days in words (AWRANGE).

        >>> Window("WEEK 1", 1, 2, 11).said, Window("BASELINE", 0, None, 1).said, Window("END", 9, 30, None).said
        ('2 to 11', 'up to 1', 'from 30')
        """
        low, high = (None if day is None else f"{day:g}" for day in (self.start, self.end))
        if low is None:
            return "any day" if high is None else f"up to {high}"
        return f"from {low}" if high is None else (low if low == high else f"{low} to {high}")


def overlapping(windows: Sequence[Window]) -> list[tuple[str, str]]:
    """Return the pairs of windows that share a day: a mistake, since a day could belong to both.

    >>> overlapping([Window("WEEK 1", 1, 2, 8), Window("WEEK 2", 2, 8, 15)])
    [('WEEK 1', 'WEEK 2')]
    """
    bounds = [
        (-np.inf if window.start is None else window.start, np.inf if window.end is None else window.end)
        for window in windows
    ]
    return [
        (windows[one].visit, windows[other].visit)
        for one in range(len(windows))
        for other in range(one + 1, len(windows))
        if max(bounds[one][0], bounds[other][0]) <= min(bounds[one][1], bounds[other][1])
    ]


def window_of(days: npt.ArrayLike, windows: Sequence[Window]) -> Codes:
    """Return the number of the window (0 the first) that holds each study day, -1 for none.

    >>> window_of([1.0, 9.0, 99.0], [Window("DAY 1", 1, None, 1), Window("WEEK 1", 2, 2, 11, 8)]).tolist()
    [0, 1, -1]
    """
    values = np.asarray(days, dtype=np.float64)
    found = np.full(len(values), -1, dtype=np.int64)
    for place in range(len(windows) - 1, -1, -1):
        window = windows[place]
        after = ~np.isnan(values) if window.start is None else values >= window.start
        before = ~np.isnan(values) if window.end is None else values <= window.end
        found[after & before] = place
    return found


def study_days_apart(one: npt.ArrayLike, other: npt.ArrayLike) -> Floats:
    """Return how many days lie between two study days (AWTDIFF), never negative: there is no day 0 between -1 and 1.

    >>> study_days_apart([-1.0, 5.0], [1.0, 8.0]).tolist()
    [1.0, 3.0]
    """
    first, second = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    return np.asarray(np.abs(first - second) - (first * second < 0))


def unscheduled_visit_numbers(
    subject: pd.Series, moments: npt.ArrayLike, planned: npt.ArrayLike, *, decimals: int | None = None
) -> Floats:
    """Return VISITNUM: the planned number, or for unscheduled records (NaN) the planned one before plus 0.1, 0.2, ...

    `moments` are days (or seconds); records of a subject at the same moment are one visit. The planned visit before is
    the one with the latest moment on or before it; before all planned visits it is 0. `decimals` follows from the
    fullest gap of the whole study (2.1, or 2.01 where one holds more than nine) unless it is declared: declare it, and
    numbers do not change with the next data cut. NaN where the moment is missing. Raises ValueError where a gap holds
    more visits than the declared decimals can number.

    >>> subject = pd.Series(["1"] * 4)
    >>> unscheduled_visit_numbers(subject, [10, 12, 15, 20], [2, float("nan"), float("nan"), 3]).tolist()
    [2.0, 2.1, 2.2, 3.0]
    """
    moment, number = np.asarray(moments, dtype=np.float64), np.asarray(planned, dtype=np.float64)
    result = number.copy()
    codes = ranks(subject)
    extra = np.isnan(number)
    rows = np.flatnonzero(~np.isnan(moment))
    # A planned visit comes before the unscheduled ones of its day; of two planned on one day the higher number counts.
    order = rows[np.lexsort([np.nan_to_num(number)[rows], extra[rows], moment[rows], codes[rows]])]
    base, place = _places_in_gaps(codes[order], moment[order], number[order])
    unplanned = extra[order]
    most = int(place[unplanned].max(initial=0))
    width = decimals if decimals is not None else max(1, len(str(most)))
    if most >= 10**width:
        raise ValueError(f"{most} unscheduled visits after one planned visit do not fit {width} decimals")
    result[order[unplanned]] = np.round(base[unplanned] + place[unplanned] / 10.0**width, width)
    return result


def _places_in_gaps(codes: Codes, moments: Floats, numbers: Floats) -> tuple[Floats, Codes]:
    """Return, for sorted records, the planned number before each and its place among the moments after that."""
    count = len(codes)
    if not count:
        return np.zeros(0), np.zeros(0, dtype=np.int64)
    new_subject = np.append(True, codes[1:] != codes[:-1])
    planned = ~np.isnan(numbers)
    # The last record that is planned or opens a subject starts the gap.
    opener = np.maximum.accumulate(np.where(new_subject | planned, np.arange(count), 0))
    base = np.where(planned[opener], np.nan_to_num(numbers[opener]), 0.0)
    new_visit = ~planned & (new_subject | np.append(True, (moments[1:] != moments[:-1]) | planned[:-1]))
    visits = np.cumsum(new_visit)
    before = visits[opener] - new_visit[opener]
    return base, np.asarray(visits - before, dtype=np.int64)
