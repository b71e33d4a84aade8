"""Curves of time-to-event data: Kaplan-Meier and cumulative incidence, with log(-log) confidence limits.

The estimators are those of scikit-survival (the optional extra `cdiscway[results]`): Kaplan-Meier with Greenwood's variance,
cumulative incidence with Aalen's variance as in Pintilie, Competing Risks (Wiley 2006), equation 4.5. Where only one kind of
event occurs scikit-survival has no cumulative incidence; the same equation then has one cause, and is worked out here.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from .statistics import Values

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """A step curve: from each time on its estimate and limits (0 to 1), with how many were at risk just before.

    `times` begin with 0, where the estimate is `start` (1 for survival, 0 for incidence). `exits` are all times, sorted, from
    which the number at risk at any time follows; `censored` are the times of the censored.
    """

    times: Floats
    estimate: Floats
    lower: Floats
    upper: Floats
    exits: Floats
    censored: Floats
    events: int

    def at(self, time: float) -> Values:
        """Return percent, its limits, and the number at risk at a time; NaN limits where there was no event before."""
        place = int(np.searchsorted(self.times, time, side="right")) - 1
        known = self.estimate[place] != self.estimate[0]
        lower, upper = (float(limit[place]) if known else float("nan") for limit in (self.lower, self.upper))
        return {
            "n": float(len(self.exits)), "events": float(self.events), "at_risk": float(self.at_risk(time)),
            "percent": 100 * float(self.estimate[place]), "lower": 100 * lower, "upper": 100 * upper,
        }  # fmt: skip

    def at_risk(self, time: float) -> int:
        """Return how many were still under observation at a time."""
        return len(self.exits) - int(np.searchsorted(self.exits, time, side="left"))

    def first_at_most(self, share: float) -> Values:
        """Return the first time at which survival is `share` or less (0.5: the median), with its limits (from the band)."""
        found = [_first_time(self.times, line, share) for line in (self.estimate, self.lower, self.upper)]
        return {
            "n": float(len(self.exits)), "events": float(self.events),
            "time": found[0], "lower": found[1], "upper": found[2],
        }  # fmt: skip


def _first_time(times: Floats, line: Floats, share: float) -> float:
    below = np.flatnonzero(line <= share + 1e-12)
    return float(times[below[0]]) if len(below) else float("nan")


def kaplan_meier(times: npt.ArrayLike, event: npt.NDArray[np.bool_], level: float = 0.95) -> Curve:
    """Return the survival curve; `event` is true for an event, false for a censored time."""
    from sksurv.nonparametric import kaplan_meier_estimator  # noqa: PLC0415 - optional extra

    exits = np.asarray(times, dtype=np.float64)
    if not event.any():
        return _without_events(exits, 1.0)
    at, estimate, (lower, upper) = kaplan_meier_estimator(event, exits, conf_type="log-log", conf_level=level)
    return _curve(at, (estimate, lower, upper), 1.0, exits, event)


def cumulative_incidence(times: npt.ArrayLike, cause: npt.ArrayLike, wanted: int, level: float = 0.95) -> Curve:
    """Return the cumulative incidence of the `wanted` cause; `cause` is 0 for a censored time, 1, 2 ... for the events."""
    exits, causes = np.asarray(times, dtype=np.float64), np.asarray(cause, dtype=np.int64)
    event = causes == wanted
    if not event.any():
        return _without_events(exits, 0.0, np.sort(exits[causes == 0]))
    kinds = np.unique(causes[causes > 0])
    if len(kinds) == 1:
        at, lines = _of_one_cause(exits, event, level)
    else:
        numbered = np.where(causes > 0, np.searchsorted(kinds, causes) + 1, 0)
        at, every = _of_several_causes(exits, numbered, level)
        lines = every[int(np.searchsorted(kinds, wanted)) + 1]
    return _curve(at, (lines[0], lines[1], lines[2]), 0.0, exits, event, np.sort(exits[causes == 0]))


def _of_several_causes(exits: Floats, causes: npt.NDArray[np.int64], level: float) -> tuple[Floats, Floats]:
    from sksurv.nonparametric import cumulative_incidence_competing_risks  # noqa: PLC0415 - optional extra

    at, estimate, limits = cumulative_incidence_competing_risks(
        causes, exits, conf_type="log-log", conf_level=level, var_type="Aalen"
    )
    return at, np.concatenate([estimate[:, np.newaxis, :], limits], axis=1)


def _of_one_cause(exits: Floats, event: npt.NDArray[np.bool_], level: float) -> tuple[Floats, Floats]:
    """Return times and (estimate, lower, upper) where every event is of one cause."""
    at = np.unique(exits)
    ordered = np.sort(exits)
    risk = (len(exits) - np.searchsorted(ordered, at, side="left")).astype(np.float64)
    died = np.bincount(np.searchsorted(at, exits[event]), minlength=len(at)).astype(np.float64)
    survival = np.cumprod(1 - died / risk)
    before = np.concatenate([[1.0], survival[:-1]])
    estimate = np.cumsum(before * died / risk)
    return at, np.stack([estimate, *_log_log(estimate, _aalen(died, risk, before, estimate), level)])


def _aalen(died: Floats, risk: Floats, before: Floats, estimate: Floats) -> Floats:
    """Return the variance of the cumulative incidence of the only cause at each time (Pintilie 2006, equation 4.5)."""

    def over(top: Floats, bottom: Floats) -> Floats:
        return np.divide(top, bottom, out=np.zeros_like(bottom), where=bottom > 0)

    first = over(died, (risk - 1) * (risk - died))
    second = np.cumsum(over((risk - died) * died * before**2, (risk - 1) * risk**2))
    third = over((risk - died) * died * before, risk * (risk - died) * (risk - 1))
    # The sums over j <= t of (I(t) - I(j))**2 a(j) and (I(t) - I(j)) c(j), by running sums instead of a square table.
    a0, a1, a2 = (np.cumsum(first * estimate**power) for power in (0, 1, 2))
    c0, c1 = (np.cumsum(third * estimate**power) for power in (0, 1))
    return np.asarray(estimate**2 * a0 - 2 * estimate * a1 + a2 + second - 2 * (estimate * c0 - c1))


def _log_log(estimate: Floats, variance: Floats, level: float) -> tuple[Floats, Floats]:
    inside = (estimate > 0) & (estimate < 1)
    log = np.log(np.where(inside, estimate, 0.5))
    half = (
        NormalDist().inv_cdf((1 + level) / 2)
        * np.sqrt(np.maximum(variance, 0))
        / (np.where(inside, estimate, 0.5) * log)
    )
    sides = [np.where(inside, np.exp(np.exp(np.clip(sign * half, -700, 700)) * log), estimate) for sign in (-1, 1)]
    return np.minimum(*sides), np.maximum(*sides)


def _curve(
    at: Floats,
    lines: tuple[Floats, Floats, Floats],
    start: float,
    exits: Floats,
    event: npt.NDArray[np.bool_],
    censored: Floats | None = None,
) -> Curve:
    """Return the curve with its begin at 0; an event at time 0 replaces the begin."""
    lead = len(at) == 0 or at[0] > 0
    times = np.concatenate([[0.0], at]) if lead else np.asarray(at, dtype=np.float64)
    estimate, lower, upper = (np.concatenate([[start], line]) if lead else np.asarray(line) for line in lines)
    left = np.sort(exits[~event]) if censored is None else censored
    return Curve(times, estimate, lower, upper, np.sort(exits), left, int(event.sum()))


def _without_events(exits: Floats, start: float, censored: Floats | None = None) -> Curve:
    line = np.array([start])
    return Curve(np.array([0.0]), line, line, line, np.sort(exits), np.sort(exits) if censored is None else censored, 0)
