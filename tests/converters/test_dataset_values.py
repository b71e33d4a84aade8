"""Columns as files see them: unusual types, dates and times, and what the words of the metadata must be."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyreadstat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cdiscway.converters.dataset import DatasetMetadata, VariableMetadata
from cdiscway.converters.readers import dataset_json as json_reader
from cdiscway.converters.readers.xpt import read
from cdiscway.converters.sas_formats import kind_of_format, parse_format, show_format
from cdiscway.converters.sas_times import iso_texts, number_of, parse_iso
from cdiscway.converters.transliteration import transliterate_frame, transliterate_text
from cdiscway.converters.writers import csv, dataset_json, parquet
from cdiscway.converters.writers.lengths import agree_lengths, text_lengths, with_lengths
from cdiscway.converters.writers.xpt import write
from cdiscway.converters.xpt_mistakes import DatasetFileError, DatasetJsonError, XptError
from cdiscway.specs.mistakes import MistakesError

NUM = VariableMetadata("VAR", "", "Num", 8)
CHAR = VariableMetadata("VAR", "", "Char", 0)


def metadata_of(*variables: VariableMetadata) -> DatasetMetadata:
    return DatasetMetadata("XX", "", variables)


@pytest.mark.parametrize(
    ("column", "says"),
    [
        (pd.Series(pd.period_range("2020", periods=2, freq="D")), "not numbers"),
        (pd.Series(pd.Categorical([True, False])), "categories of bool"),
        (pd.Series(pd.Categorical([1, "a"])), "categories of object"),
        (pd.Series([1 + 2j]), "not numbers"),
        (pd.Series(["a"], dtype="category"), "the column holds text"),
        (pd.Series([pd.Timestamp("2020-01-01")], dtype=object), "not only numbers"),
        (pd.Series([2**63], dtype="uint64"), "beyond 2**53"),
        (pd.Series([2**60], dtype=pd.ArrowDtype(pa.int64())), "beyond 2**53"),
        (pd.Series([np.inf], dtype="Float64"), "outside the range"),
    ],
)
def test_what_is_no_number_is_refused_by_every_writer(column: pd.Series[Any], says: str, tmp_path: Path) -> None:
    with pytest.raises(XptError) as caught:
        write(pd.DataFrame({"VAR": column}), metadata_of(NUM), tmp_path / "xx.xpt")
    assert says in str(caught.value)


@pytest.mark.parametrize("save", [csv.write, parquet.write, dataset_json.write])
def test_types_and_shapes_are_demanded_by_every_writer(save: Any, tmp_path: Path) -> None:
    target = tmp_path / "xx"
    with pytest.raises(MistakesError, match="booleans"):
        save(pd.DataFrame({"VAR": [True]}), metadata_of(NUM), target)
    with pytest.raises(MistakesError, match="is a column without metadata"):
        save(pd.DataFrame({"VAR": [1.0], "B": [1.0]}), metadata_of(NUM), target)
    if save is not csv.write:
        with pytest.raises(MistakesError, match="is text in the metadata"):
            save(pd.DataFrame({"VAR": [1.0]}), metadata_of(CHAR), target)
    assert not list(tmp_path.iterdir())


def test_nothing_is_missing_text_for_every_writer(tmp_path: Path) -> None:
    frame = pd.DataFrame({"VAR": [np.nan, np.nan]})
    parquet.write(frame, metadata_of(CHAR), tmp_path / "xx.parquet")
    dataset_json.write(frame, metadata_of(CHAR), tmp_path / "xx.json")
    assert json_reader.read(tmp_path / "xx.json")[0]["VAR"].isna().all()


@pytest.mark.parametrize("kind", ["datetime64[s]", "datetime64[ns]"])
def test_arrow_backed_times_are_taken(kind: str, tmp_path: Path) -> None:
    unit = kind[11:-1]
    column = pd.Series(pd.array([0, None], dtype=pd.ArrowDtype(pa.timestamp(unit))))
    write(pd.DataFrame({"VAR": column}), metadata_of(replace(NUM, format="DATETIME20.")), tmp_path / "xx.xpt")
    np.testing.assert_array_equal(read(tmp_path / "xx.xpt")[0]["VAR"], [315619200.0, np.nan])


MICROS = st.integers(-(10**15), 10**16)


@given(
    days=st.lists(st.none() | st.integers(-130000, 2900000), min_size=1, max_size=8),
    micros=st.lists(st.none() | MICROS, min_size=1, max_size=8),
)
@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_dates_and_times_are_read_back_equal(tmp_path: Path, days: list[int | None], micros: list[int | None]) -> None:
    rows = min(len(days), len(micros))
    nat = np.iinfo(np.int64).min
    day = np.array([nat if value is None else value for value in days[:rows]]).astype("datetime64[D]")
    ticks = np.array([nat if value is None else value for value in micros[:rows]])
    frame = pd.DataFrame(
        {
            "DT": day.astype("datetime64[us]"),
            "DTM": ticks.astype("datetime64[us]"),
            "TM": ticks.astype("timedelta64[us]"),
            "KEY": ["k"] * rows,
        }
    )
    formats = {"DT": "DATE9.", "DTM": "E8601DT26.6", "TM": "TIME15.6"}
    variables = [VariableMetadata(name, "", "Num", 8, display) for name, display in formats.items()]
    path = tmp_path / "xx.xpt"
    write(frame, metadata_of(*variables, VariableMetadata("KEY", "", "Char", 0)), path)
    pd.testing.assert_frame_equal(read(path, dates=True)[0], frame)
    theirs, _ = pyreadstat.read_xport(str(path), disable_datetime_conversion=True)
    np.testing.assert_array_equal(theirs["DT"], read(path)[0]["DT"])
    np.testing.assert_array_equal(theirs["DTM"], read(path)[0]["DTM"])


@pytest.mark.parametrize(
    ("variable", "says"),
    [
        (replace(NUM, justification=2), "justification 2 is neither 0"),
        (replace(NUM, type="Date"), "type 'Date' is neither Char nor Num"),  # type: ignore[arg-type]
        (replace(NUM, format="F40000."), "is too wide"),
        (replace(NUM, format="no format"), "is not a SAS format"),
        (replace(NUM, label="a label "), "ends in a blank"),
    ],
)
def test_the_words_of_a_variable_are_checked(variable: VariableMetadata, says: str, tmp_path: Path) -> None:
    with pytest.raises(XptError) as caught:
        write(pd.DataFrame({"VAR": [1.0]}), metadata_of(variable), tmp_path / "xx.xpt")
    assert says in str(caught.value)


def test_a_file_has_at_most_9999_variables(tmp_path: Path) -> None:
    names = [f"V{number}" for number in range(10_000)]
    frame = pd.DataFrame(np.zeros((1, len(names))), columns=names)
    with pytest.raises(XptError, match="has 10,000 variables, the limit is 9,999"):
        write(frame, metadata_of(*(replace(NUM, name=name) for name in names)), tmp_path / "xx.xpt")


@given(st.from_regex(r"\$?([A-Z_]([A-Z0-9_]{0,5}[A-Z_])?)?", fullmatch=True), st.integers(0, 300), st.integers(0, 30))
@settings(deadline=None)
def test_a_format_is_its_three_fields(name: str, width: int, decimals: int) -> None:
    text = show_format(name, width, decimals)
    assert tuple(parse_format(text)) == (name, width, decimals)


@pytest.mark.parametrize("text", ["DATE 9.", "9DATE.", "DATE9.x", "$$A.", "é8.", ".."])
def test_what_is_no_format_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a SAS format"):
        parse_format(text)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("DATE9.", "date"),
        ("date9", "date"),
        ("E8601DA.", "date"),
        ("IS8601DA10.", "date"),
        ("YYMMDD10.", "date"),
        ("DDMMYYS10.", "date"),
        ("MONYY7.", "date"),
        ("TIME8.", "time"),
        ("TIME5.", "time"),
        ("HHMM5.", "time"),
        ("TOD8.", "time"),
        ("E8601TM8.", "time"),
        ("DATETIME20.", "datetime"),
        ("E8601DT19.", "datetime"),
        ("B8601DN8.", "datetime"),
        ("BEST12.", None),
        ("8.", None),
        ("8.2", None),
        ("$DATE9.", None),
        ("", None),
    ],
)
def test_a_format_tells_what_its_values_are(text: str, kind: str | None) -> None:
    assert kind_of_format(text) == kind


def test_times_beyond_the_calendar_are_no_iso_text() -> None:
    assert iso_texts(np.array([3e9]), "date") is None
    assert iso_texts(np.array([-1e9]), "date") is None
    assert iso_texts(np.array([86400.0]), "time") is None
    assert iso_texts(np.array([-1.0]), "time") is None
    assert iso_texts(np.array([0.5]), "datetime") is None
    assert number_of("2020-02-30", "date") is None
    with pytest.raises(ValueError, match="is no date"):
        parse_iso("20200101", "date")


def test_transliteration_composes_first_and_leaves_what_it_does_not_know() -> None:
    assert transliterate_text("e\u0301t\u00e9") == "ete"
    assert transliterate_text("plain") == "plain"
    frame = pd.DataFrame({"A": ["日本", None], "B": [1.0, 2.0], "C": ["plain", "text"]})
    again, listed = transliterate_frame(frame)
    assert again is frame
    assert listed == ()
    changed, (found,) = transliterate_frame(frame, {"日": "sun "})
    assert changed["A"][0] == "sun 本"
    assert (found.variable, found.old, found.new, found.count) == ("A", "日本", "sun 本", 1)


def test_lengths_are_given_to_text_variables() -> None:
    frames = {"DM": pd.DataFrame({"VAR": ["é"]}), "AE": pd.DataFrame({"VAR": pd.Categorical(["abc"])})}
    lengths = agree_lengths(frames)["DM"]
    assert with_lengths(metadata_of(CHAR, replace(NUM, name="N")), lengths).variables[0].length == 3
    assert text_lengths(frames["DM"]) == {"VAR": 2}
    assert text_lengths(frames["DM"], "cp1252") == {"VAR": 1}


@pytest.mark.parametrize(
    "column",
    [
        {"itemOID": "I", "name": "A", "label": "", "dataType": "boolean"},
        {"itemOID": "I", "name": "A", "label": "", "dataType": "string", "length": 0},
        {"itemOID": "I", "name": "A", "label": "", "dataType": "string", "displayFormat": "a b"},
    ],
)
def test_columns_of_dataset_json_are_checked(column: dict[str, Any], tmp_path: Path) -> None:
    dataset_json.write(pd.DataFrame({"VAR": ["a"]}), metadata_of(CHAR), tmp_path / "xx.json")
    content = json_reader._opened(tmp_path / "xx.json")[0]
    content["columns"] = [column]
    (tmp_path / "xx.json").write_text(json.dumps(content))
    with pytest.raises(DatasetJsonError, match="column 1: "):
        json_reader.read(tmp_path / "xx.json")


def test_every_error_of_a_file_is_one_of_the_users_mistakes() -> None:
    assert issubclass(XptError, DatasetFileError)
    assert issubclass(DatasetJsonError, DatasetFileError)
    assert issubclass(DatasetFileError, MistakesError)
