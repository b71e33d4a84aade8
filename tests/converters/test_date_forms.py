"""Every form a date can be written in comes back as the same date, and what comes back as no date is found."""

from __future__ import annotations

import datetime

from hypothesis import given
from hypothesis import strategies as st

from cdiscway.converters.algorithms.dates import parse_dates
from cdiscway.converters.algorithms.iso8601 import check_iso8601

ENGLISH = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
FRENCH = [
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
]
FORMS = {
    "dd/mm/yyyy": "{d:02d}/{m:02d}/{y}",
    "d/m, dd/mm/yyyy": "{d}/{m}/{y}",
    "mm/dd/yyyy": "{m:02d}/{d:02d}/{y}",
    "dd.mm.yyyy": "{d:02d}.{m:02d}.{y}",
    "yyyy-mm-dd": "{y}-{m:02d}-{d:02d}",
    "yyyymmdd": "{y}{m:02d}{d:02d}",
    "ddmmmyyyy": "{d:02d}{english}{y}",
    "dd-mmm-yyyy": "{d:02d}-{english}-{y}",
    "mmm dd, yyyy": "{english} {d:02d}, {y}",
    "dd mmm yyyy": "{d} {french} {y}",
    "dd mmmm yyyy": "{d} {english} {y}",
}
FOUND = {"unknown", "impossible", "unreadable", "ambiguous", "missing"}


def written(form: str, day: datetime.date) -> tuple[str, str]:
    """Return the declared format and the day written in it."""
    names = {"english": ENGLISH[day.month - 1], "french": FRENCH[day.month - 1]}
    return form.rpartition(", ")[2] if form.startswith("d/m") else form, FORMS[form].format(
        d=day.day, m=day.month, y=day.year, **names
    )


@given(st.dates(datetime.date(1900, 1, 1), datetime.date(2100, 12, 31)), st.sampled_from(sorted(FORMS)))
def test_every_form_of_a_date_round_trips(day: datetime.date, form: str) -> None:
    declared, text = written(form, day)
    assert parse_dates([text], formats=[declared])[0].iso == day.isoformat()


@given(
    st.text(alphabet="0123456789/-. UNKJanFebv", max_size=14),
    st.sampled_from(["dd/mm/yyyy", "yyyy-mm-dd", "ddmmmyyyy"]),
)
def test_what_is_read_is_iso_8601_and_the_rest_is_found(text: str, declared: str) -> None:
    result = parse_dates([text], formats=[declared])[0]
    if result.iso is None:
        assert result.status in FOUND
        assert result.reason or result.status == "missing"
    else:
        assert check_iso8601(result.iso) == ""


@given(st.integers(1, 40), st.integers(1, 20), st.integers(1900, 2100))
def test_a_day_that_is_not_in_the_calendar_is_never_rolled_over(day: int, month: int, year: int) -> None:
    result = parse_dates([f"{day:02d}/{month:02d}/{year}"], formats=["dd/mm/yyyy"])[0]
    try:
        expected = datetime.date(year, month, day).isoformat()
    except ValueError:
        assert (result.iso, result.status) == (None, "impossible")
    else:
        assert result.iso == expected
