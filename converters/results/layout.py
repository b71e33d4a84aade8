"""A table as it is laid out: title, columns, lines, notes. Every format (page, workbook, RTF, DOCX) writes this and no more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .ard import Group, TableLine
from .difference import METHODS
from .spec import Table

SYNTHETIC = "SYNTHETIC DATA: no record belongs to a real person."
NARROWEST, WIDEST, PADDING = 12, 46, 3
"""A column counts at least and at most so many signs when the width of a page is shared out."""


@dataclass(frozen=True)
class MadeTable:
    """A table with its groups (the columns) and its lines."""

    table: Table
    groups: tuple[Group, ...]
    lines: tuple[TableLine, ...]

    @property
    def has_published(self) -> bool:
        """Whether it stands beside published figures."""
        return any(line.published is not None for line in self.lines)

    @property
    def has_tests(self) -> bool:
        """Whether its groups are compared."""
        return any(line.row.test is not None for line in self.lines)

    @property
    def has_differences(self) -> bool:
        """Whether the difference of two groups is shown."""
        return any(line.row.difference is not None for line in self.lines)


def header(made: MadeTable) -> list[str]:
    """Return the column names of a table: each group with the number of its subjects."""
    names = [f"{group.name} (N = {len(group.subjects)})" for group in made.groups]
    compared = [f"Difference ({' - '.join(made.table.groups)})"] if made.has_differences else []
    compared += ["p"] if made.has_tests else []
    return ["", *names, *compared, *(["Published", "Agreement"] if made.has_published else [])]


def body(made: MadeTable) -> list[tuple[str, list[str]]]:
    """Return the lines of a table, each with its kind: `head` (the name of a variable), `level` (set in), or `line`.

    A label that begins with a blank is set in too. Of nested levels only the inner ones are set in.
    """
    rows: list[tuple[str, list[str]]] = []
    last = 0
    for line in made.lines:
        opens = line.order != last
        by_level = line.row.compares_levels
        if line.level and opens:
            blank = ["" for _ in made.groups]
            rows.append(("head", [line.row.label, *_beside(made, blank, "", "" if by_level else line.p_text, "", "")]))
        last = line.order
        p = "" if line.level and not by_level else line.p_text
        texts = [cell.text for cell in line.cells]
        cells = _beside(made, texts, line.difference_text, p, line.published or "", agreement_sign(line.agreement))
        label = line.nested or line.level or line.row.label
        is_outer = line.row.nested is not None and not line.nested
        is_below = (bool(line.level) and not is_outer) or label.startswith(" ")
        rows.append(("level" if is_below else "line", [label.strip(), *cells]))
    return rows


def _beside(
    made: MadeTable, cells: Sequence[str], difference: str, p: str, published: str, agreement: str
) -> list[str]:
    compared = [difference] if made.has_differences else []
    compared += [p] if made.has_tests else []
    return [*cells, *compared, *([published, agreement] if made.has_published else [])]


def agreement_sign(agreement: str) -> str:
    """Return how an agreement is shown."""
    return {"same": "same", "explained": "differs, see note", "different": "DIFFERS"}.get(agreement, "")


def notes(made: MadeTable) -> list[str]:
    """Return the footnotes of a table: why published figures differ, what no column holds, how groups are compared, its own."""
    told = dict.fromkeys(f"{line.row.label.strip()}: {line.row.note}" for line in made.lines if line.row.note)
    tests = dict.fromkeys(line.row.test.replace("_", " ") for line in made.lines if line.row.test)
    compared = [f"p: {', '.join(tests)}, two-sided, not adjusted."] if tests else []
    apart = dict.fromkeys(METHODS[line.row.difference] for line in made.lines if line.row.difference)
    if apart:
        how = f"{', '.join(apart)}, {100 * made.table.level:g} %"
        compared.insert(0, f"Difference: percentage points with the interval of {how}, not adjusted.")
    source = [f"Published: {made.table.source}"] if made.table.source and made.has_published else []
    return [*told, *_in_no_column(made), *compared, *made.table.footnotes, *source]


def _in_no_column(made: MadeTable) -> list[str]:
    where = "in the total alone" if made.table.total else "in no column"
    left = {line.order: line for line in made.lines if line.no_column}
    return [
        f"{line.row.label.strip()}: {line.no_column} record{'s' if line.no_column > 1 else ''} {where}, by {made.table.group} "
        "or because the subject is not among those of the column."
        for line in left.values()
    ]


def column_shares(made: MadeTable) -> list[float]:
    """Return which share of the width each column gets: by its longest text, within limits; they add up to 1."""
    rows = [header(made), *(cells for _, cells in body(made))]
    sizes = [
        min(max(NARROWEST, *(len(cell) + PADDING for cell in column)), WIDEST) for column in zip(*rows, strict=True)
    ]
    return [size / sum(sizes) for size in sizes]
