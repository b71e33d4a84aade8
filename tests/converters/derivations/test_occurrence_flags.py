"""Occurrence flags: one record of each group, by the keys and not by the rows."""

import doctest

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from cdiscway.converters.derivations import occurrence_flags as module
from cdiscway.converters.derivations.occurrence_flags import first_occurrence, nearest_occurrence, worst_occurrence

ORDER = ["MILD", "MODERATE", "SEVERE"]
RECORDS = st.lists(
    st.tuples(
        st.sampled_from("12"), st.sampled_from(["a", "b", None]), st.sampled_from([*ORDER, None]), st.integers(0, 30)
    ),
    unique_by=lambda record: record[3],
    max_size=10,
)


def marks(choice):
    return choice.chosen.tolist()


@given(RECORDS, st.randoms(use_true_random=False))
def test_flags_agree_with_a_loop_for_any_order(records, random):
    random.shuffle(records)
    frame = pd.DataFrame(records, columns=["subject", "term", "severity", "sequence"])
    texts = frame[["subject", "term", "severity"]].astype("str")
    keys = [frame["sequence"].astype("float64")]
    first = marks(first_occurrence([texts["subject"], texts["term"]], keys))
    worst = marks(worst_occurrence([texts["subject"]], texts["severity"], ORDER, keys))
    for row, (subject, term, severity, sequence) in enumerate(records):
        same = [other[3] for other in records if other[:2] == (subject, term)]
        assert first[row] == (term is not None and sequence == min(same))
        rank = [(-ORDER.index(other[2]) if other[2] else 1, other[3]) for other in records if other[0] == subject]
        assert worst[row] == ((-ORDER.index(severity) if severity else 1, sequence) == min(rank))


def test_only_records_among_those_asked_for():
    subject = pd.Series(["1", "1"])
    assert marks(first_occurrence([subject], [pd.Series([1.0, 2.0])], np.array([False, True]))) == [False, True]


def test_a_tie_chooses_none_and_is_told():
    subject, key = pd.Series(["1", "1", "2"]), pd.Series([1.0, 1.0, 1.0])
    choice = first_occurrence([subject], [key])
    assert choice.chosen.tolist() == [False, False, True]
    assert choice.undecided.tolist() == [True, True, False]


def test_nearest_to_the_target_of_each_group():
    subject, keys = pd.Series(["1", "1", "1", "2"]), [pd.Series([1.0, 2.0, 3.0, 4.0])]
    days, target = [6.0, 10.0, 99.0, 3.0], [8.0, 8.0, float("nan"), 8.0]
    assert marks(nearest_occurrence([subject], days, target, keys)) == [False, True, False, True]
    assert marks(nearest_occurrence([subject], days, target, keys, tie="earlier")) == [True, False, False, True]


def test_examples_in_the_docstrings():
    assert doctest.testmod(module).failed == 0
