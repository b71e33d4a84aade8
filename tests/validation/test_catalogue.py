"""The catalogue: every rule has an id, a title and a group, and the page of rules is up to date."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cdiscway.validation.catalogue import (
    GROUPS,
    all_rules,
    catalogue_page,
    cited_numbers,
    conformance_numbers,
    numbers_page,
)
from cdiscway.validation.checks import RULES

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "rules.md"


@pytest.mark.parametrize(("name", "page"), [("rules.md", catalogue_page), ("rule-numbers.md", numbers_page)])
def test_pages_of_rules_are_up_to_date(name, page) -> None:  # type: ignore[no-untyped-def]
    written = PAGE.with_name(name).read_text(encoding="utf-8")
    assert written == page(), "python -m cdiscway.validation.catalogue docs/reference"


def test_cited_numbers_are_ones_that_were_published() -> None:
    known = {number for numbers in conformance_numbers().values() for number in numbers}
    cited = {number for rule in all_rules() for number in cited_numbers(rule)}
    assert len(cited) >= 200
    assert cited - known == {"CG0285", "CG0459"}, "those are of SDTMIG 3.3"


@pytest.mark.parametrize("name", sorted(RULES))
def test_rule_is_whole(name: str) -> None:
    rule = RULES[name].rule
    assert re.fullmatch(r"CDW-[A-Z0-9]+(-[A-Z0-9]+)*", rule.id)
    assert rule.id == name
    assert rule.title and not rule.title.endswith(".")
    assert rule.group in GROUPS
    assert rule.fix_in
    assert rule.citation or rule.id.startswith("CDW-WAIVER") or rule.group in {"fit", "map"}


def test_every_rule_that_other_stations_report_is_in_the_catalogue() -> None:
    root = PAGE.parents[2]
    files = [file for folder in ("converters", "define") for file in sorted((root / folder).rglob("*.py"))]
    used = {name for file in files for name in re.findall(r'"(CDW-[A-Z0-9-]+)"', file.read_text(encoding="utf-8"))}
    assert len(used) > 60
    assert used - set(RULES) == set()
