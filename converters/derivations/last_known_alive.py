"""Last date known alive (LSTALVDT): the latest day of all declared sources, never past death or cut-off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from .keys import Codes

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class AliveSource:
    """Records that show a subject alive: subject and SAS day (complete dates only; a partial one shows no day)."""

    subject: pd.Series
    days: npt.ArrayLike
    name: str


def last_known_alive(
    subjects: pd.Series,
    sources: Sequence[AliveSource],
    *,
    death: npt.ArrayLike = np.nan,
    cutoff: float | None = None,
) -> tuple[Floats, Codes]:
    """Return the last day known alive of each subject, and the number of the source it comes from (-1 for none).

    A record after death is an error of the data and shows nothing; one after the cut-off is not looked at. Who died was
    alive until that day: without a source the day of death counts, from no source. Of sources that agree the first
    declared is named.

    >>> visits = AliveSource(pd.Series(["1", "1", "2"]), [10.0, 99.0, 20.0], "SV.SVSTDTC")
    >>> days, source = last_known_alive(pd.Series(["1", "2"]), [visits], death=[50.0, float("nan")])
    >>> days.tolist(), source.tolist()
    ([50.0, 20.0], [-1, 0])
    """
    index = pd.Index(subjects.astype("str"))
    deaths = np.broadcast_to(np.asarray(death, dtype=np.float64), (len(index),))
    limit = np.fmin(deaths, np.inf if cutoff is None else cutoff)
    last, source = np.full(len(index), -np.inf), np.full(len(index), -1, dtype=np.int64)
    for number, item in enumerate(sources):
        codes = index.get_indexer(pd.Index(item.subject.astype("str"))).astype(np.int64)
        days = np.asarray(item.days, dtype=np.float64)
        used = (codes >= 0) & (days <= np.append(limit, -np.inf)[codes])
        best = np.full(len(index), -np.inf)
        np.maximum.at(best, codes[used], days[used])
        source = np.where(best > last, number, source)
        last = np.maximum(last, best)
    died = ~np.isnan(deaths) & (deaths <= (np.inf if cutoff is None else cutoff)) & (deaths > last)
    last = np.where(died, deaths, last)
    return np.where(np.isinf(last), np.nan, last), np.where(died, -1, source)
