"""Run rules on a study: which apply, what they flag, and which could not be judged.

`run_rules` takes the datasets one by one and every rule that applies to each, so that encoded columns, groups and
joins are made once and serve all rules.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from .finding import Finding, NotRun
from .operations import OPERATIONS, Request
from .operators import OPERATORS, Call, CannotRunError, VariableMissingError
from .rule_columns import Codes, Column, Mask, as_text
from .rule_data import ALL_SUPPLEMENTAL, SUPPLEMENTAL, RuleDataset, RuleStudy
from .rule_frame import Frame
from .rule_joins import join_all
from .rule_model import Check, Condition, Operation, Rule, Selection, conditions_of
from .rule_types import RULE_TYPES, VALUE_TYPES

NOT_THERE = "Not in dataset"
STUDY = "STUDY"
ABOUT_RECORDS = ("Record Data", "Dataset Contents Check against Define XML", "Value Check", "Value Level")


@dataclass(frozen=True, slots=True)
class Hit:
    """One flagged record. `record` is 1-based, None where the whole dataset is meant; values are as text."""

    dataset: str
    record: int | None
    values: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Piece:
    """A table a rule was checked on, and its flagged rows; values are checked one variable (piece) at a time."""

    frame: Frame
    rows: Codes


@dataclass(frozen=True)
class RuleOutcome:
    """What one rule said of one dataset.

    `status` is `checked` (`hits` are the flagged records, made when asked for; none means clean), `skipped` (the dataset
    lacks a variable the rule is about: the rule has nothing to say) or `not run` (it could not be judged). `flagged`
    counts the records behind a finding about a whole dataset; `parts` are the files of a split domain with the record
    each begins at.
    """

    rule: Rule
    dataset: str
    status: Literal["checked", "skipped", "not run"] = "checked"
    reason: str = ""
    pieces: tuple[Piece, ...] = field(default=(), repr=False, compare=False)
    flagged: int = 0
    parts: tuple[tuple[str, int], ...] = ()

    @property
    def count(self) -> int:
        """How many findings there are."""
        return sum(len(piece.rows) for piece in self.pieces)

    @property
    def not_run(self) -> NotRun | None:
        """The outcome of a rule that could not be judged."""
        return NotRun(self.rule.id, self.dataset, self.reason) if self.status == "not run" else None

    def hits(self, limit: int | None = None) -> Iterator[Hit]:
        """Give what is flagged in order, at most `limit`."""
        return itertools.islice((hit for hit, _, _ in self._all()), limit)

    def findings(self, limit: int | None = None) -> Iterator[Finding]:
        """Give what is flagged as findings, with the keys at hand."""
        for hit, frame, row in itertools.islice(self._all(), limit):
            named = [name for name, _ in hit.values if not name.startswith("$")]
            yield Finding(
                rule=self.rule.id,
                severity=self.rule.severity,
                dataset=hit.dataset,
                message=self.rule.message,
                variable=", ".join(named),
                keys=_keys(frame, row) if hit.record is not None else {},
                value="; ".join(f"{name}={value}" for name, value in hit.values),
                record=hit.record,
                records=1 if hit.record is not None else self.flagged,
            )

    def cause(self) -> Finding | None:
        """Give everything that is flagged as one finding: the first record, and how many there are."""
        first = next(self.findings(1), None)
        return None if first is None else replace(first, records=self.flagged)

    def _all(self) -> Iterator[tuple[Hit, Frame, int]]:
        for piece in self.pieces:
            if not len(piece.rows):
                continue
            shown = shown_columns(self.rule, piece.frame, piece.rows)
            for row in piece.rows.tolist():
                dataset, record = self._place(piece.frame, row)
                yield Hit(dataset, record, tuple((name, _cell(c, row)) for name, c in shown)), piece.frame, row

    def _place(self, frame: Frame, row: int) -> tuple[str, int | None]:
        if self.rule.sensitivity in {"Dataset", "Study"} or self.dataset == STUDY:
            return self.dataset, None
        record = frame.record_of(row)
        name, start = next(((n, s) for n, s in reversed(self.parts) if record >= s), (self.dataset, 0))
        return name, record - start + 1


def _keys(frame: Frame, row: int) -> dict[str, str]:
    names = ("USUBJID", f"{frame.prefix}SEQ")
    return {name: _cell(frame.column(name), row) for name in names if frame.has(name)}


def shown_columns(rule: Rule, frame: Frame, rows: Codes | None = None) -> list[tuple[str, Column | None]]:
    """Return the variables a rule reports, with those that its lists name (in `rows`); None for one that is not there."""
    shown: dict[str, Column | None] = {}
    for name in [frame.resolve(name) for name in rule.output] or reported(rule, frame):
        column = frame.column(name) if frame.has(name) else None
        shown[name] = column
        for inner in _listed_variables(column, frame, rows):
            shown.setdefault(inner, frame.column(inner))
    return list(shown.items())


def _listed_variables(column: Column | None, frame: Frame, rows: Codes | None) -> list[str]:
    """Return the variables that lists (of an operation, of define.xml) name, as far as the dataset has them."""
    if column is None or not any(isinstance(value, tuple) for value in column.values):
        return []
    codes = np.unique(column.codes if rows is None else column.codes[rows])
    lists = (column.values[code] for code in codes.tolist() if code >= 0)
    named = (item for held in lists if isinstance(held, tuple) for item in held)
    return list(dict.fromkeys(item for item in named if isinstance(item, str) and frame.has(item)))


def _cell(column: Column | None, row: int) -> str:
    return NOT_THERE if column is None else as_text(column.value(row))


def reported(rule: Rule, frame: Frame) -> list[str]:
    """Return what a rule without Output Variables reports: the variables its conditions are about.

    One that must not be there has nothing to report; where no other is left, the whole row is reported. Of numbered
    columns the siblings are reported (TSVAL1, TSVAL2).
    """
    asked = (c for c in conditions_of(rule.check) if not c.operator.endswith("not_exists"))
    named = (name for condition in asked for name in _about(condition, frame))
    return list(dict.fromkeys(named)) or frame.names


def _about(condition: Condition, frame: Frame) -> list[str]:
    name = frame.resolve(condition.name)
    if condition.operator in {"additional_columns_empty", "additional_columns_not_empty"}:
        return [other for other in frame.names if re.fullmatch(re.escape(name) + r"\d+", other)]
    return [name]


# scope --------------------------------------------------------------------------------------------------------------


def applicable(rules: Iterable[Rule], study: RuleStudy, dataset: RuleDataset) -> list[Rule]:
    """Return the rules whose scope takes in a dataset of the study."""
    return [rule for rule in rules if in_scope(rule, study, dataset)]


def in_scope(rule: Rule, study: RuleStudy, dataset: RuleDataset) -> bool:
    """Whether a rule's scope (classes, domains, data structures, use case) takes in a dataset."""
    scope = rule.scope
    if scope.entities or (study.use_case and scope.use_cases and study.use_case not in scope.use_cases):
        return False
    class_name = study.class_of(dataset)
    for selection in (scope.classes, scope.structures):
        if not selection.takes(lambda word: class_name in (word, f"{word} ABOUT")):
            return False
    return _takes_domain(scope.domains, dataset)


