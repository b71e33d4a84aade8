"""Match Datasets: other datasets joined to the records a rule checks.

A join is made once per dataset and kept for the next rule. Every joined record keeps the number of the record it began
with, so that a finding names that one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from .operators import VariableMissingError
from .rule_columns import Codes, Column, as_number, as_text, encode, joint_codes
from .rule_data import ALL_SUPPLEMENTAL, RuleDataset, RuleStudy
from .rule_frame import Frame, Loader, missing_column, taken_later
from .rule_model import Match
from .rule_types import stack

_SUPPLEMENTAL_WORDS = frozenset({"QNAM", "QVAL", "QLABEL", "QORIG", "QEVAL", "IDVAR", "IDVARVAL"})


def join_all(
    study: RuleStudy, dataset: RuleDataset, frame: Frame, matches: Sequence[Match], names: frozenset[str]
) -> Frame:
    """Join the datasets of a rule; `names` are the variables the rule speaks of.

    Raises VariableMissingError when a dataset or a key is not there.
    """
    for i, match in enumerate(matches):
        long = bool(names & _SUPPLEMENTAL_WORDS)
        key = ("join", dataset.name, matches[: i + 1], long and match.name.startswith("SUPP"))
        if key not in study.kept:
            study.kept[key] = _join(study, dataset, frame, match, long)
        frame = study.kept[key]
    return frame


def _join(study: RuleStudy, dataset: RuleDataset, frame: Frame, match: Match, long: bool) -> Frame:
    if match.child:
        return _join_parent(study, frame) if _answers(dataset, match.name) else frame
    if match.name == "RELREC" and not match.keys:
        return _join_related(study, dataset, frame, match)
    name = match.name.replace("--", frame.prefix) if match.name.startswith(("SUPP", "SQ")) else match.name
    if name in (dataset.name, dataset.domain):
        return frame
    parts = study.parts(name)
    if not parts:
        raise VariableMissingError(f"dataset {name}")
    table = study.domain_table(name)
    assert table is not None
    if parts[0].is_supplemental and not dataset.is_supplemental and not long:
        return _join_qualifiers(frame, table)
    if parts[0].is_supplemental and not dataset.is_supplemental:
        return _join_rows(frame, table, name, *_supplemental_pairs(frame, table), match.join)
    return _join_rows(frame, table, name, *_key_pairs(frame, table, match.keys), match.join)


def _answers(dataset: RuleDataset, name: str) -> bool:
    return name in (dataset.name, dataset.domain) or (name in ALL_SUPPLEMENTAL and dataset.is_supplemental)


def pair_rows(left: Codes, right: Codes) -> tuple[Codes, Codes]:
    """Return the pairs of rows with equal codes (a code of -1 pairs with none), in the order of the left rows."""
    order = np.argsort(right, kind="stable")
    order = order[right[order] >= 0]
    keys = right[order]
    first, last = np.searchsorted(keys, left, "left"), np.searchsorted(keys, left, "right")
    counts = np.where(left >= 0, last - first, 0)
    rows = np.repeat(np.arange(len(left), dtype=np.intp), counts)
    start = np.repeat(first, counts)
    within = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    return rows, order[start + within]


def _loose(value: Any) -> Any:
    """Make `15` and `15.0` alike: keys are compared whatever their type."""
    number = as_number(value)
    return as_text(value) if np.isnan(number) else number


def combine(codes: Sequence[tuple[Codes, Codes]], strict: bool = True) -> tuple[Codes, Codes]:
    """Make one code of several keys on both sides; a missing key gives -1, or (not `strict`) is like another missing one."""
    size = len(codes[0][0])
    joined = np.zeros(size + len(codes[0][1]), dtype=np.int64)
    lacking = np.zeros(len(joined), dtype=bool)
    for left, right in codes:
        both = np.concatenate([left, right])
        lacking |= both < 0
        joined = pd.factorize(joined * (int(both.max(initial=0)) + 2) + both + 1)[0]
    joined = np.where(lacking & strict, -1, joined)
    return joined[:size], joined[size:]


def _key_pairs(frame: Frame, table: Frame, keys: Sequence[tuple[str, str]]) -> tuple[Codes, Codes]:
    codes = []
    for ours, theirs in keys:
        here, there = frame.resolve(ours), table.resolve(theirs)
        for held, name in ((frame, here), (table, there)):
            if not held.has(name):
                raise VariableMissingError(name)
        codes.append(joint_codes(frame.column(here), table.column(there), _loose))
    if not codes:
        raise VariableMissingError("a key to join by")
    return pair_rows(*combine(codes, strict=False))


def _join_rows(frame: Frame, table: Frame, name: str, rows: Codes, others: Codes, join: str) -> Frame:
    """Put the other table's columns beside ours: as NAME.VARIABLE, and as VARIABLE where we have none of that name."""
    if join == "left":
        alone = np.setdiff1d(np.arange(frame.length), rows)
        rows, others = np.concatenate([rows, alone]), np.concatenate([others, np.full(len(alone), -1)])
        order = np.argsort(rows, kind="stable")
        rows, others = rows[order], others[order]
    extra: dict[str, Loader] = {}
    for column in table.names:
        loader = taken_later(table, column, others)
        extra[f"{name}.{column}"] = loader
        if not frame.has(column):
            extra[column] = loader
    if join == "left":
        found = Column(["left_only", "both"], (others >= 0).astype(np.intp))
        extra[f"_merge_{name}"] = lambda: found
    return _beside(frame, rows, extra)


