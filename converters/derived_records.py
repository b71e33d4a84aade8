"""Records made of the records above them: parameters computed from others, summaries, visits carried forward."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from .algorithms import columns
from .algorithms.base import Context, Table
from .algorithms.derive import as_kind
from .derivations.baseline_change import base_texts, base_values
from .derivations.carried_forward import carried_forward
from .derivations.keys import group_codes, label_codes
from .derivations.summary_records import summarize
from .mapping import ABOVE, Carried, Computed, Records, Summarized

RULE = "CDW-MAP-DERIVE"
AVAL, PARAMETER, VISIT, VISIT_NUMBER = "AVAL", "PARAMCD", "AVISIT", "AVISITN"


def derived_rows(records: Records, above: Context) -> Table:
    """Return the rows of a block that is made of the records above; `above` is their context."""
    if records.computed is not None:
        return _computed(records.computed, above)
    if records.summarized is not None:
        return _summarized(records.summarized, above)
    if records.carried is not None:
        return _carried(records.carried, above)
    raise ValueError("a block that is not made of the records above")


def made_columns(records: Records, above: Sequence[str]) -> list[str]:
    """Return the columns of such a block, given those of the records above."""
    if records.computed is not None:
        return [*records.computed.by, *records.computed.values]
    if records.summarized is not None:
        return list(dict.fromkeys([*records.summarized.by, *records.summarized.values]))
    dropped = () if records.carried is None else records.carried.drop
    return [name for name in above if name not in dropped]


def derived_names(records: Records) -> list[tuple[str, str]]:
    """Return the variables that such a block takes of the records above, each with the word that names it."""
    if records.computed is not None:
        items = records.computed.values.values()
        names = [("by", name) for name in records.computed.by]
        names += [("values", name) for item in items for name in (*(item.by or ()), item.value)]
        return [*names, ("values", PARAMETER)]
    if records.summarized is not None:
        return [("by", name) for name in records.summarized.by] + [
            ("values", name) for name in records.summarized.values
        ]
    if records.carried is not None:
        own = [("by", name) for name in records.carried.by] + [("order", name) for name in records.carried.order]
        return [*own, *(("visits", name) for name in (AVAL, VISIT, VISIT_NUMBER))]
    return []


def _group(names: Sequence[str], above: Context) -> list[pd.Series]:
    subject = above.table.subject
    if subject is None:
        raise ValueError("records above without subjects")
    return [columns.as_text(subject), *(above.column(name) for name in names)]


def _computed(wanted: Computed, above: Context) -> Table:
    """Return one row for each subject and `by` that has one of the parameters, with their values as columns."""
    codes, size = group_codes(*_group(wanted.by, above))
    parameter = columns.as_text(above.column(PARAMETER)).astype("str")
    counted = above.mask(wanted.where)
    found: dict[str, pd.Series] = {}
    used = np.zeros(len(above), dtype=np.bool_)
    for name, item in wanted.values.items():
        here = counted & np.asarray(parameter == item.parameter, dtype=np.bool_)
        found[name] = _values(name, item.value, _group(wanted.by if item.by is None else item.by, above), here, above)
        used |= here if item.by is None or set(item.by) == set(wanted.by) else False
    place = _representatives(codes, size, used)
    frame = {name: columns.take(above.column(name), place) for name in wanted.by}
    frame |= {name: columns.take(column, place) for name, column in found.items()}
    return _table(frame, place, above)


def _values(name: str, value: str, group: list[pd.Series], here: np.ndarray, above: Context) -> pd.Series:
    """Return the one value of a parameter in each group, for all its records; values that disagree are a finding."""
    column = above.column(value)
    if columns.is_number(column):
        numbers = base_values(group, column.to_numpy(dtype=np.float64), here)
        made, conflict = pd.Series(numbers.base), numbers.conflict
    else:
        made, conflict = base_texts(group, column, here)
    message = (
        f"several values of the parameter in '{name}' disagree: none is taken (narrow it with 'where', or add to 'by')"
    )
    above.report_rows(here & conflict, RULE, message)
    return made


def _summarized(wanted: Summarized, above: Context) -> Table:
    """Return one row for each subject and `by`, with a statistic of each variable in `values`."""
    codes, size = group_codes(*_group(wanted.by, above))
    here = above.mask(wanted.where)
    place = _representatives(codes, size, here)
    frame = {name: columns.take(above.column(name), place) for name in wanted.by}
    for name, statistic in wanted.values.items():
        numbers = as_kind(above.column(name), "number", above)
        made = summarize(codes[here], size, numbers[here], statistic)
        if statistic == "sum":
            lost = here & np.isnan(numbers) & ~np.isnan(made[codes])
            message = f"{name} is missing in a record of a sum, which leaves it out: say in 'where' which records count"
            above.report_rows(lost, RULE, message, "warning")
        frame[name] = pd.Series(made[codes[place]])
    return _table(frame, place, above)


def _carried(wanted: Carried, above: Context) -> Table:
    """Return a copy of the last record for each visit that a subject lacks, under that visit."""
    windows = sorted(above.study.file.analysis.windows[wanted.visits], key=lambda row: row.AVISITN)
    here = ~columns.missing(above.column(AVAL))
    if wanted.where is not None:
        here &= above.mask(wanted.where)
    number = as_kind(above.column(VISIT_NUMBER), "number", above)
    order = [above.column(name) for name in wanted.order]
    found = carried_forward(_group(wanted.by, above), number, [row.AVISITN for row in windows], order, here)
    message = "records of a visit tie in the declared order, so none is carried forward: add to 'order'"
    above.report_rows(found.undecided, RULE, message)
    names = made_columns(Records.model_construct(carried=wanted), list(above.table.frame.columns))
    frame = {name: columns.take(above.column(name), found.record) for name in names}
    frame[VISIT] = label_codes(found.visit, [row.AVISIT for row in windows])
    frame[VISIT_NUMBER] = pd.Series(np.array([row.AVISITN for row in windows])[found.visit])
    return _table(frame, found.record, above)


def _representatives(codes: np.ndarray, size: int, used: np.ndarray) -> np.ndarray:
    """Return the position of one record of each group that has one: only what the whole group shares is taken of it."""
    first = np.full(size, -1, dtype=np.int64)
    places = np.flatnonzero(used)[::-1]
    first[codes[places]] = places
    return first[first >= 0]


def _table(frame: dict[str, pd.Series], place: np.ndarray, above: Context) -> Table:
    sources = above.table.sources
    subject = above.table.subject
    return Table(
        ABOVE,
        pd.DataFrame(frame, index=pd.RangeIndex(len(place))),
        None if sources is None else sources.take(place).reset_index(drop=True),
        None if subject is None else columns.take(subject, place),
    )
