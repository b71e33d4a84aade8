"""Collected dates and times -> ISO 8601 text (SDTMIG 3.4, 4.4), on distinct values.

A format is written in the words of a data manager: `dd` `mm` `mmm` (or `mmmm`, a month's name in English or French)
`yyyy` `yy` `hh:mm` `hh:mm:ss`, with any separators: `dd/mm/yyyy`, `dd-mmm-yyyy`, `ddmmmyyyy`, `yyyy-mm-dd hh:mm`. Text
in quotes stands for itself: `yyyy-mm-dd '00:00:00'`. A part may be unknown (`UN/UNK/2019`) or left out from the day on
(`05/2019`, `2019`): the ISO text is then cut at the right, or keeps a hyphen where an inner part is missing. What
cannot be a date (30 February) is found, never rolled over.
"""

from __future__ import annotations

import calendar
import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

DateStatus = Literal["ok", "partial", "unknown", "impossible", "unreadable", "ambiguous", "missing"]

DEFAULT_UNKNOWN: tuple[str, ...] = (
    *("UN", "UNK", "UNKN", "UNKNOWN", "UK", "UKN", "NK", "ND", "NA", "INC", "INCONNU"),
    *("99", "9999", "-", "--", "---", "----", "..", "...", "....", "??", "????", "XX", "XXX", "XXXX"),
)
DEFAULT_FORMATS: tuple[str, ...] = (
    *("yyyy-mm-dd", "yyyy/mm/dd", "yyyymmdd", "dd-mmm-yyyy", "mmm-dd-yyyy", "yyyy-mmm-dd"),
    *("dd/mm/yyyy", "mm/dd/yyyy", "dd-mm-yyyy", "mm-dd-yyyy", "dd.mm.yyyy"),
)
FIRST_YEAR, LAST_YEAR = 1800, 2199

_MONTH_NAMES = (
    "january jan janvier janv",
    "february feb fevrier fevr fev",
    "march mar mars",
    "april apr avril avr",
    "may mai",
    "june jun juin",
    "july jul juillet juil",
    "august aug aout aou",
    "september sept sep septembre",
    "october oct octobre",
    "november nov novembre",
    "december dec decembre",
)
MONTHS = {name.upper(): number for number, names in enumerate(_MONTH_NAMES, 1) for name in names.split()}

_TOKEN = re.compile(r"'([^']*)'|(yyyy|yy|mmmm|mmm|mm|dd)|([^a-z']+)|(.)", re.IGNORECASE)
_TIME_OF_FORMAT = re.compile(r"[T\s:]*hh[:h]mm(:ss)?$", re.IGNORECASE)
_ONLY_YEAR = re.compile(r"\d{4}")
_TO_MONTH = re.compile(r"(?:\d{4}|-)-\d{2}")
_LOOSE = r"[\s\-/.,]*"
# 99 is an unknown day or month; as a year it could be 1999.
_LONG = r"(?!\d\d(?!\d))"


class DateFormatError(ValueError):
    """A format in a mapping that cannot be understood; the message says what is wrong with it."""


class ParsedDate(NamedTuple):
    """One distinct value read: its ISO 8601 text (or None), how that went, and why, in words for a finding."""

    iso: str | None
    status: DateStatus
    reason: str = ""


class _Parts(NamedTuple):
    year: int | None
    month: int | None
    day: int | None


@dataclass(frozen=True)
class DateFormat:
    """A format made ready: its patterns (the full one, then those with parts left out), and whether a time follows."""

    text: str
    patterns: tuple[re.Pattern[str], ...]
    has_time: bool


def fold(text: str) -> str:
    """Upper case without accents and with plain spaces, so that `févr.` and `FEVR.` are one.

    >>> fold("12 févr. 2019")
    '12 FEVR. 2019'
    """
    plain = unicodedata.normalize("NFKD", text.replace("\u2010", "-").replace("\u2013", "-"))
    return " ".join("".join(mark for mark in plain if not unicodedata.combining(mark)).upper().split())


