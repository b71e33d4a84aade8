"""Intervals of a difference of two proportions against those of a published comparison of methods."""

from __future__ import annotations

import doctest
from math import isnan
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cdiscway.converters.results import difference as module
from cdiscway.converters.results.difference import difference

CASES = yaml.safe_load((Path(__file__).parents[2] / "cases" / "results" / "differences.yaml").read_text())
COUNTS = st.integers(1, 40).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total)))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['method']} {case['first']} {case['second']}")
def test_interval_is_that_published(case: dict[str, Any]) -> None:
    found = difference(tuple(case["first"]), tuple(case["second"]), 0.95, case["method"])
    assert [found["lower"] / 100, found["upper"] / 100] == pytest.approx(case["limits"], abs=6e-5)


@given(COUNTS, COUNTS, st.sampled_from(["newcombe", "wald", "miettinen_nurminen"]))
def test_limits_hold_the_difference_and_turn_with_it(first: Any, second: Any, method: Any) -> None:
    one, other = difference(first, second, 0.95, method), difference(second, first, 0.95, method)
    assert -100 <= one["lower"] <= one["difference"] + 1e-6
    assert one["difference"] - 1e-6 <= one["upper"] <= 100
    assert one["lower"] == pytest.approx(-other["upper"], abs=1e-5)


def test_of_nobody_there_is_no_difference() -> None:
    assert all(isnan(value) for value in difference((0, 0), (1, 2), 0.95, "wald").values())


def test_examples_hold() -> None:
    assert doctest.testmod(module).failed == 0
