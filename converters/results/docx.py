"""Tables and figures as DOCX (Office Open XML), landscape, one document for each, by python-docx.

The bytes depend on the results and on the time that dates the study's files alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from io import BytesIO
from typing import Any

from ..timeless import timeless
from .figures import Drawn
from .layout import SYNTHETIC, MadeTable, body, column_shares, header, notes

WIDTH = 9.7
"""The width of a landscape page of US Letter between its margins, in inches."""
FONT, SIZE = "Arial", 8.5


def table_docx(made: MadeTable, synthetic: bool, created: datetime) -> bytes:
    """Return one table as a document: title, population, lines under a header row that comes again, footnotes."""
    document = _document(made.table.title, made.table.population_label, synthetic)
    lines = body(made)
    table = document.add_table(rows=0, cols=len(header(made)))
    table.autofit = False
    widths = [round(WIDTH * 914_400 * share) for share in column_shares(made)]
    for column, width in zip(table.columns, widths, strict=True):
        column.width = width
    _add_row(table, "head", header(made), widths)
    _repeat(table.rows[0])
    for kind, cells in lines:
        _add_row(table, kind, cells, widths)
    for place, sides in ((0, ("top", "bottom")), (len(lines), ("bottom",))):
        _rule(table.rows[place], sides)
    for number, note in enumerate(notes(made)):
        _paragraph(document, note, before=6 if number == 0 else 0)
    return _saved(document, created)


def figure_docx(drawn: Drawn, synthetic: bool, created: datetime) -> bytes:
    """Return one figure as a document: title, population, the picture with its words as alternative text, footnotes."""
    from docx.shared import Inches  # noqa: PLC0415 - optional extra

    document = _document(drawn.figure.title, drawn.figure.population_label, synthetic)
    picture = document.add_picture(BytesIO(drawn.png), height=Inches(4.9))
    picture._inline.docPr.set("descr", f"{drawn.figure.title}. {drawn.words}")
    _centre(document.paragraphs[-1])
    for note in (drawn.words, *drawn.figure.footnotes):
        _paragraph(document, note)
    return _saved(document, created)


def _document(title: str, population: str, synthetic: bool) -> Any:
    from docx import Document  # noqa: PLC0415 - optional extra
    from docx.enum.section import WD_ORIENT  # noqa: PLC0415
    from docx.shared import Inches, Pt  # noqa: PLC0415

    document = Document()
    section = document.sections[0]
    section.orientation = WD_ORIENT.LANDSCAPE
    section.page_width, section.page_height = Inches(11), Inches(8.5)
    section.left_margin = section.right_margin = Inches(0.65)
    section.top_margin = section.bottom_margin = Inches(0.9)
    style: Any = document.styles["Normal"]
    style.font.name, style.font.size = FONT, Pt(SIZE)
    _paragraph(document, title, bold=True, centre=True)
    for line in (population, SYNTHETIC if synthetic else ""):
        if line:
            _paragraph(document, line, centre=True)
    _paragraph(document, "")
    return document


def _paragraph(document: Any, text: str, *, bold: bool = False, centre: bool = False, before: int = 0) -> None:
    _write(document.add_paragraph(), text, bold=bold, centre=centre, before=before)


def _write(paragraph: Any, text: str, *, bold: bool, centre: bool, before: int = 0) -> None:
    from docx.shared import Pt  # noqa: PLC0415 - optional extra

    paragraph.paragraph_format.space_before, paragraph.paragraph_format.space_after = Pt(before), Pt(0)
    if centre:
        _centre(paragraph)
    paragraph.add_run(text).bold = bold


def _centre(paragraph: Any) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH  # noqa: PLC0415 - optional extra

    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER


def _add_row(table: Any, kind: str, cells: Sequence[str], widths: Sequence[int]) -> None:
    from docx.shared import Pt  # noqa: PLC0415 - optional extra

    row = table.add_row()
    for place, (cell, text, width) in enumerate(zip(row.cells, cells, widths, strict=True)):
        cell.width = width
        # A hyphen at which no line ends (U+2011) would be another sign to a search; joined by U+2060 it stays a hyphen.
        whole = text if place == 0 else text.replace("-", "-\u2060")
        _write(cell.paragraphs[0], whole, bold=kind == "head", centre=place > 0)
        if place == 0 and kind == "level":
            cell.paragraphs[0].paragraph_format.left_indent = Pt(12)
    _mark(row, "w:cantSplit")


def _repeat(row: Any) -> None:
    _mark(row, "w:tblHeader")


def _mark(row: Any, name: str) -> None:
    from docx.oxml import OxmlElement  # noqa: PLC0415 - optional extra

    row._tr.get_or_add_trPr().append(OxmlElement(name))


def _rule(row: Any, sides: Sequence[str]) -> None:
    """Draw a line above or below a row."""
    from docx.oxml import OxmlElement  # noqa: PLC0415 - optional extra
    from docx.oxml.ns import qn  # noqa: PLC0415

    for cell in row.cells:
        borders = OxmlElement("w:tcBorders")
        for side in sides:
            line = OxmlElement(f"w:{side}")
            for name, value in (("val", "single"), ("sz", "6"), ("space", "0"), ("color", "000000")):
                line.set(qn(f"w:{name}"), value)
            borders.append(line)
        cell._tc.get_or_add_tcPr().append(borders)


def _saved(document: Any, created: datetime) -> bytes:
    properties = document.core_properties
    properties.author, properties.comments, properties.revision = "cdiscway", "", 1
    properties.title = document.paragraphs[0].text
    memory = BytesIO()
    document.save(memory)
    return timeless(memory.getvalue(), created.isoformat(timespec="seconds"))
