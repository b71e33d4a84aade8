"""`cdiscway terminology`: each command prints what the library found and ends with the right code."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from cdiscway.cli.main import COMMANDS
from cdiscway.cli.terminology import command
from cdiscway.specs.mistakes import MistakesError
from cdiscway.specs.package import Row, write_package


def run(*arguments: object, home: Path | None = None):
    words = [str(word) for word in arguments] + (["--home", str(home)] if home else [])
    return CliRunner().invoke(command, words, catch_exceptions=False)


@pytest.fixture
def home(tmp_path) -> Path:
    store = tmp_path / "home" / "terminology"
    store.mkdir(parents=True)
    head = Row("C66742", "", "No", "No Yes Response", "NY", "", "", "")
    for date, yes in (("2030-01-01", "Y"), ("2031-01-01", "YES")):
        rows = (head, Row("C49488", "C66742", "", "", yes, "Oui", "Affirmative.", "Yes"))
        (store / f"sdtm-ct-{date}.tsv").write_bytes(write_package("SDTM", date, rows))
    return tmp_path / "home"


def test_it_is_a_command():
    assert COMMANDS["terminology"][0] == "cdiscway.cli.terminology"
    assert run("--help").output.count("\n  ") >= 6


def test_import_says_what_it_read(tmp_path):
    rows = [
        "Code\tCodelist Code\tCodelist Extensible (Yes/No)\tCodelist Name\tCDISC Submission Value\tCDISC Synonym(s)"
        "\tCDISC Definition\tNCI Preferred Term",
        "C66731\t\tNo\tSex\tSEX\tSex\tThe sex.\tCDISC SDTM Sex Terminology",
        "C16576\tC66731\t\tSex\tF\tFemale\tFemale.\tFemale",
    ]
    file = tmp_path / "SDTM Terminology.txt"
    file.write_text("\n".join(rows) + "\n")
    found = run("import", file, "--date", "2030-02-03", home=tmp_path / "home")
    assert found.output.startswith("SDTM CT 2030-02-03: 2 rows, 1 codelists, 1 terms")
    assert "SDTM CT 2030-02-03\timported\twhole\t2\t1" in run("list", home=tmp_path / "home").output
    with pytest.raises(MistakesError, match="not of ADaM"):
        run("import", file, "--kind", "ADaM", "--date", "2030-02-03", home=tmp_path / "home")


def test_find_and_show_look_into_the_newest_packages(home):
    assert "SDTM CT 2031-01-01\tNY\tC66742\tYES\tC49488" in run("find", "oui", home=home).output
    shown = run("show", "NY", "--definitions", home=home).output
    assert shown.startswith("NY C66742 No Yes Response: 1 terms, not extensible, SDTM CT 2031-01-01")
    assert "Affirmative." in shown
    assert "\nY\t" in run("show", "C66742", "--package", "SDTM 2030-01-01", home=home).output


def test_find_and_show_of_nothing(tmp_path):
    nothing = run("find", "no such thing", home=tmp_path)
    assert nothing.exit_code == 1
    assert "SDTM CT 2026-03-27 is bundled as a selection" in nothing.output
    with pytest.raises(MistakesError, match=r"no such codelist .*did you mean 'LBTESTCD'"):
        run("show", "LBTSTCD", home=tmp_path)


def test_diff_lists_and_writes_the_changes(home, tmp_path):
    found = run("diff", "2030-01-01", "2031-01-01", home=home).output
    assert "1 submission value changed" in found
    assert "submission value changed\tC66742\tNY\tC49488\tY\tYES" in found
    run("diff", "2030-01-01", "2031-01-01", "--csv", tmp_path / "a.csv", home=home)
    assert (tmp_path / "a.csv").read_text().splitlines()[1] == "submission value changed,C66742,NY,C49488,Y,YES"
    with pytest.raises(MistakesError, match="no kind of package is there for both dates"):
        run("diff", "2030-01-01", "1999-01-01", home=home)


def test_diff_and_migrate_of_a_study(home, tmp_path):
    study = tmp_path / "study"
    (study / "mapping").mkdir(parents=True)
    (study / "study.yaml").write_text("standards: {terminology: {SDTM: 2030-01-01}}\n")
    (study / "mapping" / "ae.yaml").write_text("domain: AE\nrecords:\n  - form: AE\n    set: {AESER: Y}   # yes\n")
    touched = "mapping/ae.yaml:4\trecords[0].set.AESER\tNY\trename\tY\tYES"
    assert touched in run("diff", "2030-01-01", "2031-01-01", "--study", study, home=home).output
    planned = run("migrate", study, "--to", "2031-01-01", home=home)
    assert planned.exit_code == 0
    assert touched in planned.output
    assert "2 can be applied: --apply" in planned.output
    applied = run("migrate", study, "--to", "2031-01-01", "--apply", home=home)
    assert "changed mapping/ae.yaml" in applied.output
    assert (study / "mapping" / "ae.yaml").read_text().endswith('set: {AESER: "YES"}   # yes\n')
    assert "2031-01-01" in (study / "study.yaml").read_text()
    assert "no value of the study is touched" in run("migrate", study, "--to", "2031-01-01", home=home).output
