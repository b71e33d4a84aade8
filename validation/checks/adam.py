"""Analysis datasets: ADSL, agreement with DM, parameters, pairs, time to event, traceability."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from ..iso8601 import read_dates
from .base import Hit, Study, failing, hits, is_adam, on, rule
from .dates import subject_rows
from .findings import not_one_to_one
from .identity import repeated
from .structure import guide_variables
from .view import View

_SHARED = ("STUDYID", "SUBJID", "SITEID", "AGE", "AGEU", "SEX", "RACE", "ETHNIC", "COUNTRY", "ARM", "ACTARM", "ARMCD")
_COPIED = (*_SHARED, "ACTARMCD", "BRTHDTC", "RFSTDTC", "RFENDTC", "RFXSTDTC", "RFXENDTC", "DTHFL", "DTHDTC", "INVID")
_PAIRED = re.compile(r"(?P<name>[A-Z][A-Z0-9]{0,6})N")
_FLAG = re.compile(r"[A-Z0-9]+FL")
_EPOCH_OFFSET = 3653  # days from 1960-01-01 (SAS) to 1970-01-01


def _subjects(study: Study, view: View) -> Sequence[str]:
    named = is_adam(view) and view.name != "ADSL" and "USUBJID" in view
    return ("USUBJID",) if named and study.has("ADSL", "USUBJID") else ()


@rule(
    "CDW-ADSL-ONE",
    "error",
    group="adam",
    citation="ADaMIG 1.3 section 2.3.1",
    applies=lambda _s, v: ("USUBJID",) if v.name == "ADSL" and "USUBJID" in v else (),
)
def adsl_has_one_record_per_subject(_study: Study, view: View) -> Iterator[Hit]:
    """ADSL has one record per subject."""
    yield from hits("USUBJID", "USUBJID is in ADSL more than once", repeated(view.group("USUBJID")), show=("USUBJID",))


@rule(
    "CDW-ADSL-DM",
    "error",
    group="adam",
    citation="ADaMIG 1.3 section 3.2",
    applies=lambda s, v: ("USUBJID",) if v.name == "ADSL" and "USUBJID" in v and s.has("DM", "USUBJID") else (),
)
def adsl_subjects_are_in_dm(study: Study, view: View) -> Iterator[Hit]:
    """Every subject of ADSL is in DM."""
    yield from hits("USUBJID", "USUBJID '{value}' is not in DM", subject_rows(study, view) < 0, by_value=True)


@rule("CDW-SUBJECT-ADSL", "error", group="adam", citation="ADaMIG 1.3 section 2.3.1", applies=_subjects)
def subjects_are_in_adsl(study: Study, view: View) -> Iterator[Hit]:
    """Every subject of an analysis dataset is in ADSL."""
    mask = (subject_rows(study, view, "ADSL") < 0) & ~view.missing("USUBJID")
    yield from hits("USUBJID", "USUBJID '{value}' is not in ADSL", mask, by_value=True)


def differing(study: Study, view: View, other: str, variable: str, rows: np.ndarray | None = None) -> np.ndarray:
    """Tell which records differ in a variable from their subject's record in DM or ADSL, or from the one in `rows`."""
    source = study.view(other)
    rows = subject_rows(study, view, other) if rows is None else rows
    theirs, names = source.distinct(variable)
    ours, values = view.distinct(variable)
    place = {_plain(name): i for i, name in enumerate(names)}
    translated = np.array([place.get(_plain(value), -2) for value in values] + [-1])[ours]
    mask: np.ndarray = (rows >= 0) & (translated != np.append(theirs, -1)[rows])
    return mask


def _plain(value: object) -> object:
    return float(value) if isinstance(value, int | float | np.number) else value


def _copies(study: Study, view: View) -> Sequence[str]:
    if view.name != "ADSL" or not study.has("DM", "USUBJID"):
        return ()
    return [name for name in _COPIED if name in view and name in study.view("DM")]


