"""Read a dataset from CSV (RFC 4180, UTF-8): as text, or by the metadata of another file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

from cdiscway.converters.dataset import DatasetMetadata, VariableMetadata
from cdiscway.converters.sas_formats import kind_of_format
from cdiscway.converters.sas_times import number_of
from cdiscway.converters.text_values import arrow_text, distinct, text_values
from cdiscway.converters.xpt_mistakes import DataMistake, DatasetFileError, data_mistake

_MAX_BLOCK = 1 << 30


def read(path: str | Path, like: DatasetMetadata | None = None) -> tuple[pd.DataFrame, DatasetMetadata]:
    """Return a CSV file as frame and metadata; an empty cell is missing.

    Without `like` every column is text and the dataset has the file's name. With it the columns must be its variables in
    their order, and numbers are read: decimal numbers, ISO 8601 under a date or time format, .A to .Z and ._ as special
    missing values. Raises DatasetFileError with every mistake.
    """
    source = Path(path)
    table = _table(source)
    if like is None:
        variables = tuple(VariableMetadata(name, "", "Char", 0) for name in table.column_names)
        return _texts(table), DatasetMetadata(source.stem.upper(), "", variables)
    names = [variable.name for variable in like.variables]
    if table.column_names != names:
        reason = f"has the columns {table.column_names}, the metadata {names}"
        raise DatasetFileError([data_mistake(str(source), like.name, "", reason)])
    frame, mistakes = _texts(table), []
    for variable in like.variables:
        if variable.type == "Num":
            frame[variable.name], found = _numbers(frame[variable.name], variable, (str(source), like.name))
            mistakes += found
    if mistakes:
        raise DatasetFileError(mistakes)
    return frame, like


def _table(source: Path) -> Any:
    parse = pyarrow.csv.ParseOptions(newlines_in_values=True)
    try:
        with source.open("rb") as file:
            head = pyarrow.csv.open_csv(file, parse_options=parse).schema.names
        convert = pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(head, pa.large_string()), null_values=[""], strings_can_be_null=True
        )
        block = pyarrow.csv.ReadOptions(block_size=min(max(source.stat().st_size, 1 << 20), _MAX_BLOCK))
        return pyarrow.csv.read_csv(source, block, parse, convert)
    except FileNotFoundError:
        raise DatasetFileError([data_mistake(str(source), "", "", "there is no such file")]) from None
    except pa.ArrowInvalid as error:
        raise DatasetFileError([data_mistake(str(source), "", "", f"is not CSV: {error}")]) from None


def _texts(table: Any) -> pd.DataFrame:
    columns = {name: arrow_text(table.column(name)) for name in table.column_names}
    return pd.DataFrame(columns, columns=pd.Index(table.column_names, dtype="str"))


def _numbers(
    column: pd.Series[Any], variable: VariableMetadata, place: tuple[str, str]
) -> tuple[Any, list[DataMistake]]:
    """Return a text column as doubles: each distinct text is read once."""
    text = text_values(column)
    assert text is not None
    coded = distinct(text)
    meaning = kind_of_format(variable.format)
    numbers, mistakes = [], []
    for code, value in enumerate(coded.values.to_pylist()):
        number = number_of(value, meaning)
        if number is None:
            rows = (coded.codes == code).nonzero()[0]
            mistakes.append(data_mistake(*place, variable.name, "is no number", rows=rows, value=value))
        numbers.append(np.nan if number is None else number)
    table = np.array([*numbers, np.nan], np.float64)
    return table.take(coded.codes, mode="wrap"), mistakes
