"""EPOCH of a record: from the starts of the planned epochs, or from the subject's elements (SE; SDTMIG 3.4, 5.3)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from cdiscway.converters.algorithms.iso8601 import compare_partial, date_days, time_seconds

from .keys import label_codes, ranks

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

DAY = 86400.0
STARTED, NOT_STARTED, UNTOLD = 1, 0, -1


def _started(dates: pd.Series, moments: tuple[Floats, Floats], start: pd.Series) -> Codes:
    """Say for each record whether a start lies on or before its date; on the day itself a missing time is after it."""
    (days, times), start_days, start_times = moments, date_days(start), time_seconds(start)
    later = (days == start_days) & (times < start_times)
    told = np.where((start_days <= days) & ~later, STARTED, NOT_STARTED)
    partial = (np.isnan(days) & dates.notna().to_numpy()) | (np.isnan(start_days) & start.notna().to_numpy())
    if partial.any():
        sign = compare_partial(start[partial].reset_index(drop=True), dates[partial].reset_index(drop=True))
        told[partial] = np.where(sign < 0, STARTED, np.where(sign > 0, NOT_STARTED, UNTOLD))
        told[start.isna().to_numpy()] = NOT_STARTED
    return told


def epoch_of(dates: pd.Series, starts: Sequence[pd.Series], names: Sequence[str]) -> pd.Series:
    """Return the last epoch that has started on the date of each record.

    `starts` holds one column of ISO 8601 dates per epoch, in the order of the epochs, aligned with the records (missing
    where the subject never entered it). Missing where no epoch has started, or where a partial date cannot tell.

    >>> starts = [pd.Series(["2020-01-01"] * 3), pd.Series(["2020-02-10"] * 3)]
    >>> epoch_of(pd.Series(["2020-01-15", "2020-02-10", "2020-02"]), starts, ["SCREENING", "TREATMENT"]).tolist()
    ['SCREENING', 'TREATMENT', nan]
    """
    found = np.full(len(dates), -1, dtype=np.int64)
    moments = (date_days(dates), time_seconds(dates))
    for number, start in enumerate(starts):
        told = _started(dates, moments, start)
        found = np.where(told == STARTED, number, np.where(told == UNTOLD, -2 - number, found))
    # A start that cannot be told leaves the epoch open unless a later epoch has surely started (found is >= 0 then).
    found = np.where(found < 0, -1, found)
    found[dates.isna().to_numpy()] = -1
    return label_codes(found, names)


def epoch_from_elements(
    subject: pd.Series, dates: pd.Series, elements: pd.DataFrame, *, after_last: bool = False
) -> pd.Series:
    """Return EPOCH of the subject's last element (SE) that has started on each record's date.

    `elements` has USUBJID, SESTDTC, SEENDTC, EPOCH. A record without time goes to the element that starts on its day.
    After the end of the last element there is no epoch, unless `after_last`. Partial dates, of records or starts, give
    none.

    >>> elements = pd.DataFrame({"USUBJID": ["1", "1"], "SESTDTC": ["2020-01-01", "2020-02-10"],
    ...     "SEENDTC": ["2020-02-10", "2020-03-01"], "EPOCH": ["SCREENING", "TREATMENT"]})
    >>> dates = pd.Series(["2020-02-09", "2020-02-10", "2020-03-02"])
    >>> epoch_from_elements(pd.Series(["1"] * 3), dates, elements).tolist()
    ['SCREENING', 'TREATMENT', nan]
    """
    usable = elements[~np.isnan(date_days(elements["SESTDTC"]))].reset_index(drop=True)
    starts = date_days(usable["SESTDTC"]) * DAY + np.nan_to_num(time_seconds(usable["SESTDTC"]))
    number, element_subject = _same_codes(subject, usable["USUBJID"])
    # Of elements that start together the one that ends later is the one that lasts; then the alphabet decides.
    ends = _end_of(usable["SEENDTC"])
    order = np.lexsort([ranks(usable["EPOCH"]), ends, starts, element_subject])
    moments = _end_of(dates)
    low, span = _span(starts, moments)
    keys = element_subject[order] * span + (starts[order] - low)
    place = np.searchsorted(keys, number * span + (np.nan_to_num(moments, posinf=0.0) - low), side="right") - 1
    element = np.append(order, 0)[place]
    known = (place >= 0) & np.isfinite(moments) & (number >= 0)
    known[known] = element_subject[element[known]] == number[known]
    if not after_last and len(usable):
        known &= np.floor(moments / DAY) <= np.floor(ends[element] / DAY)
    epochs = usable["EPOCH"].astype("str")
    codes, names = pd.factorize(epochs)
    return label_codes(np.where(known, np.append(codes, -1)[np.where(known, element, -1)], -1), list(names))


def _end_of(dates: pd.Series) -> Floats:
    """Return the moment of each date in seconds, the last second of the day without a time; infinite without a day."""
    seconds = date_days(dates) * DAY + np.nan_to_num(time_seconds(dates), nan=DAY - 1)
    return np.where(np.isnan(seconds), np.inf, seconds)


def _same_codes(one: pd.Series, other: pd.Series) -> tuple[Codes, Codes]:
    """Give the texts of two columns the same numbers; -1 in the first for what the second does not have."""
    codes, distinct = pd.factorize(other.astype("str"))
    if isinstance(one.dtype, pd.CategoricalDtype):
        table = np.append(distinct.get_indexer(one.cat.categories.astype("str")), -1)
        return table[one.cat.codes.to_numpy()].astype(np.int64), codes.astype(np.int64)
    return distinct.get_indexer(pd.Index(one.astype("str"))).astype(np.int64), codes.astype(np.int64)


def _span(starts: Floats, moments: Floats) -> tuple[float, float]:
    """Return the earliest moment and a width that keeps the moments of different subjects apart."""
    finite = np.concatenate([starts, moments[np.isfinite(moments)], [0.0]])
    return float(finite.min()), float(finite.max() - finite.min() + 1)
