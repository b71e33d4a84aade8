"""--DY (SDTMIG 3.4, 4.4.4)."""

import datetime as dt
import doctest

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdiscway.converters.derivations import study_day as module
from cdiscway.converters.derivations.study_day import study_day


@pytest.mark.parametrize(
    ("date", "reference", "day"),
    [
        ("2020-03-01", "2020-03-01", 1),
        ("2020-03-02", "2020-03-01", 2),
        ("2020-02-29", "2020-03-01", -1),
        ("2020-03-01T23:59", "2020-03-01T00:01", 1),
        ("2020-02-29T23:59", "2020-03-01T00:00", -1),
        ("2020-03", "2020-03-01", None),
        ("2020-03-01", "2020-03", None),
        ("2020---01", "2020-03-01", None),
        ("2020-03-01", None, None),
        (None, "2020-03-01", None),
        ("2020-02-30", "2020-03-01", None),
    ],
)
def test_4_4_4_study_day(date, reference, day):
    result = study_day(pd.Series([date], dtype="str"), pd.Series([reference], dtype="str"))
    np.testing.assert_equal(result, [np.nan if day is None else day])


DATES = st.dates(dt.date(1900, 1, 1), dt.date(2100, 1, 1))


@given(st.lists(st.tuples(DATES, DATES), min_size=1))
def test_no_day_0_and_as_the_calendar_counts(pairs):
    dates, references = (pd.Series([date.isoformat() for date in column]) for column in zip(*pairs, strict=True))
    days = study_day(dates, references)
    assert 0 not in days.tolist()
    assert days.tolist() == [(d - r).days + (d >= r) for d, r in pairs]


def test_examples_in_the_docstrings():
    assert doctest.testmod(module).failed == 0
