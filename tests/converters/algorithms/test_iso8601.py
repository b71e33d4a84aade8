"""ISO 8601 as SDTMIG 3.4, 4.4 writes it; Python's own calendar is the oracle."""

import csv
import datetime as dt
import doctest
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdiscway.converters.algorithms import iso8601
from cdiscway.converters.algorithms.iso8601 import (
    check_iso8601,
    compare_partial,
    date_days,
    datetime_seconds,
    format_days,
    is_iso8601,
    time_seconds,
)

with (Path(__file__).parents[2] / "cases" / "algorithms" / "iso8601.csv").open(encoding="utf-8", newline="") as file:
    CASES = list(csv.DictReader(file))
SAS_EPOCH = dt.datetime(1960, 1, 1)
MOMENTS = st.datetimes(dt.datetime(1850, 1, 1), dt.datetime(2150, 1, 1)).map(lambda at: at.replace(microsecond=0))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['text']} as {case['kinds']}")
def test_4_4_case(case):
    why = check_iso8601(case["text"], tuple(case["kinds"].split()))
    assert (why == "") == (case["valid"] == "yes"), why


def test_columns_are_judged_by_record():
    texts = ["2020-02", "2020-2", None, "2020-02"]
    for column in (pd.Series(texts, dtype="str"), pd.Series(texts, dtype="category")):
        assert is_iso8601(column).tolist() == [True, False, True, True]


@given(st.lists(MOMENTS, min_size=1))
def test_days_and_seconds_are_those_of_sas(moments):
    texts = pd.Series([at.isoformat() for at in moments], dtype="str")
    days = [(at - SAS_EPOCH).days for at in moments]
    for column in (texts, texts.astype("category")):
        assert date_days(column).tolist() == days
        assert datetime_seconds(column).tolist() == [(at - SAS_EPOCH).total_seconds() for at in moments]
    assert format_days(days).tolist() == [at.date().isoformat() for at in moments]


@pytest.mark.parametrize(
    "text",
    ["2020", "2020-02", "2020-02-30", "2020---15", "--02-15", "2020-02-1", "2020-02-155", "2020-02-15x", "ND", None],
)
def test_no_day_is_ever_guessed(text):
    assert np.isnan(date_days(pd.Series([text], dtype="str"))).all()


def test_day_of_an_interval_is_its_start():
    assert date_days(pd.Series(["1960-01-02/1960-01-09"])).tolist() == [1.0]


def test_time_of_a_partial_date_is_known():
    times = pd.Series(["2020-02--T08:30", "-----T08:30:15", "2020-02-01T-:30", "2020-02-01T08:30Z", None], dtype="str")
    assert time_seconds(times).tolist()[:2] == [30600.0, 30615.0]
    assert np.isnan(time_seconds(times)).tolist() == [False, False, True, False, True]


@pytest.mark.parametrize(
    ("left", "right", "result"),
    [
        ("2020-03-15", "2020-03-15", 0),
        ("2020-03-15", "2020-03-16", -1),
        ("2020-03", "2020-03-16", 0),
        ("2020-03", "2020-04-16", -1),
        ("2021", "2020-04-16", 1),
        ("2020-03-15T10:00", "2020-03-15", 0),
        ("2020-03-15T10:00", "2020-03-15T09:59:59", 1),
        ("2020---15", "2020-01-16", 0),
        ("--03-15", "2020-03-16", None),
        ("2020-03-15T10:00+02:00", "2020-03-15T08:00Z", 0),
        ("2020-03-15T00:30+02:00", "2020-03-14T22:31Z", -1),
        ("2020-03-15T10:00+02:00", "2020-03-15T10:00", 0),
        ("2020-03-15", None, None),
        ("2020-02-30", "2020-01-01", None),
    ],
)
def test_partial_dates_compare_by_what_both_know(left, right, result):
    a, b = pd.Series([left], dtype="str"), pd.Series([right], dtype="str")
    expected = np.nan if result is None else result
    np.testing.assert_equal(compare_partial(a, b), [expected])
    np.testing.assert_equal(compare_partial(b, a), [-expected])


@given(MOMENTS, MOMENTS, st.sampled_from([4, 7, 10, 13, 16, 19]), st.sampled_from([4, 7, 10, 13, 16, 19]))
def test_comparison_is_that_of_the_common_prefix(one, other, first, second):
    a, b = one.isoformat()[:first], other.isoformat()[:second]
    shared = min(first, second)
    expected = (a[:shared] > b[:shared]) - (a[:shared] < b[:shared])
    assert compare_partial(pd.Series([a]), pd.Series([b])).tolist() == [expected]


def test_examples_in_the_docstrings():
    assert doctest.testmod(iso8601).failed == 0
