"""The example's raw export: its form, its planted mistakes, and every published figure straight from the records.

Nothing of cdiscway is used here: this is the independent computation that the pipeline's datasets are held against.
Published figures: Clinical Hematology International (2023) 5:38-42, Tables 1 and 2.
"""

import math
import re
import subprocess
import sys
from datetime import date, datetime
from fractions import Fraction
from functools import cache
from pathlib import Path

import pandas as pd
import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "ifm-2015-03"
RAW = EXAMPLE / "raw"
FORMS = sorted(path.stem for path in RAW.glob("*.csv"))
YEAR = 365.25
MONTH = 30.4375
Z = 1.959963984540054


@cache
def form(name: str) -> pd.DataFrame:
    return pd.read_csv(RAW / f"{name}.csv", sep=";", dtype="str", keep_default_na=False, encoding="utf-8-sig")


def number(text: str) -> Fraction | None:
    """Decimal comma or point; None for blank, below a limit, or words."""
    text = text.strip().replace(",", ".")
    return Fraction(text) if re.fullmatch(r"\d+(\.\d+)?", text) else None


def full_date(text: str) -> date | None:
    """A date that is known to the day and exists, else None."""
    match = re.fullmatch(r"(\d\d)[/.](\d\d)[/.](\d{4})", text.strip())
    try:
        return date(int(match[3]), int(match[2]), int(match[1])) if match else None
    except ValueError:
        return None


def known_parts(text: str) -> tuple[int, ...] | None:
    """(year[, month[, day]]) of a French date with unknown parts; an impossible day is not known."""
    text = text.strip().replace(".", "/")
    if re.fullmatch(r"\d{4}", text):
        return (int(text),)
    match = re.fullmatch(r"(\d\d|UN)/(\d\d|UN)/(\d{4})", text)
    if not match:
        return None
    _, month, year = match.groups()
    if month == "UN":
        return (int(year),)
    known = full_date(text)
    return (int(year), int(month), known.day) if known else (int(year), int(month))


def quantile(values: list[Fraction | int], share: Fraction) -> Fraction:
    """Type 7 (linear) quantile, exact."""
    ordered = sorted(values)
    position = share * (len(ordered) - 1)
    low = math.floor(position)
    high = min(low + 1, len(ordered) - 1)
    return Fraction(ordered[low] + (position - low) * (ordered[high] - ordered[low]))


def summary(values: list[Fraction | int]) -> tuple[float, ...]:
    """n, median, minimum, maximum, first and third quartile."""
    quarters = [quantile(values, Fraction(q, 4)) for q in (2, 0, 4, 1, 3)]
    return (len(values), *(float(q) for q in quarters))


def transplants() -> pd.DataFrame:
    done = form("GREFFE")
    done = done[done["GREFFE_FAITE"] == "Oui"].set_index("NUMPAT")
    return done.assign(DAY=[full_date(text) for text in done["DATE_GREFFE"]])


def of_transplanted(name: str) -> pd.DataFrame:
    """A form with one row per subject, cut to the transplanted."""
    return form(name).set_index("NUMPAT").loc[transplants().index]


def days_from_transplant(rows: pd.DataFrame, column: str) -> dict[str, list[int]]:
    """Days (date - AHCT2 date, day 0 is 0) of each dated row by subject."""
    day_zero = transplants()["DAY"].to_dict()
    found: dict[str, list[int]] = {subject: [] for subject in day_zero}
    for subject, text in zip(rows["NUMPAT"], rows[column], strict=True):
        day = full_date(text)
        if subject in day_zero and day is not None:
            found[subject].append((day - day_zero[subject]).days)
    return found


def follow_up() -> dict[str, int]:
    return {subject: days[0] for subject, days in days_from_transplant(form("FINETUDE"), "DATE_DERN_NOUV").items()}


def first_relapse() -> dict[str, int]:
    """Day of the first relapse or progression after AHCT2, where there is one."""
    rows = form("REPONSE")
    days = days_from_transplant(rows[rows["RECHUTE"] == "Oui"], "DATE_RECHUTE")
    return {subject: min(d for d in list_ if d > 0) for subject, list_ in days.items() if any(d > 0 for d in list_)}


