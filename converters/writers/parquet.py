"""Write a dataset as Parquet: text, doubles, and the metadata of a transport file in the schema."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from cdiscway.converters.dataset import METADATA_KEY, DatasetMetadata, VariableMetadata
from cdiscway.converters.ibm_float import special_tags
from cdiscway.converters.number_values import NotNumbersError, number_values
from cdiscway.converters.text_values import distinct, empty_text, text_values
from cdiscway.converters.whole_file import whole_file
from cdiscway.converters.xpt_check import check_frame
from cdiscway.converters.xpt_mistakes import DatasetFileError, data_mistake


def write(frame: pd.DataFrame, metadata: DatasetMetadata, path: str | Path) -> None:
    """Write `frame` as Parquet; the file appears whole or not at all.

    Missing values are null; special missing values are NaN that carry their letter, as in the frame. Raises
    DatasetFileError where a column is not of the metadata's type.
    """
    target = Path(path)
    mistakes = check_frame(frame, metadata, str(target), allow_empty=True)
    columns = {}
    for variable in metadata.variables if not mistakes else ():
        try:
            columns[variable.name] = _array(frame[variable.name], variable)
        except NotNumbersError as error:
            mistakes.append(data_mistake(str(target), metadata.name, variable.name, str(error)))
    if mistakes:
        raise DatasetFileError(mistakes)
    table = pa.table(columns).replace_schema_metadata(
        {METADATA_KEY: json.dumps(asdict(metadata), default=str).encode()}
    )
    with whole_file(target) as file:
        pyarrow.parquet.write_table(table, file.raw)


def _array(column: pd.Series[Any], variable: VariableMetadata) -> Any:
    text = text_values(column)
    if variable.type == "Char":
        text = empty_text(column) if text is None else text
        if text is None:
            raise NotNumbersError(f"is text in the metadata, the column holds {column.dtype}")
        coded = distinct(text)
        return coded.values.take(pa.array(coded.codes, mask=coded.codes < 0))
    numbers = number_values(column, variable.format)
    floats = numbers.floats(0, len(numbers))
    return pa.array(floats, mask=np.isnan(floats) & (special_tags(floats) == 0))
