"""Station 2: the whole mapping held against the study and the standard, before any record is read.

All mistakes of all files are raised together; what comes out says in which order the datasets are made, which raw columns are
used, and which variables each dataset will have.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path

from cdiscway.specs.codelists import Terminology, read_synonyms
from cdiscway.specs.load import Document, Way, parse_model, read_yaml, show_way
from cdiscway.specs.mistakes import Mistake, MistakeCollector, MistakesError, nearest
from cdiscway.specs.model import DatasetSpec, VariableSpec
from cdiscway.specs.standards import Standard, load_standard

from .algorithms.assign import ColumnRule, check_condition, check_term
from .algorithms.base import RuleBase, Scope, TableKey
from .algorithms.dates import DEFAULT_UNKNOWN, DateFormatError, compile_format
from .algorithms.derive import OWN_FILE, own_signatures
from .algorithms.groups import has_table
from .derivations.visits import Window, overlapping
from .derived_records import derived_names, made_columns
from .mapping import ABOVE, DatasetMapping, Each, EventSource, Excluding, Records, TestRow, TimeToEvent, VisitSource
from .readers.raw import FileForms, NotAllError, Place, RawForm, RawSource, open_raw
from .readers.sdtm import GivenDataset, find_datasets
from .study import Study
from .submission import split_mistakes
from .trial_design import design_mappings

UsedColumns = set[tuple[TableKey, str]]
SET_BY_THE_TOOL = ("STUDYID", "DOMAIN")
VISIT_COLUMNS = ("VISIT", "START", "END")
"""The columns of a block whose rows come from `visits`."""
COMMENT_VARIABLES = ("RDOMAIN", "USUBJID", "IDVAR", "IDVARVAL", "COREF", "COVAL", "CODTC")
"""The variables of CO that comments on other records set."""


@dataclass(frozen=True)
class BlockPlan:
    """One record block made ready: `per_test` are the variables of `set` that depend on the test; `place` is its number."""

    records: Records
    per_test: frozenset[str] = frozenset()
    place: int = 0


@dataclass(frozen=True)
class DatasetPlan:
    """One dataset made ready: `variables` are those that the mapping (and the tool by itself) will set."""

    mapping: DatasetMapping
    document: Document
    spec: DatasetSpec
    standard: Standard
    variables: Mapping[str, VariableSpec]
    blocks: tuple[BlockPlan, ...]
    needs: frozenset[str]

    @property
    def name(self) -> str:
        """The dataset's name."""
        return self.mapping.name


@dataclass(frozen=True)
class Plan:
    """The study's work, in order."""

    study: Study
    terminology: Terminology
    raw: RawSource
    forms: Mapping[str, RawForm]
    headers: Mapping[str, Sequence[str]]
    datasets: tuple[DatasetPlan, ...]
    unmapped: Mapping[str, Sequence[str]]
    synonyms: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    not_submitted: Mapping[tuple[str, str], str] = field(default_factory=dict)
    given: Mapping[str, GivenDataset] = field(default_factory=dict)
    """The SDTM datasets that the study begins with, where it has no raw export."""
    used: frozenset[tuple[TableKey, str]] = frozenset()
    """The columns and variables that the mappings ask for, by their table."""


def plan_study(study: Study, terminology: Terminology) -> Plan:
    """Resolve every mapping file of a study. Raises MistakesError with all mistakes of all files."""
    return _Planner(study, terminology).plan()


