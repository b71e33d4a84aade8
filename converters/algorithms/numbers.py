"""Numbers for Num variables: text read under the declared decimal mark; what is no number is a finding."""

from __future__ import annotations

import pandas as pd

from cdiscway.specs.model import VariableSpec

from . import columns
from .base import Context
from .results import read_number


def read_numbers(column: pd.Series, variable: VariableSpec, context: Context) -> pd.Series:
    """Return a text column as float64; a text that is no number becomes missing, and an error finding with the text."""
    codes, texts = columns.distinct(column)
    numbers = [read_number(text, context.decimal) for text in texts]
    for place, (text, number) in enumerate(zip(texts, numbers, strict=True)):
        if number is None:
            message = f"cannot be read as a number (decimal mark '{context.decimal}')"
            context.report_value(codes == place, variable.name, text, "CDW-MAP-NUMBER", message, kind="number")
    values = [float("nan") if number is None else float(number) for number in numbers]
    return columns.numbers_of_distinct(column, lambda _: values)
