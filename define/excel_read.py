"""Read a specification workbook (Pinnacle 21-style Excel) into a define.xml model."""

from __future__ import annotations

import csv
import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from cdiscway.specs.mistakes import Mistake, MistakeCollector, MistakesError, nearest
from cdiscway.specs.safe_xml import find_doctype

from .excel_results import ResultReader
from .excel_sheets import KEPT, OTHER_COLUMNS, OTHER_SHEETS, OTHER_STANDARDS, PREFIXES, SHEETS
from .model import (
    ODM,
    Alias,
    AnalysisResultDisplays,
    CodeList,
    CodeListItem,
    CodeListRef,
    CommentDef,
    DefineXml,
    DocumentRef,
    Documents,
    EnumeratedItem,
    ExternalCodeList,
    Extra,
    FormalExpression,
    GlobalVariables,
    ItemDef,
    ItemGroupDef,
    ItemRef,
    Leaf,
    MetaDataVersion,
    MethodDef,
    ObservationClass,
    Origin,
    PDFPageRef,
    PlainText,
    RangeCheck,
    Standard,
    Standards,
    Study,
    SubClass,
    ValueListDef,
    ValueListRef,
    WhereClauseDef,
    WhereClauseRef,
    describe,
)
from .oids import slug

Record = dict[str, str]
Book = Mapping[str, list[Record]]
MAX_BYTES = 500_000_000
"""Bytes a workbook may unpack to."""
YES = {"yes": "Yes", "y": "Yes", "true": "Yes", "no": "No", "n": "No", "false": "No"}
NEEDED = ("Datasets", "Variables")
COMPARATORS = "EQ|NE|LT|LE|GT|GE|IN|NOTIN"


@dataclass(frozen=True, slots=True)
class Workbook:
    """What a workbook holds: records of text by sheet, the define.xml kept in it, and what is on no sheet of ours."""

    records: dict[str, list[Record]]
    kept: str = ""
    unread: tuple[str, ...] = ()


def read_records(path: Path) -> Workbook:
    """Read the sheets of a workbook, without the rows that are empty.

    Raises MistakesError when the file is missing, no workbook, or lacks sheets.
    """
    demand_harmless(path)
    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except (KeyError, ValueError, InvalidFileException) as error:
        raise MistakesError([Mistake(path.name, None, "", f"is no Excel workbook (.xlsx): {error}")]) from None
    mistakes = MistakeCollector()
    found: dict[str, list[Record]] = {}
    names = {_fold(OTHER_SHEETS.get(name, name)): name for name in book.sheetnames}
    for sheet in SHEETS:
        if _fold(sheet) in names:
            rows = book[names[_fold(sheet)]].iter_rows(values_only=True)
            found[sheet] = _records(rows, OTHER_COLUMNS.get(sheet, {}))
        elif sheet in NEEDED:
            mistakes.add(path.name, None, sheet, "there is no such sheet", nearest(sheet, book.sheetnames))
    kept = _kept(book[KEPT].iter_rows(values_only=True)) if KEPT in book.sheetnames else ""
    others = [names[name] for name in names if name not in {_fold(sheet) for sheet in (*SHEETS, KEPT)}]
    book.close()
    mistakes.raise_if_any()
    return Workbook(found, kept, (*(f"the sheet {name}" for name in others), *_unread_columns(found)))


def _unread_columns(found: Mapping[str, list[Record]]) -> Iterator[str]:
    """Name the columns no sheet of ours has, with the number of cells that say something."""
    for sheet, records in found.items():
        counted = Counter(name for row in records for name, value in row.items() if value and name not in SHEETS[sheet])
        yield from (f"{sheet}.{name}: {count} cells" for name, count in counted.items())


def _kept(rows: Iterable[tuple[Any, ...]]) -> str:
    return "".join(cell_text(row[0]) for place, row in enumerate(rows) if place and row)


def _fold(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.lower())


