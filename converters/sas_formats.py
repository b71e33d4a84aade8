"""SAS formats as text (`DATE9.`, `8.2`, `$YN.`) and what their values mean: a day, a time of day, an instant.

Values count from 1960-01-01: days for dates, seconds for times and datetimes (SAS Language Reference, "About SAS
Date, Time, and Datetime Values").
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

Kind = Literal["date", "time", "datetime"]

_TEXT = re.compile(r"(?P<name>\$?(?:[A-Za-z_][A-Za-z0-9_]*?)?(?<![0-9]))(?P<width>[0-9]*)\.?(?P<decimals>[0-9]*)")

_ISO = ("B8601", "E8601")
_DATES = (
    "DATE DAY DDMMYY DDMMYYB DDMMYYC DDMMYYD DDMMYYN DDMMYYP DDMMYYS DOWNAME EURDFDD EURDFDE EURDFDN EURDFDWN "
    "EURDFMN EURDFMY EURDFWDX EURDFWKX JULDAY JULIAN MINGUO MMDDYY MMDDYYB MMDDYYC MMDDYYD MMDDYYN MMDDYYP "
    "MMDDYYS MMYY MMYYC MMYYD MMYYN MMYYP MMYYS MONNAME MONTH MONYY NENGO NLDATE NLDATEL NLDATEM NLDATEMD "
    "NLDATEMN NLDATES NLDATEW NLDATEWN NLDATEYM PDJULG PDJULI QTR QTRR WEEKDATE WEEKDATX WEEKDAY WEEKU WEEKV "
    "WEEKW WORDDATE WORDDATX XYYMMDD YEAR YYMM YYMMC YYMMD YYMMDD YYMMDDB YYMMDDC YYMMDDD YYMMDDN YYMMDDP "
    "YYMMDDS YYMMN YYMMP YYMMS YYMON YYQ YYQC YYQD YYQN YYQP YYQR YYQRC YYQRD YYQRN YYQRP YYQRS YYQS YYQZ "
    "IS8601DA"
)
_TIMES = "TIME TIMEAMPM HHMM HOUR MMSS TOD NLTIME NLTIMAP NLTIMMN IS8601TM"
_DATETIMES = (
    "DATETIME DATEAMPM DTDATE DTMONYY DTWKDATX DTYEAR DTYYQC EURDFDT MDYAMPM NLDATM NLDATML NLDATMM NLDATMS "
    "NLDATMW NLDATMAP NLDATMTM YMDDTTM IS8601DT"
)
_KINDS: dict[str, Kind] = {
    **dict.fromkeys([*_DATES.split(), *(f"{iso}DA" for iso in _ISO)], "date"),
    **dict.fromkeys([*_TIMES.split(), *(f"{iso}{part}" for iso in _ISO for part in ("TM", "TZ", "LZ", "TX"))], "time"),
    **dict.fromkeys(
        [*_DATETIMES.split(), *(f"{iso}{part}" for iso in _ISO for part in ("DT", "DZ", "DN", "DX", "LX"))], "datetime"
    ),
}


class Format(NamedTuple):
    """The three fields of a format in a file: `8.2` has no name, `DATE.` no width."""

    name: str
    width: int
    decimals: int


def parse_format(text: str) -> Format:
    """Split a format; a format's name never ends in a digit, so the digits before the point are its width.

    Raises ValueError when the text is no format.

    >>> parse_format("DATE9."), parse_format("8.2"), parse_format("E8601DT19."), parse_format("$YN.")
    (Format(name='DATE', width=9, decimals=0), Format(name='', width=8, decimals=2), Format(name='E8601DT', width=19, decimals=0), Format(name='$YN', width=0, decimals=0))
    """  # noqa: E501
    match = _TEXT.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a SAS format such as DATE9. or 8.2")
    return Format(match["name"], int(match["width"] or 0), int(match["decimals"] or 0))


def show_format(name: str, width: int, decimals: int) -> str:
    """Write a format as SAS does; all fields empty is no format.

    >>> show_format("DATE", 9, 0), show_format("", 8, 2), show_format("$YN", 0, 0), show_format("", 0, 0)
    ('DATE9.', '8.2', '$YN.', '')
    """
    if not name and not width and not decimals:
        return ""
    return f"{name}{width or ''}.{decimals or ''}"


def kind_of_format(text: str) -> Kind | None:
    """Return what the values under a format are, None for plain numbers.

    >>> kind_of_format("DATE9."), kind_of_format("TIME8."), kind_of_format("E8601DT19."), kind_of_format("8.2")
    ('date', 'time', 'datetime', None)
    """
    return _KINDS.get(parse_format(text).name.upper()) if text else None
