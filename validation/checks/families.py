"""Analysis datasets: what holds for families of variables, whatever their number (TRxxSDT, CRITyFL, ANLzzFL, --DTM)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from .adam import constant_within, differing, same_subjects, source_rows
from .base import Hit, Study, failing, hits, is_adam, on, rule
from .dates import subject_rows
from .view import View

_ADSL, _BDS, _OCCDS = "ADaMIG 1.3 section 3.2", "ADaMIG 1.3 section 3.3", "OCCDS 1.1 section 3"
_GENERAL = "ADaMIG 1.3 section 3.1"
_SAS_EPOCH = 3653  # days from 1960-01-01 to 1970-01-01
_FIRST_DAY, _LAST_DAY = -21914, 51134  # 1900-01-01 and 2099-12-31, counted from 1960-01-01
_SECONDS = 86400
_TIME = r"(?!ARELTM)[A-Z0-9]*[A-CE-Z0-9]TM"  # ARELTM is a time elapsed


def _named(view: View, pattern: str) -> list[re.Match[str]]:
    """Return the variables that a pattern fits wholly."""
    found = (re.fullmatch(pattern, str(name)) for name in view.frame.columns)
    return [match for match in found if match]


def _numeric(view: View, pattern: str) -> list[str]:
    return [match.string for match in _named(view, pattern) if is_adam(view) and not view.is_text(match.string)]


# flags and numbers --------------------------------------------------------------------------------------------------


def _flag_pairs(_study: Study, view: View) -> list[str]:
    found = [match[1] for match in _named(view, r"([A-Z0-9]+F)N") if is_adam(view)]
    return [name for name in found if f"{name}L" in view and not view.is_text(f"{name}N")]


@rule("CDW-FLAG-NUMBER", "error", group="adam", citation=_GENERAL, applies=_flag_pairs)
def flags_and_their_numbers_agree(study: Study, view: View) -> Iterator[Hit]:
    """The number of a flag is 1 where the flag is Y, 0 where it is N, and missing where it is missing."""
    for stem in _flag_pairs(study, view):
        text, number = f"{stem}L", f"{stem}N"
        actual = view.numbers(number)
        wanted = np.where(view.equals(text, "Y"), 1.0, np.where(view.equals(text, "N"), 0.0, np.nan))
        mask = (actual != wanted) & ~(np.isnan(actual) & np.isnan(wanted))
        yield from hits(number, f"{number} does not say what {text} says", mask, show=(text, number))


def _lonely_numbers(study: Study, view: View) -> list[str]:
    guide, standard = study.guide(view), study.standard(view)
    if guide is None or standard is None or not is_adam(view):
        return []
    found = []
    for match in _named(view, r"([A-Z][A-Z0-9]{1,6})N"):
        name, text = match.string, f"{match[1]}L" if match[1].endswith("F") else match[1]
        known = standard.resolve(guide, text) if text not in view and not view.is_text(name) else None
        if (
            known is not None
            and known.type == "Char"
            and known.core != "Req"
            and standard.resolve(guide, name) is not None
        ):
            found.append(name)
    return found


@rule("CDW-NUMBER-ALONE", "error", group="adam", citation=_GENERAL, applies=_lonely_numbers)
def numbers_come_with_their_text(study: Study, view: View) -> Iterator[Hit]:
    """The number of a text variable (TRTPN, AVISITN, AGEGR1N) does not stand without that text variable.

    Where the guide requires the text variable, its lack is told by another rule.
    """
    for name in _lonely_numbers(study, view):
        yield Hit(name, f"{name} is in the dataset, the variable it numbers is not")


# dates and times ----------------------------------------------------------------------------------------------------


@rule(
    "CDW-DATETIME-PARTS",
    "error",
    group="adam",
    citation=_GENERAL,
    applies=lambda _s, v: _numeric(v, r"[A-Z0-9]+DTM"),
    fix_in="tool",
)
def datetimes_agree_with_their_parts(_study: Study, view: View) -> Iterator[Hit]:
    """A datetime (--DTM) holds the date of --DT and the time of --TM."""
    for name in _numeric(view, r"[A-Z0-9]+DTM"):
        moment = view.numbers(name)
        for part, value in ((f"{name[:-3]}DT", moment // _SECONDS), (f"{name[:-3]}TM", moment % _SECONDS)):
            if part in view and not view.is_text(part):
                mask = ~np.isnan(moment) & (np.abs(view.numbers(part) - value) >= 1)
                yield from hits(part, f"{part} is not that of {name}", mask, show=(part, name))


@rule("CDW-TIME-RANGE", "error", group="adam", citation=_GENERAL, applies=lambda _s, v: _numeric(v, _TIME))
def times_are_seconds_of_a_day(_study: Study, view: View) -> Iterator[Hit]:
    """A numeric time is a number of seconds from 0 to 86399."""
    for name in _numeric(view, _TIME):
        time = view.numbers(name)
        with np.errstate(invalid="ignore"):
            yield from hits(name, f"{name} is no time of a day", (time < 0) | (time >= _SECONDS), show=(name,))


@rule(
    "CDW-DATE-WHOLE",
    "error",
    group="adam",
    citation=_GENERAL,
    applies=lambda _s, v: _numeric(v, r"[A-Z0-9]+DT"),
    fix_in="tool",
)
def dates_are_whole_days(_study: Study, view: View) -> Iterator[Hit]:
    """A numeric date is a whole number of days, of the years 1900 to 2099.

    A number far outside is most often a datetime (seconds), or days counted from another day than 1960-01-01.
    """
    for name in _numeric(view, r"[A-Z0-9]+DT"):
        day = view.numbers(name)
        with np.errstate(invalid="ignore"):
            mask = ~np.isnan(day) & ((day % 1 != 0) | (day < _FIRST_DAY) | (day > _LAST_DAY))
        yield from hits(name, f"{name} is no date", mask, show=(name,))


def _time_flags(_study: Study, view: View) -> list[str]:
    return [match.string for match in _named(view, r"[A-Z0-9]+TMF") if is_adam(view)]


@rule("CDW-TIME-FLAG", "error", group="adam", citation=_GENERAL, applies=_time_flags)
def time_flags_go_with_times(study: Study, view: View) -> Iterator[Hit]:
    """A time imputation flag goes with a time."""
    for name in _time_flags(study, view):
        times = [n for n in (name[:-1], f"{name[:-3]}DTM") if n in view]
        lacking = np.all([view.missing(n) for n in times], axis=0) if times else np.ones(len(view), dtype=bool)
        yield from hits(name, f"{name} is given without a time", ~view.missing(name) & lacking, show=(name, *times))


def _from_dm(variable: str, source: str) -> None:
    """Enter the rule that a date of ADSL is that of DM."""

    def applies(study: Study, view: View) -> Sequence[str]:
        return (variable,) if view.name == "ADSL" and variable in view and study.has("DM", source) else ()

    def find(study: Study, view: View) -> Iterator[Hit]:
        dates = study.view("DM").dates(source).days() + _SAS_EPOCH
        wanted, actual = np.append(dates, np.nan)[subject_rows(study, view)], view.numbers(variable)
        mask = ~np.isnan(wanted) & ~np.isnan(actual) & (actual != wanted)
        yield from hits(variable, f"{variable} is not the date of {source}", mask, show=("USUBJID", variable))

    find.__doc__ = f"{variable} is the date of {source}, where that is known to the day."
    rule(f"CDW-{variable}", "warning", group="adam", citation=_ADSL, applies=applies)(find)


for _variable, _source in (("TRTEDT", "RFXENDTC"), ("DTHDT", "DTHDTC"), ("RFICDT", "RFICDTC")):
    _from_dm(_variable, _source)


def _traced_dates(study: Study, view: View) -> Sequence[str]:
    names = ("ADT", "ADTF", "SRCDOM", "SRCVAR", "SRCSEQ", "USUBJID")
    return names if is_adam(view) and all(name in view for name in names) and study.has("DM", "USUBJID") else ()


@rule("CDW-DATE-FLAG-SOURCE", "error", group="adam", citation=_GENERAL, applies=_traced_dates)
def imputation_flags_say_what_the_source_says(study: Study, view: View) -> Iterator[Hit]:
    """ADTF is given where the date at the source is partial, and missing where it is complete."""
    groups, mask = view.group("SRCDOM", "SRCVAR"), np.zeros(len(view), dtype=bool)
    for at in np.unique(groups, return_index=True)[1]:
        domain, variable = view.shown("SRCDOM", at), view.shown("SRCVAR", at)
        if not variable.endswith("DTC") or not study.has(domain, variable, "USUBJID"):
            continue
        here, source = failing(groups == groups[at]), study.view(domain)
        rows = source_rows(view, here, source)
        known = np.append(~np.isnan(source.dates(variable).days()), False)[rows]
        dated = np.append(~source.missing(variable), False)[rows] & (rows >= 0) & ~view.missing("ADT")[here]
        mask[here] = dated & (known == ~view.missing("ADTF")[here])
    yield from hits("ADTF", "ADTF does not say whether the date was imputed", mask, show=("ADT", "ADTF", "SRCDOM"))


def _collected_dates(_study: Study, view: View) -> list[tuple[str, str]]:
    """Return the start and end days of an occurrence dataset, each with the collected date beside it (ASTDT, AESTDTC)."""
    found = [(f"A{match[1]}DT", match.string) for match in _named(view, r"[A-Z][A-Z0-9](ST|EN)DTC") if is_adam(view)]
    return [(day, date) for day, date in found if day in view]


@rule(
    "CDW-COLLECTED-DATE",
    "error",
    group="adam",
    citation="OCCDS 1.1 section 3",
    applies=lambda s, v: [day for day, _ in _collected_dates(s, v)],
)
def complete_dates_are_analysed_as_they_are(study: Study, view: View) -> Iterator[Hit]:
    """A day of start or end is that of the collected date beside it (ASTDT of AESTDTC), where that is complete."""
    for day, date in _collected_dates(study, view):
        wanted, actual = view.dates(date).days() + _SAS_EPOCH, view.numbers(day)
        mask = ~np.isnan(wanted) & ~np.isnan(actual) & (actual != wanted)
        yield from hits(day, f"{day} is not the date of {date}", mask, show=("USUBJID", date, day))


# treatment periods --------------------------------------------------------------------------------------------------

_PERIOD = r"(TR\d\d|AP\d\d|PH\d|P\d\dS\d)"


def _periods(view: View) -> list[str]:
    starts = {match[1] for match in _named(view, _PERIOD + "SDT")} if is_adam(view) else set()
    return sorted(starts & {match[1] for match in _named(view, _PERIOD + "EDT")})


@rule("CDW-PERIOD-ORDER", "error", group="adam", citation=_ADSL, applies=lambda _s, v: _periods(v))
def periods_start_before_they_end(_study: Study, view: View) -> Iterator[Hit]:
    """A period does not end before it starts (TRxxSDT and TRxxEDT, APxxSDT and APxxEDT, PHwSDT and PHwEDT)."""
    for period in _periods(view):
        start, end = f"{period}SDT", f"{period}EDT"
        with np.errstate(invalid="ignore"):
            mask = view.numbers(start) > view.numbers(end)
        yield from hits(start, f"{start} is after {end}", mask, show=("USUBJID", start, end))


def _successions(view: View) -> list[tuple[str, str]]:
    names = [match.string for match in _named(view, r"(TR|AP)\d\dSDT") if is_adam(view)]
    pairs = ((name, f"{name[:2]}{int(name[2:4]) + 1:02d}SDT") for name in names)
    return [(name, following) for name, following in pairs if following in view]


@rule("CDW-PERIOD-NEXT", "error", group="adam", citation=_ADSL, applies=lambda _s, v: [a for a, _ in _successions(v)])
def periods_follow_each_other(_study: Study, view: View) -> Iterator[Hit]:
    """A period starts after the one before it (TR02SDT after TR01SDT)."""
    for first, second in _successions(view):
        with np.errstate(invalid="ignore"):
            mask = view.numbers(first) >= view.numbers(second)
        yield from hits(second, f"{second} is not after {first}", mask, show=("USUBJID", first, second))


def _treatments(view: View, kind: str = "P") -> list[str]:
    return sorted(match.string for match in _named(view, rf"TRT\d\d{kind}"))


@rule(
    "CDW-PERIOD-NUMBERS",
    "error",
    group="adam",
    citation=_ADSL,
    applies=lambda _s, v: _treatments(v) if v.name == "ADSL" else (),
    fix_in="spec",
)
def periods_are_numbered_from_one(_study: Study, view: View) -> Iterator[Hit]:
    """Treatment periods are numbered from 01 without a gap: TRT02P does not stand without TRT01P."""
    wanted = [f"TRT{number:02d}P" for number in range(1, len(_treatments(view)) + 1)]
    for name in sorted(set(wanted) - set(_treatments(view))):
        yield Hit(name, f"there is a later treatment period than that of {name}, which is not there")


@rule(
    "CDW-PERIOD-TREATMENT",
    "error",
    group="adam",
    citation=_ADSL,
    applies=lambda _s, v: [m.string for m in _named(v, r"TR\d\dSDT")] if v.name == "ADSL" else (),
)
def treatment_periods_have_a_treatment(_study: Study, view: View) -> Iterator[Hit]:
    """A subject with a start of a treatment period (TRxxSDT) has a treatment in it (TRTxxP or TRTxxA)."""
    for match in _named(view, r"TR(\d\d)SDT"):
        given = [name for name in (f"TRT{match[1]}P", f"TRT{match[1]}A") if name in view]
        lacking = np.all([view.missing(name) for name in given], axis=0) if given else np.ones(len(view), dtype=bool)
        mask = ~view.missing(match.string) & lacking
        yield from hits(match.string, f"{match.string} is given, but no treatment", mask, show=("USUBJID", *given))


def _is_one_of(study: Study, view: View, variable: str, theirs: Iterable[str]) -> np.ndarray:
    """Tell which records hold a value that none of their subject's variables in ADSL has."""
    known = view.missing(variable) | (subject_rows(study, view, "ADSL") < 0)
    source, rows = study.view("ADSL"), subject_rows(study, view, "ADSL")
    for name in theirs:
        place = {str(value): code for code, value in enumerate(source.distinct(name)[1])}
        codes, values = view.distinct(variable)
        translated = np.array([place.get(str(value), -2) for value in values] + [-2])[codes]
        known |= translated == np.append(source.distinct(name)[0], -1)[rows]
    return ~known


