"""Which variables a dataset has: those that its mapping sets, and those that come by themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cdiscway.specs.load import Way
from cdiscway.specs.model import DatasetSpec, VariableSpec
from cdiscway.specs.standards import Standard

from .mapping import DatasetMapping
from .study import Study

COMMENT_VARIABLES = ("RDOMAIN", "USUBJID", "IDVAR", "IDVARVAL", "COREF", "COVAL", "CODTC")
"""The variables of CO that comments on other records set."""


def target_ways(mapping: DatasetMapping) -> list[tuple[str, Way]]:
    """Return every variable that a mapping sets, with the place where it does."""
    found: dict[str, Way] = {}
    for place, records in enumerate(mapping.records):
        way: Way = ("records", place)
        for number, row in enumerate(records.rows):
            for name in row:
                found.setdefault(name, (*way, "rows", number, name))
        for part in ("tests", "each", "time_to_event"):
            for number, item in enumerate(getattr(records, part)):
                for name in item.set:
                    found.setdefault(name, (*way, part, number, name))
        for name in records.set:
            found.setdefault(name, (*way, "set", name))
    for name in mapping.set:
        found.setdefault(name, ("set", name))
    return list(found.items())


def result_variables(spec: DatasetSpec) -> tuple[str, ...]:
    """Return the variables that a table of tests sets by itself: original and standard result and unit."""
    prefix = domain_prefix(spec)
    return tuple(f"{prefix}{suffix}" for suffix in ("ORRES", "ORRESU", "STRESC", "STRESN", "STRESU"))


def visit_date(dataset: str, names: Iterable[str]) -> str | None:
    """Return the variable that dates the visits of a dataset: --DTC, or --STDTC."""
    present = set(names)
    return next((name for name in (f"{dataset}DTC", f"{dataset}STDTC") if name in present), None)


def domain_prefix(spec: DatasetSpec) -> str:
    """Return what stands for -- in the names of a domain."""
    sequence = next((name for name in spec.names if name.endswith("SEQ") and len(name) <= 5), "")
    return sequence.removesuffix("SEQ") or spec.name[:2]


def automatic_variables(
    mapping: DatasetMapping,
    spec: DatasetSpec,
    standard: Standard,
    variables: Mapping[str, VariableSpec],
    study: Study,
) -> list[str]:
    """Return the variables that come by themselves, because the standard says how (SDTMIG 3.4, section 4)."""
    if mapping.is_analysis:
        names = ["STUDYID", "USUBJID"]
        if any(records.time_to_event for records in mapping.records):
            names += ["STARTDT", "ADT", "AVAL", "CNSR", "EVNTDESC", "CNSDTDSC", "SRCDOM", "SRCVAR", "SRCSEQ"]
        return names
    prefix = domain_prefix(spec)
    names = ["STUDYID", "DOMAIN", "USUBJID", f"{prefix}SEQ"]
    if mapping.name == "DM":
        names = ["STUDYID", "DOMAIN", *study.file.subject]
    names += test_variables(mapping, prefix, spec, study)
    if any(records.visits for records in mapping.records):
        names += ["VISIT", "VISITNUM", f"{prefix}STDTC", f"{prefix}ENDTC"]
        names += [f"{prefix}STDY", f"{prefix}ENDY"]
    pairs = {f"{prefix}TESTCD": f"{prefix}TEST", f"{prefix}PARMCD": f"{prefix}PARM", "VISIT": "VISITNUM"}
    if mapping.name == "DM":
        pairs |= {"DTHDTC": "DTHFL"} | ({"ARMCD": "ARM", "ACTARMCD": "ACTARM"} if study.file.arms else {})
    if any(visit.VISITDY is not None for visit in study.file.visits) and mapping.name != "TV":
        names += ["VISITDY"] if "VISIT" in variables or "VISIT" in names else []
    names += [name for given, name in pairs.items() if given in variables]
    if mapping.name == "CO":
        names += COMMENT_VARIABLES
    if mapping.name != "DM":
        names += [day for date, day in study_days(prefix) if date in variables]
        dated = study.file.epochs or any(element.start is not None for element in study.file.elements)
        if dated and spec.observation_class in {"Interventions", "Events", "Findings", "Findings About"}:
            names.append("EPOCH")
    if mapping.baseline is not None:
        names.append(mapping.baseline.flag)
    return [name for name in dict.fromkeys(names) if name in spec.names or standard.resolve(spec, name) is not None]


def test_variables(mapping: DatasetMapping, prefix: str, spec: DatasetSpec, study: Study) -> list[str]:
    """Return the variables that the tables of tests of a mapping set by themselves."""
    tests = [test for records in mapping.records for test in records.tests]
    names = list(result_variables(spec)) if tests else []
    if any(test.not_done is not None for test in tests) or (tests and study.file.words.not_done):
        names.append(f"{prefix}STAT")
    if any(test.reason is not None for test in tests):
        names.append(f"{prefix}REASND")
    if any(test.low is not None or test.high is not None for test in tests):
        names += [f"{prefix}{suffix}" for suffix in ("ORNRLO", "ORNRHI", "STNRLO", "STNRHI", "NRIND")]
    return names


def study_days(prefix: str) -> tuple[tuple[str, str], ...]:
    """Return the pairs of a date and its study day (SDTMIG 3.4, 4.4.4)."""
    return ((f"{prefix}DTC", f"{prefix}DY"), (f"{prefix}STDTC", f"{prefix}STDY"), (f"{prefix}ENDTC", f"{prefix}ENDY"))
