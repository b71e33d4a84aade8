"""ODM-XML 1.3 snapshots, as CleanWEB and OpenClinica export them: clinical data with the labels and code lists of the metadata.

Each item group is a form: its records carry the keys of the snapshot (site, subject, event, form and item group with
their repeat keys), the attributes that a vendor adds (Subject_, Event_, Form_, Group_ and their name), then the items.
Source: CDISC ODM 1.3.2, sections 3.1.3 (metadata) and 3.1.4 (clinical data).

A file with a DOCTYPE is refused before it is parsed: no entity is ever expanded, no other file or address opened.
"""

from __future__ import annotations

import xml.parsers.expat
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd
from lxml import etree

from cdiscway.specs.mistakes import Mistake, MistakesError

from .options import ReaderOptions
from .raw import (
    ColumnBuilder,
    FileForms,
    Place,
    RawColumn,
    RawForm,
    RawNote,
    RawTable,
    add_label_columns,
    one_file,
    with_labels,
)

KEYS = {
    "StudyOID": "Study",
    "LocationOID": "Site",
    "SubjectKey": "Subject",
    "StudyEventOID": "Event",
    "StudyEventRepeatKey": "Repeat of the event",
    "FormOID": "Form",
    "FormRepeatKey": "Repeat of the form",
    "ItemGroupRepeatKey": "Repeat of the item group",
}
"""Columns that begin every form -> label."""

_LEVELS = {"SubjectData": "Subject", "StudyEventData": "Event", "FormData": "Form", "ItemGroupData": "Group"}
_KEY_OF = {
    "SubjectData": ("SubjectKey",),
    "StudyEventData": ("StudyEventOID", "StudyEventRepeatKey"),
    "FormData": ("FormOID", "FormRepeatKey"),
    "ItemGroupData": ("ItemGroupOID", "ItemGroupRepeatKey"),
}
_NOT_READ = ("AuditRecord", "AuditRecords", "Annotation", "Annotations", "Signature", "Signatures", "Association")
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


@dataclass
class Item:
    """What the metadata say of an item."""

    oid: str
    name: str
    label: str = ""
    code_list: str = ""


@dataclass
class Group:
    """An item group: its place in the metadata, and what was gathered of its records."""

    oid: str
    name: str
    items: dict[str, None] = field(default_factory=dict)
    columns: dict[str, ColumnBuilder] = field(default_factory=dict)
    rows: int = 0
    undefined: Counter[str] = field(default_factory=Counter)

    def put(self, column: str, text: str | None) -> None:
        """Set a column of the record that was begun last."""
        builder = self.columns.setdefault(column, ColumnBuilder())
        builder.fill(self.rows - 1)
        builder.add(text)


@dataclass
class Metadata:
    """The definitions of all metadata versions of a file; the first of an OID holds."""

    items: dict[str, Item] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    code_lists: dict[str, dict[str, str]] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)


def open_source(place: Place, options: ReaderOptions) -> FileForms:
    """Open the one ODM file of a folder; it is read once, all forms together. Raises MistakesError."""
    path = one_file(place, options, (".xml",))
    shown = place.show(path)
    snapshot = Snapshot(shown, options)
    snapshot.parse(path)
    source = FileForms()
    names = _unique_names([(group.oid, group.name) for group in snapshot.metadata.groups.values()], options)
    for group in snapshot.metadata.groups.values():
        form, read = snapshot.form(group, names[group.oid])
        source.add(form, read)
    return source


