"""Identity: keys, sequence numbers, subjects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from .base import Hit, Study, dataset, hits, is_adam, is_sdtm, is_supplemental, on, rule
from .dates import subject_rows
from .view import View


def repeated(groups: np.ndarray) -> np.ndarray:
    """Tell which records share their group with another record."""
    if not len(groups):
        return np.zeros(0, dtype=bool)
    return np.asarray((np.bincount(groups) > 1)[groups])


def _keys(_study: Study, view: View) -> Sequence[str]:
    return view.dataset.spec.keys


@rule("CDW-KEYS", "error", group="identity", citation="SDTMIG 3.4 section 3.2.1.1; Define-XML 2.1", applies=_keys)
def keys_are_unique(study: Study, view: View) -> Iterator[Hit]:
    """The dataset's keys identify each record.

    Two records with the same keys are one record twice, or the keys lack a variable.
    """
    keys = view.dataset.spec.keys
    study.column(view.name, *keys)
    mask = repeated(view.group(*keys))
    yield from hits(keys[-1], f"records share the keys {', '.join(keys)}", mask, show=tuple(keys))


@rule(
    "CDW-SEQ-UNIQUE",
    "error",
    group="identity",
    citation="CG0268 (TS); SDTM 2.0 (identifier variables)",
    applies=on("--SEQ", only=is_sdtm),
    fix_in="tool",
)
def sequence_is_unique(_study: Study, view: View) -> Iterator[Hit]:
    """--SEQ is unique within a subject (within a parameter in TS, within the dataset where there are no subjects)."""
    seq = view.real("--SEQ")
    inside = next(([name] for name in ("USUBJID", "POOLID", "TSPARMCD", "SPDEVID") if name in view), [])
    mask = repeated(view.group(*inside, seq)) & ~view.missing(seq)
    yield from hits(seq, f"{seq} is not unique within {inside[0] if inside else view.name}", mask, show=(*inside, seq))


@rule(
    "CDW-SEQ-WHOLE",
    "error",
    group="identity",
    citation="SDTM 2.0 (identifier variables)",
    applies=on("--SEQ", only=is_sdtm),
    fix_in="tool",
)
def sequence_is_a_whole_number(_study: Study, view: View) -> Iterator[Hit]:
    """--SEQ is a whole number from 1 on, and never missing."""
    seq = view.real("--SEQ")
    numbers = view.numbers(seq)
    with np.errstate(invalid="ignore"):
        mask = np.isnan(numbers) | (numbers < 1) | (numbers % 1 != 0)
    yield from hits(seq, f"{seq} is no whole number from 1 on", mask)


def _subjects(_study: Study, view: View) -> Sequence[str]:
    return ("USUBJID",) if "USUBJID" in view and is_sdtm(view) and view.name != "DM" else ()


@rule(
    "CDW-SUBJECT-DM",
    "error",
    group="identity",
    citation="CG0029; SDTMIG 3.4 section 5.2",
    applies=_subjects,
    fix_in="raw",
)
def subjects_are_in_dm(study: Study, view: View) -> Iterator[Hit]:
    """Every USUBJID is one of DM."""
    mask = (subject_rows(study, view) < 0) & ~view.missing("USUBJID")
    yield from hits("USUBJID", "USUBJID '{value}' is not in DM", mask, by_value=True)


@rule(
    "CDW-DM-ONE", "error", group="identity", citation="CG0151; SDTMIG 3.4 section 5.2", applies=dataset("DM", "USUBJID")
)
def dm_has_one_record_per_subject(_study: Study, view: View) -> Iterator[Hit]:
    """DM has one record per subject."""
    yield from hits("USUBJID", "USUBJID is in DM more than once", repeated(view.group("USUBJID")), show=("USUBJID",))


@rule(
    "CDW-SUBJID-ONE",
    "error",
    group="identity",
    citation="CG0150; SDTMIG 3.4 section 5.2",
    applies=dataset("DM", "SUBJID"),
)
def subjid_is_unique_in_the_study(_study: Study, view: View) -> Iterator[Hit]:
    """SUBJID is unique within the study in DM, over all its sites."""
    mask = repeated(view.group("STUDYID", "SUBJID") if "STUDYID" in view else view.group("SUBJID"))
    show = ("SITEID", "SUBJID") if "SITEID" in view else ("SUBJID",)
    yield from hits("SUBJID", "SUBJID is given twice in the study", mask & ~view.missing("SUBJID"), show=show)


@rule(
    "CDW-STUDYID-ONE",
    "error",
    group="identity",
    citation="CG0409",
    applies=lambda study, view: ("STUDYID",) if "STUDYID" in view and study.has("DM", "STUDYID") else (),
)
def study_is_that_of_dm(study: Study, view: View) -> Iterator[Hit]:
    """STUDYID is that of DM."""
    known = set(study.view("DM").distinct("STUDYID")[1])
    mask = view.where("STUDYID", lambda values: [value not in known for value in values])
    yield from hits("STUDYID", "STUDYID '{value}' is not that of DM", mask, by_value=True)


@rule(
    "CDW-DOMAIN-ONE",
    "error",
    group="identity",
    citation="CG0413; SDTMIG 3.4 sections 4.1.6 and 4.1.7",
    applies=on("DOMAIN", only=is_sdtm),
    fix_in="spec",
)
def domain_fits_the_dataset(_study: Study, view: View) -> Iterator[Hit]:
    """DOMAIN is the dataset's name, or the first two letters of a split dataset's name."""
    allowed = {view.name, view.name[:2]}
    mask = view.where("DOMAIN", lambda values: [value not in allowed for value in values])
    yield from hits("DOMAIN", f"DOMAIN is '{{value}}' in {view.name}", mask, by_value=True)


def _whole(_study: Study, view: View) -> Sequence[str]:
    ok = len(view.frame.columns) > 3 and not is_adam(view) and not is_supplemental(view.name)
    return tuple(view.frame.columns) if ok and view.real("--SEQ") in view else ()


@rule("CDW-DUPLICATE", "warning", group="identity", citation="SDTMIG 3.4 section 3.2.1.1", applies=_whole, fix_in="raw")
def records_are_not_repeated(_study: Study, view: View) -> Iterator[Hit]:
    """No two records are equal in everything but --SEQ: most often a form that was entered twice."""
    names = [str(name) for name in view.frame.columns if name != view.real("--SEQ")]
    yield from hits("", "records are equal in everything but --SEQ", repeated(view.group(*names)))
