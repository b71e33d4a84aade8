"""Write and read a specification workbook (Pinnacle 21-style Excel), and say what a workbook cannot hold.

Each sheet is a table; the OID columns at its end keep what the names alone would lose. `unheld` lists what is left.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

from cdiscway.converters.timeless import FIRST_MOMENT, timeless
from cdiscway.converters.whole_file import whole_file
from cdiscway.specs.mistakes import MistakeCollector, MistakesError

from .excel_read import define_from_records, read_records
from .excel_results import display_records, result_records
from .excel_sheets import CHUNK, KEPT, ONLY_WITH_RESULTS, SHEETS
from .index import Index, keys_of
from .merge import merge_define
from .model import (
    Alias,
    DefineXml,
    Description,
    DocumentRef,
    ItemDef,
    ItemRef,
    PDFPageRef,
    PlainText,
    slots_of,
    walk,
)
from .read import parse_define
from .write import define_bytes

MAX_CELL = 32_767
"""Characters a cell can hold; a longer text is refused, never cut."""
WIDTHS = {"Label": 36, "Description": 60, "Structure": 40, "Comment": 24, "Value": 48, "Term": 24, "Decoded Value": 36}
Record = dict[str, str]


def write_excel(define: DefineXml, path: Path) -> list[str]:
    """Write a workbook; return what its tables cannot hold (it is kept on the sheet Kept).

    Raises MistakesError when a text is too long for a cell.
    """
    sheets = {name: list(sheet_records(define, name)) for name in SHEETS}
    demand_cells(sheets, path.name)
    book = Workbook(write_only=True)
    for name, columns in SHEETS.items():
        if name in ONLY_WITH_RESULTS and not sheets[name]:
            continue
        sheet = book.create_sheet(name)
        for place, column in enumerate(columns):
            sheet.column_dimensions[_letter(place)].width = WIDTHS.get(column, 15)
        sheet.freeze_panes = "A2"
        sheet.append([_cell(sheet, column, Font(bold=True)) for column in columns])
        for record in sheets[name]:
            sheet.append([_cell(sheet, record[column]) for column in columns])
    lost = unheld(define)
    if lost:
        _keep(book, define)
    memory = io.BytesIO()
    book.save(memory)
    with whole_file(path) as file:
        file.write(timeless(memory.getvalue(), define.odm.creation_date_time or FIRST_MOMENT, mode=0o600))
    return lost


def demand_cells(sheets: Mapping[str, list[Record]], file: str) -> None:
    """Raise MistakesError for every text a cell cannot hold: openpyxl would cut it in silence."""
    mistakes = MistakeCollector()
    for name, records in sheets.items():
        for number, record in enumerate(records, 2):
            for column, value in record.items():
                if len(value) > MAX_CELL:
                    message = f"has {len(value)} characters, a cell holds 32,767"
                    mistakes.add(file, number, f"{name}.{column}", message)
    mistakes.raise_if_any()


def _keep(book: Workbook, define: DefineXml) -> None:
    """Add the define.xml itself, so that reading the workbook loses nothing."""
    sheet = book.create_sheet(KEPT)
    sheet.append([_cell(sheet, "Define-XML this workbook was made from: do not edit")])
    text = define_bytes(define).decode("utf-8")
    for start in range(0, len(text), CHUNK):
        sheet.append([_cell(sheet, text[start : start + CHUNK])])


def _letter(place: int) -> str:
    return chr(ord("A") + place) if place < 26 else "A" + chr(ord("A") + place - 26)


def _cell(sheet: Any, value: str, font: Font | None = None) -> Any:
    """Return a cell of text: a leading `=` is no formula."""
    if not value:
        return None
    cell = WriteOnlyCell(sheet, value=value)
    cell.data_type = "s"
    if font:
        cell.font = font
    return cell


def sheet_records(define: DefineXml, sheet: str) -> Iterator[Record]:
    """Yield the rows of a sheet, by column; what is missing is empty."""
    makers: dict[str, Any] = {
        "Study": _study,
        "Standards": _standards,
        "Datasets": _datasets,
        "Variables": _variables,
        "ValueLevel": _value_level,
        "WhereClauses": _where_clauses,
        "Codelists": _codelists,
        "Dictionaries": _dictionaries,
        "Methods": _methods,
        "Comments": _comments,
        "Documents": _documents,
        "Analysis Displays": lambda define: display_records(define, _pages),
        "Analysis Results": lambda define: result_records(define, _pages),
    }
    for record in makers[sheet](define):
        yield {column: record.get(column) or "" for column in SHEETS[sheet]}


def _study(define: DefineXml) -> Iterator[dict[str, str | None]]:
    names, odm, metadata = define.study.global_variables, define.odm, define.metadata
    values: dict[str, str | None] = {
        "StudyName": _plain(names.study_name) if names else None,
        "StudyDescription": _plain(names.study_description) if names else None,
        "ProtocolName": _plain(names.protocol_name) if names else None,
        "StudyOID": define.study.oid,
        "MetaDataVersionOID": metadata.oid,
        "MetaDataName": metadata.name,
        "MetaDataDescription": metadata.description,
        "DefineVersion": metadata.define_version,
        "FileOID": odm.file_oid,
        "CreationDateTime": odm.creation_date_time,
        "AsOfDateTime": odm.as_of_date_time,
        "Originator": odm.originator,
        "SourceSystem": odm.source_system,
        "SourceSystemVersion": odm.source_system_version,
        "Context": odm.context,
        "StandardName": metadata.standard_name,
        "StandardVersion": metadata.standard_version,
        "Language": "en",
    }
    for name, value in values.items():
        if value:
            yield {"Attribute": name, "Value": value}


def _standards(define: DefineXml) -> Iterator[dict[str, str | None]]:
    for item in define.metadata.standards.standards if define.metadata.standards else ():
        yield {
            "OID": item.oid,
            "Name": item.name,
            "Type": item.type,
            "Publishing Set": item.publishing_set,
            "Version": item.version,
            "Status": item.status,
            "Comment": item.comment_oid,
        }


def _datasets(define: DefineXml) -> Iterator[dict[str, str | None]]:
    index = Index(define)
    for item in define.metadata.datasets:
        subclasses = item.observation_class.subclasses if item.observation_class else ()
        yield {
            "Dataset": item.name,
            "Label": _words(item.description),
            "Class": item.class_name,
            "SubClass": ", ".join(sub.name or "" for sub in subclasses),
            "Structure": item.structure,
            "Key Variables": ", ".join(keys_of(list(index.variables(item)))),
            "Standard": item.standard_oid,
            "Non-Standard": item.is_non_standard,
            "Has No Data": item.has_no_data,
            "Repeating": item.repeating,
            "Reference Data": item.is_reference_data,
            "Purpose": item.purpose,
            "Domain": item.domain,
            "Domain Description": _alias(item.aliases, "DomainDescription"),
            "File": item.leaf.href if item.leaf else None,
            "File Title": _plain(item.leaf.title) if item.leaf else None,
            "Comment": item.comment_oid,
            "OID": item.oid,
            "Leaf ID": item.leaf.id if item.leaf else None,
        }


def _variables(define: DefineXml) -> Iterator[dict[str, str | None]]:
    index = Index(define)
    for dataset in define.metadata.datasets:
        for variable in index.variables(dataset):
            value_list = variable.item.value_list
            yield {
                "Dataset": dataset.name,
                "Variable": variable.name,
                "Key": variable.ref.key_sequence,
                "Value List": value_list.value_list_oid if value_list else None,
                **_item(variable.ref, variable.item),
            }


def _value_level(define: DefineXml) -> Iterator[dict[str, str | None]]:
    index = Index(define)
    seen: set[str] = set()
    for dataset in define.metadata.datasets:
        for variable in index.variables(dataset):
            listed = variable.item.value_list.value_list_oid if variable.item.value_list else None
            if listed is None or listed in seen:
                continue
            seen.add(listed)
            for value in index.values(variable):
                yield {
                    "Dataset": dataset.name,
                    "Variable": variable.name,
                    "Where Clause": ", ".join(ref.where_clause_oid or "" for ref in value.ref.where),
                    "Name": value.item.name,
                    **_item(value.ref, value.item),
                }


def _item(ref: ItemRef, item: ItemDef) -> dict[str, str | None]:
    origin = item.origins[0] if item.origins else None
    words = _words(origin.description) if origin else None
    document, pages = _pages(origin.documents if origin else ())
    return {
        "Order": ref.order_number,
        "Label": _words(item.description),
        "Data Type": item.data_type,
        "Length": item.length,
        "Significant Digits": item.significant_digits,
        "Format": item.display_format,
        "Mandatory": ref.mandatory,
        "Codelist": item.codelist.codelist_oid if item.codelist else None,
        "Origin": origin.type if origin else None,
        "Source": origin.source if origin else None,
        "Pages": pages,
        "Method": ref.method_oid,
        "Predecessor": words,
        "Role": ref.role,
        "Non-Standard": ref.is_non_standard,
        "Has No Data": ref.has_no_data,
        "Comment": item.comment_oid,
        "Document": document,
        "SAS Field Name": item.sas_field_name,
        "OID": item.oid,
    }


def _where_clauses(define: DefineXml) -> Iterator[dict[str, str | None]]:
    index = Index(define)
    for clause in define.metadata.where_clauses:
        for check in clause.checks:
            owners = index.owners(index.items.get(check.item_oid or "", ItemDef()))
            yield {
                "ID": clause.oid,
                "Dataset": owners[0].dataset.name if owners else None,
                "Variable": owners[0].name if owners else None,
                "Comparator": check.comparator,
                "Value": join_values([value.text for value in check.values]),
                "Comment": clause.comment_oid,
                "Soft Hard": check.soft_hard,
                "Item OID": check.item_oid,
            }


def _codelists(define: DefineXml) -> Iterator[dict[str, str | None]]:
    for item in define.metadata.codelists:
        for term in item.terms:
            yield {
                "ID": item.oid,
                "Name": item.name,
                "NCI Codelist Code": _alias(item.aliases, "nci:ExtCodeID"),
                "Data Type": item.data_type,
                "Terminology": item.standard_oid,
                "Non-Standard": item.is_non_standard,
                "Comment": item.comment_oid,
                "SAS Format": item.sas_format_name,
                "Order": term.order_number,
                "Rank": term.rank,
                "Term": term.coded_value,
                "NCI Term Code": _alias(term.aliases, "nci:ExtCodeID"),
                "Decoded Value": _words(getattr(term, "decode", None)),
                "Extended": term.extended_value,
            }


def _dictionaries(define: DefineXml) -> Iterator[dict[str, str | None]]:
    for item in define.metadata.codelists:
        if item.external:
            yield {
                "ID": item.oid,
                "Name": item.name,
                "Data Type": item.data_type,
                "Dictionary": item.external.dictionary,
                "Version": item.external.version,
                "Href": item.external.href,
                "Standard": item.standard_oid,
                "Non-Standard": item.is_non_standard,
            }


def _methods(define: DefineXml) -> Iterator[dict[str, str | None]]:
    for item in define.metadata.methods:
        document, pages = _pages(item.documents)
        first = item.expressions[0] if item.expressions else None
        yield {
            "ID": item.oid,
            "Name": item.name,
            "Type": item.type,
            "Description": _words(item.description),
            "Expression Context": first.context if first else None,
            "Expression Code": first.text if first else None,
            "Document": document,
            "Pages": pages,
        }


def _comments(define: DefineXml) -> Iterator[dict[str, str | None]]:
    for item in define.metadata.comments:
        document, pages = _pages(item.documents)
        yield {"ID": item.oid, "Description": _words(item.description), "Document": document, "Pages": pages}


def _documents(define: DefineXml) -> Iterator[dict[str, str | None]]:
    metadata = define.metadata
    kinds = {
        kind: {ref.leaf_id for ref in held.documents} if held else set()
        for kind, held in (("AnnotatedCRF", metadata.annotated_crf), ("SupplementalDoc", metadata.supplemental_doc))
    }
    for leaf in metadata.leaves:
        kind = next((kind for kind, ids in kinds.items() if leaf.id in ids), None)
        yield {"ID": leaf.id, "Title": _plain(leaf.title), "Href": leaf.href, "Kind": kind}


def join_values(values: list[str]) -> str:
    """Join the values of a condition; one that holds a comma or a quote is quoted.

    >>> join_values(["CAN", "a, b"])
    'CAN, "a, b"'
    """
    return ", ".join(
        '"' + value.replace('"', '""') + '"' if re.search(r'[",]|^\s|\s$|^$', value) else value for value in values
    )


def _pages(refs: tuple[DocumentRef, ...]) -> tuple[str | None, str | None]:
    if not refs:
        return None, None
    return refs[0].leaf_id, show_page(refs[0].pages[0]) if refs[0].pages else None


def show_page(page: PDFPageRef) -> str:
    """Return page numbers as a cell shows them: `12 13`, `12-14`."""
    return page.page_refs or f"{page.first_page}-{page.last_page}"


def _plain(element: PlainText | None) -> str | None:
    return element.text if element else None


def _words(element: Description | None) -> str | None:
    return element.texts[0].text if element and element.texts else None


def _alias(aliases: tuple[Alias, ...], context: str) -> str | None:
    return next((alias.name for alias in aliases if alias.context == context), None)


def unheld(define: DefineXml) -> list[str]:
    """List what the tables of a workbook cannot hold: the elements that differ when they are read back."""
    try:
        back = define_from_records({name: list(sheet_records(define, name)) for name in SHEETS})
    except MistakesError as error:
        return [f"{mistake.path}: {mistake.message}" for mistake in error.mistakes]
    lost = list(differences(define, back))
    if not lost and back.odm != define.odm:
        lost.append("the order of the definitions is not held")
    return lost


def read_excel(path: Path) -> DefineXml:
    """Read a workbook; see `read_workbook`."""
    return read_workbook(path)[0]


def read_workbook(path: Path) -> tuple[DefineXml, tuple[str, ...]]:
    """Read a workbook; return its define.xml, and the sheets and columns with content that have no place in one.

    What its tables cannot hold comes from the sheet Kept, where there is one. Raises MistakesError when it is missing,
    no workbook, or lacks sheets or columns.
    """
    found = read_records(path)
    if not found.kept:
        return define_from_records(found.records, path.name), found.unread
    base = parse_define(found.kept.encode("utf-8"), path.name)
    before = {name: list(sheet_records(base, name)) for name in SHEETS}
    before = {name: rows for name, rows in before.items() if name in found.records}
    if found.records == before:
        return base, found.unread
    edited = define_from_records(found.records, path.name)
    return merge_define(base, define_from_records(before), edited), found.unread


def differences(first: DefineXml, second: DefineXml) -> Iterator[str]:
    """Yield what `second` lacks of `first`, element by element; of an element that is missing, not what it holds."""
    there = dict(walk(second.odm))
    lacking: tuple[str, ...] = ()
    for path, element in walk(first.odm):
        if path.startswith(lacking):
            continue
        other = there.get(path)
        if other is None:
            lacking = (*lacking, f"{path}/")
            yield f"{short_path(path)} is not held"
            continue
        for slot in slots_of(type(element)):
            mine = getattr(element, slot.field)
            if slot.kind in ("attribute", "text") and mine != getattr(other, slot.field):
                yield f"{short_path(path)}: {slot.name or 'the text'} is not held"
        if element.extras:
            yield f"{short_path(path)}: {len(element.extras)} comments or foreign parts are not held"


def short_path(path: str) -> str:
    """Return a path from the MetaDataVersion on."""
    return path.rpartition("MetaDataVersion/")[2]
