"""The earliest and the latest of several sources: ties by declaration and keys, never by the order of the rows."""

import doctest

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdiscway.converters.derivations import extreme_event as module
from cdiscway.converters.derivations.extreme_event import EventRecords, extreme_event

NAN = float("nan")
RECORDS = st.lists(
    st.tuples(st.sampled_from("12"), st.integers(1, 9), st.integers(1, 99)), max_size=12, unique_by=lambda item: item[2]
)


def source(records):
    frame = pd.DataFrame(records, columns=["subject", "day", "sequence"])
    keys = [frame["sequence"].astype("float64")]
    return EventRecords(frame["subject"].astype("str"), frame["day"].astype("float64").to_numpy(), keys)


@pytest.mark.parametrize(
    ("first", "second", "latest", "limits", "day", "number"),
    [
        ([5], [9], False, {}, 5, 0),
        ([5], [9], True, {}, 9, 1),
        ([5], [5], False, {}, 5, 0),
        ([5], [5], True, {}, 5, 0),
        ([5, 9], [], True, {"not_after": [[8.0]]}, 5, 0),
        ([5, 9], [], False, {"not_before": [[6.0]]}, 9, 0),
        ([5], [9], False, {"not_before": [[6.0]], "not_after": [[NAN]]}, 9, 1),
        ([NAN], [9], False, {}, 9, 1),
        ([NAN], [], False, {}, NAN, -1),
    ],
)
def test_case(first, second, latest, limits, day, number):
    sources = [EventRecords(pd.Series(["1"] * len(days), dtype="str"), days) for days in (first, second)]
    found = extreme_event(pd.Series(["1"]), sources, latest=latest, **limits)
    np.testing.assert_equal((found.days[0], found.source[0]), (day, number))


def test_records_alike_in_all_keys_leave_no_record_but_the_day():
    found = extreme_event(pd.Series(["1"]), [source([("1", 5, 1), ("1", 5, 1)])], latest=False)
    assert (found.days[0], found.source[0], found.record[0], found.undecided[0]) == (5, 0, -1, True)


@given(RECORDS, RECORDS, st.booleans(), st.randoms(use_true_random=False))
def test_agrees_with_a_loop_for_any_order(first, second, latest, random):
    for records in (first, second):
        random.shuffle(records)
    subjects = ["1", "2", "3"]
    found = extreme_event(pd.Series(subjects), [source(first), source(second)], latest=latest)
    for place, subject in enumerate(subjects):
        pool = [
            (-day if latest else day, number, sequence)
            for number, records in enumerate((first, second))
            for who, day, sequence in records
            if who == subject
        ]
        if not pool:
            assert np.isnan(found.days[place])
            continue
        day, number, sequence = min(pool)
        assert (found.days[place], found.source[place]) == (abs(day), number)
        assert (first, second)[number][found.record[place]][2] == sequence


def test_examples_in_the_docstrings():
    assert doctest.testmod(module).failed == 0
