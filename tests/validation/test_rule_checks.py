"""Rules of the open format among the checks: parts of split domains, rules on the study, waivers on the study's day."""

from __future__ import annotations

import datetime
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from cdiscway.converters.build import without_waived
from cdiscway.converters.dataset import BuiltDataset, DatasetMetadata, VariableMetadata
from cdiscway.validation.finding import Finding
from cdiscway.validation.intake import guess_spec
from cdiscway.validation.rule_checks import own_rules
from cdiscway.validation.rule_model import Rule, read_rule
from cdiscway.validation.run import ValidationResult, validate

RULE = """\
Core: {{Id: OWN-1}}
Rule Type: {kind}
Sensitivity: {sensitivity}
Scope: {{Domains: {{Include: [{domain}]}}}}
Check: {{all: [{{{check}}}]}}
Outcome: {{Message: Told, Output Variables: [{output}]}}
"""


def dataset(name: str, **columns: list[str]) -> BuiltDataset:
    described = tuple(VariableMetadata(column, column, "Char", 8) for column in columns)
    metadata = DatasetMetadata(name, name, described)
    return BuiltDataset(guess_spec(metadata), pd.DataFrame(columns, dtype="str"), metadata)


def judged(tmp_path: Path, *datasets: BuiltDataset, **words: str) -> ValidationResult:
    file = tmp_path / "rule.yaml"
    file.write_text(RULE.format(**{"kind": "Record Data", "sensitivity": "Record", "output": "", **words}))
    rule: Rule = read_rule(file)
    return validate(list(datasets), None, rules=[rule])


def told(result: ValidationResult) -> list[tuple[str, str, int | None, int, str]]:
    found = [finding for finding in result.findings if finding.rule == "OWN-1"]
    return [(f.dataset, f.variable, f.record, f.records, f.message) for f in found]


def test_a_rule_sees_a_split_domain_as_one_and_tells_file_and_record(tmp_path: Path) -> None:
    parts = [
        dataset("QSCG", DOMAIN=["QS"] * 3, USUBJID=["1", "2", "3"], QSTESTCD=["A", "B", "C"]),
        dataset("QSMM", DOMAIN=["QS"] * 2, USUBJID=["3", "4"], QSTESTCD=["C", "C"]),
    ]
    check = "name: USUBJID, operator: is_not_unique_set, value: [QSTESTCD]"
    result = judged(tmp_path, *parts, domain="QS", check=check, output="USUBJID, QSTESTCD")
    assert told(result) == [("QSCG", "QSTESTCD", 3, 1, "Told"), ("QSMM", "QSTESTCD", 1, 1, "Told")]


def test_a_rule_on_the_study_is_told_once_for_the_package(tmp_path: Path) -> None:
    words = {"kind": "Domain Presence Check", "sensitivity": "Dataset", "domain": "ALL"}
    data = [dataset("DM", DOMAIN=["DM"], USUBJID=["1"]), dataset("AE", DOMAIN=["AE"], USUBJID=["1"])]
    result = judged(tmp_path, *data, **words, check="name: EX, operator: not_exists")
    assert told(result) == [("", "", None, 1, "Told (DM = dm.xpt, AE = ae.xpt)")]


def test_a_rule_on_metadata_names_the_variable(tmp_path: Path) -> None:
    words = {"kind": "Variable Metadata Check", "domain": "DM", "output": "variable_name, variable_label"}
    data = dataset("DM", DOMAIN=["DM"], USUBJID=["1"])
    result = judged(tmp_path, data, **words, check="name: variable_label, operator: equal_to, value: USUBJID")
    assert told(result) == [("DM", "USUBJID", None, 1, "Told (variable_label = USUBJID)")]


def test_a_rule_about_what_is_not_there_is_no_check(tmp_path: Path) -> None:
    data = dataset("DM", DOMAIN=["DM"], USUBJID=["1"])
    result = judged(tmp_path, data, domain="DM", check="name: RACE, operator: empty")
    names = {item["meta"]["rule_id"] for item in result.suites["DM"]["expectations"]}
    assert told(result) == [] and "OWN-1" not in names


def test_own_rules_cite_where_they_come_from() -> None:
    assert all(rule.applies_to("ADaMIG", "1.3") is not rule.applies_to("SDTMIG", "3.4") for rule in own_rules())
    assert all((rule.file.startswith("adam/")) is rule.applies_to("ADaMIG", "1.3") for rule in own_rules())
    assert all(reference.section for rule in own_rules() for reference in rule.references)
    assert all(rule.description and rule.message for rule in own_rules())


WAIVER = "- {rule: CDW-MAP-COLUMN, reason: Known, who: Data management, date: 2020-01-01, expires: 2020-06-30}\n"


@pytest.mark.parametrize(("day", "rules"), [(30, []), (31, ["CDW-MAP-COLUMN", "CDW-WAIVER-EXPIRED"])])
def test_a_studys_waivers_are_judged_on_the_day_of_its_cutoff(
    day: int, rules: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    cutoff = datetime.date(2020, 5, 31) + datetime.timedelta(days=day)
    file = SimpleNamespace(raw=SimpleNamespace(cutoff=cutoff))
    study = SimpleNamespace(folder=tmp_path, shown=lambda path: path.name, file=file)
    result = validate([], None, findings=[Finding("CDW-MAP-COLUMN", "error", "FORM", "is not mapped")])
    assert without_waived(result, study) is result, "there is no waivers.yaml"  # type: ignore[arg-type]
    (tmp_path / "waivers.yaml").write_text(WAIVER)
    after = without_waived(result, study)  # type: ignore[arg-type]
    assert [finding.rule for finding in after.findings] == rules
    assert len(after.waived) == (not rules)
