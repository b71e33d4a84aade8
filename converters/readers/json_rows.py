"""Read a large JSON object member by member, its rows block by block, so that memory does not grow with the file."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

CHUNK = 1 << 20
"""Characters read at a time."""
MAX_VALUE = 1 << 26
"""A value of more characters than that is not closed: the rest of the file is not read for it."""
ROWS = "rows"
_EXPONENT = len("e+1")
"""What the decoder wants to see behind a number before it takes it as a part of it."""


class JsonStream:
    """The values of a JSON text one after the other; raises json.JSONDecodeError with the place in the file."""

    def __init__(self, file: TextIO) -> None:
        self._file, self._decoder = file, json.JSONDecoder()
        self._text, self._at, self._before = "", 0, 0

    def next_sign(self) -> str:
        """Return the next character that is no white space, without taking it; empty at the end."""
        while True:
            while self._at < len(self._text):
                if self._text[self._at] not in " \t\r\n":
                    return self._text[self._at]
                self._at += 1
            if not self._more():
                return ""

    def take(self, wanted: str) -> None:
        """Take the next character, which is to be `wanted`."""
        if self.next_sign() != wanted:
            raise self._error(f"Expecting {wanted!r}")
        self._at += 1

    def value(self) -> Any:
        """Take the next value, whatever it is."""
        self.next_sign()
        while True:
            try:
                found, end = self._decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if len(self._text) - self._at < MAX_VALUE and self._more():
                    continue
                self._at = error.pos
                raise self._error(error.msg) from None
            closed = not isinstance(found, int | float) or end + _EXPONENT <= len(self._text)
            length = end - self._at
            if closed or not self._more():  # else a number may go on behind the text read so far
                self._at += length
                return found

    def _more(self) -> bool:
        part = self._file.read(CHUNK)
        self._before += self._at
        self._text, self._at = self._text[self._at :] + part, 0
        return bool(part)

    def _error(self, message: str) -> json.JSONDecodeError:
        return json.JSONDecodeError(f"{message}, character {self._before + self._at + 1} of the file", "", 0)


def members(stream: JsonStream, found: dict[str, Any]) -> Iterator[str]:
    """Put the members of an object into `found`, one after the other, and yield their names; but `rows` is left to read.

    Whoever is told of `rows` takes its value from the stream before asking for the next member.
    """
    stream.take("{")
    while stream.next_sign() != "}":
        name = stream.value()
        stream.take(":")
        if name == ROWS:
            yield name
        else:
            found[name] = stream.value()
            yield name
        if stream.next_sign() != "}":
            stream.take(",")
    stream.take("}")
    if stream.next_sign():
        raise stream._error("Extra data")


def elements(stream: JsonStream) -> Iterator[Any]:
    """Yield the elements of an array one by one."""
    stream.take("[")
    while stream.next_sign() != "]":
        yield stream.value()
        if stream.next_sign() != "]":
            stream.take(",")
    stream.take("]")


def open_rows(source: Path, needed: Mapping[str, Any], block: int) -> tuple[dict[str, Any], Iterator[list[Any]]] | None:
    """Return the members before `rows`, and the rows in blocks; members behind them come into the same dict at the end.

    None where a needed member stands behind the rows, or there are none: the whole file has to be read at once.
    """
    found: dict[str, Any] = {}
    with source.open(encoding="utf-8-sig") as file:
        stream = JsonStream(file)
        if stream.next_sign() != "{" or ROWS not in members(stream, found) or not set(needed) <= set(found):
            return None
        if stream.next_sign() != "[":
            return None
    return found, _blocks(source, found, block)


def _blocks(source: Path, found: dict[str, Any], size: int) -> Iterator[list[Any]]:
    with source.open(encoding="utf-8-sig") as file:
        stream = JsonStream(file)
        for name in members(stream, found):
            if name == ROWS:
                rows = elements(stream)
                while block := list(itertools.islice(rows, size)):
                    yield block
