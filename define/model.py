"""A define.xml as a model: one class per element, one field per attribute or child, in the order of the schema.

The fields ARE the schema: `read.py` and `write.py` walk them, so what is declared here is read and written, and what
is not is kept as an `Extra` with its place. Attributes stay text, as they stand in the file (None: not there): a
define.xml with a wrong `Length` must be readable to be judged.

Sources: Define-XML 2.1 (and 2.0) specification, ODM 1.3.2, Analysis Results Metadata 1.0.
"""

# ruff: noqa: RUF009 (attribute, child and children return dataclasses.field: they declare, they give no default)

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any, Literal

ODM_NAMESPACE = "http://www.cdisc.org/ns/odm/v1.3"
XLINK_NAMESPACE = "http://www.w3.org/1999/xlink"
ARM_NAMESPACE = "http://www.cdisc.org/ns/arm/v1.0"
XML_NAMESPACE = "http://www.w3.org/XML/1998/namespace"
DEF_NAMESPACES = {"2.0": "http://www.cdisc.org/ns/def/v2.0", "2.1": "http://www.cdisc.org/ns/def/v2.1"}

Version = Literal["2.0", "2.1"]
Kind = Literal["attribute", "child", "children", "text"]


@dataclass(frozen=True, slots=True)
class Slot:
    """How one field stands in XML: `name` is written as in the specification (`def:CommentOID`, `ItemRef`)."""

    field: str
    kind: Kind
    name: str
    model: type[Element] | None = None


def attribute(name: str) -> Any:
    """Declare a field that is an attribute."""
    return field(default=None, metadata={"kind": "attribute", "name": name})


def child(name: str, model: type[Element]) -> Any:
    """Declare a field that is one child element, or None."""
    return field(default=None, metadata={"kind": "child", "name": name, "model": model})


def children(name: str, model: type[Element]) -> Any:
    """Declare a field that is a tuple of child elements."""
    return field(default=(), metadata={"kind": "children", "name": name, "model": model})


def text() -> Any:
    """Declare the field that holds the element's text."""
    return field(default="", metadata={"kind": "text", "name": ""})


@dataclass(frozen=True, slots=True)
class Extra:
    """What a file holds that the model does not: kept where it was, written again, and listed.

    `name` is in Clark notation (`{uri}Name`); `value` is the attribute's value, or the XML of the node; `position`
    counts the nodes of the parent before it. A `namespace` is a prefix declared below the root; an `order` names the
    children where they stand otherwise than the schema lists them, which it allows in places.
    """

    kind: Literal["attribute", "element", "comment", "instruction", "text", "namespace", "order"]
    name: str
    value: str
    position: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """What every element may hold beside its declared fields."""

    extras: tuple[Extra, ...] = ()


def slots_of(model: type[Element]) -> tuple[Slot, ...]:
    """Return the declared fields of an element, in the order of the schema."""
    return _slots_of(model)  # type: ignore[arg-type]  # a class is hashable


