"""Write a dataset as CSV (RFC 4180, UTF-8): a header line, missing = nothing, SAS dates and times as ISO 8601."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from cdiscway.converters.dataset import DatasetMetadata
from cdiscway.converters.ibm_float import special_tags
from cdiscway.converters.number_values import NotNumbersError, number_values
from cdiscway.converters.sas_formats import kind_of_format
from cdiscway.converters.sas_times import iso_texts
from cdiscway.converters.text_values import distinct, text_values
from cdiscway.converters.whole_file import whole_file
from cdiscway.converters.xpt_check import check_frame
from cdiscway.converters.xpt_mistakes import DatasetFileError, data_mistake


def write(frame: pd.DataFrame, metadata: DatasetMetadata, path: str | Path) -> None:
    """Write `frame` as CSV; the file appears whole or not at all.

    Special missing values are written .A to .Z and ._, numbers so that the same double is read back; a column with a date,
    time or datetime format as ISO 8601 where that is exact for all its values. Raises DatasetFileError.
    """
    target = Path(path)
    mistakes = check_frame(frame, metadata, str(target), allow_empty=True)
    if mistakes:
        raise DatasetFileError(mistakes)
    columns = {}
    for variable in metadata.variables:
        try:
            columns[variable.name] = _cells(frame[variable.name], variable.format)
        except NotNumbersError as error:
            mistakes.append(data_mistake(str(target), metadata.name, variable.name, str(error)))
    if mistakes:
        raise DatasetFileError(mistakes)
    with whole_file(target) as file:
        pyarrow.csv.write_csv(pa.table(columns), file.raw, pyarrow.csv.WriteOptions(quoting_style="needed"))


def _cells(column: pd.Series[Any], display_format: str) -> Any:
    text = text_values(column)
    if text is not None:
        coded = distinct(text)
        return coded.values.take(pa.array(coded.codes, mask=coded.codes < 0))
    numbers = number_values(column, display_format)
    floats = numbers.floats(0, len(numbers))
    meaning = kind_of_format(display_format)
    texts = iso_texts(floats, meaning) if meaning is not None else None
    if texts is None:
        texts = pa.array(floats, from_pandas=True).cast(pa.string())
    tags = special_tags(floats)
    if tags.any():
        words = pa.array([f".{chr(tag)}" if tag else "" for tag in range(256)]).take(pa.array(tags))
        texts = pc.if_else(pa.array(np.asarray(tags > 0)), words, texts.cast(pa.string()))
    return texts
