"""Visit windows, and unscheduled visits numbered between planned ones."""

import doctest

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdiscway.converters.derivations import visits as module
from cdiscway.converters.derivations.visits import (
    Window,
    overlapping,
    study_days_apart,
    unscheduled_visit_numbers,
    window_of,
)

NAN = float("nan")


@pytest.mark.parametrize(
    ("records", "numbers"),
    [
        ([(1, 1), (5, NAN), (9, 2)], [1, 1.1, 2]),
        ([(1, 1), (5, NAN), (6, NAN), (9, 2), (12, NAN)], [1, 1.1, 1.2, 2, 2.1]),
        ([(1, 1), (5, NAN), (5, NAN), (6, NAN)], [1, 1.1, 1.1, 1.2]),
        ([(1, 1), (1, NAN), (1, 1)], [1, 1.1, 1]),
        ([(0, NAN), (1, 1)], [0.1, 1]),
        ([(0, NAN)], [0.1]),
        ([(NAN, NAN), (1, 1)], [NAN, 1]),
        ([(NAN, 3), (1, 1), (2, NAN)], [3, 1, 1.1]),
        ([(1, 1)] + [(day, NAN) for day in range(2, 12)], [1] + [1 + place / 100 for place in range(1, 11)]),
    ],
)
def test_unscheduled_case(records, numbers):
    subject = pd.Series(["1"] * len(records))
    result = unscheduled_visit_numbers(subject, *zip(*records, strict=True))
    np.testing.assert_allclose(result, numbers)


def test_declared_decimals_that_do_not_fit_are_told():
    subject = pd.Series(["1"] * 10)
    with pytest.raises(ValueError, match="10 unscheduled visits"):
        unscheduled_visit_numbers(subject, list(range(10)), [NAN] * 10, decimals=1)


RECORDS = st.lists(
    st.tuples(st.sampled_from("ab"), st.integers(0, 6), st.sampled_from([1.0, 2.0, NAN])), min_size=1, max_size=12
)


@given(RECORDS, st.randoms(use_true_random=False))
def test_shuffled_rows_have_the_same_numbers(records, random):
    def run(rows):
        frame = pd.DataFrame(rows, columns=["subject", "day", "visit"])
        return unscheduled_visit_numbers(frame["subject"], frame["day"], frame["visit"])

    order = list(range(len(records)))
    random.shuffle(order)
    np.testing.assert_equal(run([records[place] for place in order]), run(records)[order])


def test_windows_that_share_a_day_are_told():
    windows = [Window("A", 1, None, 1), Window("B", 2, 1, 5), Window("C", 3, 6, None)]
    assert overlapping(windows) == [("A", "B")]


def test_days_outside_all_windows_have_none():
    windows = [Window("A", 1, 1, 1), Window("B", 2, 3, 5)]
    assert window_of([0, 1, 2, 3, 5, 6, NAN], windows).tolist() == [-1, 0, -1, 1, 1, -1, -1]


def test_there_is_no_day_0_between_study_days():
    np.testing.assert_equal(study_days_apart([-3, -1, 1, 8, NAN], [1, 1, 8, 8, 8]), [3, 1, 7, 0, NAN])


def test_examples_in_the_docstrings():
    assert doctest.testmod(module).failed == 0
