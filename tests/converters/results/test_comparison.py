"""Tests of groups against published results, and against what cannot be compared."""

from __future__ import annotations

import doctest
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from cdiscway.converters.results import comparison
from cdiscway.converters.results.comparison import COMPARISON, chi_squared, fisher, kruskal_wallis, log_rank

pytest.importorskip("sksurv", reason="the optional extra cdiscway[results] is not installed")
CASES = yaml.safe_load((Path(__file__).parents[2] / "cases" / "results" / "comparisons.yaml").read_text())


def compared(test: str, case: dict[str, Any]) -> dict[str, float]:
    if test == "log_rank":
        groups = case["groups"]
        code = np.repeat(np.arange(len(groups)), [len(group["times"]) for group in groups])
        times = np.concatenate([group["times"] for group in groups])
        return log_rank(times, np.concatenate([group["event"] for group in groups]).astype(bool), code)
    if test == "kruskal_wallis":
        return kruskal_wallis(case["samples"])
    return (fisher if test == "fisher" else chi_squared)(case["counts"])


@pytest.mark.parametrize(("test", "case"), [(test, case) for test, cases in CASES.items() for case in cases])
def test_result_is_that_published(test: str, case: dict[str, Any]) -> None:
    found = compared(test, case)
    assert tuple(found) == COMPARISON
    for name in set(COMPARISON) & set(case):
        assert found[name] == pytest.approx(case[name], rel=2e-3)


NOTHING = [
    ("nobody", lambda: fisher([])),
    ("one group", lambda: fisher([[3, 4]])),
    ("one group with anybody", lambda: chi_squared([[3, 4], [0, 0]])),
    ("three groups: no exact test that comes again", lambda: fisher([[3, 4], [4, 3], [1, 1]])),
    ("one level", lambda: fisher([[3, 0], [4, 0]])),
    ("no values", lambda: kruskal_wallis([[], [np.nan]])),
    ("all values the same", lambda: kruskal_wallis([[1.0, 1.0], [1.0]])),
    ("no events", lambda: log_rank([1.0, 2.0], np.zeros(2, bool), [0, 1])),
    ("no subjects", lambda: log_rank([], np.zeros(0, bool), [])),
    ("one arm", lambda: log_rank([1.0, 2.0], np.ones(2, bool), [1, 1])),
    ("the event comes when one arm alone is left", lambda: log_rank([1.0, 2.0], np.array([False, True]), [0, 1])),
]


@pytest.mark.parametrize(("name", "compare"), NOTHING, ids=[name for name, _ in NOTHING])
def test_what_cannot_be_compared_has_no_p_value_and_is_no_error(name: str, compare: Any) -> None:
    assert np.isnan(compare()["p"])


def test_examples_hold() -> None:
    assert doctest.testmod(comparison).failed == 0
