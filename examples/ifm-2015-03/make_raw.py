"""Write the SYNTHETIC raw eCRF export of the example study IFM-2015-03 into ``raw/``.

No record here belongs to a person. The published study (Clinical Hematology International 2023, 5:38-42,
NCT02439476) gives aggregates only; the two tables below choose observations that lead to exactly these aggregates,
everything else is drawn from a seeded generator. Run ``python make_raw.py [FOLDER]``: the files are the same bytes
on every machine, since only ``random.Random(str).random()`` is drawn from and all arithmetic is on whole numbers.
"""

import math
import random
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TypeVar

Row = dict[str, str]
T = TypeVar("T")
STUDY = "IFM-2015-03"
HERE = Path(__file__).resolve().parent

VISITS = {
    "SEL": "Sélection",
    "MOB": "Mobilisation",
    "GRE": "Autogreffe 2",
    "M01": "Suivi M1",
    "M03": "Suivi M3",
    "M06": "Suivi M6",
    "M12": "Suivi M12",
    "NP": "Visite non programmée",
    "FIN": "Fin d'étude",
    "COM": "Formulaires communs",
}


@dataclass(frozen=True)
class Subject:
    """One included person; ``way`` says how far the eCRF goes."""

    numpat: str
    centre: str
    way: str  # T transplanted, M mobilised only, F failed collection, G no apheresis data, N no data, S screen failure
    sex: str  # 1 male, 2 female
    birth: tuple[int, int]  # year, month: the day is never collected
    consent: date
    weight: int  # tenths of a kg
    isotype: str  # G, A, L (light chain) or blank
    chain: str  # K, L or blank
    iss: str  # 1, 2, 3, NE or blank
    sessions: tuple[int, ...]  # CD34+ dose of each apheresis session, tenths of 10^6/kg


@dataclass(frozen=True)
class Transplant:
    """What the eCRF holds on the second transplant of one subject; days are counted from day 0 = ``day``."""

    numpat: str
    day: date
    first: int  # days from the first transplant
    gap: int  # days from the apheresis session that reached the goal
    known: str  # D full dates, A apheresis date unknown, P all mobilisation dates without a day
    line: int
    status: str  # 2 second complete response, 3 advanced, blank
    melphalan: int  # mg/m2
    anc: int | None  # day of the first of three days above 0.5 G/L, None: the centre gave no counts
    decoy: str  # what the counts show before recovery, see DECOYS
    last: int  # day of the last news
    relapse: int | None


def _day(text: str) -> date:
    return date.fromisoformat(text)


SUBJECTS = [
    Subject("001", "01", "T", "1", (1956, 7), _day("2015-06-16"), 784, "G", "K", "", (52,)),
    Subject("002", "01", "T", "1", (1952, 11), _day("2015-07-28"), 815, "G", "L", "3", (31, 22)),
    Subject("003", "02", "T", "2", (1950, 4), _day("2015-08-31"), 612, "A", "L", "", (38,)),
    Subject("004", "02", "S", "1", (1961, 2), _day("2015-12-01"), 902, "G", "K", "1", ()),
    Subject("005", "01", "T", "1", (1965, 3), _day("2016-01-19"), 884, "G", "K", "NE", (14, 26)),
    Subject("006", "03", "T", "1", (1946, 10), _day("2016-03-22"), 731, "G", "K", "", (44,)),
    Subject("007", "03", "M", "1", (1954, 5), _day("2016-06-28"), 776, "G", "K", "2", (31,)),
    Subject("008", "04", "T", "1", (1956, 9), _day("2016-08-02"), 695, "G", "L", "", (27,)),
    Subject("009", "02", "T", "1", (1950, 8), _day("2016-10-11"), 838, "G", "L", "", (20, 12)),
    Subject("010", "04", "G", "2", (1957, 1), _day("2017-01-24"), 588, "A", "K", "", ()),
    Subject("011", "01", "T", "1", (1946, 4), _day("2017-02-21"), 749, "G", "K", "1", (35,)),
    Subject("012", "05", "T", "2", (1961, 12), _day("2017-03-28"), 654, "L", "K", "", (63,)),
    Subject("013", "01", "M", "1", (1949, 3), _day("2017-08-08"), 807, "G", "L", "", (24, 12)),
    Subject("014", "03", "T", "1", (1953, 2), _day("2017-07-18"), 862, "G", "L", "", (29,)),
    Subject("015", "04", "N", "1", (1955, 6), _day("2017-11-14"), 791, "", "", "", ()),
    Subject("016", "02", "T", "2", (1958, 10), _day("2017-12-12"), 571, "A", "K", "3", (21, 9)),
    Subject("017", "03", "F", "2", (1951, 11), _day("2018-03-27"), 604, "G", "L", "3", (11, 13, 6)),
    Subject("018", "06", "T", "1", (1957, 3), _day("2018-06-12"), 823, "L", "L", "", (41,)),
    Subject("019", "06", "G", "1", (1948, 9), _day("2018-11-20"), 768, "G", "K", "", ()),
    Subject("020", "01", "M", "2", (1959, 8), _day("2019-04-30"), 637, "G", "L", "2", (46,)),
    Subject("021", "01", "T", "1", (1952, 5), _day("2019-09-03"), 779, "G", "L", "", (33,)),
    Subject("022", "02", "M", "1", (1962, 6), _day("2019-12-17"), 941, "L", "K", "1", (12, 22)),
    Subject("023", "05", "N", "2", (1960, 1), _day("2020-02-18"), 668, "", "", "", ()),
]

TRANSPLANTS = [
    Transplant("001", _day("2014-11-19"), 1560, 61, "P", 3, "3", 200, 12, "one", 1093, 730),
    Transplant("002", _day("2015-10-14"), 1975, 50, "D", 3, "3", 200, 14, "two", 811, None),
    Transplant("003", _day("2015-12-09"), 2040, 68, "A", 3, "3", 140, 11, "none", 702, 498),
    Transplant("005", _day("2016-03-25"), 1374, 44, "D", 3, "3", 200, 15, "half", 640, None),
    Transplant("006", _day("2016-06-15"), 5944, 57, "A", 5, "3", 140, 18, "two", 562, 243),
    Transplant("008", _day("2016-11-08"), 1102, 75, "P", 3, "3", 200, 12, "none", 45, None),
    Transplant("009", _day("2017-01-23"), 2211, 82, "D", 3, "3", 200, 29, "gap", 431, None),
    Transplant("011", _day("2017-04-19"), 2687, 35, "D", 4, "3", 140, 21, "half", 384, None),
    Transplant("012", _day("2017-06-21"), 947, 55, "A", 2, "2", 200, 13, "one", 366, None),
    Transplant("014", _day("2017-10-19"), 2133, 66, "A", 3, "3", 140, 11, "none", 88, None),
    Transplant("016", _day("2018-03-13"), 1788, 54, "D", 3, "3", 200, 14, "one", 311, None),
    Transplant("018", _day("2018-09-26"), 1251, 72, "P", 2, "", 200, None, "none", 62, None),
    Transplant("021", _day("2019-12-10"), 3365, 70, "A", 4, "3", 140, 15, "two", 101, None),
]
TRANSPLANTED = {t.numpat: t for t in TRANSPLANTS}

