"""Convert numbers from one unit into another: exact factors, checked dimensions, or a reason why not.

A unit is read as CDISC writes it (`10^9/L`, `mg/kg/day`, `mL/min/1.73 m2`) into a factor and dimensions; the table is
`specs/terminology/units.yaml`. Nothing is relabelled: where no rule holds, `UnitError` says why, and the caller
makes a finding of it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import Any, Literal

from cdiscway.specs.codelists import match_terms
from cdiscway.specs.model import Codelist
from cdiscway.specs.package import read_package
from cdiscway.specs.store import bundled
from cdiscway.specs.units import fold_unit, unit_data

System = Literal["si", "conventional"]
_EXACT = Context(prec=60)
_DIGITS = Context(prec=15, rounding=ROUND_HALF_EVEN)


class UnitError(ValueError):
    """No rule converts one unit into the other; the message says why."""


@dataclass(frozen=True)
class Unit:
    """What a unit is: `factor` times its dimensions, each with its power (g/L: 1000, mass 1, length -3).

    `share` is what the share is of (`volume`, `amount`, ...) where the dimensions cancel out.
    """

    text: str
    factor: Fraction
    dimensions: Mapping[str, int]
    share: str = ""

    @property
    def measures(self) -> str:
        """The dimensions in words, for messages."""
        if not self.dimensions:
            return f"a share of {self.share}" if self.share else "a plain number"
        return " ".join(name if power == 1 else f"{name}^{power}" for name, power in sorted(self.dimensions.items()))


@dataclass(frozen=True)
class Conversion:
    """value in `to_unit` = (value in `from_unit` + `before`) * `factor` + `after`, exactly."""

    from_unit: str
    to_unit: str
    factor: Fraction
    before: Fraction = Fraction(0)
    after: Fraction = Fraction(0)

    @property
    def method(self) -> str:
        """The rule in words, for define.xml."""
        if self.factor == 1 and not (self.before or self.after):
            return f"{self.from_unit} equals {self.to_unit}"
        steps = [f"plus {_shown(self.before)}" if self.before else "", f"multiplied by {_shown(self.factor)}"]
        steps.append(f"plus {_shown(self.after)}" if self.after else "")
        return f"{self.from_unit} to {self.to_unit}: {', '.join(step for step in steps if step)}"

    def apply(self, value: Decimal) -> Decimal:
        """Return the value in the new unit: exact, or to 15 significant digits where it never ends (1/60).

        >>> conversion("g/dL", "g/L").apply(Decimal("13.5"))
        Decimal('135')
        """
        if self._times is not None:
            return _plain(_EXACT.multiply(value, self._times))
        return _decimal((Fraction(value) + self.before) * self.factor + self.after)

    @functools.cached_property
    def _times(self) -> Decimal | None:
        """The factor as a decimal, where it is one and all there is to do: five times as fast as with fractions."""
        if self.before or self.after:
            return None
        shown = _decimal(self.factor)
        return shown if Fraction(shown) == self.factor else None


@dataclass(frozen=True)
class StandardUnit:
    """The unit a test is reported in, with what the conversion to it may need."""

    unit: str
    molar_mass: Decimal | None = None
    valence: int | None = None


def convert(
    values: Iterable[Decimal | None],
    from_unit: str,
    to_unit: str,
    *,
    molar_mass: Decimal | None = None,
    valence: int | None = None,
) -> list[Decimal | None]:
    """Return the (distinct) values in another unit, missing as missing; raises UnitError.

    `molar_mass` (g/mol) is needed between mass and amount, `valence` between amount and equivalents.
    """
    rule = conversion(from_unit, to_unit, molar_mass=molar_mass, valence=valence)
    return [None if value is None else rule.apply(value) for value in values]


def convert_exactly(
    value: Decimal, from_unit: str, to_unit: str, *, molar_mass: Decimal | None = None, valence: int | None = None
) -> Decimal:
    """Return one value in another unit; raises UnitError.

    >>> convert_exactly(Decimal("37.0"), "°C", "F")
    Decimal('98.6')
    """
    return conversion(from_unit, to_unit, molar_mass=molar_mass, valence=valence).apply(value)


@functools.lru_cache(maxsize=1024)
def conversion(
    from_unit: str, to_unit: str, *, molar_mass: Decimal | None = None, valence: int | None = None
) -> Conversion:
    """Return the rule from one unit to another; raises UnitError with the reason.

    >>> conversion("mg/dL", "umol/L", molar_mass=Decimal("113.12")).apply(Decimal("1.0"))
    Decimal('88.4016973125884')
    """
    source, target = fold_unit(from_unit), fold_unit(to_unit)
    if not source or not target:
        raise UnitError("the result has no unit" if not source else "no unit to convert to")
    if source == target:
        return Conversion(from_unit, to_unit, Fraction(1))
    hot = _temperatures()
    if source in hot and target in hot:
        (add, times), (other_add, other_times) = hot[source], hot[target]
        return Conversion(from_unit, to_unit, times / other_times, add, -other_add)
    old, new = read_unit(from_unit), read_unit(to_unit)
    factor = old.factor / new.factor * _bridge(old, new, molar_mass, valence)
    return Conversion(from_unit, to_unit, factor)


def normalise_unit(text: str, codelist: Codelist) -> str:
    """Return the CDISC unit (UNIT, VSRESU) a text stands for; raises UnitError where none or several fit."""
    match = match_terms(codelist, [text])[0]
    if match.term is None:
        several = f" (it could be {', '.join(match.candidates)})" if match.candidates else ""
        raise UnitError(f"'{text}' is no unit of {codelist.name}{several}")
    return match.term.value


def standard_unit(test: str, specimen: str = "", system: System = "si") -> StandardUnit | None:
    """Return the standard unit of a test code in a specimen (`CREAT`, `SERUM`), or None where the table has none."""
    for row in unit_data()["standard_units"]:
        if test in row["tests"] and (not row.get("specimens") or specimen in row["specimens"]):
            mass, valence = row.get("molar_mass"), row.get("valence")
            return StandardUnit(row[system], Decimal(mass) if mass else None, int(valence) if valence else None)
    return None


@functools.lru_cache(maxsize=1024)
def specimens_of(test: str) -> tuple[str, ...]:
    """Return the specimens for which a test code has a standard unit; empty where the table has none, or needs none.

    >>> "SERUM" in specimens_of("CREAT"), specimens_of("HGB")
    (True, ())
    """
    rows = [row.get("specimens") or () for row in unit_data()["standard_units"] if test in row["tests"]]
    return tuple(dict.fromkeys(name for names in rows for name in names)) if all(rows) else ()


@functools.lru_cache(maxsize=1024)
def read_unit(text: str) -> Unit:
    """Read a unit's factor and dimensions, under its CDISC name where the text is a synonym (K/cumm).

    Raises UnitError where the table does not know a part of it.

    >>> read_unit("g/dL").factor == 10 * read_unit("g/L").factor
    True
    """
    try:
        return _read(text, fold_unit(text))
    except UnitError:
        match = match_terms(_bundled_units(), [text])[0]
        if match.term is None:
            raise
        return _read(text, fold_unit(match.term.value))


@functools.cache
def _bundled_units() -> Codelist:
    title = next(title for title in bundled() if title.startswith("SDTM"))
    return read_package(bundled()[title]).codelist("UNIT")


def _read(text: str, folded: str) -> Unit:
    shares = {name.replace(" ", ""): factor for name, factor in unit_data()["shares"].items()}
    if folded in shares:
        return Unit(text, _number(shares[folded]), {})
    factor, dimensions, over = Fraction(1), dict[str, int](), dict[str, int]()
    for i, part in enumerate(folded.split("/")):  # all but the first stand under the line
        sign = -1 if i else 1
        one, powers = _product(part, text)
        factor *= one**sign
        for name, power in powers.items():
            dimensions[name] = dimensions.get(name, 0) + sign * power
            over[name] = over.get(name, 0) + power
    left = {name: power for name, power in dimensions.items() if power}
    return Unit(text, factor, left, "" if left else _share_of(over))


def _product(part: str, text: str) -> tuple[Fraction, dict[str, int]]:
    """Return factor and dimensions of a product such as `10^9`, `1.73m2`, `mmHg*min`."""
    factor, dimensions = Fraction(1), dict[str, int]()
    for word in part.split("*"):
        rest = word
        number = re.match(r"\d+\^-?\d+|\d+(?:\.\d+)?", rest)
        if number:
            factor *= _number(number.group())
            rest = rest[number.end() :]
        if rest:
            one, powers = _atom(rest, text)
            factor *= one
            for name, power in powers.items():
                dimensions[name] = dimensions.get(name, 0) + power
    return factor, dimensions


def _atom(word: str, text: str) -> tuple[Fraction, dict[str, int]]:
    """Return factor and dimensions of one word: `mg`, `m2`, `mmol`."""
    known = _atoms()
    found = re.fullmatch(r"(.*?)([2-9]?)", word)
    name, power = (word, 1) if found is None or word in known else (found[1], int(found[2] or 1))
    if name not in known:
        raise UnitError(f"'{text}' is not a unit with a rule" + (f" ('{word}' is unknown)" if word != text else ""))
    factor, dimensions = known[name]
    return factor**power, {dimension: power * one for dimension, one in dimensions.items()}


@functools.cache
def _atoms() -> dict[str, tuple[Fraction, dict[str, int]]]:
    """Return every word of the table, with each prefix it takes."""
    data = unit_data()
    prefixes = {"": Fraction(1), **{name: _number(value) for name, value in data["prefixes"].items()}}
    found: dict[str, tuple[Fraction, dict[str, int]]] = {}

    def add(name: str, factor: Fraction, dimensions: dict[str, int], *, prefixed: bool) -> None:
        for prefix, times in prefixes.items() if prefixed else [("", Fraction(1))]:
            found.setdefault(prefix + name, (factor * times, dimensions))

    made: list[tuple[str, str, bool]] = [(name, made_of, False) for name, made_of in data["plain"].items()]
    made += [(name, made_of, True) for name, made_of in data["derived"].items()]
    for name, dimension in data["base"].items():
        add(name, Fraction(1), {dimension: 1}, prefixed=True)
    for name, made_of, prefixed in sorted(made, key=lambda one: one[2], reverse=True):
        add(name, *_made_of(made_of, found), prefixed=prefixed)
    return found


def _made_of(text: str, found: Mapping[str, tuple[Fraction, dict[str, int]]]) -> tuple[Fraction, dict[str, int]]:
    """Read a definition of the table: an optional number, a word with its power, and one more under the line."""
    words = text.split(" ")
    factor, expression = (_number(words[0]), words[1]) if len(words) == 2 else (Fraction(1), words[0])
    dimensions: dict[str, int] = {}
    for i, word in enumerate(expression.split("/")):
        name, power = (word[:-1], int(word[-1])) if word[-1].isdigit() else (word, 1)
        one, own = found[name]
        sign = -1 if i else 1
        factor *= one ** (sign * power)
        for dimension, times in own.items():
            dimensions[dimension] = dimensions.get(dimension, 0) + sign * power * times
    return factor, dimensions


def _share_of(over: Mapping[str, int]) -> str:
    """Say what a unit without dimensions is a share of: a volume (L/L), an amount (mmol/mol), or nothing (10^3)."""
    names = sorted(name for name, power in over.items() if power)
    return "volume" if names == ["length"] else " and ".join(names)


def _bridge(old: Unit, new: Unit, molar_mass: Decimal | None, valence: int | None) -> Fraction:
    """Return the factor beyond the units' own: 1 for the same dimensions, else by molar mass and valence."""
    if old.dimensions == new.dimensions:
        if old.dimensions or _same_share(old.share, new.share):
            return Fraction(1)
        raise UnitError(f"{old.text} is {old.measures}, {new.text} {new.measures}: no rule makes one of the other")
    lost = {
        name: old.dimensions.get(name, 0) - new.dimensions.get(name, 0)
        for name in {**old.dimensions, **new.dimensions}
        if old.dimensions.get(name, 0) != new.dimensions.get(name, 0)
    }
    mass, equivalents = lost.get("mass", 0), lost.get("equivalents", 0)
    if not set(lost) <= {"mass", "amount", "equivalents"} or sum(lost.values()) != 0:
        message = (
            f"{old.text} measures {old.measures}, {new.text} measures {new.measures}: no rule makes one of the other"
        )
        raise UnitError(message)
    if mass and molar_mass is None:
        raise UnitError(f"{old.text} to {new.text} needs the molar mass of what is measured")
    if equivalents and valence is None:
        raise UnitError(f"{old.text} to {new.text} needs the valence of what is measured")
    factor = Fraction(1)
    if mass:
        factor /= Fraction(molar_mass or 0) ** mass
    if equivalents:
        factor /= Fraction(valence or 0) ** equivalents
    return factor


