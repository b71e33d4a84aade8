"""The tree of a condition or a value, and how it is evaluated: on the distinct values of whole columns."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from .dates import ParsedDate, parse_dates
from .ordering import order_of, undecided
from .results import DecimalMark, number_of, round_values

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Kind = Literal["test", "value"]

EPOCH = np.datetime64("1960-01-01")


# ---------------------------------------------------------------------------------------------- columns of values


@dataclass(frozen=True)
class Texts:
    """A text column: record i holds `distinct[codes[i]]`, code -1 is missing. A constant has one code for all."""

    codes: npt.NDArray[np.int64]
    distinct: list[str]

    def test(self, holds: Callable[[str], bool]) -> Mask:
        """Return where the text of a record passes a test; a missing one never does."""
        table = np.array([*(holds(text) for text in self.distinct), False], dtype=np.bool_)
        return table[self.codes]

    def numbers(self, read: Callable[[str], float]) -> Floats:
        """Return a number for each record, read from its text; NaN where that is missing."""
        table = np.array([*(read(text) for text in self.distinct), np.nan], dtype=np.float64)
        return table[self.codes]

    def texts(self, change: Callable[[str], str]) -> Texts:
        """Change each distinct text; an empty result is missing."""
        places: dict[str, int] = {}
        changed = [change(text) for text in self.distinct]
        table = np.array(
            [*(places.setdefault(text, len(places)) if text else -1 for text in changed), -1], dtype=np.int64
        )
        return Texts(table[self.codes], list(places))

    def series(self) -> pd.Series:
        """Return the column as categorical text."""
        categories = pd.Index(self.distinct, dtype="str")
        return pd.Series(pd.Categorical.from_codes(self.codes, categories=categories))


Column = Texts | Floats


@dataclass(frozen=True)
class Frame:
    """The columns that an expression is evaluated on, and the decimal mark of the numbers in their texts."""

    columns: Mapping[str, pd.Series] | pd.DataFrame
    records: int
    decimal: DecimalMark

    def column(self, name: str) -> Column:
        """Return a column: numbers as float64, text by its distinct values; an empty text is missing."""
        column = self.columns[name]
        if pd.api.types.is_numeric_dtype(column.dtype):
            return column.to_numpy(dtype=np.float64, na_value=np.nan)
        if isinstance(column.dtype, pd.CategoricalDtype):
            codes, distinct = column.cat.codes.to_numpy(), column.cat.categories
        else:
            codes, distinct = pd.factorize(column, use_na_sentinel=True)
        texts = Texts(codes.astype(np.int64), [str(text) for text in distinct])
        return texts.texts(str) if "" in texts.distinct else texts

    def constant(self, text: str) -> Texts:
        """Return a column that holds one text in every record."""
        return Texts(np.zeros(self.records, dtype=np.int64), [text])

    def numbers(self, column: Column) -> Floats:
        """Return a column as numbers; NaN for a text that is none."""
        if isinstance(column, Texts):
            return column.numbers(lambda text: number_of(text, self.decimal))
        return column


def _missing(column: Column) -> Mask:
    return column.codes < 0 if isinstance(column, Texts) else np.isnan(column)


def _ranks(left: Texts, right: Texts) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Mask]:
    """Give the texts of both columns one alphabet, so that codes compare as the texts do."""
    order = {text: rank for rank, text in enumerate(sorted({*left.distinct, *right.distinct}))}
    sides = [
        np.array([*(order[text] for text in side.distinct), -1], dtype=np.int64)[side.codes] for side in (left, right)
    ]
    return sides[0], sides[1], (left.codes >= 0) & (right.codes >= 0)


def _compare(frame: Frame, sign: str, left: Column, right: Column) -> Mask:
    if isinstance(left, Texts) and isinstance(right, Texts):
        a, b, known = _ranks(left, right)
        return known & SIGNS[sign](a, b)
    first, second = frame.numbers(left), frame.numbers(right)
    return ~np.isnan(first) & ~np.isnan(second) & SIGNS[sign](first, second)


def _equal(a: npt.NDArray[np.generic], b: npt.NDArray[np.generic]) -> Mask:
    return np.asarray(a == b, dtype=np.bool_)


SIGNS: dict[str, Callable[..., Mask]] = {
    "==": _equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}


# ---------------------------------------------------------------------------------------------- tree


class Node:
    """A node of the parsed expression: a test (true or false per record) or a value (text or number per record)."""

    kind: Kind = "value"

    def test(self, frame: Frame) -> Mask:
        """Return where the test holds."""
        raise TypeError("not a test")

    def value(self, frame: Frame) -> Column:
        """Return the value of each record."""
        raise TypeError("not a value")


@dataclass(frozen=True)
class Name(Node):
    """A column."""

    name: str

    def value(self, frame: Frame) -> Column:
        """Return the column."""
        return frame.column(self.name)


@dataclass(frozen=True)
class Number(Node):
    """A number that is written in the expression."""

    number: float

    def value(self, frame: Frame) -> Column:
        """Return the number for every record."""
        return np.full(frame.records, self.number)


@dataclass(frozen=True)
class Text(Node):
    """A text that is written in the expression."""

    text: str

    def value(self, frame: Frame) -> Column:
        """Return the text for every record."""
        return frame.constant(self.text)


@dataclass(frozen=True)
class Comparison(Node):
    """Two values and the sign between them; with a missing side only `!=` holds."""

    left: Node
    sign: str
    right: Node
    kind: Kind = "test"

    def test(self, frame: Frame) -> Mask:
        """Return where the comparison holds."""
        sign = "==" if self.sign == "!=" else self.sign
        held = _compare(frame, sign, self.left.value(frame), self.right.value(frame))
        return ~held if self.sign == "!=" else held


@dataclass(frozen=True)
class Both(Node):
    """Several tests joined by `and` (`every`) or by `or`."""

    parts: tuple[Node, ...]
    every: bool
    kind: Kind = "test"

    def test(self, frame: Frame) -> Mask:
        """Return where every one holds, or any."""
        masks = [part.test(frame) for part in self.parts]
        joined: Mask = np.logical_and.reduce(masks) if self.every else np.logical_or.reduce(masks)
        return joined


@dataclass(frozen=True)
class Not(Node):
    """A test turned round."""

    part: Node
    kind: Kind = "test"

    def test(self, frame: Frame) -> Mask:
        """Return where the test does not hold."""
        return ~self.part.test(frame)


@dataclass(frozen=True)
class Is(Node):
    """`is missing` and `is number`."""

    part: Node
    what: str
    kind: Kind = "test"

    def test(self, frame: Frame) -> Mask:
        """Return where the value is missing, or a number."""
        value = self.part.value(frame)
        return _missing(value) if self.what == "missing" else ~np.isnan(frame.numbers(value))


@dataclass(frozen=True)
class TextTest(Node):
    """`starts with`, `ends with`, `contains`, `matches`: tests of each distinct text."""

    part: Node
    what: str
    text: str
    kind: Kind = "test"

    def test(self, frame: Frame) -> Mask:
        """Return where the text passes; a number is tested as the text it is written as."""
        value = self.part.value(frame)
        texts = value if isinstance(value, Texts) else _as_texts(value)
        pattern = re.compile(self.text) if self.what == "matches" else None
        holds: dict[str, Callable[[str], bool]] = {
            "starts with": lambda text: text.startswith(self.text),
            "ends with": lambda text: text.endswith(self.text),
            "contains": lambda text: self.text in text,
            "matches": lambda text: bool(pattern and pattern.fullmatch(text)),
        }
        return texts.test(holds[self.what])


@dataclass(frozen=True)
class Arithmetic(Node):
    """Two numbers and the sign between them; what is divided by zero is missing."""

    left: Node
    sign: str
    right: Node

    def value(self, frame: Frame) -> Column:
        """Return the result; NaN where a side is missing or no number."""
        a, b = frame.numbers(self.left.value(frame)), frame.numbers(self.right.value(frame))
        if self.sign == "/":
            quotient: Floats = np.divide(a, b, out=np.full(frame.records, np.nan), where=b != 0)
            return quotient
        result: Floats = a + b if self.sign == "+" else a - b if self.sign == "-" else a * b
        return result


@dataclass(frozen=True)
class Call(Node):
    """A function of the language on one value."""

    name: str
    part: Node
    option: str | float | None = None

    def value(self, frame: Frame) -> Column:
        """Return what the function makes of the value."""
        return FUNCTIONS[self.name].call(frame, self.part.value(frame), self.option)


def _as_texts(numbers: Floats) -> Texts:
    codes, distinct = pd.factorize(numbers, use_na_sentinel=True)
    return Texts(codes.astype(np.int64), [f"{number:.15g}" for number in distinct])


# ---------------------------------------------------------------------------------------------- functions

Option = str | float | None


@dataclass(frozen=True)
class Function:
    """One function of the language: what it does (for the reference), how, and its second argument's kind."""

    help: str
    call: Callable[[Frame, Column, Option], Column]
    option: Literal["", "text", "number"] = ""


