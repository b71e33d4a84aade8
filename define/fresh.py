"""The parts of a fresh define.xml that specs alone can fill: datasets, variables, standards."""

from __future__ import annotations

from dataclasses import replace

from cdiscway.specs.model import DatasetSpec, VariableSpec

from . import oids
from .build import GUIDES, ONE_PER_SUBJECT, PUBLISHING_SETS, SUBJECTS
from .input import CTPackage
from .model import (
    ODM,
    DefineXml,
    Extra,
    GlobalVariables,
    ItemDef,
    ItemGroupDef,
    ItemRef,
    Leaf,
    MetaDataVersion,
    PlainText,
    Standard,
    Standards,
    Study,
    describe,
)
from .write import STYLESHEET

NO_TIME = "1970-01-01T00:00:00"
"""The creation time of a define.xml made of specs alone: nothing they hold names one, and no clock is read."""


def empty_define(study: str) -> DefineXml:
    """Return a define.xml 2.1 of a study, without definitions."""
    key = oids.slug(study)
    name = PlainText(text=study)
    metadata = MetaDataVersion(
        oid=f"MDV.{key}", name=f"Study {study}, Data Definitions", define_version="2.1.0", standards=Standards()
    )
    odm = ODM(
        odm_version="1.3.2",
        file_type="Snapshot",
        file_oid=f"DEF.{key}",
        creation_date_time=NO_TIME,
        context="Other",
        study=Study(
            oid=f"STDY.{key}",
            global_variables=GlobalVariables(study_name=name, study_description=name, protocol_name=name),
            metadata=metadata,
        ),
    )
    prolog = Extra("instruction", "xml-stylesheet", f'type="text/xsl" href="{STYLESHEET}"')
    return DefineXml(version="2.1", odm=odm, prolog=(prolog,))


def standard_of(standards: Standards | None, name: str) -> tuple[Standards | None, str | None]:
    """Return the standards with the one of that name (`SDTMIG 3.4`, `SDTM CT 2026-03-27`), and its OID.

    The OID is None where Define-XML cannot name such a standard.
    """
    listed = standards.standards if standards else ()
    wanted = _standard(name)
    if wanted is None:
        return standards, None
    for item in listed:
        if (item.name, item.type, item.publishing_set, item.version) == (
            *(wanted.name, wanted.type, wanted.publishing_set, wanted.version),
        ):
            return standards, item.oid
    return replace(standards or Standards(), standards=(*listed, wanted)), wanted.oid


def _standard(name: str) -> Standard | None:
    guide, _, version = name.rpartition(" ")
    if guide in GUIDES and version:
        return Standard(oid=f"STD.{oids.slug(name)}", name=guide, type="IG", version=version, status="Final")
    try:
        package = CTPackage.parse(name)
    except ValueError:
        return None
    if package.publishing_set not in PUBLISHING_SETS:
        return None
    return Standard(
        oid=f"STD.CT.{package.publishing_set}.{package.version}",
        name="CDISC/NCI",
        type="CT",
        publishing_set=package.publishing_set,
        version=package.version,
        status="Final",
    )


def dataset_of(spec: DatasetSpec) -> ItemGroupDef:
    """Return the definition of a dataset that only a spec describes, without variables."""
    is_analysis = spec.standard.startswith("ADaM") or not {"DOMAIN", "RDOMAIN"} & set(spec.names)
    has_subjects = bool(set(SUBJECTS) & set(spec.names))
    leaf = Leaf(
        id=f"LF.{oids.slug(spec.name)}",
        href=f"{spec.name.lower()}.xpt",
        title=PlainText(text=f"{spec.name.lower()}.xpt"),
    )
    return ItemGroupDef(
        oid=oids.dataset_oid(spec.name),
        name=spec.name,
        domain=None if is_analysis else _domain(spec),
        repeating="Yes" if has_subjects and not set(spec.keys) <= ONE_PER_SUBJECT else "No",
        is_reference_data="No" if has_subjects else "Yes",
        sas_dataset_name=spec.name,
        purpose="Analysis" if is_analysis else "Tabulation",
        archive_location_id=leaf.id,
        is_non_standard="Yes",
        leaf=leaf,
    )


def _domain(spec: DatasetSpec) -> str:
    for variable in spec.variables:
        if variable.name in ("DOMAIN", "RDOMAIN") and len(variable.values) == 1:
            return variable.values[0]
    return spec.name[4:] if spec.name.startswith("SUPP") and len(spec.name) > 4 else spec.name


def variable_of(spec: DatasetSpec, variable: VariableSpec) -> tuple[ItemRef, ItemDef]:
    """Return the reference and the definition of a variable that only a spec describes."""
    oid = oids.item_oid(spec.name, variable.name)
    item = ItemDef(
        oid=oid, name=variable.name, data_type="text", sas_field_name=variable.name, description=describe("")
    )
    return ItemRef(item_oid=oid, order_number="0", mandatory="No"), item
