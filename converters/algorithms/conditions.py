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

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from cdiscway.specs.mistakes import nearest

from .dates import DateFormatError, ParsedDate, compile_format, parse_dates
from .ordering import order_of, undecided
from .results import DecimalMark, number_of, read_number, round_values

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Kind = Literal["test", "value"]

EPOCH = np.datetime64("1960-01-01")


class Problem(NamedTuple):
    """One mistake in an expression: its position (1 = the first character), what is wrong, and a hint."""

    position: int
    message: str
    hint: str = ""

    def __str__(self) -> str:
        return f"position {self.position}: {self.message}" + (f" ({self.hint})" if self.hint else "")


class ExpressionError(ValueError):
    """An expression that cannot be used; `problems` holds all its mistakes."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(str(problem) for problem in self.problems))


# ---------------------------------------------------------------------------------------------- words

_WORDS = re.compile(
    r"""(?P<space>\s+)
    |(?P<number>(?:\d+\.?\d*|\.\d+)(?![\w.]))
    |(?P<text>"[^"]*"|'[^']*')
    |(?P<quoted>`[^`]+`)
    |(?P<name>[^\W\d][\w.$]*)
    |(?P<sign>==|!=|<=|>=|<>|[<>=+\-*/(),])""",
    re.VERBOSE,
)
_KEYWORDS = frozenset({"and", "or", "not", "in", "is", "missing", "starts", "ends", "with", "contains", "matches"})


class _Word(NamedTuple):
    kind: str
    text: str
    position: int


def _words(text: str) -> list[_Word]:
    words: list[_Word] = []
    place = 0
    while place < len(text):
        match = _WORDS.match(text, place)
        if match is None:
            unclosed = "the text is not closed" if text[place] in "\"'`" else f"'{text[place]}' has no meaning here"
            raise ExpressionError([Problem(place + 1, unclosed)])
        kind = str(match.lastgroup)
        if kind == "name" and match[0] in _KEYWORDS:
            kind = "keyword"
        if kind != "space":
            words.append(_Word(kind, match[0], place + 1))
        place = match.end()
    return [*words, _Word("end", "", len(text) + 1)]


# ---------------------------------------------------------------------------------------------- columns of values


@dataclass(frozen=True)
class _Texts:
    """A text column: record i holds `distinct[codes[i]]`, code -1 is missing. A constant has one code for all."""

    codes: npt.NDArray[np.int64]
    distinct: list[str]

    def test(self, holds: Callable[[str], bool]) -> Mask:
        table = np.array([*(holds(text) for text in self.distinct), False], dtype=np.bool_)
        return table[self.codes]

    def numbers(self, read: Callable[[str], float]) -> Floats:
        table = np.array([*(read(text) for text in self.distinct), np.nan], dtype=np.float64)
        return table[self.codes]

    def texts(self, change: Callable[[str], str]) -> _Texts:
        """Change each distinct text; an empty result is missing."""
        places: dict[str, int] = {}
        changed = [change(text) for text in self.distinct]
        table = np.array(
            [*(places.setdefault(text, len(places)) if text else -1 for text in changed), -1], dtype=np.int64
        )
        return _Texts(table[self.codes], list(places))


_Column = _Texts | Floats


@dataclass(frozen=True)
class _Frame:
    columns: Mapping[str, pd.Series] | pd.DataFrame
    records: int
    decimal: DecimalMark

    def column(self, name: str) -> _Column:
        column = self.columns[name]
        if pd.api.types.is_numeric_dtype(column.dtype):
            return column.to_numpy(dtype=np.float64, na_value=np.nan)
        if isinstance(column.dtype, pd.CategoricalDtype):
            codes, distinct = column.cat.codes.to_numpy(), column.cat.categories
        else:
            codes, distinct = pd.factorize(column, use_na_sentinel=True)
        texts = _Texts(codes.astype(np.int64), [str(text) for text in distinct])
        return texts.texts(str) if "" in texts.distinct else texts

    def constant(self, text: str) -> _Texts:
        return _Texts(np.zeros(self.records, dtype=np.int64), [text])

    def numbers(self, column: _Column) -> Floats:
        if isinstance(column, _Texts):
            return column.numbers(lambda text: number_of(text, self.decimal))
        return column


