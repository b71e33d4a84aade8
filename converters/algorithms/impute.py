"""Partial dates as analysis dates: start and end imputed together, with their flags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from cdiscway.converters.dataset import Provenance
from cdiscway.converters.derivations.date_imputation import impute_interval
from cdiscway.specs.load import Way

from . import columns
from .assign import describe
from .base import Context, RuleBase, Scope, TableKey, merge_provenance
from .derive import as_kind

if TYPE_CHECKING:
    from .vocabulary import Input

CONFLICT = "CDW-MAP-IMPUTE"


class ImputeRule(RuleBase):
    """`{impute: [AESTDTC, AEENDTC], part: start, not_before: TRTSDT, not_after: [DTHDT]}`: an analysis date as SAS days.

    A partial start becomes the first day it may stand for, or `not_before` (first dose) where that is possible; a partial end
    the last one, never past a day of `not_after` (death, last news) and never before the start. `part` says which is wanted,
    `flag: true` its flag (D, or M where the month is imputed too) instead. `highest: D` imputes no month. Collected dates are
    never changed; where the rules leave no day there is none, and an error finding.
    """

    impute: tuple[Input, Input]
    part: Literal["start", "end"]
    flag: bool = False
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

    def evaluate(self, context: Context) -> pd.Series:
        """Return SAS days, or the flags."""
        start, end = (columns.as_text(rule.evaluate(context)) for rule in self.impute)
        first = np.nan if self.not_before is None else as_kind(self.not_before.evaluate(context), "days", context)
        last = [as_kind(rule.evaluate(context), "days", context) for rule in self.not_after]
        both = impute_interval(start, end, not_before=first, not_after=last, highest=self.highest)
        made = both[0] if self.part == "start" else both[1]
        if self.flag:
            return made.flag
        message = f"a partial {self.part} has no day that the limits of its imputation allow"
        context.report_rows(made.conflict, CONFLICT, message)
        return pd.Series(made.days)

    def provenance(self, table: TableKey) -> Provenance:
        """Derived, with the rule in words."""
        given = self.impute[0 if self.part == "start" else 1]
        words = "first" if self.part == "start" else "last"
        limits = [f"not before {describe(self.not_before, table)}"] if self.not_before and self.part == "start" else []
        limits += [f"not after {describe(rule, table)}" for rule in self.not_after]
        method = ", ".join(
            [f"Date part of {describe(given, table)}, a partial one as its {words} possible day", *limits]
        )
        method = f"Imputation flag of: {method}." if self.flag else f"{method}."
        merged = merge_provenance([given.provenance(table)], method)
        return Provenance(self.origin or "Derived", "Sponsor", method, merged.forms, merged.columns)
