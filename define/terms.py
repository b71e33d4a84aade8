"""Codelists of a define.xml: only the terms the data use, with NCI codes, decodes, and the sponsor's own marked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from cdiscway.converters.dataset import BuiltDataset
from cdiscway.specs.model import Codelist, Term, VariableSpec

from . import oids
from .input import CTPackage, DefineInput
from .model import Alias, CodeList, CodeListItem, EnumeratedItem, ExternalCodeList, describe

NCI = "nci:ExtCodeID"
MAX_SPONSOR_TERMS = 250
MAX_ALLOWED_TERMS = 25
DICTIONARIES = {
    "MedDRA": "MedDRA",
    "LOINC": "LOINC",
    "ISO 3166": "ISO 3166",
    "SNOMED": "SNOMED",
    "UNII": "UNII",
    "MED-RT": "MED-RT",
    "WHODrug": "WHODD",
    "ISO 21090": "ISO 21090",
}
"""What an IG says of a variable's content -> the dictionary as Define-XML terminology names it."""
DECODES = (("TESTCD", "TEST"), ("PARMCD", "PARM"), ("PARAMCD", "PARAM"), ("QNAM", "QLABEL"), ("ARMCD", "ARM"))
SPONSOR_LISTS = ("PARAMCD", "QNAM", "ARMCD", "ACTARMCD", "VISITNUM", "AVISITN", "TESTCD")


@dataclass
class _Wanted:
    """A codelist as its variables need it: terms in use by value, the list they come from, decodes seen in the data.

    `spoken`: its terms are words themselves (--TEST), which need no decode.
    """

    codelist: Codelist | None
    name: str
    data_type: str = "text"
    used: dict[str, Term] = field(default_factory=dict)
    decodes: dict[str, str] = field(default_factory=dict)
    conflict: bool = False
    spoken: bool = False


@dataclass
class CodelistBook:
    """Gathers the codelists of a package while its variables are described."""

    package: DefineInput
    standards: Mapping[CTPackage, str]
    _wanted: dict[str, _Wanted] = field(default_factory=dict)
    _external: dict[str, ExternalCodeList] = field(default_factory=dict)

    def bind(self, dataset: BuiltDataset, variable: VariableSpec, held: pd.Series[Any]) -> str | None:
        """Take in the terms a variable uses, its distinct values; return the OID of its codelist, None for none."""
        dictionary = self._dictionary(variable) if len(held) else None
        if dictionary:
            return dictionary
        if not variable.codelists and (len(held) > MAX_SPONSOR_TERMS or not is_code(dataset, variable)):
            return None
        values = texts_of(held)
        found = self._known(variable.codelists, values)
        if not found:
            return self._sponsor(dataset, variable, values)
        oid = "CL." + ".".join(codelist.code for codelist in found)
        wanted = self._wanted.setdefault(oid, _Wanted(found[0] if len(found) == 1 else None, _name(found, variable)))
        terms = {term.value: term for codelist in found for term in codelist.terms}
        if not values:
            values = allowed_terms(found)
            if not values and not wanted.used:
                self._wanted.pop(oid)
                return None
        wanted.spoken |= variable.name.endswith(("TEST", "PARM", "PARAM"))
        wanted.used |= {value: terms.get(value, Term(value=value)) for value in values}
        self._decode(wanted, decode_pairs(dataset, variable.name))
        return oid

    def bind_terms(self, dataset: BuiltDataset, variable: VariableSpec, values: Sequence[str]) -> str | None:
        """Bind what a variable holds under one condition, where at least one value is a term of its codelist."""
        found = self._known(variable.codelists, values)
        terms = {term.value for codelist in found for term in codelist.terms}
        return self.bind(dataset, variable, pd.Series(values, dtype="str")) if terms & set(values) else None

    def _known(self, codes: Sequence[str], values: Sequence[str]) -> list[Codelist]:
        """Return the codelists the values come from; all, where none does."""
        known = []
        for code in codes:
            try:
                known.append(self.package.terminology.codelist(code))
            except KeyError:
                continue
        used = set(values)
        hit = [codelist for codelist in known if used & {term.value for term in codelist.terms}]
        return hit or known[:1]

    def _dictionary(self, variable: VariableSpec) -> str | None:
        for words, name in DICTIONARIES.items():
            if words in variable.format:
                oid = f"CL.{oids.slug(name)}"
                given = next((item for item in self.package.dictionaries if item.name == name), None)
                self._external[oid] = ExternalCodeList(
                    dictionary=name,
                    version=(given.version or None) if given else None,
                    href=(given.href or None) if given else None,
                )
                return oid
        return None

    def _sponsor(self, dataset: BuiltDataset, variable: VariableSpec, values: Sequence[str]) -> str | None:
        """Bind a code of the sponsor's own (PARAMCD, QNAM, VISITNUM ...) to a list of the values with their decodes."""
        pairs = decode_pairs(dataset, variable.name)
        listed = variable.name.endswith(SPONSOR_LISTS) or bool(pairs)
        if not listed or not values or len(values) > MAX_SPONSOR_TERMS:
            return None
        shared = variable.name in ("VISITNUM", "ARMCD", "ACTARMCD")
        oid = f"CL.{variable.name}" if shared else f"CL.{dataset.name}.{variable.name}"
        name = variable.label if shared else f"{variable.label} ({dataset.name})"
        kind = "text" if variable.type == "Char" else "integer" if all("." not in v for v in values) else "float"
        wanted = self._wanted.setdefault(oid, _Wanted(None, name, kind))
        if kind == "float":
            wanted.data_type = kind
        wanted.used |= {value: Term(value=value) for value in values}
        self._decode(wanted, pairs)
        return oid

    @staticmethod
    def _decode(wanted: _Wanted, pairs: Mapping[str, str]) -> None:
        for value, decode in pairs.items():
            wanted.conflict |= wanted.decodes.setdefault(value, decode) != decode

    def codelists(self) -> tuple[CodeList, ...]:
        """Return the codelists gathered, by OID; external dictionaries last."""
        made = [self._make(oid, wanted) for oid, wanted in sorted(self._wanted.items(), key=lambda item: item[0])]
        for oid, external in sorted(self._external.items(), key=lambda item: item[0]):
            made.append(CodeList(oid=oid, name=external.dictionary, data_type="text", external=external))
        return tuple(made)

    def _make(self, oid: str, wanted: _Wanted) -> CodeList:
        standard = self._standard(wanted.codelist) if wanted.codelist else None
        decodes = {} if wanted.conflict else wanted.decodes
        decoded = {value: decodes.get(value) or term.decode for value, term in wanted.used.items()}
        telling = not wanted.spoken and any(
            text and text.casefold() != value.casefold() for value, text in decoded.items()
        )
        items: tuple[CodeListItem, ...] = ()
        enumerated: tuple[EnumeratedItem, ...] = ()
        ordered = sorted(wanted.used.values(), key=lambda term: sort_key(term.value))
        from_ct = wanted.codelist is not None
        if telling and all(decoded.values()):
            items = tuple(
                CodeListItem(decode=describe(decoded[term.value]), **_term(term, number, from_ct))
                for number, term in enumerate(ordered, 1)
            )
        else:
            enumerated = tuple(EnumeratedItem(**_term(term, number, from_ct)) for number, term in enumerate(ordered, 1))
        return CodeList(
            oid=oid,
            name=wanted.name,
            data_type=wanted.data_type,
            standard_oid=standard,
            is_non_standard=None if standard else "Yes",
            items=items,
            enumerated=enumerated,
            aliases=(Alias(context=NCI, name=wanted.codelist.code),) if wanted.codelist else (),
        )

    def _standard(self, codelist: Codelist) -> str | None:
        """Return the OID of the package a codelist comes from, by its name; else of the first package."""
        if codelist.package:
            try:
                return self.standards.get(CTPackage.parse(codelist.package))
            except ValueError:
                return None
        return next(iter(self.standards.values()), None)


