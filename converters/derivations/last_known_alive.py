"""Last date known alive (LSTALVDT): the latest day of all declared sources, never past death or cut-off."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from .extreme_event import EventRecords, Extreme, extreme_event, limit


def last_known_alive(
    subjects: pd.Series,
    sources: Sequence[EventRecords],
    *,
    death: npt.ArrayLike = np.nan,
    not_after: Sequence[npt.ArrayLike] = (),
) -> Extreme:
    """Return the last day known alive of each subject, with the source and the record that shows it (-1 for none).

    A record after death is an error of the data and shows nothing; one after a day of `not_after` (cut-off) is not looked
    at. Who died was alive until that day: without a source the day of death counts, from no source. Of sources that agree
    the first declared is named. Days are complete: a partial date shows no day.

    >>> visits = EventRecords(pd.Series(["1", "1", "2"]), [10.0, 99.0, 20.0])
    >>> found = last_known_alive(pd.Series(["1", "2"]), [visits], death=[50.0, float("nan")])
    >>> found.days.tolist(), found.source.tolist()
    ([50.0, 20.0], [-1, 0])
    """
    deaths = np.broadcast_to(np.asarray(death, dtype=np.float64), (len(subjects),))
    found = extreme_event(subjects, sources, latest=True, not_after=[deaths, *not_after])
    until = limit(not_after, len(subjects), lowest=True)
    died = (deaths <= until) & ~(deaths <= found.days)
    none = np.where(died, -1, found.source), np.where(died, -1, found.record)
    return Extreme(np.where(died, deaths, found.days), *none, found.undecided & ~died)
