"""Data that hardly can be: questions of a data manager about dates, doses, results and subjects, on whole columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pandas as pd
import yaml

from ..iso8601 import is_after, read_dates
from .base import Hit, Study, dataset, hits, is_sdtm, rule
from .dates import subject_rows
from .view import Mask, View

Numbers = npt.NDArray[np.float64]

_SEXES = Path(__file__).with_name("sex_specific.yaml")
_FEWEST = 100
"""Results a test needs before the digits of its results are looked at."""
_FEW = 7
"""Results a subject needs before they are compared with each other."""
_RESULTS = ("LB", "VS", "EG")


def _cutoff(study: Study, view: View) -> Sequence[str]:
    if not is_sdtm(view) or not study.has("TS", "TSPARMCD", "TSVAL"):
        return ()
    return [str(name) for name in view.frame.columns if name.endswith("DTC") and view.is_text(str(name))]


@rule("CDW-AFTER-CUTOFF", "warning", group="fit", citation="", applies=_cutoff, fix_in="raw")
def nothing_happens_after_the_cutoff(study: Study, view: View) -> Iterator[Hit]:
    """No date lies after the day the data were cut off (DCUTDTC of TS): most often the year was mistyped."""
    ts = study.column("TS", "TSPARMCD", "TSVAL")
    place = np.flatnonzero(ts.equals("TSPARMCD", "DCUTDTC") & ~ts.missing("TSVAL"))
    if not len(place):
        return
    cut = ts.shown("TSVAL", int(place[0]))
    limit = read_dates([cut])
    for name in _cutoff(study, view):
        found = view.distinct_dates(name)
        after = is_after(found, limit.take(np.zeros(len(found.valid), dtype=np.intp)))
        yield from hits(name, f"{name} is after the cut-off of the data ({cut})", view.spread(name, after))


def _overlapping(view: View, inside: Sequence[str], start: str, end: str) -> Mask:
    """Tell which records begin before one of the same group, begun earlier, has ended; days known to the day count."""
    begin, stop = view.dates(start).days(), view.dates(end).days()
    groups = view.group(*inside)
    known = np.flatnonzero(~np.isnan(begin) & ~np.isnan(stop) & ~view.missing(inside[-1]))
    order = known[np.lexsort((stop[known], begin[known], groups[known]))]
    mask = np.zeros(len(view), dtype=bool)
    if len(order) < 2:
        return mask
    # the latest end so far within the group: groups are set apart by more days than any date has
    apart = groups[order].astype(np.float64) * 1e7
    latest = np.maximum.accumulate(stop[order] + apart)
    mask[order[1:]] = (begin[order] + apart)[1:] < latest[:-1]
    return mask


@rule(
    "CDW-DOSE-OVERLAP",
    "warning",
    group="fit",
    citation="",
    applies=dataset("EX", "USUBJID", "EXTRT", "EXSTDTC", "EXENDTC"),
    fix_in="raw",
)
def doses_follow_each_other(_study: Study, view: View) -> Iterator[Hit]:
    """A treatment begins after the record before it has ended (per subject, treatment and route).

    One day may end one record and begin the next.
    """
    inside = [name for name in ("USUBJID", "EXROUTE", "EXTRT") if name in view]
    mask = _overlapping(view, inside, "EXSTDTC", "EXENDTC")
    yield from hits(
        "EXSTDTC", "EXSTDTC is before the end of the record before it", mask, show=("EXTRT", "EXSTDTC", "EXENDTC")
    )


@rule(
    "CDW-EVENT-OVERLAP",
    "info",
    group="fit",
    citation="",
    applies=dataset("AE", "USUBJID", "AEDECOD", "AESTDTC", "AEENDTC"),
    fix_in="raw",
)
def events_follow_each_other(_study: Study, view: View) -> Iterator[Hit]:
    """An event does not begin while the same event (AEDECOD) of the subject goes on: it may be reported twice."""
    mask = _overlapping(view, ("USUBJID", "AEDECOD"), "AESTDTC", "AEENDTC")
    yield from hits("AEDECOD", "the same event goes on already", mask, show=("AEDECOD", "AESTDTC", "AEENDTC"))


@rule("CDW-DOSE-FAR", "info", group="fit", citation="", applies=dataset("EX", "EXTRT", "EXDOSE"), fix_in="raw")
def doses_are_near_the_others(_study: Study, view: View) -> Iterator[Hit]:
    """A dose is not five times above or below the median dose of its treatment and unit (of ten doses or more)."""
    if view.is_text("EXDOSE"):
        return
    inside = [name for name in ("EXTRT", "EXDOSU", "EXDOSFRQ") if name in view]
    dose = view.numbers("EXDOSE")
    with np.errstate(invalid="ignore", divide="ignore"):
        median, count = _medians(np.where(dose > 0, dose, np.nan), view.group(*inside))
        mask = (count >= 10) & (dose > 0) & (np.abs(np.log(dose / median)) >= np.log(5))
    yield from hits("EXDOSE", "EXDOSE is far from the other doses of the treatment", mask, show=(*inside, "EXDOSE"))


def _medians(values: Numbers, groups: npt.NDArray[Any]) -> tuple[Numbers, npt.NDArray[np.int64]]:
    """Return for each record the median of its group's values, and how many there are (NaN is no value)."""
    median, count = np.full(len(values), np.nan), np.zeros(len(values), dtype=np.int64)
    known = np.flatnonzero(~np.isnan(values))
    if not len(known):
        return median, count
    order = known[np.lexsort((values[known], groups[known]))]
    starts = np.flatnonzero(np.r_[True, np.diff(groups[order]) != 0])
    sizes = np.diff(np.r_[starts, len(order)])
    low, high = starts + (sizes - 1) // 2, starts + sizes // 2
    middle = (values[order][low] + values[order][high]) / 2
    at = np.full(int(groups.max()) + 1, -1, dtype=np.int64)
    at[groups[order][starts]] = np.arange(len(starts))
    place = at[groups]
    told = place >= 0
    median[told], count[told] = middle[place[told]], sizes[place[told]]
    return median, count


