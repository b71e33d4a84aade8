"""ISO 8601 dates, times and durations as the SDTMIG uses them (section 4.4): partial, with unknown parts, compared.

Values come as an array of distinct texts; each becomes six numbers (year, month, day, hour, minute, second), missing
where the text does not know them. Text of the regular widths is read by character codes for a million values at once;
whatever is left (unknown parts inside, intervals, fractions) goes through a pattern one by one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Parts = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_SHAPE = "dddd-dd-ddTdd:dd:dd"
_WIDTHS = (4, 7, 10, 13, 16, 19)
_FIELDS = ((0, 4), (5, 7), (8, 10), (11, 13), (14, 16), (17, 19))
_LOW = np.array([0, 1, 1, 0, 0, 0], dtype=np.float64)
_HIGH = np.array([9999, 12, 31, 23, 59, 59], dtype=np.float64)
_MONTH_DAYS = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])

# A single hyphen stands for each part left out inside (SDTMIG 3.4 section 4.4.2): 2003---15, --12-15, -----T07:15. The blank
# before a time, the comma of a fraction and the hyphen of a second are for those who read what others wrote.
DATE = re.compile(
    r"(?P<year>\d{4}|-)(?:-(?P<month>\d\d|-)(?:-(?P<day>\d\d|-)"
    r"(?:[T ](?P<hour>\d\d|-)(?::(?P<minute>\d\d|-)(?::(?P<second>\d\d|-)(?:[.,](?P<fraction>\d+))?)?)?"
    r"(?P<zone>Z|[+-]\d\d(?::?\d\d)?)?)?)?)?",
    re.ASCII,
)
PARTS = ("year", "month", "day", "hour", "minute", "second")
_NUMBER = r"\d+(?:[.,]\d+)?"
_DURATION = re.compile(
    rf"(?P<sign>[+-]?)P(?=\d|T\d)(?:{_NUMBER}W|(?:{_NUMBER}Y)?(?:{_NUMBER}M)?(?:{_NUMBER}D)?"
    rf"(?:T(?=\d)(?:{_NUMBER}H)?(?:{_NUMBER}M)?(?:{_NUMBER}S)?)?)",
    re.ASCII,
)
_INNER_DECIMAL = re.compile(r"[.,]\d+[YMWDH]T?\d", re.ASCII)


@dataclass(frozen=True)
class IsoDates:
    """Distinct texts as numbers: `parts` is n x 6 with NaN for the unknown; `valid` tells real calendar dates."""

    parts: Parts
    valid: Mask

    def take(self, codes: npt.NDArray[np.intp]) -> IsoDates:
        """Return the dates of the records that carry these codes; code -1 is missing: nothing known, valid."""
        parts = np.vstack([self.parts, np.full((1, 6), np.nan)])
        return IsoDates(parts[codes], np.append(self.valid, True)[codes])

    @property
    def complete(self) -> Mask:
        """Whether year, month and day are all known and real."""
        known: Mask = self.valid & ~np.isnan(self.parts[:, :3]).any(axis=1)
        return known

    def days(self) -> Parts:
        """Return days since 1970-01-01 of complete dates, NaN for the others."""
        out = np.full(len(self.parts), np.nan)
        sure = self.complete
        year, month, day = (self.parts[sure, i].astype(np.int64) for i in range(3))
        months = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
        out[sure] = (months.astype("datetime64[D]") + (day - 1)).astype(np.int64)
        return out


def read_dates(texts: Sequence[str] | npt.NDArray[np.object_]) -> IsoDates:
    """Read dates and datetimes; an interval `a/b` counts with its start, and both ends must be right.

    >>> read_dates(["2016-03", "2016-02-30", "2003---15"]).valid.tolist()
    [True, False, True]
    """
    values = np.asarray(texts, dtype=object)
    count = len(values)
    parts = np.full((count, 6), np.nan)
    valid = np.zeros(count, dtype=bool)
    if not count:
        return IsoDates(parts, valid)
    regular = _read_regular(values, parts)
    for i in np.flatnonzero(~regular):
        found = _read_irregular(str(values[i]))
        if found is not None:
            parts[i] = found
            regular[i] = True
    valid[:] = regular & _real(parts)
    return IsoDates(parts, valid)


def _read_regular(values: npt.NDArray[np.object_], parts: Parts) -> Mask:
    lengths = np.fromiter((len(value) for value in values), dtype=np.int64, count=len(values))
    done = np.zeros(len(values), dtype=bool)
    for known, width in enumerate(_WIDTHS, start=1):
        at = np.flatnonzero(lengths == width)
        if not len(at):
            continue
        letters = values[at].astype(f"U{width}").view(np.uint32).reshape(len(at), width).astype(np.int64)
        fits = np.ones(len(at), dtype=bool)
        for position, shape in enumerate(_SHAPE[:width]):
            column = letters[:, position]
            fits &= (column >= 48) & (column <= 57) if shape == "d" else column == ord(shape)
        for field in range(known):
            start, end = _FIELDS[field]
            number = (letters[:, start:end] - 48) @ (10 ** np.arange(end - start - 1, -1, -1))
            parts[at[fits], field] = number[fits]
        done[at[fits]] = True
    return done


def _read_irregular(text: str) -> list[float] | None:
    start, slash, end = text.partition("/")
    if slash and not (is_one_duration(end) or ("/" not in end and bool(read_dates([end]).valid[0]))):
        return None
    match = DATE.fullmatch(start)
    if match is None or start.endswith("-") or match["second"] == "-" or " " in start or "," in start:
        return None
    known = [float(part) if part not in {None, "-"} else np.nan for part in match.group(*PARTS)]
    known[5] += float(f"0.{match['fraction'] or 0}")
    return known


def _real(parts: Parts) -> Mask:
    with np.errstate(invalid="ignore"):
        inside = (np.isnan(parts) | ((parts >= _LOW) & (parts < _HIGH + 1))).all(axis=1)
    month = np.where(np.isnan(parts[:, 1]) | ~inside, 1, parts[:, 1]).astype(np.int64)
    year = np.where(np.isnan(parts[:, 0]), 2000, parts[:, 0])
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    longest = _MONTH_DAYS[month] + ((month == 2) & leap)
    real: Mask = inside & ~(parts[:, 2] > longest)
    return real


def is_one_duration(text: str, signs: str = "+-") -> bool:
    """Tell whether a text is an ISO 8601 duration, after none or one of the `signs`.

    Weeks stand alone, and only the smallest unit may have a decimal.

    >>> is_one_duration("P1Y2.5M"), is_one_duration("P1.5Y2M"), is_one_duration("-P1D", signs="")
    (True, False, False)
    """
    match = _DURATION.fullmatch(text)
    return match is not None and match["sign"] in ("", *signs) and not _INNER_DECIMAL.search(text)


def is_duration(texts: Sequence[str] | npt.NDArray[np.object_]) -> Mask:
    """Tell which texts are ISO 8601 durations (P1DT2H, -PT30M, P6W).

    >>> is_duration(["P3M", "PT", "3 days"]).tolist()
    [True, False, False]
    """
    return np.fromiter((is_one_duration(text) for text in texts), dtype=bool, count=len(texts))


def is_after(left: IsoDates, right: IsoDates) -> Mask:
    """Tell where `left` is surely later than `right`, by the parts both know from the left on.

    2016-03-05 is not after 2016-03, and 2016-04 is after 2016-03-31.
    """
    open_ = left.valid & right.valid
    later = np.zeros(len(open_), dtype=bool)
    for field in range(6):
        a, b = left.parts[:, field], right.parts[:, field]
        later |= open_ & (a > b)
        open_ &= a == b
    return later


def same_known(left: IsoDates, right: IsoDates) -> Mask:
    """Tell where two dates agree in all parts that both know, from the left on."""
    agree: Mask = ~is_after(left, right) & ~is_after(right, left)
    return agree
