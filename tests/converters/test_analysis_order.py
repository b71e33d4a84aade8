"""The order of the raw rows changes no analysis value: the cases of analysis datasets, with the rows turned round."""

from __future__ import annotations

import copy
import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


def load_cases() -> ModuleType:
    spec = importlib.util.spec_from_file_location("mapping_cases", Path(__file__).parent / "test_mapping_cases.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CASES = load_cases()


def analysis_cases() -> list[Any]:
    return [item for item in CASES.read_cases() if item.id.startswith("analysis_") and "mistakes" not in item.values[0]]


def turned_round(case: dict[str, Any]) -> dict[str, Any]:
    """Return a case whose raw rows come in the other order; values by rule are those of the rows."""
    case = copy.deepcopy(case)
    for columns in (case.get("forms") or {"F": case["raw"]}).values():
        rows = max(len(values) for values in columns.values())
        columns.setdefault("SUBJ", [f"{row + 1:02d}" for row in range(rows)])
        for name, values in columns.items():
            columns[name] = [*values, *([None] * (rows - len(values)))][::-1]
    if "gives" in case:
        case["gives"] = case["gives"][::-1]
    return case


@pytest.mark.parametrize("case", analysis_cases())
def test_the_order_of_raw_rows_does_not_matter(case: dict[str, Any], tmp_path: Path) -> None:
    if "undecided" in case["name"] or "does not decide" in case["name"]:
        pytest.skip("the case is about an order that decides nothing")
    CASES.test_mapping_case(turned_round(case), tmp_path)