class _Planner:
    """Holds the mistakes while the files are gone through."""

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

    def plan(self) -> Plan:
        """Return the plan; raises MistakesError with all mistakes of all files."""
        raw = self._open_raw()
        headers: dict[str, Sequence[str]] = {name: form.names for name, form in raw.forms.items()}
        standards = [self._standard("sdtm"), self._standard("adam")]
        mappings = self._read_mappings()
        mappings += self._made_mappings(mappings)
        if standards[0] is None or standards[1] is None:
            self.mistakes.raise_if_any()
            raise AssertionError("an unknown standard is a mistake")
        drafts = [self._draft(mapping, document, standards[mapping.is_analysis]) for mapping, document in mappings]
        known = [draft for draft in drafts if draft is not None]
        self.tables = self._tables(headers, known)
        self._check_study()
        self._check_submission()
        plans = [self._check(draft) for draft in known]
        ordered = self._order(plans)
        not_submitted = self._not_submitted(headers)
        synonyms = self._synonyms()
        for name, wrong in self.unreadable.items():
            if ("dataset", name) in self.missed:  # validation tells of those that no mapping asks for
                self.mistakes.extend(wrong)
        self.mistakes.raise_if_any()
        unmapped = {form: self._unmapped(raw.forms[form], not_submitted) for form in headers}
        return Plan(
            self.study,
            self.terminology,
            raw,
            raw.forms,
            headers,
            tuple(ordered),
            unmapped,
            synonyms,
            not_submitted,
            self.given,
            frozenset(self.used),
        )

    def _tables(
        self, headers: Mapping[str, Sequence[str]], drafts: Sequence[DatasetPlan]
    ) -> dict[TableKey, Sequence[str]]:
        """Return the columns of every table that rules may name: forms, datasets given, datasets made."""
        tables: dict[TableKey, Sequence[str]] = {("form", name): header for name, header in headers.items()}
        tables["rows", "visits"] = VISIT_COLUMNS
        tables |= {("dataset", name): given.variables for name, given in self.given.items()}
        for draft in drafts:
            if draft.name == "RELREC":
                continue
            expected = draft.standard.required(draft.spec) + draft.standard.expected(draft.spec)
            tables["dataset", draft.name] = tuple(dict.fromkeys([*draft.variables, *expected]))
            if any(records.supplemental for records in draft.mapping.records):
                supplemental = draft.standard.supplemental(draft.spec)
                tables["dataset", supplemental.name] = supplemental.names
        return tables

    def _own_functions(self) -> dict[str, tuple[tuple[str, ...], str]]:
        try:
            return own_signatures(self.study.folder)
        except SyntaxError as error:
            self.mistakes.add(OWN_FILE, error.lineno, "", f"is not Python: {error.msg}")
            return {}

    def _made_mappings(
        self, mappings: Sequence[tuple[DatasetMapping, Document]]
    ) -> list[tuple[DatasetMapping, Document]]:
        """Return the mappings that nobody wrote: trial design from study.yaml, and CO where records have comments."""
        names = {mapping.name for mapping, _ in mappings} | {name for _, name in self.unread}
        made = [(mapping, document) for mapping, document in design_mappings(self.study) if mapping.name not in names]
        commented = next((document for mapping, document in mappings if has_comments(mapping)), None)
        if commented is not None and "CO" not in names:
            made.append((DatasetMapping.model_construct(domain="CO"), Document(commented.name, {}, {})))
        return made

    def _standard(self, kind: str) -> Standard | None:
        name = getattr(self.study.file.standards, kind)
        try:
            return load_standard(name)
        except KeyError as error:
            way: Way = ("standards", kind)
            self._wrong_in_study(way, str(error.args[0]))
            return None

    def _open_raw(self) -> RawSource:
        """Open the raw export, or find the SDTM datasets.

        The forms that cannot be read are mistakes, and nothing is said of their columns.
        """
        try:
            if self.study.file.raw.format == "sdtm":
                self.given, self.unreadable = find_datasets(study_place(self.study))
                self.unread |= {("dataset", name) for name in self.unreadable}
                return FileForms()
            return open_study_raw(self.study)
        except NotAllError as error:
            self.mistakes.extend(error.mistakes)
            self.unread |= {("form", name) for name in error.unread}
            return error.source

    def _read_mappings(self) -> list[tuple[DatasetMapping, Document]]:
        found: list[tuple[DatasetMapping, Document]] = []
        for path in self.study.mapping_files:
            unread: set[TableKey] = {("dataset", path.stem.upper())}
            self.unread |= unread  # what is about a dataset whose file cannot be read is no mistake of others
            try:
                document = read_yaml(path, self.study.shown(path))
                unread.add(("dataset", named_in(document)))
                self.unread |= unread
                mapping = parse_model(document, DatasetMapping)
                self.unread -= unread
            except MistakesError as error:
                self.mistakes.extend(error.mistakes)
                continue
            twin = next((other.name for earlier, other in found if earlier.name == mapping.name), None)
            if twin:
                self.mistakes.add(document.name, 1, mapping.name, f"is already mapped in {twin}")
            if mapping.name in self.given:
                self.mistakes.add(document.name, 1, mapping.name, f"is given in {self.given[mapping.name].shown}")
            found.append((mapping, document))
        if not self.study.mapping_files:
            self.mistakes.add("mapping", None, "", "there is no mapping file", "write one YAML file for each dataset")
        return found

    def _draft(self, mapping: DatasetMapping, document: Document, standard: Standard | None) -> DatasetPlan | None:
        """Find the spec and the variables of a dataset; the rules are checked when all datasets are known."""
        if standard is None:
            return None
        spec = self._spec(mapping, document, standard)
        if spec is None:
            return None
        variables: dict[str, VariableSpec] = {}
        for name, way in target_ways(mapping):
            variable = self._variable(name, way, mapping, document, spec, standard)
            if variable is not None:
                variables[name] = variable
        for name in automatic_variables(mapping, spec, standard, variables, self.study):
            found = standard.resolve(spec, name)
            if found is not None and name not in mapping.omit:
                variables.setdefault(name, found)
        return DatasetPlan(mapping, document, spec, standard, variables, (), frozenset())

    def _spec(self, mapping: DatasetMapping, document: Document, standard: Standard) -> DatasetSpec | None:
        try:
            return standard.dataset(mapping.name)
        except KeyError:
            pass
        key = "dataset" if mapping.is_analysis else "domain"
        if mapping.observation_class is None or mapping.label is None:
            hint = nearest(mapping.name, standard.names) or "give 'label' and 'class' for a dataset of your own"
            message = f"{standard.name} has no dataset '{mapping.name}'"
            self.mistakes.add(document.name, document.line((key,)), key, message, hint)
            return None
        try:
            return standard.custom_domain(mapping.name, mapping.label, mapping.observation_class)
        except KeyError as error:
            self.mistakes.add(document.name, document.line(("class",)), "class", str(error.args[0]))
            return None

    def _variable(
        self, name: str, way: Way, mapping: DatasetMapping, document: Document, spec: DatasetSpec, standard: Standard
    ) -> VariableSpec | None:
        own = mapping.variables.get(name)
        found = standard.resolve(spec, name)
        if own is not None and (found is not None or mapping.is_analysis):
            given = own.model_dump(exclude_unset=True) | {"label": own.label}
            base = found or VariableSpec(name=name, label=own.label, type=own.type)
            return base.model_copy(update=given)
        if found is None or name in SET_BY_THE_TOOL:
            message = standard.refusal(spec, name) if found is None else f"{name} is set by the tool"
            hint = nearest(name, spec.names)
            if mapping.is_analysis:
                hint = "; ".join(part for part in (hint, "declare your own variables under 'variables'") if part)
            self.mistakes.add(document.name, document.line(way), self._path(mapping, way), message, hint)
            return None
        if not found.label:
            message = f"the standard leaves the label of {name} to the study"
            hint = f"give it under 'variables: {{{name}: {{label: ...}}}}'"
            self.mistakes.add(document.name, document.line(way), self._path(mapping, way), message, hint)
        return found

    def _wrong_in_study(self, way: Way, message: str, hint: str = "", at: str = "") -> None:
        """Keep a mistake of study.yaml; `at` is the word below `way` whose line is named."""
        line = self.study.document.line((*way, at) if at else way)
        self.mistakes.add("study.yaml", line, show_way(way), message, hint)

    @staticmethod
    def _path(mapping: DatasetMapping, way: Way) -> str:
        return f"{mapping.name}.{show_way(way)}"

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

    def _check_study(self) -> None:
        """Check the rules of study.yaml: identifiers in every form that has their columns, epochs, exclusions."""
        for key, header in list(self.tables.items()):
            if key[0] == "form" and has_subject(self.study, header):
                scope = self._scope(None, key, ["STUDYID"])
                for name, rule in self.study.file.subject.items():
                    rule.check(scope, ("subject", name))
                    scope.names.add(name)
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

    def _check(self, draft: DatasetPlan) -> DatasetPlan:
        needs: set[str] = set()
        blocks = []
        self._check_relations(draft, needs)
        for place, records in enumerate(draft.mapping.records):
            self.tables[ABOVE] = self._check_derived(draft, records, place)
            block = self._check_block(draft, records, ("records", place), needs)
            blocks.append(replace(block, place=place))
        self._check_whole(draft, needs)
        self._check_baseline(draft)
        for word in ("sort", "keys", "omit"):
            known = {*draft.variables, *(draft.spec.names if word != "sort" else ())}
            for name in getattr(draft.mapping, word):
                if name not in known and (word != "omit" or draft.standard.resolve(draft.spec, name) is None):
                    line = draft.document.line((word,))
                    message = f"'{name}' is not {'mapped' if word == 'sort' else 'a variable of it'}"
                    self.mistakes.add(
                        draft.document.name, line, f"{draft.name}.{word}", message, nearest(name, sorted(known))
                    )
        return DatasetPlan(
            draft.mapping, draft.document, draft.spec, draft.standard, draft.variables, tuple(blocks), frozenset(needs)
        )

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

    def _check_block(self, draft: DatasetPlan, records: Records, way: Way, needs: set[str]) -> BlockPlan:
        scope = self._scope(draft, records.key, ["STUDYID", *self.study.file.subject])
        scope.needs = needs
        if records.key in self.unread:
            self.missed.add(records.key)
            return BlockPlan(records)
        if records.key[0] != "rows" and scope.other(records.key, (*way, records.key[0])) is None:
            return BlockPlan(records)
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
        return BlockPlan(records, per_test)

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
                _Planner._check_source(recovery.excluding, scope, (*way, "recovery", "excluding"))

    def _order(self, plans: Sequence[DatasetPlan]) -> list[DatasetPlan]:
        """Return the datasets so that each comes after those it needs; SDTM before ADaM. A cycle is a mistake."""
        by_name = {plan.name: plan for plan in sorted(plans, key=lambda plan: (plan.mapping.is_analysis, plan.name))}
        done: list[DatasetPlan] = []
        state: dict[str, str] = {}

        def visit(name: str, way: tuple[str, ...]) -> None:
            if state.get(name) == "done":
                return
            if state.get(name) == "open":
                cycle = " -> ".join((*way[way.index(name) :], name))
                document = by_name[name].document
                self.mistakes.add(document.name, None, name, f"the datasets need each other in a circle: {cycle}")
                return
            state[name] = "open"
            for need in sorted(by_name[name].needs & by_name.keys()):
                visit(need, (*way, name))
            state[name] = "done"
            done.append(by_name[name])

        for name in by_name:
            visit(name, ())
        return done

    def _not_submitted(self, headers: Mapping[str, Sequence[str]]) -> dict[tuple[str, str], str]:
        """Return the declared columns with the reason; a pattern that fits nothing is a mistake."""
        found: dict[tuple[str, str], str] = {}
        for place, item in enumerate(self.study.file.not_submitted):
            way: Way = ("not_submitted", place)
            forms = headers if item.form is None else {item.form: headers.get(item.form, ())}
            if item.form is not None and item.form not in headers:
                self._wrong_in_study(way, f"there is no form '{item.form}'", nearest(item.form, headers), at="form")
                continue
            for pattern in item.columns:
                fits = [(form, name) for form, names in forms.items() for name in names if fnmatchcase(name, pattern)]
                if not fits:
                    self._wrong_in_study(way, f"no column is named '{pattern}'", at="columns")
                found |= {fit: item.why for fit in fits if fit not in found}
        return found

    def _synonyms(self) -> dict[str, dict[str, str]]:
        path = self.study.synonyms
        if path is None:
            return {}
        try:
            return read_synonyms(path, self.terminology, self.study.shown(path))
        except MistakesError as error:
            self.mistakes.extend(error.mistakes)
            return {}

    def _unmapped(self, form: RawForm, not_submitted: Mapping[tuple[str, str], str]) -> tuple[str, ...]:
        """Return the columns of a form that need a place; those the reader made (labels) need none."""
        return tuple(
            name
            for name in form.names
            if (("form", form.name), name) not in self.used
            and (form.name, name) not in not_submitted
            and name not in form.made
        )


