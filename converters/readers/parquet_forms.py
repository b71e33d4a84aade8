"""Parquet files: one form each; numbers, dates and times as text."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from cdiscway.specs.mistakes import Mistake, MistakesError

from .options import DecimalMark, FormOptions, ReaderOptions
from .raw import SUFFIXES, FileForms, Place, RawColumn, RawForm, RawTable, no_repeats, open_files, text_column
from .typed import moment_text, number_text


def open_source(place: Place, options: ReaderOptions) -> FileForms:
    """Open a folder of Parquet files. Raises MistakesError."""
    return open_files(place, options, SUFFIXES["parquet"], partial(_add, options))


def _add(options: ReaderOptions, source: FileForms, name: str, form: FormOptions, path: Path, shown: str) -> None:
    try:
        schema = pyarrow.parquet.read_schema(path)
    except (pa.ArrowException, OSError) as error:
        raise MistakesError([Mistake(shown, None, "", f"is no Parquet file: {_first_line(error)}")]) from None
    names = no_repeats(schema.names, shown, 1, options.repeated_names)
    nested = [field.name for field in schema if pa.types.is_nested(field.type) or pa.types.is_binary(field.type)]
    if nested:
        raise MistakesError(
            [Mistake(shown, None, item, "holds lists or bytes, not text or numbers") for item in nested]
        )
    columns = tuple(RawColumn(column, _label(field)) for column, field in zip(names, schema, strict=True))
    mark = options.of(form).decimal or "."
    source.add(RawForm(name, shown, form.label, columns), partial(_read, path, shown, names, mark))


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


def _label(field: pa.Field) -> str:
    return str((field.metadata or {}).get(b"label", b"").decode("utf-8", errors="replace"))


def _read(path: Path, shown: str, names: list[str], mark: DecimalMark) -> RawTable:
    try:
        table = pyarrow.parquet.ParquetFile(path).read()
    except (pa.ArrowException, OSError) as error:
        raise MistakesError([Mistake(shown, None, "", f"is a damaged Parquet file: {_first_line(error)}")]) from None
    columns = {name: _texts(column, mark) for name, column in zip(names, table.columns, strict=True)}
    return RawTable(pd.DataFrame(columns, index=pd.RangeIndex(len(table))))


def _texts(column: pa.ChunkedArray, mark: DecimalMark) -> pd.Series:
    if pa.types.is_null(column.type):
        column = column.cast(pa.string())
    encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    whole = encoded.combine_chunks() if encoded.num_chunks != 1 else encoded.chunk(0)
    if isinstance(whole, pa.ChunkedArray):
        whole = whole.unify_dictionaries().combine_chunks()
    codes = whole.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return text_column(codes, [_text(value, mark) for value in whole.dictionary.to_pylist()])


def _text(value: Any, mark: DecimalMark) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return None if value != value else number_text(value, 0, mark)  # noqa: PLR0124 - NaN
    if hasattr(value, "isoformat"):
        return moment_text(value)
    return str(value).replace(".", mark)
