"""Text: case, trim, parts, concatenation, and the cut of long text into pieces of at most 200 bytes at word boundaries.

All functions take distinct texts and return one result for each; None is missing, and an empty result is missing too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Literal

Case = Literal["upper", "lower", "title", "sentence"]
Texts = Sequence[str | None]

MAX_BYTES = 200
"""The longest text that SAS V5 transport, and so SDTM, holds (SDTMIG 3.4, 4.5.3.2)."""

_CASES: dict[Case, Callable[[str], str]] = {
    "upper": str.upper,
    "lower": str.lower,
    "title": lambda text: re.sub(r"[^\W\d_]+", lambda word: word[0][:1].upper() + word[0][1:].lower(), text),
    "sentence": lambda text: text[:1].upper() + text[1:].lower(),
}


def _change(texts: Texts, change: Callable[[str], str | None]) -> list[str | None]:
    return [None if text is None else change(text) or None for text in texts]


def change_case(texts: Texts, case: Case) -> list[str | None]:
    """Write texts in another case; `title` changes each word, `sentence` the first letter.

    >>> change_case(["NEUTROPÉNIE grave", None], "sentence")
    ['Neutropénie grave', None]
    """
    return _change(texts, _CASES[case])


def trim(texts: Texts) -> list[str | None]:
    r"""Leave out spaces, of every kind, at both ends, and make those inside single; nothing left is missing.

    >>> trim(["  a \u00a0 b ", "   "])
    ['a b', None]
    """
    return _change(texts, lambda text: " ".join(text.split()))


def part(texts: Texts, separator: str, number: int) -> list[str | None]:
    """Return the part of each text that stands at `number` (1 the first, -1 the last); missing where there is none.

    >>> part(["101-00017", "101"], "-", 2)
    ['00017', None]
    """
    if number == 0:
        raise ValueError("parts are counted from 1, or from -1 at the end")
    return _change(texts, lambda text: _pick(text.split(separator), number))


def _pick(parts: list[str], number: int) -> str | None:
    place = number - 1 if number > 0 else len(parts) + number
    return parts[place].strip() if 0 <= place < len(parts) else None


def substring(texts: Texts, start: int, length: int | None = None) -> list[str | None]:
    """Return `length` characters from the one at `start` (1 the first); all the rest without a length.

    >>> substring(["IFM-01-003"], 5, 2)
    ['01']
    """
    if start < 1:
        raise ValueError("characters are counted from 1")
    return _change(texts, lambda text: text[start - 1 : None if length is None else start - 1 + length])


def extract(texts: Texts, pattern: str) -> list[str | None]:
    """Return what the pattern finds first: its first group, or the whole find; missing where it finds nothing.

    >>> extract(["dose 140 mg/m2", "none"], r"dose ([0-9]+)")
    ['140', None]
    """
    compiled = re.compile(pattern)

    def find(text: str) -> str | None:
        match = compiled.search(text)
        return match[min(1, compiled.groups)] if match else None

    return _change(texts, find)


def concat(rows: Sequence[Texts], separator: str = "") -> list[str | None]:
    """Join the texts of each row; a missing one leaves no separator behind, and all missing is missing.

    >>> concat([("a", None, "c"), (None, None, None)], ", ")
    ['a, c', None]
    """
    return [separator.join(text for text in row if text) or None for row in rows]


def split_text(text: str, limit: int = MAX_BYTES) -> list[str]:
    """Cut a text into pieces of at most `limit` bytes (UTF-8) at spaces: one for the variable, the rest for SUPP--.

    The pieces joined by one space are the text again, as long as its words stand one space apart and are no longer than
    a piece; a longer word is cut between letters (never inside one). SDTMIG 3.4, 4.5.3.2.

    >>> split_text("pain in the left arm", 12)
    ['pain in the', 'left arm']
    """
    pieces: list[str] = []
    rest = text.strip()
    while len(rest.encode()) > limit:
        cut = _cut(rest, limit)
        pieces.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return [*pieces, rest] if rest else pieces


def _cut(text: str, limit: int) -> int:
    """Return how many characters the first piece has."""
    fitting = len(text.encode()[:limit].decode(errors="ignore"))
    if text[fitting : fitting + 1] == " ":
        return fitting
    space = text.rfind(" ", 0, fitting)
    return space if space > 0 else fitting


def split_texts(texts: Texts, limit: int = MAX_BYTES) -> list[list[str | None]]:
    """Cut distinct texts; return one list per piece (first pieces, second pieces, ...), missing where a text has fewer.

    >>> split_texts(["pain in arm", "pain", None], 7)
    [['pain in', 'pain', None], ['arm', None, None]]
    """
    pieces = [[] if text is None else split_text(text, limit) for text in texts]
    most = max((len(row) for row in pieces), default=0)
    return [[row[place] if place < len(row) else None for row in pieces] for place in range(max(most, 1))]
