"""First of N consecutive days: what a missing day, a second record and a transfusion mean is declared."""

import doctest

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdiscway.converters.derivations import consecutive_days as module
from cdiscway.converters.derivations.consecutive_days import Measurements, Recovery, first_of_consecutive_days


def first(days, rule, start=1.0, transfusions=()):
    """`days` maps a day to whether the condition holds (a list for several records)."""
    records = [(day, held) for day, marks in days.items() for held in (marks if isinstance(marks, list) else [marks])]
    frame = pd.DataFrame(records, columns=["day", "holds"])
    measured = Measurements(pd.Series(["1"] * len(frame)), frame["day"], frame["holds"].to_numpy(dtype=bool))
    excluded = (pd.Series(["1"] * len(transfusions), dtype="str"), list(transfusions))
    (found,) = first_of_consecutive_days(pd.Series(["1"]), [start], measured, rule, excluded)
    return None if np.isnan(found) else found


DAYS = {1: False, 2: True, 3: True, 4: False, 5: True, 6: True, 7: True, 8: True}
GAP = {1: True, 2: True, 4: True, 5: True}


@pytest.mark.parametrize(
    ("days", "rule", "start", "transfusions", "expected"),
    [
        (DAYS, Recovery(3), 1, (), 5),
        (DAYS, Recovery(2), 1, (), 2),
        (DAYS, Recovery(1), 1, (), 2),
        (DAYS, Recovery(5), 1, (), None),
        (DAYS, Recovery(3), 6, (), 6),
        (DAYS, Recovery(3), 7, (), None),
        (GAP, Recovery(3), 1, (), None),
        (GAP, Recovery(3, "holds"), 1, (), 1),
        (GAP, Recovery(5, "holds"), 1, (), 1),
        (GAP, Recovery(6, "holds"), 1, (), None),
        (GAP, Recovery(4, "skipped"), 1, (), 1),
        (GAP, Recovery(5, "skipped"), 1, (), None),
        ({1: True, 3: False, 4: True, 5: True}, Recovery(3, "holds"), 1, (), None),
        ({1: True, 2: [True, False], 3: True}, Recovery(3), 1, (), None),
        ({1: True, 2: [True, False], 3: True}, Recovery(3, same_day="any"), 1, (), 1),
        (DAYS, Recovery(3, clear_before=5), 1, [2], None),
        (DAYS, Recovery(3, clear_before=3), 1, [2], 6),
        (DAYS, Recovery(3, clear_before=4, clear_after=0), 1, [0], 5),
        (DAYS, Recovery(3, clear_after=2), 1, [7], None),
        (DAYS, Recovery(3, clear_after=2), 1, [8], 5),
        (DAYS, Recovery(3), 1, [5], 5),
        ({}, Recovery(3), 1, (), None),
    ],
)
def test_case(days, rule, start, transfusions, expected):
    assert first(days, rule, float(start), transfusions) == expected


@given(
    st.dictionaries(st.integers(1, 14), st.booleans()),
    st.integers(1, 4),
    st.lists(st.integers(-3, 16), max_size=3),
    st.integers(0, 5),
)
def test_agrees_with_a_loop_over_calendar_days(days, length, transfusions, window):
    expected = next(
        (
            day
            for day in range(1, 15)
            if all(days.get(day + step, False) for step in range(length))
            and not any(day - window <= event <= day for event in transfusions)
        ),
        None,
    )
    assert first(days, Recovery(length, clear_before=window), 1.0, transfusions) == expected


@given(
    st.lists(st.tuples(st.sampled_from("12"), st.integers(1, 8), st.booleans()), max_size=20),
    st.randoms(use_true_random=False),
)
def test_order_of_rows_does_not_matter(records, random):
    def run(rows):
        frame = pd.DataFrame(rows, columns=["subject", "day", "holds"])
        measured = Measurements(
            frame["subject"].astype("str"), frame["day"].astype("float64"), frame["holds"].to_numpy(dtype=bool)
        )
        return first_of_consecutive_days(pd.Series(["1", "2"]), [1.0, 2.0], measured, Recovery(2))

    shuffled = list(records)
    random.shuffle(shuffled)
    np.testing.assert_equal(run(shuffled), run(records))


def test_examples_in_the_docstrings():
    assert doctest.testmod(module).failed == 0