def _results(_study: Study, view: View) -> Sequence[str]:
    names = [view.real(name) for name in ("--TESTCD", "--STRESN")]
    ready = is_sdtm(view) and view.prefix in _RESULTS and "USUBJID" in view and all(name in view for name in names)
    return names if ready and not view.is_text(names[1]) else ()


def _test(view: View) -> list[str]:
    return [view.real(name) for name in ("--TESTCD", "--SPEC", "--METHOD", "--STRESU") if view.real(name) in view]


@rule("CDW-UNIT-JUMP", "warning", group="fit", citation="", applies=_results, fix_in="raw")
def results_do_not_jump_by_ten(study: Study, view: View) -> Iterator[Hit]:
    """A result is not 10, 100 or 1000 times above or below all other results of the subject: a unit or a decimal mark is wrong.

    The subject has six other results or more, which lie within a factor of 1.5; the jump is a power of ten within a tenth.
    """
    result = _results(study, view)[1]
    values = view.numbers(result)
    with np.errstate(invalid="ignore", divide="ignore"):
        logs = np.where(values > 0, np.log10(np.where(values > 0, values, 1)), np.nan)
    inside = view.group("USUBJID", *_test(view))
    median, count = _medians(logs, inside)
    away = np.abs(logs - median)
    near = away <= np.log10(1.5)
    power = np.round(away)
    jump = (count >= _FEW) & (power >= 1) & (power <= 3) & (np.abs(away - power) <= np.log10(1.1))
    settled = np.bincount(inside, weights=near, minlength=int(inside.max(initial=-1)) + 1)[inside] == count - 1
    yield from hits(
        result,
        f"{result} is a power of ten away from the subject's other results",
        jump & settled,
        show=(*_test(view), result),
    )


@rule("CDW-SAME-VALUE", "info", group="fit", citation="", applies=_results, fix_in="raw")
def results_differ_from_visit_to_visit(study: Study, view: View) -> Iterator[Hit]:
    """A subject's results of a test are not all the same, where those of the study are many: a value may have been copied.

    The subject has six results or more on different days, and the test twenty different results; height is left out.
    """
    test, result = _results(study, view)
    date = view.real("--DTC")
    if date not in view:
        return
    inside, tests, codes = view.group("USUBJID", *_test(view)), view.group(*_test(view)), view.distinct(result)[0]
    known = (codes >= 0) & ~view.missing(date) & ~view.equals(test, "HEIGHT")
    size = int(inside.max(initial=-1)) + 1
    many = _different(tests[known], codes[known], int(tests.max(initial=-1)) + 1)[tests] >= 20
    days = _different(inside[known], view.distinct(date)[0][known], size)[inside]
    one = _different(inside[known], codes[known], size)[inside] == 1
    yield from hits(
        result, "the subject has this result at every visit", known & many & one & (days >= 6), show=(test, result)
    )


