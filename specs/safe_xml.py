"""Parse XML that somebody else wrote: no entities, no DTD, no network, no unbounded trees.

No file of a study needs a document type; one that has it is refused before any of it is interpreted, which closes the doors
of entity bombs (CWE-776) and external entities (CWE-611) together.
"""

from __future__ import annotations

from pathlib import Path
from xml.parsers import expat

from lxml import etree

from .mistakes import Mistake, MistakesError


class _DoctypeFoundError(Exception):
    """A document type declaration."""


class _RootFoundError(Exception):
    """The first element: all that could declare a document type is behind us."""


def parse_xml(data: bytes, name: str) -> etree._ElementTree:
    """Parse XML; raises MistakesError with file and line when it is not well-formed or declares a document type."""
    line = find_doctype(data)
    if line is not None:
        raise MistakesError([_doctype(name, line)])
    try:
        tree = etree.ElementTree(etree.fromstring(data, safe_parser()))
    except etree.XMLSyntaxError as error:
        raise MistakesError([Mistake(name, error.lineno or None, "", f"is not well-formed XML: {error.msg}")]) from None
    if tree.docinfo.internalDTD is not None:  # in an encoding that only the second parser knows
        raise MistakesError([_doctype(name, None)])
    return tree


def _doctype(name: str, line: int | None) -> Mistake:
    hint = "remove it: it is not needed, and could read other files or exhaust the memory"
    return Mistake(name, line, "", "declares a document type (DTD), which is not read", hint)


def read_xml(path: Path, name: str | None = None) -> etree._ElementTree:
    """Read and parse an XML file; see `parse_xml`."""
    shown = name or str(path)
    try:
        return parse_xml(path.read_bytes(), shown)
    except FileNotFoundError:
        raise MistakesError([Mistake(shown, None, "", "there is no such file")]) from None
    except OSError as error:
        raise MistakesError([Mistake(shown, None, "", f"cannot be read: {error.strerror}")]) from None


def safe_parser() -> etree.XMLParser:
    """Return a parser that resolves nothing outside the text, and no entity inside it."""
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)


def find_doctype(data: bytes) -> int | None:
    """Return the line of a document type declaration, or None; reads no further than the root's start tag."""
    parser = expat.ParserCreate()

    def doctype(*_: object) -> None:
        raise _DoctypeFoundError

    def element(*_: object) -> None:
        raise _RootFoundError

    parser.StartDoctypeDeclHandler = doctype
    parser.StartElementHandler = element
    try:
        parser.Parse(data, True)
    except _DoctypeFoundError:
        return parser.CurrentLineNumber
    except (_RootFoundError, expat.ExpatError, ValueError, LookupError):  # not well-formed, or an encoding expat lacks
        return None
    return None
