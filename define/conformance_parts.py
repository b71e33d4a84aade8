"""Conformance rules on what surrounds the variables: versions, standards, terms, documents, pages, value levels, ARM.

In own words from Define-XML 2.1 (sections 4 and 5), its controlled terminology, and Analysis Results Metadata 1.0.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from .conformance_rules import Report, all_items, all_variables, rule
from .index import Index, number
from .model import AnalysisResult, CodeList, Description, Element, ItemDef, PDFPageRef, ResultDisplay, walk

NCI = "nci:ExtCodeID"
COMPATIBLE = {"integer": ("integer",), "float": ("integer", "float")}
"""The data types of value-level definitions under a variable that holds numbers; text may hold anything."""
VERSIONED = ("MedDRA", "WHODD", "WHODrug", "LOINC", "SNOMED", "MED-RT", "ICD", "ICD-O", "CTCAE")


@rule("CDW-DEF-VERSION")
def judge_version(index: Index) -> Report:
    """DefineVersion says what the namespace says; 2.1 has a Context; 2.0 names its one standard."""
    define = index.define
    told = define.metadata.define_version or ""
    if not re.fullmatch(re.escape(define.version) + r"\.\d+", told):
        yield (
            "error",
            "define.xml",
            "",
            f"its DefineVersion is {told!r}, its namespace that of Define-XML {define.version}",
        )
    if define.version == "2.1" and not define.odm.context:
        yield "error", "define.xml", "", "has no def:Context (Submission or Other)"
    if define.version == "2.0" and not (define.metadata.standard_name and define.metadata.standard_version):
        yield "error", "define.xml", "", "names no standard (def:StandardName, def:StandardVersion)"


@rule("CDW-DEF-STANDARD")
def judge_standard_kinds(index: Index) -> Report:
    """Datasets follow implementation guides, codelists terminology; each standard has a version, each CT its set."""
    metadata = index.define.metadata
    listed = {item.oid: item for item in (metadata.standards.standards if metadata.standards else ())}
    for item in listed.values():
        if item.type == "CT" and not item.publishing_set:
            yield "error", "define.xml", item.oid or "", "is terminology, but names no PublishingSet"
        if item.type == "IG" and item.publishing_set:
            yield "error", "define.xml", item.oid or "", "is an implementation guide, which has no PublishingSet"
        if item.type == "CT" and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", item.version or ""):
            yield "error", "define.xml", item.oid or "", f"its version {item.version!r} is no date"
    for dataset in metadata.datasets:
        standard = listed.get(dataset.standard_oid or "")
        if standard and standard.type != "IG":
            yield "error", dataset.name or "", "", f"follows {standard.oid}, which is no implementation guide"
    for codelist in metadata.codelists:
        standard = listed.get(codelist.standard_oid or "")
        if standard and standard.type != "CT":
            yield "error", "define.xml", codelist.oid or "", f"follows {standard.oid}, which is no terminology"
        coded = any(alias.context == NCI for alias in codelist.aliases)
        if standard and standard.type == "CT" and not coded and not codelist.external:
            yield "info", "define.xml", codelist.oid or "", "follows CDISC terminology, but has no NCI code"


@rule("CDW-DEF-PURPOSE")
def judge_purposes(index: Index) -> Report:
    """SDTM and SEND datasets are tabulations, ADaM datasets are analyses."""
    metadata = index.define.metadata
    listed = {item.oid: item.name or "" for item in (metadata.standards.standards if metadata.standards else ())}
    for dataset in metadata.datasets:
        name = listed.get(dataset.standard_oid or "", metadata.standard_name or "")
        wanted = "Analysis" if name.startswith("ADaM") else "Tabulation"
        if name and name != "BIMO" and dataset.purpose and dataset.purpose != wanted:
            yield "error", dataset.name or "", "", f"its Purpose is {dataset.purpose}, but {name} makes it {wanted}"


@rule("CDW-DEF-SPLIT")
def judge_split_datasets(index: Index) -> Report:
    """A tabulation that is a part of a domain says which: its Domain and, as alias, the domain's description."""
    for dataset in index.define.metadata.datasets:
        domain = dataset.domain or dataset.name
        told = any(alias.context == "DomainDescription" for alias in dataset.aliases)
        split = domain != dataset.name and not (dataset.name or "").startswith(("SUPP", "SQ"))
        if dataset.purpose == "Tabulation" and split and not told:
            yield "warning", dataset.name or "", "", f"is a part of {domain}, but no alias (DomainDescription) says so"


