"""What each reader keeps, what it names, and what it refuses."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

from cdiscway.converters.readers.options import FormOptions, ReaderOptions
from cdiscway.converters.readers.raw import MODULES, Place, RawTable, open_raw
from cdiscway.converters.readers.typed import sas_texts
from cdiscway.converters.readers.xlsx import value_text
from cdiscway.specs.load import parse_model, parse_yaml
from cdiscway.specs.mistakes import MistakesError


def opened(folder: Path, **options: Any) -> Any:
    return open_raw(Place(folder, "raw"), ReaderOptions(**options))


def rows_of(table: RawTable) -> list[dict[str, str]]:
    """Return the records without their blank fields."""
    records = table.frame.astype("object").to_dict("records")
    return [{str(name): text for name, text in record.items() if isinstance(text, str)} for record in records]


def refused(folder: Path, **options: Any) -> list[str]:
    with pytest.raises(MistakesError) as caught:
        source = opened(folder, **options)
        for name in source.forms:
            source.read(name)
    return [str(mistake) for mistake in caught.value.mistakes]


# XLSX


@pytest.mark.parametrize(
    ("value", "number_format", "expected"),
    [
        (7, "General", "7"),
        (7.0, "General", "7"),
        (0.1 + 0.2, "General", "0.3"),
        (1234567.5, "#,##0.00", "1234567.50"),
        (3.14159, "0.00", "3.14159"),
        (2, "0.0", "2.0"),
        (7, "000", "007"),
        (-7, "000", "-007"),
        (0.5, "0%", "50%"),
        (1e-7, "General", "0.0000001"),
        (True, "General", "TRUE"),
        ("007", "@", "007"),
        (datetime(2020, 3, 1), "dd/mm/yyyy", "01/03/2020"),
        (datetime(2020, 3, 1), "DD.MM.YYYY", "01.03.2020"),
        (datetime(2020, 3, 1), "yyyy-mm-dd", "2020-03-01"),
        (datetime(2020, 3, 1), "dd/mm/yy", "01/03/2020"),
        (datetime(2020, 3, 1), "d-mmm-yy", "1-Mar-2020"),
        (datetime(2020, 3, 1), "[$-40C]d mmmm yyyy;@", "1 March 2020"),
        (datetime(2020, 3, 1), "mm-dd-yy", "2020-03-01"),
        (datetime(2020, 3, 1, 8, 5), "mm-dd-yy", "2020-03-01T08:05:00"),
        (datetime(2020, 3, 1, 8, 5), "dd/mm/yyyy hh:mm", "01/03/2020 08:05"),
        (datetime(2020, 3, 1, 8, 5), "dd/mm/yyyy", "2020-03-01T08:05:00"),
        (datetime(2020, 3, 1, 20, 5, 9), "d/m/yyyy h:mm:ss AM/PM", "1/3/2020 8:05:09 PM"),
        (datetime(2020, 3, 1, 8, 4, 59, 999999), "yyyy-mm-dd hh:mm", "2020-03-01 08:05"),
        (time(8, 30), "hh:mm", "08:30"),
        (time(8, 30), "h:mm", "8:30"),
        (date(2020, 3, 1), "yyyy/mm/dd", "2020/03/01"),
    ],
)
def test_a_cell_is_the_text_a_user_sees(value: Any, number_format: str, expected: str) -> None:
    assert value_text(value, number_format) == expected


def workbook(path: Path, sheets: dict[str, list[list[Any]]]) -> None:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)


def test_sheets_are_forms_and_gaps_keep_the_numbering(tmp_path: Path) -> None:
    workbook(
        tmp_path / "s.xlsx", {"DM": [["A", "B"], ["1", 2.5], [None, None], ["3", None]], "Vital signs": [["C"], ["x"]]}
    )
    source = opened(tmp_path, format="xlsx", decimal=",")
    assert list(source.forms) == ["DM", "Vital signs"]
    table = source.read("DM")
    assert rows_of(table) == [{"A": "1", "B": "2,5"}, {"A": "3"}]
    assert table.numbers is not None
    assert table.numbers.tolist() == [1, 3]
    assert [note.rule for note in table.notes] == ["CDW-RAW-GAP"]


def test_a_declared_sheet_gets_its_own_name_and_header(tmp_path: Path) -> None:
    workbook(tmp_path / "s.xlsx", {"Sheet 1": [["a title"], ["A"], ["1"]], "Other": [["B"], ["2"]]})
    form = FormOptions(file="s.xlsx", part="Sheet 1", header_line=2)
    source = opened(tmp_path, format="xlsx", forms={"DM": form})
    assert rows_of(source.read("DM")) == [{"A": "1"}]
    assert list(source.forms) == ["DM", "Other"]
    assert rows_of(source.read("Other")) == [{"B": "2"}]


def test_hidden_sheets_are_told(tmp_path: Path) -> None:
    workbook(tmp_path / "s.xlsx", {"DM": [["A"], ["1"]], "Lists": [["x"]], "Empty": []})
    book = openpyxl.load_workbook(tmp_path / "s.xlsx")
    book["Lists"].sheet_state = "hidden"
    book.save(tmp_path / "s.xlsx")
    forms = opened(tmp_path, format="xlsx").forms
    assert {name: form.found["hidden sheets, not read"] for name, form in forms.items()} == {"DM": "Lists"}


def test_files_of_one_name_are_both_forms(tmp_path: Path) -> None:
    (tmp_path / "VS.csv").write_text("A;B\n1;2\n")
    (tmp_path / "VS.tsv").write_text("A\tB\n3\t4\n")
    source = opened(tmp_path)
    assert {name: rows_of(source.read(name)) for name in source.forms} == {
        "VS": [{"A": "1", "B": "2"}],
        "VS.tsv": [{"A": "3", "B": "4"}],
    }


def test_a_stated_size_that_is_too_small_hides_no_cell(tmp_path: Path) -> None:
    workbook(tmp_path / "full.xlsx", {"DM": [["A", "B"], ["1", "2"], ["3", "4"]]})
    with zipfile.ZipFile(tmp_path / "full.xlsx") as full, zipfile.ZipFile(tmp_path / "s.xlsx", "w") as small:
        for name in full.namelist():
            small.writestr(name, full.read(name).replace(b'<dimension ref="A1:B3"', b'<dimension ref="A1"'))
    (tmp_path / "full.xlsx").unlink()
    assert rows_of(opened(tmp_path, format="xlsx").read("s")) == [{"A": "1", "B": "2"}, {"A": "3", "B": "4"}]


def test_merged_cells_below_the_header_are_named(tmp_path: Path) -> None:
    path = tmp_path / "F.xlsx"
    workbook(path, {"F": [["S", "G"], ["001", "a"], [None, "b"], ["002", "c"]]})
    book = openpyxl.load_workbook(path)
    book["F"].merge_cells("A2:A3")
    book.save(path)
    notes = opened(tmp_path, format="xlsx").read("F").notes
    assert [(note.rule, note.rows) for note in notes] == [("CDW-RAW-CELL", (0, 1))]
    assert "A2:A3" in notes[0].message


@pytest.mark.parametrize("kind", ["delimited", "parquet"])
def test_a_record_without_any_value_is_no_record(tmp_path: Path, kind: str) -> None:
    frame = pd.DataFrame({"S": ["001", None, "002"], "G": ["a", " ", "c"]})
    frame.to_csv(tmp_path / "F.csv", index=False) if kind == "delimited" else frame.to_parquet(tmp_path / "F.parquet")
    table = opened(tmp_path, format=kind).read("F")
    assert table.frame["S"].tolist() == ["001", "002"]
    assert table.numbers is not None
    assert table.numbers.tolist() == [1, 3]
    assert [note.rule for note in table.notes] == ["CDW-RAW-GAP"]


def test_an_error_cell_is_named(tmp_path: Path) -> None:
    workbook(tmp_path / "s.xlsx", {"DM": [["A"], ["#N/A"]]})
    table = opened(tmp_path, format="xlsx").read("s")
    assert [(note.rule, note.value, note.rows) for note in table.notes] == [("CDW-RAW-CELL", "#N/A", (0,))]


@pytest.mark.parametrize(
    ("sheets", "options", "message"),
    [
        ({"DM": [["A", "A"], [1, 2]]}, {}, "raw/s.xlsx:1 DM.A: the column name occurs twice"),
        ({"DM": [["A", None, "C"], [1, 2, 3]]}, {}, "raw/s.xlsx:1 DM.column 2: has no name"),
        ({"DM": [[None], ["A"], [1]]}, {}, "raw/s.xlsx:1 DM: the row holds no column names"),
        ({"DM": [["A"], [1, 2]]}, {}, "raw/s.xlsx:2 DM: cell B2 stands under no column name"),
        ({"DM": [["A"], ["=1+1"]]}, {}, "raw/s.xlsx:2 DM: cell A2 holds a formula without its result"),
        (
            {"DM": [["A"], [1]]},
            {"forms": {"X": FormOptions(file="s.xlsx", part="DMM")}},
            "raw/s.xlsx: has no sheet 'DMM' (did you mean 'DM'?)",
        ),
    ],
)
def test_a_workbook_that_cannot_be_read(tmp_path: Path, sheets: Any, options: Any, message: str) -> None:
    workbook(tmp_path / "s.xlsx", sheets)
    assert any(message in text for text in refused(tmp_path, format="xlsx", **options))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"no zip", "is no Excel workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "is an .xls workbook, or one with a password"),
    ],
)
def test_a_file_that_is_no_workbook(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "s.xlsx").write_bytes(data)
    assert message in refused(tmp_path, format="xlsx")[0]


def test_a_workbook_with_a_doctype_is_refused(tmp_path: Path) -> None:
    workbook(tmp_path / "s.xlsx", {"DM": [["A"], [1]]})
    with zipfile.ZipFile(tmp_path / "s.xlsx", "a") as archive:
        archive.writestr("xl/extra.xml", '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>')
    assert "has a DOCTYPE" in refused(tmp_path, format="xlsx")[0]


# SAS and Parquet


@pytest.mark.parametrize(
    ("numbers", "display_format", "expected"),
    [
        ([1.0, 2.5, float("nan")], "", ["1", "2.5", None]),
        ([1.0, 2.5, 0.123], "8.1", ["1.0", "2.5", "0.123"]),
        ([21915.0, -1.0], "DATE9.", ["2020-01-01", "1959-12-31"]),
        ([21915.5], "DATE9.", ["21915.5"]),
        ([1893456000.0], "DATETIME20.", ["2020-01-01T00:00:00"]),
        ([30600.0, 90000.0], "TIME8.", ["08:30:00", "90000"]),
    ],
)
def test_sas_numbers_as_text(numbers: list[float], display_format: str, expected: list[str | None]) -> None:
    column = sas_texts(pd.Series(numbers).to_numpy(), display_format)
    assert [None if pd.isna(text) else text for text in column] == expected


def test_value_labels_stand_beside_their_codes(
    tmp_path: Path, sas7bdat: Callable[..., None], sas7bcat: Callable[..., None]
) -> None:
    columns = [("SUBJ", "Subject", "", 8), ("SEXC", "Sex", "SEXF", 0)]
    sas7bdat(tmp_path / "dm.sas7bdat", "Demography", columns, [("01", 1.0), ("02", 3.0), ("é3", None)])
    sas7bcat(tmp_path / "formats.sas7bcat", {"SEXF": {1.0: "Homme", 2.0: "Femme"}})
    source = opened(tmp_path, format="sas7bdat")
    form = source.forms["dm"]
    assert (form.label, form.names, form.made) == ("Demography", ("SUBJ", "SEXC", "SEXC_LABEL"), {"SEXC_LABEL"})
    assert [column.label for column in form.columns] == ["Subject", "Sex", "Sex (label)"]
    table = source.read("dm")
    assert rows_of(table) == [
        {"SUBJ": "01", "SEXC": "1", "SEXC_LABEL": "Homme"},
        {"SUBJ": "02", "SEXC": "3"},
        {"SUBJ": "é3"},
    ]
    assert [(note.rule, note.value) for note in table.notes] == [("CDW-RAW-CODE", "3")]
    assert opened(tmp_path, format="sas7bdat", labels=False).forms["dm"].names == ("SUBJ", "SEXC")


def test_a_declared_encoding_comes_before_that_of_the_dataset(tmp_path: Path, sas7bdat: Callable[..., None]) -> None:
    sas7bdat(tmp_path / "dm.sas7bdat", "", [("TXT", "", "", 8)], [("é",)])
    assert rows_of(opened(tmp_path, format="sas7bdat").read("dm")) == [{"TXT": "é"}]
    assert rows_of(opened(tmp_path, format="sas7bdat", encoding="cp1252").read("dm")) == [{"TXT": "Ã©"}]


@pytest.mark.parametrize("kind", ["sas7bdat", "xpt", "parquet"])
def test_a_file_of_another_format_is_named(tmp_path: Path, kind: str) -> None:
    (tmp_path / f"dm.{kind}").write_bytes(b"A;B\n1;2\n" * 200)
    assert refused(tmp_path, format=kind)[0].startswith(f"raw/dm.{kind}: is ")


def test_parquet_types_as_text(tmp_path: Path) -> None:
    table = pa.table(
        {
            "T": pa.array(["a", None], pa.string()),
            "D": pa.array([date(2020, 3, 1), None], pa.date32()),
            "N": pa.array([1.5, float("nan")], pa.float64()),
            "I": pa.array([7, None], pa.int32()),
            "B": pa.array([True, None], pa.bool_()),
            "C": pa.array(["x", "y"]).dictionary_encode(),
            "M": pa.array([datetime(2020, 3, 1, 8, 30), None], pa.timestamp("us")),
        }
    )
    pyarrow.parquet.write_table(table, tmp_path / "f.parquet")
    assert rows_of(opened(tmp_path, format="parquet", decimal=",").read("f")) == [
        {"T": "a", "D": "2020-03-01", "N": "1,5", "I": "7", "B": "true", "C": "x", "M": "2020-03-01T08:30:00"},
        {"C": "y"},
    ]


def test_parquet_lists_are_refused(tmp_path: Path) -> None:
    pyarrow.parquet.write_table(pa.table({"L": [[1, 2]]}), tmp_path / "f.parquet")
    assert refused(tmp_path, format="parquet") == ["raw/f.parquet L: holds lists or bytes, not text or numbers"]


# ODM-XML

ODM_HEAD = '<ODM xmlns="http://www.cdisc.org/ns/odm/v1.3" xmlns:OC="urn:oc" FileType="{kind}" ODMVersion="{version}">'
ODM_METADATA = """<Study OID="S"><BasicDefinitions><MeasurementUnit OID="MU.C" Name="C"><Symbol>
<TranslatedText xml:lang="en">C</TranslatedText></Symbol></MeasurementUnit></BasicDefinitions>
<MetaDataVersion OID="V" Name="V">
<ItemGroupDef OID="IG.VS" Name="VS" Repeating="Yes"><ItemRef ItemOID="I.SEX"/><ItemRef ItemOID="I.TEMP"/></ItemGroupDef>
<ItemDef OID="I.SEX" Name="SEX" DataType="text"><Question><TranslatedText xml:lang="en">Sex</TranslatedText>
<TranslatedText xml:lang="fr">Sexe</TranslatedText></Question><CodeListRef CodeListOID="CL.SEX"/></ItemDef>
<ItemDef OID="I.TEMP" Name="TEMP" DataType="float" Comment="Temperature"/>
<CodeList OID="CL.SEX" Name="SEX" DataType="text"><CodeListItem CodedValue="1"><Decode>
<TranslatedText xml:lang="en">Male</TranslatedText><TranslatedText xml:lang="fr">Homme</TranslatedText></Decode></CodeListItem>
<EnumeratedItem CodedValue="2"/></CodeList></MetaDataVersion></Study>"""
ODM_DATA = """<ClinicalData StudyOID="S" MetaDataVersionOID="V"><SubjectData SubjectKey="SS_1" OC:StudySubjectID="01-001">
<SiteRef LocationOID="01"/><StudyEventData StudyEventOID="SE.1" StudyEventRepeatKey="2" OC:StartDate="2020-03-01">
<FormData FormOID="F.1"><ItemGroupData ItemGroupOID="IG.VS" ItemGroupRepeatKey="1">
<ItemData ItemOID="I.SEX" Value="1"/><ItemData ItemOID="I.TEMP" Value="36.5"><MeasurementUnitRef MeasurementUnitOID="MU.C"/>
</ItemData></ItemGroupData><ItemGroupData ItemGroupOID="IG.VS" ItemGroupRepeatKey="2"><ItemDataString ItemOID="I.SEX">2
</ItemDataString><ItemData ItemOID="I.TEMP" IsNull="Yes"/><ItemData ItemOID="I.NEW" Value="x"/></ItemGroupData></FormData>
</StudyEventData></SubjectData><SubjectData SubjectKey="SS_2"><StudyEventData StudyEventOID="SE.1"><FormData FormOID="F.1">
<ItemGroupData ItemGroupOID="IG.VS"><ItemData ItemOID="I.SEX" Value="9"/></ItemGroupData></FormData></StudyEventData>
</SubjectData></ClinicalData></ODM>"""


def odm(folder: Path, text: str = "", kind: str = "Snapshot", version: str = "1.3.2", before: str = "") -> Path:
    body = text or ODM_METADATA + ODM_DATA
    path = folder / "s.xml"
    path.write_text(
        '<?xml version="1.0"?>\n' + before + ODM_HEAD.format(kind=kind, version=version) + body, encoding="utf-8"
    )
    return path


def test_odm_records_carry_keys_labels_and_code_lists(tmp_path: Path) -> None:
    odm(tmp_path)
    source = opened(tmp_path, format="odm", language="fr")
    form = source.forms["VS"]
    assert {column.name: column.label for column in form.columns}["SEX"] == "Sexe"
    assert {column.name: column.label for column in form.columns}["TEMP"] == "Temperature"
    table = source.read("VS")
    event = {"StudyOID": "S", "StudyEventOID": "SE.1", "FormOID": "F.1"}
    first = {"LocationOID": "01", "SubjectKey": "SS_1", "StudyEventRepeatKey": "2", "Event_StartDate": "2020-03-01"}
    first |= {"Subject_StudySubjectID": "01-001"} | event
    assert rows_of(table) == [
        first | {"ItemGroupRepeatKey": "1", "SEX": "1", "SEX_LABEL": "Homme", "TEMP": "36.5", "TEMP_UNIT": "C"},
        first | {"ItemGroupRepeatKey": "2", "SEX": "2", "SEX_LABEL": "2", "I.NEW": "x"},
        event | {"SubjectKey": "SS_2", "SEX": "9"},
    ]
    assert [note.rule for note in table.notes] == ["CDW-RAW-CODE", "CDW-RAW-ITEM"]


def test_odm_columns_by_oid(tmp_path: Path) -> None:
    odm(tmp_path)
    form = opened(tmp_path, format="odm", names="oid").forms["IG.VS"]
    assert {"I.SEX", "I.SEX_LABEL", "I.TEMP"} <= set(form.names)


ENTITY_BOMB = '<!DOCTYPE ODM [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>\n'
EXTERNAL = '<!DOCTYPE ODM SYSTEM "file:///etc/passwd">\n'


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"before": ENTITY_BOMB}, "raw/s.xml:2 DOCTYPE: a document type is not read"),
        ({"before": EXTERNAL}, "raw/s.xml:2 DOCTYPE: a document type is not read"),
        ({"text": "<Study"}, "raw/s.xml:2: is not XML"),
        ({"text": ODM_METADATA + "<ClinicalData>"}, "is not XML"),
        ({"text": "</ODM>"}, "raw/s.xml: holds no item group"),
        ({"kind": "Transactional"}, "raw/s.xml:2 ODM: is a transactional file"),
        ({"version": "2.0"}, "raw/s.xml:2 ODM: is ODM 2.0; versions 1.2 and 1.3 are read"),
        (
            {"text": ODM_METADATA + ODM_DATA.replace('ItemOID="I.TEMP" Value="36.5"', 'ItemOID="I.SEX" Value="36.5"')},
            "I.SEX: the item occurs twice in one record of IG.VS",
        ),
    ],
)
def test_an_odm_file_that_cannot_be_read(tmp_path: Path, changes: dict[str, str], message: str) -> None:
    odm(tmp_path, **changes)
    assert message in refused(tmp_path, format="odm")[0]


def test_a_file_of_another_root_is_no_odm(tmp_path: Path) -> None:
    (tmp_path / "s.xml").write_text("<html/>")
    assert refused(tmp_path, format="odm") == ["raw/s.xml:1 html: is no ODM file: its root is not ODM"]


# REDCap

REDCAP = """record_id,redcap_event_name,redcap_repeat_instrument,redcap_repeat_instance,\
age,race___1,race___2,demo_complete,ae,ae_complete
1,base,,,60,1,0,2,,
1,base,ae,1,,,,,Nausea,0
1,base,ae,2,,,,,,0
2,base,,,,0,0,0,,
"""


def test_redcap_is_taken_apart_into_instruments(tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text(REDCAP)
    source = opened(tmp_path, format="redcap")
    assert list(source.forms) == ["demo", "ae"]
    demo, ae = source.read("demo"), source.read("ae")
    assert rows_of(demo) == [
        {
            "record_id": "1",
            "redcap_event_name": "base",
            "age": "60",
            "race___1": "1",
            "race___2": "0",
            "demo_complete": "2",
        }
    ]
    assert [row.get("ae") for row in rows_of(ae)] == ["Nausea", None]
    assert ae.numbers is not None
    assert ae.numbers.tolist() == [2, 3]
    assert [note.message for note in demo.notes] == ["1 records of the file hold nothing but keys, and are in no form"]


def test_redcap_data_dictionary_gives_labels(tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text(REDCAP)
    head = '"Variable / Field Name","Form Name","Field Type","Field Label","Choices, Calculations, OR Slider Labels"\n'
    lines = 'record_id,demo,text,Id,\nage,demo,dropdown,Age,"60, sixty"\nrace,demo,checkbox,Race,"1, A | 2, B"\nae,ae,text,AE,\n'
    (tmp_path / "d.csv").write_text(head + lines)
    source = opened(tmp_path, format="redcap", dictionary="d.csv")
    labels = {column.name: column.label for column in source.forms["demo"].columns}
    assert (labels["age"], labels["race___2"]) == ("Age", "Race: B")
    assert rows_of(source.read("demo"))[0]["age_LABEL"] == "sixty"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", "raw/e.csv:1: is no REDCap export: no column ends in _complete"),
        ("a,b,f_complete,c\n1,2,2,3\n", "raw/e.csv:1 c: belongs to no instrument"),
    ],
)
def test_a_table_that_is_no_redcap_export(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "e.csv").write_text(text)
    assert message in refused(tmp_path, format="redcap")[0]


# Castor, Rave, OpenClinica


def test_castor_codes_for_no_value_belong_to_the_form(tmp_path: Path) -> None:
    (tmp_path / "study.csv").write_text("Participant Id;Site Abbreviation;age\n1;AA;-99\n2;AA;##USER_MISSING_95##\n")
    (tmp_path / "variables.csv").write_text("Variable name;Type\nage;numeric\n")
    source = opened(tmp_path, format="castor")
    assert list(source.forms) == ["study"]
    assert {"-95", "-99", "##USER_MISSING_95##"} <= set(source.forms["study"].missing)
    assert rows_of(source.read("study"))[0]["age"] == "-99"


RAVE = "Subject,InstanceName,RecordPosition,RecordActive,TEMP,TEMP_RAW\n"


@pytest.mark.parametrize("end", ["EOF\n", "EOF,,,,,\n", ""])
def test_rave_inactive_rows_are_set_aside_and_named(tmp_path: Path, end: str) -> None:
    (tmp_path / "vs.csv").write_text(f"{RAVE}1,V1,1,1,36.5,36.5\n1,V1,2,0,37,37\n1,V1,3,1,,high\n{end}")
    table = opened(tmp_path, format="rave").read("vs")
    assert len(table.frame) == 3
    assert table.aside == {"inactive in the EDC (RecordActive is 0)": (1,)}
    rules = [(note.rule, note.value, note.rows) for note in table.notes]
    assert ("CDW-RAW-NONCONFORMANT", "high", (2,)) in rules
    assert ("CDW-RAW-END" in {rule for rule, _, _ in rules}) == bool(end)


def test_rave_views_as_sas_datasets(tmp_path: Path, sas7bdat: Callable[..., None]) -> None:
    columns = [
        ("Subject", "", "", 8),
        ("RecordPosition", "", "", 0),
        ("RecordActive", "", "", 0),
        ("TEMP", "Temperature", "", 0),
    ]
    sas7bdat(tmp_path / "vs.sas7bdat", "Vital signs", columns, [("01", 1.0, 1.0, 36.5), ("01", 2.0, 0.0, 37.0)])
    source = opened(tmp_path, format="rave")
    assert source.forms["vs"].label == "Vital signs"
    assert source.read("vs").aside == {"inactive in the EDC (RecordActive is 0)": (1,)}


OPENCLINICA = """Dataset Name:\tall
Study Event Definition 1\tBaseline\tE1
Study Event Definition 2\tFollow-up\tE2
CRF 1\tVitals\tC1

