"""Read the texts of an .xlsx workbook's sheets: much faster than openpyxl on a large terminology package.

Only what a table of texts needs: shared, inline and plain cells (ECMA-376 part 1, sections 18.2 to 18.4).
"""

from __future__ import annotations

import functools
import posixpath
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from lxml import etree

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")


def read_sheets(path: Path) -> Iterator[tuple[str, Iterator[list[str]]]]:
    """Yield each sheet's name and its rows as texts (blank cells as empty texts), to be taken before the next sheet.

    Raises zipfile.BadZipFile, KeyError or lxml.etree.XMLSyntaxError where the file is not a whole workbook.
    """
    with zipfile.ZipFile(path) as book:
        shared = _shared(book)
        for name, part in _parts(book):
            with book.open(part) as sheet:
                yield name, _rows(sheet, shared)


def _parts(book: zipfile.ZipFile) -> list[tuple[str, str]]:
    """Return the sheets' names and their files inside the workbook."""
    links = etree.fromstring(book.read("xl/_rels/workbook.xml.rels"), _parser())
    targets = {link.get("Id"): posixpath.join("xl", link.get("Target", "")).lstrip("/") for link in links}
    targets = {key: part.removeprefix("xl/") if part.startswith("xl/xl/") else part for key, part in targets.items()}
    sheets = etree.fromstring(book.read("xl/workbook.xml"), _parser()).iter(f"{_MAIN}sheet")
    return [(sheet.get("name", ""), targets[sheet.get(_ID)]) for sheet in sheets]


def _parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True)


def _shared(book: zipfile.ZipFile) -> list[str]:
    if "xl/sharedStrings.xml" not in book.namelist():
        return []
    texts = []
    with book.open("xl/sharedStrings.xml") as file:
        for _, item in etree.iterparse(file, tag=f"{_MAIN}si", resolve_entities=False, no_network=True):
            texts.append(_text(item))
            item.clear()
    return texts


def _text(item: etree._Element) -> str:
    """Return the text of a string item, of all its runs but the phonetic ones."""
    if len(item) == 1 and item[0].tag == f"{_MAIN}t":
        text = item[0].text or ""
    else:
        text = "".join(found.text or "" for found in item.iterfind(f"{_MAIN}r/{_MAIN}t"))
    return _ESCAPED.sub(lambda found: chr(int(found.group(1), 16)), text) if "_x" in text else text


def _rows(sheet: IO[bytes], shared: list[str]) -> Iterator[list[str]]:
    for _, row in etree.iterparse(sheet, tag=f"{_MAIN}row", resolve_entities=False, no_network=True):
        cells: list[str] = []
        for cell in row:
            reference = cell.get("r")
            if reference:
                cells.extend([""] * (_column(reference.rstrip("0123456789")) - len(cells)))
            cells.append(_value(cell, shared))
        row.clear()
        yield cells


@functools.cache
def _column(letters: str) -> int:
    """Return the number of a column, from 0.

    >>> _column("A"), _column("AB")
    (0, 27)
    """
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


def _value(cell: etree._Element, shared: list[str]) -> str:
    if not len(cell):
        return ""
    if cell.get("t") == "inlineStr":
        return _text(cell[0])
    value = next((child.text or "" for child in cell if child.tag == f"{_MAIN}v"), "")
    return shared[int(value)] if cell.get("t") == "s" and value else value
