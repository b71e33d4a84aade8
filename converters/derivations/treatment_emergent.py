"""Treatment-emergent flag (TRTEMFL): events that start between the first dose and a declared time after the last."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from .keys import flag


def treatment_emergent(
    start: npt.ArrayLike, first_dose: npt.ArrayLike, last_dose: npt.ArrayLike, *, days_after: float | None = None
) -> pd.Series:
    """Flag `Y` the events whose start (SAS day) lies between the first dose and the last dose plus `days_after`.

    Without `days_after` there is no end. A missing last dose is a treatment that goes on: the window stays open. An
    event without a start, or a subject without a first dose, has no flag.

    >>> treatment_emergent([5.0, 10.0, 99.0], [10.0] * 3, [20.0, float("nan"), 20.0], days_after=30).tolist()
    [nan, 'Y', nan]
    """
    begins, first = np.asarray(start, dtype=np.float64), np.asarray(first_dose, dtype=np.float64)
    last = np.nan_to_num(np.asarray(last_dose, dtype=np.float64), nan=np.inf)
    until = np.inf if days_after is None else last + days_after
    return flag(np.asarray((begins >= first) & (begins <= until), dtype=np.bool_))
