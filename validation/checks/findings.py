"""Findings and the other general classes: tests, results, units, status."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np

from .base import CannotRunError, Hit, Study, hits, is_finding, is_sdtm, on, rule
from .view import View

_CODE = re.compile(r"[A-Z_][A-Z0-9_]{0,7}")
_PAIRS = (
    ("--TESTCD", "--TEST"),
    ("--DECOD", "--PTCD"),
    ("ARMCD", "ARM"),
    ("ACTARMCD", "ACTARM"),
    ("ETCD", "ELEMENT"),
    ("VISITNUM", "VISIT"),
    ("QNAM", "QLABEL"),
    ("TSPARMCD", "TSPARM"),
)


def not_one_to_one(view: View, left: str, right: str) -> np.ndarray:
    """Tell which records belong to a value of one variable that goes with several values of the other."""
    a, b = view.distinct(left)[0], view.distinct(right)[0]
    both = (a >= 0) & (b >= 0)
    mask = np.zeros(len(view), dtype=bool)
    if both.any():
        pairs = np.unique(np.stack([a[both], b[both]], axis=1), axis=0) if both.sum() < 1000 else _pairs(a, b, both)
        left_many = np.bincount(pairs[:, 0], minlength=a.max() + 1) > 1
        right_many = np.bincount(pairs[:, 1], minlength=b.max() + 1) > 1
        mask[both] = left_many[a[both]] | right_many[b[both]]
    return mask


def _pairs(a: np.ndarray, b: np.ndarray, both: np.ndarray) -> np.ndarray:
    width = int(b.max()) + 1
    joined = np.unique(a[both].astype(np.int64) * width + b[both])
    return np.stack([joined // width, joined % width], axis=1)


def _code_pairs(_study: Study, view: View) -> Sequence[str]:
    return [f"{left},{right}" for left, right in _present(view)] if is_sdtm(view) else ()


def _present(view: View) -> list[tuple[str, str]]:
    named = [(view.real(left), view.real(right)) for left, right in _PAIRS]
    return [(left, right) for left, right in named if left in view and right in view]


@rule(
    "CDW-PAIRS",
    "error",
    group="findings",
    citation=(
        "FB0901 (--TESTCD), FB0902 (ARMCD), CG0154, FB0914 (ETCD), CG0049, FB0909 (--DECOD), CG0035, "
        "FB0919 (VISITNUM), CG0307, FB0916 (TSPARMCD)"
    ),
    applies=_code_pairs,
)
def codes_and_names_go_one_to_one(_study: Study, view: View) -> Iterator[Hit]:
    """A code and its name go one to one: --TESTCD and --TEST, ARMCD and ARM, VISITNUM and VISIT, QNAM and QLABEL."""
    for left, right in _present(view):
        mask = not_one_to_one(view, left, right)
        if left == "VISITNUM":
            mask &= view.numbers(left) % 1 == 0  # unscheduled visits share their name
        text = f"{left} and {right} do not go one to one"
        yield from hits(left, text, mask, show=(left, right))


@rule("CDW-TESTCD", "error", group="findings", citation="CG0372; SDTMIG 3.4 section 4.2.1", applies=on("--TESTCD"))
def test_codes_are_legal(_study: Study, view: View) -> Iterator[Hit]:
    """--TESTCD has at most 8 characters: letters, digits, underscore, not a digit first."""
    name = view.real("--TESTCD")
    mask = view.where(name, lambda values: [not _CODE.fullmatch(v) for v in values])
    yield from hits(name, f"'{{value}}' is not a legal {name}", mask, by_value=True)


@rule("CDW-TEST-LENGTH", "error", group="findings", citation="CG0406; SDTMIG 3.4 section 4.2.1", applies=on("--TEST"))
def test_names_are_short(_study: Study, view: View) -> Iterator[Hit]:
    """--TEST has at most 40 characters (200 in IE and TI)."""
    name = view.real("--TEST")
    longest = 200 if view.prefix in {"IE", "TI"} else 40
    mask = view.where(name, lambda values: [len(v) > longest for v in values])
    yield from hits(name, f"{name} is longer than {longest} characters: '{{value}}'", mask, by_value=True)


@rule(
    "CDW-RESULT-STD",
    "error",
    group="findings",
    citation="CG0397; SDTMIG 3.4 section 4.5.1",
    applies=on("--ORRES", "--STRESC"),
)
def results_are_standardised(_study: Study, view: View) -> Iterator[Hit]:
    """--STRESC has a value where --ORRES has one."""
    result, standard = view.real("--ORRES"), view.real("--STRESC")
    mask = ~view.missing(result) & view.missing(standard)
    yield from hits(standard, f"{standard} is missing though {result} is given", mask, show=(result, standard))


@rule(
    "CDW-RESULT-NUMBER",
    "error",
    group="findings",
    citation="FB3101; SDTMIG 3.4 section 4.5.1",
    applies=on("--STRESC", "--STRESN"),
    fix_in="tool",
)
def numeric_results_agree(_study: Study, view: View) -> Iterator[Hit]:
    """--STRESN is --STRESC as a number: there where the text is a number, equal to it, missing otherwise."""
    text, number = view.real("--STRESC"), view.real("--STRESN")
    if view.is_text(number):
        raise CannotRunError(f"{number} is text")
    plain = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
    looks = view.where(text, lambda values: [bool(plain.fullmatch(str(v).strip())) for v in values])
    expected, actual = np.where(looks, view.numbers(text), np.nan), view.numbers(number)
    show = (text, number)
    lacking = looks & np.isnan(actual)
    yield from hits(number, f"{number} is missing though {text} is a number", lacking, show=show)
    with np.errstate(invalid="ignore"):
        differs = looks & ~np.isnan(actual) & ~np.isclose(expected, actual, rtol=1e-9, atol=1e-12)
    yield from hits(number, f"{number} is not the number in {text}", differs, show=show)
    extra = ~looks & ~np.isnan(actual)
    yield from hits(number, f"{number} is given though {text} is no number", extra, show=show)


@rule(
    "CDW-RESULT-STATUS",
    "error",
    group="findings",
    citation="CG0348; SDTMIG 3.4 section 4.5.1",
    applies=on("--ORRES", only=lambda view: is_sdtm(view) and is_finding(view)),
)
def results_or_reasons_are_there(_study: Study, view: View) -> Iterator[Hit]:
    """A record of Findings has a result, or --STAT says that the test was not done, or it is derived."""
    result = view.real("--ORRES")
    mask = view.missing(result)
    for name, value in ((view.real("--STAT"), "NOT DONE"), (view.real("--DRVFL"), "Y")):
        if name in view:
            mask = mask & ~view.equals(name, value)
    yield from hits(result, f"{result} is missing and nothing says why", mask)


@rule(
    "CDW-STATUS-RESULT",
    "error",
    group="findings",
    citation="CG0422; SDTMIG 3.4 section 4.5.1",
    applies=on("--ORRES", "--STAT"),
)
def not_done_has_no_result(_study: Study, view: View) -> Iterator[Hit]:
    """A test that was not done has no result."""
    result, status = view.real("--ORRES"), view.real("--STAT")
    mask = ~view.missing(result) & view.equals(status, "NOT DONE")
    yield from hits(result, f"{result} is given though {status} is NOT DONE", mask, show=(result, status))


@rule(
    "CDW-UNIT-STD",
    "error",
    group="findings",
    citation="SDTMIG 3.4 section 4.5.1",
    applies=on("--STRESN", "--STRESU", "--TESTCD"),
)
def one_standard_unit_per_test(_study: Study, view: View) -> Iterator[Hit]:
    """A test has one standard unit (per specimen and method where these are given).

    Numbers of a test in two units cannot be compared; a unit that was renamed without conversion hides here.
    """
    unit = view.real("--STRESU")
    context = [view.real(v) for v in ("--TESTCD", "--CAT", "--SPEC", "--METHOD") if view.real(v) in view]
    groups = view.group(*context)
    units = view.distinct(unit)[0]
    numeric = ~np.isnan(view.numbers(view.real("--STRESN")))
    usable = numeric & (units >= 0)
    if not usable.any():
        return
    width = int(units.max()) + 1
    pairs = np.unique(groups[usable].astype(np.int64) * width + units[usable]) // width
    several = np.bincount(pairs, minlength=int(groups.max()) + 1) > 1
    mask = usable & several[groups]
    yield from hits(unit, f"{view.real('--TESTCD')} has results in several {unit}", mask, show=(context[0], unit))


@rule(
    "CDW-UNIT-RESULT",
    "warning",
    group="findings",
    citation="CG0426; SDTMIG 3.4 section 4.5.1",
    applies=on("--STRESC", "--STRESU"),
)
def units_have_results(_study: Study, view: View) -> Iterator[Hit]:
    """A standard unit goes with a result."""
    result, unit = view.real("--STRESC"), view.real("--STRESU")
    mask = view.missing(result) & ~view.missing(unit)
    yield from hits(unit, f"{unit} is given without {result}", mask)


@rule(
    "CDW-RANGE-ORDER",
    "error",
    group="findings",
    citation="FB3901",
    applies=on("--STNRLO", "--STNRHI"),
    fix_in="raw",
)
def ranges_are_ordered(_study: Study, view: View) -> Iterator[Hit]:
    """The upper limit of a normal range is above the lower one."""
    low, high = view.real("--STNRLO"), view.real("--STNRHI")
    with np.errstate(invalid="ignore"):
        mask = view.numbers(high) <= view.numbers(low)
    yield from hits(low, f"{high} is not above {low}", mask, show=(low, high))


@rule(
    "CDW-BASELINE-ONE",
    "error",
    group="findings",
    citation="SDTMIG 3.4 section 4.5.9",
    applies=on("--LOBXFL", "--TESTCD", "USUBJID"),
    fix_in="tool",
)
def baseline_flag_is_single(_study: Study, view: View) -> Iterator[Hit]:
    """A subject has one last observation before exposure per test (per specimen, location, method, position)."""
    flag = view.real("--LOBXFL")
    within = (
        "--TESTCD",
        "--CAT",
        "--SCAT",
        "--SPEC",
        "--LOC",
        "--LAT",
        "--METHOD",
        "--POS",
        "--TPT",
        "--EVAL",
        "--OBJ",
    )
    context = [view.real(v) for v in within if view.real(v) in view]
    flagged = view.equals(flag, "Y")
    groups = view.group("USUBJID", *context)
    counts = np.bincount(groups[flagged], minlength=int(groups.max(initial=0)) + 1)
    mask = flagged & (counts[groups] > 1)
    yield from hits(flag, f"{flag} is Y in several records of a subject and test", mask, show=(context[0], flag))


@rule(
    "CDW-BASELINE-RESULT",
    "error",
    group="findings",
    citation="CG0569; FB2602",
    applies=on("--LOBXFL", "--STRESC"),
    fix_in="tool",
)
def baseline_has_a_result(_study: Study, view: View) -> Iterator[Hit]:
    """A record flagged as last before exposure has a result."""
    flag, result = view.real("--LOBXFL"), view.real("--STRESC")
    yield from hits(flag, f"{flag} is Y without {result}", view.equals(flag, "Y") & view.missing(result))


@rule("CDW-STAT-REASON", "warning", group="findings", citation="FB4202", applies=on("--STAT", "--REASND"), fix_in="raw")
def not_done_has_a_reason(_study: Study, view: View) -> Iterator[Hit]:
    """Where --STAT says NOT DONE, --REASND says why."""
    status, reason = view.real("--STAT"), view.real("--REASND")
    yield from hits(reason, f"{reason} is missing", view.equals(status, "NOT DONE") & view.missing(reason))


@rule("CDW-CAT-SCAT", "error", group="findings", citation="CG0429", applies=on("--CAT", "--SCAT"))
def subcategory_needs_category(_study: Study, view: View) -> Iterator[Hit]:
    """A record with --SCAT has --CAT."""
    cat, scat = view.real("--CAT"), view.real("--SCAT")
    yield from hits(cat, f"{cat} is missing though {scat} is given", view.missing(cat) & ~view.missing(scat))


@rule(
    "CDW-PRESP-OCCUR", "error", group="findings", citation="CG0087, CG0088, CG0089, CG0654 (SV)", applies=on("--OCCUR")
)
def occurrence_is_of_something_asked(_study: Study, view: View) -> Iterator[Hit]:
    """--OCCUR is given only where the event or intervention was asked for (--PRESP is Y)."""
    occur, asked = view.real("--OCCUR"), view.real("--PRESP")
    mask = ~view.missing(occur)
    if asked in view:
        mask &= ~view.equals(asked, "Y")
    yield from hits(occur, f"{occur} is given though {asked} is not Y", mask)


@rule("CDW-PRESP-Y", "error", group="findings", citation="CG0085, CG0653 (SV)", applies=on("--PRESP"))
def asked_is_y_or_missing(_study: Study, view: View) -> Iterator[Hit]:
    """--PRESP is Y or missing."""
    name = view.real("--PRESP")
    yield from hits(name, f"{name} is '{{value}}'", ~view.missing(name) & ~view.equals(name, "Y"), by_value=True)
