"""Read SAS transport files, version 5 (SAS paper TS-140).

The file does not say how many records it has: they end where the file's last 80-byte record is filled up with blanks.
The rule here: of a dataset whose record has fewer than 80 bytes, the all-blank records that begin in the last 79 bytes
of the file are padding; every other record is data. (The writer refuses a dataset that this rule would shorten.)
"""

from __future__ import annotations

import mmap
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from cdiscway.converters.dataset import DatasetMetadata
from cdiscway.converters.ibm_float import from_ibm
from cdiscway.converters.number_values import to_times
from cdiscway.converters.sas_formats import kind_of_format
from cdiscway.converters.text_values import arrow_text, buffers
from cdiscway.converters.xpt_layout import (
    MEMBER_HEADER,
    RECORD,
    FileLayout,
    LayoutError,
    decode_header,
    demand_version_5,
    header_size,
    own_header,
)
from cdiscway.converters.xpt_mistakes import DataMistake, XptError, data_mistake
from cdiscway.specs.mistakes import nearest

__all__ = ["XptError", "count_records", "read", "read_guessed", "read_metadata"]

BLOCK_BYTES = 1 << 22
"""Records are taken apart in blocks of about this size."""

Bytes = npt.NDArray[np.uint8]
Undecoded = list[tuple[bytes, Any]]


