"""ANRIND: never NORMAL where a limit is missing."""

import doctest

import pandas as pd
import pytest

from cdiscway.converters.derivations import reference_range as module
from cdiscway.converters.derivations.reference_range import reference_range_indicator

NAN = float("nan")


@pytest.mark.parametrize(
    ("value", "low", "high", "indicator"),
    [
        (1, 2, 8, "LOW"),
        (2, 2, 8, "NORMAL"),
        (8, 2, 8, "NORMAL"),
        (9, 2, 8, "HIGH"),
        (1, 2, NAN, "LOW"),
        (5, 2, NAN, None),
        (9, NAN, 8, "HIGH"),
        (5, NAN, 8, None),
        (5, NAN, NAN, None),
        (NAN, 2, 8, None),
    ],
)
def test_case(value, low, high, indicator):
    (found,) = reference_range_indicator([value], [low], [high])
    assert (None if pd.isna(found) else found) == indicator


def test_examples_in_the_docstrings():
    assert doctest.testmod(module).failed == 0