def _beside(frame: Frame, rows: Codes, extra: Mapping[str, Loader], wildcard: str = "**") -> Frame:
    same = len(rows) == frame.length and bool((rows == np.arange(frame.length)).all())
    ours: dict[str, Loader] = {n: (_as_is(frame, n) if same else taken_later(frame, n, rows)) for n in frame.names}
    records = rows if frame.records is None else frame.records[rows]
    return Frame(
        len(rows), {**ours, **extra}, frame.prefix, None if same and frame.records is None else records, wildcard
    )


def _as_is(frame: Frame, name: str) -> Loader:
    return lambda: frame.column(name)


# supplemental qualifiers --------------------------------------------------------------------------------------------


def _supplemental_pairs(frame: Frame, table: Frame) -> tuple[Codes, Codes]:
    """Pair records with their supplemental records, by USUBJID and the variable that IDVAR names."""
    rows, others = [], []
    for variable, held in _by_idvar(table):
        keys = [("USUBJID", "USUBJID")] if frame.has("USUBJID") and table.has("USUBJID") else []
        codes = [joint_codes(frame.column(a), table.column(b).take(held), _loose) for a, b in keys]
        if variable is not None:
            if not frame.has(variable):
                continue
            codes.append(joint_codes(frame.column(variable), table.column("IDVARVAL").take(held), _loose))
        left, right = pair_rows(*combine(codes))
        rows.append(left)
        others.append(held[right])
    if not rows:
        return np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.intp)
    all_rows, all_others = np.concatenate(rows), np.concatenate(others)
    order = np.argsort(all_rows, kind="stable")
    return all_rows[order], all_others[order]


def _by_idvar(table: Frame) -> Iterator[tuple[str | None, Codes]]:
    """Give the values of IDVAR (None where it is empty) with their rows."""
    if not table.has("IDVAR"):
        yield None, np.arange(table.length, dtype=np.intp)
        return
    column = table.column("IDVAR")
    for code in np.unique(column.codes).tolist():
        yield (str(column.values[code]) if code >= 0 else None), np.flatnonzero(column.codes == code)


def _join_qualifiers(frame: Frame, table: Frame) -> Frame:
    """Put every QNAM beside the records it belongs to, as a variable; every record stays."""
    rows, others = _supplemental_pairs(frame, table)
    names, values = table.column("QNAM"), table.column("QVAL")
    extra: dict[str, Loader] = {}
    for code, name in enumerate(names.values):
        if not frame.has(str(name)):
            chosen = names.codes[others] == code
            extra[str(name)] = _placed(values, rows[chosen], others[chosen], frame.length)
    return _beside(frame, np.arange(frame.length, dtype=np.intp), extra)


