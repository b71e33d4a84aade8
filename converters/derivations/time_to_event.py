"""Time to event (ADTTE): the first declared event, or else the last declared censoring (admiral: derive_param_tte).

Nothing depends on the order of the rows: of two records on one day the source declared first counts, then the record
that comes first by the declared keys.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from .duration import Unit, duration
from .keys import Codes, Mask, first_records, group_codes, label_codes, rows_of, take_or_missing

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class TimeSource:
    """Records that are events or censorings: their subject and SAS day, and what the result says of them.

    `cnsr` is 0 for the event of interest, 1 or more for censorings and competing events. `sequence` fills SRCSEQ;
    `keys` decide between records of one day (SRCSEQ first where they are not given).
    """

    subject: pd.Series
    days: pd.Series | Floats
    cnsr: int
    description: str
    dataset: str
    variable: str
    date_description: str = ""
    sequence: pd.Series | None = None
    keys: tuple[pd.Series, ...] = ()


@dataclass(frozen=True)
class _Pool:
    """The records of several sources below each other, with the number of their subject and of their source."""

    subject: Codes
    days: Floats
    source: Codes
    order: pd.Series
    sequence: Floats


def _pool(subjects: pd.Index, sources: Sequence[TimeSource]) -> _Pool:
    parts = [_one(subjects, source) for source in sources]
    joined = [np.concatenate([part[column] for part in parts]) if parts else np.zeros(0) for column in range(4)]
    number = (
        np.concatenate([np.full(len(part[0]), place) for place, part in enumerate(parts)]) if parts else np.zeros(0)
    )
    return _Pool(joined[0].astype(np.int64), joined[1], number.astype(np.int64), pd.Series(joined[3]), joined[2])


def _one(subjects: pd.Index, source: TimeSource) -> tuple[Codes, Floats, Floats, Floats]:
    codes = rows_of(subjects, source.subject)
    days = np.asarray(source.days, dtype=np.float64)
    missing = np.full(len(days), np.nan)
    sequence = missing if source.sequence is None else source.sequence.to_numpy(dtype=np.float64, na_value=np.nan)
    keys = source.keys or (() if source.sequence is None else (source.sequence,))
    return codes, days, sequence, _order_by(keys, len(days))


def _order_by(keys: Sequence[pd.Series], count: int) -> Floats:
    """Rank records by several keys into one number; records alike in all keys share it."""
    if not keys:
        return np.zeros(count)
    # group_codes numbers the combinations in the order of their values.
    return group_codes(*keys)[0].astype(np.float64)


def time_to_event(
    subjects: pd.Series,
    start: npt.ArrayLike,
    events: Sequence[TimeSource],
    censorings: Sequence[TimeSource],
    *,
    stops: Sequence[TimeSource] = (),
    unit: Unit = "days",
    add_one: bool = True,
) -> pd.DataFrame:
    """Return one record per subject: STARTDT, ADT, AVAL, CNSR, EVNTDESC, CNSDTDSC, SRCDOM, SRCVAR, SRCSEQ.

    The earliest event on or after `start` counts (events and stops before it do not); without one, the latest
    censoring, at the start at the earliest. `stops` end the observation (a new therapy): an event after the first stop
    does not count; the subject is censored at the last censoring on or before the stop, or at the stop where there is
    none, and is described by the stop (by the censoring where the stop has no words). A subject without event and
    without censoring has no ADT, AVAL, CNSR: that is for the caller to report.

    >>> deaths = TimeSource(pd.Series(["1"]), pd.Series([30.0]), 0, "Death", "ADSL", "DTHDT")
    >>> alive = TimeSource(pd.Series(["1", "2"]), pd.Series([25.0, 40.0]), 1, "Alive", "ADSL", "LSTALVDT")
    >>> result = time_to_event(pd.Series(["1", "2"]), [10.0, 10.0], [deaths], [alive])
    >>> result[["AVAL", "CNSR", "EVNTDESC"]].values.tolist()
    [[21.0, 0.0, 'Death'], [31.0, 1.0, 'Alive']]
    """
    index = pd.Index(subjects.astype("str"))
    begins = np.asarray(start, dtype=np.float64)
    stop_pool, event_pool, censor_pool = _pool(index, stops), _pool(index, events), _pool(index, censorings)
    stop = _earliest(stop_pool, len(index), _usable(stop_pool, begins))
    stop_days = take_or_missing(stop_pool.days, stop)
    event = _earliest(event_pool, len(index), _usable(event_pool, begins) & _not_after(event_pool, stop_days))
    censor = _latest(censor_pool, len(index), _usable(censor_pool) & _not_after(censor_pool, stop_days))
    return _result(
        begins,
        [(event_pool, event, events), (censor_pool, censor, censorings), (stop_pool, stop, stops)],
        unit,
        add_one,
    )


def _usable(pool: _Pool, begins: Floats | None = None) -> Mask:
    known = (pool.subject >= 0) & ~np.isnan(pool.days)
    if begins is not None:
        known &= pool.days >= np.append(begins, np.nan)[pool.subject]
    return np.asarray(known, dtype=np.bool_)


def _not_after(pool: _Pool, limit: Floats) -> Mask:
    return ~(pool.days > np.append(limit, np.nan)[pool.subject])


def _earliest(pool: _Pool, size: int, among: Mask) -> Codes:
    return first_records(pool.subject, size, among, [pd.Series(pool.days), pd.Series(pool.source), pool.order])


def _latest(pool: _Pool, size: int, among: Mask) -> Codes:
    return first_records(pool.subject, size, among, [pd.Series(-pool.days), pd.Series(pool.source), pool.order])


def _result(
    begins: Floats, chosen: Sequence[tuple[_Pool, Codes, Sequence[TimeSource]]], unit: Unit, add_one: bool
) -> pd.DataFrame:
    (event_pool, event, events), (censor_pool, censor, censorings), (stop_pool, stop, stops) = chosen
    happened = event >= 0
    stopped = ~happened & (stop >= 0)
    censored = np.where(censor >= 0, take_or_missing(censor_pool.days, censor), take_or_missing(stop_pool.days, stop))
    adt = np.where(
        happened,
        take_or_missing(event_pool.days, event),
        np.fmax(censored, np.where(np.isnan(censored), np.nan, begins)),
    )
    # The description comes from the event, else the stop, else the censoring; the date's source from where the date is.
    sources = [*events, *censorings, *stops]
    event_source = _source_of(event_pool, event, 0)
    censor_source = _source_of(censor_pool, censor, len(events))
    stop_source = _source_of(stop_pool, stop, len(events) + len(censorings))
    told = np.where(happened, event_source, np.where(stopped, stop_source, censor_source))
    dated = np.where(happened, event_source, np.where(censor >= 0, censor_source, stop_source))
    sequence = np.where(
        happened,
        take_or_missing(event_pool.sequence, event),
        np.where(censor >= 0, take_or_missing(censor_pool.sequence, censor), take_or_missing(stop_pool.sequence, stop)),
    )
    cnsr = np.array([*(float(source.cnsr) for source in sources), np.nan])
    none = np.isnan(begins)
    return pd.DataFrame(
        {
            "STARTDT": begins,
            "ADT": np.where(none, np.nan, adt),
            "AVAL": duration(begins, adt, unit, add_one=add_one),
            "CNSR": np.where(none, np.nan, cnsr[told]),
            "EVNTDESC": _labels(_described(told, dated, sources), none, [source.description for source in sources]),
            "CNSDTDSC": _labels(np.where(happened, -1, dated), none, [source.date_description for source in sources]),
            "SRCDOM": _labels(dated, none, [source.dataset for source in sources]),
            "SRCVAR": _labels(dated, none, [source.variable for source in sources]),
            "SRCSEQ": np.where(none, np.nan, sequence),
        }
    )


def _described(told: Codes, dated: Codes, sources: Sequence[TimeSource]) -> Codes:
    """Return which source describes each result: a stop without words of its own leaves them to the censoring."""
    silent = np.array([*(not source.description for source in sources), False])
    return np.where(silent[told], dated, told)


def _source_of(pool: _Pool, records: Codes, before: int) -> Codes:
    return np.where(records >= 0, np.append(pool.source, -1)[records] + before, -1)


def _labels(codes: Codes, none: Mask, labels: Sequence[str]) -> pd.Series:
    blank = np.array([*(not label for label in labels), True])
    return label_codes(np.where(none | blank[codes], -1, codes), labels)
