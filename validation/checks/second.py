"""A second opinion: what the pipeline derived, computed again by another way and compared.

Nothing here uses the pipeline's derivations. Only what is sure is reported: two dates that may be equal are not compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ..iso8601 import IsoDates, is_after
from .adam import source_rows
from .base import Hit, Study, failing, hits, is_adam, is_finding, is_sdtm, on, rule
from .dates import reference_dates, subject_rows
from .view import View

_SAS_EPOCH = 3653  # days from 1960-01-01 to 1970-01-01
_WITHIN = ("--TESTCD", "--CAT", "--SCAT", "--SPEC", "--LOC", "--LAT", "--METHOD", "--POS", "--TPT", "--EVAL", "--OBJ")


@rule(
    "CDW-SEQ-ORDER",
    "warning",
    group="second",
    citation="SDTM 2.0 (identifier variables)",
    applies=on("USUBJID", "--SEQ"),
    fix_in="tool",
)
def sequence_follows_the_records(_study: Study, view: View) -> Iterator[Hit]:
    """Within a subject, --SEQ rises from record to record, so that file and numbers tell the same order."""
    seq = view.numbers(view.real("--SEQ"))
    subjects = view.distinct("USUBJID")[0]
    order = np.argsort(subjects, kind="stable")
    same = subjects[order][1:] == subjects[order][:-1]
    with np.errstate(invalid="ignore"):
        falls = same & (seq[order][1:] < seq[order][:-1])
    mask = np.zeros(len(view), dtype=bool)
    mask[order[1:][falls]] = True
    yield from hits(view.real("--SEQ"), f"{view.real('--SEQ')} is lower than in the subject's record before", mask)


def _baseline(study: Study, view: View) -> Sequence[str]:
    named = [view.real(name) for name in ("--LOBXFL", "--DTC", "--STRESC", "--TESTCD")]
    ready = is_sdtm(view) and is_finding(view) and "USUBJID" in view and all(name in view for name in named)
    return named if ready and study.has("DM", "USUBJID", "RFXSTDTC") else ()


@rule(
    "CDW-BASELINE-LAST", "error", group="second", citation="SDTMIG 3.4 section 4.5.9", applies=_baseline, fix_in="tool"
)
def baseline_is_the_last_before_exposure(study: Study, view: View) -> Iterator[Hit]:
    """The record with --LOBXFL is the last one with a result before the first exposure (RFXSTDTC).

    A flagged record that is surely after it, or that has a surely later one before it in its subject and test, is
    wrong; a subject and test with results before exposure and no flag lacks one.
    """
    flag = view.real("--LOBXFL")
    dates, exposure = view.dates(view.real("--DTC")), reference_dates(study, view, "RFXSTDTC")
    flagged = view.equals(flag, "Y")
    show = (view.real("--TESTCD"), view.real("--DTC"), flag)
    yield from hits(flag, f"{flag} is Y after the first exposure", flagged & is_after(dates, exposure), show=show)
    candidate = ~view.missing(view.real("--STRESC")) & is_after(exposure, dates)
    groups = view.group("USUBJID", *[view.real(name) for name in _WITHIN if view.real(name) in view])
    best = _latest(groups, dates, candidate | flagged)
    known = best[groups] >= 0
    rival = IsoDates(dates.parts[best[groups]], dates.valid[best[groups]])
    early = flagged & known & candidate[best[groups]] & is_after(rival, dates)
    yield from hits(flag, f"{flag} is Y, but a later result lies before the first exposure", early, show=show)
    has = np.bincount(groups[flagged], minlength=int(groups.max(initial=0)) + 1) > 0
    lacking = candidate & ~has[groups] & (np.arange(len(view)) == best[groups])
    yield from hits(flag, f"no record of the subject and test has {flag}", lacking, show=show, severity="warning")


def _latest(groups: np.ndarray, dates: IsoDates, usable: np.ndarray) -> np.ndarray:
    """Return for each group the usable record with the latest date (unknown parts count as the earliest), or -1."""
    best = np.full(int(groups.max(initial=-1)) + 1, -1, dtype=np.intp)
    at = failing(usable & dates.valid)
    keys = np.nan_to_num(dates.parts[at], nan=-1.0)
    order = at[np.lexsort(tuple(keys[:, field] for field in range(5, -1, -1)))]
    best[groups[order]] = order  # the last one written is the latest
    return best


def _epochs(study: Study, view: View) -> Sequence[str]:
    start = next((name for name in (view.real("--STDTC"), view.real("--DTC")) if name in view), "")
    ready = is_sdtm(view) and view.name not in {"SE", "DM", "TA"} and start and "EPOCH" in view and "USUBJID" in view
    return ("EPOCH", start) if ready and study.has("SE", "USUBJID", "EPOCH", "SESTDTC", "SEENDTC") else ()


@rule(
    "CDW-EPOCH-SE",
    "warning",
    group="second",
    citation="CG0218 (SV); SDTMIG 3.4 section 5.3",
    applies=_epochs,
    fix_in="tool",
)
def epoch_is_that_of_the_elements(study: Study, view: View) -> Iterator[Hit]:
    """EPOCH is that of an element of SE in which the record's start lies.

    The record is neither surely before the first start nor surely after the last end of the subject's elements of
    that epoch.
    """
    start = _epochs(study, view)[1]
    se, dates = study.view("SE"), view.dates(start)
    wanted = {(se.shown("USUBJID", i), se.shown("EPOCH", i)): [] for i in range(len(se))}  # type: ignore[var-annotated]
    for i in range(len(se)):
        wanted[(se.shown("USUBJID", i), se.shown("EPOCH", i))].append(i)
    groups = view.group("USUBJID", "EPOCH")
    outside = np.zeros(len(view), dtype=bool)
    firsts = np.unique(groups, return_index=True)[1]
    order = np.argsort(groups, kind="stable")
    places = np.split(order, np.searchsorted(groups[order], np.arange(1, len(firsts))))
    for at in places:
        rows = wanted.get((view.shown("USUBJID", at[0]), view.shown("EPOCH", at[0])), []) if len(at) else []
        if rows:
            outside[at] = ~_inside(IsoDates(dates.parts[at], dates.valid[at]), se, rows)
    yield from hits(
        "EPOCH", f"{start} lies outside the subject's elements of this EPOCH", outside, show=("EPOCH", start)
    )


def _inside(dates: IsoDates, se: View, rows: list[int]) -> np.ndarray:
    """Tell which dates may lie in one of the elements."""
    found = np.zeros(len(dates.valid), dtype=bool)
    for row in rows:
        begin, end = _one(se.dates("SESTDTC"), row, len(found)), _one(se.dates("SEENDTC"), row, len(found))
        found |= ~is_after(begin, dates) & ~is_after(dates, end)
    return found


def _one(dates: IsoDates, row: int, count: int) -> IsoDates:
    return IsoDates(np.repeat(dates.parts[[row]], count, axis=0), np.repeat(dates.valid[[row]], count))


@rule(
    "CDW-RANGE-INDICATOR",
    "error",
    group="second",
    citation="SDTMIG 3.4 section 6.3.5",
    applies=on("--STRESN", "--STNRLO", "--STNRHI", "--NRIND"),
    fix_in="tool",
)
def range_indicator_follows_from_limits(_study: Study, view: View) -> Iterator[Hit]:
    """--NRIND says what result and limits say: LOW below, HIGH above, NORMAL within both.

    A limit that is missing says nothing: NORMAL needs both where one is given.
    """
    names = [view.real(name) for name in ("--STRESN", "--STNRLO", "--STNRHI", "--NRIND")]
    yield from _indicator(view, *names)


@rule(
    "CDW-ANALYSIS-RANGE",
    "error",
    group="second",
    citation="ADaMIG 1.3 section 3.3",
    applies=on("AVAL", "ANRLO", "ANRHI", "ANRIND", only=is_adam),
    fix_in="tool",
)
def analysis_range_indicator_follows(_study: Study, view: View) -> Iterator[Hit]:
    """ANRIND says what AVAL and the limits say."""
    yield from _indicator(view, "AVAL", "ANRLO", "ANRHI", "ANRIND")


def _indicator(view: View, value: str, low: str, high: str, told: str) -> Iterator[Hit]:
    number, lower, upper = view.numbers(value), view.numbers(low), view.numbers(high)
    with np.errstate(invalid="ignore"):
        wrong = view.equals(told, "NORMAL") & ((number < lower) | (number > upper))
        wrong |= view.equals(told, "LOW") & (number >= lower)
        wrong |= view.equals(told, "HIGH") & (number <= upper)
    yield from hits(told, f"{told} is not what {value} and its limits say", wrong, show=(value, low, high, told))


def _ages(_study: Study, view: View) -> Sequence[str]:
    ready = view.name == "DM" and all(name in view for name in ("AGE", "AGEU", "BRTHDTC"))
    return ("AGE", "BRTHDTC") if ready else ()


@rule("CDW-AGE", "warning", group="second", citation="SDTMIG 3.4 section 5.2", applies=_ages, fix_in="tool")
def age_follows_from_birth(_study: Study, view: View) -> Iterator[Hit]:
    """AGE in years is that between BRTHDTC and RFICDTC or RFSTDTC.

    A partial date leaves room: with the year of birth alone, either of two ages is right.
    """
    age, years = view.numbers("AGE"), view.equals("AGEU", "YEARS")
    wrong = years & ~np.isnan(age)
    asked = np.zeros(len(view), dtype=bool)
    for name in ("RFICDTC", "RFSTDTC"):
        if name in view:
            low, high = _age_range(view.dates("BRTHDTC"), view.dates(name))
            asked |= ~np.isnan(low)
            with np.errstate(invalid="ignore"):
                wrong &= ~((age >= low) & (age <= high))
    yield from hits("AGE", "AGE does not follow from BRTHDTC", wrong & asked, show=("AGE", "BRTHDTC"))


def _age_range(birth: IsoDates, at: IsoDates) -> tuple[np.ndarray, np.ndarray]:
    """Return the lowest and highest age in years that two dates allow, NaN where a year is unknown."""
    years = at.parts[:, 0] - birth.parts[:, 0]
    years[~(birth.valid & at.valid)] = np.nan
    low = years - (_day_of_year(at, earliest=True) < _day_of_year(birth, earliest=False))
    high = years - (_day_of_year(at, earliest=False) < _day_of_year(birth, earliest=True))
    return low, high


def _day_of_year(dates: IsoDates, *, earliest: bool) -> np.ndarray:
    """Return month and day as one number, unknown parts taken as the earliest or the latest they can be."""
    month, day = (1.0, 1.0) if earliest else (12.0, 31.0)
    known: np.ndarray = np.nan_to_num(dates.parts[:, 1], nan=month) * 100 + np.nan_to_num(dates.parts[:, 2], nan=day)
    return known


def _survival(study: Study, view: View) -> Sequence[str]:
    names = ("USUBJID", "PARAMCD", "CNSR", "ADT")
    ready = is_adam(view) and all(name in view for name in names) and bool(view.equals("PARAMCD", "OS").any())
    return names if ready and study.has("DM", "USUBJID", "DTHFL", "DTHDTC") else ()


@rule(
    "CDW-TTE-DEATH",
    "error",
    group="second",
    citation="ADaMIG 1.3 section 3.3 (time to event); SDTMIG 3.4 section 5.2",
    applies=_survival,
)
def overall_survival_agrees_with_deaths(study: Study, view: View) -> Iterator[Hit]:
    """In overall survival (PARAMCD OS) the subjects with an event are those with DTHFL Y in DM, on their day of death."""
    dm, rows = study.view("DM"), subject_rows(study, view)
    survival = view.equals("PARAMCD", "OS") & (rows >= 0)
    dead = np.append(dm.equals("DTHFL", "Y"), False)[rows]
    event = view.numbers("CNSR") == 0
    show = ("USUBJID", "CNSR")
    yield from hits(
        "CNSR", "CNSR is 0 in overall survival, but DTHFL of DM is not Y", survival & event & ~dead, show=show
    )
    alive = survival & ~event & dead & ~view.missing("CNSR")
    yield from hits("CNSR", "CNSR is not 0 in overall survival, but DTHFL of DM is Y", alive, show=show)
    day = np.append(dm.dates("DTHDTC").days() + _SAS_EPOCH, np.nan)[rows]
    with np.errstate(invalid="ignore"):
        other = survival & event & ~np.isnan(day) & (view.numbers("ADT") != day)
    yield from hits("ADT", "ADT of a death is not DTHDTC of DM", other, show=("USUBJID", "ADT"))


def _both(_study: Study, view: View) -> Sequence[str]:
    names = ("USUBJID", "PARAMCD", "ADT", "CNSR")
    if not is_adam(view) or not all(name in view for name in names):
        return ()
    return names if {"PFS", "OS"} <= set(view.distinct("PARAMCD")[1]) else ()


@rule("CDW-TTE-PFS-OS", "error", group="second", citation="ADaMIG 1.3 section 3.3 (time to event)", applies=_both)
def progression_is_not_after_death(_study: Study, view: View) -> Iterator[Hit]:
    """The event or censoring of PFS is not after the death that ends OS; a subject's PFS and OS begin on one day."""
    os_, pfs = view.equals("PARAMCD", "OS"), view.equals("PARAMCD", "PFS")
    subjects, dates = view.distinct("USUBJID")[0], view.numbers("ADT")
    death = np.full(int(subjects.max(initial=-1)) + 2, np.nan)
    ended = os_ & (view.numbers("CNSR") == 0)
    death[subjects[ended]] = dates[ended]
    with np.errstate(invalid="ignore"):
        yield from hits("ADT", "ADT of PFS is after the death of OS", pfs & (dates > death[subjects]))
    if "STARTDT" in view:
        start, begun = np.full(len(death), np.nan), view.numbers("STARTDT")
        start[subjects[os_]] = begun[os_]
        with np.errstate(invalid="ignore"):
            other = pfs & (begun != start[subjects]) & ~np.isnan(begun) & ~np.isnan(start[subjects])
        yield from hits("STARTDT", "STARTDT differs between PFS and OS", other, severity="warning")


