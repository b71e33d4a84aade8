from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cdiscway.specs.load import read_yaml
from cdiscway.validation.operators import OPERATORS, TAKES_NO_VALUE, Call, CannotRunError, VariableMissingError
from cdiscway.validation.rule_columns import encode
from cdiscway.validation.rule_frame import frame_of_columns

CASES = read_yaml(Path(__file__).parents[1] / "cases" / "rule_operators.yaml").data
ELSEWHERE = {
    "conformant_value_data_type", "non_conformant_value_data_type", "conformant_value_length",
    "non_conformant_value_length", "references_correct_codelist", "does_not_reference_correct_codelist",
    "is_valid_reference", "is_not_valid_reference", "is_valid_relationship", "is_not_valid_relationship",
    "value_has_multiple_references", "value_does_not_have_multiple_references",
    "target_is_sorted_by",
}  # fmt: skip


def ask(data: dict[str, list[Any]], check: dict[str, Any]) -> list[int]:
    columns = {name: encode(values) for name, values in data.items()}
    frame = frame_of_columns(columns, len(next(iter(data.values()))), "LB")
    mask = OPERATORS[check["operator"]](Call(frame, check["name"], check))
    assert mask.dtype == bool
    return (np.flatnonzero(mask) + 1).tolist()


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['check']['operator']}: {case['clause']}")
def test_an_operator_holds_for_the_records_of_its_clause(case: dict[str, Any]) -> None:
    assert ask(case["data"], case["check"]) == case["expect"]


def test_every_operator_has_a_clause() -> None:
    assert set(OPERATORS) - ELSEWHERE == {case["check"]["operator"] for case in CASES} - {"target_is_sorted_by"}
    assert set(OPERATORS) >= TAKES_NO_VALUE


NOT_ABOUT_A_VARIABLE = {"exists", "not_exists", "additional_columns_empty", "additional_columns_not_empty"} | {
    name for name in OPERATORS if "conformant" in name or "codelist" in name
}


@pytest.mark.parametrize("name", sorted(set(OPERATORS) - NOT_ABOUT_A_VARIABLE))
def test_a_variable_that_is_not_there_cannot_be_judged(name: str) -> None:
    check = {"operator": name, "value": [{"name": "A"}], "within": "A", "ordering": "A", "regex": "."}
    frame = frame_of_columns({"A": encode(["x"])}, 1, "LB")
    with pytest.raises((VariableMissingError, CannotRunError)):
        OPERATORS[name](Call(frame, "NOTHERE", check))


@pytest.mark.parametrize("name", sorted(OPERATORS))
def test_no_records_give_no_answer(name: str) -> None:
    words = {"value": "B", "within": "B", "ordering": "B", "regex": "(.)", "prefix": 1, "suffix": 1, "order": "asc"}
    if name.startswith("target_is"):
        words["value"] = [{"name": "B"}]  # type: ignore[assignment]
    facts = ("A", "B", "RDOMAIN", "type_check", "length_check", "library_variable_ccode")
    frame = frame_of_columns({fact: encode([]) for fact in facts}, 0, "LB")
    frame.kept["study variables"], frame.kept["study values"] = {}, lambda domain, name: frozenset()
    assert OPERATORS[name](Call(frame, "A", words)).tolist() == []


def test_an_operations_result_that_was_never_made_is_said() -> None:
    frame = frame_of_columns({"A": encode(["x"])}, 1)
    with pytest.raises(CannotRunError, match=r"\$terms is not the id of an operation"):
        OPERATORS["is_contained_by"](Call(frame, "A", {"value": "$terms"}))


def test_counts_that_an_operation_made() -> None:
    counts = encode([(("X", 2), ("Y", 1))] * 3)
    frame = frame_of_columns({"A": encode(["X", "Y", None]), "$n": counts}, 3)
    assert OPERATORS["value_has_multiple_references"](Call(frame, "A", {"value": "$n"})).tolist() == [
        True,
        False,
        False,
    ]


def test_references_and_relationships_are_looked_up_in_the_study() -> None:
    columns = {
        "RDOMAIN": encode(["AE", "AE", "LB"]),
        "IDVAR": encode(["AESEQ", "AEX", "LBSEQ"]),
        "IDVARVAL": encode("123"),
    }
    frame = frame_of_columns(columns, 3)
    frame.kept["study variables"] = {"AE": {"AESEQ"}, "LB": {"LBSEQ"}}
    frame.kept["study values"] = lambda domain, name: frozenset({"1"} if (domain, name) == ("AE", "AESEQ") else ())
    assert OPERATORS["is_valid_reference"](Call(frame, "IDVAR", {"context": "RDOMAIN"})).tolist() == [True, False, True]
    related = Call(frame, "IDVAR", {"context": "RDOMAIN", "value": "IDVARVAL"})
    assert OPERATORS["is_valid_relationship"](related).tolist() == [True, False, False]
