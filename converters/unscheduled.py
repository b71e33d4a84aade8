"""Numbers of unscheduled visits: after the planned visit before them, 2.1, 2.2 (the same in every dataset of the study)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from .algorithms import columns
from .algorithms.iso8601 import date_days
from .dataset import Provenance
from .dataset_variables import visit_date
from .derivations.visits import unscheduled_visit_numbers
from .sdtm import Mapped
from .study import Study


def number_unscheduled(mapped: Sequence[Mapped], study: Study) -> None:
    """Give unscheduled visits their VISITNUM, and VISIT that number; nothing where the study has none.

    All records of all datasets that have a visit and a day count, so that a day of a subject has one number everywhere.
    """
    declared = study.file.unscheduled
    visited = [item for item in mapped if "VISIT" in item.frame.columns and "USUBJID" in item.frame.columns]
    parts = [part for item in visited if (part := _moments(item)) is not None]
    if declared is None or not parts:
        return
    extra = [_is_extra(part[1], declared.VISIT) for part in parts]
    if not any(mask.any() for mask in extra):
        return
    subject = columns.stack([part[1]["USUBJID"] for part in parts])
    numbers = np.concatenate(
        [np.where(mask, np.nan, part[1]["VISITNUM"]) for part, mask in zip(parts, extra, strict=True)]
    )
    days = np.concatenate([part[2] for part in parts])
    # A record of a planned visit without a number, or without a day, decides nothing.
    days = np.where(np.isnan(numbers) & ~np.concatenate(extra), np.nan, days)
    made = unscheduled_visit_numbers(subject, days, numbers, decimals=declared.decimals)
    start = 0
    for (item, _, own), mask in zip(parts, extra, strict=True):
        found = made[start : start + len(own)]
        start += len(own)
        item.frame["VISITNUM"] = pd.Series(np.where(mask, found, item.frame["VISITNUM"].to_numpy(dtype=np.float64)))
        named = pd.Series(np.where(mask, found, np.nan))
        name = columns.map_distinct(named, lambda texts: [f"{declared.VISIT} {text}" for text in texts])
        item.frame["VISIT"] = columns.choose([~columns.missing(name), ~mask], [name, item.frame["VISIT"]], len(own))
        method = (
            "Planned number; for an unscheduled visit that of the planned visit before it, plus 0.1 for each in turn."
        )
        item.provenance["VISITNUM"] = Provenance("Assigned", "Sponsor", method)


def _moments(item: Mapped) -> tuple[Mapped, pd.DataFrame, np.ndarray] | None:
    """Return a dataset with its days; None where it has no date or no number of visits."""
    date = visit_date(item.plan.name, item.frame.columns)
    if date is None or "VISITNUM" not in item.frame.columns:
        return None
    return item, item.frame, date_days(columns.as_text(item.frame[date]))


def _is_extra(frame: pd.DataFrame, name: str) -> np.ndarray:
    codes, texts = columns.distinct(columns.as_text(frame["VISIT"]))
    return np.asarray(np.append(np.array([text == name for text in texts], dtype=bool), False)[codes])
