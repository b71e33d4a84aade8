"""Text algorithms: a table of cases, and what must hold for every text."""

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdiscway.converters.algorithms import text as module
from cdiscway.converters.algorithms.text import (
    change_case,
    concat,
    extract,
    part,
    split_text,
    split_texts,
    substring,
    trim,
)

LONG = "word " * 60


@pytest.mark.parametrize(
    ("function", "arguments", "text", "result"),
    [
        (change_case, ("upper",), "Fièvre", "FIÈVRE"),
        (change_case, ("lower",), "FIÈVRE", "fièvre"),
        (change_case, ("title",), "WHITE BLOOD-CELLS", "White Blood-Cells"),
        (change_case, ("sentence",), "WHITE BLOOD", "White blood"),
        (change_case, ("upper",), None, None),
        (trim, (), "  a  b ", "a b"),
        (trim, (), "\u00a0", None),
        (part, ("-", 1), "101-00017", "101"),
        (part, ("-", 2), "101-00017", "00017"),
        (part, ("-", -1), "a-b-c", "c"),
        (part, ("-", 3), "a-b", None),
        (part, ("-", -3), "a-b", None),
        (part, ("-", 2), "a--c", None),
        (part, (";", 2), "a; b", "b"),
        (substring, (2, 2), "abcd", "bc"),
        (substring, (3,), "abcd", "cd"),
        (substring, (9,), "abcd", None),
        (extract, (r"\d+",), "a12b34", "12"),
        (extract, (r"([a-z])(\d)",), "a1", "a"),
        (extract, (r"\d+",), "abc", None),
    ],
)
def test_case(function, arguments, text, result):
    assert function([text], *arguments) == [result]


@pytest.mark.parametrize(("function", "arguments"), [(part, ("-", 0)), (substring, (0,))])
def test_counting_starts_at_one(function, arguments):
    with pytest.raises(ValueError, match="from 1"):
        function(["a"], *arguments)


@pytest.mark.parametrize(
    ("text", "limit", "pieces"),
    [
        ("pain", 200, ["pain"]),
        ("", 200, []),
        ("a" * 200, 200, ["a" * 200]),
        ("a" * 201, 200, ["a" * 200, "a"]),
        ("a" * 200 + " b", 200, ["a" * 200, "b"]),
        ("a" * 199 + " b", 200, ["a" * 199, "b"]),
        ("é" * 101, 200, ["é" * 100, "é"]),
        ("aé" * 67, 200, ["aé" * 66 + "a", "é"]),
        ("one two", 3, ["one", "two"]),
        ("one two", 5, ["one", "two"]),
        ("one two", 7, ["one two"]),
    ],
)
def test_4_5_3_2_split_case(text, limit, pieces):
    assert split_text(text, limit) == pieces


def test_split_of_a_column_is_by_piece():
    assert [len(piece) for piece in split_texts([LONG, "short", None])] == [3, 3]
    assert split_texts([]) == [[]]


WORDS = st.lists(st.text(st.characters(exclude_categories=["Z", "C"]), min_size=1, max_size=12), max_size=120)


@given(WORDS, st.integers(48, 200))
def test_no_piece_is_too_long_and_none_is_lost(words, limit):
    text = " ".join(words)
    pieces = split_text(text, limit)
    assert all(0 < len(piece.encode()) <= limit for piece in pieces)
    assert " ".join(pieces) == text


@given(st.lists(st.lists(st.none() | st.text(max_size=3), min_size=2, max_size=2)))
def test_concat_never_leaves_a_separator_alone(rows):
    for row, joined in zip(rows, concat(rows, "|"), strict=True):
        assert (joined or "") == "|".join(text for text in row if text)


def test_examples_in_the_docstrings():
    assert doctest.testmod(module).failed == 0
