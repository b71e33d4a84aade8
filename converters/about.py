"""What the report of a study shows beside the findings: files, balance sheet, worklist, values that were changed, parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdiscway.validation.report import About, Section

from .submission import show_bytes

if TYPE_CHECKING:
    from .build import Converted
    from .plan import Plan


def about_study(converted: Converted) -> About:
    """Return what the report shows beside the findings; a section without rows is left out."""
    study = converted.plan.study.file
    sections = (
        balance_sheet(converted),
        worklist(converted),
        recoded_values(converted),
        sponsor_terms(converted),
        values_in_ascii(converted),
        split_datasets(converted),
    )
    return About(
        study=study.study,
        title=study.title,
        synthetic=study.synthetic,
        files=files_of(converted),
        sections=tuple(section for section in sections if section.rows),
    )


def files_of(converted: Converted) -> dict[str, str]:
    """Return the file of each dataset that is given or was written."""
    files = {name: given.shown for name, given in converted.plan.given.items()}
    unwritten = {finding.dataset for finding in converted.findings if finding.rule == "CDW-XPT"}
    for package in converted.packages:
        there = [dataset for dataset in package.datasets if len(dataset.frame) and dataset.name not in unwritten]
        files |= {dataset.name: package.file(dataset) for dataset in there}
    return files


def balance_sheet(converted: Converted) -> Section:
    """Return the section of the raw forms: what became of their rows."""
    columns = ("Form", "Rows", "In records", "Excluded", "Not accounted for", "Where")
    rows = tuple(
        (item.form, item.rows, int(item.used.sum()), sum(item.excluded.values()), item.unaccounted,
         ", ".join(sorted(item.datasets)) or _why_not(converted.plan, item.form))
        for item in converted.balance
    )  # fmt: skip
    note = "Every raw row becomes a record, or is counted under a declared exclusion."
    return Section("Balance sheet", columns, rows, note)


def _why_not(plan: Plan, form: str) -> str:
    return next((f"not submitted: {why}" for (name, _), why in plan.not_submitted.items() if name == form), "")


def worklist(converted: Converted) -> Section:
    """Return the section of the raw values that found no place, the most frequent first."""
    columns = ("Kind", "Dataset", "Variable", "Raw value", "Records", "Suggestion")
    rows = tuple(
        (item.kind, item.dataset, item.variable, item.value, item.records, item.suggestion)
        for item in sorted(converted.worklist, key=lambda item: (-item.records, item.dataset, item.value))
    )
    return Section("Worklist", columns, rows, "Raw values that found no place.")


def recoded_values(converted: Converted) -> Section:
    """Return the section of the raw values that are no submission values themselves."""
    columns = ("Dataset", "Variable", "From", "Raw value", "Term", "Found by", "Records")
    rows = tuple(
        (item.dataset, item.variable, item.form, item.value, item.term, item.how, item.records)
        for item in converted.recoded
        if item.how != "exact"
    )
    note = "Raw values that are no submission values themselves, and how their term was found; recoded.csv has all."
    return Section("Recoded values", columns, rows, note)


def sponsor_terms(converted: Converted) -> Section:
    """Return the section of the sponsor's own terms."""
    columns = ("Codelist", "Term", "Decode", "Why")
    rows = tuple(
        (codelist.name, term.value, term.decode, term.definition)
        for codelist, term in converted.plan.terminology.extensions
    )
    note = "Terms that CDISC terminology does not have; extended values in define.xml."
    return Section("Sponsor terms", columns, rows, note)


def values_in_ascii(converted: Converted) -> Section:
    """Return the section of the values that were written in ASCII."""
    columns = ("Dataset", "Variable", "Collected", "Submitted", "Records")
    rows = tuple((name, item.variable, item.old, item.new, item.count) for name, item in converted.transliterated)
    return Section("Written in ASCII", columns, rows, "Accents and signs that study.yaml lets become ASCII.")


def split_datasets(converted: Converted) -> Section:
    """Return the section of the datasets that stand there in parts too."""
    columns = ("Dataset", "By", "Category", "Records", "Bytes", "File")
    rows = tuple(
        (item.dataset, ", ".join(item.part.by), item.part.category, item.part.records, item.size, item.file)
        for item in converted.parts
    )
    limit = show_bytes(converted.plan.study.file.submission.size_limit)
    return Section(
        "Split datasets", columns, rows, f"Above {limit}: whole and in parts. The reviewer's guide explains how."
    )