def _missing(column: _Column) -> Mask:
    return column.codes < 0 if isinstance(column, _Texts) else np.isnan(column)


def _ranks(left: _Texts, right: _Texts) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Mask]:
    """Give the texts of both columns one alphabet, so that codes compare as the texts do."""
    order = {text: rank for rank, text in enumerate(sorted({*left.distinct, *right.distinct}))}
    sides = [
        np.array([*(order[text] for text in side.distinct), -1], dtype=np.int64)[side.codes] for side in (left, right)
    ]
    return sides[0], sides[1], (left.codes >= 0) & (right.codes >= 0)


def _compare(frame: _Frame, sign: str, left: _Column, right: _Column) -> Mask:
    if isinstance(left, _Texts) and isinstance(right, _Texts):
        a, b, known = _ranks(left, right)
        return known & _SIGNS[sign](a, b)
    first, second = frame.numbers(left), frame.numbers(right)
    return ~np.isnan(first) & ~np.isnan(second) & _SIGNS[sign](first, second)


def _equal(a: npt.NDArray[np.generic], b: npt.NDArray[np.generic]) -> Mask:
    return np.asarray(a == b, dtype=np.bool_)


_SIGNS: dict[str, Callable[..., Mask]] = {
    "==": _equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}


# ---------------------------------------------------------------------------------------------- tree


class _Node:
    """A node of the parsed expression: a test (true or false per record) or a value (text or number per record)."""

    kind: Kind = "value"

    def test(self, frame: _Frame) -> Mask:
        raise TypeError("not a test")

    def value(self, frame: _Frame) -> _Column:
        raise TypeError("not a value")


@dataclass(frozen=True)
class _Name(_Node):
    name: str

    def value(self, frame: _Frame) -> _Column:
        return frame.column(self.name)


@dataclass(frozen=True)
class _Number(_Node):
    number: float

    def value(self, frame: _Frame) -> _Column:
        return np.full(frame.records, self.number)


@dataclass(frozen=True)
class _Text(_Node):
    text: str

    def value(self, frame: _Frame) -> _Column:
        return frame.constant(self.text)


@dataclass(frozen=True)
class _Comparison(_Node):
    left: _Node
    sign: str
    right: _Node
    kind: Kind = "test"

    def test(self, frame: _Frame) -> Mask:
        sign = "==" if self.sign == "!=" else self.sign
        held = _compare(frame, sign, self.left.value(frame), self.right.value(frame))
        return ~held if self.sign == "!=" else held


@dataclass(frozen=True)
class _Both(_Node):
    parts: tuple[_Node, ...]
    every: bool
    kind: Kind = "test"

    def test(self, frame: _Frame) -> Mask:
        masks = [part.test(frame) for part in self.parts]
        joined: Mask = np.logical_and.reduce(masks) if self.every else np.logical_or.reduce(masks)
        return joined


@dataclass(frozen=True)
class _Not(_Node):
    part: _Node
    kind: Kind = "test"

    def test(self, frame: _Frame) -> Mask:
        return ~self.part.test(frame)


@dataclass(frozen=True)
class _Is(_Node):
    part: _Node
    what: str
    kind: Kind = "test"

    def test(self, frame: _Frame) -> Mask:
        value = self.part.value(frame)
        return _missing(value) if self.what == "missing" else ~np.isnan(frame.numbers(value))


@dataclass(frozen=True)
class _TextTest(_Node):
    """`starts with`, `ends with`, `contains`, `matches`: tests of each distinct text."""

    part: _Node
    what: str
    text: str
    kind: Kind = "test"

    def test(self, frame: _Frame) -> Mask:
        value = self.part.value(frame)
        texts = value if isinstance(value, _Texts) else _as_texts(value)
        pattern = re.compile(self.text) if self.what == "matches" else None
        holds: dict[str, Callable[[str], bool]] = {
            "starts with": lambda text: text.startswith(self.text),
            "ends with": lambda text: text.endswith(self.text),
            "contains": lambda text: self.text in text,
            "matches": lambda text: bool(pattern and pattern.fullmatch(text)),
        }
        return texts.test(holds[self.what])


