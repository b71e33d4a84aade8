"""Value-level metadata: what a variable holds for each test, parameter or qualifier (Define-XML 2.1, section 4.3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cdiscway.converters.dataset import BuiltDataset

from .input import DefineInput
from .measure import Measure, measure_number_groups, measure_result_groups
from .terms import decode_pairs, texts_of


@dataclass(frozen=True, slots=True)
class ValueLevel:
    """One definition of a value list: the condition, what the values are, and what the condition means in words."""

    variable: str
    where: tuple[tuple[str, str], ...]
    measure: Measure
    label: str


def levels_of(package: DefineInput, dataset: BuiltDataset) -> dict[str, tuple[str, ...]]:
    """Return the variables that get value-level metadata, each with the variables of its condition."""
    found = dict(standard_levels(dataset))
    found.update({variable: (by,) for variable, by, _ in dataset.value_provenance if variable not in found})
    for key, chosen in package.value_levels.items():
        name, _, variable = key.partition(".")
        if name == dataset.name:
            found[variable] = chosen
    names = set(dataset.spec.names)
    return {variable: by for variable, by in found.items() if by and {variable, *by} <= names}


def standard_levels(dataset: BuiltDataset) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield what the standards hold by row: results by --TESTCD, QVAL by QNAM, AVAL by PARAMCD, --VAL by --PARMCD."""
    names = dataset.spec.names
    for name in names:
        by = name.removesuffix("TESTCD")
        if name.endswith("TESTCD"):
            yield from ((by + result, (name,)) for result in ("ORRES", "STRESC", "STRESN") if by + result in names)
        elif name == "QNAM":
            yield "QVAL", (name,)
        elif name == "PARAMCD":
            yield from ((result, (name,)) for result in ("AVAL", "AVALC") if result in names)
        elif name.endswith("PARMCD"):
            yield name.removesuffix("PARMCD") + "VAL", (name,)


def value_levels(package: DefineInput, dataset: BuiltDataset) -> Iterator[ValueLevel]:
    """Yield the value-level definitions of a dataset: only conditions for which the variable holds data."""
    for variable, by in levels_of(package, dataset).items():
        labels = decode_pairs(dataset, by[0])
        pairs = dataset.frame[[*by, variable]].dropna().drop_duplicates(ignore_index=True)
        if pairs.empty:
            continue
        keys, codes = _conditions(pairs[list(by)])
        if dataset.spec.variable(variable).type == "Num":
            measures = measure_number_groups(pairs[variable], codes, len(keys))
        else:
            measures = measure_result_groups(pairs[variable], codes, len(keys))
        for key, measure in zip(keys, measures, strict=True):
            yield ValueLevel(variable, tuple(zip(by, key, strict=True)), measure, _label(key, labels))


def _conditions(pairs: pd.DataFrame) -> tuple[list[tuple[str, ...]], np.ndarray[Any, Any]]:
    """Return the conditions that occur, in order, and for each row which of them holds."""
    shown = pd.MultiIndex.from_arrays([texts_of(pairs[name]) for name in pairs.columns])
    codes, found = pd.factorize(shown, sort=True)
    return [tuple(key) for key in found.tolist()], codes


def _label(values: tuple[str, ...], labels: dict[str, str]) -> str:
    return ", ".join((labels.get(values[0], values[0]), *values[1:]))