def _either(words: Collection[str]) -> str:
    """Write a pattern of any of the words, the longest first; without words one that never matches."""
    return (
        r"(?!)"
        if not words
        else "|".join(re.escape(word) for word in sorted(words, key=lambda word: (-len(word), word)))
    )


def _tokens(date_format: str) -> list[tuple[str, str]]:
    """Cut a format into (kind, text): kinds year, year2, month, name, day, separator, literal."""
    kinds = {"yyyy": "year", "yy": "year2", "mmmm": "name", "mmm": "name", "mm": "month", "dd": "day"}
    tokens: list[tuple[str, str]] = []
    for match in _TOKEN.finditer(date_format):
        literal, part, separator, other = match.groups()
        if other is not None:
            raise DateFormatError(
                f"date format '{date_format}': '{other}' at position {match.start() + 1} is no part of a format "
                "(use dd, mm, mmm, yyyy, yy, hh:mm, hh:mm:ss and separators)"
            )
        if literal is not None:
            tokens.append(("literal", literal))
        elif part is not None:
            tokens.append((kinds[part.lower()], part))
        else:
            tokens.append(("separator", separator))
    return tokens


def _check_tokens(date_format: str, kinds: list[str], pivot: int | None) -> None:
    years = sum(kind in ("year", "year2") for kind in kinds)
    months = sum(kind in ("month", "name") for kind in kinds)
    if years != 1 or months > 1 or kinds.count("day") > 1 or (kinds.count("day") and not months):
        raise DateFormatError(
            f"date format '{date_format}' needs one year, and a day only beside a month, each at most once"
        )
    if "year2" in kinds and pivot is None:
        raise DateFormatError(
            f"date format '{date_format}' has a two-digit year: declare a pivot (pivot: 30 reads 00-30 as 2000-2030)"
        )


def _without(tokens: list[tuple[str, str]], gone: set[str]) -> list[tuple[str, str]]:
    """Leave parts out of a format, each with one separator beside it."""
    kept: list[tuple[str, str]] = []
    skip_separator = False
    for kind, text in tokens:
        if kind in gone:
            skip_separator = True
        elif kind == "separator" and skip_separator:
            skip_separator = False
        else:
            kept.append((kind, text))
            skip_separator = False
    while kept and kept[-1][0] == "separator":
        kept.pop()
    return kept


def _pattern(tokens: list[tuple[str, str]], unknown: str) -> re.Pattern[str]:
    """Build the pattern of one token list; a month's name makes the separators loose, since nothing can be mistaken."""
    named = any(kind == "name" for kind, _ in tokens)
    solid = not any(kind == "separator" for kind, _ in tokens) and not named
    digits = r"\d{2}" if solid else r"\d{1,2}"
    forms = {
        "year": rf"(?P<year>\d{{4}}|{_LONG}(?:{unknown}))",
        "year2": r"(?P<year2>\d{2})",
        "month": rf"(?P<month>{digits}|{unknown})",
        "name": rf"(?P<name>(?:{_either(MONTHS)})\.?|{unknown})",
        "day": rf"(?P<day>{digits}|{unknown})" + (r"(?:ER|ST|ND|RD|TH)?(?!\d)" if named else ""),
    }
    pieces: list[str] = []
    for (kind, text), following in pairwise([*tokens, ("end", "")]):
        if kind in forms:
            pieces.append(forms[kind])
            if named and following[0] in forms:
                pieces.append(_LOOSE)
        elif kind == "separator":
            pieces.append(_LOOSE if named else r"\s*" + re.escape(text.strip()) + r"\s*" if text.strip() else r"\s+")
        else:
            pieces.append(re.escape(fold(text)))
    return re.compile(r"\s*".join(["", "".join(pieces), ""]))


