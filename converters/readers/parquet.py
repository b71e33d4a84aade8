"""Read a dataset from Parquet, with the metadata our writer put into the schema or with what the types tell."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from cdiscway.converters.dataset import METADATA_KEY, DatasetMetadata, VariableMetadata
from cdiscway.converters.text_values import arrow_text
from cdiscway.converters.xpt_mistakes import DatasetFileError, data_mistake


def read(path: str | Path) -> tuple[pd.DataFrame, DatasetMetadata]:
    """Return a Parquet file as frame and metadata.

    A file of another writer gets metadata from its types: text, numbers, dates (DATE9.), timestamps (DATETIME20.) and
    durations (TIME8.); its name is the file's. Raises DatasetFileError.
    """
    source = Path(path)
    try:
        table = pyarrow.parquet.read_table(source, partitioning=None)
    except FileNotFoundError:
        raise DatasetFileError([data_mistake(str(source), "", "", "there is no such file")]) from None
    except (pa.ArrowInvalid, OSError) as error:
        raise DatasetFileError([data_mistake(str(source), "", "", f"is not Parquet: {error}")]) from None
    stored = (table.schema.metadata or {}).get(METADATA_KEY)
    columns = {name: _column(table.column(name)) for name in table.column_names}
    frame = pd.DataFrame(columns, index=pd.RangeIndex(len(table)), columns=pd.Index(table.column_names, dtype="str"))
    if stored is not None:
        return frame, parse_metadata(json.loads(stored))
    variables = tuple(_variable(name, table.schema.field(name).type) for name in table.column_names)
    return frame, DatasetMetadata(source.stem.upper(), "", variables)


def parse_metadata(found: dict[str, Any]) -> DatasetMetadata:
    """Return the metadata from its JSON form."""
    variables = tuple(VariableMetadata(**variable) for variable in found.pop("variables"))
    times = ("created", "modified", "library_created", "library_modified")
    moments = {word: datetime.fromisoformat(found.pop(word)) for word in times if found.get(word) is not None}
    return DatasetMetadata(variables=variables, **{**found, **moments})


def _column(values: Any) -> Any:
    kind = values.type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
        values = values.cast(kind)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return arrow_text(values.cast(pa.large_string()))
    if pa.types.is_float64(kind):
        return np.asarray(values.to_numpy())
    if pa.types.is_date(kind):
        values = values.cast(pa.timestamp("s"))
    return values.to_pandas(types_mapper=pd.ArrowDtype).array


def _variable(name: str, kind: Any) -> VariableMetadata:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_null(kind):
        return VariableMetadata(name, "", "Char", 0)
    formats = (
        (pa.types.is_date, "DATE9."),
        (pa.types.is_timestamp, "DATETIME20."),
        (pa.types.is_duration, "TIME8."),
    )
    return VariableMetadata(name, "", "Num", 8, next((text for test, text in formats if test(kind)), ""))
