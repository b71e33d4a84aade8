"""SHIFT1: from the category at baseline to the record's own."""

import doctest

import pandas as pd
import pytest

from cdiscway.converters.derivations import shift as module
from cdiscway.converters.derivations.shift import shift


@pytest.mark.parametrize(
    ("before", "after", "missing", "expected"),
    [
        ("LOW", "HIGH", None, "LOW to HIGH"),
        ("LOW", "LOW", None, "LOW to LOW"),
        (None, "LOW", None, None),
        (None, "LOW", "NULL", "NULL to LOW"),
        ("LOW", None, "NULL", "LOW to NULL"),
        (None, None, "NULL", None),
    ],
)
@pytest.mark.parametrize("dtype", ["str", "category"])
def test_case(before, after, missing, expected, dtype):
    texts = [pd.Series([text, "x"], dtype="str").astype(dtype) for text in (before, after)]
    found = shift(*texts, missing=missing).tolist()[0]
    assert found == expected or (expected is None and pd.isna(found))


def test_examples_in_the_docstrings():
    assert doctest.testmod(module).failed == 0