def sessions() -> pd.DataFrame:
    rows = form("CYTAPHERESE")
    rows = rows.assign(DOSE=[number(text) for text in rows["CD34_DOSE"]])
    return rows[rows["DOSE"].notna()]


def counts_by_day(column: str, per_mm3: Fraction) -> dict[str, dict[int, list[Fraction]]]:
    """Counts in G/L by subject and day after AHCT2; "<0,1" counts as 0."""
    rows, result = form("HEMATOLOGIE"), {}
    day_zero = transplants()["DAY"].to_dict()
    for subject, written, value, unit in zip(
        rows["NUMPAT"], rows["DATE_PREL"], rows[column], rows[f"{column}_U"], strict=True
    ):
        day = full_date(written)
        if subject not in day_zero or day is None or not value:
            continue
        amount = Fraction(0) if value.startswith("<") else number(value)
        factor = {"/mm3": per_mm3, "G/L": 1, "10^9/L": 1, "Giga/L": 1}[unit.strip()]
        if amount is not None and (day - day_zero[subject]).days >= 0:
            result.setdefault(subject, {}).setdefault((day - day_zero[subject]).days, []).append(amount * factor)
    return result


def first_of_three(daily: dict[int, list[Fraction]], enough: object, begin: int = 0) -> int | None:
    """First day from which the count is enough on three consecutive calendar days, each sample of the day."""
    good = {day for day, values in daily.items() if day >= begin and all(enough(v) for v in values)}
    return next((day for day in sorted(good) if {day + 1, day + 2} <= good), None)


def neutrophil_recovery() -> dict[str, int]:
    daily = counts_by_day("PNN", Fraction(1, 1000))
    found = {s: first_of_three(days, lambda v: v > Fraction(1, 2)) for s, days in daily.items()}
    return {subject: day for subject, day in found.items() if day is not None}


def platelet_recovery() -> dict[str, int]:
    """After the first count below 20: first of three days >= 20 with no platelets given on these and two days on."""
    rows = form("TRANSFUSION")
    given = days_from_transplant(rows[rows["TYPE_PSL"] == "1"], "DATE_TRANSF")
    found = {}
    for subject, daily in counts_by_day("PLAQ", Fraction(1, 1000)).items():
        nadir = min((day for day, values in daily.items() if min(values) < 20), default=None)
        begin = nadir
        while begin is not None:
            day = first_of_three(daily, lambda v: v >= 20, begin)
            if day is None or not set(given[subject]) & set(range(day, day + 5)):
                break
            begin = day + 1
        if begin is not None and day is not None:
            found[subject] = day
    return found


def kaplan_meier(times: list[tuple[int, bool]], at: float) -> tuple[float, float | None, float | None]:
    """Product-limit estimate at a time, with the log(-log) interval (Greenwood)."""
    survival, variance = 1.0, 0.0
    for time in sorted({time for time, event in times if event and time <= at}):
        risk = sum(1 for other, _ in times if other >= time)
        events = sum(1 for other, event in times if event and other == time)
        survival *= 1 - events / risk
        variance += events / (risk * (risk - events))
    if survival == 1:
        return survival, None, None
    width = Z * math.sqrt(variance) / abs(math.log(survival))
    return survival, survival ** math.exp(width), survival ** math.exp(-width)


def progression_free() -> list[tuple[int, bool]]:
    relapse = first_relapse()
    return [(relapse.get(subject, last), subject in relapse) for subject, last in follow_up().items()]


def age_at_transplant() -> dict[str, float]:
    """Years = days / 365.25, the day of birth taken as the 15th, to one decimal."""
    born, day_zero = of_transplanted("INCLUSION")["DATE_NAIS"], transplants()["DAY"]
    parts = {subject: known_parts(text) for subject, text in born.items()}
    return {s: round((day_zero[s] - date(*parts[s], 15)).days / YEAR, 1) for s in parts}


