"""Faults planted in the example's raw data and mapping: each is reported where it stands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cdiscway.converters.build import convert, judge, read_plan
from cdiscway.validation.finding import Finding


def rows_of(study: Path, form: str) -> list[str]:
    return (study / "raw" / f"{form}.csv").read_text(encoding="utf-8-sig").splitlines()


def write_rows(study: Path, form: str, rows: list[str]) -> None:
    (study / "raw" / f"{form}.csv").write_text("\ufeff" + "\r\n".join(rows) + "\r\n", encoding="utf-8", newline="")


def add_an_unmapped_column(study: Path) -> None:
    header, *rows = rows_of(study, "GREFFE")
    write_rows(study, "GREFFE", [header + ";MOTIF", *(row + ";x" for row in rows)])


def type_a_form_twice(study: Path) -> None:
    rows = rows_of(study, "SIGNESVITAUX")
    write_rows(study, "SIGNESVITAUX", [*rows, rows[5]])


def lose_a_subject(study: Path) -> None:
    write_rows(study, "INCLUSION", [row for row in rows_of(study, "INCLUSION") if ";003;" not in row])


def write_a_unit_without_rule(study: Path) -> None:
    rows = rows_of(study, "HEMATOLOGIE")
    place = next(number for number, row in enumerate(rows) if ";g/dL;" in row)
    write_rows(study, "HEMATOLOGIE", [*rows[:place], rows[place].replace(";g/dL;", ";mmHg;"), *rows[place + 1 :]])


def join_what_multiplies(study: Path) -> None:
    path = study / "mapping" / "vs.yaml"
    text = path.read_text(encoding="utf-8")
    assert "  - form: SIGNESVITAUX\n" in text
    joined = "  - form: SIGNESVITAUX\n    join: [{form: LIGNES, take: [PROTOCOLE]}]\n"
    path.write_text(text.replace("  - form: SIGNESVITAUX\n", joined, 1), encoding="utf-8")


FAULTS: list[tuple[Callable[[Path], None], str, str, str, int | None]] = [
    (add_an_unmapped_column, "CDW-MAP-COLUMN", "MOTIF", "raw/GREFFE.csv", None),
    (type_a_form_twice, "CDW-KEYS", "", "raw/SIGNESVITAUX.csv", 5),
    (lose_a_subject, "CDW-SUBJECT-DM", "USUBJID", "", None),
    (write_a_unit_without_rule, "CDW-MAP-UNIT", "LBSTRESN", "raw/HEMATOLOGIE.csv", 1),
    (join_what_multiplies, "CDW-MAP-JOIN", "", "raw/SIGNESVITAUX.csv", 1),
]


def errors(study: Path) -> list[Finding]:
    result = judge(convert(read_plan(study)))
    return [cause.finding for cause in result.causes if cause.finding.severity == "error"]


def test_the_example_has_no_error(study: Path) -> None:
    assert errors(study) == []


@pytest.mark.parametrize(
    ("plant", "rule", "variable", "file", "row"), FAULTS, ids=[fault[0].__name__ for fault in FAULTS]
)
def test_a_planted_fault_is_reported_where_it_stands(
    study: Path, plant: Callable[[Path], None], rule: str, variable: str, file: str, row: int | None
) -> None:
    plant(study)
    found = [finding for finding in errors(study) if finding.rule == rule]
    assert found, [finding.rule for finding in errors(study)]
    if variable:
        assert variable in {finding.variable for finding in found}
    if file:
        sources = [finding.source for finding in found if finding.source is not None]
        assert file in {source.file for source in sources}
        assert row is None or row in {source.row for source in sources}
