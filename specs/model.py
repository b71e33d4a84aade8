"""The standards as models: what a dataset and its variables are, before any study is seen.

Read from `specs/sdtm/*.yaml` and `specs/adam/*.yaml`; a mapping or a define.xml yields the same models for a study.
"""

from __future__ import annotations

import functools
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Core = Literal["Req", "Exp", "Perm", "Cond"]
"""SDTMIG 3.4 section 4.1.5 (Req, Exp, Perm); ADaMIG 1.3 section 3 (Req, Cond, Perm)."""

VariableType = Literal["Char", "Num"]
ObservationClass = Literal[
    "Special-Purpose",
    "Interventions",
    "Events",
    "Findings",
    "Findings About",
    "Trial Design",
    "Relationship",
    "Study Reference",
    "Subject Level Analysis Dataset",
    "Basic Data Structure",
    "Occurrence Data Structure",
    "ADaM Other",
]
"""The class of a dataset in the words of SDTM 2.0 and ADaM 2.1; `DatasetSpec.define_class` has Define-XML's words."""


def names_analysis(name: str) -> bool:
    """Whether a dataset's name is that of an analysis dataset: AD and more (ADaMIG 1.3 section 3.1); AD alone is a domain's.

    >>> names_analysis("ADSL"), names_analysis("AE"), names_analysis("AD")
    (True, False, False)
    """
    return name.startswith("AD") and len(name) > 2


class Strict(BaseModel):
    """A model that knows its words and never changes after it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class VariableSpec(Strict):
    """One variable of a dataset.

    `codelists` are NCI codelist codes (C65047); `codelist_by` says which of them holds where another variable has a value
    (DSDECOD: `{DSCAT: {PROTOCOL MILESTONE: C114118}}`); `format` is what the IG says of the content (`ISO 8601 datetime or
    interval`, `ISO 3166-1 Alpha-3`, `MedDRA`); `values` are literal values the IG prescribes (DOMAIN = AE);
    `display_format` is the SAS format of the file (`DATE9.`); `length` is in bytes, None until the data are known;
    `predecessor` is the variable an analysis variable is a copy of (`DM.AGE`). `role` is, in ADaM, the IG's set of
    variables (`Population Indicator`). An empty `label` is one the study has to give (ADaM name fragments).
    """

    name: str
    label: str = Field(max_length=40)
    type: VariableType
    role: str = ""
    core: Core = "Perm"
    codelists: tuple[str, ...] = ()
    codelist_by: dict[str, dict[str, str]] = Field(default_factory=dict)
    format: str = ""
    values: tuple[str, ...] = ()
    display_format: str = ""
    length: int | None = Field(default=None, ge=1)
    predecessor: str = ""


class DatasetSpec(Strict):
    """One dataset: its variables stand in the order of the file.

    `subclass` is ADaM's (`TIME-TO-EVENT`); `not_used` names variables its structure has and this dataset must not.
    """

    name: str
    label: str = Field(max_length=40)
    observation_class: ObservationClass = Field(alias="class")
    structure: str
    keys: tuple[str, ...] = ()
    standard: str
    subclass: str = ""
    not_used: tuple[str, ...] = ()
    variables: tuple[VariableSpec, ...]

    @property
    def define_class(self) -> str:
        """The class as Define-XML writes it (codelist GNRLOBSC): `SPECIAL PURPOSE`, `FINDINGS ABOUT`."""
        return self.observation_class.replace("-", " ").upper()

    def variable(self, name: str) -> VariableSpec:
        """Return the variable of that name; raises KeyError."""
        for variable in self.variables:
            if variable.name == name:
                return variable
        raise KeyError(name)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the variables, in order."""
        return tuple(variable.name for variable in self.variables)


class Term(Strict):
    """One term of a codelist; `code` is empty for a sponsor's own term (an extended value)."""

    value: str
    code: str = ""
    decode: str = ""
    synonyms: tuple[str, ...] = ()
    definition: str = ""

    @property
    def extended(self) -> bool:
        """Whether the term is the sponsor's, not CDISC's."""
        return not self.code


class Codelist(Strict):
    """A controlled terminology list; `name` is its submission value (LBTESTCD), `code` its NCI code (C65047)."""

    code: str
    name: str
    label: str
    extensible: bool
    package: str = ""
    terms: tuple[Term, ...]

    def __repr__(self) -> str:
        return f"<Codelist {self.name} {self.code}, {len(self.terms)} terms>"

    __str__ = __repr__

    @functools.cached_property
    def by_value(self) -> dict[str, Term]:
        """The terms by submission value (case matters)."""
        return {term.value: term for term in self.terms}
