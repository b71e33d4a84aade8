"""The files of the results: one page, one workbook, one RTF for each table, SVG and PNG for each figure, the ARD."""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
import pandas as pd
from markupsafe import Markup

if TYPE_CHECKING:
    from .run import MadeTable, Results

SYNTHETIC = "SYNTHETIC DATA: no record belongs to a real person."
_STAMP = re.compile(rb"(<dcterms:(created|modified)[^>]*>)[^<]*")
_ACTIVE = ("=", "+", "-", "@")


def write_all(results: Results, folder: Path) -> None:
    """Write every file."""
    for drawn in results.figures:
        (folder / f"{drawn.figure.figure}.svg").write_bytes(drawn.svg)
        (folder / f"{drawn.figure.figure}.png").write_bytes(drawn.png)
    for made in results.tables:
        text = rtf(made, results.study.file.synthetic)
        (folder / f"{made.table.table}.rtf").write_text(text, encoding="ascii", newline="\n")
    results.ard.to_csv(folder / "ard.csv", index=False, lineterminator="\n")
    results.ard.to_parquet(folder / "ard.parquet", index=False)
    (folder / "results.html").write_text(html(results), encoding="utf-8", newline="\n")
    (folder / "results.xlsx").write_bytes(xlsx(results))


def header(made: MadeTable) -> list[str]:
    """Return the column names of a table."""
    names = [f"{cell.group} (N = {_size(made, place)})" for place, cell in enumerate(made.lines[0].cells)]
    return ["", *names, *(["Published", ""] if made.has_published else [])]


def _size(made: MadeTable, place: int) -> str:
    """Return the size of a group, from the first line that knows it."""
    for line in made.lines:
        values = line.cells[place].values
        if "missing" in values:
            return f"{values['n'] + values['missing']:.0f}"
        if "N" in values:
            return f"{values['N']:.0f}"
    return f"{made.lines[0].cells[place].values['n']:.0f}"


def body(made: MadeTable) -> list[tuple[str, list[str]]]:
    """Return the lines of a table, each with its kind: `head` (the name of a variable), `level`, or `line`."""
    rows: list[tuple[str, list[str]]] = []
    last = 0
    for line in made.lines:
        if line.level and line.order != last:
            rows.append(("head", [line.row.label, *("" for _ in header(made)[1:])]))
        last = line.order
        told = [line.published or "", agreement_sign(line.agreement)] if made.has_published else []
        label = line.level or line.row.label
        rows.append(("level" if line.level else "line", [label, *(cell.text for cell in line.cells), *told]))
    return rows


def agreement_sign(agreement: str) -> str:
    """Return how an agreement is shown."""
    return {"same": "same", "explained": "differs, see note", "different": "DIFFERS"}.get(agreement, "")


def notes(made: MadeTable) -> list[str]:
    """Return the footnotes of a table: why published figures differ, then its own."""
    told = dict.fromkeys(f"{line.row.label}: {line.row.note}" for line in made.lines if line.row.note)
    return [*told, *made.table.footnotes]


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
    inputs = [(name, hashlib.sha256(path.read_bytes()).hexdigest()) for name, path in results.inputs.items()]
    page = environment.get_template("results.html.j2")
    return page.render(study=results.study.file, tables=tables, figures=figures, inputs=inputs, synthetic=SYNTHETIC)


def _as_url(svg: bytes) -> Markup:
    return Markup(f"data:image/svg+xml;base64,{b64encode(svg).decode()}")


def xlsx(results: Results) -> bytes:
    """Return the workbook: one sheet for each table, and the analysis results data."""
    from openpyxl import Workbook  # noqa: PLC0415 - only this file needs it
    from openpyxl.styles import Font  # noqa: PLC0415

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
        for letter, width in zip("ABCDEF", (44, 28, 28, 28, 28, 20), strict=True):
            sheet.column_dimensions[letter].width = width
    sheet = book.create_sheet("ARD")
    sheet.append(list(results.ard.columns))
    for record in results.ard.itertuples(index=False):
        sheet.append([None if pd.isna(value) else _plain(value) for value in record])
    sheet.freeze_panes = "A2"
    return _timeless(book)


def _plain(value: Any) -> Any:
    """Return a text that no spreadsheet takes for a formula; numbers stay numbers."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_ACTIVE) else value


def _timeless(book: Any) -> bytes:
    """Return the workbook without the time of its making, which the library writes into it."""
    made, out = io.BytesIO(), io.BytesIO()
    book.save(made)
    with zipfile.ZipFile(made) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "docProps/core.xml":
                content = _STAMP.sub(rb"\g<1>1980-01-01T00:00:00Z", content)
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, content)
    return out.getvalue()


RTF_WIDTH = 13_958
"""The width of a landscape page of US Letter between its margins, in twentieths of a point."""


def rtf(made: MadeTable, synthetic: bool) -> str:
    """Return one table as RTF, landscape, for a clinical study report."""
    columns = header(made)
    first = RTF_WIDTH * 36 // 100
    edges = [first + (RTF_WIDTH - first) * place // (len(columns) - 1) for place in range(len(columns))]
    lines = [
        r"{\rtf1\ansi\deff0{\fonttbl{\f0\fmodern Courier New;}}\fs18",
        r"\paperw15840\paperh12240\landscape\margl941\margr941\margt1440\margb1440",
        rf"\pard\qc\b {_rtf(made.table.title)}\b0\par",
        rf"\pard\qc {_rtf(made.table.population_label)}\par\par",
        _rtf_row(columns, edges, "line", "\\trhdr", "\\clbrdrt\\brdrs\\clbrdrb\\brdrs"),
    ]
    rows = body(made)
    for place, (kind, row) in enumerate(rows):
        border = "\\clbrdrb\\brdrs" if place == len(rows) - 1 else ""
        lines.append(_rtf_row(row, edges, kind, "", border))
    lines += [rf"\pard\ql {_rtf(note)}\par" for note in [*notes(made), *([SYNTHETIC] if synthetic else [])]]
    return "\n".join([*lines, "}"]) + "\n"


def _rtf_row(cells: Sequence[str], edges: Sequence[int], kind: str, word: str, border: str) -> str:
    layout = "".join(f"{border}\\cellx{edge}" for edge in edges)
    indent = r"\li240 " if kind == "level" else r"\li0 "
    texts = [rf"\pard\intbl\ql{indent}{_rtf(cells[0])}\cell"]
    texts += [rf"\pard\intbl\qc\li0 {_rtf(cell)}\cell" for cell in cells[1:]]
    return rf"\trowd{word}\trgaph80{layout}" + "".join(texts) + r"\row"


def _rtf(text: str) -> str:
    """Write text for RTF: signs of its own escaped, others as Unicode."""
    escaped = re.sub(r"([\\{}])", r"\\\1", text)
    return "".join(sign if ord(sign) < 128 else _rtf_sign(sign) for sign in escaped)


def _rtf_sign(sign: str) -> str:
    units = sign.encode("utf-16-le")
    codes = [int.from_bytes(units[at : at + 2], "little", signed=True) for at in range(0, len(units), 2)]
    return "".join(rf"\u{code}?" for code in codes)
