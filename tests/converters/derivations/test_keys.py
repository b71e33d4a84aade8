"""Groups and orders: by value, whatever the type of the column and the order of the rows."""

import doctest

import numpy as np
import pandas as pd
import pytest

from cdiscway.converters.derivations import keys
from cdiscway.converters.derivations.keys import group_codes, label_codes, ranks, sort_order


@pytest.mark.parametrize("dtype", ["str", "category"])
def test_ranks_are_alphabetical_for_every_text_type(dtype):
    assert ranks(pd.Series(["b", None, "a", "b"], dtype=dtype)).tolist() == [1, -1, 0, 1]
    assert ranks(pd.Series(["z", "a"], dtype="category").cat.set_categories(["z", "a"])).tolist() == [1, 0]


def test_ranks_of_numbers_are_numeric():
    assert ranks(pd.Series([10.0, 9.0, np.nan])).tolist() == [1, 0, -1]


def test_many_keys_do_not_overflow():
    columns = [pd.Series(np.arange(1000.0)) for _ in range(6)]
    codes, size = group_codes(*columns)
    assert (codes.tolist(), size) == (list(range(1000)), 1000)


def test_empty_frames_have_no_groups():
    nothing = pd.Series([], dtype="str")
    assert group_codes(nothing, nothing)[0].tolist() == []
    assert sort_order([nothing]).tolist() == []


def test_labels_may_repeat():
    assert label_codes(np.array([0, 2, -1]), ["A", "B", "A"]).tolist()[:2] == ["A", "A"]


def test_examples_in_the_docstrings():
    assert doctest.testmod(keys).failed == 0