def demand_harmless(path: Path) -> None:
    """Refuse what is no workbook, unpacks to more than 500 MB, or declares a document type."""
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(item.file_size for item in archive.infolist()) > MAX_BYTES:
                raise MistakesError([Mistake(path.name, None, "", "unpacks to more than 500 MB, which is not read")])
            for item in archive.infolist():
                if item.filename.endswith((".xml", ".rels")) and find_doctype(archive.read(item)) is not None:
                    raise MistakesError([Mistake(path.name, None, item.filename, "declares a document type (DTD)")])
    except FileNotFoundError:
        raise MistakesError([Mistake(path.name, None, "", "there is no such file")]) from None
    except (zipfile.BadZipFile, OSError):
        raise MistakesError([Mistake(path.name, None, "", "is no Excel workbook (.xlsx)")]) from None


def _records(rows: Iterable[tuple[Any, ...]], others: Mapping[str, str]) -> list[Record]:
    lines = iter(rows)
    given = [cell_text(cell).strip() for cell in next(lines, ())]
    header = [others.get(name, name) if others.get(name) not in given else name for name in given]
    records = []
    for row in lines:
        # a row ends with its last cell: what is not there is empty, not unknown
        record = {name: cell_text(cell) for name, cell in zip_longest(header, row[: len(header)]) if name}
        if any(record.values()):
            records.append(record)
    return records


def cell_text(cell: Any) -> str:
    """Return a cell as text: 8.0 is "8", a date is ISO 8601.

    >>> cell_text(8.0)
    '8'
    """
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if hasattr(cell, "isoformat"):
        return str(cell.isoformat()).removesuffix("T00:00:00")
    return str(cell)


def define_from_records(book: Book, name: str = "workbook") -> DefineXml:
    """Make a define.xml 2.1 of the records of a workbook; raises MistakesError."""
    return _Reader(book, name).define()


