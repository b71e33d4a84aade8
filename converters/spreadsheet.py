"""Text that goes into a spreadsheet: no cell is taken for a formula, and none holds what a workbook cannot."""

from __future__ import annotations

import re

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def harmless(cell: str) -> str:
    """Put an apostrophe before a text that a spreadsheet would take for a formula.

    >>> harmless("=1+1"), harmless("NEUT")
    ("'=1+1", 'NEUT')
    """
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def as_typed(cell: str) -> str:
    """Return a cell without the apostrophe that `harmless` put before it."""
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith(_FORMULA) else cell


def storable(text: str) -> str:
    """Put U+FFFD in the place of each sign that XML, and so a workbook, cannot hold."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