# The first apheresis of those who were not transplanted (for G: the day it was planned for).
OTHER_APHERESIS = {
    "007": _day("2016-07-20"),
    "010": _day("2017-02-15"),
    "013": _day("2017-08-30"),
    "017": _day("2018-04-17"),
    "019": _day("2018-12-12"),
    "020": _day("2019-05-22"),
    "022": _day("2020-01-22"),
}
# How the apheresis date of the subjects with known == "A" stands in the export.
UNKNOWN_APHERESIS = {"003": "month", "006": "NK", "012": "", "014": "month", "021": "year"}
# Granulocytes before recovery, hundredths of G/L by day counted back from recovery; None: no sample that day.
DECOYS: dict[str, dict[int, int | None]] = {
    "none": {},
    "one": {-3: 56, -2: 41},
    "two": {-4: 53, -3: 58, -2: 44},
    "half": {-3: 50, -2: 50, -1: 50},
    "gap": {-6: 55, -5: 61, -4: None, -3: 57, -2: 38},
}
LAST_NEWS = {  # of those who were not transplanted: last news, end of study, reason
    "004": ("01/12/2015", "08/12/2015", "4"),
    "007": ("14/11/2016", "14/11/2016", "6"),
    "010": ("UN/02/2017", "12/03/2018", "5"),
    "013": ("16/01/2018", "16/01/2018", "6"),
    "015": ("NK", "12/03/2018", "5"),
    "017": ("09/10/2018", "09/10/2018", "6"),
    "019": ("UN/UN/2019", "17/03/2020", "5"),
    "020": ("10/12/2019", "10/12/2019", "6"),
    "022": ("24/03/2020", "24/03/2020", "3"),
    "023": ("", "24/03/2020", "5"),
}
NOT_TRANSPLANTED = {
    "007": "Progression avant greffe",
    "013": "Refus du patient",
    "017": "Recueil insuffisant",
    "020": "Progression avant greffe",
    "022": "Greffe reportée (COVID-19)",
}
END_REASONS = {
    "1": "Fin de suivi prévue",
    "2": "Perdu de vue",
    "3": "Arrêt de l'étude (COVID-19)",
    "4": "Critère d'inclusion non respecté",
    "5": "Données non fournies par le centre",
    "6": "Non greffé, fin de participation",
}
END_OF_TRANSPLANTED = {"008": "2", "014": "2", "018": "5", "021": "3"}

COUNT_UNIT = {"01": "G/L", "02": "10^9/L", "03": "Giga/L", "04": "G/L", "05": "/mm3", "06": "G/L"}
HB_UNIT = {"01": "g/dL", "02": "g/dL", "03": "g/dl", "04": "g/dl", "05": "g/dL", "06": "g/dL"}
CD34_UNIT = {"01": "/µL", "02": "/μL", "03": "/µL", "04": "/µL", "05": "/mm3", "06": "/µL"}
LAB = {
    "01": "Laboratoire d'hématologie, centre 01",
    "02": "Hématologie biologique, centre 02",
    "03": "Laboratoire central, centre 03",
    "04": "Hématologie, centre 04",
    "05": "Biologie polyvalente, centre 05",
    "06": "Hématologie, centre 06",
}
RESPONSES = {
    "1": "Réponse complète stricte",
    "2": "Réponse complète",
    "3": "Très bonne réponse partielle",
    "4": "Réponse partielle",
    "5": "Réponse minime",
    "6": "Maladie stable",
    "7": "Progression ou rechute",
    "9": "Non évaluable",
}


class Dice:
    """A stream of draws named by its keys, so that a new form never moves the draws of another."""

    def __init__(self, *keys: object) -> None:
        """Seed from the study and the keys (str seeding is SHA-512 based and the same on all platforms)."""
        self._random = random.Random("|".join([STUDY, *map(str, keys)]))

    def whole(self, low: int, high: int) -> int:
        """Return a whole number from low to high, both included."""
        return low + math.floor(self._random.random() * (high - low + 1))

    def pick(self, choices: Sequence[T]) -> T:
        """Return one of the choices."""
        return choices[self.whole(0, len(choices) - 1)]

    def chance(self, percent: int) -> bool:
        """Return True in so many of 100 draws."""
        return self.whole(1, 100) <= percent


def french(day: date, known: str = "day") -> str:
    """Write a date as dd/mm/yyyy, with UN for what is not known (UN/03/2016), or ``known`` itself (NK)."""
    parts = {"day": f"{day:%d/%m}/{day.year:04d}", "month": f"UN/{day:%m}/{day.year:04d}", "year": f"UN/UN/{day.year}"}
    return parts.get(known, known)


def comma(value: int, decimals: int) -> str:
    """Write a whole number of 10^-decimals units with a decimal comma: 784 with one decimal is 78,4."""
    sign, digits = ("-" if value < 0 else ""), str(abs(value)).rjust(decimals + 1, "0")
    return sign + (f"{digits[:-decimals]},{digits[-decimals:]}" if decimals else digits)


def clock(centre: str, hour: int, minute: int) -> str:
    """Write a time as the centre does: 08:30, but 8h30 in centres 03 and 06."""
    return f"{hour}h{minute:02d}" if centre in ("03", "06") else f"{hour:02d}:{minute:02d}"


def add_days(day: date, days: int) -> date:
    """Return the day so many days later."""
    return day + timedelta(days=days)


def head(subject: Subject, visit: str, repeat: int | None = None) -> Row:
    """Return the columns that open every form; NUMREP only in repeated ones."""
    row = {
        "ETUDE": STUDY,
        "CENTRE": subject.centre,
        "NUMPAT": subject.numpat,
        "VISITE": visit,
        "VISITE_LIB": VISITS[visit],
    }
    return row if repeat is None else row | {"NUMREP": str(repeat)}


def first_apheresis(subject: Subject) -> date | None:
    """Return the true day of the first session, or None where there was no mobilisation data at all."""
    transplant = TRANSPLANTED.get(subject.numpat)
    if transplant is None:
        return OTHER_APHERESIS.get(subject.numpat)
    reached = next(i for i, dose in enumerate(subject.sessions) if dose >= 20)
    return add_days(transplant.day, -transplant.gap - reached)


def knowledge(subject: Subject) -> str:
    """Return how well the mobilisation drugs' dates are known: "day" or "month"."""
    transplant = TRANSPLANTED.get(subject.numpat)
    return "month" if transplant is not None and transplant.known == "P" else "day"


def last_day(transplant: Transplant) -> date:
    """Return the date of the last news."""
    return add_days(transplant.day, transplant.last)


# ------------------------------------------------------------------------------------------------ screening


def inclusion(subject: Subject) -> list[Row]:
    """Consent and demography: one row per subject."""
    year, month = subject.birth
    age = subject.consent.year - year - ((subject.consent.month, subject.consent.day) < (month, 15))
    return [
        head(subject, "SEL")
        | {
            "DATE_CONS": french(subject.consent),
            "DATE_INCL": french(subject.consent),
            "VERSION_CONS": "1.0" if subject.consent.year < 2017 else "2.0",
            "DATE_NAIS": f"UN/{month:02d}/{year}",
            "AGE": str(age),
            "SEXE": subject.sex,
            "SEXE_LIB": {"1": "Masculin", "2": "Féminin"}[subject.sex],
            "RETROSPECTIF": "Oui" if subject.numpat == "001" else "Non",
        }
    ]


CRITERIA = [
    ("I01", "1", "Âge supérieur ou égal à 18 ans"),
    ("I02", "1", "Myélome multiple en rechute"),
    ("I03", "1", "Patient éligible à une deuxième autogreffe"),
    ("I04", "1", "Mobilisation par G-CSF et plérixafor selon l'AMM"),
    ("I05", "1", "Accord écrit de participation"),
    ("E01", "2", "Âge supérieur à 75 ans"),
    ("E02", "2", "Contre-indication à l'autogreffe"),
    ("E03", "2", "Contre-indication au plérixafor"),
]