def _on_text(change: Callable[[str], str]) -> Callable[[Frame, Column, Option], Column]:
    def call(frame: Frame, column: Column, option: Option) -> Column:
        return (column if isinstance(column, Texts) else _as_texts(column)).texts(change)

    return call


def _length(frame: Frame, column: Column, option: Option) -> Column:
    return (column if isinstance(column, Texts) else _as_texts(column)).numbers(lambda text: float(len(text)))


def _days(iso: str | None) -> float:
    if iso is None or not re.match(r"\d{4}-\d{2}-\d{2}", iso):
        return float("nan")
    return float((np.datetime64(iso[:10]) - EPOCH).astype(int))


def _date(frame: Frame, column: Column, option: Option) -> Column:
    if not isinstance(column, Texts):
        return column
    found = [_days(date.iso) for date in read_dates(column, option)]
    return np.array([*found, np.nan], dtype=np.float64)[column.codes]


def read_dates(column: Texts, option: Option) -> Sequence[ParsedDate]:
    """Read a column's distinct texts as dates, in ISO 8601 or as the second argument of `date()` says."""
    formats = [str(option)] if option else ["yyyy-mm-dd", "yyyy-mm-ddThh:mm:ss"]
    return parse_dates(column.distinct, formats=formats)


FUNCTIONS: dict[str, Function] = {
    "number": Function(
        "the text as a number; missing where it is none", lambda frame, column, _: frame.numbers(column)
    ),
    "date": Function(
        "the day of an ISO 8601 date (or of a date written as the second argument says) as a number of days, "
        "so that dates can be compared and subtracted; missing where the day is not known",
        _date,
        "text",
    ),
    "upper": Function("the text in upper case", _on_text(str.upper)),
    "lower": Function("the text in lower case", _on_text(str.lower)),
    "trim": Function("the text without spaces around it", _on_text(str.strip)),
    "length": Function("how many characters the text has; missing for a missing text", _length),
    "abs": Function("the number without its sign", lambda frame, column, _: np.abs(frame.numbers(column))),
    "round": Function(
        "the number rounded half up to the decimals of the second argument (none: whole)",
        lambda frame, column, option: round_values(frame.numbers(column), int(option or 0)),
        "number",
    ),
}


