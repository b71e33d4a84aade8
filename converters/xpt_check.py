"""What metadata of a version 5 transport file must keep: names, labels, formats, lengths (SAS paper TS-140)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime

import pandas as pd

from .dataset import DatasetMetadata, VariableMetadata
from .sas_formats import parse_format
from .xpt_layout import FIELD_WIDTHS, FIRST_YEAR, MAX_TEXT, MAX_VARIABLES
from .xpt_mistakes import DataMistake, data_mistake

NAME = re.compile(r"[A-Z][A-Z0-9_]{0,7}")
ENCODINGS = ("ascii", "cp1252", "latin-1", "utf-8")


def first_control(text: str) -> str:
    """Return the first control character of a text, or an empty text."""
    return next((character for character in text if character < " " or character == "\x7f"), "")


def check_metadata(
    metadata: DatasetMetadata, file: str, encoding: str = "ascii", keep_controls: bool = False
) -> list[DataMistake]:
    """Return every mistake of the metadata; empty where a header can be written from it."""
    return [
        data_mistake(file, metadata.name, variable, message, hint=hint)
        for variable, message, hint in _mistakes(metadata, encoding, keep_controls)
    ]


def columns_differ(frame: pd.DataFrame, metadata: DatasetMetadata) -> bool:
    """Whether the frame's columns are not exactly the variables of the metadata, in their order."""
    return list(frame.columns) != [variable.name for variable in metadata.variables] or not frame.columns.is_unique


def check_frame(frame: pd.DataFrame, metadata: DatasetMetadata, file: str, allow_empty: bool) -> list[DataMistake]:
    """Return the mistakes of frame against metadata: no rows, columns missing, too many or in another order."""
    name, mistakes = metadata.name, []
    if not len(frame) and not allow_empty:
        mistakes.append(data_mistake(file, name, "", "has no records", hint="an empty dataset is not submitted"))
    if not columns_differ(frame, metadata):
        return mistakes
    columns, variables = list(frame.columns), [variable.name for variable in metadata.variables]
    counted = frame.columns[frame.columns.duplicated()].unique()
    mistakes += [data_mistake(file, name, str(column), "is in the frame several times") for column in counted]
    mistakes += [data_mistake(file, name, v, "is not a column of the frame") for v in variables if v not in columns]
    extra = dict.fromkeys(column for column in columns if column not in variables)
    mistakes += [data_mistake(file, name, str(column), "is a column without metadata") for column in extra]
    if not mistakes:
        mistakes.append(data_mistake(file, name, "", f"the frame's order is {columns}, the metadata's {variables}"))
    return mistakes


def _mistakes(metadata: DatasetMetadata, encoding: str, keep_controls: bool) -> Iterator[tuple[str, str, str]]:
    yield from (("", *found) for found in _name_mistakes("dataset name", metadata.name))
    yield from (("", *found) for found in _text_mistakes("label", metadata.label, encoding, keep_controls))
    texts = (("version", metadata.sas_version), ("system", metadata.operating_system), ("type", metadata.type))
    for field, text in texts:
        yield from (("", *found) for found in _text_mistakes(field, text, "ascii", keep_controls))
    times = (metadata.created, metadata.modified, metadata.library_created, metadata.library_modified)
    yield from (("", *found) for moment in times if moment is not None for found in _time_mistakes(moment))
    if not metadata.variables:
        yield "", "has no variables", "an empty dataset is not submitted"
    if len(metadata.variables) > MAX_VARIABLES:
        yield "", f"has {len(metadata.variables):,} variables, the limit is {MAX_VARIABLES:,}", ""
    counts = Counter(variable.name.upper() for variable in metadata.variables)
    yield from ((name, "is the name of several variables", "") for name, count in counts.items() if count > 1)
    for variable in metadata.variables:
        yield from ((variable.name, *found) for found in _variable_mistakes(variable, encoding, keep_controls))


def _variable_mistakes(variable: VariableMetadata, encoding: str, keep_controls: bool) -> Iterator[tuple[str, str]]:
    yield from _name_mistakes("name", variable.name)
    yield from _text_mistakes("label", variable.label, encoding, keep_controls)
    yield from _format_mistakes("format", variable.format, variable.type)
    yield from _format_mistakes("informat", variable.informat, variable.type)
    if variable.justification not in (0, 1):
        yield f"justification {variable.justification} is neither 0 (left) nor 1 (right)", ""
    if variable.type not in ("Char", "Num"):
        yield f"type {variable.type!r} is neither Char nor Num", ""
    elif variable.type == "Num" and variable.length not in (0, 2, 3, 4, 5, 6, 7, 8):
        yield f"length {variable.length} is not the length of a number (2 to 8)", ""
    elif variable.type == "Char" and not 0 <= variable.length <= MAX_TEXT:
        yield f"length {variable.length:,} is not in 1 to {MAX_TEXT}", "split a long text as the IG tells"


def _name_mistakes(field: str, name: str) -> Iterator[tuple[str, str]]:
    if len(name) > 8:
        yield f"{field} {name!r} has {len(name)} characters, the limit is 8", ""
    if not re.fullmatch(r"[A-Z][A-Z0-9_]*", name, re.ASCII):
        hint = f"write {name.upper()}" if NAME.fullmatch(name.upper()) else ""
        yield f"{field} {name!r} is not a letter followed by A-Z, 0-9 and _", hint


def _text_mistakes(field: str, text: str, encoding: str, keep_controls: bool) -> Iterator[tuple[str, str]]:
    try:
        size = len(text.encode(encoding))
    except UnicodeEncodeError as error:
        yield f"{field} {text!r}: {text[error.start]!r} is not {encoding}", ""
        return
    if size > FIELD_WIDTHS[field]:
        yield f"{field} {text!r} has {size} bytes, the limit is {FIELD_WIDTHS[field]}", ""
    if first_control(text) and not keep_controls:
        yield f"{field} {text!r} holds a control character", ""
    if text.endswith(" "):
        yield f"{field} {text!r} ends in a blank, which is lost in a file", ""


def _time_mistakes(moment: datetime) -> Iterator[tuple[str, str]]:
    if moment.tzinfo is not None:
        yield f"time {moment.isoformat()} has a time zone, a header has none", ""
    if not FIRST_YEAR <= moment.year < FIRST_YEAR + 100:
        yield f"time {moment.isoformat()} is not in {FIRST_YEAR} to {FIRST_YEAR + 99}: a header's year has 2 digits", ""


def _format_mistakes(field: str, text: str, kind: str) -> Iterator[tuple[str, str]]:
    try:
        name, width, decimals = parse_format(text)
    except ValueError as error:
        yield f"{field}: {error}", ""
        return
    if len(name) > FIELD_WIDTHS["format name"]:
        yield f"{field} {text!r}: the name has {len(name)} characters, the limit is 8", ""
    if max(width, decimals) > 32767:
        yield f"{field} {text!r} is too wide", ""
    if kind == "Num" and name.startswith("$"):
        yield f"{field} {text!r} is for text, the variable is a number", ""
