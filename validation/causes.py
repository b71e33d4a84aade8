"""One cause, one finding: what follows from another finding is told under it (`consequences.yaml`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, RootModel

from cdiscway.specs.load import parse_model, read_yaml
from cdiscway.specs.model import Strict, names_analysis

from .finding import Finding, Severity, Source

RANK: dict[Severity, int] = {"error": 0, "warning": 1, "info": 2}
_FILE = Path(__file__).with_name("consequences.yaml")


@dataclass(frozen=True, slots=True)
class Example:
    """One failing record: its place (from 1), subject, keys, the values that explain the fault, the raw source."""

    record: int
    subject: str
    keys: Mapping[str, str]
    values: Mapping[str, str]
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class Cause:
    """A finding with its first failing records, and how many records of each subject it concerns.

    `also` names other rules that say the same of the same records; `consequences` are findings that are there because
    this one is. `positions` are the failing records (from 0) while findings are put together, None afterwards.
    """

    finding: Finding
    examples: tuple[Example, ...] = ()
    subjects: Mapping[str, int] = field(default_factory=dict)
    also: tuple[str, ...] = ()
    consequences: tuple[Cause, ...] = ()
    positions: npt.NDArray[np.intp] | None = field(default=None, compare=False, repr=False)


class Relation(Strict):
    """Findings of the rules `brings` follow from one of the rules `cause` where both are the same in all of `same`.

    `records` asks that the consequence's records are among those of the cause (their number, where one of the two does
    not tell its records), `subjects` the same of subjects, `source` that both begin at one raw row. `at` narrows the
    cause to one variable (DM.RFICDTC) or dataset; `into: analysis` asks for a cause in tabulation data and a consequence
    in analysis data; `about: value` asks that the value of the consequence names the dataset of the cause.
    """

    cause: tuple[str, ...] = Field(min_length=1)
    brings: tuple[str, ...] = Field(min_length=1)
    same: tuple[Literal["dataset", "variable", "value", "records", "subjects", "source"], ...] = ()
    at: str = ""
    into: Literal["analysis", ""] = ""
    about: Literal["value", ""] = ""

    def key(self, finding: Finding, *, follows: bool) -> tuple[Any, ...]:
        """Return what must be equal in a cause and its consequence (`follows`)."""
        source = finding.source and (finding.source.file, finding.source.row)
        plain = [getattr(finding, name) for name in self.same if name in {"dataset", "variable", "value"}]
        named = (finding.value if follows else finding.dataset) if self.about else ""
        return (*plain, source if "source" in self.same else None, named)

    def may_cause(self, finding: Finding) -> bool:
        """Whether a finding may be the cause of this relation."""
        place = f"{finding.dataset}.{finding.variable}"
        here = not self.at or self.at in {place, finding.dataset}
        told = "source" not in self.same or finding.source is not None
        return here and told and not (self.into and names_analysis(finding.dataset))

    def may_follow(self, finding: Finding) -> bool:
        """Whether a finding may be the consequence of this relation."""
        told = "source" not in self.same or finding.source is not None
        return told and (not self.into or names_analysis(finding.dataset))

    def explains(self, cause: Cause, other: Cause) -> bool:
        """Whether a cause takes in the records and subjects of a consequence, and is at least as grave."""
        if RANK[cause.finding.severity] > RANK[other.finding.severity]:
            return False
        if "subjects" in self.same and not (other.subjects and other.subjects.keys() <= cause.subjects.keys()):
            return False
        return "records" not in self.same or _among(other, cause)


class _File(RootModel[tuple[Relation, ...]]):
    """consequences.yaml: a list of relations."""


@cache
def relations() -> tuple[Relation, ...]:
    """Return the relations of consequences.yaml."""
    return parse_model(read_yaml(_FILE, _FILE.name), _File).root


def _among(other: Cause, cause: Cause) -> bool:
    if cause.positions is None or other.positions is None:
        return other.finding.records <= cause.finding.records
    return bool(np.isin(other.positions, cause.positions).all())


def folded(causes: Sequence[Cause], known: Sequence[Relation] | None = None) -> list[Cause]:
    """Put each consequence under its cause; nothing is lost, and no error is put under what is less than an error.

    The first relation that fits counts, and of several causes the first. Consequences of consequences stand under the
    first cause of the chain. A finding whose cause is not there stays as it is.
    """
    above: dict[int, int] = {}
    places: dict[str, list[int]] = {}
    for place, cause in enumerate(causes):
        places.setdefault(cause.finding.rule, []).append(place)
    for relation in relations() if known is None else known:
        starts = _starts(relation, causes, places)
        followers = [place for rule in relation.brings for place in places.get(rule, ())] if starts else []
        for place in followers:
            other = causes[place]
            if place in above or not relation.may_follow(other.finding):
                continue
            for start in starts.get(relation.key(other.finding, follows=True), ()):
                if start != place and relation.explains(causes[start], other) and place not in _chain(start, above):
                    above[place] = start
                    break
    below: dict[int, list[Cause]] = {}
    for place in sorted(above):
        below.setdefault(_chain(place, above)[-1], []).append(replace(causes[place], positions=None))
    return [
        replace(cause, positions=None, consequences=(*cause.consequences, *below.get(place, ())))
        for place, cause in enumerate(causes)
        if place not in above
    ]


def _starts(
    relation: Relation, causes: Sequence[Cause], places: Mapping[str, Sequence[int]]
) -> dict[tuple[Any, ...], list[int]]:
    """Return the places of the findings that may be the cause of a relation, by what must be equal."""
    found: dict[tuple[Any, ...], list[int]] = {}
    for place in sorted(place for rule in relation.cause for place in places.get(rule, ())):
        if relation.may_cause(causes[place].finding):
            found.setdefault(relation.key(causes[place].finding, follows=False), []).append(place)
    return found


def _chain(place: int, above: Mapping[int, int]) -> list[int]:
    """Return a finding, its cause, the cause of that, and so on."""
    chain = [place]
    while chain[-1] in above:
        chain.append(above[chain[-1]])
    return chain


def with_consequences(causes: Iterable[Cause]) -> list[Cause]:
    """Return causes and what follows from each, in one list."""
    return [item for cause in causes for item in (cause, *cause.consequences)]
