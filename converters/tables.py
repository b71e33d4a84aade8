"""Station 1 and the tables behind a mapping: raw forms read when they are needed, datasets once they are mapped.

Raw text is only tidied here: surrounding blanks go, and the study's words for "no value" become missing; both are counted
in findings. Rows are counted, so that the balance sheet can say where each one went.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cdiscway.specs.codelists import Terminology

from .algorithms import columns
from .algorithms.assign import evaluate_condition
from .algorithms.base import Context, Table, TableKey
from .algorithms.lookup import matching_codes, subject_of
from .mapping import Join
from .plan import Plan
from .plan_checks import has_subject
from .readers.raw import RawNote
from .readers.sdtm import GivenDataset, read_dataset
from .reporter import Reporter


@dataclass
class FormBalance:
    """What became of the rows of one raw form: of the records of its file, by their `numbers`."""

    form: str
    file: str
    numbers: np.ndarray
    excluded: dict[str, int] = field(default_factory=dict)
    datasets: set[str] = field(default_factory=set)
    used: np.ndarray = field(init=False)
    left_out: np.ndarray = field(init=False)

    rows: int = field(init=False)
    """How many records of the file the form has."""

    def __post_init__(self) -> None:
        last = int(self.numbers.max()) if len(self.numbers) else 0
        self.used, self.left_out, held = (np.zeros(last, dtype=bool) for _ in range(3))
        held[self.numbers - 1] = True
        self.rows = int(held.sum())

    @property
    def unaccounted(self) -> int:
        """Rows that became no record and are under no declared exclusion."""
        return self.rows - int((self.used | self.left_out).sum())

    def exclude(self, numbers: np.ndarray, why: str) -> None:
        """Count rows that become no record, under their reason."""
        self.excluded[why] = self.excluded.get(why, 0) + len(np.unique(numbers))
        self.left_out[numbers - 1] = True


class StudyTables:
    """Reads each raw form once, and keeps the datasets that are mapped."""

    def __init__(self, plan: Plan, reporter: Reporter) -> None:
        self.plan = plan
        self.reporter = reporter
        self.balance: dict[str, FormBalance] = {}
        self._tables: dict[TableKey, Table] = {}

    def table(self, key: TableKey) -> Table:
        """Return the table of a form, of a dataset that is given, or of one mapped before."""
        if key not in self._tables and key[0] == "dataset" and key[1] in self.plan.given:
            self._read_given(self.plan.given[key[1]])
        if key not in self._tables and key[0] == "form":
            self._tables[key] = self._read_form(key[1])
        return self._tables[key]

    def keep(self, name: str, frame: pd.DataFrame, sources: pd.DataFrame | None) -> None:
        """Keep a dataset for the lookups of others."""
        subject = frame["USUBJID"] if "USUBJID" in frame.columns else None
        self._tables["dataset", name] = Table(("dataset", name), frame, sources, subject)

    def _read_given(self, given: GivenDataset) -> None:
        """Read a dataset that the study begins with; records of another study are an error finding."""
        frame = read_dataset(given)
        self.keep(given.name, frame, None)
        study = self.plan.study.file.study
        if "STUDYID" in frame.columns:
            codes, names = columns.distinct(frame["STUDYID"])
            rows = np.isin(codes, [place for place, name in enumerate(names) if name != study])
            if rows.any():
                message = f"STUDYID is not {study}, the study of study.yaml, which the analysis datasets will say"
                self.reporter.report(
                    "CDW-STUDYID", "error", given.name, message, variable="STUDYID", rows=rows, fix_in="raw"
                )

    def join(self, table: Table, join: Join, dataset: str) -> Table:
        """Return the table with the columns of another form added, for the rows that agree.

        A row with several partners is kept once for each if the mapping says `multiplies`; else it is an error finding and
        the row stays single, without the columns.
        """
        other = self.table(("form", join.form))
        if join.where is not None:
            keep = evaluate_condition(self.context(other, dataset, self.plan.terminology), join.where)
            other = other.select(np.flatnonzero(keep))
        here, there = join_codes(table, other, join.match)
        left, right = partners(here, there)
        counts = np.bincount(left, minlength=len(table))
        if not join.multiplies and (counts > 1).any():
            message = f"the join with form {join.form} finds several rows for one; say 'multiplies: true' if it should"
            self.reporter.report(
                "CDW-MAP-JOIN", "error", dataset, message, rows=counts > 1, sources=table.sources, fix_in="mapping"
            )
            right = np.where(counts[left] > 1, -1, right)
            left, first = np.unique(left, return_index=True)
            right = right[first]
        if len(other) and len(table) and (right < 0).all():
            by = ", ".join(join.match) or "the subject"
            message = f"the join with form {join.form} finds no row for any record: do the values of {by} agree?"
            nowhere = np.ones(len(table), dtype=bool)
            self.reporter.report(
                "CDW-MAP-JOIN", "warning", dataset, message, rows=nowhere, sources=table.sources, fix_in="mapping"
            )
        joined = table.select(left)
        for name in join.take:
            joined.frame[name] = columns.take(other.frame[name], right)
        return joined

    def context(self, table: Table, dataset: str, terminology: Terminology) -> Context:
        """Return the context to map rows of `table` for `dataset`."""
        return Context(table, self, self.plan.study, terminology, self.reporter, dataset, synonyms=self.plan.synonyms)

    def mark_used(self, sources: pd.DataFrame, dataset: str) -> None:
        """Note that raw rows became records of a dataset."""
        for form, rows in sources.groupby("form", observed=True)["row"]:
            balance = self.balance[str(form)]
            balance.used[rows.dropna().to_numpy(dtype=np.int64) - 1] = True
            balance.datasets.add(dataset)

    def read_all(self) -> None:
        """Read the forms no mapping has asked for, so that their rows are counted too."""
        for name in self.plan.forms:
            self.table(("form", name))

    def _read_form(self, name: str) -> Table:
        form = self.plan.forms[name]
        raw = self.plan.raw.read(name)
        rows = len(raw.frame)
        numbers = np.arange(1, rows + 1) if raw.numbers is None else raw.numbers
        sources = form_sources(name, form.file, numbers)
        for note in raw.notes:
            self._report_note(note, name, sources)
        nothing = {"", *self.plan.study.file.raw.missing, *form.missing}
        tidied = {column: self._tidy(raw.frame[column], name, column, sources, nothing) for column in raw.frame.columns}
        table = Table(("form", name), pd.DataFrame(tidied, index=pd.RangeIndex(rows)), sources)
        self.balance[name] = FormBalance(name, form.file, numbers)
        keep = np.ones(rows, dtype=bool)
        for why, aside in raw.aside.items():
            keep[list(aside)] = False
            self.balance[name].exclude(numbers[list(aside)], why)
        table = table if keep.all() else table.select(np.flatnonzero(keep))
        table = self._without_excluded(table, name)
        return self._with_subject(table)

    def _report_note(self, note: RawNote, form: str, sources: pd.DataFrame) -> None:
        rows = None if note.rows is None else np.isin(np.arange(len(sources)), note.rows)
        self.reporter.report(
            note.rule, note.severity, form, note.message,
            variable=note.column, value=note.value, rows=rows, sources=sources, column=note.column, fix_in="raw",
        )  # fmt: skip

    def _tidy(self, column: pd.Series, form: str, name: str, sources: pd.DataFrame, nothing: set[str]) -> pd.Series:
        codes, texts = columns.distinct(column)
        tidied = [text.strip() for text in texts]
        changed = [place for place, text in enumerate(texts) if text != tidied[place] and tidied[place]]
        if changed:
            message = f"surrounding blanks of {name} are left out"
            rows = np.isin(codes, changed)
            self.reporter.report(
                "CDW-RAW-BLANKS",
                "info",
                form,
                message,
                variable=name,
                rows=rows,
                sources=sources,
                column=name,
                fix_in="raw",
            )
        for place, text in enumerate(tidied):
            if text and text in nothing:
                message = f"'{text}' in {name} counts as no value, as study.yaml says"
                self.reporter.report(
                    "CDW-RAW-MISSING", "info", form, message,
                    variable=name, value=text, rows=codes == place, sources=sources, column=name, fix_in="raw",
                )  # fmt: skip
        return columns.from_codes(codes, [None if text in nothing else text for text in tidied])

    def _without_excluded(self, table: Table, name: str) -> Table:
        keep = np.ones(len(table), dtype=bool)
        for item in self.plan.study.file.excluded:
            if item.form == name:
                out = keep & evaluate_condition(self.context(table, "", self.plan.terminology), item.when)
                if table.sources is not None and out.any():
                    self.balance[name].exclude(table.sources["row"].to_numpy(dtype=np.int64)[out], item.why)
                keep &= ~out
        return table if keep.all() else table.select(np.flatnonzero(keep))

    def _with_subject(self, table: Table) -> Table:
        """Add the subject of each row, by the rules of study.yaml."""
        if has_subject(self.plan.study, list(table.frame.columns)):
            table.subject = identifiers(self.context(table, "", self.plan.terminology))["USUBJID"]
        return table


def join_codes(table: Table, other: Table, match: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return a code per row of both tables, equal where they agree in the `match` columns (or the subject), else -1."""
    pairs = [(table.frame[name], other.frame[name]) for name in match] or [(subject_of(table), subject_of(other))]
    return matching_codes(pairs)