# --------------------------------------------------------------------------------------------- published figures


def test_disposition_23_included_1_excluded_18_evaluable_17_successes_13_transplanted_none_died():
    assert len(form("INCLUSION")) == 23
    assert form("INCLUSION")["CENTRE"].nunique() == 6
    criteria = form("CRITERES")
    bad = criteria[criteria["REP_CRIT"] != criteria["TYPE_CRIT"].map({"1": "Oui", "2": "Non"})]
    assert bad[["NUMPAT", "NUM_CRIT"]].to_numpy().tolist() == [["004", "I02"]]
    best = sessions().groupby("NUMPAT")["DOSE"].max()
    assert (len(best), int((best >= 2).sum())) == (18, 17)
    assert len(transplants()) == 13
    assert set(transplants().index) <= set(best[best >= 2].index)
    assert set(form("FINETUDE")["ETAT"]) == {"1", ""}
    assert set(form("EI")["LIEN_MOB"]) == {"0"}


def test_the_one_failure_would_pass_if_sessions_were_added():
    rows = sessions().groupby("NUMPAT")["DOSE"].agg(["max", "sum"])
    failed = rows[rows["max"] < 2]
    assert len(failed) == 1
    assert (failed["sum"] > 2).all()
    assert (rows["max"] == 2).any(), "a dose of exactly 2 is a success"


def test_primary_endpoint_94_percent_normal_interval_84_to_100():
    share = 17 / 18
    half = Z * math.sqrt(share * (1 - share) / 18)
    assert (round(100 * share), round(100 * (share - half)), round(100 * min(1, share + half))) == (94, 84, 100)


def test_table_1_age_at_transplant():
    ages = list(age_at_transplant().values())
    assert (pd.Series(ages).median(), min(ages), max(ages)) == (62.9, 51.0, 71.0)


@pytest.mark.parametrize(
    ("name", "column", "expected"),
    [
        ("INCLUSION", "SEXE_LIB", {"Masculin": 10, "Féminin": 3}),
        ("MYELOME", "ISOTYPE_LIB", {"IgG": 9, "IgA": 2, "Chaînes légères": 2}),
        ("MYELOME", "CHAINE_LIB", {"Kappa": 6, "Lambda": 7}),
        ("MYELOME", "ISS_LIB", {"I": 1, "III": 2, "Non évalué": 1, "": 9}),
        ("GREFFE", "STATUT_MAL_LIB", {"2e réponse complète (RC2)": 1, "Maladie avancée": 11, "": 1}),
        ("MELPHALAN", "DOSE_M2", {"200": 8, "140": 5}),
    ],
)
def test_table_1_counts(name: str, column: str, expected: dict[str, int]):
    assert of_transplanted(name)[column].value_counts().to_dict() == expected


def test_table_1_third_line_or_later_11():
    assert int((transplants()["LIGNE_GREFFE"].astype(int) >= 3).sum()) == 11
    lines = form("LIGNES").groupby("NUMPAT")["NUM_LIGNE"].max()
    assert (lines[transplants().index] == transplants()["LIGNE_GREFFE"]).all()


def test_table_1_year_of_transplant():
    assert summary([day.year for day in transplants()["DAY"]]) == (13, 2017, 2014, 2019, 2016, 2017)


def test_table_1_melphalan_dose():
    assert summary([int(dose) for dose in of_transplanted("MELPHALAN")["DOSE_M2"]]) == (13, 200, 140, 200, 140, 200)


def test_table_1_days_from_previous_transplant():
    rows = form("MYELOME")
    days = [-list_[0] for list_ in days_from_transplant(rows, "DATE_GREFFE1").values()]
    assert summary(days) == (13, 1975, 947, 5944, 1374, 2211)


def test_table_1_days_from_mobilization_known_for_five():
    reached = sessions()
    reached = reached[reached["DOSE"] >= 2].drop_duplicates("NUMPAT")
    days = [-list_[0] for list_ in days_from_transplant(reached, "DATE_CYTA").values() if list_]
    assert summary(days) == (5, 50, 35, 82, 44, 54)


