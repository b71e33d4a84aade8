"""Groups by declared cut points."""

import doctest

import pandas as pd
import pytest

from cdiscway.converters.derivations import groups as module
from cdiscway.converters.derivations.groups import Group, check_groups, group_of

AGES = [Group("<65", below=65), Group("65-80", up_to=80), Group(">80")]


@pytest.mark.parametrize(
    ("value", "label", "number"),
    [(64.9, "<65", 1), (65, "65-80", 2), (80, "65-80", 2), (80.1, ">80", 3), (float("nan"), None, None)],
)
def test_case(value, label, number):
    labels, numbers = group_of([value], AGES)
    assert (None if pd.isna(labels[0]) else labels[0]) == label
    assert (None if pd.isna(numbers[0]) else numbers[0]) == number


def test_above_the_last_end_there_is_no_group():
    assert group_of([99.0], AGES[:2])[0].isna().all()


@pytest.mark.parametrize(
    ("groups", "word"),
    [
        ([Group("a", below=5), Group("b", below=4)], "not above"),
        ([Group("a"), Group("b", below=4)], "stay empty"),
        ([Group("a", below=4, up_to=4)], "two ends"),
    ],
)
def test_mistakes(groups, word):
    assert word in check_groups(groups)[0]
    assert check_groups(AGES) == []
    assert check_groups([Group("<5", below=5), Group("5", up_to=5)]) == []


def test_examples_in_the_docstrings():
    assert doctest.testmod(module).failed == 0
