"""EPOCH: from planned starts and from SE, with partial dates and missing times."""

import doctest

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdiscway.converters.derivations import epoch as module
from cdiscway.converters.derivations.epoch import epoch_from_elements, epoch_of

NAMES = ["SCREENING", "TREATMENT", "FOLLOW-UP"]


@pytest.mark.parametrize(
    ("date", "starts", "epoch"),
    [
        ("2019-12-31", ["2020-01-01", "2020-02-10", "2020-03-01"], None),
        ("2020-01-01", ["2020-01-01", "2020-02-10", "2020-03-01"], "SCREENING"),
        ("2020-02-09", ["2020-01-01", "2020-02-10", "2020-03-01"], "SCREENING"),
        ("2020-02-10", ["2020-01-01", "2020-02-10T09:00", "2020-03-01"], "TREATMENT"),
        ("2020-02-10T08:59", ["2020-01-01", "2020-02-10T09:00", "2020-03-01"], "SCREENING"),
        ("2020-02-10T09:00", ["2020-01-01", "2020-02-10T09:00", "2020-03-01"], "TREATMENT"),
        ("2020-02-10T08:59", ["2020-01-01", "2020-02-10", "2020-03-01"], "TREATMENT"),
        ("2025-01-01", ["2020-01-01", "2020-02-10", None], "TREATMENT"),
        ("2025-01-01", ["2020-01-01", None, "2020-03-01"], "FOLLOW-UP"),
        ("2020-02", ["2020-01-01", "2020-02-10", "2020-03-01"], None),
        ("2020-01", ["2019-12-01", "2020-02-10", "2020-03-01"], "SCREENING"),
        ("2021", ["2020-01-01", "2020-02-10", "2020-03-01"], "FOLLOW-UP"),
        ("2020-03-15", ["2020-01-01", "2020-02", "2020-03-01"], "FOLLOW-UP"),
        ("2020-02-15", ["2020-01-01", "2020-02", "2020-03-01"], None),
        (None, ["2020-01-01", "2020-02-10", "2020-03-01"], None),
    ],
)
def test_planned_epoch_case(date, starts, epoch):
    columns = [pd.Series([start], dtype="str") for start in starts]
    for column in (pd.Series([date], dtype="str"), pd.Series([date], dtype="category")):
        (found,) = epoch_of(column, columns, NAMES)
        assert (None if pd.isna(found) else found) == epoch


ELEMENTS = pd.DataFrame(
    {
        "USUBJID": ["1", "1", "1", "2"],
        "SESTDTC": ["2020-02-10T09:00", "2020-01-01", "2020-03-01", "2020-01-05"],
        "SEENDTC": ["2020-03-01", "2020-02-10T09:00", "2020-06-01", None],
        "EPOCH": ["TREATMENT", "SCREENING", "FOLLOW-UP", "SCREENING"],
    },
    dtype="str",
)


@pytest.mark.parametrize(
    ("subject", "date", "epoch"),
    [
        ("1", "2020-01-01", "SCREENING"),
        ("1", "2019-12-31", None),
        ("1", "2020-02-10T08:00", "SCREENING"),
        ("1", "2020-02-10", "TREATMENT"),
        ("1", "2020-03-01T00:00", "FOLLOW-UP"),
        ("1", "2020-06-01", "FOLLOW-UP"),
        ("1", "2020-06-02", None),
        ("2", "2030-01-01", "SCREENING"),
        ("2", "2020-01-04", None),
        ("3", "2020-01-04", None),
        ("1", "2020-02", None),
        ("1", None, None),
        (None, "2020-02-01", None),
    ],
)
def test_element_case(subject, date, epoch):
    found = epoch_from_elements(pd.Series([subject], dtype="str"), pd.Series([date], dtype="str"), ELEMENTS)
    assert (None if pd.isna(found[0]) else found[0]) == epoch


def test_after_the_last_element_on_demand():
    one, date = pd.Series(["1"]), pd.Series(["2021-01-01"])
    assert epoch_from_elements(one, date, ELEMENTS, after_last=True).tolist() == ["FOLLOW-UP"]


def test_no_elements_no_epoch():
    assert epoch_from_elements(pd.Series(["1"]), pd.Series(["2021-01-01"]), ELEMENTS.iloc[:0]).isna().all()


@given(st.permutations(range(4)), st.lists(st.integers(0, 200), min_size=1, max_size=5))
def test_order_of_the_elements_does_not_matter(order, days):
    dates = pd.Series((pd.Timestamp("2019-12-20") + pd.to_timedelta(days, "D")).strftime("%Y-%m-%d"), dtype="str")
    subject = pd.Series(["1"] * len(days))
    shuffled = ELEMENTS.iloc[list(order)].reset_index(drop=True)
    found = [epoch_from_elements(subject, dates, frame).astype("str") for frame in (shuffled, ELEMENTS)]
    assert found[0].equals(found[1])


def test_examples_in_the_docstrings():
    assert doctest.testmod(module).failed == 0