def _record_treatment(variable: str) -> None:
    kind = variable[-1]

    def applies(study: Study, view: View) -> Sequence[str]:
        ready = is_adam(view) and view.name != "ADSL" and variable in view and study.has("ADSL", "USUBJID")
        return (variable,) if ready and _treatments(study.view("ADSL"), kind) else ()

    def find(study: Study, view: View) -> Iterator[Hit]:
        mask = _is_one_of(study, view, variable, _treatments(study.view("ADSL"), kind))
        text = f"{variable} is none of the subject's treatments in ADSL"
        yield from hits(variable, text, mask, show=("USUBJID", variable))

    find.__doc__ = f"{variable} is one of the subject's treatments in ADSL (TRTxx{kind})."
    rule(f"CDW-{variable}-ADSL", "error", group="adam", citation=_BDS, applies=applies)(find)


for _variable in ("TRTP", "TRTA"):
    _record_treatment(_variable)


def _period_records(study: Study, view: View) -> Sequence[str]:
    ready = is_adam(view) and "APERIOD" in view and view.name != "ADSL" and study.has("ADSL", "USUBJID")
    return ("APERIOD",) if ready else ()


def _period_numbers(view: View) -> Iterator[tuple[int, np.ndarray]]:
    numbers = view.numbers("APERIOD")
    for number in np.unique(numbers[~np.isnan(numbers)]):
        if number % 1 == 0 and 0 < number < 100:
            yield int(number), numbers == number


