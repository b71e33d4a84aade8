"""XML from elsewhere is parsed without a document type, in whatever encoding it hides."""

from __future__ import annotations

import pytest

from cdiscway.specs.mistakes import MistakesError
from cdiscway.specs.safe_xml import parse_xml

DOCTYPE = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]>'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "cp1252", "shift_jis", "euc-jp"])
def test_a_document_type_is_refused_in_every_encoding(encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?>\n{DOCTYPE}\n<a>&x;</a>'
    with pytest.raises(MistakesError, match="declares a document type"):
        parse_xml(text.encode(encoding), "a.xml")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "cp1252", "shift_jis", "euc-jp"])
def test_text_is_read_in_every_encoding(encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?>\n<a>cm2</a>'
    assert parse_xml(text.encode(encoding), "a.xml").getroot().text == "cm2"


def test_what_is_not_well_formed_is_named_with_its_line() -> None:
    with pytest.raises(MistakesError, match=r"a\.xml:2: is not well-formed XML"):
        parse_xml(b"<a>\n<b></a>", "a.xml")
