"""BASE, CHG, PCHG."""

import doctest

import numpy as np
import pandas as pd

from cdiscway.converters.derivations import baseline_change as module
from cdiscway.converters.derivations.baseline_change import base_texts, base_values, percent_change

NAN = float("nan")
GROUP = [pd.Series(["1", "1", "2", "2", "3"]), pd.Series(["ALT"] * 5)]


def test_baseline_is_that_of_the_group_only():
    base = base_values(GROUP, [5.0, 7.0, 9.0, NAN, 1.0], np.array([True, False, False, True, False]))
    np.testing.assert_equal(base.base, [5, 5, NAN, NAN, NAN])
    assert not base.conflict.any()


def test_baselines_that_disagree_are_told_and_not_chosen_from():
    base = base_values(GROUP, [5.0, 7.0, 9.0, 9.0, 1.0], np.array([True, True, True, True, False]))
    np.testing.assert_equal(base.base, [NAN, NAN, 9, 9, NAN])
    assert base.conflict.tolist() == [True, True, False, False, False]


def test_texts_of_the_baseline_record():
    for dtype in ("str", "category"):
        texts = pd.Series(["LOW", "HIGH", None, "LOW", "LOW"], dtype=dtype)
        result = base_texts(GROUP, texts, np.array([False, True, True, False, False])).base
        assert result.astype("str").fillna("").tolist() == ["HIGH", "HIGH", "", "", ""]


def test_percent_of_a_negative_baseline_keeps_its_direction():
    assert percent_change([-1.0, -3.0], [-2.0, -2.0]).tolist() == [50, -50]


def test_examples_in_the_docstrings():
    assert doctest.testmod(module).failed == 0
