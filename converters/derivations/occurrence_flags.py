"""Flags of one record of a group: the first, the worst (AOCCFL, AOCCIFL; OCCDS 1.1), the nearest to a day (ANL01FL)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from .keys import Mask, group_codes, keep_first
from .visits import study_days_apart

Nearest = Literal["earlier", "later"]


class Choice(NamedTuple):
    """The chosen record of each group, and the records between which the keys do not decide (none of them is chosen)."""

    chosen: Mask
    undecided: Mask


def first_occurrence(group: Sequence[pd.Series], keys: Sequence[pd.Series], among: Mask | None = None) -> Choice:
    """Choose one record of each group: the first by the keys (date, --SEQ), of those `among` (treatment-emergent).

    Missing keys come first, so leave such records out of `among` where that is not meant. Of records with a missing group
    key (an event not coded yet) none is chosen. Give keys that tell all records apart, --SEQ last: the order of the rows
    never decides.

    >>> subject, term = pd.Series(["1"] * 3), pd.Series(["RASH", "RASH", "COUGH"])
    >>> first_occurrence([subject, term], [pd.Series([9.0, 4.0, 5.0])]).chosen.tolist()
    [False, True, True]
    """
    known = np.ones(len(group[0]), dtype=np.bool_) if among is None else among.copy()
    for column in group:
        known &= column.notna().to_numpy(dtype=np.bool_)
    codes, size = group_codes(*group)
    kept = keep_first(codes, size, known, keys)
    several = kept & (np.bincount(codes[kept], minlength=size)[codes] > 1)
    return Choice(kept & ~several, np.asarray(several, dtype=np.bool_))


def worst_occurrence(
    group: Sequence[pd.Series],
    severity: pd.Series,
    order: Sequence[str],
    keys: Sequence[pd.Series],
    among: Mask | None = None,
) -> Choice:
    """Choose the worst record of each group by the declared order of severities, the mildest first; then by the keys.

    A severity that is missing or not declared is milder than all.

    >>> subject, severity = pd.Series(["1"] * 2), pd.Series(["MILD", "SEVERE"])
    >>> worst_occurrence([subject], severity, ["MILD", "MODERATE", "SEVERE"], [pd.Series([1.0, 2.0])]).chosen.tolist()
    [False, True]
    """
    places = pd.Index(list(order)).get_indexer(pd.Index(severity.astype("str")))
    return first_occurrence(group, [pd.Series(-places.astype(np.float64)), *keys], among)


def nearest_occurrence(
    group: Sequence[pd.Series],
    days: npt.ArrayLike,
    target: npt.ArrayLike,
    keys: Sequence[pd.Series],
    among: Mask | None = None,
    tie: Nearest = "later",
) -> Choice:
    """Choose the record of each group nearest to its target study day; of two as near the `later` or the `earlier`, then by keys.

    Records without day or target are not looked at. Study days have no day 0.

    >>> nearest_occurrence([pd.Series(["1"] * 3)], [6.0, 10.0, 3.0], [8.0] * 3, [pd.Series([1.0, 2.0, 3.0])]).chosen.tolist()
    [False, True, False]
    """
    day = np.asarray(days, dtype=np.float64)
    away = study_days_apart(day, target)
    known = ~np.isnan(away) & (True if among is None else among)
    side = pd.Series(-day if tie == "later" else day)
    return first_occurrence(group, [pd.Series(away), side, *keys], np.asarray(known, dtype=np.bool_))