@rule("CDW-DEF-CODELIST")
def judge_terms(index: Index) -> Report:
    """Codes of NCI look like codes; terms fit the data type; decodes say something; no blanks around a term."""
    for codelist in index.define.metadata.codelists:
        oid = codelist.oid or ""
        if codelist.external and codelist.terms:
            yield "error", "define.xml", oid, "has terms of its own beside an external dictionary"
        for alias in (*codelist.aliases, *(alias for term in codelist.terms for alias in term.aliases)):
            if alias.context == NCI and not re.fullmatch(r"C\d+", alias.name or ""):
                yield "error", "define.xml", oid, f"{alias.name!r} is no NCI code"
        numbered = [term.order_number is not None for term in codelist.terms]
        if any(numbered) and not all(numbered):
            yield "warning", "define.xml", oid, "gives OrderNumber to some terms only"
        yield from _term_texts(codelist)


def _term_texts(codelist: CodeList) -> Report:
    oid = codelist.oid or ""
    for term in codelist.terms:
        value = term.coded_value or ""
        if value != value.strip() or not value:
            yield "error", "define.xml", oid, f"the term {value!r} begins or ends with a blank, or is empty"
        if codelist.data_type in ("integer", "float") and not _is_number(value, codelist.data_type):
            yield "error", "define.xml", oid, f"the term {value!r} is no {codelist.data_type}"
    for item in codelist.items:
        if not item.decode or not item.decode.text:
            yield "error", "define.xml", oid, f"the term {item.coded_value!r} has no decode"


