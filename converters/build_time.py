"""The time that dates every file: never the clock, so that the same study gives the same bytes."""

from __future__ import annotations

import os
from datetime import datetime

from .study import Study


def build_time(study: Study) -> datetime:
    """Return the time that dates every file: SOURCE_DATE_EPOCH where it is set, else the cut-off of the raw data."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if epoch:
        return datetime.utcfromtimestamp(int(epoch))
    return datetime.combine(study.file.raw.cutoff, datetime.min.time())
