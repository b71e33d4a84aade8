"""Processor time of the derivations that take records together: 100,000 subjects, 1,000,000 records.

    python benchmarks/derivations.py [--subjects 100000] [--each 10]

The records are made up by a seeded generator; every derivation runs once on whole columns, categorical text and float64.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from cdiscway.converters.derivations.baseline_change import base_values
from cdiscway.converters.derivations.carried_forward import carried_forward
from cdiscway.converters.derivations.date_imputation import impute_interval
from cdiscway.converters.derivations.exposure import running_total
from cdiscway.converters.derivations.extreme_event import EventRecords
from cdiscway.converters.derivations.keys import group_codes
from cdiscway.converters.derivations.last_known_alive import last_known_alive
from cdiscway.converters.derivations.occurrence_flags import first_occurrence, nearest_occurrence, worst_occurrence
from cdiscway.converters.derivations.periods import periods_of
from cdiscway.converters.derivations.sequence import sequence_number
from cdiscway.converters.derivations.summary_records import summarize
from cdiscway.converters.derivations.treatment_emergent import treatment_emergent
from cdiscway.converters.derivations.visits import Window, window_of

WINDOWS = [Window(f"WEEK {week}", week, 7 * week - 3, 7 * week + 3, 7 * week) for week in range(1, 20)]
SEVERITIES = ["MILD", "MODERATE", "SEVERE"]


def category(codes: np.ndarray, labels: list[str]) -> pd.Series:
    """Return codes as categorical text."""
    return pd.Series(pd.Categorical.from_codes(codes, categories=pd.Index(labels, dtype="str")))


def jobs(subjects: int, each: int) -> dict[str, Callable[[], object]]:
    """Return the derivations, ready to run."""
    random = np.random.default_rng(20150301)
    records = subjects * each
    names = [f"STDY01-{number:06}" for number in range(subjects)]
    everyone = pd.Series(names, dtype="str")
    subject = category(random.integers(0, subjects, records), names)
    test = category(random.integers(0, 20, records), [f"TEST{number}" for number in range(20)])
    severity = category(random.integers(0, 3, records), SEVERITIES)
    day = random.integers(1, 140, records).astype(float)
    number = pd.Series(random.permutation(records).astype(float))
    value = random.normal(50, 10, records)
    among = random.random(records) < 0.9
    keys = [pd.Series(day), number]
    texts = np.char.add("2022-0", random.integers(1, 10, records).astype(str))
    partial = pd.Series(np.where(random.random(records) < 0.5, texts, np.char.add(texts, "-15")), dtype="str")
    target = np.array([*(float(window.target or 0) for window in WINDOWS), np.nan])[window_of(day, WINDOWS)]
    death = np.where(random.random(subjects) < 0.1, 100.0, np.nan)
    return {
        "first of a group": lambda: first_occurrence([subject, test], keys, among),
        "worst of a group": lambda: worst_occurrence([subject], severity, SEVERITIES, keys, among),
        "nearest to its target": lambda: nearest_occurrence([subject, test], day, target, keys, among),
        "windows": lambda: window_of(day, WINDOWS),
        "baseline": lambda: base_values([subject, test], value, among & (day < 8) & (number.to_numpy() < 0)),
        "treatment-emergent": lambda: treatment_emergent(
            day, np.full(records, 20.0), np.full(records, 90.0), days_after=30
        ),
        "running total": lambda: running_total([subject], value, keys, among),
        "sequence": lambda: sequence_number(subject, keys),
        "start and end imputed": lambda: impute_interval(partial, partial, not_after=[np.full(records, 22900.0)]),
        "last known alive": lambda: last_known_alive(everyone, [EventRecords(subject, day, [number])], death=death),
        "periods": lambda: periods_of(everyone, subject, number.to_numpy(), number.to_numpy() + 5, severity),
        "means": lambda: summarize(*group_codes(subject, test), value, "mean"),
        "carried forward": lambda: carried_forward(
            [subject, test], np.round(day / 7), [float(week) for week in range(1, 20)], keys, among
        ),
    }


def main() -> None:
    """Run each derivation once and print its processor time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subjects", type=int, default=100_000)
    parser.add_argument("--each", type=int, default=10)
    given = parser.parse_args()
    for name, job in jobs(given.subjects, given.each).items():
        start = time.process_time()
        job()
        print(f"{name:24} {time.process_time() - start:6.2f} s")


if __name__ == "__main__":
    main()
