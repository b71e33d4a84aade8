"""Corrected QT: the three formulas, which agree at 60 beats per minute."""

import doctest

import numpy as np
import pytest

from cdiscway.converters.derivations import qtc as module
from cdiscway.converters.derivations.qtc import qtc, rr_interval

METHODS = ["Bazett", "Fridericia", "Sagie"]


@pytest.mark.parametrize("method", METHODS)
def test_an_rr_of_one_second_corrects_nothing(method):
    np.testing.assert_allclose(qtc([400.0], [1000.0], method), [400.0])


@pytest.mark.parametrize(("method", "expected"), [("Bazett", 378.0747), ("Fridericia", 368.4748), ("Sagie", 372.022)])
def test_case(method, expected):
    np.testing.assert_allclose(qtc([350.0], [857.0], method), [expected], atol=1e-3)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("rr", [0.0, -1.0, float("nan")])
def test_no_rr_no_correction(method, rr):
    assert np.isnan(qtc([350.0], [rr], method)).all()


def test_rr_of_a_heart_rate():
    np.testing.assert_equal(rr_interval([60.0, 75.0, 0.0]), [1000.0, 800.0, np.nan])


def test_examples_in_the_docstrings():
    assert doctest.testmod(module).failed == 0
