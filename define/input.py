"""What a define.xml is built from: datasets as they were built, their standard, terminology and documents."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from cdiscway.converters.dataset import BuiltDataset
from cdiscway.specs.model import Codelist

from .model import AnalysisResultDisplays, WhereClauseDef

DocumentKind = Literal["acrf", "supplemental"]


class Terminology(Protocol):
    """Where codelists come from."""

    def codelist(self, code: str) -> Codelist:
        """Return the codelist of an NCI code; raises KeyError."""


@dataclass(frozen=True, slots=True)
class Document:
    """A file that stands beside the define.xml (acrf.pdf, csdrg.pdf, adrg.pdf); `id` makes its leaf ID (LF.acrf)."""

    id: str
    href: str
    title: str
    kind: DocumentKind = "supplemental"


@dataclass(frozen=True, slots=True)
class Dictionary:
    """An external dictionary in the version the study coded with (MedDRA 27.0)."""

    name: str
    version: str = ""
    href: str = ""


@dataclass(frozen=True, slots=True)
class CTPackage:
    """A controlled terminology package: `SDTM`, `2026-03-27`.

    >>> CTPackage.parse("SDTM CT 2026-03-27")
    CTPackage(publishing_set='SDTM', version='2026-03-27')
    """

    publishing_set: str
    version: str

    @classmethod
    def parse(cls, name: str) -> CTPackage:
        """Read the name of a package; raises ValueError when no date stands in it."""
        found = re.match(r"\s*([A-Za-z-]+?)[\s_]*(?:CT|Terminology)?[\s_]+(\d{4}-\d{2}-\d{2})\s*$", name)
        if found is None:
            raise ValueError(f"{name!r} is not a terminology package such as 'SDTM CT 2026-03-27'")
        return cls(found[1], found[2])


@dataclass(frozen=True)
class DefineInput:
    """One package to describe.

    `standard` is the implementation guide (`SDTMIG 3.4`). `ct_packages` are names as `Codelist.package` has them
    (`SDTM CT 2026-03-27`). `documents` holds only those that exist. `crf_pages` gives the pages of a raw form in the
    annotated CRF (`{"HAEMATOLOGY": "12 13"}`). `value_levels` chooses the value-level metadata of a variable beyond
    what the standard asks for, several variables for a composite condition: `{"LB.LBORRES": ("LBTESTCD", "LBSPEC")}`;
    an empty tuple means none. `comments` are keyed by dataset or variable (`LB`, `LB.LBORRES`), `expressions` by
    variable, as (language, code). `results` are the Analysis Results Metadata of an ADaM package, `result_conditions`
    the conditions they refer to. Nothing here reads a clock: `created` is the time the file shows.
    """

    study_id: str
    study_name: str
    study_description: str
    protocol: str
    standard: str
    datasets: tuple[BuiltDataset, ...]
    terminology: Terminology
    created: datetime
    originator: str
    ct_packages: tuple[str, ...] = ()
    documents: tuple[Document, ...] = ()
    dictionaries: tuple[Dictionary, ...] = ()
    crf_pages: Mapping[str, str] = field(default_factory=dict)
    value_levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    comments: Mapping[str, str] = field(default_factory=dict)
    expressions: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    results: AnalysisResultDisplays | None = None
    result_conditions: tuple[WhereClauseDef, ...] = ()
    source_system: str = "cdiscway"
    source_system_version: str = ""
    context: Literal["Submission", "Other"] = "Submission"
    stylesheet: str = "define2-1.xsl"

    @property
    def is_analysis(self) -> bool:
        """Whether the package holds analysis datasets."""
        return self.standard.startswith("ADaM")
