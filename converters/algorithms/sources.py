"""A day of several declared sources: the earliest, the latest, the last known alive; with what and where it was found."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field

from cdiscway.converters.dataset import Provenance
from cdiscway.converters.derivations.age import possible_days
from cdiscway.converters.derivations.extreme_event import EventRecords, Extreme, extreme_event
from cdiscway.converters.derivations.keys import label_codes
from cdiscway.converters.derivations.last_known_alive import last_known_alive
from cdiscway.specs.load import Way
from cdiscway.specs.model import Strict

from . import columns
from .assign import check_condition, describe
from .base import Context, RuleBase, Scope, TableKey, merge_provenance
from .derive import as_kind
from .iso8601 import EPOCH
from .lookup import subject_of

if TYPE_CHECKING:
    from .vocabulary import Input

TIES, AFTER_DEATH = "CDW-MAP-DERIVE", "CDW-MAP-ALIVE"
SEQUENCE = re.compile(r"[A-Z][A-Z0-9]SEQ")
"""The names of sequence numbers of a domain (AESEQ)."""


class DateSource(Strict):
    """Records of a `dataset` at their `date` (SAS days or ISO 8601), of those where `where` holds; `gives` is a value of them.

    `order` decides between records of one day; without it --SEQ.
    """

    dataset: str
    date: str
    where: str | None = None
    gives: Input | None = None
    order: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """The source in words."""
        return f"{self.dataset}.{self.date}" + (f" where {self.where}" if self.where else "")


class SourcesRule(RuleBase):
    """What the words of this file share: the limits, what of the chosen record is wanted, what partial dates show."""

    part: Literal["date", "value", "dataset", "variable", "sequence"] = "date"
    not_before: tuple[Input, ...] = ()
    not_after: tuple[Input, ...] = ()
    partial: Literal["none", "first"] = "none"

    word: ClassVar[str]
    """The word of the language, under which the sources stand."""

    @property
    def sources(self) -> tuple[DateSource, ...]:
        """The sources in their order."""
        found: tuple[DateSource, ...] = getattr(self, self.word)
        return found

    def choose(self, records: list[EventRecords], context: Context) -> Extreme:
        """Return the chosen record of each subject."""
        low = [as_kind(rule.evaluate(context), "days", context) for rule in self.not_before]
        latest = self.word != "earliest"
        return extreme_event(
            subject_of(context.table), records, latest=latest, not_before=low, not_after=self.limits(context)
        )

    def limits(self, context: Context) -> list[npt.NDArray[np.float64]]:
        """Return the days past which no record is looked at."""
        return [as_kind(rule.evaluate(context), "days", context) for rule in self.not_after]

    def check(self, scope: Scope, way: Way) -> None:
        """The datasets and their columns must be there."""
        with scope.without_target():
            for word in ("not_before", "not_after"):
                for place, rule in enumerate(getattr(self, word)):
                    rule.check(scope, (*way, word, place))
        for place, source in enumerate(self.sources):
            here = (*way, self.word, place)
            other = scope.other(("dataset", source.dataset), (*here, "dataset"))
            if other is None:
                continue
            other.use(source.date, (*here, "date"))
            if source.where is not None:
                check_condition(other, source.where, (*here, "where"))
            if source.gives is not None:
                source.gives.check(other, (*here, "gives"))
            for name in source.order:
                other.use(name, (*here, "order"))
        if self.part == "value" and all(source.gives is None for source in self.sources):
            scope.add((*way, "part"), "'part: value' needs 'gives' in the sources", "")

    def evaluate(self, context: Context) -> pd.Series:
        """Return the part that is asked for, of each row's subject; limits are those of the subject, not of a record."""
        inner, spread = one_row_per_subject(context)
        if inner is context:
            return self._of_subjects(context)
        for rule in self.limit_rules:
            days = np.asarray(as_kind(rule.evaluate(context), "days", context), dtype=np.float64)
            theirs = np.append(as_kind(rule.evaluate(inner), "days", inner), np.nan)[spread]
            differs = ~((days == theirs) | (np.isnan(days) & np.isnan(theirs)))
            differs = (spread >= 0) & np.isin(spread, spread[differs])  # all records of the subject
            context.report_rows(differs, TIES, "a limit differs between the records of a subject: there is no day")
            spread = np.where(differs, -1, spread)
        return columns.take(self._of_subjects(inner), spread)

    @property
    def limit_rules(self) -> tuple[Input, ...]:
        """The rules that give the limits."""
        return (*self.not_before, *self.not_after)

    def _of_subjects(self, context: Context) -> pd.Series:
        """Return the part that is asked for; each row is a subject of its own."""
        there = [context.inside(context.tables.table(("dataset", source.dataset))) for source in self.sources]
        pairs = list(zip(self.sources, there, strict=True))
        records = [self._records(source, other) for source, other in pairs]
        found = self.choose(records, context)
        if self.part == "date":
            return pd.Series(found.days)
        if self.part in {"dataset", "variable"}:
            names = [source.dataset if self.part == "dataset" else source.date for source in self.sources]
            return label_codes(found.source, names)
        message = "several records of one day are alike in 'order' (or --SEQ): none is taken"
        context.report_rows(found.undecided, TIES, message)
        parts = [
            pd.Series(sequence_of(other)) if self.part == "sequence" else _given(source, other)
            for source, other in pairs
        ]
        starts = np.cumsum([0, *(len(part) for part in parts)])
        place = np.where(found.record >= 0, starts[found.source] + found.record, -1)
        return columns.take(columns.stack(parts), place)

    def _records(self, source: DateSource, there: Context) -> EventRecords:
        date = there.column(source.date)
        if self.partial == "first" and not columns.is_number(date):
            days = possible_days(columns.as_text(date))[0]
        else:
            days = np.asarray(as_kind(date, "days", there), dtype=np.float64)
        if source.where is not None:
            days = np.where(there.mask(source.where), days, np.nan)
        keys = [there.column(name) for name in source.order] or [pd.Series(sequence_of(there))]
        return EventRecords(columns.as_text(subject_of(there.table)), days, keys)

    def provenance(self, table: TableKey) -> Provenance:
        """Derived, with the sources in words."""
        said = ", ".join(source.words for source in self.sources)
        limits = [f"not before {describe(rule, table)}" for rule in self.not_before]
        limits += [f"not after {describe(rule, table)}" for rule in self.not_after]
        limits += self.more_words(table)
        what = {"date": "", "value": f"{self._given_words()} of the record with the ", "dataset": "Dataset of the ",
                "variable": "Variable of the ", "sequence": "Sequence number of the record with the "}[self.part]  # fmt: skip
        head = f"{what}{'earliest' if self.word == 'earliest' else 'latest'} of {said}"
        partial = "; a partial date counts as its first possible day" if self.partial == "first" else ""
        method = "".join([", ".join([head[0].upper() + head[1:], *limits]), partial, "."])
        names = tuple(f"{source.dataset}.{source.date}" for source in self.sources)
        merged = merge_provenance([rule.provenance(table) for rule in (*self.not_before, *self.not_after)], method)
        return Provenance(
            self.origin or "Derived", "Sponsor", method, merged.forms, tuple(dict.fromkeys([*names, *merged.columns]))
        )

    def _given_words(self) -> str:
        """Return the values that the sources give, in words."""
        said = [
            describe(source.gives, ("dataset", source.dataset)) for source in self.sources if source.gives is not None
        ]
        return " or ".join(dict.fromkeys(said))

    def more_words(self, table: TableKey) -> list[str]:
        """Return further limits in words."""
        return []


