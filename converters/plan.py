"""Station 2: the whole mapping held against the study and the standard, before any record is read.

All mistakes of all files are raised together; what comes out says in which order the datasets are made, which raw columns are
used, and which variables each dataset will have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from cdiscway.specs.codelists import Terminology, read_synonyms
from cdiscway.specs.load import Document, Way, parse_model, read_yaml, show_way
from cdiscway.specs.mistakes import MistakesError, nearest
from cdiscway.specs.model import DatasetSpec, VariableSpec
from cdiscway.specs.standards import Standard, load_standard

from .algorithms.base import TableKey
from .dataset_variables import automatic_variables, target_ways
from .mapping import ABOVE, DatasetMapping, Records
from .plan_checks import Checker
from .readers.raw import FileForms, NotAllError, Place, RawForm, RawSource, open_raw
from .readers.sdtm import GivenDataset, find_datasets
from .study import Study
from .trial_design import design_mappings

SET_BY_THE_TOOL = ("STUDYID", "DOMAIN")
VISIT_COLUMNS = ("VISIT", "START", "END")
"""The columns of a block whose rows come from `visits`."""


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


class _Planner(Checker):
    """Reads the files, checks them all, and puts the datasets in order."""

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
                declare = "declare your own variables under 'variables', working columns under 'let'"
                hint = "; ".join(part for part in (hint, declare) if part)
            self.mistakes.add(document.name, document.line(way), self._path(mapping, way), message, hint)
            return None
        if not found.label:
            message = f"the standard leaves the label of {name} to the study"
            hint = f"give it under 'variables: {{{name}: {{label: ...}}}}'"
            self.mistakes.add(document.name, document.line(way), self._path(mapping, way), message, hint)
        return found

    @staticmethod
    def _path(mapping: DatasetMapping, way: Way) -> str:
        return f"{mapping.name}.{show_way(way)}"

    def _check(self, draft: DatasetPlan) -> DatasetPlan:
        needs: set[str] = set()
        blocks = []
        self._check_relations(draft, needs)
        for place, records in enumerate(draft.mapping.records):
            self.tables[ABOVE] = self._check_derived(draft, records, place)
            per_test = self._check_block(draft, records, ("records", place), needs)
            blocks.append(BlockPlan(records, per_test, place))
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


def has_comments(mapping: DatasetMapping) -> bool:
    """Whether a mapping makes comments on its records."""
    return any(records.comments for records in mapping.records)