def partners(here: np.ndarray, there: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return positions (left, right) of all pairs with equal codes; a left row without partner has -1, in left order."""
    order = np.argsort(there, kind="stable")
    ordered = there[order]
    start, end = np.searchsorted(ordered, here, "left"), np.searchsorted(ordered, here, "right")
    counts = np.where(here >= 0, end - start, 0)
    left = np.repeat(np.arange(len(here)), np.maximum(counts, 1))
    offset = np.arange(len(left)) - np.repeat(
        np.cumsum(np.maximum(counts, 1)) - np.maximum(counts, 1), np.maximum(counts, 1)
    )
    place = np.minimum(np.repeat(start, np.maximum(counts, 1)) + offset, max(len(order) - 1, 0))
    right = np.where(counts[left] > 0, order[place] if len(order) else -1, -1)
    return left, right


def identifiers(context: Context) -> dict[str, pd.Series]:
    """Return STUDYID and the study's subject identifiers (SITEID, SUBJID, USUBJID) for each row of a form."""
    study = context.study.file
    inner = context.inside(context.table)
    inner.values["STUDYID"] = columns.constant(study.study, len(context))
    for name, rule in study.subject.items():
        inner.values[name] = rule.evaluate(inner)
    return inner.values


def form_sources(form: str, file: str, numbers: np.ndarray) -> pd.DataFrame:
    """Return the source of each row of a raw file: form, file, row (1 = the first record)."""
    rows = len(numbers)
    return pd.DataFrame(
        {
            "form": columns.constant(form, rows),
            "file": columns.constant(file, rows),
            "row": pd.Series(numbers, dtype="Int64"),
        }
    )


def no_sources(rows: int) -> pd.DataFrame:
    """Return the sources of records that come from no single raw row."""
    return pd.DataFrame(
        {"form": columns.nothing(rows), "file": columns.nothing(rows), "row": pd.Series([pd.NA] * rows, dtype="Int64")}
    )


def stack_sources(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Put the sources of several blocks below each other."""
    stacked: Mapping[str, pd.Series] = {
        name: columns.stack([part[name] for part in parts])
        for name in ("form", "file", "mapping")
        if all(name in part.columns for part in parts)
    }
    rows = pd.concat([part["row"] for part in parts], ignore_index=True)
    return pd.DataFrame({**stacked, "row": rows})
