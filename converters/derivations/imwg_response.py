"""Response in multiple myeloma recomputed from M-protein, light chains, marrow and lesions, with confirmation.

Source: IMWG consensus criteria, Kumar et al., Lancet Oncol 2016; 17:e328-46, table 4 (standard criteria, and minimal
response). What the paper leaves open is declared here:

- An assessment is all results of a subject on one day. Marrow and lesions are not repeated at each: the last result
  after baseline is carried forward.
- A negative immunofixation stands for an M-protein of 0 where no quantity was measured.
- Without measurable serum or urine M-protein, free light chains are followed (involved >= 100 mg/L, abnormal ratio);
  without those, marrow plasma cells (>= 30 % at baseline). Without any, only CR, sCR and progression by lesions are told.
- Urine must be < 100 mg/24 h for VGPR; not measured counts as that only where there was none at baseline.
- Progression is against the lowest value of all assessments before.
- A response holds where it is shown twice in a row: the assessment before or after it, of those that can be evaluated,
  shows it too (or a better one). Progression by M-protein or light chains is confirmed in the same way, progression by
  marrow or lesions needs no confirmation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from .keys import Codes, Mask, group_codes, label_codes

Floats = npt.NDArray[np.float64]

RESULTS: tuple[str, ...] = (
    *("serum", "urine", "involved", "uninvolved", "ratio", "serum_fixation", "urine_fixation"),
    *("marrow", "clonal", "lesions", "new_lesion"),
)
"""Results of an assessment: M-protein in serum (g/L) and urine (mg/24 h); free light chains involved and uninvolved (mg/L)
and their kappa/lambda ratio; immunofixation of serum and urine (1 positive, 0 negative); plasma cells in marrow (%); clonal
cells in marrow (1 present, 0 absent); lesions, the sum of the products of the diameters of plasmacytomas (mm2, 0 none);
new_lesion (1 yes)."""

CATEGORIES = ("SD", "MR", "PR", "VGPR", "CR", "sCR")
PD, NE = len(CATEGORIES), len(CATEGORIES) + 1
LABELS = (*CATEGORIES, "PD", "NE")


@dataclass(frozen=True)
class Responses:
    """Per assessment: the category it shows by itself, the confirmed one, and whether a later one could still confirm.

    Categories are SD, MR, PR, VGPR, CR, sCR, PD, NE (not evaluable); baseline assessments have none. What is not
    confirmed counts as the best category that is. `pending` is true where there is no later evaluable assessment.
    """

    shown: pd.Series
    confirmed: pd.Series
    pending: Mask


@dataclass(frozen=True)
class _Course:
    """Assessments sorted by subject and day, with what each result is now, was at baseline, and was at its lowest."""

    subject: Codes
    after: Mask
    now: pd.DataFrame
    base: pd.DataFrame
    lowest: pd.DataFrame


def imwg_response(subject: pd.Series, days: npt.ArrayLike, results: pd.DataFrame, is_baseline: Mask) -> Responses:
    """Return the response at each assessment; `results` has the columns of RESULTS (those not collected may lack).

    Raises ValueError where a subject has two assessments on one day: join them first, since no order tells them apart.

    >>> frame = pd.DataFrame({"serum": [30.0, 12.0, 10.0], "urine": [0.0, 0.0, 0.0]})
    >>> baseline = np.array([True, False, False])
    >>> response = imwg_response(pd.Series(["1"] * 3), [1.0, 30.0, 60.0], frame, baseline)
    >>> response.shown.tolist(), response.confirmed.tolist()
    ([nan, 'PR', 'PR'], [nan, 'PR', 'PR'])
    """
    codes, _ = group_codes(subject)
    day = np.asarray(days, dtype=np.float64)
    order = np.lexsort([day, codes])
    if np.any((np.diff(codes[order]) == 0) & (np.diff(day[order]) == 0)):
        raise ValueError("a subject has two assessments on one day")
    course = _course(codes[order], results.reindex(columns=list(RESULTS)).iloc[order], ~is_baseline[order])
    response = _response(course)
    biochemical, other = _progression(course)
    shown = np.where(biochemical | other, PD, response)
    confirmed, pending = _confirm(course, shown, response, other)
    back = np.argsort(order)
    return Responses(
        label_codes(np.where(course.after, shown, -1)[back], LABELS),
        label_codes(np.where(course.after, confirmed, -1)[back], LABELS),
        (pending & course.after)[back],
    )


def _course(subject: Codes, results: pd.DataFrame, after: Mask) -> _Course:
    now = results.astype(np.float64).reset_index(drop=True)
    for quantity, fixation in (("serum", "serum_fixation"), ("urine", "urine_fixation")):
        now[quantity] = now[quantity].where(now[quantity].notna() | (now[fixation] != 0), 0.0)
    now["light"] = (now["involved"] - now["uninvolved"]).abs()
    first, later = now[~after], now[after]
    base = first.groupby(subject[~after]).last().reindex(subject).reset_index(drop=True)
    for name in ("marrow", "clonal", "lesions"):
        now.loc[after, name] = later[name].groupby(subject[after]).ffill()
    lowest = now.groupby(subject).cummin().groupby(subject).ffill().groupby(subject).shift()
    return _Course(subject, after, now, base, lowest)


@dataclass(frozen=True)
class _Followed:
    """By which measure each subject is followed."""

    serum: Mask
    urine: Mask
    light: Mask
    marrow: Mask


def _mask(condition: pd.Series) -> Mask:
    return condition.to_numpy(dtype=np.bool_)


def _normal_ratio(ratio: pd.Series) -> Mask:
    return _mask((ratio >= 0.26) & (ratio <= 1.65))


def _followed(base: pd.DataFrame) -> _Followed:
    serum, urine = _mask(base["serum"] >= 10), _mask(base["urine"] >= 200)
    abnormal = _mask(base["ratio"].notna()) & ~_normal_ratio(base["ratio"])
    light = ~serum & ~urine & abnormal & _mask(base["involved"] >= 100)
    return _Followed(serum, urine, light, ~serum & ~urine & ~light & _mask(base["marrow"] >= 30))


def _reduced(course: _Course, name: str, share: float) -> Mask:
    """Return where a result is reduced from baseline by a share at least, but for float noise."""
    return _mask(course.now[name] <= (1 - share) * course.base[name] + 1e-9)


def _response(course: _Course) -> Codes:
    """Return the category that each assessment shows, progression aside."""
    now, base, by = course.now, course.base, _followed(course.base)
    lesions_before = _mask(base["lesions"] > 0)
    halved = ~lesions_before | _reduced(course, "lesions", 0.5)
    m_protein = by.serum | by.urine
    low_urine = _mask(now["urine"] < 200) | _reduced(course, "urine", 0.9)
    mr = (
        m_protein
        & (~by.serum | _reduced(course, "serum", 0.25))
        & (~by.urine | low_urine | _reduced(course, "urine", 0.5))
    )
    pr = (
        (m_protein & (~by.serum | _reduced(course, "serum", 0.5)) & (~by.urine | low_urine))
        | (by.light & _reduced(course, "light", 0.5))
        | (by.marrow & _reduced(course, "marrow", 0.5))
    )
    hardly_urine = _mask((now["urine"] < 100) | (now["urine"].isna() & (base["urine"] == 0)))
    vgpr = (m_protein & (~by.serum | _reduced(course, "serum", 0.9)) & hardly_urine) | (
        by.light & _reduced(course, "light", 0.9)
    )
    negative = _mask((now["serum_fixation"] == 0) & (now["urine_fixation"] == 0))
    gone = ~lesions_before | _mask(now["lesions"] == 0)
    cr = negative & _mask(now["marrow"] < 5) & gone & (~by.light | _normal_ratio(now["ratio"]))
    scr = cr & _normal_ratio(now["ratio"]) & _mask(now["clonal"] == 0)
    measured = (
        (m_protein & (~by.serum | _mask(now["serum"].notna())) & (~by.urine | _mask(now["urine"].notna())))
        | (by.light & _mask(now["light"].notna()))
        | (by.marrow & _mask(now["marrow"].notna()))
    )
    category = np.where(measured, 0, NE)
    for code, holds in enumerate((mr & halved, pr & halved, vgpr & halved, cr, scr), start=1):
        category = np.where(holds, code, category)
    return np.asarray(category, dtype=np.int64)


def _rise(course: _Course, name: str, least: float) -> Mask:
    """Return where a result rose from its lowest by 25 % and by `least` at least."""
    now, lowest = course.now[name], course.lowest[name]
    return _mask((now >= 1.25 * lowest - 1e-9) & (now - lowest >= least - 1e-9))


def _progression(course: _Course) -> tuple[Mask, Mask]:
    """Return progression by M-protein or light chains, and progression by marrow or lesions."""
    now, lowest, by = course.now, course.lowest, _followed(course.base)
    high = _mask((lowest["serum"] >= 50) & (now["serum"] - lowest["serum"] >= 10 - 1e-9))
    light = ~by.serum & ~by.urine & _rise(course, "light", 100) & _mask(now["light"] - lowest["light"] > 100)
    biochemical = _rise(course, "serum", 5) | high | _rise(course, "urine", 200) | light
    marrow = ~by.serum & ~by.urine & ~by.light & _rise(course, "marrow", 10)
    lesions = _mask((lowest["lesions"] > 0) & (now["lesions"] >= 1.5 * lowest["lesions"] - 1e-9))
    other = marrow | lesions | _mask((now["new_lesion"] == 1) | ((lowest["lesions"] == 0) & (now["lesions"] > 0)))
    return biochemical & course.after, other & course.after


def _confirm(course: _Course, shown: Codes, response: Codes, certain: Mask) -> tuple[Codes, Mask]:
    """Return the confirmed categories, and where a later assessment could still change them."""
    following, preceding = _neighbour(course, shown, -1), _neighbour(course, shown, 1)
    is_response = shown < PD
    beside = np.maximum(*(np.where(other < PD, np.maximum(other, 0), 0) for other in (following, preceding)))
    confirmed = np.where(is_response, np.minimum(shown, beside), shown)
    unsure = (shown == PD) & ~certain & (following != PD) & (preceding != PD)
    # Progression that is not seen again leaves what the assessment shows otherwise, as far as that is confirmed.
    confirmed = np.where(unsure, np.where(response == NE, NE, np.minimum(response, beside)), confirmed)
    open_end = (following < 0) & (((confirmed < shown) & is_response) | unsure)
    return np.asarray(confirmed, dtype=np.int64), np.asarray(open_end, dtype=np.bool_)


def _neighbour(course: _Course, shown: Codes, steps: int) -> Codes:
    """Return the category of the subject's next (-1) or last (1) assessment that is not NE; -1 where there is none."""
    usable = pd.Series(np.where(course.after & (shown != NE), shown, np.nan))
    beside = usable.groupby(course.subject).shift(steps).groupby(course.subject)
    return (beside.bfill() if steps < 0 else beside.ffill()).fillna(-1).to_numpy().astype(np.int64)