def _takes_domain(selection: Selection, dataset: RuleDataset) -> bool:
    return selection.takes(lambda word: answers_to(dataset, word))


def answers_to(dataset: RuleDataset, word: str) -> bool:
    """Whether a word of a scope (LB, SUPP--, SUPPQUAL, AP--, ALL) means a dataset."""
    if word == "ALL":
        return True
    if word in ALL_SUPPLEMENTAL or word == "SQ--":
        return bool(SUPPLEMENTAL.match(dataset.name))
    if word == "APFA--":
        return dataset.domain == "APFA"
    if word == "AP--":
        return bool(dataset.domain and len(dataset.domain) == 4 and dataset.domain.startswith("AP"))
    return word in (dataset.name, dataset.domain) or (
        dataset.is_supplemental and word == f"SUPP{dataset.related_domain}"
    )


def units(study: RuleStudy, whole: bool) -> list[RuleDataset]:
    """Return what rules are run on: the datasets, or (`whole`) the parts of each split domain put together."""
    if not whole:
        return list(study.datasets)
    if "units" not in study.kept:
        study.kept["units"] = _whole_domains(study)
    found: list[RuleDataset] = study.kept["units"]
    return found


def _whole_domains(study: RuleStudy) -> list[RuleDataset]:
    grouped: dict[str, list[RuleDataset]] = {}
    for dataset in study.datasets:
        grouped.setdefault(_whole_name(dataset), []).append(dataset)
    return [parts[0] if len(parts) == 1 else _put_together(name, parts) for name, parts in grouped.items()]


def _whole_name(dataset: RuleDataset) -> str:
    if dataset.is_supplemental and dataset.related_domain:
        return f"SUPP{dataset.related_domain}"
    domain = dataset.domain
    return domain if domain and dataset.name.startswith(domain) else dataset.name


