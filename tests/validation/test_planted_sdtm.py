"""Rules on tabulations in the open format: a clean study has no finding, each planted defect is found by its rule alone."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from cdiscway.validation.rule_checks import own_rules

FOLDER = Path(__file__).parents[1] / "cases"
CASES = yaml.load((FOLDER / "planted_sdtm.yaml").read_text(), Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader))
DOMAINS = yaml.load((FOLDER / "clean_domains.yaml").read_text(), Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader))


def wanted(case) -> set[str]:  # type: ignore[no-untyped-def]
    return {case["finds"]} if isinstance(case["finds"], str) else set(case["finds"])


def typed(case):  # type: ignore[no-untyped-def]
    """Give whole numbers of a case back their type: the file is read as text, so that values stay as written."""
    numbers = {key: int(case[key]) for key in ("repeat", "remove") if case.get(key, "").isdigit()}
    return case | numbers | ({"and": typed(case["and"])} if "and" in case else {})


@pytest.fixture(scope="module")
def study(clean_tables, tools):  # type: ignore[no-untyped-def]
    """The clean study with the domains that not every study has."""
    made = type(clean_tables[0])
    tabulations = [table for table in clean_tables if not table.name.startswith("AD")]
    return [*tabulations, *(made(name, rows_of(table), tuple(table["columns"])) for name, table in DOMAINS.items())]


def rows_of(table) -> tuple[dict[str, str], ...]:  # type: ignore[no-untyped-def]
    return tuple(dict(zip(table["columns"], row, strict=True)) for row in table["rows"])


def test_clean_domains_are_clean(study, judge, tools) -> None:  # type: ignore[no-untyped-def]
    result = judge(study)
    assert [tools["shown"](item) for item in (*result.findings, *result.not_run)] == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['in']}-{min(wanted(case), default='nothing')}")
def test_defect_is_found(case, study, judge, tools) -> None:  # type: ignore[no-untyped-def]
    result = judge(tools["plant"](study, typed(case)))
    found = {finding.rule for finding in result.findings} | {f"not run: {item.rule}" for item in result.not_run}
    assert found == wanted(case), [tools["shown"](item) for item in (*result.findings, *result.not_run)]


def test_every_rule_on_tabulations_has_a_case() -> None:
    named = {rule for case in CASES for rule in wanted(case)}
    rules = {rule.id for rule in own_rules() if rule.applies_to("SDTMIG", "3.4")}
    assert len(rules) >= 120
    assert rules - named == set()
