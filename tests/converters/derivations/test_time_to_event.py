"""ADTTE: events, censorings and stops in their order; ties by declared keys, never by the order of the rows."""

import doctest
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdiscway.converters.derivations import time_to_event as module
from cdiscway.converters.derivations.time_to_event import TimeSource, time_to_event

NAN = float("nan")


def source(records, name, cnsr=0):
    """Records are (subject, day, sequence)."""
    frame = pd.DataFrame(records, columns=["subject", "day", "sequence"])
    return TimeSource(
        frame["subject"].astype("str"),
        frame["day"].astype("float64"),
        cnsr,
        name.title(),
        f"AD{name[:2]}".upper(),
        f"{name.upper()}DT",
        "" if cnsr == 0 else f"Date of {name}",
        frame["sequence"].astype("float64"),
    )


def one(events=(), censorings=(), stops=(), start=10.0):
    """The result for one subject; each list is of (name, cnsr, records)."""
    groups = [[source(records, name, cnsr) for name, cnsr, records in group] for group in (events, censorings, stops)]
    result = time_to_event(pd.Series(["1"]), [start], groups[0], groups[1], stops=groups[2])
    return {name: None if pd.isna(value) else value for name, value in result.iloc[0].items()}


DEATH = ("death", 0, [("1", 30, 1)])
RELAPSE = ("relapse", 0, [("1", 20, 7), ("1", 25, 3)])
ALIVE = ("alive", 1, [("1", 15, 1), ("1", 40, 2)])
ALIVE_DATE = ("Date of alive", "ADAL", "ALIVEDT")
THERAPY = ("therapy", 2, [("1", 18, 5)])


@pytest.mark.parametrize(
    ("lists", "expected"),
    [
        ({"events": [DEATH], "censorings": [ALIVE]}, (30, 21, 0, "Death", None, "ADDE", "DEATHDT", 1)),
        ({"events": [DEATH, RELAPSE], "censorings": [ALIVE]}, (20, 11, 0, "Relapse", None, "ADRE", "RELAPSEDT", 7)),
        ({"events": [("death", 0, [])], "censorings": [ALIVE]}, (40, 31, 1, "Alive", *ALIVE_DATE, 2)),
        ({"events": [("death", 0, [("1", 9, 1)])], "censorings": [ALIVE]}, (40, 31, 1, "Alive", *ALIVE_DATE, 2)),
        ({"events": [("death", 0, [("1", 10, 1)])]}, (10, 1, 0, "Death", None, "ADDE", "DEATHDT", 1)),
        ({"events": [DEATH], "censorings": [ALIVE], "stops": [THERAPY]}, (15, 6, 2, "Therapy", *ALIVE_DATE, 1)),
        ({"events": [DEATH], "censorings": [ALIVE], "stops": [("", 1, [("1", 18, 5)])]}, (15, 6, 1, "Alive", *ALIVE_DATE, 1)),
        ({"events": [DEATH], "stops": [THERAPY]}, (18, 9, 2, "Therapy", "Date of therapy", "ADTH", "THERAPYDT", 5)),
        ({"events": [RELAPSE], "stops": [("therapy", 2, [("1", 20, 5)])]}, (20, 11, 0, "Relapse", None, "ADRE", "RELAPSEDT", 7)),
        ({"censorings": [("alive", 1, [("1", 5, 1)])]}, (10, 1, 1, "Alive", *ALIVE_DATE, 1)),
        ({"events": [("death", 0, [("2", 30, 1)])]}, (None,) * 8),
        ({"events": [DEATH], "start": NAN}, (None,) * 8),
    ],
)  # fmt: skip
def test_case(lists, expected):
    result = one(**lists)
    names = ("ADT", "AVAL", "CNSR", "EVNTDESC", "CNSDTDSC", "SRCDOM", "SRCVAR", "SRCSEQ")
    assert tuple(result[name] for name in names) == expected


def test_competing_event_has_its_own_cnsr():
    relapse, death = ("relapse", 0, [("1", 30, 1)]), ("death", 2, [("1", 20, 1)])
    assert one(events=[relapse, death])["CNSR"] == 2


def test_two_events_of_one_day_source_declared_first_then_lowest_sequence():
    first, second = ("relapse", 0, [("1", 20, 9), ("1", 20, 4)]), ("death", 0, [("1", 20, 1)])
    assert one(events=[first, second])["SRCSEQ"] == 4
    assert one(events=[second, first])["EVNTDESC"] == "Death"


def test_units_are_declared():
    death = source([("1", 10, 1)], "death")
    result = time_to_event(pd.Series(["1"]), [10.0], [death], [], unit="months", add_one=False)
    assert result["AVAL"].tolist() == [0.0]


RECORDS = st.lists(st.tuples(st.sampled_from("12"), st.integers(5, 20), st.integers(1, 9)), max_size=8)


@given(RECORDS, RECORDS, RECORDS, st.randoms(use_true_random=False))
def test_rows_in_any_order_give_the_same_and_agree_with_a_loop(deaths, relapses, alive, random):
    subjects, start = pd.Series(["1", "2"]), [10.0, 12.0]

    def run(shuffle):
        sources = [source(deaths, "death"), source(relapses, "relapse"), source(alive, "alive", 1)]
        if shuffle:
            sources = [shuffled(item) for item in sources]
        return time_to_event(subjects, start, sources[:2], sources[2:])

    def shuffled(item):
        order = list(range(len(item.subject)))
        random.shuffle(order)
        return replace(
            item,
            **{
                part: getattr(item, part).iloc[order].reset_index(drop=True) for part in ("subject", "days", "sequence")
            },
        )

    result = run(False)
    pd.testing.assert_frame_equal(result, run(True))
    for row, subject in enumerate("12"):
        events = [(day, place, number) for place, pool in enumerate((deaths, relapses)) for who, day, number in pool
                  if who == subject and day >= start[row]]  # fmt: skip
        censors = [(-day, number) for who, day, number in alive if who == subject]
        found = result.iloc[row]
        if events:
            day, place, number = min(events)
            assert (found["ADT"], found["SRCSEQ"], found["CNSR"]) == (day, number, 0)
            assert found["EVNTDESC"] == ("Death", "Relapse")[place]
        elif censors:
            day, number = min(censors)
            assert (found["ADT"], found["SRCSEQ"], found["CNSR"]) == (max(-day, start[row]), number, 1)
        else:
            assert np.isnan(found["ADT"])


def test_examples_in_the_docstrings():
    assert doctest.testmod(module).failed == 0