# ---------------------------------------------------------------------------------------------- what a tree says of itself


def nodes_of(node: Node) -> Iterator[Node]:
    """Give a node and all nodes below it."""
    yield node
    if isinstance(node, Both):
        below: tuple[Node, ...] = node.parts
    elif isinstance(node, Comparison | Arithmetic):
        below = (node.left, node.right)
    else:
        below = (node.part,) if isinstance(node, Not | Is | TextTest | Call) else ()
    for part in below:
        yield from nodes_of(part)


def unsure_order(left: Texts, right: Texts, decimal: DecimalMark) -> Iterator[tuple[str, str, Mask]]:
    """Give (rule, what is wrong, where) for two columns of texts whose order is that of no date and no number."""
    a, b, known = _ranks(left, right)
    used = [{*np.unique(side.codes).tolist()} - {-1} for side in (left, right)]
    sides = zip((left, right), used, strict=True)
    how = order_of([text for side, own in sides for place, text in enumerate(side.distinct) if place in own], decimal)
    if how == "dates":
        rows = undecided(left.series(), right.series())
        if rows.any():
            yield "CDW-MAP-PARTIAL", "partial dates that cannot be put in order are compared as texts", rows
    elif how == "numbers":
        numbers = [side.numbers(lambda text: number_of(text, decimal)) for side in (left, right)]
        rows = known & (np.sign(numbers[0] - numbers[1]) != np.sign(a - b))
        if rows.any():
            yield "CDW-MAP-NUMBER", "numbers are compared as texts (write number(X))", rows
    elif how == "unsure" and known.any():
        yield "CDW-MAP-NUMBER", "texts that are neither numbers nor ISO 8601 dates are compared letter by letter", known


def used_as_numbers(node: Node, frame: Frame) -> set[str]:
    """Return the columns that stand directly in arithmetic or beside a number."""
    if isinstance(node, Both):
        return set().union(*(used_as_numbers(part, frame) for part in node.parts))
    if isinstance(node, Not):
        return used_as_numbers(node.part, frame)
    if isinstance(node, Call):
        direct = {node.part.name} if node.name in ("abs", "round") and isinstance(node.part, Name) else set()
        return direct | used_as_numbers(node.part, frame)
    if not isinstance(node, Comparison | Arithmetic):
        return set()
    sides = (node.left, node.right)
    inner = used_as_numbers(node.left, frame) | used_as_numbers(node.right, frame)
    numeric = isinstance(node, Arithmetic) or any(not isinstance(side.value(frame), Texts) for side in sides)
    return inner | {side.name for side in sides if numeric and isinstance(side, Name)}
