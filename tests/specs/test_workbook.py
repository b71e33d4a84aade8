"""Workbooks are read as openpyxl, an independent reader, reads them."""

import zipfile

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont

from cdiscway.specs.workbook import read_sheets

CELL = st.none() | st.integers(0, 10**9) | st.text("abcé µμ\"'<&>Ω10⁹;,/°=~", min_size=1)


@pytest.mark.parametrize("write_only", [False, True])
@settings(max_examples=10, deadline=None)
@given(rows=st.lists(st.lists(CELL, min_size=1, max_size=30), min_size=1, max_size=5))
def test_it_reads_what_openpyxl_reads(tmp_path_factory, write_only, rows):
    path = tmp_path_factory.mktemp("book") / "a.xlsx"
    book = openpyxl.Workbook(write_only=write_only)
    sheet = book.create_sheet("Terms & more")
    for row in rows:
        sheet.append([None if cell is None else "'" + cell if str(cell).startswith("=") else cell for cell in row])
    book.save(path)
    found = {title: list(cells) for title, cells in read_sheets(path)}
    oracle = openpyxl.load_workbook(path, read_only=True)["Terms & more"].iter_rows(values_only=True)
    expected = [["" if cell is None else str(cell) for cell in row] for row in oracle]
    assert whole(found["Terms & more"]) == whole(expected)


def whole(rows: list[list[str]]) -> list[list[str]]:
    """Leave blank rows out, and blank cells at a row's end."""
    return [row for row in map(trimmed, rows) if row]


def trimmed(row: list[str]) -> list[str]:
    while row and row[-1] == "":
        row = row[:-1]
    return row


def test_a_cell_of_several_runs_is_one_text(tmp_path):
    book = openpyxl.Workbook()
    book.active["A1"] = CellRichText("10", TextBlock(InlineFont(vertAlign="superscript"), "9"), "/L")
    book.active["C2"] = "x"
    book.save(tmp_path / "a.xlsx")
    ((rows, _),) = [(list(rows), title) for title, rows in read_sheets(tmp_path / "a.xlsx")]
    assert rows == [["109/L"], ["", "", "x"]]


MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
PARTS = {
    "xl/workbook.xml": f'<workbook {MAIN} xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
    '<sheets><sheet name="Terms" sheetId="1" r:id="rId7"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="rId7" Target="/xl/worksheets/a.xml"/></Relationships>',
    "xl/sharedStrings.xml": f"<sst {MAIN}><si><t>Code</t></si><si><r><t>10</t></r><r><t>9</t></r><rPh><t>no</t></rPh></si>"
    "<si><t>a_x0041_b</t></si><si/></sst>",
    "xl/worksheets/a.xml": f'<worksheet {MAIN}><sheetData><row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c>'
    '<c r="C1" t="str"><f>X</f><v>made</v></c></row><row><c t="s"><v>2</v></c><c/><c t="s"><v>3</v></c><c><v>7</v></c></row>'
    "</sheetData></worksheet>",
}


def test_shared_strings_runs_formulas_and_escapes(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w") as book:
        for name, text in PARTS.items():
            book.writestr(name, text)
    found = [(title, list(rows)) for title, rows in read_sheets(tmp_path / "a.xlsx")]
    assert found == [("Terms", [["Code", "109", "made"], ["aAb", "", "", "7"]])]
