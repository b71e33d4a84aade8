"""The operators of the rule format: each answers, record by record, whether its condition holds.

An operator is a function from a `Call` to a mask. Most look at every distinct value once. Semantics: CDISC's open rule
format, docs/reference/rule-format.md; missing values are never equal, less or greater, and two missing values do not
differ.
"""

from __future__ import annotations

import functools
import itertools
import operator as op
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from .rule_columns import Codes, Column, Mask, as_number, as_text, constant, is_empty, joint_codes, spread
from .rule_dates import Parts, compare_parts, fill, is_complete_date, is_duration, is_valid_date, parse_date
from .rule_frame import Frame, shorten


class VariableMissingError(Exception):
    """A variable that a condition needs is not there: the condition cannot be judged."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"{name} is not in the {'study' if name.startswith('dataset ') else 'dataset'}")


class CannotRunError(Exception):
    """The rule needs something that is not at hand (terminology, define.xml, a dictionary)."""


_QUALIFIED = re.compile(r"[A-Z]{2,8}\.[A-Z][A-Z0-9]*")


@dataclass(frozen=True)
class Call:
    """One condition asked of one table."""

    frame: Frame
    name: str
    parameters: Mapping[str, Any]

    @cached_property
    def target(self) -> Column:
        """The column the condition is about."""
        return self.frame.column(self._present(self.name))

    def _present(self, name: str) -> str:
        resolved = self.frame.resolve(name)
        if not self.frame.has(resolved):
            raise VariableMissingError(resolved)
        return resolved

    @cached_property
    def literal(self) -> Any:
        """The value written in the rule, None where a variable, a result or a list is meant."""
        value = self.parameters.get("value")
        if isinstance(value, list) or self.parameters.get("value_is_reference"):
            return None
        if isinstance(value, str) and not self.parameters.get("value_is_literal"):
            return None if value.startswith("$") or self.frame.has(self.frame.resolve(value)) else value
        return value

    @cached_property
    def equal(self) -> Column:
        """What the target is held equal with: as `other`, the name of a variable that is not there being a text."""
        try:
            return self.other
        except VariableMissingError:
            if self.parameters.get("value_is_reference"):
                raise
            return constant(self.frame.resolve(str(self.parameters.get("value"))), self.frame.length)

    @cached_property
    def other(self) -> Column:
        """What the target is compared with, as a column."""
        value = self.parameters.get("value")
        if self.parameters.get("value_is_reference"):
            return referenced(self.frame, self.frame.column(self._present(str(value))))
        return self.operand(value)

    def operand(self, value: Any) -> Column:
        """Return a literal, an operation's result or a variable as a column."""
        if isinstance(value, list):
            return constant(tuple(self.items(value)), self.frame.length)
        if not isinstance(value, str) or self.parameters.get("value_is_literal"):
            return constant(value, self.frame.length)
        name = self.frame.resolve(value)
        if self.frame.has(name):
            return self.frame.column(name)
        if value.startswith("$"):
            raise CannotRunError(f"{value} is not the id of an operation")
        if value.startswith("--") or _QUALIFIED.fullmatch(name):
            raise VariableMissingError(name)
        return constant(value, self.frame.length)

    def items(self, value: Sequence[Any]) -> Iterable[Any]:
        """Give the members of a list, the lists within it and those that operations made opened."""
        for item in value:
            if isinstance(item, str) and item.startswith("$") and self.frame.has(item):
                held = self.frame.column(item)
                for found in held.values:
                    yield from found if isinstance(found, tuple) else (found,)
            elif isinstance(item, list):
                yield from self.items(item)
            else:
                yield item

    def names(self, value: Any) -> list[str]:
        """Return the variables a list of names means, those that are there, each once."""
        listed = list(self.items(value if isinstance(value, list) else [] if value is None else [value]))
        resolved = (self.frame.resolve(str(name)) for name in listed)
        return list(dict.fromkeys(name for name in resolved if self.frame.has(name)))

    @property
    def target_names(self) -> list[str]:
        """The variables `name` means: itself, or those of the list it holds."""
        if self.target.is_constant and isinstance(self.target.values[0], tuple):
            return self.names(list(self.target.values[0]))
        return [self.frame.resolve(self.name)]

    @property
    def nothing(self) -> Mask:
        """A mask in which no record answers."""
        return np.zeros(self.frame.length, dtype=bool)


Operator = Callable[[Call], Mask]
OPERATORS: dict[str, Operator] = {}
COMPLEMENTS: dict[str, str] = {}
"""Operator -> the one that holds for all other records."""
TAKES_NO_VALUE = {
    "empty", "non_empty", "exists", "not_exists", "is_complete_date", "is_incomplete_date", "invalid_date",
    "invalid_duration", "additional_columns_empty", "additional_columns_not_empty", "has_same_values",
    "has_different_values", "inconsistent_enumerated_columns", "is_unique_set", "is_not_unique_set",
    "present_on_multiple_rows_within", "not_present_on_multiple_rows_within", "is_ordered_by", "is_not_ordered_by",
    "split_parts_have_equal_length", "split_parts_have_unequal_length", "is_title_case", "is_not_title_case",
    "conformant_value_data_type", "non_conformant_value_data_type", "conformant_value_length",
    "non_conformant_value_length",
    "is_valid_reference", "is_not_valid_reference", "is_valid_relationship", "is_not_valid_relationship",
}  # fmt: skip


