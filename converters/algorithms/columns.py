"""Columns while they are mapped: work is done once per distinct value, then spread over the records by codes.

A column is a pandas Series with index 0..n-1: text as categorical (or Arrow `str`), numbers as float64. Missing is
missing, never an empty text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import pandas as pd
from pandas.api.types import union_categoricals

Texts = list[str]
MaybeTexts = list[str | None]


def constant(text: str, records: int) -> pd.Series:
    """Return a column that holds `text` in every record."""
    return pd.Series(pd.Categorical.from_codes(np.zeros(records, dtype=np.int8), categories=_index([text])))


def nothing(records: int) -> pd.Series:
    """Return a text column with no value in any record."""
    return pd.Series(pd.Categorical.from_codes(np.full(records, -1, dtype=np.int8), categories=_index([])))


def distinct(column: pd.Series) -> tuple[np.ndarray, Texts]:
    """Return (codes, distinct texts) of a text column; code -1 is missing."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.cat.codes.to_numpy(), [str(value) for value in column.cat.categories.to_list()]
    codes, values = pd.factorize(column, use_na_sentinel=True)
    return codes, [str(value) for value in values.tolist()]


def from_codes(codes: np.ndarray, values: Sequence[str | None]) -> pd.Series:
    """Return the text column whose record i holds `values[codes[i]]`; equal values become one category."""
    positions: dict[str, int] = {}
    new = np.empty(len(values) + 1, dtype=np.int32)
    for position, value in enumerate(values):
        new[position] = -1 if value is None else positions.setdefault(value, len(positions))
    new[-1] = -1  # code -1 (missing) takes the last place
    return pd.Series(pd.Categorical.from_codes(new[codes], categories=_index(list(positions))))


def map_distinct(column: pd.Series, function: Callable[[Texts], Sequence[str | None]]) -> pd.Series:
    """Apply `function` to the distinct texts of `column`, in one call, and spread the results."""
    codes, values = distinct(as_text(column))
    return from_codes(codes, function(values))


def numbers_of_distinct(column: pd.Series, function: Callable[[Texts], Sequence[float]]) -> pd.Series:
    """Apply `function` (texts to numbers, NaN for none) to the distinct texts and spread the results as float64."""
    codes, values = distinct(as_text(column))
    table = np.append(np.asarray(function(values), dtype=np.float64), np.nan)
    return pd.Series(table[codes])


def combine(columns: Sequence[pd.Series], function: Callable[[list[tuple[str | None, ...]]], MaybeTexts]) -> pd.Series:
    """Apply `function` to the distinct tuples of several columns, in one call, and spread the results."""
    codes, tuples = distinct_tuples(columns)
    return from_codes(codes, function(tuples))


def distinct_tuples(columns: Sequence[pd.Series]) -> tuple[np.ndarray, list[tuple[str | None, ...]]]:
    """Return (codes, distinct tuples) of several text columns; None stands for a missing part."""
    parts = [distinct(as_text(column)) for column in columns]
    combined = np.zeros(len(columns[0]), dtype=np.int64)
    for codes, values in parts:
        combined = combined * (len(values) + 1) + (codes.astype(np.int64) + 1)
    keys, inverse = unique_codes(combined)
    tuples: list[list[str | None]] = [[] for _ in keys]
    for _, values in reversed(parts):
        keys, rest = np.divmod(keys, len(values) + 1)
        for item, place in zip(tuples, rest.tolist(), strict=True):
            item.append(values[place - 1] if place else None)
    return inverse, [tuple(reversed(item)) for item in tuples]


