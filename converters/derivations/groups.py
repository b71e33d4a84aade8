"""Groups of a number by declared cut points (AGEGR1 and AGEGR1N, and the like)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from .keys import label_codes

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Group:
    """One group: its label, and where it ends: `below` a number or `up_to` and with it; neither for the last one."""

    label: str
    below: float | None = None
    up_to: float | None = None


def check_groups(groups: Sequence[Group]) -> list[str]:
    """Return what is wrong with the declared groups: ends that do not rise, a group after an open one, two ends.

    >>> check_groups([Group("<65", below=65), Group("50+", up_to=50), Group("rest")])
    ["group '50+' ends at 50, not above the group before it (65)"]
    """
    mistakes: list[str] = []
    last = -np.inf
    for place, group in enumerate(groups):
        end = group.below if group.below is not None else group.up_to
        if group.below is not None and group.up_to is not None:
            mistakes.append(f"group '{group.label}' has two ends")
        elif end is None and place < len(groups) - 1:
            mistakes.append(f"group '{group.label}' has no end, so the groups after it stay empty")
        elif end is not None and end <= last and not (end == last and group.up_to is not None):
            mistakes.append(f"group '{group.label}' ends at {end:g}, not above the group before it ({last:g})")
        last = last if end is None else max(last, end)
    return mistakes


def group_of(values: npt.ArrayLike, groups: Sequence[Group]) -> tuple[pd.Series, Floats]:
    """Return the label and the number (1 the first) of the first group that holds each value; missing for none.

    >>> labels, numbers = group_of([64.0, 65.0, 81.0], [Group("<65", below=65), Group("65-80", up_to=80), Group(">80")])
    >>> labels.tolist(), numbers.tolist()
    (['<65', '65-80', '>80'], [1.0, 2.0, 3.0])
    """
    numbers = np.asarray(values, dtype=np.float64)
    codes = np.full(len(numbers), -1, dtype=np.int64)
    for place in range(len(groups) - 1, -1, -1):
        group = groups[place]
        inside = ~np.isnan(numbers)
        if group.below is not None:
            inside &= numbers < group.below
        if group.up_to is not None:
            inside &= numbers <= group.up_to
        codes[inside] = place
    return label_codes(codes, [group.label for group in groups]), np.where(codes < 0, np.nan, codes + 1.0)
