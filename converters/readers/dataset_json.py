"""Read Dataset-JSON 1.1 (CDISC), as one object or as NDJSON."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from cdiscway.converters.dataset import DatasetMetadata
from cdiscway.converters.dataset_json_header import REQUIRED, TIMES, decode_header, holds_numbers
from cdiscway.converters.sas_formats import Kind
from cdiscway.converters.sas_times import parse_iso
from cdiscway.converters.text_values import arrow_text
from cdiscway.converters.xpt_mistakes import DataMistake, DatasetJsonError, data_mistake
from cdiscway.specs.mistakes import nearest
from cdiscway.specs.model import VariableType

from .json_rows import open_rows

BLOCK_LINES = 1 << 14
Row = list[Any]
Part = tuple[Any, list[tuple[str, int, Any]]]


def read(path: str | Path, columns: Iterable[str] | None = None) -> tuple[pd.DataFrame, DatasetMetadata]:
    """Return the dataset of a Dataset-JSON file as frame and metadata, or only `columns` of it (in the file's order).

    Text becomes Arrow-backed `str` (null and empty text = missing), numbers float64; dates and times with a
    targetDataType become SAS numbers (days or seconds since 1960), as in a transport file. Raises DatasetJsonError with
    every mistake of the file.
    """
    source = Path(path)
    header, rows = _opened(source)
    metadata = _metadata(header, str(source))
    names = [variable.name for variable in metadata.variables]
    wanted = set(names if columns is None else columns)
    mistakes = [
        data_mistake(str(source), metadata.name, column, "is not a variable of the file", hint=nearest(column, names))
        for column in sorted(wanted.difference(names))
    ]
    kept = [index for index, name in enumerate(names) if name in wanted]
    parts, count, found = _parts(header["columns"], rows, kept) if not mistakes else ([], 0, [])
    mistakes += _located(str(source), metadata.name, found)
    if not mistakes and count != header["records"]:
        mistakes.append(data_mistake(str(source), metadata.name, "", f"has {count} rows, not {header['records']}"))
    if mistakes:
        raise DatasetJsonError(mistakes)
    frame = pd.DataFrame(
        {names[index]: _joined(parts[place], metadata.variables[index].type) for place, index in enumerate(kept)},
        index=pd.RangeIndex(count),
        columns=pd.Index([names[index] for index in kept], dtype="str"),
    )
    return frame, replace(metadata, variables=tuple(metadata.variables[index] for index in kept))


def read_metadata(path: str | Path) -> DatasetMetadata:
    """Return what the file says of its dataset; of NDJSON only the first line is read. Raises DatasetJsonError."""
    source = Path(path)
    return _metadata(_opened(source)[0], str(source))


def is_by_line(path: Path) -> bool:
    """Whether the name is that of an NDJSON file."""
    return path.suffix.lower() in (".ndjson", ".jsonl")


def _opened(source: Path) -> tuple[dict[str, Any], Iterator[list[Row]]]:
    """Return the members of the file and its rows in blocks."""
    try:
        if is_by_line(source):
            return _opened_lines(source)
        streamed = open_rows(source, REQUIRED, BLOCK_LINES)
        if streamed is not None:
            return streamed[0], _told(source, streamed[1])
        found = json.loads(source.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise DatasetJsonError([data_mistake(str(source), "", "", "there is no such file")]) from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise _no_json(source, error) from None
    if not isinstance(found, dict) or not isinstance(found.get("rows", []), list):
        raise DatasetJsonError([data_mistake(str(source), "", "", "is not an object with columns and rows")])
    return found, iter([found.get("rows", [])])


def _told(source: Path, blocks: Iterator[list[Row]]) -> Iterator[list[Row]]:
    """Yield the blocks; what is no JSON among them is a mistake of the file."""
    try:
        yield from blocks
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise _no_json(source, error) from None


def _no_json(source: Path, error: ValueError) -> DatasetJsonError:
    message = error.msg if isinstance(error, json.JSONDecodeError) and not error.pos else str(error)
    return DatasetJsonError([data_mistake(str(source), "", "", f"is not JSON: {message}")])


def _opened_lines(source: Path) -> tuple[dict[str, Any], Iterator[list[Row]]]:
    with source.open(encoding="utf-8-sig") as file:
        header = json.loads(file.readline())
    if not isinstance(header, dict):
        raise DatasetJsonError([data_mistake(str(source), "", "", "line 1 is not the object with the columns")])
    return header, _told(source, _line_blocks(source))


def _line_blocks(source: Path) -> Iterator[list[Row]]:
    with source.open(encoding="utf-8-sig") as file:
        next(file)
        lines = (line for line in file if line.strip())
        while block := list(itertools.islice(lines, BLOCK_LINES)):
            try:
                yield json.loads("[" + ",".join(block) + "]")
            except json.JSONDecodeError as error:
                message = f"holds a line that is not JSON: {error.msg}"
                raise DatasetJsonError([data_mistake(str(source), "", "", message)]) from None


def _metadata(header: dict[str, Any], file: str) -> DatasetMetadata:
    metadata, mistakes = decode_header(header, file)
    if metadata is None:
        raise DatasetJsonError(mistakes)
    return metadata


def _parts(
    columns: list[dict[str, Any]], blocks: Iterable[list[Row]], kept: list[int]
) -> tuple[list[list[Any]], int, list[tuple[str, str, int, Any]]]:
    """Return the columns in parts, the number of rows, and what is wrong: (variable, reason, row, value)."""
    parts: list[list[Any]] = [[] for _ in kept]
    mistakes: list[tuple[str, str, int, Any]] = []
    count = 0
    for block in blocks:
        wrong = [i for i, row in enumerate(block) if not isinstance(row, list) or len(row) != len(columns)]
        if wrong:
            mistakes += [("", f"a row has not {len(columns)} values", count + i, None) for i in wrong]
            count += len(block)
            continue
        for place, index in enumerate(kept):
            values = [row[index] for row in block]
            part, found = _decoded(values, columns[index])
            parts[place].append(part)
            mistakes += [(columns[index]["name"], reason, count + row, value) for reason, row, value in found]
        count += len(block)
    return parts, count, mistakes


def _decoded(values: list[Any], column: dict[str, Any]) -> Part:
    """Return one column of a block as an Arrow array of text, or as doubles."""
    kind = column["dataType"]
    if not holds_numbers(column):
        return _texts(values)
    if kind in TIMES:
        return _sas_numbers(values, kind)
    return _numbers(values, kind)


def _texts(values: list[Any]) -> Part:
    wrong = [(f"{value!r} is no text", row, value) for row, value in enumerate(values) if not _is(value, str)]
    if wrong:
        return None, wrong
    texts = pa.array(values, pa.large_string())
    return pc.replace_with_mask(texts, pc.equal(texts, "").fill_null(False), pa.scalar(None, pa.large_string())), []


def _numbers(values: list[Any], kind: str) -> Part:
    if kind == "decimal":
        values = [_decimal(value) for value in values]
    wrong = [(f"{value!r} is no number", row, value) for row, value in enumerate(values) if not _is(value, int, float)]
    if wrong:
        return None, wrong
    return np.array([np.nan if value is None else value for value in values], np.float64), []


def _sas_numbers(values: list[Any], kind: Kind) -> Part:
    numbers, wrong = np.full(len(values), np.nan), []
    for row, value in enumerate(values):
        try:
            numbers[row] = np.nan if value is None or value == "" else parse_iso(str(value), kind)
        except ValueError:
            wrong.append((f"{value!r} is no {kind} of ISO 8601", row, value))
    return numbers, wrong


def _is(value: Any, *kinds: type) -> bool:
    return value is None or (isinstance(value, kinds) and not isinstance(value, bool))


def _decimal(value: Any) -> Any:
    """Return a decimal, which is written as text, as a number; what is none stays as it is."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _joined(parts: list[Any], kind: VariableType) -> Any:
    if kind == "Num":
        return np.concatenate([np.zeros(0), *parts])
    return arrow_text(pa.chunked_array(parts, pa.large_string()))


def _located(file: str, dataset: str, found: list[tuple[str, str, int, Any]]) -> list[DataMistake]:
    return [data_mistake(file, dataset, variable, reason, rows=[row]) for variable, reason, row, _ in found]
