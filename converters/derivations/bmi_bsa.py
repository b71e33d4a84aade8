"""Body mass index and body surface area from height (cm) and weight (kg) (admiral: compute_bmi, compute_bsa)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
BsaMethod = Literal["Mosteller", "DuBois-DuBois", "Haycock", "Gehan-George", "Boyd", "Fujimoto", "Takahira"]

_BSA: dict[BsaMethod, Callable[[Floats, Floats], Floats]] = {
    "Mosteller": lambda height, weight: np.sqrt(height * weight / 3600),
    "DuBois-DuBois": lambda height, weight: 0.007184 * height**0.725 * weight**0.425,
    "Haycock": lambda height, weight: 0.024265 * height**0.3964 * weight**0.5378,
    "Gehan-George": lambda height, weight: 0.0235 * height**0.42246 * weight**0.51456,
    # Boyd's exponent holds the weight in grams.
    "Boyd": lambda height, weight: (
        0.0003207 * height**0.3 * (1000 * weight) ** (0.7285 - 0.0188 * np.log10(1000 * weight))
    ),
    "Fujimoto": lambda height, weight: 0.008883 * height**0.663 * weight**0.444,
    "Takahira": lambda height, weight: 0.007241 * height**0.725 * weight**0.425,
}


def _positive(values: npt.ArrayLike) -> Floats:
    numbers = np.asarray(values, dtype=np.float64)
    return np.where(numbers > 0, numbers, np.nan)


def bmi(height: npt.ArrayLike, weight: npt.ArrayLike) -> Floats:
    """Return the body mass index in kg/m2; NaN where height or weight is missing or not above 0.

    >>> bmi([200.0, 0.0], [80.0, 80.0]).tolist()
    [20.0, nan]
    """
    return np.asarray(_positive(weight) / (_positive(height) / 100) ** 2)


def bsa(height: npt.ArrayLike, weight: npt.ArrayLike, method: BsaMethod = "Mosteller") -> Floats:
    """Return the body surface area in m2 by a declared method; NaN where height or weight is missing or not above 0.

    >>> bsa([180.0], [80.0]).tolist()
    [2.0]
    """
    return np.asarray(_BSA[method](_positive(height), _positive(weight)))
