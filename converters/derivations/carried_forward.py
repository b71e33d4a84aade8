"""Last observation carried forward to the visits a subject lacks (admiral: derive_locf_records)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from .keys import Mask, group_codes, sort_order, undecided_by

Places = npt.NDArray[np.int64]


class Carried(NamedTuple):
    """Which record is carried to which visit (their positions), and the records between which the order does not decide."""

    record: Places
    visit: Places
    undecided: Mask


def carried_forward(
    group: Sequence[pd.Series],
    visit: npt.ArrayLike,
    expected: Sequence[float],
    order: Sequence[pd.Series],
    among: Mask,
) -> Carried:
    """Return, for each group and expected visit without a record `among`, the last record of an earlier visit.

    `expected` are the numbers of the visits, rising. The last record is that of the highest visit number, then the last by
    the keys in `order`; where they tie nothing is carried. Nothing is carried backward.

    >>> found = carried_forward(
    ...     [pd.Series(["1", "1"])], [1.0, 3.0], [1, 2, 3, 4], [pd.Series([1.0, 2.0])], np.array([True, True])
    ... )
    >>> found.record.tolist(), found.visit.tolist()
    ([0, 1], [1, 3])
    """
    codes, size = group_codes(*group)
    numbers = np.asarray(visit, dtype=np.float64)
    visits = np.asarray(expected, dtype=np.float64)
    usable = among & ~np.isnan(numbers)
    keys = [pd.Series(codes), pd.Series(numbers), *order]
    tied = undecided_by(keys, usable)
    slot = np.searchsorted(visits, numbers, side="right") - 1
    placed = sort_order(keys)
    placed = placed[usable[placed]]
    inside = placed[slot[placed] >= 0]
    # The last record of each group and slot: of equal places numpy keeps the one assigned last.
    last = np.full((size, len(visits)), -1, dtype=np.int32)
    last[codes[inside], slot[inside]] = inside
    here = np.zeros((size, len(visits)), dtype=np.bool_)
    exact = usable & (slot >= 0)
    exact[exact] = visits[slot[exact]] == numbers[exact]
    here[codes[exact], slot[exact]] = True
    slots = np.maximum.accumulate(np.where(last >= 0, np.arange(len(visits), dtype=np.int16), np.int16(-1)), axis=1)
    before = np.hstack([np.full((size, 1), -1, dtype=np.int16), slots[:, :-1]])
    lacks_visit, lacks = np.nonzero((~here & (before >= 0)).T)
    record = last[lacks, before[lacks, lacks_visit]].astype(np.int64)
    sure = ~tied[record]
    undecided = np.zeros(len(numbers), dtype=np.bool_)
    undecided[record[~sure]] = True
    return Carried(record[sure], lacks_visit[sure], undecided)
