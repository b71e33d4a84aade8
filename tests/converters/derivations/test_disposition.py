"""EOSSTT and DCSREAS."""

import doctest

import pandas as pd
import pytest

from cdiscway.converters.derivations import disposition as module
from cdiscway.converters.derivations.disposition import disposition


@pytest.mark.parametrize(
    ("decod", "status", "reason"),
    [
        ("COMPLETED", "COMPLETED", ""),
        ("ADVERSE EVENT", "DISCONTINUED", "ADVERSE EVENT"),
        ("DEATH", "DISCONTINUED", "DEATH"),
        ("SCREEN FAILURE", "", ""),
        (None, "ONGOING", ""),
    ],
)
@pytest.mark.parametrize("dtype", ["str", "category"])
def test_case(decod, status, reason, dtype):
    found = disposition(pd.Series([decod, "DEATH"], dtype="str").astype(dtype))
    assert [part.astype("str").fillna("")[0] for part in found] == [status, reason]


def test_words_are_the_studys():
    found = disposition(pd.Series(["FOLLOW-UP COMPLETED"]), completed=["FOLLOW-UP COMPLETED"])
    assert found.status.tolist() == ["COMPLETED"]


def test_examples_in_the_docstrings():
    assert doctest.testmod(module).failed == 0
