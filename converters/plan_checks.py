"""The checks of a plan: study.yaml, and the rules of each dataset, against the columns that there are and will be.

Nothing is raised here: mistakes are kept, so that the plan can tell all of them together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from cdiscway.specs.codelists import Terminology
from cdiscway.specs.load import Way, show_way
from cdiscway.specs.mistakes import Mistake, MistakeCollector, nearest

from .algorithms.assign import ColumnRule, check_condition, check_term
from .algorithms.base import RuleBase, Scope, TableKey
from .algorithms.dates import DEFAULT_UNKNOWN, DateFormatError, compile_format
from .algorithms.derive import OWN_FILE, own_signatures
from .algorithms.groups import has_table
from .dataset_variables import result_variables, target_ways, visit_date
from .derivations.visits import Window, overlapping
from .derived_records import derived_names, made_columns
from .mapping import ABOVE, Each, EventSource, Excluding, Records, TestRow, TimeToEvent, VisitSource
from .readers.sdtm import GivenDataset
from .study import Study
from .submission import split_mistakes

if TYPE_CHECKING:
    from .plan import DatasetPlan

UsedColumns = set[tuple[TableKey, str]]


class Checker:
    """Holds the mistakes, and what rules may name, while the files of a study are gone through.

    `tables` are the columns of every table, `used` those of them that rules ask for; `unread` are the tables whose own file
    has mistakes, `missed` those of them that are asked for; `unreadable` says what is wrong with datasets that are given.
    """

    def __init__(self, study: Study, terminology: Terminology) -> None:
        self.study = study
        self.terminology = terminology
        self.mistakes = MistakeCollector()
        self.used: UsedColumns = set()
        self.tables: dict[TableKey, Sequence[str]] = {}
        self.unread: set[TableKey] = set()
        self.given: dict[str, GivenDataset] = {}
        self.unreadable: dict[str, tuple[Mistake, ...]] = {}
        self.missed: set[TableKey] = set()
        self.functions = self._own_functions()

    def _own_functions(self) -> dict[str, tuple[tuple[str, ...], str]]:
        try:
            return own_signatures(self.study.folder)
        except SyntaxError as error:
            self.mistakes.add(OWN_FILE, error.lineno, "", f"is not Python: {error.msg}")
            return {}

    def _scope(self, draft: DatasetPlan | None, table: TableKey, names: Iterable[str]) -> Scope:
        document = self.study.document if draft is None else draft.document
        root = "" if draft is None else f"{draft.name}."

        def add(way: Way, message: str, hint: str) -> None:
            self.mistakes.add(document.name, document.line(way), root + show_way(way), message, hint)

        visits = frozenset(visit.VISIT for visit in self.study.file.visits)
        return Scope(
            set(names),
            self.tables,
            table,
            self.terminology,
            add,
            used=self.used,
            visits=visits,
            pivot=self.study.file.dates.pivot,
            windows=any(visit.window is not None for visit in self.study.file.visits),
            functions=self.functions,
            analysis=self.study.file.analysis,
            unread=frozenset(self.unread),
            missed=self.missed,
        )

    def _wrong_in_study(self, way: Way, message: str, hint: str = "", at: str = "") -> None:
        """Keep a mistake of study.yaml; `at` is the word below `way` whose line is named."""
        line = self.study.document.line((*way, at) if at else way)
        self.mistakes.add("study.yaml", line, show_way(way), message, hint)

    def _check_study(self) -> None:
        """Check the rules of study.yaml: identifiers in every form that has their columns, epochs, exclusions."""
        hint = "an identifier is made of columns that every form has"
        for key, header in list(self.tables.items()):
            if key[0] == "form" and has_subject(self.study, header):
                names = ["STUDYID"]
                for name, rule in self.study.file.subject.items():
                    scope = self._scope(None, key, names)
                    scope.used = set()
                    rule.check(scope, ("subject", name))
                    self.used.update(scope.used)
                    names.append(name)
                    if any(other != key for other, _ in scope.used) or scope.needs:
                        self._wrong_in_study(
                            ("subject", name), "is made of other records, whose subject is not known yet", hint
                        )
        for place, item in enumerate(self.study.file.excluded):
            scope = self._scope(None, ("form", item.form), [])
            if scope.other(("form", item.form), ("excluded", place, "form")) is not None:
                check_condition(scope, item.when, ("excluded", place, "when"))
        self._check_design()
        for place, epoch in enumerate(self.study.file.epochs):
            scope = self._scope(None, ("dataset", "DM"), self.tables.get(("dataset", "DM"), ()))
            epoch.start.check(scope, ("epochs", place, "start"))

    def _check_design(self) -> None:
        """Check the tables of study.yaml against each other: elements of arms, windows of visits."""
        file = self.study.file
        known = [element.ETCD for element in file.elements]
        for place, arm in enumerate(file.arms):
            for number, item in enumerate(arm.elements):
                if item.ETCD not in known:
                    way: Way = ("arms", place, "elements", number)
                    message = f"there is no element '{item.ETCD}'"
                    self._wrong_in_study(way, message, nearest(item.ETCD, known))
        self._check_visits()
        for text in file.dates.formats:
            try:
                compile_format(text, DEFAULT_UNKNOWN, file.dates.pivot)
            except DateFormatError as error:
                self._wrong_in_study(("dates", "formats"), str(error))
        windows = [Window(visit.VISIT, visit.VISITNUM, *visit.window) for visit in file.visits if visit.window]
        for one, other in overlapping(windows):
            message = f"the windows of {one} and {other} share a day"
            self._wrong_in_study(("visits",), message)
        if file.epochs and any(element.start is not None for element in file.elements):
            self._wrong_in_study(("epochs",), "EPOCH follows from 'elements' here", "leave out 'epochs'")

    def _check_visits(self) -> None:
        """A visit has one number and one name, and a raw name means one visit (arms may share them)."""
        seen: dict[tuple[str, object], str | float] = {}
        for place, visit in enumerate(self.study.file.visits):
            pairs: list[tuple[str, object, str | float]] = [
                ("VISITNUM", visit.VISITNUM, visit.VISIT),
                ("VISIT", visit.VISIT, visit.VISITNUM),
            ]
            pairs += [("raw", name, visit.VISIT) for name in dict.fromkeys((visit.VISIT, *visit.raw))]
            for word, given, means in pairs:
                earlier = seen.setdefault((word, given), means)
                if earlier != means:
                    way: Way = ("visits", place, word)
                    self._wrong_in_study(way, f"'{given}' already means {earlier}")

    def _check_submission(self) -> None:
        """Check how datasets are split: by variables they have, into parts whose names are free."""
        made = {key[1]: names for key, names in self.tables.items() if key[0] == "dataset" and key[1] not in self.given}
        for way, message, hint in split_mistakes(self.study.file.submission, made):
            if ("dataset", way[2]) not in self.unread:
                self._wrong_in_study(way, message, hint)

    def _check_relations(self, draft: DatasetPlan, needs: set[str]) -> None:
        for place, relation in enumerate(draft.mapping.relations):
            for number, side in enumerate(relation.between):
                way: Way = ("relations", place, "between", number)
                scope = self._scope(draft, ("rows", ""), [])
                scope.needs = needs
                other = scope.other(("dataset", side.dataset), (*way, "dataset"))
                if other is not None:
                    other.use(side.by, (*way, "by"))
                    if side.where is not None:
                        check_condition(other, side.where, (*way, "where"))

    def _check_block(self, draft: DatasetPlan, records: Records, way: Way, needs: set[str]) -> frozenset[str]:
        """Check a block; return the variables of its `set` that depend on the test."""
        scope = self._scope(draft, records.key, ["STUDYID", *self.study.file.subject])
        scope.needs = needs
        if records.key in self.unread:
            self.missed.add(records.key)
            return frozenset()
        if records.key[0] != "rows" and scope.other(records.key, (*way, records.key[0])) is None:
            return frozenset()
        self._check_subject(records.key, scope, way)
        self._check_joins(records, scope, way)
        if records.when is not None:
            check_condition(scope, records.when, (*way, "when"))
        self._check_rows(records, draft, scope, way)
        for name, rule in records.let.items():
            if name in self.tables.get(records.key, ()):
                scope.add((*way, "let", name), f"'{name}' is a column already", "take another name")
            rule.check(scope, (*way, "let", name))
            scope.names.add(name)
        for place, source in enumerate(records.visits):
            self._check_visit_source(source, scope, (*way, "visits", place))
        per_test = self._check_sets(draft, records, scope, way)
        self._check_beside(records, scope, way)
        for place, parameter in enumerate(records.time_to_event):
            self._check_time_to_event(parameter, draft, scope, (*way, "time_to_event", place))
        return per_test

    def _check_derived(self, draft: DatasetPlan, records: Records, place: int) -> list[str]:
        """Check what a block takes of the records above; return the columns of its rows."""
        if not records.is_derived:
            return []
        above = names_set(draft, draft.mapping.records[:place])
        self.tables[ABOVE] = above
        scope = self._scope(draft, ABOVE, [])
        word = next(word for word in ("computed", "summarized", "carried") if getattr(records, word) is not None)
        way: Way = ("records", place, word)
        if not above:
            scope.add(way, f"there are no records above the block for '{word}'", "")
            return []
        for part, name in derived_names(records):
            scope.use(name, (*way, part))
        where = getattr(records, word).where
        if where is not None:
            check_condition(scope, where, (*way, "where"))
        if records.carried is not None:
            has_table(records.carried.visits, scope.analysis.windows, "windows", scope, (*way, "visits"))
        return made_columns(records, above)

    def _check_whole(self, draft: DatasetPlan, needs: set[str]) -> None:
        """Check the variables that are set over all records of a dataset together."""
        self.tables[ABOVE] = names_set(draft, draft.mapping.records)
        scope = self._scope(draft, ABOVE, [])
        scope.needs = needs
        for name, rule in draft.mapping.set.items():
            self._check_rule(rule, name, draft, scope, ("set", name))
            scope.names.add(name)

    def _check_baseline(self, draft: DatasetPlan) -> None:
        baseline = draft.mapping.baseline
        if baseline is None:
            return
        scope = self._scope(draft, ("rows", draft.name), draft.variables)
        if baseline.same_day is not None:
            check_condition(scope, baseline.same_day, ("baseline", "same_day"))
        for word in ("by", "ties"):
            for name in getattr(baseline, word):
                scope.use(name, ("baseline", word))
        if draft.standard.resolve(draft.spec, baseline.flag) is None:
            scope.add(("baseline",), draft.standard.refusal(draft.spec, baseline.flag), "")

    def _check_subject(self, key: TableKey, scope: Scope, way: Way) -> None:
        """A form that records come from has the columns that identify the subject."""
        if key[0] == "form" and not has_subject(self.study, self.tables[key]):
            scope.add((*way, "form"), f"form {key[1]} lacks the columns that identify the subject", "")

    def _check_rows(self, records: Records, draft: DatasetPlan, scope: Scope, way: Way) -> None:
        for place, row in enumerate(records.rows):
            for name, rule in row.items():
                self._check_rule(rule, name, draft, scope, (*way, "rows", place, name))
        scope.names |= {name for row in records.rows for name in row}

    @staticmethod
    def _check_beside(records: Records, scope: Scope, way: Way) -> None:
        """Check what stands beside the records: supplemental qualifiers and comments."""
        for name, qualifier in records.supplemental.items():
            qualifier.value.check(scope, (*way, "supplemental", name, "from"))
            if len(name) > 8 or not name.isalnum() or name != name.upper() or name[0].isdigit():
                scope.add((*way, "supplemental", name), "QNAM has at most 8 capitals and digits, a letter first", "")
        for place, comment in enumerate(records.comments):
            comment.value.check(scope, (*way, "comments", place, "from"))
            if comment.date is not None:
                comment.date.check(scope, (*way, "comments", place, "date"))

    def _check_visit_source(self, source: VisitSource, scope: Scope, way: Way) -> None:
        other = scope.other(source.key, (*way, source.key[0]))
        if other is None:
            return
        other.names |= {"STUDYID", *self.study.file.subject}
        self._check_subject(source.key, scope, way)
        if source.visit is None:
            other.use("VISIT", (*way, "dataset"))
        else:
            source.visit.check(other, (*way, "visit"))
        if source.date is not None:
            source.date.check(other, (*way, "date"))
        elif visit_date(source.key[1], self.tables[source.key]) is None:
            scope.add((*way, "dataset"), f"dataset {source.key[1]} has no date", "say which with 'date'")
        if source.when is not None:
            check_condition(other, source.when, (*way, "when"))

    def _check_joins(self, records: Records, scope: Scope, way: Way) -> None:
        for place, join in enumerate(records.join):
            here = (*way, "join", place)
            other = scope.other(("form", join.form), (*here, "form"))
            for name in join.match:
                scope.use(name, (*here, "match"))
            if other is None:
                continue
            for name in join.take:
                if name in scope.names or (name in self.tables.get(records.key, ()) and name not in join.match):
                    hint = "take it with a lookup, under another name"
                    scope.add((*here, "take"), f"'{name}' is a column already: it would be overwritten", hint)
            for name in (*join.match, *join.take):
                other.use(name, (*here, "take" if name in join.take else "match"))
            if join.where is not None:
                check_condition(other, join.where, (*here, "where"))
            scope.names |= set(join.take)

    def _check_sets(self, draft: DatasetPlan, records: Records, scope: Scope, way: Way) -> frozenset[str]:
        """Check tests and `set`; return the variables of `set` that use a variable of the tests, directly or not."""
        by_test: set[str] = set()
        for place, test in enumerate(records.tests):
            if test in records.tests[:place]:
                twin = show_way((*way, "tests", records.tests.index(test)))
                scope.add((*way, "tests", place), f"is the same as {twin}: every result would come twice", "")
            by_test |= self._check_test(test, draft, scope, (*way, "tests", place))
        for place, item in enumerate(records.each):
            by_test |= self._check_each(item, draft, scope, (*way, "each", place))
        outer = set(scope.names)
        dependent: set[str] = set()
        made: set[str] = set()
        for name, rule in records.set.items():
            probe: set[str] = set()
            scope.names = outer | by_test | dependent
            rule_names(rule, probe)
            self._check_rule(rule, name, draft, scope, (*way, "set", name))
            own_columns = set(self.tables.get(records.key, ()))
            for twin in sorted(probe & own_columns & made) if records.form is not None else ():
                message = f"'{twin}' is a column of the form and a variable set above: which one is meant?"
                hint = "give the column, or what the variable is made of, another name under 'let', and use that"
                scope.add((*way, "set", name), message, hint)
            if not isinstance(rule, ColumnRule) or rule.column != name or rule.changes:
                made.add(name)
            if (probe - own_columns) & (by_test | dependent):
                dependent.add(name)
            outer.add(name)
        scope.names = outer | by_test
        return frozenset(dependent)

    def _check_test(self, test: TestRow, draft: DatasetPlan, scope: Scope, way: Way) -> set[str]:
        test.result.check(scope, (*way, "result"))
        if test.unit is not None:
            prefix = draft.name[:2] if len(draft.name) == 2 else draft.spec.names[0][:2]
            scope.target = draft.standard.resolve(draft.spec, f"{prefix}ORRESU")
            test.unit.check(scope, (*way, "unit"))
            if test.standard_unit is not None:
                check_term(scope, test.standard_unit, (*way, "standard_unit"))
            if test.range_unit is not None:
                test.range_unit.check(scope, (*way, "range_unit"))
            scope.target = None
        for word in ("low", "high", "reason"):
            rule = getattr(test, word)
            if rule is not None:
                rule.check(scope, (*way, word))
        if test.range_unit is not None and test.low is None and test.high is None:
            scope.add((*way, "range_unit"), "'range_unit' goes with 'low' and 'high'", "")
        if test.reason is not None and test.not_done is None and not self.study.file.words.not_done:
            scope.add((*way, "reason"), "'reason' goes with 'not_done'", "")
        for word in ("when", "not_done"):
            if getattr(test, word) is not None:
                check_condition(scope, getattr(test, word), (*way, word))
        self._check_own_set(test.set, draft, scope, way)
        return {*test.set, *result_variables(draft.spec)}

    def _check_each(self, item: Each, draft: DatasetPlan, scope: Scope, way: Way) -> set[str]:
        if item.when is not None:
            check_condition(scope, item.when, (*way, "when"))
        if item.checked is not None:
            scope.use(item.checked, (*way, "checked"))
        self._check_own_set(item.set, draft, scope, way)
        return set(item.set)

    def _check_own_set(self, rules: Mapping[str, RuleBase], draft: DatasetPlan, scope: Scope, way: Way) -> None:
        """Check the variables of one line of `tests` or `each`; each may use those before it on its line."""
        outside = set(scope.names)
        for name, rule in rules.items():
            self._check_rule(rule, name, draft, scope, (*way, name))
            scope.names.add(name)
        scope.names.clear()
        scope.names.update(outside)

    def _check_rule(self, rule: RuleBase, name: str, draft: DatasetPlan, scope: Scope, way: Way) -> None:
        scope.target = draft.variables.get(name)
        rule.check(scope, way)
        scope.target = None

    def _check_time_to_event(self, parameter: TimeToEvent, draft: DatasetPlan, scope: Scope, way: Way) -> None:
        scope.use(parameter.start, (*way, "start"))
        if parameter.when is not None:
            check_condition(scope, parameter.when, (*way, "when"))
        for kind in ("events", "censorings", "stops"):
            for place, source in enumerate(getattr(parameter, kind)):
                self._check_source(source, scope, (*way, kind, place))
        for name, rule in parameter.set.items():
            self._check_rule(rule, name, draft, scope, (*way, name))

    @staticmethod
    def _check_source(source: EventSource | Excluding, scope: Scope, way: Way) -> None:
        other = scope.other(("dataset", source.dataset), (*way, "dataset"))
        if other is None:
            return
        other.use(source.date, (*way, "date"))
        if source.where is not None:
            check_condition(other, source.where, (*way, "where"))
        recovery = getattr(source, "recovery", None)
        if recovery is not None:
            check_condition(other, recovery.holds, (*way, "recovery", "holds"))
            if recovery.excluding is not None:
                Checker._check_source(recovery.excluding, scope, (*way, "recovery", "excluding"))


def names_set(draft: DatasetPlan, blocks: Sequence[Records]) -> list[str]:
    """Return the variables that some blocks of a dataset set, and those that come by themselves."""
    own = draft.mapping.model_copy(update={"records": tuple(blocks), "set": {}})
    made = {name for name, _ in target_ways(own)}
    late = {name for name, _ in target_ways(draft.mapping)} - made
    return [name for name in draft.variables if name not in late] if blocks else []


def has_subject(study: Study, header: Sequence[str]) -> bool:
    """Whether a form has the columns that study.yaml's `subject` rules use."""
    names: set[str] = set()
    for rule in study.file.subject.values():
        rule_names(rule, names)
    return names - {"STUDYID", *study.file.subject} <= set(header)


def rule_names(rule: RuleBase, names: set[str]) -> None:
    """Add to `names` the columns and variables that a rule uses in its own table."""
    scope = _Probe(names)
    rule.check(scope, ())


class _Probe(Scope):
    """A scope that only gathers names and finds no mistakes."""

    def __init__(self, names: set[str]) -> None:
        super().__init__(set(), {}, ("rows", ""), None, lambda *_: None)  # type: ignore[arg-type]
        self.found = names

    def use(self, name: str, way: Way) -> None:
        self.found.add(name)

    def other(self, key: TableKey, way: Way) -> Scope | None:
        return None
