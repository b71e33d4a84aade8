"""Write SAS transport files, version 5 (SAS paper TS-140): exact or not at all, same bytes for the same input."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from cdiscway.converters.dataset import DatasetMetadata, VariableMetadata
from cdiscway.converters.number_values import NotNumbersError, number_values
from cdiscway.converters.text_values import TextValues, empty_text, facts, is_empty, longest_value, text_values
from cdiscway.converters.transliteration import Replacement, transliterate_frame
from cdiscway.converters.whole_file import whole_file
from cdiscway.converters.xpt_check import ENCODINGS, check_frame, check_metadata, columns_differ
from cdiscway.converters.xpt_layout import RECORD, own_or_encoded_header, pad
from cdiscway.converters.xpt_mistakes import DataMistake, XptError, data_mistake

from .xpt_columns import (
    CHECK_BLOCK,
    CodedFiller,
    Field,
    Filler,
    NumberFiller,
    UnwritableError,
    check_numbers,
    check_text,
    join_coded,
    text_fillers,
)

__all__ = ["Written", "XptError", "write"]

BLOCK_BYTES = 3 << 20
"""Rows are put together and written in blocks of about this size."""

PAGE = 4096
"""What begins and ends at such a place, in memory and in the file, is written far faster."""


ControlCharacters = Literal["refuse", "keep"]


class Place(NamedTuple):
    """Where values are written, and which of them may be."""

    file: str
    dataset: str
    encoding: str
    keep_controls: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: the metadata with every length known, and the listed transliterations."""

    metadata: DatasetMetadata
    replacements: tuple[Replacement, ...] = ()


def write(
    frame: pd.DataFrame,
    metadata: DatasetMetadata,
    path: str | Path,
    *,
    encoding: str = "ascii",
    transliterate: Mapping[str, str] | None = None,
    allow_empty: bool = False,
    control_characters: ControlCharacters = "refuse",
) -> Written:
    """Write `frame` as the one dataset of the transport file `path`; the file appears whole or not at all.

    `metadata` names the variables in the order of the frame; a length of 0 means the longest value (at least 1 byte).
    Text is ASCII unless `encoding` (cp1252, latin-1, utf-8) asks for more; `transliterate` replaces characters first
    and lists what it did. Missing text is written as blanks, missing numbers as '.', tagged NaN as .A to .Z and ._
    (see converters.ibm_float). `control_characters="keep"` writes them as they are (tabs, line ends, NUL), so that a
    file that holds some can be written again. Raises XptError with every mistake of metadata and data; nothing is cut
    or changed.
    """
    target = Path(path)
    if encoding not in ENCODINGS:
        raise ValueError(f"encoding {encoding!r} is none of {', '.join(ENCODINGS)}")
    replacements: tuple[Replacement, ...] = ()
    if transliterate is not None:
        frame, replacements = transliterate_frame(frame, transliterate)
    if control_characters not in ("refuse", "keep"):
        raise ValueError(f"control_characters is 'refuse' or 'keep', not {control_characters!r}")
    keep = control_characters == "keep"
    place = Place(str(target), metadata.name, encoding, keep)
    mistakes = check_metadata(metadata, str(target), encoding, keep) + check_frame(
        frame, metadata, str(target), allow_empty
    )
    known = () if columns_differ(frame, metadata) else metadata.variables
    columns = [_prepare(frame[variable.name], variable, place) for variable in known]
    if mistakes or any(column.mistakes for column in columns):
        raise XptError(mistakes + _all_mistakes(columns, place))
    final = replace(metadata, variables=tuple(column.variable for column in columns))
    fillers = [filler for column in columns for filler in column.fillers]
    rows = Rows(tuple(join_coded(fillers, len(frame))), len(frame))
    try:
        if rows.end_is_lost():
            reason = f"the last record is blank and has only {rows.width} bytes: a reader cannot tell it from padding"
            raise XptError([data_mistake(str(target), metadata.name, "", reason, rows=[len(frame) - 1])])
        _write_file(target, own_or_encoded_header(final, encoding), rows)
    except UnwritableError:  # numbers are checked while they are written, which is cheaper: nothing is left of the file
        raise XptError(_all_mistakes(columns, place)) from None
    return Written(final, replacements)


@dataclass(frozen=True, slots=True)
class _Column:
    """A variable with its length known, what fills its field, and what is wrong with it (not yet: with its numbers)."""

    variable: VariableMetadata
    fillers: tuple[Filler, ...] = ()
    mistakes: tuple[DataMistake, ...] = ()


