"""Imputed dates: flags say what was imputed, no day past death or cut-off, no end before its start."""

import doctest

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdiscway.converters.algorithms.iso8601 import date_days
from cdiscway.converters.derivations import date_imputation as module
from cdiscway.converters.derivations.age import possible_days
from cdiscway.converters.derivations.date_imputation import impute_end, impute_interval, impute_start, impute_time


def day(text):
    return float(date_days(pd.Series([text], dtype="str"))[0])


def shown(imputed):
    flag = imputed.flag[0]
    return imputed.days[0], None if pd.isna(flag) else flag, bool(imputed.conflict[0])


@pytest.mark.parametrize(
    ("date", "not_before", "not_after", "highest", "expected", "flag", "conflict"),
    [
        ("2020-03-10", None, [], "M", "2020-03-10", None, False),
        ("2020-03-10T08:30", "2020-03-12", [], "M", "2020-03-10", None, False),
        ("2020-03", None, [], "M", "2020-03-01", "D", False),
        ("2020", None, [], "M", "2020-01-01", "M", False),
        ("2020", None, [], "D", None, None, False),
        ("2020-03", "2020-03-12", [], "M", "2020-03-12", "D", False),
        ("2020", "2020-03-12", [], "M", "2020-03-12", "M", False),
        ("2020-03", "2020-04-12", [], "M", "2020-03-01", "D", False),
        ("2020-03", "2020-02-12", [], "M", "2020-03-01", "D", False),
        ("2020-03", "2020-03-12", ["2020-03-05"], "M", "2020-03-01", "D", False),
        ("2020-03", None, ["2020-02-05"], "M", None, None, True),
        ("2020---10", None, [], "M", None, None, False),
        ("--03-10", None, [], "M", None, None, False),
        (None, "2020-03-12", [], "M", None, None, False),
        ("2020-02-30", None, [], "M", None, None, False),
    ],
)
def test_start_case(date, not_before, not_after, highest, expected, flag, conflict):
    limits = [[day(limit)] for limit in not_after]
    result = impute_start(pd.Series([date], dtype="str"), not_before=day(not_before), not_after=limits, highest=highest)
    np.testing.assert_equal(shown(result), (day(expected), flag, conflict))


@pytest.mark.parametrize(
    ("date", "start", "not_after", "expected", "flag", "conflict"),
    [
        ("2020-03-10", "2020-04-01", [], "2020-03-10", None, False),
        ("2020-03", None, [], "2020-03-31", "D", False),
        ("2020-02", None, [], "2020-02-29", "D", False),
        ("2020", None, [], "2020-12-31", "M", False),
        ("2020", None, ["2020-06-15", None], "2020-06-15", "M", False),
        ("2020", None, ["2020-06-15", "2020-05-01"], "2020-05-01", "M", False),
        ("2020-03", None, ["2020-02-15"], None, None, True),
        ("2020-03", "2020-03-20", ["2020-03-15"], None, None, True),
        ("2020-03", "2020-03-20", [], "2020-03-31", "D", False),
        ("2020-03", "2020-04-20", [], None, None, True),
        (None, "2020-04-20", [], None, None, False),
    ],
)
def test_end_case(date, start, not_after, expected, flag, conflict):
    limits = [[day(limit)] for limit in not_after]
    result = impute_end(pd.Series([date], dtype="str"), start=[day(start)], not_after=limits)
    np.testing.assert_equal(shown(result), (day(expected), flag, conflict))


TEXTS = st.dates(pd.Timestamp("2019-01-01").date(), pd.Timestamp("2021-12-31").date()).flatmap(
    lambda at: st.sampled_from([at.isoformat(), at.isoformat()[:7], at.isoformat()[:4]])
)
LIMITS = st.none() | st.integers(21000, 23000)


@given(TEXTS, TEXTS, LIMITS, LIMITS)
def test_imputed_days_are_possible_in_order_and_within_their_limits(start_text, end_text, first_dose, death):
    starts, ends = pd.Series([start_text]), pd.Series([end_text])
    limit = np.nan if death is None else float(death)
    start, end = impute_interval(
        starts, ends, not_before=np.nan if first_dose is None else float(first_dose), not_after=[limit]
    )
    for text, imputed in ((starts, start), (ends, end)):
        low, high = possible_days(text)
        if not np.isnan(imputed.days[0]):
            assert low[0] <= imputed.days[0] <= high[0]
            assert pd.isna(imputed.flag[0]) == (low[0] == high[0])
            assert low[0] == high[0] or np.isnan(limit) or imputed.days[0] <= limit
        else:
            assert imputed.conflict[0]
    partial_end = len(end_text) < 10
    if partial_end and not np.isnan(start.days[0]) and not np.isnan(end.days[0]):
        assert start.days[0] <= end.days[0]


@pytest.mark.parametrize(
    ("text", "first", "last", "flag"),
    [
        ("2020-01-01T08:30:15", 30615, 30615, None),
        ("2020-01-01T08:30", 30600, 30659, "S"),
        ("2020-01-01T08", 28800, 32399, "M"),
        ("2020-01-01", 0, 86399, "H"),
        ("2020-01", 0, 86399, "H"),
        (None, np.nan, np.nan, None),
    ],
)
def test_time_case(text, first, last, flag):
    for rule, expected in (("first", first), ("last", last)):
        seconds, flags = impute_time(pd.Series([text], dtype="str"), rule)
        np.testing.assert_equal(seconds[0], expected)
        assert (None if pd.isna(flags[0]) else flags[0]) == flag


def test_examples_in_the_docstrings():
    assert doctest.testmod(module).failed == 0
