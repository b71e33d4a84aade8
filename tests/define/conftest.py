"""A small package with what a define.xml must show: value levels, codelists, supplemental qualifiers, no data."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pandas as pd
import pytest

from cdiscway.converters.dataset import BuiltDataset, DatasetMetadata, Provenance, VariableMetadata
from cdiscway.define.input import DefineInput, Document
from cdiscway.specs.model import Codelist, DatasetSpec, Term, VariableSpec

STANDARD = "SDTMIG 3.4"
CREATED = datetime(2016, 3, 1, 12, 0)


class Lists:
    """A terminology of a few codelists."""

    packages = ("SDTM CT 2026-03-27",)

    def __init__(self) -> None:
        made = (
            ("C66731", "SEX", "Sex", False, ("F", "C16576", "Female"), ("M", "C20197", "Male")),
            ("C66742", "NY", "No Yes Response", False, ("N", "C49487", "No"), ("Y", "C49488", "Yes")),
            ("C65047", "LBTESTCD", "Laboratory Test Code", True, ("NEUT", "C63321", ""), ("PLAT", "C51951", "")),
            ("C71620", "UNIT", "Unit", True, ("10^9/L", "C67255", "Billion per Liter"), ("g/L", "C42576", "")),
        )
        self._lists = {
            code: Codelist(
                code=code,
                name=name,
                label=label,
                extensible=extensible,
                package=self.packages[0],
                terms=tuple(Term(value=v, code=c, decode=d) for v, c, d in terms),
            )
            for code, name, label, extensible, *terms in made
        }

    def codelist(self, code: str) -> Codelist:
        return self._lists[code]


def variable(name: str, label: str, kind: str = "Char", core: str = "Exp", **more: object) -> VariableSpec:
    return VariableSpec.model_validate({"name": name, "label": label, "type": kind, "core": core, **more})


def build(spec: DatasetSpec, records: list[dict[str, object]], **more: object) -> BuiltDataset:
    frame = pd.DataFrame(records, columns=list(spec.names))
    frame = frame.astype({v.name: "str" if v.type == "Char" else "float64" for v in spec.variables})
    lengths = {
        v.name: 8 if v.type == "Num" else max([1, *(len(text.encode()) for text in frame[v.name].dropna().tolist())])
        for v in spec.variables
    }
    metadata = DatasetMetadata(
        spec.name,
        spec.label,
        tuple(VariableMetadata(v.name, v.label, v.type, lengths[v.name]) for v in spec.variables),
        CREATED,
        CREATED,
    )
    return BuiltDataset(spec, frame, metadata, **more)  # type: ignore[arg-type]


KEY = (
    variable("STUDYID", "Study Identifier", core="Req", role="Identifier"),
    variable("DOMAIN", "Domain Abbreviation", core="Req", role="Identifier"),
    variable("USUBJID", "Unique Subject Identifier", core="Req", role="Identifier"),
)


def demographics() -> BuiltDataset:
    spec = DatasetSpec.model_validate(
        {
            "name": "DM",
            "label": "Demographics",
            "class": "Special-Purpose",
            "structure": "One record per subject",
            "keys": ("STUDYID", "USUBJID"),
            "standard": STANDARD,
            "variables": (
                *KEY,
                variable("RFSTDTC", "Subject Reference Start Date/Time", format="ISO 8601 datetime or interval"),
                variable("AGE", "Age", "Num"),
                variable("SEX", "Sex", core="Req", codelists=("C66731",)),
                variable("COUNTRY", "Country", core="Req", format="ISO 3166-1 Alpha-3"),
                variable("DTHFL", "Subject Death Flag", codelists=("C66742",)),
            ),
        }
    )
    rows = [
        {"USUBJID": "S-1", "RFSTDTC": "2016-03-01", "AGE": 61, "SEX": "M", "COUNTRY": "FRA"},
        {"USUBJID": "S-2", "RFSTDTC": "2016-04", "AGE": 58, "SEX": "F", "COUNTRY": "FRA"},
    ]
    return build(
        spec,
        [{"STUDYID": "S", "DOMAIN": "DM", **row} for row in rows],
        provenance={
            "STUDYID": Provenance("Protocol"),
            "DOMAIN": Provenance("Assigned"),
            "USUBJID": Provenance("Derived", method="STUDYID and SUBJID joined by a hyphen."),
            "RFSTDTC": Provenance("Collected", forms=("ENROL",), columns=("ENROL.INCDAT",)),
            "AGE": Provenance("Derived", method="Age at RFSTDTC in completed years."),
            "SEX": Provenance("Collected", forms=("ENROL",), columns=("ENROL.SEX",)),
            "COUNTRY": Provenance("Assigned"),
            "DTHFL": Provenance("Derived", method="Y where a death is recorded in DS."),
        },
    )


def laboratory() -> BuiltDataset:
    spec = DatasetSpec.model_validate(
        {
            "name": "LB",
            "label": "Laboratory Test Results",
            "class": "Findings",
            "structure": "One record per lab test per time point per visit per subject",
            "keys": ("STUDYID", "USUBJID", "LBTESTCD", "LBDTC"),
            "standard": STANDARD,
            "variables": (
                *KEY,
                variable("LBSEQ", "Sequence Number", "Num", "Req"),
                variable("LBTESTCD", "Lab Test or Examination Short Name", core="Req", codelists=("C65047",)),
                variable("LBTEST", "Lab Test or Examination Name", core="Req"),
                variable("LBORRES", "Result or Finding in Original Units", role="Result Qualifier"),
                variable("LBORRESU", "Original Units", codelists=("C71620",)),
                variable("LBSTRESN", "Numeric Result/Finding in Standard Units", "Num"),
                variable("LBSPEC", "Specimen Type"),
                variable("LBDTC", "Date/Time of Specimen Collection", format="ISO 8601 datetime or interval"),
            ),
        }
    )
    tests = (
        ("S-1", "NEUT", "Neutrophils", "2.15", "10^9/L", 2.15, "BLOOD", "2016-03-02T08:30:00"),
        ("S-1", "PLAT", "Platelets", "212", "10^9/L", 212, "BLOOD", "2016-03-02T08:30:00"),
        ("S-2", "CD34", "CD34 Cells", "10.5", "10^6/kg", 10.5, "BONE MARROW", "2016-04-02"),
        ("S-2", "NEUT", "Neutrophils", "<0.1", "10^9/L", None, "BLOOD", "2016-04-02"),
    )
    names = ("USUBJID", "LBTESTCD", "LBTEST", "LBORRES", "LBORRESU", "LBSTRESN", "LBSPEC", "LBDTC")
    rows = [
        {"STUDYID": "S", "DOMAIN": "LB", "LBSEQ": i, **dict(zip(names, row, strict=True))}
        for i, row in enumerate(tests, 1)
    ]
    collected = Provenance("Collected", forms=("HAEMATOLOGY",), columns=("HAEMATOLOGY.ANC", "HAEMATOLOGY.PLT"))
    origins = {name: Provenance("Assigned") for name in spec.names}
    origins |= {
        "LBSEQ": Provenance("Derived", method="Number of the record within the subject, in order of the keys."),
        "LBORRES": collected,
        "LBSTRESN": Provenance("Derived", method="Number of LBORRES in the standard unit."),
        "LBDTC": Provenance("Collected", forms=("HAEMATOLOGY",), columns=("HAEMATOLOGY.LBDAT",)),
    }
    return build(
        spec,
        rows,
        provenance=origins,
        value_provenance={
            ("LBORRES", "LBTESTCD", "NEUT"): Provenance(
                "Collected", forms=("HAEMATOLOGY",), columns=("HAEMATOLOGY.ANC",), comment="May hold a limit (<0.1)."
            )
        },
    )


def supplemental(records: list[dict[str, object]]) -> BuiltDataset:
    spec = DatasetSpec.model_validate(
        {
            "name": "SUPPLB",
            "label": "Supplemental Qualifiers for LB",
            "class": "Relationship",
            "structure": "One record per supplemental qualifier per related parent domain record",
            "keys": ("STUDYID", "RDOMAIN", "USUBJID", "IDVAR", "IDVARVAL", "QNAM"),
            "standard": STANDARD,
            "variables": tuple(
                variable(name, label, core="Req")
                for name, label in (
                    ("STUDYID", "Study Identifier"),
                    ("RDOMAIN", "Related Domain Abbreviation"),
                    ("USUBJID", "Unique Subject Identifier"),
                    ("IDVAR", "Identifying Variable"),
                    ("IDVARVAL", "Identifying Variable Value"),
                    ("QNAM", "Qualifier Variable Name"),
                    ("QLABEL", "Qualifier Variable Label"),
                    ("QVAL", "Data Value"),
                )
            ),
        }
    )
    return build(spec, records, provenance={name: Provenance("Assigned") for name in spec.names})


def package_of(*datasets: BuiltDataset, **more: object) -> DefineInput:
    given: dict[str, object] = {
        "study_id": "S-2016",
        "study_name": "S-2016",
        "study_description": "A study",
        "protocol": "S-2016",
        "standard": STANDARD,
        "datasets": datasets,
        "terminology": Lists(),
        "created": CREATED,
        "originator": "A sponsor",
        "ct_packages": Lists.packages,
        **more,
    }
    return DefineInput(**given)  # type: ignore[arg-type]


@pytest.fixture
def make_package() -> Callable[..., DefineInput]:
    return package_of


@pytest.fixture(scope="session")
def package() -> DefineInput:
    qualifier = {
        "STUDYID": "S",
        "RDOMAIN": "LB",
        "USUBJID": "S-1",
        "IDVAR": "LBSEQ",
        "IDVARVAL": "1",
        "QNAM": "CENTRLAB",
        "QLABEL": "Central Laboratory Name",
        "QVAL": "LAB ONE",
    }
    return package_of(
        demographics(),
        laboratory(),
        supplemental([qualifier]),
        documents=(Document("acrf", "acrf.pdf", "Annotated CRF", "acrf"),),
        crf_pages={"HAEMATOLOGY": "12 13"},
        value_levels={"LB.LBSTRESN": ("LBTESTCD", "LBSPEC")},
    )


@pytest.fixture
def empty_supplemental() -> BuiltDataset:
    return supplemental([])
