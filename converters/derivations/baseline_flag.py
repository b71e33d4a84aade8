"""Last observation before first exposure (--LOBXFL, SDTMIG 3.4, 6.3; --BLFL), and the baseline flag of ADaM (ABLFL)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from cdiscway.converters.algorithms.iso8601 import date_days, time_seconds

from .keys import flag, group_codes, keep_highest, ranks

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
SameDay = Literal["before", "after"] | Mask

DAY = 86400.0
_YEAR_OR_MONTH = re.compile(r"\d{4}(-\d{2})?")


def is_before(dates: pd.Series, reference: pd.Series, same_day: SameDay = "after") -> Mask:
    """Return which records lie before the reference (RFXSTDTC): by time where both have one, else by day.

    On the day itself, where a time is missing, `same_day` decides: all `before`, all `after`, or a mask that is true
    where the record counts as before (VISIT is BASELINE, a pre-dose time point). A date without a day is never before; a
    record is before a partial reference (2020-03) where it lies before the first day that can be meant.

    >>> dates, first = pd.Series(["2020-03-01T07:00", "2020-03-01", "2020-02"]), pd.Series(["2020-03-01T08:00"] * 3)
    >>> is_before(dates, first).tolist(), is_before(dates, first, "before").tolist()
    ([True, False, False], [True, True, False])
    """
    return _before((date_days(dates), time_seconds(dates)), reference, same_day)


def _before(moments: tuple[Floats, Floats], reference: pd.Series, same_day: SameDay) -> Mask:
    (days, times), first_days, first_times = moments, date_days(reference), time_seconds(reference)
    untold = np.isnan(times) | np.isnan(first_times)
    counts = same_day if isinstance(same_day, np.ndarray) else np.full(len(days), same_day == "before")
    same = (days == first_days) & np.where(untold, counts, times < first_times)
    return np.asarray((days < first_days) | (days < earliest_days(reference)) | same, dtype=np.bool_)


def earliest_days(dates: pd.Series) -> Floats:
    """Return the first day that each partial date (2020, 2020-03) can mean, as SAS days; NaN for whole and other dates.

    >>> earliest_days(pd.Series(["1960-01", "1961", "1960-01-02", "--05"])).tolist()
    [0.0, 366.0, nan, nan]
    """
    codes, distinct = pd.factorize(dates.astype("str"), use_na_sentinel=True)
    partial = [
        f"{text}{'-01-01'[3 * (len(text) == 7) :]}" if _YEAR_OR_MONTH.fullmatch(text) else None for text in distinct
    ]
    return np.append(date_days(pd.Series(partial, dtype="str")), np.nan)[codes]


def last_observation_before(
    subject: pd.Series,
    test: pd.Series | Sequence[pd.Series],
    dates: pd.Series,
    reference: pd.Series,
    result: pd.Series,
    *,
    same_day: SameDay = "after",
    tie_keys: Sequence[pd.Series] = (),
) -> pd.Series:
    """Flag `Y` the last record with a result of each subject and test before the reference date of the record.

    `test` may be several columns (test, specimen, method, location). A record without a time comes before those of its
    day that have one. Records of the same moment tie: all are flagged, or with `tie_keys` (visit, time point) the last
    of them by those; the order of the rows never decides. A subject without reference has no flag.

    >>> subject, test = pd.Series(["01"] * 3), pd.Series(["ALT"] * 3)
    >>> dates, first = pd.Series(["2020-02-01", "2020-02-08", "2020-02-09"]), pd.Series(["2020-02-09"] * 3)
    >>> last_observation_before(subject, test, dates, first, pd.Series(["12", "13", "14"])).tolist()
    [nan, 'Y', nan]
    """
    days, times = date_days(dates), time_seconds(dates)
    among = _before((days, times), reference, same_day) & result.notna().to_numpy(dtype=np.bool_)
    tests = [test] if isinstance(test, pd.Series) else list(test)
    codes, size = group_codes(subject, *tests)
    kept = keep_highest(codes, size, among, days * DAY + np.nan_to_num(times, nan=-1.0))
    for key in tie_keys:
        kept = keep_highest(codes, size, kept, ranks(key).astype(np.float64))
    return flag(kept)
