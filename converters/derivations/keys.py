"""Groups and orders of records by the values of their keys, never by the order of the rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

Codes = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def ranks(column: pd.Series) -> Codes:
    """Return each record's rank among the sorted distinct values of a column, texts and numbers alike; missing is -1.

    >>> ranks(pd.Series(["b", None, "a"])).tolist()
    [1, -1, 0]
    """
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes, distinct = column.cat.codes.to_numpy(), column.cat.categories.to_numpy()
    else:
        codes, values = pd.factorize(column, use_na_sentinel=True)
        distinct = np.asarray(values)
    order = np.argsort(distinct, kind="stable")
    table = np.full(len(distinct) + 1, -1, dtype=np.int64)
    table[order] = np.arange(len(order))
    return table[codes]


def ranked_texts(column: pd.Series) -> list[str]:
    """Return the distinct texts of a column in the order of their ranks; see `ranks`.

    >>> ranked_texts(pd.Series(["b", None, "a"]))
    ['a', 'b']
    """
    categorical = isinstance(column.dtype, pd.CategoricalDtype)
    return sorted(str(text) for text in (column.cat.categories if categorical else column.dropna().unique()))


def group_codes(*columns: pd.Series) -> tuple[Codes, int]:
    """Give the distinct combinations of some columns numbers; return (each record's number, how many there are).

    A missing value is a value of its own.

    >>> group_codes(pd.Series(["a", "b", "a"]), pd.Series(["x", "x", None]))[0].tolist()
    [1, 2, 0]
    """
    combined = np.zeros(len(columns[0]), dtype=np.int64)
    size = 1
    for column in columns:
        own = ranks(column) + 1
        width = int(own.max(initial=0)) + 1
        combined, size = combined * width + own, size * width
    if len(columns) == 1 or size > 4 * len(combined) + 1024:
        distinct, combined = np.unique(combined, return_inverse=True)
        size = len(distinct)
    elif len(combined):
        used = np.zeros(size, dtype=np.bool_)
        used[combined] = True
        combined, size = (np.cumsum(used) - 1)[combined], int(used.sum())
    return combined, size


def rows_of(subjects: pd.Index, subject: pd.Series) -> Codes:
    """Return the place of each record's subject among the `subjects`, -1 for none; categorical text is looked up once.

    >>> rows_of(pd.Index(["1", "2"]), pd.Series(["2", "9", "1"], dtype="category")).tolist()
    [1, -1, 0]
    """
    if isinstance(subject.dtype, pd.CategoricalDtype):
        table = np.append(subjects.get_indexer(pd.Index(subject.cat.categories.astype("str"))), -1)
        return np.asarray(table[subject.cat.codes.to_numpy()], dtype=np.int64)
    return subjects.get_indexer(pd.Index(subject.astype("str"))).astype(np.int64)


def sort_order(keys: Sequence[pd.Series]) -> Codes:
    """Return the positions of the records sorted by the keys, the first one first; missing before all values.

    >>> sort_order([pd.Series(["b", "a", "a"]), pd.Series([1.0, 3.0, 2.0])]).tolist()
    [2, 1, 0]
    """
    return np.lexsort([ranks(key) for key in reversed(keys)]).astype(np.int64)


def keep_highest(codes: Codes, size: int, among: Mask, key: npt.NDArray[np.float64]) -> Mask:
    """Return which of the records `among` have the highest key of their group: all of them where several tie.

    >>> keep_highest(np.array([0, 0, 1]), 2, np.array([True, True, False]), np.array([1.0, 1.0, 5.0])).tolist()
    [True, True, False]
    """
    highest = np.full(size, -np.inf)
    np.maximum.at(highest, codes[among], key[among])
    return np.asarray(among & (key == highest[codes]), dtype=np.bool_)


def undecided_by(keys: Sequence[pd.Series], among: Mask) -> Mask:
    """Return which of the records `among` share all keys with another of them.

    >>> undecided_by([pd.Series(["a", "a", "b"])], np.array([True, True, True])).tolist()
    [True, True, False]
    """
    codes, size = group_codes(*keys)
    return np.asarray(among & (np.bincount(codes[among], minlength=size)[codes] > 1), dtype=np.bool_)


def keep_first(codes: Codes, size: int, among: Mask, keys: Sequence[pd.Series]) -> Mask:
    """Return which of the records `among` come first in their group by the keys: all of them where several tie.

    >>> keep_first(np.array([0, 0, 1]), 2, np.array([True, True, True]), [pd.Series([2.0, 2.0, 1.0])]).tolist()
    [True, True, True]
    """
    kept = among
    for key in keys:
        kept = keep_highest(codes, size, kept, -ranks(key).astype(np.float64))
    return kept


def first_records(codes: Codes, size: int, among: Mask, keys: Sequence[pd.Series]) -> Codes:
    """Return, for each group, the position of its first record `among` by the keys; -1 for a group without one.

    Records alike in all keys are alike for the caller too, so any of them may stand for the others: give every column
    that is carried on as a key.

    >>> first_records(np.array([0, 0]), 2, np.array([True, True]), [pd.Series([2.0, 1.0])]).tolist()
    [1, -1]
    """
    places = np.flatnonzero(among)
    order = places[np.lexsort([*(ranks(key)[places] for key in reversed(keys)), codes[places]])]
    found = np.full(size, -1, dtype=np.int64)
    found[codes[order[::-1]]] = order[::-1]
    return found


def take_or_missing(values: npt.NDArray[np.float64], positions: Codes) -> npt.NDArray[np.float64]:
    """Return `values` at the positions, NaN at -1.

    >>> take_or_missing(np.array([5.0, 6.0]), np.array([1, -1])).tolist()
    [6.0, nan]
    """
    return np.append(values, np.nan)[positions]


def flag(holds: Mask, value: str = "Y", otherwise: str | None = None) -> pd.Series:
    """Write a flag: `value` where it holds, else `otherwise` or missing; categorical text.

    >>> flag(np.array([True, False])).tolist()
    ['Y', nan]
    """
    labels = [value] if otherwise is None else [value, otherwise]
    codes = np.where(holds, 0, -1 if otherwise is None else 1)
    return pd.Series(pd.Categorical.from_codes(codes, categories=pd.Index(labels, dtype="str")))


def label_codes(codes: npt.NDArray[np.int64], labels: Sequence[str]) -> pd.Series:
    """Write codes as their labels, -1 as missing; categorical text (labels may repeat).

    >>> label_codes(np.array([1, -1, 0]), ["a", "b"]).tolist()
    ['b', nan, 'a']
    """
    distinct = list(dict.fromkeys(labels))
    table = np.array([*(distinct.index(label) for label in labels), -1], dtype=np.int64)
    return pd.Series(pd.Categorical.from_codes(table[codes], categories=pd.Index(distinct, dtype="str")))
