"""Flags by a condition: populations (SAFFL), criteria (CRIT1FL), whether there is a record of a kind (PRIORFL)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cdiscway.converters.dataset import Provenance
from cdiscway.specs.load import Way

from . import columns
from .assign import check_condition, check_term, evaluate_condition
from .base import Context, RuleBase, Scope, TableKey
from .conditions import parse_condition
from .lookup import LookupRule


class FlagRule(RuleBase):
    """`{flag: TRTSDT is not missing, otherwise: N}`: `Y` where a condition holds, or the text in `then`.

    Without `otherwise` the rest is missing. `needs` names columns without which there is no flag at all, so that a criterion on a
    missing value is neither Y nor N. With `dataset` (or `form`) the condition is asked of the subject's records there: `Y` where
    one of them meets it.
    """

    flag: str
    then: str = "Y"
    otherwise: str | None = None
    needs: tuple[str, ...] = ()
    dataset: str | None = None
    form: str | None = None

    def check(self, scope: Scope, way: Way) -> None:
        """Check the condition and the texts."""
        if self.dataset is not None and self.form is not None:
            scope.add(way, "a flag names either a 'form' or a 'dataset'", "")
        elif self._elsewhere is not None:
            self._elsewhere.check(scope, way)
        else:
            check_condition(scope, self.flag, (*way, "flag"))
        for name in self.needs:
            scope.use(name, (*way, "needs"))
        check_term(scope, self.then, (*way, "then"))
        if self.otherwise is not None:
            check_term(scope, self.otherwise, (*way, "otherwise"))

    @property
    def _elsewhere(self) -> LookupRule | None:
        """The count of the subject's records that meet the condition, where it is asked of others."""
        if self.dataset is None and self.form is None:
            return None
        return LookupRule(form=self.form, dataset=self.dataset, where=self.flag, pick="count")

    def evaluate(self, context: Context) -> pd.Series:
        """Return the flag of each record."""
        elsewhere = self._elsewhere
        holds = (
            evaluate_condition(context, self.flag) if elsewhere is None else elsewhere.evaluate(context).to_numpy() > 0
        )
        known = np.ones(len(context), dtype=np.bool_)
        for name in self.needs:
            known &= ~columns.missing(context.column(name))
        codes = np.where(known & holds, 0, np.where(known & (self.otherwise is not None), 1, -1))
        return columns.from_codes(codes, [self.then, self.otherwise])

    def provenance(self, table: TableKey) -> Provenance:
        """Derived, by the condition."""
        there = self.dataset or self.form
        asked = f"the subject has a record of {there} where {self.flag}" if there else self.flag
        rest = f", otherwise '{self.otherwise}'" if self.otherwise is not None else ""
        without = f"; none without {' and '.join(self.needs)}" if self.needs else ""
        prefix = there or (table[1] if table[0] in {"form", "dataset"} else "")
        names = tuple(f"{prefix}.{name}" for name in parse_condition(self.flag).columns) if there else ()
        forms = (self.form,) if self.form else ()
        method = f"'{self.then}' where {asked}{rest}{without}."
        return Provenance(self.origin or "Derived", "Sponsor", method, forms, names)
