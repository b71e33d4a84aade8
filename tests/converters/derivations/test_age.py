"""Age by the calendar, not by days / 365.25."""

import datetime as dt
import doctest

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdiscway.converters.derivations import age as module
from cdiscway.converters.derivations.age import age, completed_years, decimal_years

EPOCH = dt.date(1960, 1, 1)


@pytest.mark.parametrize(
    ("birth", "at", "years"),
    [
        ("1950-06-15", "2020-06-14", 69),
        ("1950-06-15", "2020-06-15", 70),
        ("1950-06-15T10:00", "2020-06-15T01:00", 70),
        ("2000-02-29", "2001-02-28", 0),
        ("2000-02-29", "2001-03-01", 1),
        ("2000-02-29", "2004-02-29", 4),
        ("2000-01-01", "2000-01-01", 0),
        ("2000-01-02", "2000-01-01", None),
        ("1950-06", "2020-05-31", 69),
        ("1950-06", "2020-06-15", None),
        ("1950-06", "2020-06-30", 70),
        ("1950", "2020-06-15", None),
        ("1950", "2020-12-31", 70),
        ("1950-13", "2020-12-31", None),
        ("1950-06-15", "2020-06", None),
        (None, "2020-06-15", None),
        ("1950-06-15", None, None),
    ],
)
def test_case(birth, at, years):
    result = age(pd.Series([birth], dtype="str"), pd.Series([at], dtype="str"))
    np.testing.assert_equal(result, [np.nan if years is None else years])


DATES = st.dates(dt.date(1900, 1, 1), dt.date(2100, 1, 1))


@given(DATES, DATES)
def test_completed_years_count_birthdays(one, other):
    birth, at = min(one, other), max(one, other)
    expected = at.year - birth.year - ((at.month, at.day) < (birth.month, birth.day))
    assert completed_years([(birth - EPOCH).days], [(at - EPOCH).days]).tolist() == [expected]


def test_length_of_the_year_is_declared():
    assert decimal_years([0.0], [365.0], 365).tolist() == [1.0]
    assert np.isnan(decimal_years([1.0], [0.0])).all()


def test_examples_in_the_docstrings():
    assert doctest.testmod(module).failed == 0