@dataclass(frozen=True)
class _Arithmetic(_Node):
    left: _Node
    sign: str
    right: _Node

    def value(self, frame: _Frame) -> _Column:
        a, b = frame.numbers(self.left.value(frame)), frame.numbers(self.right.value(frame))
        if self.sign == "/":
            quotient: Floats = np.divide(a, b, out=np.full(frame.records, np.nan), where=b != 0)
            return quotient
        result: Floats = a + b if self.sign == "+" else a - b if self.sign == "-" else a * b
        return result


@dataclass(frozen=True)
class _Call(_Node):
    name: str
    part: _Node
    option: str | float | None = None

    def value(self, frame: _Frame) -> _Column:
        return FUNCTIONS[self.name].call(frame, self.part.value(frame), self.option)


def _as_texts(numbers: Floats) -> _Texts:
    codes, distinct = pd.factorize(numbers, use_na_sentinel=True)
    return _Texts(codes.astype(np.int64), [f"{number:.15g}" for number in distinct])


# ---------------------------------------------------------------------------------------------- functions

Option = str | float | None


@dataclass(frozen=True)
class Function:
    """One function of the language: what it does (for the reference), how, and its second argument's kind."""

    help: str
    call: Callable[[_Frame, _Column, Option], _Column]
    option: Literal["", "text", "number"] = ""


def _on_text(change: Callable[[str], str]) -> Callable[[_Frame, _Column, Option], _Column]:
    def call(frame: _Frame, column: _Column, option: Option) -> _Column:
        return (column if isinstance(column, _Texts) else _as_texts(column)).texts(change)

    return call


def _length(frame: _Frame, column: _Column, option: Option) -> _Column:
    return (column if isinstance(column, _Texts) else _as_texts(column)).numbers(lambda text: float(len(text)))


def _days(iso: str | None) -> float:
    if iso is None or not re.match(r"\d{4}-\d{2}-\d{2}", iso):
        return float("nan")
    return float((np.datetime64(iso[:10]) - EPOCH).astype(int))


def _date(frame: _Frame, column: _Column, option: Option) -> _Column:
    if not isinstance(column, _Texts):
        return column
    found = [_days(date.iso) for date in _read_dates(column, option)]
    return np.array([*found, np.nan], dtype=np.float64)[column.codes]


def _read_dates(column: _Texts, option: Option) -> Sequence[ParsedDate]:
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


# ---------------------------------------------------------------------------------------------- parser


