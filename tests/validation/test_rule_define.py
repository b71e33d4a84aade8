from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cdiscway.specs.load import parse_yaml, read_yaml
from cdiscway.specs.mistakes import MistakesError
from cdiscway.validation.rule_data import RuleDataset, RuleStudy
from cdiscway.validation.rule_define import has_data_type, read_define
from cdiscway.validation.rule_library import PackageTerminology, library_of
from cdiscway.validation.rule_model import parse_rule
from cdiscway.validation.rule_run import run_rules

FOLDER = Path(__file__).parents[1] / "cases"
CASES = read_yaml(FOLDER / "rule_define.yaml").data


def found(rule_type: str, check: str, output: str = "") -> list[tuple[str, int | None, dict[str, str]]]:
    text = f"""\
Check: {{all: [{check}]}}
Core: {{Id: OURS-1}}
Outcome: {{Message: It is wrong{", Output Variables: [" + output + "]" if output else ""}}}
Rule Type: {rule_type}
Scope: {{Classes: {{Include: [ALL]}}, Domains: {{Include: [ALL]}}}}
Sensitivity: Record
"""
    columns: dict[str, Any] = {
        "DOMAIN": ["LB"] * 4, "LBTESTCD": ["NEUT", "PLT", "ALB", "NEUT"], "LBORRES": ["1.5", "many", "x", "12345.678"],
    }  # fmt: skip
    frame = pd.DataFrame({name: pd.Series(values, dtype="str") for name, values in columns.items()})
    lb = RuleDataset("LB", frame, "Lab", (), "lb.xpt")
    study = RuleStudy((lb,), library_of("SDTMIG", "3.4"), PackageTerminology(), read_define(FOLDER / "rule_define.xml"))
    outcomes = run_rules([parse_rule(parse_yaml(text, "ours.yml"))], study)
    assert [o.reason for o in outcomes if o.status == "not run"] == []
    return [(h.dataset, h.record, dict(h.values)) for o in outcomes for h in o.hits()]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['type']}: {case['output']}")
def test_a_rule_type_compares_with_define(case: dict[str, Any]) -> None:
    expected = [(dataset, record, values) for dataset, record, values in case["finds"]]
    assert found(case["type"], case["check"], case["output"]) == expected


def test_terminology_in_force_is_that_of_define() -> None:
    assert read_define(FOLDER / "rule_define.xml").terminology_date("SDTM") == "2026-03-27"


def test_what_is_no_xml_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "define.xml").write_text("<ODM>", encoding="utf-8")
    with pytest.raises(MistakesError, match=r"define\.xml:1: is not well-formed XML"):
        read_define(tmp_path / "define.xml")


UNSAFE = [case for case in read_yaml(FOLDER / "define_mutations.yaml").data if "DOCTYPE" in case["put"]]


@pytest.mark.parametrize("case", UNSAFE, ids=lambda case: case["name"])
def test_a_document_type_is_refused(case: dict[str, Any], tmp_path: Path) -> None:
    text = (FOLDER / "rule_define.xml").read_text(encoding="utf-8")
    changed = re.sub(case["find"], case["put"], text, count=1)
    assert changed != text
    (tmp_path / "define.xml").write_text(changed, encoding="utf-8")
    with pytest.raises(MistakesError, match="declares a document type"):
        read_define(tmp_path / "define.xml")


def test_no_file_outside_is_read(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("TOPSECRET", encoding="utf-8")
    entity = f'<!DOCTYPE ODM [<!ENTITY x SYSTEM "{(tmp_path / "secret.txt").as_uri()}">]>'
    (tmp_path / "define.xml").write_text(f"{entity}<ODM>&x;</ODM>", encoding="utf-8")
    with pytest.raises(MistakesError) as caught:
        read_define(tmp_path / "define.xml")
    assert "TOPSECRET" not in str(caught.value)


@pytest.mark.parametrize(("text", "says"), [(None, "no such file"), ("<html/>", "the root is html")])
def test_what_is_no_define_is_a_mistake(text: str | None, says: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "define.xml").write_text(text, encoding="utf-8")
    with pytest.raises(MistakesError, match=says):
        read_define(tmp_path / "define.xml")


@pytest.mark.parametrize(
    ("value", "data_type", "expected"),
    [
        ("12", "integer", True), ("12.5", "integer", False), ("12.5", "float", True), ("x", "float", False),
        ("2020-01-01", "date", True), ("2020-01", "date", False), ("2020-01", "partialDate", True),
        ("P1D", "durationDatetime", True), ("1 day", "durationDatetime", False), ("anything", "text", True),
    ],
)  # fmt: skip
def test_data_types_of_define(value: str, data_type: str, expected: bool) -> None:
    assert has_data_type(value, data_type) is expected
