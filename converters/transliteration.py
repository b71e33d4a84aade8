"""Opt-in transliteration to ASCII: what is replaced is listed, nothing is replaced unasked."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from .text_values import distinct, facts, text_values


def _latin_letters() -> dict[str, str]:
    """Return the accented letters of Latin-1 and Latin Extended-A that are an ASCII letter with a mark."""
    found = {}
    for code in range(0xC0, 0x180):
        base = unicodedata.normalize("NFD", chr(code))[0]
        if base.isascii():
            found[chr(code)] = base
    return found


ASCII_TABLE: Mapping[str, str] = {
    **_latin_letters(),
    "µ": "u",
    "μ": "u",
    "≥": ">=",
    "≤": "<=",
    "≠": "!=",
    "±": "+/-",
    "×": "x",
    "÷": "/",
    "°": " deg",
    "‘": "'",
    "’": "'",
    "‚": ",",
    "“": '"',
    "”": '"',
    "„": '"',
    "«": '"',
    "»": '"',
    "–": "-",
    "—": "-",
    "−": "-",
    "‐": "-",
    "‑": "-",
    "…": "...",
    "•": "-",
    "\u00a0": " ",
    "\u202f": " ",
    "œ": "oe",
    "Œ": "OE",
    "æ": "ae",
    "Æ": "AE",
    "ß": "ss",
    "ø": "o",
    "Ø": "O",
    "đ": "d",
    "Đ": "D",
    "ł": "l",
    "Ł": "L",
    "²": "2",
    "³": "3",
    "¹": "1",
    "½": "1/2",
    "¼": "1/4",
    "¾": "3/4",
    "€": "EUR",
    "α": "alpha",
    "β": "beta",
    "γ": "gamma",
    "δ": "delta",
    "κ": "kappa",
    "λ": "lambda",
}
"""The table of the house: one character -> ASCII text. Give a table of your own to `write` or `transliterate_frame`."""


@dataclass(frozen=True, slots=True)
class Replacement:
    """One distinct value of one variable that was changed, in `count` records."""

    variable: str
    old: str
    new: str
    count: int


def transliterate_text(text: str, table: Mapping[str, str] = ASCII_TABLE) -> str:
    """Replace the characters of the table; others stay (and are refused by the writer where they are not ASCII).

    >>> transliterate_text("≥ 5 µg/L “très”")
    '>= 5 ug/L "tres"'
    """
    return (
        unicodedata.normalize("NFC", text).translate({ord(character): text for character, text in table.items()})
        if not text.isascii()
        else text
    )


def transliterate_frame(
    frame: pd.DataFrame, table: Mapping[str, str] = ASCII_TABLE
) -> tuple[pd.DataFrame, tuple[Replacement, ...]]:
    """Return the frame with the characters of `table` replaced, and every distinct value that was changed.

    Columns without a change are shared, not copied; a changed column is Arrow-backed text.
    """
    changed: dict[str, pd.Series[Any]] = {}
    listed: list[Replacement] = []
    for name in frame.columns:
        column, found = _transliterate_column(frame[name], str(name), table)
        if found:
            changed[name] = column
            listed += found
    return frame.assign(**changed) if changed else frame, tuple(listed)


def _transliterate_column(
    column: pd.Series[Any], name: str, table: Mapping[str, str]
) -> tuple[pd.Series[Any], list[Replacement]]:
    text = text_values(column)
    if text is None or not facts(text).unprintable:
        return column, []
    coded = distinct(text)
    old = coded.values.to_pylist()
    new = [transliterate_text(value, table) for value in old]
    counts = np.bincount(coded.codes[coded.codes >= 0], minlength=len(old))
    found = [
        Replacement(name, before, after, int(count))
        for before, after, count in zip(old, new, counts, strict=True)
        if count and before != after
    ]
    if not found:
        return column, []
    codes = pa.array(coded.codes, mask=coded.codes < 0)
    values = pa.array(new, pa.large_string()).take(codes)
    return pd.Series(values.to_pandas(), index=column.index, dtype="str", name=column.name), found
