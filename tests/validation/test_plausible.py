"""Data that hardly can be: each question is asked of data that answer it, and of data that are in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import pytest

from cdiscway.converters.dataset import BuiltDataset, DatasetMetadata, VariableMetadata
from cdiscway.specs.codelists import load_terminology
from cdiscway.validation.checks import RULES, Study
from cdiscway.validation.checks.plausible import _different, _medians, _sexes
from cdiscway.validation.intake import guess_spec

Rows = Sequence[Mapping[str, object]]
NUMBERS = {"AGE", "VSSTRESN", "LBSTRESN", "EXDOSE"}


def built(name: str, rows: Rows) -> BuiltDataset:
    frame = pd.DataFrame(list(rows))
    types = {n: "Num" if n in NUMBERS else "Char" for n in frame.columns}
    frame = frame.astype({n: "float64" if kind == "Num" else "str" for n, kind in types.items()})
    metadata = DatasetMetadata(name, name, tuple(VariableMetadata(n, n, types[n], 8) for n in frame.columns))  # type: ignore[arg-type]
    return BuiltDataset(guess_spec(metadata), frame, metadata)


DM = [
    {"USUBJID": str(n), "SEX": "F" if n % 2 else "M", "AGE": 50 if n else 8, "AGEU": "YEARS", "RFPENDTC": "2020-06-01"}
    for n in range(6)
]


def found(rule: str, name: str, rows: Rows, **others: Rows) -> list[int]:
    """Return the records (from 0) that a rule tells."""
    datasets = {n: built(n, r) for n, r in {"DM": DM, **others, name: rows}.items()}
    study = Study(datasets)
    view = study.view(name)
    planned = RULES[rule]
    if not planned.applies(study, view):
        return []
    positions = [hit.positions for hit in planned.find(study, view) if hit.positions is not None]
    return sorted({int(at) for part in positions for at in part})


def results(
    values: Sequence[float], subject: str = "1", test: str = "HGB", prefix: str = "LB"
) -> list[dict[str, object]]:
    return [
        {"DOMAIN": prefix, "USUBJID": subject, f"{prefix}TESTCD": test, f"{prefix}ORRES": f"{value:g}",
         f"{prefix}STRESN": value, f"{prefix}STRESU": "g/L", f"{prefix}DTC": f"2020-01-{day:02d}"}
        for day, value in enumerate(values, 1)
    ]  # fmt: skip


STEADY = [120, 125, 118, 130, 122, 119, 127]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (STEADY, []),
        ([*STEADY, 12.5], [7]),
        ([12500, *STEADY], [0]),
        ([*STEADY, 60], []),
        ([*STEADY, 1.25e7], []),
        ([*STEADY[:4], 12.5], []),
        ([3.75, 28.65, 43.93, 40.16, 46.55], []),
        ([*STEADY, 0, 12.5], [8]),
    ],
    ids=[
        "steady",
        "ten below",
        "hundred above",
        "no power of ten",
        "too far",
        "too few",
        "a real rise",
        "none and ten below",
    ],
)
def test_a_jump_by_a_power_of_ten_is_found(values: list[float], expected: list[int]) -> None:
    rows = results(values)
    if expected == [8]:
        rows[7]["LBSTRESN"] = None
    assert found("CDW-UNIT-JUMP", "LB", rows) == expected


def test_a_value_copied_through_all_visits_is_found() -> None:
    spread = [row for n in range(2, 5) for row in results([100 + n + i for i in range(8)], str(n))]
    assert found("CDW-SAME-VALUE", "LB", [*spread, *results([120] * 6)]) == []
    spread += results([50 + i for i in range(20)], "5")
    assert found("CDW-SAME-VALUE", "LB", [*spread, *results([120] * 6)]) == [44, 45, 46, 47, 48, 49]
    assert found("CDW-SAME-VALUE", "LB", [*spread, *results([120] * 5)]) == []


def test_digits_that_are_rounded_are_found() -> None:
    even = results([60 + i % 90 for i in range(200)], prefix="VS", test="SYSBP")
    tens = results([60 + 10 * (i % 40) + (i % 5 == 0) for i in range(200)], prefix="VS", test="SYSBP")
    assert found("CDW-DIGITS", "VS", even) == []
    assert len(found("CDW-DIGITS", "VS", tens)) == 160


def test_results_of_another_subject_are_found() -> None:
    def form(subject: str, values: Sequence[float], day: str = "2020-01-01") -> list[dict[str, object]]:
        tests = ("HGB", "WBC", "PLAT", "NEUT", "CREAT")
        return [
            {"DOMAIN": "LB", "USUBJID": subject, "LBTESTCD": test, "LBORRES": f"{value:g}", "LBDTC": day}
            for test, value in zip(tests, values, strict=False)
        ]

    one, other = [98, 4.25, 211, 2.08, 77], [98, 4.25, 212, 2.08, 77]
    assert found("CDW-TWINS", "LB", [*form("1", one), *form("2", one, "2020-02-02"), *form("3", other)]) == list(
        range(10)
    )
    assert found("CDW-TWINS", "LB", [*form("1", one), *form("1", one, "2020-02-02")]) == []
    assert found("CDW-TWINS", "LB", [*form("1", one[:3]), *form("2", one[:3])]) == []
    assert found("CDW-TWINS", "LB", [*form("1", one), *form("2", list(reversed(one)))]) == []


@pytest.mark.parametrize(
    ("subject", "height", "weight", "expected"),
    [
        ("1", 172, 70, []),
        ("1", 70, 172, [0, 1]),
        ("1", 1.72, 70, [0, 1]),
        ("1", 172, 700, [1]),
        ("1", 172, 7, [1]),
        ("0", 90, 12, []),
        ("9", 90, 12, []),
    ],
    ids=["in order", "the wrong way round", "metres", "ten times", "a tenth", "a child", "unknown"],
)
def test_body_sizes_that_cannot_be_are_found(subject: str, height: float, weight: float, expected: list[int]) -> None:
    rows = [
        {"DOMAIN": "VS", "USUBJID": subject, "VSTESTCD": test, "VSSTRESN": value, "VSSTRESU": unit}
        for test, value, unit in (("HEIGHT", height, "cm"), ("WEIGHT", weight, "kg"))
    ]
    assert found("CDW-BODY-SIZE", "VS", rows) == expected


def dose(start: str, end: str, treatment: str = "A", subject: str = "1", amount: float = 10) -> dict[str, object]:
    return {
        "DOMAIN": "EX",
        "USUBJID": subject,
        "EXTRT": treatment,
        "EXDOSE": amount,
        "EXDOSU": "mg",
        "EXSTDTC": start,
        "EXENDTC": end,
    }


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([dose("2020-01-01", "2020-01-07"), dose("2020-01-07", "2020-01-14")], []),
        ([dose("2020-01-01", "2020-01-07"), dose("2020-01-06", "2020-01-14")], [1]),
        ([dose("2020-01-06", "2020-01-14"), dose("2020-01-01", "2020-01-07")], [0]),
        (
            [dose("2020-01-01", "2020-01-31"), dose("2020-01-02", "2020-01-03"), dose("2020-01-09", "2020-02-01")],
            [1, 2],
        ),
        ([dose("2020-01-01", "2020-01-07"), dose("2020-01-06", "2020-01-14", "B")], []),
        ([dose("2020-01-01", "2020-01-07"), dose("2020-01-06", "2020-01-14", subject="2")], []),
        ([dose("2020-01", "2020-01-07"), dose("2020-01-06", "2020-01-14")], []),
    ],
    ids=[
        "one day in both",
        "overlap",
        "out of order",
        "within a long one",
        "another treatment",
        "another subject",
        "partial",
    ],
)
def test_doses_that_overlap_are_found(rows: Rows, expected: list[int]) -> None:
    assert found("CDW-DOSE-OVERLAP", "EX", rows) == expected
    events = [
        {
            "DOMAIN": "AE",
            "USUBJID": r["USUBJID"],
            "AEDECOD": r["EXTRT"],
            "AESTDTC": r["EXSTDTC"],
            "AEENDTC": r["EXENDTC"],
        }
        for r in rows
    ]
    assert found("CDW-EVENT-OVERLAP", "AE", events) == expected


def test_a_dose_far_from_the_others_is_found() -> None:
    rows = [
        dose("2020-01-01", "2020-01-01", amount=amount) for amount in [10, 12, 8, 11, 9, 10, 10, 11, 10, 49, 1.9, 100]
    ]
    assert found("CDW-DOSE-FAR", "EX", rows) == [10, 11]
    assert found("CDW-DOSE-FAR", "EX", rows[3:]) == []


def test_dates_after_the_cutoff_are_found() -> None:
    ts = [{"TSPARMCD": "DCUTDTC", "TSVAL": "2020-06-30"}]
    rows = [dose(day, day) for day in ("2020-06-30", "2020-07", "2002-06-30", "2021", "2020")]
    assert found("CDW-AFTER-CUTOFF", "EX", rows, TS=ts) == [1, 3]
    assert found("CDW-AFTER-CUTOFF", "EX", rows, TS=[{"TSPARMCD": "TITLE", "TSVAL": "A"}]) == []


def test_tests_of_the_other_sex_are_found() -> None:
    rows = [
        {"DOMAIN": "LB", "USUBJID": subject, "LBTESTCD": test, "LBORRES": value}
        for subject, test, value in (
            ("1", "PREGST", "N"),
            ("2", "PREGST", "N"),
            ("2", "PREGST", ""),
            ("1", "SPERM", "1"),
            ("2", "HCG", "1"),
        )
    ]
    rows[2]["LBORRES"] = None  # type: ignore[assignment]
    assert found("CDW-SEX-TEST", "LB", rows) == [1, 3]


def test_tests_of_one_sex_are_terms() -> None:
    terminology = load_terminology()
    known = {term.value for name in ("LBTESTCD", "RPTESTCD") for term in terminology.codelist(name).terms}
    assert {test for tests in _sexes().values() for test in tests} <= known


def test_medians_and_counts_are_those_of_pandas() -> None:
    generator = np.random.default_rng(1)
    values = np.where(generator.random(500) < 0.1, np.nan, generator.integers(0, 40, 500).astype(float))
    groups = generator.integers(0, 30, 500)
    frame = pd.DataFrame({"v": values, "g": groups})
    median, count = _medians(values, groups)
    np.testing.assert_array_equal(median, frame.groupby("g")["v"].transform("median"))
    np.testing.assert_array_equal(count, frame.groupby("g")["v"].transform("count"))
    known = ~np.isnan(values)
    np.testing.assert_array_equal(
        _different(groups[known], values[known].astype(int), 30), frame.groupby("g")["v"].nunique().to_numpy()
    )