@lru_cache(maxsize=256)
def compile_format(
    date_format: str, unknown: tuple[str, ...] = DEFAULT_UNKNOWN, pivot: int | None = None
) -> DateFormat:
    """Make a format ready for use; raises DateFormatError, so that a mistake is found before any record is read.

    >>> compile_format("dd/mm/yyyy hh:mm").has_time
    True
    """
    time_part = _TIME_OF_FORMAT.search(date_format.strip())
    tokens = _tokens(date_format.strip()[: time_part.start()] if time_part else date_format.strip())
    kinds = [kind for kind, _ in tokens]
    _check_tokens(date_format, kinds, pivot)
    shorter = [] if "year2" in kinds else [{"day"}, {"day", "month", "name"}]
    forms = [tokens] + [_without(tokens, gone) for gone in shorter if gone & set(kinds)]
    words = _either({fold(word) for word in unknown})
    return DateFormat(date_format, tuple(dict.fromkeys(_pattern(form, words) for form in forms)), time_part is not None)


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() else None


def _year(groups: dict[str, str | None], unknown: Collection[str], pivot: int | None) -> int | None:
    short = groups.get("year2")
    if short is not None and pivot is not None:
        return int(short) + (2000 if int(short) <= pivot else 1900)
    text = groups.get("year")
    return None if text is None or text in unknown else _number(text)


def _read_parts(match: re.Match[str], unknown: Collection[str], pivot: int | None) -> _Parts:
    groups = match.groupdict()
    month_text, day_text, name = groups.get("month"), groups.get("day"), groups.get("name")
    month = MONTHS.get(name.rstrip(".")) if name else _number(None if month_text in unknown else month_text)
    return _Parts(_year(groups, unknown, pivot), month, _number(None if day_text in unknown else day_text))


def _trouble(parts: _Parts) -> tuple[str, _Parts]:
    """Say why the parts cannot be a date ('' if they can), and what of them is sure."""
    year, month, day = parts
    if year is not None and not FIRST_YEAR <= year <= LAST_YEAR:
        return f"the year {year:04d} is outside {FIRST_YEAR}-{LAST_YEAR}", _Parts(None, None, None)
    if month is not None and not 1 <= month <= 12:
        return f"there is no month {month}", _Parts(year, None, None)
    if day is not None:
        # An unknown year may be a leap year, an unknown month may have 31 days.
        last = calendar.monthrange(year or 2000, month)[1] if month else 31
        if not 1 <= day <= last:
            where = format_parts(year, month, None) or "any month"
            return f"there is no day {day} in {where}", _Parts(year, month, None)
    return "", parts


def format_parts(year: int | None, month: int | None, day: int | None) -> str | None:
    """Write the known parts as ISO 8601: cut at the right, hyphens for missing inner parts (SDTMIG 3.4, 4.4.2).

    >>> format_parts(2016, None, 15), format_parts(None, 12, 15), format_parts(2016, 12, None)
    ('2016---15', '--12-15', '2016-12')
    """
    texts = [
        "-" if year is None else f"{year:04d}",
        "-" if month is None else f"{month:02d}",
        "-" if day is None else f"{day:02d}",
    ]
    while texts and texts[-1] == "-":
        texts.pop()
    return "-".join(texts) if texts else None


def join_date_time(date: str | None, time: str | None) -> str | None:
    """Join one ISO date and one ISO time; the missing parts of the date keep their hyphens (SDTMIG 3.4, 4.4.2).

    >>> join_date_time("2016-12-15", "08:30"), join_date_time("2016-12", "08:30"), join_date_time(None, "08:30")
    ('2016-12-15T08:30', '2016-12--T08:30', '-----T08:30')
    """
    if not time:
        return date or None
    if not date:
        return f"-----T{time}"
    gap = "----" if _ONLY_YEAR.fullmatch(date) else "--" if _TO_MONTH.fullmatch(date) else ""
    return f"{date}{gap}T{time}"