@rule(
    "CDW-ADSL-AGREES",
    "error",
    group="adam",
    citation="ADaMIG 1.3 section 3.1 (same name, same meaning, same values)",
    applies=_copies,
)
def adsl_agrees_with_dm(study: Study, view: View) -> Iterator[Hit]:
    """A variable of ADSL with the name of a DM variable has its values."""
    for name in _copies(study, view):
        yield from hits(name, f"{name} differs from DM", differing(study, view, "DM", name), show=("USUBJID", name))


def _core(study: Study, view: View) -> Sequence[str]:
    if not _subjects(study, view):
        return ()
    shared = set(study.view("ADSL").frame.columns) - {"USUBJID"}
    own = {"TRTP", "TRTA", "ADT", "AVAL"}
    return [str(name) for name in view.frame.columns if name in shared and name not in own]


@rule(
    "CDW-CORE-AGREES",
    "error",
    group="adam",
    citation="ADaMIG 1.3 section 3.1 (same name, same meaning, same values)",
    applies=_core,
)
def copies_agree_with_adsl(study: Study, view: View) -> Iterator[Hit]:
    """A variable that an analysis dataset shares with ADSL has its values."""
    for name in _core(study, view):
        yield from hits(name, f"{name} differs from ADSL", differing(study, view, "ADSL", name), show=("USUBJID", name))


def _flags(_study: Study, view: View) -> Sequence[str]:
    if not is_adam(view):
        return ()
    return [str(n) for n in view.frame.columns if _FLAG.fullmatch(str(n)) and n != "DTHFL" and view.is_text(str(n))]


_POPULATION = ("FASFL", "SAFFL", "ITTFL", "PPROTFL", "COMPLFL", "RANDFL", "ENRLFL")


@rule("CDW-FLAG", "error", group="adam", citation="ADaMIG 1.3 section 3.1", applies=_flags)
def analysis_flags_are_y_or_n(study: Study, view: View) -> Iterator[Hit]:
    """A flag is Y, N or missing; the population flags of ADSL are Y or N, never missing."""
    known = guide_variables(study, view)
    for name in _flags(study, view):
        mask = ~view.missing(name) & ~view.equals(name, "Y", "N")
        if name not in known or not known[name].values:  # else CDW-PRESCRIBED looks at it
            yield from hits(name, f"{name} is '{{value}}'", mask, by_value=True)
        if view.name == "ADSL" and name in _POPULATION:
            yield from hits(name, f"{name} is missing", view.missing(name))


def _numbered(_study: Study, view: View) -> Sequence[str]:
    return [f"{a},{b}" for a, b in _pairs(view)] if is_adam(view) else ()


def _pairs(view: View) -> list[tuple[str, str]]:
    found = []
    for name in map(str, view.frame.columns):
        match = _PAIRED.fullmatch(name)
        if match and match["name"] in view and view.is_text(match["name"]) and not view.is_text(name):
            found.append((match["name"], name))
    return found


@rule("CDW-NUMBER-PAIRS", "error", group="adam", citation="ADaMIG 1.3 section 3.1", applies=_numbered)
def text_and_number_go_one_to_one(_study: Study, view: View) -> Iterator[Hit]:
    """A text variable and its number go one to one: TRTP and TRTPN, AGEGR1 and AGEGR1N, AVISIT and AVISITN.

    Within a parameter where the dataset has parameters and the pair describes its values.
    """
    for text, number in _pairs(view):
        if text.startswith(("AVALCA", "BASECA", "CHGCAT", "CRIT")):
            continue
        mask = not_one_to_one(view, text, number)
        yield from hits(number, f"{text} and {number} do not go one to one", mask, show=(text, number))
        lonely = view.missing(text) & ~view.missing(number)
        yield from hits(number, f"{number} is given without {text}", lonely, show=(text, number))