@rule("CDW-APERIOD-ADSL", "error", group="adam", citation=_BDS, applies=_period_records)
def periods_of_records_are_described_in_adsl(study: Study, view: View) -> Iterator[Hit]:
    """The period of a record (APERIOD 2) is described in ADSL: by its treatment (TRT02P) or its dates (AP02SDT)."""
    for number, here in _period_numbers(view):
        names = [f"TRT{number:02d}P", f"TRT{number:02d}A", f"AP{number:02d}SDT", f"TR{number:02d}SDT"]
        if not any(study.has("ADSL", name) for name in names):
            yield from hits("APERIOD", f"ADSL does not describe period {number}", here, show=("USUBJID", "APERIOD"))


@rule(
    "CDW-APERIOD-DATE",
    "error",
    group="adam",
    citation=_BDS,
    applies=lambda s, v: ("APERIOD", "ADT") if _period_records(s, v) and "ADT" in v else (),
)
def records_lie_in_their_period(study: Study, view: View) -> Iterator[Hit]:
    """ADT lies in the period of the record: from APxxSDT to APxxEDT of ADSL."""
    source, rows = study.view("ADSL"), subject_rows(study, view, "ADSL")
    day, mask = view.numbers("ADT"), np.zeros(len(view), dtype=bool)
    for number, here in _period_numbers(view):
        for name, sign in ((f"AP{number:02d}SDT", 1), (f"AP{number:02d}EDT", -1)):
            if name in source:
                with np.errstate(invalid="ignore"):
                    mask |= here & (rows >= 0) & (sign * (np.append(source.numbers(name), np.nan)[rows] - day) > 0)
    yield from hits("ADT", "ADT is outside the period of the record", mask, show=("USUBJID", "APERIOD", "ADT"))