def named_in(document: Document) -> str:
    """Return the name of the dataset that a mapping file is about, even where the file has mistakes."""
    data = document.data if isinstance(document.data, dict) else {}
    return str(data.get("domain") or data.get("dataset") or Path(document.name).stem.upper())


def open_study_raw(study: Study) -> RawSource:
    """Open the raw export of a study in its dialect. Raises MistakesError."""
    return open_raw(study_place(study), study.file.raw)


def study_place(study: Study) -> Place:
    """Return where the raw export of a study stands."""
    return Place(study.folder / study.file.raw.folder, study.file.raw.folder)


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


def target_ways(mapping: DatasetMapping) -> list[tuple[str, Way]]:
    """Return every variable that a mapping sets, with the place where it does."""
    found: dict[str, Way] = {}
    for place, records in enumerate(mapping.records):
        way: Way = ("records", place)
        for number, row in enumerate(records.rows):
            for name in row:
                found.setdefault(name, (*way, "rows", number, name))
        for part in ("tests", "each", "time_to_event"):
            for number, item in enumerate(getattr(records, part)):
                for name in item.set:
                    found.setdefault(name, (*way, part, number, name))
        for name in records.set:
            found.setdefault(name, (*way, "set", name))
    for name in mapping.set:
        found.setdefault(name, ("set", name))
    return list(found.items())


