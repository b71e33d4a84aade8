"""`cdiscway define`: the commands write, list what has no place, and end with the right exit code."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from cdiscway.cli.define import command
from cdiscway.specs.mistakes import MistakesError

DEFINE = Path(__file__).parents[1] / "define" / "expected" / "define.xml"


def run(*arguments: object):
    return CliRunner().invoke(command, [str(argument) for argument in arguments], catch_exceptions=False)


def test_read_makes_specs_and_lists_what_they_cannot_hold(tmp_path):
    result = run("read", DEFINE, tmp_path / "out")
    assert result.exit_code == 0
    assert "3 datasets" in result.output
    assert "value-level definitions" in result.output
    assert {path.name for path in (tmp_path / "out" / "specs").iterdir()} == {"dm.yaml", "lb.yaml", "supplb.yaml"}


@pytest.mark.parametrize("name", ["define.xml", "spec.xlsx", "define.html"])
def test_write_makes_what_the_name_says(name, tmp_path):
    result = run("write", DEFINE, tmp_path / name)
    assert result.exit_code == 0
    assert (tmp_path / name).stat().st_size > 5000
    assert (tmp_path / "define2-1.xsl").exists() == (name == "define.xml")


def test_a_define_comes_back_from_workbook_and_specs(tmp_path):
    run("write", DEFINE, tmp_path / "spec.xlsx")
    run("read", tmp_path / "spec.xlsx", tmp_path / "specs")
    run("write", tmp_path / "specs", tmp_path / "define.xml")
    assert (tmp_path / "define.xml").read_bytes() == DEFINE.read_bytes()


def test_specs_alone_become_a_define_of_the_study_named(tmp_path):
    run("read", DEFINE, tmp_path / "out")
    (tmp_path / "out" / "define.xml").unlink()
    spec = tmp_path / "out" / "specs" / "dm.yaml"
    spec.write_text(spec.read_text(encoding="utf-8") + "not_used: [DMX]\n", encoding="utf-8")
    result = run("write", tmp_path / "out", tmp_path / "define.xml", "--study", "S-2016")
    assert "not in the define.xml: specs/dm.yaml:" in result.output
    assert "<StudyName>S-2016</StudyName>" in (tmp_path / "define.xml").read_text(encoding="utf-8")


def test_check_ends_with_1_when_there_is_an_error(tmp_path):
    shutil.copy(DEFINE, tmp_path / "define.xml")
    result = run("check", tmp_path)
    assert result.exit_code == 1
    assert "CDW-DEF-LEAF-MISSING" in result.output
    assert "checks not run" in result.output


def test_show_lists_the_datasets():
    result = run("show", DEFINE, "--kept")
    assert "LB       Laboratory Test Results: 11 variables, 6 value-level definitions" in result.output


def test_a_target_of_another_kind_is_a_mistake(tmp_path):
    with pytest.raises(MistakesError, match=r"neither .xml, .xlsx nor .html"):
        run("write", DEFINE, tmp_path / "define.pdf")


def test_a_missing_file_is_a_mistake(tmp_path):
    with pytest.raises(MistakesError, match="no such file"):
        run("show", tmp_path / "none.xml")
