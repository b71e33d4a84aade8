"""Faults planted in the example's raw data and mapping: each is reported where it stands."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cdiscway.converters.build import convert, judge, read_plan
from cdiscway.validation import run
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


# The fault, and the finding it must give: rule, variable, file, row. A join multiplies what a form typed twice would
# hide, hence two studies.
Fault = tuple[Callable[[Path], None], str, str, str, int | None]
IN_ONE_STUDY: list[Fault] = [
    (add_an_unmapped_column, "CDW-MAP-COLUMN", "MOTIF", "raw/GREFFE.csv", None),
    (type_a_form_twice, "CDW-KEYS", "", "raw/SIGNESVITAUX.csv", 5),
    (lose_a_subject, "CDW-SUBJECT-DM", "USUBJID", "", None),
    (write_a_unit_without_rule, "CDW-MAP-UNIT", "LBSTRESN", "raw/HEMATOLOGIE.csv", 1),
]
IN_ANOTHER: list[Fault] = [(join_what_multiplies, "CDW-MAP-JOIN", "", "raw/SIGNESVITAUX.csv", 1)]


def errors(study: Path, direct: Any) -> list[Finding]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "_run", direct)
        result = judge(convert(read_plan(study)))
    return [cause.finding for cause in result.causes if cause.finding.severity == "error"]


def test_the_example_has_no_error(built: Path) -> None:
    report = json.loads((built / "validation" / "report.json").read_text(encoding="utf-8"))
    assert [item["rule"] for item in report["findings"] if item["severity"] == "error"] == []
    assert report["findings"]


@pytest.mark.parametrize("faults", [IN_ONE_STUDY, IN_ANOTHER], ids=["in one study", "a join that multiplies"])
def test_planted_faults_are_each_reported_where_they_stand(study: Path, faults: list[Fault], direct: Any) -> None:
    for plant, *_ in faults:
        plant(study)
    reported = errors(study, direct)
    for plant, rule, variable, file, row in faults:
        found = [finding for finding in reported if finding.rule == rule]
        assert found, (plant.__name__, [finding.rule for finding in reported])
        if variable:
            assert variable in {finding.variable for finding in found}, plant.__name__
        if file:
            places = {(finding.source.file, finding.source.row) for finding in found if finding.source is not None}
            assert any(place[0] == file and row in (None, place[1]) for place in places), (plant.__name__, places)
