"""Response in multiple myeloma, recomputed from laboratory results and held against the collected one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field

from cdiscway.converters.dataset import Provenance
from cdiscway.converters.derivations.imwg_response import RESULTS, imwg_response
from cdiscway.specs.load import Way

from . import columns
from .base import Context, RuleBase, Scope, TableKey
from .derive import as_kind
from .lookup import subject_of

if TYPE_CHECKING:
    from .vocabulary import Input

Floats = npt.NDArray[np.float64]
LIGHT_CHAINS = ("kappa", "lambda")
DIFFERS, TWICE = "CDW-IMWG", "CDW-IMWG-DAY"


class ImwgResponseRule(RuleBase):
    """`{imwg_response: ADT, baseline: AHCT2DT, results: {serum: MPROT, marrow: PLASMA}}`: the confirmed IMWG 2016 response.

    Each row is an assessment of its subject on a day; those up to `baseline` are the ones before treatment. `results` are
    serum (g/L) and urine (mg/24 h) M-protein, involved and uninvolved light chains (mg/L) with their ratio, or kappa and
    lambda with `chain`, the column that says KAPPA or LAMBDA; serum_fixation, urine_fixation, marrow (%), clonal, lesions,
    new_lesion. `zero_is_negative: true` lets an M-protein of 0 stand for a negative immunofixation that was not collected.
    Where `collected` is given, each row that differs from it is a warning, but for those that nothing later could confirm.
    """

    imwg_response: Input
    baseline: Input
    results: dict[str, Input] = Field(min_length=1)
    chain: Input | None = None
    collected: Input | None = None
    zero_is_negative: bool = False

    def check(self, scope: Scope, way: Way) -> None:
        """Check the inputs; results must have known names."""
        self.imwg_response.check(scope, (*way, "imwg_response"))
        self.baseline.check(scope, (*way, "baseline"))
        for word in ("chain", "collected"):
            rule = getattr(self, word)
            if rule is not None:
                rule.check(scope, (*way, word))
        for name, rule in self.results.items():
            rule.check(scope, (*way, "results", name))
            if name not in (*RESULTS, *LIGHT_CHAINS):
                scope.add((*way, "results", name), f"there is no result '{name}'", f"known are {', '.join(RESULTS)}")
        if set(LIGHT_CHAINS) & set(self.results) and self.chain is None:
            scope.add((*way, "chain"), "kappa and lambda need 'chain', which says which of them is involved", "")

    def evaluate(self, context: Context) -> pd.Series:
        """Return the confirmed response; missing at baseline, without a day, and where a day has two assessments."""
        days = as_kind(self.imwg_response.evaluate(context), "days", context)
        baseline = as_kind(self.baseline.evaluate(context), "days", context)
        subject = columns.as_text(subject_of(context.table))
        usable = ~np.isnan(days) & ~np.isnan(baseline)
        places = pd.DataFrame({"subject": subject.astype("str"), "day": days})
        twice = usable & places.duplicated(keep=False).to_numpy()
        message = "a subject has two assessments on one day: no response is recomputed"
        context.report_rows(twice, TWICE, message, severity="warning")
        rows = np.flatnonzero(usable & ~twice)
        made = imwg_response(
            columns.take(subject, rows), days[rows], self._results(context).iloc[rows].reset_index(drop=True),
            days[rows] <= baseline[rows],
        )  # fmt: skip
        found = np.full(len(context), -1, dtype=np.int64)
        codes, labels = columns.distinct(made.confirmed)
        found[rows] = codes
        response = columns.from_codes(found, labels)
        open_end = np.zeros(len(context), dtype=bool)
        open_end[rows] = made.pending
        self._compare(response, open_end, context)
        return response

    def _results(self, context: Context) -> pd.DataFrame:
        numbers = {name: as_kind(rule.evaluate(context), "number", context) for name, rule in self.results.items()}
        frame = pd.DataFrame(numbers, index=pd.RangeIndex(len(context)))
        if self.chain is not None and set(LIGHT_CHAINS) <= set(numbers):
            chain = columns.as_text(self.chain.evaluate(context)).astype("str").str.upper().fillna("")
            kappa = chain.str.startswith("KAPPA").to_numpy(dtype=bool)
            known = kappa | chain.str.startswith("LAMBDA").to_numpy(dtype=bool)
            one, other = numbers["kappa"], numbers["lambda"]
            frame["involved"] = np.where(known, np.where(kappa, one, other), np.nan)
            frame["uninvolved"] = np.where(known, np.where(kappa, other, one), np.nan)
            frame["ratio"] = np.divide(one, other, out=np.full(len(frame), np.nan), where=other > 0)
        if self.zero_is_negative and "serum" in frame.columns:
            for name in ("serum_fixation", "urine_fixation"):
                told: Floats = frame[name].to_numpy() if name in frame.columns else np.full(len(frame), np.nan)
                frame[name] = np.where(np.isnan(told) & (frame["serum"].to_numpy() == 0), 0.0, told)
        return frame.drop(columns=[name for name in LIGHT_CHAINS if name in frame.columns])

    def _compare(self, response: pd.Series, open_end: npt.NDArray[np.bool_], context: Context) -> None:
        """Report the rows whose collected response is another than the recomputed one, where that is settled."""
        if self.collected is None:
            return
        collected = columns.as_text(self.collected.evaluate(context))
        both = ~columns.missing(response) & ~columns.missing(collected) & ~open_end
        differs = both & ~columns.same_text(response, collected)
        message = f"the collected response differs from the one recomputed by IMWG 2016 ({int(both.sum())} compared)"
        context.report_rows(differs, DIFFERS, message, severity="warning")

    def provenance(self, table: TableKey) -> Provenance:
        """Derived from the results."""
        method = "Response by the IMWG consensus criteria (Kumar et al. 2016), confirmed by the next assessment"
        method += "; an M-protein of 0 counts as negative immunofixation." if self.zero_is_negative else "."
        return self.derived(method, [rule.provenance(table) for rule in self.results.values()])
