"""Kidney function: values computed by hand from the published equations."""

import doctest

import numpy as np
import pandas as pd
import pytest

from cdiscway.converters.derivations import egfr as module
from cdiscway.converters.derivations.egfr import ckd_epi, ckd_epi_2009, creatinine_clearance, mdrd


@pytest.mark.parametrize(
    ("creatinine", "age", "sex", "expected"),
    [
        (0.7, 50, "F", 142 * 0.9938**50 * 1.012),
        (0.9, 50, "M", 142 * 0.9938**50),
        (1.4, 50, "F", 142 * 2**-1.2 * 0.9938**50 * 1.012),
        (0.35, 50, "F", 142 * 0.5**-0.241 * 0.9938**50 * 1.012),
        (0.45, 50, "M", 142 * 0.5**-0.302 * 0.9938**50),
        (1.0, 50, "U", np.nan),
        (0.0, 50, "M", np.nan),
        (np.nan, 50, "M", np.nan),
    ],
)
def test_ckd_epi_2021(creatinine, age, sex, expected):
    np.testing.assert_allclose(ckd_epi([creatinine], "mg/dL", [age], pd.Series([sex])), [expected])
    np.testing.assert_allclose(ckd_epi([creatinine * 88.42], "umol/L", [age], pd.Series([sex])), [expected])


@pytest.mark.parametrize(
    ("creatinine", "sex", "black", "expected"),
    [
        (0.7, "F", False, 141 * 0.993**50 * 1.018),
        (0.9, "M", True, 141 * 0.993**50 * 1.159),
        (0.35, "F", False, 141 * 0.5**-0.329 * 0.993**50 * 1.018),
        (1.8, "M", False, 141 * 2**-1.209 * 0.993**50),
        (1.0, "U", False, np.nan),
    ],
)
def test_ckd_epi_2009(creatinine, sex, black, expected):
    np.testing.assert_allclose(ckd_epi_2009([creatinine], "mg/dL", [50], pd.Series([sex]), [black]), [expected])


def test_mdrd_and_cockcroft_gault():
    np.testing.assert_allclose(mdrd([1.0], "mg/dL", [60.0], pd.Series(["M"]), [True]), [175 * 60**-0.203 * 1.212])
    np.testing.assert_allclose(creatinine_clearance([2.0], "mg/dL", [50.0], pd.Series(["F"]), [64.0]), [34.0])
    assert np.isnan(creatinine_clearance([2.0], "mg/dL", [50.0], pd.Series(["F"]), [0.0])).all()


def test_examples_in_the_docstrings():
    assert doctest.testmod(module).failed == 0
