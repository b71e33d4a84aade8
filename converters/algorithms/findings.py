"""Results of Findings: the collected text as it is, and its standard form in standard units (SDTMIG 3.4, 6.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Context as Exact
from decimal import Decimal

import numpy as np
import pandas as pd

from cdiscway.converters.derivations.reference_range import reference_range_indicator
from cdiscway.converters.mapping import TestRow
from cdiscway.specs.model import VariableSpec

from . import columns
from .base import Context
from .results import (
    SIGNIFICANT_DIGITS,
    ParsedResult,
    is_held,
    parse_results,
    read_number,
    round_half_up,
    says_no_result,
)
from .terms import recode_to_terms
from .units import UnitError, convert_exactly, specimens_of, standard_unit

_EXACT = Exact(prec=60)


@dataclass(frozen=True)
class Collected:
    """What was collected for the rows of one test: result, unit, limits of the reference range and their unit."""

    result: pd.Series
    unit: pd.Series | None = None
    low: pd.Series | None = None
    high: pd.Series | None = None
    range_unit: pd.Series | None = None


@dataclass(frozen=True)
class StandardResults:
    """The result variables of one test (keys without prefix: ORRES, ORRESU, STRESC, STRESN, STRESU) and the method."""

    columns: Mapping[str, pd.Series]
    method: str


@dataclass(frozen=True, slots=True)
class _Standard:
    """One distinct result in its standard form; `trouble` says why there is none, `lost` is what no float64 holds."""

    text: str | None
    number: float
    unit: str | None
    trouble: str = ""
    lost: str = ""


@dataclass(frozen=True, slots=True)
class _Target:
    """The unit a test is standardised to (None: its own), and what a conversion may need."""

    unit: str | None
    molar_mass: Decimal | None = None
    valence: int | None = None
    wants: str = ""
    """The test, and what it has no standard unit without; empty where it has one, or the study asks for none."""

    def convert(self, number: Decimal, unit: str, target: str) -> Decimal:
        """Return a number in another unit; raises UnitError."""
        return convert_exactly(number, unit, target, molar_mass=self.molar_mass, valence=self.valence)


def standard_results(
    collected: Collected, test: TestRow, prefix: str, context: Context, variables: Mapping[str, VariableSpec]
) -> StandardResults:
    """Return the result variables of the rows of one test; work is done once per distinct (result, unit).

    A number is converted to the standard unit of the mapping, else of the standard table (where study.yaml declares `units`);
    a unit without a rule to it is an error finding, and the standard result is missing. Never is a value shown under another
    unit without being converted. A reference range is converted with the result, from its own unit.
    """
    original = _recoded(collected.unit, len(collected.result), prefix, context, variables)
    targets, kinds = _targets(test, prefix, context)
    codes, tuples = columns.distinct_tuples([collected.result, original, *([] if kinds is None else [kinds])])
    parsed = parse_results([item[0] for item in tuples], decimal=test.decimal or context.decimal)
    made = [
        _standardise(result, item[1], test, targets[item[2] or "" if kinds is not None else ""])
        for result, item in zip(parsed, tuples, strict=True)
    ]
    _report(made, tuples, codes, context, variables.get(f"{prefix}STRESN"))
    _report_factor(tuples, codes, test, context, variables.get(f"{prefix}STRESN"))
    _report_texts(parsed, tuples, codes, context, variables.get(f"{prefix}ORRES"))
    _report_kinds(targets, kinds, collected.result, test, context)
    numbers = np.array([item.number for item in made] + [np.nan])
    shown = {
        "ORRES": collected.result,
        "ORRESU": original,
        "STRESC": columns.from_codes(codes, [item.text for item in made]),
        "STRESN": pd.Series(numbers[codes]),
        "STRESU": columns.from_codes(codes, [item.unit for item in made]),
    }
    if collected.low is not None or collected.high is not None:
        units = (original, shown["STRESU"], _recoded(collected.range_unit, len(original), prefix, context, variables))
        shown |= _ranges(collected, units, test, (targets, kinds), context)
        bounds = [shown[name].to_numpy(dtype=np.float64) for name in ("STNRLO", "STNRHI")]
        message = "the lower limit of the reference range is above the upper one"
        context.report_rows(bounds[0] > bounds[1], "CDW-MAP-RANGE", message, "warning", fix_in="raw")
        if f"{prefix}NRIND" not in context.values:
            shown["NRIND"] = reference_range_indicator(numbers[codes], *bounds)
    return StandardResults(
        {name: column for name, column in shown.items() if f"{prefix}{name}" in variables}, _method(test, targets)
    )


def _recoded(
    unit: pd.Series | None, records: int, prefix: str, context: Context, variables: Mapping[str, VariableSpec]
) -> pd.Series:
    """Return units as the terms of the codelist of --ORRESU."""
    if unit is None:
        return columns.nothing(records)
    variable = variables.get(f"{prefix}ORRESU")
    if variable is None or not variable.codelists:
        return unit
    with context.about(variable):
        return recode_to_terms(unit, variable, context)


def _targets(test: TestRow, prefix: str, context: Context) -> tuple[dict[str, _Target], pd.Series | None]:
    """Return the standard unit of each kind of test in the rows, and the kind of each row (None: all are of one).

    A kind is a test code with its specimen. The entry of the empty kind is that of all rows of one kind.
    """
    found = {name: context.values.get(f"{prefix}{name}") for name in ("TESTCD", "SPEC")}
    parts = [columns.drop_unused(columns.as_text(part)) for part in found.values() if part is not None]
    if found["TESTCD"] is None or not parts or not len(context):
        return {"": _Target(test.standard_unit)}, None
    kinds = columns.combine(parts, lambda tuples: ["|".join(part or "" for part in item) for item in tuples])
    _, names = columns.distinct(kinds)
    targets = {name: _target(test, *name.partition("|")[::2], prefix, context) for name in names}
    distinct = set(targets.values())
    targets[""] = next(iter(targets.values()), _Target(test.standard_unit))
    return targets, None if len(distinct) <= 1 else kinds


def _target(test: TestRow, code: str, specimen: str, prefix: str, context: Context) -> _Target:
    """Return the standard unit of one test: the mapping's, else the standard table's where the study asks for it."""
    system = context.study.file.units
    row = standard_unit(code, specimen, system or "si")
    if row is None:
        known = specimens_of(code) if system is not None and test.standard_unit is None and test.factor is None else ()
        said = f"'{specimen}' has none" if specimen else f"set {prefix}SPEC"
        wants = f"{code} have a standard unit by specimen ({', '.join(known)}): {said}, or give 'standard_unit' or a 'factor'"
        return _Target(test.standard_unit, wants=wants if known else "")
    unit = test.standard_unit
    if unit is None and system is not None and test.factor is None:
        unit = row.unit
    return _Target(unit, row.molar_mass, row.valence)


def _standardise(parsed: ParsedResult, unit: str | None, test: TestRow, to: _Target) -> _Standard:
    """Bring one result to its standard form."""
    target = to.unit or unit
    if parsed.status == "ambiguous":
        return _Standard(None, np.nan, None, parsed.reason)
    if parsed.number is None:
        return _Standard(parsed.standard, np.nan, None)
    number = Decimal(parsed.number)
    if test.factor is not None and unit is not None and unit == test.standard_unit and Decimal(test.factor) != 1:
        return _Standard(
            None, np.nan, None, f"is in the standard unit already, which the factor {test.factor} would change"
        )
    if test.factor is not None:
        number = _EXACT.multiply(number, Decimal(test.factor))
    elif target != unit:
        if unit is None or target is None:
            return _Standard(None, np.nan, None, "has no unit")
        try:
            number = to.convert(number, unit, target)
        except UnitError as error:
            return _Standard(None, np.nan, None, str(error))
    text = parsed.number if number == Decimal(parsed.number) else f"{_shortest(number, parsed.number):f}"
    if test.decimals is not None:
        text = _rounded(number, test.decimals, text, parsed)
    value = np.nan if parsed.comparator else float(text)
    lost = "" if parsed.comparator or len(text) <= SIGNIFICANT_DIGITS or is_held(text) else text
    return _Standard(f"{parsed.comparator}{text}", value, target, lost=lost)


def _rounded(number: Decimal, decimals: int, text: str, parsed: ParsedResult) -> str:
    """Round a standard result. A limit of detection (<0.1) is rounded where it was converted only, and never to 0.

    `<0.1` as `<0` would be another statement, and an impossible one.
    """
    rounded = round_half_up(number, decimals)
    if parsed.comparator and (number == Decimal(parsed.number or 0) or not rounded):
        return text
    return f"{rounded:f}"


def _ranges(
    collected: Collected,
    units: tuple[pd.Series, pd.Series, pd.Series],
    test: TestRow,
    kinds: tuple[Mapping[str, _Target], pd.Series | None],
    context: Context,
) -> dict[str, pd.Series]:
    """Return the limits in the unit of the result (--ORNRLO, --ORNRHI) and in the standard unit (--STNRLO, --STNRHI).

    Each kind of test in the rows has its own standard unit and molar mass: `kinds` as `_targets` gives them.
    """
    original, standard, own = units
    targets, kind = kinds
    if collected.range_unit is None:
        own = original
    found: dict[str, pd.Series] = {}
    for suffix, limit in (("LO", collected.low), ("HI", collected.high)):
        given = columns.nothing(len(original)) if limit is None else limit
        codes, tuples = columns.distinct_tuples([given, own, original, standard, *([] if kind is None else [kind])])
        made = [_limit(item[:4], test, targets["" if kind is None else item[4] or ""], context) for item in tuples]
        found[f"ORNR{suffix}"] = columns.from_codes(codes, [text for text, _, _ in made])
        found[f"STNR{suffix}"] = pd.Series(np.array([number for _, number, _ in made] + [np.nan])[codes])
        for place, (_, _, trouble) in enumerate(made):
            if trouble:
                shown = " ".join(part for part in tuples[place][:2] if part)
                message = f"limit '{shown}' of the reference range has no standard form: {trouble}"
                context.report_value(codes == place, "", shown, "CDW-MAP-RANGE", message, kind="unit", whole=True)
    return found


def _limit(item: tuple[str | None, ...], test: TestRow, to: _Target, context: Context) -> tuple[str | None, float, str]:
    """Return one limit (text, its unit, unit of the result, standard unit) as original text, standard number, trouble."""
    text, own, original, standard = item
    number = None if text is None else read_number(text, test.decimal or context.decimal)
    if text is None or number is None:
        return text, np.nan, "" if text is None else "it is no number"
    value = Decimal(number)
    standard = standard or to.unit or original  # a row without a standard result has the range of its test all the same
    try:
        shown = (
            text
            if own == original or not own or not original
            else f"{_shortest(to.convert(value, own, original), number):f}"
        )
        if test.factor is not None and own == original:
            made = _EXACT.multiply(value, Decimal(test.factor))
        else:
            made = value if own == standard or not own or not standard else to.convert(value, own, standard)
    except UnitError as error:
        return text, np.nan, str(error)
    return shown, float(made if test.decimals is None else round_half_up(made, test.decimals)), ""


def _shortest(number: Decimal, collected: str) -> Decimal:
    """Return a converted number without trailing zeros: as many digits as a float holds, or as were collected."""
    digits = max(SIGNIFICANT_DIGITS, len(collected.lstrip("-0.").replace(".", "")))
    return _EXACT.normalize(Decimal(format(number, f".{digits}g")))


def _report(
    made: list[_Standard],
    pairs: list[tuple[str | None, ...]],
    codes: np.ndarray,
    context: Context,
    variable: VariableSpec | None,
) -> None:
    with context.about(variable):
        for place, (item, (text, unit, *_)) in enumerate(zip(made, pairs, strict=True)):
            if item.trouble:
                shown = f"{text} {unit}" if unit else str(text)
                message = f"result '{shown}' has no standard form: {item.trouble}"
                context.report_value(codes == place, "", shown, "CDW-MAP-UNIT", message, kind="unit", whole=True)
            elif item.lost:
                message = f"result '{item.lost}' has more digits than a number holds: they stand in the text alone"
                context.report_value(
                    codes == place,
                    "",
                    item.lost,
                    "CDW-MAP-NUMBER",
                    message,
                    severity="warning",
                    kind="number",
                    whole=True,
                )


def _report_factor(
    pairs: list[tuple[str | None, ...]],
    codes: np.ndarray,
    test: TestRow,
    context: Context,
    variable: VariableSpec | None,
) -> None:
    """One factor cannot be right for several units: told for all rows that have a unit."""
    units = dict.fromkeys(pair[1] for pair in pairs if pair[0] and pair[1] and pair[1] != test.standard_unit)
    if test.factor is not None and len(units) > 1:
        rows = np.isin(codes, [place for place, pair in enumerate(pairs) if pair[1] in units])
        message = f"results in several units ({', '.join(map(str, units))}) are multiplied by one factor, {test.factor}"
        with context.about(variable):
            context.report_rows(rows, "CDW-MAP-UNIT", message)


def _report_texts(
    parsed: list[ParsedResult],
    pairs: list[tuple[str | None, ...]],
    codes: np.ndarray,
    context: Context,
    variable: VariableSpec | None,
) -> None:
    """Tell texts that stand where a number is meant (`5 %`, `ND`): beside a unit, or in a test of numbers.

    They stay as they are, without a number. Texts of a test that is answered in words (POSITIVE, 1+) are results.
    """
    if all(result.status != "text" for result in parsed):
        return
    counts = np.bincount(codes[codes >= 0], minlength=len(parsed)).tolist()
    numbers = sum(count for count, result in zip(counts, parsed, strict=True) if result.number is not None)
    words = sum(count for count, result in zip(counts, parsed, strict=True) if result.status == "text")
    with context.about(variable):
        for place, (result, (text, unit, *_)) in enumerate(zip(parsed, pairs, strict=True)):
            why = "" if result.status != "text" or text is None else _why_no_number(text, unit, numbers > words)
            if why:
                message = f"result '{text}' {why}"
                context.report_value(
                    codes == place,
                    "",
                    str(text),
                    "CDW-MAP-RESULT",
                    message,
                    severity="warning",
                    kind="result",
                    whole=True,
                )


def _why_no_number(text: str, unit: str | None, among_numbers: bool) -> str:
    """Say why a text stands where a number is meant; empty for one that is a result."""
    if says_no_result(text):
        return "says that there is none: name it under 'words: not_done' or 'raw: missing' in study.yaml"
    if unit is not None:
        return f"is text beside the unit {unit}: it has no number"
    return "is text among numbers: it has no number" if among_numbers else ""


def _report_kinds(
    targets: Mapping[str, _Target], kinds: pd.Series | None, result: pd.Series, test: TestRow, context: Context
) -> None:
    """Tell the tests that stay in their own unit, though study.yaml asks for standard ones, for want of a specimen."""
    if all(not target.wants for target in targets.values()):
        return
    if kinds is None:
        _report_kind(~columns.missing(result), targets[""], context)
        return
    codes, names = columns.distinct(kinds)
    for place, name in enumerate(names):
        if targets[name].wants:
            _report_kind((codes == place) & ~columns.missing(result), targets[name], context)


def _report_kind(rows: np.ndarray, target: _Target, context: Context) -> None:
    if rows.any():
        message = f"results of {target.wants}; until then they stay in the unit they were collected in"
        context.report_rows(rows, "CDW-MAP-UNIT", message, "warning")


def _method(test: TestRow, targets: Mapping[str, _Target]) -> str:
    rounding = "" if test.decimals is None else f", rounded to {test.decimals} decimals"
    if test.factor is not None:
        return f"Collected result multiplied by {test.factor}{rounding}."
    units = list(dict.fromkeys(target.unit for target in targets.values()))
    if units == [None]:
        return f"Collected result with a decimal point{rounding}."
    to = units[0] if len(units) == 1 else "the standard unit of the test"
    return f"Collected result converted to {to}{rounding}."
