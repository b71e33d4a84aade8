"""The intake contract: what it sees in a raw export, and that what it proposes can be read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from cdiscway.cli.main import cdiscway
from cdiscway.converters.inspect import ColumnIntake, Intake, inspect_raw
from cdiscway.converters.inspect_report import to_html
from cdiscway.converters.inspect_source import find_encoding
from cdiscway.converters.inspect_values import date_forms, encoding_trouble, kind_of
from cdiscway.converters.study import Dates, Raw
from cdiscway.specs.mistakes import MistakesError

EXAMPLE = Path(__file__).parents[2] / "examples" / "ifm-2015-03"


def column(intake: Intake, form: str, name: str) -> ColumnIntake:
    found = next(item for item in intake.forms if item.name == form)
    return next(item for item in found.columns if item.name == name)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("12", "integer"),
        ("-3", "integer"),
        ("007", "code with leading zeros"),
        ("0", "integer"),
        ("3.5", "decimal point"),
        (".5", "decimal point"),
        ("3,5", "decimal comma"),
        ("0,123", "decimal comma"),
        ("10,000", "thousands or decimal comma"),
        ("10 000", "number with thousands"),
        ("<0,1", "compared number"),
        (">= 3", "compared number"),
        ("08:30", "time"),
        ("8h30", "time"),
        ("25:30", "text"),
        ("Oui", "yes/no"),
        ("N", "yes/no"),
        ("ND", "text"),
        ("1.2.3", "text"),
    ],
)
def test_kinds_of_values(text: str, kind: str) -> None:
    assert kind_of(text) == kind


@pytest.mark.parametrize(
    ("counts", "formats", "unknown"),
    [
        ({"16/06/2015": 2, "28/07/2015": 1}, {"dd/mm/yyyy": 3}, {}),
        ({"06/16/2015": 1, "07/28/2015": 1, "01/02/2015": 1}, {"mm/dd/yyyy": 3}, {}),
        ({"UN/07/1956": 2, "UN/UN/1956": 1, "NK": 1}, {"dd/mm/yyyy": 3}, {"UN": 3, "NK": 1}),
        ({"2020-03-01": 1, "2020-03": 1, "2020-03-01T08:30": 1}, {"yyyy-mm-dd": 2, "yyyy-mm-dd hh:mm": 1}, {}),
        ({"23.05.2019": 1, "16/06/2015": 4}, {"dd/mm/yyyy": 4, "dd.mm.yyyy": 1}, {}),
        ({"12 MAR 2020": 1, "UN DEC 2019": 1, "UNNOV2020": 1}, {"dd-mmm-yyyy": 3}, {"UN": 2}),
        ({"12-févr-2019": 1}, {"dd-mmm-yyyy": 1}, {}),
        ({"UK-03-2020": 1, "12-03-2020": 1, "28-03-2020": 1}, {"dd-mm-yyyy": 3}, {"UK": 1}),
        ({"20200301": 3, "20200302": 1}, {"yyyymmdd": 4}, {}),
        ({"12345678": 3, "20200302": 1}, {}, {}),
        ({"1960": 2, "16/06/2015": 1}, {"dd/mm/yyyy": 3}, {}),
        ({"1960": 2, "1971": 1}, {}, {}),
        ({"16/06/15": 1, "28/07/15": 1}, {"dd/mm/yy": 2}, {}),
        ({"36.5": 4, "37,2": 1}, {}, {}),
        ({"1.2.3": 1, "a-b-c": 1}, {}, {}),
        ({}, {}, {}),
    ],
)
def test_forms_of_dates(counts: dict[str, int], formats: dict[str, int], unknown: dict[str, int]) -> None:
    found = date_forms(counts)
    assert dict(found.formats) == formats
    assert {word: found.unknown_words[word] for word in unknown} == unknown


def test_impossible_and_ambiguous_dates_are_told() -> None:
    assert dict(date_forms({"30/02/2016": 2, "16/06/2015": 1}).impossible) == {"30/02/2016": 2}
    assert date_forms({"01/02/2015": 2, "03/04/2015": 1}).ambiguous == 3
    assert date_forms({"01/02/2015": 2, "16/06/2015": 1}).ambiguous == 0


@given(st.dictionaries(st.text(max_size=12), st.integers(1, 5), max_size=6))
def test_any_text_can_be_looked_at(counts: dict[str, int]) -> None:
    found = date_forms(counts)
    assert found.total <= sum(counts.values())
    assert all(kind_of(text) and isinstance(encoding_trouble(text), str) for text in counts)


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (b"A;B\n", "ascii"),
        ("é\n".encode(), "utf-8"),
        ("é\n".encode("utf-16"), "utf-16"),
        ("é\n".encode("cp1252"), "cp1252"),
        ("é\n".encode() + b"\x92\n", "utf-8+cp1252"),
    ],
)
def test_encodings(tmp_path: Path, data: bytes, encoding: str) -> None:
    (tmp_path / "f.csv").write_bytes(data)
    assert find_encoding(tmp_path / "f.csv") == encoding


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    folder = tmp_path / "raw"
    folder.mkdir()
    rows = ["SUBJ;VIS;DAT;TEMP;TEMP_U;SEX;SEX_LIB;TXT"]
    rows += [
        f"{subject:03};V{visit};{visit:02}/06/20{subject:02};{'ND' if visit == 2 else '36,' + str(subject)};"
        f"{'µg' if visit == 1 else 'μg'};{subject % 2};{'Homme' if subject % 2 else 'Femme'};été"
        for subject in range(10, 16)
        for visit in (1, 2, 13)
    ]
    (folder / "VS.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (folder / "BAD.csv").write_text("A;B;A\n1;2;3\n1;2;3\n", encoding="utf-8")
    (folder / "MIXED.csv").write_bytes("A;B\né;1,5\n".encode() + b"l\x92eau;2,5\nFi\xc3\x83\xc2\xa8vre;3,5\n")
    (folder / "RAGGED.csv").write_text("A;B\n1;2;3\n", encoding="utf-8")
    (folder / "notes.pdf").write_bytes(b"%PDF")
    return folder


def test_the_contract_of_a_folder(raw: Path) -> None:
    intake = inspect_raw(raw)
    assert [(form.name, form.rows) for form in intake.forms] == [("BAD", 2), ("MIXED", 3), ("VS", 18)]
    assert intake.not_read == ("notes.pdf",)
    vs = intake.forms[2]
    assert vs.keys[0] == ("SUBJ", "VIS")
    assert vs.decimal == ","
    temp = column(intake, "VS", "TEMP")
    assert (temp.kinds, temp.odd[0].value, temp.odd[0].count) == ({"decimal comma": 12, "text": 6}, "ND", 6)
    assert column(intake, "VS", "DAT").date_formats == {"dd/mm/yyyy": 18}
    assert [(item.value, item.label) for item in column(intake, "VS", "SEX").values] == [("0", "Femme"), ("1", "Homme")]
    assert column(intake, "VS", "SEX_LIB").label_of == "SEX"
    assert column(intake, "VS", "TEMP_U").trouble == ("look alike: 'µg' (6), 'μg' (12)",)
    assert column(intake, "MIXED", "A").trouble == ("'FiÃ¨vre' looks like UTF-8 read as cp1252 (1 values)",)
    assert column(intake, "BAD", "A__2").filled == 2
    trouble = "\n".join(intake.trouble)
    assert "BAD.csv:1 A: the column name occurs twice" in trouble
    assert "RAGGED.csv:2: has 3 fields where the header has 2" in trouble
    assert "'l’eau' in A holds bytes that are no UTF-8 (0x92): read as cp1252" in trouble
    assert "1 records are the same as another one in every column" in trouble


def test_the_proposal_is_a_study_file(raw: Path) -> None:
    proposal = yaml.safe_load(inspect_raw(raw).proposal)
    block = proposal["raw"] | {"cutoff": str(proposal["raw"]["cutoff"])}
    found = Raw.model_validate(block)
    assert (found.delimiter, found.decimal, found.missing) == (";", ",", ("ND",))
    assert found.forms["MIXED"].encoding == "utf-8+cp1252"
    assert Dates.model_validate(proposal["dates"]).formats == ("dd/mm/yyyy",)


def test_inactive_records_are_counted_and_not_looked_at(tmp_path: Path) -> None:
    rows = ["Subject,InstanceName,RecordActive,TEMP", "1,V1,1,36.5", "2,V1,1,37", "3,V1,0,wrong", "EOF"]
    (tmp_path / "VS.csv").write_text("\n".join(rows) + "\n")
    intake = inspect_raw(tmp_path)
    form = intake.forms[0]
    assert (form.rows, dict(form.aside)) == (3, {"inactive in the EDC (RecordActive is 0)": 1})
    assert column(intake, "VS", "TEMP").kinds == {"decimal point": 1, "integer": 1}
    assert form.keys[0] == ("Subject",)


def test_files_of_several_formats(tmp_path: Path) -> None:
    for name in ("A", "B"):
        (tmp_path / f"{name}.csv").write_text("SUBJ;X\n1;2\n")
    book = openpyxl.Workbook()
    book.active.append(["SUBJ", "LAB"])
    book.active.append(["1", 2.5])
    book.save(tmp_path / "labs.xlsx")
    intake = inspect_raw(tmp_path)
    assert {form.name: form.rows for form in intake.forms} == {"A": 1, "B": 1, "labs": 1}
    assert yaml.safe_load(intake.proposal)["raw"]["forms"] == {"labs": {"file": "labs.xlsx", "format": "xlsx"}}


def test_a_file_alone_and_a_format_asked_for(raw: Path) -> None:
    assert [form.name for form in inspect_raw(raw / "VS.csv").forms] == ["VS"]
    with pytest.raises(MistakesError, match="is no Rave clinical view"):
        inspect_raw(raw / "VS.csv", "rave")
    with pytest.raises(MistakesError, match="there is no such file or folder"):
        inspect_raw(raw / "none")


@pytest.mark.parametrize(
    ("head", "dialect"),
    [
        ("record_id,redcap_event_name,age,demo_complete\n1,a,60,2\n", "redcap"),
        ("Participant Id;Site Abbreviation;age\n1;A;60\n", "castor"),
        ("Subject,InstanceName,RecordPosition,AGE\n1,V1,1,60\n", "rave"),
        ("SubjectID\tAGE_E1_C1\n1\t60\n", "openclinica"),
        ("A;B\n1;2\n", "delimited"),
    ],
)
def test_dialects_are_told_apart(tmp_path: Path, head: str, dialect: str) -> None:
    (tmp_path / "f.csv").write_text(head)
    intake = inspect_raw(tmp_path)
    assert intake.format == dialect
    assert yaml.safe_load(intake.proposal)["raw"].get("format", "delimited") == dialect


def test_the_bundled_study(tmp_path: Path) -> None:
    files: list[Any] = [tmp_path / "i.json", tmp_path / "i.html"]
    arguments = ["inspect", str(EXAMPLE), "--form", "HEMATOLOGIE", "--json", str(files[0]), "--html", str(files[1])]
    done = CliRunner().invoke(cdiscway, arguments)
    assert done.exit_code == 0, done.output
    assert "DATE_PREL       376      2       359  date 376 as dd/mm/yyyy; unknown: UN 3" in done.output
    assert "Files not read: raw/LISEZ-MOI.txt" in done.output
    data = json.loads(files[0].read_text(encoding="utf-8"))
    assert len(data["forms"]) == 17
    assert data["proposal"].startswith('raw:\n  folder: raw\n  delimiter: ";"\n  encoding: utf-8\n  decimal: ","\n')
    page = files[1].read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert page.count("<section") == 17


def test_values_are_escaped_in_the_page(tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text("A;<b>B</b>\n<script>alert(1)</script>;x\n")
    page = to_html(inspect_raw(tmp_path))
    assert "<script>alert" not in page
    assert "<b>B" not in page
    assert "http://" not in page
    assert "https://" not in page


def test_an_unknown_form_is_a_mistake(tmp_path: Path) -> None:
    for name in ("GREFFE", "HEMATOLOGIE"):
        header, row = (EXAMPLE / "raw" / f"{name}.csv").read_text(encoding="utf-8-sig").splitlines()[:2]
        (tmp_path / f"{name}.csv").write_text(f"{header}\n{row}\n", encoding="utf-8")
    with pytest.raises(MistakesError, match=r"there is no such form \(did you mean 'HEMATOLOGIE'\?\)"):
        CliRunner().invoke(cdiscway, ["inspect", str(tmp_path), "--form", "HEMATOLOGY"], catch_exceptions=False)
