"""Values that depend on their parameter: TSVAL by TSPARMCD, countries, dictionaries and their versions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np

from ..iso8601 import is_duration, read_dates
from .base import CannotRunError, Hit, Study, failing, hits, on, rule
from .view import View

_LISTS = {
    name: name for name in ("TBLIND", "TPHASE", "TCNTRL", "STYPE", "TINDTP", "TTYPE", "INTMODEL", "SEXPOP", "INTTYPE")
}
_YES_OR_NO = ("ADAPT", "ADDON", "HLTSUBJI", "RANDOM", "PDSTIND", "PIPIND", "RDIND", "EXTTIND")
_DURATIONS = ("AGEMIN", "AGEMAX", "LENGTH")
_ONE_UNIT = re.compile(r"P(\d+(?:\.\d+)?)([YMWD])", re.ASCII)
_DAYS = {"Y": 365.25, "M": 365.25 / 12, "W": 7.0, "D": 1.0}
_DATES = ("SENDTC", "DCUTDTC")  # SSTDTC has a rule of its own
_COUNTS = ("PLANSUB", "ACTSUB", "NARMS", "NCOHORT")
_VERSIONED = ("MEDDRA", "WHODRUG", "WHO DRUG", "SNOMED", "LOINC", "MED-RT", "CDISC", "UNII")
_COUNTRY_CODES = """
ABW AFG AGO AIA ALA ALB AND ARE ARG ARM ASM ATA ATF ATG AUS AUT AZE BDI BEL BEN BES BFA BGD BGR BHR BHS BIH
BLM BLR BLZ BMU BOL BRA BRB BRN BTN BVT BWA CAF CAN CCK CHE CHL CHN CIV CMR COD COG COK COL COM CPV CRI CUB
CUW CXR CYM CYP CZE DEU DJI DMA DNK DOM DZA ECU EGY ERI ESH ESP EST ETH FIN FJI FLK FRA FRO FSM GAB GBR GEO
GGY GHA GIB GIN GLP GMB GNB GNQ GRC GRD GRL GTM GUF GUM GUY HKG HMD HND HRV HTI HUN IDN IMN IND IOT IRL IRN
IRQ ISL ISR ITA JAM JEY JOR JPN KAZ KEN KGZ KHM KIR KNA KOR KWT LAO LBN LBR LBY LCA LIE LKA LSO LTU LUX LVA
MAC MAF MAR MCO MDA MDG MDV MEX MHL MKD MLI MLT MMR MNE MNG MNP MOZ MRT MSR MTQ MUS MWI MYS MYT NAM NCL NER
NFK NGA NIC NIU NLD NOR NPL NRU NZL OMN PAK PAN PCN PER PHL PLW PNG POL PRI PRK PRT PRY PSE PYF QAT REU ROU
RUS RWA SAU SDN SEN SGP SGS SHN SJM SLB SLE SLV SMR SOM SPM SRB SSD STP SUR SVK SVN SWE SWZ SXM SYC SYR TCA
TCD TGO THA TJK TKL TKM TLS TON TTO TUN TUR TUV TWN TZA UGA UKR UMI URY USA UZB VAT VCT VEN VGB VIR VNM VUT
WLF WSM YEM ZAF ZMB ZWE
"""
COUNTRIES = frozenset(_COUNTRY_CODES.split())
"""The country codes of ISO 3166-1, of three letters."""


def _parameters(_study: Study, view: View) -> Sequence[str]:
    return ("TSPARMCD", "TSVAL") if view.name == "TS" and "TSPARMCD" in view and "TSVAL" in view else ()


def _of(view: View, *parameters: str) -> np.ndarray:
    mask: np.ndarray = view.equals("TSPARMCD", *parameters) & ~view.missing("TSVAL")
    return mask


@rule("CDW-TS-TERM", "error", group="trial", citation="SDTMIG 3.4 section 7.4", applies=_parameters)
def summary_values_are_terms(study: Study, view: View) -> Iterator[Hit]:
    """TSVAL of a parameter under controlled terminology is one of its terms: TPHASE, TBLIND, SEXPOP, RANDOM (Y or N).

    Where the list may be extended, another value is a warning.
    """
    for parameter, name in {**_LISTS, **dict.fromkeys(_YES_OR_NO, "")}.items():
        here = _of(view, parameter)
        if not here.any():
            continue
        known, extensible = ({"Y", "N"}, False) if not name else _terms(study, name)
        mask = here & ~view.equals("TSVAL", *known)
        text = f"{parameter} is '{{value}}', which is no term of its codelist"
        severity = "warning" if extensible else "error"
        yield from hits("TSVAL", text, mask, by_value=True, show=("TSPARMCD", "TSVAL"), severity=severity)


def _terms(study: Study, name: str) -> tuple[set[str], bool]:
    if study.terminology is None:
        raise CannotRunError("needs the controlled terminology")
    try:
        found = study.terminology.codelist(name)
    except KeyError:
        raise CannotRunError(f"needs the codelist {name}, which the terminology does not have") from None
    return {term.value for term in found.terms}, found.extensible


@rule("CDW-TS-FORM", "error", group="trial", citation="CG0270 (AGEMAX); SDTMIG 3.4 section 7.4", applies=_parameters)
def summary_values_have_their_form(_study: Study, view: View) -> Iterator[Hit]:
    """TSVAL has the form of its parameter: a duration (AGEMIN), a date (SENDTC), a whole number (PLANSUB), a share (RANDQT)."""
    forms = (
        (_DURATIONS, "no duration in ISO 8601", lambda values: ~np.asarray(is_duration(values))),
        (_DATES, "no date in ISO 8601", lambda values: ~read_dates(values).valid),
        (_COUNTS, "no whole number", lambda values: [not str(value).isdecimal() for value in values]),
        (("RANDQT",), "no number from 0 to 1", lambda values: [not _is_share(str(value)) for value in values]),
    )
    for parameters, lack, test in forms:
        mask = _of(view, *parameters)
        if mask.any():
            mask = mask & view.where("TSVAL", test)
            yield from hits("TSVAL", f"'{{value}}' is {lack}", mask, by_value=True, show=("TSPARMCD", "TSVAL"))


@rule("CDW-TS-AGES", "error", group="trial", citation="SDTMIG 3.4 section 7.4", applies=_parameters, fix_in="spec")
def planned_ages_are_a_range(_study: Study, view: View) -> Iterator[Hit]:
    """The planned minimum age (AGEMIN) is at most the planned maximum age (AGEMAX)."""
    youngest, oldest = (_ages(view, name) for name in ("AGEMIN", "AGEMAX"))
    if youngest and oldest and max(youngest.values()) > min(oldest.values()):
        mask = view.equals("TSPARMCD", "AGEMIN") & view.equals("TSVAL", max(youngest, key=youngest.__getitem__))
        text = f"AGEMIN '{{value}}' is above AGEMAX '{min(oldest, key=oldest.__getitem__)}'"
        yield from hits("TSVAL", text, mask, by_value=True, show=("TSPARMCD", "TSVAL"))


def _ages(view: View, parameter: str) -> dict[str, float]:
    """Return the values of a parameter that are durations of one unit, in days."""
    texts = {view.shown("TSVAL", at) for at in failing(_of(view, parameter))}
    found = {text: _ONE_UNIT.fullmatch(text) for text in sorted(texts)}
    return {text: float(match[1]) * _DAYS[match[2]] for text, match in found.items() if match}


def _is_share(text: str) -> bool:
    try:
        return 0 <= float(text) <= 1
    except ValueError:
        return False


def _countries(_study: Study, view: View) -> Sequence[str]:
    if view.name == "TS":
        return _parameters(_study, view)
    return ("COUNTRY",) if view.name == "DM" and "COUNTRY" in view else ()


@rule(
    "CDW-COUNTRY", "error", group="values", citation="SDTMIG 3.4 section 5.2 (ISO 3166-1 alpha-3)", applies=_countries
)
def countries_are_iso_3166(_study: Study, view: View) -> Iterator[Hit]:
    """A country (COUNTRY of DM, FCNTRY of TS) is a code of ISO 3166-1 of three letters: FRA, BEL, CHE."""
    variable = "COUNTRY" if view.name == "DM" else "TSVAL"
    mask = ~view.missing(variable) if view.name == "DM" else _of(view, "FCNTRY")
    mask = mask & ~view.equals(variable, *COUNTRIES)
    yield from hits(variable, "'{value}' is no country code of ISO 3166-1 (three letters)", mask, by_value=True)


@rule("CDW-TS-CODE", "error", group="trial", citation="SDTMIG 3.4 section 7.4", applies=on("TSVALCD", "TSVCDREF"))
def codes_of_summary_values_name_their_dictionary(_study: Study, view: View) -> Iterator[Hit]:
    """A code of a value (TSVALCD) names its dictionary (TSVCDREF)."""
    mask = ~view.missing("TSVALCD") & view.missing("TSVCDREF")
    yield from hits("TSVCDREF", "TSVALCD is given without TSVCDREF", mask, show=("TSPARMCD", "TSVALCD"))


@rule("CDW-TS-VERSION", "warning", group="trial", citation="SDTMIG 3.4 section 7.4", applies=on("TSVCDREF", "TSVCDVER"))
def dictionaries_of_summary_values_have_a_version(_study: Study, view: View) -> Iterator[Hit]:
    """A dictionary that comes in versions (MedDRA, SNOMED, CDISC CT) has its version (TSVCDVER)."""
    versioned = view.where("TSVCDREF", lambda values: [str(value).upper().startswith(_VERSIONED) for value in values])
    mask = versioned & view.missing("TSVCDVER")
    yield from hits("TSVCDVER", "TSVCDREF is given without TSVCDVER", mask, show=("TSPARMCD", "TSVCDREF"))
