"""ISO 8601 by SDTMIG 3.4 section 4.4: partial, unknown inside, real, compared by what both know."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdiscway.validation.iso8601 import is_after, is_duration, read_dates

RIGHT = [
    "2016",
    "2016-03",
    "2016-03-02",
    "2016-03-02T10",
    "2016-03-02T10:20",
    "2016-03-02T10:20:30",
    "2016-02-29",
    "2003---15",
    "--12-15",
    "-----T07:15",
    "2016-03-02T10:20:30.5",
    "2016-03-02T10:20Z",
    "2016-03-02T10:20+02:00",
    "2016-03-02/2016-03-05",
    "2016-03/P3D",
]
WRONG = [
    "16",
    "201",
    "20160302",
    "2016-3-2",
    "2016-13",
    "2016-00",
    "2016-02-30",
    "2015-02-29",
    "2016-03-02T24:00",
    "2016-03-02T10:60",
    "2016-03-02T",
    "UN",
    "2016-03-",
    "02/03/2016",
    "2016-03-02/",
    "2016-03-02/x",
    "2016-UN-UN",
    "٢٠١٦-٠٣-٠٢",
]
WRONG += ["", "2016-03-02 10:20"]


@pytest.mark.parametrize(("text", "valid"), [*((t, True) for t in RIGHT), *((t, False) for t in WRONG)])
def test_dates(text: str, valid: bool) -> None:
    assert read_dates([text]).valid.tolist() == [valid]


@pytest.mark.parametrize(
    ("left", "right", "after"),
    [
        ("2016-03", "2016-03-02", False),
        ("2016-03-02", "2016-03", False),
        ("2016-04", "2016-03-31", True),
        ("2016-03-02T10:21", "2016-03-02T10:20:59", True),
        ("2016-03-02T10:20", "2016-03-02", False),
        ("2017---01", "2016-12-31", True),
        ("2016---15", "2016-03-10", False),
        ("2016-02-30", "2015-01-01", False),
    ],
)
def test_comparison(left: str, right: str, after: bool) -> None:
    assert is_after(read_dates([left]), read_dates([right])).tolist() == [after]


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("P3D", True),
        ("PT2H", True),
        ("-PT30M", True),
        ("P1Y2M3DT4H5M6S", True),
        ("P6W", True),
        ("P0.5D", True),
        ("P1Y2W", False),
        ("P1.5Y2M", False),
    ]
    + [(text, False) for text in ("P", "PT", "3D", "P3", "P3DT", "PT3D", "P 3D", "3 days", "")],
)
def test_durations(text: str, right: bool) -> None:
    assert is_duration([text]).tolist() == [right]


@given(st.lists(st.dates(), min_size=1))
def test_days_are_those_of_the_calendar(dates: list[datetime.date]) -> None:
    wanted = [(date - datetime.date(1970, 1, 1)).days for date in dates]
    assert read_dates([date.isoformat() for date in dates]).days().tolist() == wanted


@given(st.datetimes(), st.datetimes(), st.sampled_from([4, 7, 10, 13, 16, 19]))
def test_whole_times_compare_as_they_sort(left: datetime.datetime, right: datetime.datetime, width: int) -> None:
    a, b = left.isoformat()[:width], right.isoformat()[:width]
    assert is_after(read_dates([a]), read_dates([b])).tolist() == [a > b]


@given(st.text(max_size=25))
def test_no_text_breaks_it(text: str) -> None:
    assert read_dates([text]).valid.shape == (1,)
