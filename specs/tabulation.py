"""SDTM: the datasets of SDTMIG 3.4 and what SDTM 2.0 allows beyond them.

A domain of a general observation class may also hold the identifiers, timing variables and qualifiers of its class
(SDTM 2.0 sections 3.1 and 3.2); anything else goes to its SUPP-- dataset (SDTMIG 3.4 section 8.4).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .model import DatasetSpec, ObservationClass, Strict, VariableSpec, VariableType
from .standards import Standard, read_data

GENERAL_CLASSES = ("Interventions", "Events", "Findings", "Findings About")
_FOLDER = Path(__file__).parent / "sdtm"
_RULES = ("classes", "special")
_REQUIRED = {"STUDYID", "DOMAIN", "USUBJID", "--SEQ", "--TRT", "--TERM", "--TESTCD", "--TEST", "--OBJ"}
_WITH_SUPPLEMENTAL = {"DM", "SV"}
_PART = re.compile(r"(COVAL|TSVAL)([1-9]\d*)")  # the rest of a long text (SDTMIG 3.4 sections 5.1 and 7.4.2)


class ModelVariable(Strict):
    """A variable of SDTM 2.0 (`--STRESU`), with the domains and classes it is for; `nonclinical`: never in humans."""

    name: str
    label: str
    type: VariableType
    role: str
    codelists: tuple[str, ...] = ()
    format: str = ""
    only: tuple[str, ...] = ()
    not_in: tuple[str, ...] = ()
    not_in_classes: tuple[str, ...] = ()
    nonclinical: bool = False

    def in_domain(self, code: str) -> VariableSpec:
        """Return the variable with the domain's code in its name (`LBSTRESU`)."""
        return VariableSpec(
            name=self.name.replace("--", code, 1),
            label=self.label,
            type=self.type,
            role=self.role,
            core="Req" if self.name in _REQUIRED else "Perm",
            codelists=self.codelists,
            format=self.format,
            values=(code,) if self.name == "DOMAIN" else (),
        )

    def refusal(self, code: str, observation_class: str) -> str:
        """Return why the model keeps this variable out of a domain, or an empty text."""
        if self.nonclinical:
            return "SDTM 2.0 keeps it out of human clinical trials"
        if self.only and code not in self.only:
            return f"SDTM 2.0 keeps it for {', '.join(self.only)}"
        if code in self.not_in:
            return f"SDTM 2.0 does not allow it in {code}"
        if observation_class in self.not_in_classes:
            return f"SDTM 2.0 does not allow it in class {observation_class}"
        return ""


