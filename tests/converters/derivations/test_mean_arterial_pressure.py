"""Mean arterial pressure: with and without the heart rate."""

import doctest

import numpy as np
import pytest

from cdiscway.converters.derivations import mean_arterial_pressure as module
from cdiscway.converters.derivations.mean_arterial_pressure import mean_arterial_pressure

NAN = float("nan")


@pytest.mark.parametrize(
    ("diastolic", "systolic", "rate", "expected"),
    [
        (51, 121, None, 74.3333),
        (80, 80, None, 80),
        (NAN, 121, None, NAN),
        (51, 121, 59, 73.0391),
        (51, 121, 0, NAN),
        (51, 121, NAN, NAN),
    ],
)
def test_case(diastolic, systolic, rate, expected):
    found = mean_arterial_pressure([diastolic], [systolic], None if rate is None else [rate])
    np.testing.assert_allclose(found, [expected], atol=1e-4)


def test_examples_in_the_docstrings():
    assert doctest.testmod(module).failed == 0
