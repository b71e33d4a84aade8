"""The worklist: harmless in a spreadsheet, the same bytes every time, read back into synonyms with all comments kept."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from cdiscway.converters.algorithms.suggest import suggest
from cdiscway.converters.reporter import WorkItem
from cdiscway.converters.spreadsheet import as_typed, harmless
from cdiscway.converters.worklist import add_synonym, apply_worklist, read_worklist, write_csv, write_workbook
from cdiscway.specs.codelists import Terminology, load_terminology, read_synonyms
from cdiscway.specs.mistakes import MistakesError

ITEMS = [
    WorkItem("term", "AE", "AESER", "EI", "Oui", 3, "Y", "NY"),
    WorkItem("term", "AE", "AESEV", "EI", "=1+1", 9, "", "AESEV"),
    WorkItem("date", "AE", "AESTDTC", "EI", "30/02/2017", 1),
]


@functools.cache
def terms() -> Terminology:
    return load_terminology(["SDTM CT 2026-03-27"])


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "'quoted", "plain", ""])
def test_a_cell_is_harmless_and_comes_back(cell: str) -> None:
    assert not harmless(cell).startswith(("=", "+", "-", "@", "\t", "\r"))
    assert as_typed(harmless(cell)) == cell


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_both_files_hold_the_same_lines_most_frequent_first(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"worklist.{suffix}"
    (write_csv if suffix == "csv" else write_workbook)(ITEMS, path)
    rows = read_worklist(path)
    assert [row["value"] for row in rows] == ["=1+1", "Oui", "30/02/2017"]
    assert rows[1]["codelist"] == "NY"


def test_the_workbook_is_the_same_bytes_and_holds_no_formula(tmp_path: Path) -> None:
    from openpyxl import load_workbook

    write_workbook(ITEMS, tmp_path / "a.xlsx")
    write_workbook(ITEMS, tmp_path / "b.xlsx")
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()
    cells = [cell for row in load_workbook(tmp_path / "a.xlsx").worksheets[0].iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "n", "inlineStr"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", 'NY:\n  "Non": "N"\n'),
        ("# ours\nNY:\n  Oui: Y   # yes\n", '# ours\nNY:\n  Oui: Y   # yes\n  "Non": "N"\n'),
        ("NY: {Oui: Y}  # yes\n", 'NY: {Oui: Y, "Non": "N"}  # yes\n'),
        ("NY:\n    Oui: Y\n\n# next\nSEX: {H: M}\n", 'NY:\n    Oui: Y\n    "Non": "N"\n\n# next\nSEX: {H: M}\n'),
        ("SEX: {H: M}", 'SEX: {H: M}\nNY:\n  "Non": "N"\n'),
        ("NY:\n  Oui: Y", 'NY:\n  Oui: Y\n  "Non": "N"\n'),
    ],
)
def test_one_pair_is_added_and_nothing_else_changes(before: str, after: str) -> None:
    assert add_synonym(before, "NY", "Non", "N") == after


def row(value: str, accepted: str, codelist: str = "NY") -> dict[str, str]:
    return {"kind": "term", "value": value, "codelist": codelist, "accepted": accepted}


def test_what_is_accepted_becomes_a_synonym(tmp_path: Path) -> None:
    path = tmp_path / "terminology" / "synonyms.yaml"
    outcomes = apply_worklist([row("Oui", "Y"), row("Non", "N"), row("peut-être", "")], path, terms())
    assert [item.outcome for item in outcomes] == ["added", "added"]
    assert read_synonyms(path, terms()) == {"C66742": {"Oui": "Y", "Non": "N"}}


def test_what_is_there_is_not_added_twice(tmp_path: Path) -> None:
    path = tmp_path / "synonyms.yaml"
    apply_worklist([row("Oui", "Y")], path, terms())
    kept = path.read_bytes()
    assert apply_worklist([row("Oui", "Y")], path, terms())[0].outcome == "there already"
    assert path.read_bytes() == kept


@pytest.mark.parametrize(
    "rows",
    [
        [row("Oui", "YES PLEASE")],
        [row("Oui", "Y", "NOLIST")],
        [row("Oui", "Y"), row("Oui", "N")],
    ],
)
def test_a_wrong_line_writes_nothing(tmp_path: Path, rows: list[dict[str, str]]) -> None:
    path = tmp_path / "synonyms.yaml"
    with pytest.raises(MistakesError):
        apply_worklist(rows, path, terms())
    assert not path.exists()


def test_what_is_no_coded_value_is_told_where_to_mend(tmp_path: Path) -> None:
    outcomes = apply_worklist(
        [{"kind": "date", "value": "x", "codelist": "", "accepted": "2020"}], tmp_path / "s.yaml", terms()
    )
    assert "mend it in study.yaml" in outcomes[0].outcome


def test_a_list_that_is_not_there_and_one_without_columns(tmp_path: Path) -> None:
    with pytest.raises(MistakesError, match="no such worklist"):
        read_worklist(tmp_path / "worklist.csv")
    (tmp_path / "worklist.csv").write_text("a;b\n")
    with pytest.raises(MistakesError, match="has no column"):
        read_worklist(tmp_path / "worklist.csv")


@pytest.mark.parametrize(
    ("text", "codelist", "first"),
    [("MODERAT", "AESEV", "MODERATE"), ("sous-cutanee", "ROUTE", "SUBCUTANEOUS"), ("Haemoglobin", "LBTESTCD", "HGB")],
)
def test_suggestions_are_ranked(text: str, codelist: str, first: str) -> None:
    assert suggest(text, [terms().codelist(codelist)])[0] == first
