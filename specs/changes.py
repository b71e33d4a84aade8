"""What changed between two packages of controlled terminology, by NCI code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from .model import Codelist
from .package import Package

ChangeKind = Literal[
    "codelist added",
    "codelist removed",
    "codelist submission value changed",
    "codelist name changed",
    "extensible changed",
    "term added",
    "term removed",
    "submission value changed",
    "synonyms changed",
]
KINDS: tuple[ChangeKind, ...] = ChangeKind.__args__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Change:
    """One change; `codelist` is the submission value of the list, `term_code` empty where the list itself changed.

    The terms of a list that was added or removed are not listed one by one: `new` or `old` is their number.
    """

    kind: ChangeKind
    codelist_code: str
    codelist: str
    term_code: str = ""
    old: str = ""
    new: str = ""


def diff_packages(old: Package, new: Package) -> tuple[Change, ...]:
    """Return all changes from one package to another of the same kind, ordered by kind, codelist and value."""
    changes = [change for code in old.blocks.keys() | new.blocks.keys() for change in _codelist(code, old, new)]
    order = {kind: i for i, kind in enumerate(KINDS)}
    return tuple(sorted(changes, key=lambda c: (order[c.kind], c.codelist, c.new, c.old, c.term_code)))


def count_changes(changes: Iterable[Change]) -> dict[str, int]:
    """Return how many changes of each kind there are."""
    counts = Counter(change.kind for change in changes)
    return {kind: counts[kind] for kind in KINDS if counts[kind]}


def _codelist(code: str, old: Package, new: Package) -> Iterator[Change]:
    if code not in old.blocks:
        added = new.codelist(code)
        yield Change("codelist added", code, added.name, new=str(len(added.terms)))
    elif code not in new.blocks:
        removed = old.codelist(code)
        yield Change("codelist removed", code, removed.name, old=str(len(removed.terms)))
    elif old.blocks[code] != new.blocks[code]:
        yield from _changed(old.codelist(code), new.codelist(code))


def _changed(old: Codelist, new: Codelist) -> Iterator[Change]:
    code, name = new.code, new.name
    if old.name != new.name:
        yield Change("codelist submission value changed", code, name, old=old.name, new=new.name)
    if old.label != new.label:
        yield Change("codelist name changed", code, name, old=old.label, new=new.label)
    if old.extensible != new.extensible:
        yield Change("extensible changed", code, name, old=_yes(old.extensible), new=_yes(new.extensible))
    before = {term.code: term for term in old.terms}
    after = {term.code: term for term in new.terms}
    for term_code in before.keys() - after.keys():
        yield Change("term removed", code, name, term_code, old=before[term_code].value)
    for term_code in after.keys() - before.keys():
        yield Change("term added", code, name, term_code, new=after[term_code].value)
    for term_code in before.keys() & after.keys():
        was, now = before[term_code], after[term_code]
        if was.value != now.value:
            yield Change("submission value changed", code, name, term_code, was.value, now.value)
        if set(was.synonyms) != set(now.synonyms):
            yield Change("synonyms changed", code, name, term_code, "; ".join(was.synonyms), "; ".join(now.synonyms))


def _yes(extensible: bool) -> str:
    return "Yes" if extensible else "No"