def criteria(subject: Subject) -> list[Row]:
    """Inclusion and exclusion criteria: one row per subject and criterion; 004 does not meet I02."""
    rows = []
    for code, kind, label in CRITERIA:
        failed = subject.way == "S" and code == "I02"
        rows.append(
            head(subject, "SEL")
            | {
                "DATE_CRIT": french(subject.consent),
                "VERSION_PROT": "1.0" if subject.consent.year < 2017 else "2.0",
                "TYPE_CRIT": kind,
                "TYPE_CRIT_LIB": {"1": "Inclusion", "2": "Exclusion"}[kind],
                "NUM_CRIT": code,
                "LIB_CRIT": label,
                "REP_CRIT": "Oui" if (kind == "1") != failed else "Non",
            }
        )
    return rows


def first_transplant(subject: Subject) -> date:
    """Return the day of the first transplant."""
    transplant = TRANSPLANTED.get(subject.numpat)
    if transplant is not None:
        return add_days(transplant.day, -transplant.first)
    return add_days(subject.consent, -Dice("first", subject.numpat).whole(1100, 2600))


def diagnosis(subject: Subject) -> date:
    """Return the day of diagnosis: half a year or so before the first transplant."""
    return add_days(first_transplant(subject), -Dice("diagnosis", subject.numpat).whole(150, 260))


def myeloma(subject: Subject) -> list[Row]:
    """Myeloma history: one row per subject; the centres of 015 and 023 sent none."""
    if subject.way == "N":
        return []
    dice = Dice("myeloma", subject.numpat)
    return [
        head(subject, "SEL")
        | {
            "DATE_DIAG": french(diagnosis(subject), dice.pick(["day", "month", "month", "year"])),
            "ISOTYPE": {"G": "1", "A": "2", "L": "3"}[subject.isotype],
            "ISOTYPE_LIB": {"G": "IgG", "A": "IgA", "L": "Chaînes légères"}[subject.isotype],
            "CHAINE": {"K": "1", "L": "2"}[subject.chain],
            "CHAINE_LIB": {"K": "Kappa", "L": "Lambda"}[subject.chain],
            "ISS": subject.iss,
            "ISS_LIB": {"": "", "NE": "Non évalué", "1": "I", "2": "II", "3": "III"}[subject.iss],
            "DURIE": dice.pick(["", "3A", "2A", "3A", "3B"]),
            "GREFFE1": "Non" if subject.way == "S" else "Oui",
            "DATE_GREFFE1": "" if subject.way == "S" else french(first_transplant(subject)),
        }
    ]


def regimen(start: date, line: int) -> str:
    """Return a treatment that was in use at the time."""
    if line == 1:
        return "VAD" if start.year < 2006 else "VD" if start.year < 2010 else "VTD"
    if start.year < 2007:
        return "Thalidomide-Dexaméthasone"
    if line % 2 == 0:
        return "Lénalidomide-Dexaméthasone" if start.year < 2017 else "Daratumumab-Lénalidomide-Dexaméthasone"
    return "Bortézomib-Dexaméthasone" if start.year < 2016 else "Carfilzomib-Lénalidomide-Dexaméthasone"


