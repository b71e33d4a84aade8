"""Waivers: findings that were looked at and accepted, by whom, why, and until when (`waivers.yaml`).

A waiver names the finding it was written for by its id. When the finding changes (another value, more records) its id
changes, the waiver goes stale, and the finding is back.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pydantic import Field, RootModel, model_validator

from cdiscway.specs.load import parse_model, read_yaml
from cdiscway.specs.model import Strict

from .causes import Cause
from .checks.base import Rule, announce
from .finding import Finding
from .run import ValidationResult, Waived, finding_id

STALE = announce(
    "CDW-WAIVER-STALE",
    "warning",
    citation="",
    fix_in="spec",
    text="""A waiver stands for a finding that is there as it was when it was waived.
    Look at the finding again, then renew the waiver or take it out.""",
)
EXPIRED = announce(
    "CDW-WAIVER-EXPIRED",
    "warning",
    citation="",
    fix_in="spec",
    text="""A waiver has not expired.
    After its last day its findings count again.""",
)


class Waiver(Strict):
    """One waiver. Rule and dataset say where it holds, variable and value narrow it, `finding` is the id when waived."""

    rule: str
    dataset: str = ""
    variable: str = ""
    value: str = ""
    finding: str = ""
    reason: str = Field(min_length=1)
    who: str = Field(min_length=1)
    date: datetime.date
    expires: datetime.date | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Waiver:
        if self.expires is not None and self.expires < self.date:
            raise ValueError("a waiver cannot expire before its date")
        return self

    def covers(self, finding: Finding) -> bool:
        """Whether the waiver's scope takes in a finding, whatever its id."""
        wanted = {"dataset": self.dataset, "variable": self.variable, "value": self.value}
        return finding.rule == self.rule and all(not text or getattr(finding, n) == text for n, text in wanted.items())


class WaiverFile(RootModel[tuple[Waiver, ...]]):
    """waivers.yaml: a list of waivers."""


def read_waivers(path: Path, shown: str = "") -> tuple[Waiver, ...]:
    """Read waivers.yaml; raises MistakesError with file, line and path of every mistake."""
    document = read_yaml(path, shown or path.name)
    return () if document.data is None else parse_model(document, WaiverFile).root


def apply_waivers(result: ValidationResult, waivers: Sequence[Waiver], today: datetime.date) -> ValidationResult:
    """Set the waived findings aside; `today` is the day of the build, never read from a clock.

    What follows from a waived finding is waived with it. A waiver that expired, or that stands for nothing, is a finding
    itself. Checks that could not run cannot be waived.
    """
    kept: list[Cause] = []
    waived: list[Waived] = []
    used: set[int] = set()
    for cause in result.causes:
        place = _match(cause.finding, waivers, today)
        if place is None:
            kept.append(cause)
            continue
        used.add(place)
        waiver = waivers[place]
        expires = waiver.expires.isoformat() if waiver.expires else ""
        waived.append(Waived(cause, waiver.reason, waiver.who, waiver.date.isoformat(), expires))
    told = [_told(waiver, result, today) for place, waiver in enumerate(waivers) if place not in used]
    rules = {**result.rules, **{rule.id: rule for rule in (STALE, EXPIRED)}} if told else result.rules
    return replace(result, causes=(*kept, *map(Cause, told)), waived=tuple(waived), rules=_sorted(rules))


def _match(finding: Finding, waivers: Sequence[Waiver], today: datetime.date) -> int | None:
    for place, waiver in enumerate(waivers):
        alive = waiver.expires is None or today <= waiver.expires
        same = not waiver.finding or waiver.finding == finding_id(finding)
        if alive and same and waiver.covers(finding):
            return place
    return None


def _told(waiver: Waiver, result: ValidationResult, today: datetime.date) -> Finding:
    """Say why a waiver stands for nothing: it expired, its finding changed, or its finding is gone."""
    scope = " ".join(part for part in (waiver.rule, waiver.dataset, waiver.variable, waiver.value) if part)
    if waiver.expires is not None and today > waiver.expires:
        text = f"the waiver of {scope} by {waiver.who} expired on {waiver.expires.isoformat()}"
        return Finding(EXPIRED.id, EXPIRED.severity, waiver.dataset, text, waiver.variable, fix_in=EXPIRED.fix_in)
    under = next((c.finding for c in result.causes if any(waiver.covers(b.finding) for b in c.consequences)), None)
    there = any(waiver.covers(finding) for finding in result.findings)
    why = "the finding has changed since" if there else "there is no such finding"
    if under is not None and not there:
        why = f"the finding follows from {under.rule} now; waive that one"
    text = f"the waiver of {scope} by {waiver.who} of {waiver.date.isoformat()} is stale: {why}"
    return Finding(STALE.id, STALE.severity, waiver.dataset, text, waiver.variable, fix_in=STALE.fix_in)


def _sorted(rules: Mapping[str, Rule]) -> dict[str, Rule]:
    return {name: rules[name] for name in sorted(rules)}
