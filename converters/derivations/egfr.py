"""Kidney function from serum creatinine (admiral: compute_egfr)."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
CreatinineUnit = Literal["umol/L", "mg/dL"]

UMOL_PER_MG_DL = 88.42
"""umol/L in one mg/dL of creatinine, as admiral has it."""


def _inputs(
    creatinine: npt.ArrayLike, unit: CreatinineUnit, age: npt.ArrayLike, sex: pd.Series
) -> tuple[Floats, Floats, npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    values = np.asarray(creatinine, dtype=np.float64) / (UMOL_PER_MG_DL if unit == "umol/L" else 1.0)
    years = np.asarray(age, dtype=np.float64)
    known = sex.isin(["F", "M"]).to_numpy(dtype=np.bool_) & (values > 0) & (years > 0)
    return np.where(known, values, np.nan), years, (sex == "F").to_numpy(dtype=np.bool_), known


def ckd_epi(creatinine: npt.ArrayLike, unit: CreatinineUnit, age: npt.ArrayLike, sex: pd.Series) -> Floats:
    """Return the eGFR in mL/min/1.73 m2 by CKD-EPI 2021 (creatinine, without race). SEX is `F` or `M`; NaN otherwise.

    Source: Inker et al., N Engl J Med 2021; 385:1737-1749.

    >>> ckd_epi([1.0], "mg/dL", [60.0], pd.Series(["M"])).round(1).tolist()
    [86.2]
    """
    values, years, female, _ = _inputs(creatinine, unit, age, sex)
    return 142 * _ckd_epi_curve(values, female, (-0.241, -0.302), -1.2) * 0.9938**years * np.where(female, 1.012, 1.0)


def _ckd_epi_curve(values: Floats, female: npt.NDArray[np.bool_], low: tuple[float, float], high: float) -> Floats:
    """Return the part of the CKD-EPI equations that depends on creatinine; `low` are the exponents of women and men."""
    ratio = values / np.where(female, 0.7, 0.9)
    return np.asarray(np.minimum(ratio, 1) ** np.where(female, *low) * np.maximum(ratio, 1) ** high)


def ckd_epi_2009(
    creatinine: npt.ArrayLike, unit: CreatinineUnit, age: npt.ArrayLike, sex: pd.Series, black: npt.ArrayLike = False
) -> Floats:
    """Return the eGFR in mL/min/1.73 m2 by CKD-EPI 2009 (creatinine); `black` where the equation's coefficient is meant.

    Source: Levey et al., Ann Intern Med 2009; 150:604-612.

    >>> ckd_epi_2009([1.0], "mg/dL", [60.0], pd.Series(["M"])).round(1).tolist()
    [81.4]
    """
    values, years, female, _ = _inputs(creatinine, unit, age, sex)
    people = np.where(female, 1.018, 1.0) * np.where(black, 1.159, 1.0)
    return np.asarray(141 * _ckd_epi_curve(values, female, (-0.329, -0.411), -1.209) * 0.993**years * people)


def mdrd(
    creatinine: npt.ArrayLike, unit: CreatinineUnit, age: npt.ArrayLike, sex: pd.Series, black: npt.ArrayLike = False
) -> Floats:
    """Return the eGFR in mL/min/1.73 m2 by the four-variable MDRD study equation (175; IDMS-traceable creatinine).

    Source: Levey et al., Ann Intern Med 2006; 145:247-254.

    >>> mdrd([1.0], "mg/dL", [60.0], pd.Series(["F"])).round(1).tolist()
    [56.6]
    """
    values, years, female, _ = _inputs(creatinine, unit, age, sex)
    return np.asarray(175 * values**-1.154 * years**-0.203 * np.where(female, 0.742, 1) * np.where(black, 1.212, 1))


def creatinine_clearance(
    creatinine: npt.ArrayLike, unit: CreatinineUnit, age: npt.ArrayLike, sex: pd.Series, weight: npt.ArrayLike
) -> Floats:
    """Return the creatinine clearance in mL/min by Cockcroft and Gault (Nephron 1976; 16:31-41); the weight is in kg.

    >>> creatinine_clearance([1.0], "mg/dL", [60.0], pd.Series(["M"]), [72.0]).tolist()
    [80.0]
    """
    values, years, female, _ = _inputs(creatinine, unit, age, sex)
    kilograms = np.asarray(weight, dtype=np.float64)
    return np.asarray(
        (140 - years) * np.where(kilograms > 0, kilograms, np.nan) / (72 * values) * np.where(female, 0.85, 1)
    )
