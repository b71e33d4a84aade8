"""Collected dates to ISO 8601 (SDTMIG 3.4, 4.4): a table of cases, and what must hold for every date."""

import csv
import datetime as dt
import doctest
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdiscway.converters.algorithms import dates
from cdiscway.converters.algorithms.dates import (
    DateFormatError,
    combine,
    compile_format,
    format_parts,
    interval,
    join_date_time,
    parse_dates,
    parse_times,
)

ROOT = Path(__file__).parents[3]
CASES = ROOT / "tests" / "cases" / "algorithms"


def read_cases(name):
    with (CASES / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("case", read_cases("dates.csv"), ids=lambda case: f"{case['value']} as {case['formats']}")
def test_date_case(case):
    formats = case["formats"].split("|") if case["formats"] else None
    pivot = int(case["pivot"]) if case["pivot"] else None
    (date,) = parse_dates([case["value"]], formats=formats, pivot=pivot)
    assert (date.iso or "", date.status) == (case["iso"], case["status"])
    assert date.reason or date.status in ("ok", "partial", "missing")


@pytest.mark.parametrize("case", read_cases("times.csv"), ids=lambda case: case["value"])
def test_time_case(case):
    (time,) = parse_times([case["value"]])
    assert (time.iso or "", time.status) == (case["iso"], case["status"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dd/mm/yy", "pivot"),
        ("dd mm", "one year"),
        ("dd/yyyy", "beside a month"),
        ("jj/mm/aaaa", "'j' at position 1"),
        ("yyyy-mm-dd-dd", "at most once"),
    ],
)
def test_format_that_cannot_be_understood_is_a_mistake(text, message):
    with pytest.raises(DateFormatError, match=message):
        compile_format(text)


def test_impossible_day_keeps_what_is_sure_only_on_demand():
    assert parse_dates(["30/02/2020"], formats=["dd/mm/yyyy"], keep_sure=True)[0] == (
        "2020-02",
        "impossible",
        "there is no day 30 in 2020-02",
    )
    assert parse_dates(["12/13/2020"], formats=["dd/mm/yyyy"], keep_sure=True)[0].iso == "2020"


def test_missing_values_of_every_kind():
    assert {date.status for date in parse_dates([None, pd.NA, float("nan"), ""])} == {"missing"}


def test_unreadable_value_names_the_format_that_would_read_it():
    (date,) = parse_dates(["12-MAR-2020"], formats=["dd/mm/yyyy"])
    assert "dd-mmm-yyyy" in date.reason


def test_second_reading_of_a_declared_column_is_told():
    (date,) = parse_dates(["03/04/2020"], formats=["dd/mm/yyyy", "mm/dd/yyyy"])
    assert (date.iso, date.status) == ("2020-04-03", "ok")
    assert "2020-03-04 by mm/dd/yyyy" in date.reason


def test_unknown_words_are_the_studys():
    assert parse_dates(["00/03/2020"], formats=["dd/mm/yyyy"], unknown=["00"])[0].iso == "2020-03"
    assert parse_dates(["UN/03/2020"], formats=["dd/mm/yyyy"], unknown=["00"])[0].status == "unreadable"
    blanks = parse_dates(["/03/2020", "//2020", "12/03/"], formats=["dd/mm/yyyy"], unknown=[""])
    assert [date.iso for date in blanks] == ["2020-03", "2020", "--03-12"]


@pytest.mark.parametrize(
    ("date", "time", "iso"),
    [
        (None, None, None),
        ("2016-12-15", None, "2016-12-15"),
        ("2016-12-15", "08:30", "2016-12-15T08:30"),
        ("2016-12", "08:30", "2016-12--T08:30"),
        ("2016", "08:30", "2016----T08:30"),
        ("2016---15", "08:30", "2016---15T08:30"),
        ("--12", "08:30", "--12--T08:30"),
        ("--12-15", "08:30", "--12-15T08:30"),
        ("----15", "08:30", "----15T08:30"),
        (None, "08:30", "-----T08:30"),
        (None, "-:30", "-----T-:30"),
    ],
)
def test_4_4_2_join_of_date_and_time(date, time, iso):
    assert join_date_time(date, time) == iso
    frame = pd.DataFrame({"date": [date, "2020-01-01"], "time": [time, "10:00"]}, dtype="str")
    joined = combine(frame["date"], frame["time"])
    assert joined[1] == "2020-01-01T10:00"
    assert (None if pd.isna(joined[0]) else joined[0]) == iso


def test_combine_takes_categorical_columns_and_any_index():
    date = pd.Series(["2020", "2020-01-02"], index=[7, 3], dtype="category")
    time = pd.Series(["08:30", None], index=[7, 3], dtype="category")
    assert combine(date, time).to_dict() == {7: "2020----T08:30", 3: "2020-01-02"}


def test_interval_needs_both_sides():
    result = interval(pd.Series(["2020-01", "2020-01"]), pd.Series(["2020-03-15", None]))
    assert result[0] == "2020-01/2020-03-15"
    assert pd.isna(result[1])


FORMS = {
    "dd/mm/yyyy": "%d/%m/%Y",
    "mm/dd/yyyy": "%m/%d/%Y",
    "yyyy-mm-dd": "%Y-%m-%d",
    "dd.mm.yyyy": "%d.%m.%Y",
    "dd-mm-yyyy": "%d-%m-%Y",
    "dd-mmm-yyyy": "%d-%b-%Y",
    "ddmmmyyyy": "%d%b%Y",
    "dd mmmm yyyy": "%d %B %Y",
    "mmm dd yyyy": "%b %d, %Y",
    "yyyymmdd": "%Y%m%d",
    "dd/mm/yyyy hh:mm": "%d/%m/%Y %H:%M",
    "yyyy-mm-ddThh:mm:ss": "%Y-%m-%dT%H:%M:%S",
}
MOMENTS = st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2099, 12, 31)).map(
    lambda moment: moment.replace(microsecond=0)
)


