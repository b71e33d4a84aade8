"""Imputed analysis dates (ASTDT, AENDT) with their flags (--DTF, --TMF), by declared rules (ADaMIG 1.3, 3.1.4).

A start is imputed to the first day it may stand for, but not before a declared day (first dose) where that day is
possible too; an end to the last possible day, but never past death or cut-off. An end never lies before its start.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from cdiscway.converters.algorithms.iso8601 import date_parts

from .age import possible_days
from .extreme_event import limit
from .keys import Codes, Mask, label_codes

Floats = npt.NDArray[np.float64]
Highest = Literal["D", "M", "Y"]
Unknown = Literal["limit", "middle"]

DAY = 86400.0


@dataclass(frozen=True)
class Imputed:
    """The SAS days, the flag of each (`D` day imputed, `M` month and day, `Y` all; missing: collected), and conflicts.

    `conflict` is true where the collected parts leave no day that the rules allow (an end whose month lies wholly after
    death): there is no day then, and it is a finding.
    """

    days: Floats
    flag: pd.Series
    conflict: Mask


def _flags(dates: pd.Series) -> Codes:
    """Return what a date lacks: -1 nothing, 0 the day, 1 the month and the day; -2 for no date (nothing to impute)."""
    parts = date_parts(dates).parts
    year, month, day = (~np.isnan(parts[:, column]) for column in range(3))
    return np.where(~year | (~month & day), -2, np.where(~month, 1, np.where(~day, 0, -1)))


def middle_day(dates: pd.Series) -> Floats:
    """Return the middle of what a partial date may stand for, as SAS days: day 15 of a month, 30 June of a year.

    >>> middle_day(pd.Series(["1960-01", "1960", "1960-01-02", "--05"])).tolist()
    [14.0, 181.0, 1.0, nan]
    """
    first, last = possible_days(dates)
    lacking = _flags(dates)
    june = first + np.where(last - first == 365, 181, 180)
    return np.where(lacking == 0, first + 14, np.where(lacking == 1, june, first))


def _finish(days: Floats, lacking: Codes, highest: Highest, conflict: Mask) -> Imputed:
    allowed = lacking <= {"D": 0, "M": 1, "Y": 1}[highest]
    usable = (lacking >= -1) & allowed & ~conflict
    return Imputed(np.where(usable, days, np.nan), label_codes(np.where(usable, lacking, -1), ["D", "M"]), conflict)


def impute_start(
    dates: pd.Series,
    *,
    not_before: npt.ArrayLike = np.nan,
    not_after: Sequence[npt.ArrayLike] = (),
    highest: Highest = "M",
    unknown: Unknown = "limit",
) -> Imputed:
    """Impute starts to the first possible day, or to `not_before` (first dose) where it is possible.

    With `unknown="middle"` to the middle of what is possible, `not_before` at the earliest. `not_after` are days (death,
    cut-off) past which no imputed day lies. `highest` is the highest part that may be imputed: `D` the day, `M` the month
    too. A complete date is never changed. All days are SAS days.

    >>> start = impute_start(pd.Series(["1960-01", "1960-02", "1960-01-05"]), not_before=[9.0, 9.0, 9.0])
    >>> start.days.tolist(), start.flag.tolist()
    ([9.0, 31.0, 4.0], ['D', 'D', nan])
    """
    first, last = possible_days(dates)
    lacking = _flags(dates)
    upper = limit([*not_after, last], len(dates), lowest=True)
    lower = np.broadcast_to(np.asarray(not_before, dtype=np.float64), first.shape)
    earliest = np.where((lower > first) & (lower <= upper), lower, first)
    days = earliest if unknown == "limit" else np.fmin(np.fmax(middle_day(dates), earliest), upper)
    days = np.where(lacking == -1, first, days)
    conflict = (lacking >= 0) & (first > upper)
    return _finish(days, lacking, highest, conflict)


def impute_end(
    dates: pd.Series,
    *,
    start: npt.ArrayLike = np.nan,
    not_after: Sequence[npt.ArrayLike] = (),
    highest: Highest = "M",
    unknown: Unknown = "limit",
) -> Imputed:
    """Impute ends to the last possible day on or before every day of `not_after` (death, cut-off, last contact).

    With `unknown="middle"` to the middle of what is possible, within the same limits and not before the start. Where the
    last possible day lies before `start` (a SAS day) there is none: a conflict. A complete date is never changed.

    >>> end = impute_end(pd.Series(["1960-01", "1960-01"]), start=[5.0, 25.0], not_after=[[20.0, 20.0]])
    >>> end.days.tolist(), end.conflict.tolist()
    ([20.0, nan], [False, True])
    """
    first, last = possible_days(dates)
    lacking = _flags(dates)
    days = limit([*not_after, last], len(dates), lowest=True)
    lower = np.fmax(first, np.broadcast_to(np.asarray(start, dtype=np.float64), first.shape))
    conflict = (lacking >= 0) & (days < lower)
    if unknown == "middle":
        days = np.fmin(np.fmax(middle_day(dates), lower), days)
    return _finish(np.where(lacking == -1, last, days), lacking, highest, conflict)


def impute_interval(
    starts: pd.Series,
    ends: pd.Series,
    *,
    not_before: npt.ArrayLike = np.nan,
    not_after: Sequence[npt.ArrayLike] = (),
    highest: Highest = "M",
    unknown: Unknown = "limit",
) -> tuple[Imputed, Imputed]:
    """Impute start and end together: the start not past the last possible day of the end, the end not before the start.

    >>> start, end = impute_interval(pd.Series(["1960-01"]), pd.Series(["1960-01-10"]), not_before=[20.0])
    >>> start.days.tolist(), end.days.tolist()
    ([0.0], [9.0])
    """
    _, last_end = possible_days(ends)
    start = impute_start(
        starts, not_before=not_before, not_after=[*not_after, last_end], highest=highest, unknown=unknown
    )
    return start, impute_end(ends, start=start.days, not_after=not_after, highest=highest, unknown=unknown)


def impute_time(dates: pd.Series, rule: Literal["first", "last"] = "first") -> tuple[Floats, pd.Series]:
    """Return the seconds since midnight of each text, missing parts imputed to 00 or 59 (23 for the hour), and --TMF.

    The flag is `H` where the hour and all below is imputed, `M` for the minute, `S` for the seconds. It needs the text of
    a date; a missing one has no time. A time written to the minute counts as lacking seconds.

    >>> seconds, flag = impute_time(pd.Series(["2020-01-01T08:30", "2020-01-01"]), "last")
    >>> seconds.tolist(), flag.tolist()
    ([30659.0, 86399.0], ['S', 'H'])
    """
    parts = date_parts(dates).parts
    hour, minute, second = parts[:, 3], parts[:, 4], parts[:, 5]
    known = ~np.isnan(parts[:, 0])
    no_hour = np.isnan(hour)
    no_minute = no_hour | np.isnan(minute)
    no_second = no_minute | np.isnan(second)
    fill = (0.0, 0.0, 0.0) if rule == "first" else (23.0, 59.0, 59.0)
    clock = [
        np.where(lacks, value, part)
        for lacks, value, part in zip((no_hour, no_minute, no_second), fill, (hour, minute, second), strict=True)
    ]
    seconds = np.where(known, clock[0] * 3600 + clock[1] * 60 + clock[2], np.nan)
    codes = np.where(~known, -1, np.where(no_hour, 0, np.where(no_minute, 1, np.where(no_second, 2, -1))))
    return seconds, label_codes(codes, ["H", "M", "S"])
