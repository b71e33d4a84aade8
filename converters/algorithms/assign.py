"""Values and where they stand: a constant, a column (recoded, cased, cut), the first of several, cases, text joined."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from cdiscway.converters.dataset import Provenance
from cdiscway.specs.codelists import match_terms
from cdiscway.specs.load import Way
from cdiscway.specs.mistakes import nearest

from . import columns, text
from .base import Context, RuleBase, Scope, TableKey, merge_provenance

if TYPE_CHECKING:
    from .vocabulary import Input, Result

Scalar = str | int | float


class ValueRule(RuleBase):
    """`{value: BLOOD}`, or just `BLOOD` where a result is asked for: the same text in every record."""

    value: Scalar

    @property
    def text(self) -> str:
        """The value as text."""
        return self.value if isinstance(self.value, str) else columns.number_text(float(self.value))

    def check(self, scope: Scope, way: Way) -> None:
        """The value must be a term of the target's codelist."""
        check_term(scope, self.text, (*way, "value"))

    def evaluate(self, context: Context) -> pd.Series:
        """Return the constant."""
        return columns.constant(self.text, len(context))

    def provenance(self, table: TableKey) -> Provenance:
        """Assigned by the sponsor."""
        return Provenance(self.origin or "Assigned", "Sponsor")


class TextOptions(RuleBase):
    """What may be done to a text, in this order: cut (`at` and `part`, `start` and `length`, `pattern`), case, recode."""

    at: str | None = Field(default=None, min_length=1)
    part: int | None = None
    start: int | None = Field(default=None, ge=1)
    length: int | None = Field(default=None, ge=1)
    pattern: str | None = Field(default=None, min_length=1)
    case: text.Case | None = None
    recode: dict[str, Scalar | None] | None = None
    otherwise: Scalar | None = None
    missing: Literal["ok"] | None = None

    @property
    def changes(self) -> bool:
        """Whether the text is changed at all."""
        return any(item is not None for item in (self.at, self.start, self.pattern, self.case, self.recode))

    def check_options(self, scope: Scope, way: Way) -> None:
        """Words that go together must; recoded values must be terms of the target's codelist."""
        for raw, new in (self.recode or {}).items():
            if new is not None:
                check_term(scope, str(new), (*way, "recode", raw))
        if self.otherwise is not None:
            check_term(scope, str(self.otherwise), (*way, "otherwise"))
        if self.otherwise is not None and self.recode is None:
            scope.add(way, "'otherwise' goes with 'recode'", "")
        if (self.at is None) != (self.part is None):
            scope.add(way, "'at' and 'part' go together", "")
        if self.part == 0:
            scope.add((*way, "part"), "parts are counted from 1, or from -1 at the end", "")
        if self.length is not None and self.start is None:
            scope.add(way, "'length' goes with 'start'", "")
        if self.missing is not None and not self._cuts:
            scope.add((*way, "missing"), "'missing' goes with 'part', 'start' or 'pattern'", "")
        if self.pattern is not None:
            try:
                re.compile(self.pattern)
            except re.error as error:
                scope.add((*way, "pattern"), f"is no pattern: {error}", "")

    def apply(self, column: pd.Series, name: str, context: Context) -> pd.Series:
        """Return the column cut, cased and recoded."""
        if any(item is not None for item in (self.at, self.start, self.pattern, self.case)):
            cut = columns.map_distinct(column, self._cut_and_case)
            if self._cuts and self.missing is None:
                self._report_nothing(~columns.missing(column) & columns.missing(cut), name, context)
            column = cut
        return column if self.recode is None else self._recoded(column, name, context)

    @property
    def _cuts(self) -> str:
        """What is cut out of a text, in words; empty where it stays whole."""
        parts = ["" if self.at is None else f"part {self.part} at '{self.at}'"]
        if self.start is not None:
            parts.append(f"from character {self.start}" + (f" on, {self.length} long" if self.length else ""))
        parts.append("" if self.pattern is None else f"pattern '{self.pattern}'")
        return ", ".join(part for part in parts if part)

    def _report_nothing(self, rows: np.ndarray, name: str, context: Context) -> None:
        """A cut that finds nothing in a text leaves no value behind: one finding for all rows."""
        if rows.any():
            message = f"{self._cuts} finds nothing in {name}, where there is a text: the value is missing"
            context.report_rows(rows, "CDW-MAP-TEXT", message, "warning", column=name)

    def _cut_and_case(self, texts: list[str]) -> list[str | None]:
        found: list[str | None] = list(texts)
        if self.at is not None and self.part is not None:
            found = text.part(found, self.at, self.part)
        if self.start is not None:
            found = text.substring(found, self.start, self.length)
        if self.pattern is not None:
            found = text.extract(found, self.pattern)
        return found if self.case is None else text.change_case(found, self.case)

    def _recoded(self, column: pd.Series, name: str, context: Context) -> pd.Series:
        table = {raw: None if new is None else str(new) for raw, new in (self.recode or {}).items()}
        codes, texts = columns.distinct(columns.as_text(column))
        rest = None if self.otherwise is None else str(self.otherwise)
        for place, said in enumerate(texts):
            if said not in table and self.otherwise is None:
                context.report_value(codes == place, name, said, "CDW-MAP-RECODE", "is not in the recode table")
        return columns.from_codes(codes, [table.get(said, rest or said) for said in texts])


