"""SAS datasets (sas7bdat, with the value labels of a sas7bcat) and transport files (xpt): one form each."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cdiscway.converters.dataset import DatasetMetadata, VariableMetadata
from cdiscway.converters.sas_formats import parse_format
from cdiscway.specs.mistakes import Mistake, MistakesError

from .options import DecimalMark, FormOptions, ReaderOptions
from .raw import (
    SUFFIXES,
    FileForms,
    Place,
    RawColumn,
    RawForm,
    RawTable,
    add_label_columns,
    no_repeats,
    open_files,
    text_column,
    with_labels,
)
from .typed import number_text, sas_texts

Labels = Mapping[str, Mapping[str, str]]


def open_source(place: Place, options: ReaderOptions) -> FileForms:
    """Open a folder of SAS datasets or transport files. Raises MistakesError."""
    labels = read_catalog(place, options) if options.format == "sas7bdat" else {}
    return open_files(place, options, SUFFIXES[options.format], partial(add_form, options, labels))


def add_form(
    options: ReaderOptions, labels: Labels, source: FileForms, name: str, form: FormOptions, path: Path, shown: str
) -> None:
    """Add one dataset to a source; `options.format` says what file it is. Raises MistakesError."""
    encoding = options.of(form).encoding
    metadata = _metadata(path, shown, options.format, encoding)
    no_repeats([variable.name for variable in metadata.variables], shown, 1, None)
    columns = [_column(variable, labels) for variable in metadata.variables]
    made = with_labels(columns, options.labels)
    about = RawForm(name, shown, form.label or metadata.label, made, found={"dataset": metadata.name})
    mark = options.of(form).decimal or "."
    source.add(about, partial(_read, path, shown, options.format, encoding, about, mark))


def _column(variable: VariableMetadata, labels: Labels) -> RawColumn:
    """Return what a dataset says of a variable: its format names the value labels."""
    try:
        name = parse_format(variable.format).name.upper() if variable.format else ""
    except ValueError:
        name = ""
    return RawColumn(variable.name, variable.label, labels.get(name, {}))


def _metadata(path: Path, shown: str, kind: str, encoding: str | None) -> DatasetMetadata:
    if kind == "xpt":
        from .xpt import XptError, read_metadata  # noqa: PLC0415 - only the reader asked for

        try:
            return read_metadata(path, encoding=encoding or "utf-8")
        except XptError as error:
            raise MistakesError(_mistakes(error, shown)) from None
    return _sas7bdat(path, shown, encoding, metadata_only=True)[1]


def _read(path: Path, shown: str, kind: str, encoding: str | None, about: RawForm, mark: DecimalMark) -> RawTable:
    if kind == "xpt":
        from .xpt import XptError, read  # noqa: PLC0415 - only the reader asked for

        try:
            frame, metadata = read(path, encoding=encoding or "utf-8")
        except XptError as error:
            raise MistakesError(_mistakes(error, shown)) from None
    else:
        frame, metadata = _sas7bdat(path, shown, encoding)
    texts = {item.name: _texts(frame[item.name], item, mark) for item in metadata.variables}
    frame, notes = add_label_columns(pd.DataFrame(texts, index=pd.RangeIndex(len(frame))), about.columns)
    return RawTable(frame, notes)


def _texts(column: pd.Series, variable: VariableMetadata, mark: DecimalMark) -> pd.Series:
    if variable.type == "Num":
        return sas_texts(np.ascontiguousarray(column.to_numpy(np.float64)), variable.format, mark)
    codes, values = pd.factorize(column)
    return text_column(codes, [str(value).rstrip(" ") for value in values.tolist()])


def _mistakes(error: Exception, shown: str) -> list[Mistake]:
    return [
        Mistake(shown, None, ".".join(part for part in (item.variable,) if part), item.message, item.hint)
        for item in error.mistakes  # type: ignore[attr-defined]
    ]


def _sas7bdat(
    path: Path, shown: str, encoding: str | None, metadata_only: bool = False
) -> tuple[pd.DataFrame, DatasetMetadata]:
    import pyreadstat  # noqa: PLC0415 - only the reader asked for

    name = None if encoding is None else codecs.lookup(encoding).name.upper()
    try:
        if metadata_only:
            _, found = pyreadstat.read_sas7bdat(str(path), metadataonly=True, encoding=name)
            return pd.DataFrame(), _sas_metadata(found, found.column_names)
        frame, found = pyreadstat.read_sas7bdat(
            str(path), disable_datetime_conversion=True, user_missing=True, encoding=name
        )
    except (pyreadstat.ReadstatError, UnicodeDecodeError, ValueError) as error:
        raise MistakesError([Mistake(shown, None, "", f"is no SAS dataset: {error}")]) from None
    metadata = _sas_metadata(found, frame.columns)
    columns = {item.name: _plain(frame[item.name], item) for item in metadata.variables}
    return pd.DataFrame(columns, index=frame.index), metadata


def _plain(column: pd.Series, variable: VariableMetadata) -> Any:
    """Return numbers as doubles; pyreadstat gives a special missing value as its letter."""
    if variable.type == "Char":
        return column.mask(column == "")
    if not pd.api.types.is_object_dtype(column.dtype) and not pd.api.types.is_string_dtype(column.dtype):
        return column.to_numpy(np.float64)
    from cdiscway.converters.ibm_float import SPECIAL_TAGS, tagged_nan  # noqa: PLC0415 - rare

    values = pd.to_numeric(column, errors="coerce").to_numpy(np.float64).copy()
    for tag in SPECIAL_TAGS:
        values[(column == tag).to_numpy(dtype=bool, na_value=False)] = tagged_nan(ord(tag))[0]
    return values


def _sas_metadata(found: Any, names: Any) -> DatasetMetadata:
    return DatasetMetadata(
        (found.table_name or "").upper(),
        found.file_label or "",
        tuple(
            VariableMetadata(
                name=name,
                label=found.column_names_to_labels.get(name) or "",
                type="Char" if found.readstat_variable_types.get(name) == "string" else "Num",
                length=0,
                format=_format(found.original_variable_types.get(name)),
            )
            for name in names
        ),
    )


def _format(text: str | None) -> str:
    if not text or text == "NULL":
        return ""
    return text if "." in text else f"{text}."


def read_catalog(place: Place, options: ReaderOptions) -> Labels:
    """Return format name -> code -> label of the value-label catalog, declared or the only one beside the datasets."""
    catalogs = sorted(place.folder.glob("*.sas7bcat"))
    if options.catalog is None and len(catalogs) != 1:
        if not catalogs:
            return {}
        hint = "name it: 'catalog' under 'raw' in study.yaml"
        raise MistakesError([Mistake(place.shown, None, "", f"holds {len(catalogs)} value-label catalogs", hint)])
    path = catalogs[0] if options.catalog is None else place.folder / options.catalog
    shown = place.show(path)
    if not path.is_file():
        raise MistakesError([Mistake(shown, None, "", "there is no such file")])
    import pyreadstat  # noqa: PLC0415 - only the reader asked for

    try:
        _, found = pyreadstat.read_sas7bcat(str(path))
    except (pyreadstat.ReadstatError, UnicodeDecodeError, ValueError) as error:
        raise MistakesError([Mistake(shown, None, "", f"is no value-label catalog: {error}")]) from None
    mark = options.decimal or "."
    return {
        str(name).upper(): {
            (code if isinstance(code, str) else number_text(code, 0, mark)): label for code, label in values.items()
        }
        for name, values in found.value_labels.items()
    }