def unique_codes(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (unique values in order of appearance, inverse) of whole numbers; hashing, not sorting."""
    inverse, values = pd.factorize(codes)
    return np.asarray(values), inverse


def as_text(column: pd.Series) -> pd.Series:
    """Return the column as text; numbers are written in their shortest exact form (1, 0.1)."""
    if isinstance(column.dtype, pd.CategoricalDtype) or pd.api.types.is_string_dtype(column.dtype):
        return column
    codes, values = pd.factorize(column.to_numpy(dtype=np.float64), use_na_sentinel=True)
    return from_codes(codes, [number_text(value) for value in values.tolist()])


def number_text(number: float) -> str:
    """Write a number in its shortest exact form, whole numbers without a point.

    >>> number_text(14.0), number_text(0.1), number_text(-2.5)
    ('14', '0.1', '-2.5')
    """
    return str(int(number)) if number == int(number) and abs(number) < 1e15 else repr(float(number))


def is_number(column: pd.Series) -> bool:
    """Whether the column holds numbers."""
    return bool(pd.api.types.is_numeric_dtype(column.dtype))


def take(column: pd.Series, positions: np.ndarray) -> pd.Series:
    """Return the records at `positions`; a position of -1 gives missing."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes = np.append(column.cat.codes.to_numpy(), -1)[positions]
        return pd.Series(pd.Categorical.from_codes(codes, dtype=column.dtype))
    if is_number(column):
        return pd.Series(np.append(column.to_numpy(dtype=np.float64), np.nan)[positions])
    codes, values = distinct(column)
    return from_codes(np.append(codes, -1)[positions], values)


def stack(columns: Sequence[pd.Series]) -> pd.Series:
    """Put columns below each other; numbers stay numbers where all are."""
    if all(is_number(column) for column in columns):
        return pd.Series(np.concatenate([column.to_numpy(dtype=np.float64) for column in columns]))
    texts = [as_text(column) for column in columns]
    parts = [text if isinstance(text.dtype, pd.CategoricalDtype) else from_codes(*distinct(text)) for text in texts]
    if len(parts) == 1:
        return parts[0].reset_index(drop=True)
    return pd.Series(union_categoricals([part.array for part in parts]))


def choose(masks: Sequence[np.ndarray], columns: Sequence[pd.Series], records: int) -> pd.Series:
    """Return, record by record, the column of the first mask that holds; missing where none does."""
    if columns and all(is_number(column) for column in columns):
        chosen = np.full(records, np.nan)
        for mask, column in zip(reversed(masks), reversed(columns), strict=True):
            chosen = np.where(mask, column.to_numpy(dtype=np.float64), chosen)
        return pd.Series(chosen)
    values: Texts = []
    codes = np.full(records, -1, dtype=np.int64)
    open_places = np.ones(records, dtype=bool)
    for mask, column in zip(masks, columns, strict=True):
        own_codes, own_values = distinct(as_text(column))
        here = mask & open_places
        shifted = np.where(own_codes >= 0, own_codes.astype(np.int64) + len(values), -1)
        codes[here] = shifted[here]
        open_places &= ~mask
        values.extend(own_values)
    return from_codes(codes, values)


def same_text(one: pd.Series, other: pd.Series) -> np.ndarray:
    """Return where two text columns hold the same text (missing is the same as nothing), as a boolean array."""
    codes, _ = distinct(stack([one, other]))
    half = len(one)
    return np.asarray((codes[:half] == codes[half:]) & (codes[:half] >= 0))


def drop_unused(column: pd.Series) -> pd.Series:
    """Return a categorical column with only the categories that occur, in order of first appearance of the code."""
    if not isinstance(column.dtype, pd.CategoricalDtype):
        return column
    codes, values = distinct(column)
    used = np.zeros(len(values) + 1, dtype=bool)
    used[codes] = True
    if used[: len(values)].all():
        return column
    return from_codes(codes, [value if used[place] else None for place, value in enumerate(values)])


def missing(column: pd.Series) -> np.ndarray:
    """Return where the column has no value, as a boolean array."""
    return np.asarray(column.isna())


def _index(values: Iterable[str]) -> pd.Index:
    return pd.Index(list(values), dtype="str")
