"""Values: required ones present, controlled terms, characters, blanks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import cast

import numpy as np
import yaml

from cdiscway.specs.model import Codelist

from .base import CannotRunError, Hit, Study, is_adam, rule
from .structure import _text, guide_variables
from .view import View, show_value

_PLACEHOLDERS = Path(__file__).with_name("placeholders.yaml")
_MEASURED = re.compile(r"[<>]?=?\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_ANALYSIS_KEYS = ("STUDYID", "USUBJID", "PARAMCD", "PARAM")


def _required_here(study: Study, view: View) -> Sequence[str]:
    if is_adam(view):  # ADaM's Req asks for the variable, not for its values: only what names a record must be there
        return [name for name in _ANALYSIS_KEYS if name in view]
    known = guide_variables(study, view) or {v.name: v for v in view.dataset.spec.variables}
    return [name for name, spec in known.items() if spec.core == "Req" and name in view]


@rule(
    "CDW-REQ-NULL",
    "error",
    group="values",
    citation="CG0014; SDTMIG 3.4 section 4.1.5",
    applies=_required_here,
)
def required_values_are_there(study: Study, view: View) -> Iterator[Hit]:
    """A required variable has a value in every record.

    In analysis datasets this holds for what names a record: STUDYID, USUBJID, PARAMCD and PARAM.
    """
    for name in _required_here(study, view):
        missing = view.missing(name)
        if missing.any():
            yield Hit(name, f"{name} is required but has no value", np.flatnonzero(missing))


def _controlled(study: Study, view: View) -> dict[str, tuple[str, ...]]:
    own = {v.name: v.codelists for v in view.dataset.spec.variables if v.codelists and v.name in view}
    for name, spec in guide_variables(study, view).items():
        if spec.codelists and name not in own:
            own[name] = spec.codelists
    return own


def _controlled_names(study: Study, view: View) -> Sequence[str]:
    names = list(_controlled(study, view))
    if names and study.terminology is None:
        raise CannotRunError("needs controlled terminology, which was not given")
    return names


def _lists(study: Study, codes: tuple[str, ...]) -> list[Codelist]:
    if study.terminology is None:
        raise CannotRunError("needs controlled terminology, which was not given")
    found = []
    for code in codes:
        try:
            found.append(study.terminology.codelist(code))
        except KeyError as error:
            raise CannotRunError(str(error.args[0])) from None
    return found


def _terms(study: Study, code: str, codelist: Codelist) -> dict[str, bool]:
    """Return the terms of a list, and whether each is the sponsor's own."""
    made: dict[str, bool] = study.once(f"terms:{code}", lambda: {t.value: t.extended for t in codelist.terms})
    return made


@rule(
    "CDW-CODELIST",
    "error",
    group="values",
    citation="SDTMIG 3.4 section 4.3; ADaMIG 1.3 section 3",
    applies=_controlled_names,
)
def values_are_terms(study: Study, view: View) -> Iterator[Hit]:
    """A value under a codelist is one of its terms, letter by letter.

    A list that is not extensible allows nothing else (error). A measured result (5.2, <0.1) needs no term. A term
    missing from an extensible list is a warning until the study declares it as its own; a declared term in a list
    that is not extensible stays an error.
    """
    lacking: list[str] = []
    for name, codes in _controlled(study, view).items():
        try:
            lists = _lists(study, codes)
        except CannotRunError as reason:
            lacking.append(f"{name}: {reason}")
            continue
        yield from _outside(study, view, name, dict(zip(codes, lists, strict=True)))
    if lacking:
        raise CannotRunError("; ".join(lacking))


def _outside(study: Study, view: View, name: str, lists: dict[str, Codelist]) -> Iterator[Hit]:
    extensible = any(codelist.extensible for codelist in lists.values())
    terms: dict[str, bool] = {}
    for code, codelist in lists.items():
        terms |= _terms(study, code, codelist)
    shown = " or ".join(f"{codelist.name} ({code})" for code, codelist in lists.items())
    codes, values = view.distinct(name)
    result = name.endswith(("ORRES", "STRESC"))  # lists of results hold words; a measured result is a number
    for at, value in enumerate(values):
        text = show_value(value)
        if (text in terms and (extensible or not terms[text])) or (result and _MEASURED.fullmatch(text)):
            continue
        if text in terms:
            message = f"'{{value}}' is a term of the study's own, but {shown} is not extensible"
        elif extensible:
            message = f"'{{value}}' is no term of {shown} and not declared as a term of the study{_hint(text, terms)}"
        else:
            message = f"'{{value}}' is no term of {shown}, which is not extensible{_hint(text, terms)}"
        severity = "warning" if extensible else "error"
        yield Hit(name, message, np.flatnonzero(codes == at), by_value=True, severity=severity)  # type: ignore[arg-type]


