"""Bring specs back into a define.xml: edits of the specs it was read from, or a fresh one from specs alone.

Whatever a spec says is applied, or named with its file and line: after the edits the define.xml is turned into specs
again, and every word that did not come through is reported.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from cdiscway.specs.load import Document, parse_model, read_yaml
from cdiscway.specs.mistakes import Mistake, MistakesError, nearest
from cdiscway.specs.model import Codelist, DatasetSpec, Strict, VariableSpec

from .codelist_edits import codelist_leftovers, edit_codelists
from .fresh import dataset_of, empty_define, standard_of, variable_of
from .index import Index, Variable
from .model import DefineXml, ItemDef, ItemGroupDef, ItemRef, ObservationClass, SubClass, describe
from .prune import demand_no_dangling, prune
from .read import read_define
from .specs import CLASSES, dataset_spec, specs_of
from .variable_edits import edit_item, same_variable_word

CODELISTS = "codelists.yaml"
HINTS = {
    "not_used": "a define.xml names only what is there",
    "values": "name a codelist instead",
    "codelists": "a variable has one codelist in a define.xml; write its code, or its name where two share the code",
    "length": "only text has a length there; that of numbers is counted in digits, from the data",
    "format": "known are ISO 8601 datetime or interval, ISO 8601 duration, and dictionaries (MedDRA, ISO 3166, LOINC)",
    "predecessor": "it is written as the dataset and variable that are copied: DM.AGE",
    "standard": "it is an implementation guide with its version: SDTMIG 3.4",
    "subclass": "Define-XML 2.0 has no place for it",
}


class _Codelists(Strict):
    """The file codelists.yaml."""

    codelists: tuple[Codelist, ...]


@dataclass(frozen=True)
class SpecFile:
    """A spec with the document it was read from, for the lines of messages."""

    spec: DatasetSpec
    document: Document

    def mistake(self, way: tuple[str | int, ...], message: str, hint: str = "") -> Mistake:
        """Return a mistake at a place of the file."""
        path = ".".join(str(step) for step in (self.spec.name, *way) if not isinstance(step, int))
        return Mistake(self.document.name, self.document.line(way), path, message, hint)


@dataclass
class _Draft:
    """A define.xml while specs are brought into it."""

    define: DefineXml
    is_fresh: bool
    mistakes: list[Mistake] = field(default_factory=list)

    def change(self, **values: Any) -> None:
        """Replace parts of the definitions."""
        metadata = replace(self.define.metadata, **values)
        self.define = replace(
            self.define, odm=replace(self.define.odm, study=replace(self.define.study, metadata=metadata))
        )


def read_specs(folder: Path, study: str = "") -> DefineXml:
    """Read a folder of specs into a define.xml; see `read_folder`."""
    return read_folder(folder, study)[0]


def read_folder(folder: Path, study: str = "") -> tuple[DefineXml, tuple[str, ...]]:
    """Read a folder of specs (`specs/*.yaml`, `codelists.yaml`) into a define.xml.

    Where the folder holds the define.xml that `define read` kept, the edits of the specs are brought into it, and what
    cannot be is a mistake. Where it does not, a fresh define.xml of the study named `study` is made; what it cannot
    hold is returned as text. Raises MistakesError with every mistake of the files.
    """
    mistakes: list[Mistake] = []
    files = list(_read_datasets(folder, mistakes))
    kept = folder / "define.xml"
    lists = _read_codelists(folder, mistakes, needed=kept.is_file())
    if not kept.is_file() and not study:
        hint = "name the study to make a fresh one (--study NAME), or put the define.xml back that `define read` kept"
        mistakes.append(Mistake(str(kept), None, "", "there is no such file, and specs do not name the study", hint))
    if mistakes:
        raise MistakesError(mistakes)
    define = read_define(kept) if kept.is_file() else empty_define(study)
    return bring_back(define, files, lists, is_fresh=not kept.is_file())


def apply_specs(define: DefineXml, specs: Sequence[DatasetSpec]) -> DefineXml:
    """Return a define.xml with the edits of its specs, all of which are given; raises MistakesError."""
    files = [SpecFile(spec, Document(f"specs/{spec.name.lower()}.yaml", None)) for spec in specs]
    return bring_back(define, files, None)[0]


def _read_datasets(folder: Path, mistakes: list[Mistake]) -> Iterator[SpecFile]:
    paths = sorted((folder / "specs").glob("*.yaml"))
    if not paths:
        mistakes.append(Mistake(str(folder / "specs"), None, "", "holds no specs (*.yaml)"))
    seen: dict[str, str] = {}
    for path in paths:
        try:
            document = read_yaml(path, f"specs/{path.name}")
            found = SpecFile(parse_model(document, DatasetSpec), document)
        except MistakesError as error:
            mistakes += error.mistakes
            continue
        name = found.spec.name
        if name in seen:
            mistakes.append(found.mistake(("name",), f"{name} is given in {seen[name]} too"))
        seen[name] = document.name
        yield found


def _read_codelists(folder: Path, mistakes: list[Mistake], *, needed: bool) -> tuple[Document, tuple[Codelist, ...]]:
    path = folder / CODELISTS
    nothing = Document(CODELISTS, []), tuple[Codelist, ...]()
    if not needed and not path.is_file():
        return nothing
    try:
        document = read_yaml(path, CODELISTS)
        lines = {("codelists", *way): line for way, line in document.lines.items()}
        wrapped = Document(CODELISTS, {"codelists": document.data or []}, lines)
        return wrapped, parse_model(wrapped, _Codelists).codelists
    except MistakesError as error:
        mistakes += error.mistakes
        return nothing


def bring_back(
    define: DefineXml,
    files: Sequence[SpecFile],
    lists: tuple[Document, tuple[Codelist, ...]] | None,
    *,
    is_fresh: bool = False,
) -> tuple[DefineXml, tuple[str, ...]]:
    """Return the define.xml with all that specs and codelists say, and what a fresh one cannot hold.

    `lists` None: the codelists stay. Raises MistakesError where an edit cannot be applied.
    """
    before = specs_of(define)
    draft = _Draft(define, is_fresh)
    if lists is not None:
        draft.define = edit_codelists(define, before.codelists, lists, draft.mistakes)
    old = {spec.name: spec for spec in before.datasets}
    _drop_datasets(draft, set(old) - {file.spec.name for file in files})
    for file in files:
        _bring_dataset(draft, file, old.get(file.spec.name))
    draft.define = prune(define, draft.define)
    draft.mistakes += demand_no_dangling(define, draft.define)
    left = [*_leftovers(draft, files)]
    if lists is not None:
        left += codelist_leftovers(draft.define, lists, is_fresh=is_fresh)
    if not is_fresh:
        draft.mistakes += left
    if draft.mistakes:
        raise MistakesError(draft.mistakes)
    return draft.define, tuple(str(mistake) for mistake in left)


def _drop_datasets(draft: _Draft, names: set[str]) -> None:
    kept = tuple(item for item in draft.define.metadata.datasets if item.name not in names)
    if len(kept) != len(draft.define.metadata.datasets):
        draft.change(datasets=kept)


def _bring_dataset(draft: _Draft, file: SpecFile, before: DatasetSpec | None) -> None:
    """Bring one spec into the draft, with what differs from the spec before."""
    spec = file.spec
    if spec == before:
        return
    doubled = [name for name, count in Counter(spec.names).items() if count > 1]
    unknown = [key for key in spec.keys if key not in spec.names]
    draft.mistakes += [file.mistake(("variables",), f"{name} is given twice") for name in doubled]
    draft.mistakes += [
        file.mistake(("keys",), f"the key {key} is no variable", nearest(key, spec.names)) for key in unknown
    ]
    if doubled or unknown:
        return
    metadata = draft.define.metadata
    dataset = next((item for item in metadata.datasets if item.name == spec.name), None)
    if dataset is None:
        dataset = dataset_of(spec)
        draft.change(datasets=(*metadata.datasets, dataset))
    values: dict[str, Any] = {"structure": spec.structure}
    if not dataset.description or dataset.description.text != spec.label:
        values["description"] = describe(spec.label)
    if before is None or (before.observation_class, before.subclass) != (spec.observation_class, spec.subclass):
        values |= _class(draft.define, dataset, spec)
    if before is None or before.standard != spec.standard:
        values |= _standard(draft, spec)
    values["items"] = _bring_variables(draft, file, dataset, before)
    changed = replace(dataset, **values)
    draft.change(datasets=tuple(changed if item is dataset else item for item in draft.define.metadata.datasets))


def _class(define: DefineXml, dataset: ItemGroupDef, spec: DatasetSpec) -> dict[str, Any]:
    known = dataset.class_name
    name = known if CLASSES.get(known.upper()) == spec.observation_class else spec.define_class
    if define.version == "2.0":
        return {"class_2_0": name}
    given = dataset.observation_class or ObservationClass()
    first = given.subclasses[0].name if given.subclasses else ""
    subclasses = given.subclasses
    if spec.subclass != first:
        subclasses = (SubClass(name=spec.subclass), *given.subclasses[1:]) if spec.subclass else given.subclasses[1:]
    return {"observation_class": replace(given, name=name, subclasses=subclasses)}


def _standard(draft: _Draft, spec: DatasetSpec) -> dict[str, Any]:
    """Refer to the standard of a spec, which is added where the define.xml does not name it yet."""
    if draft.define.version == "2.0":
        return {}
    standards, oid = standard_of(draft.define.metadata.standards, spec.standard)
    if oid is None:
        return {} if spec.standard else {"standard_oid": None, "is_non_standard": "Yes"}
    draft.change(standards=standards)
    return {"standard_oid": oid, "is_non_standard": None}


def _bring_variables(
    draft: _Draft, file: SpecFile, dataset: ItemGroupDef, before: DatasetSpec | None
) -> tuple[ItemRef, ...]:
    """Bring the variables of a spec into the draft; return the references of its dataset."""
    spec, index = file.spec, Index(draft.define)
    known = {variable.name: variable for variable in index.variables(dataset)}
    earlier = {variable.name: variable for variable in before.variables} if before else {}
    items: dict[str, ItemDef] = {item.oid or "": item for item in draft.define.metadata.items}
    refs: list[ItemRef] = []
    for place, variable in enumerate(spec.variables, 1):
        ref, item = _known_or_new(spec, variable, known.get(variable.name))
        item = items.get(item.oid or "", item)
        if variable != earlier.get(variable.name):
            try:
                item, codelists = edit_item(draft.define, spec, item, variable, earlier.get(variable.name))
                draft.change(codelists=codelists)
            except KeyError as error:
                way = ("variables", place - 1, "codelists")
                message = f"{variable.name}: there is no codelist {error.args[0]} in {CODELISTS}"
                draft.mistakes.append(file.mistake(way, message))
            ref = replace(ref, mandatory="Yes" if variable.core == "Req" else "No", role=variable.role or None)
        items[item.oid or ""] = item
        key = str(spec.keys.index(variable.name) + 1) if variable.name in spec.keys else None
        refs.append(replace(ref, order_number=str(place) if ref.order_number else None, key_sequence=key))
    draft.change(items=tuple(items.values()))
    if list(spec.names) == list(known):
        refs = _as_they_stood(dataset, refs)
    unresolved = [ref for ref in dataset.items if ref.item_oid not in index.items]
    return (*refs, *unresolved)


def _known_or_new(spec: DatasetSpec, variable: VariableSpec, known: Variable | None) -> tuple[ItemRef, ItemDef]:
    return (known.ref, known.item) if known else variable_of(spec, variable)


def _as_they_stood(dataset: ItemGroupDef, refs: Iterable[ItemRef]) -> list[ItemRef]:
    """Leave place and OrderNumber of references as they are: the order was not edited."""
    edited = {ref.item_oid: ref for ref in refs}
    return [
        replace(edited[ref.item_oid], order_number=ref.order_number) for ref in dataset.items if ref.item_oid in edited
    ]


def _leftovers(draft: _Draft, files: Sequence[SpecFile]) -> Iterator[Mistake]:
    """Name every word of the specs that the define.xml does not say now."""
    index = Index(draft.define)
    datasets = {item.name: item for item in draft.define.metadata.datasets}
    for file in files:
        dataset = datasets.get(file.spec.name)
        if dataset is None:
            continue
        try:
            got = dataset_spec(index, dataset)
        except ValidationError as error:
            for item in error.errors():
                yield file.mistake((), f"{'.'.join(map(str, item['loc']))}: {item['msg']}")
            continue
        if got == file.spec:
            continue
        for name in ("label", "observation_class", "structure", "keys", "standard", "subclass", "not_used"):
            if getattr(got, name) != getattr(file.spec, name):
                yield _leftover(file, (name,), getattr(file.spec, name), "")
        yield from _variable_leftovers(file, got, index)


def _variable_leftovers(file: SpecFile, got: DatasetSpec, index: Index) -> Iterator[Mistake]:
    there = {variable.name: variable for variable in got.variables}
    for place, variable in enumerate(file.spec.variables):
        back = there.get(variable.name)
        if back is None:
            continue
        for name in VariableSpec.model_fields:
            if not same_variable_word(name, variable, back, index.define):
                way = ("variables", place, name)
                yield _leftover(file, way, getattr(variable, name), _shared(index, file.spec.name, variable.name))


def _leftover(file: SpecFile, way: tuple[str | int, ...], value: object, shared: str) -> Mistake:
    name = str(way[-1])
    word = {"observation_class": "class"}.get(name, name)
    owner = f"{file.spec.variables[way[1]].name}: " if len(way) > 1 and isinstance(way[1], int) else ""
    shown = ", ".join(map(str, value)) if isinstance(value, tuple) else value
    message = (
        f"{owner}{word} {shown!r} has no place in the define.xml" if value else f"{owner}{word} cannot be left out"
    )
    return file.mistake((*way[:-1], word), message, shared or HINTS.get(name, ""))


def _shared(index: Index, dataset: str, variable: str) -> str:
    """Say which other datasets have the same definition: one word cannot hold for some of them only."""
    for found in (v for item in index.define.metadata.datasets if item.name == dataset for v in index.variables(item)):
        if found.name == variable:
            others = [owner.dataset.name or "" for owner in index.owners(found.item) if owner.dataset.name != dataset]
            if others:
                return f"{found.item.oid} is the definition in {', '.join(others)} too: change all of them alike"
    return ""
