"""One value of several records of a group, such as the mean of a visit's readings (admiral: derive_summary_records)."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from .keys import Codes

Floats = npt.NDArray[np.float64]
Statistic = Literal["mean", "sum", "min", "max", "median", "count"]


def summarize(codes: Codes, size: int, values: npt.ArrayLike, statistic: Statistic) -> Floats:
    """Return one value for each group of the numbers that are not missing; NaN without any (the count is 0).

    Numbers are added in the order of their size, so the last digit does not depend on the order of the rows.

    >>> summarize(np.array([0, 0, 1]), 2, [2.0, 4.0, float("nan")], "mean").tolist()
    [3.0, nan]
    """
    numbers = np.asarray(values, dtype=np.float64)
    used = np.flatnonzero(~np.isnan(numbers))
    used = used[np.lexsort([numbers[used], codes[used]])]
    counts = np.bincount(codes[used], minlength=size)
    if statistic == "count":
        return counts.astype(np.float64)
    found = np.full(size, np.nan)
    there = np.flatnonzero(counts)
    starts, lengths = (np.cumsum(counts) - counts)[there], counts[there]
    ordered = numbers[used]
    found[there] = _statistic(ordered, starts, lengths, statistic)
    return found


def _statistic(ordered: Floats, starts: Codes, lengths: Codes, statistic: Statistic) -> Floats:
    """Return the statistic of runs of sorted numbers."""
    if not len(starts):
        return np.zeros(0)
    if statistic == "min":
        return np.asarray(ordered[starts])
    if statistic == "max":
        return np.asarray(ordered[starts + lengths - 1])
    if statistic == "median":
        return np.asarray((ordered[starts + (lengths - 1) // 2] + ordered[starts + lengths // 2]) / 2)
    total = np.add.reduceat(ordered, starts)
    return np.asarray(total / lengths if statistic == "mean" else total)
