"""Study day (--DY): days from a reference date, which is day 1; there is no day 0 (SDTMIG 3.4, 4.4.4)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from cdiscway.converters.algorithms.iso8601 import date_days

Floats = npt.NDArray[np.float64]


def study_day_of_days(date: npt.ArrayLike, reference: npt.ArrayLike) -> Floats:
    """Return study days of SAS days: the reference day is 1, the day before it -1; NaN where either is missing.

    >>> study_day_of_days([10.0, 9.0, float("nan")], [10.0, 10.0, 10.0]).tolist()
    [1.0, -1.0, nan]
    """
    difference = np.asarray(date, dtype=np.float64) - np.asarray(reference, dtype=np.float64)
    return np.where(difference >= 0, difference + 1, difference)


def study_day(dates: pd.Series, reference: pd.Series) -> Floats:
    """Return --DY of ISO 8601 dates against the reference dates of the same records (RFSTDTC).

    Times do not count. A partial date, on either side, gives none: a study day is never guessed.

    >>> dates = pd.Series(["2020-03-01T23:59", "2020-02-29", "2020-03"])
    >>> study_day(dates, pd.Series(["2020-03-01T08:00"] * 3)).tolist()
    [1.0, -1.0, nan]
    """
    return study_day_of_days(date_days(dates), date_days(reference))
