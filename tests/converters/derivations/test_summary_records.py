"""Summaries of groups: the same to the last bit for any order of the rows."""

import doctest
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdiscway.converters.derivations import summary_records as module
from cdiscway.converters.derivations.summary_records import summarize

NAN = float("nan")
RECORDS = st.lists(st.tuples(st.integers(0, 2), st.floats(-1e6, 1e6) | st.just(NAN)), max_size=12)
ORACLES = {"mean": statistics.fmean, "sum": sum, "min": min, "max": max, "median": statistics.median, "count": len}


def run(records, statistic):
    codes = np.array([code for code, _ in records], dtype=np.int64)
    return summarize(codes, 3, [value for _, value in records], statistic)


@pytest.mark.parametrize("statistic", ORACLES)
@given(records=RECORDS, random=st.randoms(use_true_random=False))
def test_agrees_with_the_statistics_module_for_any_order(statistic, records, random):
    shuffled = list(records)
    random.shuffle(shuffled)
    found = run(shuffled, statistic)
    np.testing.assert_equal(found, run(records, statistic))
    for code in range(3):
        values = [value for own, value in records if own == code and not np.isnan(value)]
        if values or statistic == "count":
            np.testing.assert_allclose(found[code], ORACLES[statistic](values), rtol=1e-9, atol=1e-6)
        else:
            assert np.isnan(found[code])


def test_examples_in_the_docstrings():
    assert doctest.testmod(module).failed == 0
