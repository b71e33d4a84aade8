"""What study.yaml declares once for the analysis datasets: groups of a number, analysis windows, treatment periods."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from cdiscway.converters.derivations.groups import Group, check_groups
from cdiscway.converters.derivations.visits import Window, overlapping
from cdiscway.specs.model import Strict


class GroupRow(Strict):
    """One group of a number: its `label`, and where it ends, `below` a number or `up_to` and with it (none: open)."""

    label: str
    below: float | None = None
    up_to: float | None = None


class WindowRow(Strict):
    """One analysis window of study days, `from` and `to` both in it (none: open), and its `target` day."""

    AVISIT: str
    AVISITN: float
    start: float | None = Field(default=None, alias="from")
    end: float | None = Field(default=None, alias="to")
    target: float | None = None


class PeriodSource(Strict):
    """Treatment periods: runs of records of `dataset` with the same value of `by` (EXTRT, EPOCH), in the order of `start`.

    `until: next` lets a period last to the day before the next one; without it, it ends with its last record's `end`.
    """

    dataset: str
    start: str
    end: str
    by: str
    where: str | None = None
    until: Literal["own", "next"] = "own"


class Analysis(Strict):
    """The tables by their names: `{group: AGE, table: AGEGR1}`, `{window: ADY, table: CHEM}`, `{period: 1, table: AP}`."""

    groups: dict[str, tuple[GroupRow, ...]] = Field(default_factory=dict)
    windows: dict[str, tuple[WindowRow, ...]] = Field(default_factory=dict)
    periods: dict[str, PeriodSource] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _tables_decide(self) -> Analysis:
        said = [f"{name}: {mistake}" for name in self.groups for mistake in check_groups(self.groups_of(name))]
        for name in self.windows:
            pairs = overlapping(self.windows_of(name))
            said += [f"{name}: the windows of {one} and {other} share a day" for one, other in pairs]
        if said:
            raise ValueError("; ".join(said))
        return self

    def groups_of(self, name: str) -> list[Group]:
        """Return a table of groups."""
        return [Group(row.label, row.below, row.up_to) for row in self.groups[name]]

    def windows_of(self, name: str) -> list[Window]:
        """Return a table of windows."""
        return [Window(row.AVISIT, row.AVISITN, row.start, row.end, row.target) for row in self.windows[name]]

    def in_words(self, method: str) -> str:
        """Return a method that says what the tables hold which it names ("by the groups AGEGR1 of the study").

        >>> tables = Analysis(groups={"AGEGR1": ({"label": "<65", "below": 65}, {"label": ">=65"})})
        >>> tables.in_words("Group of DM.AGE by the groups AGEGR1 of the study.")
        'Group of DM.AGE by the groups AGEGR1 (<65: below 65; >=65: the rest).'
        """
        tables = {f"groups {name}": [_said_group(row) for row in rows] for name, rows in self.groups.items()}
        tables |= {f"windows {name}": [_said_window(row) for row in rows] for name, rows in self.windows.items()}
        tables |= {f"periods {name}": [_said_period(source)] for name, source in self.periods.items()}
        for name, said in tables.items():
            method = method.replace(f"the {name} of the study", f"the {name} ({'; '.join(said)})")
        return method


def _said_group(row: GroupRow) -> str:
    if row.below is None and row.up_to is None:
        return f"{row.label}: the rest"
    return f"{row.label}: " + (f"below {row.below:g}" if row.below is not None else f"up to {row.up_to:g}")


def _said_window(row: WindowRow) -> str:
    target = "" if row.target is None else f", target {row.target:g}"
    window = Window(row.AVISIT, row.AVISITN, row.start, row.end, row.target)
    return f"{row.AVISIT}, number {row.AVISITN:g}: days {window.said}{target}"


def _said_period(source: PeriodSource) -> str:
    where = f" where {source.where}" if source.where else ""
    until = ", to the day before the next" if source.until == "next" else ""
    name = source.dataset
    return (
        f"runs of {name} with one {name}.{source.by}{where}, from {name}.{source.start} to {name}.{source.end}{until}"
    )
