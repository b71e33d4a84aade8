"""Station 5: analysis datasets from domains, by the same mapping language; time-to-event parameters among them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from .algorithms import columns
from .algorithms.assign import ValueRule
from .algorithms.base import Context, RuleBase, Table
from .algorithms.derive import as_kind
from .algorithms.lookup import subject_of
from .algorithms.sources import sequence_of
from .dataset import BuiltDataset, Provenance
from .derivations.consecutive_days import Measurements, Recovery, first_of_consecutive_days
from .derivations.keys import rows_of
from .derivations.time_to_event import TimeSource, time_to_event
from .derived_records import derived_rows
from .finish import shape, sort_records
from .mapping import ABOVE, EventSource, Excluding, Records, RecoveryRule, TimeToEvent
from .plan import BlockPlan, DatasetPlan
from .sdtm import Block, Mapped, Mapper, merge_parts, through_working_columns
from .tables import StudyTables

NO_SOURCE = "CDW-MAP-TTE"


def derive_dataset(plan: DatasetPlan, tables: StudyTables) -> BuiltDataset:
    """Derive one analysis dataset: its records mapped, sorted and shaped (lengths are given over the whole package)."""
    mapper = AnalysisMapper(plan, tables)
    for part in plan.blocks:
        mapper.blocks += mapper.map_block(part)
    mapped = mapper.stack(mapper.blocks)
    mapper.set_over_all(mapped)
    mapper.name_tables(mapped)
    sort_records(mapped)
    return shape(mapped)


class AnalysisMapper(Mapper):
    """A mapper that also knows time-to-event parameters, and records made of those above them."""

    def __init__(self, plan: DatasetPlan, tables: StudyTables) -> None:
        super().__init__(plan, tables)
        self.blocks: list[Block] = []
        """The blocks mapped so far."""

    def rows(self, records: Records) -> Table:
        """Return the rows of a block: of other datasets, or made of the records above."""
        if not records.is_derived:
            return super().rows(records)
        table = derived_rows(records, self._bare(self._above(self.stack(self.blocks))))
        return table if records.when is None else table.select(np.flatnonzero(self._bare(table).mask(records.when)))

    @staticmethod
    def _above(mapped: Mapped) -> Table:
        return Table(ABOVE, mapped.frame, mapped.sources, columns.as_text(mapped.frame["USUBJID"]))

    def context(self, table: Table) -> Context:
        """Return the context of a block's rows; what is made of the records above keeps its variables."""
        context = super().context(table)
        if table.key == ABOVE:
            context.values.update({name: table.frame[name] for name in self.plan.variables if name in table.frame})
        return context

    def set_variables(self, rules: Mapping[str, RuleBase], context: Context, records: Records) -> None:
        """Evaluate the rules; those on the records above say so in their methods."""
        if context.table.key != ABOVE:
            super().set_variables(rules, context, records)
            return
        for name, rule in rules.items():
            made = self._value(name, rule, context)
            context.values[name] = made
            # A column of the records above comes first: what is set here stands in its place.
            if name in context.table.frame.columns:
                context.table.frame[name] = made
            self._note_above(name, rule, records)

    def _note_above(self, name: str, rule: RuleBase, records: Records) -> None:
        """Write down how a variable is made of the records above; a copy adds nothing to what they say."""
        named = Records.model_construct(dataset=self.plan.name, let=records.let)
        said = through_working_columns(rule.provenance(named.key), named)
        if said.predecessor and name in self.provenance:
            return
        method = (said.method or (f"{said.predecessor}." if said.predecessor else "")).replace(f"{self.plan.name}.", "")
        own = tuple(dict.fromkeys(self._of_dataset(column, records) for column in said.columns))
        made = Provenance("Derived" if said.predecessor else said.origin, "Sponsor", in_words(method, records), (), own)
        code = records.set.get("PARAMCD")
        if isinstance(code, ValueRule) and name in {"AVAL", "AVALC"}:
            self.by_value[name, "PARAMCD", code.text] = made
        self.provenance.setdefault(name, []).append(made)

    def _of_dataset(self, column: str, records: Records) -> str:
        """Return a column as the dataset has it: a working name of a computed parameter is its AVAL."""
        item = None if records.computed is None else records.computed.values.get(column.partition(".")[2])
        return column if item is None else f"{self.plan.name}.{item.value}"

    def _note_derived(self, records: Records) -> None:
        """Write down what the records made of those above hold, beside what is said of the records above."""
        kind = records.set.get("DTYPE")
        which = f"DTYPE {kind.text}" if isinstance(kind, ValueRule) else "a summary"
        said: dict[str, str] = {}
        if records.summarized is not None:
            same = f"of the records with the same {', '.join(records.summarized.by)}"
            same += f" where {records.summarized.where}" if records.summarized.where else ""
            said = {name: f"{how} of {name} {same}" for name, how in records.summarized.values.items()}
        if records.carried is not None:
            last = f"of the last record of an earlier visit by {', '.join(records.carried.order)}"
            said = {"AVAL": f"AVAL {last}"} | dict.fromkeys(("AVISIT", "AVISITN"), "visit without a record")
        for name, method in said.items():
            if name in self.plan.variables and name not in records.set:
                before = [_told(part) for part in self.provenance.get(name, [])]
                self.provenance[name] = [*before, Provenance("Derived", "Sponsor", f"In records of {which}: {method}.")]

    def name_tables(self, mapped: Mapped) -> None:
        """Let the methods say what the tables of study.yaml hold."""
        in_words = self.tables.plan.study.file.analysis.in_words
        for name, part in mapped.provenance.items():
            mapped.provenance[name] = replace(part, method=in_words(part.method))

    def set_over_all(self, mapped: Mapped) -> None:
        """Set the variables that are about all records of the dataset together."""
        rules = self.plan.mapping.set
        if not rules:
            return
        whole = Records.model_construct(let={}, set={})
        context = super().context(self._above(mapped))
        before = {name: list(parts) for name, parts in self.provenance.items() if name in rules}
        self.provenance = {name: parts for name, parts in self.provenance.items() if name not in rules}
        self.set_variables(rules, context, whole)
        for name in rules:
            mapped.frame[name] = context.values[name]
            parts = self.provenance.get(name) or before.get(name, [])
            mapped.provenance[name] = merge_parts(parts)

    def map_block(self, part: BlockPlan) -> list[Block]:
        """Map one block; each time-to-event parameter of it is a block of records of its own."""
        self._note_derived(part.records)
        if not part.records.time_to_event:
            return super().map_block(part)
        context = self.context(self.rows(part.records))
        for name, rule in part.records.let.items():
            context.values[name] = rule.evaluate(context)
        self.set_variables(part.records.set, context, part.records)
        return [self._parameter(parameter, context, part.records) for parameter in part.records.time_to_event]

    def _parameter(self, parameter: TimeToEvent, context: Context, records: Records) -> Block:
        """Return one record for each subject with a time origin, of the event or else of the censoring."""
        start = as_kind(context.column(parameter.start), "days", context)
        keep = ~np.isnan(start)
        if parameter.when is not None:
            keep &= context.mask(parameter.when)
        positions = np.flatnonzero(keep)
        inner = context.inside(context.table.select(positions))
        inner.values = {name: columns.take(column, positions) for name, column in context.values.items()}
        start = start[positions]
        self._set_times(parameter, inner, start)
        self.set_variables(parameter.set, inner, records)
        self._note(parameter)
        return self._without_sources(inner, records)

    def _set_times(self, parameter: TimeToEvent, inner: Context, start: np.ndarray) -> None:
        made = time_to_event(
            subject_of(inner.table),
            start,
            [self._source(source, inner, start, 0) for source in parameter.events],
            [self._source(source, inner, start, 1) for source in parameter.censorings],
            stops=[self._source(source, inner, start, 1) for source in parameter.stops],
            add_one=bool(parameter.first_day),
        )
        inner.values.update({str(name): made[name] for name in made.columns})

    def _source(self, source: EventSource, inner: Context, start: np.ndarray, censoring: int) -> TimeSource:
        """Return the candidate records of one source."""
        there, keep, days = self._records_of(source, inner)
        if source.recovery is not None:
            keep &= self._on_first_day(source.recovery, there, days, keep, inner, start)
        sequence = sequence_of(there)
        return TimeSource(
            columns.take(subject_of(there.table), np.flatnonzero(keep)),
            days[keep],
            censoring if source.censoring is None else source.censoring,
            source.description,
            source.dataset,
            source.date,
            source.date_description,
            pd.Series(sequence[keep]),
        )

    def _records_of(self, source: EventSource | Excluding, inner: Context) -> tuple[Context, np.ndarray, np.ndarray]:
        """Return the dataset of a source, which of its records count, and their days."""
        there = inner.inside(self.tables.table(("dataset", source.dataset)))
        keep = there.mask(source.where)
        return there, keep, as_kind(there.column(source.date), "days", there)

    def _on_first_day(
        self, rule: RecoveryRule, there: Context, days: np.ndarray, keep: np.ndarray, inner: Context, start: np.ndarray
    ) -> np.ndarray:
        """Return which records lie on the first day of the recovery of their subject."""
        subject = subject_of(there.table)
        places = np.flatnonzero(keep)
        measured = Measurements(columns.take(subject, places), days[places], there.mask(rule.holds)[places])
        looked_for = Recovery(rule.days, rule.missing_day, rule.same_day)
        excluded = None
        if rule.excluding is not None:
            looked_for = replace(looked_for, clear_before=rule.excluding.before, clear_after=rule.excluding.after)
            other, counted, dates = self._records_of(rule.excluding, inner)
            excluded = (columns.take(subject_of(other.table), np.flatnonzero(counted)), dates[counted])
        index = pd.Index(subject_of(inner.table).astype("str"))
        first = first_of_consecutive_days(subject_of(inner.table), start, measured, looked_for, excluded)
        return np.asarray(days == np.append(first, np.nan)[rows_of(index, subject)])

    def _without_sources(self, inner: Context, records: Records) -> Block:
        """Leave out subjects without event and censoring date, as an error finding."""
        lost = inner.values["ADT"].isna().to_numpy()
        inner.report_rows(lost, NO_SOURCE, "a subject has a time origin but neither an event nor a censoring date")
        positions = np.flatnonzero(~lost)
        kept = inner.inside(inner.table.select(positions))
        kept.values = {name: columns.take(column, positions) for name, column in inner.values.items()}
        return self.finish_block(kept, records)

    def _note(self, parameter: TimeToEvent) -> None:
        """Write down where the times come from, for define.xml."""
        code = parameter.set.get("PARAMCD")
        value = str(getattr(code, "value", ""))
        events = "; ".join(_words(source) for source in parameter.events)
        censorings = "; ".join(_words(source) for source in parameter.censorings)
        stops = "; ".join(_words(source) for source in parameter.stops)
        limit = f", both not after the first of: {stops}" if stops else ""
        plus = " + 1" if parameter.first_day else ""
        methods = {
            "AVAL": f"ADT - STARTDT{plus}, in days.",
            "ADT": f"Earliest of: {events}. Without an event the latest of: {censorings}{limit}.",
            "CNSR": "0 for an event, 1 (or the declared value) for a censored subject.",
            "STARTDT": f"ADSL.{parameter.start}.",
        }
        for name, method in methods.items():
            found = Provenance("Derived", "Sponsor", method)
            self.provenance.setdefault(name, [])
            if name in {"AVAL", "ADT"}:
                self.by_value[name, "PARAMCD", value] = found
            if found not in self.provenance[name]:
                self.provenance[name].append(found)
        for name in ("SRCDOM", "SRCVAR", "SRCSEQ", "EVNTDESC", "CNSDTDSC"):
            self.provenance.setdefault(name, [Provenance("Assigned", "Sponsor")])


def _told(part: Provenance) -> Provenance:
    """Return a copy's provenance as a method, since it is no copy in all records."""
    if not part.predecessor:
        return part
    return replace(part, origin="Derived", source="Sponsor", method=f"{part.predecessor}.", predecessor="")


def in_words(method: str, records: Records) -> str:
    """Return a method that names the parameters a computed one is made of, not the working names of their values."""
    if records.computed is None:
        return method
    for name, item in sorted(records.computed.values.items(), key=lambda pair: -len(pair[0])):
        method = re.sub(rf"(?<![\w'.]){re.escape(name)}(?![\w'])", f"{item.value} of {item.parameter}", method)
    return method


def _words(source: EventSource) -> str:
    where = f" where {source.where}" if source.where else ""
    run = f", first of {source.recovery.days} consecutive days with {source.recovery.holds}" if source.recovery else ""
    return f"{source.dataset}.{source.date}{where}{run}"
