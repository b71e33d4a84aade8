"""Statistics of one column: summaries, counts and proportions, each number by its name.

Quartiles are linear between the order statistics (type 7 of Hyndman and Fan, The American Statistician 1996; 50:361-5:
the default of R and NumPy).
"""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist
from typing import Literal

import numpy as np
import numpy.typing as npt

Values = dict[str, float]
IntervalMethod = Literal["normal", "wilson", "exact"]
SUMMARY = ("n", "missing", "mean", "sd", "min", "q1", "median", "q3", "max")
PROPORTION = ("n", "N", "percent", "lower", "upper")


def summary(values: npt.ArrayLike) -> Values:
    """Return n, missing, mean, sd, min, q1, median, q3 and max; NaN where nothing is known (sd needs two values).

    >>> summary([1.0, 2.0, 4.0, float("nan")])["median"]
    2.0
    """
    numbers = np.asarray(values, dtype=np.float64)
    known = numbers[~np.isnan(numbers)]
    made = {"n": float(len(known)), "missing": float(len(numbers) - len(known))}
    if not len(known):
        return made | dict.fromkeys(SUMMARY[2:], float("nan"))
    low, q1, median, q3, high = (float(value) for value in np.quantile(known, [0, 0.25, 0.5, 0.75, 1]))
    sd = float(np.std(known, ddof=1)) if len(known) > 1 else float("nan")
    return made | {
        "mean": float(np.mean(known)), "sd": sd, "min": low, "q1": q1, "median": median, "q3": q3, "max": high,
    }  # fmt: skip


def share(count: int, total: int) -> Values:
    """Return n, N and percent; no percent of nothing."""
    return {"n": float(count), "N": float(total), "percent": 100 * count / total if total else float("nan")}


def proportion(count: int, total: int, level: float = 0.95, method: IntervalMethod = "exact") -> Values:
    """Return n, N, percent and its confidence limits (percent).

    `normal` is the normal approximation, cut at 0 and 100; `wilson` the score interval (JASA 1927; 22:209-12); `exact` the
    interval of Clopper and Pearson (Biometrika 1934; 26:404-13), from scipy.

    >>> round(proportion(17, 18, method="normal")["lower"], 1)
    83.9
    """
    made = share(count, total)
    if not total:
        return made | {"lower": float("nan"), "upper": float("nan")}
    lower, upper = _LIMITS[method](count, total, level)
    return made | {"lower": 100 * max(lower, 0.0), "upper": 100 * min(upper, 1.0)}


def _normal(count: int, total: int, level: float) -> tuple[float, float]:
    p, z = count / total, NormalDist().inv_cdf((1 + level) / 2)
    half = z * sqrt(p * (1 - p) / total)
    return p - half, p + half


def _wilson(count: int, total: int, level: float) -> tuple[float, float]:
    p, z = count / total, NormalDist().inv_cdf((1 + level) / 2)
    middle = (p + z**2 / (2 * total)) / (1 + z**2 / total)
    half = z / (1 + z**2 / total) * sqrt(p * (1 - p) / total + z**2 / (4 * total**2))
    return middle - half, middle + half


def _exact(count: int, total: int, level: float) -> tuple[float, float]:
    from scipy.stats import beta  # noqa: PLC0415 - comes with the optional extra

    tail = (1 - level) / 2
    lower = 0.0 if count == 0 else float(beta.ppf(tail, count, total - count + 1))
    upper = 1.0 if count == total else float(beta.ppf(1 - tail, count + 1, total - count))
    return lower, upper


_LIMITS = {"normal": _normal, "wilson": _wilson, "exact": _exact}