class EarliestRule(SourcesRule):
    """`{earliest: [{dataset: CE, date: CESTDTC, where: CEDECOD == "RELAPSE"}, {dataset: ADSL, date: DTHDT}]}`: the first day.

    `part` gives, instead of the day, a value of the chosen record (`gives` in the source: DTHCAUS), or where it was found
    (dataset, variable, sequence). Of records of one day the source declared first counts, then its `order`, or --SEQ.
    """

    word: ClassVar[str] = "earliest"
    earliest: tuple[DateSource, ...] = Field(min_length=1)


class LatestRule(SourcesRule):
    """`{latest: [{dataset: EX, date: EXENDTC}], not_after: [DTHDT]}`: the last day; otherwise as `earliest`."""

    word: ClassVar[str] = "latest"
    latest: tuple[DateSource, ...] = Field(min_length=1)


class LastAliveRule(SourcesRule):
    """`{last_alive: [{dataset: SV, date: SVSTDTC}, {dataset: LB, date: LBDTC}], death: DTHDT, cutoff: true}`: LSTALVDT.

    The latest day that a record shows, never past death (`death`), the cut-off of study.yaml (`cutoff: true`) and the days of
    `not_after`. Who died was alive until that day. A record after death is no sign of life, and a warning. A partial date shows
    no day, or with `partial: first` the first that it may stand for; it is never imputed upward.
    """

    word: ClassVar[str] = "last_alive"
    last_alive: tuple[DateSource, ...] = Field(min_length=1)
    death: Input | None = None
    cutoff: bool = False

    @property
    def limit_rules(self) -> tuple[Input, ...]:
        """The rules that give the limits, the day of death among them."""
        return (*super().limit_rules, *(() if self.death is None else (self.death,)))

    def check(self, scope: Scope, way: Way) -> None:
        """Check the sources and the day of death."""
        super().check(scope, way)
        if self.death is not None:
            with scope.without_target():
                self.death.check(scope, (*way, "death"))

    def limits(self, context: Context) -> list[npt.NDArray[np.float64]]:
        """Return the days of `not_after`, and the cut-off."""
        found = super().limits(context)
        if self.cutoff:
            found.append(np.array((np.datetime64(context.study.file.raw.cutoff, "D") - EPOCH).astype(np.float64)))
        return found

    def choose(self, records: list[EventRecords], context: Context) -> Extreme:
        """Return the last sign of life of each subject."""
        subjects = columns.as_text(subject_of(context.table))
        death = np.full(len(context), np.nan)
        if self.death is not None:
            death = np.asarray(as_kind(self.death.evaluate(context), "days", context), dtype=np.float64)
        if self.part == "date":
            last = extreme_event(subjects, records, latest=True, not_after=self.limits(context)).days
            message = "a record is dated after the day of death: it is no sign of life"
            context.report_rows(last > death, AFTER_DEATH, message, "warning", fix_in="raw")
        return last_known_alive(subjects, records, death=death, not_after=self.limits(context))

    def more_words(self, table: TableKey) -> list[str]:
        """Return death and cut-off in words."""
        said = (
            [f"not after the day of death ({describe(self.death, table)}), which counts itself"] if self.death else []
        )
        return said + (["not after the cut-off"] if self.cutoff else [])


