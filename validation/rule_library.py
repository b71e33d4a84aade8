"""Library metadata and terminology for rules, from the standards and packages of `specs`."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from cdiscway.specs.model import Codelist, DatasetSpec, ObservationClass, VariableSpec
from cdiscway.specs.package import Package
from cdiscway.specs.standards import load_standard
from cdiscway.specs.store import bundled, full_title, imported, open_package, store_folder
from cdiscway.specs.tabulation import ModelVariable, Sdtm

from .rule_data import LibraryVariable, RuleCodelist, RuleTerm, normal_class
from .rule_model import normal_version

_CLASSES: Mapping[str, ObservationClass] = {
    "INTERVENTIONS": "Interventions",
    "EVENTS": "Events",
    "FINDINGS": "Findings",
    "FINDINGS ABOUT": "Findings About",
}
_TABULATION = frozenset({"SDTMIG", "SENDIG", "TIG"})
_SEND = (
    "BG", "BW", "CL", "CO", "CV", "DD", "DM", "DS", "EG", "EX", "FW", "LB", "MA", "MI", "OM", "PC", "PM", "POOLDEF",
    "PP", "RE", "RELREC", "SC", "SE", "SUPPQUAL", "TA", "TE", "TF", "TS", "TX", "VS",
)  # fmt: skip
"""The datasets of SENDIG 3.1."""
_NEW_IN_3_4 = frozenset({"BE", "BS", "CP", "GF", "RELSPEC"})
"""The datasets that SDTMIG 3.4 has and 3.3 has not; 3.3 has MO besides."""


@dataclass(frozen=True)
class StandardLibrary:
    """Library metadata of SDTMIG 3.4 over SDTM 2.0; `others` are the datasets of a guide that has not the same ones."""

    standard: Sdtm
    others: tuple[str, ...] = ()
    kept: dict[str, tuple[LibraryVariable, ...]] = field(default_factory=dict, compare=False)

    def domains(self) -> Sequence[str]:
        """Names of the guide's datasets."""
        return self.others or self.standard.names

    def _knows(self, domain: str) -> bool:
        return domain in self.standard.names and domain in self.domains()

    def domain_label(self, domain: str) -> str:
        """Label of a dataset."""
        return self.standard.dataset(domain).label if self._knows(domain) else ""

    def domain_class(self, domain: str) -> str:
        """Class of a dataset."""
        return self.standard.dataset(domain).observation_class if self._knows(domain) else ""

    def variables(self, domain: str) -> Sequence[LibraryVariable]:
        """Variables of a dataset in the guide's order."""
        if not self._knows(domain):
            return ()
        listed = self.standard.dataset(domain).variables
        return tuple(_of_guide(variable, i + 1) for i, variable in enumerate(listed))

    def allowed(self, domain: str) -> Sequence[LibraryVariable]:
        """All variables that may stand in a dataset, of the guide and of the model, in order."""
        if not self._knows(domain):
            return ()
        if domain not in self.kept:
            guide = set(self.standard.dataset(domain).names)
            listed = (_of_guide(v, i + 1) for i, v in enumerate(self.standard.allowed(domain)))
            # core is the guide's word: the model's own variables have none
            self.kept[domain] = tuple(v if v.name in guide else replace(v, core="") for v in listed)
        return self.kept[domain]

    def model_variables(self, class_name: str, domain: str) -> Sequence[LibraryVariable]:
        """Variables of the model for the dataset, or for a custom domain of that class."""
        spec = self._spec(class_name, domain)
        found = self.standard.model_variables(spec) if spec else ()
        return tuple(_of_model(variable, i + 1) for i, variable in enumerate(found))

    def _spec(self, class_name: str, domain: str) -> DatasetSpec | None:
        if self._knows(domain):
            return self.standard.dataset(domain)
        observation_class = _CLASSES.get(normal_class(class_name))
        if observation_class is None:
            return None
        try:
            return self.standard.custom_domain(domain, domain, observation_class)
        except KeyError:
            return None


def _of_guide(variable: VariableSpec, order: int) -> LibraryVariable:
    return LibraryVariable(
        variable.name, variable.label, variable.type, variable.role, variable.core, order, variable.codelists
    )


def _of_model(variable: ModelVariable, order: int) -> LibraryVariable:
    return LibraryVariable(variable.name, variable.label, variable.type, variable.role, "", order, variable.codelists)


@functools.cache
def library_of(standard: str, version: str) -> StandardLibrary | None:
    """Return the library metadata for a standard, None where there is none (ADaM).

    SDTMIG 3.4 is what the tool knows: SDTMIG 3.3 and SEND have datasets of their own, whose variables are those of 3.4
    where it has them too.
    """
    found = load_standard("SDTMIG 3.4") if standard.upper() in _TABULATION else None
    if not isinstance(found, Sdtm):
        return None
    if standard.upper() == "SENDIG":
        return StandardLibrary(found, _SEND)
    if (standard.upper(), normal_version(version)) == ("SDTMIG", "3.3"):
        return StandardLibrary(found, tuple(sorted(({*found.names} - _NEW_IN_3_4) | {"MO"})))
    return StandardLibrary(found)


class PackageCodelists(Mapping[str, RuleCodelist]):
    """The codelists of a package by submission value, each read when it is asked for."""

    def __init__(self, package: Package) -> None:
        self._package = package
        self._made: dict[str, RuleCodelist] = {}

    def __getitem__(self, name: str) -> RuleCodelist:
        if name not in self._package.names:
            raise KeyError(name)
        if name not in self._made:
            self._made[name] = _codelist(self._package.codelist(name))
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._package.names)

    def __len__(self) -> int:
        return len(self._package.names)


def _codelist(found: Codelist) -> RuleCodelist:
    terms = tuple(RuleTerm(term.code, term.value, term.decode) for term in found.terms)
    return RuleCodelist(found.code, found.name, found.label, found.extensible, terms)


@dataclass(frozen=True)
class PackageTerminology:
    """The terminology packages imported and those that come with the tool."""

    home: Path | None = None
    kept: dict[str, PackageCodelists] = field(default_factory=dict)

    def dates(self, kind: str) -> Sequence[str]:
        """Dates of the packages at hand."""
        titles = {**bundled(), **imported(store_folder(self.home))}
        held = (title.partition(" CT ") for title in titles)
        return tuple(sorted({date for own, _, date in held if own.upper() == kind.upper()}))

    def codelists(self, kind: str, date: str | None) -> Mapping[str, RuleCodelist] | None:
        """Codelists by submission value; the newest package for None; None where it is not at hand."""
        dates = self.dates(kind)
        if not dates or (date and date not in dates):
            return None
        title = full_title(f"{kind} {date or dates[-1]}")
        if title not in self.kept:
            self.kept[title] = PackageCodelists(open_package(title, store_folder(self.home)))
        return self.kept[title]
