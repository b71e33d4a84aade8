"""What every mapping algorithm is: a model of a few words that can be checked against the study, evaluated, described.

A rule is checked once, before any record is read (`check`, mistakes with their place in the file), and evaluated once per
record block (`evaluate`, one column for all its rows). `describe` is the sentence that define.xml shows as the method.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
import pandas as pd

from cdiscway.converters.dataset import OriginType, Provenance
from cdiscway.converters.reporter import Reporter, WorkItem
from cdiscway.specs.load import Way
from cdiscway.specs.mistakes import nearest
from cdiscway.specs.model import Codelist, Strict, VariableSpec
from cdiscway.validation.finding import FixIn, Severity

from . import columns
from .analysis_tables import Analysis
from .conditions import Expression, ExpressionError, Kind, parse_condition, parse_expression, parse_value

if TYPE_CHECKING:
    from cdiscway.converters.study import Study
    from cdiscway.specs.codelists import Terminology

TableKind = Literal["form", "dataset", "rows"]
TableKey = tuple[TableKind, str]


@dataclass
class Table:
    """Rows to map: a raw form, a dataset already built, or rows written in the mapping.

    `frame` holds the columns; `sources` has the columns form, file, row for each row of it (None for built datasets without);
    `subject` is USUBJID per row (None where the table has no subjects).
    """

    key: TableKey
    frame: pd.DataFrame
    sources: pd.DataFrame | None = None
    subject: pd.Series | None = None

    def __len__(self) -> int:
        return len(self.frame)

    def select(self, positions: np.ndarray) -> Table:
        """Return the table with only the rows at `positions`."""
        rows = {name: columns.take(self.frame[name], positions) for name in self.frame.columns}
        return Table(
            self.key,
            pd.DataFrame(rows, index=pd.RangeIndex(len(positions))),
            None if self.sources is None else self.sources.take(positions).reset_index(drop=True),
            None if self.subject is None else columns.take(self.subject, positions),
        )


class Tables(Protocol):
    """Gives the tables a lookup or a join asks for."""

    def table(self, key: TableKey) -> Table:
        """Return the table; datasets are mapped by then, because the plan orders them."""
        ...


@dataclass
class Scope:
    """What a rule may use, known before any record is read."""

    names: set[str]
    tables: Mapping[TableKey, Sequence[str]]
    table: TableKey
    terminology: Terminology
    add: Callable[[Way, str, str], None]
    """Reports a mistake: way in the file, message, hint."""
    used: set[tuple[TableKey, str]] = field(default_factory=set)
    needs: set[str] = field(default_factory=set)
    """Datasets that must be mapped before this one."""
    target: VariableSpec | None = None
    visits: frozenset[str] = frozenset()
    pivot: int | None = None
    """The last two-digit year of the 2000s that study.yaml declares."""
    windows: bool = False
    """Whether study.yaml declares windows of study days for its visits."""
    functions: Mapping[str, tuple[tuple[str, ...], str]] = field(default_factory=dict)
    """The functions of the study's derivations.py: name -> (inputs, docstring)."""
    analysis: Analysis = field(default_factory=Analysis)
    """The tables that study.yaml declares for analysis datasets."""
    unread: frozenset[TableKey] = frozenset()
    """Tables whose own file has mistakes: nothing can be said of their columns."""
    missed: set[TableKey] = field(default_factory=set)
    """Those of them that a rule asks for."""

    def use(self, name: str, way: Way) -> None:
        """Note that a column or variable is used; a mistake where there is none of that name."""
        own = self.tables.get(self.table, ())
        if name in own:
            self.used.add((self.table, name))
        elif name not in self.names:
            kind = {"form": "form", "dataset": "dataset", "rows": "rows of"}[self.table[0]]
            known = [*own, *self.names]
            self.add(way, f"{kind} {self.table[1]} has no column '{name}'", nearest(name, known))

    @contextmanager
    def without_target(self) -> Iterator[None]:
        """While inputs are checked: only what a rule yields must be a term of the target's codelist, not what it reads."""
        target, self.target = self.target, None
        try:
            yield
        finally:
            self.target = target

    def codelist(self, code: str) -> Codelist | None:
        """Return a codelist, or None where the loaded terminology does not hold it."""
        return self.terminology.find(code)

    def expression_names(self, text: str, way: Way, kind: Kind = "value") -> Sequence[str]:
        """Return the names an expression uses; a mistake where it cannot be read."""
        try:
            return parse_expression(text, kind=kind).columns
        except ExpressionError as error:
            self.add(way, str(error), "")
            return ()

    def other(self, key: TableKey, way: Way) -> Scope | None:
        """Return the scope inside another table, or None (and a mistake) where there is no such table."""
        if key in self.unread:
            self.missed.add(key)
            return None
        if key not in self.tables:
            known = [name for kind, name in self.tables if kind == key[0]]
            self.add(way, f"there is no {key[0]} '{key[1]}'", nearest(key[1], known))
            return None
        if key[0] == "dataset":
            self.needs.add(key[1])
        return replace(self, names=set(), table=key, target=None)