@dataclass
class _Parser:
    words: list[_Word]
    place: int = 0
    problems: list[Problem] = field(default_factory=list)
    names: dict[str, int] = field(default_factory=dict)

    @property
    def word(self) -> _Word:
        return self.words[self.place]

    def next(self) -> _Word:
        word = self.word
        self.place += 1
        return word

    def found(self, *texts: str) -> bool:
        """Step over the given words where they stand here, all of them."""
        ahead = self.words[self.place : self.place + len(texts)]
        if [word.text for word in ahead if word.kind in ("keyword", "sign", "name")] != list(texts):
            return False
        self.place += len(texts)
        return True

    def fail(self, message: str, hint: str = "", position: int | None = None) -> ExpressionError:
        return ExpressionError([*self.problems, Problem(position or self.word.position, message, hint)])

    def expect(self, text: str) -> None:
        if not self.found(text):
            raise self.fail(f"'{text}' is missing here")

    def whole(self) -> _Node:
        node = self.either()
        if self.word.kind != "end":
            raise self.fail(f"'{self.word.text}' is one word too many", _operator_hint(self.word.text))
        return node

    def either(self) -> _Node:
        return self.joined("or", self.both, every=False)

    def both(self) -> _Node:
        return self.joined("and", self.negation, every=True)

    def joined(self, word: str, part: Callable[[], _Node], *, every: bool) -> _Node:
        start = self.word.position
        parts = [part()]
        while self.found(word):
            self.need(parts[-1], "test", start, f"'{word}' joins tests")
            start = self.word.position
            parts.append(part())
            self.need(parts[-1], "test", start, f"'{word}' joins tests")
        return parts[0] if len(parts) == 1 else _Both(tuple(parts), every)

    def negation(self) -> _Node:
        if not self.found("not"):
            return self.comparison()
        start = self.word.position
        part = self.negation()
        self.need(part, "test", start, "'not' turns a test round")
        return _Not(part)

    def need(self, node: _Node, kind: Kind, position: int, why: str) -> None:
        if node.kind != kind:
            stands = "a value" if node.kind == "value" else "a test"
            hint = 'compare it: X == "..." or X is not missing' if kind == "test" else ""
            raise self.fail(f"{why}, but {stands} stands here", hint, position)

    def comparison(self) -> _Node:
        start = self.word.position
        left = self.sum()
        if self.word.text in ("=", "<>"):
            raise self.fail(f"'{self.word.text}' is no comparison", f"use {'==' if self.word.text == '=' else '!='}")
        if self.word.kind == "sign" and self.word.text in (*_SIGNS, "!="):
            self.need(left, "value", start, "a comparison is of values")
            return self.chain(left)
        special = self.special(left, start)
        return left if special is None else special

    def chain(self, left: _Node) -> _Node:
        """Parse one comparison or several: `a < b <= c` holds where both do."""
        tests: list[_Node] = []
        while self.word.kind == "sign" and self.word.text in (*_SIGNS, "!="):
            sign = self.next().text
            start = self.word.position
            if self.word.text == "missing":
                raise self.fail("nothing compares with missing", "write 'is missing' or 'is not missing'")
            right = self.sum()
            self.need(right, "value", start, "a comparison is of values")
            tests.append(_Comparison(left, sign, right))
            left = right
        return tests[0] if len(tests) == 1 else _Both(tuple(tests), every=True)

    def special(self, left: _Node, start: int) -> _Node | None:
        """Parse a comparison that is a word: `is missing`, `in (...)`, `starts with "..."`; None for none of them."""
        if self.found("is"):
            self.need(left, "value", start, "'is' asks about a value")
            turned = self.found("not")
            if not (self.found("missing") or self.found("number")):
                raise self.fail("'missing' or 'number' must follow 'is'")
            test: _Node = _Is(left, self.words[self.place - 1].text)
            return _Not(test) if turned else test
        turned = self.word.text == "not" and self.words[self.place + 1].text in (
            "in",
            "starts",
            "ends",
            "contains",
            "matches",
        )
        if turned:
            self.next()
        found = self.membership(left, start) or self.text_test(left, start)
        return _Not(found) if turned and found else found

    def membership(self, left: _Node, start: int) -> _Node | None:
        if not self.found("in"):
            return None
        self.need(left, "value", start, "'in' looks for a value")
        self.expect("(")
        tests = [_Comparison(left, "==", self.literal())]
        while self.found(","):
            tests.append(_Comparison(left, "==", self.literal()))
        self.expect(")")
        return _Both(tuple(tests), every=False)

    def literal(self) -> _Node:
        negative = self.found("-")
        word = self.next()
        if word.kind == "number":
            return _Number(-float(word.text) if negative else float(word.text))
        if word.kind == "text" and not negative:
            return _Text(word.text[1:-1])
        raise self.fail("a text or a number must stand here", "texts stand in quotes", word.position)

    def text_test(self, left: _Node, start: int) -> _Node | None:
        for words in (("starts", "with"), ("ends", "with"), ("contains",), ("matches",)):
            if self.found(*words):
                what = " ".join(words)
                self.need(left, "value", start, f"'{what}' tests a text")
                word = self.next()
                if word.kind != "text":
                    raise self.fail(f"a text in quotes must follow '{what}'", "", word.position)
                self.check_pattern(what, word)
                return _TextTest(left, what, word.text[1:-1])
        return None

    def check_pattern(self, what: str, word: _Word) -> None:
        if what == "matches":
            try:
                re.compile(word.text[1:-1])
            except re.error as error:
                raise self.fail(f"no regular expression: {error}", "", word.position) from None

    def sum(self) -> _Node:
        return self.arithmetic(("+", "-"), self.product)

    def product(self) -> _Node:
        return self.arithmetic(("*", "/"), self.signed)

    def arithmetic(self, signs: tuple[str, ...], part: Callable[[], _Node]) -> _Node:
        start = self.word.position
        left = part()
        while self.word.kind == "sign" and self.word.text in signs:
            self.need(left, "value", start, "arithmetic is on numbers")
            sign = self.next().text
            start = self.word.position
            right = part()
            self.need(right, "value", start, "arithmetic is on numbers")
            left = _Arithmetic(left, sign, right)
        return left

    def signed(self) -> _Node:
        if not self.found("-"):
            return self.primary()
        start = self.word.position
        part = self.signed()
        self.need(part, "value", start, "arithmetic is on numbers")
        return _Number(-part.number) if isinstance(part, _Number) else _Arithmetic(_Number(0.0), "-", part)

    def primary(self) -> _Node:
        word = self.next()
        if word.kind in ("number", "text"):
            self.place -= 1
            return self.literal()
        if word.text == "(" and word.kind == "sign":
            inside = self.either()
            self.expect(")")
            return inside
        if word.kind == "name" and self.word.text == "(":
            return self.call(word)
        if word.kind in ("name", "quoted"):
            name = word.text.strip("`")
            self.names.setdefault(name, word.position)
            return _Name(name)
        what = "the end" if word.kind == "end" else f"'{word.text}'"
        raise self.fail(f"a value must stand here, not {what}", "", word.position)

    def call(self, word: _Word) -> _Node:
        if word.text not in FUNCTIONS:
            hint = nearest(word.text, FUNCTIONS) or f"there are {', '.join(FUNCTIONS)}"
            raise self.fail(f"there is no function {word.text}()", hint, word.position)
        self.expect("(")
        start = self.word.position
        part = self.sum()
        self.need(part, "value", start, f"{word.text}() takes a value")
        option = self.option(word.text) if self.found(",") else None
        self.expect(")")
        return _Call(word.text, part, option)

    def option(self, name: str) -> Option:
        word = self.word
        literal = self.literal()
        wanted = FUNCTIONS[name].option
        if wanted == "number" and isinstance(literal, _Number):
            return literal.number
        if wanted == "text" and isinstance(literal, _Text):
            try:
                compile_format(literal.text)
            except DateFormatError as error:
                raise self.fail(str(error), "", word.position) from None
            return literal.text
        raise self.fail(f"{name}() takes {'a ' + wanted if wanted else 'nothing'} in second place", "", word.position)