def line_periods(subject: Subject, count: int) -> list[tuple[date, date]]:
    """Return first and last day of each line: the first around the first transplant, the others before the second."""
    begin, graft = diagnosis(subject), first_transplant(subject)
    mobilised = first_apheresis(subject) or subject.consent
    step = (mobilised - graft).days // max(count, 2)
    starts = [add_days(graft, step * line - min(step // 2, 200)) for line in range(2, count + 1)]
    later = [(start, min(add_days(start, 150), add_days(mobilised, -15))) for start in starts]
    return [(add_days(begin, 14), add_days(graft, 60)), *later]


def therapy_line(subject: Subject, line: int, period: tuple[date, date], reached: str, dice: Dice) -> Row:
    """One line of therapy; the best response is drawn unless it is known from the transplant."""
    ongoing, response = subject.way == "S", dice.pick(["2", "3", "4"])
    return head(subject, "SEL", line) | {
        "NUM_LIGNE": str(line),
        "PROTOCOLE": regimen(period[0], line),
        "DATE_DEB": french(period[0], dice.pick(["day", "month", "month"])),
        "DATE_FIN": "" if ongoing else french(period[1], dice.pick(["day", "month", "NK"])),
        "EN_COURS": "Oui" if ongoing else "Non",
        "AUTOGREFFE": "Oui" if line == 1 and not ongoing else "Non",
        "MEIL_REP": reached or response,
        "MEIL_REP_LIB": RESPONSES[reached or response],
    }


def therapy_lines(subject: Subject) -> list[Row]:
    """Lines of therapy, repeated: the first holds the first transplant, the last leads to the second."""
    if subject.way == "N":
        return []
    dice = Dice("lines", subject.numpat)
    transplant = TRANSPLANTED.get(subject.numpat)
    count = 1 if subject.way == "S" else transplant.line if transplant else dice.whole(2, 3)
    complete = "2" if transplant is not None and transplant.status == "2" else ""
    return [
        therapy_line(subject, line, period, complete if line == count else "", dice)
        for line, period in enumerate(line_periods(subject, count), 1)
    ]


HISTORY = [
    "Hypertension artérielle",
    "Diabète de type 2",
    "Hypothyroïdie",
    "Insuffisance rénale chronique",
    "Appendicectomie",
    "Neuropathie périphérique",
    "Fracture vertébrale",
    "Dyslipidémie",
]
PAST = ("Appendicectomie", "Fracture vertébrale")


def history(subject: Subject) -> list[Row]:
    """Medical history, repeated."""
    if subject.way in "NS":
        return []
    dice = Dice("history", subject.numpat)
    chosen = sorted({dice.pick(HISTORY) for _ in range(dice.whole(1, 3))})
    rows = []
    for repeat, term in enumerate(chosen, 1):
        start = date(subject.birth[0] + dice.whole(32, 47), dice.whole(1, 12), dice.whole(1, 28))
        past = term in PAST
        rows.append(
            head(subject, "SEL", repeat)
            | {
                "ANTECEDENT": term,
                "DATE_DEB": french(start, dice.pick(["month", "year", "year", "NK", str(start.year)])),
                "EN_COURS": "Non" if past else "Oui",
                "DATE_FIN": french(add_days(start, 40), "year") if past else "",
            }
        )
    return rows


# ------------------------------------------------------------------------------------------------ mobilisation


def gcsf_row(subject: Subject, repeat: int, start: date, stop: date) -> Row:
    """One period (or day) of G-CSF: 10 ug/kg/day, to the nearest 10 ug."""
    product = {"01": "Filgrastim", "02": "Filgrastim", "03": "Lénograstim"}.get(subject.centre, "Filgrastim")
    known = knowledge(subject)
    return head(subject, "MOB", repeat) | {
        "PRODUIT": product,
        "DOSE_JOUR": str((subject.weight + 5) // 10 * 10),
        "DOSE_JOUR_U": {"02": "ug/jour", "04": "microg/j"}.get(subject.centre, "µg/j"),
        "DOSE_KG": "10",
        "DOSE_KG_U": "µg/kg/j",
        "VOIE": "1",
        "VOIE_LIB": "Sous-cutanée",
        "DATE_DEB": french(start, known),
        "DATE_FIN": french(stop, known),
    }


def gcsf(subject: Subject) -> list[Row]:
    """G-CSF from four days before the first session to the last one: one period, or a row a day in centre 02."""
    first = first_apheresis(subject)
    if first is None:
        return []
    start, stop = add_days(first, -4), add_days(first, max(len(subject.sessions) - 1, 0))
    if subject.centre != "02":
        return [gcsf_row(subject, 1, start, stop)]
    days = [add_days(start, i) for i in range((stop - start).days + 1)]
    return [gcsf_row(subject, repeat, day, day) for repeat, day in enumerate(days, 1)]


def plerixafor(subject: Subject) -> list[Row]:
    """Plerixafor on the evening before each session: 0.24 mg/kg."""
    first = first_apheresis(subject)
    if first is None:
        return []
    dice = Dice("plerixafor", subject.numpat)
    hours = [clock(subject.centre, 20 + i % 2, dice.whole(0, 59)) for i in range(max(len(subject.sessions), 1))]
    return [
        head(subject, "MOB", repeat)
        | {
            "NUM_ADM": str(repeat),
            "DATE_ADM": french(add_days(first, repeat - 2), knowledge(subject)),
            "HEURE_ADM": "NK" if subject.numpat == "008" else hour,
            "DOSE_KG": "0,24",
            "DOSE_KG_U": "mg/kg",
            "DOSE_MG": comma((subject.weight * 24 + 50) // 100, 1),
            "DOSE_MG_U": "mg",
            "VOIE": "1",
            "VOIE_LIB": "Sous-cutanée",
        }
        for repeat, hour in enumerate(hours, 1)
    ]


def apheresis_date(subject: Subject, day: date) -> str:
    """Write the session's date as far as the centre knew it."""
    transplant = TRANSPLANTED.get(subject.numpat)
    if transplant is None or transplant.known == "D":
        return french(day)
    return french(day, UNKNOWN_APHERESIS.get(subject.numpat, "month"))


def apheresis(subject: Subject) -> list[Row]:
    """Apheresis sessions with the dose of each; 010 left the form empty, 019 never opened it."""
    if subject.numpat == "010":
        return [head(subject, "MOB", 1) | {"COMMENTAIRE": "Données non fournies par le centre"}]
    first = first_apheresis(subject)
    dice = Dice("apheresis", subject.numpat)
    rows = []
    for repeat, dose in enumerate(subject.sessions, 1):
        assert first is not None
        written = apheresis_date(subject, add_days(first, repeat - 1))
        time = clock(subject.centre, 8 + dice.whole(0, 2), dice.pick([0, 15, 30, 45])) if written[:1].isdigit() else ""
        rows.append(
            head(subject, "MOB", repeat)
            | {
                "CYTA_FAITE": "Oui",
                "NUM_SESSION": str(repeat),
                "DATE_CYTA": written,
                "HEURE_CYTA": time,
                "VOLUME": str(dice.whole(140, 420)),
                "VOLUME_U": "mL",
                "CD34_DOSE": comma(dose, 1),
                "CD34_DOSE_U": "10^6/kg",
                "NB_POCHES": str(dice.whole(1, 4)),
            }
        )
    return rows


# ------------------------------------------------------------------------------------------------ transplant


def surface(subject: Subject, height: int) -> int:
    """Body surface in hundredths of m2 (Mosteller: root of cm x kg / 3600), by whole-number root."""
    return math.isqrt(height * subject.weight * 1000 // 3600)


def height_of(subject: Subject) -> int:
    """Height in cm."""
    return Dice("height", subject.numpat).whole(168, 186) - (11 if subject.sex == "2" else 0)


def melphalan(subject: Subject) -> list[Row]:
    """High-dose melphalan, two days before the graft."""
    transplant = TRANSPLANTED.get(subject.numpat)
    if transplant is None:
        return []
    area = surface(subject, height_of(subject))
    return [
        head(subject, "GRE")
        | {
            "DATE_ADM": french(add_days(transplant.day, -2)),
            "HEURE_ADM": clock(subject.centre, 10, Dice("melphalan", subject.numpat).pick([0, 15, 30])),
            "DOSE_M2": str(transplant.melphalan),
            "DOSE_M2_U": "mg/m²",
            "SURF_CORP": comma(area, 2),
            "SURF_CORP_U": "m²",
            "DOSE_MG": str((area * transplant.melphalan + 50) // 100),
            "DOSE_MG_U": "mg",
            "VOIE": "2",
            "VOIE_LIB": "Intraveineuse",
        }
    ]


def graft(subject: Subject) -> list[Row]:
    """Second transplant, or why there was none."""
    transplant = TRANSPLANTED.get(subject.numpat)
    if transplant is None:
        motive = NOT_TRANSPLANTED.get(subject.numpat)
        return [head(subject, "GRE") | {"GREFFE_FAITE": "Non", "MOTIF_NON": motive}] if motive else []
    dice = Dice("graft", subject.numpat)
    labels = {"2": "2e réponse complète (RC2)", "3": "Maladie avancée", "": ""}
    return [
        head(subject, "GRE")
        | {
            "GREFFE_FAITE": "Oui",
            "DATE_GREFFE": french(transplant.day),
            "HEURE_GREFFE": clock(subject.centre, dice.whole(10, 15), dice.pick([0, 10, 30, 45])),
            "LIGNE_GREFFE": str(transplant.line),
            "STATUT_MAL": transplant.status,
            "STATUT_MAL_LIB": labels[transplant.status],
            "CD34_REINJ": comma(min(sum(subject.sessions), 52), 1),
            "CD34_REINJ_U": "10^6/kg",
            "VIABILITE": str(dice.whole(78, 97)),
            "VIABILITE_U": "%",
        }
    ]


# ------------------------------------------------------------------------------------------------ haematology


def anc_course(transplant: Transplant) -> dict[int, int]:
    """Granulocytes by day after the graft, hundredths of G/L, to four days after recovery."""
    assert transplant.anc is not None
    dice, recovery = Dice("anc", transplant.numpat), transplant.anc
    course: dict[int, int | None] = {1: dice.whole(90, 190), 2: dice.whole(52, 85), 3: dice.whole(18, 42)}
    for day in range(4, recovery):
        left = recovery - day
        course[day] = dice.whole(12, 48) if left <= 2 else dice.whole(1, 30) if left <= 4 else dice.whole(1, 11)
    course.update({recovery + back: value for back, value in DECOYS[transplant.decoy].items()})
    level = 55
    for day in range(recovery, recovery + 5):
        level += dice.whole(3, 70)
        course[day] = level
    return {day: value for day, value in sorted(course.items()) if value is not None}


def platelet_day(transplant: Transplant) -> int:
    """Return the day from which platelets stay at 20 G/L or above."""
    assert transplant.anc is not None
    dice = Dice("platelets", transplant.numpat)
    return max(transplant.anc + dice.whole(-1, 3), dice.whole(13, 17))


def platelet_transfusions(transplant: Transplant) -> list[int]:
    """Days of platelet transfusions: the last one six days or more before recovery."""
    if transplant.anc is None:
        return []
    last = platelet_day(transplant) - 6
    return [day for day in (7, *range(11, last, 4)) if day <= last - 3] + [last]


def platelet_course(transplant: Transplant) -> dict[int, int]:
    """Platelets in G/L by day: fall, rise for one day after each transfusion, lasting recovery."""
    assert transplant.anc is not None
    dice, recovery = Dice("platelet course", transplant.numpat), platelet_day(transplant)
    given = platelet_transfusions(transplant)
    course = {}
    for day in range(1, max(recovery, transplant.anc) + 5):
        if day >= recovery:
            value = 20 + (day - recovery) * dice.whole(4, 9) + dice.whole(0, 4)
        elif day - 1 in given:
            value = dice.whole(20, 27)
        elif day in given:
            value = dice.whole(5, 9)
        else:
            value = max(150 - 24 * day + dice.whole(-8, 8), dice.whole(11, 18))
        course[day] = value
    return course


def counts(subject: Subject, neutrophils: int | None, platelets: int, haemoglobin: int, cd34: int | None = None) -> Row:
    """Write one sample's results in the centre's units: G/L hundredths in, /mm3 in centre 05."""
    unit, per_mm3 = COUNT_UNIT[subject.centre], COUNT_UNIT[subject.centre] == "/mm3"
    leukocytes = None if neutrophils is None else neutrophils + neutrophils // 3 + 11
    return {
        "HEMATO_FAIT": "Oui",
        "GB": write_count(leukocytes, per_mm3),
        "GB_U": unit if leukocytes is not None else "",
        "PNN": write_count(neutrophils, per_mm3),
        "PNN_U": unit if neutrophils is not None else "",
        "PLAQ": str(platelets),
        "PLAQ_U": "G/L" if per_mm3 else unit,
        "HB": comma(haemoglobin, 1),
        "HB_U": HB_UNIT[subject.centre],
        "CD34_SANG": "" if cd34 is None else str(cd34),
        "CD34_SANG_U": "" if cd34 is None else CD34_UNIT[subject.centre],
    }


def write_count(hundredths: int | None, per_mm3: bool) -> str:
    """Write a count: below the limit of 0.1 G/L as "<0,1" (or "<100" per mm3)."""
    if hundredths is None:
        return ""
    if per_mm3:
        return "<100" if hundredths < 10 else str(hundredths * 10)
    return "<0,1" if hundredths < 10 else comma(hundredths, 2)


Sample = tuple[str, date, str, str, Row]  # visit, day, how well the day is known, time, results


def mobilisation_samples(subject: Subject) -> list[Sample]:
    """Return the samples before plerixafor and, where the day is known, on the morning of each session."""
    first = first_apheresis(subject)
    if first is None or subject.way == "G":
        return []
    dice, transplant = Dice("mobilisation samples", subject.numpat), TRANSPLANTED.get(subject.numpat)
    before = counts(subject, dice.whole(900, 2900), dice.whole(120, 260), dice.whole(98, 134), dice.whole(5, 19))
    samples: list[Sample] = [("MOB", add_days(first, -1), knowledge(subject), clock(subject.centre, 8, 30), before)]
    if transplant is not None and transplant.known != "D":
        return samples
    for i, dose in enumerate(subject.sessions):
        values = counts(
            subject, dice.whole(1500, 3900), dice.whole(90, 210), dice.whole(95, 128), dose * 2 + dice.whole(2, 9)
        )
        samples.append(("MOB", add_days(first, i), "day", clock(subject.centre, 7, dice.whole(0, 59)), values))
    return samples


def aplasia_samples(subject: Subject, transplant: Transplant) -> list[Sample]:
    """Daily samples after the graft, to recovery of both lines; a second one on day 9 for 002."""
    dice = Dice("aplasia samples", subject.numpat)
    neutrophils, platelets = anc_course(transplant), platelet_course(transplant)
    samples: list[Sample] = []
    gaps = {transplant.anc + back for back, v in DECOYS[transplant.decoy].items() if v is None and transplant.anc}
    for day in sorted(platelets):
        if day in gaps:
            continue
        value = neutrophils.get(day, 150 + 9 * day)
        row = counts(subject, value, platelets[day], dice.whole(79, 108))
        time = clock(subject.centre, 6, dice.whole(0, 50))
        samples.append(("GRE", add_days(transplant.day, day), "day", time, row))
        if subject.numpat == "002" and day == 9:
            again = counts(subject, value + 4, platelets[day] + 2, 84)
            samples.append(("GRE", add_days(transplant.day, day), "day", "17:40", again))
    return samples


def visits_after(transplant: Transplant) -> list[tuple[str, date]]:
    """Irregular follow-up visits up to the last news, which is a visit of its own."""
    dice, visits = Dice("visits", transplant.numpat), []
    for code, about, around in [("M01", 34, 3), ("M03", 95, 12), ("M06", 185, 20), ("M12", 352, 9)]:
        day = about + dice.whole(-around, around)
        if day < transplant.last - 5 and not dice.chance(12):
            visits.append((code, add_days(transplant.day, day)))
    if transplant.relapse is not None:
        visits.append(("NP", add_days(transplant.day, transplant.relapse)))
    visits.append(("NP", last_day(transplant)))
    return sorted(visits, key=lambda visit: visit[1])


def follow_up_samples(subject: Subject, transplant: Transplant) -> list[Sample]:
    """Return the samples of the follow-up visits after the daily ones."""
    dice = Dice("follow-up samples", subject.numpat)
    begin = 0 if transplant.anc is None else max(platelet_day(transplant), transplant.anc) + 5
    samples: list[Sample] = []
    for visit, day in visits_after(transplant):
        if (day - transplant.day).days >= begin:
            row = counts(subject, dice.whole(140, 480), dice.whole(75, 240), dice.whole(102, 142))
            samples.append((visit, day, "day", clock(subject.centre, 9, dice.whole(0, 59)), row))
    return samples


def samples_of(subject: Subject) -> list[Sample]:
    """All blood samples of a subject in order of time; centre 06 gave none after the graft of 018."""
    if subject.way in "NG":
        return []
    dice, transplant = Dice("samples", subject.numpat), TRANSPLANTED.get(subject.numpat)
    day = add_days(first_apheresis(subject) or subject.consent, -9 if subject.way != "S" else 0)
    start = counts(subject, dice.whole(160, 420), dice.whole(110, 260), dice.whole(98, 140))
    samples: list[Sample] = [("SEL", day, "day", clock(subject.centre, 10, 5), start), *mobilisation_samples(subject)]
    if transplant is None or transplant.anc is None:
        return samples
    before = counts(subject, dice.whole(160, 380), dice.whole(120, 240), dice.whole(99, 130))
    samples.append(("GRE", add_days(transplant.day, -3), "day", clock(subject.centre, 8, 30), before))
    return samples + aplasia_samples(subject, transplant) + follow_up_samples(subject, transplant)


def haematology(subject: Subject) -> list[Row]:
    """Blood counts, one row per sample; a row "not done" where the centre said so."""
    rows = [
        head(subject, visit, repeat)
        | {"DATE_PREL": french(day, known), "HEURE_PREL": time if known == "day" else "", "LABO": LAB[subject.centre]}
        | results
        for repeat, (visit, day, known, time, results) in enumerate(samples_of(subject), 1)
    ]
    if subject.numpat in ("018", "019"):
        missing = {"HEMATO_FAIT": "Non", "MOTIF_NON": "Données non fournies par le centre"}
        rows.append(head(subject, "GRE" if subject.way == "T" else "MOB", len(rows) + 1) | missing)
    return rows


def transfusions(subject: Subject) -> list[Row]:
    """Platelet and red-cell transfusions after the graft."""
    transplant = TRANSPLANTED.get(subject.numpat)
    if transplant is None or transplant.anc is None:
        return []
    dice = Dice("transfusions", subject.numpat)
    given = [(day, "1") for day in platelet_transfusions(transplant)]
    given += [(day, "2") for day in (6, 11) if dice.chance(60)]
    labels = {"1": "Concentré de plaquettes", "2": "Concentré de globules rouges"}
    return [
        head(subject, "GRE", repeat)
        | {
            "TYPE_PSL": kind,
            "TYPE_PSL_LIB": labels[kind],
            "DATE_TRANSF": french(add_days(transplant.day, day)),
            "HEURE_TRANSF": clock(subject.centre, dice.whole(10, 18), dice.pick([0, 20, 40])),
            "NB_UNITES": "1" if kind == "1" else "2",
        }
        for repeat, (day, kind) in enumerate(sorted(given), 1)
    ]


# ------------------------------------------------------------------------------------------------ follow-up


def weigh(subject: Subject, visit: str, day: date, dice: Dice) -> Row:
    """One set of vital signs; height only at screening."""
    return head(subject, visit) | {
        "DATE_SV": french(day),
        "POIDS": comma(subject.weight + (dice.whole(-22, 8) if visit not in ("SEL", "MOB") else 0), 1),
        "POIDS_U": "kg",
        "TAILLE": str(height_of(subject)) if visit == "SEL" else "",
        "TAILLE_U": "cm" if visit == "SEL" else "",
        "PAS": str(dice.whole(108, 148)),
        "PAD": str(dice.whole(60, 88)),
        "PA_U": "mmHg",
        "TEMP": comma(dice.whole(362, 374), 1),
        "TEMP_U": "°C",
    }


def vital_signs(subject: Subject) -> list[Row]:
    """Vital signs at irregular visits; the weight of the mobilisation is measured before apheresis."""
    if subject.way == "N":
        return []
    dice, first = Dice("vital signs", subject.numpat), first_apheresis(subject)
    days = [("SEL", subject.consent if subject.numpat != "001" or first is None else add_days(first, -12))]
    if first is not None and knowledge(subject) == "day":
        days.append(("MOB", add_days(first, -4)))
    transplant = TRANSPLANTED.get(subject.numpat)
    if transplant is not None:
        days.append(("GRE", add_days(transplant.day, -3)))
        days += [visit for visit in visits_after(transplant) if dice.chance(70)]
    rows = [weigh(subject, visit, day, dice) for visit, day in days]
    return [row | {"NUMREP": str(repeat)} for repeat, row in enumerate(rows, 1)]


# What an evaluation leaves of the M-protein (or involved light chain) of the relapse before the graft, in percent, as the
# IMWG criteria of 2016 ask: none, at most 10, at most 50, and for progression far above the lowest.
REMAINS = {"2": (0, 0), "3": (2, 9), "4": (15, 45), "7": (100, 130)}
# Best response after the graft. Free light chains alone show no complete response, since immunofixation is not collected.
BEST = {
    **{"001": "2", "002": "2", "003": "3", "005": "2", "006": "2", "008": "3", "009": "3"},
    **{"011": "2", "012": "3", "014": "2", "016": "2", "018": "4", "021": "4"},
}
# The evaluation whose collected response is on purpose another than its results show: (collected, shown). A second one
# follows from the dates: 006 has one evaluation before the relapse, so its complete response is not confirmed.
DISAGREEMENTS = {("009", "M03"): ("3", "4")}


def light_chains(subject: Subject, remains: int, response: str, dice: Dice) -> Row:
    """Free light chains: the involved one follows the response; with a complete one, both and their ratio are normal."""
    other = dice.whole(*((60, 140) if response == "2" else (33, 190)))
    before = Dice("chain", subject.numpat).whole(*((1100, 1800) if subject.isotype == "L" else (250, 900)))
    involved = dice.whole(70, 90) if response == "2" else max(before * remains // 100, 90)
    kappa, lambda_ = (involved, other) if subject.chain == "K" else (other, involved)
    return {"CLL_KAPPA": comma(kappa, 1), "CLL_LAMBDA": comma(lambda_, 1), "CLL_U": "mg/L"}


def disease(subject: Subject, visit: str, day: date, response: str, marrow: bool) -> Row:
    """Return the laboratory results of one evaluation, such that they show this response."""
    dice = Dice("disease", subject.numpat, day)
    remains = 100 if visit == "SEL" else dice.whole(*REMAINS[response])
    row: Row = {}
    if subject.isotype != "L":
        peak = Dice("peak", subject.numpat).whole(120, 310) * remains // 100
        row |= {"PIC_MONO": comma(peak, 1), "PIC_MONO_U": "g/L"}
    if dice.chance(50) or subject.isotype == "L":
        row |= light_chains(subject, remains, response, dice)
    if marrow or dice.chance(35):
        plasma = {"2": (0, 4), "3": (2, 9), "4": (5, 14), "7": (11, 28)}[response]
        row |= {"PLASMO_MO": str(dice.whole(*plasma)), "PLASMO_MO_U": "%"}
    return row


def evaluate(subject: Subject, visit: str, day: date, response: str, marrow: bool = False) -> Row:
    """One evaluation of the disease; code 7 fills the relapse fields."""
    collected, shown = DISAGREEMENTS.get((subject.numpat, visit), (response, response))
    relapse = collected == "7"
    row = head(subject, visit) | {
        "DATE_EVAL": french(day),
        "REPONSE": collected,
        "REPONSE_LIB": RESPONSES[collected],
        "RECHUTE": "Oui" if relapse else "Non",
        "DATE_RECHUTE": french(day) if relapse else "",
    }
    return row | disease(subject, visit, day, shown, marrow)


def relapse_before(subject: Subject) -> Row | None:
    """Return the relapse that led to the salvage transplant: before day 0, so not an event of the study."""
    first = first_apheresis(subject)
    before = Dice("responses", subject.numpat).whole(120, 200)
    return None if first is None else evaluate(subject, "SEL", add_days(first, -before), "7")


def responses_after(subject: Subject, transplant: Transplant) -> list[Row]:
    """Return the evaluations after the graft; from the relapse on, each evaluation repeats it with its own date."""
    rows: list[Row] = []
    for visit, day in visits_after(transplant):
        relapsed = transplant.relapse is not None and (day - transplant.day).days >= transplant.relapse
        if visit != "M01":
            rows.append(evaluate(subject, visit, day, "7" if relapsed else BEST[subject.numpat], marrow=not rows))
    return rows


def responses(subject: Subject) -> list[Row]:
    """Response evaluations in order of time."""
    if subject.way in "NS":
        return []
    transplant, before = TRANSPLANTED.get(subject.numpat), relapse_before(subject)
    rows = [before] if before else []
    if transplant is not None:
        rows += responses_after(subject, transplant)
    elif NOT_TRANSPLANTED.get(subject.numpat, "").startswith("Progression"):
        first = first_apheresis(subject)
        assert first is not None
        rows.append(evaluate(subject, "NP", add_days(first, 71), "7"))
    return [row | {"NUMREP": str(repeat)} for repeat, row in enumerate(rows, 1)]


BLOOD = "Blood and lymphatic system disorders"
# Verbatim, lowest level term, preferred term, body system, first day after the graft, grade.
EVENTS = [
    ("Mucite buccale", "Oral mucositis", "Stomatitis", "Gastrointestinal disorders", 6, "2"),
    ("Neutropénie fébrile", "Febrile neutropenia", "Febrile neutropenia", BLOOD, 7, "3"),
    ("Diarrhées", "Diarrhea", "Diarrhoea", "Gastrointestinal disorders", 4, "1"),
    ("Nausées", "Nausea", "Nausea", "Gastrointestinal disorders", 1, "1"),
    ("Hypokaliémie", "Hypokalemia", "Hypokalaemia", "Metabolism and nutrition disorders", 8, "2"),
    ("Asthénie", "Asthenia", "Asthenia", "General disorders and administration site conditions", 12, "1"),
]
ZOSTER = ("Zona intercostal", "Shingles", "Herpes zoster", "Infections and infestations", 120, "2")
COLD = ("Rhinopharyngite", "Nasopharyngitis", "Nasopharyngitis", "Infections and infestations", 0, "1")


def event(subject: Subject, what: tuple[str, str, str, str, int, str], start: date, dice: Dice, last: date) -> Row:
    """One adverse event; none is related to the mobilisation."""
    verbatim, llt, term, system, _, grade = what
    stop = add_days(start, dice.whole(2, 9))
    resolved, febrile = stop <= last, grade == "3"
    linked = "1" if what in EVENTS else "0"
    end = "" if not resolved else french(stop, "month" if dice.chance(15) else "day")
    return head(subject, "COM") | {
        "EI_LIB": verbatim,
        "MEDDRA_VERSION": "23.1",
        "LLT": llt,
        "LLT_CODE": "",
        "PT": term,
        "PT_CODE": "",
        "SOC": system,
        "SOC_CODE": "",
        "GRADE": grade,
        "GRAVE": "Oui" if febrile and dice.chance(60) else "Non",
        "LIEN_MOB": "0",
        "LIEN_MOB_LIB": "Non lié",
        "LIEN_COND": linked,
        "LIEN_COND_LIB": {"0": "Non lié", "1": "Lié"}[linked],
        "DATE_DEB": french(start),
        "DATE_FIN": end,
        "EVOLUTION": "1" if resolved else "2",
        "EVOLUTION_LIB": "Résolu sans séquelle" if resolved else "En cours",
    }


def adverse_events(subject: Subject) -> list[Row]:
    """Adverse events: those of the conditioning, one shingles, one cold during mobilisation of 007."""
    dice, transplant = Dice("events", subject.numpat), TRANSPLANTED.get(subject.numpat)
    rows = []
    if transplant is not None and transplant.anc is not None:
        last = last_day(transplant)
        chosen = [what for what in EVENTS if dice.chance(40) or (what[3] == BLOOD and subject.numpat in ("002", "009"))]
        starts = [add_days(transplant.day, what[4] + dice.whole(0, 3)) for what in chosen]
        rows += [event(subject, what, start, dice, last) for what, start in zip(chosen, starts, strict=True)]
        if subject.numpat == "005":
            rows.append(event(subject, ZOSTER, add_days(transplant.day, ZOSTER[4]), dice, last))
    if subject.numpat == "007":
        rows.append(event(subject, COLD, _day("2016-07-18"), dice, _day("2016-11-14")))
    return [row | {"NUMREP": str(repeat)} for repeat, row in enumerate(rows, 1)]


# Medicine, ATC, indication, dose, unit, frequency, route, first and last day around the graft (None: goes on).
Medicine = tuple[str, str, str, str, str, str, str, int, int | None]
MEDICINES: list[Medicine] = [
    ("Valaciclovir", "J05AB11", "Prophylaxie antivirale", "500", "mg", "2 fois par jour", "Orale", -10, None),
    ("Sulfaméthoxazole/triméthoprime", "J01EE01", "Prophylaxie", "400", "mg", "1 fois par jour", "Orale", 20, None),
    ("Ondansétron", "A04AA01", "Nausées", "8", "mg", "2 fois par jour", "Intraveineuse", -2, 4),
    ("Pantoprazole", "A02BC02", "Protection gastrique", "40", "mg", "1 fois par jour", "Orale", -3, 25),
    ("Paracétamol", "N02BE01", "Douleurs", "1", "g", "si besoin", "Orale", -3, 18),
    ("Pipéracilline/tazobactam", "J01CR05", "Neutropénie fébrile", "4", "g", "3 fois par jour", "Intraveineuse", 8, 16),
    ("Furosémide", "C03CA01", "Surcharge", "20", "mg", "1 fois par jour", "Intraveineuse", 2, 3),
]


def medicine(subject: Subject, what: Medicine, day: date, dice: Dice) -> Row:
    """One concomitant medicine."""
    name, atc, indication, dose, unit, often, route, begin, end = what
    return head(subject, "COM") | {
        "MEDICAMENT": name,
        "ATC": atc,
        "INDICATION": indication,
        "DOSE": dose,
        "DOSE_U": unit,
        "FREQUENCE": often,
        "VOIE_LIB": route,
        "DATE_DEB": french(add_days(day, begin), dice.pick(["day", "day", "day", "month"])),
        "EN_COURS": "Oui" if end is None else "Non",
        "DATE_FIN": "" if end is None else french(add_days(day, end), dice.pick(["day", "day", "day", "month", "NK"])),
    }


def medicines(subject: Subject) -> list[Row]:
    """Concomitant medicines around the graft, repeated."""
    transplant = TRANSPLANTED.get(subject.numpat)
    if transplant is None or subject.centre == "06":
        return []
    dice = Dice("medicines", subject.numpat)
    chosen = [what for what in MEDICINES if dice.chance(55) or what[2] == "Nausées"]
    rows = [medicine(subject, what, transplant.day, dice) for what in chosen]
    return [row | {"NUMREP": str(repeat)} for repeat, row in enumerate(rows, 1)]


def end_of_study(subject: Subject) -> list[Row]:
    """End of study: one row per subject."""
    transplant = TRANSPLANTED.get(subject.numpat)
    if transplant is None:
        last, end, reason = LAST_NEWS[subject.numpat]
    else:
        last = end = french(last_day(transplant))
        reason = END_OF_TRANSPLANTED.get(subject.numpat, "1")
    unknown = subject.way == "N"
    return [
        head(subject, "FIN")
        | {
            "DATE_FIN": end,
            "MOTIF_FIN": reason,
            "MOTIF_FIN_LIB": END_REASONS[reason],
            "DATE_DERN_NOUV": last,
            "ETAT": "" if unknown else "1",
            "ETAT_LIB": "" if unknown else "Vivant",
            "DATE_DECES": "",
            "CAUSE_DECES": "",
            "COMMENTAIRE": "Myélome non en rechute : tandem prévu en première ligne" if subject.way == "S" else "",
        }
    ]


# ------------------------------------------------------------------------------------------------ the export

OPENING = "ETUDE;CENTRE;NUMPAT;VISITE;VISITE_LIB"
CLOSING = "STATUT;SAISI_PAR;DATE_SAISIE"
FORMS: dict[str, tuple[Callable[[Subject], list[Row]], str]] = {
    "INCLUSION": (inclusion, "DATE_CONS;DATE_INCL;VERSION_CONS;DATE_NAIS;AGE;SEXE;SEXE_LIB;RETROSPECTIF"),
    "CRITERES": (criteria, "DATE_CRIT;VERSION_PROT;TYPE_CRIT;TYPE_CRIT_LIB;NUM_CRIT;LIB_CRIT;REP_CRIT"),
    "MYELOME": (
        myeloma,
        "DATE_DIAG;ISOTYPE;ISOTYPE_LIB;CHAINE;CHAINE_LIB;ISS;ISS_LIB;DURIE;GREFFE1;DATE_GREFFE1",
    ),
    "LIGNES": (
        therapy_lines,
        "NUMREP;NUM_LIGNE;PROTOCOLE;DATE_DEB;DATE_FIN;EN_COURS;AUTOGREFFE;MEIL_REP;MEIL_REP_LIB",
    ),
    "ANTECEDENTS": (history, "NUMREP;ANTECEDENT;DATE_DEB;EN_COURS;DATE_FIN"),
    "TRAITCONC": (
        medicines,
        "NUMREP;MEDICAMENT;ATC;INDICATION;DOSE;DOSE_U;FREQUENCE;VOIE_LIB;DATE_DEB;EN_COURS;DATE_FIN",
    ),
    "SIGNESVITAUX": (vital_signs, "NUMREP;DATE_SV;POIDS;POIDS_U;TAILLE;TAILLE_U;PAS;PAD;PA_U;TEMP;TEMP_U"),
    "GCSF": (gcsf, "NUMREP;PRODUIT;DOSE_JOUR;DOSE_JOUR_U;DOSE_KG;DOSE_KG_U;VOIE;VOIE_LIB;DATE_DEB;DATE_FIN"),
    "PLERIXAFOR": (
        plerixafor,
        "NUMREP;NUM_ADM;DATE_ADM;HEURE_ADM;DOSE_KG;DOSE_KG_U;DOSE_MG;DOSE_MG_U;VOIE;VOIE_LIB",
    ),
    "CYTAPHERESE": (
        apheresis,
        "NUMREP;CYTA_FAITE;NUM_SESSION;DATE_CYTA;HEURE_CYTA;VOLUME;VOLUME_U;CD34_DOSE;CD34_DOSE_U;NB_POCHES;COMMENTAIRE",
    ),
    "MELPHALAN": (
        melphalan,
        "DATE_ADM;HEURE_ADM;DOSE_M2;DOSE_M2_U;SURF_CORP;SURF_CORP_U;DOSE_MG;DOSE_MG_U;VOIE;VOIE_LIB",
    ),
    "GREFFE": (
        graft,
        "GREFFE_FAITE;DATE_GREFFE;HEURE_GREFFE;LIGNE_GREFFE;STATUT_MAL;STATUT_MAL_LIB;CD34_REINJ;CD34_REINJ_U;"
        "VIABILITE;VIABILITE_U;MOTIF_NON",
    ),
    "HEMATOLOGIE": (
        haematology,
        "NUMREP;HEMATO_FAIT;MOTIF_NON;DATE_PREL;HEURE_PREL;LABO;GB;GB_U;PNN;PNN_U;PLAQ;PLAQ_U;HB;HB_U;CD34_SANG;CD34_SANG_U",
    ),
    "TRANSFUSION": (transfusions, "NUMREP;TYPE_PSL;TYPE_PSL_LIB;DATE_TRANSF;HEURE_TRANSF;NB_UNITES"),
    "REPONSE": (
        responses,
        "NUMREP;DATE_EVAL;REPONSE;REPONSE_LIB;RECHUTE;DATE_RECHUTE;PIC_MONO;PIC_MONO_U;CLL_KAPPA;CLL_LAMBDA;CLL_U;"
        "PLASMO_MO;PLASMO_MO_U",
    ),
    "EI": (
        adverse_events,
        "NUMREP;EI_LIB;MEDDRA_VERSION;LLT;LLT_CODE;PT;PT_CODE;SOC;SOC_CODE;GRADE;GRAVE;LIEN_MOB;LIEN_MOB_LIB;LIEN_COND;"
        "LIEN_COND_LIB;DATE_DEB;DATE_FIN;EVOLUTION;EVOLUTION_LIB",
    ),
    "FINETUDE": (
        end_of_study,
        "DATE_FIN;MOTIF_FIN;MOTIF_FIN_LIB;DATE_DERN_NOUV;ETAT;ETAT_LIB;DATE_DECES;CAUSE_DECES;COMMENTAIRE",
    ),
}

# The slips of the pen: form, subject, which of the subject's rows, column, what stood there, what was typed.
SLIPS: list[tuple[str, str, int, str, str, str]] = [
    ("TRAITCONC", "009", 2, "DATE_FIN", "UN/02/2017", "30/02/2017"),
    ("TRAITCONC", "006", 5, "MEDICAMENT", "Furosémide", "Furosémide "),
    ("TRANSFUSION", "001", 3, "DATE_TRANSF", "30/11/2014", "31/11/2014"),
    ("HEMATOLOGIE", "005", 28, "PLAQ_U", "G/L", "G/L "),
    ("HEMATOLOGIE", "009", 10, "PNN", "<0,1", "< 0,1"),
    ("HEMATOLOGIE", "011", 31, "HB", "11,1", "ND"),
    ("EI", "009", 0, "EI_LIB", "Neutropénie fébrile", "Neutropénie  fébrile"),
    ("EI", "012", 0, "EI_LIB", "Mucite buccale", "Mucite buccale "),
    ("LIGNES", "007", 0, "EN_COURS", "Non", "non"),
    ("SIGNESVITAUX", "013", 1, "POIDS", "80,7", "80.7"),
    ("SIGNESVITAUX", "014", 3, "DATE_SV", "22/11/2017", "22.11.2017"),
]
NOTICE = """DONNÉES SYNTHÉTIQUES - SYNTHETIC DATA

Aucun enregistrement de ce dossier ne concerne une personne réelle. Les fichiers sont produits par
make_raw.py (générateur à graine fixe) ; seuls les agrégats publiés de l'étude IFM-2015-03 sont réels.

No record in this folder belongs to a real person. The files are made by make_raw.py (seeded generator);
only the published aggregates of the study IFM-2015-03 are real.
"""


def audit(form: str, subject: Subject, number: int) -> Row:
    """Return the columns that are not submitted: status, role of who entered the row, time of entry."""
    dice = Dice("audit", form, subject.numpat, number)
    entered = add_days(_day("2020-05-04") if subject.consent.year > 2016 else _day("2018-06-04"), dice.whole(0, 90))
    status = dice.pick(["Validé", "Validé", "Validé", "Gelé", "Saisi"])
    role = f"{dice.pick(['ARC', 'TEC'])}{subject.centre}"
    time = f"{dice.whole(8, 18):02d}:{dice.whole(0, 59):02d}"
    return {"STATUT": status, "SAISI_PAR": role, "DATE_SAISIE": f"{french(entered)} {time}"}


def type_slips(form: str, rows: list[Row]) -> None:
    """Put the slips of this form in; each must replace exactly what the generator wrote."""
    for _, numpat, number, column, was, typed in (slip for slip in SLIPS if slip[0] == form):
        row = [row for row in rows if row["NUMPAT"] == numpat][number]
        if row[column] != was:
            raise ValueError(f"{form} {numpat} row {number} {column}: expected {was!r}, found {row[column]!r}")
        row[column] = typed


def rows_of(form: str) -> list[Row]:
    """Return all rows of a form, by subject and repeat."""
    make, _ = FORMS[form]
    rows = []
    for subject in SUBJECTS:
        for number, row in enumerate(make(subject)):
            rows.append(row | audit(form, subject, number))
    type_slips(form, rows)
    return rows


def encode(columns: Sequence[str], rows: Iterable[Row]) -> bytes:
    """Write rows as ``;``-separated text, UTF-8 with a byte order mark, CRLF; no value needs quotes."""
    lines = [";".join(columns)]
    for row in rows:
        values = [row.get(column, "") for column in columns]
        if row.keys() - set(columns) or any(set(value) & set(';"\r\n') for value in values):
            raise ValueError(f"cannot write {row}")
        lines.append(";".join(values))
    return "\ufeff".encode() + "".join(line + "\r\n" for line in lines).encode()


def write(folder: Path) -> None:
    """Write every form and the notice into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for form, (_, middle) in FORMS.items():
        columns = f"{OPENING};{middle};{CLOSING}".split(";")
        (folder / f"{form}.csv").write_bytes(encode(columns, rows_of(form)))
    (folder / "LISEZ-MOI.txt").write_bytes(NOTICE.encode())


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "raw")