@cache
def _slots_of(model: Any) -> tuple[Slot, ...]:
    return tuple(
        Slot(item.name, item.metadata["kind"], item.metadata["name"], item.metadata.get("model"))
        for item in fields(model)
        if "kind" in item.metadata
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TranslatedText(Element):
    """Text in one language."""

    lang: str | None = attribute("xml:lang")
    text: str = text()


@dataclass(frozen=True, slots=True, kw_only=True)
class Description(Element):
    """A text, in one or several languages; also the shape of `Decode`."""

    texts: tuple[TranslatedText, ...] = children("TranslatedText", TranslatedText)

    @property
    def text(self) -> str:
        """The first text, without the white space around it."""
        return self.texts[0].text.strip() if self.texts else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainText(Element):
    """An element that holds text only (StudyName, CheckValue, def:title, arm:Code)."""

    text: str = text()


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias(Element):
    """Another name of a thing in a context (nci:ExtCodeID, DomainDescription)."""

    context: str | None = attribute("Context")
    name: str | None = attribute("Name")


@dataclass(frozen=True, slots=True, kw_only=True)
class FormalExpression(Element):
    """An algorithm as code; `context` says in which language."""

    context: str | None = attribute("Context")
    text: str = text()


@dataclass(frozen=True, slots=True, kw_only=True)
class PDFPageRef(Element):
    """Pages of a PDF."""

    page_refs: str | None = attribute("PageRefs")
    first_page: str | None = attribute("FirstPage")
    last_page: str | None = attribute("LastPage")
    type: str | None = attribute("Type")
    title: str | None = attribute("Title")


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRef(Element):
    """A document, or pages of it."""

    leaf_id: str | None = attribute("leafID")
    pages: tuple[PDFPageRef, ...] = children("def:PDFPageRef", PDFPageRef)


@dataclass(frozen=True, slots=True, kw_only=True)
class Documents(Element):
    """The documents of def:AnnotatedCRF or def:SupplementalDoc."""

    documents: tuple[DocumentRef, ...] = children("def:DocumentRef", DocumentRef)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf(Element):
    """A file beside the define.xml."""

    id: str | None = attribute("ID")
    href: str | None = attribute("xlink:href")
    title: PlainText | None = child("def:title", PlainText)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standard(Element):
    """An implementation guide or a controlled terminology package (Define-XML 2.1, section 5.3.5)."""

    oid: str | None = attribute("OID")
    name: str | None = attribute("Name")
    type: str | None = attribute("Type")
    publishing_set: str | None = attribute("PublishingSet")
    version: str | None = attribute("Version")
    status: str | None = attribute("Status")
    comment_oid: str | None = attribute("def:CommentOID")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standards(Element):
    """The standards the data follow."""

    standards: tuple[Standard, ...] = children("def:Standard", Standard)


@dataclass(frozen=True, slots=True, kw_only=True)
class WhereClauseRef(Element):
    """The condition under which a value-level definition, or an analysis, holds."""

    where_clause_oid: str | None = attribute("WhereClauseOID")


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemRef(Element):
    """One variable of a dataset, or one definition of a value list."""

    item_oid: str | None = attribute("ItemOID")
    order_number: str | None = attribute("OrderNumber")
    mandatory: str | None = attribute("Mandatory")
    key_sequence: str | None = attribute("KeySequence")
    method_oid: str | None = attribute("MethodOID")
    role: str | None = attribute("Role")
    role_codelist_oid: str | None = attribute("RoleCodeListOID")
    is_non_standard: str | None = attribute("def:IsNonStandard")
    has_no_data: str | None = attribute("def:HasNoData")
    where: tuple[WhereClauseRef, ...] = children("def:WhereClauseRef", WhereClauseRef)


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueListDef(Element):
    """The value-level metadata of one variable."""

    oid: str | None = attribute("OID")
    description: Description | None = child("Description", Description)
    items: tuple[ItemRef, ...] = children("ItemRef", ItemRef)


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeCheck(Element):
    """One condition on one variable; several in a where-clause are joined by AND."""

    comparator: str | None = attribute("Comparator")
    soft_hard: str | None = attribute("SoftHard")
    item_oid: str | None = attribute("def:ItemOID")
    values: tuple[PlainText, ...] = children("CheckValue", PlainText)
    expressions: tuple[FormalExpression, ...] = children("FormalExpression", FormalExpression)


@dataclass(frozen=True, slots=True, kw_only=True)
class WhereClauseDef(Element):
    """A condition on records; composite where it has several range checks."""

    oid: str | None = attribute("OID")
    comment_oid: str | None = attribute("def:CommentOID")
    checks: tuple[RangeCheck, ...] = children("RangeCheck", RangeCheck)


@dataclass(frozen=True, slots=True, kw_only=True)
class SubClass(Element):
    """A subclass (TIME-TO-EVENT) of a class."""

    name: str | None = attribute("Name")
    parent_class: str | None = attribute("ParentClass")


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservationClass(Element):
    """The class of a dataset (Define-XML 2.1; 2.0 has an attribute)."""

    name: str | None = attribute("Name")
    subclasses: tuple[SubClass, ...] = children("def:SubClass", SubClass)


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemGroupDef(Element):
    """One dataset."""

    oid: str | None = attribute("OID")
    name: str | None = attribute("Name")
    domain: str | None = attribute("Domain")
    repeating: str | None = attribute("Repeating")
    is_reference_data: str | None = attribute("IsReferenceData")
    sas_dataset_name: str | None = attribute("SASDatasetName")
    purpose: str | None = attribute("Purpose")
    structure: str | None = attribute("def:Structure")
    class_2_0: str | None = attribute("def:Class")
    standard_oid: str | None = attribute("def:StandardOID")
    is_non_standard: str | None = attribute("def:IsNonStandard")
    has_no_data: str | None = attribute("def:HasNoData")
    archive_location_id: str | None = attribute("def:ArchiveLocationID")
    comment_oid: str | None = attribute("def:CommentOID")
    description: Description | None = child("Description", Description)
    items: tuple[ItemRef, ...] = children("ItemRef", ItemRef)
    aliases: tuple[Alias, ...] = children("Alias", Alias)
    observation_class: ObservationClass | None = child("def:Class", ObservationClass)
    leaf: Leaf | None = child("def:leaf", Leaf)

    @property
    def class_name(self) -> str:
        """The class, wherever the version puts it."""
        return (self.observation_class.name if self.observation_class else self.class_2_0) or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeListRef(Element):
    """The codelist of an item."""

    codelist_oid: str | None = attribute("CodeListOID")


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueListRef(Element):
    """The value list of an item."""

    value_list_oid: str | None = attribute("ValueListOID")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin(Element):
    """Where values come from (Define-XML 2.1, section 4.4: Type and Source)."""

    type: str | None = attribute("Type")
    source: str | None = attribute("Source")
    description: Description | None = child("Description", Description)
    documents: tuple[DocumentRef, ...] = children("def:DocumentRef", DocumentRef)


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemDef(Element):
    """One variable, or one value-level definition."""

    oid: str | None = attribute("OID")
    name: str | None = attribute("Name")
    data_type: str | None = attribute("DataType")
    length: str | None = attribute("Length")
    significant_digits: str | None = attribute("SignificantDigits")
    sas_field_name: str | None = attribute("SASFieldName")
    display_format: str | None = attribute("def:DisplayFormat")
    comment_oid: str | None = attribute("def:CommentOID")
    description: Description | None = child("Description", Description)
    codelist: CodeListRef | None = child("CodeListRef", CodeListRef)
    aliases: tuple[Alias, ...] = children("Alias", Alias)
    origins: tuple[Origin, ...] = children("def:Origin", Origin)
    value_list: ValueListRef | None = child("def:ValueListRef", ValueListRef)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnumeratedItem(Element):
    """A term without a decode."""

    coded_value: str | None = attribute("CodedValue")
    rank: str | None = attribute("Rank")
    order_number: str | None = attribute("OrderNumber")
    extended_value: str | None = attribute("def:ExtendedValue")
    aliases: tuple[Alias, ...] = children("Alias", Alias)
    descriptions: tuple[Description, ...] = children("Description", Description)


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeListItem(Element):
    """A term with its decode."""

    coded_value: str | None = attribute("CodedValue")
    rank: str | None = attribute("Rank")
    order_number: str | None = attribute("OrderNumber")
    extended_value: str | None = attribute("def:ExtendedValue")
    decode: Description | None = child("Decode", Description)
    aliases: tuple[Alias, ...] = children("Alias", Alias)
    descriptions: tuple[Description, ...] = children("Description", Description)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalCodeList(Element):
    """A dictionary (MedDRA, ISO 3166, LOINC) with its version."""

    dictionary: str | None = attribute("Dictionary")
    version: str | None = attribute("Version")
    href: str | None = attribute("href")
    ref: str | None = attribute("ref")


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeList(Element):
    """The terms used or allowed."""

    oid: str | None = attribute("OID")
    name: str | None = attribute("Name")
    data_type: str | None = attribute("DataType")
    sas_format_name: str | None = attribute("SASFormatName")
    standard_oid: str | None = attribute("def:StandardOID")
    is_non_standard: str | None = attribute("def:IsNonStandard")
    comment_oid: str | None = attribute("def:CommentOID")
    description: Description | None = child("Description", Description)
    items: tuple[CodeListItem, ...] = children("CodeListItem", CodeListItem)
    external: ExternalCodeList | None = child("ExternalCodeList", ExternalCodeList)
    enumerated: tuple[EnumeratedItem, ...] = children("EnumeratedItem", EnumeratedItem)
    aliases: tuple[Alias, ...] = children("Alias", Alias)

    @property
    def values(self) -> tuple[str, ...]:
        """The coded values."""
        return tuple(term.coded_value or "" for term in self.terms)

    @property
    def terms(self) -> tuple[CodeListItem | EnumeratedItem, ...]:
        """The terms, with or without decodes."""
        return (*self.items, *self.enumerated)


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodDef(Element):
    """How values are derived or imputed."""

    oid: str | None = attribute("OID")
    name: str | None = attribute("Name")
    type: str | None = attribute("Type")
    description: Description | None = child("Description", Description)
    expressions: tuple[FormalExpression, ...] = children("FormalExpression", FormalExpression)
    aliases: tuple[Alias, ...] = children("Alias", Alias)
    documents: tuple[DocumentRef, ...] = children("def:DocumentRef", DocumentRef)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentDef(Element):
    """A comment on a thing."""

    oid: str | None = attribute("OID")
    description: Description | None = child("Description", Description)
    documents: tuple[DocumentRef, ...] = children("def:DocumentRef", DocumentRef)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisVariable(Element):
    """A variable an analysis uses (ARM 1.0)."""

    item_oid: str | None = attribute("ItemOID")


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisDataset(Element):
    """A dataset an analysis uses, with the records chosen (ARM 1.0)."""

    item_group_oid: str | None = attribute("ItemGroupOID")
    where: tuple[WhereClauseRef, ...] = children("def:WhereClauseRef", WhereClauseRef)
    variables: tuple[AnalysisVariable, ...] = children("arm:AnalysisVariable", AnalysisVariable)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisDatasets(Element):
    """The datasets of an analysis; a comment says how they are joined (ARM 1.0)."""

    comment_oid: str | None = attribute("def:CommentOID")
    datasets: tuple[AnalysisDataset, ...] = children("arm:AnalysisDataset", AnalysisDataset)


@dataclass(frozen=True, slots=True, kw_only=True)
class Documentation(Element):
    """How an analysis is done, in words (ARM 1.0)."""

    description: Description | None = child("Description", Description)
    documents: tuple[DocumentRef, ...] = children("def:DocumentRef", DocumentRef)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgrammingCode(Element):
    """How an analysis is done, as code (ARM 1.0)."""

    context: str | None = attribute("Context")
    code: PlainText | None = child("arm:Code", PlainText)
    documents: tuple[DocumentRef, ...] = children("def:DocumentRef", DocumentRef)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisResult(Element):
    """One result of a display (ARM 1.0)."""

    oid: str | None = attribute("OID")
    parameter_oid: str | None = attribute("ParameterOID")
    reason: str | None = attribute("AnalysisReason")
    purpose: str | None = attribute("AnalysisPurpose")
    description: Description | None = child("Description", Description)
    datasets: AnalysisDatasets | None = child("arm:AnalysisDatasets", AnalysisDatasets)
    documentation: Documentation | None = child("arm:Documentation", Documentation)
    code: ProgrammingCode | None = child("arm:ProgrammingCode", ProgrammingCode)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultDisplay(Element):
    """One table, figure or listing of the study report (ARM 1.0)."""

    oid: str | None = attribute("OID")
    name: str | None = attribute("Name")
    description: Description | None = child("Description", Description)
    documents: tuple[DocumentRef, ...] = children("def:DocumentRef", DocumentRef)
    results: tuple[AnalysisResult, ...] = children("arm:AnalysisResult", AnalysisResult)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisResultDisplays(Element):
    """The Analysis Results Metadata of a package."""

    displays: tuple[ResultDisplay, ...] = children("arm:ResultDisplay", ResultDisplay)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetaDataVersion(Element):
    """All definitions of one package."""

    oid: str | None = attribute("OID")
    name: str | None = attribute("Name")
    description: str | None = attribute("Description")
    define_version: str | None = attribute("def:DefineVersion")
    standard_name: str | None = attribute("def:StandardName")
    standard_version: str | None = attribute("def:StandardVersion")
    comment_oid: str | None = attribute("def:CommentOID")
    standards: Standards | None = child("def:Standards", Standards)
    annotated_crf: Documents | None = child("def:AnnotatedCRF", Documents)
    supplemental_doc: Documents | None = child("def:SupplementalDoc", Documents)
    value_lists: tuple[ValueListDef, ...] = children("def:ValueListDef", ValueListDef)
    where_clauses: tuple[WhereClauseDef, ...] = children("def:WhereClauseDef", WhereClauseDef)
    datasets: tuple[ItemGroupDef, ...] = children("ItemGroupDef", ItemGroupDef)
    items: tuple[ItemDef, ...] = children("ItemDef", ItemDef)
    codelists: tuple[CodeList, ...] = children("CodeList", CodeList)
    methods: tuple[MethodDef, ...] = children("MethodDef", MethodDef)
    comments: tuple[CommentDef, ...] = children("def:CommentDef", CommentDef)
    leaves: tuple[Leaf, ...] = children("def:leaf", Leaf)
    displays: AnalysisResultDisplays | None = child("arm:AnalysisResultDisplays", AnalysisResultDisplays)


@dataclass(frozen=True, slots=True, kw_only=True)
class GlobalVariables(Element):
    """The names of the study."""

    study_name: PlainText | None = child("StudyName", PlainText)
    study_description: PlainText | None = child("StudyDescription", PlainText)
    protocol_name: PlainText | None = child("ProtocolName", PlainText)


@dataclass(frozen=True, slots=True, kw_only=True)
class Study(Element):
    """The study."""

    oid: str | None = attribute("OID")
    global_variables: GlobalVariables | None = child("GlobalVariables", GlobalVariables)
    metadata: MetaDataVersion | None = child("MetaDataVersion", MetaDataVersion)


@dataclass(frozen=True, slots=True, kw_only=True)
class ODM(Element):
    """The root of the file."""

    odm_version: str | None = attribute("ODMVersion")
    file_type: str | None = attribute("FileType")
    file_oid: str | None = attribute("FileOID")
    creation_date_time: str | None = attribute("CreationDateTime")
    as_of_date_time: str | None = attribute("AsOfDateTime")
    originator: str | None = attribute("Originator")
    source_system: str | None = attribute("SourceSystem")
    source_system_version: str | None = attribute("SourceSystemVersion")
    context: str | None = attribute("def:Context")
    study: Study | None = child("Study", Study)


@dataclass(frozen=True, slots=True, kw_only=True)
class DefineXml:
    """A whole define.xml.

    `prolog` holds the comments and processing instructions before the root (the stylesheet), `epilog` those after it;
    `namespaces` are the prefixes of the root, in the order of the file (an empty prefix is the default one).
    """

    version: Version
    odm: ODM
    namespaces: tuple[tuple[str, str], ...] = ()
    prolog: tuple[Extra, ...] = ()
    epilog: tuple[Extra, ...] = ()

    @property
    def study(self) -> Study:
        """The study; an empty one where the file has none."""
        return self.odm.study or Study()

    @property
    def metadata(self) -> MetaDataVersion:
        """The definitions; empty where the file has none."""
        return self.study.metadata or MetaDataVersion()

    def items_by_oid(self) -> Mapping[str, ItemDef]:
        """Return the ItemDefs by OID."""
        return {item.oid: item for item in self.metadata.items if item.oid}


def walk(element: Element, path: str = "ODM") -> Iterator[tuple[str, Element]]:
    """Yield an element and all below it, each with a readable path (`ODM/Study/MetaDataVersion/ItemDef[IT.DM.AGE]`)."""
    yield path, element
    for slot in slots_of(type(element)):
        if slot.kind not in ("child", "children"):
            continue
        value = getattr(element, slot.field)
        if slot.kind == "child" and value is not None:
            yield from walk(value, f"{path}/{slot.name}")
        for place, item in enumerate(value if slot.kind == "children" else (), 1):
            yield from walk(item, f"{path}/{slot.name}[{identity(item) or place}]")


def identity(element: Element) -> str:
    """Return what tells an element from its siblings: its OID, ID or term; empty where it has none."""
    for name in ("oid", "item_oid", "id", "coded_value"):
        found = getattr(element, name, None)
        if isinstance(found, str) and found:
            return found
    return ""


def list_extras(define: DefineXml) -> list[tuple[str, Extra]]:
    """List all that the model does not hold but keeps, each with its place."""
    listed = [("prolog", extra) for extra in define.prolog]
    for path, element in walk(define.odm):
        listed.extend((path, extra) for extra in element.extras)
    return listed + [("epilog", extra) for extra in define.epilog]


def describe(value: str, lang: str = "en") -> Description:
    """Return a Description (or Decode) of one English text."""
    return Description(texts=(TranslatedText(lang=lang, text=value),))