def _operator_hint(word: str) -> str:
    return {"&": "use and", "|": "use or", "AND": "use and", "OR": "use or", "NOT": "use not"}.get(word, "")


# ---------------------------------------------------------------------------------------------- what others use


@dataclass(frozen=True)
class Expression:
    """A parsed expression: `columns` are the names it uses in order, `kind` says whether it is a test or a value."""

    text: str
    columns: tuple[str, ...]
    kind: Kind
    _tree: _Node
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
        if isinstance(value, _Texts):
            categories = pd.Index(value.distinct, dtype="str")
            return pd.Series(pd.Categorical.from_codes(value.codes, categories=categories))
        return pd.Series(value)

    def not_numbers(
        self, columns: Mapping[str, pd.Series] | pd.DataFrame, *, decimal: DecimalMark = "."
    ) -> Iterator[tuple[str, str, int]]:
        """Give (column, text, records) for every text that is used as a number and is none: findings, not silence."""
        frame = self._frame(columns, decimal, None)
        for name in sorted(_used_as_numbers(self._tree, frame), key=self.columns.index):
            column = frame.column(name)
            if isinstance(column, _Texts):
                counts = np.bincount(column.codes[column.codes >= 0], minlength=len(column.distinct))
                for text, count in zip(column.distinct, counts.tolist(), strict=True):
                    if count and read_number(text, decimal) is None:
                        yield name, text, count

    def not_dates(
        self, columns: Mapping[str, pd.Series] | pd.DataFrame, *, decimal: DecimalMark = "."
    ) -> Iterator[tuple[str, str]]:
        """Give (column, text) for every text that `date()` reads and that is no date; a partial date is one."""
        frame = self._frame(columns, decimal, None)
        for call in _nodes(self._tree):
            if isinstance(call, _Call) and call.name == "date" and isinstance(call.part, _Name):
                column = frame.column(call.part.name)
                if isinstance(column, _Texts):
                    used = set(np.unique(column.codes).tolist())
                    for place, date in enumerate(_read_dates(column, call.option)):
                        if place in used and date.status in {"impossible", "unreadable", "ambiguous"}:
                            yield call.part.name, column.distinct[place]

    def unsure(
        self, columns: Mapping[str, pd.Series] | pd.DataFrame, *, decimal: DecimalMark = "."
    ) -> Iterator[tuple[str, str, Mask]]:
        """Give (rule, what is wrong, where) for texts that `<` and the like put in an order that is none.

        Partial dates that cannot be told apart, numbers that stand in another order than their letters, other dates than ISO.
        """
        frame = self._frame(columns, decimal, None)
        for node in _nodes(self._tree):
            if not isinstance(node, _Comparison) or node.sign in {"==", "!="}:
                continue
            left, right = node.left.value(frame), node.right.value(frame)
            if isinstance(left, _Texts) and isinstance(right, _Texts):
                yield from _unsure(left, right, decimal)

    def _frame(
        self, columns: Mapping[str, pd.Series] | pd.DataFrame, decimal: DecimalMark, records: int | None
    ) -> _Frame:
        if records is None:
            one = columns if isinstance(columns, pd.DataFrame) else next(iter(columns.values()), ())
            records = len(one)
        return _Frame(columns, records, decimal)


