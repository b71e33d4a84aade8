"""The specification workbook: what goes in comes out, and an edit in Excel reaches the define.xml."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest
from lxml import etree

from cdiscway.define.build import build_define
from cdiscway.define.excel import read_excel, read_workbook, unheld, write_excel
from cdiscway.define.excel_read import define_from_records
from cdiscway.define.read import read_define
from cdiscway.define.references import reference_findings
from cdiscway.define.schema import schema_findings
from cdiscway.define.write import define_bytes
from cdiscway.specs.mistakes import MistakesError

EXAMPLES = Path(__file__).parents[2] / ".." / "shared" / "define-examples"


def test_a_built_define_goes_through_a_workbook_unchanged(package, tmp_path):
    define = build_define(package)
    assert write_excel(define, tmp_path / "spec.xlsx") == []
    assert read_excel(tmp_path / "spec.xlsx").odm == define.odm


@pytest.mark.parametrize("name", ["defineV21-SDTM.xml", "defineV21-ADaM.xml"])
def test_an_example_goes_through_a_workbook_unchanged_and_what_tables_cannot_hold_is_listed(name, tmp_path):
    path = EXAMPLES / name
    if not path.is_file():
        pytest.skip("CDISC's example files are not beside the repository")
    define = read_define(path)
    assert write_excel(define, tmp_path / "spec.xlsx") == unheld(define)
    assert read_excel(tmp_path / "spec.xlsx") == define


def test_an_edit_reaches_the_define_and_nothing_else_changes(tmp_path):
    path = EXAMPLES / "defineV21-ADaM.xml"
    if not path.is_file():
        pytest.skip("CDISC's example files are not beside the repository")
    define = read_define(path)
    write_excel(define, tmp_path / "spec.xlsx")
    book = openpyxl.load_workbook(tmp_path / "spec.xlsx")
    header = [cell.value for cell in book["Variables"][1]]
    row = next(row for row in book["Variables"].iter_rows(min_row=2) if row[header.index("Variable")].value == "AGE")
    row[header.index("Label")].value = "Age in Years"
    book.save(tmp_path / "spec.xlsx")
    edited = read_excel(tmp_path / "spec.xlsx")
    before = define_bytes(define).decode().splitlines()
    after = define_bytes(edited).decode().splitlines()
    changed = [(a, b) for a, b in zip(before, after, strict=True) if a != b]
    assert len(changed) == 1
    assert "Age in Years" in changed[0][1]


def test_the_same_define_gives_the_same_workbook(package, tmp_path):
    for name in ("a.xlsx", "b.xlsx"):
        write_excel(build_define(package), tmp_path / name)
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()


def test_a_workbook_made_elsewhere_gives_a_valid_define(tmp_path):
    define = define_from_records(
        {
            "Study": [
                {"Attribute": "StudyName", "Value": "S"},
                {"Attribute": "StandardName", "Value": "SDTMIG"},
                {"Attribute": "StandardVersion", "Value": "3.4"},
            ],
            "Datasets": [
                {
                    "Dataset": "VS",
                    "Label": "Vital Signs",
                    "Class": "FINDINGS",
                    "Structure": "One record",
                    "Key Variables": "USUBJID, VSTESTCD",
                    "Standard": "SDTMIG 3.4",
                    "Repeating": "Yes",
                }
            ],
            "Variables": [
                {
                    "Order": "1",
                    "Dataset": "VS",
                    "Variable": "USUBJID",
                    "Label": "Subject",
                    "Data Type": "text",
                    "Length": "8",
                },
                {
                    "Order": "2",
                    "Dataset": "VS",
                    "Variable": "VSTESTCD",
                    "Label": "Test",
                    "Data Type": "text",
                    "Length": "8",
                    "Codelist": "VSTESTCD",
                },
                {
                    "Order": "3",
                    "Dataset": "VS",
                    "Variable": "VSORRES",
                    "Label": "Result",
                    "Data Type": "text",
                    "Length": "8",
                    "Origin": "Derived",
                    "Source": "Sponsor",
                    "Method": "BMI",
                    "Pages": "3-4",
                },
            ],
            "ValueLevel": [
                {
                    "Order": "1",
                    "Dataset": "VS",
                    "Variable": "VSORRES",
                    "Data Type": "integer",
                    "Length": "3",
                    "Where Clause": 'VSTESTCD IN (WEIGHT, "HEIGHT") AND USUBJID NE 1',
                }
            ],
            "Codelists": [
                {
                    "ID": "VSTESTCD",
                    "Name": "Tests",
                    "NCI Codelist Code": "C66741",
                    "Term": "WEIGHT",
                    "NCI Term Code": "C25208",
                }
            ],
            "Methods": [
                {"ID": "BMI", "Name": "BMI", "Type": "Computation", "Description": "Weight by height squared."}
            ],
            "Documents": [{"ID": "acrf", "Title": "Annotated CRF", "Href": "acrf.pdf"}],
        }
    )
    assert schema_findings(etree.fromstring(define_bytes(define))) == []
    clause = define.metadata.where_clauses[0]
    assert [(check.item_oid, check.comparator) for check in clause.checks] == [
        ("IT.VS.VSTESTCD", "IN"),
        ("IT.VS.USUBJID", "NE"),
    ]
    assert [value.text for value in clause.checks[0].values] == ["WEIGHT", "HEIGHT"]
    assert [ref.key_sequence for ref in define.metadata.datasets[0].items] == ["1", "2", None]


def test_a_leading_equals_sign_is_text(package, tmp_path):
    define = build_define(package)
    write_excel(define, tmp_path / "spec.xlsx")
    book = openpyxl.load_workbook(tmp_path / "spec.xlsx")
    assert {cell.data_type for row in book["Variables"].iter_rows(min_row=2) for cell in row if cell.value} == {"s"}


def test_a_text_too_long_for_a_cell_is_refused_not_cut(package, tmp_path, make_package):
    from dataclasses import replace

    define = build_define(replace(package, comments={"LB": "x" * 40_000}))
    with pytest.raises(MistakesError, match="has 40000 characters"):
        write_excel(define, tmp_path / "spec.xlsx")
    assert not (tmp_path / "spec.xlsx").exists()


@pytest.mark.parametrize(
    ("records", "says"),
    [
        (
            {
                "Datasets": [{"Dataset": "DM", "Key Variables": "USUBJD"}],
                "Variables": [{"Dataset": "DM", "Variable": "USUBJID"}],
            },
            "did you mean 'USUBJID'",
        ),
        ({"Datasets": [], "Variables": [{"Dataset": "DM"}]}, "names no dataset or no variable"),
        (
            {
                "Variables": [{"Dataset": "DM", "Variable": "AGE"}],
                "ValueLevel": [{"Dataset": "DM", "Variable": "AGE", "Where Clause": "when ill"}],
            },
            "is not understood",
        ),
        ({"Variables": [], "ValueLevel": [{"Dataset": "DM", "Variable": "AGE"}]}, "is not on the sheet"),
    ],
)
def test_mistakes_of_a_workbook_are_named(records, says):
    with pytest.raises(MistakesError, match=says):
        define_from_records(records)


@pytest.mark.parametrize("data", [b"", b"no workbook", b"PK\x05\x06" + bytes(18)])
def test_what_is_no_workbook_is_a_mistake(data, tmp_path):
    (tmp_path / "spec.xlsx").write_bytes(data)
    with pytest.raises(MistakesError):
        read_excel(tmp_path / "spec.xlsx")


def test_an_older_workbook_with_other_names_is_read(tmp_path):
    book = openpyxl.Workbook()
    sheets = {
        "Define": [("Attribute", "Value"), ("StudyName", "S"), ("StandardName", "SDTM-IG"), ("StandardVersion", "3.2")],
        "Datasets": [("Dataset", "Description", "Class", "Structure", "Key Variables", "Repeating"),
                     ("DM", "Demographics", "Special Purpose", "One record per subject", "USUBJID", "No")],
        "Variables": [("Order", "Dataset", "Variable", "Label", "Data Type", "Length"),
                      (1, "DM", "USUBJID", "Unique Subject Identifier", "text", 11.0)],
    }  # fmt: skip
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(tmp_path / "spec.xlsx")
    define = read_excel(tmp_path / "spec.xlsx")
    dataset = define.metadata.datasets[0]
    assert (dataset.description.text, dataset.class_name) == ("Demographics", "SPECIAL PURPOSE")
    assert define.metadata.items[0].length == "11"
    assert dataset.standard_oid == define.metadata.standards.standards[0].oid
    assert schema_findings(etree.fromstring(define_bytes(define))) == []


FOREIGN = {
    "Define": [("Attribute", "Value"), ("StudyName", "S"), ("StandardName", "ADaM-IG"), ("StandardVersion", "1.3")],
    "Datasets": [
        ("Dataset", "Label", "Class", "SubClass", "Structure", "Purpose", "Key Variables", "Standard", "Has No Data",
         "Repeating", "Reference Data", "Comment", "Developer Notes"),
        ("ADSL", "Subjects", "SUBJECT LEVEL ANALYSIS DATASET", None, "One record per subject", "Analysis", "USUBJID",
         "ADaMIG 1.3", "No", "No", "No", None, "ask"),
        ("ADQS", "Scores", "BASIC DATA STRUCTURE", None, "One record per parameter", "Analysis", "USUBJID, PARAMCD",
         "ADaMIG 1.3", "No", "Yes", "No", None, None),
    ],
    "Variables": [
        ("Order", "Dataset", "Variable", "Label", "Data Type", "Length", "Assigned Value"),
        (1, "ADSL", "USUBJID", "Subject", "text", 11, None),
        (2, "ADSL", "SAFFL", "Safety", "text", 1, "Y"),
        (1, "ADQS", "USUBJID", "Subject", "text", 11, None),
        (2, "ADQS", "PARAMCD", "Parameter Code", "text", 8, None),
        (3, "ADQS", "CHG", "Change", "integer", 8, None),
    ],
    "WhereClauses": [("ID", "Dataset", "Variable", "Comparator", "Value"), ("ACTOT", "ADQS", "PARAMCD", "EQ", "ACTOT")],
    "Comments": [("ID", "Description"), ("JOIN", "By USUBJID.")],
    "Documents": [("ID", "Title", "Href"), ("SAP", "Plan", "sap.pdf")],
    "Analysis Displays": [("ID", "Title", "Document", "Pages"), ("Table 14-1", "Change", "SAP", "2")],
    "Analysis Results": [
        ("Display", "ID", "Description", "Variables", "Reason", "Purpose", "Selection Criteria", "Join Comment",
         "Documentation", "Documentation Refs", "Programming Context", "Programming Code", "Programming Document",
         "Pages"),
        ("Table 14-1", "R.1", "Dose response", "ADQS.CHG", "SPECIFIED IN SAP", "PRIMARY OUTCOME MEASURE",
         "ACTOT", None, "A model.", "SAP 4", "SAS version 9.4", "proc glm;", None, None),
        ("Table 14-1", "R.2", "Both", "ADQS.CHG, ADSL.SAFFL", "SPECIFIED IN SAP", "PRIMARY OUTCOME MEASURE",
         "ADQS.PARAMCD EQ ACTOT; ADSL.SAFFL EQ Y", "JOIN", "A count.", None, None, None, "SAP", "9"),
    ],
    "Notes": [("Anything",), ("to do",)],
}  # fmt: skip


def write_sheets(sheets, path):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)


def test_analysis_results_of_a_workbook_made_elsewhere_are_read(tmp_path):
    write_sheets(FOREIGN, tmp_path / "spec.xlsx")
    define, unread = read_workbook(tmp_path / "spec.xlsx")
    assert schema_findings(etree.fromstring(define_bytes(define))) == []
    assert reference_findings(define) == []
    assert unread == ("the sheet Notes", "Datasets.Developer Notes: 1 cells", "Variables.Assigned Value: 1 cells")
    display = define.metadata.displays.displays[0]
    first, second = display.results
    assert (display.oid, display.name, display.documents[0].leaf_id) == ("RD.Table_14-1", "Table 14-1", "LF.SAP")
    assert (first.parameter_oid, first.reason) == ("IT.ADQS.PARAMCD", "SPECIFIED IN SAP")
    assert first.code.code.text == "proc glm;"
    assert [
        (used.item_group_oid, [v.item_oid for v in used.variables], [w.where_clause_oid for w in used.where])
        for used in second.datasets.datasets
    ] == [
        ("IG.ADQS", ["IT.ADQS.CHG"], ["WC.ADQS.PARAMCD.EQ.ACTOT"]),
        ("IG.ADSL", ["IT.ADSL.SAFFL"], ["WC.ADSL.SAFFL.EQ.Y"]),
    ]
    assert second.datasets.comment_oid == "COM.JOIN"
    write_excel(define, tmp_path / "again.xlsx")
    assert read_excel(tmp_path / "again.xlsx").odm == define.odm


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("Display", "Table 9", "the display 'Table 9' is not on Analysis Displays"),
        ("Variables", "ADQS.AVAL", "ADQS.AVAL is not on the sheet Variables"),
        ("Selection Criteria", "those who fit", "'those who fit' are not understood"),
    ],
)
def test_mistakes_on_analysis_results_are_named(column, value, says, tmp_path):
    header, first, *_ = FOREIGN["Analysis Results"]
    row = tuple(value if name == column else cell for name, cell in zip(header, first, strict=True))
    write_sheets({**FOREIGN, "Analysis Results": [header, row]}, tmp_path / "spec.xlsx")
    with pytest.raises(MistakesError, match=says):
        read_excel(tmp_path / "spec.xlsx")


def test_an_edit_of_an_analysis_result_reaches_the_define(tmp_path):
    path = EXAMPLES / "defineV21-ADaM.xml"
    if not path.is_file():
        pytest.skip("CDISC's example files are not beside the repository")
    define = read_define(path)
    assert not [line for line in unheld(define) if "arm:" in line and not line.endswith("Title is not held")]
    write_excel(define, tmp_path / "spec.xlsx")
    book = openpyxl.load_workbook(tmp_path / "spec.xlsx")
    header = [cell.value for cell in book["Analysis Results"][1]]
    book["Analysis Results"].cell(2, header.index("Purpose") + 1).value = "EXPLORATORY OUTCOME MEASURE"
    book.save(tmp_path / "spec.xlsx")
    before, after = define_bytes(define).decode(), define_bytes(read_excel(tmp_path / "spec.xlsx")).decode()
    assert after == before.replace("PRIMARY OUTCOME MEASURE", "EXPLORATORY OUTCOME MEASURE", 1)