# UNKNOWN stands for the words of an unknown part, SOLID for what may follow the hour without a mark between.
_TIME = (
    r"(?P<hour>\d{1,2}|UNKNOWN)(?:"
    r"\s*[:H]\s*(?P<minute>\d{1,2}|UNKNOWN)(?:\s*[:MN']+\s*(?P<second>\d{1,2}(?:[.,]\d+)?|UNKNOWN)\s*S?)?\s*(?:MIN|MN)?"
    r"|\s*H|(?=\s*[AP]\.?M)|SOLID)"
    r"\s*(?P<half>[AP]\.?M\.?)?\s*(?P<zone>Z|[+-]\d{2}(?::?\d{2})?)?"
)


@lru_cache(maxsize=32)
def _time_patterns(unknown: tuple[str, ...]) -> tuple[re.Pattern[str], re.Pattern[str]]:
    words = _either({fold(word) for word in unknown})
    time = _TIME.replace("UNKNOWN", words)
    alone = time.replace("SOLID", r"(?<=\d\d)(?P<solid>\d{2})")
    # After a date only the T of ISO 8601 makes 0830 (or 08) a time: in `UN DEC 2019` the last part is a year.
    after = time.replace("SOLID", r"(?<=T\d\d)(?P<solid>\d{2})?")
    return re.compile(alone), re.compile(r"(?P<date>.*?[^\s:T])(?:\s*T\s*|\s+|:)(?P<time>" + after + ")")


def _time_part(text: str | None, unknown: Collection[str]) -> str:
    return "-" if text is None or text in unknown else text.replace(",", ".")


def _clock_hour(hour: str, half: str | None) -> str:
    """Turn the hour of a 12-hour clock into 24 hours."""
    if not half or not hour.isdigit():
        return hour
    return str(int(hour) % 12 + (12 if half.startswith("P") else 0))


def _time_trouble(hour: str, minute: str, second: str) -> str:
    for name, text, limit in (("hour", hour, 23), ("minute", minute, 59), ("second", second, 59)):
        if text != "-" and float(text) >= limit + 1:
            return f"there is no {name} {text}"
    return ""


def _zone_text(zone: str | None) -> str:
    if not zone or zone == "Z":
        return zone or ""
    digits = zone[1:].replace(":", "").ljust(4, "0")
    return f"{zone[0]}{digits[:2]}:{digits[2:]}"


def _read_time(match: re.Match[str], unknown: Collection[str]) -> ParsedDate:
    groups = match.groupdict()
    written, half = _time_part(groups["hour"], unknown), groups["half"]
    if half and written.isdigit() and not 1 <= int(written) <= 12:
        return ParsedDate(None, "impossible", f"there is no hour {written} on a 12-hour clock")
    hour = _clock_hour(written, half)
    minute = _time_part(groups["minute"] or groups["solid"], unknown)
    second = _time_part(groups["second"], unknown)
    trouble = _time_trouble(hour, minute, second)
    if trouble:
        return ParsedDate(None, "impossible", trouble)
    whole, _, fraction = second.partition(".")
    texts = [part if part == "-" else part.zfill(2) for part in (hour, minute, whole)]
    if fraction:
        texts[2] += f".{fraction}"
    precise = texts[1] != "-"
    while texts and texts[-1] == "-":
        texts.pop()
    if not texts:
        return ParsedDate(None, "unknown", "every part of the time is unknown")
    zone = _zone_text(groups["zone"])
    return ParsedDate(":".join(texts) + zone, "ok" if precise and "-" not in texts else "partial")


def _parse_time(value: str | None, unknown: tuple[str, ...]) -> ParsedDate:
    folded = fold(value) if value is not None else ""
    if not folded:
        return ParsedDate(None, "missing")
    if folded in unknown:
        return ParsedDate(None, "unknown", "the time is unknown")
    match = _time_patterns(unknown)[0].fullmatch(folded)
    if not match:
        return ParsedDate(None, "unreadable", "no time such as 08:30, 8h30 or 08:30:15")
    return _read_time(match, unknown)


