"""Sequence number (--SEQ, ASEQ): 1, 2, ... within a subject in the order of declared keys (SDTMIG 3.4, 4.1.5)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from .keys import ranks, undecided_by

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


def sequence_number(subject: pd.Series, keys: Sequence[pd.Series]) -> Floats:
    """Return the number of each record within its subject, sorted by the keys (missing first).

    Give keys that tell all records apart, the natural keys and then the other variables: records alike in all of them
    get their numbers in the order of the rows. `undecided` shows them.

    >>> sequence_number(pd.Series(["1", "2", "1"]), [pd.Series(["b", "a", "a"])]).tolist()
    [2.0, 1.0, 1.0]
    """
    codes = ranks(subject)
    order = np.lexsort([*(ranks(key) for key in reversed(keys)), codes])
    grouped = codes[order]
    starts = np.flatnonzero(np.append(True, grouped[1:] != grouped[:-1])) if len(order) else np.zeros(0, dtype=np.int64)
    numbers = np.empty(len(order))
    numbers[order] = np.arange(len(order)) - np.repeat(starts, np.diff(np.append(starts, len(order)))) + 1
    return numbers


def undecided(subject: pd.Series, keys: Sequence[pd.Series]) -> Mask:
    """Return which records share all keys with another one: their sequence numbers are not decided by the keys.

    >>> undecided(pd.Series(["1", "1", "2"]), [pd.Series(["a", "a", "a"])]).tolist()
    [True, True, False]
    """
    return undecided_by([subject, *keys], np.ones(len(subject), dtype=np.bool_))
