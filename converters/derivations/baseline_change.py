"""Baseline value and change from it (BASE, CHG, PCHG; ADaMIG 1.3, 3.3.4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from .keys import Mask, group_codes, label_codes, ranked_texts, ranks

Floats = npt.NDArray[np.float64]


class Baseline(NamedTuple):
    """BASE of each record, and where a group has baseline records that disagree (BASE is missing there)."""

    base: Floats
    conflict: Mask


def base_values(group: Sequence[pd.Series], values: npt.ArrayLike, is_baseline: Mask) -> Baseline:
    """Return the value of each group's baseline record (ABLFL = Y) for all records of the group (USUBJID, PARAMCD, BASETYPE).

    >>> group = [pd.Series(["1", "1", "2"])]
    >>> base_values(group, [5.0, 7.0, 9.0], np.array([True, False, False])).base.tolist()
    [5.0, 5.0, nan]
    """
    numbers = np.asarray(values, dtype=np.float64)
    codes, size = group_codes(*group)
    used = is_baseline & ~np.isnan(numbers)
    low, high = np.full(size, np.inf), np.full(size, -np.inf)
    np.minimum.at(low, codes[used], numbers[used])
    np.maximum.at(high, codes[used], numbers[used])
    conflict = high > low
    base = np.where(conflict | np.isinf(low), np.nan, low)
    return Baseline(base[codes], np.asarray(conflict[codes], dtype=np.bool_))


class TextBaseline(NamedTuple):
    """BASEC of each record, and where a group has baseline records that disagree (BASEC is missing there)."""

    base: pd.Series
    conflict: Mask


def base_texts(group: Sequence[pd.Series], values: pd.Series, is_baseline: Mask) -> TextBaseline:
    """Return the text of each group's baseline record (BASEC, BNRIND); missing where baseline records disagree.

    >>> base_texts([pd.Series(["1", "1"])], pd.Series(["LOW", "HIGH"]), np.array([True, False])).base.tolist()
    ['LOW', 'LOW']
    """
    places = ranks(values)
    numbers = np.where(places < 0, np.nan, places)
    base, conflict = base_values(group, numbers, is_baseline)
    return TextBaseline(label_codes(np.nan_to_num(base, nan=-1).astype(np.int64), ranked_texts(values)), conflict)


def change(values: npt.ArrayLike, base: npt.ArrayLike) -> Floats:
    """Return CHG: the value minus the baseline.

    >>> change([7.0], [5.0]).tolist()
    [2.0]
    """
    return np.asarray(values, dtype=np.float64) - np.asarray(base, dtype=np.float64)


def percent_change(values: npt.ArrayLike, base: npt.ArrayLike) -> Floats:
    """Return PCHG: the change in percent of the baseline's size; NaN where the baseline is 0.

    >>> percent_change([7.0, 1.0], [5.0, 0.0]).tolist()
    [40.0, nan]
    """
    bases = np.asarray(base, dtype=np.float64)
    return 100 * change(values, bases) / np.where(bases == 0, np.nan, np.abs(bases))
