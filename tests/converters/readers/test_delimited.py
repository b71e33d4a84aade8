"""Delimited text: every field comes back as it was written, and what is wrong is named with file and line."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cdiscway.converters.readers.delimited import (
    cp1252_text,
    decode_strays,
    find_delimiter,
    find_layout,
    read_delimited,
)
from cdiscway.converters.readers.options import ReaderOptions, TextOptions
from cdiscway.converters.readers.raw import Place, open_raw
from cdiscway.specs.mistakes import MistakesError

FIELD = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc"), include_characters="\r\n;,\"'\t"), max_size=12
)


def read(path: Path, **options: Any) -> tuple[tuple[str, ...], list[list[str | None]], Any]:
    layout = find_layout(path, TextOptions(**options), "raw/f.csv")
    table = read_delimited(path, layout, "raw/f.csv")
    rows = [
        [None if isinstance(cell, float) else cell for cell in row] for row in table.frame.astype("object").to_numpy()
    ]
    return layout.names, rows, (layout, table)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.lists(FIELD, min_size=3, max_size=3).filter(any), min_size=1, max_size=8),
    delimiter=st.sampled_from([";", ",", "\t", "|"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_what_is_written_is_read(tmp_path: Path, rows: list[list[str]], delimiter: str, encoding: str) -> None:
    path = tmp_path / "f.csv"
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter=delimiter).writerows([["A", "B", "C"], *rows])
    path.write_bytes(stream.getvalue().encode(encoding))
    names, found, _ = read(path, delimiter=delimiter)
    assert names == ("A", "B", "C")
    assert found == [[cell or None for cell in row] for row in rows]


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=20), st.binary(max_size=20))
def test_stray_bytes_are_read_as_cp1252_and_utf_8_stays(text: str, stray: bytes) -> None:
    encodable = text.encode("utf-8", errors="ignore").decode("utf-8").lstrip("\ufeff")
    assert decode_strays(encodable.encode("utf-8")) == encodable
    alone = bytes(byte for byte in stray if byte >= 0xA0 and byte < 0xC0)  # no byte of these begins a sign of UTF-8
    assert cp1252_text(decode_strays(b"a" + alone)) == "a" + alone.decode("cp1252")


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["A;B;C", "1,5;2,5;3"], ";"),
        (["A,B", '"x;y",2', '"a;b",3'], ","),
        (["A\tB", "1;2\t3;4"], "\t"),
        (["A|B", "1|2"], "|"),
        (["A;B,C", "1;2", "3;4"], ";"),
        (["ONLY", "1", "2"], ";"),
    ],
)
def test_the_delimiter_is_found(lines: list[str], expected: str) -> None:
    assert find_delimiter(lines) == expected


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        (b"", {}, "raw/f.csv: is empty"),
        (b"\n", {}, "raw/f.csv: is empty"),
        (b"A;B;A\n1;2;3\n", {}, "raw/f.csv:1 A: the column name occurs twice"),
        (b"A;;C\n1;2;3\n", {}, "raw/f.csv:1 column 2: has no name"),
        (b"A;B\n1;2\n1;2;3\n", {}, "raw/f.csv:3: has 3 fields where the header has 2"),
        (b"A;B\n1;2\n1\n", {}, "raw/f.csv:3: has 1 fields where the header has 2"),
        (b"note\nA;B\n1;2\n1\n", {"header_line": 2}, "raw/f.csv:4: has 1 fields"),
        (b'A;B\n"1\n2";x\n1\n', {}, "raw/f.csv:4: has 1 fields"),
        (
            b'A;B\n1;2\n"3;4\n5;6\n',
            {},
            "raw/f.csv:3: has 1 fields where the header has 2 (is a quotation mark left open?)",
        ),
        (b"A;B\n1;\xe9t\xe9\n", {}, "raw/f.csv:2: is not utf-8 text: byte 0xE9"),
        (b"A;B\n1;\xc3\xa9\n2;\xe9\n", {}, "for example utf-8+cp1252"),
        (b"\xe9;B\n1;2\n", {}, "raw/f.csv:1: is not utf-8 text: byte 0xE9"),
        (b"A;B\n1;\x81\n", {"encoding": "cp1252"}, "raw/f.csv:2: is not cp1252 text: byte 0x81"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(
    tmp_path: Path, data: bytes, options: dict[str, Any], message: str
) -> None:
    path = tmp_path / "f.csv"
    path.write_bytes(data)
    with pytest.raises(MistakesError) as caught:
        read(path, **options)
    assert message in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MistakesError, match=r"raw/f\.csv: there is no such file"):
        read(tmp_path / "f.csv")


def test_stray_cp1252_bytes_are_named_value_by_value(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_bytes("A;B\nété;1\n".encode() + b"l\x92h\xf4pital;2\nok;3\n\x81;4\n")
    _, rows, (layout, table) = read(path, encoding="utf-8+cp1252")
    assert [row[0] for row in rows] == ["été", "l’hôpital", "ok", "\ufffd"]
    found = [(note.severity, note.value, note.rows) for note in table.notes]
    assert found == [("info", "l’hôpital", (1,)), ("error", "\ufffd", (3,))]
    assert "0x92 0xF4" in table.notes[0].message
    assert layout.found["encoding"] == "utf-8+cp1252"


def test_repeated_names_are_numbered_on_request(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text("A;B;A;A\n1;2;3;4\n")
    names, rows, _ = read(path, repeated_names="number")
    assert names == ("A", "B", "A__2", "A__3")
    assert rows == [["1", "2", "3", "4"]]


def test_without_quotes_a_quote_is_a_sign(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text('A;B\n"x;5" tube\n')
    assert read(path, quote="")[1] == [['"x', '5" tube']]


def test_all_mistakes_of_all_files_come_together(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("A;A\n1;2\n")
    (tmp_path / "b.csv").write_bytes(b"\xe9\n")
    (tmp_path / "c.csv").write_text("A;B\n1;2\n")
    with pytest.raises(MistakesError) as caught:
        open_raw(Place(tmp_path, "raw"), ReaderOptions())
    assert [mistake.file for mistake in caught.value.mistakes] == ["raw/a.csv", "raw/b.csv"]
