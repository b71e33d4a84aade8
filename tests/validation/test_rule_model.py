from __future__ import annotations

from pathlib import Path

import pytest

from cdiscway.specs.load import parse_yaml
from cdiscway.specs.mistakes import MistakesError
from cdiscway.validation.operations import OPERATIONS
from cdiscway.validation.operators import OPERATORS
from cdiscway.validation.rule_model import Condition, Group, conditions_of, parse_rule, read_rules
from cdiscway.validation.rule_types import RULE_TYPES

RULE = """\
Authorities:
  - Organization: Sponsor
    Standards:
      - {Name: SDTMIG, Version: "3.4", References: [{Origin: Ours, Version: "1", Rule Identifier: {Id: X0001}}]}
Check:
  all:
    - {name: --STAT, operator: equal_to, value: NOT DONE, value_is_literal: True}
    - not:
        name: --REASND
        operator: non_empty
Core: {Id: OURS-1, Status: Draft, Version: "1"}
Match Datasets:
  - {Name: DM, Keys: [USUBJID, {Left: VISITNUM, Right: VISITNUM}], Join Type: left}
Operations:
  - {id: $n, operator: record_count, group: [USUBJID]}
Outcome: {Message: A test not done needs its reason, Output Variables: [--STAT, $n]}
Rule Type: Record Data
Scope:
  Classes: {Include: [FINDINGS]}
  Domains: {Exclude: [IE], include_split_datasets: true}
  Use Case: INDH, PROD
Sensitivity: Record
"""


def test_a_rule_is_read_whole() -> None:
    rule = parse_rule(parse_yaml(RULE, "ours.yml"))
    assert (rule.id, rule.sensitivity, rule.output, rule.severity) == ("OURS-1", "Record", ("--STAT", "$n"), "error")
    assert isinstance(rule.check, Group)
    assert isinstance(rule.check.items[1], Group)
    assert rule.check.items[1].tie == "not"
    assert [c.name for c in conditions_of(rule.check)] == ["--STAT", "--REASND"]
    assert rule.check.items[0] == Condition("--STAT", "equal_to", {"value": "NOT DONE", "value_is_literal": True})
    assert rule.matches[0].keys == (("USUBJID", "USUBJID"), ("VISITNUM", "VISITNUM"))
    assert rule.matches[0].join == "left"
    assert rule.scope.use_cases == ("INDH", "PROD")
    assert rule.scope.splits
    assert rule.identifiers() == ("X0001",)
    assert rule.applies_to("sdtmig", "3-4")
    assert not rule.applies_to("SDTMIG", "3.3")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "operator: equal_to",
            "operator: equals_to",
            "ours.yml:7 Check.all[0].operator: 'equals_to' is not a known operator",
        ),
        (
            "operator: record_count",
            "operator: count_records",
            "ours.yml:15 Operations[0].operator: 'count_records' is not",
        ),
        ("Rule Type: Record Data", "Rule Type: Records", "ours.yml:17 Rule Type: 'Records' is not a known rule type"),
        ("Sensitivity: Record", "Sensitivity: Row", "ours.yml:22 Sensitivity: 'Row' is not a known sensitivity"),
        ("Sensitivity: Record", "Sensitvity: Record", "'Sensitivity' is missing"),
        ("value: NOT DONE, ", "valeu: NOT DONE, ", "'valeu' is not a word known here (did you mean 'value'?)"),
        ("value: NOT DONE, ", "", "'value' is missing (equal_to compares with something)"),
        ("operator: equal_to, value: NOT DONE", "operator: matches_regex, value: '('", "is not a regular expression"),
        ("Join Type: left", "Join Type: outer", "'outer' is not a known join"),
        ("  all:\n", "  every:\n", "ours.yml:6 Check.every: 'every' is not a word known here"),
        ("{id: $n, ", "{", "Operations[0]: 'id' is missing"),
        ("operator: equal_to", "operator: suffix_equal_to", "'suffix' is missing (how many characters)"),
        ("operator: equal_to", "operator: target_is_sorted_by", "'within' is missing (target_is_sorted_by needs it)"),
    ],
)
def test_a_mistake_is_told_with_its_line(old: str, new: str, said: str) -> None:
    assert old in RULE
    with pytest.raises(MistakesError) as raised:
        parse_rule(parse_yaml(RULE.replace(old, new), "ours.yml"))
    assert said in str(raised.value)


@pytest.mark.parametrize("text", ["", "[]", "Check: text", "just words", "Check: {all: []}"])
def test_what_is_no_rule_is_a_mistake(text: str) -> None:
    with pytest.raises(MistakesError):
        parse_rule(parse_yaml(text, "ours.yml"))


def test_mistakes_of_all_files_are_told_together(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(RULE.replace("equal_to", "equals"), encoding="utf-8")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "c.yaml").write_text(RULE.replace("Record Data", "Records"), encoding="utf-8")
    with pytest.raises(MistakesError) as raised:
        read_rules(tmp_path)
    assert {mistake.file for mistake in raised.value.mistakes} == {"a.yml", "b/c.yaml"}


def test_in_a_checkout_only_rule_files_are_rules(tmp_path: Path) -> None:
    for name in ("X-1/rule.yml", "X-2/rule.yml", ".github/work.yml", "settings.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(
            RULE.replace("Id: OURS-1, ", "") if "rule" in name else "other: words", encoding="utf-8"
        )
    assert [rule.id for rule in read_rules(tmp_path)] == ["X-1", "X-2"]


def test_a_folder_without_rules_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(MistakesError, match="holds no rule"):
        read_rules(tmp_path)


def test_the_reference_names_every_operator_operation_and_rule_type() -> None:
    reference = (Path(__file__).parents[2] / "docs" / "reference" / "rule-format.md").read_text(encoding="utf-8")
    assert [name for name in (*OPERATORS, *OPERATIONS) if f"`{name}`" not in reference] == []
    assert [name for name in RULE_TYPES if f"| {name} |" not in reference] == []