def _period_treatments(study: Study, view: View) -> list[str]:
    return [name for name in ("TRTP", "TRTA") if name in view and _period_records(study, view)]


@rule("CDW-APERIOD-TREATMENT", "error", group="adam", citation=_BDS, applies=_period_treatments)
def treatments_are_those_of_the_period(study: Study, view: View) -> Iterator[Hit]:
    """TRTP and TRTA of a record with a period are the treatments of that period in ADSL (APERIOD 2: TRT02P and TRT02A)."""
    for variable in _period_treatments(study, view):
        mask = np.zeros(len(view), dtype=bool)
        for number, here in _period_numbers(view):
            name = f"TRT{number:02d}{variable[-1]}"
            if study.has("ADSL", name):
                mask |= here & _is_one_of(study, view, variable, [name])
        text = f"{variable} is not the treatment of the record's period in ADSL"
        yield from hits(variable, text, mask, show=("USUBJID", "APERIOD", variable))


# subjects -----------------------------------------------------------------------------------------------------------


@rule(
    "CDW-ADSL-TREATED",
    "error",
    group="adam",
    citation=_ADSL,
    applies=lambda s, v: (
        ("USUBJID",) if v.name == "ADSL" and "USUBJID" in v and s.has("DM", "USUBJID", "RFXSTDTC") else ()
    ),
)
def treated_subjects_are_in_adsl(study: Study, view: View) -> Iterator[Hit]:
    """Every subject of DM with a first exposure is in ADSL."""
    dm = study.view("DM")
    present = same_subjects(dm, view) >= 0
    for at in failing(~present & ~dm.missing("RFXSTDTC")):
        yield Hit("USUBJID", f"{dm.shown('USUBJID', at)} was treated and is not in ADSL")


