"""ISO 8601 text as SDTM writes it (SDTMIG 3.4, 4.4): is it valid, what does it know, which of two is earlier.

The work is done on distinct texts: on the date parts and the time parts of a column apart, of which even millions of
records hold few.
"""

from __future__ import annotations

import calendar
import math
import re
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
Kind = Literal["datetime", "interval", "duration"]

EPOCH = np.datetime64("1960-01-01", "D")
"""Day 0 of SAS dates."""
SECONDS = 86400.0

_DATE = re.compile(
    r"(?P<year>\d{4}|-)(?:-(?P<month>\d{2}|-)(?:-(?P<day>\d{2}|-))?)?"
    r"(?:T(?P<hour>\d{2}|-)(?::(?P<minute>\d{2}|-)(?::(?P<second>\d{2}(?:[.,]\d+)?))?)?(?P<zone>Z|[+-]\d{2}(?::\d{2})?)?)?"
)
_DURATION = re.compile(
    r"[+-]?P(?=.)(?:(?P<weeks>\d+(?:[.,]\d+)?W)|(?:\d+(?:[.,]\d+)?Y)?(?:\d+(?:[.,]\d+)?M)?(?:\d+(?:[.,]\d+)?D)?"
    r"(?:T(?=.)(?:\d+(?:[.,]\d+)?H)?(?:\d+(?:[.,]\d+)?M)?(?:\d+(?:[.,]\d+)?S)?)?)"
)
_PARTS = ("year", "month", "day", "hour", "minute", "second")
_LIMITS = {"month": (1, 12), "day": (1, 31), "hour": (0, 23), "minute": (0, 59), "second": (0, 60)}


def _check_calendar(parts: dict[str, str | None]) -> str:
    for name, (low, high) in _LIMITS.items():
        text = parts[name]
        if text and text != "-" and not low <= float(text.replace(",", ".")) < high + 1 - (name == "second"):
            return f"there is no {name} {text}"
    year, month, day = (parts[name] for name in ("year", "month", "day"))
    if month and month != "-" and day and day != "-":
        last = calendar.monthrange(int(year) if year and year != "-" and int(year) else 2000, int(month))[1]
        if int(day) > last:
            return f"there is no day {day} in that month"
    return ""


def _check_datetime(text: str) -> str:
    match = _DATE.fullmatch(text)
    if match is None:
        return "not written as ISO 8601 (YYYY-MM-DDThh:mm:ss, cut at the right, a hyphen for a missing part)"
    parts = match.groupdict()
    known = [name for name in _PARTS if parts[name]]
    if parts["hour"] is not None and parts["day"] is None:
        return "a time needs all parts of the date, or hyphens for them"
    if parts[known[-1]] == "-":
        return "a missing part at the right is left out, not written as a hyphen"
    return _check_calendar(parts)


def _check_duration(text: str) -> str:
    match = _DURATION.fullmatch(text)
    if match is None:
        return "not written as an ISO 8601 duration (P1DT2H, PT30M, P2W)"
    fractions = re.findall(r"[.,]\d+.", text)
    return "only the last part of a duration may have decimals" if fractions and not text.endswith(fractions[0]) else ""


def _check_interval(text: str) -> str:
    start, _, end = text.partition("/")
    starts_long, ends_long = "P" in start, "P" in end
    if starts_long and ends_long:
        return "an interval needs a date at one side at least"
    first = _check_duration(start) if starts_long else _check_datetime(start)
    return first or (_check_duration(end) if ends_long else _check_datetime(end))


def check_iso8601(text: str, kinds: tuple[Kind, ...] = ("datetime", "interval")) -> str:
    """Return why `text` is no valid ISO 8601 of the allowed kinds, or an empty text where it is.

    --DTC take dates and times and intervals, --DUR, --ELTM and the like durations.

    >>> check_iso8601("2003---15"), check_iso8601("2003-02-30"), check_iso8601("P2W", ("duration",))
    ('', 'there is no day 30 in that month', '')
    """
    if "/" in text:
        return _check_interval(text) if "interval" in kinds else "an interval is not allowed here"
    if re.match(r"[+-]?P", text):
        return _check_duration(text) if "duration" in kinds else "a duration is not allowed here"
    return _check_datetime(text) if "datetime" in kinds else _check_duration(text)


