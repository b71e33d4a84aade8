"""Groups and windows of a number, by the tables of study.yaml: AGEGR1 and AGEGR1N, AVISIT and what belongs to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from cdiscway.converters.dataset import Provenance
from cdiscway.converters.derivations.groups import group_of
from cdiscway.converters.derivations.keys import label_codes, take_or_missing
from cdiscway.converters.derivations.visits import Window, study_days_apart, window_of
from cdiscway.specs.load import Way
from cdiscway.specs.mistakes import nearest

from .assign import check_term, describe
from .base import Context, RuleBase, Scope, TableKey
from .derive import as_kind

if TYPE_CHECKING:
    from .vocabulary import Input


class GroupRule(RuleBase):
    """`{group: AGE, table: AGEGR1}`: the label of the group that holds a number; `part: number` its number (AGEGR1N).

    The table stands in study.yaml: `analysis: {groups: {AGEGR1: [{label: "<65", below: 65}, {label: ">=65"}]}}`.
    """

    group: Input
    table: str
    part: Literal["label", "number"] = "label"

    def check(self, scope: Scope, way: Way) -> None:
        """The table must be declared, and its labels terms of the target's codelist."""
        with scope.without_target():
            self.group.check(scope, (*way, "group"))
        if has_table(self.table, scope.analysis.groups, "groups", scope, way) and self.part == "label":
            for row in scope.analysis.groups[self.table]:
                check_term(scope, row.label, (*way, "table"))

    def evaluate(self, context: Context) -> pd.Series:
        """Return labels, or numbers; missing for a missing number and for one in no group."""
        numbers = as_kind(self.group.evaluate(context), "number", context)
        labels, places = group_of(numbers, context.study.file.analysis.groups_of(self.table))
        return labels if self.part == "label" else pd.Series(places)

    def provenance(self, table: TableKey) -> Provenance:
        """Derived, by the table."""
        what = "Group" if self.part == "label" else "Number of the group"
        method = f"{what} of {describe(self.group, table)} by the groups {self.table} of the study."
        return self.derived(method, [self.group.provenance(table)])


class WindowRule(RuleBase):
    """`{window: ADY, table: CHEM}`: the analysis visit whose window holds a study day; `part` gives what belongs to it.

    `part` is visit (AVISIT), number (AVISITN), target (AWTARGET), difference (AWTDIFF), low (AWLO), high (AWHI), unit (AWU) or
    range (AWRANGE). The table stands in study.yaml: `analysis: {windows: {CHEM: [{AVISIT: Week 1, AVISITN: 1, from: 2, to: 11,
    target: 8}]}}`. A day in no window has no analysis visit.
    """

    window: Input
    table: str
    part: Literal["visit", "number", "target", "difference", "low", "high", "unit", "range"] = "visit"

    def check(self, scope: Scope, way: Way) -> None:
        """The table must be declared."""
        with scope.without_target():
            self.window.check(scope, (*way, "window"))
        has_table(self.table, scope.analysis.windows, "windows", scope, way)

    def evaluate(self, context: Context) -> pd.Series:
        """Return the part for each record."""
        days = as_kind(self.window.evaluate(context), "number", context)
        windows = context.study.file.analysis.windows_of(self.table)
        place = window_of(days, windows)
        texts = {"visit": [item.visit for item in windows], "range": [item.said for item in windows],
                 "unit": ["DAYS" for _ in windows]}  # fmt: skip
        if self.part in texts:
            return label_codes(place, texts[self.part])
        found = take_or_missing(_bounds(windows, "target" if self.part == "difference" else self.part), place)
        return pd.Series(study_days_apart(days, found) if self.part == "difference" else found)

    def provenance(self, table: TableKey) -> Provenance:
        """Derived, by the table."""
        day = describe(self.window, table)
        what = {
            "visit": "Analysis visit", "number": "Number of the analysis visit", "target": "Target day",
            "difference": "Days from the target (there is no day 0)", "low": "First day", "high": "Last day",
            "unit": "Unit", "range": "First and last day",
        }[self.part]  # fmt: skip
        of = "" if self.part == "visit" else ", of the window"
        method = f"{what}{of} that holds {day}, by the windows {self.table} of the study."
        if self.part == "visit":
            method = f"Analysis visit whose window holds {day}, by the windows {self.table} of the study."
        return self.derived(method, [self.window.provenance(table)])


def has_table(name: str, tables: object, kind: str, scope: Scope, way: Way) -> bool:
    """Report a mistake where study.yaml declares no table of that name; return whether it does."""
    known = list(tables) if isinstance(tables, dict) else []
    if name in known:
        return True
    message = f"study.yaml has no '{name}' under 'analysis: {{{kind}: ...}}'"
    scope.add((*way, "table"), message, nearest(name, known) or (f"known are {', '.join(known)}" if known else ""))
    return False


def _bounds(windows: list[Window], part: str) -> npt.NDArray[np.float64]:
    name = {"low": "start", "high": "end"}.get(part, part)
    values = [getattr(window, name) for window in windows]
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