_RECORD_FLAGS = {"ITT": "ITTFL", "SAF": "SAFFL", "FAS": "FASFL", "PPROT": "PPROTFL", "COMPL": "COMPLFL"}


def _record_flags(study: Study, view: View) -> list[re.Match[str]]:
    found = _named(view, r"(ITT|SAF|FAS|PPROT|COMPL)[RP]FL") if is_adam(view) and view.name != "ADSL" else []
    return [match for match in found if study.has("ADSL", "USUBJID", _RECORD_FLAGS[match[1]])]


@rule(
    "CDW-POPULATION-RECORD",
    "error",
    group="adam",
    citation=_BDS,
    applies=lambda s, v: [m.string for m in _record_flags(s, v)],
)
def records_of_a_population_are_of_its_subjects(study: Study, view: View) -> Iterator[Hit]:
    """A record flagged for a population (SAFRFL, ITTPFL) belongs to a subject of that population."""
    for match in _record_flags(study, view):
        subject = _RECORD_FLAGS[match[1]]
        rows = subject_rows(study, view, "ADSL")
        outside = ~np.append(study.view("ADSL").equals(subject, "Y"), True)[rows]
        mask = view.equals(match.string, "Y") & outside
        yield from hits(match.string, f"{match.string} is Y, {subject} of the subject is not", mask, show=("USUBJID",))


_BOUNDS = re.compile(r"\s*(?:(?P<sign>>=|<=|>|<|≥|≤)\s*(?P<one>\d+)|(?P<low>\d+)\s*(?:-|to|–)\s*(?P<high>\d+))\D*")


def _age_groups(_study: Study, view: View) -> list[str]:
    ready = view.name == "ADSL" and "AGE" in view and not view.is_text("AGE")
    return [match.string for match in _named(view, r"AGEGR\d")] if ready else []


@rule("CDW-AGE-GROUP", "error", group="adam", citation=_ADSL, applies=_age_groups)
def ages_lie_in_their_group(study: Study, view: View) -> Iterator[Hit]:
    """AGE lies in the group that AGEGRy names: `<65`, `>=65`, `65-74`; a group in other words is not judged."""
    age = view.numbers("AGE")
    for name in _age_groups(study, view):
        codes, values = view.distinct(name)
        bounds = np.array([_bounds(str(value)) for value in values] + [(-np.inf, np.inf)])[codes]
        with np.errstate(invalid="ignore"):
            mask = (age < bounds[:, 0]) | (age > bounds[:, 1])
        yield from hits(name, f"AGE is not in the group {name}", mask, show=("USUBJID", "AGE", name))


def _bounds(text: str) -> tuple[float, float]:
    """Return the least and the greatest whole age of a group.

    >>> _bounds("<65"), _bounds("65-74 years")
    ((-inf, 64.0), (65.0, 74.0))
    """
    match = _BOUNDS.fullmatch(text)
    if match is None:
        return -np.inf, np.inf
    if match["low"]:
        return float(match["low"]), float(match["high"])
    one = float(match["one"])
    low = {">=": one, "≥": one, ">": one + 1}.get(match["sign"], -np.inf)
    high = {"<=": one, "≤": one, "<": one - 1}.get(match["sign"], np.inf)
    return low, high


# values of parameters -----------------------------------------------------------------------------------------------


def _criteria(view: View) -> list[re.Match[str]]:
    return _named(view, r"CRIT(\d)FL") if is_adam(view) else []


@rule("CDW-CRIT-FLAG", "error", group="adam", citation=_BDS, applies=lambda _s, v: [m.string for m in _criteria(v)])
def flags_of_criteria_have_a_criterion(_study: Study, view: View) -> Iterator[Hit]:
    """CRITyFL is given where CRITy names a criterion, and only there."""
    for match in _criteria(view):
        flag, text = match.string, f"CRIT{match[1]}"
        if text not in view:
            yield Hit(flag, f"{flag} is in the dataset, {text} is not")
            continue
        yield from hits(flag, f"{flag} is given without {text}", view.missing(text) & ~view.missing(flag), show=(text,))