def _put_together(name: str, parts: Sequence[RuleDataset]) -> RuleDataset:
    frame = pd.concat([part.frame for part in parts], ignore_index=True)
    starts = np.cumsum([0, *(len(part.frame) for part in parts)])[:-1].tolist()
    variables = {v.name: v for part in parts for v in part.variables}
    kept: dict[Any, Any] = {"parts": tuple((part.name, start) for part, start in zip(parts, starts, strict=True))}
    size = None if any(p.size is None for p in parts) else sum(p.size or 0 for p in parts)
    return RuleDataset(name, frame, parts[0].label, tuple(variables.values()), parts[0].filename, size, kept)


# running ------------------------------------------------------------------------------------------------------------


def run_rules(rules: Sequence[Rule], study: RuleStudy) -> list[RuleOutcome]:
    """Run every rule on every dataset it applies to; outcomes in the order of rules, then datasets."""
    place = {id(rule): i for i, rule in enumerate(rules)}
    outcomes: list[RuleOutcome] = []
    for whole in (True, False):
        chosen = [rule for rule in rules if on_whole_domains(rule) is whole]
        for dataset in units(study, whole):
            outcomes += [run_rule(rule, study, dataset) for rule in applicable(chosen, study, dataset)]
    about_absent = [rule for rule in rules if rule.rule_type == "Dataset Metadata Check against Define XML"]
    for dataset in described_only(study):
        outcomes += [run_rule(rule, study, dataset) for rule in applicable(about_absent, study, dataset)]
    outcomes = _once_per_study(outcomes)
    return sorted(outcomes, key=lambda outcome: place[id(outcome.rule)])


def described_only(study: RuleStudy) -> list[RuleDataset]:
    """Return the datasets that define.xml describes and that are not submitted, as empty ones."""
    described = study.define.datasets if study.define else {}
    absent = [name for name in described if study.dataset(name) is None]
    return [RuleDataset(name, pd.DataFrame(), kept={"absent": True}) for name in absent]


def is_about_records(rule: Rule) -> bool:
    """Whether a rule's table holds records, or values of records."""
    return rule.rule_type.startswith(ABOUT_RECORDS)


def on_whole_domains(rule: Rule) -> bool:
    """Whether a rule sees the parts of a split domain put together."""
    return is_about_records(rule) and not rule.scope.splits


def is_about_study(rule: Rule) -> bool:
    """Whether a rule speaks of the study, not of a dataset."""
    return rule.sensitivity == "Study" or rule.rule_type.startswith("Domain Presence Check")


def _once_per_study(outcomes: Sequence[RuleOutcome]) -> list[RuleOutcome]:
    """Keep one outcome of a rule about the study as a whole: the first that flags something, else the first."""
    kept: list[RuleOutcome] = []
    place: dict[int, int] = {}
    for outcome in outcomes:
        key = id(outcome.rule)
        if not is_about_study(outcome.rule):
            kept.append(outcome)
        elif key not in place:
            place[key] = len(kept)
            kept.append(outcome)
        elif outcome.count and not kept[place[key]].count:
            kept[place[key]] = outcome
    return kept


def run_rule(rule: Rule, study: RuleStudy, dataset: RuleDataset) -> RuleOutcome:
    """Run one rule on one dataset."""
    name = STUDY if is_about_study(rule) else dataset.name
    try:
        pieces = [Piece(frame, np.flatnonzero(judge(rule.check, frame))) for frame in tables(rule, study, dataset)]
    except VariableMissingError as error:
        return RuleOutcome(rule, name, "skipped", str(error))
    except CannotRunError as error:
        return RuleOutcome(rule, name, "not run", str(error))
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        return RuleOutcome(rule, name, "not run", f"the check breaks on this dataset ({type(error).__name__})")
    flagged = [piece for piece in pieces if len(piece.rows)]
    kept = tuple(Piece(piece.frame, _by_sensitivity(rule, piece.frame, piece.rows)) for piece in flagged)
    if rule.sensitivity in {"Dataset", "Study"}:
        kept = kept[:1]
    count = sum(len(piece.rows) for piece in flagged)
    return RuleOutcome(rule, name, "checked", "", kept, count, dataset.kept.get("parts", ()))


