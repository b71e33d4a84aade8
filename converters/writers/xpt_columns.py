"""Fields of a record: what fills them, and what of a column cannot be held (SAS paper TS-140, observation records)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from cdiscway.converters.ibm_float import Words, outside_range, to_ibm, to_ibm_and_ordinary
from cdiscway.converters.number_values import NumberValues
from cdiscway.converters.text_values import CodedText, PlainText, TextFacts, TextValues, block, buffers, distinct
from cdiscway.converters.xpt_check import first_control
from cdiscway.converters.xpt_layout import MAX_TEXT
from cdiscway.converters.xpt_mistakes import SHOWN_VALUES

CHECK_BLOCK = 1 << 15
"""Numbers looked at together: they and what is computed of them stay in the processor's cache."""

MAX_ENTRIES = 1 << 12
"""Values of a table of several columns: it stays in the processor's cache, its places are 16-bit numbers."""

Bytes = npt.NDArray[np.uint8]
Codes = npt.NDArray[np.integer[Any]]
Found = tuple[Any, str, npt.NDArray[np.intp]]
"""A value, what is wrong with it, and the rows (from 0) that hold it."""


class UnwritableError(Exception):
    """Some number cannot be held; `check_numbers` says which."""


class Field:
    """A field of a block of records: a column of bytes that begins at `offset`.

    `size` is how many bytes are best stored for its `length`: numpy moves 2, 4, 8 and 16 bytes far faster than other sizes.
    What is stored beyond the field is overwritten by the fields after it, so it must end within the record.
    """

    __slots__ = ("_exact", "_rounded", "_words", "size")

    def __init__(self, records: Bytes, offset: int, length: int) -> None:
        width = records.shape[1]
        rounded = 1 << (length - 1).bit_length()
        self.size = rounded if rounded <= min(width - offset, 16) else length
        place = (records.data, offset, (width,))
        self._rounded: npt.NDArray[np.void] = np.ndarray(len(records), f"V{self.size}", *place)
        self._exact: npt.NDArray[np.void] = np.ndarray(len(records), f"V{length}", *place)
        self._words: Words | None = np.ndarray(len(records), ">u8", *place) if self.size == 8 else None

    def store(self, values: npt.NDArray[np.void]) -> None:
        """Store one value per record: of `size` bytes, or of exactly the field's length."""
        target = self._rounded if values.dtype.itemsize == self.size else self._exact
        target[:] = values

    def store_words(self, words: Words) -> None:
        """Store the first bytes of one 64-bit word per record, the highest byte first."""
        if self._words is not None:
            self._words[:] = words  # swaps the bytes on the way
        else:
            swapped = words.byteswap()
            self.store(np.ndarray(words.shape, self._exact.dtype, swapped.data, 0, (8,)))


@dataclass(frozen=True, slots=True)
class NumberFiller:
    """Fills a field with IBM numbers of `length` bytes."""

    numbers: NumberValues
    length: int

    def fill(self, target: Field, start: int, stop: int) -> None:
        """Write the rows from `start` to before `stop`; raises UnwritableError where one of them cannot be held."""
        floats, bad = self.numbers.converted(start, stop)
        words, ordinary = to_ibm_and_ordinary(floats)
        if bad or (not ordinary and outside_range(floats).size) or lost_bits(words, self.length).size:
            raise UnwritableError
        target.store_words(words)


@dataclass(frozen=True, slots=True)
class PlainFiller:
    """Fills a field with Arrow-backed text, padded with blanks."""

    text: PlainText
    length: int

    def fill(self, target: Field, start: int, stop: int) -> None:
        """Write the rows from `start` to before `stop`."""
        values = block(self.text, start, stop)
        data = buffers(values)[1]
        if len(data) == len(values) * self.length:  # no value is longer, so all are as long: nothing to pad
            target.store(data.view(f"V{self.length}"))
        else:
            target.store(buffers(pc.ascii_rpad(values, target.size, " "))[1].view(f"V{target.size}"))


