"""The language of conditions: the table of cases is both the test and the reference page."""

import csv
import doctest
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdiscway.converters.algorithms import conditions
from cdiscway.converters.algorithms.conditions import (
    FUNCTIONS,
    ExpressionError,
    parse_condition,
    parse_expression,
    parse_value,
)

ROOT = Path(__file__).parents[3]
with (ROOT / "tests" / "cases" / "algorithms" / "conditions.csv").open(encoding="utf-8", newline="") as file:
    CASES = list(csv.DictReader(file))


def read_frame(data):
    """`A=x;N#=1` is one record with the text column A and the number column N; nothing after = is missing."""
    columns = {}
    for item in data.split(";"):
        name, _, text = item.partition("=")
        if name.endswith("#"):
            columns[name[:-1]] = pd.Series([float(text) if text else np.nan])
        else:
            columns[name] = pd.Series([text or None], dtype="str")
    return pd.DataFrame(columns)


def written(value):
    if isinstance(value, str):
        return value
    return "missing" if pd.isna(value) else f"{value:.12g}"


def result_of(case):
    frame = read_frame(case["data"])
    try:
        expression = parse_expression(case["expression"].replace("#", ""), known=frame.columns)
    except ExpressionError as error:
        return str(error)
    if expression.kind == "test":
        return str(bool(expression.mask(frame, decimal=",")[0])).lower()
    return written(expression.values(frame, decimal=",")[0])


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['expression']} | {case['data']}")
def test_case(case):
    assert result_of(case) == case["result"]


def tables():
    """The reference page's tables, made of the cases."""
    lines = []
    for section in dict.fromkeys(case["section"] for case in CASES):
        lines += ["", f"## {section}", "", "| expression | record | result |", "|---|---|---|"]
        for case in CASES:
            if case["section"] == section:
                cells = (case["expression"].replace("#", ""), case["data"].replace("#", ""), case["result"])
                lines.append("| " + " | ".join(code(cell) for cell in cells) + " |")
    lines += ["", "## The functions", "", "| function | gives |", "|---|---|"]
    for name, function in FUNCTIONS.items():
        second = {"": "", "text": ', "dd/mm/yyyy"', "number": ", 2"}[function.option]
        lines.append(f"| `{name}(X{second})` | {function.help} |")
    return "\n".join(lines) + "\n"


def code(cell):
    fence = "``" if "`" in cell else "`"
    space = " " if "`" in cell else ""
    return f"{fence}{space}{cell}{space}{fence}".replace("|", "\\|")


def test_reference_page_holds_the_cases():
    page = (ROOT / "docs" / "reference" / "conditions.md").read_text(encoding="utf-8")
    assert page.partition("<!-- made of tests/cases/algorithms/conditions.csv -->\n")[2] == tables()


def test_kinds_are_checked():
    with pytest.raises(ExpressionError, match="a test is needed"):
        parse_condition("FLAG")
    with pytest.raises(ExpressionError, match="a value is needed"):
        parse_value("FLAG == 1")


def test_columns_in_order_of_use_and_once():
    assert parse_condition('B == "x" and (A > 1 or B is missing) and `C d` > C').columns == ("B", "A", "C d", "C")


def test_categorical_text_and_number_columns_agree():
    texts = pd.Series(["0,4", None, "0,6", "ND"], dtype="str")
    rows = pd.DataFrame({"text": texts, "category": texts.astype("category"), "number": [0.4, np.nan, 0.6, np.nan]})
    for name in rows:
        assert parse_condition(f"{name} > 0.5").mask(rows, decimal=",").tolist() == [False, False, True, False]
        assert parse_condition(f"{name} is missing").mask(rows).sum() == (2 if name == "number" else 1)


@pytest.mark.parametrize("dtype", ["str", "category", "object"])
def test_empty_text_is_missing_in_every_kind_of_column(dtype):
    rows = pd.DataFrame({"A": pd.Series(["", "x", None], dtype=dtype)})
    assert parse_condition("A is missing").mask(rows).tolist() == [True, False, True]


def test_no_column_needs_the_number_of_records():
    assert parse_condition("1 == 1").mask({}, records=3).tolist() == [True, True, True]


def test_texts_used_as_numbers_that_are_none_are_told():
    rows = pd.DataFrame({"ANC": ["0,4", "ND", "ND", None], "PLT": ["x", "y", "z", None], "S": ["a"] * 4}, dtype="str")
    expression = parse_condition('ANC > 0.5 and S == "a" and PLT is not missing')
    assert list(expression.not_numbers(rows, decimal=",")) == [("ANC", "ND", 2)]


NUMBERS = st.none() | st.integers(-50, 50)


@given(st.lists(st.tuples(NUMBERS, NUMBERS)))
def test_a_test_and_its_negation_part_the_records(pairs):
    rows = pd.DataFrame(pairs, columns=["A", "B"], dtype="float64")
    for sign in ("==", "!=", "<", "<=", ">", ">="):
        held = parse_condition(f"A {sign} B").mask(rows)
        assert (held ^ parse_condition(f"not A {sign} B").mask(rows)).all()
    texts = rows.map(lambda number: None if pd.isna(number) else f"{number:g}").astype("str")
    assert (parse_condition("number(A) < number(B)").mask(texts) == parse_condition("A < B").mask(rows)).all()


ATOMS = st.sampled_from(
    ["A", "B", "1", "2.5", '"x"', "A == 1", "not", "and", "or", "(", ")", "+", "is missing", "in", ","]
)


@given(st.lists(ATOMS, max_size=12).map(" ".join) | st.text(max_size=20))
def test_any_text_is_parsed_or_a_mistake_with_a_position(text):
    try:
        expression = parse_expression(text)
    except ExpressionError as error:
        assert all(1 <= problem.position <= len(text) + 1 for problem in error.problems)
    else:
        rows = {name: pd.Series(["1", None], dtype="str") for name in expression.columns}
        result = (expression.mask if expression.kind == "test" else expression.values)(rows, records=2)
        assert len(result) == 2


def test_examples_in_the_docstrings():
    assert doctest.testmod(conditions).failed == 0