NEEDED_WORDS = {
    "equals_string_part": ("regex",),
    "does_not_equal_string_part": ("regex",),
    "has_next_corresponding_record": ("within", "ordering"),
    "does_not_have_next_corresponding_record": ("within", "ordering"),
    "present_on_multiple_rows_within": ("within",),
    "not_present_on_multiple_rows_within": ("within",),
    "target_is_sorted_by": ("within",),
    "target_is_not_sorted_by": ("within",),
}
"""The words an operator cannot do without, beside `name` and `value`."""


def operator(name: str, opposite: str = "") -> Callable[[Operator], Operator]:
    """Register an operator, and its complement under the name `opposite`."""

    def register(function: Operator) -> Operator:
        OPERATORS[name] = function
        if opposite:
            OPERATORS[opposite] = lambda call: ~function(call)
            COMPLEMENTS[name] = opposite
        return function

    return register


def referenced(frame: Frame, names: Column) -> Column:
    """Return, record by record, the value of the variable that `names` names."""
    values: list[Any] = []
    offset = 0
    codes = np.full(frame.length, -1, dtype=np.intp)
    for i, name in enumerate(names.values):
        resolved = frame.resolve(str(name))
        if not frame.has(resolved):
            continue
        column, rows = frame.column(resolved), names.codes == i
        found = column.codes[rows]
        codes[rows] = np.where(found < 0, -1, found + offset)
        values.extend(column.values)
        offset += len(column.values)
    return Column(values, codes)


# equality -----------------------------------------------------------------------------------------------------------


def _folding(call: Call, lower: bool) -> Callable[[Any], Any]:
    """Return what makes two values alike: numbers as numbers, text as text, or all as text (`type_insensitive`)."""
    rounds, loose = call.parameters.get("round_values"), call.parameters.get("type_insensitive")

    def fold(value: Any) -> Any:
        if rounds and not np.isnan(as_number(value)):
            value = float(np.floor(as_number(value) + 0.5))
        if isinstance(value, bool):
            return ("bool", value)
        if loose:
            number = as_number(value)
            return as_text(value if np.isnan(number) else number)
        if isinstance(value, int | float):
            return float(value)
        return value.lower() if lower and isinstance(value, str) else value

    return fold


_BOOLEANS = {"true": True, "false": False}


def _literal_like(target: Column, literal: Any) -> Any:
    """Read a literal the way the column's values are typed: `0` against text, `"15"` against numbers."""
    if isinstance(literal, bool) or literal is None:
        return literal
    if isinstance(literal, str) and literal.lower() in _BOOLEANS and all(isinstance(v, bool) for v in target.values):
        return _BOOLEANS[literal.lower()]
    if isinstance(literal, str) and target.is_numeric and not np.isnan(as_number(literal)):
        return as_number(literal)
    if isinstance(literal, int | float) and not target.is_numeric:
        return None
    return literal


def _same(call: Call, lower: bool = False) -> tuple[Mask, Mask]:
    """Return where both are equal, and where at least one has a value."""
    target, other = call.target, call.equal
    fold = _folding(call, lower)
    if call.literal == "":
        return call.nothing, ~target.missing
    if call.literal is not None:
        literal = call.literal if call.parameters.get("type_insensitive") else _literal_like(target, call.literal)
        if literal is None:
            number = as_number(call.literal)
            return target.spread(target.numbers == number, False), np.ones(len(target), dtype=bool)
        wanted = fold(literal)
        return target.where(lambda value: bool(fold(value) == wanted)), np.ones(len(target), dtype=bool)
    left, right = joint_codes(target, other, fold)
    return (left == right) & (left >= 0), (left >= 0) | (right >= 0)


@operator("equal_to")
def equal_to(call: Call) -> Mask:
    """Both have a value, and it is the same."""
    return _same(call)[0]


@operator("not_equal_to")
def not_equal_to(call: Call) -> Mask:
    """At least one has a value, and they differ."""
    same, some = _same(call)
    return ~same & some


@operator("equal_to_case_insensitive")
def equal_to_case_insensitive(call: Call) -> Mask:
    """As equal_to, capitals and small letters alike."""
    return _same(call, lower=True)[0]


@operator("not_equal_to_case_insensitive")
def not_equal_to_case_insensitive(call: Call) -> Mask:
    """As not_equal_to, capitals and small letters alike."""
    same, some = _same(call, lower=True)
    return ~same & some


def _numeric(name: str, compare: Callable[[Any, Any], Any]) -> None:
    def check(call: Call) -> Mask:
        other = call.other
        if other.is_constant:
            return call.target.spread(np.asarray(compare(call.target.numbers, as_number(other.values[0]))), False)
        return np.asarray(compare(call.target.row_numbers, other.row_numbers))

    check.__doc__ = f"Both are numbers, and the one is {name.replace('_', ' ')} the other."
    operator(name)(check)


_numeric("greater_than", op.gt)
_numeric("greater_than_or_equal_to", op.ge)
_numeric("less_than", op.lt)
_numeric("less_than_or_equal_to", op.le)


@operator("empty", "non_empty")
def empty(call: Call) -> Mask:
    """The record has no value, or an empty list."""
    return call.target.where(is_empty, missing=True)


# presence -----------------------------------------------------------------------------------------------------------


