"""LSTALVDT: the latest of the declared sources, never past death or cut-off."""

import doctest

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdiscway.converters.derivations import last_known_alive as module
from cdiscway.converters.derivations.extreme_event import EventRecords
from cdiscway.converters.derivations.last_known_alive import last_known_alive

NAN = float("nan")


@pytest.mark.parametrize(
    ("first", "second", "death", "cutoff", "day", "source"),
    [
        ([10], [20], NAN, None, 20, 1),
        ([20], [20], NAN, None, 20, 0),
        ([10, 30], [20], NAN, None, 30, 0),
        ([10, 30], [20], 25, None, 25, -1),
        ([10, 25], [20], 25, None, 25, 0),
        ([10, 30], [20], NAN, 22, 20, 1),
        ([10], [], 40, 22, 10, 0),
        ([], [], 40, None, 40, -1),
        ([NAN], [], NAN, None, NAN, -1),
    ],
)
def test_case(first, second, death, cutoff, day, source):
    sources = [EventRecords(pd.Series(["1"] * len(days), dtype="str"), days) for days in (first, second)]
    not_after = [] if cutoff is None else [cutoff]
    found = last_known_alive(pd.Series(["1"]), sources, death=[death], not_after=not_after)
    np.testing.assert_equal((found.days[0], found.source[0]), (day, source))


@given(st.lists(st.tuples(st.sampled_from("12"), st.integers(1, 50))), st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter(records, random):
    def run(rows):
        frame = pd.DataFrame(rows, columns=["subject", "day"])
        source = EventRecords(frame["subject"].astype("str"), frame["day"].astype("float64"))
        return last_known_alive(pd.Series(["1", "2"]), [source], death=[30.0, NAN]).days

    shuffled = list(records)
    random.shuffle(shuffled)
    np.testing.assert_equal(run(shuffled), run(records))


def test_examples_in_the_docstrings():
    assert doctest.testmod(module).failed == 0
