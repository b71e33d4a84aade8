"""A dataset file as text for the eye: its metadata, and its first records."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from .dataset import DatasetMetadata
from .ibm_float import special_tags
from .number_values import number_values
from .sas_formats import kind_of_format
from .sas_times import iso_texts
from .text_values import text_values


def describe(frame: pd.DataFrame, metadata: DatasetMetadata, records: int = 5) -> str:
    """Return metadata and the first records, one variable a line."""
    title = f"{metadata.name}  {metadata.label}".rstrip()
    size = f"{len(frame):,} records, {len(metadata.variables)} variables"
    source = f"created {metadata.created}, modified {metadata.modified}, SAS {metadata.sas_version}"
    system = f" on {metadata.operating_system}" if metadata.operating_system else ""
    rows = [("#", "name", "type", "length", "format", "label")]
    rows += [
        (str(number), found.name, found.type, str(found.length or ""), found.format, found.label)
        for number, found in enumerate(metadata.variables, 1)
    ]
    parts = [title, size, source + system, "", *align(rows)]
    for row in range(min(records, len(frame))):
        parts += ["", f"record {row + 1}"]
        cells = [(f"  {found.name}", cell(frame, row, found.name, found.format)) for found in metadata.variables]
        parts += align(cells)
    return "\n".join(parts)


def align(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the rows as lines with aligned columns.

    >>> align([("a", "b"), ("long", "c")])
    ['a     b', 'long  c']
    """
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))] if rows else []
    return ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def cell(frame: pd.DataFrame, row: int, name: str, display_format: str) -> str:
    """Return one value as text: dates and times as ISO 8601, missing numbers as SAS writes them."""
    column = frame[name].iloc[row : row + 1]
    if text_values(column) is not None:
        return "" if column.isna().iloc[0] else str(column.iloc[0])
    floats = number_values(column, display_format).floats(0, 1)
    tag = int(special_tags(floats)[0])
    if pd.isna(floats[0]):
        return f".{chr(tag)}" if tag else "."
    meaning = kind_of_format(display_format)
    texts = iso_texts(floats, meaning) if meaning is not None else None
    return str(texts[0]) if texts is not None else f"{floats[0]:.15g}"
