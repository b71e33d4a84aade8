"""The tables of study.yaml in the methods of define.xml."""

import doctest

from cdiscway.converters.algorithms import analysis_tables as module
from cdiscway.converters.algorithms.analysis_tables import Analysis


def test_windows_and_periods_in_words():
    tables = Analysis.model_validate(
        {
            "windows": {"W": [{"AVISIT": "Week 1", "AVISITN": 1, "from": 2, "to": 11, "target": 8}]},
            "periods": {"AP": {"dataset": "EX", "start": "EXSTDTC", "end": "EXENDTC", "by": "EXTRT", "until": "next"}},
        }
    )
    assert (
        tables.in_words("by the windows W of the study")
        == "by the windows W (Week 1, number 1: days 2 to 11, target 8)"
    )
    said = "runs of EX with one EX.EXTRT, from EX.EXSTDTC to EX.EXENDTC, to the day before the next"
    assert tables.in_words("by the periods AP of the study") == f"by the periods AP ({said})"
    assert tables.in_words("by the groups W of the study") == "by the groups W of the study"


def test_examples_in_the_docstrings():
    assert doctest.testmod(module).failed == 0