@dataclass(frozen=True, slots=True)
class CodedFiller:
    """Fills neighbouring fields, `length` bytes in all, with distinct values: padded once, then taken by code.

    Each column is its codes and its padded values as rows of bytes, of which the first is blank (code -1, missing).
    Several columns have one table, of every combination of their values.
    """

    columns: tuple[tuple[Codes, Bytes], ...]
    length: int
    _tables: dict[int, npt.NDArray[np.void]] = field(default_factory=dict)

    @property
    def entries(self) -> int:
        """How many values the table has."""
        return math.prod(len(values) for _, values in self.columns)

    @property
    def is_constant(self) -> bool:
        """Whether every record has the same value."""
        return all(is_constant(codes) for codes, _ in self.columns)

    def fill(self, target: Field, start: int, stop: int) -> None:
        """Write the rows from `start` to before `stop`."""
        size = target.size
        if size not in self._tables:
            self._tables[size] = self._table(size).view(f"V{size}").reshape(-1)
        target.store(self._tables[size].take(self._places(start, stop)))

    def _table(self, size: int) -> Bytes:
        """Return every combination of the columns' values, the last column changing first, in `size` bytes."""
        table = np.full((self.entries, size), 0x20, np.uint8)
        at, outer, inner = 0, 1, self.entries
        for _, values in self.columns:
            inner //= len(values)
            width = values.shape[1]
            table[:, at : at + width] = np.tile(np.repeat(values, inner, axis=0), (outer, 1))
            at, outer = at + width, outer * len(values)
        return table

    def _places(self, start: int, stop: int) -> Codes:
        """Return where in the table the values of these rows stand."""
        places = self.columns[0][0][start:stop] + 1
        for codes, values in self.columns[1:]:
            places = np.multiply(places, len(values), dtype=np.int16)  # see MAX_ENTRIES
            places += codes[start:stop] + 1
        return places

    def joined(self, other: CodedFiller) -> CodedFiller:
        """Return what fills both fields at once; `other` is the one behind."""
        return CodedFiller(self.columns + other.columns, self.length + other.length)


Filler = NumberFiller | PlainFiller | CodedFiller


def text_fillers(text: TextValues, length: int, encoding: str) -> list[Filler]:
    """Return what fills a text field: a categorical field of 17 to 32 bytes goes in two parts, which is faster."""
    if isinstance(text, PlainText) and encoding in ("ascii", "utf-8"):
        return [PlainFiller(text, length)]
    coded = distinct(text)
    values = padded_values(coded.values, length, encoding)
    codes = coded.codes if len(values) <= np.iinfo(coded.codes.dtype).max else coded.codes.astype(np.intp)
    cuts = [0, 16, length] if 16 < length <= 32 else [0, length]
    parts = itertools.pairwise(cuts)
    return [CodedFiller(((codes, values[:, begin:end]),), end - begin) for begin, end in parts]


def join_coded(fillers: Iterable[Filler], rows: int) -> list[Filler]:
    """Join neighbouring categorical fields of together at most 16 bytes and a small table: one store instead of several."""
    joined: list[Filler] = []
    for filler in fillers:
        last = joined[-1] if joined else None
        if isinstance(last, CodedFiller) and isinstance(filler, CodedFiller) and _fit(last, filler, rows):
            joined[-1] = last.joined(filler)
        else:
            joined.append(filler)
    return joined


def _fit(first: CodedFiller, second: CodedFiller, rows: int) -> bool:
    return first.length + second.length <= 16 and first.entries * second.entries <= min(MAX_ENTRIES, rows)


def is_constant(codes: Codes) -> bool:
    """Whether all codes are the same."""
    return bool(len(codes) and codes[0] == codes[-1] and (codes == codes[0]).all())


