"""Shift from baseline (SHIFTy): the baseline's category to the record's own (admiral: derive_var_shift)."""

from __future__ import annotations

import pandas as pd

from cdiscway.converters.algorithms import columns


def shift(before: pd.Series, after: pd.Series, *, sep: str = " to ", missing: str | None = None) -> pd.Series:
    """Return `before to after` of two texts (BNRIND and ANRIND); a missing one is written as `missing`, or there is none.

    Where both are missing there is nothing to compare, and no shift.

    >>> shift(pd.Series(["LOW", None, None]), pd.Series(["HIGH", "HIGH", None]), missing="NULL").tolist()
    ['LOW to HIGH', 'NULL to HIGH', nan]
    """

    def said(pair: tuple[str | None, ...]) -> str | None:
        parts = [part if part is not None else missing for part in pair]
        none = all(part is None for part in pair) or any(part is None for part in parts)
        return None if none else sep.join(str(part) for part in parts)

    return columns.combine([before, after], lambda pairs: [said(pair) for pair in pairs])
