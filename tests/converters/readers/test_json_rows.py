"""A JSON object read member by member is what the whole of it is, whatever is read at a time."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdiscway.converters.dataset import DatasetMetadata, VariableMetadata
from cdiscway.converters.readers import json_rows
from cdiscway.converters.readers.dataset_json import read
from cdiscway.converters.readers.json_rows import JsonStream, elements, members, open_rows
from cdiscway.converters.writers.dataset_json import write
from cdiscway.converters.xpt_mistakes import DatasetJsonError

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(
    before=st.dictionaries(st.text(max_size=3), VALUES, max_size=3),
    rows=st.lists(st.lists(VALUES, max_size=3), max_size=5),
    behind=st.dictionaries(st.text(max_size=3), VALUES, max_size=2),
    chunk=st.integers(1, 9),
    indent=st.sampled_from([None, 1]),
)
def test_members_and_rows_are_those_of_the_whole(
    before: dict[str, Any], rows: list[Any], behind: dict[str, Any], chunk: int, indent: int | None
) -> None:
    text = json.dumps({**before, "rows": rows, **behind}, indent=indent, ensure_ascii=False)
    kept, json_rows.CHUNK = json_rows.CHUNK, chunk if chunk < 9 else 1 << 20
    try:
        found: dict[str, Any] = {}
        stream = JsonStream(io.StringIO(text))
        for name in members(stream, found):
            if name == "rows":
                assert list(elements(stream)) == rows
    finally:
        json_rows.CHUNK = kept
    assert found == {**before, **behind}


@pytest.mark.parametrize("text", ['{"a":1}', '{"a":1.5e+3}', '{"a":-0}', '{"a":true}', '{"a":"1"}', '{"a":[]} \n'])
@pytest.mark.parametrize("chunk", [1, 2, 3, 1 << 20])
def test_a_value_may_stand_at_the_end_of_what_is_read(text: str, chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_rows, "CHUNK", chunk)
    found: dict[str, Any] = {}
    assert list(members(JsonStream(io.StringIO(text)), found)) == ["a"]
    assert found == json.loads(text)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    frame = pd.DataFrame({"TXT": ["a],[", None, '"'], "NUM": [1.5, 2.0, None]})
    variables = (VariableMetadata("TXT", "Text", "Char", 4), VariableMetadata("NUM", "Number", "Num", 8))
    write(frame, DatasetMetadata("XX", "A dataset", variables), tmp_path / "xx.json")
    return tmp_path / "xx.json"


def test_the_order_of_the_members_does_not_matter(path: Path) -> None:
    frame, metadata = read(path)
    whole = json.loads(path.read_text(encoding="utf-8"))
    for last in ("columns", "records", "rows", "sourceSystem"):
        moved = {name: value for name, value in whole.items() if name != last} | {last: whole[last]}
        path.write_text(json.dumps(moved), encoding="utf-8")
        again, found = read(path)
        assert found == metadata
        pd.testing.assert_frame_equal(again, frame)


def test_rows_are_not_held_before_they_are_asked_for(path: Path) -> None:
    opened = open_rows(path, {"columns": list, "records": int}, 2)
    assert opened is not None
    assert [len(block) for block in opened[1]] == [2, 1]
    assert open_rows(path, {"somethingElse": str}, 2) is None


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda data: data[:-4], "is not JSON: Expecting ',', character"),
        (lambda data: data[:-20], "is not JSON"),
        (lambda data: data + b"{}", "is not JSON: Extra data"),
        (
            lambda data: data.replace(b"1.5", b"1.5.5"),
            "is not JSON: Expecting ',' delimiter, character 884 of the file",
        ),
        (lambda data: data.replace(b"a],[", b"a\xff,["), "is not JSON: 'utf-8' codec can't decode byte 0xff"),
        (lambda data: data.replace(b'"rows":', b'"rows":5,"more":'), "is not an object with columns and rows"),
        (lambda data: data.replace(b'["a],[",1.5]', b"7"), "a row has not 2 values"),
    ],
)
def test_what_is_no_json_is_told_with_its_place(path: Path, change: Any, says: str) -> None:
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(DatasetJsonError) as caught:
        read(path)
    assert says in str(caught.value)


def test_lines_that_are_no_utf_8_are_told(path: Path, tmp_path: Path) -> None:
    frame, metadata = read(path)
    write(frame, metadata, tmp_path / "xx.ndjson")
    data = (tmp_path / "xx.ndjson").read_bytes()
    (tmp_path / "xx.ndjson").write_bytes(data.replace(b"a],[", b"a\xff,["))
    with pytest.raises(DatasetJsonError, match="is not JSON"):
        read(tmp_path / "xx.ndjson")
