"""What the values of a raw column look like: kinds with counts, forms of dates, words for unknown, trouble with encoding.

Everything is judged per distinct value and weighted with how often it occurs.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .algorithms.dates import DEFAULT_UNKNOWN, MONTHS, ParsedDate, fold, parse_dates

DATE_FORMATS = (
    *("dd/mm/yyyy", "mm/dd/yyyy", "yyyy-mm-dd", "dd-mm-yyyy", "mm-dd-yyyy", "dd.mm.yyyy", "yyyy/mm/dd", "yyyymmdd"),
    *("dd-mmm-yyyy", "mmm-dd-yyyy", "yyyy-mmm-dd", "dd/mm/yy", "mm/dd/yy", "dd-mm-yy", "dd.mm.yy", "dd-mmm-yy"),
)
"""Forms that are looked for, the likelier first where a value fits several."""

SAMPLED = 1000
"""Distinct values that are looked at first: a column without one date among them is no column of dates."""

PIVOT = 30
"""Only to recognise two-digit years; a study declares its own."""

MISSING_WORDS = frozenset(
    "ND NK NA N/A NF NC UNK UN UNKNOWN INCONNU IDEM NR NSP NE .".split()  # noqa: SIM905 - words, read as one line
)
"""Words that stand where a number or a date should, and may mean "no value"."""

_YES_NO = frozenset("yes no y n oui non o true false vrai faux ja nein".split())  # noqa: SIM905
_NUMBER = r"[+-]?\d+(?:[.,]\d+)?"
_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("code with leading zeros", re.compile(r"0\d+")),
    ("integer", re.compile(r"[+-]?\d{1,18}")),
    ("thousands or decimal comma", re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+")),
    ("decimal point", re.compile(r"[+-]?\d*\.\d+(?:[eE][+-]?\d+)?")),
    ("decimal comma", re.compile(r"[+-]?\d*,\d+")),
    ("number with thousands", re.compile(r"[+-]?\d{1,3}(?:[ \u00a0\u202f]\d{3})+(?:[.,]\d+)?")),
    ("compared number", re.compile(rf"[<>≤≥]=?\s*{_NUMBER}")),
    ("time", re.compile(r"(?:[01]?\d|2[0-4])[:hH][0-5]\d(?::[0-5]\d(?:\.\d+)?)?")),
)
NUMBERS = frozenset(
    (
        "integer",
        "decimal point",
        "decimal comma",
        "thousands or decimal comma",
        "number with thousands",
        "compared number",
    )
)
_ANY_KIND = re.compile("|".join(f"({pattern.pattern})" for _, pattern in _KINDS))
_DATE_LIKE = re.compile(
    r"\w{1,4}[-/.]\w{1,4}[-/.]\w{2,4}.*|\d{4}-\d\d|\d{1,2}/\d{4}|\W{1,4}[-/]\w{2}[-/]\d{4}.*"
    r"|\w{1,3}[\s\-./]*[^\W\d]{2,10}\.?[\s\-./]*\d{2,4}.*|\d{8}|[^\W\d]{3,9}\.?[\s\-]*\d{1,2},?[\s\-]*\d{4}.*"
)
_YEAR = re.compile(r"(?:18|19|20|21)\d\d")
_TIME_TAIL = re.compile(r"[T\s]+\d{1,2}[:hH]\d\d(:\d\d)?.*$")
_MOJIBAKE = re.compile("Ã[\u0080-\u00bf]|â[\u0080€]|Â[\u00a0-\u00bf]")


@dataclass
class DateForms:
    """How the dates of a column are written: form -> values; what is partial, unknown, impossible, or not read."""

    formats: Counter[str] = field(default_factory=Counter)
    partial: int = 0
    unknown_words: Counter[str] = field(default_factory=Counter)
    impossible: Counter[str] = field(default_factory=Counter)
    others: set[str] = field(default_factory=set)
    """Texts of the column that are no date."""
    ambiguous: int = 0
    latest: str = ""

    @property
    def total(self) -> int:
        """How many values are dates, or were meant to be."""
        return sum(self.formats.values()) + sum(self.impossible.values())


def kind_of(text: str) -> str:
    """Return what a value looks like by itself; dates are judged by the whole column (`date_forms`).

    >>> kind_of("12"), kind_of("3,5"), kind_of("<0.1"), kind_of("007"), kind_of("Oui"), kind_of("08:30"), kind_of("rien")
    ('integer', 'decimal comma', 'compared number', 'code with leading zeros', 'yes/no', 'time', 'text')
    """
    text = text.strip()
    match = _ANY_KIND.fullmatch(text)
    if match is None or match.lastindex is None:
        return "yes/no" if text.lower() in _YES_NO else "text"
    return _KINDS[match.lastindex - 1][0]


def shape_of(text: str) -> str:
    """Return a value with each digit as 9 and each run of letters as A.

    >>> shape_of("UN/07/1956 10:05")
    'A/99/9999 99:99'
    """
    return re.sub(r"[^\W\d_]+", "A", re.sub(r"\d", "9", text.strip()))


def date_forms(counts: Mapping[str, int]) -> DateForms:
    """Return how the dates among distinct values are written; empty where the values are no dates."""
    found = DateForms()
    if not any(_DATE_LIKE.fullmatch(text.strip()) for text in itertools.islice(counts, SAMPLED)):
        return found
    shapes: dict[str, list[str]] = {}
    for text in counts:
        plain = text.strip()
        if _DATE_LIKE.fullmatch(plain) and not (
            shape_of(plain) == "99999999" and len(counts) > 1 and not _all_days(counts)
        ):
            shapes.setdefault(shape_of(plain), []).append(text)
    votes = _votes(shapes, counts)
    for shape, texts in shapes.items():
        fitting = sorted(votes[shape], key=lambda name: (-_weight(name, votes), DATE_FORMATS.index(name)))
        if fitting:
            equal = [name for name in fitting if _weight(name, votes) == _weight(fitting[0], votes)]
            _count(found, texts, counts, equal)
    if found.formats:
        _count_unknown(found, counts)
        read = {text for shape, texts in shapes.items() if votes[shape] for text in texts}
        years = {text for text in counts if _YEAR.fullmatch(text.strip())} - read
        for text in years:
            found.formats[found.formats.most_common(1)[0][0]] += counts[text]
            found.partial += counts[text]
        found.others = set(counts) - read - years
    return found


def _all_days(counts: Mapping[str, int]) -> bool:
    """Whether whole numbers of eight digits are days written yyyymmdd, all of them."""
    texts = list(counts)
    return all(date.status == "ok" for date in parse_dates(texts, formats=["yyyymmdd"]))


def _votes(shapes: Mapping[str, Sequence[str]], counts: Mapping[str, int]) -> dict[str, dict[str, int]]:
    """Return for each shape the forms that read it, with the values they read."""
    votes: dict[str, dict[str, int]] = {}
    for shape, texts in shapes.items():
        votes[shape] = {}
        for name in DATE_FORMATS:
            sample = parse_dates(texts[:20], formats=_with_time(name, texts[0]), pivot=PIVOT)
            if all(date.status == "unreadable" for date in sample):
                continue
            read = parse_dates(texts, formats=_with_time(name, texts[0]), pivot=PIVOT)
            good = sum(counts[text] for text, date in zip(texts, read, strict=True) if date.status in {"ok", "partial"})
            if good:
                votes[shape][name] = good
    return votes


def _weight(name: str, votes: Mapping[str, Mapping[str, int]]) -> int:
    return sum(found.get(name, 0) for found in votes.values())


def _with_time(name: str, text: str) -> list[str]:
    """Return a form, with the time's where the value has one."""
    tail = _TIME_TAIL.search(text.strip())
    return [f"{name} hh:mm:ss" if tail[1] else f"{name} hh:mm"] if tail else [name]


