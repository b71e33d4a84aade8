"""The clean study has no finding; each defect planted in it is found by the rule meant for it, and by no other.

What follows from it stands under it (`brings`).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from cdiscway.validation.checks import RULES
from cdiscway.validation.rule_checks import own_rules
from cdiscway.validation.run import validate

CASES = yaml.load(
    (Path(__file__).parents[1] / "cases" / "planted.yaml").read_text(),
    Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader),
)


def name(case) -> str:  # type: ignore[no-untyped-def]
    rules = [case["finds"]] if isinstance(case["finds"], str) else [*case["finds"], "nothing"]
    return f"{case['in']}-{rules[0]}"


def typed(case):  # type: ignore[no-untyped-def]
    """Give whole numbers of a case back their type: the file is read as text, so that values stay as written."""
    for key in ("record", "repeat", "remove"):
        if isinstance(case.get(key), str) and case[key].isdigit():
            case[key] = int(case[key])
    if "lengths" in case:
        case["lengths"] = {key: int(value) for key, value in case["lengths"].items()}
    return case


def test_clean_study_is_clean(clean_tables, judge, tools) -> None:  # type: ignore[no-untyped-def]
    result = judge(clean_tables)
    assert [tools["shown"](item) for item in (*result.findings, *result.not_run)] == []
    assert result.clean
    assert sum(result.checks.values()) > 300


@pytest.mark.parametrize("case", [typed(case) for case in CASES], ids=name)
def test_defect_is_found(case, clean_tables, judge, tools) -> None:  # type: ignore[no-untyped-def]
    result = judge(tools["plant"](clean_tables, case))
    wanted = [case["finds"]] if isinstance(case["finds"], str) else case["finds"]
    found = {finding.rule for finding in result.findings} | {f"not run: {item.rule}" for item in result.not_run}
    assert found == set(wanted), [tools["shown"](item) for item in (*result.findings, *result.not_run)]
    below = {finding.rule for finding in result.consequences}
    assert below == set(case.get("brings", [])), [tools["shown"](item) for item in result.consequences]


def test_cases_are_many_and_cover_the_catalogue() -> None:
    named = {rule for case in CASES for rule in ([case["finds"]] if isinstance(case["finds"], str) else case["finds"])}
    named |= {rule for case in CASES for rule in case.get("brings", [])}
    assert len(CASES) >= 400
    elsewhere = {"CDW-PACKAGE-ALONE", "CDW-META-MATCH", "CDW-OUTLIER"}  # the tests below
    elsewhere |= {
        name for name, planned in RULES.items() if planned.find.__module__.endswith("plausible")
    }  # test_plausible
    catalogue = {name for name, planned in RULES.items() if planned.rule.group not in {"file", "map", "define"}}
    on_analyses = {
        rule.id for rule in own_rules() if rule.applies_to("ADaMIG", "1.3")
    }  # test_planted_sdtm.py has the others
    assert (catalogue | on_analyses) - named == elsewhere


def test_rules_on_analysis_data_are_many_and_none_is_told_twice() -> None:
    own = [rule.id for rule in own_rules()]
    assert len(set(own)) == len(own)
    assert not set(own) & set(RULES)
    assert len(own) + sum(planned.rule.group == "adam" for planned in RULES.values()) >= 180


def test_analyses_alone_say_what_was_not_looked_at(clean_tables, judge) -> None:  # type: ignore[no-untyped-def]
    result = judge([table for table in clean_tables if table.name.startswith("AD")])
    assert [finding.rule for finding in result.findings] == ["CDW-PACKAGE-ALONE"]
    assert result.clean


def test_description_that_differs_from_the_data_is_found(clean_tables, tools, terminology) -> None:  # type: ignore[no-untyped-def]
    built = tools["build"](clean_tables)
    at = next(i for i, dataset in enumerate(built) if dataset.name == "TI")
    built[at] = replace(built[at], metadata=replace(built[at].metadata, variables=built[at].metadata.variables[:-1]))
    told = [finding for finding in validate(built, terminology).findings if finding.rule == "CDW-META-MATCH"]
    assert {finding.dataset for finding in told} == {"TI"}, "every other dataset was judged by its own frame"


def test_nothing_given_is_not_clean(terminology) -> None:  # type: ignore[no-untyped-def]
    result = validate([], terminology)
    assert not result.clean
    assert len(result.not_run) == 1


def test_great_expectations_finds_the_same(clean_tables, judge, tools, terminology) -> None:  # type: ignore[no-untyped-def]
    tables = clean_tables
    for case in CASES[::8]:
        if "rename" not in case and "remove" not in case and "drop" not in case:
            tables = tools["plant"](tables, typed(case))
    direct, suites = judge(tables), validate(tools["build"](tables), terminology)
    assert len(direct.findings) > 5
    assert suites.findings == direct.findings
    assert suites.not_run == direct.not_run
    assert suites.checks == direct.checks
    assert sum(len(suite["expectations"]) for suite in suites.suites.values()) == sum(suites.checks.values()) + len(
        [item for item in suites.not_run if item.reason]
    )


@pytest.mark.parametrize(("value", "found"), [("3.1", False), ("31000", True), ("0.0003", True)])
def test_result_far_from_the_others_is_found(value, found, clean_tables, judge, tools) -> None:  # type: ignore[no-untyped-def]
    tables = clean_tables
    for at in range(30):
        shown = value if at == 7 else f"{2 + at * 0.1:.1f}"
        more = {
            "LBSEQ": str(100 + at),
            "LBSTRESC": shown,
            "LBSTRESN": shown,
            "LBORRES": shown,
            "LBNRIND": "",
            "VISITNUM": f"2.{at + 30}",
        }
        more |= {
            "USUBJID": "CLEAN-01-02-004",
            "LBDTC": "2020-03-09",
            "LBDY": "8",
            "VISIT": "UNSCHEDULED",
            "EPOCH": "TREATMENT",
        }
        tables = tools["plant"](tables, {"in": "LB", "repeat": 1, "with": more})
    rules = [finding.rule for finding in judge(tables).findings]
    assert rules == (["CDW-OUTLIER"] if found else [])