def best_response(subjects: pd.Series, subject: pd.Series, days: npt.ArrayLike, responses: pd.Series) -> pd.Series:
    """Return each subject's best response before the first PD; PD where nothing came before; missing without assessment.

    >>> best_response(pd.Series(["1"]), pd.Series(["1"] * 3), [1.0, 2.0, 3.0], pd.Series(["PR", "PD", "CR"])).tolist()
    ['PR']
    """
    index = pd.Index(subjects.astype("str"))
    codes = index.get_indexer(pd.Index(subject.astype("str"))).astype(np.int64)
    day = np.asarray(days, dtype=np.float64)
    category = pd.Index(LABELS).get_indexer(pd.Index(responses.astype("str"))).astype(np.int64)
    progressed = np.full(len(index), np.inf)
    pd_rows = (codes >= 0) & (category == PD)
    np.minimum.at(progressed, codes[pd_rows], day[pd_rows])
    # Worst to best: NE, PD, SD, ... so that the highest counts.
    value = np.where(category == NE, 0, np.where(category == PD, 1, category + 2))
    used = (codes >= 0) & (category >= 0) & (day <= np.append(progressed, -np.inf)[codes])
    best = np.full(len(index), -1, dtype=np.int64)
    np.maximum.at(best, codes[used], value[used])
    return label_codes(best, ["NE", "PD", *CATEGORIES])
