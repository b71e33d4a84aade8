"""Fields of a record: what fills them, and what of a column cannot be held (SAS paper TS-140, observation records)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from cdiscway.converters.ibm_float import to_ibm
from cdiscway.converters.number_values import NumberValues
from cdiscway.converters.text_values import CodedText, PlainText, TextValues, block, buffers, distinct, facts
from cdiscway.converters.xpt_layout import MAX_TEXT
from cdiscway.converters.xpt_mistakes import SHOWN_VALUES

CHECK_BLOCK = 1 << 17
"""Numbers looked at together."""

Bytes = npt.NDArray[np.uint8]
Found = tuple[Any, str, npt.NDArray[np.intp]]
"""A value, what is wrong with it, and the rows (from 0) that hold it."""


@dataclass(frozen=True, slots=True)
class NumberFiller:
    """Fills a field with IBM numbers of `length` bytes."""

    numbers: NumberValues
    length: int

    def fill(self, field: npt.NDArray[np.void], start: int, stop: int) -> None:
        """Write the rows from `start` to before `stop` into `field`, a column of records."""
        words = to_ibm(self.numbers.floats(start, stop)[0]).byteswap()
        if self.length == 8:
            field[:] = words.view("V8")
        else:
            cut = words.view(np.uint8).reshape(-1, 8)[:, : self.length]
            field[:] = np.ascontiguousarray(cut).view(f"V{self.length}").reshape(-1)


@dataclass(frozen=True, slots=True)
class TextFiller:
    """Fills a field with blank-padded text of `length` bytes."""

    text: TextValues
    length: int
    encoding: str
    _table: list[Any] = field(default_factory=list)

    def fill(self, field: npt.NDArray[np.void], start: int, stop: int) -> None:
        """Write the rows from `start` to before `stop` into `field`, a column of records."""
        if isinstance(self.text, PlainText) and self.encoding in ("ascii", "utf-8"):
            padded = pc.ascii_rpad(block(self.text, start, stop), self.length, " ")
            field[:] = buffers(padded)[1].view(f"V{self.length}")
            return
        if not self._table:
            coded = distinct(self.text)
            self._table.extend((padded_values(coded.values, self.length, self.encoding), coded.codes))
        table, codes = self._table
        field[:] = table.take(codes[start:stop], mode="wrap")


def padded_values(values: Any, length: int, encoding: str) -> npt.NDArray[np.void]:
    """Return the distinct values as fields of `length` bytes; the last one is blank (code -1, missing).

    A value that does not fit occurs in no row (see `check_text`) and is blank too.
    """
    fields = []
    for value in values.to_pylist():
        try:
            encoded = value.encode(encoding)
        except UnicodeEncodeError:
            encoded = b""
        fields.append(encoded.ljust(length) if len(encoded) <= length else b" " * length)
    return np.frombuffer(b"".join([*fields, b" " * length]), f"V{length}")


def text_length(text: TextValues, encoding: str) -> int:
    """Return the bytes of the longest value that occurs, at least 1."""
    if encoding in ("ascii", "utf-8"):
        return max(1, facts(text).longest)
    coded = distinct(text)
    used = coded.values.take(np.unique(coded.codes[coded.codes >= 0])).to_pylist()
    return max([1, *(len(value.encode(encoding)) for value in used)])


def check_text(text: TextValues, length: int, encoding: str) -> list[Found]:
    """Return what cannot be written: not of the encoding, control characters, a blank at the end, too many bytes."""
    limit = length or MAX_TEXT
    seen = facts(text)
    if not seen.unprintable and not seen.blank_end and seen.longest <= limit:
        return []
    coded = distinct(text)
    reasons = {}
    for code, value in enumerate(coded.values.to_pylist()):
        reason = text_reason(value, limit, encoding)
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


def text_reason(value: str, limit: int, encoding: str) -> str:
    """Return why a value cannot be written, or an empty text.

    >>> text_reason("µg/L", 200, "ascii")
    "holds 'µ' (U+00B5), which is not ascii"
    """
    try:
        size = len(value.encode(encoding))
    except UnicodeEncodeError as error:
        character = value[error.start]
        return f"holds {character!r} (U+{ord(character):04X}), which is not {encoding}"
    control = next((character for character in value if character < " " or character == "\x7f"), "")
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
        floats, bad = numbers.floats(start, stop)
        if length < 8 and not bad:
            lost = np.flatnonzero(to_ibm(floats) & np.uint64((1 << 8 * (8 - length)) - 1))
            bad = [(lost, f"does not fit into {length} bytes")] if lost.size else []
        for positions, reason in bad:
            found += [(numbers.values[start + at], reason, np.array([start + at])) for at in positions[:SHOWN_VALUES]]
            if len(positions) > SHOWN_VALUES:
                rest = positions[SHOWN_VALUES:] + start
                found.append((None, f"{len(rest):,} more values cannot be written", rest))
    return found
