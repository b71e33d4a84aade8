"""A standard as data: which variables may stand in a dataset, in which order, and what binds them.

One YAML file per dataset, read when it is asked for. `load_standard("SDTMIG 3.4").dataset("LB")` answers with the
Implementation Guide; `resolve` and `refusal` also answer for what the model allows beyond it.
"""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from .model import DatasetSpec, ObservationClass, VariableSpec

STANDARDS = ("SDTMIG 3.4", "ADaMIG 1.3")
"""The Implementation Guides shipped."""

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_data(path: Path) -> Any:
    """Read one of our own YAML files as dictionaries, lists and text (no word is taken for a number or a boolean)."""
    with path.open("rb") as file:
        return _plain(yaml.compose(file, Loader=_Loader))


def _plain(node: yaml.Node | None) -> Any:
    if isinstance(node, yaml.MappingNode):
        return {key.value: _plain(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item) for item in node.value]
    return None if node is None else node.value


class Standard(ABC):
    """One Implementation Guide over its data model.

    `dataset` arguments take a dataset's name, or a DatasetSpec where a study made its own (a custom domain).
    """

    name: str
    model_version: str
    folder: Path

    def __init__(self) -> None:
        self._specs: dict[str, DatasetSpec] = {}

    def __repr__(self) -> str:
        return f"<{self.name}>"

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """The datasets (SDTM) or structures (ADaM) of the IG, in its order."""

    @abstractmethod
    def resolve(self, dataset: str | DatasetSpec, variable: str) -> VariableSpec | None:
        """Return the variable as it may stand in the dataset (real name, no `--` or `xx` left), or None."""

    @abstractmethod
    def order(self, dataset: str | DatasetSpec, variables: Iterable[str]) -> tuple[str, ...]:
        """Return the variables in the order they must stand in; raises KeyError for one that may not stand there."""

    def dataset(self, name: str) -> DatasetSpec:
        """Return the dataset with all variables the IG lists for it; raises KeyError."""
        if name not in self._specs:
            if name not in self.names:
                raise KeyError(name)
            self._specs[name] = DatasetSpec.model_validate(read_data(self.folder / f"{name.lower()}.yaml"))
        return self._specs[name]

    def spec(self, dataset: str | DatasetSpec) -> DatasetSpec:
        """Return the DatasetSpec of a name, or the one given; raises KeyError."""
        return dataset if isinstance(dataset, DatasetSpec) else self.dataset(dataset)

    def required(self, dataset: str | DatasetSpec) -> tuple[str, ...]:
        """Return the variables that must be present and, in SDTM, never null (core Req)."""
        return tuple(variable.name for variable in self.spec(dataset).variables if variable.core == "Req")

    def expected(self, dataset: str | DatasetSpec) -> tuple[str, ...]:
        """Return the variables that must be present and may be null (core Exp)."""
        return tuple(variable.name for variable in self.spec(dataset).variables if variable.core == "Exp")

    def custom_domain(self, code: str, label: str, observation_class: ObservationClass) -> DatasetSpec:
        """Make a domain that the IG does not have (SDTMIG 3.4 section 2.6); raises KeyError where none can be made."""
        raise KeyError(f"{self.name} has no custom domains: {code} ({label}, {observation_class})")

    def supplemental(self, dataset: str | DatasetSpec) -> DatasetSpec:
        """Return the SUPP-- dataset of a domain; raises KeyError where the domain can have none."""
        raise KeyError(f"{self.name} has no supplemental qualifiers")

    def refusal(self, dataset: str | DatasetSpec, variable: str) -> str:
        """Return why a variable may not stand in the dataset, or an empty text."""
        if self.resolve(dataset, variable):
            return ""
        return f"{variable} is not a variable of {self.spec(dataset).name} in {self.name}"


@functools.cache
def load_standard(name: str) -> Standard:
    """Return the standard of that name (`SDTMIG 3.4`, `ADaMIG 1.3`); raises KeyError naming those known."""
    if name == "SDTMIG 3.4":
        from .tabulation import Sdtm  # noqa: PLC0415 (only the standard asked for is loaded)

        return Sdtm()
    if name == "ADaMIG 1.3":
        from .analysis import Adam  # noqa: PLC0415

        return Adam()
    raise KeyError(f"no standard '{name}'; known are {', '.join(STANDARDS)}")
