"""Time: ISO 8601, starts before ends, study days recomputed from the reference date."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np

from cdiscway.validation.finding import Severity

from ..iso8601 import IsoDates, is_after, is_duration
from .base import CannotRunError, Hit, Study, is_adam, is_sdtm, on, rule
from .view import View

_DURATIONS = re.compile(r"..(DUR|ELTM|EVLINT|STINT|EVINTX)|DUR|TEDUR|AGEDUR")


def _date_variables(_study: Study, view: View) -> Sequence[str]:
    names = [str(name) for name in view.frame.columns]
    dates = [name for name in names if name.endswith("DTC") and view.is_text(name)]
    return dates if not is_adam(view) else ()


@rule(
    "CDW-ISO-DATE",
    "error",
    group="timing",
    citation="SDTMIG 3.4 section 4.4.1",
    applies=_date_variables,
    fix_in="raw",
)
def dates_are_iso_8601(study: Study, view: View) -> Iterator[Hit]:
    """Dates and times are ISO 8601 and real calendar dates.

    Partial dates end where knowledge ends; a part unknown inside is a single hyphen. 30 February and hour 24 do not
    exist.
    """
    for name in _date_variables(study, view):
        mask = view.spread(name, ~view.distinct_dates(name).valid)
        if mask.any():
            text = f"{name} is '{{value}}', which is no date or time in ISO 8601"
            yield Hit(name, text, np.flatnonzero(mask), by_value=True)


def _duration_variables(_study: Study, view: View) -> Sequence[str]:
    if is_adam(view):
        return ()
    return [str(name) for name in view.frame.columns if _DURATIONS.fullmatch(str(name)) and view.is_text(str(name))]


@rule(
    "CDW-ISO-DURATION",
    "error",
    group="timing",
    citation="SDTMIG 3.4 section 4.4.3",
    applies=_duration_variables,
)
def durations_are_iso_8601(study: Study, view: View) -> Iterator[Hit]:
    """Durations and elapsed times are ISO 8601 (P3M, PT2H, -PT30M)."""
    for name in _duration_variables(study, view):
        mask = view.where(
            name, lambda values: [not ok and "/" not in v for ok, v in zip(is_duration(values), values, strict=True)]
        )
        if mask.any():
            text = f"{name} is '{{value}}', which is no duration in ISO 8601"
            yield Hit(name, text, np.flatnonzero(mask), by_value=True)


_PAIRS = (
    ("--STDTC", "--ENDTC", "FB3209"),
    ("--DTC", "--ENDTC", "SDTMIG 3.4 section 4.4"),
    ("RFSTDTC", "RFENDTC", "SDTMIG 3.4 section 5.2"),
    ("RFXSTDTC", "RFXENDTC", "FB3408"),
    ("RFCSTDTC", "RFCENDTC", "FB3413"),
    ("RFICDTC", "RFSTDTC", "SDTMIG 3.4 section 5.2"),
    ("BRTHDTC", "RFICDTC", "SDTMIG 3.4 section 5.2"),
    ("RFICDTC", "RFPENDTC", "SDTMIG 3.4 section 5.2"),
    ("BRTHDTC", "DTHDTC", "SDTMIG 3.4 section 5.2"),
)


def _date_pairs(_study: Study, view: View) -> Sequence[str]:
    if is_adam(view):
        return ()
    return [f"{a},{b}" for a, b in _pairs(view)]


def _pairs(view: View) -> list[tuple[str, str]]:
    if "DOMAIN" not in view and view.name not in {"DM"}:
        return []
    named = [(view.real(a), view.real(b)) for a, b, _ in _PAIRS]
    findings = view.dataset.spec.observation_class.startswith("Findings")
    if not findings:  # in the other classes --DTC is the date of collection, which may be later than the end
        named = [pair for pair in named if pair != (view.real("--DTC"), view.real("--ENDTC"))]
    return [(a, b) for a, b in named if a in view and b in view]


@rule(
    "CDW-START-END",
    "error",
    group="timing",
    citation="FB3209 (--STDTC), FB3408 (RFXSTDTC), FB3413 (RFCSTDTC); SDTMIG 3.4 section 4.4",
    applies=_date_pairs,
    fix_in="raw",
)
def starts_are_not_after_ends(_study: Study, view: View) -> Iterator[Hit]:
    """A start is not after its end.

    Partial dates are compared by the parts both know: 2016-03 may end 2016-03-02. A subject included after the treatment
    (non-interventional study) consents later than it starts: that is a warning.
    """
    for start, end in _pairs(view):
        mask = is_after(view.dates(start), view.dates(end))
        if mask.any():
            severity: Severity | None = "warning" if start == "RFICDTC" else None
            yield Hit(start, f"{start} is after {end}", np.flatnonzero(mask), show=(start, end), severity=severity)


_DAYS = (("--DY", "--DTC"), ("--STDY", "--STDTC"), ("--ENDY", "--ENDTC"), ("DTHDY", "DTHDTC"))


def _study_days(_study: Study, view: View) -> Sequence[str]:
    if is_adam(view) or "USUBJID" not in view or not _day_pairs(view):
        return ()
    return [day for day, _ in _day_pairs(view)]


def _day_pairs(view: View) -> list[tuple[str, str]]:
    named = [(view.real(day), view.real(date)) for day, date in _DAYS]
    return [(day, date) for day, date in named if day in view and date in view and not view.is_text(day)]


def reference_dates(study: Study, view: View, variable: str) -> IsoDates:
    """Return a date of DM for each record of a dataset, by USUBJID; the first record of DM counts."""
    dm = study.column("DM", "USUBJID", variable)
    return dm.dates(variable).take(subject_rows(study, view))


def subject_rows(study: Study, view: View, dataset: str = "DM") -> np.ndarray:
    """Return for each record the row of its subject in DM (or ADSL), -1 where it has none."""

    def find() -> np.ndarray:
        other = study.column(dataset, "USUBJID")
        known_codes, known = other.distinct("USUBJID")
        first = np.full(len(known) + 1, -1, dtype=np.intp)
        first[known_codes[::-1]] = np.arange(len(other) - 1, -1, -1)
        first[-1] = -1
        place = {str(value): i for i, value in enumerate(known)}
        codes, values = view.distinct("USUBJID")
        rows = np.array([first[place.get(str(value), -1)] for value in values] + [-1], dtype=np.intp)
        return rows[codes]

    rows: np.ndarray = study.once(f"rows:{dataset}:{view.name}", find)
    return rows


@rule(
    "CDW-STUDY-DAY",
    "error",
    group="timing",
    citation=(
        "CG0006, CG0007, FB1603 (--DY), CG0220, CG0221 (--STDY), CG0222, CG0223 (--ENDY); SDTMIG 3.4 section 4.4.4"
    ),
    applies=_study_days,
    fix_in="tool",
)
def study_days_follow_from_dates(study: Study, view: View) -> Iterator[Hit]:
    """A study day is the number of days from RFSTDTC, counted from 1, with no day 0.

    It is missing where the date or RFSTDTC is not known to the day, and present where both are.
    """
    if "RFSTDTC" not in study.column("DM", "USUBJID"):
        raise CannotRunError("needs DM.RFSTDTC, which is not there")
    start = reference_dates(study, view, "RFSTDTC").days()
    for day, date in _day_pairs(view):
        between = view.dates(date).days() - start
        expected = np.where(between >= 0, between + 1, between)
        actual = view.numbers(day)
        with np.errstate(invalid="ignore"):
            wrong = ~np.isnan(expected) & ~np.isnan(actual) & (actual != expected)
        show = (day, date)
        yield from _day_hits(day, f"{day} is not the study day of {date}", wrong, show)
        lacking = ~np.isnan(expected) & np.isnan(actual)
        yield from _day_hits(day, f"{day} is missing though {date} and RFSTDTC are known", lacking, show)
        extra = np.isnan(expected) & ~np.isnan(actual)
        yield from _day_hits(day, f"{day} is given though {date} or RFSTDTC is not known to the day", extra, show)


def _day_hits(variable: str, message: str, mask: np.ndarray, show: tuple[str, ...]) -> Iterator[Hit]:
    if mask.any():
        yield Hit(variable, message, np.flatnonzero(mask), show=show)


def _all_days(_study: Study, view: View) -> Sequence[str]:
    names = [str(name) for name in view.frame.columns]
    days = [n for n in names if n.endswith("DY") and n not in {"VISITDY"} and not view.is_text(n)]
    return days if is_sdtm(view) else [n for n in days if n in {"ADY", "ASTDY", "AENDY"}]


@rule(
    "CDW-DAY-ZERO",
    "error",
    group="timing",
    citation="SDTMIG 3.4 section 4.4.4; ADaMIG 1.3 section 3.3",
    applies=_all_days,
    fix_in="tool",
)
def there_is_no_day_zero(study: Study, view: View) -> Iterator[Hit]:
    """No study day is 0, and all are whole numbers."""
    for name in _all_days(study, view):
        mask = view.where(name, lambda values: [float(v) == 0 or float(v) % 1 != 0 for v in values])
        if mask.any():
            yield Hit(name, f"{name} is {{value}}, which is no study day", np.flatnonzero(mask), by_value=True)


@rule(
    "CDW-DAY-ORDER",
    "error",
    group="timing",
    citation="FB3208; SDTMIG 3.4 section 4.4.4",
    applies=on("--STDY", "--ENDY"),
    fix_in="raw",
)
def start_days_are_not_after_end_days(_study: Study, view: View) -> Iterator[Hit]:
    """The study day of a start is not after that of its end."""
    start, end = view.real("--STDY"), view.real("--ENDY")
    if view.is_text(start) or view.is_text(end):
        raise CannotRunError(f"{start} or {end} is text")
    with np.errstate(invalid="ignore"):
        mask = view.numbers(start) > view.numbers(end)
    if mask.any():
        yield Hit(start, f"{start} is after {end}", np.flatnonzero(mask), show=(start, end))


@rule(
    "CDW-AFTER-DEATH",
    "error",
    group="timing",
    citation="SDTMIG 3.4 section 5.2",
    applies=lambda study, view: on("USUBJID")(study, view) and _death_dates(study, view),
    fix_in="raw",
)
def nothing_happens_after_death(study: Study, view: View) -> Iterator[Hit]:
    """No collected start or measurement lies after the subject's death.

    DTHDTC of DM counts; findings taken from a specimen may be later only when their date is wrong.
    """
    death = reference_dates(study, view, "DTHDTC")
    for name in _death_dates(study, view):
        mask = is_after(view.dates(name), death)
        if mask.any():
            yield Hit(name, f"{name} is after the subject's death", np.flatnonzero(mask), severity="warning")


def _death_dates(study: Study, view: View) -> Sequence[str]:
    if is_adam(view) or view.name in {"DM", "DD", "DS", "CO", "SS"} or not study.has("DM", "USUBJID", "DTHDTC"):
        return ()
    return [name for name in (view.real("--DTC"), view.real("--STDTC")) if name in view and name.endswith("DTC")]