def padded_values(values: Any, length: int, encoding: str) -> Bytes:
    """Return the distinct values as fields of `length` bytes, after a blank one (code -1, missing).

    A value that does not fit occurs in no row (see `check_text`) and is blank too.
    """
    fields = np.full((len(values) + 1, length), 0x20, np.uint8)
    if not len(values):
        return fields
    if encoding in ("ascii", "utf-8") and np.diff(buffers(values)[0]).max() <= length:
        fields[1:] = buffers(pc.ascii_rpad(values, length, " "))[1].reshape(-1, length)
        return fields
    for row, value in enumerate(values.to_pylist(), 1):
        try:
            encoded = value.encode(encoding)
        except UnicodeEncodeError:
            continue
        if len(encoded) <= length:
            fields[row, : len(encoded)] = np.frombuffer(encoded, np.uint8)
    return fields


def check_text(
    text: TextValues, seen: TextFacts, length: int, encoding: str, keep_controls: bool = False
) -> list[Found]:
    """Return what cannot be written: not of the encoding, control characters, a blank at the end, too many bytes."""
    limit = length or MAX_TEXT
    if not seen.unprintable and not seen.blank_end and seen.longest <= limit:
        return []
    coded = distinct(text)
    reasons = {}
    for code, value in enumerate(coded.values.to_pylist()):
        reason = text_reason(value, limit, encoding, keep_controls)
        if reason:
            reasons[code] = (value, reason)
    return list(_located(coded, reasons))


def _located(coded: CodedText, reasons: dict[int, tuple[str, str]]) -> Iterator[Found]:
    """Find the rows of the faulty values; values that occur nowhere (unused categories) are no mistake."""
    if not reasons:
        return
    hit = np.flatnonzero(np.isin(coded.codes, np.fromiter(reasons, np.intp)))
    codes = coded.codes[hit]
    order = np.argsort(codes, kind="stable")
    values, starts = np.unique(codes[order], return_index=True)
    groups = sorted(np.split(hit[order], starts[1:]), key=lambda rows: int(rows[0])) if len(values) else []
    for rows in groups[:SHOWN_VALUES]:
        value, reason = reasons[int(coded.codes[rows[0]])]
        yield value, reason, rows
    rest = groups[SHOWN_VALUES:]
    if rest:
        yield None, f"{len(rest):,} more values cannot be written", np.sort(np.concatenate(rest))


def text_reason(value: str, limit: int, encoding: str, keep_controls: bool = False) -> str:
    """Return why a value cannot be written, or an empty text.

    >>> text_reason("µg/L", 200, "ascii")
    "holds 'µ' (U+00B5), which is not ascii"
    """
    try:
        size = len(value.encode(encoding))
    except UnicodeEncodeError as error:
        character = value[error.start]
        return f"holds {character!r} (U+{ord(character):04X}), which is not {encoding}"
    control = "" if keep_controls else first_control(value)
    if control:
        return f"holds the control character U+{ord(control):04X}"
    if value.endswith(" "):
        return "ends in a blank, which a file cannot tell from padding"
    if size > limit:
        return f"has {size:,} bytes, the limit is {limit}"
    return ""


def check_numbers(numbers: NumberValues, length: int, rows: int) -> list[Found]:
    """Return what cannot be written: out of range, integers beyond 2**53, bits lost in a field under 8 bytes."""
    found: list[Found] = []
    for start in range(0, len(numbers), rows):
        stop = min(start + rows, len(numbers))
        floats, bad = numbers.checked(start, stop)
        if length < 8 and not bad:
            lost = lost_bits(to_ibm(floats), length)
            bad = [(lost, f"does not fit into {length} bytes")] if lost.size else []
        for positions, reason in bad:
            found += [(numbers.values[start + at], reason, np.array([start + at])) for at in positions[:SHOWN_VALUES]]
            if len(positions) > SHOWN_VALUES:
                rest = positions[SHOWN_VALUES:] + start
                found.append((None, f"{len(rest):,} more values cannot be written", rest))
    return found


def lost_bits(words: Words, length: int) -> npt.NDArray[np.intp]:
    """Return the positions of numbers that are not zero beyond their first `length` bytes."""
    if length == 8:
        return np.zeros(0, np.intp)
    return np.flatnonzero(words & np.uint64((1 << 8 * (8 - length)) - 1))
