"""ADaM: ADSL and the structures of ADaMIG 1.3, with its variable names as patterns.

In a pattern `xx` and `zz` stand for 01-99, `y` for 1-99, `w` for 1-9 (not zero-padded), `--` for the code of an SDTM
domain, `*` for letters the study chooses (ADaMIG 1.3 sections 3.1 and 3.3; OCCDS 1.1 section 3).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from .model import DatasetSpec, ObservationClass, VariableSpec
from .standards import Standard, load_standard, read_data

_FOLDER = Path(__file__).parent / "adam"
_STRUCTURES = ("ADSL", "BDS", "BDS-TTE", "OCCDS", "OCCDS-AE")
_PLACES = {
    "xx": r"(?P<xx>0[1-9]|[1-9]\d)",
    "zz": r"(?P<zz>0[1-9]|[1-9]\d)",
    "y": r"(?P<y>[1-9]\d?)",
    "w": r"(?P<w>[1-9])",
}
_WIDER = {"Basic Data Structure": "BDS", "Occurrence Data Structure": "OCCDS"}
_WORDS = re.compile(r"xx|zz|y|w|--|\*")
_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,7}")


class Adam(Standard):
    """ADaMIG 1.3 (with OCCDS 1.1 and BDS for Time-to-Event 1.0) over ADaM 2.1."""

    name = "ADaMIG 1.3"
    model_version = "2.1"
    folder = _FOLDER

    @functools.cached_property
    def names(self) -> tuple[str, ...]:
        """The structures: ADSL, BDS, BDS-TTE, OCCDS, OCCDS-AE."""
        return _STRUCTURES

    def dataset(self, name: str) -> DatasetSpec:
        """Return a structure (`BDS`), or a dataset of a usual name (`ADTTE`) as its structure; raises KeyError."""
        if name in _names()["datasets"] and name not in self._specs:
            known = _names()["datasets"][name]
            made = self.analysis_dataset(name, known["label"], known["structure"], known.get("domain", ""))
            self._specs[name] = made
        elif name not in self._specs:
            spec = super().dataset(name)
            self._specs[name] = spec.model_copy(update={"variables": tuple(map(_with_format, spec.variables))})
        return self._specs[name]

    def analysis_dataset(self, name: str, label: str, structure: str, domain: str = "") -> DatasetSpec:
        """Return a dataset of a structure, with the variables of its SDTM `domain` (AE) written out.

        Raises KeyError for a structure or a domain that is not known.
        """
        spec = self.dataset(structure)
        variables = tuple(_of_domain(spec, domain)) if domain else spec.variables
        keys = tuple(key.replace("--", domain, 1) for key in spec.keys)
        known = {variable.name for variable in variables}
        kept = tuple(key for key in keys if key in known or "--" not in key)
        update = {"name": name, "label": label, "variables": variables, "keys": kept}
        return DatasetSpec.model_validate({**spec.model_dump(by_alias=True), **update})

    def custom_domain(self, code: str, label: str, observation_class: ObservationClass) -> DatasetSpec:
        """Make an analysis dataset of the study's own name by its class; raises KeyError.

        ADaMIG 1.3 section 3.1: a name begins with AD and has at most 8 characters. `ADaM Other` has the identifiers only.
        """
        if not re.fullmatch(r"AD[A-Z0-9]{1,6}", code):
            raise KeyError(f"{code} cannot be the name of an analysis dataset (AD and 1 to 6 letters or digits)")
        if observation_class in _WIDER:
            return self.analysis_dataset(code, label, _WIDER[observation_class])
        if observation_class != "ADaM Other":
            raise KeyError(f"{code} is of class {' or '.join((*_WIDER, 'ADaM Other'))}, not {observation_class}")
        adsl = self.dataset("ADSL")
        fields = {"name": code, "label": label, "class": observation_class, "standard": self.name}
        identifiers = tuple(adsl.variable(name) for name in ("STUDYID", "USUBJID"))
        rest = {"structure": "As the study defines it", "keys": ("STUDYID", "USUBJID"), "variables": identifiers}
        return DatasetSpec.model_validate({**fields, **rest})

    def resolve(self, dataset: str | DatasetSpec, variable: str) -> VariableSpec | None:
        """Return the variable of the structure, of ADSL, of SDTM (copied), or by the fragments of its name; else None.

        A label that only the study can give is empty.
        """
        spec = self.spec(dataset)
        if not _NAME.fullmatch(variable):
            return None
        own = _match(spec.variables, variable)
        if own or variable in spec.not_used:
            return own
        return (
            self._of_wider(spec, variable)
            or self._of_treatments(spec, variable)
            or self._of_adsl(variable)
            or _of_sdtm(variable)
            or self._twin(spec, variable)
            or _match((*self._suffixes(), *_fragments()), variable, stars=True)
        )

    def order(self, dataset: str | DatasetSpec, variables: Iterable[str]) -> tuple[str, ...]:
        """Return the variables as given, identifiers first: ADaM prescribes no other order (ADaMIG 1.3 section 3.1).

        Raises KeyError for one that may not stand in the dataset.
        """
        names = tuple(dict.fromkeys(variables))
        for name in names:
            if self.resolve(dataset, name) is None:
                raise KeyError(name)
        first = ("STUDYID", "USUBJID", "SUBJID", "SITEID")
        return tuple(sorted(names, key=lambda name: first.index(name) if name in first else len(first)))

    def _of_wider(self, spec: DatasetSpec, variable: str) -> VariableSpec | None:
        """Return a variable of BDS for a time-to-event dataset, of OCCDS for one of adverse events."""
        wider = _WIDER.get(spec.observation_class) if spec.subclass else None
        found = _match(self.dataset(wider).variables, variable) if wider else None
        return found.model_copy(update={"core": "Perm"}) if found else None

    def _of_treatments(self, spec: DatasetSpec, variable: str) -> VariableSpec | None:
        """Return a treatment of the record (TRTA, TRTPN) for an occurrence dataset: named as in BDS (OCCDS 1.1 section 3)."""
        if spec.observation_class != "Occurrence Data Structure":
            return None
        treatments = [item for item in self.dataset("BDS").variables if item.role == "Record-Level Treatment"]
        found = _match(treatments, variable)
        return found.model_copy(update={"core": "Perm"}) if found else None

    def _of_adsl(self, variable: str) -> VariableSpec | None:
        found = _match(self.dataset("ADSL").variables, variable)
        return found.model_copy(update={"core": "Perm", "predecessor": f"ADSL.{variable}"}) if found else None

    def _twin(self, spec: DatasetSpec, variable: str) -> VariableSpec | None:
        """Return the numeric twin of a text variable: SEXN of SEX (ADaMIG 1.3 section 3.1.1)."""
        base = variable[:-1]
        text = variable.endswith("N") and (_match(spec.variables, base) or self._of_adsl(base) or _of_sdtm(base))
        if not text or text.type != "Char":
            return None
        return VariableSpec(name=variable, label=_label(f"{text.label} (N)" if text.label else ""), type="Num")

    def _suffixes(self) -> tuple[VariableSpec, ...]:
        """Return the timing suffixes, the longest first: SDTM before DTM before TM."""
        found = [variable for variable in self.dataset("BDS").variables if variable.name.startswith("*")]
        return tuple(sorted(found, key=lambda variable: -len(variable.name)))


def _match(variables: Iterable[VariableSpec], name: str, *, stars: bool = False) -> VariableSpec | None:
    """Return the variable of that name, or the first pattern that fits it, written for the name."""
    for variable in variables:
        if variable.name == name:
            return variable.model_copy(update={"label": _label(variable.label)})
    for variable in variables:
        if ("*" in variable.name) == stars and _WORDS.search(variable.name):
            found = _pattern(variable.name).fullmatch(name)
            if found:
                return _written(variable, name, found.groupdict())
    return None


@functools.cache
def _pattern(name: str) -> re.Pattern[str]:
    """Return the regular expression of a name pattern.

    >>> bool(_pattern("TRTxxP").fullmatch("TRT01P")), bool(_pattern("AGEGRy").fullmatch("AGEGR0"))
    (True, False)
    """
    places = {**_PLACES, "--": "[A-Z][A-Z0-9]", "*": "[A-Z][A-Z0-9]*"}
    return re.compile(_WORDS.sub(lambda found: places[found.group()], name))


def _written(variable: VariableSpec, name: str, places: dict[str, str]) -> VariableSpec:
    label = _label(re.sub(r"\b(xx|zz|y|w)\b", lambda found: places.get(found.group(), found.group()), variable.label))
    if variable.name.startswith("--"):
        copied = _of_sdtm(name)
        label = copied.label if copied else label
    return _with_format(variable.model_copy(update={"name": name, "label": label}))


def _label(label: str) -> str:
    """Return the label, or nothing where the IG only says what the study's label is about, or it grew over 40."""
    return "" if re.search(r"[{}]|\.\.\.|\bXX\b", label) or len(label) > 40 else label