def names_set(draft: DatasetPlan, blocks: Sequence[Records]) -> list[str]:
    """Return the variables that some blocks of a dataset set, and those that come by themselves."""
    own = draft.mapping.model_copy(update={"records": tuple(blocks), "set": {}})
    made = {name for name, _ in target_ways(own)}
    late = {name for name, _ in target_ways(draft.mapping)} - made
    return [name for name in draft.variables if name not in late] if blocks else []


def result_variables(spec: DatasetSpec) -> tuple[str, ...]:
    """Return the variables that a table of tests sets by itself: original and standard result and unit."""
    prefix = domain_prefix(spec)
    return tuple(f"{prefix}{suffix}" for suffix in ("ORRES", "ORRESU", "STRESC", "STRESN", "STRESU"))


def has_comments(mapping: DatasetMapping) -> bool:
    """Whether a mapping makes comments on its records."""
    return any(records.comments for records in mapping.records)


def visit_date(dataset: str, names: Iterable[str]) -> str | None:
    """Return the variable that dates the visits of a dataset: --DTC, or --STDTC."""
    present = set(names)
    return next((name for name in (f"{dataset}DTC", f"{dataset}STDTC") if name in present), None)


def domain_prefix(spec: DatasetSpec) -> str:
    """Return what stands for -- in the names of a domain."""
    sequence = next((name for name in spec.names if name.endswith("SEQ") and len(name) <= 5), "")
    return sequence.removesuffix("SEQ") or spec.name[:2]


