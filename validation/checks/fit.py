"""Data that do not fit: what no rule of the guides forbids, and a clinical programmer would ask about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from .base import Hit, Study, hits, is_sdtm, rule
from .view import View

_FEWEST = 20
_FAR = 8.0


def _visits(_study: Study, view: View) -> Sequence[str]:
    date = view.real("--DTC") if view.real("--DTC") in view else view.real("--STDTC")
    names = ("USUBJID", "VISITNUM", date)
    return names if is_sdtm(view) and all(name in view for name in names) and not view.is_text("VISITNUM") else ()


@rule("CDW-VISIT-ORDER", "warning", group="fit", citation="", applies=_visits, fix_in="raw")
def visits_follow_each_other(study: Study, view: View) -> Iterator[Hit]:
    """A subject's visits follow each other in time: none begins before the one numbered below it.

    Days are compared, and only where they are known; unscheduled visits (24.1) take part.
    """
    date = _visits(study, view)[2]
    days, number = view.dates(date).days(), view.numbers("VISITNUM")
    known = np.flatnonzero(~np.isnan(days) & ~np.isnan(number))
    if not len(known):
        return
    subjects = view.distinct("USUBJID")[0][known]
    order = known[np.lexsort((days[known], number[known], subjects))]
    groups = view.group("USUBJID", "VISITNUM")
    first = order[np.unique(groups[order], return_index=True)[1]]
    first = first[np.lexsort((number[first], view.distinct("USUBJID")[0][first]))]
    same = view.distinct("USUBJID")[0][first][1:] == view.distinct("USUBJID")[0][first][:-1]
    early = same & (days[first][1:] < days[first][:-1])
    mask = np.zeros(len(view), dtype=bool)
    mask[first[1:][early]] = True
    yield from hits("VISITNUM", "the visit begins before the one numbered below it", mask, show=("VISITNUM", date))


def _results(_study: Study, view: View) -> Sequence[str]:
    names = [view.real(name) for name in ("--TESTCD", "--STRESN")]
    ready = is_sdtm(view) and view.prefix in {"LB", "VS", "EG"} and all(name in view for name in names)
    return names if ready and not view.is_text(names[1]) else ()


@rule("CDW-OUTLIER", "info", group="fit", citation="", applies=_results, fix_in="raw")
def results_are_near_the_others(study: Study, view: View) -> Iterator[Hit]:
    """A result is not far from the other results of its test and unit: most often a unit or a decimal mark is wrong.

    The distance is robust: from the median, in units of the median absolute deviation (times 1.4826), on the scale of
    logarithms where all results are above 0. Eight and more is far; a test needs twenty results.
    """
    test, result = _results(study, view)
    context = [view.real(name) for name in ("--TESTCD", "--SPEC", "--STRESU") if view.real(name) in view]
    groups, values = view.group(*context), view.numbers(result)
    known = np.flatnonzero(~np.isnan(values))
    order = known[np.argsort(groups[known], kind="stable")]
    if not len(order):
        return
    mask = np.zeros(len(view), dtype=bool)
    for here in np.split(order, np.flatnonzero(np.diff(groups[order])) + 1):
        mask[here] = _distance(values[here]) >= _FAR
    yield from hits(
        result, f"{result} is far from the other results of its test", mask, show=(test, *context[1:], result)
    )


def _distance(values: np.ndarray) -> np.ndarray:
    if len(values) < _FEWEST:
        return np.zeros(len(values))
    scaled = np.log(values) if (values > 0).all() else values
    away = np.abs(scaled - np.median(scaled))
    spread = 1.4826 * float(np.median(away))
    return away / spread if spread else np.zeros(len(values))
