"""Durations in declared units."""

import doctest

import numpy as np
import pytest

from cdiscway.converters.derivations import duration as module
from cdiscway.converters.derivations.duration import duration


@pytest.mark.parametrize(
    ("start", "end", "unit", "add_one", "expected"),
    [
        (10, 10, "days", True, 1),
        (10, 10, "days", False, 0),
        (10, 9, "days", True, -1),
        (0, 13, "weeks", True, 2),
        (0, 30.4375, "months", False, 1),
        (0, 731, "years", False, 731 / 365.25),
        (np.nan, 1, "days", True, np.nan),
    ],
)
def test_case(start, end, unit, add_one, expected):
    np.testing.assert_allclose(duration([start], [end], unit, add_one=add_one), [expected])


def test_examples_in_the_docstrings():
    assert doctest.testmod(module).failed == 0
