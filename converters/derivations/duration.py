"""Durations between two days (ADURN, TRTDURD, AVAL of time to event), in declared units."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Unit = Literal["days", "weeks", "months", "years"]

DAYS_IN: dict[Unit, float] = {"days": 1.0, "weeks": 7.0, "months": 30.4375, "years": 365.25}


def duration(start: npt.ArrayLike, end: npt.ArrayLike, unit: Unit = "days", *, add_one: bool = True) -> Floats:
    """Return the time from one SAS day to another; `add_one` counts both days. Months are 30.4375, years 365.25 days.

    NaN where a day is missing; negative where the end lies before the start, never hidden.

    >>> duration([10.0, 10.0], [10.0, 16.0]).tolist(), duration([10.0], [24.0], "weeks", add_one=False).tolist()
    ([1.0, 7.0], [2.0])
    """
    days = np.asarray(end, dtype=np.float64) - np.asarray(start, dtype=np.float64)
    # Before the start there is nothing to count twice, as in a study day.
    counted = np.where(days >= 0, days + 1, days) if add_one else days
    return np.asarray(counted / DAYS_IN[unit])
