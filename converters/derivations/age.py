"""Age (AGE, AAGE): completed years by the calendar, or decimal years by a declared length of the year."""

from __future__ import annotations

import calendar
import re

import numpy as np
import numpy.typing as npt
import pandas as pd

from cdiscway.converters.algorithms.iso8601 import EPOCH, date_days

Floats = npt.NDArray[np.float64]

_CUT = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")


def _calendar(days: Floats) -> tuple[Floats, Floats]:
    """Return year, and month and day as one number (229 for 29 February), of SAS days."""
    known = np.nan_to_num(days).astype(np.int64)
    dates = EPOCH + known
    months = dates.astype("datetime64[M]")
    year = dates.astype("datetime64[Y]").astype(np.int64) + 1970
    month, day = months.astype(np.int64) % 12 + 1, (dates - months.astype("datetime64[D]")).astype(np.int64) + 1
    return np.where(np.isnan(days), np.nan, year), np.where(np.isnan(days), np.nan, month * 100 + day)


def completed_years(birth: npt.ArrayLike, at: npt.ArrayLike) -> Floats:
    """Return the years completed between two SAS days, as birthdays count them; NaN where a day is missing or before.

    Who is born on 29 February has the birthday of common years on 1 March.

    >>> birth, at = pd.Series(["1950-06-15"] * 2), pd.Series(["2020-06-14", "2020-06-15"])
    >>> completed_years(date_days(birth), date_days(at)).tolist()
    [69.0, 70.0]
    """
    first, last = np.asarray(birth, dtype=np.float64), np.asarray(at, dtype=np.float64)
    (year, birthday), (at_year, at_day) = _calendar(first), _calendar(last)
    years = at_year - year - (at_day < birthday)
    return np.where(last >= first, years, np.nan)


def decimal_years(birth: npt.ArrayLike, at: npt.ArrayLike, days_in_year: float = 365.25) -> Floats:
    """Return the years between two SAS days with decimals, by a declared length of the year.

    >>> decimal_years([0.0], [1461.0]).tolist()
    [4.0]
    """
    years = (np.asarray(at, dtype=np.float64) - np.asarray(birth, dtype=np.float64)) / days_in_year
    return np.where(years >= 0, years, np.nan)


def age(birth: pd.Series, at: pd.Series) -> Floats:
    """Return the age in completed years from ISO 8601 dates of birth and of reference (BRTHDTC, RFSTDTC).

    A partial date of birth gives an age only where every day it may stand for gives the same; a partial reference none.

    >>> age(pd.Series(["1950-06", "1950-06", "1950"]), pd.Series(["2020-07-01", "2020-06-10", "2020-12-31"])).tolist()
    [70.0, nan, 70.0]
    """
    earliest, latest = possible_days(birth)
    reference = date_days(at)
    oldest, youngest = completed_years(earliest, reference), completed_years(latest, reference)
    return np.where(oldest == youngest, oldest, np.nan)


def possible_days(dates: pd.Series) -> tuple[Floats, Floats]:
    """Return the first and the last SAS day that a date cut at the right may stand for; NaN for any other text.

    >>> [side.tolist() for side in possible_days(pd.Series(["1960-02", "1960", "1960-01-02T10:00", "--02"]))]
    [[31.0, 0.0, 1.0, nan], [59.0, 365.0, 1.0, nan]]
    """
    codes, distinct = pd.factorize(dates.astype("str").str.slice(0, 11))
    bounds = [_bounds(str(text)) for text in distinct]
    sides = [date_days(pd.Series([side[end] for side in bounds], dtype="str")) for end in (0, 1)]
    return np.append(sides[0], np.nan)[codes], np.append(sides[1], np.nan)[codes]


def _bounds(text: str) -> tuple[str | None, str | None]:
    match = _CUT.fullmatch(text.removesuffix("T").removesuffix("/"))
    if match is None:
        return None, None
    year, month, day = match.groups()
    last_month = int(month or 12)
    if not 1 <= last_month <= 12 or not int(year):
        return None, None
    last_day = day or f"{calendar.monthrange(int(year), last_month)[1]:02d}"
    return f"{year}-{month or '01'}-{day or '01'}", f"{year}-{last_month:02d}-{last_day}"
