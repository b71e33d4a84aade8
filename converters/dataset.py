"""A dataset as it travels through the walk: spec, frame, file metadata, and where each value comes from.

Frames hold text as pandas' Arrow-backed `str` or as categorical, numbers as float64, never object columns. Missing is
missing (never an empty text). Dates of SDTM are ISO 8601 text; dates of ADaM are SAS days since 1960-01-01 as numbers.
The index is always 0..n-1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from cdiscway.specs.model import DatasetSpec, VariableType

if TYPE_CHECKING:
    import pandas as pd

OriginType = Literal["Collected", "Derived", "Assigned", "Protocol", "Predecessor", "Not Available"]
OriginSource = Literal["Investigator", "Sponsor", "Subject", "Vendor"]

METADATA_KEY = b"cdiscway.dataset"
"""Where a Parquet file keeps its DatasetMetadata, as JSON, among the metadata of its schema."""


@dataclass(frozen=True, slots=True)
class VariableMetadata:
    """What a transport file says of one variable; `length` is in bytes (8 for numbers, 0 = the longest value).

    `format` and `informat` are written as SAS writes them, `justification` is 1 where the format is set right.
    """

    name: str
    label: str
    type: VariableType
    length: int
    format: str = ""
    informat: str = ""
    justification: int = 0


@dataclass(frozen=True, slots=True)
class DatasetMetadata:
    """What a transport file says of its dataset; the times are given, never read from a clock.

    `type` is the dataset type of the file's member header (blank nearly always). The library header of a transport
    file holds times of its own; None means those of the dataset. `own_header` holds, in hexadecimal, the headers of the
    file that was read where they say the same in other bytes than ours would (blank times, descriptors of 136 bytes);
    it is used while the rest is what it says.
    """

    name: str
    label: str
    variables: tuple[VariableMetadata, ...]
    created: datetime = datetime(1960, 1, 1)
    modified: datetime = datetime(1960, 1, 1)
    sas_version: str = "9.4"
    operating_system: str = ""
    type: str = ""
    library_created: datetime | None = None
    library_modified: datetime | None = None
    own_header: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a variable (or the part of it that belongs to one value list) comes from, for define.xml.

    `method` is the derivation in plain English; `forms` are the raw forms; `columns` the raw columns, written
    FORM.COLUMN; `predecessor` is the source variable of a copy (DM.AGE).
    """

    origin: OriginType
    source: OriginSource | None = None
    method: str = ""
    forms: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    predecessor: str = ""
    comment: str = ""


@dataclass(frozen=True)
class BuiltDataset:
    """One finished dataset.

    `spec` lists exactly the variables of `frame`, in its order. `sources` has one row per record of `frame` with the
    columns form, file, row (text, text, Int64; missing where a record has no single raw row). `value_provenance` is
    keyed by (variable, by-variable, value): `("LBORRES", "LBTESTCD", "NEUT")`, and holds only what differs by value.
    """

    spec: DatasetSpec
    frame: pd.DataFrame
    metadata: DatasetMetadata
    provenance: Mapping[str, Provenance] = field(default_factory=dict)
    value_provenance: Mapping[tuple[str, str, str], Provenance] = field(default_factory=dict)
    sources: pd.DataFrame | None = None

    @property
    def name(self) -> str:
        """The dataset's name (LB, SUPPLB, ADSL)."""
        return self.spec.name