def _placed(values: Column, rows: Codes, others: Codes, length: int) -> Loader:
    def load() -> Column:
        place = np.full(length, -1, dtype=np.intp)
        place[rows] = others
        return values.take(place)

    return load


# parents of CO, RELREC and SUPP-- -----------------------------------------------------------------------------------


def _join_parent(study: RuleStudy, frame: Frame) -> Frame:
    """Put beside each record of CO, RELREC or SUPP-- those of its parent that IDVAR and IDVARVAL point at.

    A record without parent stays, its parent's variables empty.
    """
    if not frame.has("RDOMAIN"):
        raise VariableMissingError("RDOMAIN")
    domains = frame.column("RDOMAIN")
    pieces: list[tuple[Frame | None, Codes, Codes]] = []
    for code in np.unique(domains.codes).tolist():
        rows = np.flatnonzero(domains.codes == code)
        parent = study.domain_table(str(domains.values[code])) if code >= 0 else None
        pieces.append((parent, *_parent_pairs(frame, parent, rows)))
    rows = np.concatenate([piece[1] for piece in pieces]) if pieces else np.zeros(0, dtype=np.intp)
    order = np.argsort(rows, kind="stable")
    names = dict.fromkeys(n for parent, _, _ in pieces if parent for n in parent.names if not frame.has(n))
    extra = {name: _from_parents(pieces, name, order) for name in names}
    return _beside(frame, rows[order], extra)


def _parent_pairs(frame: Frame, parent: Frame | None, rows: Codes) -> tuple[Codes, Codes]:
    left, right = [np.zeros(0, dtype=np.intp)], [np.zeros(0, dtype=np.intp)]
    if parent is not None and frame.has("IDVAR") and frame.has("IDVARVAL"):
        variables = frame.column("IDVAR")
        for code in np.unique(variables.codes[rows]).tolist():
            if code < 0 or not parent.has(str(variables.values[code])):
                continue
            held = rows[variables.codes[rows] == code]
            keys = [(frame.column("IDVARVAL").take(held), parent.column(str(variables.values[code])))]
            if frame.has("USUBJID") and parent.has("USUBJID"):
                keys.append((frame.column("USUBJID").take(held), parent.column("USUBJID")))
            ours, theirs = pair_rows(*combine([joint_codes(a, b, _loose) for a, b in keys]))
            left.append(held[ours])
            right.append(theirs)
    alone = np.setdiff1d(rows, np.concatenate(left))
    return np.concatenate([*left, alone]), np.concatenate([*right, np.full(len(alone), -1, dtype=np.intp)])


def _from_parents(pieces: Sequence[tuple[Frame | None, Codes, Codes]], name: str, order: Codes) -> Loader:
    def load() -> Column:
        parts = [
            parent.column(name).take(others) if parent is not None and parent.has(name) else missing_column(len(others))
            for parent, _, others in pieces
        ]
        return stack(parts).take(order)

    return load


# RELREC -------------------------------------------------------------------------------------------------------------


def _join_related(study: RuleStudy, dataset: RuleDataset, frame: Frame, match: Match) -> Frame:
    """Put beside each record those that RELREC relates to it; `**` stands for the other domain's prefix."""
    relations = study.domain_table("RELREC")
    if relations is None:
        raise VariableMissingError("dataset RELREC")
    pieces: list[tuple[Frame, Codes, Codes]] = []
    for kind, ours, theirs in _relations(relations, dataset.domain or dataset.name):
        table = study.domain_table(kind.domain)
        if table is not None and frame.has(kind.here) and table.has(kind.there):
            pieces.append((table, *_related_pairs(frame, table, relations, kind, (ours, theirs))))
    rows = np.concatenate([p[1] for p in pieces]) if pieces else np.zeros(0, dtype=np.intp)
    order = np.argsort(rows, kind="stable")
    names = {_wild(n, p[0].prefix, match.wildcard) for p in pieces for n in p[0].names}
    extra = {f"RELREC.{name}": _from_related(pieces, name, match.wildcard, order) for name in sorted(names)}
    return _beside(frame, rows[order], extra, match.wildcard)


