"""Read a define.xml (2.0 or 2.1, with or without ARM 1.0) into the model, losing nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from lxml import etree

from cdiscway.specs.mistakes import Mistake, MistakesError
from cdiscway.specs.safe_xml import parse_xml, read_xml

from .model import DEF_NAMESPACES, ODM, ODM_NAMESPACE, DefineXml, Element, Extra, Slot, Version, slots_of
from .names import clark

ElementT = TypeVar("ElementT", bound=Element)
Names = Mapping[str | None, str]


def read_define(path: Path) -> DefineXml:
    """Read a define.xml.

    Raises MistakesError when it is missing, not well-formed, declares a document type, or is no Define-XML 2.0 or 2.1.
    """
    return define_from_tree(read_xml(path), str(path))


def parse_define(data: bytes, name: str = "define.xml") -> DefineXml:
    """Read a define.xml from memory; see `read_define`."""
    return define_from_tree(parse_xml(data, name), name)


def define_from_tree(tree: etree._ElementTree, name: str) -> DefineXml:
    """Turn a parsed file into the model; see `read_define`."""
    root = tree.getroot()
    version = find_version(root, name)
    return DefineXml(
        version=version,
        odm=_read_element(root, ODM, version, root.nsmap),
        namespaces=tuple((prefix or "", uri) for prefix, uri in root.nsmap.items()),
        prolog=tuple(_outside(node) for node in reversed(list(root.itersiblings(preceding=True)))),
        epilog=tuple(_outside(node) for node in root.itersiblings()),
    )


def find_version(root: etree._Element, name: str) -> Version:
    """Return the Define-XML version by the namespace in use; raises MistakesError when it is none we know."""
    if root.tag != f"{{{ODM_NAMESPACE}}}ODM":
        message = f"the root is {root.tag}, not ODM of {ODM_NAMESPACE}"
        raise MistakesError([Mistake(name, _line(root), "", message)])
    used = {etree.QName(node).namespace for node in root.iter(f"{{{ODM_NAMESPACE}}}MetaDataVersion", "{*}Standards")}
    used |= set(root.nsmap.values())
    for node in root.iter(f"{{{ODM_NAMESPACE}}}MetaDataVersion"):
        used |= {etree.QName(key).namespace for key in node.attrib} | set(node.nsmap.values())
    for version, uri in reversed(DEF_NAMESPACES.items()):
        if uri in used:
            return "2.1" if version == "2.1" else "2.0"
    message = f"declares none of the namespaces of Define-XML ({', '.join(DEF_NAMESPACES.values())})"
    raise MistakesError([Mistake(name, _line(root), "ODM", message)])


def _line(node: etree._Element) -> int | None:
    line = node.sourceline
    return line if isinstance(line, int) else None


@cache
def _plan(model: Any, version: Version) -> tuple[dict[str, str], dict[str, Slot], str]:
    """Return the attributes (name to field), the children (tag to slot) and the text field of a model."""
    attributes, parts, text = {}, {}, ""
    for slot in slots_of(model):
        if slot.kind == "attribute":
            attributes[clark(slot.name, version, is_attribute=True)] = slot.field
        elif slot.kind == "text":
            text = slot.field
        else:
            parts[clark(slot.name, version, is_attribute=False)] = slot
    return attributes, parts, text


def _read_element(node: etree._Element, model: type[ElementT], version: Version, names: Names) -> ElementT:
    attributes, parts, text = _plan(model, version)  # type: ignore[arg-type]  # a class is hashable
    values: dict[str, Any] = {}
    declared = node.nsmap
    extras = [Extra("namespace", p or "", uri) for p, uri in declared.items() if names.get(p) != uri]
    for key, value in node.attrib.items():
        if key in attributes:
            values[attributes[key]] = value
        else:
            extras.append(Extra("attribute", str(key), str(value)))
    many: dict[str, list[Element]] = defaultdict(list)
    order: list[Slot] = []
    for position, item in enumerate(node):
        slot = parts.get(item.tag) if isinstance(item.tag, str) else None
        if slot is None or slot.model is None or (slot.kind == "child" and slot.field in values):
            extras.append(_inside(item, position))
        elif slot.kind == "child":
            values[slot.field] = _read_element(item, slot.model, version, declared)
            order.append(slot)
        else:
            many[slot.field].append(_read_element(item, slot.model, version, declared))
            order.append(slot)
    if order != sorted(order, key=list(parts.values()).index):
        extras.append(Extra("order", "", " ".join(slot.name for slot in order)))
    values |= {name: tuple(items) for name, items in many.items()}
    if text:
        values[text] = (node.text or "") + "".join(item.tail or "" for item in node)
    else:
        extras.extend(_stray_text(node))
    return model(extras=tuple(extras), **values)


def _stray_text(node: etree._Element) -> list[Extra]:
    """Text where the specification has none: kept, at its place."""
    texts = [node.text, *(item.tail for item in node)]
    return [Extra("text", "", text, place) for place, text in enumerate(texts) if text and text.strip()]


def _inside(node: etree._Element, position: int) -> Extra:
    extra = _outside(node)
    return Extra(extra.kind, extra.name, extra.value, position)


def _outside(node: etree._Element) -> Extra:
    if isinstance(node, etree._Comment):
        return Extra("comment", "", node.text or "")
    if isinstance(node, etree._ProcessingInstruction):
        return Extra("instruction", str(node.target or ""), node.text or "")
    return Extra("element", str(node.tag), etree.tostring(node, encoding="unicode", with_tail=False))