def _nodes(node: _Node) -> Iterator[_Node]:
    """Give a node and all nodes below it."""
    yield node
    if isinstance(node, _Both):
        below: tuple[_Node, ...] = node.parts
    elif isinstance(node, _Comparison | _Arithmetic):
        below = (node.left, node.right)
    else:
        below = (node.part,) if isinstance(node, _Not | _Is | _TextTest | _Call) else ()
    for part in below:
        yield from _nodes(part)


def _unsure(left: _Texts, right: _Texts, decimal: DecimalMark) -> Iterator[tuple[str, str, Mask]]:
    a, b, known = _ranks(left, right)
    used = [{*np.unique(side.codes).tolist()} - {-1} for side in (left, right)]
    sides = zip((left, right), used, strict=True)
    how = order_of([text for side, own in sides for place, text in enumerate(side.distinct) if place in own], decimal)
    if how == "dates":
        series = [
            pd.Series(pd.Categorical.from_codes(side.codes, categories=pd.Index(side.distinct, dtype="str")))
            for side in (left, right)
        ]
        rows = undecided(*series)
        if rows.any():
            yield "CDW-MAP-PARTIAL", "partial dates that cannot be put in order are compared as texts", rows
    elif how == "numbers":
        numbers = [side.numbers(lambda text: number_of(text, decimal)) for side in (left, right)]
        rows = known & (np.sign(numbers[0] - numbers[1]) != np.sign(a - b))
        if rows.any():
            yield "CDW-MAP-NUMBER", "numbers are compared as texts (write number(X))", rows
    elif how == "unsure" and known.any():
        yield "CDW-MAP-NUMBER", "texts that are neither numbers nor ISO 8601 dates are compared letter by letter", known


def _used_as_numbers(node: _Node, frame: _Frame) -> set[str]:
    """Return the columns that stand directly in arithmetic or beside a number."""
    if isinstance(node, _Both):
        return set().union(*(_used_as_numbers(part, frame) for part in node.parts))
    if isinstance(node, _Not):
        return _used_as_numbers(node.part, frame)
    if isinstance(node, _Call):
        direct = {node.part.name} if node.name in ("abs", "round") and isinstance(node.part, _Name) else set()
        return direct | _used_as_numbers(node.part, frame)
    if not isinstance(node, _Comparison | _Arithmetic):
        return set()
    sides = (node.left, node.right)
    inner = _used_as_numbers(node.left, frame) | _used_as_numbers(node.right, frame)
    numeric = isinstance(node, _Arithmetic) or any(not isinstance(side.value(frame), _Texts) for side in sides)
    return inner | {side.name for side in sides if numeric and isinstance(side, _Name)}


@lru_cache(maxsize=4096)
def _parse(text: str) -> Expression:
    parser = _Parser(_words(text))
    tree = parser.whole()
    return Expression(text, tuple(parser.names), tree.kind, tree, tuple(parser.names.values()))


def parse_expression(text: str, *, kind: Kind | None = None, known: Iterable[str] | None = None) -> Expression:
    """Parse an expression; `kind` asks for a test or a value, `known` are the columns there are.

    Raises ExpressionError with all that is wrong, each with its position and the nearest name.

    >>> parse_expression('ANC > 0.5 and LBPERF == "Oui"').columns
    ('ANC', 'LBPERF')
    >>> parse_expression("ANV > 0.5", known=["ANC"])
    Traceback (most recent call last):
    cdiscway.converters.algorithms.conditions.ExpressionError: position 1: no column 'ANV' (did you mean 'ANC'?)
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