def is_iso8601(values: pd.Series, kinds: tuple[Kind, ...] = ("datetime", "interval")) -> npt.NDArray[np.bool_]:
    """Return where a text is valid ISO 8601; a missing value is valid.

    >>> is_iso8601(pd.Series(["2020-02", "2020-2", None])).tolist()
    [True, False, True]
    """
    codes, distinct = _distinct(values)
    return np.array([*(not check_iso8601(text, kinds) for text in distinct), True], dtype=np.bool_)[codes]


def _distinct(values: pd.Series) -> tuple[npt.NDArray[np.int64], list[str]]:
    if isinstance(values.dtype, pd.CategoricalDtype):
        return values.cat.codes.to_numpy().astype(np.int64), [str(text) for text in values.cat.categories]
    codes, distinct = pd.factorize(values.astype("str"), use_na_sentinel=True)
    return codes.astype(np.int64), [str(text) for text in distinct]


@dataclass(frozen=True)
class DateParts:
    """What each record's text knows: year, month, day, hour, minute, second as columns of floats, NaN where unknown.

    `zone` is the offset from UTC in minutes, NaN without one. A text that is no date knows nothing. Of an interval the
    start is taken.
    """

    parts: Floats
    zone: Floats


def _zone_minutes(zone: str | None) -> float:
    if not zone:
        return float("nan")
    if zone == "Z":
        return 0.0
    hours, _, minutes = zone[1:].partition(":")
    return (int(hours) * 60 + int(minutes or 0)) * (-1.0 if zone[0] == "-" else 1.0)


def _parts_of(text: str) -> list[float]:
    start = text.partition("/")[0]
    match = _DATE.fullmatch(start)
    if match is None or _check_datetime(start):
        return [float("nan")] * 7
    groups = match.groupdict()
    numbers = [groups[name] for name in _PARTS]
    known = [float("nan") if part in (None, "-") else float(str(part).replace(",", ".")) for part in numbers]
    return [*known, _zone_minutes(groups["zone"])]


def date_parts(values: pd.Series) -> DateParts:
    """Return what each ISO 8601 text knows.

    >>> date_parts(pd.Series(["2016---15"])).parts.tolist()
    [[2016.0, nan, 15.0, nan, nan, nan]]
    """
    codes, distinct = _distinct(values)
    table = np.array([*(_parts_of(text) for text in distinct), [float("nan")] * 7], dtype=np.float64)
    rows = table[codes]
    return DateParts(rows[:, :6], rows[:, 6])


def _day_of(text: str) -> float:
    known = _parts_of(text)
    if any(math.isnan(part) for part in known[:3]):
        return float("nan")
    return float((np.datetime64(text[:10], "D") - EPOCH).astype(np.int64))


def date_days(values: pd.Series) -> Floats:
    """Return the days since 1960-01-01 of each text's date; NaN where the day is not known (partial or no date).

    The time does not matter, a time zone neither: the day is the one written.

    >>> date_days(pd.Series(["1960-01-02", "2020-02-29T08:30", "2020-02", None])).tolist()
    [1.0, 21974.0, nan, nan]
    """
    if isinstance(values.dtype, pd.CategoricalDtype):
        table = np.append(date_days(pd.Series(values.cat.categories.astype("str"))), np.nan)
        return np.asarray(table[values.cat.codes.to_numpy()])
    texts = values.astype("str")
    # Only the first ten characters are looked at, since a column of times has many distinct texts but few days. The
    # eleventh tells a date from a text that only starts as one.
    codes, distinct = _distinct(texts.str.slice(0, 10))
    days = np.array([*(_day_of(text) for text in distinct), np.nan], dtype=np.float64)[codes]
    follows, letters = _distinct(texts.str.slice(10, 11))
    goes_on = np.array([*(letter in ("", "T", "/") for letter in letters), False], dtype=np.bool_)[follows]
    return np.where(goes_on, days, np.nan)


