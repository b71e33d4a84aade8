"""The files of the results: one page, one workbook; RTF and DOCX of each table, SVG, PNG and DOCX of each figure; the ARD."""

from __future__ import annotations

import io
import json
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
import pandas as pd
from markupsafe import Markup

from ..build_time import build_time
from ..spreadsheet import harmless
from ..timeless import timeless
from ..whole_file import sha256
from .docx import figure_docx, table_docx
from .fresh import RECORD, results_record
from .layout import SYNTHETIC, body, column_shares, header, notes
from .rtf import rtf

if TYPE_CHECKING:
    from .run import Results


def write_all(results: Results, folder: Path) -> None:
    """Write every file."""
    synthetic, created = results.study.file.synthetic, build_time(results.study)
    for drawn in results.figures:
        name = drawn.figure.figure
        (folder / f"{name}.svg").write_bytes(drawn.svg)
        (folder / f"{name}.png").write_bytes(drawn.png)
        (folder / f"{name}.docx").write_bytes(figure_docx(drawn, synthetic, created))
    for made in results.tables:
        name = made.table.table
        (folder / f"{name}.rtf").write_text(rtf(made, synthetic), encoding="ascii", newline="\n")
        (folder / f"{name}.docx").write_bytes(table_docx(made, synthetic, created))
    results.ard.to_csv(folder / "ard.csv", index=False, lineterminator="\n")
    results.ard.to_parquet(folder / "ard.parquet", index=False)
    record = results_record(results.inputs, results.specifications)
    (folder / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8", newline="\n")
    (folder / "results.html").write_text(html(results), encoding="utf-8", newline="\n")
    (folder / "results.xlsx").write_bytes(xlsx(results))


def html(results: Results) -> str:
    """Return the page: self-contained, nothing is loaded from elsewhere."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True, lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )  # fmt: skip
    tables = [
        {"table": made.table, "header": header(made), "rows": body(made), "notes": notes(made)}
        for made in results.tables
    ]
    figures = [{"figure": drawn.figure, "image": _as_url(drawn.svg), "words": drawn.words} for drawn in results.figures]
    inputs = [(name, sha256(path)) for name, path in results.inputs.items()]
    page = environment.get_template("results.html.j2")
    return page.render(study=results.study.file, tables=tables, figures=figures, inputs=inputs, synthetic=SYNTHETIC)


def _as_url(svg: bytes) -> Markup:
    return Markup(f"data:image/svg+xml;base64,{b64encode(svg).decode()}")


def xlsx(results: Results) -> bytes:
    """Return the workbook: one sheet for each table, and the analysis results data."""
    from openpyxl import Workbook  # noqa: PLC0415 - only this file needs it
    from openpyxl.styles import Font  # noqa: PLC0415
    from openpyxl.utils import get_column_letter  # noqa: PLC0415

    book = Workbook()
    book.remove(book.worksheets[0])
    for made in results.tables:
        sheet = book.create_sheet(made.table.table[:31])
        lines: list[Sequence[Any]] = [[made.table.title], [made.table.population_label], header(made)]
        lines += [[f"  {row[0]}" if kind == "level" else row[0], *row[1:]] for kind, row in body(made)]
        lines += [[], *([note] for note in notes(made))]
        lines += [[SYNTHETIC]] if results.study.file.synthetic else []
        for line in lines:
            sheet.append([_plain(value) for value in line])
        for place in (1, 3):
            for cell in sheet[place]:
                cell.font = Font(bold=True)
        for place, part in enumerate(column_shares(made), start=1):
            sheet.column_dimensions[get_column_letter(place)].width = 140 * part
    sheet = book.create_sheet("ARD")
    sheet.append(list(results.ard.columns))
    for record in results.ard.itertuples(index=False):
        sheet.append([None if pd.isna(value) else _plain(value) for value in record])
    sheet.freeze_panes = "A2"
    memory = io.BytesIO()
    book.save(memory)
    return timeless(memory.getvalue(), build_time(results.study).isoformat(timespec="seconds"))


def _plain(value: Any) -> Any:
    """Return a text that no spreadsheet takes for a formula; numbers stay numbers."""
    return harmless(value) if isinstance(value, str) else value
