"""Reference range indicator (ANRIND, --NRIND): a value against its limits; a missing limit decides nothing."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from .keys import label_codes


def reference_range_indicator(value: npt.ArrayLike, low: npt.ArrayLike, high: npt.ArrayLike) -> pd.Series:
    """Return LOW, NORMAL or HIGH; the limits belong to the normal range.

    With one limit missing a value beyond the other is LOW or HIGH, but none is NORMAL; with both missing there is none.

    >>> nan = float("nan")
    >>> reference_range_indicator([1.0, 5.0, 9.0, 5.0], [2.0, 2.0, nan, nan], [8.0, 8.0, 8.0, 8.0]).tolist()
    ['LOW', 'NORMAL', 'HIGH', nan]
    """
    values, lows, highs = (np.asarray(item, dtype=np.float64) for item in (value, low, high))
    codes = np.where(
        values < lows, 0, np.where(values > highs, 2, np.where((values >= lows) & (values <= highs), 1, -1))
    )
    return label_codes(codes, ["LOW", "NORMAL", "HIGH"])
