"""A file of Define-XML 2.0 is read, checked, shown, edited and written without loss."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from lxml import etree

from cdiscway.define.check import check_content
from cdiscway.define.edits import read_specs
from cdiscway.define.excel import read_excel, write_excel
from cdiscway.define.html import define_html
from cdiscway.define.model import list_extras
from cdiscway.define.read import read_define
from cdiscway.define.schema import schema_findings
from cdiscway.define.specs import write_specs
from cdiscway.define.write import define_bytes
from cdiscway.specs.mistakes import MistakesError

FILE = Path(__file__).parents[1] / "cases" / "define_2_0.xml"


def canonical(data: bytes) -> bytes:
    root = etree.fromstring(data, etree.XMLParser(remove_blank_text=True))
    return etree.tostring(root.getroottree(), method="c14n", with_comments=True)


@pytest.fixture(scope="module")
def define():
    return read_define(FILE)


def test_it_comes_back_in_canonical_form(define):
    assert define.version == "2.0"
    assert canonical(define_bytes(define)) == canonical(FILE.read_bytes())


def test_the_model_holds_all_of_it(define):
    assert [extra.kind for _, extra in list_extras(define)] == ["instruction", "comment", "comment"]


def test_it_is_valid_and_clean(define):
    root = etree.fromstring(define_bytes(define))
    assert schema_findings(root) == []
    assert check_content(define, root) == []


@pytest.mark.parametrize(
    ("find", "put", "rule"),
    [
        (' def:StandardVersion="3.1.2"', "", "CDW-DEF-VERSION"),
        ('def:DefineVersion="2.0.0"', 'def:DefineVersion="2.1.0"', "CDW-DEF-VERSION"),
        (' def:Class="FINDINGS"', "", "CDW-DEF-DATASET"),
        ('def:ArchiveLocationID="LF.LB"', 'def:ArchiveLocationID="LF.SUPPLB"', "CDW-DEF-DATASET"),
        ('CodeListOID="CL.LOINC"', 'CodeListOID="CL.NONE"', "CDW-DEF-OID-REF"),
        (' Version="2.40"', "", "CDW-DEF-DICTIONARY"),
        ('<def:Origin Type="Derived"/>', '<def:Origin Type="Derived" Source="Sponsor"/>', "CDW-DEF-XSD"),
        ('<def:Origin Type="eDT"/>', "", "CDW-DEF-ORIGIN"),
        (' MethodOID="MT.LBDY"', "", "CDW-DEF-METHOD"),
        ('PageRefs="7 9"', 'PageRefs="7,9"', "CDW-DEF-DOCUMENT"),
        ("<CheckValue>URINE</CheckValue>", "", ""),
    ],
)
def test_what_is_broken_in_it_is_found(find, put, rule, tmp_path):
    text = FILE.read_text(encoding="utf-8")
    assert find in text
    (tmp_path / "define.xml").write_text(text.replace(find, put, 1), encoding="utf-8")
    define = read_define(tmp_path / "define.xml")
    found = {finding.rule for finding in check_content(define, etree.fromstring(define_bytes(define)))}
    assert (rule in found) if rule else (found == set())


def test_the_page_shows_what_is_its_own(define):
    page = re.sub(r"<[^>]+>", " ", define_html(define))
    for words in ("SDTM-IG", "3.1.2", "FINDINGS", "CRF", "eDT", "LOINC", "2.40", "URINE 24H", "lbdy = lbdt"):
        assert words in page, words


def test_workbook_and_specs_bring_it_back(define, tmp_path):
    write_excel(define, tmp_path / "spec.xlsx")
    assert read_excel(tmp_path / "spec.xlsx") == define
    write_specs(define, tmp_path / "specs")
    assert read_specs(tmp_path / "specs") == define


def test_edits_of_specs_stay_in_the_words_of_2_0(define, tmp_path):
    write_specs(define, tmp_path)
    spec = tmp_path / "specs" / "lb.yaml"
    text = spec.read_text(encoding="utf-8")
    assert "standard: SDTMIG 3.1.2" in text
    spec.write_text(text.replace("class: Findings", "class: Events"), encoding="utf-8")
    lists = tmp_path / "codelists.yaml"
    lists.write_text(lists.read_text(encoding="utf-8").replace("decode: Glucose", "decode: Sugar"), encoding="utf-8")
    edited = define_bytes(read_specs(tmp_path))
    assert schema_findings(etree.fromstring(edited)) == []
    assert b'def:Class="EVENTS"' in edited
    assert b">Sugar<" in edited


@pytest.mark.parametrize("put", ["standard: SDTMIG 3.4", "standard: SDTMIG 3.1.2\nsubclass: TIME-TO-EVENT"])
def test_what_2_0_cannot_say_is_a_mistake(put, define, tmp_path):
    write_specs(define, tmp_path)
    spec = tmp_path / "specs" / "lb.yaml"
    spec.write_text(spec.read_text(encoding="utf-8").replace("standard: SDTMIG 3.1.2", put), encoding="utf-8")
    with pytest.raises(MistakesError, match=r"specs/lb.yaml:\d+ LB\.(standard|subclass): .* has no place"):
        read_specs(tmp_path)


def test_the_stylesheet_of_another_version_is_not_replaced(define, tmp_path):
    from cdiscway.define.write import write_define

    write_define(define, tmp_path / "define.xml")
    assert not (tmp_path / "define2-1.xsl").exists()
    shutil.rmtree(tmp_path)