@operator("exists", "not_exists")
def exists(call: Call) -> Mask:
    """The table has the variable (or dataset, in a presence check), or a list among its columns names it."""
    name = call.frame.resolve(call.name)
    return np.full(call.frame.length, call.frame.has(name) or _is_listed(call.frame, name))


def _is_listed(frame: Frame, name: str) -> bool:
    """Whether a list that an operation made, or a fact of the table, names a variable."""
    made = (column for column in frame.names if column.startswith("$") or column.islower())
    return any(isinstance(held, tuple) and name in held for column in made for held in frame.column(column).values)


def _numbered(call: Call) -> list[str]:
    stem = call.frame.resolve(call.name)
    found = [
        (int(name[len(stem) :]), name) for name in call.frame.names if re.fullmatch(re.escape(stem) + r"\d+", name)
    ]
    return [name for _, name in sorted(found)]


@operator("additional_columns_empty", "additional_columns_not_empty")
def additional_columns_empty(call: Call) -> Mask:
    """Every numbered sibling (TSVAL1, TSVAL2) is empty."""
    result = ~call.nothing
    for name in _numbered(call):
        result &= call.frame.column(name).missing
    return result


@operator("inconsistent_enumerated_columns")
def inconsistent_enumerated_columns(call: Call) -> Mask:
    """A variable of a numbered row (TSVAL, TSVAL1, TSVAL2) is filled though the one before it is empty."""
    first = [call.frame.resolve(call.name)] if call.frame.has(call.frame.resolve(call.name)) else []
    names = [*first, *_numbered(call)]
    if not names:
        raise VariableMissingError(call.frame.resolve(call.name))
    chain = [call.frame.column(name).missing for name in names]
    result = call.nothing
    for before, after in itertools.pairwise(chain):
        result |= before & ~after
    return result


# text ---------------------------------------------------------------------------------------------------------------


def _matching(call: Call, cut: Callable[[str], str] | None = None, negate: bool = False) -> Mask:
    """Ask for a match: of the whole text at its beginning, of a part of it anywhere. A missing text is an empty one."""
    pattern = re.compile(str(call.parameters["value"]))

    def holds(text: str) -> bool:
        found = pattern.match(text) if cut is None else pattern.search(cut(text))
        return (found is None) is negate

    return call.target.where_text(holds, missing=not call.target.is_numeric and holds(""))


def _first(call: Call) -> Callable[[str], str]:
    count = int(call.parameters.get("prefix", call.parameters.get("suffix", 0)))
    return lambda text: text[:count]


def _last(call: Call) -> Callable[[str], str]:
    count = int(call.parameters.get("suffix", call.parameters.get("prefix", 0)))
    return lambda text: text[-count:] if count else ""


@operator("matches_regex")
def matches_regex(call: Call) -> Mask:
    """The text begins with a match; a missing text is an empty one, a missing number matches nothing."""
    return _matching(call)


@operator("not_matches_regex")
def not_matches_regex(call: Call) -> Mask:
    """The text does not begin with a match; a missing text is an empty one, a missing number is left out."""
    return _matching(call, negate=True)


@operator("prefix_matches_regex")
def prefix_matches_regex(call: Call) -> Mask:
    """There is a match in the first characters."""
    return _matching(call, _first(call))


@operator("not_prefix_matches_regex")
def not_prefix_matches_regex(call: Call) -> Mask:
    """There is no match in the first characters; a missing text is an empty one."""
    return _matching(call, _first(call), negate=True)


@operator("suffix_matches_regex")
def suffix_matches_regex(call: Call) -> Mask:
    """There is a match in the last characters."""
    return _matching(call, _last(call))


@operator("not_suffix_matches_regex")
def not_suffix_matches_regex(call: Call) -> Mask:
    """There is no match in the last characters; a missing text is an empty one."""
    return _matching(call, _last(call), negate=True)


def _text_pair(call: Call, test: Callable[[str, str], bool]) -> Mask:
    """Ask `test(text, other)` once per distinct pair; a record that lacks one of both answers False."""
    target, other = call.target, call.other
    if other.is_constant:
        literal = other.texts[0]
        return target.where_text(lambda text: test(text, literal))
    return _pairwise(target, other, lambda a, b: test(as_text(a), as_text(b)))


def _pairwise(left: Column, right: Column, test: Callable[[Any, Any], bool], missing: bool = False) -> Mask:
    """Ask `test` once per distinct pair of values."""
    width = len(right.values) + 1
    pairs, distinct = pd.factorize(left.codes.astype(np.int64) * width + right.codes)
    answers = np.zeros(len(distinct), dtype=bool)
    for i, pair in enumerate(distinct.tolist()):
        a, b = divmod(pair, width)
        if b == width - 1:  # a missing right value borrows one from the left code
            a, b = a + 1, -1
        answers[i] = missing if a < 0 or b < 0 else test(left.values[a], right.values[b])
    return answers[pairs]


@operator("starts_with")
def starts_with(call: Call) -> Mask:
    """The text begins with the other."""
    return _text_pair(call, str.startswith)


@operator("ends_with")
def ends_with(call: Call) -> Mask:
    """The text ends with the other."""
    return _text_pair(call, str.endswith)


