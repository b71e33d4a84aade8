"""Lengths of text variables, agreed over a study (FDA Study Data Technical Conformance Guide, "dataset column length").

The length of a variable is that of its longest value in all datasets of the study; the datasets of supplemental
qualifiers have lengths of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from cdiscway.converters.dataset import DatasetMetadata
from cdiscway.converters.text_values import longest_value, text_values

SUPPLEMENTAL = ("SUPP", "SQ")


def text_lengths(frame: pd.DataFrame, encoding: str = "utf-8") -> dict[str, int]:
    """Return the bytes of the longest value of each text variable, at least 1; variables of other types are left out.

    >>> text_lengths(pd.DataFrame({"AETERM": ["Nausea", None], "AESEQ": [1.0, 2.0], "AEENTPT": ["", None]}))
    {'AETERM': 6, 'AEENTPT': 1}
    """
    lengths = {}
    for name in frame.columns:
        text = text_values(frame[name])
        if text is not None:
            lengths[str(name)] = longest_value(text, encoding)
    return lengths


def agree_lengths(frames: Mapping[str, pd.DataFrame], encoding: str = "utf-8") -> dict[str, dict[str, int]]:
    """Return dataset -> text variable -> length in bytes, the same for a variable of that name in all datasets.

    Datasets of supplemental qualifiers (SUPP--, SQ--) neither give nor take lengths.

    >>> frames = {"DM": pd.DataFrame({"USUBJID": ["A-1"]}), "AE": pd.DataFrame({"USUBJID": ["A-12"]})}
    >>> agree_lengths(frames)
    {'DM': {'USUBJID': 4}, 'AE': {'USUBJID': 4}}
    """
    own = {name: text_lengths(frame, encoding) for name, frame in frames.items()}
    agreed: dict[str, int] = {}
    for name, lengths in own.items():
        if not name.startswith(SUPPLEMENTAL):
            for variable, length in lengths.items():
                agreed[variable] = max(length, agreed.get(variable, 1))
    return {
        name: lengths if name.startswith(SUPPLEMENTAL) else {variable: agreed[variable] for variable in lengths}
        for name, lengths in own.items()
    }


def with_lengths(metadata: DatasetMetadata, lengths: Mapping[str, int]) -> DatasetMetadata:
    """Return the metadata with these lengths for its text variables."""
    variables: list[Any] = [
        replace(variable, length=lengths[variable.name])
        if variable.type == "Char" and variable.name in lengths
        else variable
        for variable in metadata.variables
    ]
    return replace(metadata, variables=tuple(variables))