class ColumnRule(TextOptions):
    """`{column: SEXE}`: the text of a column, or of a variable set before.

    `recode` replaces texts by a table (`otherwise` takes the rest; without it an unlisted text is a finding and stays).
    `case` is upper, lower, title or sentence. `at` and `part` cut: `{column: X, at: "/", part: 2}` (-1 is the last part);
    `start` and `length` take characters by their place, `pattern` what a regular expression finds first.
    """

    column: str

    def check(self, scope: Scope, way: Way) -> None:
        """The column must be there, and recoded values must be terms of the target's codelist."""
        scope.use(self.column, (*way, "column"))
        self.check_options(scope, way)

    def evaluate(self, context: Context) -> pd.Series:
        """Return the column, cut, cased, recoded, in this order."""
        return self.apply(context.column(self.column), self.column, context)

    def provenance(self, table: TableKey) -> Provenance:
        """Collected where a form is read; a copy of a dataset's variable has it as predecessor."""
        if table[0] == "form":
            origin = self.origin or "Collected"
            source: Literal["Investigator", "Sponsor"] = "Investigator" if origin == "Collected" else "Sponsor"
            return Provenance(origin, source, "", (table[1],), (f"{table[1]}.{self.column}",))
        if table[0] == "rows":
            return Provenance(self.origin or "Protocol", "Sponsor")
        name = f"{table[1]}.{self.column}"
        if self.changes:
            return Provenance(self.origin or "Derived", "Sponsor", f"{name}, recoded", columns=(name,))
        return Provenance(self.origin or "Predecessor", None, columns=(name,), predecessor=name)


class TextRule(TextOptions):
    """`{text: {lookup: NOM, form: LABO}, case: upper}`: what another rule yields, cut, cased or recoded as a column's text."""

    text: Input

    def check(self, scope: Scope, way: Way) -> None:
        """Check the input and the options; the input is not yet a term of the target's codelist."""
        with scope.without_target():
            self.text.check(scope, (*way, "text"))
        self.check_options(scope, way)

    def evaluate(self, context: Context) -> pd.Series:
        """Return the text, cut, cased, recoded, in this order."""
        return self.apply(columns.as_text(self.text.evaluate(context)), describe(self.text, context.table.key), context)

    def provenance(self, table: TableKey) -> Provenance:
        """As its input; a copy is no copy once it is changed."""
        inner = self.text.provenance(table)
        if inner.origin == "Predecessor":
            inner = Provenance("Derived", "Sponsor", f"{inner.predecessor}, recoded.", inner.forms, inner.columns)
        return inner if self.origin is None else replace(inner, origin=self.origin)


class Case(RuleBase):
    """One line of `cases`: a condition and its result, or `otherwise` as the last line."""

    when: str | None = None
    then: Result | None = None
    otherwise: Result | None = None

    def check(self, scope: Scope, way: Way) -> None:
        """Either when and then, or otherwise."""
        if self.otherwise is None and (self.when is None or self.then is None):
            scope.add(way, "a case has 'when' and 'then', or 'otherwise'", "")
        if self.when is not None:
            check_condition(scope, self.when, (*way, "when"))
        for key in ("then", "otherwise"):
            rule = getattr(self, key)
            if rule is not None:
                rule.check(scope, (*way, key))

    @property
    def result(self) -> Result:
        """The rule of the result."""
        found = self.otherwise if self.then is None else self.then
        if found is None:
            raise ValueError("a case without a result")  # the plan has refused it
        return found

    def evaluate(self, context: Context) -> pd.Series:
        """Return the result for all rows."""
        return self.result.evaluate(context)

    def holds(self, context: Context) -> np.ndarray:
        """Return where the case applies."""
        return np.ones(len(context), dtype=bool) if self.when is None else evaluate_condition(context, self.when)

    def provenance(self, table: TableKey) -> Provenance:
        """As the result."""
        return self.result.provenance(table)

    def describe(self, table: TableKey) -> str:
        """Say the case in words."""
        value = describe(self.result, table)
        return f"otherwise {value}" if self.when is None else f"{value} where {self.when}"