@operator("prefix_equal_to", "prefix_not_equal_to")
def prefix_equal_to(call: Call) -> Mask:
    """The first characters are the other; `DOMAIN` is the domain's own where the table has no such variable."""
    cut = _first(call)
    if call.parameters.get("value") == "DOMAIN" and not call.frame.has("DOMAIN"):
        return call.target.where_text(lambda text: cut(text) == call.frame.prefix)
    return _text_pair(call, lambda text, other: cut(text) == other)


@operator("suffix_equal_to", "suffix_not_equal_to")
def suffix_equal_to(call: Call) -> Mask:
    """The last characters are the other."""
    cut = _last(call)
    return _text_pair(call, lambda text, other: cut(text) == other)


@operator("equals_string_part", "does_not_equal_string_part")
def equals_string_part(call: Call) -> Mask:
    """The value is the part of the other text that `regex` takes out."""
    pattern = re.compile(str(call.parameters["regex"]))

    def part(text: str) -> str | None:
        found = pattern.search(text)
        return None if not found else (found.group(1) if pattern.groups else found.group(0))

    other = call.other.map(lambda value: part(as_text(value)))
    left, right = joint_codes(call.target, other, _folding(call, lower=False))
    return np.asarray((left == right) & (left >= 0))


def _lengths(column: Column) -> npt.NDArray[np.float64]:
    """The length of every text; a missing one has none."""
    return np.asarray(column.spread(np.array([len(text) for text in column.texts], dtype=float), 0.0))


def _limits(other: Column) -> npt.NDArray[np.float64]:
    """The lengths to compare with: numbers as they are, texts by their length."""
    return other.row_numbers if other.is_numeric else _lengths(other)


def _length(name: str, compare: Callable[[Any, Any], Any]) -> None:
    def check(call: Call) -> Mask:
        return np.asarray(compare(_lengths(call.target), _limit(call)))

    check.__doc__ = (
        f"The text is {name.replace('_', ' ')} so many characters (or the other text); a missing one has none."
    )
    operator(name)(check)


def _limit(call: Call) -> Any:
    """What lengths are compared with: a number, however it is written, or the other variable's."""
    number = as_number(call.literal)
    return _limits(call.other) if np.isnan(number) else number


_length("longer_than", op.gt)
_length("longer_than_or_equal_to", op.ge)
_length("shorter_than", op.lt)
_length("shorter_than_or_equal_to", op.le)


@operator("has_equal_length", "has_not_equal_length")
def has_equal_length(call: Call) -> Mask:
    """Both texts are equally long (a number is the length itself); a missing one has no length."""
    return np.asarray(_lengths(call.target) == _limit(call))


@operator("split_parts_have_equal_length", "split_parts_have_unequal_length")
def split_parts_have_equal_length(call: Call) -> Mask:
    """Both parts around the separator are equally long, or there is no separator; more than two parts are unequal."""
    separator = str(call.parameters.get("separator", "/"))

    def test(text: str) -> bool:
        parts = text.split(separator)
        return len(parts) == 1 or (len(parts) == 2 and len(parts[0]) == len(parts[1]))

    return call.target.where_text(test, missing=True)


_SMALL = frozenset(
    {
        "a",
        "an",
        "and",
        "as",
        "at",
        "but",
        "by",
        "en",
        "for",
        "if",
        "in",
        "of",
        "on",
        "or",
        "the",
        "to",
        "v",
        "via",
        "vs",
    }
)


def is_title(text: str) -> bool:
    """Whether a label is in title case: main words begin with a capital, small words do not unless first or last.

    >>> is_title("Date of Birth"), is_title("Date Of birth")
    (True, False)
    """
    words = text.split()
    for i, word in enumerate(words):
        letters = re.sub(r"^[^A-Za-z]+", "", word)
        inner = 0 < i < len(words) - 1 and not words[i - 1].endswith(":")
        if not letters or (inner and letters in _SMALL):
            continue
        if letters[0].islower() and letters == letters.lower():
            return False
        if inner and letters.lower() in _SMALL and letters.istitle() and len(letters) > 1:
            return False
    return True


@operator("is_title_case", "is_not_title_case")
def is_title_case(call: Call) -> Mask:
    """The text is in title case; a missing one is."""
    return call.target.where_text(is_title, missing=True)


# lists --------------------------------------------------------------------------------------------------------------


def _same_fold(lower: bool) -> Callable[[Any], Any]:
    def fold(value: Any) -> Any:
        if isinstance(value, bool):
            return ("bool", value)
        if isinstance(value, int | float):
            return float(value)
        return value.lower() if lower and isinstance(value, str) else value

    return fold


def _flat(column: Column) -> Iterable[Any]:
    for value in column.values:
        yield from value if isinstance(value, tuple) else (value,)


def _members(target: Column, values: Iterable[Any], fold: Callable[[Any], Any]) -> set[Any]:
    """Return the members of a list; numbers written as text count where the target holds numbers."""
    members = {fold(value) for value in values}
    if target.is_numeric:
        numbers = {as_number(value) for value in members if isinstance(value, str)}
        members |= {number for number in numbers if not np.isnan(number)}
    return members


