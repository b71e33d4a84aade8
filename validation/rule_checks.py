"""Rules of the open format as checks: they run in the same suites as the checks that follow from the specs.

A rule becomes one check per dataset it applies to; a rule about the study as a whole becomes one check on the package.
Columns are encoded once, for both kinds of checks.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from cdiscway.specs.mistakes import MistakeCollector

from .checks.base import PACKAGE, RULES, CannotRunError, Check, Hit, Study, is_adam
from .checks.base import Group as RuleGroup
from .checks.base import Rule as Entry
from .checks.view import View
from .rule_columns import Codes, Column
from .rule_data import RuleDataset, RuleStudy, rule_dataset
from .rule_define import Define
from .rule_dictionaries import Dictionary
from .rule_frame import Frame
from .rule_library import PackageTerminology, library_of
from .rule_model import Condition, Group, Rule, read_rules
from .rule_run import (
    Piece,
    RuleOutcome,
    described_only,
    in_scope,
    is_about_records,
    is_about_study,
    on_whole_domains,
    run_rule,
    shown_columns,
    units,
)

OWN = Path(__file__).parent / "rules"
"""The folder of our own rules."""
TABULATION, ANALYSIS = ("SDTMIG", "3.4"), ("ADaMIG", "1.3")
_MAX_ROWS = 1000
_PLACES = frozenset({"STUDYID", "USUBJID", "SUBJID", "DOMAIN", "RDOMAIN"})


@functools.cache
def own_rules() -> tuple[Rule, ...]:
    """Return our own rules."""
    return tuple(read_rules(OWN))


def read_rule_folders(folders: Sequence[Path]) -> tuple[Rule, ...]:
    """Return the rules of folders of open rules.

    Raises MistakesError with every mistake, a rule's id that is used twice or is one of ours among them.
    """
    rules = tuple(itertools.chain.from_iterable(read_rules(folder) for folder in folders))
    known, collector = (
        {**dict.fromkeys(RULES, "the tool"), **{r.id: "the tool" for r in own_rules()}},
        MistakeCollector(),
    )
    for rule in rules:
        if rule.id in known:
            collector.add(rule.file, None, "Core.Id", f"'{rule.id}' is a rule of {known[rule.id]} already")
        known[rule.id] = rule.file
    collector.raise_if_any()
    return rules


def entry_of(rule: Rule) -> Entry:
    """Return a rule's line of the catalogue."""
    title = " ".join((rule.description or rule.message).split()).rstrip(".")
    message = " ".join(rule.message.split())
    group: RuleGroup = "open" if rule.applies_to(*ANALYSIS) else "tabulation"
    return Entry(
        rule.id, rule.severity, title, "" if message == title else message, citation(rule), rule.mend_in, group
    )


def citation(rule: Rule) -> str:
    """Say where a rule comes from: the numbers of conformance rules, or the sections of a guide."""
    numbers = ", ".join(name for name in rule.identifiers() if name)
    sections = ", ".join(dict.fromkeys(r.section for r in rule.references if r.section))
    return numbers or sections


