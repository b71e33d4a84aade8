"""The catalogue: every rule has an id, a title and a group, and the page of rules is up to date."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cdiscway.validation.catalogue import GROUPS, catalogue_page
from cdiscway.validation.checks import RULES

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "rules.md"


def test_page_of_rules_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == catalogue_page(), (
        "python -m cdiscway.validation.catalogue > docs/reference/rules.md"
    )


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
