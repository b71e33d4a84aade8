"""BMI and BSA: the methods against each other."""

import doctest

import numpy as np
import pytest

from cdiscway.converters.derivations import bmi_bsa as module
from cdiscway.converters.derivations.bmi_bsa import bmi, bsa


@pytest.mark.parametrize("method", ["DuBois-DuBois", "Haycock", "Gehan-George", "Boyd", "Fujimoto", "Takahira"])
@pytest.mark.parametrize(("height", "weight"), [(150.0, 45.0), (170.0, 70.0), (190.0, 95.0)])
def test_all_methods_agree_on_adults_within_five_percent(method, height, weight):
    np.testing.assert_allclose(bsa([height], [weight], method), bsa([height], [weight]), rtol=0.05)


@pytest.mark.parametrize("function", [bmi, bsa])
def test_no_size_no_result(function):
    assert np.isnan(function([0.0, np.nan, 170.0], [70.0, 70.0, -1.0])).all()


def test_bmi():
    np.testing.assert_allclose(bmi([170.0], [75.0]), [25.951557])


def test_examples_in_the_docstrings():
    assert doctest.testmod(module).failed == 0