def _wild(name: str, prefix: str, wildcard: str) -> str:
    return wildcard + name[len(prefix) :] if name.startswith(prefix) and len(name) > len(prefix) else name


@dataclass(frozen=True)
class _Kind:
    """Relations alike: to which domain, by which IDVAR here and there, with values or without, of one subject or all."""

    domain: str
    here: str
    there: str
    valued: bool
    of_subject: bool


def _relations(relations: Frame, domain: str) -> Iterator[tuple[_Kind, Codes, Codes]]:
    """Give the pairs of rows of RELREC with the same RELID and subject, kind by kind."""
    words = ("RDOMAIN", "RELID", "USUBJID", "IDVAR", "IDVARVAL")
    frame = pd.DataFrame({word: relations.column(word).codes for word in words if relations.has(word)})
    domains = relations.column("RDOMAIN").values
    if not {"RELID", "IDVAR"} <= set(frame) or domain not in domains:
        return
    frame["row"] = np.arange(relations.length)
    frame["valued"] = frame["IDVARVAL"] >= 0 if "IDVARVAL" in frame else False
    ours = frame[frame["RDOMAIN"] == list(domains).index(domain)]
    pairs = ours.merge(frame, on=[w for w in ("RELID", "USUBJID") if w in frame], suffixes=("", "_other"))
    pairs["of_subject"] = pairs["USUBJID"] >= 0 if "USUBJID" in pairs else False
    known = (pairs["RDOMAIN_other"] >= 0) & (pairs["IDVAR"] >= 0) & (pairs["IDVAR_other"] >= 0)
    pairs = pairs[known & (pairs["RDOMAIN_other"] != pairs["RDOMAIN"])]
    names = relations.column("IDVAR").values
    by = ["RDOMAIN_other", "IDVAR", "IDVAR_other", "valued", "of_subject"]
    found: Any = pairs.groupby(by)
    for (other, here, there, valued, of_subject), held in found:
        kind = _Kind(str(domains[other]), str(names[here]), str(names[there]), bool(valued), bool(of_subject))
        yield kind, held["row"].to_numpy(), held["row_other"].to_numpy()


def _related_pairs(
    frame: Frame, table: Frame, relations: Frame, kind: _Kind, rows: tuple[Codes, Codes]
) -> tuple[Codes, Codes]:
    """Pair records whose values both sides of a relation give, or (without values) whose values are equal."""
    mine, its = frame.column(kind.here), table.column(kind.there)
    both_have_subjects = frame.has("USUBJID") and table.has("USUBJID")
    if not kind.valued:
        codes = [joint_codes(mine, its, _loose)]
        if both_have_subjects:
            codes.append(joint_codes(frame.column("USUBJID"), table.column("USUBJID"), _loose))
        return pair_rows(*combine(codes))
    by_subject = kind.of_subject and both_have_subjects
    ours, our_relation = _pointed(frame, mine, relations, rows[0], by_subject)
    theirs, their_relation = _pointed(table, its, relations, rows[1], by_subject)
    left, right = pair_rows(our_relation, their_relation)
    return ours[left], theirs[right]


def _pointed(frame: Frame, column: Column, relations: Frame, rows: Codes, by_subject: bool) -> tuple[Codes, Codes]:
    """Return the records that relations point at, and the place of the relation."""
    codes = [joint_codes(column, relations.column("IDVARVAL").take(rows), _loose)]
    if by_subject:
        codes.append(joint_codes(frame.column("USUBJID"), relations.column("USUBJID").take(rows), _loose))
    return pair_rows(*combine(codes))


def _from_related(pieces: Sequence[tuple[Frame, Codes, Codes]], name: str, wildcard: str, order: Codes) -> Loader:
    def load() -> Column:
        parts = []
        for table, _, others in pieces:
            actual = re.sub("^" + re.escape(wildcard), table.prefix, name)
            parts.append(table.column(actual).take(others) if table.has(actual) else missing_column(len(others)))
        return stack(parts).take(order) if parts else encode([])

    return load
