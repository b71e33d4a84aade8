"""A study as the rule engine sees it: datasets, what the standard says (library), terminology and define.xml."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import pandas as pd

from cdiscway.converters.dataset import BuiltDataset, VariableMetadata

from .rule_dictionaries import Dictionary
from .rule_frame import Frame, frame_of_series

if TYPE_CHECKING:
    from .rule_define import Define

SUPPLEMENTAL = re.compile(r"^(SUPP|SQ)")
ALL_SUPPLEMENTAL = frozenset({"SQAP--", "SUPP--", "SUPPQUAL"})
"""What stands for all supplemental datasets: their pattern, or the name the guide has for their model."""


@dataclass(frozen=True, slots=True)
class LibraryVariable:
    """What the standard says of one variable; `name` may begin with `--` in a model's class."""

    name: str
    label: str = ""
    type: str = ""
    role: str = ""
    core: str = ""
    order: int = 0
    codelists: tuple[str, ...] = ()

    def named(self, prefix: str) -> LibraryVariable:
        """Return it with the domain's prefix for `--`."""
        name = self.name.replace("--", prefix, 1)
        return LibraryVariable(name, self.label, self.type, self.role, self.core, self.order, self.codelists)


class LibraryMetadata(Protocol):
    """An implementation guide and its model."""

    def domains(self) -> Sequence[str]:
        """Names of the guide's datasets."""

    def domain_label(self, domain: str) -> str:
        """Label of a dataset, empty where the guide does not know it."""

    def domain_class(self, domain: str) -> str:
        """Class of a dataset as the standard writes it, empty where the guide does not know it."""

    def variables(self, domain: str) -> Sequence[LibraryVariable]:
        """Variables of a dataset in the guide's order, none where the guide does not know it."""

    def allowed(self, domain: str) -> Sequence[LibraryVariable]:
        """All variables that may stand in a dataset, of the guide and of the model, in the order they must have."""

    def model_variables(self, class_name: str, domain: str) -> Sequence[LibraryVariable]:
        """Variables of the model for a class (identifiers, the class's own, timing) or a dataset of the model."""


@dataclass(frozen=True, slots=True)
class RuleTerm:
    """One term of a codelist."""

    code: str
    value: str
    preferred: str = ""


@dataclass(frozen=True, slots=True)
class RuleCodelist:
    """One codelist of a terminology package."""

    code: str
    value: str
    name: str
    extensible: bool
    terms: tuple[RuleTerm, ...]


class TerminologySource(Protocol):
    """Controlled terminology packages by kind (SDTM, ADaM) and date."""

    def dates(self, kind: str) -> Sequence[str]:
        """Dates of the packages at hand."""

    def codelists(self, kind: str, date: str | None) -> Mapping[str, RuleCodelist] | None:
        """Codelists by submission value; the newest package for None; None where the package is not at hand."""


@dataclass(frozen=True)
class RuleDataset:
    """One dataset of the study. `name` is upper case, `filename` as submitted, `size` in bytes where known."""

    name: str
    frame: pd.DataFrame
    label: str = ""
    variables: tuple[VariableMetadata, ...] = ()
    filename: str = ""
    size: int | None = None
    kept: dict[Any, Any] = field(default_factory=dict, compare=False)

    @property
    def domain(self) -> str | None:
        """The value of DOMAIN, None where the dataset has no such variable (SUPP--, RELREC, ADaM)."""
        return self._first("DOMAIN")

    @property
    def related_domain(self) -> str | None:
        """The value of RDOMAIN of a supplemental dataset."""
        return self._first("RDOMAIN")

    def _first(self, name: str) -> str | None:
        if ("first", name) not in self.kept:
            values = self.frame[name].dropna().head(1).tolist() if name in self.frame.columns else []
            self.kept["first", name] = str(values[0]) or None if values else None
        found: str | None = self.kept["first", name]
        return found

    @property
    def is_supplemental(self) -> bool:
        """Whether it is a SUPP-- (or SQAP--) dataset."""
        return bool(SUPPLEMENTAL.match(self.name)) and "QNAM" in self.frame.columns

    @property
    def prefix(self) -> str:
        """What `--` stands for in this dataset."""
        if self.is_supplemental:
            return self.related_domain or SUPPLEMENTAL.sub("", self.name)[:2]
        domain = self.domain or self.name
        if len(domain) == 4 and domain.startswith("AP"):
            return domain[2:]
        return domain[:2]

    @property
    def table(self) -> Frame:
        """The dataset as a table of encoded columns (made once)."""
        if "table" not in self.kept:
            columns = {str(name): self.frame[name] for name in self.frame.columns}
            self.kept["table"] = frame_of_series(columns, len(self.frame), self.prefix)
        table: Frame = self.kept["table"]
        return table

    def variable(self, name: str) -> VariableMetadata | None:
        """Return what the file says of a variable."""
        return next((v for v in self.variables if v.name == name), None)


def rule_dataset(built: BuiltDataset, filename: str = "", size: int | None = None) -> RuleDataset:
    """Make the engine's view of a built dataset; `size` is that of its file in bytes."""
    metadata = built.metadata
    shown = filename or f"{built.name.lower()}.xpt"
    return RuleDataset(built.name, built.frame, metadata.label, metadata.variables, shown, size)