def parse_times(values: Sequence[str | None], *, unknown: Collection[str] = DEFAULT_UNKNOWN) -> list[ParsedDate]:
    """Read distinct collected times: `08:30`, `8h30`, `0830`, `8:30 pm`, `08:30:15`, `08:UN`, with or without a zone.

    24:00 is impossible: it is the next day's 00:00, and which day was meant is not ours to say.

    >>> [time.iso for time in parse_times(["8h30", "08:30:15", "08:30+02:00", "24:00"])]
    ['08:30', '08:30:15', '08:30+02:00', None]
    """
    words = tuple(dict.fromkeys(fold(word) for word in unknown))
    return [_parse_time(None if pd.isna(value) else value, words) for value in values]


def _read_date(text: str, date_format: DateFormat, unknown: Collection[str], pivot: int | None) -> _Parts | None:
    for pattern in date_format.patterns:
        match = pattern.fullmatch(text)
        if match:
            return _read_parts(match, unknown, pivot)
    return None


def _judge(parts: _Parts, time: ParsedDate | None, keep_sure: bool) -> ParsedDate:
    """Turn the parts that one format found into a result."""
    trouble, sure = _trouble(parts)
    if trouble:
        return ParsedDate(format_parts(*sure) if keep_sure else None, "impossible", trouble)
    date = format_parts(*parts)
    if time is not None and time.status == "impossible":
        return ParsedDate(date if keep_sure else None, "impossible", time.reason)
    iso = join_date_time(date, time.iso if time else None)
    if iso is None:
        return ParsedDate(None, "unknown", "every part of the date is unknown")
    partial = None in parts or (time is not None and time.status in ("partial", "unknown"))
    return ParsedDate(iso, "partial" if partial else "ok")


@dataclass(frozen=True)
class _Reader:
    formats: tuple[DateFormat, ...]
    unknown: tuple[str, ...]
    pivot: int | None
    keep_sure: bool
    declared: bool

    def readings(self, folded: str) -> list[tuple[DateFormat, ParsedDate]]:
        """Every reading of one value, in the order of the formats."""
        tail = _time_patterns(self.unknown)[1].fullmatch(folded)
        found: list[tuple[DateFormat, ParsedDate]] = []
        for date_format in self.formats:
            parts = _read_date(folded, date_format, self.unknown, self.pivot)
            time = None
            if parts is None and tail and (date_format.has_time or not self.declared):
                parts = _read_date(tail["date"], date_format, self.unknown, self.pivot)
                time = _read_time(tail, self.unknown)
            if parts is not None:
                found.append((date_format, _judge(parts, time, self.keep_sure)))
        return found

    def parse(self, value: str | None) -> ParsedDate:
        folded = fold(value) if value is not None else ""
        if not folded:
            return ParsedDate(None, "missing")
        if folded in self.unknown:
            return ParsedDate(None, "unknown", "the date is unknown")
        found = self.readings(folded)
        possible = [(date_format, date) for date_format, date in found if date.status != "impossible"]
        if not found:
            return ParsedDate(None, "unreadable", self._hint(folded))
        if not possible:
            return found[0][1]
        return self._choose(possible)

    def _choose(self, possible: list[tuple[DateFormat, ParsedDate]]) -> ParsedDate:
        first = possible[0][1]
        others = [(date_format, date) for date_format, date in possible[1:] if date.iso != first.iso]
        if not others:
            return first
        if self.declared:
            also = ", ".join(f"{date.iso} by {date_format.text}" for date_format, date in others)
            return first._replace(reason=f"also reads as {also}; the first format declared decides")
        reads = " or ".join(f"{date.iso} ({date_format.text})" for date_format, date in possible)
        return ParsedDate(None, "ambiguous", f"reads as {reads}: declare the format")

    def _hint(self, folded: str) -> str:
        if not self.declared:
            return "no known date format reads it"
        names = ", ".join(date_format.text for date_format in self.formats)
        anyhow = _Reader(tuple(compile_format(text) for text in DEFAULT_FORMATS), self.unknown, None, False, False)
        other = next((f"{form.text}" for form, date in anyhow.readings(folded) if date.status != "impossible"), "")
        timed = " hh:mm" if other and _time_patterns(self.unknown)[1].fullmatch(folded) else ""
        return f"not written as {names}" + (f" (it reads as {other}{timed}: declare it too?)" if other else "")


