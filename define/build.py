"""Build the define.xml of a package from the datasets as they are: spec and data cannot disagree with it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from cdiscway.converters.dataset import BuiltDataset, Provenance
from cdiscway.specs.model import VariableSpec

from . import oids
from .input import CTPackage, DefineInput, Dictionary, Document
from .measure import DATE_TYPES, Measure, distinct, measure_dates, measure_numbers, measure_texts
from .model import (
    ODM,
    Alias,
    CodeListRef,
    CommentDef,
    DefineXml,
    DocumentRef,
    Documents,
    Extra,
    FormalExpression,
    GlobalVariables,
    ItemDef,
    ItemGroupDef,
    ItemRef,
    Leaf,
    MetaDataVersion,
    MethodDef,
    ObservationClass,
    Origin,
    PDFPageRef,
    PlainText,
    RangeCheck,
    Standard,
    Standards,
    Study,
    SubClass,
    ValueListDef,
    ValueListRef,
    WhereClauseDef,
    WhereClauseRef,
    describe,
)
from .terms import CodelistBook
from .valuelevel import ValueLevel, value_levels

__all__ = ["CTPackage", "DefineInput", "Dictionary", "Document", "build_define"]

DEFAULT_SOURCE = {"Collected": "Investigator", "Derived": "Sponsor", "Assigned": "Sponsor", "Protocol": "Sponsor"}
GUIDES = (
    *("ADaM-OCCDSIG", "ADaMIG", "ADaMIG-MD", "ADaMIG-NCA", "ADaMIG-popPK", "BIMO", "SDTMIG", "SDTMIG-AP", "SDTMIG-MD"),
    *("SENDIG", "SENDIG-AR", "SENDIG-DART", "SENDIG-GENETOX"),
)
"""The implementation guides Define-XML 2.1 can name (Standard, attribute Name)."""
PUBLISHING_SETS = ("ADaM", "CDASH", "DEFINE-XML", "SDTM", "SEND")
NO_RECORDS = "No records were collected for this dataset."
NO_VALUES = "No data were collected for this variable."
ONE_PER_SUBJECT = {"STUDYID", "DOMAIN", "USUBJID", "SUBJID"}
SUBJECTS = ("USUBJID", "POOLID", "SPDEVID", "RSUBJID")


@dataclass
class _Draft:
    """The definitions gathered while the datasets are described."""

    package: DefineInput
    codelists: CodelistBook
    standards: Mapping[str, str]
    items: list[ItemDef] = field(default_factory=list)
    value_items: list[ItemDef] = field(default_factory=list)
    value_lists: list[ValueListDef] = field(default_factory=list)
    where_clauses: dict[tuple[str, tuple[tuple[str, str], ...]], WhereClauseDef] = field(default_factory=dict)
    methods: list[MethodDef] = field(default_factory=list)
    comments: list[CommentDef] = field(default_factory=list)
    unique: oids.Distinct = field(default_factory=oids.Distinct)
    by_value: set[tuple[str, str]] = field(default_factory=set)


def build_define(package: DefineInput) -> DefineXml:
    """Return the define.xml 2.1 of a package; pure: the same package gives the same model."""
    standards, by_name, terminology = describe_standards(package)
    draft = _Draft(package, CodelistBook(package, terminology), by_name)
    datasets = tuple(_describe_dataset(draft, dataset) for dataset in package.datasets)
    metadata = MetaDataVersion(
        oid=f"MDV.{oids.slug(package.study_id)}.{oids.slug(package.standard)}",
        name=f"Study {package.study_name}, Data Definitions ({package.standard})",
        description=f"Data definitions of the {package.standard} datasets of study {package.study_name}",
        define_version="2.1.0",
        standards=Standards(standards=standards),
        annotated_crf=_documents(package, "acrf"),
        supplemental_doc=_documents(package, "supplemental"),
        value_lists=tuple(draft.value_lists),
        where_clauses=(*draft.where_clauses.values(), *package.result_conditions),
        datasets=datasets,
        items=(*draft.items, *draft.value_items),
        codelists=draft.codelists.codelists(),
        methods=tuple(draft.methods),
        comments=tuple(draft.comments),
        leaves=tuple(_leaf(item.id, item.href, item.title) for item in package.documents),
        displays=package.results,
    )
    prolog = Extra("instruction", "xml-stylesheet", f'type="text/xsl" href="{package.stylesheet}"')
    return DefineXml(version="2.1", odm=_root(package, metadata), prolog=(prolog,) if package.stylesheet else ())


def _root(package: DefineInput, metadata: MetaDataVersion) -> ODM:
    names = GlobalVariables(
        study_name=PlainText(text=package.study_name),
        study_description=PlainText(text=package.study_description),
        protocol_name=PlainText(text=package.protocol),
    )
    return ODM(
        odm_version="1.3.2",
        file_type="Snapshot",
        file_oid=f"DEF.{oids.slug(package.study_id)}.{oids.slug(package.standard)}",
        creation_date_time=package.created.isoformat(timespec="seconds"),
        originator=package.originator or None,
        source_system=package.source_system or None,
        source_system_version=package.source_system_version or None,
        context=package.context,
        study=Study(oid=f"STDY.{oids.slug(package.study_id)}", global_variables=names, metadata=metadata),
    )


def describe_standards(
    package: DefineInput,
) -> tuple[tuple[Standard, ...], dict[str, str], dict[CTPackage, str]]:
    """Return the standards of a package: as elements, implementation guides by name, terminology by package."""
    guides = dict.fromkeys([package.standard, *(dataset.spec.standard for dataset in package.datasets)])
    listed: list[Standard] = []
    by_name: dict[str, str] = {}
    for guide in guides:
        name, _, version = guide.rpartition(" ")
        if name not in GUIDES:  # BDS for TTE 1.0 is no standard Define-XML can name: its datasets follow the ADaMIG
            continue
        if version:
            by_name[guide] = f"STD.{oids.slug(guide)}"
            listed.append(Standard(oid=by_name[guide], name=name, type="IG", version=version, status="Final"))
    terminology: dict[CTPackage, str] = {}
    for item in dict.fromkeys(CTPackage.parse(name) for name in package.ct_packages):
        if item.publishing_set in PUBLISHING_SETS:
            terminology[item] = f"STD.CT.{item.publishing_set}.{item.version}"
            listed.append(
                Standard(
                    oid=terminology[item],
                    name="CDISC/NCI",
                    type="CT",
                    publishing_set=item.publishing_set,
                    version=item.version,
                    status="Final",
                )
            )
    return tuple(listed), by_name, terminology


def _describe_dataset(draft: _Draft, dataset: BuiltDataset) -> ItemGroupDef:
    spec, empty = dataset.spec, dataset.frame.empty
    standard = draft.standards.get(spec.standard) or draft.standards.get(draft.package.standard)
    value_lists = _describe_values(draft, dataset)
    items = tuple(
        _describe_variable(draft, dataset, variable, number, value_lists.get(variable.name))
        for number, variable in enumerate(spec.variables, 1)
    )
    comment = draft.package.comments.get(dataset.name, NO_RECORDS if empty else "")
    parent = spec.name[4:] if spec.name.startswith("SUPP") else ""
    leaf = None if empty else _leaf(spec.name, f"{spec.name.lower()}.xpt", f"{spec.name.lower()}.xpt")
    return ItemGroupDef(
        oid=oids.dataset_oid(spec.name),
        name=spec.name,
        domain=None if draft.package.is_analysis else parent or _domain(dataset),
        repeating="Yes" if is_repeating(dataset) else "No",
        is_reference_data="No" if _has_subjects(dataset) else "Yes",
        sas_dataset_name=spec.name,
        purpose="Analysis" if draft.package.is_analysis else "Tabulation",
        structure=spec.structure,
        standard_oid=standard,
        is_non_standard=None if standard else "Yes",
        has_no_data="Yes" if empty else None,
        archive_location_id=leaf.id if leaf else None,
        comment_oid=_comment(draft, dataset.name, comment),
        description=describe(spec.label),
        items=items,
        aliases=_domain_alias(draft.package, parent),
        observation_class=ObservationClass(
            name=spec.define_class, subclasses=(SubClass(name=spec.subclass.upper()),) if spec.subclass else ()
        ),
        leaf=leaf,
    )


def _domain(dataset: BuiltDataset) -> str:
    """Return the domain code of a tabulation dataset, which a split dataset shares with its siblings."""
    if "DOMAIN" in dataset.spec.names:
        found = [*distinct(dataset.frame["DOMAIN"]).tolist(), *dataset.spec.variable("DOMAIN").values]
        if found:
            return str(found[0])
    return dataset.name


def _domain_alias(package: DefineInput, parent: str) -> tuple[Alias, ...]:
    labels = {dataset.name: dataset.spec.label for dataset in package.datasets}
    return (Alias(context="DomainDescription", name=labels[parent]),) if parent in labels else ()


def _has_subjects(dataset: BuiltDataset) -> bool:
    return any(name in SUBJECTS for name in dataset.spec.names)


def is_repeating(dataset: BuiltDataset) -> bool:
    """Whether a subject may have several records (Define-XML 2.1, ItemGroupDef Repeating); never for reference data."""
    return _has_subjects(dataset) and not set(dataset.spec.keys) <= ONE_PER_SUBJECT


def _describe_variable(
    draft: _Draft, dataset: BuiltDataset, variable: VariableSpec, number: int, value_list: str | None
) -> ItemRef:
    key = f"{dataset.name}.{variable.name}"
    origin = dataset.provenance.get(variable.name)
    values = distinct(dataset.frame[variable.name])
    empty = values.empty
    measure = measure_variable(dataset, variable, values)
    by_value = (dataset.name, variable.name) in draft.by_value
    codelist = None if by_value else draft.codelists.bind(dataset, variable, values)
    comment = draft.package.comments.get(key, (origin.comment if origin else "") or (NO_VALUES if empty else ""))
    draft.items.append(
        ItemDef(
            oid=oids.item_oid(dataset.name, variable.name),
            name=variable.name,
            data_type=measure.data_type,
            length=_text(measure.length),
            significant_digits=_text(measure.significant_digits),
            sas_field_name=variable.name,
            display_format=variable.display_format or measure.display_format or None,
            comment_oid=_comment(draft, key, comment),
            description=describe(variable.label),
            codelist=CodeListRef(codelist_oid=codelist) if codelist else None,
            origins=_origins(draft.package, origin),
            value_list=ValueListRef(value_list_oid=value_list) if value_list else None,
        )
    )
    keys = dataset.spec.keys
    return ItemRef(
        item_oid=oids.item_oid(dataset.name, variable.name),
        order_number=str(number),
        mandatory="Yes" if is_mandatory(draft, variable, dataset.frame[variable.name]) else "No",
        key_sequence=str(keys.index(variable.name) + 1) if variable.name in keys else None,
        method_oid=_method(draft, key, origin),
        role=None if draft.package.is_analysis else variable.role or None,
        has_no_data="Yes" if empty and not dataset.frame.empty else None,
    )


def is_mandatory(draft: _Draft, variable: VariableSpec, column: pd.Series) -> bool:
    """Whether a value may never be missing: core Req in SDTM; in ADaM core Req only asks for the variable to be there."""
    if variable.core != "Req":
        return False
    return not draft.package.is_analysis or not bool(column.isna().any())


def measure_variable(dataset: BuiltDataset, variable: VariableSpec, values: pd.Series[Any]) -> Measure:
    """Return type and length of a variable of distinct `values`: text has its file's length, the rest what it needs."""
    if variable.type == "Num":
        return measure_numbers(values) if not values.empty else Measure("integer", 8)
    if is_iso8601(variable):
        kind = "durationDatetime" if "duration" in variable.format and "datetime" not in variable.format else "datetime"
        found = measure_dates(values, kind)
        if found.data_type in (*DATE_TYPES, "durationDatetime", "intervalDatetime"):
            return found
    return Measure("text", _file_length(dataset, variable.name))