def read(
    path: str | Path,
    columns: Iterable[str] | None = None,
    *,
    encoding: str = "ascii",
    dates: bool = False,
) -> tuple[pd.DataFrame, DatasetMetadata]:
    """Return the dataset of a transport file as frame and metadata, or only `columns` of it (in the file's order).

    Text becomes Arrow-backed `str` without its trailing blanks (blank = missing), numbers become float64 (special
    missing values are tagged NaN, see converters.ibm_float). With `dates`, numbers with a date, time or datetime format
    become datetime64 or timedelta64 where that is exact for the whole column. `encoding` is that of the text; bytes it
    does not know are mistakes. Raises XptError where the file is not a version 5 file, is cut off, holds several
    datasets or bytes of another encoding.
    """
    source = Path(path)
    data = _opened(source)
    layout = _layout(source, data, encoding)
    chosen = _chosen(source, layout.metadata, columns)
    records = _records(source, data, layout)
    columns_read = [_Column(layout, index, len(records), encoding) for index in chosen]
    rows = max(1, BLOCK_BYTES // max(layout.record_length, 1))
    for start in range(0, len(records), rows):
        for column in columns_read:
            column.add(records[start : start + rows], start)
    mistakes = [
        mistake for column in columns_read for mistake in column.mistakes(str(source), layout.metadata.name, encoding)
    ]
    if mistakes:
        raise XptError(mistakes)
    kept = tuple(layout.metadata.variables[index] for index in chosen)
    names = pd.Index([variable.name for variable in kept], dtype="str")
    arrays = {column.variable.name: column.finished(dates) for column in columns_read}
    frame = pd.DataFrame(arrays, index=pd.RangeIndex(len(records)), columns=names, copy=False)
    return frame, replace(layout.metadata, variables=kept)


def read_guessed(path: str | Path) -> tuple[pd.DataFrame, DatasetMetadata, str]:
    """Read a file of unknown encoding: as ASCII, else as UTF-8, else as Windows-1252; return also which of them.

    Raises XptError with what was wrong with it as ASCII.
    """
    first: XptError | None = None
    for encoding in ("ascii", "utf-8", "cp1252"):
        try:
            return *read(path, encoding=encoding), encoding
        except XptError as error:
            first = first or error
    assert first is not None
    raise first


def read_metadata(path: str | Path, *, encoding: str = "ascii") -> DatasetMetadata:
    """Return what the headers of a transport file say; raises XptError."""
    source = Path(path)
    return _layout(source, _opened(source), encoding).metadata


def count_records(path: str | Path) -> int:
    """Return the number of records by the rule of this module; raises XptError."""
    source = Path(path)
    data = _opened(source)
    return len(_records(source, data, _layout(source, data, "latin-1")))


def _opened(source: Path) -> mmap.mmap:
    try:
        with source.open("rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except FileNotFoundError:
        raise XptError([data_mistake(str(source), "", "", "there is no such file")]) from None
    except ValueError:  # an empty file cannot be mapped
        raise XptError([data_mistake(str(source), "", "", "is empty")]) from None


def _layout(source: Path, data: mmap.mmap, encoding: str) -> FileLayout:
    try:
        demand_version_5(data)
        if len(data) % RECORD:
            raise LayoutError(f"is cut off: {len(data):,} bytes are no multiple of {RECORD}")
        size = header_size(data[: 8 * RECORD])
        if size > len(data):
            raise LayoutError(f"is cut off: its headers have {size:,} bytes, the file {len(data):,}")
        layout = decode_header(data[:size], encoding)
        own = own_header(data[:size], layout.metadata, encoding)
    except LayoutError as error:
        hint = "give the encoding, for example cp1252" if f"not {encoding}" in str(error) else ""
        raise XptError([data_mistake(str(source), "", "", str(error), hint=hint)]) from None
    return replace(layout, metadata=replace(layout.metadata, own_header=own)) if own else layout


def _chosen(source: Path, metadata: DatasetMetadata, columns: Iterable[str] | None) -> list[int]:
    """Return the places of the wanted variables, in the file's order."""
    names = [variable.name for variable in metadata.variables]
    wanted = set(names if columns is None else columns)
    unknown = [
        data_mistake(str(source), metadata.name, column, "is not a variable of the file", hint=nearest(column, names))
        for column in sorted(wanted.difference(names))
    ]
    if unknown:
        raise XptError(unknown)
    return [index for index, name in enumerate(names) if name in wanted]


def _records(source: Path, data: mmap.mmap, layout: FileLayout) -> npt.NDArray[np.void]:
    """Return the observations as an array of records over the file."""
    size, length = len(data) - layout.data_start, layout.record_length
    _demand_one_dataset(source, data, layout)
    if not length:
        return np.zeros(0, "V1")
    count, rest = divmod(size, length)
    tail = data[len(data) - min(rest, RECORD) :]
    if rest >= RECORD or tail.strip(b" "):
        reason = f"is cut off: {rest} bytes at the end are no record of {length}"
        if rest < RECORD and not tail.strip(b"\0"):
            reason = f"ends in {rest} bytes of NUL: the last 80 bytes are to be filled up with blanks"
        raise XptError([data_mistake(str(source), layout.metadata.name, "", reason)])
    records = np.frombuffer(data, f"V{length}", count, layout.data_start)
    return records[: count - _padding_records(data, layout, count)]


def _padding_records(data: mmap.mmap, layout: FileLayout, count: int) -> int:
    """Return how many records at the end are padding, by the rule of this module."""
    length, start = layout.record_length, layout.data_start
    found = 0
    while count > found and length < RECORD:
        at = start + (count - found - 1) * length
        if len(data) - at >= RECORD or data[at : at + length].strip(b" "):
            break
        found += 1
    return found


def _demand_one_dataset(source: Path, data: mmap.mmap, layout: FileLayout) -> None:
    """Refuse a file with a second member header: it stands at the beginning of an 80-byte record."""
    words = np.frombuffer(data, np.uint64, offset=layout.data_start).reshape(-1, RECORD // 8)
    mark = np.frombuffer(MEMBER_HEADER[:8], np.uint64)[0]
    hits = layout.data_start + np.flatnonzero(words[:, 0] == mark) * RECORD
    others = [
        data[at + 2 * RECORD + 8 : at + 2 * RECORD + 16] for at in hits if data[at : at + 48] == MEMBER_HEADER[:48]
    ]
    if others:
        names = ", ".join([layout.metadata.name, *(name.decode("latin-1").strip() for name in others)])
        raise XptError(
            [data_mistake(str(source), "", "", f"holds several datasets ({names}); a submission file holds one")]
        )


class _Column:
    """A variable that is read block by block: text as Arrow arrays, numbers into one array."""

    def __init__(self, layout: FileLayout, index: int, count: int, encoding: str) -> None:
        self.variable = layout.metadata.variables[index]
        self._at, self._encoding = layout.positions[index], encoding
        self._texts: list[Any] = []
        self._undecoded: dict[bytes, list[int]] = {}
        self._numbers = np.empty(count if self.variable.type == "Num" else 0, np.float64)

    def add(self, records: npt.NDArray[np.void], start: int) -> None:
        """Take the field out of a block of records, of which the first is the record `start`."""
        length, width = self.variable.length, records.dtype.itemsize
        field = np.ndarray((len(records),), f"V{length}", records.data, self._at, (width,))
        if self.variable.type == "Num":
            self._numbers[start : start + len(records)] = from_ibm(_words(field, length))
            return
        text, undecoded = _text_block(field, self._encoding)
        self._texts.append(text)
        for value, rows in undecoded:
            self._undecoded.setdefault(value, []).extend((rows + start).tolist())

    def mistakes(self, file: str, dataset: str, encoding: str) -> list[DataMistake]:
        """Return the values that are not of the encoding."""
        hint = "give the encoding, for example cp1252"
        return [
            data_mistake(file, dataset, self.variable.name, f"is not {encoding}", rows=rows, value=value, hint=hint)
            for value, rows in self._undecoded.items()
        ]

    def finished(self, dates: bool) -> Any:
        """Return the column: Arrow-backed text in one piece, doubles, or dates and times where that is exact."""
        if self.variable.type == "Char":
            whole = pa.concat_arrays(self._texts) if self._texts else pa.array([], pa.large_string())
            return arrow_text(pa.chunked_array([whole]))
        kind = kind_of_format(self.variable.format) if dates else None
        if kind is None:
            return self._numbers
        times, inexact = to_times(self._numbers, kind)
        return self._numbers if inexact.size else times


def _words(field: npt.NDArray[np.void], length: int) -> npt.NDArray[np.uint64]:
    """Return the numbers of a field as 64-bit words of this machine; a short number has zero bits at its end."""
    if length == 8:
        return np.ascontiguousarray(field).view(">u8").astype(np.uint64)
    words = np.zeros((len(field), 8), np.uint8)
    words[:, :length] = np.ascontiguousarray(field).view(np.uint8).reshape(-1, length)
    return words.view(">u8").reshape(-1).astype(np.uint64)


def _text_block(field: npt.NDArray[np.void], encoding: str) -> tuple[Any, Undecoded]:
    matrix = field.copy().view(np.uint8)  # a copy always: the frame must not hang on the file
    width = field.dtype.itemsize
    offsets = np.arange(0, len(matrix) + 1, width, dtype=np.int64)
    plain = not len(matrix) or matrix.max() < 0x80
    kind = pa.large_string() if plain else pa.large_binary()
    padded = pa.Array.from_buffers(kind, len(field), [None, pa.py_buffer(offsets), pa.py_buffer(matrix)])
    if plain and (not len(matrix) or (matrix[width - 1 :: width] != 0x20).all()):
        return padded, []  # every value fills its field
    if plain:
        return _blank_is_missing(pc.ascii_rtrim(padded, characters=" ")), []
    return _decoded(padded, encoding)


def _blank_is_missing(trimmed: Any) -> Any:
    """Return the same text with empty values missing; the bytes are shared."""
    offsets, _ = buffers(trimmed)
    filled = np.diff(offsets) > 0
    if filled.all():
        return trimmed
    valid = pa.py_buffer(np.packbits(filled, bitorder="little"))
    return pa.Array.from_buffers(trimmed.type, len(trimmed), [valid, *trimmed.buffers()[1:]])


def _decoded(padded: Any, encoding: str) -> tuple[Any, Undecoded]:
    """Decode the distinct values; what the encoding does not know is returned with its rows."""
    encoded = padded.dictionary_encode()
    codes = encoded.indices.to_numpy()
    texts: list[str | None] = []
    undecoded: Undecoded = []
    for code, value in enumerate(encoded.dictionary.to_pylist()):
        trimmed = value.rstrip(b" ")
        try:
            texts.append(trimmed.decode(encoding) or None)
        except UnicodeDecodeError:
            texts.append(None)
            undecoded.append((trimmed, np.flatnonzero(codes == code)))
    return pa.array(texts, pa.large_string()).take(encoded.indices), undecoded