def one_row_per_subject(context: Context) -> tuple[Context, npt.NDArray[np.int64]]:
    """Return the context of the first row of each subject, and for each row the place of its subject in it."""
    codes, _ = columns.distinct(columns.as_text(subject_of(context.table)))
    _, first, spread = np.unique(codes, return_index=True, return_inverse=True)
    if len(first) == len(context):
        return context, np.arange(len(context))
    inner = context.inside(context.table.select(first))
    inner.values = {name: columns.take(column, first) for name, column in context.values.items()}
    inner.target = context.target
    return inner, spread


def sequence_of(there: Context) -> npt.NDArray[np.float64]:
    """Return --SEQ of a dataset (its own, else ASEQ, else that of the domain it analyses); missing where it has none.

    LSTALSEQ and the like, which number a record elsewhere, are none.
    """
    names = list(there.table.frame.columns)
    wanted = [f"{there.table.key[1]}SEQ", "ASEQ", *(name for name in names if SEQUENCE.fullmatch(name))]
    name = next((name for name in wanted if name in names), None)
    if name is None:
        return np.full(len(there), np.nan)
    return np.asarray(there.column(name), dtype=np.float64)


def _given(source: DateSource, there: Context) -> pd.Series:
    if source.gives is None:
        return columns.nothing(len(there))
    return source.gives.evaluate(there)
