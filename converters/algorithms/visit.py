"""Visits: the raw name of a visit to the planned visit of study.yaml, or the planned visit of a date by windows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cdiscway.converters.dataset import Provenance
from cdiscway.converters.derivations.study_day import study_day
from cdiscway.converters.derivations.visits import Window, window_of
from cdiscway.specs.load import Way

from . import columns
from .assign import ColumnRule, describe
from .base import Context, RuleBase, Scope, TableKey
from .lookup import LookupRule

if TYPE_CHECKING:
    from .vocabulary import Input


class VisitRule(RuleBase):
    """`{visit: VISITE}`: the planned visit whose `raw` names hold the text. VISITNUM and VISITDY follow by themselves."""

    visit: Input

    def check(self, scope: Scope, way: Way) -> None:
        """Check the input; the study must plan visits."""
        self.visit.check(scope, (*way, "visit"))
        if not scope.visits:
            scope.add((*way, "visit"), "study.yaml plans no visits", "add 'visits:' to study.yaml")

    def evaluate(self, context: Context) -> pd.Series:
        """Return VISIT; a text that is no planned visit is a finding, and stays."""
        study = context.study.file
        names = {raw: visit.VISIT for visit in study.visits for raw in (visit.VISIT, *visit.raw)}
        if study.unscheduled is not None:
            names |= dict.fromkeys((study.unscheduled.VISIT, *study.unscheduled.raw), study.unscheduled.VISIT)
        codes, texts = columns.distinct(columns.as_text(self.visit.evaluate(context)))
        name = describe(self.visit, context.table.key)
        for code, text in enumerate(texts):
            if text not in names:
                message = "is no visit planned in study.yaml"
                context.report_value(codes == code, name, text, "CDW-MAP-VISIT", message, kind="visit")
        return columns.from_codes(codes, [names.get(text, text) for text in texts])

    def provenance(self, table: TableKey) -> Provenance:
        """Assigned from the collected visit name."""
        inner = self.visit.provenance(table)
        return Provenance(self.origin or "Assigned", "Sponsor", "", inner.forms, inner.columns)


class VisitWindowRule(RuleBase):
    """`{visit_window: VSDTC}`: the planned visit whose `window` of study days (study.yaml) holds the date.

    Study days count from DM.RFSTDTC, or from `reference`. A complete date in no window has no visit, which is a finding.
    """

    visit_window: Input
    reference: Input | None = None

    @property
    def _reference(self) -> RuleBase:
        if self.reference is not None:
            return self.reference
        return LookupRule(lookup=ColumnRule(column="RFSTDTC"), dataset="DM")

    def check(self, scope: Scope, way: Way) -> None:
        """Check the inputs; the study must declare windows."""
        self.visit_window.check(scope, (*way, "visit_window"))
        self._reference.check(scope, (*way, "reference"))
        if not scope.windows:
            scope.add((*way, "visit_window"), "study.yaml declares no windows", "add 'window: [1, 8]' to its visits")

    def evaluate(self, context: Context) -> pd.Series:
        """Return VISIT."""
        windows = [
            Window(visit.VISIT, visit.VISITNUM, *visit.window, visit.VISITDY)
            for visit in context.study.file.visits
            if visit.window is not None
        ]
        dates = columns.as_text(self.visit_window.evaluate(context))
        days = study_day(dates, columns.as_text(self._reference.evaluate(context)))
        found = window_of(days, windows)
        outside = ~np.isnan(days) & (found < 0)
        context.report_rows(outside, "CDW-MAP-WINDOW", "the study day lies in no window of study.yaml", "warning")
        return columns.from_codes(found, [window.visit for window in windows])

    def provenance(self, table: TableKey) -> Provenance:
        """Derived from the date."""
        inner = self.visit_window.provenance(table)
        method = f"Planned visit whose window holds the study day of {describe(self.visit_window, table)}."
        return self.derived(method, [inner])