@rule(
    "CDW-PARAM-PAIRS",
    "error",
    group="adam",
    citation="ADaMIG 1.3 section 3.3",
    applies=on("PARAMCD", "PARAM", only=is_adam),
)
def parameters_go_one_to_one(_study: Study, view: View) -> Iterator[Hit]:
    """PARAMCD and PARAM go one to one."""
    mask = not_one_to_one(view, "PARAMCD", "PARAM")
    yield from hits("PARAMCD", "PARAMCD and PARAM do not go one to one", mask, show=("PARAMCD", "PARAM"))


@rule("CDW-PARAMCD", "error", group="adam", citation="ADaMIG 1.3 section 3.3", applies=on("PARAMCD", only=is_adam))
def parameter_codes_are_legal(_study: Study, view: View) -> Iterator[Hit]:
    """PARAMCD has at most 8 characters: letters, digits, underscore, not a digit first; it is never missing."""
    legal = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,7}")
    mask = view.where("PARAMCD", lambda values: [not legal.fullmatch(str(v)) for v in values])
    yield from hits("PARAMCD", "'{value}' is not a legal PARAMCD", mask, by_value=True)
    yield from hits("PARAMCD", "PARAMCD is missing", view.missing("PARAMCD"))


@rule(
    "CDW-AVALC-PAIRS",
    "error",
    group="adam",
    citation="ADaMIG 1.3 section 3.3",
    applies=on("PARAMCD", "AVAL", "AVALC", only=is_adam),
)
def values_as_text_and_number_agree(_study: Study, view: View) -> Iterator[Hit]:
    """Within a parameter, AVAL and AVALC go one to one where both are given."""
    if view.is_text("AVAL"):
        return
    both = ~view.missing("AVAL") & ~view.missing("AVALC")
    group, number, text = view.group("PARAMCD"), view.group("PARAMCD", "AVAL"), view.group("PARAMCD", "AVALC")
    pairs = view.group("PARAMCD", "AVAL", "AVALC")
    mask = both & (_several(number, pairs, both) | _several(text, pairs, both)) & (group >= 0)
    yield from hits(
        "AVALC", "AVAL and AVALC do not go one to one in a parameter", mask, show=("PARAMCD", "AVAL", "AVALC")
    )


def _several(groups: np.ndarray, pairs: np.ndarray, usable: np.ndarray) -> np.ndarray:
    """Tell which records are in a group with more than one distinct pair."""
    _, first = np.unique(pairs[usable], return_index=True)
    counts = np.bincount(groups[usable][first], minlength=int(groups.max(initial=0)) + 1)
    several: np.ndarray = counts[groups] > 1
    return several


@rule(
    "CDW-CHG",
    "error",
    group="adam",
    citation="ADaMIG 1.3 section 3.3",
    applies=on("AVAL", "BASE", "CHG", only=is_adam),
)
def change_is_value_minus_baseline(_study: Study, view: View) -> Iterator[Hit]:
    """CHG is AVAL - BASE."""
    expected = view.numbers("AVAL") - view.numbers("BASE")
    actual = view.numbers("CHG")
    mask = ~np.isnan(actual) & ~np.isclose(expected, actual, rtol=1e-9, atol=1e-9)
    yield from hits("CHG", "CHG is not AVAL - BASE", mask, show=("AVAL", "BASE", "CHG"))


@rule(
    "CDW-PCHG",
    "error",
    group="adam",
    citation="ADaMIG 1.3 section 3.3",
    applies=on("AVAL", "BASE", "PCHG", only=is_adam),
)
def percent_change_follows(_study: Study, view: View) -> Iterator[Hit]:
    """PCHG is 100 * (AVAL - BASE) / BASE."""
    base, actual = view.numbers("BASE"), view.numbers("PCHG")
    with np.errstate(invalid="ignore", divide="ignore"):
        expected = 100 * (view.numbers("AVAL") - base) / base
        mask = ~np.isnan(actual) & ~np.isclose(expected, actual, rtol=1e-6, atol=1e-6)
    yield from hits("PCHG", "PCHG is not 100 * (AVAL - BASE) / BASE", mask, show=("AVAL", "BASE", "PCHG"))


