"""The worklist: raw values that found no place, for a data manager to decide; what is accepted becomes the study's synonyms.

Written as CSV and as a workbook (the same rows), most frequent first. Nothing is applied by itself: `apply_worklist` reads the
column `accepted` back into terminology/synonyms.yaml, whose comments and order stay.
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import yaml

from cdiscway.specs.codelists import Terminology, read_synonyms
from cdiscway.specs.mistakes import Mistake, MistakesError

from .algorithms.suggest import suggest
from .reporter import WorkItem
from .spreadsheet import as_typed, harmless, storable
from .timeless import timeless

HEADER = ("kind", "dataset", "variable", "form", "value", "records", "suggestion", "codelist", "accepted")


@dataclass(frozen=True)
class Applied:
    """What became of an accepted line: added to a codelist's synonyms, there already, or why not."""

    codelist: str
    value: str
    term: str
    outcome: str


def worklist_rows(worklist: Iterable[WorkItem]) -> list[list[str]]:
    """Return the lines of the worklist as text, most frequent first; a cell that begins like a formula is made text."""
    ranked = sorted(worklist, key=lambda item: (-item.records, item.dataset, item.variable, item.value))
    return [[harmless(str(cell)) for cell in (*astuple(item), "")] for item in ranked]


def write_csv(worklist: Iterable[WorkItem], path: Path) -> None:
    """Write the worklist as CSV (UTF-8 with a mark, so that spreadsheets read the accents)."""
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerows([HEADER, *worklist_rows(worklist)])


def write_workbook(worklist: Iterable[WorkItem], path: Path) -> None:
    """Write the worklist as a workbook: a header that stays, a filter, and every cell as text. The same rows, the same bytes."""
    from openpyxl import Workbook  # noqa: PLC0415 - only a build pays for it
    from openpyxl.styles import Font  # noqa: PLC0415

    rows = worklist_rows(worklist)
    book = Workbook()
    sheet = book.create_sheet("Worklist", 0)
    del book["Sheet"]
    for number, row in enumerate([HEADER, *rows], 1):
        for column, text in enumerate(row, 1):
            cell = sheet.cell(number, column)
            cell.value = storable(text)
            cell.data_type = "s"
            cell.number_format = "@"
            if number == 1:
                cell.font = Font(bold=True)
    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = f"A1:I{len(rows) + 1}"
    for letter, width in zip("ABCDEFGHI", (8, 9, 11, 16, 34, 9, 34, 12, 24), strict=True):
        sheet.column_dimensions[letter].width = width
    memory = io.BytesIO()
    book.save(memory)
    path.write_bytes(timeless(memory.getvalue(), mode=0o600))


def read_worklist(path: Path) -> list[dict[str, str]]:
    """Read a worklist that somebody has filled in (.csv with any of `,` `;` tab, or .xlsx). Raises MistakesError."""
    if not path.is_file():
        hint = "run 'cdiscway build' first"
        raise MistakesError([Mistake(str(path), None, "", "there is no such worklist", hint)])
    rows = _workbook_rows(path) if path.suffix.lower() == ".xlsx" else _csv_rows(path)
    header = [cell.strip().lower() for cell in rows[0]] if rows else []
    missing = [name for name in ("kind", "value", "codelist", "accepted") if name not in header]
    if missing:
        raise MistakesError([Mistake(path.name, 1, "", f"has no column {', '.join(missing)}")])
    return [{name: as_typed(cell) for name, cell in zip(header, row, strict=False)} for row in rows[1:]]


def _csv_rows(path: Path) -> list[list[str]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        text = path.read_text(encoding="cp1252")
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))


def _workbook_rows(path: Path) -> list[list[str]]:
    from openpyxl import load_workbook  # noqa: PLC0415

    try:
        book = load_workbook(path, read_only=True, data_only=False)
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise MistakesError([Mistake(path.name, None, "", f"is no workbook: {error}")]) from None
    rows = [
        ["" if cell is None else str(cell) for cell in row] for row in book.worksheets[0].iter_rows(values_only=True)
    ]
    book.close()
    return rows