@dataclass
class Context:
    """One block of rows while it is mapped."""

    table: Table
    tables: Tables
    study: Study
    terminology: Terminology
    reporter: Reporter
    dataset: str
    values: dict[str, pd.Series] = field(default_factory=dict)
    target: VariableSpec | None = None
    rule: RuleBase | None = None
    """The rule whose result becomes the target, for what messages say of its columns."""
    among: np.ndarray | None = None
    """The rows whose value counts while a case is evaluated (None: all): nothing is told of the others."""
    synonyms: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """The study's own synonyms: NCI codelist code -> raw value -> submission value."""

    def __len__(self) -> int:
        return len(self.table)

    def column(self, name: str) -> pd.Series:
        """Return a raw column, or else a variable that was set before.

        A variable that the plan knows and this data does not have (permissible, and empty) is missing everywhere.
        """
        if name in self.table.frame.columns:
            found: pd.Series = self.table.frame[name]
            return found
        return self.values[name] if name in self.values else columns.nothing(len(self))

    def frame(self, names: Iterable[str]) -> pd.DataFrame:
        """Return a frame of the named columns, for an expression."""
        return pd.DataFrame({name: self.column(name) for name in names}, index=pd.RangeIndex(len(self)))

    def inside(self, table: Table) -> Context:
        """Return the context of another table."""
        return replace(self, table=table, values={}, target=None, among=None)

    @contextmanager
    def about(self, variable: VariableSpec | None) -> Iterator[None]:
        """While values of a variable are made or judged: what is told is about it, and its codelist holds."""
        before, self.target = self.target, variable
        try:
            yield
        finally:
            self.target = before

    def reads(self, variable: str) -> str:
        """Return the raw columns that the rule of a variable reads, for messages; the variable where it reads none."""
        names = () if self.rule is None else self.rule.provenance(self.table.key).columns
        return ", ".join(name.removeprefix(f"{self.table.key[1]}.") for name in names) or variable

    def mask(self, text: str | None) -> np.ndarray:
        """Return where a condition holds, as a boolean array; without one it holds everywhere."""
        if text is None:
            return np.ones(len(self), dtype=np.bool_)
        expression = parse_condition(text)
        return expression.mask(self._inputs(expression), decimal=self.decimal, records=len(self))

    def calculate(self, text: str) -> pd.Series:
        """Return the numbers of an arithmetic expression."""
        expression = parse_value(text)
        return expression.values(self._inputs(expression), decimal=self.decimal, records=len(self))

    def _inputs(self, expression: Expression) -> pd.DataFrame:
        """Return the columns of an expression; text that is used as a number and is none is a finding."""
        frame = self.frame(expression.columns)
        for name, text, _ in expression.not_numbers(frame, decimal=self.decimal):
            codes, texts = columns.distinct(frame[name])
            message = f"is used as a number in '{expression.text}' and is none"
            self.report_value(codes == texts.index(text), name, text, "CDW-MAP-NUMBER", message, severity="warning")
        for name, text in expression.not_dates(frame, decimal=self.decimal):
            codes, texts = columns.distinct(columns.as_text(frame[name]))
            message = f"is used as a date in '{expression.text}' and is none"
            self.report_value(
                codes == texts.index(text),
                name,
                text,
                "CDW-MAP-DATE-UNREADABLE",
                message,
                severity="warning",
                kind="date",
            )
        for rule, said, rows in expression.unsure(frame, decimal=self.decimal):
            self.report_rows(rows, rule, f"{said} in '{expression.text}'", "warning")
        return frame

    def report_value(  # noqa: PLR0913 - one raw value, and how it is told
        self,
        rows: np.ndarray,
        column: str,
        value: str,
        rule: str,
        message: str,
        *,
        severity: Severity = "error",
        kind: str = "term",
        whole: bool = False,
        suggestion: str = "",
        codelist: str = "",
    ) -> None:
        """Report one raw value that found no place: a finding with its source, and a line of the worklist."""
        rows = rows if self.among is None else rows & self.among
        if not rows.any():
            return
        variable = self.target.name if self.target is not None else ""
        target = f" (for {variable})" if variable and variable != column else ""
        said = message if whole else f"'{value}' in {column}{target} {message}"
        self.reporter.report(
            rule, severity, self.dataset, said,
            variable=variable, value=value, rows=rows, sources=self.table.sources, column=column, fix_in="raw",
        )  # fmt: skip
        self.reporter.worklist.append(
            WorkItem(kind, self.dataset, variable, self.table.key[1], value, int(rows.sum()), suggestion, codelist)
        )

    def report_rows(
        self,
        rows: np.ndarray,
        rule: str,
        message: str,
        severity: Severity = "error",
        *,
        column: str = "",
        fix_in: FixIn = "mapping",
    ) -> None:
        """Report rows for which something is wrong with the mapping's assumption."""
        variable = self.target.name if self.target is not None else ""
        rows = rows if self.among is None else rows & self.among
        self.reporter.report(
            rule,
            severity,
            self.dataset,
            message,
            variable=variable,
            rows=rows,
            sources=self.table.sources,
            column=column,
            fix_in=fix_in,
        )

    @property
    def decimal(self) -> Literal[".", ","]:
        """The decimal mark of this table's numbers: declared for raw forms, a point everywhere else."""
        return self.study.file.raw.decimal_of(self.table.key[1]) if self.table.key[0] == "form" else "."