def _different(groups: npt.NDArray[Any], codes: npt.NDArray[Any], size: int = 0) -> npt.NDArray[np.int64]:
    """Return for each group how many different codes it has."""
    size = max(size, int(groups.max(initial=-1)) + 1)
    width = int(codes.max(initial=0)) + 1
    pairs = np.unique(groups.astype(np.int64) * width + codes)
    found = np.zeros(max(size, 1), dtype=np.int64)
    counted = np.bincount(pairs // width) if len(pairs) else np.zeros(0, dtype=np.int64)
    found[: len(counted)] = counted
    return found


def _collected(_study: Study, view: View) -> Sequence[str]:
    names = [view.real(name) for name in ("--TESTCD", "--ORRES")]
    return names if is_sdtm(view) and view.prefix in _RESULTS and all(name in view for name in names) else ()


@rule("CDW-DIGITS", "info", group="fit", citation="", applies=_collected, fix_in="raw")
def last_digits_are_spread(_study: Study, view: View) -> Iterator[Hit]:
    """The last digit of the results of a test is not one digit in more than half of them: they may be rounded or guessed.

    Looked at where a test has a hundred results of at least two digits, and thirty different ones.
    """
    test, result = view.real("--TESTCD"), view.real("--ORRES")
    values = [str(value).strip() for value in view.distinct(result)[1]]
    digits = np.array(
        [int(v[-1]) if sum(c.isdigit() for c in v) > 1 and v[-1].isdigit() and _plain(v) else -1 for v in values] + [-1]
    )
    last, tests = digits[view.distinct(result)[0]], view.distinct(test)[0]
    known = (last >= 0) & (tests >= 0)
    if not known.any():
        return
    counts = np.zeros((int(tests.max()) + 1, 10), dtype=np.int64)
    np.add.at(counts, (tests[known], last[known]), 1)
    enough = (counts.sum(axis=1) >= _FEWEST) & (
        _different(tests[known], view.distinct(result)[0][known], len(counts)) >= 30
    )
    for place in np.flatnonzero(enough & (counts.max(axis=1) > counts.sum(axis=1) / 2)):
        digit, name = int(counts[place].argmax()), view.distinct(test)[1][place]
        share = round(100 * counts[place, digit] / counts[place].sum())
        text = f"{share} % of the results of {name} end in {digit}"
        yield Hit(result, text, np.flatnonzero((tests == place) & (last == digit)), show=(test, result))


def _plain(text: str) -> bool:
    return text.replace(".", "", 1).replace(",", "", 1).isdigit()


def _dated_results(study: Study, view: View) -> Sequence[str]:
    date = view.real("--DTC")
    return (
        [*_collected(study, view), date, "USUBJID"]
        if _collected(study, view) and date in view and "USUBJID" in view
        else ()
    )


@rule("CDW-TWINS", "warning", group="fit", citation="", applies=_dated_results, fix_in="raw")
def subjects_do_not_share_their_results(study: Study, view: View) -> Iterator[Hit]:
    """Two subjects do not have the same results of four or more tests at one time: a form may be under the wrong subject.

    The results of a subject on one date and time are compared as a whole, test by test; numbers of two digits or more count.
    """
    test, result, date = _dated_results(study, view)[:3]
    codes, values = view.distinct(result)
    number = np.array([_plain(str(v)) and len(str(v)) > 1 for v in values] + [False])[codes]
    known = np.flatnonzero(number & ~view.missing(date) & ~view.missing(test))
    if not len(known):
        return
    tests, forms = view.group(test, result)[known], view.group("USUBJID", date)[known]
    # a sum of hashes, one for each test and result, stands for the set of results
    marks = pd.util.hash_array(np.arange(int(tests.max()) + 1)).view(np.int64)
    order = np.lexsort((tests, forms))
    first = np.r_[True, (np.diff(forms[order]) != 0) | (np.diff(tests[order]) != 0)]
    order = order[first]
    sums, sizes = (
        np.zeros(int(forms.max()) + 1, dtype=np.int64),
        np.bincount(forms[order], minlength=int(forms.max()) + 1),
    )
    np.add.at(sums, forms[order], marks[tests[order]])
    subject = np.full(len(sums), -1, dtype=np.int64)
    subject[forms] = view.distinct("USUBJID")[0][known]
    same = np.unique(sums, return_inverse=True)[1]
    shared = _different(same[subject >= 0], subject[subject >= 0], int(same.max()) + 1)[same] > 1
    mask = np.zeros(len(view), dtype=bool)
    mask[known] = (shared & (sizes >= 4))[forms]
    yield from hits(
        "USUBJID", "another subject has the same results of the same tests", mask, show=(date, test, result)
    )


_LIMITS = {"HEIGHT": (100.0, 230.0), "WEIGHT": (25.0, 300.0)}


def _body(study: Study, view: View) -> Sequence[str]:
    names = ("USUBJID", "VSTESTCD", "VSSTRESN", "VSSTRESU")
    ready = view.name == "VS" and all(name in view for name in names) and not view.is_text("VSSTRESN")
    return names if ready and study.has("DM", "USUBJID", "AGE", "AGEU") else ()


@rule("CDW-BODY-SIZE", "warning", group="fit", citation="", applies=_body, fix_in="raw")
def body_sizes_are_possible(study: Study, view: View) -> Iterator[Hit]:
    """The height of an adult lies between 100 and 230 cm and above the weight in kg, the weight between 25 and 300 kg.

    Height and weight entered the wrong way round, and pounds or inches entered as kilograms and centimetres, show here.
    """
    values = view.numbers("VSSTRESN")
    adult = _adults(study)[subject_rows(study, view)]
    told = {
        "HEIGHT": view.equals("VSTESTCD", "HEIGHT") & view.equals("VSSTRESU", "cm"),
        "WEIGHT": view.equals("VSTESTCD", "WEIGHT") & view.equals("VSSTRESU", "kg"),
    }
    for name, (low, high) in _LIMITS.items():
        with np.errstate(invalid="ignore"):
            mask = adult & told[name] & ((values < low) | (values > high))
        yield from hits(
            "VSSTRESN",
            f"{name} of an adult is not between {low:g} and {high:g}",
            mask,
            show=("VSTESTCD", "VSSTRESN", "VSSTRESU"),
        )
    height = _medians(np.where(told["HEIGHT"], values, np.nan), view.group("USUBJID"))[0]
    with np.errstate(invalid="ignore"):
        mask = adult & told["WEIGHT"] & (values > height) & (values <= _LIMITS["WEIGHT"][1])
    yield from hits(
        "VSSTRESN", "the weight in kg is above the height in cm", mask, show=("VSTESTCD", "VSSTRESN", "VSSTRESU")
    )


def _adults(study: Study) -> Mask:
    """Tell for each record of DM whether the subject is 18 years or older; one more at the end for none."""
    dm = study.column("DM", "AGE", "AGEU")
    with np.errstate(invalid="ignore"):
        return np.append((dm.numbers("AGE") >= 18) & dm.equals("AGEU", "YEARS"), False)


@cache
def _sexes() -> Mapping[str, list[str]]:
    """Return the tests that only one sex has, by sex (sex_specific.yaml)."""
    return cast("Mapping[str, list[str]]", yaml.safe_load(_SEXES.read_text(encoding="utf-8")))


def _tested(study: Study, view: View) -> Sequence[str]:
    test = view.real("--TESTCD")
    ready = is_sdtm(view) and view.prefix in {"LB", "RP"} and test in view and "USUBJID" in view
    return (test,) if ready and study.has("DM", "USUBJID", "SEX") else ()


@rule("CDW-SEX-TEST", "warning", group="fit", citation="", applies=_tested, fix_in="raw")
def tests_fit_the_sex(study: Study, view: View) -> Iterator[Hit]:
    """A test that only one sex has (a pregnancy test, a count of sperm) has no result in a subject of the other."""
    test, dm = _tested(study, view)[0], study.column("DM", "SEX")
    for sex, other in (("F", "M"), ("M", "F")):
        rows = np.append(dm.equals("SEX", other), False)[subject_rows(study, view)]
        mask = rows & view.equals(test, *_sexes()[sex])
        result = view.real("--ORRES")
        mask &= ~view.missing(result) if result in view else True
        yield from hits(
            test, f"{test} '{{value}}' in a subject of sex {other}", mask, by_value=True, show=(test, result)
        )
