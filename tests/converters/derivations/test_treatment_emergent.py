"""TRTEMFL: a missing last dose is a treatment that goes on."""

import doctest

import pandas as pd
import pytest

from cdiscway.converters.derivations import treatment_emergent as module
from cdiscway.converters.derivations.treatment_emergent import treatment_emergent

NAN = float("nan")


@pytest.mark.parametrize(
    ("start", "first", "last", "after", "flagged"),
    [
        (9, 10, 20, None, False),
        (10, 10, 20, None, True),
        (99, 10, 20, None, True),
        (50, 10, 20, 30, True),
        (51, 10, 20, 30, False),
        (51, 10, NAN, 30, True),
        (NAN, 10, 20, None, False),
        (15, NAN, NAN, None, False),
    ],
)
def test_case(start, first, last, after, flagged):
    (found,) = treatment_emergent([start], [first], [last], days_after=after)
    assert (found == "Y") if flagged else pd.isna(found)


def test_examples_in_the_docstrings():
    assert doctest.testmod(module).failed == 0
