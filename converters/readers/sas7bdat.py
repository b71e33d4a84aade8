"""Read SAS datasets (sas7bdat) with pyreadstat: numbers as SAS stores them, special missing values kept."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyreadstat

from cdiscway.converters.dataset import DatasetMetadata, VariableMetadata
from cdiscway.converters.ibm_float import SPECIAL_TAGS, tagged_nan
from cdiscway.converters.xpt_mistakes import DatasetFileError, data_mistake


def read(path: str | Path) -> tuple[pd.DataFrame, DatasetMetadata]:
    """Return a SAS dataset as frame and metadata; dates and times stay numbers. Raises DatasetFileError."""
    source = Path(path)
    if not source.exists():
        raise DatasetFileError([data_mistake(str(source), "", "", "there is no such file")])
    try:
        frame, found = pyreadstat.read_sas7bdat(str(source), disable_datetime_conversion=True, user_missing=True)
    except pyreadstat.ReadstatError as error:
        raise DatasetFileError([data_mistake(str(source), "", "", f"is no SAS dataset: {error}")]) from None
    numbers = {name for name in frame.columns if found.readstat_variable_types.get(name) != "string"}
    columns = {name: _numbers(frame[name]) if name in numbers else _text(frame[name]) for name in frame.columns}
    metadata = DatasetMetadata(
        name=(found.table_name or source.stem).upper(),
        label=found.file_label or "",
        variables=tuple(_variable(name, found, name in numbers) for name in frame.columns),
        created=_whole_second(found.creation_time),
        modified=_whole_second(found.modification_time),
    )
    return pd.DataFrame(columns, index=frame.index, columns=pd.Index(list(columns), dtype="str")), metadata


def _variable(name: str, found: Any, is_number: bool) -> VariableMetadata:
    shown = found.original_variable_types.get(name) or ""
    display_format = "" if shown == "NULL" else shown
    return VariableMetadata(
        name=name,
        label=found.column_names_to_labels.get(name) or "",
        type="Num" if is_number else "Char",
        length=8 if is_number else int(found.variable_storage_width.get(name) or 0),
        format=display_format if not display_format or "." in display_format else display_format + ".",
    )


def _text(column: pd.Series[Any]) -> pd.Series[Any]:
    text = column.astype("str")
    return text.mask(text == "")


def _numbers(column: pd.Series[Any]) -> Any:
    """Return doubles; pyreadstat gives a special missing value as its letter."""
    values = pd.to_numeric(column, errors="coerce").to_numpy(np.float64).copy()
    if pd.api.types.is_object_dtype(column.dtype):
        for tag in SPECIAL_TAGS:
            values[(column == tag).to_numpy()] = tagged_nan(ord(tag))[0]
    return values


def _whole_second(moment: datetime | None) -> datetime:
    return datetime(1960, 1, 1) if moment is None else moment.replace(microsecond=0, tzinfo=None)