def parse_dates(
    values: Sequence[str | None],
    *,
    formats: Sequence[str] | None = None,
    unknown: Collection[str] = DEFAULT_UNKNOWN,
    pivot: int | None = None,
    keep_sure: bool = False,
) -> list[ParsedDate]:
    """Read distinct collected dates (or dates with times) to ISO 8601, one result for each value, in order.

    `formats` are tried in order; without them the common ones are, and a value that two of them read differently is
    `ambiguous`. `pivot` is the last two-digit year of the 2000s. An impossible date gives no text unless `keep_sure`,
    which keeps the parts left of the impossible one. Raises DateFormatError for a format that cannot be understood.

    >>> parse_dates(["UN/02/2020", "30/02/2020"], formats=["dd/mm/yyyy"])  # doctest: +NORMALIZE_WHITESPACE
    [ParsedDate(iso='2020-02', status='partial', reason=''),
     ParsedDate(iso=None, status='impossible', reason='there is no day 30 in 2020-02')]
    """
    words = tuple(dict.fromkeys(fold(word) for word in unknown))
    texts = DEFAULT_FORMATS if formats is None else tuple(formats)
    compiled = tuple(compile_format(text, words, pivot) for text in texts)
    reader = _Reader(compiled, words, pivot, keep_sure, formats is not None)
    return [reader.parse(None if pd.isna(value) else value) for value in values]


def combine(dates: pd.Series, times: pd.Series) -> pd.Series:
    """Join a column of ISO dates and one of ISO times, row by row; missing times leave the date, see `join_date_time`.

    >>> combine(pd.Series(["2016-12-15", None]), pd.Series(["08:30", "08:30"])).tolist()
    ['2016-12-15T08:30', '-----T08:30']
    """
    if isinstance(dates.dtype, pd.CategoricalDtype) and isinstance(times.dtype, pd.CategoricalDtype):
        return _combine_categories(dates, times)
    return _combine_texts(dates.astype("str"), times.astype("str"))


def _combine_categories(dates: pd.Series, times: pd.Series) -> pd.Series:
    """Join the distinct pairs only; the result is categorical too."""
    width = len(times.cat.categories) + 1
    pairs = (dates.cat.codes.to_numpy().astype("int64") + 1) * width + times.cat.codes.to_numpy() + 1
    codes, distinct = pd.factorize(pairs)
    sides = [
        pd.Series(side.cat.categories.astype("str").take(places - 1, allow_fill=True, fill_value=None))
        for side, places in ((dates, distinct // width), (times, distinct % width))
    ]
    joined = _combine_texts(*sides)
    known = joined.notna().to_numpy()
    places = np.where(known, np.cumsum(known) - 1, -1)
    categories = pd.Index(joined[known], dtype="str")
    return pd.Series(pd.Categorical.from_codes(places[codes], categories=categories), index=dates.index)


def _combine_texts(dates: pd.Series, times: pd.Series) -> pd.Series:
    joined = (dates + "T" + times).where(times.notna(), dates)
    short = times.notna() & ~(dates.str.len() == 10).fillna(False)
    if short.any():
        pairs = pd.DataFrame({"date": dates[short], "time": times[short]})
        codes, distinct = pd.factorize(pd.MultiIndex.from_frame(pairs))
        texts = [join_date_time(*(None if pd.isna(part) else part for part in pair)) for pair in distinct]
        joined = joined.mask(short, pd.Series(texts, dtype="str").take(codes).set_axis(pairs.index))
    return joined


def interval(starts: pd.Series, ends: pd.Series) -> pd.Series:
    """Write the intervals `start/end` (SDTMIG 3.4, 4.4.3.2); missing where either side is.

    >>> interval(pd.Series(["2020-01"]), pd.Series(["2020-03-15"])).tolist()
    ['2020-01/2020-03-15']
    """
    return starts.astype("str") + "/" + ends.astype("str")