@dataclass(frozen=True, slots=True)
class Rows:
    """The observations: fillers side by side in a record of `width` bytes."""

    fillers: tuple[Filler, ...]
    count: int

    @property
    def width(self) -> int:
        """The bytes of one record."""
        return sum(filler.length for filler in self.fillers)

    def blocks(self, header: bytes) -> Iterator[memoryview]:
        """Yield header and records in blocks that share one buffer; each but the last ends at a page of the file."""
        rows, page = self._block_rows()
        lead, size = len(header) % page, rows * self.width
        yield memoryview(header)[: len(header) - lead]
        buffer = _at_page(lead + size)
        buffer[:lead] = np.frombuffer(header, np.uint8)[len(header) - lead :]
        fields = self._fields(buffer[lead:], rows)
        last = max(self.count - 1, 0) // rows * rows
        constant = self._constant()
        for start in range(0, last, rows):
            self._fill(fields, start, start + rows, skipped=constant if start else 0)
            yield buffer[:size].data
            buffer[:lead] = buffer[size:]  # what is behind the last page begins the next block
        rest = self.count - last
        if rest:  # an empty dataset has none
            self._fill(self._fields(buffer[lead:], rest), last, self.count, skipped=constant if last else 0)
        yield buffer[: lead + rest * self.width].data

    def _block_rows(self) -> tuple[int, int]:
        """Return the rows of a block, whole pages of them, and the size of a page; 1 where that would be too many."""
        rows, width = max(self.count, 1), max(self.width, 1)
        step = PAGE // math.gcd(width, PAGE)
        if step > rows or step * width > 4 * BLOCK_BYTES:
            return min(rows, max(1, BLOCK_BYTES // width)), 1
        return min(rows, max(1, BLOCK_BYTES // (width * step)) * step), PAGE

    def end_is_lost(self) -> bool:
        """Whether the last record is all blank and shorter than a file record, so that it could be padding."""
        if not self.count or self.width >= RECORD:
            return False
        last = np.empty(self.width, np.uint8)
        self._fill(self._fields(last, 1), self.count - 1, self.count)
        return bool((last == 0x20).all())

    def _fields(self, buffer: npt.NDArray[np.uint8], rows: int) -> list[Field]:
        """Return each filler's place in the records at the beginning of `buffer`."""
        records = buffer[: rows * self.width].reshape(rows, self.width)
        lengths = [filler.length for filler in self.fillers]
        offsets = itertools.accumulate(lengths, initial=0)
        return [Field(records, at, length) for at, length in zip(offsets, lengths, strict=False)]

    def _constant(self) -> int:
        """Return how many fields at the beginning of a record never change (STUDYID, DOMAIN): one block fills them for all.

        Behind the first field that changes there is none: what is stored there may reach into the fields after it.
        """
        constant = (isinstance(filler, CodedFiller) and filler.is_constant for filler in self.fillers)
        return sum(1 for _ in itertools.takewhile(bool, constant))

    def _fill(self, fields: list[Field], start: int, stop: int, skipped: int = 0) -> None:
        """Fill the fields with these rows, but not the `skipped` first ones, which the buffer holds already."""
        for filler, field in zip(self.fillers[skipped:], fields[skipped:], strict=True):
            filler.fill(field, start, stop)


def _at_page(size: int) -> npt.NDArray[np.uint8]:
    """Return a buffer that begins at a page of the memory."""
    room = np.empty(size + PAGE, np.uint8)
    return room[-room.ctypes.data % PAGE :][:size]


def _write_file(target: Path, header: bytes, rows: Rows) -> None:
    data = rows.count * rows.width
    with whole_file(target, len(header) + data + pad(data)) as file:
        for part in rows.blocks(header):
            file.write(part)
        file.write(b" " * pad(data))


def _prepare(column: pd.Series[Any], variable: VariableMetadata, place: Place) -> _Column:
    """Return what fills the variable's field, or the mistakes of its values; numbers are checked as they are written."""
    if variable.type == "Char":
        text = text_values(column)
        text = empty_text(column) if text is None else text
        if text is None:
            return _refused(variable, place, f"is text in the metadata, the column holds {column.dtype}")
        return _prepare_text(text, variable, place)
    if text_values(column) is not None and not is_empty(column):
        return _refused(variable, place, "is a number in the metadata, the column holds text")
    try:
        numbers = number_values(column, variable.format)
    except NotNumbersError as error:
        return _refused(variable, place, str(error))
    except ValueError:  # a format that is no format: check_metadata names it
        return _Column(variable)
    length = variable.length or 8
    return _Column(replace(variable, length=length), (NumberFiller(numbers, length),))


def _refused(variable: VariableMetadata, place: Place, reason: str) -> _Column:
    return _Column(variable, mistakes=(data_mistake(*place[:2], variable.name, reason),))


def _prepare_text(text: TextValues, variable: VariableMetadata, place: Place) -> _Column:
    file, dataset, encoding, keep = place
    seen = facts(text)
    mistakes = tuple(
        data_mistake(file, dataset, variable.name, reason, rows=rows, value=value, hint=_hint(reason))
        for value, reason, rows in check_text(text, seen, variable.length, encoding, keep)
    )
    if mistakes:
        return _Column(variable, mistakes=mistakes)
    length = variable.length or longest_value(text, encoding, seen)
    return _Column(replace(variable, length=length), tuple(text_fillers(text, length, encoding)))


def _hint(reason: str) -> str:
    return "transliterate it, or ask for another encoding" if ", which is not " in reason else ""


def _all_mistakes(columns: list[_Column], place: Place) -> list[DataMistake]:
    """Return the mistakes of all columns in their order, with those of the numbers."""
    return [mistake for column in columns for mistake in (*column.mistakes, *_number_mistakes(column, place))]


def _number_mistakes(column: _Column, place: Place) -> Iterator[DataMistake]:
    for filler in column.fillers:
        if isinstance(filler, NumberFiller):
            for value, reason, rows in check_numbers(filler.numbers, filler.length, CHECK_BLOCK):
                yield data_mistake(*place[:2], column.variable.name, reason, rows=rows, value=value)
