"""Structure: which datasets and variables there are, in which order, with which type, label and length."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from cdiscway.specs.model import VariableSpec

from .base import (
    Applies,
    Builtin,
    Hit,
    Study,
    is_adam,
    is_supplemental,
    rule,
)
from .view import View

_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,7}")
_LONGEST_LABEL = 40
_LONGEST_TEXT = 200


def _any(_study: Study, view: View) -> Sequence[str]:
    return tuple(view.frame.columns)


def _with_guide(study: Study, view: View) -> Sequence[str]:
    return tuple(view.frame.columns) if study.guide(view) is not None else ()


def guide_variables(study: Study, view: View) -> dict[str, VariableSpec]:
    """Return what the guide or its model says of each variable of a dataset that they allow there."""

    def find() -> dict[str, VariableSpec]:
        guide, standard = study.guide(view), study.standard(view)
        if guide is None or standard is None:
            return {}
        found = {str(name): standard.resolve(guide, str(name)) for name in view.frame.columns}
        return {name: spec for name, spec in found.items() if spec is not None}

    known: dict[str, VariableSpec] = study.once(f"variables:{view.name}", find)
    return known


def core_variables(study: Study, view: View, core: str) -> list[str]:
    """Return the guide's variables of a core designation; TRTxxP stands for one in the data, else for TRT01P."""
    guide = study.guide(view)
    names = [variable.name for variable in guide.variables if variable.core == core] if guide else []
    return [name if name == name.upper() else _instance(name, view) for name in names if "*" not in name]


def _instance(name: str, view: View) -> str:
    parts = re.split(r"(xx|zz|y|w)", name.replace("--", view.prefix))
    kinds = {"xx": r"\d\d", "zz": r"\d{1,2}", "y": r"\d{1,2}", "w": r"\d"}
    pattern = re.compile("".join(kinds.get(part, re.escape(part)) for part in parts))
    first = "".join({"xx": "01", "zz": "01", "y": "1", "w": "1"}.get(part, part) for part in parts)
    return next((str(column) for column in view.frame.columns if pattern.fullmatch(str(column))), first)


def _column_set(core: str) -> Callable[[Study, View], Builtin]:
    def builtin(study: Study, view: View) -> Builtin:
        names = core_variables(study, view, core)
        return Builtin("ExpectTableColumnsToMatchSet", {"column_set": names, "exact_match": False})

    return builtin


def _missing_core(study: Study, view: View, core: str) -> list[str]:
    return [name for name in core_variables(study, view, core) if name not in view]


def _has_core(core: str) -> Applies:
    def applies(study: Study, view: View) -> Sequence[str]:
        return core_variables(study, view, core)

    return applies


@rule(
    "CDW-DATASET-EMPTY",
    "error",
    group="structure",
    citation="FDA Study Data Technical Conformance Guide; SDTMIG 3.4 section 3.2",
    applies=_any,
    builtin=lambda _study, _view: Builtin("ExpectTableRowCountToBeBetween", {"min_value": 1}),
    structural=True,
)
def dataset_has_records(_study: Study, view: View) -> Iterator[Hit]:
    """A dataset has at least one record.

    A dataset for which nothing was collected is not submitted.
    """
    if not len(view):
        yield Hit("", f"{view.name} has no records; leave the dataset out")


@rule(
    "CDW-DATASET-NAME",
    "error",
    group="structure",
    citation="CG0018, CG0205 (SUPP--); SDTMIG 3.4 section 3.2; SAS technical paper TS-140",
    applies=_any,
    fix_in="spec",
    structural=True,
)
def dataset_name_is_legal(_study: Study, view: View) -> Iterator[Hit]:
    """A dataset's name has at most 8 characters: upper-case letters, digits, underscore, a letter first."""
    if not _NAME.fullmatch(view.name):
        yield Hit("", f"'{view.name}' is not a legal dataset name")


@rule(
    "CDW-DATASET-LABEL",
    "warning",
    group="structure",
    citation="SDTMIG 3.4 section 3.2.1",
    applies=_with_guide,
    fix_in="spec",
    structural=True,
)
def dataset_label_is_the_guides(study: Study, view: View) -> Iterator[Hit]:
    """The label of a dataset is the one the implementation guide gives.

    Supplemental qualifiers take the domain's code in their label; analysis datasets other than ADSL are free.
    """
    guide = study.guide(view)
    label = view.dataset.metadata.label
    fixed = guide is not None and guide.name == view.name and (not is_adam(view) or view.name == "ADSL")
    if guide is not None and fixed and label != guide.label:
        yield Hit("", f"the label of {view.name} is '{label}', the guide says '{guide.label}'")
    elif not label:
        yield Hit("", f"{view.name} has no label")


@rule(
    "CDW-VAR-REQ",
    "error",
    group="structure",
    citation="SDTMIG 3.4 section 4.1.5; ADaMIG 1.3 section 3",
    applies=_has_core("Req"),
    builtin=_column_set("Req"),
    structural=True,
)
def required_variables_are_there(study: Study, view: View) -> Iterator[Hit]:
    """Required variables are in the dataset.

    A variable whose core designation is Req must be present; checks that need it are subsumed by this finding.
    """
    for name in _missing_core(study, view, "Req"):
        yield Hit(name, f"{name} is required in {view.name} but not there")


