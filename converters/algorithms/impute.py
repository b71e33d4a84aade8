"""Partial dates as analysis dates: start and end imputed together, with their flags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from cdiscway.converters.dataset import Provenance
from cdiscway.converters.derivations.date_imputation import (
    DAY,
    Imputed,
    impute_end,
    impute_interval,
    impute_start,
    impute_time,
)
from cdiscway.specs.load import Way

from . import columns
from .assign import describe
from .base import Context, RuleBase, Scope, TableKey
from .derive import as_kind

if TYPE_CHECKING:
    from .vocabulary import Input

CONFLICT = "CDW-MAP-IMPUTE"
TIMES: dict[str, Literal["first", "last"]] = {"start": "first", "end": "last"}


class ImputeRule(RuleBase):
    """`{impute: [AESTDTC, AEENDTC], part: start, not_before: TRTSDT, not_after: [DTHDT]}`: an analysis date as SAS days.

    A partial start becomes the first day it may stand for, or `not_before` (first dose) where that is possible; a partial end
    the last one, never past a day of `not_after` (death, last news) and never before the start. `unknown: middle` takes day 15
    (or 30 June) within the same limits. `part` says which is wanted; a single date is imputed by itself. `gives` is the date, its
    flag (D, or M where the month is imputed too; `flag: true` says the same), the time, the flag of the time (H, M, S), or the
    datetime: an unknown time is the first of the day for a start, the last for an end. `highest: D` imputes no month. Collected
    parts are never changed; where the rules leave no day there is none, and an error finding.
    """

    impute: tuple[Input, ...] = Field(min_length=1, max_length=2)
    part: Literal["start", "end"]
    flag: bool = False
    gives: Literal["date", "flag", "time", "time_flag", "datetime"] = "date"
    unknown: Literal["limit", "middle"] = "limit"
    not_before: Input | None = None
    not_after: tuple[Input, ...] = ()
    highest: Literal["D", "M"] = "M"

    def check(self, scope: Scope, way: Way) -> None:
        """Check the dates and the limits."""
        for place, rule in enumerate(self.impute):
            rule.check(scope, (*way, "impute", place))
        if self.not_before is not None:
            self.not_before.check(scope, (*way, "not_before"))
        for place, rule in enumerate(self.not_after):
            rule.check(scope, (*way, "not_after", place))
        if self.flag and self.gives != "date":
            scope.add((*way, "flag"), "'flag: true' is 'gives: flag'", "leave one of them out")

    @property
    def wanted(self) -> str:
        """What the rule gives."""
        return "flag" if self.flag else self.gives

    @property
    def given(self) -> Input:
        """The date that is imputed."""
        return self.impute[0 if self.part == "start" else -1]

    def evaluate(self, context: Context) -> pd.Series:
        """Return SAS days, SAS times, SAS datetimes, or flags."""
        texts = [columns.as_text(rule.evaluate(context)) for rule in self.impute]
        made = self._imputed(texts, context)
        if self.wanted == "flag":
            return made.flag
        seconds, time_flag = impute_time(texts[0 if self.part == "start" else -1], TIMES[self.part])
        known = ~np.isnan(made.days)
        if self.wanted == "time_flag":
            return columns.choose([known], [time_flag], len(context))
        if self.wanted == "time":
            return pd.Series(np.where(known, seconds, np.nan))
        message = f"a partial {self.part} has no day that the limits of its imputation allow"
        context.report_rows(made.conflict, CONFLICT, message)
        return pd.Series(made.days if self.wanted == "date" else made.days * DAY + seconds)

    def _imputed(self, texts: list[pd.Series], context: Context) -> Imputed:
        """Return the imputed date: of two, the start and the end together."""
        first = np.nan if self.not_before is None else as_kind(self.not_before.evaluate(context), "days", context)
        last = [as_kind(rule.evaluate(context), "days", context) for rule in self.not_after]
        if len(texts) == 2:
            both = impute_interval(*texts, not_before=first, not_after=last, highest=self.highest, unknown=self.unknown)
            return both[0 if self.part == "start" else 1]
        if self.part == "start":
            return impute_start(texts[0], not_before=first, not_after=last, highest=self.highest, unknown=self.unknown)
        return impute_end(texts[0], start=first, not_after=last, highest=self.highest, unknown=self.unknown)

    def provenance(self, table: TableKey) -> Provenance:
        """Derived, with the rule in words."""
        words = "middle" if self.unknown == "middle" else ("first" if self.part == "start" else "last")
        single = self.part == "start" or len(self.impute) == 1
        limits = [f"not before {describe(self.not_before, table)}"] if self.not_before and single else []
        limits += [f"not after {describe(rule, table)}" for rule in self.not_after]
        method = ", ".join(
            [f"Date part of {describe(self.given, table)}, a partial one as its {words} possible day", *limits]
        )
        clock = "00:00:00" if self.part == "start" else "23:59:59"
        method = {
            "date": f"{method}.",
            "flag": f"Imputation flag of: {method}.",
            "time": f"Time part of {describe(self.given, table)}, its unknown parts from {clock}.",
            "time_flag": f"Imputation flag of the time part of {describe(self.given, table)}.",
            "datetime": f"{method}; unknown parts of the time from {clock}.",
        }[self.wanted]
        named = [self.given, *self.not_after, *([self.not_before] if self.not_before and single else [])]
        return self.derived(method, [rule.provenance(table) for rule in named])
