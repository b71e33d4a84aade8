"""Results of Findings: the collected text as it is, and its standard form in standard units (SDTMIG 3.4, 6.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pandas as pd

from cdiscway.converters.mapping import TestRow
from cdiscway.specs.model import VariableSpec

from . import columns
from .base import Context
from .results import ParsedResult, parse_results, round_half_up
from .terms import recode_to_terms
from .units import UnitError, convert_exactly


@dataclass(frozen=True)
class StandardResults:
    """The result variables of one test (keys without prefix: ORRES, ORRESU, STRESC, STRESN, STRESU) and the method."""

    columns: Mapping[str, pd.Series]
    method: str


@dataclass(frozen=True, slots=True)
class _Standard:
    """One distinct result in its standard form; `trouble` says why there is none."""

    text: str | None
    number: float
    unit: str | None
    trouble: str = ""


def standard_results(
    result: pd.Series,
    unit: pd.Series | None,
    test: TestRow,
    prefix: str,
    context: Context,
    variables: Mapping[str, VariableSpec],
) -> StandardResults:
    """Return the result variables of the rows of one test; work is done once per distinct (result, unit).

    A number is converted to the standard unit of the mapping; a unit without a rule to it is an error finding, and the
    standard result is missing. Never is a value shown under another unit without being converted.
    """
    original = unit if unit is not None else columns.nothing(len(result))
    variable = variables.get(f"{prefix}ORRESU")
    if variable is not None and variable.codelists and unit is not None:
        context.target = variable
        original = recode_to_terms(original, variable, context)
        context.target = None
    codes, pairs = columns.distinct_tuples([result, original])
    parsed = parse_results([text for text, _ in pairs], decimal=context.decimal)
    made = [_standardise(item, pair[1], test) for item, pair in zip(parsed, pairs, strict=True)]
    _report(made, pairs, codes, context, variables.get(f"{prefix}STRESN"))
    numbers = np.array([item.number for item in made] + [np.nan])
    shown = {
        "ORRES": result,
        "ORRESU": original,
        "STRESC": columns.from_codes(codes, [item.text for item in made]),
        "STRESN": pd.Series(numbers[codes]),
        "STRESU": columns.from_codes(codes, [item.unit for item in made]),
    }
    return StandardResults(
        {name: column for name, column in shown.items() if f"{prefix}{name}" in variables}, _method(test)
    )


def _standardise(parsed: ParsedResult, unit: str | None, test: TestRow) -> _Standard:
    """Bring one result to its standard form."""
    target = test.standard_unit or unit
    if parsed.status == "ambiguous":
        return _Standard(None, np.nan, None, parsed.reason)
    if parsed.number is None:
        return _Standard(parsed.standard, np.nan, None)
    number = Decimal(parsed.number)
    if test.factor is not None:
        number *= Decimal(test.factor)
    elif target != unit:
        if unit is None or target is None:
            return _Standard(None, np.nan, None, "has no unit")
        try:
            number = convert_exactly(number, unit, target)
        except UnitError as error:
            return _Standard(None, np.nan, None, str(error))
    text = parsed.number if number == Decimal(parsed.number) else f"{_shortest(number):f}"
    if test.decimals is not None:
        text = f"{round_half_up(number, test.decimals):f}"
    value = np.nan if parsed.comparator else float(text)
    return _Standard(f"{parsed.comparator}{text}", value, target)


def _shortest(number: Decimal) -> Decimal:
    """Return a converted number without trailing zeros, and with no more digits than a float holds."""
    return Decimal(format(number, ".15g")).normalize()


def _report(
    made: list[_Standard],
    pairs: list[tuple[str | None, ...]],
    codes: np.ndarray,
    context: Context,
    variable: VariableSpec | None,
) -> None:
    context.target = variable
    for place, (item, (text, unit)) in enumerate(zip(made, pairs, strict=True)):
        if item.trouble:
            shown = f"{text} {unit}" if unit else str(text)
            message = f"result '{shown}' has no standard form: {item.trouble}"
            context.report_value(codes == place, "", shown, "CDW-MAP-UNIT", message, kind="unit", whole=True)
    context.target = None


def _method(test: TestRow) -> str:
    if test.factor is not None:
        return f"Collected result multiplied by {test.factor}."
    if test.standard_unit is None:
        return "Collected result with a decimal point."
    rounding = "" if test.decimals is None else f", rounded to {test.decimals} decimals"
    return f"Collected result converted to {test.standard_unit}{rounding}."