@rule(
    "CDW-BASE-SAME",
    "error",
    group="adam",
    citation="ADaMIG 1.3 section 3.3",
    applies=on("USUBJID", "PARAMCD", "BASE", only=is_adam),
)
def baseline_is_the_same(_study: Study, view: View) -> Iterator[Hit]:
    """BASE is one value per subject, parameter and BASETYPE."""
    keys = ["USUBJID", "PARAMCD", *(["BASETYPE"] if "BASETYPE" in view else [])]
    usable = ~view.missing("BASE")
    mask = usable & _several(view.group(*keys), view.group(*keys, "BASE"), usable)
    yield from hits("BASE", "BASE differs within a subject and parameter", mask, show=(*keys, "BASE"))


@rule(
    "CDW-BASE-FLAG",
    "error",
    group="adam",
    citation="ADaMIG 1.3 section 3.3",
    applies=on("USUBJID", "PARAMCD", "ABLFL", "AVAL", "BASE", only=is_adam),
)
def baseline_is_the_flagged_value(_study: Study, view: View) -> Iterator[Hit]:
    """BASE is AVAL of the record flagged as baseline, and one record is flagged."""
    keys = ["USUBJID", "PARAMCD", *(["BASETYPE"] if "BASETYPE" in view else [])]
    flagged = view.equals("ABLFL", "Y")
    groups = view.group(*keys)
    many = flagged & (np.bincount(groups[flagged], minlength=int(groups.max(initial=0)) + 1) > 1)[groups]
    yield from hits("ABLFL", "several records are flagged as baseline", many, show=(*keys, "ABLFL"))
    base, value = view.numbers("BASE"), view.numbers("AVAL")
    mask = flagged & ~np.isclose(base, value, rtol=1e-9, atol=1e-9, equal_nan=True)
    yield from hits("BASE", "BASE is not AVAL of the baseline record", mask, show=(*keys, "AVAL", "BASE"))


@rule(
    "CDW-CNSR",
    "error",
    group="adam",
    citation="ADaMIG 1.3 section 3.3 (time to event)",
    applies=on("CNSR", only=is_adam),
)
def censoring_is_a_whole_number(_study: Study, view: View) -> Iterator[Hit]:
    """CNSR is 0 for an event and a whole number above 0 for a censored time; it is given where AVAL is."""
    numbers = view.numbers("CNSR")
    with np.errstate(invalid="ignore"):
        mask = ~np.isnan(numbers) & ((numbers < 0) | (numbers % 1 != 0))
    yield from hits("CNSR", "CNSR is {value}", mask, by_value=True)
    if "AVAL" in view:
        lacking = view.missing("CNSR") & ~view.missing("AVAL")
        yield from hits("CNSR", "CNSR is missing though AVAL is given", lacking, show=("AVAL", "CNSR"))


@rule(
    "CDW-TTE-TIME",
    "error",
    group="adam",
    citation="ADaMIG 1.3 section 3.3 (time to event)",
    applies=on("ADT", "STARTDT", "AVAL", "CNSR", only=is_adam),
    fix_in="tool",
)
def time_to_event_follows_from_dates(_study: Study, view: View) -> Iterator[Hit]:
    """AVAL is the time from STARTDT to ADT, and ADT is not before STARTDT.

    In days ADT - STARTDT or ADT - STARTDT + 1, one of the two throughout a parameter; in weeks, months or years a
    fixed number of days per unit. A parameter whose values fit neither is reported.
    """
    days = view.numbers("ADT") - view.numbers("STARTDT")
    value = view.numbers("AVAL")
    show = ("STARTDT", "ADT", "AVAL")
    with np.errstate(invalid="ignore"):
        yield from hits("ADT", "ADT is before STARTDT", days < 0, show=show)
    keys = [name for name in ("PARAMCD", "AVALU") if name in view]
    groups = view.group(*keys) if keys else np.zeros(len(view), dtype=np.intp)
    known = ~np.isnan(days) & ~np.isnan(value)
    wrong = known & _unfit(groups, days, value, known)
    yield from hits("AVAL", "AVAL is not the time from STARTDT to ADT", wrong, show=show)