class _Reader:
    """Makes the elements of each sheet; names without an OID get the OID our own files use."""

    def __init__(self, book: Book, name: str) -> None:
        self._book = book
        self._name = name
        self._mistakes = MistakeCollector()
        self._items: dict[str, ItemDef] = {}
        self._oids: dict[tuple[str, str], str] = {}
        self._clauses: dict[str, WhereClauseDef] = {}
        self._standards: dict[str, str] = {}

    def sheet(self, name: str) -> list[Record]:
        return self._book.get(name, [])

    def define(self) -> DefineXml:
        study = {row.get("Attribute", ""): row.get("Value", "") for row in self.sheet("Study")}
        metadata = self._metadata(study)
        self._mistakes.raise_if_any()
        name = study.get("StudyName") or "STUDY"
        names = GlobalVariables(
            study_name=PlainText(text=name),
            study_description=PlainText(text=study.get("StudyDescription") or name),
            protocol_name=PlainText(text=study.get("ProtocolName") or name),
        )
        key = slug(name)
        odm = ODM(
            odm_version="1.3.2",
            file_type="Snapshot",
            file_oid=study.get("FileOID") or f"DEF.{key}",
            creation_date_time=study.get("CreationDateTime") or "1970-01-01T00:00:00",
            as_of_date_time=study.get("AsOfDateTime") or None,
            originator=study.get("Originator") or None,
            source_system=study.get("SourceSystem") or None,
            source_system_version=study.get("SourceSystemVersion") or None,
            context=study.get("Context") or "Other",
            study=Study(oid=study.get("StudyOID") or f"STDY.{key}", global_variables=names, metadata=metadata),
        )
        prolog = Extra("instruction", "xml-stylesheet", 'type="text/xsl" href="define2-1.xsl"')
        return DefineXml(version="2.1", odm=odm, prolog=(prolog,))

    def _metadata(self, study: Mapping[str, str]) -> MetaDataVersion:
        key = slug(study.get("StudyName", "") or "STUDY")
        standards = self._read_standards(study)
        for row in self.sheet("Variables"):
            self._name_item(row)
        clauses = self._read_where_clauses()
        value_lists = self._read_value_lists()
        datasets = tuple(self._dataset(row) for row in self.sheet("Datasets"))
        displays = self._results()
        return MetaDataVersion(
            oid=study.get("MetaDataVersionOID") or f"MDV.{key}",
            name=study.get("MetaDataName") or f"Study {study.get('StudyName', '')}, Data Definitions",
            description=study.get("MetaDataDescription") or None,
            define_version=study.get("DefineVersion") or "2.1.0",
            standards=Standards(standards=standards) if standards else None,
            annotated_crf=self._kind("AnnotatedCRF"),
            supplemental_doc=self._kind("SupplementalDoc"),
            value_lists=value_lists,
            where_clauses=(*clauses, *(c for c in self._clauses.values() if c not in clauses)),
            datasets=datasets,
            items=tuple(self._items.values()),
            codelists=(*self._codelists(), *(self._dictionary(row) for row in self.sheet("Dictionaries"))),
            methods=tuple(self._method(row) for row in self.sheet("Methods")),
            comments=tuple(self._comment(row) for row in self.sheet("Comments")),
            leaves=tuple(self._leaf(row) for row in self.sheet("Documents")),
            displays=displays,
        )

    def _results(self) -> AnalysisResultDisplays | None:
        reader = ResultReader(
            items=self._oids,
            groups={
                row.get("Dataset", ""): row.get("OID") or f"IG.{row.get('Dataset')}" for row in self.sheet("Datasets")
            },
            clauses=self._clauses,
            parse=self._kept_condition,
            oid=self._oid,
            pages=self._pages,
            fault=lambda sheet, message: self._mistakes.add(self._name, None, sheet, message),
        )
        return reader.displays(self.sheet("Analysis Displays"), self.sheet("Analysis Results"))

    def _kept_condition(self, text: str, dataset: str) -> WhereClauseDef | None:
        """Make a condition of words, and keep it among the where-clauses."""
        clause = self._parse(text, dataset)
        return clause and self._clauses.setdefault(clause.oid or "", clause)

    def _read_standards(self, study: Mapping[str, str]) -> tuple[Standard, ...]:
        rows = list(self.sheet("Standards"))
        if not rows and study.get("StandardName"):
            name = OTHER_STANDARDS.get(study["StandardName"], study["StandardName"])
            rows.append({"Name": name, "Type": "IG", "Version": study.get("StandardVersion", "")})
        made = []
        for row in rows:
            parts = [row.get("Name", ""), row.get("Publishing Set", ""), row.get("Version", "")]
            shown = " ".join(part for part in parts if part)
            oid = row.get("OID") or f"STD.{slug(shown)}"
            self._standards |= {shown: oid, oid: oid}
            made.append(
                Standard(
                    oid=oid,
                    name=row.get("Name"),
                    type=row.get("Type") or ("CT" if row.get("Publishing Set") else "IG"),
                    publishing_set=row.get("Publishing Set") or None,
                    version=row.get("Version"),
                    status=row.get("Status") or "Final",
                    comment_oid=self._oid("Comments", row.get("Comment")),
                )
            )
        return tuple(made)

    @staticmethod
    def _oid(sheet: str, name: str | None) -> str | None:
        if not name:
            return None
        return name if name.startswith(PREFIXES[sheet]) or re.match(r"[A-Z]+\.", name) else PREFIXES[sheet] + name

    def _name_item(self, row: Record) -> None:
        """Make the definition of a variable; datasets that share one name it by the same OID."""
        dataset, variable = row.get("Dataset", ""), row.get("Variable", "")
        if not dataset or not variable:
            self._mistakes.add(self._name, None, "Variables", "a row names no dataset or no variable")
            return
        oid = row.get("OID") or f"IT.{dataset}.{variable}"
        self._oids[dataset, variable] = oid
        has_values = any(
            (item.get("Dataset"), item.get("Variable")) == (dataset, variable) for item in self.sheet("ValueLevel")
        )
        listed = row.get("Value List") or (f"VL.{dataset}.{variable}" if has_values else None)
        self._items.setdefault(oid, self._item(row, oid, variable, listed))

    def _item(self, row: Record, oid: str, name: str, value_list: str | None) -> ItemDef:
        codelist = self._oid("Codelists", row.get("Codelist"))
        field = row.get("SAS Field Name") if "SAS Field Name" in row else name
        return ItemDef(
            oid=oid,
            name=name,
            data_type=row.get("Data Type") or None,
            length=row.get("Length") or None,
            significant_digits=row.get("Significant Digits") or None,
            sas_field_name=field or None,
            display_format=row.get("Format") or None,
            comment_oid=self._oid("Comments", row.get("Comment")),
            description=describe(row["Label"]) if row.get("Label") else None,
            codelist=CodeListRef(codelist_oid=codelist) if codelist else None,
            origins=self._origin(row),
            value_list=ValueListRef(value_list_oid=value_list) if value_list else None,
        )

    def _origin(self, row: Record) -> tuple[Origin, ...]:
        if not row.get("Origin"):
            return ()
        document = row.get("Document") or ("LF.acrf" if row.get("Pages") else "")
        return (
            Origin(
                type=row["Origin"],
                source=row.get("Source") or None,
                description=describe(row["Predecessor"]) if row.get("Predecessor") else None,
                documents=self._pages(document, row.get("Pages")),
            ),
        )

    def _pages(self, document: str | None, pages: str | None) -> tuple[DocumentRef, ...]:
        if not document:
            return ()
        leaf = self._oid("Documents", document)
        return (DocumentRef(leaf_id=leaf, pages=(_page(pages),) if pages else ()),)

    def _ref(self, row: Record, oid: str, where: tuple[WhereClauseRef, ...] = ()) -> ItemRef:
        return ItemRef(
            item_oid=oid,
            order_number=row.get("Order") or None,
            mandatory=_yes(row.get("Mandatory")) or "No",
            key_sequence=row.get("Key") or None,
            method_oid=self._oid("Methods", row.get("Method")),
            role=row.get("Role") or None,
            is_non_standard=_yes(row.get("Non-Standard")) if _yes(row.get("Non-Standard")) == "Yes" else None,
            has_no_data="Yes" if _yes(row.get("Has No Data")) == "Yes" else None,
            where=where,
        )

    def _dataset(self, row: Record) -> ItemGroupDef:
        name = row.get("Dataset", "")
        keys = [key.strip() for key in row.get("Key Variables", "").split(",") if key.strip()]
        rows = [item for item in self.sheet("Variables") if item.get("Dataset") == name]
        refs = []
        for item in rows:
            variable = item.get("Variable", "")
            place = str(keys.index(variable) + 1) if variable in keys else ""
            oid = self._oids.get((name, variable), f"IT.{name}.{variable}")
            refs.append(self._ref({**item, "Key": item.get("Key") or place}, oid))
        unknown = [key for key in keys if key not in {item.get("Variable") for item in rows}]
        for key in unknown:
            known = [item.get("Variable", "") for item in rows]
            self._mistakes.add(
                self._name, None, f"Datasets.{name}", f"the key {key} is no variable", nearest(key, known)
            )
        empty = _yes(row.get("Has No Data")) == "Yes"
        file = row.get("File") or ("" if empty or "File" in row else f"{name.lower()}.xpt")
        leaf = row.get("Leaf ID") or f"LF.{name}"
        domain = row.get("Domain Description")
        return ItemGroupDef(
            oid=row.get("OID") or f"IG.{name}",
            name=name,
            domain=row.get("Domain") or (None if "Domain" in row else name),
            repeating=_yes(row.get("Repeating")) or "Yes",
            is_reference_data=_yes(row.get("Reference Data")) or "No",
            sas_dataset_name=name,
            purpose=row.get("Purpose") or "Tabulation",
            structure=row.get("Structure") or None,
            standard_oid=self._standard(row),
            is_non_standard="Yes" if _yes(row.get("Non-Standard")) == "Yes" else None,
            has_no_data="Yes" if empty else None,
            archive_location_id=leaf if file else None,
            comment_oid=self._oid("Comments", row.get("Comment")),
            description=describe(row["Label"]) if row.get("Label") else None,
            items=tuple(refs),
            aliases=(Alias(context="DomainDescription", name=domain),) if domain else (),
            observation_class=_class(row),
            leaf=Leaf(id=leaf, href=file, title=PlainText(text=row.get("File Title") or file)) if file else None,
        )

    def _standard(self, row: Record) -> str | None:
        """Return the standard of a dataset; in a workbook without that column, the only one there is."""
        if "Standard" in row or len(set(self._standards.values())) != 1:
            return self._standards.get(row.get("Standard", ""), row.get("Standard") or None)
        return next(iter(self._standards.values()))

    def _read_value_lists(self) -> tuple[ValueListDef, ...]:
        refs: dict[str, list[ItemRef]] = {}
        for row in self.sheet("ValueLevel"):
            dataset, variable = row.get("Dataset", ""), row.get("Variable", "")
            owner = self._items.get(self._oids.get((dataset, variable), ""))
            if owner is None or owner.value_list is None:
                message = f"{dataset}.{variable} is not on the sheet Variables"
                self._mistakes.add(self._name, None, "ValueLevel", message)
                continue
            clauses = self._clauses_of(row, dataset)
            suffix = ".".join(clause.removeprefix("WC.").removeprefix(f"{dataset}.") for clause in clauses)
            oid = row.get("OID") or f"IT.{dataset}.{variable}.{suffix}"
            name = row.get("Name") or suffix.rpartition(".")[2]
            self._items.setdefault(oid, self._item({"SAS Field Name": "", **row}, oid, name, None))
            where = tuple(WhereClauseRef(where_clause_oid=clause) for clause in clauses)
            refs.setdefault(owner.value_list.value_list_oid or "", []).append(self._ref(row, oid, where))
        return tuple(ValueListDef(oid=oid, items=tuple(items)) for oid, items in refs.items())

    def _clauses_of(self, row: Record, dataset: str) -> list[str]:
        """Return the conditions of a definition: IDs of the sheet WhereClauses, or a condition in words."""
        text = row.get("Where Clause", "")
        found = [self._oid("WhereClauses", part.strip()) or "" for part in text.split(",")]
        if all(oid in self._clauses for oid in found):
            return found
        clause = self._parse(text, dataset)
        if clause is None:
            self._mistakes.add(self._name, None, "ValueLevel", f"the condition {text!r} is not understood")
            return []
        self._clauses.setdefault(clause.oid or "", clause)
        return [clause.oid or ""]

    def _parse(self, text: str, dataset: str) -> WhereClauseDef | None:
        checks, names = [], []
        for part in re.split(r"\s+AND\s+", text.strip(), flags=re.IGNORECASE):
            found = re.fullmatch(rf"(?:(\w+)\.)?(\w+)\s+({COMPARATORS})\s+(.+)", part.strip(), re.IGNORECASE)
            if found is None:
                return None
            values = split_values(found[4].strip().removeprefix("(").removesuffix(")"))
            checks.append(self._check(found[1] or dataset, found[2], found[3].upper(), values))
            names.append(f"{found[2]}.{found[3].upper()}.{slug('_'.join(values))}")
        return WhereClauseDef(oid=f"WC.{dataset}.{'.'.join(names)}", checks=tuple(checks))

    def _check(self, dataset: str, variable: str, comparator: str, values: list[str]) -> RangeCheck:
        return RangeCheck(
            comparator=comparator or None,
            soft_hard="Soft",
            item_oid=self._oids.get((dataset, variable), f"IT.{dataset}.{variable}"),
            values=tuple(PlainText(text=value) for value in values),
        )

    def _read_where_clauses(self) -> tuple[WhereClauseDef, ...]:
        made: dict[str, list[RangeCheck]] = {}
        comments: dict[str, str | None] = {}
        for row in self.sheet("WhereClauses"):
            oid = self._oid("WhereClauses", row.get("ID")) or ""
            given = RangeCheck(
                comparator=row.get("Comparator") or None,
                soft_hard=row.get("Soft Hard") or "Soft",
                item_oid=row.get("Item OID") or self._oids.get((row.get("Dataset", ""), row.get("Variable", ""))),
                values=tuple(PlainText(text=value) for value in split_values(row.get("Value", ""))),
            )
            made.setdefault(oid, []).append(given)
            comments[oid] = comments.get(oid) or self._oid("Comments", row.get("Comment"))
        self._clauses = {
            oid: WhereClauseDef(oid=oid, comment_oid=comments[oid], checks=tuple(checks))
            for oid, checks in made.items()
        }
        return tuple(self._clauses.values())

    def _codelists(self) -> list[CodeList]:
        made: dict[str, list[Record]] = {}
        for row in self.sheet("Codelists"):
            made.setdefault(self._oid("Codelists", row.get("ID")) or "", []).append(row)
        return [self._codelist(oid, rows) for oid, rows in made.items()]

    def _codelist(self, oid: str, rows: list[Record]) -> CodeList:
        first = rows[0]
        code = first.get("NCI Codelist Code")
        decoded = any(row.get("Decoded Value") for row in rows)
        standard = self._standards.get(first.get("Terminology", ""), first.get("Terminology") or None)
        marked = _yes(first.get("Non-Standard")) == "Yes" or ("Non-Standard" not in first and not standard)
        return CodeList(
            oid=oid,
            name=first.get("Name"),
            data_type=first.get("Data Type") or "text",
            sas_format_name=first.get("SAS Format") or None,
            standard_oid=standard,
            is_non_standard="Yes" if marked else None,
            comment_oid=self._oid("Comments", first.get("Comment")),
            items=tuple(
                CodeListItem(decode=describe(row.get("Decoded Value", "")), **_term(row, code))
                for row in rows
                if decoded
            ),
            enumerated=tuple(EnumeratedItem(**_term(row, code)) for row in rows if not decoded),
            aliases=(Alias(context="nci:ExtCodeID", name=code),) if code else (),
        )

    def _dictionary(self, row: Record) -> CodeList:
        external = ExternalCodeList(
            dictionary=row.get("Dictionary"), version=row.get("Version") or None, href=row.get("Href") or None
        )
        return CodeList(
            oid=self._oid("Dictionaries", row.get("ID")),
            name=row.get("Name"),
            data_type=row.get("Data Type") or "text",
            standard_oid=row.get("Standard") or None,
            is_non_standard=row.get("Non-Standard") or None,
            external=external,
        )

    def _method(self, row: Record) -> MethodDef:
        code = row.get("Expression Code")
        return MethodDef(
            oid=self._oid("Methods", row.get("ID")),
            name=row.get("Name"),
            type=row.get("Type") or None,
            description=describe(row.get("Description", "")),
            expressions=(FormalExpression(context=row.get("Expression Context") or None, text=code),) if code else (),
            documents=self._pages(row.get("Document"), row.get("Pages")),
        )

    def _comment(self, row: Record) -> CommentDef:
        return CommentDef(
            oid=self._oid("Comments", row.get("ID")),
            description=describe(row.get("Description", "")),
            documents=self._pages(row.get("Document"), row.get("Pages")),
        )

    def _leaf(self, row: Record) -> Leaf:
        return Leaf(id=self._oid("Documents", row.get("ID")), href=row.get("Href"), title=_plain(row.get("Title")))

    def _kind(self, kind: str) -> Documents | None:
        rows = self.sheet("Documents")
        chosen = [row for row in rows if row.get("Kind", self._guess(row)) == kind]
        refs = tuple(DocumentRef(leaf_id=self._oid("Documents", row.get("ID"))) for row in chosen)
        return Documents(documents=refs) if refs else None

    @staticmethod
    def _guess(row: Record) -> str:
        """Say what a document is in a workbook that has no column for it."""
        return "AnnotatedCRF" if "crf" in row.get("ID", "").lower() else "SupplementalDoc"


