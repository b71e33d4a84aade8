"""Reading and writing lose nothing: read, write, read gives the same model and the same canonical XML."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from lxml import etree

from cdiscway.define.build import build_define
from cdiscway.define.model import list_extras, slots_of
from cdiscway.define.read import parse_define, read_define
from cdiscway.define.schema import schema_findings
from cdiscway.define.write import define_bytes
from cdiscway.specs.mistakes import MistakesError

EXAMPLES = Path(__file__).parents[2] / ".." / "shared" / "define-examples"
NAMES = ("defineV21-SDTM.xml", "defineV21-ADaM.xml")


def canonical(data: bytes) -> bytes:
    """Canonical XML with comments, without the white space between elements."""
    root = etree.fromstring(data)
    for node in root.iter():
        if isinstance(node.tag, str) and len(node) and not (node.text or "").strip():
            node.text = None
        if not (node.tail or "").strip():
            node.tail = None
    return etree.tostring(root.getroottree(), method="c14n", with_comments=True)


@pytest.fixture(params=NAMES)
def example(request):
    path = EXAMPLES / request.param
    if not path.is_file():
        pytest.skip("CDISC's example files are not beside the repository")
    return path


def test_an_example_is_read_and_written_without_any_difference(example):
    define = read_define(example)
    written = define_bytes(define)
    assert parse_define(written) == define
    assert canonical(written) == canonical(example.read_bytes())
    assert schema_findings(etree.fromstring(written)) == []


def test_all_that_an_example_holds_beside_the_model_are_comments_and_the_stylesheet(example):
    assert {extra.kind for _, extra in list_extras(read_define(example))} <= {"comment", "instruction"}


def test_odmlib_loads_what_is_written(example, tmp_path):
    from odmlib.define_loader import XMLDefineLoader
    from odmlib.loader import ODMLoader

    define = read_define(example)
    (tmp_path / "define.xml").write_bytes(define_bytes(define))
    loader = ODMLoader(XMLDefineLoader("define_2_1"))
    loader.open_odm_document(str(tmp_path / "define.xml"))
    loaded = loader.MetaDataVersion()
    assert [item.OID for item in loaded.ItemDef] == [item.oid for item in define.metadata.items]
    assert [item.OID for item in loaded.CodeList] == [item.oid for item in define.metadata.codelists]


def test_what_the_model_does_not_know_is_kept_where_it_was_and_listed(package):
    text = define_bytes(build_define(package)).decode()
    changed = (
        text.replace("<ODM ", '<ODM xmlns:v="urn:vendor" v:build="7" ', 1)
        .replace("<ItemRef ", '<!-- first --><v:Note a="1"> kept <b/></v:Note><ItemRef ', 1)
        .replace("<GlobalVariables>", "<GlobalVariables>stray", 1)
        .replace("<StudyName>S-2016", "<StudyName>S-<!-- x -->2016", 1)
        .replace('OrderNumber="1"', 'OrderNumber="1" v:flag="on"', 1)
    )
    define = parse_define(changed.encode())
    assert parse_define(define_bytes(define)) == define
    listed = {(extra.kind, extra.name) for _, extra in list_extras(define)}
    assert {
        ("attribute", "{urn:vendor}build"),
        ("attribute", "{urn:vendor}flag"),
        ("element", "{urn:vendor}Note"),
        ("comment", ""),
        ("text", ""),
    } <= listed


def test_define_xml_2_0_is_read_and_written_as_2_0():
    text = b"""<?xml version="1.0" encoding="UTF-8"?>
