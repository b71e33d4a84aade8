"""ISO 8601 dates as SDTM writes them (SDTMIG 4.4): partial dates, unknown parts, intervals, durations."""

from __future__ import annotations

import calendar
import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

COMPONENTS = ("year", "month", "day", "hour", "minute", "second", "microsecond")

_DATE = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d{2})(?:-(?P<day>\d{2})(?:[T ](?P<hour>\d{2})(?::(?P<minute>\d{2})"
    r"(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,6})\d*)?)?)?(?P<zone>Z|[+-]\d{2}(?::?\d{2})?)?)?)?)?"
)
_UNCERTAIN = re.compile(
    r"(?:\d{4}|-)(?:-(?:\d{2}|-)(?:-(?:\d{2}|-)(?:T(?:\d{2}|-)(?::(?:\d{2}|-)(?::(?:\d{2}(?:[.,]\d+)?|-))?)?)?)?)?"
    r"(?:Z|[+-]\d{2}:\d{2})?"
)
_NUMBER = r"\d+(?:[.,]\d+)?"
_DURATION = re.compile(
    rf"P(?!$)(?:{_NUMBER}W|(?:{_NUMBER}Y)?(?:{_NUMBER}M)?(?:{_NUMBER}D)?(?:T(?=\d)(?:{_NUMBER}H)?(?:{_NUMBER}M)?(?:{_NUMBER}S)?)?)"
)
_INNER_DECIMAL = re.compile(r"[.,]\d+[YMDWHST]+\d")

Parts = tuple[int, ...]


@lru_cache(maxsize=1 << 16)
def parse_date(text: str) -> Parts | None:
    """Return the parts a date gives (year, month, ...), None where it is no date of the calendar.

    A time zone is taken into account where there is one.

    >>> parse_date("2005-10"), parse_date("2005-02-30")
    ((2005, 10), None)
    """
    found = _DATE.fullmatch(text.strip())
    if not found:
        return None
    named = found.groupdict()
    parts = [int(named[part]) for part in COMPONENTS[:6] if named[part] is not None]
    if named["fraction"]:
        parts.append(int(named["fraction"].ljust(6, "0")))
    if not _in_calendar(parts):
        return None
    return _to_utc(parts, named["zone"]) if named["zone"] and named["zone"] != "Z" else tuple(parts)


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
    uncertain = "--" in text or "-:" in text
    return uncertain and _UNCERTAIN.fullmatch(text) is not None and _month_possible(text)


def _month_possible(text: str) -> bool:
    month = re.match(r"(?:\d{4}|-)-(\d{2})", text)
    return month is None or 1 <= int(month.group(1)) <= 12


def is_duration(text: str, negative: bool) -> bool:
    """Whether a text is an ISO 8601 duration; `negative` allows a minus sign before it.

    Only the smallest unit may have a decimal.

    >>> is_duration("P1Y2.5M", negative=False), is_duration("P1.5Y2M", negative=False)
    (True, False)
    """
    body = text[1:] if negative and text.startswith("-") else text
    return _DURATION.fullmatch(body) is not None and not _INNER_DECIMAL.search(body)


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
