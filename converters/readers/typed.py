"""Typed values of a raw export (numbers, dates, times) as the text a user sees; nothing is rounded, nothing is cut."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd

from cdiscway.converters.ibm_float import Floats, special_tags
from cdiscway.converters.sas_formats import Kind, kind_of_format, parse_format

from .options import DecimalMark
from .raw import text_column

_EPOCH = datetime(1960, 1, 1)
_PLAIN_FORMATS = ("", "F", "BEST", "COMMA", "COMMAX", "NUMX", "NLNUM", "D")


def number_text(number: float, decimals: int = 0, mark: DecimalMark = ".", digits: int = 17) -> str:
    """Write a number in its shortest exact form; `decimals` adds zeros at its end, and never takes a digit away.

    `digits` are the significant digits that count: Excel holds 17 and shows 15.

    >>> number_text(12.0), number_text(1.5, 2), number_text(1.256, 1, ","), number_text(0.1 + 0.2, digits=15)
    ('12', '1.50', '1,256', '0.3')
    """
    exact = Decimal(repr(float(number)) if digits >= 17 else f"{number:.{digits}g}")
    whole = exact == exact.to_integral_value()
    places = max(decimals, 0 if whole else -int(exact.normalize().as_tuple().exponent))
    return f"{exact:.{places}f}".replace(".", mark)


def sas_texts(values: Floats, display_format: str, mark: DecimalMark = ".") -> pd.Series:
    """Return SAS numbers as text: dates and times by ISO 8601, numbers with the decimals of their format.

    A special missing value is written as SAS shows it (`.A`), so that `missing` in study.yaml can name it.
    """
    tags = special_tags(values)
    bits = values.copy()
    bits[(tags == 0) & np.isnan(values)] = np.nan
    codes, distinct = pd.factorize(bits.view(np.uint64))
    numbers = np.asarray(distinct, dtype=np.uint64).view(np.float64)
    try:
        kind, form = kind_of_format(display_format), parse_format(display_format or ".")
    except ValueError:  # a damaged file, or a format of another program: its numbers are shown as they are
        kind, form = None, None
    decimals = form.decimals if form is not None and form.name.upper() in _PLAIN_FORMATS else 0
    return text_column(codes, [_sas_text(number, kind, decimals, mark) for number in numbers])


def _sas_text(number: float, kind: Kind | None, decimals: int, mark: DecimalMark) -> str | None:
    if np.isnan(number):
        tag = int(special_tags(np.array([number]))[0])
        return f".{chr(tag)}" if tag else None
    try:
        if kind == "date" and number == int(number):
            return (_EPOCH + timedelta(days=int(number))).date().isoformat()
        if kind == "datetime":
            return moment_text(_EPOCH + timedelta(seconds=number))
        if kind == "time" and 0 <= number < 86_400:
            return moment_text((_EPOCH + timedelta(seconds=number)).time())
    except OverflowError:
        pass
    return number_text(number, decimals, mark)


def moment_text(value: date | time | datetime) -> str:
    """Write a date, a time or both by ISO 8601; a fraction of a second only where there is one.

    >>> moment_text(date(2020, 3, 1)), moment_text(datetime(2020, 3, 1, 8, 30))
    ('2020-03-01', '2020-03-01T08:30:00')
    """
    return value.isoformat()
