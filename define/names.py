"""The names of Define-XML as the specification writes them (`def:Class`), and as lxml does (`{uri}Class`)."""

from __future__ import annotations

from functools import cache

from .model import ARM_NAMESPACE, DEF_NAMESPACES, ODM_NAMESPACE, XLINK_NAMESPACE, XML_NAMESPACE, Version


@cache
def clark(name: str, version: Version, *, is_attribute: bool) -> str:
    """Return lxml's name of an element or attribute.

    >>> clark("def:leaf", "2.1", is_attribute=False)
    '{http://www.cdisc.org/ns/def/v2.1}leaf'
    >>> clark("OID", "2.1", is_attribute=True)
    'OID'
    """
    prefix, _, local = name.rpartition(":")
    if not prefix:
        return local if is_attribute else f"{{{ODM_NAMESPACE}}}{local}"
    return f"{{{prefixes(version)[prefix]}}}{local}"


@cache
def prefixes(version: Version) -> dict[str, str]:
    """Return the namespaces by the prefixes the specification uses."""
    return {
        "def": DEF_NAMESPACES[version],
        "xlink": XLINK_NAMESPACE,
        "arm": ARM_NAMESPACE,
        "xml": XML_NAMESPACE,
    }
