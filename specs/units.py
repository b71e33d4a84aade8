"""How units are written: signs, blanks and local spellings, brought to the way CDISC's UNIT codelist writes them.

Case is part of a unit (g/L is no G/L, mg is no Mg), so it is never folded; only the small l of litre is made large.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any

from .standards import read_data

UNIT_CODELISTS = frozenset({"C71620", "C66770", "C85494", "C128683", "C128684", "C128685", "C128686"})
"""UNIT, VSRESU and the PK units: lists in which case matters."""

_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_POWER = re.compile(r"10([⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+)")
_LITRE = re.compile(r"(?<![A-Za-zµ])([dcmunpf]?)l(?![A-Za-z])")
_DAY = re.compile(r"/(?:j|jour|24h)(?=/|$)")


def fold_unit(text: str) -> str:
    """Bring the signs of a unit to ASCII, drop blanks, write litre with a capital, and the French day (/j) and /24 h as /day.

    >>> [fold_unit(text) for text in ("g/l", "G/L", "µmol/l", "μg / dL", "x 10⁹/L", "mm³", "°C", "10*9/L")]
    ['g/L', 'G/L', 'umol/L', 'ug/dL', '10^9/L', 'mm3', 'C', '10^9/L']
    """
    plain = "".join(text.split()).replace("µ", "u").replace("μ", "u")
    plain = _POWER.sub(lambda found: "10^" + found.group(1).translate(_SUPERSCRIPTS), plain)
    plain = plain.translate(_SUPERSCRIPTS).replace("·", ".").replace("∙", ".").replace("⁄", "/")
    plain = re.sub(r"10\*\*?(?=-?\d)", "10^", plain)
    plain = re.sub(r"^[x×*](?=10\^)", "", plain)
    plain = re.sub(r"^°(?=[CF]$)", "", plain)
    plain = _LITRE.sub(r"\1L", plain)
    plain = _DAY.sub("/day", plain)
    return _spellings().get(plain, plain)


@functools.cache
def _spellings() -> dict[str, str]:
    found: dict[str, str] = unit_data()["spellings"]
    return found


@functools.cache
def unit_data() -> dict[str, Any]:
    """Return specs/terminology/units.yaml: spellings, atoms, prefixes, composed units, standard units."""
    data: dict[str, Any] = read_data(Path(__file__).parent / "terminology" / "units.yaml")
    return data