def automatic_variables(
    mapping: DatasetMapping,
    spec: DatasetSpec,
    standard: Standard,
    variables: Mapping[str, VariableSpec],
    study: Study,
) -> list[str]:
    """Return the variables that come by themselves, because the standard says how (SDTMIG 3.4, section 4)."""
    if mapping.is_analysis:
        names = ["STUDYID", "USUBJID"]
        if any(records.time_to_event for records in mapping.records):
            names += ["STARTDT", "ADT", "AVAL", "CNSR", "EVNTDESC", "CNSDTDSC", "SRCDOM", "SRCVAR", "SRCSEQ"]
        return names
    prefix = domain_prefix(spec)
    names = ["STUDYID", "DOMAIN", "USUBJID", f"{prefix}SEQ"]
    if mapping.name == "DM":
        names = ["STUDYID", "DOMAIN", *study.file.subject]
    names += test_variables(mapping, prefix, spec, study)
    if any(records.visits for records in mapping.records):
        names += ["VISIT", "VISITNUM", f"{prefix}STDTC", f"{prefix}ENDTC"]
        names += [f"{prefix}STDY", f"{prefix}ENDY"]
    pairs = {f"{prefix}TESTCD": f"{prefix}TEST", f"{prefix}PARMCD": f"{prefix}PARM", "VISIT": "VISITNUM"}
    if mapping.name == "DM":
        pairs |= {"DTHDTC": "DTHFL"} | ({"ARMCD": "ARM", "ACTARMCD": "ACTARM"} if study.file.arms else {})
    if any(visit.VISITDY is not None for visit in study.file.visits) and mapping.name != "TV":
        names += ["VISITDY"] if "VISIT" in variables or "VISIT" in names else []
    names += [name for given, name in pairs.items() if given in variables]
    if mapping.name == "CO":
        names += COMMENT_VARIABLES
    if mapping.name != "DM":
        names += [day for date, day in study_days(prefix) if date in variables]
        dated = study.file.epochs or any(element.start is not None for element in study.file.elements)
        if dated and spec.observation_class in {"Interventions", "Events", "Findings", "Findings About"}:
            names.append("EPOCH")
    if mapping.baseline is not None:
        names.append(mapping.baseline.flag)
    return [name for name in dict.fromkeys(names) if name in spec.names or standard.resolve(spec, name) is not None]


def test_variables(mapping: DatasetMapping, prefix: str, spec: DatasetSpec, study: Study) -> list[str]:
    """Return the variables that the tables of tests of a mapping set by themselves."""
    tests = [test for records in mapping.records for test in records.tests]
    names = list(result_variables(spec)) if tests else []
    if any(test.not_done is not None for test in tests) or (tests and study.file.words.not_done):
        names.append(f"{prefix}STAT")
    if any(test.reason is not None for test in tests):
        names.append(f"{prefix}REASND")
    if any(test.low is not None or test.high is not None for test in tests):
        names += [f"{prefix}{suffix}" for suffix in ("ORNRLO", "ORNRHI", "STNRLO", "STNRHI", "NRIND")]
    return names


def study_days(prefix: str) -> tuple[tuple[str, str], ...]:
    """Return the pairs of a date and its study day (SDTMIG 3.4, 4.4.4)."""
    return ((f"{prefix}DTC", f"{prefix}DY"), (f"{prefix}STDTC", f"{prefix}STDY"), (f"{prefix}ENDTC", f"{prefix}ENDY"))