def _by_sensitivity(rule: Rule, frame: Frame, rows: Codes) -> Codes:
    if rule.sensitivity in {"Dataset", "Study"}:
        return rows[:1]
    if rule.sensitivity == "Group":
        names = [n for n in (frame.resolve(name) for name in rule.grouping) if frame.has(n)]
        return np.sort(rows[np.unique(frame.groups(names)[rows], return_index=True)[1]])
    if frame.records is None or rule.rule_type.startswith("Value"):
        return rows
    return np.sort(rows[np.unique(frame.records[rows], return_index=True)[1]])


def tables(rule: Rule, study: RuleStudy, dataset: RuleDataset) -> Iterator[Frame]:
    """Give the tables a rule is checked on: by its type, with joins and the results of its operations."""
    for frame in _bare_tables(rule, study, dataset):
        complete = join_all(study, dataset, frame, rule.matches, _names_of(rule)) if rule.matches else frame
        for operation in rule.operations:
            complete = complete.with_columns(_result(operation, rule, study, dataset, complete))
        if any("is_valid_re" in c.operator or "is_not_valid_re" in c.operator for c in conditions_of(rule.check)):
            complete.kept["study variables"] = {d.domain or d.name: frozenset(d.table.names) for d in study.datasets}
            complete.kept["study values"] = lambda domain, name: _study_values(study, str(domain), str(name))
        yield complete


def _bare_tables(rule: Rule, study: RuleStudy, dataset: RuleDataset) -> Iterator[Frame]:
    if rule.rule_type in VALUE_TYPES:
        yield from VALUE_TYPES[rule.rule_type](study, dataset)
        return
    key = ("type", rule.rule_type)
    if key not in dataset.kept:
        dataset.kept[key] = RULE_TYPES[rule.rule_type](study, dataset)
    yield dataset.kept[key]


def _names_of(rule: Rule) -> frozenset[str]:
    return frozenset([*(c.name for c in conditions_of(rule.check)), *rule.output])


def _study_values(study: RuleStudy, domain: str, name: str) -> frozenset[str]:
    table = study.domain_table(domain)
    return frozenset(table.column(name).texts) if table is not None and table.has(name) else frozenset()


def _result(
    operation: Operation, rule: Rule, study: RuleStudy, dataset: RuleDataset, frame: Frame
) -> dict[str, Column]:
    """Compute an operation, or take the result that another rule's like operation made on the same table."""
    spelled = repr((operation.operator, sorted(operation.parameters.items()), rule.matches, rule.rule_type))
    own = "$" in repr(operation.parameters)
    key = ("operation", dataset.name, spelled)
    if own or key not in study.kept:
        words = {**operation.parameters, "id": operation.id}
        found = OPERATIONS[operation.operator](Request(study, dataset, frame, words))
        if own or isinstance(found, dict):
            return found if isinstance(found, dict) else {operation.id: found}
        study.kept[key] = found
    return {operation.id: study.kept[key]}


def judge(check: Check | None, frame: Frame) -> Mask:
    """Return the rows for which a check holds.

    Raises VariableMissingError when a variable that decides is not there.
    """
    if check is None:
        raise CannotRunError("has no check that can be run")
    mask, lacking = _judge(check, frame)
    if mask is None:
        raise VariableMissingError(lacking)
    return mask


def _judge(check: Check, frame: Frame) -> tuple[Mask | None, str]:
    """Judge a check; None (and the variable that lacks) where it cannot be.

    `all` is False as soon as one condition holds for no row, whatever lacks; `any` leaves out what lacks.
    """
    if isinstance(check, Condition):
        try:
            return OPERATORS[check.operator](Call(frame, check.name, check.parameters)), ""
        except VariableMissingError as error:
            return None, error.name
    if check.tie == "not":
        mask, lacking = _judge(check.items[0], frame)
        return (None if mask is None else ~mask), lacking
    return _judge_all(check.items, frame) if check.tie == "all" else _judge_any(check.items, frame)


def _judge_all(items: Sequence[Check], frame: Frame) -> tuple[Mask | None, str]:
    result, lacks = np.ones(frame.length, dtype=bool), ""
    for item in items:
        mask, lacking = _judge(item, frame)
        if mask is None:
            lacks = lacks or lacking
            continue
        result &= mask
        if not result.any():
            return result, ""
    return (None, lacks) if lacks else (result, "")


def _judge_any(items: Sequence[Check], frame: Frame) -> tuple[Mask | None, str]:
    result: Mask | None = None
    lacks = ""
    for item in items:
        mask, lacking = _judge(item, frame)
        if mask is None:
            lacks = lacks or lacking
        else:
            result = mask if result is None else result | mask
    return result, lacks
