"""Exposure: treatment days and doses; nothing uncountable is counted as 0."""

import doctest

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdiscway.converters.derivations import exposure as module
from cdiscway.converters.derivations.exposure import (
    cumulative_dose,
    dose_intensity,
    dose_per_kg,
    doses_given,
    first_day,
    is_treatment,
    last_day,
    running_total,
    total_dose,
)

NAN = float("nan")


@pytest.mark.parametrize(
    ("dose", "treatment", "given_"),
    [(5, "DRUG X", True), (0, "DRUG X", False), (0, "Placebo tablet", True), (NAN, "PLACEBO", False), (0, None, False)],
)
def test_placebo_of_dose_0_is_treatment(dose, treatment, given_):
    assert is_treatment([dose], pd.Series([treatment], dtype="str")).tolist() == [given_]


def test_first_and_last_day_of_each_subject():
    subjects, subject, days = pd.Series(["1", "2", "3"]), pd.Series(["1", "1", "2", "9"]), [5.0, 3.0, NAN, 1.0]
    np.testing.assert_equal(first_day(subjects, subject, days), [3, NAN, NAN])
    np.testing.assert_equal(last_day(subjects, subject, days), [5, NAN, NAN])
    assert last_day(subjects, subject, days, np.array([False, True, True, True]))[0] == 3


@pytest.mark.parametrize(
    ("start", "end", "per_day", "doses"),
    [(1, 1, 1, 1), (1, 10, 2, 20), (2, 1, 1, NAN), (1, NAN, 1, NAN), (1, 2, NAN, NAN)],
)
def test_doses_of_a_record(start, end, per_day, doses):
    np.testing.assert_equal(doses_given([start], [end], [per_day]), [doses])


@given(st.lists(st.tuples(st.sampled_from("12"), st.floats(0, 1e6)), max_size=20), st.randoms(use_true_random=False))
def test_sum_is_the_same_to_the_last_bit_for_any_order(records, random):
    def run(rows):
        frame = pd.DataFrame(rows, columns=["subject", "dose"])
        return cumulative_dose(pd.Series(["1", "2"]), frame["subject"].astype("str"), frame["dose"].astype("float64"))[
            0
        ]

    shuffled = list(records)
    random.shuffle(shuffled)
    np.testing.assert_equal(run(shuffled), run(records))


RECORDS = st.lists(
    st.tuples(st.sampled_from("12"), st.floats(0, 1e6), st.integers(0, 30)), max_size=12, unique_by=lambda item: item[2]
)


@given(RECORDS, st.randoms(use_true_random=False))
def test_a_running_total_is_the_same_to_the_last_bit_for_any_order(records, random):
    def run(rows):
        frame = pd.DataFrame(rows, columns=["subject", "dose", "day"])
        keys = [frame["day"].astype("float64")]
        among = np.ones(len(frame), dtype=bool)
        found = running_total([frame["subject"].astype("str")], frame["dose"].astype("float64"), keys, among)
        return {item[2]: value for item, value in zip(rows, found.tolist(), strict=True)}

    shuffled = list(records)
    random.shuffle(shuffled)
    assert run(shuffled) == run(records)


def test_a_missing_dose_leaves_the_total_unknown_from_there_on():
    found = running_total([pd.Series(["1"] * 3)], [1.0, NAN, 2.0], [pd.Series([1.0, 2.0, 3.0])], np.array([True] * 3))
    np.testing.assert_equal(found, [1, NAN, NAN])


def test_no_planned_dose_no_intensity():
    np.testing.assert_equal(dose_intensity([5.0, 5.0, NAN], [0.0, NAN, 10.0]), [NAN, NAN, NAN])


def test_weight_of_0_gives_no_dose():
    np.testing.assert_equal(dose_per_kg([1.0, 1.0], [0.0, NAN]), [NAN, NAN])
    np.testing.assert_equal(total_dose([140.0], [0.0]), [NAN])


def test_examples_in_the_docstrings():
    assert doctest.testmod(module).failed == 0