@dataclass(frozen=True)
class RuleStudy:
    """All that a rule may ask. `standard` is such as `SDTMIG`, `version` such as `3.4`; `ct` the packages named."""

    datasets: tuple[RuleDataset, ...]
    library: LibraryMetadata | None = None
    terminology: TerminologySource | None = None
    define: Define | None = None
    standard: str = "SDTMIG"
    version: str = "3.4"
    substandard: str = ""
    use_case: str = ""
    ct: tuple[str, ...] = ()
    dictionaries: Mapping[str, Dictionary] = field(default_factory=dict)
    kept: dict[Any, Any] = field(default_factory=dict, compare=False)

    def dataset(self, name: str) -> RuleDataset | None:
        """Return a dataset by its name."""
        return next((d for d in self.datasets if d.name == name), None)

    def parts(self, name: str) -> tuple[RuleDataset, ...]:
        """Return the datasets of a domain: one of that name, or the parts it was split into (QSCG, QSMM of QS)."""
        named = tuple(d for d in self.datasets if d.name == name)
        if named and not any(d.domain == name and d.name != name for d in self.datasets):
            return named
        if name in ALL_SUPPLEMENTAL:
            return tuple(d for d in self.datasets if d.is_supplemental)
        found = tuple(d for d in self.datasets if name in (d.name, d.domain)) or self._supplemental_parts(name)
        return found or tuple(d for d in self.datasets if " " in name and self.class_of(d) == name)

    def _supplemental_parts(self, name: str) -> tuple[RuleDataset, ...]:
        domain = SUPPLEMENTAL.sub("", name)
        if domain == name:
            return ()
        return tuple(d for d in self.datasets if d.is_supplemental and d.related_domain == domain)

    def domain_table(self, name: str) -> Frame | None:
        """Return a domain as one table, its split parts one after the other; None where it is not submitted."""
        key = ("table", name)
        if key not in self.kept:
            self.kept[key] = stack_tables(self.parts(name))
        table: Frame | None = self.kept[key]
        return table

    def class_of(self, dataset: RuleDataset) -> str:
        """Return the class in capitals (FINDINGS, SPECIAL PURPOSE, ADAM structures too), empty if it is not known."""
        key = ("class", dataset.name)
        if key not in self.kept:
            self.kept[key] = _class_of(dataset, self.library)
        found: str = self.kept[key]
        return found


def stack_tables(parts: Sequence[RuleDataset]) -> Frame | None:
    """Put the parts of a split dataset into one table."""
    if len(parts) <= 1:
        return parts[0].table if parts else None
    stacked = pd.concat([p.frame for p in parts], ignore_index=True)
    columns = {str(name): stacked[name] for name in stacked.columns}
    return frame_of_series(columns, len(stacked), parts[0].prefix)


_BY_NAME = {
    "RELREC": "RELATIONSHIP",
    "RELSUB": "RELATIONSHIP",
    "RELSPEC": "RELATIONSHIP",
    "RELREF": "RELATIONSHIP",
    "APRELSUB": "RELATIONSHIP",
    "POOLDEF": "RELATIONSHIP",
}
_BY_TOPIC = (("--TESTCD", "FINDINGS"), ("--TERM", "EVENTS"), ("--TRT", "INTERVENTIONS"))


def _class_of(dataset: RuleDataset, library: LibraryMetadata | None) -> str:
    if dataset.is_supplemental or SUPPLEMENTAL.match(dataset.name):
        return "RELATIONSHIP"
    if dataset.name in _BY_NAME:
        return _BY_NAME[dataset.name]
    structure = adam_structure(dataset.name, dataset.frame.columns) if dataset.domain is None else ""
    if structure:
        return structure
    domain = dataset.domain or dataset.name
    known = library.domain_class(domain) if library else ""
    return normal_class(known) or class_by_topic(dataset.prefix, dataset.frame.columns)


def normal_class(name: str) -> str:
    """Write a class as rules do.

    >>> normal_class("Special-Purpose")
    'SPECIAL PURPOSE'
    """
    return name.replace("-", " ").upper()


def class_by_topic(prefix: str, names: Iterable[str]) -> str:
    """Tell the class of a custom domain from its topic variable (SDTM 2.0, section 3.1)."""
    present = set(names)
    if {f"{prefix}TESTCD", f"{prefix}OBJ"} <= present:
        return "FINDINGS ABOUT"
    return next((found for topic, found in _BY_TOPIC if topic.replace("--", prefix) in present), "")


def adam_structure(name: str, names: Iterable[str]) -> str:
    """Tell the structure of an analysis dataset (ADaMIG 1.3, OCCDS 1.1), empty for a tabulation dataset."""
    if not name.startswith("AD"):
        return ""
    present = set(names)
    if name == "ADSL":
        return "SUBJECT LEVEL ANALYSIS DATASET"
    if "PARAMCD" in present or "PARAM" in present:
        return "BASIC DATA STRUCTURE"
    if any(re.fullmatch(r"[A-Z]{2}(TERM|TRT|DECOD)", column) for column in present):
        return "OCCURRENCE DATA STRUCTURE"
    return "ADAM OTHER"
