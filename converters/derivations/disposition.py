"""End of study (EOSSTT, DCSREAS) from the disposition event of each subject (DS; admiral: derive_var_disposition_status)."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import numpy as np
import pandas as pd

from .keys import label_codes

STATUSES = ("ONGOING", "COMPLETED", "DISCONTINUED")


class Disposition(NamedTuple):
    """EOSSTT and DCSREAS, one per subject."""

    status: pd.Series
    reason: pd.Series


def disposition(
    decod: pd.Series,
    *,
    completed: Collection[str] = ("COMPLETED",),
    not_enrolled: Collection[str] = ("SCREEN FAILURE",),
) -> Disposition:
    """Return the status and, for the discontinued, the reason of each subject's one disposition event (DSDECOD).

    Without an event the subject is ONGOING. Who was never enrolled has neither.

    >>> status, reason = disposition(pd.Series(["COMPLETED", "DEATH", None, "SCREEN FAILURE"], dtype="str"))
    >>> status.tolist(), reason.tolist()
    (['COMPLETED', 'DISCONTINUED', 'ONGOING', nan], [nan, 'DEATH', nan, nan])
    """
    texts = decod.astype("str")
    out = texts.isin(list(not_enrolled)).to_numpy(dtype=np.bool_)
    done = texts.isin(list(completed)).to_numpy(dtype=np.bool_)
    none = texts.isna().to_numpy(dtype=np.bool_)
    codes = np.where(out, -1, np.where(none, 0, np.where(done, 1, 2)))
    places, reasons = pd.factorize(texts)
    return Disposition(label_codes(codes, STATUSES), label_codes(np.where(codes == 2, places, -1), list(reasons)))