def _traced(study: Study, view: View) -> Sequence[str]:
    names = ("USUBJID", "SRCDOM", "SRCVAR", "SRCSEQ")
    given = any(not is_adam(study.view(name)) for name in study.datasets)
    return names if is_adam(view) and given and all(name in view for name in names) else ()


@rule("CDW-SOURCE-VALUE", "error", group="second", citation="ADaM 2.1 section 3 (traceability)", applies=_traced)
def values_are_those_of_the_source(study: Study, view: View) -> Iterator[Hit]:
    """The record that SRCDOM, SRCVAR and SRCSEQ name holds the value: AVAL of a number, ADT of a date.

    A date counts where it is known to the day.
    """
    groups = view.group("SRCDOM", "SRCVAR")
    wrong = {name: np.zeros(len(view), dtype=bool) for name in ("AVAL", "ADT")}
    for first in np.unique(groups, return_index=True)[1]:
        domain, variable = view.shown("SRCDOM", first), view.shown("SRCVAR", first)
        target = "ADT" if variable.endswith("DTC") else "AVAL" if variable.endswith("STRESN") else ""
        if not target or target not in view or not study.has(domain, "USUBJID", variable):
            continue
        here = failing(groups == groups[first])
        source = study.view(domain)
        rows = source_rows(view, here, source)
        theirs = source.dates(variable).days() + _SAS_EPOCH if target == "ADT" else source.numbers(variable)
        ours, expected = view.numbers(target)[here], np.append(theirs, np.nan)[rows]
        wrong[target][here] = ~np.isnan(expected) & ~np.isnan(ours) & ~np.isclose(expected, ours, rtol=1e-9)
    for name, mask in wrong.items():
        show = ("SRCDOM", "SRCVAR", "SRCSEQ", name)
        yield from hits(name, f"{name} is not the value of the record it names as its source", mask, show=show)