def _contained(call: Call, lower: bool, cut: Callable[[str], str] | None = None) -> Mask:
    target, other = call.target, call.other
    fold = _same_fold(lower)
    if cut is not None:
        target = target.map(lambda value: cut(as_text(value)))
    if other.holds_lists and not other.is_constant:
        held = _pairwise(target, other, lambda a, b: _is_part(a, {fold(v) for v in b}, fold))
        return held | (target.missing & other.where(_has_nothing))
    members = _members(target, _flat(other), fold)
    nothing = not target.is_numeric and _has_nothing(tuple(members))
    return target.where(lambda value: _is_part(value, members, fold), missing=nothing)


def _has_nothing(values: tuple[Any, ...]) -> bool:
    """Whether no value is among the values of a list."""
    return None in values or "" in values


def _is_part(value: Any, members: set[Any], fold: Callable[[Any], Any]) -> bool:
    if isinstance(value, tuple):
        return any(fold(item) in members for item in value)
    return fold(value) in members


@operator("is_contained_by", "is_not_contained_by")
def is_contained_by(call: Call) -> Mask:
    """The value is in the list; a list is when one of its values is."""
    return _contained(call, lower=False)


@operator("is_contained_by_case_insensitive", "is_not_contained_by_case_insensitive")
def is_contained_by_case_insensitive(call: Call) -> Mask:
    """As is_contained_by, capitals and small letters alike."""
    return _contained(call, lower=True)


@operator("prefix_is_contained_by", "prefix_is_not_contained_by")
def prefix_is_contained_by(call: Call) -> Mask:
    """The first characters are in the list."""
    return _contained(call, lower=False, cut=_first(call))


@operator("suffix_is_contained_by", "suffix_is_not_contained_by")
def suffix_is_contained_by(call: Call) -> Mask:
    """The last characters are in the list."""
    return _contained(call, lower=False, cut=_last(call))


def _holds(call: Call, lower: bool) -> Mask:
    fold = _same_fold(lower)

    def test(value: Any, wanted: Any) -> bool:
        if isinstance(value, tuple):
            return fold(wanted) in {fold(item) for item in value}
        if isinstance(value, str) and isinstance(wanted, str):
            return str(fold(wanted)) in str(fold(value))
        return bool(fold(value) == fold(wanted))

    other = call.other
    if call.literal is not None or other.is_constant or any(isinstance(v, tuple) for v in call.target.values):
        wanted = other.values[0] if other.is_constant else None
        return (
            call.target.where(lambda value: test(value, wanted))
            if other.is_constant
            else _pairwise(call.target, other, test)
        )
    held = {fold(value) for value in call.target.values}
    return other.where(lambda value: fold(value) in held)


@operator("contains", "does_not_contain")
def contains(call: Call) -> Mask:
    """The list has the value, the text has it as a part, a number is it; of a variable, the whole column has its value."""
    return _holds(call, lower=False)


@operator("contains_case_insensitive", "does_not_contain_case_insensitive")
def contains_case_insensitive(call: Call) -> Mask:
    """As contains, capitals and small letters alike."""
    return _holds(call, lower=True)


@operator("contains_all")
def contains_all(call: Call) -> Mask:
    """The target has all the values: record by record for lists, else the whole column, told at its first record."""
    return _has_all(call, True)


@operator("not_contains_all")
def not_contains_all(call: Call) -> Mask:
    """The target lacks one of the values; of a whole column it is told at its first record as well."""
    return _has_all(call, False)


def _has_all(call: Call, wanted: bool) -> Mask:
    target, other, fold = call.target, call.other, _same_fold(lower=False)
    if target.holds_lists:
        held = _pairwise(target, other, lambda a, b: {fold(v) for v in _listed(b)} <= {fold(v) for v in a})
        return np.asarray(held == wanted)
    told = np.zeros(len(target), dtype=bool)
    told[:1] = ({fold(v) for v in _flat(other)} <= {fold(v) for v in _flat(target)}) == wanted
    return told


def _listed(value: Any) -> Iterable[Any]:
    return value if isinstance(value, tuple) else (value,)


def _shared(call: Call, test: Callable[[int], bool]) -> Mask:
    fold = _same_fold(lower=False)
    return _pairwise(
        call.target, call.other, lambda a, b: test(len({fold(v) for v in _listed(a)} & {fold(v) for v in _listed(b)}))
    )


@operator("shares_at_least_one_element_with")
def shares_at_least_one_element_with(call: Call) -> Mask:
    """Both lists have a value in common."""
    return _shared(call, lambda count: count > 0)


@operator("shares_exactly_one_element_with")
def shares_exactly_one_element_with(call: Call) -> Mask:
    """Both lists have exactly one value in common."""
    return _shared(call, lambda count: count == 1)


@operator("shares_no_elements_with")
def shares_no_elements_with(call: Call) -> Mask:
    """The lists have nothing in common."""
    return _shared(call, lambda count: count == 0)


@operator("is_ordered_subset_of", "is_not_ordered_subset_of")
def is_ordered_subset_of(call: Call) -> Mask:
    """All values of the list stand in the other list, in the same order."""

    def ordered(a: Any, b: Any) -> bool:
        following = iter(_listed(b))
        return all(value in following for value in _listed(a))

    return _pairwise(call.target, call.other, ordered)


# dates --------------------------------------------------------------------------------------------------------------