_UNITS = (1.0, 7.0, 30.4375, 365.25)


def _unfit(groups: np.ndarray, days: np.ndarray, value: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Tell which records do not follow the rule that fits most records of their parameter."""
    wrong = np.zeros(len(groups), dtype=bool)
    for group in np.unique(groups[known]):
        here = np.flatnonzero(known & (groups == group))
        fits = [np.abs((days[here] + add) / unit - value[here]) < 0.006 for unit in _UNITS for add in (0, 1)]
        wrong[here] = ~max(fits, key=lambda fit: int(fit.sum()))
    return wrong


@rule(
    "CDW-TTE-EVENT",
    "warning",
    group="adam",
    citation="ADaMIG 1.3 section 3.3 (time to event)",
    applies=on("CNSR", "EVNTDESC", only=is_adam),
)
def events_are_described(_study: Study, view: View) -> Iterator[Hit]:
    """EVNTDESC describes the event or the censoring, and one description belongs to one kind of them."""
    yield from hits("EVNTDESC", "EVNTDESC is missing", view.missing("EVNTDESC") & ~view.missing("CNSR"))
    event = view.where("CNSR", lambda values: [float(v) == 0 for v in values]).astype(int)
    keys = view.group(*(["PARAMCD"] if "PARAMCD" in view else []), "EVNTDESC")
    usable = ~view.missing("EVNTDESC") & ~view.missing("CNSR")
    mask = usable & _several(keys, keys.astype(np.int64) * 2 + event, usable)
    yield from hits("EVNTDESC", "EVNTDESC '{value}' stands for an event and for censoring", mask, by_value=True)


@rule(
    "CDW-TTE-ONE",
    "error",
    group="adam",
    citation="ADaMIG 1.3 section 3.3 (time to event)",
    applies=on("USUBJID", "PARAMCD", "CNSR", only=is_adam),
)
def one_time_per_subject_and_parameter(_study: Study, view: View) -> Iterator[Hit]:
    """A subject has one time to event per parameter."""
    mask = repeated(view.group("USUBJID", "PARAMCD"))
    yield from hits("PARAMCD", "a subject has several times for a parameter", mask, show=("USUBJID", "PARAMCD"))


def constant_within(view: View, keys: Sequence[str], variable: str) -> np.ndarray:
    """Tell which records are in a group that has one value of a variable, missing ones left aside."""
    usable = ~view.missing(variable)
    constant: np.ndarray = ~usable | ~_several(view.group(*keys), view.group(*keys, variable), usable)
    return constant


def _sources(study: Study, view: View) -> Sequence[str]:
    names = ("SRCDOM", "SRCVAR", "SRCSEQ", "USUBJID")
    given = any(not is_adam(study.view(name)) for name in study.datasets)
    return names if is_adam(view) and given and all(name in view for name in names) else ()


@rule(
    "CDW-SOURCE", "error", group="adam", citation="ADaMIG 1.3 section 3.3 (data point traceability)", applies=_sources
)
def sources_are_real_records(study: Study, view: View) -> Iterator[Hit]:
    """SRCDOM, SRCVAR and SRCSEQ point at a record of the subject that has this variable, and a value in it."""
    message = {
        "SRCDOM": "SRCDOM '{value}' is no dataset of the study",
        "SRCVAR": "SRCVAR '{value}' is no variable of its dataset",
        "SRCSEQ": "SRCSEQ points at no record of the subject",
    }
    wrong = {name: np.zeros(len(view), dtype=bool) for name in message}
    groups = view.group("SRCDOM", "SRCVAR")
    for at in np.unique(groups, return_index=True)[1]:
        domain, variable = view.shown("SRCDOM", at), view.shown("SRCVAR", at)
        here = groups == groups[at]
        if not domain:
            continue
        if domain not in study.datasets:
            wrong["SRCDOM"] |= here
        elif variable and variable not in study.view(domain):
            wrong["SRCVAR"] |= here
        else:
            wrong["SRCSEQ"][failing(here)] = ~_at_records(study, view, failing(here), domain)
    show = ("USUBJID", "SRCDOM", "SRCVAR", "SRCSEQ")
    for name, text in message.items():
        yield from hits(name, text, wrong[name], show=show, by_value="{value}" in text)


def _sequence(source: View) -> str:
    """Return the sequence variable of a dataset: --SEQ, ASEQ, or the one that an analysis dataset took over (AESEQ)."""
    # LSTALSEQ and the like number a record elsewhere: only names of a domain's own --SEQ count.
    own = [str(name) for name in source.frame.columns if re.fullmatch(r"[A-Z][A-Z0-9]SEQ", str(name))]
    return next((name for name in (source.real("--SEQ"), "ASEQ", *own) if name in source), "")


def _at_records(study: Study, view: View, here: np.ndarray, domain: str) -> np.ndarray:
    """Tell which records point at a record of a domain; without a sequence, at its subject."""
    source = study.view(domain)
    rows = source_rows(view, here, source)
    unnumbered = np.isnan(view.numbers("SRCSEQ")[here])
    subjects = same_subjects(view, source)[here] >= 0
    found: np.ndarray = np.where(unnumbered, subjects, rows >= 0)
    return found


def same_subjects(view: View, source: View) -> np.ndarray:
    """Return for each record the code its subject has in another dataset, -1 where it has none."""
    place = {str(name): code for code, name in enumerate(source.distinct("USUBJID")[1])}
    codes, names = view.distinct("USUBJID")
    translated = np.array([place.get(str(name), -1) for name in names] + [-1], dtype=np.intp)
    found: np.ndarray = translated[codes]
    return found


def source_rows(view: View, here: np.ndarray, source: View, number: str = "SRCSEQ") -> np.ndarray:
    """Return for the records `here` the place of the record that subject and SRCSEQ name in `source`, or -1.

    Where `source` has no sequence (DM), the subject alone names its one record.
    """
    seq = _sequence(source)
    theirs = pd.DataFrame({"subject": source.distinct("USUBJID")[0], "row": np.arange(len(source))})
    ours = pd.DataFrame({"subject": same_subjects(view, source)[here]})
    if seq:
        theirs["number"], ours["number"] = source.numbers(seq), view.numbers(number)[here]
        theirs = theirs[theirs["number"].notna()].drop_duplicates(["subject", "number"])
    else:
        theirs = theirs.drop_duplicates("subject", keep=False)
    rows = ours.merge(theirs, how="left", on=["subject", "number"] if seq else "subject")["row"]
    found: np.ndarray = rows.fillna(-1).to_numpy(dtype=np.intp)
    return np.where(ours["subject"] >= 0, found, -1)


def _trt_dates(study: Study, view: View) -> Sequence[str]:
    return ("TRTSDT",) if view.name == "ADSL" and "TRTSDT" in view and study.has("DM", "RFXSTDTC") else ()


@rule("CDW-TRTSDT", "warning", group="adam", citation="ADaMIG 1.3 section 3.2", applies=_trt_dates)
def treatment_start_is_that_of_dm(study: Study, view: View) -> Iterator[Hit]:
    """TRTSDT is the date of RFXSTDTC, where that is known to the day."""
    dm = study.view("DM")
    expected = read_dates(dm.distinct("RFXSTDTC")[1]).take(dm.distinct("RFXSTDTC")[0]).days() + _EPOCH_OFFSET
    wanted = np.append(expected, np.nan)[subject_rows(study, view)]
    actual = view.numbers("TRTSDT")
    with np.errstate(invalid="ignore"):
        mask = ~np.isnan(wanted) & (actual != wanted)
    yield from hits("TRTSDT", "TRTSDT is not the date of RFXSTDTC", mask, show=("USUBJID", "TRTSDT"))


@rule(
    "CDW-TRT-ORDER",
    "error",
    group="adam",
    citation="ADaMIG 1.3 section 3.2",
    applies=on("TRTSDT", "TRTEDT", only=is_adam),
)
def treatment_starts_before_it_ends(_study: Study, view: View) -> Iterator[Hit]:
    """TRTSDT is not after TRTEDT."""
    with np.errstate(invalid="ignore"):
        mask = view.numbers("TRTSDT") > view.numbers("TRTEDT")
    yield from hits("TRTSDT", "TRTSDT is after TRTEDT", mask, show=("TRTSDT", "TRTEDT"))


def _is_dated(name: str) -> bool:
    """Whether a numeric variable is a date, datetime or time of a day; ARELTM is a time elapsed."""
    return name.endswith(("DT", "DTM", "TM")) and name != "ARELTM"


_DAYS = (("ADY", "ADT"), ("ASTDY", "ASTDT"), ("AENDY", "AENDT"))


@rule(
    "CDW-ADY",
    "error",
    group="adam",
    citation="ADaMIG 1.3 section 3.3",
    applies=lambda s, v: [d for d, t in _DAYS if d in v and t in v and "TRTSDT" in v] if is_adam(v) else (),
    fix_in="tool",
)
def analysis_days_follow_from_dates(study: Study, view: View) -> Iterator[Hit]:
    """ADY is the number of days from TRTSDT to ADT, counted from 1, with no day 0.

    Another reference date is allowed when the whole dataset keeps to it; then this is one warning.
    """
    start = view.numbers("TRTSDT")
    for day, date in _DAYS:
        if day not in view or date not in view:
            continue
        between = view.numbers(date) - start
        expected = np.where(between >= 0, between + 1, between)
        actual = view.numbers(day)
        with np.errstate(invalid="ignore"):
            mask = ~np.isnan(expected) & ~np.isnan(actual) & (actual != expected)
        yield from hits(day, f"{day} is not counted from TRTSDT", mask, show=("TRTSDT", date, day), severity="warning")


@rule(
    "CDW-DATE-FORMAT",
    "warning",
    group="adam",
    citation="ADaMIG 1.3 section 3.1",
    applies=lambda _s, v: [n for n in map(str, v.frame.columns) if is_adam(v) and _is_dated(n) and not v.is_text(n)],
    fix_in="spec",
)
def numeric_dates_have_formats(_study: Study, view: View) -> Iterator[Hit]:
    """A numeric date, datetime or time has a display format, so that a reader sees a date and not a number."""
    for variable in view.dataset.metadata.variables:
        name = variable.name
        if variable.type == "Num" and _is_dated(name) and name in view and not variable.format:
            yield Hit(name, f"{name} is a numeric date without a display format")


_IMPUTED = {"Y": 3, "M": 2, "D": 1}


@rule(
    "CDW-DATE-FLAG",
    "error",
    group="adam",
    citation="ADaMIG 1.3 section 3.1",
    applies=lambda _s, v: [n for n in map(str, v.frame.columns) if is_adam(v) and n.endswith("DTF")],
)
def imputation_flags_are_y_m_d(_study: Study, view: View) -> Iterator[Hit]:
    """A date imputation flag is Y, M or D, and goes with a date."""
    for name in map(str, view.frame.columns):
        if name.endswith("DTF"):
            mask = ~view.missing(name) & ~view.equals(name, *_IMPUTED)
            yield from hits(name, f"{name} is '{{value}}'", mask, by_value=True)
            if name[:-1] in view:
                lonely = ~view.missing(name) & view.missing(name[:-1])
                yield from hits(name, f"{name} is given without {name[:-1]}", lonely)
