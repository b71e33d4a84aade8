"""Values and where they stand: a constant, a column (recoded, cased, cut), the first of several, cases, text joined."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from cdiscway.converters.dataset import Provenance
from cdiscway.specs.load import Way
from cdiscway.specs.mistakes import nearest

from . import columns
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


class ColumnRule(RuleBase):
    """`{column: SEXE}`: the text of a column, or of a variable set before.

    `recode` replaces texts by a table (`otherwise` takes the rest; without it an unlisted text is a finding and stays).
    `case` is upper or lower; `at` and `part` cut: `{column: X, at: "/", part: 2}`.
    """

    column: str
    recode: dict[str, Scalar | None] | None = None
    otherwise: Scalar | None = None
    case: Literal["upper", "lower"] | None = None
    at: str | None = Field(default=None, min_length=1)
    part: int | None = Field(default=None, ge=1)

    def check(self, scope: Scope, way: Way) -> None:
        """The column must be there, and recoded values must be terms of the target's codelist."""
        scope.use(self.column, (*way, "column"))
        for raw, new in (self.recode or {}).items():
            if new is not None:
                check_term(scope, str(new), (*way, "recode", raw))
        if self.otherwise is not None:
            check_term(scope, str(self.otherwise), (*way, "otherwise"))
        if (self.at is None) != (self.part is None):
            scope.add(way, "'at' and 'part' go together", "")

    def evaluate(self, context: Context) -> pd.Series:
        """Return the column, cut, recoded, cased, in this order."""
        column = context.column(self.column)
        if self.at is not None or self.case is not None:
            column = columns.map_distinct(column, lambda texts: [self._cut_and_case(text) for text in texts])
        return column if self.recode is None else self._recoded(column, context)

    def _cut_and_case(self, text: str) -> str | None:
        if self.at is not None and self.part is not None:
            pieces = text.split(self.at)
            text = pieces[self.part - 1].strip() if self.part <= len(pieces) else ""
        if self.case is not None:
            text = text.upper() if self.case == "upper" else text.lower()
        return text or None

    def _recoded(self, column: pd.Series, context: Context) -> pd.Series:
        table = {raw: None if new is None else str(new) for raw, new in (self.recode or {}).items()}
        codes, texts = columns.distinct(columns.as_text(column))
        rest = None if self.otherwise is None else str(self.otherwise)
        for place, text in enumerate(texts):
            if text not in table and self.otherwise is None:
                context.report_value(codes == place, self.column, text, "CDW-MAP-RECODE", "is not in the recode table")
        return columns.from_codes(codes, [table.get(text, rest or text) for text in texts])

    def provenance(self, table: TableKey) -> Provenance:
        """Collected where a form is read; a copy of a dataset's variable has it as predecessor."""
        if table[0] == "form":
            origin = self.origin or "Collected"
            source: Literal["Investigator", "Sponsor"] = "Investigator" if origin == "Collected" else "Sponsor"
            return Provenance(origin, source, "", (table[1],), (f"{table[1]}.{self.column}",))
        if table[0] == "rows":
            return Provenance(self.origin or "Protocol", "Sponsor")
        name = f"{table[1]}.{self.column}"
        if self.recode or self.case or self.at:
            return Provenance(self.origin or "Derived", "Sponsor", f"{name}, recoded", columns=(name,))
        return Provenance(self.origin or "Predecessor", None, columns=(name,), predecessor=name)


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
        return columns.choose(masks, [case.evaluate(context) for case in self.cases], len(context))

    def provenance(self, table: TableKey) -> Provenance:
        """Derived, with the cases in words."""
        method = "; ".join(case.describe(table) for case in self.cases)
        parts = [case.provenance(table) for case in self.cases]
        merged = merge_provenance(parts, method)
        return Provenance(self.origin or "Derived", "Sponsor", f"Set to {method}.", merged.forms, merged.columns)


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
        merged = merge_provenance(parts, method)
        return Provenance(self.origin or "Derived", "Sponsor", method, merged.forms, merged.columns)


def describe(rule: RuleBase, table: TableKey) -> str:
    """Say in a few words what a rule yields, for method texts."""
    if isinstance(rule, ValueRule):
        return f"'{rule.text}'"
    if isinstance(rule, ColumnRule):
        return f"{table[1]}.{rule.column}" if table[0] == "dataset" else rule.column
    method = rule.provenance(table).method.rstrip(".")
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
    hint = nearest(text, known)
    if extensible:
        hint = "; ".join(part for part in (hint, "declare a sponsor term in terminology/extensions.yaml") if part)
    scope.add(way, f"'{text}' is not a term of codelist {names} ({scope.target.name})", hint)


def check_condition(scope: Scope, text: str, way: Way) -> None:
    """Report mistakes of a condition, and note the columns it uses."""
    for name in scope.expression_names(text, way, "test"):
        scope.use(name, way)


def evaluate_condition(context: Context, text: str) -> np.ndarray:
    """Return where the condition holds, as a boolean array."""
    return context.mask(text)
