"""Treatment periods: those of a subject (APxxSDT, APxxEDT, TRTxxA of ADSL), and the one a day lies in (APERIOD, TRTA)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from cdiscway.converters.dataset import Provenance
from cdiscway.converters.derivations.periods import Periods, period_on, periods_of
from cdiscway.specs.load import Way

from . import columns
from .analysis_tables import PeriodSource
from .assign import check_condition, describe
from .base import Context, RuleBase, Scope, Table, TableKey
from .derive import as_kind
from .groups import has_table
from .lookup import matching_codes, subject_of
from .sources import one_row_per_subject

if TYPE_CHECKING:
    from .vocabulary import Input

UNDECIDED = "CDW-MAP-DERIVE"
MARK = re.compile(r"xx|w|y")


class PeriodRule(RuleBase):
    """`{period: 1, table: AP, part: start}`: the first day of a subject's first period; `part` is start, end or value.

    `{period: 0, table: AP, part: count}` is the number of its periods. The table stands in study.yaml: `analysis: {periods:
    {AP: {dataset: EX, start: EXSTDTC, end: EXENDTC, by: EXTRT}}}`.
    """

    period: int = Field(ge=0)
    table: str
    part: Literal["start", "end", "value", "count"] = "start"

    def check(self, scope: Scope, way: Way) -> None:
        """The table must be declared, and its dataset have its columns."""
        if not has_table(self.table, scope.analysis.periods, "periods", scope, way):
            return
        source = scope.analysis.periods[self.table]
        other = scope.other(("dataset", source.dataset), (*way, "table"))
        if other is not None:
            for name in (source.start, source.end, source.by):
                other.use(name, (*way, "table"))
            if source.where is not None:
                check_condition(other, source.where, (*way, "table"))
        if (self.period == 0) != (self.part == "count"):
            scope.add((*way, "period"), "periods are numbered from 1; 'period: 0' goes with 'part: count'", "")

    def evaluate(self, context: Context) -> pd.Series:
        """Return the part of the period for each row's subject; missing where there are fewer periods."""
        inner, spread = one_row_per_subject(context)
        return columns.take(self._of_subjects(inner), spread)

    def _of_subjects(self, context: Context) -> pd.Series:
        """Return the part of the period; each row is a subject of its own."""
        source = context.study.file.analysis.periods[self.table]
        found = self._periods(source, context)
        message = f"two values of {source.by} begin on one day: the subject has no periods"
        context.report_rows(found.undecided, UNDECIDED, message)
        if self.part == "count":
            return pd.Series(np.bincount(found.subject, minlength=len(context)).astype(np.float64))
        place = np.full(len(context), -1, dtype=np.int64)
        here = np.flatnonzero(found.number == self.period)
        place[found.subject[here]] = here
        if self.part == "value":
            return columns.take(found.value, place)
        return columns.take(pd.Series(found.start if self.part == "start" else found.end), place)

    @staticmethod
    def _periods(source: PeriodSource, context: Context) -> Periods:
        there = context.inside(context.tables.table(("dataset", source.dataset)))
        start, end = (np.asarray(as_kind(there.column(name), "days", there)) for name in (source.start, source.end))
        if source.where is not None:
            start = np.where(there.mask(source.where), start, np.nan)
        value = columns.as_text(there.column(source.by))
        subjects = subject_of(context.table)
        return periods_of(subjects, subject_of(there.table), start, end, value, until_next=source.until == "next")

    def provenance(self, table: TableKey) -> Provenance:
        """Derived, by the table."""
        what = {"start": "First day", "end": "Last day", "value": "Value", "count": "Number"}[self.part]
        which = "the periods" if self.part == "count" else f"period {self.period}"
        method = f"{what} of {which} of the subject, by the periods {self.table} of the study."
        return self.derived(method)


