"""Operators held against the same sentence said slowly, record by record, on random tables."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdiscway.validation.operators import COMPLEMENTS, OPERATORS, Call
from cdiscway.validation.rule_columns import encode
from cdiscway.validation.rule_frame import frame_of_columns

VALUE = st.sampled_from([None, "", "a", "b", "A", "10", "2"])
DATE = st.sampled_from([None, "2020", "2020-01", "2020-01-05", "2020-01-05T10:00", "2020-02-30", "2021-01-01"])
ROWS = st.lists(st.tuples(VALUE, VALUE, VALUE), min_size=1, max_size=12)
Row = tuple[Any, Any, Any]
Slow = Callable[[list[Row], int], bool]


def clean(rows: list[Row]) -> list[Row]:
    return [tuple(value or None for value in row) for row in rows]  # type: ignore[misc]


def ask(name: str, rows: list[Row], words: dict[str, Any]) -> list[bool]:
    columns = {letter: encode([row[i] for row in rows]) for i, letter in enumerate("ABC")}
    frame = frame_of_columns(columns, len(rows))
    answer: list[bool] = OPERATORS[name](Call(frame, "A", words)).tolist()
    return answer


def number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


def several(pairs: set[Row], place: int, value: Any) -> bool:
    return value is not None and len({pair for pair in pairs if pair[place] == value}) > 1


def inconsistent(rows: list[Row], i: int) -> bool:
    counts = Counter(row[0] for row in rows if row[1] == rows[i][1])
    if len(counts) < 2:
        return False
    leaders = [value for value, count in counts.items() if count == max(counts.values())]
    return len(leaders) > 1 or rows[i][0] not in leaders


SLOW: dict[str, tuple[dict[str, Any], Slow]] = {
    "equal_to": ({"value": "B"}, lambda r, i: r[i][0] is not None and r[i][0] == r[i][1]),
    "not_equal_to": ({"value": "B"}, lambda r, i: r[i][0] != r[i][1]),
    "equal_to_case_insensitive": (
        {"value": "B"}, lambda r, i: None not in r[i][:2] and r[i][0].lower() == r[i][1].lower(),
    ),
    "less_than": ({"value": "B"}, lambda r, i: number(r[i][0]) < number(r[i][1])),
    "is_contained_by": ({"value": "B"}, lambda r, i: r[i][0] is not None and r[i][0] in {row[1] for row in r}),
    "starts_with": ({"value": "B"}, lambda r, i: None not in r[i][:2] and r[i][0].startswith(r[i][1])),
    "is_not_unique_set": ({"value": ["B", "C"]}, lambda r, i: r.count(r[i]) > 1),
    "is_not_unique_relationship": (
        {"value": "B"},
        lambda r, i: any(several({row[:2] for row in r}, p, r[i][p]) for p in (0, 1)),
    ),
    "present_on_multiple_rows_within": (
        {"within": "B"}, lambda r, i: r[i][0] is not None and [row[:2] for row in r].count(r[i][:2]) > 1,
    ),
    "is_inconsistent_across_dataset": ({"value": "B"}, inconsistent),
    "has_same_values": ({}, lambda r, i: len({row[0] for row in r}) == 1),
}  # fmt: skip


@pytest.mark.parametrize("name", SLOW)
@settings(max_examples=60, deadline=None)
@given(rows=ROWS)
def test_an_operator_says_what_a_slow_reading_says(name: str, rows: list[Row]) -> None:
    words, slow = SLOW[name]
    held = clean(rows)
    assert ask(name, rows, words) == [slow(held, i) for i in range(len(held))]


@pytest.mark.parametrize(("name", "other"), sorted(COMPLEMENTS.items()))
@settings(max_examples=15, deadline=None)
@given(rows=ROWS)
def test_a_complement_holds_for_all_other_records(name: str, other: str, rows: list[Row]) -> None:
    if "conformant" in name or "codelist" in name or "valid_re" in name:
        return
    words: dict[str, Any] = {"value": "B", "within": "B", "ordering": "C", "prefix": 1, "suffix": 1, "order": "asc"}
    words["regex"] = "." if "string_part" in name else None
    if name == "target_is_sorted_by":
        words["value"] = [{"name": "C"}]
    first, second = ask(name, rows, words), ask(other, rows, words)
    assert [not answer for answer in first] == second


@settings(max_examples=150, deadline=None)
@given(rows=st.lists(st.tuples(DATE, DATE, VALUE), min_size=1, max_size=12))
def test_dates_are_before_equal_or_after(rows: list[Row]) -> None:
    before, equal, after = (
        ask(f"date_{name}", rows, {"value": "B"}) for name in ("less_than", "equal_to", "greater_than")
    )
    at_most = ask("date_less_than_or_equal_to", rows, {"value": "B"})
    for i, (first, second, _) in enumerate(rows):
        known = None not in (first, second) and "2020-02-30" not in (first, second)
        alike = known and len(first) == len(second)
        assert before[i] + equal[i] + after[i] <= int(known)
        assert before[i] + equal[i] + after[i] == 1 or not alike
        assert at_most[i] == (before[i] or equal[i]) or not alike
        assert not equal[i] or alike


@settings(max_examples=100, deadline=None)
@given(rows=st.lists(st.tuples(DATE, DATE, VALUE), min_size=1, max_size=12))
def test_dates_differ_where_both_are_known_and_they_are_not_equal(rows: list[Row]) -> None:
    equal, differ = (ask(f"date_{name}", rows, {"value": "B"}) for name in ("equal_to", "not_equal_to"))
    for i, (first, second, _) in enumerate(rows):
        known = None not in (first, second) and "2020-02-30" not in (first, second)
        assert equal[i] + differ[i] == int(known)


@settings(max_examples=60, deadline=None)
@given(rows=ROWS)
def test_the_next_record_of_a_group_is_compared(rows: list[Row]) -> None:
    held = clean(rows)
    ordered: dict[Any, list[int]] = {}
    for i in sorted(range(len(held)), key=lambda i: (held[i][2] is None, str(held[i][2]), i)):
        ordered.setdefault(held[i][1], []).append(i)
    expected = [False] * len(held)
    for places in ordered.values():
        for here, there in itertools.pairwise(places):
            expected[here] = held[here][0] is None or held[here][0] != held[there][0]
    words = {"value": "A", "within": "B", "ordering": "C"}
    found = ask("does_not_have_next_corresponding_record", rows, words)
    assert [f for f, row in zip(found, held, strict=True) if row[0] is not None] == [
        e for e, row in zip(expected, held, strict=True) if row[0] is not None
    ]