@rule(
    "CDW-VAR-EXP",
    "warning",
    group="structure",
    citation="SDTMIG 3.4 section 4.1.5",
    applies=_has_core("Exp"),
    builtin=_column_set("Exp"),
    structural=True,
)
def expected_variables_are_there(study: Study, view: View) -> Iterator[Hit]:
    """Expected variables are in the dataset.

    A variable whose core designation is Exp is present even where all its values are missing.
    """
    for name in _missing_core(study, view, "Exp"):
        yield Hit(name, f"{name} is expected in {view.name} but not there")


def _unexpected(study: Study, view: View) -> Sequence[str]:
    guide = study.guide(view)
    return tuple(view.frame.columns) if guide is not None and not is_adam(view) else ()


@rule(
    "CDW-VAR-UNEXPECTED",
    "error",
    group="structure",
    citation=(
        "CG0013, CG0351, CG0467 (--STDTC), CG0040, CG0044, CG0304 (AE), CG0564, CG0565, CG0566 (MS "
        "only), CG0353, CG0354, CG0507, CG0508, CG0622, CG0624, CG0627, CG0628, CG0629, CG0632, CG0634, "
        "CG0637, CG0639, CG0640, CG0643, CG0644 (not in human trials); SDTM 2.0; SDTMIG 3.4 section 2.6"
    ),
    applies=_unexpected,
    structural=True,
)
def no_unexpected_variables(study: Study, view: View) -> Iterator[Hit]:
    """A tabulation dataset holds only variables the guide or the model allows for it.

    Other collected data go to supplemental qualifiers. A variable of the general observation classes that the guide
    does not list for this domain is allowed where the model allows it for the class.
    """
    guide, standard = study.guide(view), study.standard(view)
    for name in map(str, view.frame.columns):
        refusal = standard.refusal(guide, name) if standard is not None and guide is not None else ""
        if refusal:
            yield Hit(name, refusal)


def _expected_order(study: Study, view: View) -> list[str]:
    """Return the columns as the guide orders them; one it does not allow keeps its neighbour before it."""
    guide, standard = study.guide(view), study.standard(view)
    names, known = [str(name) for name in view.frame.columns], guide_variables(study, view)
    ordered = list(standard.order(guide, known)) if standard is not None and guide is not None else []
    for at, name in enumerate(names):
        if name not in known:
            ordered.insert(ordered.index(names[at - 1]) + 1 if at else 0, name)
    return ordered


@rule(
    "CDW-VAR-ORDER",
    "warning",
    group="structure",
    citation="SDTMIG 3.4 section 4.1.4; FDA Study Data Technical Conformance Guide",
    applies=_unexpected,
    builtin=lambda study, view: Builtin(
        "ExpectTableColumnsToMatchOrderedList", {"column_list": _expected_order(study, view)}
    ),
    fix_in="tool",
    structural=True,
)
def variables_stand_in_order(study: Study, view: View) -> Iterator[Hit]:
    """Variables stand in the order of the implementation guide."""
    expected = _expected_order(study, view)
    actual = [str(name) for name in view.frame.columns]
    for here, wanted in zip(actual, expected, strict=True):
        if here != wanted:
            yield Hit(here, f"{here} stands where the guide's order has {wanted}")
            return


@rule(
    "CDW-VAR-NAME",
    "error",
    group="structure",
    citation="CG0310; SDTMIG 3.4 section 4.2.1; SAS technical paper TS-140",
    applies=_any,
    fix_in="spec",
    structural=True,
)
def variable_names_are_legal(_study: Study, view: View) -> Iterator[Hit]:
    """A variable's name has at most 8 characters: upper-case letters, digits, underscore, a letter first."""
    for name in view.frame.columns:
        if not _NAME.fullmatch(str(name)):
            yield Hit(str(name), f"'{name}' is not a legal variable name")


@rule(
    "CDW-VAR-TYPE",
    "error",
    group="structure",
    citation="SDTMIG 3.4 section 4.1.5; ADaMIG 1.3 section 3",
    applies=_with_guide,
    structural=True,
)
def types_are_the_guides(study: Study, view: View) -> Iterator[Hit]:
    """A variable is text or number as the guide says, in the data and in the file's own description."""
    words = {"Char": "text", "Num": "a number"}
    described = {variable.name: variable.type for variable in view.dataset.metadata.variables}
    for name, spec in guide_variables(study, view).items():
        in_data = "Char" if view.is_text(name) else "Num"
        actual = described.get(name, in_data) if view.missing(name).all() else in_data
        wrong = next((kind for kind in (actual, described.get(name, actual)) if kind != spec.type), None)
        if wrong is not None:
            yield Hit(name, f"{name} is {words[wrong]}, the guide says {words[spec.type]}")


