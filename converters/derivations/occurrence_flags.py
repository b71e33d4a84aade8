"""Occurrence flags (AOCCFL, AOCCSFL, AOCCPFL, AOCCIFL): the first, or the worst, record of a group (OCCDS 1.1)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from .keys import Mask, first_records, flag, group_codes


def first_occurrence(group: Sequence[pd.Series], keys: Sequence[pd.Series], among: Mask | None = None) -> pd.Series:
    """Flag `Y` one record of each group: the first by the keys (date, --SEQ), of those `among` (treatment-emergent).

    Missing keys come first, so leave such records out of `among` where that is not meant. Records with a missing group
    key (an event not coded yet) have no flag. Give keys that tell all records apart, --SEQ last.

    >>> subject, term = pd.Series(["1"] * 3), pd.Series(["RASH", "RASH", "COUGH"])
    >>> first_occurrence([subject, term], [pd.Series([9.0, 4.0, 5.0])]).tolist()
    [nan, 'Y', 'Y']
    """
    known = np.ones(len(group[0]), dtype=np.bool_) if among is None else among.copy()
    for column in group:
        known &= column.notna().to_numpy(dtype=np.bool_)
    codes, size = group_codes(*group)
    chosen = first_records(codes, size, known, keys)
    marks = np.zeros(len(known), dtype=np.bool_)
    marks[chosen[chosen >= 0]] = True
    return flag(marks)


def worst_occurrence(
    group: Sequence[pd.Series],
    severity: pd.Series,
    order: Sequence[str],
    keys: Sequence[pd.Series],
    among: Mask | None = None,
) -> pd.Series:
    """Flag `Y` the worst record of each group by the declared order of severities, the mildest first; then by the keys.

    A severity that is missing or not declared is milder than all.

    >>> subject, severity = pd.Series(["1"] * 2), pd.Series(["MILD", "SEVERE"])
    >>> worst_occurrence([subject], severity, ["MILD", "MODERATE", "SEVERE"], [pd.Series([1.0, 2.0])]).tolist()
    [nan, 'Y']
    """
    places = pd.Index(list(order)).get_indexer(pd.Index(severity.astype("str")))
    return first_occurrence(group, [pd.Series(-places.astype(np.float64)), *keys], among)