def _with_format(variable: VariableSpec) -> VariableSpec:
    if variable.type == "Num" and not variable.name.startswith("*"):
        for ending, display in _names()["display_formats"].items():
            if variable.name.endswith(ending):
                return variable.model_copy(update={"display_format": display})
    return variable


def _of_domain(spec: DatasetSpec, domain: str) -> Iterator[VariableSpec]:
    """Write `--` out for a domain; what SDTM does not have there, and what is for another domain, is left out."""
    sdtm = load_standard("SDTMIG 3.4")
    seen = set()
    rows = sorted(spec.variables, key=lambda v: "WHO" in v.role or "WHO" in v.format, reverse=domain == "CM")
    chosen = {id(first) for first in {row.name.replace("--", domain, 1): row for row in reversed(rows)}.values()}
    for row in spec.variables:
        name = row.name.replace("--", domain, 1)
        if id(row) not in chosen or name in seen or (row.predecessor.startswith("CM.") and domain != "CM"):
            continue
        seen.add(name)
        if name == row.name:
            yield row
            continue
        source = sdtm.resolve(domain, name)
        if source:
            update = {"name": name, "label": source.label, "predecessor": f"{domain}.{name}"}
            yield row.model_copy(update=update)
        elif name.endswith("N") and sdtm.resolve(domain, name[:-1]):
            yield row.model_copy(update={"name": name})


@functools.lru_cache(maxsize=4096)
def _of_sdtm(variable: str) -> VariableSpec | None:
    """Return an SDTM variable as copied: of DM, of the domain its name begins with, or one that all domains have."""
    sdtm = load_standard("SDTMIG 3.4")
    domains = ("DM", variable[:2], "LB") if variable[:2] in sdtm.names else ("DM", "LB")
    for domain in domains:
        found = sdtm.resolve(domain, variable)
        if found and not (domain == "LB" and variable.startswith("LB") and variable[:2] not in domains[:2]):
            return found.model_copy(update={"core": "Perm", "predecessor": f"{domain}.{variable}", "values": ()})
    return None


@functools.cache
def _names() -> dict[str, Any]:
    data: dict[str, Any] = read_data(_FOLDER / "names.yaml")
    return data


@functools.cache
def _fragments() -> tuple[VariableSpec, ...]:
    return tuple(VariableSpec.model_validate({"label": "", **row}) for row in _names()["fragments"])
