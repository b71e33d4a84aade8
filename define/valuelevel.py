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
    """One definition of a value list: the condition, what the values are, and what the condition means in words.

    `terms` are the values where they, and not those of other conditions, come from the variable's codelist.
    """

    variable: str
    where: tuple[tuple[str, str], ...]
    measure: Measure
    label: str
    terms: tuple[str, ...] = ()


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
        pairs = _distinct_rows(dataset.frame[[*by, variable]])
        if pairs.empty:
            continue
        keys, codes = _conditions(pairs[list(by)])
        if dataset.spec.variable(variable).type == "Num":
            measures = measure_number_groups(pairs[variable], codes, len(keys))
        else:
            measures = measure_result_groups(pairs[variable], codes, len(keys))
        terms = _terms(dataset, variable, pairs[variable], codes, keys, measures)
        for key, measure in zip(keys, measures, strict=True):
            yield ValueLevel(
                variable, tuple(zip(by, key, strict=True)), measure, _label(key, labels), terms.get(key, ())
            )


def _terms(
    dataset: BuiltDataset,
    variable: str,
    values: pd.Series[Any],
    codes: np.ndarray[Any, Any],
    keys: list[tuple[str, ...]],
    measures: list[Measure],
) -> dict[tuple[str, ...], tuple[str, ...]]:
    """Return the terms of each condition, where some conditions hold terms and others numbers or dates."""
    words = [place for place, measure in enumerate(measures) if measure.data_type == "text"]
    if not dataset.spec.variable(variable).codelists or len(words) == len(measures):
        return {}
    return {keys[place]: tuple(sorted(texts_of(values[codes == place]))) for place in words}


def _distinct_rows(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the combinations that occur, without those that miss a value; by codes, not by values."""
    combined, known = np.zeros(len(frame), dtype=np.int64), np.ones(len(frame), dtype=np.bool_)
    for name in frame.columns:
        codes, found = pd.factorize(frame[name])
        known &= codes >= 0
        combined = pd.factorize(combined * (len(found) + 1) + codes)[0].astype(np.int64)
    rows = np.flatnonzero(known)
    first = np.unique(combined[rows], return_index=True)[1]
    return frame.iloc[np.sort(rows[first])].reset_index(drop=True)


def _conditions(pairs: pd.DataFrame) -> tuple[list[tuple[str, ...]], np.ndarray[Any, Any]]:
    """Return the conditions that occur, in order, and for each row which of them holds."""
    codes = np.zeros(len(pairs), dtype=np.int64)
    texts = []
    for name in pairs.columns:
        places, found = pd.factorize(pairs[name])
        shown = texts_of(pd.Series(found))
        codes = codes * len(shown) + places
        texts.append(shown)
    used, numbered = np.unique(codes, return_inverse=True)
    keys = [_spelled(int(code), texts) for code in used]
    order = sorted(range(len(keys)), key=keys.__getitem__)
    ranks = np.empty(len(keys), dtype=np.int64)
    ranks[order] = np.arange(len(keys))
    return [keys[place] for place in order], ranks[numbered]


def _spelled(code: int, texts: list[list[str]]) -> tuple[str, ...]:
    """Take a combined code apart into the values it stands for."""
    values = []
    for shown in reversed(texts):
        code, place = divmod(code, len(shown))
        values.append(shown[place])
    return tuple(reversed(values))


def _label(values: tuple[str, ...], labels: dict[str, str]) -> str:
    return ", ".join((labels.get(values[0], values[0]), *values[1:]))