def _term(term: Term, number: int, from_ct: bool) -> dict[str, Any]:
    return {
        "coded_value": term.value,
        "order_number": str(number),
        "extended_value": "Yes" if from_ct and term.extended else None,
        "aliases": () if term.extended else (Alias(context=NCI, name=term.code),),
    }


def _name(found: Sequence[Codelist], variable: VariableSpec) -> str:
    return found[0].label if len(found) == 1 else f"{variable.label} ({', '.join(item.name for item in found)})"


def allowed_terms(codelists: Sequence[Codelist]) -> list[str]:
    """Return all terms of a short codelist: what a variable without data might have held."""
    terms = [term.value for codelist in codelists for term in codelist.terms]
    return terms if len(terms) <= MAX_ALLOWED_TERMS else []


def is_code(dataset: BuiltDataset, variable: VariableSpec) -> bool:
    """Whether a variable without a CDISC codelist is a code of the sponsor's, which a list may decode."""
    decoded = variable.type == "Num" and decode_variable(dataset, variable.name) is not None
    return decoded or variable.name.endswith(SPONSOR_LISTS)


def decode_pairs(dataset: BuiltDataset, variable: str) -> dict[str, str]:
    """Return what each code of a variable stands for in the data; empty where a code stands for two things.

    --TESTCD is decoded by --TEST, PARAMCD by PARAM, QNAM by QLABEL, ARMCD by ARM, VISITNUM by VISIT, and a numeric
    xxN of ADaM by its xx.
    """
    decode = decode_variable(dataset, variable)
    if decode is None:
        return {}
    pairs = dataset.frame[[variable, decode]].dropna().drop_duplicates()
    codes = texts_of(pairs[variable])
    if len(set(codes)) != len(codes):
        return {}
    return dict(zip(codes, texts_of(pairs[decode]), strict=True))


def decode_variable(dataset: BuiltDataset, variable: str) -> str | None:
    """Return the variable that decodes `variable` (LBTEST for LBTESTCD), where the dataset has it."""
    names = set(dataset.spec.names)
    for code, decode in DECODES:
        if variable.endswith(code) and variable[: -len(code)] + decode in names:
            return variable[: -len(code)] + decode
    if variable == "VISITNUM" and "VISIT" in names:
        return "VISIT"
    if variable.endswith("N") and variable[:-1] in names and dataset.spec.variable(variable).type == "Num":
        return variable[:-1] if dataset.spec.variable(variable[:-1]).type == "Char" else None
    return None


def texts_of(values: pd.Series[Any]) -> list[str]:
    """Return values as the text a define.xml shows: 1.0 is "1", 1.5 is "1.5"."""
    if pd.api.types.is_numeric_dtype(values.dtype):
        return [format(value, ".15g") for value in values.tolist()]
    return [str(value) for value in values.tolist()]


def sort_key(value: str) -> tuple[int, float, str]:
    """Sort numbers as numbers, before words."""
    if re.fullmatch(r"-?\d+(\.\d+)?", value):
        return 0, float(value), value
    return 1, 0.0, value
