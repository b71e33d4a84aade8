"""Texts over 200 bytes: cut at word boundaries, the rest into SUPP-- (SDTMIG 3.4, 4.5.3.2).

The names are the variable's with a digit (AETERM1, AETERM2 ...; a name of eight letters loses its last). TS and CO hold the
rest in variables of their own (TSVAL1, COVAL1).
"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from cdiscway.specs.model import VariableSpec

from .algorithms import columns
from .algorithms.assign import ColumnRule
from .algorithms.text import MAX_BYTES, split_texts
from .dataset import Provenance
from .mapping import Supplemental
from .sdtm import Mapped, Qualifier

OWN_VARIABLES = {"TS": "TSVAL", "CO": "COVAL"}


def split_long_texts(item: Mapped) -> None:
    """Cut every text over 200 bytes of a mapped dataset; first the variables, then the supplemental qualifiers."""
    for name in list(item.frame.columns):
        variable = item.plan.variables.get(name)
        if variable is None or variable.type != "Char":
            continue
        pieces = pieces_of(item.frame[name])
        if len(pieces) < 2:
            continue
        item.frame[name] = pieces[0]
        provenance = item.provenance.get(name, Provenance("Collected", "Investigator"))
        for number, piece in enumerate(pieces[1:], 1):
            if OWN_VARIABLES.get(item.plan.name) == name:
                add_variable(item, f"{name}{number}", piece, provenance)
            else:
                add_qualifier(item, numbered(name, number), variable.label, piece, provenance)
    for name in list(item.qualifiers):
        qualifier = item.qualifiers[name]
        pieces = pieces_of(qualifier.values)
        qualifier.values = pieces[0]
        for number, piece in enumerate(pieces[1:], 1):
            definition = qualifier.definition
            item.qualifiers[numbered(name, number)] = Qualifier(definition, piece, qualifier.provenance)


def pieces_of(column: pd.Series) -> list[pd.Series]:
    """Return a text column in pieces of at most 200 bytes: one only where no text is longer.

    >>> [len(piece) for piece in pieces_of(pd.Series(["a " * 150, "b"]))]
    [2, 2]
    """
    text = columns.drop_unused(columns.as_text(column))
    codes, texts = columns.distinct(text)
    if all(len(value) * 4 <= MAX_BYTES or len(value.encode()) <= MAX_BYTES for value in texts):
        return [column]
    return [columns.from_codes(codes, piece) for piece in split_texts(texts)]


def numbered(name: str, number: int) -> str:
    """Return the name of a piece: at most eight signs, the last ones its number.

    >>> numbered("AETERM", 1), numbered("MHREASND", 2)
    ('AETERM1', 'MHREASN2')
    """
    digits = str(number)
    return f"{name[: 8 - len(digits)]}{digits}"


def add_qualifier(item: Mapped, name: str, label: str, values: pd.Series, provenance: Provenance) -> None:
    """Add a piece as a supplemental qualifier."""
    definition = Supplemental.model_validate({"label": label, "from": ColumnRule(column=name)})
    item.qualifiers[name] = Qualifier(definition, values, provenance)


def add_variable(item: Mapped, name: str, values: pd.Series, provenance: Provenance) -> None:
    """Add a piece as a variable of its own (TSVAL1, COVAL1), for which SDTM has a place."""
    base = item.plan.variables[name.rstrip("0123456789")]
    found = item.plan.standard.resolve(item.plan.spec, name)
    made = found or VariableSpec(name=name, label=base.label, type="Char", role=base.role)
    item.plan = replace(item.plan, variables={**item.plan.variables, name: made})
    item.frame[name] = values
    item.provenance[name] = provenance
