"""Gathers what the mapping finds in the data: one finding per cause, with a count and the first record's source."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cdiscway.validation.finding import Finding, FixIn, Severity, Source


@dataclass(frozen=True, slots=True)
class WorkItem:
    """One line of the worklist: a raw value that found no place, with how often it occurs.

    `suggestion` are terms that are near, the nearest first; `codelist` is the one that an accepted term must be of.
    """

    kind: str
    dataset: str
    variable: str
    form: str
    value: str
    records: int
    suggestion: str = ""
    codelist: str = ""


@dataclass(frozen=True, slots=True)
class Recoded:
    """One distinct raw value of a coded variable: the term it became, and how that was found (exact, folded, ...)."""

    dataset: str
    variable: str
    form: str
    value: str
    codelist: str
    term: str
    how: str
    records: int


@dataclass
class Reporter:
    """Collects findings and worklist lines while records are mapped."""

    findings: list[Finding] = field(default_factory=list)
    worklist: list[WorkItem] = field(default_factory=list)
    recoded: list[Recoded] = field(default_factory=list)

    def report(  # noqa: PLR0913 - the fields of a finding
        self,
        rule: str,
        severity: Severity,
        dataset: str,
        message: str,
        *,
        variable: str = "",
        value: str = "",
        rows: np.ndarray | None = None,
        sources: pd.DataFrame | None = None,
        column: str = "",
        fix_in: FixIn = "",
    ) -> None:
        """Add one finding for the rows where the boolean array `rows` holds (None: the dataset as a whole)."""
        count = 1 if rows is None else int(rows.sum())
        if count == 0:
            return
        source = None if rows is None or sources is None else source_at(sources, int(np.argmax(rows)), column)
        self.findings.append(
            Finding(
                rule,
                severity,
                dataset,
                message,
                variable=variable,
                value=value,
                records=count,
                source=source,
                fix_in=fix_in,
            )
        )


def source_at(sources: pd.DataFrame, position: int, column: str = "") -> Source | None:
    """Return the raw source of the row at `position`, or None where it has none."""
    row = sources["row"].iloc[position]
    if pd.isna(row):
        return None
    return Source(str(sources["form"].iloc[position]), str(sources["file"].iloc[position]), int(row), column)