class Sdtm(Standard):
    """SDTMIG 3.4 over SDTM 2.0."""

    name = "SDTMIG 3.4"
    model_version = "2.0"
    folder = _FOLDER

    @functools.cached_property
    def names(self) -> tuple[str, ...]:
        """The 63 datasets of the IG."""
        return tuple(sorted(path.stem.upper() for path in _FOLDER.glob("*.yaml") if path.stem not in _RULES))

    def model_variables(self, dataset: str | DatasetSpec) -> tuple[ModelVariable, ...]:
        """Return the variables of SDTM 2.0 for the dataset, in the model's order: of its class, or its own."""
        spec = self.spec(dataset)
        if spec.observation_class in GENERAL_CLASSES:
            return _class_variables(spec.observation_class)
        return _special_variables().get(spec.name, ())

    def allowed(self, dataset: str | DatasetSpec) -> tuple[VariableSpec, ...]:
        """All variables that may stand in the dataset, in order."""
        spec = self.spec(dataset)
        beyond = (variable.name.replace("--", domain_code(spec), 1) for variable in self.model_variables(spec))
        found = {name: self.resolve(spec, name) for name in dict.fromkeys((*spec.names, *beyond))}
        kept = {name: variable for name, variable in found.items() if variable}
        return tuple(kept[name] for name in self.order(spec, kept))

    def resolve(self, dataset: str | DatasetSpec, variable: str) -> VariableSpec | None:
        """Return the variable of the IG, else of the model where it allows it in the dataset, else None."""
        spec = self.spec(dataset)
        if variable in spec.names:
            return spec.variable(variable)
        if part := _part_of(spec, variable):
            return spec.variable(part[1]).model_copy(update={"name": variable, "core": "Perm"})
        found = self._of_model(spec, variable)
        if found is None or found.refusal(domain_code(spec), spec.observation_class):
            return None
        return found.in_domain(domain_code(spec))

    def refusal(self, dataset: str | DatasetSpec, variable: str) -> str:
        """Return why a variable may not stand in the dataset (and where it goes), or an empty text."""
        spec = self.spec(dataset)
        if variable in spec.names or _part_of(spec, variable):
            return ""
        found = self._of_model(spec, variable)
        reason = found.refusal(domain_code(spec), spec.observation_class) if found else ""
        if found and not reason:
            return ""
        told = reason or f"neither SDTMIG 3.4 nor SDTM 2.0 (class {spec.observation_class}) has it"
        goes = f"; it goes to SUPP{spec.name}" if may_have_supplemental(spec) else ""
        return f"{variable} may not stand in {spec.name}: {told}{goes}"

    def order(self, dataset: str | DatasetSpec, variables: Iterable[str]) -> tuple[str, ...]:
        """Return the variables in the IG's order, those of the model beside their neighbours in the model.

        Source: SDTMIG 3.4 section 4.1.4. Raises KeyError for a variable that may not stand in the dataset.
        """
        spec = self.spec(dataset)
        names = tuple(dict.fromkeys(variables))
        place = {name: float(i) for i, name in enumerate(spec.names)}
        rank = self._model_ranks(spec)
        known = [(rank[name], place[name]) for name in spec.names if name in rank]

        def key(name: str) -> tuple[float, int]:
            if name in place:
                return place[name], -1
            if part := _part_of(spec, name):
                return place[part[1]], int(part[2])
            if self.resolve(spec, name) is None:
                raise KeyError(name)
            before = [position for order, position in known if order < rank[name]]
            return (before[-1] if before else -1.0) + 0.5, rank[name]

        known.sort()
        return tuple(sorted(names, key=key))

    def custom_domain(self, code: str, label: str, observation_class: ObservationClass) -> DatasetSpec:
        """Make a domain of a general observation class with all variables the class allows (SDTMIG 3.4 section 2.6).

        `code` is two characters (a letter, then a letter or digit) that no dataset of the IG has, or the name of a part of
        one that is split (LBHM); raises KeyError.
        """
        if len(code) > 2 and code[:2] in self.names and self.dataset(code[:2]).observation_class == observation_class:
            return self.split(code[:2], code, label)
        if not re.fullmatch(r"[A-Z][A-Z0-9]", code) or code in self.names:
            raise KeyError(f"{code} cannot be the code of a custom domain")
        if observation_class not in GENERAL_CLASSES:
            raise KeyError(f"a custom domain is of class {', '.join(GENERAL_CLASSES)}, not {observation_class}")
        variables = _class_variables(observation_class)
        return DatasetSpec.model_validate(
            {
                "name": code,
                "label": label,
                "class": observation_class,
                "structure": _structure(observation_class),
                "keys": _custom_keys(code, observation_class),
                "standard": self.name,
                "variables": tuple(v.in_domain(code) for v in variables if not v.refusal(code, observation_class)),
            }
        )

    def split(self, dataset: str | DatasetSpec, name: str, label: str) -> DatasetSpec:
        """Return one part of a split domain (LBHM of LB; SDTMIG 3.4 section 4.1.7); raises KeyError for a wrong name.

        The part's name is the domain's code and one or two characters more; DOMAIN and the variables stay.
        """
        spec = self.spec(dataset)
        if not re.fullmatch(rf"{domain_code(spec)}[A-Z0-9]{{1,2}}", name):
            raise KeyError(f"{name} cannot be a part of {spec.name}")
        return spec.model_copy(update={"name": name, "label": label})

    def supplemental(self, dataset: str | DatasetSpec) -> DatasetSpec:
        """Return SUPP-- of a domain of a general observation class, of DM or of SV; raises KeyError for others."""
        spec = self.spec(dataset)
        if not may_have_supplemental(spec):
            raise KeyError(f"{spec.name} cannot have supplemental qualifiers")
        name = f"SUPP{spec.name}"
        return self.dataset("SUPPQUAL").model_copy(
            update={"name": name, "label": f"Supplemental Qualifiers for {spec.name}"}
        )

    def _of_model(self, spec: DatasetSpec, variable: str) -> ModelVariable | None:
        code = domain_code(spec)
        general = f"--{variable[len(code) :]}" if code and variable.startswith(code) else variable
        by_name = {found.name: found for found in self.model_variables(spec)}
        return by_name.get(variable) or by_name.get(general)

    def _model_ranks(self, spec: DatasetSpec) -> dict[str, int]:
        code = domain_code(spec)
        return {v.name.replace("--", code, 1): i for i, v in enumerate(self.model_variables(spec))}


