"""Text columns as Arrow values: every question is asked of the bytes, or of the distinct values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pandas.api.types import infer_dtype

from .ibm_float import special_tags

CHECK_ROWS = 1 << 16
"""Rows looked at together: their bytes stay in the processor's cache."""


@dataclass(frozen=True, slots=True)
class CodedText:
    """A categorical column: distinct values, and for each row its place among them (-1 = missing)."""

    values: Any
    codes: npt.NDArray[np.integer[Any]]

    def __len__(self) -> int:
        return len(self.codes)


@dataclass(frozen=True, slots=True)
class PlainText:
    """An Arrow-backed column (a pyarrow ChunkedArray of text)."""

    values: Any

    def __len__(self) -> int:
        return len(self.values)


TextValues = CodedText | PlainText


@dataclass(frozen=True, slots=True)
class TextFacts:
    """Length of the longest value in bytes; whether any byte is no printable ASCII, and any value ends in a blank."""

    longest: int
    unprintable: bool
    blank_end: bool


def text_values(column: pd.Series[Any]) -> TextValues | None:
    """Return a column's text, or None where it is not text (an all-missing object column may be both: empty text)."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        categories = column.cat.categories
        if infer_dtype(categories, skipna=True) not in ("string", "empty"):
            return None
        values = pa.array(categories, pa.large_string())
        if isinstance(values, pa.ChunkedArray):  # what an Arrow-backed index of several parts gives
            values = pa.concat_arrays(values.chunks) if values.num_chunks else pa.array([], pa.large_string())
        whole: Any = column.array  # its own codes: `column.cat.codes` is a copy
        return CodedText(values, whole.codes)
    if pd.api.types.is_object_dtype(column.dtype):
        if infer_dtype(column, skipna=True) not in ("string", "empty"):
            return None
        return PlainText(pa.chunked_array([pa.array(column, pa.large_string(), from_pandas=True)]))
    values = getattr(column.array, "_pa_array", None)
    if values is None and isinstance(column.dtype, pd.StringDtype):
        values = pa.chunked_array([pa.array(column, pa.large_string(), from_pandas=True)])
    if values is None:
        return None
    inner = values.type.value_type if pa.types.is_dictionary(values.type) else values.type
    if (inner != values.type and _is_text(inner)) or pa.types.is_string_view(inner):
        values = values.cast(pa.large_string())
    return PlainText(values) if _is_text(values.type) else None


def arrow_text(values: Any) -> Any:
    """Return a pyarrow array of large_string as pandas' Arrow-backed `str`, without a copy."""
    make: Any = pd.arrays.ArrowStringArray
    return make(values, dtype=pd.StringDtype(na_value=np.nan))


def is_empty(column: pd.Series[Any]) -> bool:
    """Whether an object column holds nothing at all."""
    return pd.api.types.is_object_dtype(column.dtype) and bool(column.isna().all())


def empty_text(column: pd.Series[Any]) -> TextValues | None:
    """Return a column of doubles without any value, as pandas makes of nothing, as missing text; else None."""
    if column.dtype != np.float64 or not column.isna().all() or special_tags(column.to_numpy()).any():
        return None
    return PlainText(pa.chunked_array([pa.nulls(len(column), pa.large_string())]))


def _is_text(kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def facts(text: TextValues) -> TextFacts:
    """Return what the bytes of a column say, in one pass; categories that occur nowhere are not counted."""
    if isinstance(text, PlainText):
        return _facts(slices(text, CHECK_ROWS))
    seen = _facts([text.values])
    if seen.unprintable or seen.blank_end:
        seen = _facts([_used(text)])
    return TextFacts(_longest_used(text), seen.unprintable, seen.blank_end)


def longest_value(text: TextValues, encoding: str = "utf-8", known: TextFacts | None = None) -> int:
    """Return the bytes of the longest value that occurs, at least 1; `known` are the column's facts."""
    seen = facts(text) if known is None else known
    if encoding in ("ascii", "utf-8") or not seen.unprintable:
        return max(1, seen.longest)
    used = _used(distinct(text)).to_pylist()
    return max([1, *(len(value.encode(encoding)) for value in used)])


def _used(text: CodedText) -> Any:
    """Return the distinct values that occur."""
    counts = np.bincount(text.codes[text.codes >= 0], minlength=len(text.values))
    return text.values.filter(pa.array(counts > 0))


def _longest_used(text: CodedText) -> int:
    """Return the bytes of the longest value that occurs: the longest categories are looked for first."""
    lengths = np.diff(buffers(text.values)[0])
    for tried, code in enumerate(np.argsort(-lengths, kind="stable")):
        if (text.codes[:CHECK_ROWS] == code).any() or (text.codes == code).any():
            return int(lengths[code])
        if tried > 8:  # many unused categories: count all at once
            used = buffers(_used(text))[0]
            return int(np.diff(used).max(initial=0))
    return 0


def slices(text: PlainText, rows: int) -> Iterator[Any]:
    """Yield a column as Arrow arrays of at most `rows` values."""
    for start in range(0, len(text), rows):
        yield block(text, start, start + rows)


def block(text: PlainText, start: int, stop: int) -> Any:
    """Return the values from `start` to before `stop` as one Arrow array without missing values (missing = empty)."""
    part = text.values.slice(start, stop - start)
    array = part.chunk(0) if part.num_chunks == 1 else part.combine_chunks()
    return array.fill_null("") if array.null_count else array


def _facts(arrays: Any) -> TextFacts:
    longest, unprintable, blank_end = 0, False, False
    for array in arrays:
        offsets, data = buffers(array)
        if not len(data):
            continue
        longest = max(longest, int(np.diff(offsets).max()))
        lowest = data.min()
        unprintable = unprintable or bool(lowest < 0x20 or data.max() > 0x7E)
        if lowest <= 0x20 and not blank_end:  # else there is no blank
            blank_end = _blank_end(offsets, data)
    return TextFacts(longest, unprintable, blank_end)


def _blank_end(offsets: npt.NDArray[Any], data: npt.NDArray[np.uint8]) -> bool:
    """Whether any value that is not empty ends in a blank."""
    ends = offsets[1:][np.diff(offsets) > 0] - (offsets[0] + 1)
    return bool((data.take(ends) == 0x20).any())


def buffers(array: Any) -> tuple[npt.NDArray[Any], npt.NDArray[np.uint8]]:
    """Return the offsets of an Arrow text array and the bytes of all its values, both without a copy."""
    kind = np.int64 if pa.types.is_large_string(array.type) else np.int32
    _, offset_buffer, data_buffer = array.buffers()
    if not len(array) or offset_buffer is None:
        return np.zeros(1, kind), np.zeros(0, np.uint8)
    offsets = np.frombuffer(offset_buffer, kind)[array.offset : array.offset + len(array) + 1]
    data = np.zeros(0, np.uint8) if data_buffer is None else np.frombuffer(data_buffer, np.uint8)
    return offsets, data[offsets[0] : offsets[-1]]


def distinct(text: TextValues) -> CodedText:
    """Return the column as distinct values and codes (-1 = missing)."""
    if isinstance(text, CodedText):
        return text
    encoded = text.values.combine_chunks()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = pa.concat_arrays(encoded.chunks) if encoded.num_chunks else pa.array([], encoded.type)
    encoded = pc.dictionary_encode(encoded)
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return CodedText(encoded.dictionary.cast(pa.large_string()), codes)
