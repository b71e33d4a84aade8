"""Writes the validation report of a made-up study with many findings: CPU seconds and size of each format.

`python benchmarks/report.py [--findings 100000] [--out FOLDER]`; the pages of docs/images are pictures of its report.html.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from cdiscway.specs.standards import load_standard
from cdiscway.validation.causes import Cause, Example
from cdiscway.validation.checks import RULES
from cdiscway.validation.finding import Finding, NotRun, Source
from cdiscway.validation.report import About, Section, write_html, write_json
from cdiscway.validation.report_junit import write_junit
from cdiscway.validation.report_sarif import write_sarif
from cdiscway.validation.report_xlsx import write_xlsx
from cdiscway.validation.run import ValidationResult, Waived

DATASETS = {"DM": 2_000, "AE": 18_902, "LB": 799_830, "EX": 10_302, "DS": 6_000, "VS": 251_890, "CM": 25_261, "MH": 8_434,
            "PR": 3_743, "SUPPLB": 53_391, "TA": 12, "TS": 41}  # fmt: skip
RULE_IDS = ("CDW-CODELIST", "CDW-REQ-NULL", "CDW-START-END", "CDW-MAP-TERM", "CDW-MAP-DATE-UNREADABLE", "CDW-KEYS",
            "CDW-VISIT-ORDER", "CDW-PLACEHOLDER", "CDW-UNIT-JUMP", "CDW-OUTLIER", "CDW-RESULT-STD", "CDW-STUDY-DAY")  # fmt: skip
FOLLOWS = {"CDW-MAP-TERM": "CDW-CODELIST", "CDW-REQ-NULL": "CDW-DEF-DATA-MANDATORY", "CDW-KEYS": "CDW-DEF-DATA-KEYS"}


def make_result(findings: int) -> ValidationResult:
    """Return a validation with that many findings: drawn by a fixed seed, so that the same number gives the same report."""
    draw, guide = np.random.default_rng(7), load_standard("SDTMIG 3.4")
    weights = np.array([size**0.45 for size in DATASETS.values()])
    names = draw.choice(list(DATASETS), size=findings, p=weights / weights.sum())
    causes = sorted((_cause(number, str(name), draw, guide) for number, name in enumerate(names)), key=_grave)
    variables = {name: _variables(name, guide) for name in DATASETS}
    completeness = {
        name: {v: int(size * min(1.0, 1.6 * draw.random())) for v in variables[name]} for name, size in DATASETS.items()
    }
    rules = {name: planned.rule for name, planned in RULES.items() if name in {*RULE_IDS, *FOLLOWS.values()}}
    waived = Waived(causes[-1], "Asked of the laboratory, confirmed", "Data management", "2026-03-01", "2027-03-01")
    missing = NotRun("CDW-IDVARVAL", "SUPPLB", "needs LB.LBREFID, which is not there")
    return ValidationResult(
        tuple(causes), (missing,), dict.fromkeys(DATASETS, 61), DATASETS, {n: len(v) for n, v in variables.items()},
        {name: _label(name, guide) for name in DATASETS}, completeness, {}, rules, {"cdiscway": "0"},
        ("SDTMIG 3.4",), ("SDTM CT 2026-03-27",), (waived,),
    )  # fmt: skip


def _grave(cause: Cause) -> tuple[int, str]:
    return ("error", "warning", "info").index(cause.finding.severity), cause.finding.dataset


def _variables(name: str, guide: object) -> list[str]:
    spec = guide.dataset("SUPPQUAL" if name.startswith("SUPP") else name)  # type: ignore[attr-defined]
    return [variable.name for variable in spec.variables]


def _label(name: str, guide: object) -> str:
    return str(guide.dataset(name).label) if not name.startswith("SUPP") else f"Supplemental Qualifiers for {name[4:]}"  # type: ignore[attr-defined]


def _cause(number: int, name: str, draw: np.random.Generator, guide: object) -> Cause:
    rule = RULES[RULE_IDS[int(draw.integers(len(RULE_IDS)))]].rule
    variable = str(draw.choice(_variables(name, guide)))
    subject, row = f"IFM-99-{int(draw.integers(60)):02d}-{int(draw.integers(1, 34)):03d}", int(draw.integers(1, 4000))
    value, records = f"value {number % 977}", int(draw.geometric(0.2))
    source = Source(f"FORM{number % 17:02d}", f"raw/FORM{number % 17:02d}.csv", row, f"COL{number % 23}")
    message = f"{variable}: '{value}' - {rule.title[0].lower()}{rule.title[1:]}"
    keys = {"USUBJID": subject, f"{name[:2]}SEQ": str(row)}
    examples = tuple(Example(row + at, subject, keys, {variable: value}, source) for at in range(min(records, 2)))
    finding = Finding(rule.id, rule.severity, name, message, variable, keys, value, row, records, source, rule.fix_in)
    below = FOLLOWS.get(rule.id)
    after = (
        (Cause(Finding(below, rule.severity, name, f"{variable}: '{value}'", variable, records=records)),)
        if below
        else ()
    )
    return Cause(finding, examples, {subject: records}, consequences=after)


def main() -> None:
    """Write the report in each format and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--findings", type=int, default=100_000)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    out = given.out or Path(tempfile.mkdtemp())
    out.mkdir(parents=True, exist_ok=True)
    result = make_result(given.findings)
    worklist = Section(
        "Worklist",
        ("Kind", "Variable", "Raw value", "Records"),
        (("term", "AEOUT", "guéri", 12), ("unit", "LBORRESU", "mg/dl?", 3)),
    )
    about = About(
        f"A study of {given.findings:,} findings",
        "Validation report",
        True,
        {n: f"sdtm/{n.lower()}.xpt" for n in DATASETS},
        (worklist,),
    )
    writers = {
        "report.html": write_html,
        "report.json": write_json,
        "report.xlsx": write_xlsx,
        "report.sarif": write_sarif,
        "report.junit.xml": write_junit,
    }
    print("| file | CPU s | MB |\n|---|---|---|")
    for name, write in writers.items():
        before = time.process_time()
        write(result, out / name, about)
        print(f"| {name} | {time.process_time() - before:.1f} | {(out / name).stat().st_size / 1e6:.1f} |")


if __name__ == "__main__":
    main()
