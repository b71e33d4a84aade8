"""DOCX: the same table as everywhere, a header row that comes again, pictures, and no time but that of the study."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pandas as pd
import pytest

from cdiscway.converters.results.ard import Cell, Group, TableLine
from cdiscway.converters.results.figures import Drawn
from cdiscway.converters.results.layout import SYNTHETIC, MadeTable, body, column_shares, header, notes
from cdiscway.converters.results.rtf import rtf
from cdiscway.converters.results.spec import Figure, Row, Table

pytest.importorskip("sksurv", reason="the optional extra cdiscway[results] is not installed")
docx: Any = pytest.importorskip("docx", reason="the optional extra cdiscway[results] is not installed")

MADE = datetime(2021, 3, 31)
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)


@pytest.fixture
def made() -> MadeTable:
    row = Row(label="Range <&> \u00e9", variable="AGE", published="1-2", note="printed otherwise")
    table = Table(table="t1", title="A title & more", population_label="All", rows=(row,), footnotes=("A note",))
    group = Group("Total", pd.Series(["S1", "S2"], dtype="str"))
    lines = [TableLine(row, number, "", (Cell("Total", {"n": 2.0}, "1-3"),), "1-2") for number in range(1, 81)]
    return MadeTable(table, (group,), tuple(lines))


def opened(content: bytes) -> Any:
    return docx.Document(io.BytesIO(content))


def test_the_document_holds_the_lines_of_the_layout_and_its_header_row_comes_again(made: MadeTable) -> None:
    from cdiscway.converters.results.docx import table_docx

    document = opened(table_docx(made, True, MADE))
    table = document.tables[0]
    shown = [[cell.text.replace("\u2060", "") for cell in row.cells] for row in table.rows]
    assert shown == [header(made), *(cells for _, cells in body(made))]
    assert [bool(row._tr.xpath("./w:trPr/w:tblHeader")) for row in table.rows[:3]] == [True, False, False]
    texts = [paragraph.text for paragraph in document.paragraphs]
    assert texts[:3] == ["A title & more", "All", SYNTHETIC]
    assert texts[-len(notes(made)) :] == notes(made)
    section = document.sections[0]
    assert section.page_width > section.page_height


def test_only_synthetic_studies_are_called_so(made: MadeTable) -> None:
    from cdiscway.converters.results.docx import table_docx

    assert SYNTHETIC not in [paragraph.text for paragraph in opened(table_docx(made, False, MADE)).paragraphs]
    assert SYNTHETIC not in rtf(made, False)
    assert SYNTHETIC in rtf(made, True)


def test_the_only_time_is_that_of_the_study(made: MadeTable) -> None:
    from cdiscway.converters.results.docx import table_docx

    content = table_docx(made, True, MADE)
    assert content == table_docx(made, True, MADE)
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        assert {entry.date_time for entry in file.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    properties = opened(content).core_properties
    assert {moment.replace(tzinfo=UTC) for moment in (properties.created, properties.modified)} == {
        MADE.replace(tzinfo=UTC)
    }
    assert (properties.title, properties.author) == ("A title & more", "cdiscway")


def test_a_figure_is_embedded_with_its_words() -> None:
    from cdiscway.converters.results.docx import figure_docx

    figure = Figure.model_validate(
        {
            "figure": "f1",
            "title": "Survival",
            "kind": "kaplan_meier",
            "curves": [{"parameter": "OS"}],
            "footnotes": ["Bands"],
        }
    )
    document = opened(figure_docx(Drawn(figure, b"", PNG, pd.DataFrame(), "OS: 3 subjects"), True, MADE))
    (picture,) = document.inline_shapes
    assert picture._inline.docPr.get("descr") == "Survival. OS: 3 subjects"
    assert [paragraph.text for paragraph in document.paragraphs][-2:] == ["OS: 3 subjects", "Bands"]


def test_columns_share_the_whole_width_and_edges_rise(made: MadeTable) -> None:
    assert sum(column_shares(made)) == pytest.approx(1)
    row = next(line for line in rtf(made, True).splitlines() if line.startswith("\\trowd"))
    edges = [int(part.split("\\")[0]) for part in row.split("\\cellx")[1:]]
    assert all(low < high for low, high in pairwise(edges))
    assert "1\\_3" in rtf(made, True)
