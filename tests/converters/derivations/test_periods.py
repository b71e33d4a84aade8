"""Treatment periods: runs of one treatment, and the period of a day."""

import doctest

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdiscway.converters.derivations import periods as module
from cdiscway.converters.derivations.periods import period_on, periods_of

NAN = float("nan")


def run(records, until_next=False):
    frame = pd.DataFrame(records, columns=["subject", "start", "end", "value"])
    found = periods_of(
        pd.Series(["1", "2"]),
        frame["subject"].astype("str"),
        frame["start"].astype("float64"),
        frame["end"].astype("float64"),
        frame["value"].astype("str"),
        until_next=until_next,
    )
    parts = [found.subject, found.number, found.start, found.end, found.value]
    return list(zip(*(np.asarray(part).tolist() for part in parts), strict=True)), found.undecided.tolist()


@pytest.mark.parametrize(
    ("records", "until_next", "periods"),
    [
        ([("1", 1, 10, "A"), ("1", 21, 30, "B")], False, [(0, 1, 1, 10, "A"), (0, 2, 21, 30, "B")]),
        ([("1", 1, 10, "A"), ("1", 21, 30, "B")], True, [(0, 1, 1, 20, "A"), (0, 2, 21, 30, "B")]),
        ([("1", 1, 10, "A"), ("1", 21, 30, "A")], False, [(0, 1, 1, 30, "A")]),
        ([("1", 1, 5, "A"), ("1", 6, 8, "B"), ("1", 9, 10, "A")], False,
         [(0, 1, 1, 5, "A"), (0, 2, 6, 8, "B"), (0, 3, 9, 10, "A")]),
        ([("2", 1, 5, "A"), ("1", 6, 8, "A")], False, [(0, 1, 6, 8, "A"), (1, 1, 1, 5, "A")]),
        ([("1", 1, 20, "A"), ("1", 5, 10, "A")], False, [(0, 1, 1, 20, "A")]),
        ([("1", NAN, 20, "A"), ("1", 5, 10, None), ("9", 1, 2, "A")], False, []),
        ([], False, []),
    ],
)  # fmt: skip
def test_case(records, until_next, periods):
    assert run(records, until_next)[0] == periods


def test_the_end_of_a_treatment_that_goes_on_is_open():
    ((*_, end, _value),), _ = run([("1", 1, 10, "A"), ("1", 11, NAN, "A")])
    assert np.isnan(end)
    ((*_, end, _value),), _ = run([("1", 1, NAN, "A"), ("1", 11, 20, "A")])
    assert end == 20


def test_two_treatments_that_begin_on_one_day_leave_no_periods():
    periods, undecided = run([("1", 1, 10, "A"), ("1", 1, 5, "B"), ("2", 1, 5, "B")])
    assert periods == [(1, 1, 1, 5, "B")]
    assert undecided == [True, False]


@given(
    st.lists(
        st.tuples(st.sampled_from("12"), st.integers(1, 30), st.integers(0, 9), st.sampled_from("AB")), max_size=10
    ),
    st.randoms(use_true_random=False),
)
def test_order_of_rows_does_not_matter(records, random):
    rows = [(subject, start, start + length, value) for subject, start, length, value in records]
    shuffled = list(rows)
    random.shuffle(shuffled)
    assert run(shuffled) == run(rows)


@pytest.mark.parametrize(
    ("day", "number"), [(0, -1), (1, 0), (9, 0), (10, 1), (15, 1), (20, 1), (21, -1), (30, 2), (99, 2), (NAN, -1)]
)
def test_the_period_of_a_day(day, number):
    starts, ends = [[1.0], [10.0], [30.0]], [[10.0], [20.0], [NAN]]
    assert period_on([day], starts, ends).tolist() == [number]


def test_a_period_that_a_subject_does_not_have_holds_no_day():
    assert period_on([5.0], [[NAN]], [[NAN]]).tolist() == [-1]


def test_examples_in_the_docstrings():
    assert doctest.testmod(module).failed == 0