def is_iso8601(variable: VariableSpec) -> bool:
    """Whether a text variable holds ISO 8601 dates or durations."""
    return variable.format.startswith("ISO 8601") or (variable.name.endswith("DTC") and not variable.format)


def _file_length(dataset: BuiltDataset, name: str) -> int:
    """Return the length in bytes a variable has in the transport file; its longest value where that is open (0)."""
    for variable in dataset.metadata.variables:
        if variable.name == name and variable.length:
            return variable.length
    return measure_texts(distinct(dataset.frame[name])).length or 1


def _describe_values(draft: _Draft, dataset: BuiltDataset) -> dict[str, str]:
    """Describe the value-level metadata of a dataset; return the value lists by variable."""
    refs: dict[str, list[ItemRef]] = {}
    for level in value_levels(draft.package, dataset):
        listed = refs.setdefault(level.variable, [])
        listed.append(_describe_value(draft, dataset, level, len(listed) + 1))
    made = {variable: f"VL.{dataset.name}.{variable}" for variable in refs}
    draft.value_lists.extend(ValueListDef(oid=made[variable], items=tuple(refs[variable])) for variable in refs)
    return made


def _describe_value(draft: _Draft, dataset: BuiltDataset, level: ValueLevel, number: int) -> ItemRef:
    condition = oids.condition(level.where)
    oid = draft.unique(f"IT.{dataset.name}.{level.variable}.{condition}")
    origin = _value_origin(dataset, level)
    key = f"{dataset.name}.{level.variable}.{condition}"
    name = ".".join(value for _, value in level.where)
    codelist = _value_codelist(draft, dataset, level)
    draft.value_items.append(
        ItemDef(
            oid=oid,
            name=name,
            data_type=level.measure.data_type,
            length=_text(level.measure.length),
            significant_digits=_text(level.measure.significant_digits),
            sas_field_name=name if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,7}", name) else None,
            display_format=level.measure.display_format or None,
            comment_oid=_comment(draft, key, origin.comment if origin else ""),
            description=describe(level.label),
            codelist=CodeListRef(codelist_oid=codelist) if codelist else None,
            origins=_origins(draft.package, origin),
        )
    )
    return ItemRef(
        item_oid=oid,
        order_number=str(number),
        mandatory="No",
        method_oid=_method(draft, key, origin),
        where=(WhereClauseRef(where_clause_oid=_where(draft, dataset, level)),),
    )


