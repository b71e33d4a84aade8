"""The catalogue of rules as pages: `python -m cdiscway.validation.catalogue DOCS` writes those of docs/reference.

rules.md tells what holds, rule-numbers.md which rule implements which number of CDISC's and FDA's rules.
"""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from cdiscway.specs.load import read_yaml

from . import waivers  # noqa: F401 - enters its rules into the catalogue
from .checks import RULES
from .checks.base import Rule
from .rule_checks import entry_of, own_rules

GROUPS = {
    "file": "Files",
    "package": "The package",
    "structure": "Structure",
    "values": "Values",
    "identity": "Identity",
    "timing": "Time",
    "findings": "Observations",
    "relations": "Relations",
    "trial": "Trial design and the subjects' way",
    "tabulation": "Tabulations: rules in the open format (validation/rules/sdtm)",
    "adam": "Analysis datasets",
    "open": "Analysis datasets: rules in the open format (validation/rules/adam)",
    "second": "A second opinion",
    "fit": "Data that do not fit",
    "map": "Raw data, mapping and files",
    "define": "define.xml",
}
_HEAD = """# Rules

Generated from the catalogue (`python -m cdiscway.validation.catalogue`). A rule runs on every dataset it applies to; how
findings are counted, waived and reported is in [validation.md](validation.md). CG numbers are CDISC's SDTM and SDTMIG
conformance rules, FB numbers FDA's business rules ([which number has which rule](rule-numbers.md)); a section is one of the guide
named before it.
"""


_NUMBERS = Path(__file__).parent / "numbers.yaml"
_CITED = re.compile(r"\b(?:CG|FB|TRC)\d{4}\b")
_RANGE = re.compile(r"([A-Z]+)(\d{4})(?:-[A-Z]+(\d{4}))?")
_NUMBERS_HEAD = """# Numbers of conformance rules

Generated from the catalogue (`python -m cdiscway.validation.catalogue`). Which [rule](rules.md) implements which conformance
rule for SDTMIG 3.4; a rule of ours may look at a part of it, or at more. Numbers without a rule of ours stand under each
table: some are for people to judge (was it collected?), some need a licensed dictionary or files beside the data, some are
not done. CDISC's own open rules can run beside ours (`--rules`). Rules on analysis data cite sections, not numbers.
"""


def all_rules() -> list[Rule]:
    """Return every rule of the catalogue, those in Python and those in the open format, in the order of the ids."""
    return sorted(
        [*(planned.rule for planned in RULES.values()), *map(entry_of, own_rules())], key=lambda rule: rule.id
    )


@functools.cache
def conformance_numbers() -> Mapping[str, tuple[str, ...]]:
    """Return the published numbers of each family of conformance rules for SDTMIG 3.4."""
    return {family: tuple(_spelled(text)) for family, text in read_yaml(_NUMBERS).data.items()}


def _spelled(text: str) -> Iterator[str]:
    """Give the numbers of a list in which CG0006-CG0008 stands for three."""
    for prefix, first, last in _RANGE.findall(text):
        yield from (f"{prefix}{number:04d}" for number in range(int(first), int(last or first) + 1))


def cited_numbers(rule: Rule) -> tuple[str, ...]:
    """Return the conformance rules a rule cites."""
    rejection = re.findall(r"Technical Rejection Criteria (\d{4})", rule.citation)
    return tuple(dict.fromkeys([*_CITED.findall(rule.citation), *(f"TRC{number}" for number in rejection)]))


def numbers_page() -> str:
    """Return the page of numbers: a table per family, and the numbers that nothing implements."""
    by_number: dict[str, list[str]] = {}
    for rule in all_rules():
        for number in cited_numbers(rule):
            by_number.setdefault(number, []).append(rule.id)
    parts, known = [_NUMBERS_HEAD], set()
    for family, numbers in conformance_numbers().items():
        known |= set(numbers)
        done = [number for number in numbers if number in by_number]
        rows = "\n".join(f"| {number} | {', '.join(by_number[number])} |" for number in done)
        left = ", ".join(number for number in numbers if number not in by_number)
        parts.append(
            f"## {family}\n\n{len(done)} of {len(numbers)} have a rule.\n\n| Number | Rule |\n|---|---|\n{rows}\n\n"
            f"Without a rule: {left}.\n"
        )
    older = sorted(set(by_number) - known)
    rows = "\n".join(f"| {number} | {', '.join(by_number[number])} |" for number in older)
    parts.append(f"## Of older guides\n\n| Number | Rule |\n|---|---|\n{rows}\n")
    return "\n".join(parts)


def catalogue_page() -> str:
    """Return the page: one table per group, in the order of the groups, then of the ids."""
    rules = all_rules()
    parts = [_HEAD + f"\n{len(rules)} rules.\n"]
    for group, title in GROUPS.items():
        found = [rule for rule in rules if rule.group == group]
        if found:
            rows = "\n".join(map(_row, found))
            parts.append(
                f"## {title}\n\n| Rule | Severity | What must hold | Source | Mend in |\n|---|---|---|---|---|\n{rows}\n"
            )
    return "\n".join(parts)


def _row(rule: Rule) -> str:
    text = f"**{rule.title}.** {rule.description}".strip().replace("|", "\\|")
    return f"| {rule.id} | {rule.severity} | {text} | {rule.citation.replace('|', chr(92) + '|')} | {rule.fix_in} |"


if __name__ == "__main__":
    for _name, _text in (("rules.md", catalogue_page()), ("rule-numbers.md", numbers_page())):
        (Path(sys.argv[1]) / _name).write_text(_text, encoding="utf-8")