@rule(
    "CDW-CRIT-PARAM",
    "error",
    group="adam",
    citation=_BDS,
    applies=lambda _s, v: [m.string for m in _named(v, r"M?CRIT\d")] if is_adam(v) and "PARAMCD" in v else (),
)
def criteria_are_constant_in_a_parameter(_study: Study, view: View) -> Iterator[Hit]:
    """CRITy is one text within a parameter, where it is given."""
    for match in _named(view, r"M?CRIT\d"):
        mask = ~constant_within(view, ("PARAMCD",), match.string)
        text = f"{match.string} differs within a parameter"
        yield from hits(match.string, text, mask, show=("PARAMCD", match.string))


_CATEGORIES = {"AVALCA": "AVAL", "BASECA": "BASE", "CHGCAT": "CHG", "PCHGCA": "PCHG", "BCHGCA": "BCHG"}


def _categories(view: View) -> list[tuple[str, str]]:
    if not is_adam(view) or "PARAMCD" not in view:
        return []
    found = _named(view, r"(AVALCA|BASECA|CHGCAT|PCHGCA|BCHGCA)T?\d")
    return [(m.string, _CATEGORIES[m[1]]) for m in found if view.is_text(m.string) and _CATEGORIES[m[1]] in view]


@rule("CDW-CATEGORY", "error", group="adam", citation=_BDS, applies=lambda _s, v: [a for a, _ in _categories(v)])
def equal_values_have_one_category(_study: Study, view: View) -> Iterator[Hit]:
    """Within a parameter, equal values are in one category (AVALCATy of AVAL, BASECATy of BASE, CHGCATy of CHG)."""
    for category, value in _categories(view):
        mask = ~constant_within(view, ("PARAMCD", value), category) & ~view.missing(value)
        text = f"equal values of {value} have several {category}"
        yield from hits(category, text, mask, show=("PARAMCD", value, category))


@rule(
    "CDW-LIMITS",
    "error",
    group="adam",
    citation=_BDS,
    applies=lambda _s, v: _numeric(v, r"A\dLO"),
)
def analysis_limits_are_in_order(_study: Study, view: View) -> Iterator[Hit]:
    """AyLO is not above AyHI."""
    for low in _numeric(view, r"A\dLO"):
        high = f"{low[:2]}HI"
        if high in view:
            with np.errstate(invalid="ignore"):
                yield from hits(low, f"{low} is above {high}", view.numbers(low) > view.numbers(high), show=(low, high))


@rule("CDW-INDICATOR", "error", group="adam", citation=_BDS, applies=lambda _s, v: [m[0] for m in _indicators(v)])
def analysis_indicators_have_limits(_study: Study, view: View) -> Iterator[Hit]:
    """AyIND is given only with AyLO or AyHI."""
    for match in _indicators(view):
        limits = [name for name in (f"{match[1]}LO", f"{match[1]}HI") if name in view]
        lacking = np.all([view.missing(name) for name in limits], axis=0) if limits else np.ones(len(view), dtype=bool)
        mask = ~view.missing(match.string) & lacking
        yield from hits(match.string, f"{match.string} is given without a limit", mask, show=(match.string, *limits))


def _indicators(view: View) -> list[re.Match[str]]:
    return _named(view, r"(A\d)IND") if is_adam(view) else []


def _is_not(view: View, variable: str, expected: np.ndarray, tolerance: float = 1e-6) -> np.ndarray:
    actual = view.numbers(variable)
    known = ~np.isnan(actual) & np.isfinite(expected)
    mask: np.ndarray = known & ~np.isclose(expected, actual, rtol=tolerance, atol=tolerance)
    return mask


@rule("CDW-BCHG", "error", group="adam", citation=_BDS, applies=on("AVAL", "BASE", "BCHG", only=is_adam))
def change_to_baseline_follows(_study: Study, view: View) -> Iterator[Hit]:
    """BCHG is BASE - AVAL."""
    mask = _is_not(view, "BCHG", view.numbers("BASE") - view.numbers("AVAL"))
    yield from hits("BCHG", "BCHG is not BASE - AVAL", mask, show=("AVAL", "BASE", "BCHG"))


@rule("CDW-R2BASE", "error", group="adam", citation=_BDS, applies=on("AVAL", "BASE", "R2BASE", only=is_adam))
def ratio_to_baseline_follows(_study: Study, view: View) -> Iterator[Hit]:
    """R2BASE is AVAL / BASE."""
    with np.errstate(invalid="ignore", divide="ignore"):
        mask = _is_not(view, "R2BASE", view.numbers("AVAL") / view.numbers("BASE"))
    yield from hits("R2BASE", "R2BASE is not AVAL / BASE", mask, show=("AVAL", "BASE", "R2BASE"))