def _value_codelist(draft: _Draft, dataset: BuiltDataset, level: ValueLevel) -> str | None:
    """Bind the codelist of a result to the conditions that hold terms, where others hold numbers."""
    variable = dataset.spec.variable(level.variable)
    if variable.type == "Char" and variable.codelists and level.measure.data_type != "text":
        draft.by_value.add((dataset.name, level.variable))
    return draft.codelists.bind_terms(dataset, variable, level.terms) if level.terms else None


def _value_origin(dataset: BuiltDataset, level: ValueLevel) -> Provenance | None:
    for by, value in level.where:
        found = dataset.value_provenance.get((level.variable, by, value))
        if found is not None:
            return found
    return None


def _where(draft: _Draft, dataset: BuiltDataset, level: ValueLevel) -> str:
    """Return the OID of a condition; conditions are shared by the variables of a dataset."""
    key = (dataset.name, level.where)
    if key not in draft.where_clauses:
        checks = tuple(
            RangeCheck(
                comparator="EQ",
                soft_hard="Soft",
                item_oid=oids.item_oid(dataset.name, variable),
                values=(PlainText(text=value),),
            )
            for variable, value in level.where
        )
        oid = draft.unique(f"WC.{dataset.name}.{oids.condition(level.where)}")
        draft.where_clauses[key] = WhereClauseDef(oid=oid, checks=checks)
    return draft.where_clauses[key].oid or ""