def split_values(text: str) -> list[str]:
    """Split the values of a condition; the other way of `join_values`.

    >>> split_values('CAN, "a, b"')
    ['CAN', 'a, b']
    """
    return next(csv.reader([text], skipinitialspace=True), []) if text else []


def _term(row: Record, codelist_code: str | None) -> dict[str, Any]:
    code = row.get("NCI Term Code")
    own = _yes(row.get("Extended")) == "Yes" or ("Extended" not in row and bool(codelist_code) and not code)
    return {
        "coded_value": row.get("Term"),
        "rank": row.get("Rank") or None,
        "order_number": row.get("Order") or None,
        "extended_value": "Yes" if own else None,
        "aliases": (Alias(context="nci:ExtCodeID", name=code),) if code else (),
    }


def _class(row: Record) -> ObservationClass | None:
    if not row.get("Class"):
        return None
    names = [name.strip() for name in row.get("SubClass", "").split(",") if name.strip()]
    return ObservationClass(name=row["Class"].upper(), subclasses=tuple(SubClass(name=name) for name in names))


def _page(pages: str) -> PDFPageRef:
    found = re.fullmatch(r"\s*(\d+)\s*-\s*(\d+)\s*", pages)
    if found:
        return PDFPageRef(first_page=found[1], last_page=found[2], type="PhysicalRef")
    physical = re.fullmatch(r"[\d ,]+", pages) is not None
    return PDFPageRef(page_refs=pages.replace(",", " "), type="PhysicalRef" if physical else "NamedDestination")


def _yes(text: str | None) -> str | None:
    return YES.get((text or "").strip().lower())


def _plain(text: str | None) -> PlainText | None:
    return PlainText(text=text) if text else None
