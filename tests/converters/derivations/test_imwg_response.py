"""Response by the IMWG criteria of 2016: a table of cases, each a course of assessments."""

import doctest
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from cdiscway.converters.derivations import imwg_response as module
from cdiscway.converters.derivations.imwg_response import LABELS, RESULTS, best_response, imwg_response

CASES = yaml.safe_load(
    (Path(__file__).parents[2] / "cases" / "derivations" / "imwg_response.yaml").read_text(encoding="utf-8")
)


def course(case):
    rows = [case["baseline"], *case["visits"]]
    frame = pd.DataFrame(rows, columns=list(RESULTS), dtype="float64")
    first = np.arange(len(rows)) == 0
    return imwg_response(pd.Series(["1"] * len(rows)), np.arange(len(rows)), frame, first)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_imwg_2016_case(case):
    result = course(case)
    assert result.shown.tolist()[1:] == case["shown"]
    assert result.confirmed.tolist()[1:] == case["confirmed"]
    assert pd.isna(result.shown[0])
    assert pd.isna(result.confirmed[0])


def test_only_the_last_evaluable_assessment_is_pending_and_only_where_none_before_shows_it():
    case = {"baseline": {"serum": 30}, "visits": [{"serum": 15}, {"serum": 15}, {}]}
    assert course(case).pending.tolist() == [False, False, False, False]
    better = {"baseline": {"serum": 30}, "visits": [{"serum": 22}, {"serum": 15}, {}]}
    assert course(better).pending.tolist() == [False, False, True, False]


def test_two_assessments_on_one_day_are_refused():
    frame = pd.DataFrame({"serum": [30.0, 15.0]})
    with pytest.raises(ValueError, match="two assessments"):
        imwg_response(pd.Series(["1", "1"]), [1.0, 1.0], frame, np.array([True, False]))


VALUES = st.none() | st.sampled_from([0.0, 2.0, 5.0, 10.0, 20.0, 30.0, 200.0, 500.0])
ASSESSMENTS = st.lists(
    st.tuples(st.sampled_from("12"), st.integers(0, 9), VALUES, VALUES, VALUES),
    unique_by=lambda record: record[:2],
    min_size=1,
    max_size=12,
)


@settings(max_examples=25)
@given(ASSESSMENTS, st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter_and_subjects_do_not_mix(records, random):
    def run(rows):
        frame = pd.DataFrame(rows, columns=["subject", "day", "serum", "urine", "marrow"])
        numbers = frame[["serum", "urine", "marrow"]].astype("float64")
        result = imwg_response(frame["subject"], frame["day"], numbers, (frame["day"] == 0).to_numpy())
        return {
            row[:2]: item
            for row, item in zip(rows, zip(result.shown, result.confirmed, result.pending, strict=True), strict=True)
        }

    def plain(results):
        return {key: tuple("" if pd.isna(part) else part for part in value) for key, value in results.items()}

    shuffled = list(records)
    random.shuffle(shuffled)
    whole = plain(run(records))
    assert plain(run(shuffled)) == whole
    for subject in "12":
        alone = [record for record in records if record[0] == subject]
        if alone:
            assert plain(run(alone)) == {key: value for key, value in whole.items() if key[0] == subject}
    order = {label: place for place, label in enumerate(LABELS)}
    for shown, confirmed, _ in whole.values():
        assert not shown or shown in ("PD", "NE") or order[confirmed] <= order[shown]


@pytest.mark.parametrize(
    ("responses", "best"),
    [
        (["SD", "PR", "VGPR", "PR"], "VGPR"),
        (["PR", "PD", "CR"], "PR"),
        (["PD", "PR"], "PD"),
        (["NE", "NE"], "NE"),
        (["NE", "SD"], "SD"),
        (["CR", "sCR"], "sCR"),
        ([], None),
    ],
)
def test_best_response_before_progression(responses, best):
    subject = pd.Series(["1"] * len(responses), dtype="str")
    (found,) = best_response(pd.Series(["1"]), subject, np.arange(len(responses)), pd.Series(responses, dtype="str"))
    assert (None if pd.isna(found) else found) == best


def test_examples_in_the_docstrings():
    assert doctest.testmod(module).failed == 0