def _same_share(old: str, new: str) -> bool:
    return old == new or {old, new} == {"", "volume"}


@functools.cache
def _temperatures() -> dict[str, tuple[Fraction, Fraction]]:
    table: dict[str, Any] = unit_data()["temperatures"]
    return {name: (_number(row["add"]), _number(row["times"])) for name, row in table.items()}


def _number(text: str) -> Fraction:
    """Read an exact number: `0.001`, `1e-3`, `5/9`, `10^9`."""
    base, power, exponent = text.partition("^")
    return Fraction(int(base)) ** int(exponent) if power else Fraction(text)


def _decimal(value: Fraction) -> Decimal:
    """Return the decimal, without trailing zeros and without an exponent."""
    places = value.denominator
    for prime in (2, 5):
        while places % prime == 0:
            places //= prime
    context = _EXACT if places == 1 else _DIGITS
    return _plain(context.divide(Decimal(value.numerator), Decimal(value.denominator)))


def _plain(value: Decimal) -> Decimal:
    """Return the number without trailing zeros and without an exponent (135, not 1.35E+2 nor 135.0)."""
    short = value.normalize(_EXACT)
    exponent = short.as_tuple().exponent
    return short.quantize(Decimal(1), context=_EXACT) if isinstance(exponent, int) and exponent > 0 else short


def _shown(value: Fraction) -> str:
    shown = _decimal(value)
    return f"{shown:f}" if Fraction(shown) == value else f"{value.numerator}/{value.denominator} ({shown:f})"
