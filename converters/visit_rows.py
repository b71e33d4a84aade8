"""Visits as rows: one for each subject and visit, with the first and the last date on which anything took place (SV)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from .algorithms import columns
from .algorithms.base import Table
from .algorithms.lookup import subject_of
from .dataset_variables import visit_date
from .derivations.keys import ranks
from .mapping import VisitSource
from .tables import StudyTables, identifiers, no_sources


def visit_rows(sources: Sequence[VisitSource], tables: StudyTables, dataset: str) -> Table:
    """Return the table of visits: VISIT, START, END, and the subject of each.

    Unscheduled visits (study.yaml) are one for each day. Dates are days, compared as ISO 8601 texts: some sources have a
    time and some none. A visit without any date has neither start nor end.
    """
    parts = [_moments(source, tables, dataset) for source in sources]
    subject, visit, date = (columns.stack([part[place] for part in parts]) for place in range(3))
    unscheduled = tables.plan.study.file.unscheduled
    date = day = columns.map_distinct(date, lambda texts: [text.partition("T")[0] for text in texts])
    if unscheduled is not None:
        extra = columns.same_text(visit, columns.constant(unscheduled.VISIT, len(visit)))
        day = columns.choose([extra], [day], len(visit))
    else:
        day = columns.nothing(len(visit))
    codes, groups = columns.distinct_tuples([subject, visit, day])
    known = [place for place, (who, which, _) in enumerate(groups) if who is not None and which is not None]
    start, end = _ends(codes, date, len(groups))
    keep = np.array(known, dtype=np.int64)
    frame = pd.DataFrame(
        {
            "VISIT": _texts([groups[place][1] for place in known]),
            "START": columns.take(start, keep),
            "END": columns.take(end, keep),
        },
        index=pd.RangeIndex(len(known)),
    )
    return Table(("rows", "visits"), frame, no_sources(len(known)), _texts([groups[place][0] for place in known]))


def _moments(source: VisitSource, tables: StudyTables, dataset: str) -> tuple[pd.Series, pd.Series, pd.Series]:
    """Return subject, visit and date of the rows of one source."""
    context = tables.context(tables.table(source.key), dataset, tables.plan.terminology)
    if source.when is not None:
        context = context.inside(context.table.select(np.flatnonzero(context.mask(source.when))))
    if source.key[0] == "form":
        context.values.update(identifiers(context))
    visit = context.column("VISIT") if source.visit is None else source.visit.evaluate(context)
    if source.date is not None:
        date = source.date.evaluate(context)
    else:
        date = context.column(visit_date(source.key[1], context.table.frame.columns) or "")
    return subject_of(context.table), columns.as_text(visit), columns.as_text(date)


def _ends(codes: np.ndarray, date: pd.Series, groups: int) -> tuple[pd.Series, pd.Series]:
    """Return the least and the greatest date of each group."""
    _, texts = columns.distinct(date)
    order = sorted(texts)
    rank = ranks(date)
    dated = rank >= 0
    low, high = np.full(groups, len(order)), np.full(groups, -1)
    np.minimum.at(low, codes[dated], rank[dated])
    np.maximum.at(high, codes[dated], rank[dated])
    return columns.from_codes(np.where(low == len(order), -1, low), order), columns.from_codes(high, order)


def _texts(values: Sequence[str | None]) -> pd.Series:
    known = list(dict.fromkeys(value for value in values if value is not None))
    place = {value: number for number, value in enumerate(known)}
    return columns.from_codes(
        np.array([-1 if value is None else place[value] for value in values], dtype=np.int64), known
    )