def apply_worklist(rows: Sequence[Mapping[str, str]], path: Path, terminology: Terminology) -> list[Applied]:
    """Add the accepted terms to terminology/synonyms.yaml; comments and order of the file stay.

    Raises MistakesError, and writes nothing, where an accepted text is no term of the codelist, or a value has two.
    """
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    known = _pairs(text)
    outcomes: list[Applied] = []
    mistakes: list[Mistake] = []
    for number, row in enumerate(rows, 2):
        accepted, value, name = (row.get(key, "").strip() for key in ("accepted", "value", "codelist"))
        if not accepted:
            continue
        outcome = _judge(row, known.get(name, {}), terminology)
        if outcome.startswith("!"):
            mistakes.append(Mistake("worklist", number, value, outcome[1:]))
            continue
        if outcome == "added":
            text = add_synonym(text, name, value, accepted)
            known = _pairs(text)
        outcomes.append(Applied(name, value, accepted, outcome))
    if mistakes:
        raise MistakesError(mistakes)
    if any(item.outcome == "added" for item in outcomes):
        _write_checked(path, text, terminology)
    return outcomes


def _judge(row: Mapping[str, str], known: Mapping[str, str], terminology: Terminology) -> str:
    """Say what becomes of an accepted line; a mistake begins with `!`."""
    accepted, value, name = (row.get(key, "").strip() for key in ("accepted", "value", "codelist"))
    if not name:
        return f"not a coded value ({row.get('kind', '')}): mend it in study.yaml or in the mapping"
    try:
        terms = terminology.codelist(name).by_value
    except KeyError as error:
        return f"!{error.args[0]}"
    if accepted not in terms:
        near = suggest(accepted, [terminology.codelist(name)], 1)
        hint = (
            f" (did you mean '{near[0]}'?)" if near else "; a sponsor term is declared in terminology/extensions.yaml"
        )
        return f"!'{accepted}' is not a term of {name}{hint}"
    if value in known and known[value] != accepted:
        return f"!'{value}' is a synonym of '{known[value]}' already"
    return "there already" if value in known else "added"


def _pairs(text: str) -> dict[str, dict[str, str]]:
    """Return codelist -> raw value -> term of the file, as plain text."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(root, yaml.MappingNode):
        return {}
    return {
        key.value: {raw.value: term.value for raw, term in node.value}
        for key, node in root.value
        if isinstance(node, yaml.MappingNode)
    }


def add_synonym(text: str, codelist: str, value: str, term: str) -> str:
    r"""Return the text of synonyms.yaml with one more pair, at the end of its codelist; all else stays as it is.

    >>> print(add_synonym("# ours\nNY:\n  Oui: Y  # yes\n", "NY", "Non", "N"), end="")
    # ours
    NY:
      Oui: Y  # yes
      "Non": "N"
    """
    pair = f"{json.dumps(value, ensure_ascii=False)}: {json.dumps(term, ensure_ascii=False)}"
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    entries = root.value if isinstance(root, yaml.MappingNode) else []
    node = next((node for key, node in entries if key.value == codelist), None)
    if node is None or not isinstance(node, yaml.MappingNode) or not node.value:
        end = "" if not text or text.endswith("\n") else "\n"
        return f"{text}{end}{codelist}:\n  {pair}\n"
    if node.flow_style:
        place = node.end_mark.index - 1
        return f"{text[:place].rstrip()}, {pair}{text[place:]}"
    last_key, last = node.value[-1]
    line_end = text.find("\n", last.end_mark.index if last.value else last_key.end_mark.index)
    place = len(text) if line_end < 0 else line_end + 1
    start = "" if text[:place].endswith("\n") else "\n"
    return f"{text[:place]}{start}{' ' * last_key.start_mark.column}{pair}\n{text[place:]}"


def _write_checked(path: Path, text: str, terminology: Terminology) -> None:
    """Write the file, and take it back where it cannot be read as synonyms."""
    part = path.with_name(f".{path.name}.part")
    path.parent.mkdir(exist_ok=True)
    part.write_text(text, encoding="utf-8")
    try:
        read_synonyms(part, terminology, path.name)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
