"""The library of named derivations: what each takes, and the sentence that define.xml shows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from cdiscway.converters.derivations.age import age, decimal_years
from cdiscway.converters.derivations.baseline_change import base_texts, base_values, change, percent_change
from cdiscway.converters.derivations.bmi_bsa import bmi, bsa
from cdiscway.converters.derivations.disposition import disposition
from cdiscway.converters.derivations.duration import duration
from cdiscway.converters.derivations.egfr import ckd_epi, ckd_epi_2009, creatinine_clearance, mdrd
from cdiscway.converters.derivations.exposure import (
    dose_intensity,
    dose_per_kg,
    doses_given,
    running_total,
    total_dose,
)
from cdiscway.converters.derivations.keys import Mask, flag, group_codes, ranks
from cdiscway.converters.derivations.mean_arterial_pressure import mean_arterial_pressure
from cdiscway.converters.derivations.occurrence_flags import (
    Choice,
    Nearest,
    first_occurrence,
    nearest_occurrence,
    worst_occurrence,
)
from cdiscway.converters.derivations.qtc import qtc, rr_interval
from cdiscway.converters.derivations.reference_range import reference_range_indicator
from cdiscway.converters.derivations.sequence import sequence_number, undecided
from cdiscway.converters.derivations.shift import shift
from cdiscway.converters.derivations.study_day import study_day_of_days
from cdiscway.converters.derivations.treatment_emergent import Span, Worsening, treatment_emergent

from . import columns
from .ordering import undecided as undecided_dates


@dataclass(frozen=True)
class Derivation:
    """One derivation of the library: its inputs by name and what they are (see `as_kind`), and its sentence.

    Options that the function gives no default are needed; the inputs in `optional` may be left out.
    """

    function: Callable[..., Any]
    inputs: Mapping[str, str]
    method: str
    options: tuple[str, ...] = ()
    grouped: bool = False
    """Whether the records of a subject (and of the columns in `by`) are taken together: it has `by`, `order`, `where`."""
    optional: tuple[str, ...] = ()


@dataclass(frozen=True)
class Groups:
    """The records taken together, what orders them, and which of them count."""

    by: list[pd.Series]
    order: list[pd.Series]
    among: Mask
    report: Callable[[Mask, str], None]
    """Reports an error of the data in some records."""


def base(groups: Groups, value: pd.Series) -> pd.Series:
    """Return BASE or BASEC: the value of the records that count (ABLFL is Y), for all records of their group."""
    if columns.is_number(value):
        numbers = base_values(groups.by, value.to_numpy(dtype=np.float64), groups.among)
        made, conflict = pd.Series(numbers.base), numbers.conflict
    else:
        made, conflict = base_texts(groups.by, value, groups.among)
    groups.report(conflict, "the baseline records of a group disagree: there is no base")
    return made


def _flagged(groups: Groups, choice: Choice) -> pd.Series:
    """Flag the chosen records; where the declared order does not decide, that is a finding and nothing is flagged."""
    groups.report(choice.undecided, "records of a group tie in the declared order, so none is flagged: add to 'order'")
    return flag(choice.chosen)


def _without_open_dates(groups: Groups, choice: Choice) -> Choice:
    """Return the choice without groups where a partial date (2020-02 beside 2020-02-02) leaves open which record it is."""
    if not groups.order or columns.is_number(groups.order[0]):
        return choice
    codes, size = group_codes(*groups.by)
    best = np.full(size, -1, dtype=np.int64)
    best[codes[choice.chosen]] = np.flatnonzero(choice.chosen)
    here = np.flatnonzero(groups.among & (best[codes] >= 0))
    dates = groups.order[0]
    open_ = undecided_dates(columns.take(dates, here), columns.take(dates, best[codes[here]]))
    lost = groups.among & np.isin(codes, codes[here[open_]])
    message = "partial dates leave open which record of a group it is, so none is flagged: order by imputed dates"
    groups.report(lost, message)
    return choice._replace(chosen=choice.chosen & ~lost)


def first(groups: Groups) -> pd.Series:
    """Flag the first record of each group by the order."""
    return _flagged(groups, _without_open_dates(groups, first_occurrence(groups.by, groups.order, groups.among)))


def last(groups: Groups) -> pd.Series:
    """Flag the last record of each group by the order."""
    backwards = [pd.Series(-ranks(key)) for key in groups.order]
    return _flagged(groups, _without_open_dates(groups, first_occurrence(groups.by, backwards, groups.among)))


def worst(groups: Groups, severity: pd.Series, severities: Sequence[str]) -> pd.Series:
    """Flag the worst record of each group by the declared severities, the mildest first; then the first by the order."""
    texts = columns.as_text(severity)
    said = [columns.number_text(item) if isinstance(item, float | int) else str(item) for item in severities]
    unknown = groups.among & texts.notna().to_numpy() & ~texts.astype("str").isin(said).to_numpy()
    groups.report(unknown, "a severity is not among the declared 'severities' and counts as milder than all")
    return _flagged(groups, worst_occurrence(groups.by, texts, said, groups.order, groups.among))


def nearest_record(groups: Groups, day: npt.ArrayLike, target: npt.ArrayLike, tie: Nearest = "later") -> pd.Series:
    """Flag the record of each group nearest to its target day."""
    return _flagged(groups, nearest_occurrence(groups.by, day, target, groups.order, groups.among, tie))


def cumulative(groups: Groups, value: npt.ArrayLike) -> pd.Series:
    """Return the sum of the values of the group up to each record, in the order; NaN from a missing one on."""
    return pd.Series(running_total(groups.by, value, groups.order, groups.among))


def sequence(groups: Groups) -> pd.Series:
    """Return ASEQ: the number of each record of its group in the order."""
    codes = pd.Series(group_codes(*groups.by)[0])
    groups.report(undecided(codes, groups.order), "records tie in the declared order of the sequence: add to 'order'")
    numbers = sequence_number(codes, groups.order)
    return pd.Series(numbers)


def emergent(  # noqa: PLR0913 - the inputs and options of the word
    start: Span,
    first_dose: npt.ArrayLike,
    last_dose: npt.ArrayLike,
    end: Span | None = None,
    grade_before: npt.ArrayLike | None = None,
    grade: npt.ArrayLike | None = None,
    *,
    days_after: float | None = None,
    partial: Literal["never", "possible"] = "never",
) -> pd.Series:
    """Flag the treatment-emergent events; `partial` says what a start counts that is not known to the day."""
    worsening = None if grade_before is None or grade is None else Worsening(grade_before, grade)
    return treatment_emergent(
        start,
        first_dose,
        last_dose,
        days_after=days_after,
        end=end,
        possible=partial == "possible",
        worsening=worsening,
    )


def disposition_status(
    decod: pd.Series,
    *,
    completed: Collection[str] = ("COMPLETED",),
    not_enrolled: Collection[str] = ("SCREEN FAILURE",),
) -> pd.Series:
    """Return EOSSTT of the one disposition event of each subject."""
    return disposition(decod, completed=completed, not_enrolled=not_enrolled).status


def disposition_reason(
    decod: pd.Series,
    *,
    completed: Collection[str] = ("COMPLETED",),
    not_enrolled: Collection[str] = ("SCREEN FAILURE",),
) -> pd.Series:
    """Return DCSREAS of the one disposition event of each subject."""
    return disposition(decod, completed=completed, not_enrolled=not_enrolled).reason


LIBRARY: dict[str, Derivation] = {
    "age": Derivation(age, {"birth": "date", "at": "date"}, "Completed years from {birth} to {at}."),
    "study_day": Derivation(
        study_day_of_days,
        {"date": "days", "reference": "days"},
        "Date part of {date} minus {reference} in days, plus 1 on or after it; there is no day 0.",
    ),
    "duration": Derivation(
        duration, {"start": "days", "end": "days"}, "Time from {start} to {end}.", ("unit", "add_one")
    ),
    "reference_range": Derivation(
        reference_range_indicator,
        {"value": "number", "low": "number", "high": "number"},
        "LOW, NORMAL or HIGH: {value} against {low} and {high}.",
    ),
    "treatment_emergent": Derivation(
        emergent,
        {
            "start": "span",
            "first_dose": "days",
            "last_dose": "days",
            "end": "span",
            "grade_before": "number",
            "grade": "number",
        },
        "'Y' where {start} lies between {first_dose} and {last_dose}.",
        ("days_after", "partial"),
        optional=("end", "grade_before", "grade"),
    ),
    "bmi": Derivation(bmi, {"height": "number", "weight": "number"}, "{weight} (kg) by the square of {height} (m)."),
    "bsa": Derivation(
        bsa, {"height": "number", "weight": "number"}, "Body surface area from {height} and {weight}.", ("method",)
    ),
    "ckd_epi": Derivation(
        ckd_epi,
        {"creatinine": "number", "age": "number", "sex": "text"},
        "eGFR (mL/min/1.73 m2) by CKD-EPI 2021 from {creatinine}, {age} and {sex}.",
        ("unit",),
    ),
    "ckd_epi_2009": Derivation(
        ckd_epi_2009,
        {"creatinine": "number", "age": "number", "sex": "text", "black": "yes"},
        "eGFR (mL/min/1.73 m2) by CKD-EPI 2009 from {creatinine}, {age} and {sex}.",
        ("unit",),
        optional=("black",),
    ),
    "mdrd": Derivation(
        mdrd,
        {"creatinine": "number", "age": "number", "sex": "text", "black": "yes"},
        "eGFR (mL/min/1.73 m2) by the four-variable MDRD equation from {creatinine}, {age} and {sex}.",
        ("unit",),
        optional=("black",),
    ),
    "creatinine_clearance": Derivation(
        creatinine_clearance,
        {"creatinine": "number", "age": "number", "sex": "text", "weight": "number"},
        "Creatinine clearance (mL/min) by Cockcroft and Gault from {creatinine}, {age}, {sex} and {weight} (kg).",
        ("unit",),
    ),
    "change": Derivation(change, {"values": "number", "base": "number"}, "{values} minus {base}."),
    "percent_change": Derivation(
        percent_change,
        {"values": "number", "base": "number"},
        "100 * ({values} minus {base}) / size of {base}; none where {base} is 0.",
    ),
    "doses_given": Derivation(
        doses_given,
        {"start": "days", "end": "days", "per_day": "number"},
        "Days from {start} to {end}, both in it, times {per_day}.",
    ),
    "dose_per_kg": Derivation(dose_per_kg, {"dose": "number", "weight_kg": "number"}, "{dose} by {weight_kg} (kg)."),
    "total_dose": Derivation(
        total_dose, {"dose_per_unit": "number", "size": "number"}, "{dose_per_unit} times {size}."
    ),
    "dose_intensity": Derivation(
        dose_intensity, {"actual": "number", "planned": "number"}, "{actual} in percent of {planned}."
    ),
    "decimal_years": Derivation(
        decimal_years, {"birth": "days", "at": "days"}, "Years from {birth} to {at}.", ("days_in_year",)
    ),
    "mean_arterial_pressure": Derivation(
        mean_arterial_pressure,
        {"diastolic": "number", "systolic": "number", "heart_rate": "number"},
        "Mean arterial pressure from {diastolic} and {systolic}.",
        optional=("heart_rate",),
    ),
    "qtc": Derivation(qtc, {"qt": "number", "rr": "number"}, "{qt} (msec) corrected by {rr} (msec).", ("method",)),
    "rr_interval": Derivation(rr_interval, {"heart_rate": "number"}, "60000 / {heart_rate}, in msec."),
    "shift": Derivation(shift, {"before": "text", "after": "text"}, "{before} to {after}.", ("sep", "missing")),
    "disposition_status": Derivation(
        disposition_status,
        {"decod": "text"},
        "COMPLETED or DISCONTINUED by {decod}, ONGOING without; none for subjects never enrolled.",
        ("completed", "not_enrolled"),
    ),
    "disposition_reason": Derivation(
        disposition_reason, {"decod": "text"}, "{decod} of discontinued subjects.", ("completed", "not_enrolled")
    ),
    "base": Derivation(base, {"value": "value"}, "{value} of the baseline record.", grouped=True),
    "first": Derivation(first, {}, "'Y' on the first record.", grouped=True),
    "last": Derivation(last, {}, "'Y' on the last record.", grouped=True),
    "worst": Derivation(
        worst, {"severity": "value"}, "'Y' on the record of the worst {severity}.", ("severities",), True
    ),
    "nearest": Derivation(
        nearest_record,
        {"day": "number", "target": "number"},
        "'Y' on the record whose {day} is nearest to {target}.",
        ("tie",),
        True,
    ),
    "cumulative": Derivation(cumulative, {"value": "number"}, "Sum of {value} up to the record.", grouped=True),
    "sequence": Derivation(sequence, {}, "Number of the record.", grouped=True),
}
"""The derivations a mapping may name. Dates are ISO 8601 text, days are their SAS days, numbers are read."""
