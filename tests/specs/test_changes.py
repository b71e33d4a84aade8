"""The changes between two packages, by concept."""

import csv
from pathlib import Path

import pytest

from cdiscway.specs.changes import Change, count_changes, diff_packages
from cdiscway.specs.package import Row, read_package, write_package
from cdiscway.specs.store import import_package, open_package

CT = Path(__file__).parents[2] / ".." / "shared" / "standards" / "ct"
needs_ct = pytest.mark.skipif(not CT.is_dir(), reason="no published packages beside the repository")


@needs_ct
def test_the_changes_of_the_published_packages_are_all_found(tmp_path):
    for name in ("SDTM_Terminology_2025-03-28.txt", "SDTM_Terminology_2026-03-27_assembled.txt"):
        import_package(CT / name, tmp_path)
    old, new = (open_package(f"SDTM {date}", tmp_path) for date in ("2025-03-28", "2026-03-27"))
    changes = diff_packages(old, new)
    counts = count_changes(changes)
    assert counts["codelist added"] == 57
    assert counts["term added"] == 901
    assert counts["term removed"] == 25
    assert counts["submission value changed"] == 28
    with (CT / "SDTM_CT_changes_2025-03-28_to_2026-03-27.csv").open(encoding="utf-8", newline="") as file:
        reference = {
            (r["change"], r["codelist_code"], r["term_code"], r["old"], r["new"]) for r in csv.DictReader(file)
        }
    ours = {(c.kind, c.codelist_code, c.term_code, c.old, c.new) for c in changes}
    assert reference <= ours
    assert {kind for kind, *_ in ours - reference} == {"codelist name changed", "synonyms changed"}
    assert diff_packages(old, old) == ()
    assert count_changes(diff_packages(new, old))["codelist removed"] == 57


def test_every_kind_of_change(tmp_path):
    def package(name: str, *rows: Row):
        (tmp_path / name).write_bytes(write_package("SDTM", "2030-01-01", rows))
        return read_package(tmp_path / name)

    def head(code: str, value: str, label: str, extensible: str) -> Row:
        return Row(code, "", extensible, label, value, "", "", "")

    def term(code: str, codelist: str, value: str, synonyms: str = "") -> Row:
        return Row(code, codelist, "", "", value, synonyms, "", "")

    old = package(
        "old.tsv",
        head("C1", "ONE", "One", "Yes"),
        term("C10", "C1", "A", "a"),
        term("C11", "C1", "B"),
        head("C2", "TWO", "Two", "No"),
        term("C20", "C2", "X"),
    )
    new = package(
        "new.tsv",
        head("C1", "UNO", "First", "No"),
        term("C10", "C1", "AA", "a; aa"),
        term("C12", "C1", "C"),
        head("C3", "THREE", "Three", "No"),
        term("C30", "C3", "Z"),
    )
    assert diff_packages(old, new) == (
        Change("codelist added", "C3", "THREE", new="1"),
        Change("codelist removed", "C2", "TWO", old="1"),
        Change("codelist submission value changed", "C1", "UNO", old="ONE", new="UNO"),
        Change("codelist name changed", "C1", "UNO", old="One", new="First"),
        Change("extensible changed", "C1", "UNO", old="Yes", new="No"),
        Change("term added", "C1", "UNO", "C12", new="C"),
        Change("term removed", "C1", "UNO", "C11", old="B"),
        Change("submission value changed", "C1", "UNO", "C10", "A", "AA"),
        Change("synonyms changed", "C1", "UNO", "C10", "a", "a; aa"),
    )
