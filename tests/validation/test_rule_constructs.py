"""Constructs of the rule format, each by a small rule of our own: what it tells of small data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from cdiscway.specs.load import read_yaml
from cdiscway.validation.rule_data import RuleDataset, RuleStudy
from cdiscway.validation.rule_library import PackageTerminology, library_of
from cdiscway.validation.rule_model import Rule, read_rule
from cdiscway.validation.rule_run import run_rules

CASES: list[dict[str, Any]] = read_yaml(Path(__file__).parents[1] / "cases" / "rule_constructs.yaml").data


def rule_of(case: dict[str, Any], folder: Path) -> Rule:
    words = {
        "Core": {"Id": "OURS-1"},
        "Rule Type": case.get("type", "Record Data"),
        "Sensitivity": case.get("sensitivity", "Record"),
        "Scope": case.get("scope", {"Domains": {"Include": ["ALL"]}}),
        "Check": case["check"],
        "Operations": case.get("operations", []),
        "Match Datasets": case.get("match", []),
        "Grouping Variables": case.get("grouping", []),
        "Outcome": {"Message": "m", "Output Variables": case.get("output", [])},
    }
    file = folder / "rule.yml"
    file.write_text(yaml.safe_dump(words), encoding="utf-8")
    return read_rule(file)


def study_of(case: dict[str, Any]) -> RuleStudy:
    standard, version = case.get("standard", "SDTMIG"), case.get("version", "3.4")
    datasets = tuple(RuleDataset(name, pd.DataFrame(columns)) for name, columns in case["data"].items())
    return RuleStudy(datasets, library_of(standard, version), PackageTerminology(), None, standard, version)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["clause"])
def test_a_rule_tells_what_its_clause_says(case: dict[str, Any], tmp_path: Path) -> None:
    outcomes = run_rules([rule_of(case, tmp_path)], study_of(case))
    assert [outcome.reason for outcome in outcomes if outcome.status == "not run"] == []
    found = [[hit.dataset, hit.record, dict(hit.values)] for outcome in outcomes for hit in outcome.hits()]
    assert found == case["finds"]


def test_a_fact_beside_define_xml_is_compared_with_the_one_of_the_same_name(tmp_path: Path) -> None:
    case = {
        "type": "Variable Metadata Check against Define XML",
        "check": {"all": [{"name": "variable_label", "operator": "not_equal_to"}]},
    }
    check: Any = rule_of(case, tmp_path).check
    assert check.items[0].parameters["value"] == "define_variable_label"