def test_table_2_follow_up_months_rounded_and_cut_agree():
    months = [Fraction(days) / Fraction(MONTH) for days in follow_up().values()]
    quarters = [float(quantile(months, Fraction(q, 4))) for q in (2, 1, 3)]
    assert [round(q, 1) for q in quarters] == [12.6, 3.3, 21.0]
    assert [math.floor(q * 10) / 10 for q in quarters] == [12.6, 3.3, 21.0]


def test_table_2_neutrophil_recovery():
    assert summary(list(neutrophil_recovery().values())) == (12, 14, 11, 29, 12, 15.75)


def test_neutrophil_rule_matters():
    daily = counts_by_day("PNN", Fraction(1, 1000))
    half = Fraction(1, 2)
    for wrong in (
        {s: min((d for d, v in days.items() if d > 3 and min(v) > half), default=None) for s, days in daily.items()},
        {s: first_of_three(days, lambda v: v >= half) for s, days in daily.items()},
    ):
        assert wrong != neutrophil_recovery()
    in_a_row = daily["009"]
    above = [(day, min(values) > half) for day, values in sorted(in_a_row.items()) if day > 3]
    three = next(above[i][0] for i in range(len(above)) if all(good for _, good in above[i : i + 3]))
    assert three < neutrophil_recovery()["009"], "three samples in a row with a day without one between"
    unconverted = counts_by_day("PNN", Fraction(1))
    assert first_of_three(unconverted["012"], lambda v: v > half) != neutrophil_recovery()["012"]


def test_table_2_overall_survival_100_percent():
    assert kaplan_meier([(days, False) for days in follow_up().values()], YEAR)[0] == 1


def test_table_2_progression_free_survival_889_percent():
    times = progression_free()
    assert sum(1 for time, event in times if event and time <= YEAR) == 1
    first = min(time for time, event in times if event)
    assert sum(1 for time, _ in times if time >= first) == 9
    estimate, low, high = kaplan_meier(times, YEAR)
    assert estimate == pytest.approx(8 / 9)
    assert (low, high) == (pytest.approx(0.43297, abs=5e-6), pytest.approx(0.98356, abs=5e-6))


def test_further_relapses_come_after_a_year_and_are_repeated():
    assert sorted(first_relapse().values()) == [243, 498, 730]
    rows = form("REPONSE")
    after = days_from_transplant(rows[rows["RECHUTE"] == "Oui"], "DATE_RECHUTE")
    assert any(sum(d > 0 for d in days) > 1 for days in after.values()), "a relapse form is repeated"
    assert all(any(d < 0 for d in days) for days in after.values()), "the relapse before AHCT2 does not count"


def test_table_2_relapse_incidence_111_percent_non_relapse_mortality_0():
    # No death: the cumulative incidence is 1 - PFS; the interval is log(-log) on it, standard error 1/9.
    incidence = 1 - kaplan_meier(progression_free(), YEAR)[0]
    width = Z * (1 / 9) / abs(incidence * math.log(incidence))
    assert incidence == pytest.approx(1 / 9)
    assert incidence ** math.exp(width) == pytest.approx(0.00469, abs=5e-6)
    assert incidence ** math.exp(-width) == pytest.approx(0.40637, abs=5e-6)
    assert set(form("FINETUDE")["DATE_DECES"]) == {""}


def test_platelet_recovery_is_not_published_but_follows_from_the_records():
    recovered = platelet_recovery()
    assert sorted(recovered) == sorted(neutrophil_recovery())
    assert summary(list(recovered.values())) == (12, 17, 15, 31, 15, 18)
    rows = form("TRANSFUSION")
    given = days_from_transplant(rows[rows["TYPE_PSL"] == "1"], "DATE_TRANSF")
    assert all(max(given[s]) <= day - 6 for s, day in recovered.items()), "any reading of the 5 days agrees"


# ---------------------------------------------------------------------------------------------- shape of the export


