"""TRTEMFL: a missing last dose is a treatment that goes on."""

import doctest

import numpy as np
import pandas as pd
import pytest

from cdiscway.converters.derivations import treatment_emergent as module
from cdiscway.converters.derivations.treatment_emergent import Span, Worsening, treatment_emergent

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


def span(first, last):
    return Span(np.array([first], dtype=float), np.array([last], dtype=float))


@pytest.mark.parametrize(
    ("start", "end", "possible", "flagged"),
    [
        ((5, 15), (NAN, NAN), False, False),
        ((5, 15), (NAN, NAN), True, True),
        ((1, 9), (NAN, NAN), True, False),
        ((21, 30), (NAN, NAN), True, False),
        ((NAN, NAN), (NAN, NAN), True, True),
        ((NAN, NAN), (1, 9), True, False),
        ((NAN, NAN), (1, 10), True, True),
    ],
)
def test_a_start_that_is_not_known_to_the_day(start, end, possible, flagged):
    (found,) = treatment_emergent(span(*start), [10], [20], days_after=0, end=span(*end), possible=possible)
    assert (found == "Y") if flagged else pd.isna(found)


@pytest.mark.parametrize(
    ("start", "end", "before", "worst", "flagged"),
    [(5, NAN, 1, 2, True), (5, 9, 1, 2, False), (5, 10, 1, 2, True), (5, NAN, 2, 2, False), (5, NAN, NAN, 2, False)],
)
def test_an_event_from_before_that_became_worse(start, end, before, worst, flagged):
    worsening = Worsening([before], [worst])
    (found,) = treatment_emergent([start], [10], [20], end=span(end, end), worsening=worsening)
    assert (found == "Y") if flagged else pd.isna(found)


def test_examples_in_the_docstrings():
    assert doctest.testmod(module).failed == 0