def _origins(package: DefineInput, origin: Provenance | None) -> tuple[Origin, ...]:
    """Return the origin, with the pages of the annotated CRF where it exists, else with the raw form in words."""
    if origin is None:
        return ()
    source = origin.source or DEFAULT_SOURCE.get(origin.origin)
    crf = next((document for document in package.documents if document.kind == "acrf"), None)
    words, documents = origin.predecessor, tuple[DocumentRef, ...]()
    if origin.origin == "Collected":
        pages = " ".join(package.crf_pages[form] for form in origin.forms if form in package.crf_pages)
        if crf and pages:
            documents = (_pages(crf, pages),)
        else:
            words = words or describe_source(origin)
    description = describe(words) if words else None
    return (Origin(type=origin.origin, source=source, description=description, documents=documents),)


def _pages(document: Document, pages: str) -> DocumentRef:
    numbers = sorted(set(pages.split()), key=lambda page: (len(page), page))
    return DocumentRef(
        leaf_id=f"LF.{oids.slug(document.id)}", pages=(PDFPageRef(page_refs=" ".join(numbers), type="PhysicalRef"),)
    )


def describe_source(origin: Provenance) -> str:
    """Say in words which raw form a value was collected on.

    >>> describe_source(Provenance("Collected", forms=("HAEMATOLOGY",), columns=("HAEMATOLOGY.ANC",)))
    'Form HAEMATOLOGY, field ANC'
    """
    fields: dict[str, list[str]] = {form: [] for form in origin.forms}
    for column in origin.columns:
        form, _, name = column.rpartition(".")
        fields.setdefault(form, []).append(name)
    return "; ".join(_form(form, names) for form, names in fields.items())


def _form(form: str, names: list[str]) -> str:
    listed = f"field{'s' if len(names) > 1 else ''} {', '.join(names)}" if names else ""
    return ", ".join(part for part in (f"Form {form}" if form else "", listed) if part)


def _method(draft: _Draft, key: str, origin: Provenance | None) -> str | None:
    if origin is None or not origin.method:
        return None
    oid = f"MT.{key}"
    code = draft.package.expressions.get(key)
    draft.methods.append(
        MethodDef(
            oid=oid,
            name=f"Algorithm for {key}",
            type="Imputation" if origin.method.lower().startswith("imput") else "Computation",
            description=describe(origin.method),
            expressions=(FormalExpression(context=code[0], text=code[1]),) if code else (),
        )
    )
    return oid


def _comment(draft: _Draft, key: str, comment: str) -> str | None:
    if not comment:
        return None
    draft.comments.append(CommentDef(oid=f"COM.{key}", description=describe(comment)))
    return f"COM.{key}"


def _documents(package: DefineInput, kind: str) -> Documents | None:
    found: Iterable[Document] = (document for document in package.documents if document.kind == kind)
    refs = tuple(DocumentRef(leaf_id=f"LF.{oids.slug(document.id)}") for document in found)
    return Documents(documents=refs) if refs else None


def _leaf(name: str, href: str, title: str) -> Leaf:
    return Leaf(id=f"LF.{oids.slug(name)}", href=href, title=PlainText(text=title))


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)