@given(MOMENTS, st.sampled_from(sorted(FORMS)))
def test_every_date_round_trips_through_every_form(moment, form):
    (date,) = parse_dates([moment.strftime(FORMS[form])], formats=[form])
    digits = 19 if "ss" in form else 16 if "hh" in form else 10
    assert date == (moment.isoformat()[:digits], "ok", "")


@given(st.integers(0, 99), st.integers(0, 99), st.integers(0, 9999))
def test_every_numeric_date_is_read_or_found(day, month, year):
    (date,) = parse_dates([f"{day:02d}/{month:02d}/{year:04d}"], formats=["dd/mm/yyyy"], unknown=[])
    try:
        expected = dt.date(year, month, day).isoformat() if 1800 <= year <= 2199 else None
    except ValueError:
        expected = None
    assert date.iso == expected
    assert date.status == ("ok" if expected else "impossible")


@given(st.text(max_size=25))
def test_no_text_raises(text):
    assert parse_dates([text])[0].status
    assert parse_times([text])[0].status


@given(*[st.none() | st.integers(1, 12)] * 2)
def test_parts_written_are_read_back(month, day):
    iso = format_parts(2016, month, day)
    assert parse_dates([iso], formats=["yyyy-mm-dd"])[0].iso == iso


def test_examples_in_the_docstrings():
    assert doctest.testmod(dates).failed == 0


@given(
    st.lists(
        st.tuples(st.sampled_from(["2020-01-02", "2020-01", "2020", None]), st.sampled_from(["08:30", "-:15", None])),
        min_size=1,
    )
)
def test_combine_is_the_same_for_text_and_categories(pairs):
    frame = pd.DataFrame(pairs, columns=["date", "time"], dtype="str")
    texts = combine(frame["date"], frame["time"])
    categories = combine(frame["date"].astype("category"), frame["time"].astype("category"))
    expected = [join_date_time(*pair) or "" for pair in pairs]
    assert texts.fillna("").tolist() == categories.astype("str").fillna("").tolist() == expected


def tables():
    """The reference page's tables, made of the cases."""
    lines = ["", "## Dates", "", "| collected | declared formats | ISO 8601 | outcome |", "|---|---|---|---|"]
    for case in read_cases("dates.csv"):
        formats = ", ".join(f"`{text}`" for text in case["formats"].split("|")) if case["formats"] else "none"
        pivot = f", pivot {case['pivot']}" if case["pivot"] else ""
        lines.append(f"| {code(case['value'])} | {formats}{pivot} | {code(case['iso'])} | {case['status']} |")
    lines += ["", "## Times", "", "| collected | ISO 8601 | outcome |", "|---|---|---|"]
    lines += [f"| {code(case['value'])} | {code(case['iso'])} | {case['status']} |" for case in read_cases("times.csv")]
    lines += ["", "## Words for an unknown part", "", ", ".join(f"`{word}`" for word in dates.DEFAULT_UNKNOWN)]
    return "\n".join(lines) + "\n"


def code(cell):
    return f"`{cell.strip()}`" if cell.strip() else ""


def test_reference_page_holds_the_cases():
    page = (ROOT / "docs" / "reference" / "dates.md").read_text(encoding="utf-8")
    assert page.partition("<!-- made of tests/cases/algorithms/dates.csv and times.csv -->\n")[2] == tables()