class Snapshot:
    """Goes through a snapshot once, element by element, and keeps each distinct text once."""

    def __init__(self, shown: str, options: ReaderOptions) -> None:
        self.shown = shown
        self.options = options
        self.metadata = Metadata()
        self.mistakes: list[Mistake] = []
        self.not_read: Counter[str] = Counter()
        self.current: dict[str, str | None] = {}
        self.vendor: dict[str, dict[str, str]] = {}

    def parse(self, path: Path) -> None:
        """Read the file. Raises MistakesError with the line of what is wrong."""
        check_start(path, self.shown)
        context = etree.iterparse(
            str(path),
            events=("start", "end"),
            tag=[f"{{*}}{name}" for name in ("ClinicalData", "SiteRef", *_LEVELS, *_DEFINITIONS)],
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=True,
        )
        try:
            for event, element in context:
                self._meet(event, element)
        except etree.XMLSyntaxError as error:
            raise MistakesError([Mistake(self.shown, error.lineno, "", f"is not XML: {error.msg}")]) from None
        if self.mistakes:
            raise MistakesError(self.mistakes)
        if not self.metadata.groups:
            hint = "export clinical data together with the metadata"
            raise MistakesError([Mistake(self.shown, None, "", "holds no item group", hint)])

    def _meet(self, event: str, element: Any) -> None:
        name = _local(element)
        if event == "start":
            if name == "ClinicalData":
                self.current = {"StudyOID": element.get("StudyOID")}
            elif name in _LEVELS:
                self._enter(element, name)
            return
        if name in _DEFINITIONS and not _inside_data(element):
            _DEFINITIONS[name](self, element)
        elif name == "SiteRef" and _inside_data(element):
            self.current["LocationOID"] = element.get("LocationOID")
        elif name == "ItemGroupData":
            self._record(element)
            self._forget(element)
        elif name in _LEVELS:
            for key in _KEY_OF[name]:
                self.current.pop(key, None)
            if name == "SubjectData":
                self.current.pop("LocationOID", None)
            self.vendor.pop(name, None)
            self._forget(element)

    def _enter(self, element: Any, name: str) -> None:
        self.current.update({key: element.get(key) for key in _KEY_OF[name]})
        self.vendor[name] = {
            f"{_LEVELS[name]}_{_after_namespace(key)}": value
            for key, value in element.attrib.items()
            if key.startswith("{") and key != _XML_LANG
        }
        if element.get("TransactionType") == "Remove":
            self.vendor[name][f"{_LEVELS[name]}_TransactionType"] = "Remove"

    def _record(self, element: Any) -> None:
        """Add one record: the keys, then the items."""
        oid = element.get("ItemGroupOID") or ""
        group = self.metadata.groups.setdefault(oid, Group(oid, oid))
        group.rows += 1
        for key in KEYS:
            group.put(key, self.current.get(key))
        for added in self.vendor.values():
            for column, text in added.items():
                group.put(column, text)
        seen: set[str] = set()
        for child in element:
            kind = _local(child)
            if kind.startswith("ItemData"):
                self._item(group, child, seen, kind)
            elif kind in _NOT_READ:
                self.not_read[kind] += 1

    def _item(self, group: Group, element: Any, seen: set[str], kind: str) -> None:
        oid = element.get("ItemOID") or ""
        if oid in seen:
            message = f"the item occurs twice in one record of {group.oid}"
            self.mistakes.append(Mistake(self.shown, element.sourceline, oid, message))
            return
        seen.add(oid)
        if oid not in group.items:
            group.items[oid] = None
            group.undefined[oid] += 1
        text = element.get("Value") if kind == "ItemData" else _own_text(element)
        group.put(f"item:{oid}", None if element.get("IsNull") == "Yes" else text)
        for child in element:
            name = _local(child)
            if name == "MeasurementUnitRef":
                unit = child.get("MeasurementUnitOID") or ""
                group.put(f"unit:{oid}", self.metadata.units.get(unit, unit))
            elif name in _NOT_READ:
                self.not_read[name] += 1

    @staticmethod
    def _forget(element: Any) -> None:
        """Free what was read: the element, and its elder siblings."""
        element.clear(keep_tail=False)
        while element.getprevious() is not None:
            del element.getparent()[0]

    def define_item(self, element: Any) -> None:
        """Keep an ItemDef."""
        oid = element.get("OID") or ""
        question = next((child for child in element if _local(child) == "Question"), None)
        label = self._translated(question) if question is not None else ""
        label = label or element.get("Comment") or ""
        code_list = next((child.get("CodeListOID") or "" for child in element if _local(child) == "CodeListRef"), "")
        self.metadata.items.setdefault(oid, Item(oid, element.get("Name") or oid, label, code_list))

    def define_group(self, element: Any) -> None:
        """Keep an ItemGroupDef."""
        oid = element.get("OID") or ""
        items = [child.get("ItemOID") or "" for child in element if _local(child) == "ItemRef"]
        group = self.metadata.groups.setdefault(oid, Group(oid, element.get("Name") or oid))
        group.items.update(dict.fromkeys(items))

    def define_code_list(self, element: Any) -> None:
        """Keep a CodeList: coded value -> decode."""
        found: dict[str, str] = {}
        for child in element:
            if _local(child) in {"CodeListItem", "EnumeratedItem"}:
                decode = next((part for part in child if _local(part) == "Decode"), None)
                code = child.get("CodedValue") or ""
                found[code] = (self._translated(decode) if decode is not None else "") or code
        if found:
            self.metadata.code_lists.setdefault(element.get("OID") or "", found)

    def define_unit(self, element: Any) -> None:
        """Keep a MeasurementUnit: its symbol, else its name."""
        symbol = next((child for child in element if _local(child) == "Symbol"), None)
        text = (self._translated(symbol) if symbol is not None else "") or element.get("Name") or ""
        self.metadata.units.setdefault(element.get("OID") or "", text)

    def _translated(self, element: Any) -> str:
        """Return the text in the wanted language, else the first."""
        texts = [child for child in element if _local(child) == "TranslatedText"]
        wanted = self.options.language
        chosen = [child for child in texts if wanted and (child.get(_XML_LANG) or "").split("-")[0] == wanted] or texts
        return " ".join("".join(chosen[0].itertext()).split()) if chosen else ""

    def form(self, group: Group, name: str) -> tuple[RawForm, Any]:
        """Return the form of an item group and what reads it."""
        items = {oid: self.metadata.items.get(oid, Item(oid, oid)) for oid in group.items}
        names = _unique_names([(item.oid, item.name) for item in items.values()], self.options)
        sources: dict[str, str] = {key: key for key in KEYS}
        columns = [RawColumn(key, label) for key, label in KEYS.items()]
        for column in group.columns:
            if column not in KEYS and not column.startswith(("item:", "unit:")):
                sources[column] = column
                columns.append(RawColumn(column))
        for oid, item in items.items():
            own = names[oid]
            own = f"{own}_ITEM" if own in sources else own
            sources[own] = f"item:{oid}"
            columns.append(RawColumn(own, item.label, self.metadata.code_lists.get(item.code_list, {})))
            if f"unit:{oid}" in group.columns:
                sources[f"{own}_UNIT"] = f"unit:{oid}"
                columns.append(RawColumn(f"{own}_UNIT", f"{item.label or own} (unit)"))
        described = tuple(columns)
        all_columns = with_labels(described, self.options.labels)
        label = group.name if group.name != name else ""
        form = RawForm(name, self.shown, label, all_columns, found={"item group": group.oid})
        return form, lambda: self._table(group, sources, all_columns)

    def _table(self, group: Group, sources: Mapping[str, str], columns: tuple[RawColumn, ...]) -> RawTable:
        parts: dict[str, pd.Series] = {}
        for name, source in sources.items():
            builder = group.columns.get(source, ColumnBuilder())
            builder.fill(group.rows)
            parts[name] = builder.column()
        frame, notes = add_label_columns(pd.DataFrame(parts, index=pd.RangeIndex(group.rows)), columns)
        return RawTable(frame, (*notes, *self._notes(group)))

    def _notes(self, group: Group) -> list[RawNote]:
        notes = [
            RawNote("CDW-RAW-ITEM", "warning", f"the metadata know no item {oid} in item group {group.oid}", oid)
            for oid in group.undefined
        ]
        removed = [name for name in group.columns if name.endswith("_TransactionType")]
        if removed:
            message = f"holds records that are marked as removed (see {', '.join(removed)}); exclude them"
            notes.append(RawNote("CDW-RAW-REMOVED", "warning", message))
        if self.not_read and group.rows:
            kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(self.not_read.items()))
            notes.append(RawNote("CDW-RAW-NOT-READ", "info", f"the file also holds what is not read: {kinds}"))
        return notes