def _count(found: DateForms, texts: Sequence[str], counts: Mapping[str, int], fitting: Sequence[str]) -> None:
    """Count the values of one shape under the form that reads most of the column, the first of those that read as many."""
    shown = _with_time(fitting[0], texts[0])
    read = parse_dates(texts, formats=shown, pivot=PIVOT)
    others = [parse_dates(texts, formats=_with_time(name, texts[0]), pivot=PIVOT) for name in fitting[1:]]
    for place, (text, date) in enumerate(zip(texts, read, strict=True)):
        if date.status in {"ok", "partial"}:
            found.formats[shown[0]] += counts[text]
            found.partial += counts[text] if date.status == "partial" else 0
            found.latest = max(found.latest, (date.iso or "")[:10] if date.status == "ok" else "")
            found.ambiguous += counts[text] if any(_other(date, rest[place]) for rest in others) else 0
        elif date.status == "impossible":
            found.impossible[text] += counts[text]


def _other(date: ParsedDate, second: ParsedDate) -> bool:
    return second.status == "ok" and second.iso != date.iso


def _count_unknown(found: DateForms, counts: Mapping[str, int]) -> None:
    """Count the words for unknown parts, alone or inside a date."""
    known = {fold(word) for word in DEFAULT_UNKNOWN}
    glued = re.compile(f"({'|'.join(sorted(filter(str.isalpha, known), key=len, reverse=True))})(?={'|'.join(MONTHS)})")
    for text, count in counts.items():
        folded = fold(text)
        parts = {folded} if folded in known else set(re.split(r"[\s/.]+|(?<=\w)-|-(?=\w)", folded))
        parts |= {match[1]} if (match := glued.match(folded)) else set()
        whole = _DATE_LIKE.fullmatch(text.strip()) or folded in known
        for part in sorted(parts & known if whole else set()):
            if not (part in {"99", "9999"} and folded in known) and part not in MONTHS:
                found.unknown_words[part] += count


def encoding_trouble(text: str) -> str:
    """Return what is wrong with the signs of a value, or nothing.

    >>> encoding_trouble("FiÃ¨vre"), encoding_trouble("Fièvre")
    ('looks like UTF-8 read as cp1252', '')
    """
    if text.isascii() and text.isprintable():
        return ""
    if "\ufffd" in text:
        return "holds U+FFFD: a sign was lost"
    if _MOJIBAKE.search(text):
        return "looks like UTF-8 read as cp1252"
    if any((ord(sign) < 32 and sign not in "\t\r\n") or 0x7F <= ord(sign) < 0xA0 for sign in text):
        return "holds control characters"
    return ""
