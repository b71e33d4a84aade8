"""A define.xml as specs: the datasets and codelists a study can start from; `edits.py` brings them back.

Specs hold what a mapping needs. All else stays in the define.xml that is kept beside them; `Specs.unheld` lists what a
spec could not take.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import ValidationError

from cdiscway.specs.model import Codelist, DatasetSpec, ObservationClass, Term

from .excel_sheets import OTHER_STANDARDS
from .index import Index, Variable, keys_of, number
from .measure import DATE_TYPES
from .model import CodeList, DefineXml, ItemDef, ItemGroupDef
from .write import write_define

CLASSES = {name.upper().replace("-", " "): name for name in get_args(ObservationClass)}
NCI = "nci:ExtCodeID"


@dataclass(frozen=True)
class Specs:
    """Datasets and codelists of a define.xml; `unheld` says what a spec could not take, and why."""

    datasets: tuple[DatasetSpec, ...]
    codelists: tuple[Codelist, ...]
    unheld: tuple[str, ...] = ()


def specs_of(define: DefineXml) -> Specs:
    """Return the specs of a define.xml."""
    index, unheld = Index(define), list[str]()
    datasets = []
    for dataset in define.metadata.datasets:
        try:
            datasets.append(dataset_spec(index, dataset))
        except ValidationError as error:
            unheld += [f"{dataset.name}.{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
    codelists = tuple(codelist_spec(define, item) for item in define.metadata.codelists if not item.external)
    return Specs(tuple(datasets), codelists, (*unheld, *_unheld(index)))


def dataset_spec(index: Index, dataset: ItemGroupDef) -> DatasetSpec:
    """Return the spec of a dataset; raises pydantic's ValidationError where the define.xml holds what no spec can."""
    variables = list(index.variables(dataset))
    subclasses = dataset.observation_class.subclasses if dataset.observation_class else ()
    return DatasetSpec.model_validate(
        {
            "name": dataset.name,
            "label": dataset.description.text if dataset.description else "",
            "class": CLASSES.get(dataset.class_name.upper(), dataset.class_name),
            "structure": dataset.structure or "",
            "keys": tuple(keys_of(variables)),
            "standard": _standard(index.define, dataset),
            "subclass": next((item.name or "" for item in subclasses), ""),
            "variables": tuple(_variable(index, variable) for variable in variables),
        }
    )


def _variable(index: Index, variable: Variable) -> dict[str, Any]:
    item, codelist = variable.item, index.codelist(variable.item)
    numeric = item.data_type in ("integer", "float") or bool(item.data_type in DATE_TYPES and item.display_format)
    named = codelist.external.dictionary if codelist and codelist.external else None
    iso = "ISO 8601 duration" if item.data_type == "durationDatetime" else "ISO 8601 datetime or interval"
    dated = not numeric and item.data_type in (*DATE_TYPES, "durationDatetime", "intervalDatetime")
    return {
        "name": variable.name,
        "label": variable.label,
        "type": "Num" if numeric else "Char",
        "role": variable.ref.role or "",
        "core": "Req" if variable.ref.mandatory == "Yes" else "Perm",
        "codelists": (codelist_code(codelist),) if codelist and not codelist.external else (),
        "format": named or (iso if dated else ""),
        "display_format": item.display_format or "",
        "length": None if numeric else number(item.length),
        "predecessor": predecessor_of(item),
    }


def predecessor_of(item: ItemDef) -> str:
    """Return the variable a definition says its values are copied from (DM.AGE); empty where it names none."""
    for origin in item.origins:
        words = origin.description.text if origin.type == "Predecessor" and origin.description else ""
        if re.fullmatch(r"[A-Z][A-Z0-9]{0,7}\.[A-Z][A-Z0-9_]{0,7}", words):
            return words
    return ""


def codelist_code(codelist: CodeList) -> str:
    """Return the NCI code of a codelist; a sponsor's own is known by its OID."""
    return next((alias.name for alias in codelist.aliases if alias.context == NCI and alias.name), codelist.oid or "")


def _standard(define: DefineXml, dataset: ItemGroupDef) -> str:
    listed = define.metadata.standards.standards if define.metadata.standards else ()
    found = next((item for item in listed if item.oid == dataset.standard_oid), None)
    if found:
        return f"{found.name} {found.version}"
    name = define.metadata.standard_name or ""
    return " ".join(part for part in (OTHER_STANDARDS.get(name, name), define.metadata.standard_version) if part)


def codelist_spec(define: DefineXml, codelist: CodeList) -> Codelist:
    """Return a codelist of a define.xml as a spec; its name is its OID without the prefix."""
    listed = define.metadata.standards.standards if define.metadata.standards else ()
    package = next((item for item in listed if item.oid == codelist.standard_oid and item.type == "CT"), None)
    terms = []
    for term in codelist.terms:
        decode = getattr(term, "decode", None)
        code = next((alias.name or "" for alias in term.aliases if alias.context == NCI), "")
        terms.append(Term(value=term.coded_value or "", code=code, decode=decode.text if decode else ""))
    return Codelist(
        code=codelist_code(codelist),
        name=(codelist.oid or "").removeprefix("CL."),
        label=codelist.name or "",
        extensible=any(term.extended_value for term in codelist.terms),
        package=f"{package.publishing_set} CT {package.version}" if package else "",
        terms=tuple(terms),
    )


def _unheld(index: Index) -> Iterator[str]:
    """Say what specs have no place for; it stays in the define.xml beside them."""
    metadata = index.define.metadata
    counted = {
        "value-level definitions": sum(len(item.items) for item in metadata.value_lists),
        "conditions": len(metadata.where_clauses),
        "origins": sum(len(item.origins) for item in metadata.items),
        "methods": len(metadata.methods),
        "comments": len(metadata.comments),
        "documents": len(metadata.leaves),
        "external dictionaries' versions": sum(bool(item.external) for item in metadata.codelists),
        "analysis results": sum(len(item.results) for item in metadata.displays.displays) if metadata.displays else 0,
    }
    yield from (f"{count} {name}" for name, count in counted.items() if count)


def write_specs(define: DefineXml, folder: Path) -> Specs:
    """Write a define.xml as specs: `specs/*.yaml`, `codelists.yaml`, and `define.xml`, which keeps all else."""
    found = specs_of(define)
    (folder / "specs").mkdir(parents=True, exist_ok=True)
    for spec in found.datasets:
        text = _yaml(_slim(spec.model_dump(mode="json", by_alias=True)))
        (folder / "specs" / f"{spec.name.lower()}.yaml").write_text(text, encoding="utf-8")
    lists = [_slim(item.model_dump(mode="json")) for item in found.codelists]
    (folder / "codelists.yaml").write_text(_yaml(lists), encoding="utf-8")
    write_define(define, folder / "define.xml")
    return found


def _slim(data: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is empty: a spec says it by its default."""
    return {
        key: [_slim(item) if isinstance(item, dict) else item for item in value] if isinstance(value, list) else value
        for key, value in data.items()
        if value not in (None, "", [], {}) or key in ("label", "structure", "standard")
    }


def _yaml(data: Any) -> str:
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=110)
