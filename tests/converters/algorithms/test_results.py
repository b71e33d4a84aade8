"""Collected results, and decimal rounding: a table of cases, and Python's decimal module as the oracle."""

import csv
import doctest
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdiscway.converters.algorithms import results
from cdiscway.converters.algorithms.results import (
    number_text,
    number_texts,
    parse_results,
    read_number,
    round_half_up,
    round_values,
)

ROOT = Path(__file__).parents[3]
with (ROOT / "tests" / "cases" / "algorithms" / "results.csv").open(encoding="utf-8", newline="") as file:
    CASES = list(csv.DictReader(file))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['value']!r} decimal {case['decimal']}")
def test_result_case(case):
    (result,) = parse_results([case["value"]], decimal=case["decimal"])
    assert (result.comparator, result.number or "", result.status, result.standard or "") == (
        case["comparator"],
        case["number"],
        case["status"],
        case["standard"],
    )
    assert bool(result.reason) or result.status != "ambiguous"


def test_words_for_no_result_are_the_studys():
    found = parse_results(["ND", "nd ", "NF", "ND1"], not_done=["ND", "NF"])
    assert [result.status for result in found] == ["not done", "not done", "not done", "text"]


def test_missing_values_of_every_kind():
    assert {result.status for result in parse_results([None, pd.NA, float("nan"), " "])} == {"missing"}


@given(st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**9))
def test_every_decimal_text_is_read_as_it_is_written(number):
    plain = f"{number:f}"
    assert Decimal(read_number(plain)) == number
    assert Decimal(read_number(plain.replace(".", ","), ",")) == number
    assert read_number(plain).partition(".")[2] == plain.partition(".")[2]


@given(st.text(max_size=20))
def test_no_text_raises(text):
    assert parse_results([text], decimal="any")[0].status


@given(st.lists(st.integers(-(10**10), 10**10)), st.integers(0, 4), st.integers(0, 6))
def test_rounding_is_decimal_half_up(whole_numbers, places, digits):
    texts = [Decimal(number).scaleb(-places) for number in whole_numbers]
    expected = [float(text.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)) for text in texts]
    assert round_values([float(text) for text in texts], digits).tolist() == expected


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (2.675, 2, "2.68"),
        (1.005, 2, "1.01"),
        (-2.5, 0, "-3"),
        (0.5, 0, "1"),
        (1234.5, -2, "1200"),
        ("0.125", 2, "0.13"),
    ],
)
def test_half_up_as_written(value, digits, text):
    assert f"{round_half_up(value, digits):f}" == text


def test_sum_of_floats_shows_no_noise():
    assert number_text(0.1 + 0.2) == "0.3"
    assert number_text(1.1 * 3) == "3.3"
    assert number_text(-0.0) == "0"
    assert number_text(1e20) == "100000000000000000000"
    assert number_text(float("nan")) is None


def test_columns_keep_missing():
    assert number_texts([0.1 + 0.2, np.nan, 0.3]).isna().tolist() == [False, True, False]
    assert np.isnan(round_values([np.nan, 1.0], 1)).tolist() == [True, False]
    assert round_values([np.inf], 1).tolist() == [np.inf]


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_text_of_a_number_never_has_an_exponent_or_noise(value):
    text = number_text(value)
    assert "e" not in text.lower()
    assert len(text.lstrip("-0.").rstrip("0").replace(".", "")) <= 15 or abs(value) >= 1e15


def test_examples_in_the_docstrings():
    assert doctest.testmod(results).failed == 0


def table():
    """The reference page's table, made of the cases."""
    lines = ["", "| collected | decimal mark | comparator | number | outcome |", "|---|---|---|---|---|"]
    for case in CASES:
        cells = [
            f"`{results.tidy(case[name])}`" if case[name].strip() else ""
            for name in ("value", "decimal", "comparator", "number")
        ]
        lines.append(f"| {' | '.join(cells)} | {case['status']} |")
    return "\n".join(lines) + "\n"


def test_reference_page_holds_the_cases():
    page = (ROOT / "docs" / "reference" / "results.md").read_text(encoding="utf-8")
    assert page.partition("<!-- made of tests/cases/algorithms/results.csv -->\n")[2] == table()
