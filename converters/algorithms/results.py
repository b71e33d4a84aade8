"""Collected results -> comparator, number, text; and decimal arithmetic that rounds half up without float noise.

The decimal mark is declared, never guessed. A value that breaks the declaration (`1.234,5` where the mark is a comma)
is `ambiguous`: it has no number until somebody says what it means. Decimals are kept as collected: `3,50` is `3.50`.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Collection, Sequence
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

DecimalMark = Literal[".", ",", "any"]
ResultStatus = Literal["number", "comparison", "text", "not done", "ambiguous", "missing"]
Floats = npt.NDArray[np.float64]

SIGNIFICANT_DIGITS = 15
"""What a float64 surely holds: 0.1 + 0.2 is shown as 0.3."""

_CONTEXT = Context(prec=60)
_COMPARATORS = {
    "<": "<",
    ">": ">",
    "<=": "<=",
    "=<": "<=",
    ">=": ">=",
    "=>": ">=",
    "≤": "<=",
    "≥": ">=",
    "⩽": "<=",
    "⩾": ">=",
}
_WORDS = {"INF": "<", "INFERIEUR": "<", "INFERIEURE": "<", "SUP": ">", "SUPERIEUR": ">", "SUPERIEURE": ">"}
_COMPARISON = re.compile(
    rf"({'|'.join(sorted(map(re.escape, _COMPARATORS), key=len, reverse=True))}|(?:{'|'.join(_WORDS)})\b\.?)"
    r"\s*(?:À|A\b)?\s*(?=[0-9.,\-])",
    re.IGNORECASE,
)
_POWER = re.compile(
    r"(?:(?P<mantissa>.+?)\s*[x×*]\s*)?10\s*(?:\^|\*\*|\*)\s*(?P<exponent>[+-]?[0-9]{1,2})", re.IGNORECASE
)
_SCIENTIFIC = re.compile(r"(?P<mantissa>.+?)E(?P<exponent>[+-]?[0-9]{1,2})", re.IGNORECASE)
# [0-9], not \d: a digit of another script is no number, and no ASCII either
_PLAIN = {
    mark: re.compile(rf"[+-]?(?:[0-9]+|[0-9]{{1,3}}(?:[ '\u2019][0-9]{{3}})+)?(?:{re.escape(mark)}[0-9]+)?")
    for mark in ".,"
}
_ENGLISH_GROUPS = re.compile(r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?")
_MIXED = re.compile(r"[+-]?[0-9., ]*[.,][0-9., ]*[0-9]|[+-]?[0-9 ]+[.,]")
NO_RESULT = frozenset({
    "ND", "NF", "NR", "NA", "N/A", "N.A.", "N.D.", "NK", "NT", "NC", "UK", "UNK", "UNKNOWN", "IDEM", "DITTO", "PENDING",
    "MISSING", "MANQUANT", "MANQUANTE", "INC", "INCONNU", "INCONNUE", "?", "??", ".", "..",
    "NOT DONE", "NOT ASSESSED", "NOT AVAILABLE", "NOT EVALUABLE", "NOT KNOWN", "NOT REPORTED", "NOT TESTED",
    "NON FAIT", "NON FAITE", "NON REALISE", "NON REALISEE", "NON EFFECTUE", "NON EFFECTUEE", "NON DISPONIBLE",
    "NON RENDU", "NON CONNU", "NON DOSE", "NON EVALUABLE", "PAS FAIT", "PAS FAITE", "EN ATTENTE", "EN COURS",
})  # fmt: skip
"""Texts that stand where a result is asked for and are none (without accents, in capitals): told, and never a baseline."""


class ParsedResult(NamedTuple):
    """One distinct result read. `number` is decimal text with a point (None without one), `text` the tidied whole."""

    comparator: str
    number: str | None
    text: str
    status: ResultStatus
    reason: str = ""

    @property
    def standard(self) -> str | None:
        """The text for --STRESC: comparator and number (`<0.1`), or the text; None where there is no result."""
        if self.number is not None:
            return f"{self.comparator}{self.number}"
        return self.text if self.status == "text" else None


def tidy(text: str) -> str:
    r"""Make every kind of space (no-break, narrow, thin) one plain space, and the minus sign a hyphen.

    >>> tidy(" > 10\u202f000 ")
    '> 10 000'
    """
    return " ".join(unicodedata.normalize("NFC", text).replace("\u2212", "-").split())


def _accents_gone(text: str) -> str:
    return "".join(mark for mark in unicodedata.normalize("NFKD", text) if not unicodedata.combining(mark)).upper()


def _normal(text: str) -> str:
    """Write a decimal text with a leading zero and without useless ones in front: `,5` -> 0.5, `007.10` -> 7.10."""
    sign = "-" if text.startswith("-") else ""
    whole, point, decimals = text.lstrip("+-").partition(".")
    return f"{sign}{whole.lstrip('0') or '0'}{point}{decimals}"


def _plain_number(text: str, mark: str) -> str | None:
    match = _PLAIN[mark].fullmatch(text)
    if not match or not any(character.isdigit() for character in text):
        return None
    return _normal(re.sub("[ '\u2019]", "", text).replace(mark, "."))


def _either_mark(text: str) -> str | None:
    """Read a number whose decimal mark may be either: only where it cannot be a mark of thousands."""
    marks = [character for character in text if character in ".,"]
    if not marks:
        return _plain_number(text, ".")
    if len(marks) > 1 or re.search(r"[1-9]\d{0,2}[.,]\d{3}$", text):
        return None
    return _plain_number(text, marks[0])


def _shift(number: str, exponent: int) -> str:
    return f"{Decimal(number).scaleb(exponent, _CONTEXT):f}"


def read_number(text: str, decimal: DecimalMark = ".") -> str | None:
    """Read one number to decimal text with a point, or None where it is none under the declared decimal mark.

    Spaces and apostrophes may group thousands; so may commas where the mark is a point (`10,000`). `+5`, `1e3` and
    `2,5 x 10^3` are numbers; `1.` is none: digits may have been cut off.

    >>> read_number("1 234,50", ","), read_number("10,000", "."), read_number("3,5", "."), read_number("10^3")
    ('1234.50', '10000', None, '1000')
    """
    return _read_number(tidy(text), decimal)


def _read_number(tidied: str, decimal: DecimalMark) -> str | None:
    for pattern in (_POWER, _SCIENTIFIC):
        match = pattern.fullmatch(tidied)
        if match:
            mantissa = "1" if match["mantissa"] is None else _read_number(match["mantissa"], decimal)
            return None if mantissa is None else _shift(mantissa, int(match["exponent"]))
    if decimal == "any":
        return _either_mark(tidied)
    if decimal == "." and _ENGLISH_GROUPS.fullmatch(tidied):
        return _normal(tidied.replace(",", ""))
    return _plain_number(tidied, decimal)


def number_of(text: str, decimal: DecimalMark = ".") -> float:
    """Return the number that a text stands for, NaN where it is none; see `read_number`.

    >>> number_of("1 234,5", ","), number_of("POSITIVE")
    (1234.5, nan)
    """
    found = read_number(text, decimal)
    return math.nan if found is None else float(found)


def _comparator(tidied: str) -> tuple[str, str]:
    """Cut the comparator off: (`<=`, rest), or ('', all)."""
    match = _COMPARISON.match(tidied) or _COMPARISON.match(_accents_gone(tidied))
    if not match:
        return "", tidied
    word = match[1].upper().rstrip(".")
    return _COMPARATORS.get(word) or _WORDS[word], tidied[match.end() :]


def says_no_result(text: str) -> bool:
    """Whether a text stands where a result is asked for and says that there is none.

    >>> says_no_result("nd"), says_no_result("Non réalisé"), says_no_result("NEGATIVE")
    (True, True, False)
    """
    return _accents_gone(tidy(text)) in NO_RESULT


def is_held(number: str) -> bool:
    """Whether a float64 (the number of a SAS dataset) gives a decimal text back, digit by digit.

    >>> is_held("0.1"), is_held("12345678901234567890")
    (True, False)
    """
    return Decimal(repr(float(number))) == Decimal(number)


def _parse_result(value: str | None, decimal: DecimalMark, not_done: Collection[str]) -> ParsedResult:
    text = "" if value is None else tidy(value)
    if not text:
        return ParsedResult("", None, "", "missing")
    if text.casefold() in not_done:
        return ParsedResult("", None, text, "not done")
    comparator, rest = _comparator(text)
    number = _read_number(rest, decimal)
    if number is not None:
        return ParsedResult(comparator, number, text, "comparison" if comparator else "number")
    if _MIXED.fullmatch(rest):
        mark = {".": "a point", ",": "a comma"}.get(decimal, "either a point or a comma")
        return ParsedResult(comparator, None, text, "ambiguous", f"its marks do not fit a decimal mark that is {mark}")
    if rest[:1].isdigit():
        return ParsedResult("", None, text, "text", "a number with text beside it")
    return ParsedResult("", None, text, "text")


def parse_results(
    values: Sequence[str | None], *, decimal: DecimalMark = ".", not_done: Collection[str] = ()
) -> list[ParsedResult]:
    """Read distinct collected results, one for each value, in order. `not_done` are the study's words for no result.

    >>> parse_results(["<0,1"], decimal=",")
    [ParsedResult(comparator='<', number='0.1', text='<0,1', status='comparison', reason='')]
    """
    words = {tidy(word).casefold() for word in not_done}
    return [_parse_result(None if pd.isna(value) else value, decimal, words) for value in values]


def round_half_up(value: Decimal | str | float, digits: int) -> Decimal:
    """Round one number half away from zero, as it is written: the float 2.675 is 2.675, not the 2.67499... behind it.

    >>> round_half_up("2.675", 2), round_half_up(-0.5, 0), round_half_up(0.1 + 0.2, 2)
    (Decimal('2.68'), Decimal('-1'), Decimal('0.30'))
    """
    number = Decimal(format(value, f".{SIGNIFICANT_DIGITS}g")) if isinstance(value, float) else Decimal(value)
    return number.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP, context=_CONTEXT)


def round_values(values: npt.ArrayLike, digits: int) -> Floats:
    """Round numbers half away from zero, exactly as `round_half_up`; NaN stays NaN. For `digits` from 0 to 15.

    >>> round_values([2.675, -0.5, 1.0049], 2).tolist()
    [2.68, -0.5, 1.0]
    """
    numbers = np.asarray(values, dtype=np.float64)
    finite = np.isfinite(numbers) & (np.abs(numbers) < 1e15)
    scaled = np.abs(np.where(finite, numbers, 0.0)) * 10.0**digits
    rounded = np.where(finite, np.copysign(np.floor(scaled + 0.5) / 10.0**digits, numbers) + 0.0, numbers)
    # Where the float's noise could decide (near a half, or beyond what a float holds) the decimal text decides.
    near = finite & ((np.abs(scaled - np.floor(scaled) - 0.5) < 1e-6 + scaled * 1e-14) | (scaled >= 1e14))
    if near.any():
        codes, distinct = pd.factorize(numbers[near])
        exact = np.array([float(round_half_up(float(number), digits)) for number in distinct])
        rounded[near] = exact[codes] + 0.0
    return rounded


def number_text(value: float, digits: int | None = None) -> str | None:
    """Write a number as plain decimal text: 15 significant digits, or `digits` decimals (half up); None for NaN.

    >>> number_text(0.1 + 0.2), number_text(1e-7), number_text(36.5, 2), number_text(120.0)
    ('0.3', '0.0000001', '36.50', '120')
    """
    if math.isnan(value):
        return None
    if digits is not None:
        return f"{round_half_up(float(value), digits):f}"
    text = f"{Decimal(format(value, f'.{SIGNIFICANT_DIGITS}g')):f}"
    return ("0" if text == "-0" else text.rstrip("0").rstrip(".")) if "." in text or text == "-0" else text


def number_texts(values: npt.ArrayLike, digits: int | None = None) -> pd.Series:
    """Write a column of numbers as categorical text, one `number_text` for each distinct value.

    >>> number_texts([1.5, float("nan"), 1.5], 2).tolist()
    ['1.50', nan, '1.50']
    """
    codes, distinct = pd.factorize(np.asarray(values, dtype=np.float64) + 0.0)
    texts = [number_text(float(number), digits) for number in distinct]
    positions = {text: place for place, text in enumerate(dict.fromkeys(texts))}
    table = np.array([*(positions[text] for text in texts), -1], dtype=np.int64)
    return pd.Series(pd.Categorical.from_codes(table[codes], categories=pd.Index(list(positions), dtype="str")))
