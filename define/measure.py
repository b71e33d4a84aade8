"""What the data say of a variable: data type, length and significant digits, measured on distinct values.

Lengths of text are bytes. Lengths of numbers are the digits as written, with the decimal point and without the sign;
SignificantDigits are the digits after the decimal point (ODM 1.3.2, ItemDef).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
TIME = "T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?(Z|[+-][0-9]{2}:?[0-9]{2})?"
PATTERNS = {
    "integer": "-?(0|[1-9][0-9]*)",
    "float": "-?(0|[1-9][0-9]*)([.][0-9]+)?",
    "date": DATE,
    "datetime": f"{DATE}{TIME}",
    "partialDate": "[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?",
    "partialDatetime": f"[0-9]{{4}}(-[0-9]{{2}}(-[0-9]{{2}}(T[0-9]{{2}}(:[0-9]{{2}})?|{TIME})?)?)?",
    "incompleteDatetime": "[0-9-]{4,}(T[0-9:-]+)?(Z|[+-][0-9]{2}:?[0-9]{2})?",
    "durationDatetime": "[+-]?P([0-9]+([.,][0-9]+)?[YMWD])*(T([0-9]+([.,][0-9]+)?[HMS])+)?",
    "intervalDatetime": "[^/]+/[^/]+",
}
DATE_TYPES = ("date", "datetime", "partialDate", "partialDatetime", "incompleteDatetime")
RESULT_TYPES = ("integer", "float", "date", "datetime", "durationDatetime")
MAX_DECIMALS = 12
NUMBERS = ("integer", "float")


@dataclass(frozen=True, slots=True)
class Measure:
    """A data type of Define-XML with its length and its digits after the decimal point, where it has them."""

    data_type: str
    length: int | None = None
    significant_digits: int | None = None

    @property
    def display_format(self) -> str:
        """The format of a float: `5.2`."""
        return f"{self.length}.{self.significant_digits}" if self.data_type == "float" else ""


def distinct(values: pd.Series[Any]) -> pd.Series[Any]:
    """Return the values that occur, without missing, in the order of the data."""
    return pd.Series(values.unique()).dropna().reset_index(drop=True)


def measure_numbers(values: pd.Series[Any]) -> Measure:
    """Measure numbers.

    >>> measure_numbers(pd.Series([1.0, 12.25]))
    Measure(data_type='float', length=5, significant_digits=2)
    """
    return measure_number_groups(values, np.zeros(len(values), dtype=np.int64), 1)[0]


def measure_number_groups(values: pd.Series[Any], groups: np.ndarray[Any, Any], count: int) -> list[Measure]:
    """Measure numbers in each of `count` groups; an empty group is an integer of length 1."""
    numbers = np.abs(np.asarray(values, dtype="float64"))
    known = np.isfinite(numbers)
    numbers, places = numbers[known], np.asarray(groups)[known]
    digits = np.zeros(count, dtype=np.int64)
    np.maximum.at(digits, places, _decimals(numbers))
    largest = np.zeros(count)
    np.maximum.at(largest, places, numbers)
    whole = np.floor(np.log10(np.maximum(largest, 1.0) * (1 + 1e-15))).astype(np.int64) + 1
    return [
        Measure("float", int(w + 1 + d), int(d)) if d else Measure("integer", int(w))
        for w, d in zip(whole, digits, strict=True)
    ]


def _decimals(numbers: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return how many decimals each number has, up to 12; noise below the 15th significant digit is none."""
    found = np.full(len(numbers), MAX_DECIMALS, dtype=np.int64)
    open_ = np.arange(len(numbers))
    for decimals in range(MAX_DECIMALS):
        rest = numbers[open_]
        exact = np.abs(np.round(rest, decimals) - rest) <= rest * 1e-14
        found[open_[exact]] = decimals
        open_ = open_[~exact]
        if not len(open_):
            break
    return found


def measure_dates(values: pd.Series[Any], kind: str = "datetime") -> Measure:
    """Return the narrowest ISO 8601 data type that holds all values (`kind` where there is none); text where none does.

    >>> measure_dates(pd.Series(["2016-03-01", "2016-03"])).data_type
    'partialDate'
    """
    if values.empty:
        return Measure(kind)
    for data_type in (*DATE_TYPES, "durationDatetime", "intervalDatetime"):
        if pc.all(_matches(arrow_text(values), data_type)).as_py():
            return Measure(data_type)
    return measure_texts(values)


def measure_texts(values: pd.Series[Any]) -> Measure:
    """Measure text in bytes; at least 1."""
    longest = pc.max(pc.binary_length(arrow_text(values))).as_py()
    return Measure("text", max(longest or 1, 1))


def measure_result_groups(values: pd.Series[Any], groups: np.ndarray[Any, Any], count: int) -> list[Measure]:
    """Measure text results in each of `count` groups: integer, float, date, datetime, duration, or text.

    A result that is collected as text may hold numbers for one test and words for another; value-level metadata says
    which (Define-XML 2.1, section 4.3).
    """
    array, places = arrow_text(values), np.asarray(groups)
    table = pd.DataFrame({"group": places, "bytes": pc.binary_length(array).to_numpy(zero_copy_only=False)})
    for kind in RESULT_TYPES:
        table[kind] = _matches(array, kind).to_numpy(zero_copy_only=False)
    fraction = pc.replace_substring_regex(array, "^-?[0-9]+[.]?", "")
    table["decimals"] = pc.binary_length(fraction).to_numpy(zero_copy_only=False)
    table["digits"] = table["bytes"] - pc.starts_with(array, "-").to_numpy(zero_copy_only=False).astype(np.int64)
    grouped = table.groupby("group")
    kinds = grouped[list(RESULT_TYPES)].all().reindex(range(count), fill_value=False)
    sizes = grouped[["bytes", "decimals", "digits"]].max().reindex(range(count), fill_value=0)
    return [
        _result(row, size)
        for row, size in zip(
            kinds.itertuples(index=False, name=None), sizes.itertuples(index=False, name=None), strict=True
        )
    ]


def _result(kinds: Sequence[bool], sizes: Sequence[int]) -> Measure:
    longest, decimals, digits = (int(size) for size in sizes)
    for data_type, holds in zip(RESULT_TYPES, kinds, strict=True):
        if holds and data_type == "float":
            # "5" and "12.25" are written with 1 and 5 characters; the format that holds both needs the wider parts
            return Measure("float", max(digits, decimals + 2), decimals)
        if holds:
            return Measure(data_type, digits) if data_type == "integer" else Measure(data_type)
    return Measure("text", max(longest, 1))


def _matches(array: pa.Array, kind: str) -> pa.Array:
    return pc.match_substring_regex(array, f"^({PATTERNS[kind]})$")


def arrow_text(values: pd.Series[Any]) -> pa.Array:
    """Return text as an Arrow array."""
    return pa.array(values.astype("str"), type=pa.string(), from_pandas=True)
