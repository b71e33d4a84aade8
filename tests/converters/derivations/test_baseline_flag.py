"""--LOBXFL (SDTMIG 3.4, 6.3): the last result before first exposure, by date and time, never by row order."""

import doctest

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdiscway.converters.derivations import baseline_flag as module
from cdiscway.converters.derivations.baseline_flag import is_before, last_observation_before

FIRST = "2020-03-01T08:00"


def flags(records, reference=FIRST, **rules):
    """Records of one subject and test: (date, result)."""
    frame = pd.DataFrame(records, columns=["date", "result"], dtype="str")
    one = pd.Series(["x"] * len(frame), dtype="str")
    first = pd.Series([reference] * len(frame), dtype="str")
    return (
        last_observation_before(one, one, frame["date"], first, frame["result"], **rules)
        .astype("str")
        .fillna("")
        .tolist()
    )


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([("2020-02-01", "1"), ("2020-02-28", "2"), ("2020-03-02", "3")], ["", "Y", ""]),
        ([("2020-02-01", "1"), ("2020-02-28", None)], ["Y", ""]),
        ([("2020-03-01T07:59", "1"), ("2020-03-01T08:00", "2"), ("2020-03-01T08:01", "3")], ["Y", "", ""]),
        ([("2020-02-28T07:00", "1"), ("2020-02-28T09:00", "2"), ("2020-02-28", "3")], ["", "Y", ""]),
        ([("2020-02-28", "1"), ("2020-02-28", "2")], ["Y", "Y"]),
        ([("2020-02", "1"), ("2020-01-15", "2")], ["", "Y"]),
        ([("2020-03-02", "1")], [""]),
        ([(None, "1")], [""]),
    ],
)
def test_case(records, expected):
    assert flags(records) == expected


def test_same_day_without_time_is_a_declared_rule():
    records = [("2020-02-28", "1"), ("2020-03-01", "2")]
    assert flags(records) == ["Y", ""]
    assert flags(records, same_day="before") == ["", "Y"]
    assert flags(records, same_day=np.array([True, False])) == ["Y", ""]
    assert flags(records, reference="2020-03-01", same_day=np.array([False, True])) == ["", "Y"]


def test_ties_are_decided_by_declared_keys():
    records = [("2020-02-28", "1"), ("2020-02-28", "2"), ("2020-02-28", "2")]
    assert flags(records, tie_keys=[pd.Series([2.0, 1.0, 1.0])]) == ["Y", "", ""]
    assert flags(records, tie_keys=[pd.Series(["A", "B", "B"])]) == ["", "Y", "Y"]


def test_no_reference_no_flag():
    assert flags([("2020-02-28", "1")], reference=None) == [""]


def test_groups_may_have_several_keys():
    one, two = pd.Series(["s", "s"]), pd.Series(["BLOOD", "URINE"])
    dates, first = pd.Series(["2020-01-01", "2020-01-02"]), pd.Series(["2020-02-01"] * 2)
    assert last_observation_before(one, [one, two], dates, first, one).tolist() == ["Y", "Y"]


DATES = st.sampled_from(
    ["2020-02-27", "2020-02-28", "2020-02-28T10:00", "2020-03-01", "2020-03-01T07:00", "2020-02", None]
)
RECORDS = st.lists(
    st.tuples(st.sampled_from("AB"), st.sampled_from("xy"), DATES, st.sampled_from(["1", None])), min_size=1
)


@given(RECORDS, st.randoms(use_true_random=False))
def test_flags_do_not_depend_on_the_order_of_rows_and_agree_with_a_loop(records, random):
    frame = pd.DataFrame(records, columns=["subject", "test", "date", "result"], dtype="str")
    frame["first"] = FIRST

    def run(rows):
        return last_observation_before(rows["subject"], rows["test"], rows["date"], rows["first"], rows["result"])

    found = run(frame).eq("Y").tolist()
    for row, (subject, test, date, result) in enumerate(records):
        before = [
            other[2]
            for other in records
            if other[:2] == (subject, test)
            and other[3]
            and other[2]
            and len(other[2]) > 7
            and (other[2][:10] < FIRST[:10] or (other[2][:10] == FIRST[:10] and "T" in other[2] and other[2] < FIRST))
        ]
        assert found[row] == bool(result and date and date in before and date == max(before))
    order = list(range(len(frame)))
    random.shuffle(order)
    assert run(frame.iloc[order].reset_index(drop=True)).eq("Y").tolist() == [found[place] for place in order]


def test_partial_dates_are_never_before():
    dates = pd.Series(["2019", "2020-02", "2020---15"])
    assert not is_before(dates, pd.Series([FIRST] * 3)).any()


def test_a_record_before_every_day_a_partial_reference_can_mean_is_before():
    dates = pd.Series(["2014-05-21", "2014-08-31T23:59", "2014-09-01", "2013-12-31", "2014-01-01"])
    reference = pd.Series(["2014-09", "2014-09", "2014-09", "2014", "2014"])
    assert is_before(dates, reference, "before").tolist() == [True, True, False, True, False]


def test_examples_in_the_docstrings():
    assert doctest.testmod(module).failed == 0
