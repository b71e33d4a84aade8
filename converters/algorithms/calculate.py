"""Arithmetic on columns, with declared rounding."""

from __future__ import annotations

import pandas as pd
from pydantic import Field

from cdiscway.converters.dataset import Provenance
from cdiscway.specs.load import Way

from .base import Context, RuleBase, Scope, TableKey
from .results import round_half_up


class CalculateRule(RuleBase):
    """`{calculate: DOSE * POIDS, decimals: 1}`: a number per row; missing where a part is.

    `decimals` rounds half away from zero in decimal arithmetic; without it nothing is rounded.
    """

    calculate: str
    decimals: int | None = Field(default=None, ge=0, le=15)

    def check(self, scope: Scope, way: Way) -> None:
        """The expression must be readable and its columns there."""
        for name in scope.expression_names(self.calculate, (*way, "calculate")):
            scope.use(name, (*way, "calculate"))

    def evaluate(self, context: Context) -> pd.Series:
        """Return the numbers."""
        result = context.calculate(self.calculate)
        if self.decimals is None:
            return result
        codes, values = pd.factorize(result, use_na_sentinel=True)
        rounded = pd.Series([float(round_half_up(value, self.decimals)) for value in values.tolist()] + [float("nan")])
        return rounded.iloc[codes].reset_index(drop=True)

    def provenance(self, table: TableKey) -> Provenance:
        """Derived by the expression."""
        rounding = "" if self.decimals is None else f", rounded to {self.decimals} decimals"
        return self.derived(f"{self.calculate}{rounding}.")
