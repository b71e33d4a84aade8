"""Visits: the raw name of a visit to the planned visit of study.yaml."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from cdiscway.converters.dataset import Provenance
from cdiscway.specs.load import Way

from . import columns
from .assign import describe
from .base import Context, RuleBase, Scope, TableKey

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
        names = {raw: visit.VISIT for visit in context.study.file.visits for raw in (visit.VISIT, *visit.raw)}
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
