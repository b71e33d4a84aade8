"""Exposure: first and last treatment day (TRTSDT, TRTEDT), cumulative dose, dose per kg and per square metre."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from .keys import Mask, group_codes, rows_of, sort_order

Floats = npt.NDArray[np.float64]


def _codes(subjects: pd.Series, subject: pd.Series) -> npt.NDArray[np.int64]:
    return rows_of(pd.Index(subjects.astype("str")), subject)


def is_treatment(dose: npt.ArrayLike, treatment: pd.Series, placebo: str = "PLACEBO") -> Mask:
    """Return which records are given treatment: a dose above 0, or a dose of 0 of a placebo (its name holds `placebo`).

    >>> is_treatment([0.0, 5.0, 0.0], pd.Series(["PLACEBO", "DRUG X", "DRUG X"])).tolist()
    [True, True, False]
    """
    doses = np.asarray(dose, dtype=np.float64)
    named = treatment.astype("str").str.upper().str.contains(placebo.upper(), regex=False).fillna(False)
    return np.asarray((doses > 0) | ((doses == 0) & named.to_numpy(dtype=np.bool_)), dtype=np.bool_)


def first_day(subjects: pd.Series, subject: pd.Series, days: npt.ArrayLike, among: Mask | None = None) -> Floats:
    """Return the earliest of each subject's days (TRTSDT of exposure starts); NaN without one.

    >>> first_day(pd.Series(["1", "2"]), pd.Series(["1", "1"]), [5.0, 3.0]).tolist()
    [3.0, nan]
    """
    return -last_day(subjects, subject, -np.asarray(days, dtype=np.float64), among)


def last_day(subjects: pd.Series, subject: pd.Series, days: npt.ArrayLike, among: Mask | None = None) -> Floats:
    """Return the latest of each subject's days (TRTEDT of exposure ends); NaN without one.

    >>> last_day(pd.Series(["1", "2"]), pd.Series(["1", "1"]), [5.0, 3.0]).tolist()
    [5.0, nan]
    """
    codes, values = _codes(subjects, subject), np.asarray(days, dtype=np.float64)
    used = (codes >= 0) & ~np.isnan(values) & (True if among is None else among)
    latest = np.full(len(subjects), -np.inf)
    np.maximum.at(latest, codes[used], values[used])
    return np.where(np.isinf(latest), np.nan, latest)


def doses_given(start: npt.ArrayLike, end: npt.ArrayLike, per_day: npt.ArrayLike = 1.0) -> Floats:
    """Return how many doses a record of days from `start` to `end` stands for, both days in it, at `per_day` doses.

    NaN where a day is missing or the end lies before the start: a dose is never guessed.

    >>> doses_given([10.0, 10.0, 10.0], [10.0, 12.0, 9.0], [1.0, 2.0, 1.0]).tolist()
    [1.0, 6.0, nan]
    """
    days = np.asarray(end, dtype=np.float64) - np.asarray(start, dtype=np.float64) + 1
    return np.where(days >= 1, days * np.asarray(per_day, dtype=np.float64), np.nan)


def cumulative_dose(
    subjects: pd.Series, subject: pd.Series, dose: npt.ArrayLike, doses: npt.ArrayLike = 1.0
) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Return each subject's sum of dose x number of doses, and how many records could not be counted.

    A subject without any countable record has no dose (NaN), not 0. Doses are added in the order of their size, so the sum does
    not depend on the order of the rows.

    >>> cumulative_dose(pd.Series(["1", "2"]), pd.Series(["1", "1", "1"]), [5.0, 2.5, float("nan")], [2.0, 1.0, 1.0])
    (array([12.5,  nan]), array([1, 0]))
    """
    codes = _codes(subjects, subject)
    amounts = np.asarray(dose, dtype=np.float64) * np.asarray(doses, dtype=np.float64)
    mine, countable = codes >= 0, ~np.isnan(amounts)
    used = np.flatnonzero(mine & countable)
    # Added in the order of their size: the same floats in another order would give another last digit.
    used = used[np.lexsort([amounts[used], codes[used]])]
    total = np.bincount(codes[used], weights=amounts[used], minlength=len(subjects))
    counted = np.bincount(codes[used], minlength=len(subjects))
    lost = np.bincount(codes[mine & ~countable], minlength=len(subjects))
    return np.where(counted > 0, total, np.nan), lost.astype(np.int64)


def running_total(group: Sequence[pd.Series], values: npt.ArrayLike, order: Sequence[pd.Series], among: Mask) -> Floats:
    """Return, for each record `among`, the sum of the values of its group up to it in the order of the keys.

    From a missing value on the total is not known (NaN): a dose is never guessed.

    >>> keys = [pd.Series([2.0, 1.0, 3.0])]
    >>> running_total([pd.Series(["1"] * 3)], [5.0, 2.5, 1.0], keys, np.array([True, True, True])).tolist()
    [7.5, 2.5, 8.5]
    """
    numbers = np.asarray(values, dtype=np.float64)
    codes, _ = group_codes(*group)
    placed = sort_order([pd.Series(codes), *order])
    placed = placed[among[placed]]
    sums = np.full(len(numbers), np.nan)
    # Summed group by group, so that a total has the digits of its own group alone.
    sums[placed] = pd.Series(numbers[placed]).groupby(codes[placed]).cumsum(skipna=False).to_numpy()
    return sums


def dose_intensity(actual: npt.ArrayLike, planned: npt.ArrayLike) -> Floats:
    """Return the dose given in percent of the dose planned; NaN where the planned dose is missing or not above 0.

    >>> dose_intensity([75.0, 5.0], [100.0, 0.0]).tolist()
    [75.0, nan]
    """
    doses = np.asarray(planned, dtype=np.float64)
    return np.asarray(100 * np.asarray(actual, dtype=np.float64) / np.where(doses > 0, doses, np.nan))


def dose_per_kg(dose: npt.ArrayLike, weight_kg: npt.ArrayLike) -> Floats:
    """Return the dose per kg of body weight; NaN without a weight above 0.

    >>> dose_per_kg([16.8], [70.0]).tolist()
    [0.24000000000000002]
    """
    weight = np.asarray(weight_kg, dtype=np.float64)
    return np.asarray(dose, dtype=np.float64) / np.where(weight > 0, weight, np.nan)


def total_dose(dose_per_unit: npt.ArrayLike, size: npt.ArrayLike) -> Floats:
    """Return the dose given, from a dose per kg or per m2 and the weight (kg) or body surface (m2).

    >>> total_dose([200.0], [1.8]).tolist()
    [360.0]
    """
    sizes = np.asarray(size, dtype=np.float64)
    return np.asarray(dose_per_unit, dtype=np.float64) * np.where(sizes > 0, sizes, np.nan)