@rule(
    "CDW-VAR-LABEL",
    "warning",
    group="structure",
    citation="SDTMIG 3.4 section 2.1; ADaMIG 1.3 section 3",
    applies=_with_guide,
    fix_in="spec",
    structural=True,
)
def labels_are_the_guides(study: Study, view: View) -> Iterator[Hit]:
    """A variable's label is the one the guide gives, letter by letter.

    Where only the study can word a label (AGEGR1), any label will do.
    """
    known = guide_variables(study, view)
    for variable in view.dataset.metadata.variables:
        spec = known.get(variable.name)
        if spec is not None and spec.label and variable.label and variable.label != spec.label:
            yield Hit(
                variable.name, f"the label of {variable.name} is '{variable.label}', the guide says '{spec.label}'"
            )


@rule(
    "CDW-VAR-LABEL-LENGTH",
    "error",
    group="structure",
    citation="CG0311; SAS technical paper TS-140",
    applies=_any,
    fix_in="spec",
    structural=True,
)
def labels_are_short(_study: Study, view: View) -> Iterator[Hit]:
    """A label is there, of at most 40 ASCII characters."""
    bare = [variable.name for variable in view.dataset.metadata.variables if not variable.label]
    if bare:
        yield Hit(bare[0] if len(bare) == 1 else "", f"without a label: {', '.join(bare)}")
    for variable in view.dataset.metadata.variables:
        if len(variable.label.encode()) > _LONGEST_LABEL:
            yield Hit(variable.name, f"the label of {variable.name} is longer than 40 bytes: '{variable.label}'")
        elif not variable.label.isascii():
            yield Hit(variable.name, f"the label of {variable.name} holds letters beyond ASCII: '{variable.label}'")


@rule(
    "CDW-META-MATCH",
    "error",
    group="structure",
    citation="SDTMIG 3.4 section 3.2; Define-XML 2.1 section 4",
    applies=_any,
    fix_in="tool",
    structural=True,
)
def description_matches_data(_study: Study, view: View) -> Iterator[Hit]:
    """The file's description lists the same variables as the data, in the same order."""
    described = [variable.name for variable in view.dataset.metadata.variables]
    actual = [str(name) for name in view.frame.columns]
    if described != actual:
        odd = sorted(set(described) ^ set(actual)) or ["their order"]
        yield Hit("", f"the description of {view.name} and its data differ in {', '.join(odd)}")


def _text(_study: Study, view: View) -> Sequence[str]:
    return [str(name) for name in view.frame.columns if view.is_text(str(name))]


@rule(
    "CDW-LENGTH-200",
    "error",
    group="structure",
    citation="SDTMIG 3.4 section 4.5.3; FDA Study Data Technical Conformance Guide",
    applies=_text,
)
def text_fits_200_bytes(study: Study, view: View) -> Iterator[Hit]:
    """No text value is longer than 200 bytes.

    Longer text is split: its rest goes to supplemental qualifiers, or to COVAL1, TSVAL1 and so on.
    """
    for name in _text(study, view):
        mask = view.spread(name, view.bytes(name) > _LONGEST_TEXT)
        if mask.any():
            yield Hit(name, f"{name} is longer than 200 bytes", np.flatnonzero(mask))


@rule(
    "CDW-LENGTH-DECLARED",
    "error",
    group="structure",
    citation="SAS technical paper TS-140",
    applies=_text,
    fix_in="tool",
)
def text_fits_declared_length(study: Study, view: View) -> Iterator[Hit]:
    """No text value is longer than the length declared for its variable: it would be cut."""
    for name, length in _declared(view).items():
        mask = view.spread(name, view.bytes(name) > length)
        if mask.any():
            yield Hit(name, f"{name} holds text longer than its declared {length} bytes", np.flatnonzero(mask))


@rule(
    "CDW-LENGTH-EXACT",
    "info",
    group="structure",
    citation="FDA Study Data Technical Conformance Guide",
    applies=_text,
    fix_in="tool",
)
def declared_length_is_the_longest(study: Study, view: View) -> Iterator[Hit]:
    """The declared length of a text variable is that of its longest value.

    The same variable has one length in all datasets, so the longest value of the whole study counts.
    """
    longest = study.once("longest", lambda: _longest(study))
    needed = {name: max(int(longest.get(name, 0)), 1) for name in _declared(view)}
    if is_supplemental(view.name):
        needed = {name: _longest_here(view, name) for name in needed}
    wide = [
        f"{name} ({length}, needs {needed[name]})" for name, length in _declared(view).items() if length > needed[name]
    ]
    if wide:
        yield Hit("", f"declared longer than any value of the study: {', '.join(wide)}")


def _longest_here(view: View, name: str) -> int:
    return max(int(view.bytes(name).max(initial=0)), 1)


def _declared(view: View) -> dict[str, int]:
    return {
        variable.name: variable.length
        for variable in view.dataset.metadata.variables
        if variable.type == "Char" and variable.length and variable.name in view and view.is_text(variable.name)
    }


def _longest(study: Study) -> dict[str, int]:
    longest: dict[str, int] = {}
    for name in study.datasets:
        view = study.view(name)
        for variable in _declared(view):
            longest[variable] = max(longest.get(variable, 0), int(view.bytes(variable).max(initial=0)))
    return longest
