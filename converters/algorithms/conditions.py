"""The small language of `when:`, `where:`, `cases:` and `calculate:`, parsed by its own grammar; nothing is executed.

    LBPERF == "Oui" and ANC is not missing
    18 <= AGE <= 75 and not SITE in ("901", "902")
    date(EXSTDTC) - date(RFSTDTC) + 1

Grammar (loosest first): `or`; `and`; `not`; comparisons (`==` `!=` `<` `<=` `>` `>=`, `in`, `not in`, `is missing`,
`is number`, `starts with`, `ends with`, `contains`, `matches`); `+` `-`; `*` `/`; `-`; values. A name with other
signs than letters, digits, `_`, `.` and `$` stands in backticks.

A test is true or false, never unknown: every comparison with a missing value is false, and `!=`, `not in` and `not`
turn their test round, so they are true there. A column is compared as numbers where the other side is a number, else as
text, letter by letter. Arithmetic with a missing value, or with text that is no number, is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from cdiscway.specs.mistakes import nearest

from .expression_parser import ExpressionError, Parser, Problem, split_words
from .expression_tree import (
    FUNCTIONS,
    Call,
    Comparison,
    Frame,
    Kind,
    Mask,
    Name,
    Node,
    Texts,
    nodes_of,
    read_dates,
    unsure_order,
    used_as_numbers,
)
from .results import DecimalMark, read_number

__all__ = [
    "FUNCTIONS",
    "Expression",
    "ExpressionError",
    "Kind",
    "parse_condition",
    "parse_expression",
    "parse_value",
]


@dataclass(frozen=True)
class Expression:
    """A parsed expression: `columns` are the names it uses in order, `kind` says whether it is a test or a value."""

    text: str
    columns: tuple[str, ...]
    kind: Kind
    _tree: Node
    _positions: tuple[int, ...] = ()

    def unknown_columns(self, known: Iterable[str]) -> list[Problem]:
        """Return a problem for each column it uses that is not among `known`, with the nearest name."""
        names = list(known)
        places = zip(self.columns, self._positions, strict=True)
        return [Problem(at, f"no column '{name}'", nearest(name, names)) for name, at in places if name not in names]

    def mask(
        self, columns: Mapping[str, pd.Series] | pd.DataFrame, *, decimal: DecimalMark = ".", records: int | None = None
    ) -> Mask:
        """Return where the test holds, one boolean per record. `decimal` is the mark of the texts' numbers."""
        return self._tree.test(self._frame(columns, decimal, records))

    def values(
        self, columns: Mapping[str, pd.Series] | pd.DataFrame, *, decimal: DecimalMark = ".", records: int | None = None
    ) -> pd.Series:
        """Return the value of each record: float64 for arithmetic, categorical text for texts; index 0..n-1."""
        value = self._tree.value(self._frame(columns, decimal, records))
        return value.series() if isinstance(value, Texts) else pd.Series(value)

    def not_numbers(
        self, columns: Mapping[str, pd.Series] | pd.DataFrame, *, decimal: DecimalMark = "."
    ) -> Iterator[tuple[str, str, int]]:
        """Give (column, text, records) for every text that is used as a number and is none: findings, not silence."""
        frame = self._frame(columns, decimal, None)
        for name in sorted(used_as_numbers(self._tree, frame), key=self.columns.index):
            column = frame.column(name)
            if isinstance(column, Texts):
                counts = np.bincount(column.codes[column.codes >= 0], minlength=len(column.distinct))
                for text, count in zip(column.distinct, counts.tolist(), strict=True):
                    if count and read_number(text, decimal) is None:
                        yield name, text, count

    def not_dates(
        self, columns: Mapping[str, pd.Series] | pd.DataFrame, *, decimal: DecimalMark = "."
    ) -> Iterator[tuple[str, str]]:
        """Give (column, text) for every text that `date()` reads and that is no date; a partial date is one."""
        frame = self._frame(columns, decimal, None)
        for call in nodes_of(self._tree):
            if isinstance(call, Call) and call.name == "date" and isinstance(call.part, Name):
                column = frame.column(call.part.name)
                if isinstance(column, Texts):
                    used = set(np.unique(column.codes).tolist())
                    for place, date in enumerate(read_dates(column, call.option)):
                        if place in used and date.status in {"impossible", "unreadable", "ambiguous"}:
                            yield call.part.name, column.distinct[place]

    def unsure(
        self, columns: Mapping[str, pd.Series] | pd.DataFrame, *, decimal: DecimalMark = "."
    ) -> Iterator[tuple[str, str, Mask]]:
        """Give (rule, what is wrong, where) for texts that `<` and the like put in an order that is none.

        Partial dates that cannot be told apart, numbers that stand in another order than their letters, other dates than ISO.
        """
        frame = self._frame(columns, decimal, None)
        for node in nodes_of(self._tree):
            if not isinstance(node, Comparison) or node.sign in {"==", "!="}:
                continue
            left, right = node.left.value(frame), node.right.value(frame)
            if isinstance(left, Texts) and isinstance(right, Texts):
                yield from unsure_order(left, right, decimal)

    def _frame(
        self, columns: Mapping[str, pd.Series] | pd.DataFrame, decimal: DecimalMark, records: int | None
    ) -> Frame:
        if records is None:
            one = columns if isinstance(columns, pd.DataFrame) else next(iter(columns.values()), ())
            records = len(one)
        return Frame(columns, records, decimal)


@lru_cache(maxsize=4096)
def _parse(text: str) -> Expression:
    parser = Parser(split_words(text))
    tree = parser.whole()
    return Expression(text, tuple(parser.names), tree.kind, tree, tuple(parser.names.values()))


def parse_expression(text: str, *, kind: Kind | None = None, known: Iterable[str] | None = None) -> Expression:
    """Parse an expression; `kind` asks for a test or a value, `known` are the columns there are.

    Raises ExpressionError with all that is wrong, each with its position and the nearest name.

    >>> parse_expression('ANC > 0.5 and LBPERF == "Oui"').columns
    ('ANC', 'LBPERF')
    >>> parse_expression("ANV > 0.5", known=["ANC"])
    Traceback (most recent call last):
    cdiscway.converters.algorithms.expression_parser.ExpressionError: position 1: no column 'ANV' (did you mean 'ANC'?)
    """
    expression = _parse(text)
    problems = [] if known is None else expression.unknown_columns(known)
    if kind is not None and expression.kind != kind:
        message = "a test is needed, but this is a value" if kind == "test" else "a value is needed, but this is a test"
        problems.append(Problem(1, message, 'compare it: X == "..."' if kind == "test" else ""))
    if problems:
        raise ExpressionError(problems)
    return expression


def parse_condition(text: str, *, known: Iterable[str] | None = None) -> Expression:
    """Parse the test of a `when:`; see `parse_expression`.

    >>> frame = pd.DataFrame({"ANC": ["0,4", "0,6", None]}, dtype="str")
    >>> parse_condition("ANC > 0.5").mask(frame, decimal=",").tolist()
    [False, True, False]
    """
    return parse_expression(text, kind="test", known=known)


def parse_value(text: str, *, known: Iterable[str] | None = None) -> Expression:
    """Parse the arithmetic of a `calculate:`; see `parse_expression`.

    >>> frame = pd.DataFrame({"DOSE": ["1,5", None], "WEIGHT": [60.0, 70.0]})
    >>> parse_value("DOSE * WEIGHT").values(frame, decimal=",").tolist()
    [90.0, nan]
    """
    return parse_expression(text, kind="value", known=known)
