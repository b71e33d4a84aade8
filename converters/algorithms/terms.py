"""Coded variables: raw texts to the terms of the codelists that the standard binds to the variable."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cdiscway.converters.reporter import Recoded
from cdiscway.specs.codelists import Match, match_terms
from cdiscway.specs.model import Codelist, VariableSpec

from . import columns
from .base import Context
from .suggest import suggest


def recode_to_terms(column: pd.Series, variable: VariableSpec, context: Context) -> pd.Series:
    """Return the column in submission values: exact, folded, synonym, the study's synonyms, in this order.

    A text that is no term stays as it is; it is an error finding (a warning for an extensible list) and a worklist line.
    """
    codelists = [found for code in variable.codelists if (found := context.terminology.find(code)) is not None]
    if not codelists:
        return column
    codes, texts = columns.distinct(column)
    matches = find_terms(codelists, texts, context)
    names = " or ".join(found.name for found in codelists)
    extensible = any(found.extensible for found in codelists)
    for place, match in enumerate(matches):
        if match.term is None and (codes == place).any():
            context.report_value(
                codes == place, context.reads(variable.name), texts[place], "CDW-MAP-TERM",
                f"is no term of codelist {names}{' (extensible)' if extensible else ''}",
                severity="warning" if extensible else "error",
                suggestion=" | ".join(match.candidates or suggest(texts[place], codelists)),
                codelist=codelists[0].name,
            )  # fmt: skip
    _keep_how(codes, matches, names, variable, context)
    return columns.from_codes(
        codes, [text if match.term is None else match.term.value for text, match in zip(texts, matches, strict=True)]
    )


def _keep_how(codes: np.ndarray, matches: list[Match], names: str, variable: VariableSpec, context: Context) -> None:
    """Keep how each distinct value found its term: a reader of the report sees what was not taken word for word."""
    counts = np.bincount(codes[codes >= 0], minlength=len(matches))
    for match, count in zip(matches, counts.tolist(), strict=True):
        if match.term is not None and count:
            place = (context.dataset, variable.name, context.table.key[1])
            context.reporter.recoded.append(Recoded(*place, match.value, names, match.term.value, match.how, count))


def find_terms(codelists: list[Codelist], texts: list[str], context: Context) -> list[Match]:
    """Return the match of each text in the first codelist that holds it."""
    found: list[Match] = []
    for codelist in codelists:
        matches = match_terms(codelist, texts, context.synonyms.get(codelist.code, {}))
        found = matches if not found else [
            earlier if earlier.term is not None else later for earlier, later in zip(found, matches, strict=True)
        ]  # fmt: skip
    return found