def _hint(text: str, terms: dict[str, bool]) -> str:
    """Say which term was probably meant: the same one in other case first."""
    folded = {term.casefold(): term for term in terms}
    near = folded.get(text.casefold())
    if near is None and len(terms) <= 5000:
        close = get_close_matches(text.casefold(), folded, n=1, cutoff=0.8)
        near = folded[close[0]] if close else None
    return f" (meant: {near}?)" if near else ""


def _prescribed(study: Study, view: View) -> Sequence[str]:
    known = guide_variables(study, view).items()
    return [name for name, spec in known if spec.values and name != "DOMAIN"]  # CDW-DOMAIN-ONE looks at DOMAIN


@rule(
    "CDW-PRESCRIBED",
    "error",
    group="values",
    citation="SDTMIG 3.4 sections 5 to 8; ADaMIG 1.3 section 3",
    applies=_prescribed,
)
def values_are_the_prescribed(study: Study, view: View) -> Iterator[Hit]:
    """A variable for which the guide prescribes literal values holds only these (SAFFL is Y or N)."""
    known = guide_variables(study, view)
    for name in _prescribed(study, view):
        allowed = known[name].values
        mask = view.spread(name, [show_value(value) not in allowed for value in view.distinct(name)[1]])
        if mask.any():
            text = f"{name} is '{{value}}', the guide allows {', '.join(allowed)}"
            yield Hit(name, text, np.flatnonzero(mask), by_value=True)


@rule(
    "CDW-ASCII",
    "warning",
    group="values",
    citation="FDA Study Data Technical Conformance Guide",
    applies=_text,
)
def text_is_ascii(study: Study, view: View) -> Iterator[Hit]:
    """Text values hold printable ASCII characters only.

    Accents, typographic quotes and the micro sign break readers that assume another encoding; control characters
    break them all.
    """
    for name in _text(study, view):
        mask = view.where(name, lambda values: [not (v.isascii() and v.isprintable()) for v in values])
        if mask.any():
            text = f"{name} holds characters other than printable ASCII: '{{value}}'"
            yield Hit(name, text, np.flatnonzero(mask), by_value=True)


@rule(
    "CDW-BLANKS",
    "warning",
    group="values",
    citation="FDA Study Data Technical Conformance Guide",
    applies=_text,
)
def text_has_no_outer_blanks(study: Study, view: View) -> Iterator[Hit]:
    """Text values begin and end with a visible character.

    A leading blank makes two values of one; identifiers with blanks match nothing.
    """
    for name in _text(study, view):
        mask = view.where(name, lambda values: [v != v.strip() for v in values])
        if mask.any():
            text = f"{name} begins or ends with a blank: '{{value}}'"
            severity = "error" if name in {"USUBJID", "SUBJID", "STUDYID"} else None
            yield Hit(name, text, np.flatnonzero(mask), by_value=True, severity=severity)  # type: ignore[arg-type]


@cache
def _placeholders() -> list[dict[str, list[str]]]:
    """Return placeholders.yaml: words, the variables they stand in (none: all), and the domains."""
    return cast("list[dict[str, list[str]]]", yaml.safe_load(_PLACEHOLDERS.read_text(encoding="utf-8")))


def _stand_ins(view: View, name: str, coded: bool) -> frozenset[str]:
    """Return the words that stand in for a missing value in a variable."""
    found: set[str] = set()
    for group in _placeholders():
        here = not coded and name in {view.real(variable) for variable in group.get("in", [])}
        inside = view.prefix in group.get("domains", [view.prefix])
        if "in" not in group or (here and inside):
            found.update(group["words"])
    return frozenset(found)


@rule(
    "CDW-PLACEHOLDER",
    "warning",
    group="values",
    citation="SDTMIG 3.4 section 4.2.5",
    applies=lambda study, view: () if is_adam(view) else _text(study, view),
    fix_in="raw",
)
def text_is_no_placeholder(study: Study, view: View) -> Iterator[Hit]:
    """A text value is data, not a stand-in for a missing one (`.`, `NULL`, `-`; in a term or a result NK, UNK, NA, IDEM).

    A word that is a code of the variable (ND in a laboratory result is "not detected") is none.
    """
    coded = {variable.name for variable in view.dataset.spec.variables if variable.codelists}
    for name in _text(study, view):
        words = _stand_ins(view, name, name in coded)
        mask = view.spread(name, [str(value).strip().upper() in words for value in view.distinct(name)[1]])
        if mask.any():
            text = f"{name} holds '{{value}}', a stand-in for a missing value"
            yield Hit(name, text, np.flatnonzero(mask), by_value=True)
