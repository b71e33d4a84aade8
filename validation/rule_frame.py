"""The table a rule is checked on: columns made when they are asked for, and kept for the next rule."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .rule_columns import Codes, Column, constant, from_series, group_ids

Loader = Callable[[], Column]


@dataclass
class Frame:
    """`length` records; `records` says which record of the dataset each one is (several after a join).

    `prefix` is what `--` stands for; `kept` holds columns, groups and joins already made.
    """

    length: int
    loaders: Mapping[str, Loader]
    prefix: str = ""
    records: Codes | None = None
    wildcard: str = "**"
    kept: dict[Any, Any] = field(default_factory=dict)

    def has(self, name: str) -> bool:
        """Whether the table has this column."""
        return name in self.loaders

    @property
    def names(self) -> list[str]:
        """The names of the columns, in order."""
        return list(self.loaders)

    def column(self, name: str) -> Column:
        """Return a column; raises KeyError."""
        if name not in self.kept:
            self.kept[name] = self.loaders[name]()
        column: Column = self.kept[name]
        return column

    def with_columns(self, extra: Mapping[str, Column]) -> Frame:
        """Return a table with more columns; what was made already is shared."""
        if not extra:
            return self
        loaders = {**self.loaders, **{name: _give(column) for name, column in extra.items()}}
        return OverlaidFrame(self.length, loaders, self.prefix, self.records, self.wildcard, {}, self, frozenset(extra))

    def groups(self, names: Sequence[str], regex: str | None = None) -> Codes:
        """Number the records by these columns; `regex` keeps the matching part of a text before it is compared."""
        key = ("groups", tuple(names), regex)
        if key not in self.kept:
            columns = [shorten(self.column(name), regex) for name in names]
            self.kept[key] = group_ids(columns) if columns else np.zeros(self.length, dtype=np.intp)
        ids: Codes = self.kept[key]
        return ids

    def resolve(self, name: str) -> str:
        """Put the domain's prefix for `--`."""
        return name.replace("--", self.prefix, 1) if name.startswith("--") or ".--" in name else name

    def record_of(self, row: int) -> int:
        """Return the 0-based record of the dataset behind a row."""
        return row if self.records is None else int(self.records[row])


@dataclass
class OverlaidFrame(Frame):
    """A table with a few columns of its own over another one."""

    base: Frame | None = None
    own: frozenset[str] = frozenset()

    def column(self, name: str) -> Column:
        """Return a column, made in the table below unless it is one of ours."""
        if name in self.own or self.base is None:
            return super().column(name)
        return self.base.column(name)

    def groups(self, names: Sequence[str], regex: str | None = None) -> Codes:
        """Number the records, in the table below where it has all columns."""
        if self.base is not None and not self.own.intersection(names):
            return self.base.groups(names, regex)
        return super().groups(names, regex)


def shorten(column: Column, regex: str | None) -> Column:
    """Keep the part of each text that `regex` finds (its first group where it has one), others stay whole."""
    if not regex:
        return column
    pattern = re.compile(regex)

    def part(value: Any) -> Any:
        found = pattern.match(value) if isinstance(value, str) else None
        if not found:
            return value
        return found.group(1) if pattern.groups else found.group(0)

    return column.map(part)


def frame_of_series(columns: Mapping[str, Any], length: int, prefix: str) -> Frame:
    """Make a table of a dataset's columns."""
    return Frame(length, {name: _encode_later(series) for name, series in columns.items()}, prefix)


def frame_of_columns(columns: Mapping[str, Column], length: int, prefix: str = "") -> Frame:
    """Make a table of columns that exist already."""
    return Frame(length, {name: _give(column) for name, column in columns.items()}, prefix)


def missing_column(length: int) -> Column:
    """A column without any value."""
    return constant(None, length)


def _give(column: Column) -> Loader:
    return lambda: column


def _encode_later(series: Any) -> Loader:
    return lambda: from_series(series)


def taken_later(frame: Frame, name: str, rows: Codes) -> Loader:
    """Return a loader for a column of another table, taken by row."""
    return lambda: frame.column(name).take(rows)
