"""Corrected QT interval, and the RR interval of a heart rate (admiral: compute_qtc, compute_rr)."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
QtcMethod = Literal["Bazett", "Fridericia", "Sagie"]


def _positive(values: npt.ArrayLike) -> Floats:
    numbers = np.asarray(values, dtype=np.float64)
    return np.where(numbers > 0, numbers, np.nan)


def qtc(qt: npt.ArrayLike, rr: npt.ArrayLike, method: QtcMethod) -> Floats:
    """Return the corrected QT interval in msec from QT and RR in msec; NaN where RR is missing or not above 0.

    >>> [float(qtc([350.0], [857.0], method)[0].round(1)) for method in ("Bazett", "Fridericia", "Sagie")]
    [378.1, 368.5, 372.0]
    """
    interval, seconds = np.asarray(qt, dtype=np.float64), _positive(rr) / 1000
    if method == "Sagie":
        return np.asarray(interval + 154 * (1 - seconds))
    return np.asarray(interval / (np.sqrt(seconds) if method == "Bazett" else np.cbrt(seconds)))


def rr_interval(heart_rate: npt.ArrayLike) -> Floats:
    """Return the RR interval in msec of a heart rate in beats/min; NaN where it is missing or not above 0.

    >>> rr_interval([60.0, 0.0]).tolist()
    [1000.0, nan]
    """
    return np.asarray(60000 / _positive(heart_rate))
