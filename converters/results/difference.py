"""The difference of two proportions with its interval, in percentage points."""

from __future__ import annotations

from collections.abc import Callable
from math import acos, cos, nan, pi, sqrt
from statistics import NormalDist
from typing import Literal

from .statistics import Values, proportion

DifferenceMethod = Literal["newcombe", "wald", "miettinen_nurminen"]
DIFFERENCE = ("difference", "lower", "upper")
METHODS: dict[DifferenceMethod, str] = {
    "newcombe": "Newcombe (method 10, from Wilson intervals)",
    "wald": "Wald (normal approximation)",
    "miettinen_nurminen": "Miettinen and Nurminen (score)",
}
"""Whose interval it is, in words."""
STEPS = 60
"""Halvings of an interval of at most 2: far below what is shown."""


def difference(first: tuple[int, int], second: tuple[int, int], level: float, method: DifferenceMethod) -> Values:
    """Return the first proportion minus the second (each a count and its total) and the limits; NaN of nothing.

    `wald` is the normal approximation; `newcombe` is made of two Wilson intervals (method 10 of Newcombe, Statistics in
    Medicine 1998; 17:873-90); `miettinen_nurminen` the score interval (Statistics in Medicine 1985; 4:213-26).

    >>> {name: round(value, 2) for name, value in difference((56, 70), (48, 80), 0.95, "newcombe").items()}
    {'difference': 20.0, 'lower': 5.24, 'upper': 33.39}
    """
    if not first[1] or not second[1]:
        return dict.fromkeys(DIFFERENCE, nan)
    lower, upper = _LIMITS[method](first, second, level)
    return {
        "difference": 100 * (first[0] / first[1] - second[0] / second[1]),
        "lower": 100 * max(lower, -1.0),
        "upper": 100 * min(upper, 1.0),
    }


def _wald(first: tuple[int, int], second: tuple[int, int], level: float) -> tuple[float, float]:
    (p1, n1), (p2, n2) = ((count / total, total) for count, total in (first, second))
    half = NormalDist().inv_cdf((1 + level) / 2) * sqrt(p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2)
    return p1 - p2 - half, p1 - p2 + half


def _newcombe(first: tuple[int, int], second: tuple[int, int], level: float) -> tuple[float, float]:
    (p1, l1, u1), (p2, l2, u2) = (
        [made[name] / 100 for name in ("percent", "lower", "upper")]
        for made in (proportion(*counts, level, "wilson") for counts in (first, second))
    )
    return p1 - p2 - sqrt((p1 - l1) ** 2 + (u2 - p2) ** 2), p1 - p2 + sqrt((u1 - p1) ** 2 + (p2 - l2) ** 2)


def _miettinen_nurminen(first: tuple[int, int], second: tuple[int, int], level: float) -> tuple[float, float]:
    z, middle = NormalDist().inv_cdf((1 + level) / 2), first[0] / first[1] - second[0] / second[1]
    return (
        _edge(lambda delta: _score(first, second, delta) <= z, middle, -1.0),
        _edge(lambda delta: _score(first, second, delta) >= -z, middle, 1.0),
    )


def _edge(holds: Callable[[float], bool], inside: float, outside: float) -> float:
    """Return where a condition that holds inside ends on the way to the outside, by halving."""
    for _ in range(STEPS):
        between = (inside + outside) / 2
        inside, outside = (between, outside) if holds(between) else (inside, between)
    return inside


def _score(first: tuple[int, int], second: tuple[int, int], delta: float) -> float:
    """Return the score statistic of a difference: the variance is that of the likeliest proportions which differ by it."""
    (x1, n1), (x2, n2) = first, second
    total = n1 + n2
    p2 = _likeliest(first, second, delta)
    p1 = min(max(p2 + delta, 0.0), 1.0)
    variance = (p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2) * total / (total - 1)
    apart = x1 / n1 - x2 / n2 - delta
    if variance <= 0:
        return 0.0 if abs(apart) < 1e-12 else float("inf") * apart
    return apart / sqrt(variance)


def _likeliest(first: tuple[int, int], second: tuple[int, int], delta: float) -> float:
    """Return the likeliest second proportion if the first is more by `delta`: the root of a cubic, in closed form (1985)."""
    (x1, n1), (x2, n2) = first, second
    total = n1 + n2
    square = ((n1 + 2 * n2) * delta - total - x1 - x2) / (3 * total)
    linear = ((n2 * delta - total - 2 * x2) * delta + x1 + x2) / (3 * total)
    constant = x2 * delta * (1 - delta) / total
    c = square**3 - 1.5 * square * linear + constant / 2
    b = sqrt(max(square**2 - linear, 0.0)) * (1 if c > 0 else -1)
    ratio = min(max(c / b**3, -1.0), 1.0) if b else 0.0
    return min(max(2 * b * cos((pi + acos(ratio)) / 3) - square, 0.0), 1.0)


_LIMITS = {"newcombe": _newcombe, "wald": _wald, "miettinen_nurminen": _miettinen_nurminen}
