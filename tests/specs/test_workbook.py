"""Workbooks are read as openpyxl, an independent reader, reads them."""

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
