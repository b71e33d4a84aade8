"""Write Dataset-JSON 1.1 (CDISC): one object, or NDJSON with one row per line; block by block, from distinct values."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from cdiscway.converters.dataset import DatasetMetadata, VariableMetadata
from cdiscway.converters.dataset_json_header import TIMES, Held, encode_header
from cdiscway.converters.ibm_float import Floats, special_tags
from cdiscway.converters.number_values import MAX_INTEGER, NotNumbersError, NumberValues, number_values
from cdiscway.converters.sas_formats import Kind, kind_of_format
from cdiscway.converters.sas_times import iso_texts
from cdiscway.converters.text_values import PlainText, TextValues, distinct, empty_text, is_empty, text_values
from cdiscway.converters.whole_file import whole_file
from cdiscway.converters.xpt_check import check_frame
from cdiscway.converters.xpt_mistakes import SHOWN_VALUES, DataMistake, DatasetJsonError, data_mistake

BLOCK_ROWS = 1 << 15
_COMMA, _QUOTE, _NOTHING = (pa.scalar(text, pa.large_string()) for text in (",", '"', ""))


@dataclass(frozen=True, slots=True)
class Column:
    """A column and how its values are written."""

    name: str
    values: TextValues | NumberValues
    held: Held


def write(frame: pd.DataFrame, metadata: DatasetMetadata, path: str | Path, *, ndjson: bool | None = None) -> None:
    """Write `frame` as Dataset-JSON 1.1; as NDJSON where `ndjson` says so or, by default, where the name ends so.

    The file appears whole or not at all. Missing values are null. Numbers are written so that the same double is read
    back; columns with a date, time or datetime format become ISO 8601 text (targetDataType integer) where every value is
    a whole day or second. Raises DatasetJsonError for what JSON has no word for: special missing values, infinity.
    """
    target = Path(path)
    by_line = target.suffix.lower() in (".ndjson", ".jsonl") if ndjson is None else ndjson
    columns, mistakes = _columns(frame, metadata, str(target))
    if mistakes:
        raise DatasetJsonError(mistakes)
    header = encode_header(metadata, {column.name: column.held for column in columns}, len(frame))
    start = json.dumps(header, ensure_ascii=False, separators=(",", ":"))
    first, between, end = ("\n", "\n", "\n") if by_line else (',"rows":[\n', ",\n", "\n]}\n")
    with whole_file(target) as file:
        file.write((start if by_line else start[:-1]).encode())
        for number, block in enumerate(_blocks(columns, len(frame), between)):
            file.write((between if number else first).encode())
            file.write(block)
        file.write((end if len(frame) or by_line else first + end).encode())


def _columns(frame: pd.DataFrame, metadata: DatasetMetadata, file: str) -> tuple[list[Column], list[DataMistake]]:
    mistakes = check_frame(frame, metadata, file, allow_empty=True)
    columns = []
    for variable in metadata.variables if not mistakes else ():
        column, found = _column(frame[variable.name], variable)
        mistakes += [
            data_mistake(file, metadata.name, variable.name, why, rows=rows, value=v) for v, why, rows in found
        ]
        if column is not None:
            columns.append(column)
    return columns, mistakes


def _column(values: pd.Series[Any], variable: VariableMetadata) -> tuple[Column | None, list[tuple[Any, str, Any]]]:
    text = text_values(values)
    if variable.type == "Char":
        text = empty_text(values) if text is None else text
        if text is None:
            return None, [(None, f"is text in the metadata, the column holds {values.dtype}", ())]
        return Column(variable.name, text, "string"), []
    if text is not None and not is_empty(values):
        return None, [(None, "is a number in the metadata, the column holds text", ())]
    try:
        numbers = number_values(values, variable.format)
    except (NotNumbersError, ValueError) as error:
        return None, [(None, str(error), ())]
    held, found = _number_kind(numbers, variable.format)
    return Column(variable.name, numbers, held), found


def _number_kind(numbers: NumberValues, display_format: str) -> tuple[Held, list[tuple[Any, str, Any]]]:
    """Return how a column of numbers is written, and the values that JSON has no word for."""
    found: list[tuple[Any, str, Any]] = []
    whole, timely, meaning = True, True, kind_of_format(display_format)
    for start in range(0, len(numbers), BLOCK_ROWS):
        floats = numbers.floats(start, start + BLOCK_ROWS)
        tags = special_tags(floats)
        wrong = np.flatnonzero((tags > 0) | np.isinf(floats))[: SHOWN_VALUES - len(found)]
        for at in wrong:
            value = f".{chr(tags[at])}" if tags[at] else float(floats[at])
            found.append((value, "has no place in Dataset-JSON", [start + int(at)]))
        whole = whole and bool((np.isnan(floats) | (np.trunc(floats) == floats)).all())
        whole = whole and not bool((np.abs(floats) > MAX_INTEGER).any())
        timely = timely and meaning is not None and whole and iso_texts(floats, meaning) is not None
    if meaning is not None and timely and len(numbers):
        return cast(Held, meaning), found
    return ("integer" if whole else "float"), found


def _blocks(columns: list[Column], count: int, between: str) -> Iterator[bytes]:
    """Yield the rows as JSON arrays, joined."""
    for start in range(0, count, BLOCK_ROWS):
        stop = min(start + BLOCK_ROWS, count)
        fields = [_json_values(column, start, stop) for column in columns]
        rows = pc.binary_join_element_wise(*fields, _COMMA) if len(fields) > 1 else fields[0]
        yield ("[" + f"]{between}[".join(rows.to_pylist()) + "]").encode()


def _json_values(column: Column, start: int, stop: int) -> Any:
    """Return the values of some rows as JSON texts."""
    if isinstance(column.values, NumberValues):
        return _json_numbers(column.values.floats(start, stop), column.held)
    if isinstance(column.values, PlainText):
        coded = distinct(PlainText(column.values.values.slice(start, stop - start)))
        codes = coded.codes
    else:
        coded, codes = column.values, column.values.codes[start:stop]
    words = [json.dumps(value, ensure_ascii=False) for value in coded.values.to_pylist()]
    table = pa.array([*words, "null"], pa.large_string())
    return table.take(pa.array(np.where(codes < 0, len(words), codes)))


def _json_numbers(floats: Floats, held: Held) -> Any:
    if held in TIMES:
        texts = iso_texts(floats, cast(Kind, held))
        return pc.binary_join_element_wise(_QUOTE, texts.cast(pa.large_string()), _QUOTE, _NOTHING).fill_null("null")
    words = pa.array(floats, from_pandas=True).cast(pa.large_string())
    return words.fill_null("null")
