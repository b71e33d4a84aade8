"""Delimited text (CSV, TSV): every field as text, exactly as it stands in the file."""

from __future__ import annotations

import codecs
import csv
import io
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

from cdiscway.specs.mistakes import Mistake, MistakesError

from .options import FormOptions, ReaderOptions, TextOptions
from .raw import SUFFIXES, FileForms, Place, RawColumn, RawForm, RawNote, RawTable, no_repeats, open_files, text_column

DELIMITERS = (";", ",", "\t", "|")
SAMPLED_RECORDS = 50
STRAY = 0x10FF00
"""A byte that is no UTF-8 becomes this + byte (a sign for private use) until its value is known."""

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


@dataclass(frozen=True)
class Layout:
    """How one file is written; `end_row` is the text of a last line that ends the file (Rave)."""

    delimiter: str
    encoding: str
    quote: str
    header_line: int
    names: tuple[str, ...]
    end_row: str = ""

    @property
    def found(self) -> dict[str, str]:
        """What `inspect` shows."""
        shown = {"\t": "tab"}.get(self.delimiter, self.delimiter)
        return {"delimiter": shown, "encoding": self.encoding, "quote": self.quote or "none"}


def open_source(place: Place, options: ReaderOptions) -> FileForms:
    """Open a folder of delimited files, one form each."""
    return open_files(place, options, SUFFIXES["delimited"], partial(_add, options))


def _add(options: ReaderOptions, source: FileForms, name: str, form: FormOptions, path: Path, shown: str) -> None:
    layout = find_layout(path, options.of(form), shown)
    columns = tuple(RawColumn(column) for column in layout.names)
    about = RawForm(name, shown, form.label, columns, found=layout.found)
    source.add(about, partial(read_delimited, path, layout, shown))


def find_layout(path: Path, options: TextOptions, name: str, end_row: str = "") -> Layout:
    """Return how a file is written: as declared, and found where nothing is. `name` is the file as shown in messages.

    Raises MistakesError for a missing or empty file, a wrong encoding, and a column name that occurs twice or is blank.
    """
    try:
        encoding = options.encoding or _encoding_by_mark(path)
        header_line = options.header_line or 1
        quote = '"' if options.quote is None else options.quote
        with _opened(path, encoding) as stream:
            lines = list(itertools.islice(stream, header_line - 1 + SAMPLED_RECORDS))[header_line - 1 :]
    except FileNotFoundError:
        raise MistakesError([Mistake(name, None, "", "there is no such file")]) from None
    except (UnicodeDecodeError, UnicodeError):
        raise MistakesError(_wrong_encoding(path, encoding, name)) from None
    delimiter = options.delimiter or find_delimiter(lines, quote)
    header: list[str] = next(_records(lines, delimiter, quote), [])
    if not any(header):
        raise MistakesError([Mistake(name, None, "", "is empty: there is no line of column names")])
    names = no_repeats(header, name, header_line, options.repeated_names)
    return Layout(delimiter, encoding, quote, header_line, tuple(names), end_row)


def find_delimiter(lines: Sequence[str], quote: str = '"') -> str:
    """Return the delimiter under which most of these lines have as many fields as the first.

    >>> find_delimiter(["a;b", "1,5;2", "3,5;4"])
    ';'
    """

    def fit(delimiter: str) -> tuple[int, int]:
        widths = [len(record) for record in _records(lines, delimiter, quote) if record]
        return (sum(width == widths[0] for width in widths), widths[0]) if widths and widths[0] > 1 else (0, 0)

    return max(DELIMITERS, key=fit)


def read_delimited(path: Path, layout: Layout, name: str) -> RawTable:
    """Read all fields as text into categorical columns; a blank field is missing. Row i is record i + 1 of the file.

    Raises MistakesError for bytes of another encoding and for a record with another number of fields than the header.
    """
    ragged: list[pyarrow.csv.InvalidRow] = []
    ends: list[pyarrow.csv.InvalidRow] = []

    def judge(row: pyarrow.csv.InvalidRow) -> str:
        is_end = layout.end_row and row.text.strip() == layout.end_row
        (ends if is_end else ragged).append(row)
        return "skip"

    table = _table(path, layout, name, judge)
    if ragged:
        raise MistakesError(_ragged(path, layout, name) or [_of_width(name, row.number, row) for row in ragged])
    frame: pd.DataFrame = table.to_pandas().set_axis(list(layout.names), axis="columns")
    notes = [_end_note(layout.end_row)] if ends else []
    if layout.encoding.count("+"):
        frame, strays = _without_strays(frame)
        notes += strays
    return RawTable(frame, tuple(notes))


def _table(path: Path, layout: Layout, name: str, judge: Callable[[pyarrow.csv.InvalidRow], str]) -> pa.Table:
    source: Path | io.BytesIO = path
    try:
        if layout.encoding.count("+"):
            source = io.BytesIO(decode_strays(path.read_bytes()).encode("utf-8"))
        return pyarrow.csv.read_csv(
            source,
            pyarrow.csv.ReadOptions(
                encoding=_plain(layout.encoding),
                use_threads=False,
                column_names=list(layout.names),
                skip_rows=layout.header_line - 1,
                skip_rows_after_names=1,
            ),
            pyarrow.csv.ParseOptions(
                delimiter=layout.delimiter,
                quote_char=layout.quote or False,
                newlines_in_values=True,
                invalid_row_handler=judge,
            ),
            pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(layout.names, pa.dictionary(pa.int32(), pa.string())),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
            ),
        )
    except (pa.ArrowInvalid, UnicodeError) as error:
        if "UTF8" in str(error) or isinstance(error, UnicodeError):
            raise MistakesError(_wrong_encoding(path, layout.encoding, name)) from None
        raise MistakesError([Mistake(name, None, "", f"cannot be read: {error}")]) from None