class PeriodOfRule(RuleBase):
    """`{period_of: ADT, from: APxxSDT, to: APxxEDT}`: the number of the period of ADSL that holds a day (APERIOD).

    `from` and `to` are names of ADSL in which xx (or w) counts the periods, phases or subperiods: TRxxSDT, APxxSDT, PHwSDT.
    `gives: TRTxxA` takes that variable of the period instead of its number. A period without an end goes on; of two that
    share a day the later one counts; a day in none has none.
    """

    period_of: Input
    start: str = Field(alias="from")
    end: str = Field(alias="to")
    gives: str | None = None
    dataset: str = "ADSL"

    def check(self, scope: Scope, way: Way) -> None:
        """ADSL must have the variables, each start its end."""
        with scope.without_target():
            self.period_of.check(scope, (*way, "period_of"))
        other = scope.other(("dataset", self.dataset), (*way, "dataset"))
        if other is None:
            return
        known = scope.tables[("dataset", self.dataset)]
        numbers = counted(self.start, known)
        if not numbers:
            message = f"{self.dataset} has no variable '{self.start}' (xx or w counts the periods)"
            scope.add((*way, "from"), message, "")
        for word, name in (("from", self.start), ("to", self.end), ("gives", self.gives)):
            for number in numbers if name is not None else []:
                other.use(named(name or "", number), (*way, word))

    def evaluate(self, context: Context) -> pd.Series:
        """Return the number of the period, or the variable of it that is asked for."""
        days = np.asarray(as_kind(self.period_of.evaluate(context), "days", context), dtype=np.float64)
        there: Table = context.tables.table(("dataset", self.dataset))
        numbers = counted(self.start, list(there.frame.columns))
        other = context.inside(there)
        place = _row_of(context.table, there)

        def here(pattern: str) -> list[pd.Series]:
            return [columns.take(other.column(named(pattern, number)), place) for number in numbers]

        starts, ends = ([as_kind(item, "days", context) for item in here(name)] for name in (self.start, self.end))
        found = period_on(days, starts, ends)
        if self.gives is None:
            return pd.Series(np.append([float(number) for number in numbers], np.nan)[found])
        masks = [found == place for place in range(len(numbers))]
        return columns.choose(masks, here(self.gives), len(context))

    def provenance(self, table: TableKey) -> Provenance:
        """Derived, by the periods of ADSL."""
        what = f"{self.dataset}.{self.gives}" if self.gives else "Number"
        day = describe(self.period_of, table)
        bounds = f"{self.dataset}.{self.start} to {self.dataset}.{self.end}"
        method = f"{what} of the period ({bounds}) that holds {day}; of two the later."
        return self.derived(method, [self.period_of.provenance(table)])


def named(pattern: str, number: str) -> str:
    """Return the variable of a period: its number in place of xx, w or y.

    >>> named("APxxSDT", "01"), named("PHwSDT", "2")
    ('AP01SDT', 'PH2SDT')
    """
    return MARK.sub(number, pattern, count=1)


def counted(pattern: str, names: Sequence[str]) -> list[str]:
    """Return the numbers for which there is a variable of the pattern, in order.

    >>> counted("APxxSDT", ["AP02SDT", "AP01SDT", "AP01EDT", "TR01SDT"])
    ['01', '02']
    """
    parts = MARK.split(pattern, maxsplit=1)
    if len(parts) < 2:
        return []
    digits = r"(\d\d)" if MARK.findall(pattern)[0] == "xx" else r"(\d)"
    shape = re.compile(re.escape(parts[0]) + digits + re.escape(parts[1]))
    return sorted(match[1] for name in names if (match := shape.fullmatch(name)))


def _row_of(here: Table, there: Table) -> np.ndarray:
    """Return the row of each record's subject in a dataset of one record per subject, -1 for none."""
    ours, theirs = matching_codes([(subject_of(here), subject_of(there))])
    rows = np.full(max(int(ours.max(initial=-1)), int(theirs.max(initial=-1))) + 2, -1, dtype=np.int64)
    rows[theirs] = np.arange(len(theirs))
    rows[-1] = -1
    return np.asarray(rows[ours])
