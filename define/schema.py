"""Judge a define.xml by the XML schemas (odmlib ships them): no network, no file but theirs."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from lxml import etree
from odmlib.schema_manager import get_schema_path

from cdiscway.validation.finding import Finding

from .model import DEF_NAMESPACES, Version

SCHEMAS: dict[Version, tuple[str, str]] = {"2.1": ("arm", "1.0-define2.1"), "2.0": ("arm", "1.0")}
"""The ARM schemas hold the Define-XML schema and allow analysis results in it."""


@cache
def load_schema(version: Version) -> etree.XMLSchema:
    """Return the schema of a Define-XML version."""
    parser = etree.XMLParser(no_network=True, resolve_entities=False)
    return etree.XMLSchema(etree.parse(get_schema_path(*SCHEMAS[version]), parser))


def schema_findings(root: etree._Element, version: Version | None = None) -> list[Finding]:
    """Return one finding for each place where the schema (of the version the root declares) does not hold."""
    declared: Version = "2.0" if DEF_NAMESPACES["2.0"] in root.nsmap.values() else "2.1"
    schema = load_schema(version or declared)
    schema.validate(root)
    log: Any = schema.error_log
    return [
        Finding(
            rule="CDW-DEF-XSD",
            severity="error",
            dataset="define.xml",
            message=f"line {entry.line}: {plain(entry.message)}",
            record=entry.line,
            fix_in="spec",
        )
        for entry in log
    ]


def plain(message: str) -> str:
    """Take the namespaces out of a schema message: a reader knows the names."""
    return re.sub(r"\{http[^}]*\}", "", message)