@pytest.mark.parametrize("name", FORMS)
def test_file_is_utf8_with_bom_crlf_semicolons(name: str):
    content = (RAW / f"{name}.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    assert content.endswith(b"\r\n")
    assert content.count(b"\n") == content.count(b"\r\n")
    lines = content.decode("utf-8-sig").split("\r\n")[:-1]
    assert len({line.count(";") for line in lines}) == 1
    assert '"' not in content.decode("utf-8-sig")


@pytest.mark.parametrize("name", FORMS)
def test_natural_keys_are_unique_and_audit_columns_close(name: str):
    rows = form(name)
    key = ["NUMPAT", *(column for column in ("NUMREP", "NUM_CRIT") if column in rows)]
    assert not rows.duplicated(key).any()
    assert list(rows.columns[:5]) == ["ETUDE", "CENTRE", "NUMPAT", "VISITE", "VISITE_LIB"]
    assert list(rows.columns[-3:]) == ["STATUT", "SAISI_PAR", "DATE_SAISIE"]
    assert set(rows["ETUDE"]) == {"IFM-2015-03"}
    assert rows["SAISI_PAR"].str.fullmatch(r"(ARC|TEC)\d\d").all()


def test_no_two_samples_have_the_same_date_and_time():
    rows = form("HEMATOLOGIE")
    assert not rows[rows["DATE_PREL"] != ""].duplicated(["NUMPAT", "DATE_PREL", "HEURE_PREL"]).any()


def test_a_subject_belongs_to_one_centre():
    pairs = pd.concat([form(name)[["NUMPAT", "CENTRE"]] for name in FORMS]).drop_duplicates()
    assert sorted(pairs["NUMPAT"]) == [f"{i:03d}" for i in range(1, 24)]


def test_codes_have_one_label_each():
    for name in FORMS:
        rows = form(name)
        for column in rows.columns:
            if f"{column}_LIB" in rows:
                assert not rows[[column, f"{column}_LIB"]].drop_duplicates().duplicated(column).any(), (name, column)


def test_four_subjects_are_not_evaluable_two_of_them_with_drugs_but_no_apheresis():
    evaluable = set(sessions()["NUMPAT"])
    rest = set(form("INCLUSION")["NUMPAT"]) - evaluable - {"004"}
    assert len(rest) == 4
    assert len(rest & set(form("PLERIXAFOR")["NUMPAT"]) & set(form("GCSF")["NUMPAT"])) == 2


@pytest.mark.parametrize(
    ("name", "start", "stop"),
    [
        ("GCSF", "DATE_DEB", "DATE_FIN"),
        ("LIGNES", "DATE_DEB", "DATE_FIN"),
        ("ANTECEDENTS", "DATE_DEB", "DATE_FIN"),
        ("TRAITCONC", "DATE_DEB", "DATE_FIN"),
        ("EI", "DATE_DEB", "DATE_FIN"),
    ],
)
def test_no_period_ends_before_it_starts(name: str, start: str, stop: str):
    for begin, end in zip(form(name)[start].map(known_parts), form(name)[stop].map(known_parts), strict=True):
        if begin and end:
            shared = min(len(begin), len(end))
            assert begin[:shared] <= end[:shared]


def test_nothing_is_recorded_after_the_last_news_and_entry_follows_every_event():
    ends = form("FINETUDE").set_index("NUMPAT")["DATE_FIN"]
    last = {subject: full_date(text) for subject, text in ends.items()}
    for name in FORMS:
        rows = form(name)
        dates = [c for c in rows.columns if c.startswith("DATE_") and c != "DATE_SAISIE"]
        entered = [datetime.strptime(text, "%d/%m/%Y %H:%M").date() for text in rows["DATE_SAISIE"]]
        for column in dates:
            for subject, text, entry in zip(rows["NUMPAT"], rows[column], entered, strict=True):
                day = full_date(text)
                assert day is None or (day <= last[subject] and day <= entry), (name, subject, column)


def test_weight_is_known_before_the_first_apheresis():
    first = {s: full_date(t) for s, t in zip(sessions()["NUMPAT"], sessions()["DATE_CYTA"], strict=True)}
    rows = form("SIGNESVITAUX")
    weighed = {s: full_date(t) for s, t in zip(rows["NUMPAT"][::-1], rows["DATE_SV"][::-1], strict=True)}
    assert all(weighed[subject] < day for subject, day in first.items() if day)
    assert set(first) <= set(weighed)


def test_units_are_typed_in_several_ways():
    rows = form("HEMATOLOGIE")
    assert set(rows["PNN_U"]) == {"", "G/L", "10^9/L", "Giga/L", "/mm3"}
    assert set(rows["HB_U"]) == {"", "g/dL", "g/dl"}
    assert {"/\u00b5L", "/\u03bcL"} <= set(rows["CD34_SANG_U"])


def test_hours_are_typed_in_two_ways():
    assert form("PLERIXAFOR")["HEURE_ADM"].str.fullmatch(r"\d\d:\d\d|\d{1,2}h\d\d|NK").all()
    assert form("PLERIXAFOR")["HEURE_ADM"].str.contains("h").any()


MISTAKES = [  # form, line of the file (the header is line 1), column, what was typed
    ("TRAITCONC", 32, "DATE_FIN", "30/02/2017"),
    ("TRAITCONC", 23, "MEDICAMENT", "Furosémide "),
    ("TRANSFUSION", 5, "DATE_TRANSF", "31/11/2014"),
    ("HEMATOLOGIE", 118, "PLAQ_U", "G/L "),
    ("HEMATOLOGIE", 190, "PNN", "< 0,1"),
    ("HEMATOLOGIE", 254, "HB", "ND"),
    ("EI", 18, "EI_LIB", "Neutropénie  fébrile"),
    ("EI", 24, "EI_LIB", "Mucite buccale "),
    ("LIGNES", 20, "EN_COURS", "non"),
    ("SIGNESVITAUX", 60, "POIDS", "80.7"),
    ("SIGNESVITAUX", 64, "DATE_SV", "22.11.2017"),
]


@pytest.mark.parametrize(("name", "line", "column", "typed"), MISTAKES)
def test_planted_mistake_stands_where_the_readme_says(name: str, line: int, column: str, typed: str):
    assert form(name)[column].iloc[line - 2] == typed
    readme = (EXAMPLE / "README.md").read_text(encoding="utf-8")
    assert re.search(rf"\| {name} \| {line} \| \d{{3}} \| {column} \| `{re.escape(typed)}` \|", readme)


def test_no_other_value_has_stray_blanks_or_impossible_dates():
    planted = {(name, line, column) for name, line, column, _ in MISTAKES}
    for name in FORMS:
        rows = form(name)
        for column in rows.columns:
            values = rows[column]
            odd = (values != values.str.strip()) | values.str.contains("  ")
            if column.startswith("DATE_"):
                shaped = values.str.fullmatch(r"\d\d[/.]\d\d[/.]\d{4}")
                odd |= shaped & values.map(lambda text: full_date(text) is None)
            assert {(name, i + 2, column) for i in odd[odd].index} <= planted


@pytest.mark.parametrize("name", FORMS)
def test_readme_explains_every_column(name: str):
    readme = (EXAMPLE / "README.md").read_text(encoding="utf-8")
    section = readme.split(f"### {name}")[1].split("###")[0] + readme.split("### Every form")[1].split("###")[0]
    assert {column for column in form(name).columns if f"`{column}`" not in section} == set()
    assert f", {len(form(name))} rows" in section


def test_readme_says_first_that_the_data_are_synthetic():
    assert "SYNTHETIC" in "".join((EXAMPLE / "README.md").read_text(encoding="utf-8").splitlines(keepends=True)[:5])
    assert "SYNTHETIC" in (RAW / "LISEZ-MOI.txt").read_text(encoding="utf-8")


def test_generator_gives_the_committed_bytes(tmp_path: Path):
    subprocess.run([sys.executable, str(EXAMPLE / "make_raw.py"), str(tmp_path)], check=True)
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert made == {path.name: path.read_bytes() for path in RAW.iterdir()}
