"""The earliest or the latest of the records of several declared sources (admiral: derive_vars_extreme_event)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from .keys import Codes, Mask, keep_first, rows_of

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class EventRecords:
    """The records of one source: subject, SAS day (NaN: shows no day), and the keys that decide between those of one day."""

    subject: pd.Series
    days: npt.ArrayLike
    keys: Sequence[pd.Series] = ()


class Extreme(NamedTuple):
    """The day of each subject, its source and record (-1 for none), and whether the keys left several records.

    Where they do, the day and the source stand, but there is no record.
    """

    days: Floats
    source: Codes
    record: Codes
    undecided: Mask


def extreme_event(
    subjects: pd.Series,
    sources: Sequence[EventRecords],
    *,
    latest: bool,
    not_before: Sequence[npt.ArrayLike] = (),
    not_after: Sequence[npt.ArrayLike] = (),
) -> Extreme:
    """Return the earliest (or `latest`) record of each subject, of those within the limits (days, one per subject).

    Of records of one day that of the source declared first counts, then the first by the keys of the source; the order of
    the rows never decides.

    >>> one = EventRecords(pd.Series(["1", "1"]), [5.0, 9.0])
    >>> found = extreme_event(pd.Series(["1", "2"]), [one], latest=True, not_after=[[8.0, float("nan")]])
    >>> found.days.tolist(), found.source.tolist(), found.record.tolist()
    ([5.0, nan], [0, -1], [0, -1])
    """
    index = pd.Index(subjects.astype("str"))
    low, high = limit(not_before, len(index), lowest=False), limit(not_after, len(index), lowest=True)
    days, source, record = np.full(len(index), np.nan), np.full(len(index), -1), np.full(len(index), -1)
    undecided = np.zeros(len(index), dtype=np.bool_)
    for number, item in enumerate(sources):
        best, chosen, several = _of_source(index, item, latest, (low, high))
        better = ~np.isnan(best) & (np.isnan(days) | ((best > days) if latest else (best < days)))
        days, source = np.where(better, best, days), np.where(better, number, source)
        record, undecided = np.where(better, chosen, record), np.where(better, several, undecided)
    return Extreme(days, source.astype(np.int64), record.astype(np.int64), undecided)


def limit(days: Sequence[npt.ArrayLike], count: int, *, lowest: bool) -> Floats:
    """Return the tightest of several limits of each subject, missing ones left out; infinite without any.

    >>> limit([[5.0, float("nan")], 9.0], 2, lowest=True).tolist()
    [5.0, 9.0]
    """
    found = np.full(count, np.inf if lowest else -np.inf)
    for item in days:
        values = np.broadcast_to(np.asarray(item, dtype=np.float64), (count,))
        found = np.fmin(found, values) if lowest else np.fmax(found, values)
    return found


def _of_source(
    index: pd.Index, item: EventRecords, latest: bool, limits: tuple[Floats, Floats]
) -> tuple[Floats, Codes, Mask]:
    """Return the day, the record and whether several records are left, for each subject in one source."""
    size = len(index)
    codes = rows_of(index, item.subject)
    days = np.asarray(item.days, dtype=np.float64)
    low, high = (np.append(side, np.nan)[codes] for side in limits)
    used = np.asarray((codes >= 0) & (days >= low) & (days <= high), dtype=np.bool_)
    signed = np.where(used, -days if latest else days, np.inf)
    best = np.full(size, np.inf)
    np.minimum.at(best, codes[used], signed[used])
    places = np.flatnonzero(used & (signed == np.append(best, np.nan)[codes]))
    keys = [key.iloc[places].reset_index(drop=True) for key in item.keys]
    kept = places[keep_first(codes[places], size, np.ones(len(places), dtype=np.bool_), keys)]
    several = np.bincount(codes[kept], minlength=size) > 1
    record = np.full(size, -1, dtype=np.int64)
    record[codes[kept]] = kept
    found = np.where(np.isinf(best), np.nan, -best if latest else best)
    return found, np.where(several, -1, record), np.asarray(several, dtype=np.bool_)
