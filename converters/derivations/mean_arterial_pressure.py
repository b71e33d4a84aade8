"""Mean arterial pressure from diastolic and systolic pressure (admiral: compute_map)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def mean_arterial_pressure(
    diastolic: npt.ArrayLike, systolic: npt.ArrayLike, heart_rate: npt.ArrayLike | None = None
) -> Floats:
    """Return the mean arterial pressure in the unit of its inputs; with the heart rate (beats/min) by its formula.

    Without it a third of the way from diastolic to systolic; with it the share of systole follows from the rate. NaN where
    a part is missing, or a heart rate is not above 0.

    >>> mean_arterial_pressure([51.0], [121.0]).round(2).tolist()
    [74.33]
    >>> mean_arterial_pressure([51.0], [121.0], [59.0]).round(2).tolist()
    [73.04]
    """
    low, high = np.asarray(diastolic, dtype=np.float64), np.asarray(systolic, dtype=np.float64)
    if heart_rate is None:
        return np.asarray((2 * low + high) / 3)
    rate = np.asarray(heart_rate, dtype=np.float64)
    return np.asarray(low + 0.01 * np.exp(4.14 - 40.74 / np.where(rate > 0, rate, np.nan)) * (high - low))