@dataclass
class OpenRules:
    """The rules of the open format for one study: what they are, what they see, and what they said."""

    rules: Sequence[Rule]
    study: Study
    define: Define | None = None
    sizes: Mapping[str, int] = field(default_factory=dict)
    dictionaries: Mapping[str, Dictionary] = field(default_factory=dict)
    skipped: set[str] = field(default_factory=set)
    _said: dict[tuple[str, str, str], RuleOutcome] = field(default_factory=dict)

    @functools.cached_property
    def entries(self) -> dict[str, Entry]:
        """The catalogue's entries by id."""
        return {rule.id: entry_of(rule) for rule in self.rules}

    @functools.cached_property
    def _datasets(self) -> dict[str, RuleDataset]:
        return {name: encoded_dataset(self.study.view(name), self.sizes.get(name)) for name in self.study.datasets}

    def _study(self, analysis: bool) -> RuleStudy:
        """Return what rules may ask: those on analysis data see all datasets, the others the tabulations."""
        seen = [d for name, d in self._datasets.items() if analysis or not is_adam(self.study.view(name))]
        packages = self.study.terminology.packages if self.study.terminology else ()
        named = tuple(f"{title.split()[0].lower()}ct-{title.split()[-1]}" for title in packages)
        standard, version = ANALYSIS if analysis else TABULATION
        library = library_of(standard, version)
        return RuleStudy(
            tuple(seen),
            library,
            PackageTerminology(),
            self.define,
            standard,
            version,
            ct=named,
            use_case="INDH",
            dictionaries=self.dictionaries,
        )

    def checks(self) -> dict[str, list[Check]]:
        """Return the checks by dataset, and those on the package."""
        planned: dict[str, list[Check]] = {}
        for analysis, standard in ((False, TABULATION), (True, ANALYSIS)):
            names = [name for name in self.study.datasets if is_adam(self.study.view(name)) is analysis]
            rules = [rule for rule in self.rules if rule.applies_to(*standard)] if names else []
            study = self._study(analysis) if rules else None
            for rule in rules if study else ():
                assert study is not None
                for name, check in self._planned(rule, study, frozenset(names)):
                    planned.setdefault(name, []).append(check)
        return planned

    def _planned(self, rule: Rule, study: RuleStudy, names: frozenset[str]) -> Iterator[tuple[str, Check]]:
        found = [unit for unit in units(study, on_whole_domains(rule)) if in_scope(rule, study, unit)]
        if is_about_study(rule):
            if found:
                yield PACKAGE, self._check(rule, PACKAGE, self._on_package(rule, study, found))
            return
        for unit in found:
            if says_nothing(rule, study, unit):
                continue
            parts = unit.kept.get("parts") or ((unit.name, 0),)
            if is_about_records(rule) and not len(unit.frame):
                continue
            for name, start in parts:
                if name in names:
                    yield name, self._check(rule, name, self._on_dataset(rule, study, unit, start))
        if rule.rule_type == "Dataset Metadata Check against Define XML":
            absent = [unit for unit in described_only(study) if in_scope(rule, study, unit)]
            if absent:
                yield PACKAGE, self._check(rule, PACKAGE, self._on_package(rule, study, absent))

    def _check(self, rule: Rule, name: str, find: Callable[[Study, View], Iterator[Hit]]) -> Check:
        return Check(self.entries[rule.id], name, tuple(rule.output), find)

    def _outcome(self, rule: Rule, study: RuleStudy, unit: RuleDataset) -> RuleOutcome:
        """Run a rule, once for all parts of a split domain; raises CannotRunError."""
        key = (rule.id, study.standard, unit.name)
        if key not in self._said:
            self._said[key] = run_rule(rule, study, unit)
        outcome = self._said[key]
        if outcome.status == "not run":
            raise CannotRunError(outcome.reason)
        return outcome

    def _on_dataset(
        self, rule: Rule, study: RuleStudy, unit: RuleDataset, start: int
    ) -> Callable[[Study, View], Iterator[Hit]]:
        def find(_study: Study, view: View) -> Iterator[Hit]:
            outcome = self._outcome(rule, study, unit)
            if outcome.status == "skipped":
                self.skipped.add(f"{rule.id}:{view.name}")
            elif is_about_records(rule) and rule.sensitivity in {"Record", "Group"}:
                yield from _record_hits(rule, outcome.pieces, view, start)
            elif start == 0:
                yield from _table_hits(rule, outcome)

        return find

    def _on_package(
        self, rule: Rule, study: RuleStudy, found: Sequence[RuleDataset]
    ) -> Callable[[Study, View], Iterator[Hit]]:
        def find(_study: Study, view: View) -> Iterator[Hit]:
            outcomes = [self._outcome(rule, study, unit) for unit in found]
            if all(outcome.status == "skipped" for outcome in outcomes):
                self.skipped.add(f"{rule.id}:{view.name}")
            flagged = [outcome for outcome in outcomes if outcome.count]
            for outcome in flagged[: 1 if is_about_study(rule) else None]:
                yield from _table_hits(rule, outcome)

        return find


def says_nothing(rule: Rule, study: RuleStudy, unit: RuleDataset) -> bool:
    """Whether a rule is surely about a variable or a dataset that is not there, so that it is left out."""
    if any(not study.parts(match.name) for match in rule.matches if match.keys and "-" not in match.name):
        return True
    if rule.rule_type != "Record Data" or any(match.child for match in rule.matches) or rule.check is None:
        return False
    return _lacks_variables(rule.check, unit, joined=bool(rule.matches))


