"""The catalogue of rules as a page (docs/reference/rules.md): `python -m cdiscway.validation.catalogue > ...`."""

from __future__ import annotations

import sys

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
    "adam": "Analysis datasets",
    "open": "Analysis datasets: rules in the open format (validation/rules)",
    "second": "A second opinion",
    "fit": "Data that do not fit",
    "map": "Raw data, mapping and files",
    "define": "define.xml",
}
_HEAD = """# Rules

Generated from the catalogue (`python -m cdiscway.validation.catalogue`). A rule runs on every dataset it applies to; how
findings are counted, waived and reported is in [validation.md](validation.md). CG numbers are CDISC's SDTM and SDTMIG
conformance rules, FB numbers FDA's business rules; a section is one of the guide named before it.
"""


def catalogue_page() -> str:
    """Return the page: one table per group, in the order of the groups, then of the ids."""
    rules = [*(planned.rule for planned in RULES.values()), *map(entry_of, own_rules())]
    parts = [_HEAD + f"\n{len(rules)} rules.\n"]
    for group, title in GROUPS.items():
        found = sorted((rule for rule in rules if rule.group == group), key=lambda rule: rule.id)
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
    sys.stdout.write(catalogue_page())
