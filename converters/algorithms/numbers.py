"""Numbers for Num variables: text read under the declared decimal mark; what is no number is a finding."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cdiscway.specs.model import VariableSpec

from . import columns
from .base import Context
from .results import SIGNIFICANT_DIGITS, is_held, read_number


def read_numbers(column: pd.Series, variable: VariableSpec, context: Context) -> pd.Series:
    """Return a text column as float64; a text that is no number becomes missing, and an error finding with the text."""
    codes, texts = columns.distinct(columns.drop_unused(column))
    numbers = [read_number(text, context.decimal) for text in texts]
    for place, (text, number) in enumerate(zip(texts, numbers, strict=True)):
        if number is None:
            message = f"cannot be read as a number (decimal mark '{context.decimal}')"
            name = context.reads(variable.name)
            context.report_value(codes == place, name, text, "CDW-MAP-NUMBER", message, kind="number")
        elif len(number) > SIGNIFICANT_DIGITS and not is_held(number):
            message, name = "has more digits than a number holds", context.reads(variable.name)
            context.report_value(
                codes == place, name, text, "CDW-MAP-NUMBER", message, severity="warning", kind="number"
            )
    values = [float("nan") if number is None else float(number) for number in numbers]
    return pd.Series(np.append(np.asarray(values, dtype=np.float64), np.nan)[codes])
