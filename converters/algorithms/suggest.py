"""Terms that a raw text could mean, for a person to choose from: nothing is taken by likeness alone."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Sequence

from cdiscway.specs.model import Codelist

SUGGESTIONS = 3


def suggest(text: str, codelists: Sequence[Codelist], wanted: int = SUGGESTIONS) -> list[str]:
    """Return the terms nearest to a raw text, the nearest first, by their values, names and synonyms.

    >>> from cdiscway.specs.codelists import load_terminology
    >>> suggest("MODERAT", [load_terminology(["SDTM CT 2026-03-27"]).codelist("AESEV")])
    ['MODERATE']
    """
    words: dict[str, str] = {}
    for codelist in codelists:
        for term in codelist.terms:
            for word in (term.value, term.decode, *term.synonyms):
                words.setdefault(_folded(word), term.value)
    near = difflib.get_close_matches(_folded(text), list(words), n=wanted * 3, cutoff=0.6)
    return list(dict.fromkeys(words[word] for word in near))[:wanted]


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text)
    return "".join(mark for mark in plain if not unicodedata.combining(mark)).upper()
