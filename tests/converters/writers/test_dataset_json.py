"""Dataset-JSON 1.1: checked by the CDISC model as a schema and by odmlib, and lossless against transport files."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from odmlib.dataset_json_1_1 import DatasetJSON

from cdiscway.converters.dataset import DatasetMetadata, VariableMetadata
from cdiscway.converters.dataset_json_header import not_held
from cdiscway.converters.ibm_float import tagged_nan
from cdiscway.converters.readers import dataset_json as reader
from cdiscway.converters.readers import xpt
from cdiscway.converters.writers import xpt as xpt_writer
from cdiscway.converters.writers.dataset_json import write
from cdiscway.converters.xpt_mistakes import DatasetJsonError

SAS_FILES = Path(__file__).parents[4] / "shared" / "sas-xpt"
FILES = sorted(SAS_FILES.glob("*.xpt"))
SCHEMA = yaml.safe_load((Path(__file__).parents[2] / "cases" / "dataset_json_1_1.schema.yaml").read_text())
FORMS = ["dm.json", "dm.ndjson"]

VARIABLES = (
    VariableMetadata("USUBJID", "Unique Subject Identifier", "Char", 12),
    VariableMetadata("AGE", "Age", "Num", 8),
    VariableMetadata("WEIGHT", "Weight", "Num", 8, "8.2"),
    VariableMetadata("RFSTDT", "Reference Start Date", "Num", 8, "DATE9."),
    VariableMetadata("RFSTDTM", "Reference Start Datetime", "Num", 8, "E8601DT19."),
    VariableMetadata("RFSTTM", "Reference Start Time", "Num", 8, "TIME8."),
    VariableMetadata("LATER", "A time over 24 hours", "Num", 8, "TIME8."),
    VariableMetadata("SEX", "Sex", "Char", 1),
)
METADATA = DatasetMetadata(
    "DM", "Demographics", VARIABLES, datetime(2026, 11, 22, 1, 2, 3), datetime(2026, 11, 23), "9.4", "X64_10PR"
)
FRAME = pd.DataFrame(
    {
        "USUBJID": ['A "1" \\', " é\n\t\0", "A-3"],
        "AGE": [60.0, np.nan, 71.0],
        "WEIGHT": [0.1 + 0.2, 1e-70, 1e22],
        "RFSTDT": [21915.0, np.nan, -1.0],
        "RFSTDTM": [1893486615.0, np.nan, 0.0],
        "RFSTTM": [30600.0, 0.0, np.nan],
        "LATER": [90000.0, 0.0, 1.0],
        "SEX": pd.Categorical(["F", None, "M"]),
    }
)


def whole(path: Path) -> dict[str, Any]:
    if path.suffix == ".json":
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return found
    first, *rows = path.read_text(encoding="utf-8").splitlines()
    return {**json.loads(first), "rows": [json.loads(row) for row in rows]}


@pytest.mark.parametrize("name", FORMS)
def test_a_file_follows_the_model_and_odmlib_reads_it(name: str, tmp_path: Path) -> None:
    write(FRAME, METADATA, tmp_path / name)
    found = whole(tmp_path / name)
    jsonschema.validate(found, SCHEMA)
    theirs = DatasetJSON.from_dict(found)
    assert theirs.column_names == list(FRAME.columns)
    assert theirs.to_dict() == found
    kinds = [(column.dataType, column.targetDataType, column.displayFormat) for column in theirs.columns]
    assert kinds == [
        ("string", None, None),
        ("integer", None, None),
        ("float", None, "8.2"),
        ("date", "integer", "DATE9."),
        ("datetime", "integer", "E8601DT19."),
        ("time", "integer", "TIME8."),
        ("integer", None, "TIME8."),
        ("string", None, None),
    ]
    assert found["rows"][0][3:6] == ["2020-01-01", "2020-01-01T08:30:15", "08:30:00"]
    assert found["rows"][1] == [" é\n\t\0", None, 1e-70, None, None, "00:00:00", 0, None]


@pytest.mark.parametrize("name", FORMS)
def test_frame_and_metadata_are_read_back_equal(name: str, tmp_path: Path) -> None:
    write(FRAME, METADATA, tmp_path / name)
    frame, metadata = reader.read(tmp_path / name)
    pd.testing.assert_frame_equal(frame, FRAME.astype({"SEX": "str"}))
    assert metadata == METADATA == reader.read_metadata(tmp_path / name)
    part, found = reader.read(tmp_path / name, ["SEX", "AGE"])
    assert list(part.columns) == ["AGE", "SEX"] == [variable.name for variable in found.variables]


@pytest.mark.parametrize("name", FORMS)
def test_an_empty_dataset_keeps_its_columns(name: str, tmp_path: Path) -> None:
    write(FRAME.head(0), METADATA, tmp_path / name)
    jsonschema.validate(whole(tmp_path / name), SCHEMA)
    frame, metadata = reader.read(tmp_path / name)
    assert frame.shape == (0, 8)
    assert metadata == METADATA


@pytest.mark.skipif(not FILES, reason="the SAS-written files are not beside the repository")
@pytest.mark.parametrize("form", ["json", "ndjson"])
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_sas_written_file_comes_back_byte_for_byte_through_dataset_json(
    path: Path, form: str, tmp_path: Path
) -> None:
    frame, metadata = xpt.read(path, encoding="cp1252")
    assert not_held(metadata) == []
    write(frame, metadata, tmp_path / f"x.{form}")
    frame, metadata = reader.read(tmp_path / f"x.{form}")
    xpt_writer.write(frame, metadata, tmp_path / path.name, encoding="cp1252")
    assert (tmp_path / path.name).read_bytes() == path.read_bytes()


@given(
    st.lists(
        st.tuples(
            st.none() | st.text(min_size=1),
            st.none() | st.floats(allow_nan=False, allow_infinity=False),
            st.none() | st.integers(-700000, 2900000),
        ),
        max_size=20,
    ),
    st.sampled_from(FORMS),
)
@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_and_number_is_read_back_equal(tmp_path: Path, rows: list[tuple[Any, ...]], name: str) -> None:
    texts, numbers, days = zip(*rows, strict=True) if rows else ((), (), ())
    frame = pd.DataFrame(
        {
            "A": pd.Series(texts, dtype="str"),
            "B": pd.Series(numbers, dtype="float64"),
            "C": pd.Series(days, dtype="float64"),
        }
    )
    kinds = (
        VariableMetadata("A", "", "Char", 0),
        VariableMetadata("B", "", "Num", 8),
        VariableMetadata("C", "", "Num", 8, "DATE9."),
    )
    write(frame, replace(METADATA, variables=kinds), tmp_path / name)
    again, _ = reader.read(tmp_path / name)
    pd.testing.assert_frame_equal(again, frame)


@pytest.mark.parametrize(
    ("value", "says"), [(tagged_nan(65)[0], "'.A' has no place"), (np.inf, "inf has no place"), ("text", "holds text")]
)
def test_what_json_has_no_word_for_is_refused(value: Any, says: str, tmp_path: Path) -> None:
    frame = pd.DataFrame({"B": [value]})
    metadata = replace(METADATA, variables=(VariableMetadata("B", "", "Num", 8),))
    with pytest.raises(DatasetJsonError) as caught:
        write(frame, metadata, tmp_path / "x.json")
    assert says in str(caught.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"records": 4}, "has 3 rows, not 4"),
        ({"records": "3"}, "'records' is not of type int"),
        ({"label": None}, "'label' is not of type str"),
        ({"columns": None}, "'columns' is not of type list"),
        ({"columns": [1]}, "column 1: is no object"),
        ({"columns": [{"name": "A"}]}, "'itemOID' is missing"),
        ({"datasetJSONVersion": "1.0.0"}, "version 1.0.0 is not 1.1"),
        ({"datasetJSONCreationDateTime": "today"}, "is no ISO 8601 time"),
        ({"rows": [[1]]}, "a row has not 8 values"),
        ({"rows": 1}, "is not an object with columns and rows"),
    ],
)
def test_a_faulty_file_is_refused(change: dict[str, Any], says: str, tmp_path: Path) -> None:
    write(FRAME, METADATA, tmp_path / "x.json")
    (tmp_path / "x.json").write_text(json.dumps({**whole(tmp_path / "x.json"), **change}))
    with pytest.raises(DatasetJsonError) as caught:
        reader.read(tmp_path / "x.json")
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        (0, 1, "1 is no text"),
        (1, "x", "'x' is no number"),
        (1, True, "True is no number"),
        (3, "today", "'today' is no date of ISO 8601"),
        (3, "2020-13-01", "is no date"),
        (4, "2020-01-01", "is no datetime"),
        (5, 1, "1 is no time"),
    ],
)
@pytest.mark.parametrize("name", FORMS)
def test_a_faulty_value_is_named_with_its_row(column: int, value: Any, says: str, name: str, tmp_path: Path) -> None:
    write(FRAME, METADATA, tmp_path / name)
    found = whole(tmp_path / name)
    found["rows"][1][column] = value
    rows = found.pop("rows")
    lines = [json.dumps(found), *map(json.dumps, rows)]
    text = "\n".join(lines) if name.endswith("ndjson") else json.dumps({**found, "rows": rows})
    (tmp_path / name).write_text(text)
    with pytest.raises(DatasetJsonError) as caught:
        reader.read(tmp_path / name)
    (mistake,) = caught.value.mistakes
    assert says in str(mistake)
    assert mistake.row == 2  # type: ignore[attr-defined]


@pytest.mark.parametrize(("name", "text"), [("x.json", "{"), ("x.ndjson", ""), ("x.ndjson", "[]\n"), ("x.json", "[]")])
def test_what_is_no_dataset_json_is_refused(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(DatasetJsonError):
        reader.read(tmp_path / name)


def test_unknown_column_and_missing_file_are_mistakes(tmp_path: Path) -> None:
    write(FRAME, METADATA, tmp_path / "x.json")
    with pytest.raises(DatasetJsonError, match="did you mean 'AGE'"):
        reader.read(tmp_path / "x.json", ["AGEE"])
    with pytest.raises(DatasetJsonError, match="there is no such file"):
        reader.read(tmp_path / "none.json")


def test_foreign_files_hold_decimals_as_text_and_dates_as_text(tmp_path: Path) -> None:
    columns = [
        {"itemOID": "IT.X.A", "name": "A", "label": "a", "dataType": "decimal", "targetDataType": "decimal"},
        {"itemOID": "IT.X.B", "name": "B", "label": "b", "dataType": "date"},
        {"itemOID": "IT.X.C", "name": "C", "label": "c", "dataType": "string"},
    ]
    header = {
        "datasetJSONCreationDateTime": "2026-01-01T01:00:00+01:00",
        "datasetJSONVersion": "1.1",
        "itemGroupOID": "IG.X",
        "records": 2,
        "name": "X",
        "label": "x",
        "columns": columns,
        "rows": [["3.10", "2020-01", ""], [None, None, "c"]],
    }
    (tmp_path / "x.json").write_text(json.dumps(header))
    frame, metadata = reader.read(tmp_path / "x.json")
    expected = pd.DataFrame({"A": [3.1, np.nan], "B": ["2020-01", None], "C": [None, "c"]})
    pd.testing.assert_frame_equal(frame, expected)
    assert [variable.type for variable in metadata.variables] == ["Num", "Char", "Char"]
    assert metadata.created == datetime(2026, 1, 1)


def test_what_dataset_json_has_no_place_for_is_named() -> None:
    variables = (VariableMetadata("A", "", "Num", 4, "", "8.", 1),)
    lost = not_held(replace(METADATA, variables=variables, type="DATA", library_created=datetime(2020, 1, 1)))
    assert lost == [
        "informat 8. of A",
        "justification of A",
        "length 4 of A",
        "dataset type DATA",
        "the times of the library header",
    ]
