"""Bring what a spec says of one variable into its definition."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from cdiscway.specs.model import DatasetSpec, VariableSpec

from .measure import DATE_TYPES
from .model import (
    CodeList,
    CodeListRef,
    DefineXml,
    EnumeratedItem,
    ExternalCodeList,
    ItemDef,
    Origin,
    describe,
)
from .oids import slug
from .specs import codelist_code, predecessor_of
from .terms import DICTIONARIES

NUMBERS = ("integer", "float")
DURATION = "ISO 8601 duration"


def edit_item(
    define: DefineXml, spec: DatasetSpec, item: ItemDef, variable: VariableSpec, before: VariableSpec | None
) -> tuple[ItemDef, tuple[CodeList, ...]]:
    """Return a definition with what differs from its spec before, and the codelists with those it needs.

    Raises KeyError for a codelist that is not there.
    """
    names = VariableSpec.model_fields
    differs = {name for name in names if before is None or getattr(variable, name) != getattr(before, name)}
    values: dict[str, Any] = {}
    if "label" in differs:
        values["description"] = describe(variable.label)
    if "display_format" in differs:
        values["display_format"] = variable.display_format or None
    if differs & {"type", "format", "display_format", "length"}:
        values |= _measures(item, variable)
    if "predecessor" in differs and variable.predecessor != predecessor_of(item):
        values["origins"] = _origins(item, variable)
    codelists = define.metadata.codelists
    if differs & {"codelists", "format", "values"}:
        oid, codelists = _codelist(define, spec, variable)
        values["codelist"] = CodeListRef(codelist_oid=oid) if oid else None
    return replace(item, **values), codelists


def _measures(item: ItemDef, variable: VariableSpec) -> dict[str, Any]:
    """Return data type and length: those of the definition where they fit, else what a spec alone can tell."""
    kind = data_type_of(variable, item.data_type)
    if kind == "text":
        length = str(variable.length) if variable.length else None
        return {"data_type": kind, "length": length, "significant_digits": None}
    if kind == item.data_type:
        return {}
    return {"data_type": kind, "length": "8" if kind == "integer" else None, "significant_digits": None}


def data_type_of(variable: VariableSpec, current: str | None) -> str:
    """Return the data type a spec asks for: the current one where it fits, else the widest."""
    if variable.type == "Num":
        fits = current in NUMBERS or (current in DATE_TYPES and variable.display_format)
        return current if fits and current else "integer"
    if is_duration(variable.format):
        return "durationDatetime"
    if variable.format.startswith("ISO 8601"):
        return current if current in (*DATE_TYPES, "intervalDatetime") else "datetime"
    other = (*NUMBERS, *DATE_TYPES, "durationDatetime", "intervalDatetime")
    return current if current and current not in other else "text"


def is_duration(words: str) -> bool:
    """Whether a spec's format is a duration only."""
    return words.startswith("ISO 8601") and "duration" in words and "datetime" not in words


def dictionary_of(words: str) -> str | None:
    """Return the external dictionary a spec's format names, as Define-XML writes it."""
    return next((name for key, name in DICTIONARIES.items() if key in words or name == words), None)


def _origins(item: ItemDef, variable: VariableSpec) -> tuple[Origin, ...]:
    """Return the origins with the variable that is copied; a predecessor that was taken out stays to be reported."""
    if not variable.predecessor:
        return item.origins
    others = tuple(origin for origin in item.origins if origin.type != "Predecessor")
    return (Origin(type="Predecessor", description=describe(variable.predecessor)), *others)


def _codelist(define: DefineXml, spec: DatasetSpec, variable: VariableSpec) -> tuple[str | None, tuple[CodeList, ...]]:
    """Return the codelist a variable asks for: one by its code or name, a dictionary, or its literal values."""
    listed = define.metadata.codelists
    if variable.codelists:
        return find_codelist(define, variable.codelists[0]), listed
    dictionary = dictionary_of(variable.format)
    if dictionary:
        known = next((c.oid for c in listed if c.external and c.external.dictionary == dictionary), None)
        made = CodeList(
            oid=f"CL.{slug(dictionary)}",
            name=dictionary,
            data_type="text",
            external=ExternalCodeList(dictionary=dictionary),
        )
        return (known, listed) if known else (made.oid, (*listed, made))
    if not variable.values:
        return None, listed
    made = CodeList(
        oid=f"CL.{spec.name}.{variable.name}",
        name=f"{variable.label or variable.name} ({spec.name})",
        data_type="text",
        is_non_standard=None if define.version == "2.0" else "Yes",
        enumerated=tuple(EnumeratedItem(coded_value=value) for value in variable.values),
    )
    return made.oid, (*(codelist for codelist in listed if codelist.oid != made.oid), made)


def find_codelist(define: DefineXml, word: str) -> str:
    """Return the OID of the codelist of that name or NCI code; raises KeyError where there is none, or several."""
    listed = [codelist for codelist in define.metadata.codelists if not codelist.external]
    for codelist in listed:
        if word in (codelist.oid, (codelist.oid or "").removeprefix("CL.")):
            return codelist.oid or ""
    coded = [codelist.oid or "" for codelist in listed if codelist_code(codelist) == word]
    if not coded:
        raise KeyError(word)
    return coded[0]


def same_variable_word(name: str, wanted: VariableSpec, got: VariableSpec, define: DefineXml) -> bool:
    """Whether the define.xml says what a spec says in the field `name`, in its own words where they differ.

    Define-XML tells only Req from the rest (Mandatory); has no length for numbers in bytes; knows a dictionary by its
    name; and holds literal values as a codelist of the sponsor's.
    """
    if getattr(wanted, name) == getattr(got, name):
        return True
    judge = SAME.get(name)
    return judge is not None and judge(wanted, got, define)


def _same_core(wanted: VariableSpec, got: VariableSpec, _: DefineXml) -> bool:
    return (wanted.core == "Req") == (got.core == "Req")


def _same_length(wanted: VariableSpec, _got: VariableSpec, _: DefineXml) -> bool:
    return wanted.type == "Num" and wanted.length in (None, 8)


def _same_format(wanted: VariableSpec, got: VariableSpec, _: DefineXml) -> bool:
    mine, there = wanted.format, got.format
    if dictionary_of(mine):
        return dictionary_of(mine) == dictionary_of(there)
    return mine.startswith("ISO 8601") and there.startswith("ISO 8601") and is_duration(mine) == is_duration(there)


def _same_values(wanted: VariableSpec, got: VariableSpec, define: DefineXml) -> bool:
    return bool(wanted.values) and not wanted.codelists and _held(define, got) == wanted.values


def _same_codelists(wanted: VariableSpec, got: VariableSpec, define: DefineXml) -> bool:
    if not wanted.codelists:
        return _same_values(wanted, got, define)
    try:
        found = [find_codelist(define, word) for word in wanted.codelists]
        return len(found) == 1 and found == [find_codelist(define, word) for word in got.codelists]
    except KeyError:
        return False


def _held(define: DefineXml, got: VariableSpec) -> tuple[str, ...]:
    oid = got.codelists[0] if got.codelists else ""
    return next((codelist.values for codelist in define.metadata.codelists if codelist.oid == oid), ())


SAME: dict[str, Callable[[VariableSpec, VariableSpec, DefineXml], bool]] = {
    "core": _same_core,
    "length": _same_length,
    "format": _same_format,
    "values": _same_values,
    "codelists": _same_codelists,
}
"""Where Define-XML says the same thing in other words."""