def _is_number(value: str, kind: str) -> bool:
    return (
        re.fullmatch(r"[+-]?\d+" if kind == "integer" else r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", value) is not None
    )


@rule("CDW-DEF-DICTIONARY")
def judge_dictionaries(index: Index) -> Report:
    """An external dictionary is named, and those that come in versions with their version."""
    for codelist in index.define.metadata.codelists:
        if not codelist.external:
            continue
        name = codelist.external.dictionary or ""
        if not name:
            yield "error", "define.xml", codelist.oid or "", "names no dictionary"
        if name in VERSIONED and not codelist.external.version:
            yield "warning", "define.xml", codelist.oid or "", f"names no version of {name}"


@rule("CDW-DEF-TEXT")
def judge_texts(index: Index) -> Report:
    """Methods and comments say something; a formal expression says in which language; a text names its language."""
    metadata = index.define.metadata
    described = [("method", item.oid, item.description) for item in metadata.methods]
    described += [("comment", item.oid, item.description) for item in metadata.comments]
    for kind, oid, description in described:
        if not description or not description.text:
            yield "error", "define.xml", oid or "", f"the {kind} has no description"
    for method in metadata.methods:
        for expression in method.expressions:
            if not (expression.context or "").strip() or not expression.text.strip():
                yield "error", "define.xml", method.oid or "", "a formal expression names no language, or is empty"
    for path, element in walk(index.define.odm):
        if isinstance(element, Description) and len({text.lang for text in element.texts}) < len(element.texts):
            yield "error", "define.xml", "", f"{path.rpartition('MetaDataVersion/')[2]} has two texts in one language"


@rule("CDW-DEF-DOCUMENT")
def judge_documents(index: Index) -> Report:
    """Every document has a title, and pages that are pages."""
    metadata = index.define.metadata
    for leaf in (*metadata.leaves, *(dataset.leaf for dataset in metadata.datasets if dataset.leaf)):
        if not leaf.title or not leaf.title.text.strip():
            yield "error", "define.xml", leaf.id or "", "has no title"
    for path, element in walk(index.define.odm):
        if isinstance(element, PDFPageRef):
            for message in _pages(element):
                yield "error", "define.xml", "", f"{path.rpartition('MetaDataVersion/')[2]} {message}"


def _pages(page: PDFPageRef) -> Iterator[str]:
    spans = page.first_page is not None or page.last_page is not None
    if spans == (page.page_refs is not None):
        yield "names pages one by one (PageRefs) or from first to last, one of both"
    if page.type == "PhysicalRef" and page.page_refs and not re.fullmatch(r"\d+( \d+)*", page.page_refs.strip()):
        yield f"holds {page.page_refs!r}: page numbers are separated by a blank"
    first, last = number(page.first_page), number(page.last_page)
    if spans and (first is None or last is None or first > last):
        yield f"leads from page {page.first_page} to {page.last_page}"


@rule("CDW-DEF-CRF")
def judge_crf_documents(index: Index) -> Report:
    """The pages of what is collected are pages of the annotated CRF."""
    crf = index.define.metadata.annotated_crf
    listed = {ref.leaf_id for ref in crf.documents} if crf else set()
    used = Counter(
        ref.leaf_id
        for _, _, item in all_items(index)
        for origin in item.origins
        if origin.type in ("Collected", "CRF")
        for ref in origin.documents
    )
    for leaf, count in used.items():
        if leaf not in listed:
            message = f"holds the CRF pages of {count} variables, but def:AnnotatedCRF does not name it"
            yield "warning", "define.xml", leaf or "", message


@rule("CDW-DEF-VALUE-TYPE")
def judge_value_types(index: Index) -> Report:
    """A value-level definition fits its variable: no longer text, no words where the variable holds numbers."""
    for variable in all_variables(index):
        dataset, whole = variable.dataset.name or "", variable.item
        for value in index.values(variable):
            name = f"{variable.name} where {value.item.name}"
            allowed = COMPATIBLE.get(whole.data_type or "")
            if allowed and value.item.data_type not in allowed:
                yield "error", dataset, name, f"is {value.item.data_type}, but {variable.name} is {whole.data_type}"
            if _is_longer(value.item, whole):
                yield (
                    "error",
                    dataset,
                    name,
                    f"its Length is {value.item.length}, that of {variable.name} {whole.length}",
                )
            if value.item.value_list:
                yield "error", dataset, name, "has value-level metadata of its own"


def _is_longer(part: ItemDef, whole: ItemDef) -> bool:
    mine, limit = number(part.length), number(whole.length)
    return part.data_type == whole.data_type == "text" and mine is not None and limit is not None and mine > limit


@rule("CDW-DEF-WHERE")
def judge_conditions(index: Index) -> Report:
    """A condition compares something; what compares with numbers is not asked of a list."""
    for clause in index.define.metadata.where_clauses:
        if not clause.checks:
            yield "error", "define.xml", "", f"{clause.oid} compares nothing"
        for check in clause.checks:
            if check.comparator in ("IN", "NOTIN") and not check.values:
                yield "error", "define.xml", "", f"{clause.oid}: {check.comparator} is given no values"


@rule("CDW-DEF-ARM")
def judge_results(index: Index) -> Report:
    """An analysis result has a reason, a purpose, datasets with variables of theirs, and says how they are joined."""
    displays = index.define.metadata.displays
    for display in displays.displays if displays else ():
        yield from _display(display)
        for result in display.results:
            for message in _result(index, result):
                yield "error", "define.xml", result.oid or "", message


def _display(display: ResultDisplay) -> Report:
    if not display.description or not display.description.text:
        yield "error", "define.xml", display.oid or "", "the display has no description"
    if not display.results:
        yield "error", "define.xml", display.oid or "", "the display has no results"
    for oid, count in Counter(result.oid for result in display.results).items():
        if count > 1:
            yield "error", "define.xml", oid or "", "the result is given twice"


def _result(index: Index, result: AnalysisResult) -> Iterator[str]:
    datasets = result.datasets.datasets if result.datasets else ()
    needed: dict[str, Element | str | None] = {
        "description": result.description,
        "reason": result.reason,
        "purpose": result.purpose,
        "documentation": result.documentation,
    }
    yield from (f"has no {name}" for name, value in needed.items() if not value)
    if len(datasets) > 1 and result.datasets and not result.datasets.comment_oid:
        yield "uses several datasets, but no comment says how they are joined"
    refs = {group.oid: {ref.item_oid for ref in group.items} for group in index.define.metadata.datasets}
    for used in datasets:
        for variable in used.variables:
            if used.item_group_oid in refs and variable.item_oid not in refs[used.item_group_oid]:
                yield f"{variable.item_oid} is no variable of {used.item_group_oid}"
    if result.parameter_oid and not (index.items.get(result.parameter_oid, ItemDef()).name or "").startswith("PARAM"):
        yield f"its parameter {result.parameter_oid} is neither PARAMCD nor PARAM"
