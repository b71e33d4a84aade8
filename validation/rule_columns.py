"""Columns as distinct values and codes: what the operators of the rule engine compute on.

A clinical column repeats itself, so an operator looks at each distinct value once and spreads its answer over the
records by their codes. Missing (and an empty text) has the code -1.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Codes = npt.NDArray[Any]
"""Whole numbers: codes of values (-1: none), or numbers of rows."""
Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Column:
    """`values` are the distinct values (text, float, int, bool, or a tuple where a cell is a list)."""

    values: Sequence[Any]
    codes: Codes

    def __len__(self) -> int:
        return len(self.codes)

    @cached_property
    def missing(self) -> Mask:
        """True where the record has no value."""
        return np.asarray(self.codes < 0)

    @cached_property
    def is_numeric(self) -> bool:
        """Whether the values are numbers (a Num variable, a count)."""
        return len(self.values) > 0 and all(isinstance(v, int | float) and not isinstance(v, bool) for v in self.values)

    @cached_property
    def holds_lists(self) -> bool:
        """Whether every cell is a list."""
        return len(self.values) > 0 and all(isinstance(v, tuple) for v in self.values) and not self.missing.any()

    @cached_property
    def is_constant(self) -> bool:
        """Whether every record has the same one value."""
        return len(self.values) == 1 and not self.missing.any()

    @cached_property
    def numbers(self) -> Floats:
        """The distinct values as numbers, NaN where a value is none."""
        return np.array([as_number(value) for value in self.values], dtype=float)

    @cached_property
    def texts(self) -> list[str]:
        """The distinct values as text."""
        return [as_text(value) for value in self.values]

    @cached_property
    def row_numbers(self) -> Floats:
        """The number of every record, NaN where it has none."""
        return spread(self.numbers, self.codes, np.nan)

    def where(self, test: Callable[[Any], bool], missing: bool = False) -> Mask:
        """Ask `test` once per distinct value; records without a value answer `missing`."""
        return self.spread(np.fromiter((test(value) for value in self.values), bool, len(self.values)), missing)

    def where_text(self, test: Callable[[str], bool], missing: bool = False) -> Mask:
        """Ask `test` once per distinct text."""
        return self.spread(np.fromiter((test(text) for text in self.texts), bool, len(self.values)), missing)

    def spread(self, answers: npt.NDArray[Any], missing: Any = False) -> npt.NDArray[Any]:
        """Give each record the answer of its value."""
        return spread(answers, self.codes, missing)

    def map(self, change: Callable[[Any], Any]) -> Column:
        """Return the column of `change(value)`; None means missing."""
        return encode([change(value) for value in self.values]).take(self.codes)

    def take(self, rows: Codes) -> Column:
        """Return the records at `rows`; -1 gives a missing value."""
        if not len(self.codes):
            return Column((), np.full(len(rows), -1, dtype=np.intp))
        codes = self.codes[rows]
        return Column(self.values, np.where(rows < 0, -1, codes))

    def value(self, row: int) -> Any:
        """Return the value of one record, None where it is missing."""
        return self.value_of(self.codes[row])

    def value_of(self, code: int) -> Any:
        """Return the value of a code, None for -1."""
        return None if code < 0 else self.values[code]


def spread(answers: npt.NDArray[Any], codes: Codes, missing: Any) -> npt.NDArray[Any]:
    """Take `answers` by code; the code -1 takes `missing`."""
    return np.append(answers, missing).astype(answers.dtype if len(answers) else type(missing))[codes]


def as_number(value: Any) -> float:
    """Return the number a value stands for, NaN where it is none.

    >>> as_number("12.50"), as_number(True)
    (12.5, 1.0)
    """
    if isinstance(value, tuple) or value is None:
        return float("nan")
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


def as_text(value: Any) -> str:
    """Write a value as text, whole numbers without a decimal point, lists in brackets.

    >>> as_text(15.0), as_text(("A", None))
    ('15', "['A', None]")
    """
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, tuple):
        return str(list(value))
    return str(value)


def is_empty(value: Any) -> bool:
    """Whether a value counts as missing: nothing, an empty text, not a number, an empty list."""
    return (
        value is None
        or (isinstance(value, float) and np.isnan(value))
        or (isinstance(value, str | tuple) and not value)
    )


def encode(items: Iterable[Any]) -> Column:
    """Make a column of plain Python values (used for metadata frames and the results of operations)."""
    codes: list[int] = []
    known: dict[Hashable, int] = {}
    values: list[Any] = []
    for item in items:
        value = tuple(item) if isinstance(item, list) else item
        if is_empty(value) and not isinstance(value, tuple):
            codes.append(-1)
            continue
        key = (type(value), value)
        if key not in known:
            known[key] = len(values)
            values.append(value)
        codes.append(known[key])
    return Column(values, np.array(codes, dtype=np.intp))


def constant(value: Any, length: int) -> Column:
    """Make a column in which every record has `value`."""
    held = tuple(value) if isinstance(value, list | set | frozenset) else value
    if is_empty(held) and not isinstance(held, tuple):
        return Column((), np.full(length, -1, dtype=np.intp))
    return Column((held,), np.zeros(length, dtype=np.intp))


def from_series(series: pd.Series[Any]) -> Column:
    """Encode a column of a dataset; an empty text counts as missing."""
    if isinstance(series.dtype, pd.CategoricalDtype):
        return _drop_empty(series.cat.categories.tolist(), series.cat.codes.to_numpy(dtype=np.int32))
    if pd.api.types.is_object_dtype(series.dtype):
        return encode(series.tolist())
    factorized, uniques = pd.factorize(series)
    return _drop_empty(list(uniques.tolist()), factorized.astype(np.int32))


def _drop_empty(values: list[Any], codes: Codes) -> Column:
    if "" not in values:
        return Column(values, codes)
    empty = values.index("")
    shifted = np.where(codes == empty, -1, np.where(codes > empty, codes - 1, codes))
    return Column(values[:empty] + values[empty + 1 :], shifted)


def group_ids(columns: Sequence[Column]) -> Codes:
    """Number the records by their combination of values (0, 1, ...); missing is a value of its own."""
    ids = np.asarray(columns[0].codes + 1)
    for column in columns[1:]:
        ids = ids.astype(np.int64) * (len(column.values) + 1) + column.codes + 1
        ids = pd.factorize(ids)[0]
    return pd.factorize(ids)[0].astype(np.intp, copy=False)


def joint_codes(left: Column, right: Column, fold: Callable[[Any], Any]) -> tuple[Codes, Codes]:
    """Encode two columns with the same codes, values being alike when `fold` makes them so."""
    known: dict[Hashable, int] = {}
    codes = []
    for column in (left, right):
        per_value = np.array([known.setdefault(fold(v), len(known)) for v in column.values], dtype=np.intp)
        codes.append(spread(per_value, column.codes, -1))
    return codes[0], codes[1]