@rule("CDW-R2LIMIT", "error", group="adam", citation=_BDS, applies=lambda _s, v: _numeric(v, r"R2A\d(LO|HI)"))
def ratios_to_limits_follow(_study: Study, view: View) -> Iterator[Hit]:
    """R2AyLO is AVAL / AyLO, R2AyHI is AVAL / AyHI."""
    for name in _numeric(view, r"R2A\d(LO|HI)"):
        limit = name[2:]
        if limit in view and "AVAL" in view:
            with np.errstate(invalid="ignore", divide="ignore"):
                mask = _is_not(view, name, view.numbers("AVAL") / view.numbers(limit))
            yield from hits(name, f"{name} is not AVAL / {limit}", mask, show=("AVAL", limit, name))


@rule("CDW-AWTDIFF", "error", group="adam", citation=_BDS, applies=on("AWTARGET", "AWTDIFF", "ADY", only=is_adam))
def distance_to_target_follows(_study: Study, view: View) -> Iterator[Hit]:
    """AWTDIFF is the distance of ADY from AWTARGET, in days; over day 0, which does not exist, one day less."""
    day, target = view.numbers("ADY"), view.numbers("AWTARGET")
    apart = np.abs(day - target)
    over = (day < 0) != (target < 0)
    mask = _is_not(view, "AWTDIFF", apart) & _is_not(view, "AWTDIFF", np.where(over, apart - 1, apart))
    yield from hits("AWTDIFF", "AWTDIFF is not ADY - AWTARGET", mask, show=("ADY", "AWTARGET", "AWTDIFF"))


def _within(view: View) -> list[str]:
    wanted = ("USUBJID", "PARAMCD", "BASETYPE", "DTYPE", "AVISIT", "ATPT", "APERIOD")
    return [name for name in wanted if name in view]


def _choices(view: View) -> list[str]:
    ready = is_adam(view) and "PARAMCD" in view and "USUBJID" in view and "AVISIT" in view
    return [match.string for match in _named(view, r"ANL\d\dFL")] if ready else []


@rule("CDW-ANL-ONE", "info", group="adam", citation=_BDS, applies=lambda _s, v: _choices(v))
def analyzed_records_are_one_per_visit(_study: Study, view: View) -> Iterator[Hit]:
    """One record per subject, parameter and visit is flagged for an analysis (ANLzzFL).

    A remark: an analysis may use several.
    """
    for flag in _choices(view):
        chosen = view.equals(flag, "Y") & ~view.missing("AVISIT")
        mask = chosen & _several_of(view.group(*_within(view)), chosen)
        yield from hits(flag, f"{flag} is Y on several records of a visit", mask, show=(*_within(view), flag))


