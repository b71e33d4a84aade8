"""Dates in a mapping: raw text to ISO 8601, and ISO 8601 to the SAS days of ADaM."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
import pandas as pd
from pydantic import BeforeValidator, Field

from cdiscway.converters.dataset import Provenance
from cdiscway.specs.load import Way
from cdiscway.validation.finding import Severity

from . import columns
from .assign import describe
from .base import Context, RuleBase, Scope, TableKey, merge_provenance
from .dates import (
    DEFAULT_UNKNOWN,
    DateFormatError,
    ParsedDate,
    combine,
    compile_format,
    interval,
    parse_dates,
    parse_times,
)
from .iso8601 import compare_partial, date_days
from .results import read_number

if TYPE_CHECKING:
    from .vocabulary import Input

Parser = Callable[[Sequence[str]], Sequence[ParsedDate]]

_TROUBLE: dict[str, tuple[Severity, str, str]] = {
    "impossible": ("warning", "CDW-MAP-DATE-IMPOSSIBLE", "is no possible date or time"),
    "unreadable": ("error", "CDW-MAP-DATE-UNREADABLE", "cannot be read as a date or time"),
    "ambiguous": ("error", "CDW-MAP-DATE-AMBIGUOUS", "can be read as several dates"),
}


def _as_list(value: object) -> object:
    return value if isinstance(value, list | tuple) else [value]


class DateRule(RuleBase):
    """`{date: DATVIS}` or `{date: [DATVIS, HEURE]}`: a collected date, with its time, as ISO 8601.

    Formats, unknown words and the pivot of two-digit years are the study's (`dates:` in study.yaml) unless given here.
    An impossible or unreadable date becomes a finding with the raw text, and no value. So does a time without a date.
    """

    date: Annotated[tuple[Input, ...], BeforeValidator(_as_list)] = Field(min_length=1, max_length=2)
    formats: tuple[str, ...] | None = None
    unknown: tuple[str, ...] | None = None
    pivot: int | None = None

    def check(self, scope: Scope, way: Way) -> None:
        """The columns must be there and the formats readable."""
        for place, rule in enumerate(self.date):
            rule.check(scope, (*way, "date", place) if len(self.date) > 1 else (*way, "date"))
        for text in self.formats or ():
            try:
                compile_format(text, DEFAULT_UNKNOWN, scope.pivot if self.pivot is None else self.pivot)
            except DateFormatError as error:
                scope.add((*way, "formats"), str(error), "")

    def evaluate(self, context: Context) -> pd.Series:
        """Return ISO 8601 text."""
        declared = context.study.file.dates
        formats = self.formats or declared.formats
        unknown = (*DEFAULT_UNKNOWN, *(self.unknown or declared.unknown))
        pivot = self.pivot if self.pivot is not None else declared.pivot
        parts = [rule.evaluate(context) for rule in self.date]
        dates, told = self._read(
            parts[0], lambda texts: parse_dates(texts, formats=formats, unknown=unknown, pivot=pivot), context, 0
        )
        if len(parts) == 1:
            return dates
        times, _ = self._read(parts[1], lambda texts: parse_times(texts, unknown=unknown), context, 1)
        dated = ~columns.missing(dates)
        self._report_alone(~dated & ~told & ~columns.missing(times), context)
        return combine(dates, columns.choose([dated], [times], len(context)))

    def _report_alone(self, rows: np.ndarray, context: Context) -> None:
        """A time without a date says nothing: it is left out, and that is said (one finding for all rows)."""
        if rows.any():
            date, time = (describe(rule, context.table.key) for rule in self.date)
            message = f"{time} holds a time, but {date} no date: the time is left out"
            context.report_rows(rows, "CDW-MAP-TIME", message, "warning", column=time, fix_in="raw")

    def _read(self, column: pd.Series, parse: Parser, context: Context, place: int) -> tuple[pd.Series, np.ndarray]:
        """Return ISO 8601 text, and the rows that are a finding."""
        codes, texts = columns.distinct(columns.as_text(column))
        parsed = parse(texts)
        name = describe(self.date[place], context.table.key)
        told = np.zeros(len(codes), dtype=bool)
        for code, result in enumerate(parsed):
            if result.status in _TROUBLE:
                told |= codes == code
                severity, rule, words = _TROUBLE[result.status]
                message = f"'{texts[code]}' in {name} {words}: {result.reason}"
                context.report_value(
                    codes == code, name, texts[code], rule, message, severity=severity, kind="date", whole=True
                )
        return columns.from_codes(codes, [result.iso for result in parsed]), told

    def provenance(self, table: TableKey) -> Provenance:
        """Collected."""
        merged = merge_provenance([rule.provenance(table) for rule in self.date], "")
        origin = self.origin or merged.origin
        return Provenance(origin, merged.source, "", merged.forms, merged.columns)


class IntervalRule(RuleBase):
    """`{interval: [DATDEB, DATFIN]}`: an ISO 8601 interval of two dates (an uncertain date of SDTMIG 3.4, 4.4.1).

    The inputs are ISO 8601: `{interval: [{date: DATDEB}, {date: DATFIN}]}`. With one of them only, it is that date.
    """

    interval: tuple[Input, Input]

    def check(self, scope: Scope, way: Way) -> None:
        """Check both ends."""
        for place, rule in enumerate(self.interval):
            rule.check(scope, (*way, "interval", place))

    def evaluate(self, context: Context) -> pd.Series:
        """Return the interval."""
        start, end = (columns.as_text(rule.evaluate(context)) for rule in self.interval)
        both = ~columns.missing(start) & ~columns.missing(end) & ~columns.same_text(start, end)
        made = interval(start, end)
        turned = both & (compare_partial(start, end) > 0)
        message = "an interval ends before it starts"
        context.report_rows(turned, "CDW-MAP-DATE-IMPOSSIBLE", message, "warning", fix_in="raw")
        return columns.choose([both, ~columns.missing(start), ~columns.missing(end)], [made, start, end], len(context))

    def provenance(self, table: TableKey) -> Provenance:
        """As its ends."""
        merged = merge_provenance([rule.provenance(table) for rule in self.interval], "Interval of two dates.")
        return Provenance(self.origin or merged.origin, merged.source, merged.method, merged.forms, merged.columns)


class DurationRule(RuleBase):
    """`{duration: DUREE, unit: weeks}`: a collected length of time as an ISO 8601 duration (P2W), for --DUR and --EVLINT.

    A text that is no number is an error finding and has no value.
    """

    duration: Input
    unit: Literal["years", "months", "weeks", "days", "hours", "minutes", "seconds"]

    def check(self, scope: Scope, way: Way) -> None:
        """Check the input."""
        self.duration.check(scope, (*way, "duration"))

    def evaluate(self, context: Context) -> pd.Series:
        """Return the duration of each row."""
        codes, texts = columns.distinct(columns.as_text(self.duration.evaluate(context)))
        name = describe(self.duration, context.table.key)
        numbers = [read_number(text, context.decimal) for text in texts]
        for code, number in enumerate(numbers):
            if number is None or number.startswith("-"):
                message = "is no length of time"
                context.report_value(codes == code, name, texts[code], "CDW-MAP-NUMBER", message, kind="number")
        return columns.from_codes(codes, [self._written(number) for number in numbers])

    def _written(self, number: str | None) -> str | None:
        if number is None or number.startswith("-"):
            return None
        short = number.rstrip("0").rstrip(".") if "." in number else number
        return f"P{'T' if self.unit in {'hours', 'minutes', 'seconds'} else ''}{short}{self.unit[0].upper()}"

    def provenance(self, table: TableKey) -> Provenance:
        """As its input."""
        inner = self.duration.provenance(table)
        return Provenance(self.origin or inner.origin, inner.source, inner.method, inner.forms, inner.columns)


class SasDateRule(RuleBase):
    """`{sas_date: AESTDTC}`: the date of an ISO 8601 text as a number, days since 1960-01-01 (for DATE9.).

    A partial date has none, unless `day` (and `month`) say what an unknown part counts as: `{sas_date: BRTHDTC, day: 15}`,
    `day: last` is the last day of the month.
    """

    sas_date: Input
    day: int | Literal["first", "last"] | None = None
    month: int | Literal["first", "last"] | None = None

    def check(self, scope: Scope, way: Way) -> None:
        """Check the input."""
        self.sas_date.check(scope, (*way, "sas_date"))

    def evaluate(self, context: Context) -> pd.Series:
        """Return SAS days, NaN where there is no date."""
        column = self.sas_date.evaluate(context)
        if columns.is_number(column):
            return column
        whole = columns.map_distinct(column, lambda texts: [self._whole(text) for text in texts])
        return pd.Series(date_days(whole))

    def _whole(self, text: str) -> str:
        """Fill the unknown parts as declared; the text stays as it is where nothing is declared."""
        date = text.split("T", maxsplit=1)[0]
        if len(date) == 4 and self.month is not None:
            date += f"-{_number(self.month, 12):02d}"
        if len(date) == 7 and self.day is not None:
            date += f"-{_number(self.day, _last_day(date)):02d}"
        return date

    def provenance(self, table: TableKey) -> Provenance:
        """Derived: the date part as a number."""
        inner = self.sas_date.provenance(table)
        what = describe(self.sas_date, table)
        filled = "" if self.day is None else f", an unknown day counted as {self.day}"
        filled += "" if self.month is None else f", an unknown month as {self.month}"
        method = f"Numeric date part of {what}{filled}."
        return self.derived(method, [inner])


def _number(part: int | str, last: int) -> int:
    return last if part == "last" else 1 if part == "first" else int(part)


def _last_day(month: str) -> int:
    """Return the number of the last day of a month written yyyy-mm."""
    following = (np.datetime64(month, "M") + 1).astype("datetime64[D]")
    return int(str(following - 1)[8:])
