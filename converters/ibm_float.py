"""IBM hexadecimal floating point, the numbers of a transport file (SAS paper TS-140, "numeric data fields").

An IBM double is a sign, a power of 16 (7 bits, excess 64) and a fraction of 56 bits. Every IEEE double of its range
(16**-65 to just below 16**63) is held exactly. A missing value is one byte ('.', '_' or 'A' to 'Z') and
seven zero bytes; in a frame it is a NaN, a special missing value a NaN that carries the byte (see `tagged_nan`).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Words = npt.NDArray[np.uint64]

SMALLEST = 16.0**-65
"""The smallest magnitude above zero that a transport file can hold (5.4e-79)."""
LARGEST = float(16.0**63 * (1 - 2.0**-53))
"""The largest double that a transport file can hold (7.2e75)."""

SPECIAL_TAGS = "_ABCDEFGHIJKLMNOPQRSTUVWXYZ"

_IBM_FRACTION = np.uint64((1 << 56) - 1)
_TAGGED_NAN = 0x7FF8_5341_5300_0000
"""A quiet NaN that says SAS; its lowest byte is the tag."""


def _encoding_tables() -> tuple[Words, Words]:
    """Return factor and addend that make an IBM word of an IEEE word, for each of the 4096 values of sign and exponent.

    The factor shifts the fraction to its place; the addend is the IBM head less what the factor makes of sign and exponent,
    so that these need not be masked out first (all modulo 2**64). Zero stays zero.
    """
    factors, addends = np.zeros(4096, np.uint64), np.zeros(4096, np.uint64)
    for top in range(4096):
        sign, exponent = top >> 11, top & 0x7FF
        if exponent == 0x7FF:
            addends[top] = 0x2E << 56
        elif 763 <= exponent <= 1274:
            shift = (exponent + 1) & 3
            head = sign << 63 | (((exponent + 1) >> 2) - 191) << 56 | 1 << (52 + shift)
            factors[top] = 1 << shift
            addends[top] = (head - (top << (52 + shift))) % (1 << 64)
    return factors, addends


_FACTOR, _ADDEND = _encoding_tables()


def _decoding_table() -> Floats:
    """Return 16**(exponent - 78) with its sign for each first byte: the unit of the 56-bit fraction."""
    exponents = np.arange(128)
    units = np.ldexp(1.0, 4 * (exponents - 64) - 56)
    return np.concatenate([units, -units])


_UNIT = _decoding_table()


def to_ibm(values: Floats) -> Words:
    """Return the 64-bit IBM words of doubles that `outside_range` does not name; -0 becomes 0.

    >>> [hex(word) for word in to_ibm(np.array([1.0, -118.625, np.nan]))]
    ['0x4110000000000000', '0xc276a00000000000', '0x2e00000000000000']
    """
    return to_ibm_and_ordinary(values)[0]


def to_ibm_and_ordinary(values: Floats) -> tuple[Words, bool]:
    """Return the words of `to_ibm`, and whether all values are ordinary: none is zero, missing or outside the range."""
    bits = values.view(np.uint64)
    top = (bits >> np.uint64(52)).view(np.int64)
    words = _FACTOR.take(top)
    ordinary = bool(words.min(initial=1))
    words *= bits
    words += _ADDEND.take(top)
    if not ordinary and _may_have_tags(bits):
        tags = special_tags(values)
        special = np.flatnonzero(tags)
        words[special] = tags[special].astype(np.uint64) << np.uint64(56)
    return words, ordinary


def from_ibm(words: Words) -> Floats:
    """Return the doubles of 64-bit IBM words: exact where 53 bits are enough, else rounded half to even.

    Missing values become NaN, special missing values NaN that carry their tag. Any other word with a zero fraction
    is zero.
    """
    fraction = words & _IBM_FRACTION
    top = (words >> np.uint64(56)).view(np.int64)
    values = fraction.astype(np.float64)
    values *= _UNIT.take(top)
    empty = np.flatnonzero((fraction == 0) & (words != 0))
    if empty.size:
        values[empty] = _MISSING.take(top[empty])
    return values


def _missing_table() -> Floats:
    table = np.zeros(256, np.float64)
    table[0x2E] = np.nan
    for tag in SPECIAL_TAGS.encode():
        table[tag : tag + 1] = tagged_nan(tag)
    return table


def tagged_nan(tags: npt.ArrayLike) -> Floats:
    """Return NaNs that carry the tag bytes (65 for .A); tag 0 is the ordinary missing value."""
    given = np.atleast_1d(np.asarray(tags, dtype=np.uint64))
    words = np.where(given > 0, np.uint64(_TAGGED_NAN) | given, np.uint64(0x7FF8 << 48))
    return words.astype(np.uint64).view(np.float64)


def special_tags(values: Floats) -> npt.NDArray[np.uint8]:
    """Return the tag byte of each value, 0 where it is a number or the ordinary missing value."""
    bits = values.view(np.uint64)
    tags = (bits & np.uint64(0xFF)).astype(np.uint8)
    tags[(bits & np.uint64(0x7FFF_FFFF_FFFF_FF00)) != np.uint64(_TAGGED_NAN)] = 0
    return tags


def _may_have_tags(bits: Words) -> bool:
    """Whether any word is at least a tagged NaN: without a sign (the words as signed numbers), or with one."""
    highest = bits.view(np.int64).max(initial=0), bits.max(initial=0)
    return bool(highest[0] >= _TAGGED_NAN or highest[1] >= _TAGGED_NAN | 1 << 63)


def outside_range(values: Floats) -> npt.NDArray[np.intp]:
    """Return the positions of infinities and of numbers too large or too small for an IBM double."""
    sizes = np.abs(values)
    outside = sizes < SMALLEST  # no comparison is true of a NaN
    outside &= sizes != 0
    outside |= sizes > LARGEST
    return np.flatnonzero(outside) if outside.any() else np.zeros(0, np.intp)


_MISSING = _missing_table()