def _several_of(groups: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    counts = np.bincount(groups[chosen], minlength=int(groups.max(initial=0)) + 1)
    several: np.ndarray = counts[groups] > 1
    return several


@rule("CDW-LVOTFL", "error", group="adam", citation=_BDS, applies=on("USUBJID", "PARAMCD", "LVOTFL", only=is_adam))
def last_value_on_treatment_is_one(_study: Study, view: View) -> Iterator[Hit]:
    """One record per subject and parameter is the last value on treatment (LVOTFL)."""
    keys = [name for name in ("USUBJID", "PARAMCD", "BASETYPE", "DTYPE", "APERIOD") if name in view]
    chosen = view.equals("LVOTFL", "Y")
    mask = chosen & _several_of(view.group(*keys), chosen)
    yield from hits("LVOTFL", "several records are flagged as the last value on treatment", mask, show=(*keys, "ADT"))


# durations and occurrences ------------------------------------------------------------------------------------------


@rule(
    "CDW-TRTDURD",
    "warning",
    group="adam",
    citation=_ADSL,
    applies=on("TRTSDT", "TRTEDT", "TRTDURD", only=is_adam),
)
def duration_of_treatment_follows(_study: Study, view: View) -> Iterator[Hit]:
    """TRTDURD is TRTEDT - TRTSDT + 1."""
    mask = _is_not(view, "TRTDURD", view.numbers("TRTEDT") - view.numbers("TRTSDT") + 1)
    yield from hits("TRTDURD", "TRTDURD is not TRTEDT - TRTSDT + 1", mask, show=("TRTSDT", "TRTEDT", "TRTDURD"))


@rule(
    "CDW-ADURN", "warning", group="adam", citation=_OCCDS, applies=on("ASTDT", "AENDT", "ADURN", "ADURU", only=is_adam)
)
def durations_in_days_follow(_study: Study, view: View) -> Iterator[Hit]:
    """ADURN in days is AENDT - ASTDT + 1."""
    mask = view.equals("ADURU", "DAYS") & _is_not(view, "ADURN", view.numbers("AENDT") - view.numbers("ASTDT") + 1)
    yield from hits("ADURN", "ADURN is not AENDT - ASTDT + 1", mask, show=("ASTDT", "AENDT", "ADURN"))


_FIRSTS = {
    "AOCCFL": "",
    "AOCCSFL": "BODSYS",
    "AOCCPFL": "DECOD",
    "AOCCIFL": "",
    "AOCCSIFL": "BODSYS",
    "AOCCPIFL": "DECOD",
}


def _firsts(view: View) -> list[tuple[str, tuple[str, ...]]]:
    if not is_adam(view) or "USUBJID" not in view:
        return []
    found = []
    for flag, level in _FIRSTS.items():
        terms = [match.string for match in _named(view, rf"[A-Z][A-Z0-9]{level}")] if level else []
        if flag in view and bool(terms) == bool(level):
            found.append((flag, ("USUBJID", *terms[:1])))
    return found


@rule("CDW-OCC-FIRST", "error", group="adam", citation=_OCCDS, applies=lambda _s, v: [flag for flag, _ in _firsts(v)])
def first_occurrences_are_one(_study: Study, view: View) -> Iterator[Hit]:
    """A flag of the first occurrence stands once: AOCCFL per subject, AOCCSFL per body system, AOCCPFL per term."""
    for flag, keys in _firsts(view):
        chosen = view.equals(flag, "Y")
        mask = chosen & _several_of(view.group(*keys), chosen)
        yield from hits(flag, f"{flag} is Y on several records", mask, show=(*keys, flag))


def _occurrence_source(study: Study, view: View) -> str:
    """Return the domain whose records an occurrence dataset analyses: that of its --SEQ."""
    if not is_adam(view) or "PARAMCD" in view or "USUBJID" not in view:
        return ""
    found = [match[1] for match in _named(view, r"([A-Z][A-Z0-9])SEQ")]
    return next((name for name in found if study.has(name, "USUBJID", f"{name}SEQ")), "")


def _source_places(study: Study, view: View, domain: str) -> np.ndarray:
    """Return for each record the place of its source record in a domain, -1 where there is none."""
    return source_rows(view, np.arange(len(view)), study.view(domain), f"{domain}SEQ")


@rule(
    "CDW-OCC-SOURCE",
    "error",
    group="adam",
    citation=_OCCDS,
    applies=lambda s, v: (f"{_occurrence_source(s, v)}SEQ",) if _occurrence_source(s, v) else (),
)
def occurrences_are_records_of_their_domain(study: Study, view: View) -> Iterator[Hit]:
    """A record of an occurrence dataset is the record of its domain that USUBJID and --SEQ name."""
    domain = _occurrence_source(study, view)
    mask = (_source_places(study, view, domain) < 0) & ~view.missing(f"{domain}SEQ")
    yield from hits(f"{domain}SEQ", f"{domain} has no such record", mask, show=("USUBJID", f"{domain}SEQ"))


def _occurrence_copies(study: Study, view: View) -> list[str]:
    domain = _occurrence_source(study, view)
    names = set(study.view(domain).frame.columns) if domain else set()
    return [str(n) for n in view.frame.columns if n in names and str(n).startswith(domain) and n != f"{domain}SEQ"]


@rule("CDW-OCC-AGREES", "error", group="adam", citation=_GENERAL, applies=_occurrence_copies)
def occurrences_agree_with_their_domain(study: Study, view: View) -> Iterator[Hit]:
    """A variable of an occurrence dataset with the name of one of its domain has the values of its source record."""
    domain = _occurrence_source(study, view)
    rows = _source_places(study, view, domain)
    for name in _occurrence_copies(study, view):
        mask = differing(study, view, domain, name, rows)
        yield from hits(name, f"{name} differs from {domain}", mask, show=("USUBJID", f"{domain}SEQ", name))


@rule(
    "CDW-SMQ-NAME",
    "error",
    group="adam",
    citation=_OCCDS,
    applies=lambda _s, v: [m.string for m in _named(v, r"SMQ\d\d(CD|SC)")] if is_adam(v) else (),
)
def standard_queries_are_named(_study: Study, view: View) -> Iterator[Hit]:
    """The code and the scope of a standardised query go with its name (SMQzzCD, SMQzzSC, SMQzzNAM)."""
    for match in _named(view, r"(SMQ\d\d)(CD|SC)"):
        name = f"{match[1]}NAM"
        lacking = view.missing(name) if name in view else np.ones(len(view), dtype=bool)
        mask = ~view.missing(match.string) & lacking
        yield from hits(match.string, f"{match.string} is given without {name}", mask, show=(match.string,))


@rule(
    "CDW-ADAM-NAME",
    "error",
    group="adam",
    citation="ADaMIG 1.3 section 3.1",
    applies=lambda _s, v: tuple(v.frame.columns)[:1] if is_adam(v) else (),
    fix_in="spec",
)
def names_of_analysis_datasets_begin_with_ad(_study: Study, view: View) -> Iterator[Hit]:
    """The name of an analysis dataset begins with AD."""
    if not view.name.startswith("AD"):
        yield Hit("", f"{view.name} is an analysis dataset: its name should begin with AD")