_DEFINITIONS = {
    "ItemDef": Snapshot.define_item,
    "ItemGroupDef": Snapshot.define_group,
    "CodeList": Snapshot.define_code_list,
    "MeasurementUnit": Snapshot.define_unit,
}


def check_start(path: Path, shown: str) -> None:
    """Read a file up to its root element: it must be an ODM snapshot, without a DOCTYPE. Raises MistakesError."""

    class RootMetError(Exception):
        pass

    def on_doctype(*_: Any) -> None:
        message = "a document type is not read (entities could be hidden in it)"
        raise MistakesError([Mistake(shown, parser.CurrentLineNumber, "DOCTYPE", message)])

    def on_root(name: str, attributes: dict[str, str]) -> None:
        trouble = root_trouble(name.rpartition(":")[2], attributes)
        if trouble:
            raise MistakesError([Mistake(shown, parser.CurrentLineNumber, name, *trouble)])
        raise RootMetError

    parser = xml.parsers.expat.ParserCreate()
    parser.StartDoctypeDeclHandler = on_doctype
    parser.StartElementHandler = on_root
    try:
        with path.open("rb") as stream:
            parser.ParseFile(stream)
    except RootMetError:
        return
    except xml.parsers.expat.ExpatError as error:
        message = f"is not XML: {xml.parsers.expat.ErrorString(error.code)}"
        raise MistakesError([Mistake(shown, error.lineno, "", message)]) from None


def root_trouble(name: str, attributes: Mapping[str, str]) -> tuple[str, str] | None:
    """Return what is wrong with a root element and how to mend it, or None."""
    version = attributes.get("ODMVersion") or "1.3"
    if name != "ODM":
        return "is no ODM file: its root is not ODM", ""
    if not version.startswith("1."):
        return f"is ODM {version}; versions 1.2 and 1.3 are read", ""
    if attributes.get("FileType") == "Transactional":
        return "is a transactional file, which holds every change", "export a snapshot (FileType='Snapshot')"
    return None


def _unique_names(pairs: Iterable[tuple[str, str]], options: ReaderOptions) -> dict[str, str]:
    """Return OID -> name; the OID where OIDs are asked for, or where two have the same name."""
    known = list(pairs)
    counts = Counter(name for _, name in known)
    return {oid: name if options.names == "name" and counts[name] == 1 else oid for oid, name in known}


def _local(element: Any) -> str:
    return _after_namespace(element.tag) if isinstance(element.tag, str) else ""


@lru_cache(maxsize=1024)
def _after_namespace(tag: str) -> str:
    return tag.rpartition("}")[2]


def _inside_data(element: Any) -> bool:
    parent = element.getparent()
    while parent is not None:
        if _local(parent) == "ClinicalData":
            return True
        parent = parent.getparent()
    return False


def _own_text(element: Any) -> str | None:
    """Return the text of a typed item (ItemDataInteger ...), which stands between its tags."""
    return element.text.strip() if element.text and element.text.strip() else None
