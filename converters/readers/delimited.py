"""Delimited text (CSV): every field as text, exactly as it stands in the file."""

from __future__ import annotations

import codecs
import csv
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv

from cdiscway.specs.mistakes import Mistake, MistakesError


def read_header(path: Path, delimiter: str, encoding: str, name: str) -> list[str]:
    """Return the column names of a file. `name` is the file as shown in messages.

    Raises MistakesError for a missing or empty file, a wrong encoding, and a column name that occurs twice or is blank.
    """
    try:
        with path.open(encoding=_with_mark(encoding), newline="") as stream:
            header = next(csv.reader(stream, delimiter=delimiter), [])
    except FileNotFoundError:
        raise MistakesError([Mistake(name, None, "", "there is no such file")]) from None
    except UnicodeDecodeError:
        raise MistakesError([_wrong_encoding(path, encoding, name)]) from None
    if not header:
        raise MistakesError([Mistake(name, None, "", "is empty: there is no line of column names")])
    mistakes = [
        Mistake(name, 1, column or f"column {place + 1}", "the column name occurs twice" if column else "has no name")
        for place, column in enumerate(header)
        if not column or column in header[:place]
    ]
    if mistakes:
        raise MistakesError(mistakes)
    return header


def read_delimited(path: Path, delimiter: str, encoding: str, name: str) -> pd.DataFrame:
    """Read all fields as text into categorical columns; a blank field is missing. Row i is record i + 1 of the file.

    Raises MistakesError for what `read_header` refuses and for a record with another number of fields than the header.
    """
    header = read_header(path, delimiter, encoding, name)
    ragged: list[Mistake] = []

    def refuse(row: pyarrow.csv.InvalidRow) -> str:
        line = None if row.number is None else row.number
        message = f"has {row.actual_columns} fields where the header has {row.expected_columns}"
        ragged.append(Mistake(name, line, "", message, "is a delimiter inside a field without quotes?"))
        return "skip"

    try:
        table = pyarrow.csv.read_csv(
            path,
            pyarrow.csv.ReadOptions(encoding=_plain(encoding), use_threads=False),
            pyarrow.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True, invalid_row_handler=refuse),
            pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(header, pa.dictionary(pa.int32(), pa.string())),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
            ),
        )
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        if "UTF8" in str(error) or isinstance(error, UnicodeDecodeError):
            raise MistakesError([_wrong_encoding(path, encoding, name)]) from None
        raise MistakesError([Mistake(name, None, "", f"cannot be read: {error}")]) from None
    if ragged:
        raise MistakesError(ragged)
    frame: pd.DataFrame = table.to_pandas()
    return frame.set_axis(header, axis="columns")


def _plain(encoding: str) -> str:
    name = codecs.lookup(encoding).name
    return "utf-8" if name in {"utf-8", "utf-8-sig", "ascii"} else name


def _with_mark(encoding: str) -> str:
    return "utf-8-sig" if _plain(encoding) == "utf-8" else encoding


def _wrong_encoding(path: Path, encoding: str, name: str) -> Mistake:
    """Say on which line the bytes stop being text of that encoding."""
    data = path.read_bytes()
    try:
        data.decode(_with_mark(encoding))
        line = None
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
    return Mistake(
        name, line, "", f"is not {encoding} text", "set 'encoding' under 'raw' in study.yaml, for example cp1252"
    )
