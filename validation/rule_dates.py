"""Dates as rules in the open format see them: tuples of the parts a text gives, compared as far as a rule asks.

What a text may look like is said in iso8601.py; here it is read as widely as the format's own rules read it.
"""

from __future__ import annotations

import calendar
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

from .iso8601 import DATE, PARTS, is_one_duration

COMPONENTS = (*PARTS, "microsecond")

Parts = tuple[int, ...]


@lru_cache(maxsize=1 << 16)
def parse_date(text: str) -> Parts | None:
    """Return the parts a date gives (year, month, ...), None where it is no date of the calendar.

    A time zone is taken into account where there is one.

    >>> parse_date("2005-10"), parse_date("2005-02-30")
    ((2005, 10), None)
    """
    found = DATE.fullmatch(text.strip())
    if not found or "-" in found.group(*PARTS):
        return None
    parts = [int(part) for part in found.group(*PARTS) if part is not None]
    if found["fraction"]:
        parts.append(int(found["fraction"][:6].ljust(6, "0")))
    if not _in_calendar(parts):
        return None
    return _to_utc(parts, found["zone"]) if found["zone"] not in {None, "Z"} else tuple(parts)


def _in_calendar(parts: list[int]) -> bool:
    year, month, day = ([*parts, 1, 1])[:3]
    if not 1 <= month <= 12 or not 1 <= year <= 9999 or not 1 <= day <= calendar.monthrange(year, month)[1]:
        return False
    return all(part < limit for part, limit in zip(parts[3:6], (24, 60, 60), strict=False))


def _to_utc(parts: list[int], zone: str) -> Parts:
    sign = -1 if zone[0] == "-" else 1
    digits = zone[1:].replace(":", "").ljust(4, "0")
    offset = timezone(sign * timedelta(hours=int(digits[:2]), minutes=int(digits[2:])))
    year, month, day, hour, minute, second, micro = parts + [0] * (7 - len(parts))
    moment = datetime(year, month, day, hour, minute, second, micro, offset).astimezone(UTC)
    return (moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second, moment.microsecond)[
        : len(parts)
    ]


def fill(parts: Parts) -> Parts:
    """Give the parts a date lacks their least value."""
    return (parts + (0, 1, 1, 0, 0, 0, 0)[len(parts) :])[:7]


def is_complete_date(text: str) -> bool:
    """Whether a date has year, month and day (a time may follow)."""
    parts = parse_date(text)
    return parts is not None and len(parts) >= 3


def is_valid_date(text: str) -> bool:
    """Whether a text is an ISO 8601 date, with unknown parts as hyphens, or an interval of two."""
    start, slash, end = text.partition("/")
    if slash:
        return is_valid_date(start) and ("/" not in end) and (is_valid_date(end) or is_duration(end, negative=False))
    if parse_date(text) is not None:
        return " " not in text.strip()
    found = DATE.fullmatch(text) if "--" in text or "-:" in text else None
    return found is not None and " " not in text and (found["month"] in {None, "-"} or 1 <= int(found["month"]) <= 12)


def is_duration(text: str, negative: bool) -> bool:
    """Whether a text is an ISO 8601 duration; `negative` allows a minus sign before it."""
    return is_one_duration(text, signs="-" if negative else "")


def compare_parts(left: Parts, right: Parts, component: str | None) -> tuple[Parts, Parts]:
    """Return what of two dates is compared: all, one component, or the precision both have (`auto`).

    A component that a date lacks has its least value.
    """
    if component == "auto":
        common = min(len(left), len(right))
        return left[:common], right[:common]
    whole = fill(left), fill(right)
    if component in COMPONENTS:
        place = COMPONENTS.index(component)
        return whole[0][place : place + 1], whole[1][place : place + 1]
    return whole