def domain_code(spec: DatasetSpec) -> str:
    """Return the two letters its variables begin with: the value of DOMAIN (LB for a part LBHM), else nothing."""
    for variable in spec.variables:
        if variable.name == "DOMAIN" and variable.values:
            return variable.values[0]
    return ""


def may_have_supplemental(spec: DatasetSpec) -> bool:
    """Whether non-standard variables of the dataset go to a SUPP-- dataset (SDTMIG 3.4 section 8.4)."""
    return spec.observation_class in GENERAL_CLASSES or spec.name in _WITH_SUPPLEMENTAL


def _structure(observation_class: str) -> str:
    noun = {"Interventions": "recorded intervention", "Events": "event"}.get(observation_class, "finding")
    return f"One record per {noun} per subject"


def _custom_keys(code: str, observation_class: str) -> tuple[str, ...]:
    by_class = {
        "Interventions": ("TRT", "STDTC"),
        "Events": ("TERM", "STDTC"),
        "Findings": ("TESTCD", "DTC"),
        "Findings About": ("TESTCD", "OBJ", "DTC"),
    }
    return ("STUDYID", "USUBJID", *(code + fragment for fragment in by_class[observation_class]))


@functools.cache
def _classes() -> dict[str, Any]:
    data: dict[str, Any] = read_data(_FOLDER / "classes.yaml")
    return {
        name: tuple(ModelVariable.model_validate(row) for row in rows)
        for name, rows in data.items()
        if isinstance(rows, list)
    }


@functools.cache
def _class_variables(observation_class: str) -> tuple[ModelVariable, ...]:
    """Return identifiers, topic and qualifiers, timing (SDTM 2.0 section 3.1); --OBJ stands after --TEST."""
    data = _classes()
    if observation_class != "Findings About":
        own = data[observation_class]
    else:
        findings = data["Findings"]
        after = 1 + next(i for i, variable in enumerate(findings) if variable.name == "--TEST")
        own = (*findings[:after], *data["Findings About"], *findings[after:])
    return (*data["identifiers"], *own, *data["timing"])


@functools.cache
def _special_variables() -> dict[str, tuple[ModelVariable, ...]]:
    data = read_data(_FOLDER / "special.yaml")["datasets"]
    return {name: tuple(ModelVariable.model_validate(row) for row in rows) for name, rows in data.items()}


def _part_of(spec: DatasetSpec, variable: str) -> re.Match[str] | None:
    """Return the match of a numbered part of a long text (COVAL1 of CO), None for another variable."""
    found = _PART.fullmatch(variable)
    return found if found and found[1] in spec.names else None