def _ragged(path: Path, layout: Layout, name: str) -> list[Mistake]:
    """Find the records of the wrong width again, each with the line it begins on (a field may hold line breaks)."""
    mistakes, width = [], len(layout.names)
    with _opened(path, layout.encoding) as stream:
        lines = itertools.islice(stream, layout.header_line - 1, None)
        records = _records(lines, layout.delimiter, layout.quote)
        before = 0
        for record in records:
            line = layout.header_line + before
            before = getattr(records, "line_num", before + 1)
            if record and len(record) != width and record != [layout.end_row]:
                hint = "is a quotation mark left open?" if any("\n" in field for field in record) else ""
                hint = hint or "is a delimiter inside a field without quotes?"
                message = f"has {len(record)} fields where the header has {width}"
                mistakes.append(Mistake(name, line, "", message, hint))
    return mistakes


def _of_width(name: str, line: int | None, row: pyarrow.csv.InvalidRow) -> Mistake:
    return Mistake(name, line, "", f"has {row.actual_columns} fields where the header has {row.expected_columns}")


def _end_note(text: str) -> RawNote:
    return RawNote("CDW-RAW-END", "info", f"the line '{text}' at the end of the file is no record")


def _records(lines: Iterable[str], delimiter: str, quote: str) -> Iterator[list[str]]:
    if not quote:
        return csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE)
    return csv.reader(lines, delimiter=delimiter, quotechar=quote)


def _encoding_by_mark(path: Path) -> str:
    with path.open("rb") as stream:
        start = stream.read(3)
    return next((encoding for mark, encoding in _MARKS if start.startswith(mark)), "utf-8")


def _opened(path: Path, encoding: str) -> io.TextIOBase:
    if "+" in encoding:
        return io.StringIO(decode_strays(path.read_bytes()), newline="")
    return path.open(encoding=_with_mark(encoding), newline="")


def _plain(encoding: str) -> str:
    if "+" in encoding:
        return "utf-8"
    name = codecs.lookup(encoding).name
    return "utf-8" if name in {"utf-8", "utf-8-sig", "ascii"} else name


def _with_mark(encoding: str) -> str:
    return "utf-8-sig" if _plain(encoding) == "utf-8" else encoding


def decode_strays(data: bytes) -> str:
    """Decode UTF-8; each byte that is none becomes the private sign STRAY + byte."""
    text = data.decode("utf-8-sig", errors="surrogateescape")
    if not any(0xDC80 <= ord(sign) <= 0xDCFF for sign in set(text)):
        return text
    return text.translate({0xDC00 + byte: chr(STRAY + byte) for byte in range(0x80, 0x100)})


def cp1252_text(stray: str) -> str | None:
    """Return a text with its stray signs read as cp1252, None where that knows one of the bytes not."""
    signs = {}
    for sign in set(stray):
        if STRAY <= ord(sign) < STRAY + 0x100:
            try:
                signs[ord(sign)] = bytes([ord(sign) - STRAY]).decode("cp1252")
            except UnicodeDecodeError:
                return None
    return stray.translate(signs)


def _without_strays(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[RawNote]]:
    """Read stray bytes as cp1252, value by value, and name each value that had one."""
    notes: list[RawNote] = []
    columns: dict[str, pd.Series] = {}
    for name in frame.columns:
        column = frame[name]
        texts, codes = column.cat.categories.tolist(), column.cat.codes.to_numpy()
        hits = [place for place, text in enumerate(texts) if max(text) >= chr(STRAY)]
        for place in hits:
            strays = sorted({ord(sign) - STRAY for sign in texts[place] if sign >= chr(STRAY)})
            shown = " ".join(f"0x{byte:02X}" for byte in strays)
            fixed = cp1252_text(texts[place])
            rows = tuple(np.flatnonzero(codes == place).tolist())
            if fixed is None:
                message = f"the bytes {shown} in {name} are neither UTF-8 nor cp1252; they are shown as U+FFFD"
                fixed = "".join("\ufffd" if sign >= chr(STRAY) else sign for sign in texts[place])
                notes.append(RawNote("CDW-RAW-ENCODING", "error", message, name, fixed, rows))
            else:
                message = f"'{fixed}' in {name} holds bytes that are no UTF-8 ({shown}): read as cp1252"
                notes.append(RawNote("CDW-RAW-ENCODING", "info", message, name, fixed, rows))
            texts[place] = fixed
        columns[name] = text_column(codes, texts) if hits else column
    return pd.DataFrame(columns, index=frame.index), notes


def _wrong_encoding(path: Path, encoding: str, name: str) -> list[Mistake]:
    """Say on which line the bytes stop being text of that encoding, which bytes, and how cp1252 would read them."""
    data = path.read_bytes()
    try:
        data.decode(_with_mark(encoding))
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        found = data[error.start : error.start + 1]
        mixed = "utf-8+cp1252" if any(byte >= 0x80 for byte in data[: error.start]) else "cp1252"
        around = data[max(0, error.start - 10) : error.start + 10].decode("cp1252", errors="replace")
        message = f"is not {encoding} text: byte 0x{found.hex().upper()} (in '{_printable(around)}', read as cp1252)"
        return [Mistake(name, line, "", message, f"set 'encoding' under 'raw' in study.yaml, for example {mixed}")]
    except UnicodeError:
        pass
    return [Mistake(name, None, "", f"is not {encoding} text", "set 'encoding' under 'raw' in study.yaml")]


def _printable(text: str) -> str:
    return "".join(sign if sign.isprintable() else " " for sign in text).strip()