def _lacks_variables(check: Condition | Group, unit: RuleDataset, joined: bool, paired: bool = False) -> bool:
    """Whether a check needs a variable the dataset has not; with a joined dataset, only the domain's own are looked at.

    That a variable is there is needed where another must not be (`paired`: TPT without TPTNUM); alone it is the question.
    """
    if isinstance(check, Group):
        paired |= check.tie == "all" and any(
            isinstance(item, Condition) and item.operator == "not_exists" for item in check.items
        )
        inner = [_lacks_variables(item, unit, joined, paired) for item in check.items]
        return any(inner) if check.tie == "all" else check.tie == "any" and all(inner)
    own = check.name.startswith("--") or not joined
    if not own or check.name.startswith("$") or check.operator == "not_exists":
        return False
    return (paired or check.operator != "exists") and not unit.table.has(unit.table.resolve(check.name))


def encoded_dataset(view: View, size: int | None = None) -> RuleDataset:
    """Return a dataset as the rules see it, on the codes that the other checks use; `size` is its file's, in bytes."""
    made = rule_dataset(view.dataset, size=size)
    loaders = {str(name): _encode_later(view, str(name)) for name in view.frame.columns}
    made.kept["table"] = Frame(len(view), loaders, made.prefix)
    return made


def _encode_later(view: View, name: str) -> Callable[[], Column]:
    def encode() -> Column:
        codes, values = view.distinct(name)
        return Column(values.tolist(), codes)

    return encode


def _record_hits(rule: Rule, pieces: Sequence[Piece], view: View, start: int) -> Iterator[Hit]:
    """Yield the flagged records of one file, of a domain that may be split."""
    for piece in pieces:
        records = _records(piece) - start
        here = np.unique(records[(records >= 0) & (records < len(view))])
        if not len(here):
            continue
        names = [name for name, _ in shown_columns(rule, piece.frame)]
        shown = tuple(name for name in names if name in view)
        about = next((name for name in shown if name not in _PLACES), shown[0] if shown else "")
        if piece.frame.has("variable_name") and piece.frame.column("variable_name").is_constant:
            about = str(piece.frame.column("variable_name").value(0))
        told = tuple(dict.fromkeys(("USUBJID", *shown)))[: len(shown) + 1]
        yield Hit(about, _words(rule.message, piece.frame.prefix), here, show=told)


def _records(piece: Piece) -> Codes:
    return piece.rows if piece.frame.records is None else piece.frame.records[piece.rows]


def _table_hits(rule: Rule, outcome: RuleOutcome) -> Iterator[Hit]:
    """Yield what was found in a table that is no list of records: a variable, a dataset, the study."""
    prefix = outcome.pieces[0].frame.prefix if outcome.pieces else ""
    for hit in outcome.hits(_MAX_ROWS):
        about_one = not is_about_records(rule) or rule.sensitivity in {"Record", "Group"}  # else the row is any one
        told = {name: value for name, value in hit.values if about_one and value and not name.startswith("$")}
        variable = next((told[name] for name in ("variable_name", "define_variable_name") if name in told), "")
        words = ", ".join(f"{name} = {value}" for name, value in told.items() if name != "variable_name")
        dataset = "" if outcome.dataset == "STUDY" else outcome.dataset
        yield Hit(variable, _words(rule.message, prefix) + (f" ({words})" if words else ""), dataset=dataset)


def _words(text: str, prefix: str = "") -> str:
    """Return a message on one line, `--` being the domain's letters."""
    named = re.sub(r"--(?=[A-Z])", prefix, text) if prefix else text
    return " ".join(named.split()).rstrip(".").replace("{", "(").replace("}", ")")


def merged(planned: Mapping[str, Sequence[Check]], more: Mapping[str, Sequence[Check]]) -> dict[str, list[Check]]:
    """Put the checks of both kinds together, dataset by dataset."""
    names = dict.fromkeys([*planned, *more])
    return {name: [*planned.get(name, ()), *more.get(name, ())] for name in names}
