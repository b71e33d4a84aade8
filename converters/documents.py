"""The documents of a study (annotated CRF, reviewer's guides) in its packages, beside the define.xml that names them."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from cdiscway.define.input import Dictionary, Document
from cdiscway.validation.finding import Finding

from .study import Study

SDTM_ONLY = ("acrf", "csdrg", "sdrg", "blankcrf")
ADAM_ONLY = ("adrg",)
DICTIONARIES = {"WHODrug": "WHODD"}
"""How a study names a dictionary where Define-XML has another word."""


def package_documents(study: Study, package: str) -> tuple[Document, ...]:
    """Return the documents of a package (`sdtm`, `adam`) that stand in the study folder.

    The annotated CRF and the cSDRG go with SDTM, the ADRG with ADaM, every other document with both.
    """
    return tuple(
        Document(Path(href).stem, href, title, "acrf" if _named(href, ("acrf", "blankcrf")) else "supplemental")
        for href, title in study.file.documents.items()
        if package in packages_of(href) and (study.folder / href).is_file()
    )


def packages_of(href: str) -> tuple[str, ...]:
    """Return the packages a document belongs to, by its name.

    >>> packages_of("csdrg.pdf")
    ('sdtm',)
    """
    if _named(href, SDTM_ONLY):
        return ("sdtm",)
    return ("adam",) if _named(href, ADAM_ONLY) else ("sdtm", "adam")


def _named(href: str, words: Iterable[str]) -> bool:
    return any(word in Path(href).stem.lower() for word in words)


def dictionaries(study: Study) -> tuple[Dictionary, ...]:
    """Return the external dictionaries the study coded with, by the names Define-XML has for them."""
    return tuple(Dictionary(DICTIONARIES.get(name, name), version) for name, version in study.file.dictionaries.items())


def crf_pages(study: Study) -> dict[str, str]:
    """Return the pages of each form in the annotated CRF, as Define-XML lists them: `12 13`."""
    return {form: " ".join(map(str, pages)) for form, pages in study.file.crf_pages.items()}


def copy_documents(study: Study, package: str, folder: Path) -> None:
    """Copy the documents of a package beside its define.xml."""
    for document in package_documents(study, package):
        target = folder / document.href
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(study.folder / document.href, target)


CODED = ("MedDRA", "WHODrug", "LOINC")
"""Dictionaries that the define.xml names for variables; the others code parameters of TS alone."""


def document_findings(study: Study, forms: Iterable[str], formats: Iterable[str] | None = None) -> Iterator[Finding]:
    """Say which documents are listed and not there, which pages lead nowhere, and which dictionaries code nothing.

    `formats` are the controlled terms or formats of all variables (None: not known).
    """
    used = None if formats is None else " ".join(sorted(set(formats)))
    for name in study.file.dictionaries:
        if used is not None and name in CODED and name not in used:
            message = (
                f"study.yaml gives the version of {name}, but no variable is coded with it: define.xml does not name it"
            )
            yield Finding("CDW-DEF-DICTIONARY", "info", "define.xml", message, value=name, fix_in="spec")
    for href in study.file.documents:
        if not (study.folder / href).is_file():
            message = f"study.yaml lists {href}, which is not in the study folder: the define.xml does not name it"
            yield Finding("CDW-DEF-LEAF-MISSING", "warning", "define.xml", message, value=href, fix_in="spec")
    if not study.file.crf_pages:
        return
    if not any(document.kind == "acrf" for document in package_documents(study, "sdtm")):
        message = "study.yaml gives crf_pages, but no annotated CRF (acrf.pdf under documents) is there to turn them in"
        yield Finding("CDW-DEF-CRF", "warning", "define.xml", message, fix_in="spec")
    for form in sorted(set(study.file.crf_pages) - set(forms)):
        message = f"study.yaml gives crf_pages for {form}, which is no form of the raw data"
        yield Finding("CDW-DEF-CRF", "warning", "define.xml", message, value=form, fix_in="spec")
