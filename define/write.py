"""Write the model as define.xml, with the stylesheet that shows it in browsers that still run XSLT."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from lxml import etree

from cdiscway.converters.whole_file import whole_file
from cdiscway.specs.mistakes import Mistake, MistakesError
from cdiscway.specs.safe_xml import safe_parser

from .model import (
    ARM_NAMESPACE,
    DEF_NAMESPACES,
    ODM_NAMESPACE,
    XLINK_NAMESPACE,
    DefineXml,
    Element,
    Extra,
    Slot,
    Version,
    slots_of,
    walk,
)
from .names import clark

STYLESHEET = "define2-1.xsl"
NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_define(model: DefineXml, path: Path) -> None:
    """Write a define.xml, and beside it the stylesheet it names (where it is the one we ship)."""
    data = define_bytes(model)
    if any(STYLESHEET in extra.value for extra in model.prolog if extra.kind == "instruction"):
        copy_stylesheet(path.parent)
    with whole_file(path) as file:
        file.write(data)


def copy_stylesheet(folder: Path) -> Path:
    """Copy the stylesheet (define2-1.xsl by Lex Jansen, MIT) into `folder`; return its path."""
    target = folder / STYLESHEET
    target.write_bytes((resources.files("defineutils.definehtml") / STYLESHEET).read_bytes())
    return target


def define_bytes(model: DefineXml) -> bytes:
    """Return the file: UTF-8, indented by two blanks, lines ended by LF; the same model gives the same bytes.

    Raises MistakesError with every text that XML cannot hold (control characters).
    """
    try:
        root, foreign = _tree(model)
    except ValueError:
        raise MistakesError(_unwritable(model)) from None
    _indent(root, 0, foreign)
    parts = [b'<?xml version="1.0" encoding="UTF-8"?>', *(_outside(extra) for extra in model.prolog)]
    parts.append(etree.tostring(root, encoding="UTF-8", xml_declaration=False))
    parts.extend(_outside(extra) for extra in model.epilog)
    return b"\n".join(parts) + b"\n"


def _unwritable(model: DefineXml) -> Iterator[Mistake]:
    """Name the texts that hold what XML 1.0 has no place for."""
    for path, element in walk(model.odm):
        for slot in slots_of(type(element)):
            value = getattr(element, slot.field)
            found = NO_XML.search(value) if isinstance(value, str) else None
            if found:
                message = f"holds the character U+{ord(found[0]):04X}, which XML cannot hold"
                yield Mistake("define.xml", None, f"{path} {slot.name}".strip(), message)


def _tree(model: DefineXml) -> tuple[etree._Element, set[etree._Element]]:
    """Return the root element of the model, and the elements it does not know, which are written as they were."""
    foreign: set[etree._Element] = set()
    names: Any = {prefix or None: uri for prefix, uri in model.namespaces} or default_namespaces(model)
    root = etree.Element(f"{{{ODM_NAMESPACE}}}ODM", nsmap=names)
    _fill(root, model.odm, model.version, foreign)
    return root, foreign


def default_namespaces(model: DefineXml) -> dict[str | None, str]:
    """Return the prefixes of a file of ours: ARM only where it has analysis results."""
    names: dict[str | None, str] = {None: ODM_NAMESPACE, "xlink": XLINK_NAMESPACE, "def": DEF_NAMESPACES[model.version]}
    if model.metadata.displays is not None:
        names["arm"] = ARM_NAMESPACE
    return names


@cache
def _plan(model: Any, version: Version) -> tuple[tuple[Slot, str], ...]:
    return tuple(
        (slot, clark(slot.name, version, is_attribute=slot.kind == "attribute") if slot.name else "")
        for slot in slots_of(model)
    )


def _fill(node: etree._Element, element: Element, version: Version, foreign: set[etree._Element]) -> None:
    for slot, name in _plan(type(element), version):  # type: ignore[arg-type]  # a class is hashable
        value = getattr(element, slot.field)
        if value is None or value == ():
            continue
        if slot.kind == "attribute":
            node.set(name, value)
        elif slot.kind == "text":
            node.text = value
        elif slot.kind == "child":
            _fill(_child(node, name, value), value, version, foreign)
        else:
            for item in value:
                _fill(_child(node, name, item), item, version, foreign)
    for extra in sorted(element.extras, key=lambda extra: extra.kind != "order"):  # places count in the right order
        _restore(node, extra, version, foreign)


def _child(node: etree._Element, name: str, element: Element) -> etree._Element:
    """Add a child, with the namespaces it declares itself."""
    if not element.extras:
        return etree.SubElement(node, name)
    declared: Any = {extra.name or None: extra.value for extra in element.extras if extra.kind == "namespace"}
    return etree.SubElement(node, name, nsmap=declared or None)


def _reorder(node: etree._Element, names: list[str]) -> None:
    """Put the children into the order of their names; what is not named stays behind them."""
    waiting: dict[str, deque[etree._Element]] = {}
    for item in node:
        waiting.setdefault(str(item.tag), deque()).append(item)
    ordered = [waiting[name].popleft() for name in names if waiting.get(name)]
    ordered += [item for items in waiting.values() for item in items]
    for item in ordered:
        node.append(item)


def _restore(node: etree._Element, extra: Extra, version: Version, foreign: set[etree._Element]) -> None:
    """Put back what the model does not hold, where it was."""
    if extra.kind == "namespace":
        return
    if extra.kind == "order":
        _reorder(node, [clark(name, version, is_attribute=False) for name in extra.value.split()])
        return
    if extra.kind == "attribute":
        node.set(extra.name, extra.value)
    elif extra.kind == "text":
        if extra.position == 0:
            node.text = (node.text or "") + extra.value
        else:
            before = node[extra.position - 1]
            before.tail = (before.tail or "") + extra.value
    else:
        restored = _node(extra)
        foreign.add(restored)
        node.insert(extra.position, restored)


def _node(extra: Extra) -> etree._Element:
    if extra.kind == "comment":
        return etree.Comment(extra.value)
    if extra.kind == "instruction":
        return etree.ProcessingInstruction(extra.name, extra.value)
    return etree.fromstring(extra.value, safe_parser())


def _outside(extra: Extra) -> bytes:
    return etree.tostring(_node(extra), encoding="UTF-8", xml_declaration=False)


def _indent(node: etree._Element, depth: int, foreign: set[etree._Element]) -> None:
    """Indent elements that hold elements; text, what stands beside it, and foreign elements are never touched."""
    if (
        not len(node)
        or node in foreign
        or (node.text and node.text.strip())
        or any(item.tail and item.tail.strip() for item in node)
    ):
        return
    inner, outer = "\n" + "  " * (depth + 1), "\n" + "  " * depth
    node.text = inner
    for item in node:
        item.tail = inner
        if isinstance(item.tag, str):
            _indent(item, depth + 1, foreign)
    node[-1].tail = outer