class RuleBase(Strict):
    """Base of all algorithms. `origin` overrides the origin that follows from the algorithm."""

    origin: OriginType | None = None

    @abstractmethod
    def check(self, scope: Scope, way: Way) -> None:
        """Report mistakes and note what is used. `way` is where the rule stands in its file."""

    @abstractmethod
    def evaluate(self, context: Context) -> pd.Series:
        """Return one value per row of the context's table."""

    @abstractmethod
    def provenance(self, table: TableKey) -> Provenance:
        """Return where the values come from, when the rule reads rows of `table`."""

    def derived(self, method: str, parts: Sequence[Provenance] = ()) -> Provenance:
        """Return the provenance of what a method derives from some parts: their forms and columns, the rule's own origin."""
        merged = merge_provenance(parts, method)
        return Provenance(self.origin or "Derived", "Sponsor", method, merged.forms, merged.columns)


def merge_provenance(parts: Sequence[Provenance], method: str) -> Provenance:
    """Return the provenance of a value made from several: collected only if all parts with a source are."""
    forms = tuple(dict.fromkeys(form for part in parts for form in part.forms))
    names = tuple(dict.fromkeys(column for part in parts for column in part.columns))
    kinds = {part.origin for part in parts} - {"Assigned"}
    origin: OriginType = "Collected" if kinds == {"Collected"} else ("Derived" if kinds else "Assigned")
    source: Literal["Investigator", "Sponsor"] = "Investigator" if origin == "Collected" else "Sponsor"
    return Provenance(origin, source, method if origin != "Collected" else "", forms, names)