StudySubjectID\tStartDate_E1\tStartDate_E2_1\tTEMP_E1_C1\tTEMP_E2_1_C1\tTEMP_E2_2_C1\tDRUG_E1_C1_1\tDRUG_E1_C1_2
01\t2020-01-01\t2020-02-01\t36.5\t37\t\ta\tb
02\t\t\t\t\t38\t\t
03\t\t\t\t\t\t\t
"""


def test_openclinica_columns_become_rows(tmp_path: Path) -> None:
    (tmp_path / "e.tsv").write_text(OPENCLINICA)
    source = opened(tmp_path, format="openclinica")
    assert list(source.forms) == ["Vitals"]
    table = source.read("Vitals")
    base = {"StudySubjectID": "01", "StudyEvent": "E1", "StudyEventName": "Baseline", "StudyEventRepeat": "1"}
    follow = {"StudyEvent": "E2", "StudyEventName": "Follow-up"}
    assert rows_of(table) == [
        base | {"StartDate": "2020-01-01", "TEMP": "36.5"},
        follow | {"StudySubjectID": "01", "StudyEventRepeat": "1", "StartDate": "2020-02-01", "TEMP": "37"},
        base | {"StartDate": "2020-01-01", "ItemGroupRepeat": "1", "DRUG": "a"},
        base | {"StartDate": "2020-01-01", "ItemGroupRepeat": "2", "DRUG": "b"},
        follow | {"StudySubjectID": "02", "StudyEventRepeat": "2", "TEMP": "38"},
    ]
    assert table.numbers is not None
    assert table.numbers.tolist() == [1, 1, 1, 1, 2]
    assert [note.message for note in table.notes] == ["1 records of the file hold nothing of this form"]


@pytest.mark.parametrize(
    ("kind", "name", "message"),
    [
        ("castor", "f.csv", "raw: holds no Castor export"),
        ("rave", "f.csv", "raw/f.csv:1: is no Rave clinical view"),
        ("openclinica", "f.csv", "raw/f.csv:1: is no flat OpenClinica export"),
        ("xlsx", "f.csv", "raw: holds no .xlsx file ('format: xlsx' reads such files)"),
        ("odm", "f.csv", "raw: holds no .xml file"),
        ("delimited", "f.xlsx", "raw: holds no .csv/.tsv file"),
    ],
)
def test_a_wrong_format_is_named(tmp_path: Path, kind: str, name: str, message: str) -> None:
    (tmp_path / name).write_text("A,B\n1,2\n")
    assert message in refused(tmp_path, format=kind)[0]


# All


def test_files_of_other_formats_stand_beside_the_export(tmp_path: Path) -> None:
    (tmp_path / "DM.csv").write_text("A;B\n1;2,5\n")
    (tmp_path / "LAB.csv").write_text("A,B\n1,2\n")
    workbook(tmp_path / "labs.xlsx", {"LB": [["A", "N"], ["3", 2.5]], "QC": [["C"], ["x"]]})
    odm(tmp_path)
    forms = {
        "LABS": FormOptions(file="labs.xlsx", format="xlsx", part="LB"),
        "ODM": FormOptions(file="s.xml", format="odm"),
    }
    source = opened(tmp_path, decimal=",", forms=forms)
    assert list(source.forms) == ["DM", "LAB", "LABS", "QC", "VS"]
    assert rows_of(source.read("LABS")) == [{"A": "3", "N": "2,5"}]
    assert rows_of(source.read("DM")) == [{"A": "1", "B": "2,5"}]
    assert len(source.read("VS").frame) == 3


def test_a_form_of_two_files_is_a_mistake_and_a_missing_file_too(tmp_path: Path) -> None:
    (tmp_path / "VS.csv").write_text("A;B\n1;2\n")
    odm(tmp_path)
    forms = {"X": FormOptions(file="s.xml", format="odm"), "Y": FormOptions(file="none.xlsx", format="xlsx")}
    assert refused(tmp_path, forms=forms) == [
        "raw/s.xml VS: is a form of raw/VS.csv too (name one of them under 'forms' in study.yaml)",
        "raw/none.xlsx: there is no such file",
    ]


def test_an_export_of_declared_formats_alone(tmp_path: Path) -> None:
    workbook(tmp_path / "s.xlsx", {"DM": [["A"], ["1"]]})
    source = opened(tmp_path, forms={"DEMO": FormOptions(file="s.xlsx", format="xlsx")})
    assert list(source.forms) == ["DEMO"]


def test_only_the_reader_asked_for_is_imported() -> None:
    code = (
        "import sys; from pathlib import Path; from cdiscway.converters.readers.raw import *;"
        "from cdiscway.converters.readers.options import ReaderOptions;"
        "open_raw(Place(Path(sys.argv[1]), ''), ReaderOptions());"
        "print(sorted({'openpyxl', 'pyreadstat', 'lxml', 'great_expectations'} & set(sys.modules)))"
    )
    folder = Path(__file__).parents[3] / "examples" / "ifm-2015-03" / "raw"
    done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("format: excel", "study.yaml:2 format: 'excel' is none of 'delimited', 'xlsx'"),
        ("delimiter: ;;", "study.yaml:2 delimiter: a delimiter is one letter, or 'tab'"),
        ("encoding: utf-9", "study.yaml:2 encoding: 'utf-9' is no encoding known here"),
        ("encoding: utf-8+cp9999", "study.yaml:2 encoding: 'cp9999' is no encoding known here"),
        ("delimeter: x", "study.yaml:2 delimeter: 'delimeter' is not a word known here (did you mean 'delimiter'?)"),
        ("forms: {A: {file: a.csv, decimal: x}}", "study.yaml:2 forms.A.decimal: 'x' is none of '.' or ','"),
        ("forms: {A: {label: x}}", "study.yaml:2 forms.A: 'file' is missing"),
        ("header_line: 0", "study.yaml:2 header_line: Input should be greater than or equal to 1"),
    ],
)
def test_a_word_of_raw_that_cannot_be(text: str, message: str) -> None:
    with pytest.raises(MistakesError) as caught:
        parse_model(parse_yaml(f"# raw\n{text}\n", "study.yaml"), ReaderOptions)
    assert message in str(caught.value)


def test_words_in_their_long_form() -> None:
    assert ReaderOptions(delimiter="tab").delimiter == "\t"
    own = ReaderOptions(
        decimal=",", encoding="cp1252", forms={"A": FormOptions(file="a.csv", decimal=".", delimiter="comma")}
    )
    text = own.of(own.forms["A"])
    assert (text.delimiter, text.decimal, text.encoding) == (",", ".", "cp1252")
    assert (own.decimal_of("A"), own.decimal_of("B"), ReaderOptions().decimal_of("B")) == (".", ",", ".")


def test_the_reference_page_names_every_word_and_finding() -> None:
    root = Path(__file__).parents[3]
    page = (root / "docs" / "reference" / "readers.md").read_text(encoding="utf-8")
    words = [*ReaderOptions.model_fields, *FormOptions.model_fields]
    assert [word for word in words if f"`{word}`" not in page] == []
    code = "".join(path.read_text(encoding="utf-8") for path in (root / "converters" / "readers").glob("*.py"))
    rules = set(re.findall(r"CDW-RAW-[A-Z-]+[A-Z]", code))
    assert rules == set(re.findall(r"CDW-RAW-[A-Z-]+[A-Z]", page)) - {"CDW-RAW-BLANKS"}
    assert [name for name in MODULES if f"### {name}" not in page and f", {name}\n" not in page] == []


def test_every_format_has_a_reader() -> None:
    folder = Path(__file__).parents[3] / "converters" / "readers"
    assert all((folder / f"{module}.py").is_file() for module in MODULES.values())
