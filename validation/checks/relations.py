"""Relations: supplemental qualifiers, related records and comments point at records that are there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np

from .base import CannotRunError, Hit, Study, hits, is_sdtm, is_supplemental, on, rule
from .identity import repeated
from .view import View, show_value

_NAME = re.compile(r"[A-Z_][A-Z0-9_]{0,7}")


def _supplemental(_study: Study, view: View) -> Sequence[str]:
    needed = ("RDOMAIN", "IDVAR", "IDVARVAL", "QNAM")
    return needed if is_supplemental(view.name) and all(name in view for name in needed) else ()


def _pointers(_study: Study, view: View) -> Sequence[str]:
    """Datasets that point at records of others with RDOMAIN, IDVAR and IDVARVAL."""
    needed = ("RDOMAIN", "USUBJID", "IDVAR", "IDVARVAL")
    return needed if is_sdtm(view) and all(name in view for name in needed) else ()


def parents(study: Study, domain: str) -> list[View]:
    """Return the datasets of a domain: one, or its parts where it is split."""
    views = [study.view(name) for name in study.datasets]
    same = [v for v in views if v.name == domain]
    return same or [v for v in views if "DOMAIN" in v and domain in v.distinct("DOMAIN")[1]]


@rule("CDW-RDOMAIN", "error", group="relations", citation="CG0369", applies=_pointers)
def rdomain_is_in_the_study(study: Study, view: View) -> Iterator[Hit]:
    """RDOMAIN names a domain of the package."""
    mask = view.where("RDOMAIN", lambda values: [not parents(study, value) for value in values])
    yield from hits("RDOMAIN", "RDOMAIN '{value}' is no domain of the package", mask, by_value=True)


@rule("CDW-IDVAR", "error", group="relations", citation="CG0370", applies=_pointers)
def idvar_is_a_variable(study: Study, view: View) -> Iterator[Hit]:
    """IDVAR names a variable of the dataset that RDOMAIN names."""
    groups, mask = view.group("RDOMAIN", "IDVAR"), np.zeros(len(view), dtype=bool)
    for first in np.unique(groups, return_index=True)[1]:
        variable = view.shown("IDVAR", first)
        found = parents(study, view.shown("RDOMAIN", first))
        if variable and found and not any(variable in parent for parent in found):
            mask |= groups == groups[first]
    yield from hits("IDVAR", "IDVAR '{value}' is no variable of the related dataset", mask, by_value=True)


@rule("CDW-IDVARVAL", "error", group="relations", citation="CG0371; SDTMIG 3.4 section 8.4", applies=_pointers)
def idvarval_points_at_a_record(study: Study, view: View) -> Iterator[Hit]:
    """The subject, IDVAR and IDVARVAL point at a record of the dataset that RDOMAIN names.

    A relation between whole datasets (RELREC without USUBJID and IDVARVAL) points at none. Numbers are compared as
    numbers: 24.10 is 24.1.
    """
    groups, mask = view.group("RDOMAIN", "IDVAR"), np.zeros(len(view), dtype=bool)
    for first in np.unique(groups, return_index=True)[1]:
        variable, domain = view.shown("IDVAR", first), view.shown("RDOMAIN", first)
        found = [parent for parent in parents(study, domain) if not variable or variable in parent]
        if found:
            here = np.flatnonzero(groups == groups[first])
            mask[here] = ~_points(view, here, found, variable)
    if view.name == "RELREC":
        mask &= ~(view.missing("USUBJID") & view.missing("IDVARVAL"))
    show = ("RDOMAIN", "IDVAR", "IDVARVAL")
    yield from hits("IDVARVAL", "points at no record of its subject in the related dataset", mask, show=show)


def _points(view: View, here: np.ndarray, found: list[View], variable: str) -> np.ndarray:
    """Tell which of these records point at a record of one of the datasets found."""
    known: set[tuple[str, str]] = set()
    for parent in found:
        names = [name for name in ("USUBJID", variable) if name and name in parent]
        if "USUBJID" not in names:
            raise CannotRunError(f"needs {parent.name}.USUBJID, which is not there")
        known |= _pairs(parent, variable, np.arange(len(parent)))
    wanted = _pair_codes(view, "IDVARVAL" if variable else "", here)
    answers = np.array([pair in known for pair in wanted[1]], dtype=bool)
    result: np.ndarray = answers[wanted[0]]
    return result


def _pairs(view: View, variable: str, here: np.ndarray) -> set[tuple[str, str]]:
    return set(_pair_codes(view, variable, here)[1])


def _pair_codes(view: View, variable: str, here: np.ndarray) -> tuple[np.ndarray, list[tuple[str, str]]]:
    """Return one code per record and the distinct pairs of subject and value, numbers written alike."""
    groups = view.group("USUBJID", variable)[here] if variable else view.group("USUBJID")[here]
    _, first, codes = np.unique(groups, return_index=True, return_inverse=True)
    subjects, names = view.distinct("USUBJID")
    subject = [str(names[subjects[at]]) if subjects[at] >= 0 else "" for at in here[first]]
    if not variable:
        return codes, [(name, "") for name in subject]
    values, texts = view.distinct(variable)
    alike = [_alike(text) for text in texts]
    value = [alike[values[at]] if values[at] >= 0 else "" for at in here[first]]
    return codes, list(zip(subject, value, strict=True))


def _alike(value: object) -> str:
    try:
        return show_value(float(value))  # type: ignore[arg-type]
    except ValueError:
        return str(value)


@rule(
    "CDW-IDVAR-PAIR",
    "error",
    group="relations",
    citation="CG0166, CG0204, CG0465; SDTMIG 3.4 section 8.4",
    applies=_pointers,
)
def idvar_and_idvarval_go_together(_study: Study, view: View) -> Iterator[Hit]:
    """IDVARVAL needs IDVAR and RDOMAIN; in supplemental qualifiers IDVAR needs IDVARVAL."""
    value, name = view.missing("IDVARVAL"), view.missing("IDVAR")
    mask = ~value & (name | view.missing("RDOMAIN"))
    yield from hits("IDVAR", "IDVARVAL is given without IDVAR or RDOMAIN", mask, show=("RDOMAIN", "IDVAR", "IDVARVAL"))
    if is_supplemental(view.name):
        yield from hits("IDVARVAL", "IDVAR is given without IDVARVAL", value & ~name, show=("IDVAR", "IDVARVAL"))


@rule("CDW-SUPP-UNIQUE", "error", group="relations", citation="CG0411; SDTMIG 3.4 section 8.4", applies=_supplemental)
def qualifiers_are_unique(_study: Study, view: View) -> Iterator[Hit]:
    """A parent record has one value per QNAM."""
    keys = [name for name in ("USUBJID", "RDOMAIN", "IDVAR", "IDVARVAL", "QNAM") if name in view]
    yield from hits("QNAM", "QNAM is given twice for a parent record", repeated(view.group(*keys)), show=tuple(keys))


@rule("CDW-QNAM", "error", group="relations", citation="CG0417; SDTMIG 3.4 section 8.4", applies=_supplemental)
def qualifier_names_are_legal(_study: Study, view: View) -> Iterator[Hit]:
    """QNAM has at most 8 characters: upper-case letters, digits, underscore, not a digit first."""
    mask = view.where("QNAM", lambda values: [not _NAME.fullmatch(v) for v in values])
    yield from hits("QNAM", "'{value}' is not a legal QNAM", mask, by_value=True)


@rule("CDW-QNAM-OWN", "error", group="relations", citation="CG0314", applies=_supplemental)
def qualifiers_are_no_variables(study: Study, view: View) -> Iterator[Hit]:
    """QNAM is not the name of a variable of the parent dataset."""
    names = {str(c) for domain in view.distinct("RDOMAIN")[1] for p in parents(study, domain) for c in p.frame.columns}
    mask = view.where("QNAM", lambda values: [value in names for value in values])
    yield from hits("QNAM", "QNAM '{value}' is a variable of the parent dataset", mask, by_value=True)


@rule(
    "CDW-QVAL",
    "error",
    group="relations",
    citation="SDTMIG 3.4 section 8.4",
    applies=lambda s, v: ("QVAL",) if _supplemental(s, v) and "QVAL" in v else (),
)
def qualifiers_have_values(_study: Study, view: View) -> Iterator[Hit]:
    """A supplemental qualifier has a value: a record without one says nothing."""
    yield from hits("QVAL", "QVAL is missing", view.missing("QVAL"), show=("QNAM",))


@rule("CDW-RELREC-PAIR", "error", group="relations", citation="SDTMIG 3.4 section 8.2", applies=on("RELID", "RDOMAIN"))
def related_records_are_two(_study: Study, view: View) -> Iterator[Hit]:
    """A RELID joins at least two records."""
    keys = [name for name in ("USUBJID", "RELID") if name in view]
    yield from hits("RELID", "RELID '{value}' joins nothing", ~repeated(view.group(*keys)), by_value=True)


@rule("CDW-RELTYPE", "error", group="relations", citation="CG0419", applies=on("RELTYPE", "IDVAR", "USUBJID"))
def reltype_is_for_datasets(_study: Study, view: View) -> Iterator[Hit]:
    """RELTYPE is given for relations between datasets only, never where IDVAR is a --SEQ."""
    sequence = view.where("IDVAR", lambda values: [str(value).endswith("SEQ") for value in values])
    mask = ~view.missing("RELTYPE") & (sequence | ~view.missing("USUBJID"))
    yield from hits("RELTYPE", "RELTYPE is given for a relation between records", mask, show=("RELTYPE", "IDVAR"))
