"""How texts that stand for numbers or dates are put in order, and which of them cannot be told apart."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from . import columns
from .iso8601 import compare_partial
from .results import DecimalMark, read_number

Order = Literal["numbers", "dates", "letters", "unsure"]
Mask = npt.NDArray[np.bool_]
_ISO_DATE = re.compile(r"(?:[0-9]{4}|-)(?:-(?:[0-9]{2}|-)(?:-[0-9]{2})?|---?[0-9]{2})?(?:T.*)?")
_PARTIAL = re.compile(r"[0-9]{4}(?:-[0-9]{2})?|[0-9]{4}(?:-[0-9]{2}-|---[0-9]{2}|-----)(?:T.*)?")


def order_of(texts: Iterable[str], decimal: DecimalMark = ".") -> Order:
    """Say by what distinct texts are put in order: by size, by day (ISO 8601), or letter by letter.

    `unsure` are texts that begin with a digit and are neither: letter by letter `31/01/2019` comes after `01/02/2020`.

    >>> order_of(["9", "10"]), order_of(["2020-02", "2020-02-03T08:00"]), order_of(["A", "B"]), order_of(["31/01/2019"])
    ('numbers', 'dates', 'letters', 'unsure')
    """
    known = list(texts)
    if all(_ISO_DATE.fullmatch(text) for text in known):
        return "dates"
    if all(read_number(text, decimal) is not None for text in known):
        return "numbers"
    return "unsure" if any(text[:1].isdigit() for text in known) else "letters"


def has_partial(texts: Sequence[str]) -> bool:
    """Whether a date among the texts has no day."""
    return any(_PARTIAL.fullmatch(text) for text in texts)


def undecided(left: pd.Series, right: pd.Series) -> Mask:
    """Return where two columns of ISO 8601 dates differ, and a day that is not known could turn their order round.

    >>> undecided(pd.Series(["2020-02", "2020-01", "2020-02"]), pd.Series(["2020-02-02", "2020-02-02", "2020-02"])).tolist()
    [True, False, False]
    """
    texts = [columns.distinct(columns.as_text(side))[1] for side in (left, right)]
    if not (has_partial(texts[0]) or has_partial(texts[1])):
        return np.zeros(len(left), dtype=np.bool_)
    partial = [
        columns.numbers_of_distinct(side, lambda found: [float(bool(_PARTIAL.fullmatch(text))) for text in found])
        for side in (left, right)
    ]
    either = (partial[0].to_numpy() == 1) | (partial[1].to_numpy() == 1)
    return np.asarray(either & (compare_partial(left, right) == 0) & ~columns.same_text(left, right), dtype=np.bool_)