class CasesRule(RuleBase):
    """`{cases: [{when: AGE < 65, then: "<65"}, {otherwise: ">=65"}]}`: the first condition that holds."""

    cases: tuple[Case, ...] = Field(min_length=1)

    def check(self, scope: Scope, way: Way) -> None:
        """Check each case."""
        for place, case in enumerate(self.cases):
            case.check(scope, (*way, "cases", place))

    def evaluate(self, context: Context) -> pd.Series:
        """Return the result of the first case that holds; missing where none does."""
        masks = [case.holds(context) for case in self.cases]
        outer = np.ones(len(context), dtype=bool) if context.among is None else context.among
        found, still = [], outer
        for case, mask in zip(self.cases, masks, strict=True):
            context.among = still & mask
            found.append(case.evaluate(context))
            still = still & ~mask
        context.among = None if outer.all() else outer
        return columns.choose(masks, found, len(context))

    def provenance(self, table: TableKey) -> Provenance:
        """Derived, with the cases in words."""
        method = "; ".join(case.describe(table) for case in self.cases)
        parts = [case.provenance(table) for case in self.cases]
        return self.derived(f"Set to {method}.", parts)


class CoalesceRule(RuleBase):
    """`{coalesce: [DATFIN, DATSUIV]}`: the first that is not missing."""

    coalesce: tuple[Input, ...] = Field(min_length=1)

    def check(self, scope: Scope, way: Way) -> None:
        """Check each part."""
        for place, rule in enumerate(self.coalesce):
            rule.check(scope, (*way, "coalesce", place))

    def evaluate(self, context: Context) -> pd.Series:
        """Return the first value of each row."""
        parts = [rule.evaluate(context) for rule in self.coalesce]
        return columns.choose([~columns.missing(part) for part in parts], parts, len(context))

    def provenance(self, table: TableKey) -> Provenance:
        """As its parts."""
        method = "First non-missing of " + ", ".join(describe(rule, table) for rule in self.coalesce) + "."
        return merge_provenance([rule.provenance(table) for rule in self.coalesce], method)


class ConcatRule(RuleBase):
    """`{concat: [STUDYID, SITEID, SUBJID], with: "-"}`: texts joined; missing if one is, unless `skip_missing`."""

    concat: tuple[Input, ...] = Field(min_length=2)
    joiner: str = Field(default="", alias="with")
    skip_missing: bool = False

    def check(self, scope: Scope, way: Way) -> None:
        """Check each part."""
        with scope.without_target():
            for place, rule in enumerate(self.concat):
                rule.check(scope, (*way, "concat", place))

    def evaluate(self, context: Context) -> pd.Series:
        """Return the joined text."""
        return columns.combine(
            [rule.evaluate(context) for rule in self.concat], lambda tuples: [self._join(parts) for parts in tuples]
        )

    def _join(self, parts: tuple[str | None, ...]) -> str | None:
        there = [part for part in parts if part is not None]
        if not there or (len(there) < len(parts) and not self.skip_missing):
            return None
        return self.joiner.join(there)

    def provenance(self, table: TableKey) -> Provenance:
        """Derived from its parts."""
        method = "Concatenation of " + ", ".join(describe(rule, table) for rule in self.concat)
        method += f" separated by '{self.joiner}'." if self.joiner else "."
        parts = [rule.provenance(table) for rule in self.concat]
        return self.derived(method, parts)


def describe(rule: RuleBase, table: TableKey) -> str:
    """Say in a few words what a rule yields, for method texts."""
    if isinstance(rule, ValueRule):
        return f"'{rule.text}'"
    if isinstance(rule, ColumnRule):
        return f"{table[1]}.{rule.column}" if table[0] == "dataset" else rule.column
    found = rule.provenance(table)
    method = found.method.rstrip(".")
    if not method and found.predecessor:
        return found.predecessor
    return f"({method})" if method else type(rule).__name__.removesuffix("Rule").lower()


def check_term(scope: Scope, text: str, way: Way) -> None:
    """Report a mistake where `text` is not a term of the codelists that bind the target."""
    if scope.target is None or not scope.target.codelists:
        return
    lists = [found for code in scope.target.codelists if (found := scope.codelist(code)) is not None]
    known = [term.value for found in lists for term in found.terms]
    if not lists or text in known:
        return
    names = " or ".join(found.name for found in lists)
    extensible = any(found.extensible for found in lists)
    meant = {match.term.value for found in lists for match in match_terms(found, [text]) if match.term is not None}
    hint = f"did you mean '{meant.pop()}'?" if len(meant) == 1 else nearest(text, known)
    if extensible:
        hint = "; ".join(part for part in (hint, "declare a sponsor term in terminology/extensions.yaml") if part)
    variable = "" if names == scope.target.name else f" ({scope.target.name})"
    scope.add(way, f"'{text}' is not a term of codelist {names}{variable}", hint)


def check_condition(scope: Scope, text: str, way: Way) -> None:
    """Report mistakes of a condition, and note the columns it uses."""
    for name in scope.expression_names(text, way, "test"):
        scope.use(name, way)


def evaluate_condition(context: Context, text: str) -> np.ndarray:
    """Return where the condition holds, as a boolean array."""
    return context.mask(text)