<ODM xmlns="http://www.cdisc.org/ns/odm/v1.3" xmlns:def="http://www.cdisc.org/ns/def/v2.0"
     xmlns:xlink="http://www.w3.org/1999/xlink" FileType="Snapshot" FileOID="F" ODMVersion="1.3.2"
     CreationDateTime="2016-03-01T12:00:00">
  <Study OID="S">
    <GlobalVariables>
      <StudyName>S</StudyName><StudyDescription>S</StudyDescription><ProtocolName>S</ProtocolName>
    </GlobalVariables>
    <MetaDataVersion OID="M" Name="M" def:DefineVersion="2.0.0" def:StandardName="SDTM-IG" def:StandardVersion="3.1.2">
      <ItemGroupDef OID="IG.DM" Name="DM" Repeating="No" Domain="DM" Purpose="Tabulation" def:Class="SPECIAL PURPOSE"
        def:Structure="One record per subject" def:ArchiveLocationID="LF.DM">
        <Description><TranslatedText xml:lang="en">Demographics</TranslatedText></Description>
        <ItemRef ItemOID="IT.AGE" Mandatory="Yes" OrderNumber="1" KeySequence="1"/>
        <def:leaf ID="LF.DM" xlink:href="dm.xpt"><def:title>dm.xpt</def:title></def:leaf>
      </ItemGroupDef>
      <ItemDef OID="IT.AGE" Name="AGE" DataType="integer" Length="2">
        <Description><TranslatedText xml:lang="en">Age</TranslatedText></Description>
        <def:Origin Type="CRF"/>
      </ItemDef>
    </MetaDataVersion>
  </Study>
</ODM>"""
    define = parse_define(text)
    assert define.version == "2.0"
    assert define.metadata.standard_name == "SDTM-IG"
    assert define.metadata.datasets[0].class_name == "SPECIAL PURPOSE"
    assert list_extras(define) == []
    assert schema_findings(etree.fromstring(define_bytes(define))) == []
    assert canonical(define_bytes(define)) == canonical(text)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1"])
def test_a_document_type_is_refused_in_every_encoding(encoding):
    text = f'<?xml version="1.0" encoding="{encoding}"?>\n<!DOCTYPE ODM [<!ENTITY a "b">]>\n<ODM>&a;</ODM>'
    with pytest.raises(MistakesError, match="document type"):
        parse_define(text.encode(encoding))


def test_a_tree_too_deep_is_a_mistake_not_a_crash():
    text = b"<ODM xmlns='http://www.cdisc.org/ns/odm/v1.3'>" + b"<a>" * 5000
    with pytest.raises(MistakesError, match="not well-formed"):
        parse_define(text)


def test_every_field_of_the_model_says_how_it_stands_in_xml(package):
    from cdiscway.define.model import walk

    for _, element in walk(build_define(package).odm):
        assert {slot.field for slot in slots_of(type(element))} | {"extras"} == set(type(element).__dataclass_fields__)


def test_an_order_the_schema_allows_in_places_is_kept(package):
    text = define_bytes(build_define(package)).decode()
    found = re.search(r"(<def:Origin Type=.*?</def:Origin>)(\s*)(<def:ValueListRef[^>]*/>)", text, re.DOTALL)
    changed = text.replace(found[0], found[3] + found[2] + found[1])
    found = re.search(r'(<def:Class Name="FINDINGS"/>)(\s*)(<def:leaf.*?</def:leaf>)', changed, re.DOTALL)
    changed = changed.replace(found[0], found[3] + found[2] + found[1])
    assert schema_findings(etree.fromstring(changed.encode())) == []
    define = parse_define(changed.encode())
    assert canonical(define_bytes(define)) == canonical(changed.encode())
    assert parse_define(define_bytes(define)) == define
    assert {extra.kind for _, extra in list_extras(define)} == {"order", "instruction"}


def test_an_order_no_schema_allows_is_kept_too(package):
    text = define_bytes(build_define(package)).decode()
    found = re.search(r"(<def:Standards>.*?</def:Standards>)(.*?)(<def:leaf ID=\"LF.acrf\")", text, re.DOTALL)
    changed = text.replace(found[0], found[2] + found[1] + found[3])
    assert canonical(define_bytes(parse_define(changed.encode()))) == canonical(changed.encode())


def test_prefixes_are_kept_wherever_they_are_declared(package):
    text = define_bytes(build_define(package)).decode()
    changed = (
        text.replace("def:", "d:")
        .replace("xmlns:def=", "xmlns:d=")
        .replace("<d:Standards>", '<d:Standards xmlns:v="urn:vendor" v:x="1">')
        .replace(' xmlns:xlink="http://www.w3.org/1999/xlink"', "")
        .replace("<d:leaf ", '<d:leaf xmlns:xlink="http://www.w3.org/1999/xlink" ')
    )
    assert canonical(define_bytes(parse_define(changed.encode()))) == canonical(changed.encode())