def _date_pair(name: str, compare: Callable[[Any, Any], Any]) -> None:
    def check(call: Call) -> Mask:
        component = call.parameters.get("date_component")
        if component is None:
            return _compare_known(call.target, call.other, compare)

        def test(a: Any, b: Any) -> bool:
            left, right = parse_date(as_text(a)), parse_date(as_text(b))
            if left is None or right is None:
                return False
            return bool(compare(*compare_parts(left, right, component)))

        return _pairwise(call.target, call.other, test)

    check.__doc__ = f"Both are dates, and the one is {name.removeprefix('date_').replace('_', ' ')} the other."
    operator(name)(check)


def _ticks(parts: Parts | None, precision: int) -> float:
    """Return a number that grows with the date, of its first `precision` parts."""
    if parts is None:
        return float("nan")
    year, month, day, hour, minute, second, micro = fill(parts[:precision])
    return ((((year * 12 + month) * 31 + day) * 24 + hour) * 60 + minute) * 60 + second + micro / 1e6


def _compare_known(left: Column, right: Column, compare: Callable[[Any, Any], Any]) -> Mask:
    """Compare as far as both dates are known; where that far they are the same and the first is known better, wholly.

    Dates that are not known equally well are never equal, and differ.
    """
    first, second = ([parse_date(text) for text in column.texts] for column in (left, right))
    depth, other_depth = (
        spread(np.array([len(parts or ()) for parts in dates], dtype=np.intp), column.codes, 0)
        for dates, column in ((first, left), (second, right))
    )
    common = np.minimum(depth, other_depth)
    result = np.zeros(len(left), dtype=bool)
    for precision in np.unique(common[common > 0]).tolist():
        rows = np.flatnonzero(common == precision)
        a, b = _at(first, left, rows, precision), _at(second, right, rows, precision)
        better = (a == b) & (depth[rows] > other_depth[rows])
        whole = compare(_at(first, left, rows, 7), _at(second, right, rows, 7))
        result[rows] = np.where(better, whole, compare(a, b))
        if compare in (op.eq, op.ne):
            unlike = depth[rows] != other_depth[rows]
            result[rows] = np.where(unlike, compare is op.ne, result[rows])
    return result


def _at(dates: Sequence[Parts | None], column: Column, rows: Codes, precision: int) -> npt.NDArray[np.float64]:
    ticks = np.array([_ticks(parts, precision) for parts in dates], dtype=float)
    return np.asarray(spread(ticks, column.codes[rows], np.nan))


_date_pair("date_equal_to", op.eq)
_date_pair("date_greater_than", op.gt)
_date_pair("date_greater_than_or_equal_to", op.ge)
_date_pair("date_less_than", op.lt)
_date_pair("date_less_than_or_equal_to", op.le)
_date_pair("date_not_equal_to", op.ne)


@operator("is_complete_date", "is_incomplete_date")
def complete_date(call: Call) -> Mask:
    """The date has year, month and day; a missing date is incomplete."""
    return call.target.where_text(is_complete_date)


@operator("invalid_date")
def invalid_date(call: Call) -> Mask:
    """The value is not an ISO 8601 date; a missing one is none."""
    return call.target.where_text(lambda text: not is_valid_date(text), missing=True)


@operator("invalid_duration")
def invalid_duration(call: Call) -> Mask:
    """The value is not an ISO 8601 duration; a missing one is none."""
    negative = bool(call.parameters.get("negative", False))
    return call.target.where_text(lambda text: not is_duration(text, negative), missing=True)


# keys and relations -------------------------------------------------------------------------------------------------


def _counts(ids: Codes) -> Codes:
    return np.bincount(ids, minlength=1)[ids] if len(ids) else ids


@operator("is_unique_set", "is_not_unique_set")
def is_unique_set(call: Call) -> Mask:
    """No other record has the same values of all the variables, of those that are there."""
    others = call.names(call.parameters.get("value"))
    own = call.target_names if call.frame.has(call.frame.resolve(call.name)) or not others else []
    names = list(dict.fromkeys([*own, *others]))
    return np.asarray(_counts(call.frame.groups(names, call.parameters.get("regex"))) == 1)


@operator("is_not_unique_relationship", "is_unique_relationship")
def is_not_unique_relationship(call: Call) -> Mask:
    """A value of the one variable goes with several values of the other, no value being one of them."""
    names = call.names(call.parameters.get("value"))
    if not names:
        raise VariableMissingError(call.frame.resolve(str(call.parameters.get("value"))))
    left, right = call.frame.groups(call.target_names), call.frame.groups(names)
    both = call.frame.groups([*call.target_names, *names])
    here, there = _complete(call.frame, call.target_names), _complete(call.frame, names)
    return (_several(left, both) & here) | (_several(right, both) & there)


def _complete(frame: Frame, names: Sequence[str]) -> Mask:
    """True for the records that have a value of every variable."""
    return np.asarray(~np.logical_or.reduce([frame.column(name).missing for name in names]))


def _several(group: Codes, both: Codes) -> Mask:
    """True for records of a group that holds more than one combination."""
    if not len(group):
        return np.zeros(0, dtype=bool)
    pairs = np.unique(np.stack([group, both]), axis=1)
    return np.asarray(np.bincount(pairs[0], minlength=group.max() + 1)[group] > 1)


@operator("present_on_multiple_rows_within", "not_present_on_multiple_rows_within")
def present_on_multiple_rows_within(call: Call) -> Mask:
    """The value stands on more than `value` (default 1) records of its group."""
    limit = as_number(call.parameters.get("value", 1) or 1)
    within = call.names(call.parameters.get("within"))
    there = ~call.target.missing
    return np.asarray(_counts(call.frame.groups([call.frame.resolve(call.name), *within])) > limit) & there


