"""Last observation carried forward: to the visits that are lacking, never backward, never over what is there."""

import doctest

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdiscway.converters.derivations import carried_forward as module
from cdiscway.converters.derivations.carried_forward import carried_forward

EXPECTED = [1.0, 2.0, 3.0]
RECORDS = st.lists(
    st.tuples(st.sampled_from("12"), st.sampled_from([0.5, 1.0, 1.5, 2.0, 3.0, 4.0]), st.integers(0, 99)),
    max_size=8,
    unique_by=lambda item: item[2],
)


def run(records, among=None):
    frame = pd.DataFrame(records, columns=["subject", "visit", "key"])
    used = np.ones(len(frame), dtype=bool) if among is None else np.array(among)
    keys = [frame["key"].astype("float64")]
    found = carried_forward([frame["subject"].astype("str")], frame["visit"].astype("float64"), EXPECTED, keys, used)
    return sorted((records[place][2], EXPECTED[visit]) for place, visit in zip(*found[:2], strict=True)), found


@pytest.mark.parametrize(
    ("visits", "carried"),
    [
        ([1], [(0, 2), (0, 3)]),
        ([2], [(0, 3)]),
        ([1, 3], [(0, 2)]),
        ([3], []),
        ([0.5], []),
        ([1, 1.5], [(1, 2), (1, 3)]),
        ([1, 1], [(1, 2), (1, 3)]),
    ],
)
def test_case(visits, carried):
    found, _ = run([("1", visit, place) for place, visit in enumerate(visits)])
    assert found == [(place, float(visit)) for place, visit in carried]


def test_a_record_that_does_not_count_is_neither_carried_nor_there():
    assert run([("1", 1, 0), ("1", 2, 1)], [True, False])[0] == [(0, 2.0), (0, 3.0)]


def test_records_that_tie_are_not_carried_and_are_told():
    found, result = run([("1", 1, 0), ("1", 1, 0)])
    assert found == []
    assert result.undecided.any()


@given(RECORDS, st.randoms(use_true_random=False))
def test_agrees_with_a_loop_for_any_order(records, random):
    random.shuffle(records)
    wanted = []
    for subject in "12":
        own = [item for item in records if item[0] == subject]
        for visit in EXPECTED:
            before = [(other, key) for _, other, key in own if EXPECTED[0] <= other < visit]
            if before and not any(other == visit for _, other, _ in own):
                wanted.append((max(before)[1], visit))
    assert run(records)[0] == sorted(wanted)


def test_examples_in_the_docstrings():
    assert doctest.testmod(module).failed == 0
