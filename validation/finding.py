"""What is wrong with the data: one finding, as every station of the walk reports it.

This module imports nothing of ours, so that the stations before validation may report findings too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Severity = Literal["error", "warning", "info"]
FixIn = Literal["raw", "mapping", "spec", "tool", ""]


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value was collected: raw form, file, row (1 = the first record of the file), column."""

    form: str
    file: str
    row: int
    column: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One cause found in the data.

    `rule` is a stable id (`CDW-CORE-REQ`, `CG0019`); `records` counts the records concerned, of which `keys`, `value`
    and `source` show the first; `record` is the 1-based position of that record in its dataset; `fix_in` says where
    it is mended.
    """

    rule: str
    severity: Severity
    dataset: str
    message: str
    variable: str = ""
    keys: Mapping[str, str] = field(default_factory=dict)
    value: str = ""
    record: int | None = None
    records: int = 1
    source: Source | None = None
    fix_in: FixIn = ""


@dataclass(frozen=True, slots=True)
class NotRun:
    """A check that could not run, and why: never a pass."""

    rule: str
    dataset: str
    reason: str
