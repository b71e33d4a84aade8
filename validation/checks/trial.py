"""Trial design and the subjects' way through it: TS, TA, TE, TV, arms, exposure, disposition, death."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from ..finding import Severity
from ..iso8601 import is_after, read_dates
from .base import Hit, Study, dataset, failing, hits, is_sdtm, on, rule
from .dates import reference_dates, subject_rows
from .view import View

_SUMMARY = Path(__file__).with_name("trial_summary.yaml")


@cache
def wanted_parameters() -> tuple[dict[str, Any], ...]:
    """Return trial_summary.yaml: source, severity and parameters, and the type of study they are asked of (none: any)."""
    return tuple(yaml.safe_load(_SUMMARY.read_text(encoding="utf-8")))


def _lacking(view: View, severities: Container[Severity]) -> Iterator[tuple[str, Severity]]:
    """Yield the parameters TS lacks, of the entries of these severities that fit the type of study."""
    known = set(view.distinct("TSPARMCD")[1])
    types = view.equals("TSPARMCD", "STYPE")
    for entry in wanted_parameters():
        wanted = entry.get("study_type")
        fits = wanted is None or ("TSVAL" in view and bool((types & view.equals("TSVAL", wanted)).any()))
        if fits and entry["severity"] in severities:
            yield from ((name, entry["severity"]) for name in entry["parameters"] if name not in known)


@rule(
    "CDW-TS-PARAMETERS",
    "warning",
    group="trial",
    citation="FDA Technical Rejection Criteria 1734; SDTMIG 3.4 section 7.4",
    applies=dataset("TS", "TSPARMCD"),
    fix_in="spec",
)
def trial_summary_is_complete(_study: Study, view: View) -> Iterator[Hit]:
    """TS holds the study start date, the versions of SDTM and its guide, title and sponsor.

    Without SSTDTC the submission is rejected, hence an error.
    """
    for name, severity in _lacking(view, ("error", "warning")):
        yield Hit("TSPARMCD", f"TS has no {name}", severity=severity)


@rule(
    "CDW-TS-WANTED",
    "info",
    group="trial",
    citation="SDTMIG 3.2 appendix C1 (Trial Summary Codes); FDA Study Data Technical Conformance Guide",
    applies=dataset("TS", "TSPARMCD"),
    fix_in="spec",
)
def trial_summary_holds_what_reviewers_look_for(_study: Study, view: View) -> Iterator[Hit]:
    """TS holds the parameters that guides and reviewers ask of every study, and of interventional ones.

    What does not fit a study is held with a null flavor (TSVALNF). The list is validation/checks/trial_summary.yaml.
    """
    lacking = sorted(name for name, _ in _lacking(view, ("info",)))
    if lacking:
        yield Hit("TSPARMCD", f"TS has no {', '.join(lacking)}: give a value, or TSVALNF where there is none")


@rule(
    "CDW-TS-SSTDTC",
    "error",
    group="trial",
    citation="CG0285; FDA Technical Rejection Criteria 1734",
    applies=dataset("TS", "TSPARMCD", "TSVAL"),
    fix_in="spec",
)
def study_start_is_a_date(_study: Study, view: View) -> Iterator[Hit]:
    """The study start date in TS is an ISO 8601 date."""
    wrong = view.missing("TSVAL") | view.where("TSVAL", lambda values: ~read_dates(values).valid)
    mask = view.equals("TSPARMCD", "SSTDTC") & wrong
    yield from hits("TSVAL", "SSTDTC is no ISO 8601 date", mask, show=("TSPARMCD", "TSVAL"))


@rule(
    "CDW-TS-VALUE",
    "error",
    group="trial",
    citation="CG0459; SDTMIG 3.4 section 7.4",
    applies=dataset("TS", "TSPARMCD", "TSVAL"),
    fix_in="spec",
)
def parameters_have_values(_study: Study, view: View) -> Iterator[Hit]:
    """A parameter of TS has a value, or TSVALNF says why it has none."""
    mask = view.missing("TSVAL")
    if "TSVALNF" in view:
        mask = mask & view.missing("TSVALNF")
    yield from hits("TSVAL", "TSVAL and TSVALNF are both missing", mask, show=("TSPARMCD",))


@rule(
    "CDW-TS-NULL",
    "error",
    group="trial",
    citation="SDTMIG 3.4 section 7.4",
    applies=dataset("TS", "TSVAL", "TSVALNF"),
    fix_in="spec",
)
def null_flavors_have_no_value(_study: Study, view: View) -> Iterator[Hit]:
    """A parameter of TS with a null flavor has no value."""
    mask = ~view.missing("TSVAL") & ~view.missing("TSVALNF")
    yield from hits("TSVALNF", "TSVAL and TSVALNF are both given", mask, show=("TSVAL", "TSVALNF"))


def _in_arms(variable: str):  # type: ignore[no-untyped-def]
    def applies(study: Study, view: View) -> Sequence[str]:
        target = "ARM" if variable.endswith("ARM") else "ARMCD"
        return (variable,) if view.name == "DM" and variable in view and study.has("TA", target) else ()

    return applies


def _arms(study: Study, view: View, variable: str) -> Iterator[Hit]:
    target = "ARM" if variable.endswith("ARM") else "ARMCD"
    known = set(study.column("TA", target).distinct(target)[1])
    mask = view.where(variable, lambda values: [value not in known for value in values])
    yield from hits(variable, f"{variable} '{{value}}' is not in TA.{target}", mask, by_value=True)


@rule("CDW-ARMCD-TA", "error", group="trial", citation="CG0516", applies=_in_arms("ARMCD"), fix_in="spec")
def planned_arm_codes_are_in_ta(study: Study, view: View) -> Iterator[Hit]:
    """ARMCD of DM is one of TA."""
    yield from _arms(study, view, "ARMCD")


@rule("CDW-ARM-TA", "error", group="trial", citation="CG0518", applies=_in_arms("ARM"), fix_in="spec")
def planned_arms_are_in_ta(study: Study, view: View) -> Iterator[Hit]:
    """ARM of DM is one of TA."""
    yield from _arms(study, view, "ARM")


@rule("CDW-ACTARMCD-TA", "error", group="trial", citation="CG0512", applies=_in_arms("ACTARMCD"), fix_in="spec")
def actual_arm_codes_are_in_ta(study: Study, view: View) -> Iterator[Hit]:
    """ACTARMCD of DM is one of TA."""
    yield from _arms(study, view, "ACTARMCD")


@rule(
    "CDW-ARMNRS",
    "error",
    group="trial",
    citation="CG0513, CG0515, CG0517, CG0519, CG0520; SDTMIG 3.4 section 5.2",
    applies=dataset("DM", "ARM", "ARMNRS"),
)
def missing_arms_are_explained(_study: Study, view: View) -> Iterator[Hit]:
    """Where ARM or ACTARM is missing, ARMNRS says why; where both are given, it is missing."""
    arms = [name for name in ("ARM", "ACTARM") if name in view]
    lacking = np.logical_or.reduce([view.missing(name) for name in arms])
    show = (*arms, "ARMNRS")
    yield from hits(
        "ARMNRS", "an arm is missing and ARMNRS does not say why", lacking & view.missing("ARMNRS"), show=show
    )
    extra = ~lacking & ~view.missing("ARMNRS")
    if "ACTARMUD" in view:
        extra &= view.missing("ACTARMUD")
    yield from hits("ARMNRS", "ARMNRS is given though the arms are", extra, show=show)


@rule("CDW-ARM-CODE", "error", group="trial", citation="CG0521, CG0522", applies=dataset("DM", "ARM", "ARMCD"))
def arms_have_codes(_study: Study, view: View) -> Iterator[Hit]:
    """ARM and ARMCD are given together, and so are ACTARM and ACTARMCD."""
    for name in ("ARM", "ACTARM"):
        if name in view and f"{name}CD" in view:
            mask = view.missing(name) != view.missing(f"{name}CD")
            yield from hits(name, f"only one of {name} and {name}CD is given", mask, show=(name, f"{name}CD"))


@rule("CDW-ARMCD-LENGTH", "error", group="trial", citation="CG0153, CG0297, CG0123", applies=on("ARMCD"), fix_in="spec")
def arm_codes_are_short(_study: Study, view: View) -> Iterator[Hit]:
    """ARMCD and ACTARMCD have at most 20 characters."""
    for name in ("ARMCD", "ACTARMCD"):
        if name in view:
            mask = view.where(name, lambda values: [len(str(value)) > 20 for value in values])
            yield from hits(name, f"{name} is longer than 20 characters", mask, by_value=True)


@rule("CDW-DEATH-FLAG", "error", group="trial", citation="CG0131", applies=dataset("DM", "DTHFL"))
def death_flag_is_y_or_missing(_study: Study, view: View) -> Iterator[Hit]:
    """DTHFL is Y or missing."""
    mask = ~view.missing("DTHFL") & ~view.equals("DTHFL", "Y")
    yield from hits("DTHFL", "DTHFL is '{value}'", mask, by_value=True)


@rule("CDW-DEATH-DATE", "error", group="trial", citation="CG0435; FB0606", applies=dataset("DM", "DTHFL", "DTHDTC"))
def death_date_needs_flag(_study: Study, view: View) -> Iterator[Hit]:
    """A subject with a date of death has DTHFL Y."""
    mask = ~view.missing("DTHDTC") & ~view.equals("DTHFL", "Y")
    yield from hits("DTHFL", "DTHDTC is given but DTHFL is not Y", mask, show=("DTHFL", "DTHDTC"))


@rule(
    "CDW-DEATH-AE",
    "error",
    group="trial",
    citation="CG0135; FB0604",
    applies=dataset("AE", "AESDTH", "USUBJID", needs=("DM.DTHFL",)),
)
def fatal_events_need_the_flag(study: Study, view: View) -> Iterator[Hit]:
    """A subject with a fatal adverse event has DTHFL Y in DM."""
    yield from _dead(study, view, "AESDTH", view.equals("AESDTH", "Y"), "AESDTH is Y but DTHFL of DM is not Y")


@rule(
    "CDW-DEATH-DS",
    "error",
    group="trial",
    citation="CG0136; FB0605; SDTMIG 3.4 section 6.2.4",
    applies=dataset("DS", "DSDECOD", "USUBJID", needs=("DM.DTHFL",)),
)
def deaths_in_disposition_need_the_flag(study: Study, view: View) -> Iterator[Hit]:
    """A subject whose disposition is DEATH has DTHFL Y in DM."""
    yield from _dead(
        study, view, "DSDECOD", view.equals("DSDECOD", "DEATH"), "DSDECOD is DEATH but DTHFL of DM is not Y"
    )


def _dead(study: Study, view: View, variable: str, told: np.ndarray, message: str) -> Iterator[Hit]:
    flags = np.append(study.column("DM", "DTHFL").equals("DTHFL", "Y"), True)
    yield from hits(variable, message, told & ~flags[subject_rows(study, view)], show=("USUBJID", variable))


def _exposure(which: str):  # type: ignore[no-untyped-def]
    def applies(study: Study, view: View) -> Sequence[str]:
        return (which,) if view.name == "DM" and which in view and study.has("EX", "USUBJID", "EXSTDTC") else ()

    return applies


def _extreme(study: Study, latest: bool) -> dict[str, str]:
    """Return the first or last date of exposure of each subject, as text: ISO 8601 sorts as it reads."""
    ex = study.view("EX")
    names = [name for name in (("EXSTDTC", "EXENDTC") if latest else ("EXSTDTC",)) if name in ex]
    given = np.ones(len(ex), dtype=bool)
    if "EXOCCUR" in ex:
        given &= ~ex.equals("EXOCCUR", "N")
    found: dict[str, str] = {}
    subjects, who = ex.distinct("USUBJID")
    for name in names:
        codes, texts = ex.distinct(name)
        usable = given & (codes >= 0) & (subjects >= 0)
        width = len(texts) + 1
        for pair in np.unique(subjects[usable].astype(np.int64) * width + codes[usable]):
            subject, text = str(who[pair // width]), str(texts[pair % width])
            old = found.get(subject, text)
            found[subject] = max(old, text) if latest else min(old, text)
    return found


def _reference(study: Study, view: View, variable: str, latest: bool) -> Iterator[Hit]:
    dates = _extreme(study, latest)
    subjects, who = view.distinct("USUBJID")
    texts = np.array([dates.get(str(name), "") for name in who] + [""], dtype=object)[subjects]
    exposed = read_dates(texts)
    own = view.dates(variable)
    known = np.array([bool(text) for text in texts])
    both = known & ~view.missing(variable)
    differs = both & (is_after(own, exposed) | is_after(exposed, own))
    word = "last" if latest else "first"
    yield from hits(variable, f"{variable} is not the {word} date of EX", differs, show=("USUBJID", variable))
    yield from hits(variable, f"{variable} is missing though EX has a date", known & view.missing(variable))
    extra = ~known & ~view.missing(variable)
    yield from hits(variable, f"{variable} is given though EX has no date", extra, show=("USUBJID", variable))


@rule("CDW-RFXSTDTC", "error", group="trial", citation="CG0148; SDTMIG 3.4 section 5.2", applies=_exposure("RFXSTDTC"))
def first_exposure_is_that_of_ex(study: Study, view: View) -> Iterator[Hit]:
    """RFXSTDTC is the first EXSTDTC of the subject."""
    yield from _reference(study, view, "RFXSTDTC", latest=False)


@rule("CDW-RFXENDTC", "error", group="trial", citation="CG0147; SDTMIG 3.4 section 5.2", applies=_exposure("RFXENDTC"))
def last_exposure_is_that_of_ex(study: Study, view: View) -> Iterator[Hit]:
    """RFXENDTC is the last EXENDTC (or EXSTDTC) of the subject."""
    yield from _reference(study, view, "RFXENDTC", latest=True)


@rule(
    "CDW-RFICDTC",
    "error",
    group="trial",
    citation="CG0068, CG0143; SDTMIG 3.4 section 5.2",
    applies=dataset("DM", "RFICDTC", needs=()),
)
def consent_is_that_of_ds(study: Study, view: View) -> Iterator[Hit]:
    """RFICDTC is the date of the first informed consent in DS, where DS has one."""
    if not study.has("DS", "USUBJID", "DSDECOD", "DSSTDTC"):
        return
    ds = study.view("DS")
    told = ds.equals("DSDECOD", "INFORMED CONSENT OBTAINED") & ~ds.missing("DSSTDTC")
    first: dict[str, str] = {}
    for at in failing(told):
        subject, text = ds.shown("USUBJID", at), ds.shown("DSSTDTC", at)
        first[subject] = min(first.get(subject, text), text)
    subjects, who = view.distinct("USUBJID")
    texts = np.array([first.get(str(name), "") for name in who] + [""], dtype=object)[subjects]
    consent, own = read_dates(texts), view.dates("RFICDTC")
    known = np.array([bool(text) for text in texts]) & ~view.missing("RFICDTC")
    mask = known & (is_after(own, consent) | is_after(consent, own))
    yield from hits("RFICDTC", "RFICDTC is not the date of informed consent in DS", mask, show=("USUBJID", "RFICDTC"))


@rule(
    "CDW-AGE-UNIT",
    "error",
    group="trial",
    citation="CG0665, CG0666, CG0434; SDTMIG 3.4 section 5.2",
    applies=dataset("DM", "AGE", "AGEU"),
)
def ages_have_units(_study: Study, view: View) -> Iterator[Hit]:
    """AGE and AGEU are given together."""
    mask = view.missing("AGE") != view.missing("AGEU")
    yield from hits("AGEU", "only one of AGE and AGEU is given", mask, show=("AGE", "AGEU"))


@rule(
    "CDW-ETCD-TE",
    "error",
    group="trial",
    citation="CG0414; SDTMIG 3.4 section 7.2",
    applies=lambda s, v: on("ETCD")(s, v) if v.name in {"TA", "SE"} and s.has("TE", "ETCD") else (),
)
def elements_are_in_te(study: Study, view: View) -> Iterator[Hit]:
    """ETCD of TA and SE is one of TE (or UNPLAN in SE)."""
    known = {*study.view("TE").distinct("ETCD")[1], "UNPLAN"}
    mask = view.where("ETCD", lambda values: [value not in known for value in values])
    yield from hits("ETCD", "ETCD '{value}' is not in TE", mask, by_value=True)


@rule(
    "CDW-EPOCH-TA",
    "error",
    group="trial",
    citation="CG0009; SDTMIG 3.4 section 7.2",
    applies=lambda s, v: on("EPOCH")(s, v) if v.name != "TA" and s.has("TA", "EPOCH") else (),
    fix_in="spec",
)
def epochs_are_in_ta(study: Study, view: View) -> Iterator[Hit]:
    """EPOCH is one of TA."""
    known = set(study.view("TA").distinct("EPOCH")[1])
    mask = view.where("EPOCH", lambda values: [value not in known for value in values])
    severity = "warning" if view.name == "DS" else None
    yield from hits("EPOCH", "EPOCH '{value}' is not in TA", mask, by_value=True, severity=severity)


@rule(
    "CDW-IE-CRITERION",
    "error",
    group="trial",
    citation="CG0179",
    applies=lambda s, v: ("IETESTCD",) if v.name == "IE" and "IETESTCD" in v and s.has("TI", "IETESTCD") else (),
)
def criteria_are_in_ti(study: Study, view: View) -> Iterator[Hit]:
    """IETESTCD of IE is one of TI."""
    known = set(study.view("TI").distinct("IETESTCD")[1])
    mask = view.where("IETESTCD", lambda values: [value not in known for value in values])
    yield from hits("IETESTCD", "IETESTCD '{value}' is not in TI", mask, by_value=True)


@rule("CDW-IE-RESULT", "error", group="trial", citation="CG0175, CG0176", applies=dataset("IE", "IECAT", "IEORRES"))
def criteria_not_met_say_so(_study: Study, view: View) -> Iterator[Hit]:
    """IE holds criteria not met: N for an inclusion criterion, Y for an exclusion criterion."""
    for category, answer in (("INCLUSION", "N"), ("EXCLUSION", "Y")):
        mask = view.equals("IECAT", category) & ~view.equals("IEORRES", answer)
        yield from hits("IEORRES", f"IEORRES is not {answer} for an {category.lower()} criterion", mask)


@rule(
    "CDW-VISIT-TV",
    "warning",
    group="trial",
    citation="CG0031, CG0033; SDTMIG 3.4 section 7.3.1",
    applies=lambda s, v: on("VISITNUM", "VISIT")(s, v) if v.name != "TV" and s.has("TV", "VISITNUM", "VISIT") else (),
)
def planned_visits_are_in_tv(study: Study, view: View) -> Iterator[Hit]:
    """A planned visit (a whole VISITNUM) is one of TV, under the same name."""
    tv = study.view("TV")
    known = {(tv.shown("VISITNUM", i), tv.shown("VISIT", i)) for i in range(len(tv))}
    groups = view.group("VISITNUM", "VISIT")
    _, first = np.unique(groups, return_index=True)
    wrong = [
        (number := view.shown("VISITNUM", at)) != ""
        and "." not in number
        and (number, view.shown("VISIT", at)) not in known
        for at in first
    ]
    yield from hits("VISITNUM", "VISITNUM and VISIT are not in TV", np.array(wrong)[groups], show=("VISITNUM", "VISIT"))


@rule(
    "CDW-FLAG-Y",
    "error",
    group="trial",
    citation="CG0541 (--LOBXFL); SDTMIG 3.4 section 4.5.9",
    applies=lambda s, v: [n for n in map(v.real, ("--LOBXFL", "--BLFL", "--DRVFL")) if n in v] if is_sdtm(v) else (),
)
def flags_are_y_or_missing(_study: Study, view: View) -> Iterator[Hit]:
    """--LOBXFL, --BLFL and --DRVFL are Y or missing."""
    for name in map(view.real, ("--LOBXFL", "--BLFL", "--DRVFL")):
        if name in view:
            mask = ~view.missing(name) & ~view.equals(name, "Y")
            yield from hits(name, f"{name} is '{{value}}', not Y or missing", mask, by_value=True)


@rule(
    "CDW-EX-BEFORE-CONSENT",
    "warning",
    group="trial",
    citation="SDTMIG 3.4 section 5.2",
    applies=dataset("EX", "EXSTDTC", "USUBJID", needs=("DM.RFICDTC",)),
    fix_in="raw",
)
def no_treatment_before_consent(study: Study, view: View) -> Iterator[Hit]:
    """No study treatment starts before informed consent."""
    mask = is_after(reference_dates(study, view, "RFICDTC"), view.dates("EXSTDTC"))
    yield from hits("EXSTDTC", "EXSTDTC is before informed consent", mask)


@rule(
    "CDW-EX-ARM",
    "warning",
    group="trial",
    citation="SDTMIG 3.4 section 5.2",
    applies=dataset("EX", "USUBJID", needs=("DM.ACTARM",)),
)
def treated_subjects_have_arms(study: Study, view: View) -> Iterator[Hit]:
    """A subject with study treatment has an actual arm in DM."""
    dm = study.column("DM", "ACTARM")
    arms = np.append(~dm.missing("ACTARM"), True)
    mask = ~arms[subject_rows(study, view)]
    yield from hits("USUBJID", "subject '{value}' has exposure but no ACTARM in DM", mask, by_value=True)


@rule("CDW-DOSE", "error", group="trial", citation="CG0114; SDTMIG 3.4 section 6.1.3", applies=on("--DOSE", "--DOSU"))
def doses_have_units(_study: Study, view: View) -> Iterator[Hit]:
    """A dose has a unit and is not negative."""
    dose, unit = view.real("--DOSE"), view.real("--DOSU")
    numbers = view.numbers(dose)
    with np.errstate(invalid="ignore"):
        yield from hits(dose, f"{dose} is negative", numbers < 0)
        yield from hits(unit, f"{unit} is missing though {dose} is given", (numbers > 0) & view.missing(unit))
