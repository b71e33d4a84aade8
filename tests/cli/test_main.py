"""The command line: exit codes, what is printed, and that mistakes come without a traceback."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from cdiscway.cli.main import main


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    out, err = capsys.readouterr()
    return int(stop.value.code or 0), out, err


def break_a_value(study: Path) -> None:
    """Let one subject be of a sex that no codelist knows."""
    path = study / "raw" / "INCLUSION.csv"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(";1;Masculin;", ";7;Masculin;", 1), encoding="utf-8")


def test_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "--version") == (0, "cdiscway, version 0.1.0\n", "")


@pytest.mark.parametrize("what", ["study", "mapping"])
def test_a_schema_is_printed_or_written_into_a_file(
    what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "schema" / f"{what}.json"
    code, printed, _ = run(capsys, "schema", what)
    assert (code, json.loads(printed)["type"]) == (0, "object")
    assert run(capsys, "schema", what, str(file)) == (0, "", "")
    assert file.read_bytes() == printed.encode("utf-8")


def test_build_of_the_example_is_clean_and_ends_with_a_table(example_build: Any) -> None:
    assert example_build.code == 0
    assert example_build.err == "", "progress is for terminals"
    assert re.search(r"^DM +23 +\d+ +0 +\d+ +\d+  sdtm/dm.xpt$", example_build.out, re.MULTILINE)
    assert re.search(r"^[0-9a-f]{64}  adam/adtte.xpt$", example_build.out, re.MULTILINE)
    assert "synthetic" in example_build.out


def test_a_broken_value_is_exit_code_1_and_keeps_the_study_out_of_the_archive(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, direct: Any
) -> None:
    """The archive takes the build just made; that it builds by itself is held by the test of the example's archive."""
    from cdiscway.converters import archive, build
    from cdiscway.validation import run as validation

    made: list[build.Built] = []
    ours = build.build_study
    monkeypatch.setattr(validation, "_run", direct)
    monkeypatch.setattr(build, "build_study", lambda *given: made.append(ours(*given)) or made[0])
    monkeypatch.setattr(archive, "build_study", lambda *_: made[0])
    break_a_value(study)
    code, out, _ = run(capsys, "build", str(study))
    assert code == 1
    assert "error: DM.SEX" in out
    target = tmp_path / "package.zip"
    code, _, err = run(capsys, "archive", str(study), str(target))
    assert code == 1
    assert "Not archived" in err and "DM.SEX" in err
    assert not list(tmp_path.glob("package*"))


def test_mistakes_are_exit_code_2_without_a_traceback(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = study / "mapping" / "dm.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("DATE_CONS", "DATE_CONSENT"), encoding="utf-8")
    code, out, err = run(capsys, "build", str(study))
    assert (code, out) == (2, "")
    assert err.startswith("1 mistake to mend:\n  mapping/dm.yaml:")
    assert not (study / "build").exists()


@pytest.mark.parametrize("command", [["build"], ["validate"], ["archive"]], ids=lambda command: command[0])
def test_a_folder_that_is_not_there_is_a_mistake(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = [str(tmp_path / "out.zip")] if command == ["archive"] else []
    code, _, err = run(capsys, *command, str(tmp_path / "nowhere"), *more)
    assert code == 2
    assert "nowhere" in err


def test_validate_judges_a_folder_of_transport_files_with_define_xml(
    built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(capsys, "validate", str(built / "sdtm"), "--json", str(tmp_path / "report.json"))
    assert code == 0, out
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert report["clean"] is True
    assert {item["name"] for item in report["datasets"]} >= {"DM", "EX", "PR", "LB", "DS", "TS"}


def test_validate_of_all_that_was_built_finds_no_error_and_knows_the_terms_of_define_xml(
    built: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(capsys, "validate", str(built))
    assert code == 0, out
    assert "CDW-CODELIST" not in out
    assert re.search(r"^ADAE +33 +\d+ +0 ", out, re.MULTILINE)


def test_validate_judges_a_folder_without_define_xml(
    built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("dm.xpt", "ts.xpt"):
        (tmp_path / name).write_bytes((built / "sdtm" / name).read_bytes())
    code, out, _ = run(capsys, "validate", str(tmp_path))
    assert code in {0, 1}
    assert "DM" in out


def test_validate_finds_a_changed_byte_of_a_file(
    built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, direct: Any
) -> None:
    monkeypatch.setattr("cdiscway.validation.run._run", direct)
    for path in (built / "sdtm").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    data = (tmp_path / "dm.xpt").read_bytes()
    (tmp_path / "dm.xpt").write_bytes(data.replace(b"YEARS", b"YEERS", 1))
    code, out, _ = run(capsys, "validate", str(tmp_path))
    assert code == 1
    assert "AGEU" in out
