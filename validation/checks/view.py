"""A dataset as the checks see it: codes and distinct values, computed once and shared by all checks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cdiscway.converters.dataset import BuiltDataset

from ..iso8601 import IsoDates, read_dates

Mask = npt.NDArray[np.bool_]
Codes = npt.NDArray[Any]
"""Whole numbers of 32 bits: codes of values (-1: none), or numbers of groups; half the memory of an index."""
Values = npt.NDArray[np.object_]


class View:
    """One dataset with its distinct values at hand. Missing has the code -1; an empty text counts as missing."""

    def __init__(self, dataset: BuiltDataset, frame: pd.DataFrame | None = None) -> None:
        self.dataset = dataset
        self.frame = (dataset.frame if frame is None else frame).reset_index(drop=True)
        # Names are asked a thousand times a dataset: as plain strings that takes a tenth of the time.
        self.frame.columns = pd.Index([str(name) for name in self.frame.columns], dtype="object")
        self._texts = {str(name): _holds_text(kind) for name, kind in self.frame.dtypes.items()}
        self._distinct: dict[str, tuple[Codes, Values]] = {}
        self._read: dict[str, IsoDates] = {}
        self._dates: dict[str, IsoDates] = {}
        self._bytes: dict[str, npt.NDArray[np.int64]] = {}
        self._groups: dict[tuple[str, ...], Codes] = {}

    @property
    def name(self) -> str:
        """The dataset's name."""
        return self.dataset.name

    def __len__(self) -> int:
        return len(self.frame)

    def __contains__(self, variable: str) -> bool:
        return variable in self._texts

    @cached_property
    def prefix(self) -> str:
        """The two letters that stand for `--` in this dataset's variables, from DOMAIN or else the name."""
        if "DOMAIN" in self:
            values = self.distinct("DOMAIN")[1]
            if len(values) == 1 and len(str(values[0])) == 2:
                return str(values[0])
        return self.name[:2]

    def real(self, variable: str) -> str:
        """Return the name with `--` replaced: `--SEQ` is LBSEQ in LB."""
        return self.prefix + variable[2:] if variable.startswith("--") else variable

    def is_text(self, variable: str) -> bool:
        """Whether the column holds text."""
        return self._texts[variable]

    def distinct(self, variable: str) -> tuple[Codes, Values]:
        """Return one code per record (-1: missing) and the distinct values, as text or as numbers."""
        if variable not in self._distinct:
            self._distinct[variable] = _factorize(self.frame[variable])
        return self._distinct[variable]

    def missing(self, variable: str) -> Mask:
        """Tell which records have no value."""
        return self.distinct(variable)[0] < 0

    def where(self, variable: str, test: Callable[[Values], Mask | Sequence[bool]]) -> Mask:
        """Evaluate `test` on the distinct values; a missing value is False."""
        return self.spread(variable, test(self.distinct(variable)[1]))

    def spread(self, variable: str, found: Mask | Sequence[bool]) -> Mask:
        """Spread what holds of the distinct values over the records; a missing value is False."""
        mask: Mask = np.append(np.asarray(found, dtype=bool), False)[self.distinct(variable)[0]]
        return mask

    def equals(self, variable: str, *wanted: str) -> Mask:
        """Tell which records hold one of the texts."""
        return self.where(variable, lambda values: np.isin(values.astype(str), wanted))

    def numbers(self, variable: str) -> npt.NDArray[np.float64]:
        """Return the column as numbers; text that is no number is NaN."""
        column = self.frame[variable]
        if pd.api.types.is_numeric_dtype(column.dtype):
            return column.to_numpy(dtype=np.float64, na_value=np.nan)
        codes, values = self.distinct(variable)
        plain = pd.to_numeric(pd.Series(values, dtype=object), errors="coerce").to_numpy(dtype=np.float64)
        return np.append(plain, np.nan)[codes]

    def distinct_dates(self, variable: str) -> IsoDates:
        """Return the ISO 8601 dates of the distinct values."""
        if variable not in self._read:
            self._read[variable] = read_dates(self.distinct(variable)[1])
        return self._read[variable]

    def dates(self, variable: str) -> IsoDates:
        """Return the ISO 8601 dates of the records."""
        if variable not in self._dates:
            self._dates[variable] = self.distinct_dates(variable).take(self.distinct(variable)[0])
        return self._dates[variable]

    def bytes(self, variable: str) -> npt.NDArray[np.int64]:
        """Return the length of each distinct text in bytes of UTF-8."""
        if variable not in self._bytes:
            values = self.distinct(variable)[1]
            lengths = (len(str(value).encode()) for value in values)
            self._bytes[variable] = np.fromiter(lengths, dtype=np.int64, count=len(values))
        return self._bytes[variable]

    def group(self, *variables: str) -> Codes:
        """Return one number per record, equal where all variables are equal (missing equals missing)."""
        if variables not in self._groups:
            self._groups[variables] = self._group(variables)
        return self._groups[variables]

    def _group(self, variables: tuple[str, ...]) -> Codes:
        joined = np.zeros(len(self), dtype=np.int64)
        for variable in variables:
            codes, values = self.distinct(variable)
            joined = joined * (len(values) + 1) + (codes + 1)
            if joined.max(initial=0) > 2**40:
                joined = pd.factorize(joined)[0].astype(np.int64)
        numbers: Codes = pd.factorize(joined)[0].astype(np.int32)
        return numbers

    def shown(self, variable: str, position: int) -> str:
        """Return one value as text, empty where it is missing."""
        codes, values = self.distinct(variable)
        return "" if codes[position] < 0 else show_value(values[codes[position]])


def _holds_text(kind: Any) -> bool:
    inner = kind.categories.dtype if isinstance(kind, pd.CategoricalDtype) else kind
    return not pd.api.types.is_numeric_dtype(inner)


def _factorize(column: pd.Series[Any]) -> tuple[Codes, Values]:
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes = np.asarray(column.cat.codes).astype(np.int32)
        values = np.asarray(column.cat.categories, dtype=object)
        used = np.bincount(codes[codes >= 0], minlength=len(values)) > 0 if len(values) else np.zeros(0, dtype=bool)
        if not used.all():
            codes, values = _recoded(codes, used), values[used]
    else:
        found, index = pd.factorize(column, use_na_sentinel=True)
        codes, values = np.asarray(found).astype(np.int32), np.asarray(index, dtype=object)
    filled = np.fromiter((value != "" for value in values), dtype=bool, count=len(values))
    return (codes, values) if filled.all() else (_recoded(codes, filled), values[filled])


def _recoded(codes: Codes, kept: Mask) -> Codes:
    """Number the values that are kept anew; the others are missing."""
    places = np.append(np.where(kept, np.cumsum(kept) - 1, -1), -1).astype(np.int32)
    recoded: Codes = places[codes]
    return recoded


def show_value(value: object) -> str:
    """Write a value as a reader expects it: 5.0 as 5.

    >>> show_value(5.0), show_value("IgG")
    ('5', 'IgG')
    """
    if isinstance(value, float | np.floating):
        number = float(value)
        return f"{number:.0f}" if number.is_integer() and abs(number) < 1e15 else f"{number:.12g}"
    return str(value)
