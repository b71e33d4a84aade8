"""A small package of made-up codelists in the three layouts that NCI publishes."""

import sys
from pathlib import Path
from types import ModuleType
from xml.sax.saxutils import escape, quoteattr

import openpyxl
import pytest

from cdiscway.specs.nci import COLUMNS
from cdiscway.specs.package import Row

ROWS = (
    Row(
        "C65047", "", "Yes", "Laboratory Test Code", "LBTESTCD", "Laboratory Test Code", "Codes.", "CDISC SDTM Lab Code"
    ),
    Row("C63321", "C65047", "", "Laboratory Test Code", "NEUT", "ANC; Neutrophils", "A count.", "Neutrophil Count"),
    Row("C51951", "C65047", "", "Laboratory Test Code", "PLAT", "", "A count.", "Platelet Count"),
    Row("C67154", "", "Yes", "Laboratory Test Name", "LBTEST", "Laboratory Test Name", "Names.", "CDISC SDTM Lab Name"),
    Row("C63321", "C67154", "", "Laboratory Test Name", "Neutrophils", "ANC", "A count.", "Neutrophil Count"),
    Row("C51951", "C67154", "", "Laboratory Test Name", "Platelets", "", "A count.", "Platelet Count"),
    Row("C66731", "", "No", "Sex", "SEX", "Sex", "The sex.", "CDISC SDTM Sex Terminology"),
    Row("C16576", "C66731", "", "Sex", "F", "Female", 'She, "the" <female>.', "Female"),
)


def as_text(rows: tuple[Row, ...] = ROWS, columns: tuple[str, ...] = COLUMNS) -> str:
    return "".join("\t".join(cells) + "\n" for cells in (columns, *rows))


def write_text(path: Path, rows: tuple[Row, ...] = ROWS) -> Path:
    path.write_text(as_text(rows), encoding="utf-8")
    return path


def write_excel(path: Path, date: str = "2030-01-02") -> Path:
    book = openpyxl.Workbook()
    book.active.title = "ReadMe"
    sheet = book.create_sheet(f"SDTM Terminology {date}")
    for cells in (COLUMNS, *ROWS):
        sheet.append([cell or None for cell in cells])
    book.save(path)
    return path


def write_odm(path: Path, date: str = "2030-01-02") -> Path:
    parts = [
        '<?xml version="1.0" encoding="UTF-8"?>\n<ODM xmlns="http://www.cdisc.org/ns/odm/v1.3" '
        'xmlns:nciodm="http://ncicb.nci.nih.gov/xml/odm/EVS/CDISC" FileType="Snapshot" ODMVersion="1.3.2">\n'
        f'<Study OID="CDISC_CT.SDTM.{date}"><MetaDataVersion OID="CDISC_CT_MetaDataVersion.SDTM.{date}" Name="CT">\n'
    ]
    for head in (row for row in ROWS if not row.codelist):
        parts.append(
            f'<CodeList OID="CL.{head.code}.{head.value}" Name={quoteattr(head.name)} DataType="text" '
            f'nciodm:ExtCodeID="{head.code}" nciodm:CodeListExtensible="{head.extensible}">\n'
            f'<Description><TranslatedText xml:lang="en">{escape(head.definition)}</TranslatedText></Description>\n'
        )
        for row in (row for row in ROWS if row.codelist == head.code):
            parts.append(f'<EnumeratedItem CodedValue={quoteattr(row.value)} nciodm:ExtCodeID="{row.code}">\n')
            parts += [_element("CDISCSynonym", text) for text in row.synonyms.split("; ") if text]
            parts += [_element("CDISCDefinition", row.definition), _element("PreferredTerm", row.preferred)]
            parts.append("</EnumeratedItem>\n")
        parts += [_element("CDISCSubmissionValue", head.value), _element("CDISCSynonym", head.synonyms)]
        parts += [_element("PreferredTerm", head.preferred), "</CodeList>\n"]
    parts.append("</MetaDataVersion></Study></ODM>\n")
    path.write_text("".join(parts), encoding="utf-8")
    return path


def _element(name: str, text: str) -> str:
    return f"<nciodm:{name}>{escape(text)}</nciodm:{name}>\n"


@pytest.fixture(scope="session")
def published() -> ModuleType:
    return sys.modules[__name__]
