"""--SEQ (SDTMIG 3.4, 4.1.5): unique within a subject, by the keys and not by the rows."""

import doctest

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from cdiscway.converters.derivations import sequence as module
from cdiscway.converters.derivations.sequence import sequence_number, undecided

RECORDS = st.lists(
    st.tuples(st.sampled_from(["1", "2", "10"]), st.sampled_from("ab"), st.integers(0, 5)), unique=True, min_size=1
)


@given(RECORDS, st.randoms(use_true_random=False))
def test_numbers_follow_the_keys(records, random):
    random.shuffle(records)
    frame = pd.DataFrame(records, columns=["subject", "test", "visit"])
    numbers = sequence_number(frame["subject"], [frame["test"], frame["visit"]])
    for row, record in enumerate(records):
        assert numbers[row] == sum(other[0] == record[0] and other <= record for other in records)


def test_missing_keys_come_first():
    numbers = sequence_number(pd.Series(["1", "1"]), [pd.Series(["a", None], dtype="str")])
    assert numbers.tolist() == [2, 1]


def test_records_that_the_keys_do_not_tell_apart_are_shown():
    subject, key = pd.Series(["1", "1", "1", "2"]), pd.Series(["a", "a", None, None], dtype="str")
    assert undecided(subject, [key]).tolist() == [True, True, False, False]


def test_no_records_no_numbers():
    nothing = pd.Series([], dtype="str")
    assert sequence_number(nothing, [nothing]).tolist() == []


def test_examples_in_the_docstrings():
    assert doctest.testmod(module).failed == 0