@operator("is_inconsistent_across_dataset")
def is_inconsistent_across_dataset(call: Call) -> Mask:
    """The value differs within its group: those that differ from the majority, all where there is none.

    No value is a value like others.
    """
    group = call.frame.groups(call.names(call.parameters.get("value"))).astype(np.int64)
    target = shorten(call.target, call.parameters.get("regex"))
    width = len(target.values) + 1
    frame = pd.DataFrame({"group": group, "pair": group * width + target.codes + 1})
    counts = frame.groupby(["group", "pair"], as_index=False).size()
    most = counts.groupby("group")["size"].transform("max")
    counts["leads"] = counts["size"] == most
    leaders = counts.groupby("group")["leads"].transform("sum")
    kinds = counts.groupby("group")["pair"].transform("size")
    wrong = counts[(kinds > 1) & (~counts["leads"] | (leaders > 1))]
    return np.isin(frame["pair"].to_numpy(), wrong["pair"].to_numpy())


@operator("has_same_values", "has_different_values")
def has_same_values(call: Call) -> Mask:
    """All records have the same value."""
    kinds = len(np.unique(call.target.codes))
    return np.full(len(call.target), kinds <= 1)


@operator("value_has_multiple_references", "value_does_not_have_multiple_references")
def value_has_multiple_references(call: Call) -> Mask:
    """The value is counted more than once in the counts an operation made (pairs of value and count)."""
    counts = {pair[0]: pair[1] for pair in _flat(call.other) if isinstance(pair, tuple)}
    return call.target.where(lambda value: counts.get(value, 0) > 1)


# order --------------------------------------------------------------------------------------------------------------


def sort_ranks(column: Column) -> Codes:
    """Rank the records by value: numbers as numbers, else as text; missing last."""
    numbers = column.numbers
    keys = numbers if column.is_numeric else np.array(column.texts, dtype=object)
    order = np.argsort(keys, kind="stable") if len(keys) else np.array([], dtype=np.intp)
    ranks = np.empty(len(order), dtype=np.intp)
    ranks[order] = np.arange(len(order))
    return np.asarray(column.spread(ranks, len(ranks)))


def _ordered_rows(call: Call, within: Sequence[str], ordering: Sequence[str]) -> tuple[Codes, Codes]:
    """Return the rows sorted by group and ordering, and the group of every row."""
    group = call.frame.groups(within)
    ranks = [sort_ranks(call.frame.column(name)) for name in reversed(ordering)]
    return np.lexsort([np.arange(call.frame.length), *ranks, group]), group


def _not_last(call: Call) -> Mask:
    """True for the records that are not the last of their group, in the order of `ordering`."""
    rows, group = _ordered_rows(
        call, call.names(call.parameters.get("value")), call.names(call.parameters.get("ordering"))
    )
    result = call.nothing
    result[rows[:-1]] = group[rows[:-1]] == group[rows[1:]]
    return result


@operator("empty_within_except_last_row")
def empty_within_except_last_row(call: Call) -> Mask:
    """The record has no value though it is not the last of its group."""
    return _not_last(call) & call.target.missing


@operator("non_empty_within_except_last_row")
def non_empty_within_except_last_row(call: Call) -> Mask:
    """The record has a value and is not the last of its group."""
    return _not_last(call) & ~call.target.missing


def _next_corresponds(call: Call) -> tuple[Mask, Mask]:
    within = call.names(call.parameters.get("within"))
    rows, group = _ordered_rows(call, within, call.names(call.parameters.get("ordering")))
    here, there = joint_codes(call.target, call.other, _same_fold(lower=False))
    has_next, same = call.nothing, call.nothing
    following = group[rows[:-1]] == group[rows[1:]]
    has_next[rows[:-1]] = following
    same[rows[:-1]] = following & (here[rows[:-1]] == there[rows[1:]])
    return has_next, same


@operator("has_next_corresponding_record")
def has_next_corresponding_record(call: Call) -> Mask:
    """The value is that of the other variable in the group's next record; the last record has none to compare."""
    has_next, same = _next_corresponds(call)
    return same | ~has_next


@operator("does_not_have_next_corresponding_record")
def does_not_have_next_corresponding_record(call: Call) -> Mask:
    """There is a next record in the group, and its other variable differs."""
    has_next, same = _next_corresponds(call)
    return has_next & ~same


@operator("is_ordered_set", "is_not_ordered_set")
def is_ordered_set(call: Call) -> Mask:
    """The records of each group stand in ascending order."""
    group, ranks = call.frame.groups(call.names(call.parameters.get("value"))), sort_ranks(call.target)
    rows = np.lexsort([np.arange(len(ranks)), group])
    falls = (group[rows[:-1]] == group[rows[1:]]) & (ranks[rows[:-1]] > ranks[rows[1:]])
    broken = np.isin(group, group[rows[1:]][falls])
    return ~broken


@operator("is_ordered_by", "is_not_ordered_by")
def is_ordered_by(call: Call) -> Mask:
    """The record stands where sorting by the variable (`order` asc or dsc) would put a like value."""
    ranks = sort_ranks(call.target)
    wanted = np.sort(ranks)
    if str(call.parameters.get("order", "asc")).lower().startswith("d"):
        wanted = wanted[::-1]
    return np.asarray(ranks == wanted)


