"""A table as RTF, landscape, for a clinical study report (Rich Text Format 1.9)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import accumulate

from .layout import SYNTHETIC, MadeTable, body, column_shares, header, notes

RTF_WIDTH = 13_958
"""The width of a landscape page of US Letter between its margins, in twentieths of a point."""


def rtf(made: MadeTable, synthetic: bool) -> str:
    """Return one table as RTF; the header row comes again on every page."""
    edges = [round(RTF_WIDTH * edge) for edge in accumulate(column_shares(made))]
    lines = [
        r"{\rtf1\ansi\deff0{\fonttbl{\f0\fmodern Courier New;}}\fs18",
        r"\paperw15840\paperh12240\landscape\margl941\margr941\margt1440\margb1440",
        rf"\pard\qc\b {_rtf(made.table.title)}\b0\par",
        rf"\pard\qc {_rtf(made.table.population_label)}\par",
        *([rf"\pard\qc {SYNTHETIC}\par"] if synthetic else []),
        r"\pard\par",
        _row(header(made), edges, "line", "\\trhdr", "\\clbrdrt\\brdrs\\clbrdrb\\brdrs"),
    ]
    rows = body(made)
    for place, (kind, row) in enumerate(rows):
        border = "\\clbrdrb\\brdrs" if place == len(rows) - 1 else ""
        lines.append(_row(row, edges, kind, "", border))
    lines += [r"\pard\ql\sb60\par", *(rf"\pard\ql {_rtf(note)}\par" for note in notes(made))]
    return "\n".join([*lines, "}"]) + "\n"


def _row(cells: Sequence[str], edges: Sequence[int], kind: str, word: str, border: str) -> str:
    layout = "".join(f"{border}\\cellx{edge}" for edge in edges)
    indent = r"\li240 " if kind == "level" else r"\li0 "
    texts = [rf"\pard\intbl\ql{indent}{_rtf(cells[0])}\cell"]
    texts += [rf"\pard\intbl\qc\li0 {_rtf(cell, kept=True)}\cell" for cell in cells[1:]]
    return rf"\trowd{word}\trkeep\trgaph80{layout}" + "".join(texts) + r"\row"


def _rtf(text: str, *, kept: bool = False) -> str:
    r"""Write text for RTF: signs of its own escaped, others as Unicode; `kept` lets no line end after a hyphen (`\_`)."""
    escaped = re.sub(r"([\\{}])", r"\\\1", text)
    whole = escaped.replace("-", r"\_") if kept else escaped
    return "".join(sign if ord(sign) < 128 else _sign(sign) for sign in whole)


def _sign(sign: str) -> str:
    units = sign.encode("utf-16-le")
    codes = [int.from_bytes(units[at : at + 2], "little", signed=True) for at in range(0, len(units), 2)]
    return "".join(rf"\u{code}?" for code in codes)