def time_seconds(values: pd.Series) -> Floats:
    """Return the seconds since midnight of each text's time; NaN where hour or minute is not known. Seconds may lack.

    >>> time_seconds(pd.Series(["2020-01-01T08:30", "2020-01-01", "2020-01-01T08"])).tolist()
    [30600.0, nan, nan]
    """
    if isinstance(values.dtype, pd.CategoricalDtype):
        table = np.append(time_seconds(pd.Series(values.cat.categories.astype("str"))), np.nan)
        return np.asarray(table[values.cat.codes.to_numpy()])
    texts = values.astype("str")
    codes, distinct = _distinct(texts.str.slice(10))
    clock = [_clock(text) for text in distinct]
    seconds = np.array([*clock, np.nan], dtype=np.float64)[codes]
    # A partial date keeps hyphens before its T, so its time starts elsewhere: such texts are few.
    odd = (texts.notna() & np.isnan(seconds) & texts.str.contains("T", regex=False).fillna(False)).to_numpy(
        dtype=np.bool_
    )
    if odd.any():
        parts = date_parts(texts[odd]).parts
        seconds[odd] = parts[:, 3] * 3600 + parts[:, 4] * 60 + np.nan_to_num(parts[:, 5])
    return seconds


def _clock(text: str) -> float:
    known = _parts_of(f"2000-01-01{text}") if text.startswith("T") else [float("nan")] * 7
    return known[3] * 3600 + known[4] * 60 + (0.0 if math.isnan(known[5]) else known[5])


def datetime_seconds(values: pd.Series) -> Floats:
    """Return SAS datetimes (seconds since 1960-01-01T00:00); NaN where the day, the hour or the minute is not known.

    >>> datetime_seconds(pd.Series(["1960-01-02T00:01", "1960-01-02"])).tolist()
    [86460.0, nan]
    """
    return date_days(values) * SECONDS + time_seconds(values)


def format_days(days: npt.ArrayLike) -> pd.Series:
    """Write days since 1960-01-01 as ISO 8601 dates (categorical text).

    >>> format_days([21974.0, float("nan")]).tolist()
    ['2020-02-29', nan]
    """
    codes, distinct = pd.factorize(np.asarray(days, dtype=np.float64))
    texts = (EPOCH + np.asarray(distinct).astype(np.int64)).astype(str)
    return pd.Series(pd.Categorical.from_codes(codes, categories=pd.Index(texts, dtype="str")))


def compare_partial(left: pd.Series, right: pd.Series) -> Floats:
    """Compare two columns of ISO 8601 texts, as far as both know: -1 earlier, 1 later, 0 equal or not to be told.

    NaN where either is missing, is no date, or does not even know its year. Zones are minded where both have one and
    both know their minute.

    >>> a, b = pd.Series(["2020-03", "2020-02", "2020-03"]), pd.Series(["2020-03-15", "2020-03-15", None])
    >>> compare_partial(a, b).tolist()
    [0.0, -1.0, nan]
    """
    first, second = date_parts(left), date_parts(right)
    a, b = _in_utc(first, second.zone), _in_utc(second, first.zone)
    result = np.zeros(len(left))
    still = np.ones(len(left), dtype=np.bool_)
    for column in range(6):
        difference = np.sign(a[:, column] - b[:, column])
        if column == 0:
            result[np.isnan(difference)] = np.nan
        still &= ~np.isnan(difference)
        result = np.where(still & (difference != 0), difference, result)
        still &= difference == 0
    return result


def _in_utc(known: DateParts, other_zone: Floats) -> Floats:
    """Return the parts, moved to UTC where both sides have a zone and the minute is known."""
    parts = known.parts.copy()
    move = ~np.isnan(known.zone) & ~np.isnan(other_zone) & ~np.isnan(parts[:, :5]).any(axis=1)
    if move.any():
        moved = parts[move]
        year = (moved[:, 0] - 1970).astype("datetime64[Y]").astype("datetime64[M]")
        day = (year + (moved[:, 1] - 1).astype("timedelta64[M]")).astype("datetime64[m]")
        minutes = (moved[:, 2] - 1) * 1440 + moved[:, 3] * 60 + moved[:, 4] - known.zone[move]
        parts[move, :5] = _split_minutes(day + minutes.astype("timedelta64[m]"))
    return parts


def _split_minutes(moments: npt.NDArray[np.datetime64]) -> Floats:
    months, days = moments.astype("datetime64[M]"), moments.astype("datetime64[D]")
    minute = (moments - days).astype(np.int64)
    return np.column_stack(
        [
            moments.astype("datetime64[Y]").astype(np.int64) + 1970,
            months.astype(np.int64) % 12 + 1,
            (days - months.astype("datetime64[D]")).astype(np.int64) + 1,
            minute // 60,
            minute % 60,
        ]
    ).astype(np.float64)
