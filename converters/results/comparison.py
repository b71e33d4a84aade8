"""Tests that compare groups: statistic, degrees of freedom and two-sided p-value; NaN where nothing can be compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from .statistics import Values

Test = Literal["fisher", "chi_squared", "kruskal_wallis", "log_rank"]
Floats = npt.NDArray[np.float64]
COMPARISON = ("statistic", "df", "p")
UNKNOWN: Values = dict.fromkeys(COMPARISON, float("nan"))


def fisher(counts: npt.ArrayLike) -> Values:
    """Compare shares by Fisher's exact test (JRSS 1922; 85:87-94): a row of counts for each of two groups, two levels.

    More groups or levels have no p-value here: scipy draws random tables for them, and results must come again.

    >>> round(fisher([[3, 1], [1, 3]])["p"], 4)
    0.4857
    """
    from scipy.stats import fisher_exact  # noqa: PLC0415 - comes with the optional extra

    table = _occupied(counts)
    if table.shape != (2, 2):
        return dict(UNKNOWN)
    found = fisher_exact(table)
    return UNKNOWN | {"p": float(found.pvalue)}


def chi_squared(counts: npt.ArrayLike) -> Values:
    """Compare shares by Pearson's chi-squared test, without a correction for continuity."""
    from scipy.stats import chi2_contingency  # noqa: PLC0415 - comes with the optional extra

    table = _occupied(counts)
    if min(table.shape, default=0) < 2:
        return dict(UNKNOWN)
    found = chi2_contingency(table, correction=False)
    return {"statistic": float(found.statistic), "df": float(found.dof), "p": float(found.pvalue)}


def _occupied(counts: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Return the counts without the groups and levels in which nobody is."""
    table = np.asarray(counts, dtype=np.int64)
    return table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0] if table.ndim == 2 else table.reshape(0, 0)


def kruskal_wallis(samples: Sequence[npt.ArrayLike]) -> Values:
    """Compare values by ranks (Kruskal and Wallis, JASA 1952; 47:583-621, corrected for ties)."""
    from scipy.stats import kruskal  # noqa: PLC0415 - comes with the optional extra

    numbers = [np.asarray(sample, dtype=np.float64) for sample in samples]
    known = [sample[~np.isnan(sample)] for sample in numbers]
    known = [sample for sample in known if len(sample)]
    if len(known) < 2 or len(np.unique(np.concatenate(known))) < 2:
        return dict(UNKNOWN)
    found = kruskal(*known)
    return {"statistic": float(found.statistic), "df": float(len(known) - 1), "p": float(found.pvalue)}


def log_rank(times: npt.ArrayLike, event: npt.NDArray[np.bool_], group: npt.ArrayLike) -> Values:
    """Compare survival by the log-rank test (Mantel 1966), by scikit-survival; `group` numbers the group of each time."""
    from sksurv.compare import compare_survival  # noqa: PLC0415 - optional extra

    exits, codes = np.asarray(times, dtype=np.float64), np.asarray(group, dtype=np.int64)
    if len(np.unique(codes)) < 2 or not event.any():
        return dict(UNKNOWN)
    outcome = np.array(list(zip(event, exits, strict=True)), dtype=[("event", "?"), ("time", "f8")])
    try:
        statistic, p = compare_survival(outcome, codes)
    except np.linalg.LinAlgError:  # every event comes when one group alone is at risk: there is no variance
        return dict(UNKNOWN)
    return {"statistic": float(statistic), "df": float(len(np.unique(codes)) - 1), "p": float(p)}


def p_text(p: float) -> str:
    """Return a p-value with three decimals.

    >>> p_text(0.00004), p_text(0.48571), p_text(float("nan"))
    ('<0.001', '0.486', 'NE')
    """
    if np.isnan(p):
        return "NE"
    return "<0.001" if p < 0.0005 else f"{p:.3f}"