def _overlapping(column: Column, group: Codes) -> Mask:
    """True for a date that is the beginning of another one of its group (2005-10 beside 2005-10-08): it has no place."""
    width = len(column.values) + 1
    pairs = group.astype(np.int64) * width + column.codes
    held = np.unique(pairs[~column.missing]).tolist()
    dates = sorted((pair // width, column.texts[pair % width], pair) for pair in held)
    flagged = [
        pair
        for (number, text, pair), (other, longer, _) in itertools.pairwise(dates)
        if longer.startswith(text) and number == other and parse_date(text) and parse_date(longer)
    ]
    return np.isin(pairs, flagged) & ~column.missing


def _sorted_by(call: Call) -> Mask:
    within = call.names(call.parameters.get("within"))
    group = call.frame.groups(within)
    target = call.target
    if call.parameters.get("regex"):
        target = shorten(target, call.parameters["regex"]).map(_number_or_text)
    value = call.parameters["value"]
    keys: list[Any] = []
    overlaps = call.nothing
    for item in value if isinstance(value, list) else [value]:
        words = item if isinstance(item, dict) else {"name": item}
        names = call.names(words["name"])
        if not names:
            raise VariableMissingError(call.frame.resolve(str(words["name"])))
        column = call.frame.column(names[0])
        keys.append(_sort_key(column, words))
        overlaps |= _overlapping(column, group)
    wanted = np.lexsort([np.arange(len(target)), *reversed(keys), group])
    actual = np.lexsort([np.arange(len(target)), sort_ranks(target), group])
    here, there = sort_ranks(target)[wanted], sort_ranks(target)[actual]
    result = ~call.nothing
    result[wanted] = here == there
    return result & ~overlaps


def _number_or_text(value: Any) -> Any:
    number = as_number(value)
    return value if np.isnan(number) else number


def _sort_key(column: Column, words: Mapping[str, Any]) -> Any:
    ranks = sort_ranks(column).astype(np.int64)
    last = len(column.values)
    if str(words.get("sort_order", words.get("order", "asc"))).lower().startswith("d"):
        ranks = np.where(ranks == last, last, last - 1 - ranks)
    return np.where(ranks == last, -1, ranks) if words.get("null_position") == "first" else ranks


@operator("target_is_sorted_by", "target_is_not_sorted_by")
def target_is_sorted_by(call: Call) -> Mask:
    """Sorting each group by the other variables gives the target's ascending order at this record."""
    return _sorted_by(call)


# define.xml ---------------------------------------------------------------------------------------------------------


def _vlm(call: Call, column: str) -> Column:
    if not call.frame.has(column):
        raise CannotRunError("needs the value level metadata of a define.xml")
    return call.frame.column(column)


@operator("conformant_value_data_type", "non_conformant_value_data_type")
def conformant_value_data_type(call: Call) -> Mask:
    """The value has the data type its value level metadata says."""
    return ~_vlm(call, "type_check").where(lambda value: value is False)


@operator("conformant_value_length", "non_conformant_value_length")
def conformant_value_length(call: Call) -> Mask:
    """The value is no longer than its value level metadata says."""
    return ~_vlm(call, "length_check").where(lambda value: value is False)


@operator("references_correct_codelist", "does_not_reference_correct_codelist")
def references_correct_codelist(call: Call) -> Mask:
    """The codelist named in `value` is one the standard gives the variable named in the target."""
    if not call.frame.has("library_variable_ccode"):
        raise CannotRunError("needs the codelists of the standard")
    allowed = call.frame.column("library_variable_ccode")
    return _pairwise(call.other, allowed, lambda a, b: bool(set(_listed(a)) & set(_listed(b)))) | allowed.missing


# relations between datasets -----------------------------------------------------------------------------------------


@operator("is_valid_reference", "is_not_valid_reference")
def is_valid_reference(call: Call) -> Mask:
    """The variable named in the target (IDVAR) is one of the dataset named in `context` (RDOMAIN)."""
    known = call.frame.kept.get("study variables")
    if known is None:
        raise CannotRunError("needs the datasets of the study")
    context = call.frame.column(call.frame.resolve(str(call.parameters.get("context", "RDOMAIN"))))
    return _pairwise(call.target, context, lambda a, b: a in known.get(b, ()))


@operator("is_valid_relationship", "is_not_valid_relationship")
def is_valid_relationship(call: Call) -> Mask:
    """The dataset named in `context` (RDOMAIN) has a record whose variable named in the target (IDVAR) has the value."""
    lookup = call.frame.kept.get("study values")
    if lookup is None:
        raise CannotRunError("needs the datasets of the study")
    context = call.frame.column(call.frame.resolve(str(call.parameters.get("context", "RDOMAIN"))))
    result = call.nothing
    for i, domain in enumerate(context.values):
        rows = np.flatnonzero(context.codes == i)
        there = functools.partial(_is_there, lookup, domain)
        result[rows] = _pairwise(call.target.take(rows), call.other.take(rows), there)
    return result


def _is_there(lookup: Callable[[Any, Any], frozenset[str]], domain: Any, name: Any, value: Any) -> bool:
    return as_text(value) in lookup(domain, name)
