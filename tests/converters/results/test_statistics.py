"""Statistics against published numbers, and the estimators against each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cdiscway.converters.results.statistics import proportion, summary
from cdiscway.converters.results.survival import _of_one_cause, cumulative_incidence, kaplan_meier

pytest.importorskip("sksurv", reason="the optional extra cdiscway[results] is not installed")
CASES = yaml.safe_load((Path(__file__).parents[2] / "cases" / "results" / "published.yaml").read_text())


@pytest.mark.parametrize("case", CASES["proportions"], ids=lambda case: f"{case['count']}/{case['total']}")
@pytest.mark.parametrize("method", ["normal", "wilson", "exact"])
def test_limits_of_a_proportion_are_those_published(case: dict[str, Any], method: Any) -> None:
    found = proportion(case["count"], case["total"], method=method)
    assert [found["lower"] / 100, found["upper"] / 100] == pytest.approx(case[method], abs=5.1e-5)


@pytest.mark.parametrize("case", CASES["quartiles"])
def test_quartiles_are_of_type_7(case: dict[str, Any]) -> None:
    found = summary(case["values"])
    assert [found[name] for name in ("q1", "median", "q3")] == [case["q1"], case["median"], case["q3"]]


@pytest.mark.parametrize("case", CASES["survival"]["at"], ids=lambda case: f"t={case['time']}")
def test_kaplan_meier_is_that_published(case: dict[str, Any]) -> None:
    curve = kaplan_meier(CASES["survival"]["times"], np.array(CASES["survival"]["event"], dtype=bool))
    found = curve.at(case["time"])
    assert found["at_risk"] == case["at_risk"]
    for name in ("percent", "lower", "upper"):
        assert found[name] == pytest.approx(case[name], abs=0.0051)


def test_median_survival_is_the_first_time_at_or_below_a_half() -> None:
    curve = kaplan_meier(CASES["survival"]["times"], np.array(CASES["survival"]["event"], dtype=bool))
    found = curve.first_at_most(0.5)
    assert (found["time"], found["lower"]) == (CASES["survival"]["median"], 13)
    assert np.isnan(found["upper"])


def test_a_curve_without_events_stays_where_it_begins_and_has_no_limits() -> None:
    for curve, percent in (
        (kaplan_meier([5.0, 9.0], np.zeros(2, bool)), 100),
        (cumulative_incidence([5.0], [0], 1), 0),
    ):
        assert curve.at(7)["percent"] == percent
        assert np.isnan(curve.at(7)["lower"])


def test_nothing_known_gives_no_numbers_and_no_error() -> None:
    assert summary([])["n"] == 0
    assert np.isnan(summary([np.nan])["median"])
    assert np.isnan(proportion(0, 0)["percent"])
    assert kaplan_meier([], np.zeros(0, bool)).at(1)["n"] == 0


times_and_events = st.lists(st.tuples(st.integers(1, 12), st.booleans()), min_size=3, max_size=30)


@given(times_and_events)
def test_incidence_of_the_only_cause_is_what_the_library_says_where_another_comes_last(
    found: list[tuple[int, bool]],
) -> None:
    from sksurv.nonparametric import cumulative_incidence_competing_risks

    times = np.array([*(time for time, _ in found), 99], dtype=float)
    event = np.array([*(happened for _, happened in found), False])
    if not event.any():
        return
    at, own = _of_one_cause(times, event, 0.95)
    causes = event.astype(int)
    causes[-1] = 2
    with np.errstate(all="ignore"):
        _, estimate, limits = cumulative_incidence_competing_risks(causes, times, conf_type="log-log", var_type="Aalen")
    before = (at < 99) & (estimate[1] > 0) & (estimate[1] < 1 - 1e-9)
    assert own[0][before] == pytest.approx(estimate[1][before])
    assert own[1][before] == pytest.approx(limits[1][0][before], abs=1e-9)
    assert own[2][before] == pytest.approx(limits[1][1][before], abs=1e-9)


@given(st.lists(st.tuples(st.integers(1, 12), st.integers(0, 2)), min_size=1, max_size=30), st.randoms())
def test_incidences_of_all_causes_and_survival_add_up_and_the_order_of_subjects_does_not_matter(
    found: list[tuple[int, int]], random: Any
) -> None:
    times = np.array([time for time, _ in found], dtype=float)
    cause = np.array([kind for _, kind in found])
    shuffled = list(range(len(found)))
    random.shuffle(shuffled)
    with np.errstate(all="ignore"):
        survival = kaplan_meier(times, cause > 0)
        curves = [cumulative_incidence(times, cause, wanted) for wanted in (1, 2)]
        again = cumulative_incidence(times[shuffled], cause[shuffled], 1)
    for time in (0, 3, 6, 12):
        total = survival.at(time)["percent"] + sum(curve.at(time)["percent"] for curve in curves)
        assert total == pytest.approx(100)
        assert again.at(time) == pytest.approx(curves[0].at(time), nan_ok=True)
