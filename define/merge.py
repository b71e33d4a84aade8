"""Bring the edits of a specification workbook into the define.xml it was made from.

A workbook holds less than a define.xml. Three models tell what was edited: `base` is the define.xml, `back` what its own
workbook says when it is read again, `edited` what the workbook says now. Where `edited` is as `back`, `base` stands.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar

from .model import DefineXml, Element, identity, slots_of

ElementT = TypeVar("ElementT", bound=Element)


def merge_define(base: DefineXml, back: DefineXml, edited: DefineXml) -> DefineXml:
    """Return the define.xml with the edits; see the module."""
    return replace(base, odm=merge(base.odm, back.odm, edited.odm))


def merge(base: ElementT, back: ElementT, edited: ElementT) -> ElementT:
    """Return an element with the edits."""
    if edited == back:
        return base
    changed: dict[str, Any] = {}
    for slot in slots_of(type(base)):
        ours, before, now = (getattr(element, slot.field) for element in (base, back, edited))
        if now == before:
            continue
        if slot.kind == "children":
            changed[slot.field] = _merge_children(ours, before, now)
        elif slot.kind == "child" and None not in (ours, before, now):
            changed[slot.field] = merge(ours, before, now)
        else:
            changed[slot.field] = now
    return replace(base, **changed)


def _merge_children(
    base: tuple[Element, ...], back: tuple[Element, ...], edited: tuple[Element, ...]
) -> tuple[Element, ...]:
    """Merge each child with the one of its identity; what the workbook never held stays where it is."""
    ours, before, now = (_by_identity(items) for items in (base, back, edited))
    merged = {
        key: merge(ours[key], before[key], item) if key in ours and key in before else item for key, item in now.items()
    }
    unheld = [key for key in ours if key not in before]
    moved = [key for key in now if key in before] != [key for key in before if key in now]
    if moved:
        return (*merged.values(), *(ours[key] for key in unheld))
    return tuple(merged.get(key) or ours[key] for key in _order(list(ours), list(now), set(before)))


def _order(ours: list[str], now: list[str], before: set[str]) -> list[str]:
    """Return the order of the define.xml, without what was taken out; what is new follows what it was put after."""
    order = [key for key in ours if key in now or key not in before]
    for place, key in enumerate(now):
        if key not in order:
            order.insert(order.index(now[place - 1]) + 1 if place else 0, key)
    return order


def _by_identity(items: tuple[Element, ...]) -> dict[str, Element]:
    """Name children by OID; those without one by their place."""
    named: dict[str, Element] = {}
    for place, item in enumerate(items):
        name = identity(item)
        named[name if name and name not in named else f"#{place}"] = item
    return named
