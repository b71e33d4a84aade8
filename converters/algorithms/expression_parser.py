"""The parser of conditions and values: words first, then a tree by the grammar that `conditions` tells."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from cdiscway.specs.mistakes import nearest

from .dates import DateFormatError, compile_format
from .expression_tree import (
    FUNCTIONS,
    SIGNS,
    Arithmetic,
    Both,
    Call,
    Comparison,
    Is,
    Kind,
    Name,
    Node,
    Not,
    Number,
    Option,
    Text,
    TextTest,
)


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


class Word(NamedTuple):
    """One word of an expression: its kind, as it stands there, and its position (1 = the first character)."""

    kind: str
    text: str
    position: int


def split_words(text: str) -> list[Word]:
    """Split an expression into words, and one for its end; raises ExpressionError for a sign without meaning."""
    words: list[Word] = []
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
            words.append(Word(kind, match[0], place + 1))
        place = match.end()
    return [*words, Word("end", "", len(text) + 1)]


@dataclass
class Parser:
    """Walks over the words once, from the loosest binding to the tightest; `names` are the columns with their positions."""

    words: list[Word]
    place: int = 0
    problems: list[Problem] = field(default_factory=list)
    names: dict[str, int] = field(default_factory=dict)

    @property
    def word(self) -> Word:
        """The word that stands here."""
        return self.words[self.place]

    def next(self) -> Word:
        """Return the word that stands here, and step over it."""
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
        """Return the error of a mistake here, or at another position."""
        return ExpressionError([*self.problems, Problem(position or self.word.position, message, hint)])

    def expect(self, text: str) -> None:
        """Step over a word that must stand here; raises ExpressionError."""
        if not self.found(text):
            raise self.fail(f"'{text}' is missing here")

    def whole(self) -> Node:
        """Parse the whole expression; raises ExpressionError."""
        node = self.either()
        if self.word.kind != "end":
            raise self.fail(f"'{self.word.text}' is one word too many", _operator_hint(self.word.text))
        return node

    def either(self) -> Node:
        """Parse tests joined by `or`."""
        return self.joined("or", self.both, every=False)

    def both(self) -> Node:
        """Parse tests joined by `and`."""
        return self.joined("and", self.negation, every=True)

    def joined(self, word: str, part: Callable[[], Node], *, every: bool) -> Node:
        """Parse one part, or several with the word between them."""
        start = self.word.position
        parts = [part()]
        while self.found(word):
            self.need(parts[-1], "test", start, f"'{word}' joins tests")
            start = self.word.position
            parts.append(part())
            self.need(parts[-1], "test", start, f"'{word}' joins tests")
        return parts[0] if len(parts) == 1 else Both(tuple(parts), every)

    def negation(self) -> Node:
        """Parse a test with `not` before it, or none."""
        if not self.found("not"):
            return self.comparison()
        start = self.word.position
        part = self.negation()
        self.need(part, "test", start, "'not' turns a test round")
        return Not(part)

    def need(self, node: Node, kind: Kind, position: int, why: str) -> None:
        """Demand that a part is a test, or a value; raises ExpressionError with the reason."""
        if node.kind != kind:
            stands = "a value" if node.kind == "value" else "a test"
            hint = 'compare it: X == "..." or X is not missing' if kind == "test" else ""
            raise self.fail(f"{why}, but {stands} stands here", hint, position)

    def comparison(self) -> Node:
        """Parse a comparison, or a value alone."""
        start = self.word.position
        left = self.sum()
        if self.word.text in ("=", "<>"):
            raise self.fail(f"'{self.word.text}' is no comparison", f"use {'==' if self.word.text == '=' else '!='}")
        if self.word.kind == "sign" and self.word.text in (*SIGNS, "!="):
            self.need(left, "value", start, "a comparison is of values")
            return self.chain(left)
        special = self.special(left, start)
        return left if special is None else special

    def chain(self, left: Node) -> Node:
        """Parse one comparison or several: `a < b <= c` holds where both do."""
        tests: list[Node] = []
        while self.word.kind == "sign" and self.word.text in (*SIGNS, "!="):
            sign = self.next().text
            start = self.word.position
            if self.word.text == "missing":
                raise self.fail("nothing compares with missing", "write 'is missing' or 'is not missing'")
            right = self.sum()
            self.need(right, "value", start, "a comparison is of values")
            tests.append(Comparison(left, sign, right))
            left = right
        return tests[0] if len(tests) == 1 else Both(tuple(tests), every=True)

    def special(self, left: Node, start: int) -> Node | None:
        """Parse a comparison that is a word: `is missing`, `in (...)`, `starts with "..."`; None for none of them."""
        if self.found("is"):
            self.need(left, "value", start, "'is' asks about a value")
            turned = self.found("not")
            if not (self.found("missing") or self.found("number")):
                raise self.fail("'missing' or 'number' must follow 'is'")
            test: Node = Is(left, self.words[self.place - 1].text)
            return Not(test) if turned else test
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
        return Not(found) if turned and found else found

    def membership(self, left: Node, start: int) -> Node | None:
        """Parse `in (...)`; None where that does not stand here."""
        if not self.found("in"):
            return None
        self.need(left, "value", start, "'in' looks for a value")
        self.expect("(")
        tests = [Comparison(left, "==", self.literal())]
        while self.found(","):
            tests.append(Comparison(left, "==", self.literal()))
        self.expect(")")
        return Both(tuple(tests), every=False)

    def literal(self) -> Node:
        """Parse a text or a number that is written in the expression."""
        negative = self.found("-")
        word = self.next()
        if word.kind == "number":
            return Number(-float(word.text) if negative else float(word.text))
        if word.kind == "text" and not negative:
            return Text(word.text[1:-1])
        raise self.fail("a text or a number must stand here", "texts stand in quotes", word.position)

    def text_test(self, left: Node, start: int) -> Node | None:
        """Parse `starts with`, `ends with`, `contains` and `matches`; None for none of them."""
        for words in (("starts", "with"), ("ends", "with"), ("contains",), ("matches",)):
            if self.found(*words):
                what = " ".join(words)
                self.need(left, "value", start, f"'{what}' tests a text")
                word = self.next()
                if word.kind != "text":
                    raise self.fail(f"a text in quotes must follow '{what}'", "", word.position)
                self.check_pattern(what, word)
                return TextTest(left, what, word.text[1:-1])
        return None

    def check_pattern(self, what: str, word: Word) -> None:
        """Demand that the text of `matches` is a regular expression; raises ExpressionError."""
        if what == "matches":
            try:
                re.compile(word.text[1:-1])
            except re.error as error:
                raise self.fail(f"no regular expression: {error}", "", word.position) from None

    def sum(self) -> Node:
        """Parse values joined by `+` and `-`."""
        return self.arithmetic(("+", "-"), self.product)

    def product(self) -> Node:
        """Parse values joined by `*` and `/`."""
        return self.arithmetic(("*", "/"), self.signed)

    def arithmetic(self, signs: tuple[str, ...], part: Callable[[], Node]) -> Node:
        """Parse one part, or several with signs between them, from left to right."""
        start = self.word.position
        left = part()
        while self.word.kind == "sign" and self.word.text in signs:
            self.need(left, "value", start, "arithmetic is on numbers")
            sign = self.next().text
            start = self.word.position
            right = part()
            self.need(right, "value", start, "arithmetic is on numbers")
            left = Arithmetic(left, sign, right)
        return left

    def signed(self) -> Node:
        """Parse a value with `-` before it, or none."""
        if not self.found("-"):
            return self.primary()
        start = self.word.position
        part = self.signed()
        self.need(part, "value", start, "arithmetic is on numbers")
        return Number(-part.number) if isinstance(part, Number) else Arithmetic(Number(0.0), "-", part)

    def primary(self) -> Node:
        """Parse a column, a text, a number, a function, or what stands in brackets."""
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
            return Name(name)
        what = "the end" if word.kind == "end" else f"'{word.text}'"
        raise self.fail(f"a value must stand here, not {what}", "", word.position)

    def call(self, word: Word) -> Node:
        """Parse a function behind its name."""
        if word.text not in FUNCTIONS:
            hint = nearest(word.text, FUNCTIONS) or f"there are {', '.join(FUNCTIONS)}"
            raise self.fail(f"there is no function {word.text}()", hint, word.position)
        self.expect("(")
        start = self.word.position
        part = self.sum()
        self.need(part, "value", start, f"{word.text}() takes a value")
        option = self.option(word.text) if self.found(",") else None
        self.expect(")")
        return Call(word.text, part, option)

    def option(self, name: str) -> Option:
        """Parse the second argument of a function."""
        word = self.word
        literal = self.literal()
        wanted = FUNCTIONS[name].option
        if wanted == "number" and isinstance(literal, Number):
            return literal.number
        if wanted == "text" and isinstance(literal, Text):
            try:
                compile_format(literal.text)
            except DateFormatError as error:
                raise self.fail(str(error), "", word.position) from None
            return literal.text
        raise self.fail(f"{name}() takes {'a ' + wanted if wanted else 'nothing'} in second place", "", word.position)


def _operator_hint(word: str) -> str:
    return {"&": "use and", "|": "use or", "AND": "use and", "OR": "use or", "NOT": "use not"}.get(word, "")
