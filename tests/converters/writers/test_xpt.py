"""The writer against SAS-written files, against pyreadstat, and against its own promises (SAS paper TS-140)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyreadstat
import pytest
import yaml

from cdiscway.converters.dataset import DatasetMetadata, VariableMetadata
from cdiscway.converters.ibm_float import LARGEST, SMALLEST, SPECIAL_TAGS, special_tags, tagged_nan
from cdiscway.converters.readers.xpt import read, read_metadata
from cdiscway.converters.transliteration import ASCII_TABLE
from cdiscway.converters.writers.xpt import Rows, write
from cdiscway.converters.xpt_mistakes import XptError

SAS_FILES = Path(__file__).parents[4] / "shared" / "sas-xpt"
FILES = sorted(SAS_FILES.glob("*.xpt"))


@pytest.mark.skipif(not FILES, reason="the SAS-written files are not beside the repository")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_sas_written_file_is_written_again_byte_for_byte(path: Path, tmp_path: Path) -> None:
    frame, metadata = read(path, encoding="cp1252")
    again = tmp_path / path.name
    write(frame, metadata, again, encoding="cp1252")
    assert again.read_bytes() == path.read_bytes()


CASES = yaml.safe_load((Path(__file__).parents[2] / "cases" / "xpt_refusals.yaml").read_text(encoding="utf-8"))
DATASET = DatasetMetadata("XX", "A dataset", ())


def column_of(case: dict[str, Any]) -> pd.Series[Any]:
    dtype = case.get("dtype", "str")
    if "repeat" in case:
        return pd.Series([case.get("letter", "x") * case["repeat"]], dtype="str")
    if dtype == "bytes":
        return pd.Series([b"a"], dtype=object)
    if dtype == "datetime64[us, UTC]":
        return pd.Series(pd.to_datetime(case["values"]).tz_localize("UTC"))
    if dtype.startswith("datetime64"):
        return pd.Series(np.array(case["values"], dtype=dtype))
    if dtype == "category":
        return pd.Series(case["values"], dtype="str").astype("category")
    return pd.Series(case["values"], dtype=dtype)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_what_a_file_cannot_hold_is_refused_and_leaves_no_file(case: dict[str, Any], tmp_path: Path) -> None:
    name = case.get("name", "VAR")
    words = {"label": "A variable", "type": "Char", "length": 0, "format": ""}
    variable = VariableMetadata(name=name, **{word: case.get(word, given) for word, given in words.items()})
    metadata = replace(DATASET, variables=(variable,), **case.get("dataset", {}))
    target = tmp_path / "xx.xpt"
    with pytest.raises(XptError) as caught:
        write(pd.DataFrame({name: column_of(case)}), metadata, target, encoding=case.get("encoding", "ascii"))
    found = [mistake for mistake in caught.value.mistakes if case["says"] in str(mistake)]
    assert found, str(caught.value)
    if "row" in case:
        assert [mistake.row for mistake in found] == [case["row"]]
    assert not list(tmp_path.iterdir())


def one(values: Any, dtype: str = "str", **words: Any) -> tuple[pd.DataFrame, DatasetMetadata]:
    kind = "Char" if dtype in ("str", "category") else "Num"
    variable = VariableMetadata(**{"name": "VAR", "label": "", "type": kind, "length": 0, **words})
    return pd.DataFrame({"VAR": pd.Series(values, dtype=dtype)}), replace(DATASET, variables=(variable,))


def test_all_mistakes_are_reported_at_once_with_dataset_variable_row_and_value(tmp_path: Path) -> None:
    frame = pd.DataFrame({"TXT": ["é", "ok", "é"], "NUM": [1.0, np.inf, 2.0], "low": ["a", "b", "c"]})
    variables = (
        VariableMetadata("TXT", "", "Char", 0),
        VariableMetadata("NUM", "", "Num", 8),
        VariableMetadata("low", "", "Char", 0),
    )
    with pytest.raises(XptError) as caught:
        write(frame, replace(DATASET, variables=variables), tmp_path / "xx.xpt")
    places = [(found.dataset, found.variable, found.row, found.value) for found in caught.value.mistakes]
    assert places == [("XX", "low", None, ""), ("XX", "TXT", 1, "é"), ("XX", "NUM", 2, "inf")]
    assert "row 1, 3" in str(caught.value)


def test_many_faulty_values_are_listed_up_to_a_limit_and_counted(tmp_path: Path) -> None:
    frame, metadata = one([f"é{number}" for number in range(250)])
    with pytest.raises(XptError) as caught:
        write(frame, metadata, tmp_path / "xx.xpt")
    assert len(caught.value.mistakes) == 101
    assert "150 more values cannot be written" in str(caught.value)
    frame, metadata = one([1e80 + number * 1e70 for number in range(250)], "float64")
    with pytest.raises(XptError, match="150 more values cannot be written"):
        write(frame, metadata, tmp_path / "xx.xpt")


@pytest.mark.parametrize(
    ("columns", "variables", "says"),
    [
        (["A"], ["A", "B"], "XX.B: is not a column of the frame"),
        (["A", "B"], ["A"], "XX.B: is a column without metadata"),
        (["A", "A"], ["A"], "XX.A: is in the frame several times"),
        (["A", "B"], ["B", "A"], "order"),
        (["A", "A"], ["A", "A"], "XX.A: is the name of several variables"),
        (["A", "a"], ["A", "a"], "XX.A: is the name of several variables"),
        ([], [], "has no variables"),
    ],
)
def test_frame_and_metadata_name_the_same_variables(
    columns: list[str], variables: list[str], says: str, tmp_path: Path
) -> None:
    frame = pd.DataFrame([["x"] * len(columns)], columns=columns, dtype="str")
    metadata = replace(DATASET, variables=tuple(VariableMetadata(name, "", "Char", 0) for name in variables))
    with pytest.raises(XptError) as caught:
        write(frame, metadata, tmp_path / "xx.xpt")
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("moment", "says"),
    [
        (datetime(1959, 12, 31), "is not in 1960 to 2059"),
        (datetime(2060, 1, 1), "is not in 1960 to 2059"),
        (datetime(2020, 1, 1, tzinfo=UTC), "has a time zone"),
    ],
)
def test_a_header_time_has_two_digits_of_a_year_and_no_zone(moment: datetime, says: str, tmp_path: Path) -> None:
    frame, metadata = one(["a"])
    with pytest.raises(XptError, match=says):
        write(frame, replace(metadata, created=moment), tmp_path / "xx.xpt")


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "xx.xpt"
    frame, metadata = one(["a"])
    write(frame, metadata, target)
    before = target.read_bytes()
    monkeypatch.setattr(Rows, "blocks", lambda self, header: (_ for _ in ()).throw(OSError("disk is full")))
    with pytest.raises(OSError, match="disk is full"):
        write(frame, metadata, target)
    assert target.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["xx.xpt"]


def test_an_encoding_must_be_known(tmp_path: Path) -> None:
    frame, metadata = one(["a"])
    with pytest.raises(ValueError, match="encoding 'utf-16' is none of"):
        write(frame, metadata, tmp_path / "xx.xpt", encoding="utf-16")


def test_a_missing_text_column_has_length_1(tmp_path: Path) -> None:
    frame = pd.DataFrame({"TXT": pd.Series([None, None], dtype="str"), "NUM": [1.0, 2.0]})
    variables = (VariableMetadata("TXT", "", "Char", 0), VariableMetadata("NUM", "", "Num", 8))
    written = write(frame, replace(DATASET, variables=variables), tmp_path / "xx.xpt")
    assert [variable.length for variable in written.metadata.variables] == [1, 8]
    assert read(tmp_path / "xx.xpt")[0].equals(frame)


def test_unused_categories_are_neither_mistakes_nor_lengths(tmp_path: Path) -> None:
    column = pd.Categorical(["ab", None, "c"], categories=["ab", "c", "é" * 300, "long but not there", "x "])
    frame = pd.DataFrame({"TXT": column})
    metadata = replace(DATASET, variables=(VariableMetadata("TXT", "", "Char", 0),))
    written = write(frame, metadata, tmp_path / "xx.xpt")
    assert written.metadata.variables[0].length == 2
    assert read(tmp_path / "xx.xpt")[0]["TXT"].fillna("").tolist() == ["ab", "", "c"]


@pytest.mark.parametrize(
    ("values", "dtype", "format_", "numbers"),
    [
        (["2020-01-01", None], "datetime64[s]", "DATE9.", [21915.0, np.nan]),
        (["2020-01-01"], "datetime64[ns]", "E8601DA10.", [21915.0]),
        (["1959-12-31"], "datetime64[us]", "YYMMDD10.", [-1.0]),
        (["2020-01-01T08:30:15"], "datetime64[ms]", "DATETIME20.", [1893486615.0]),
        (["2020-01-01T08:30:15.25"], "datetime64[us]", "E8601DT19.", [1893486615.25]),
        ([30600, None], "timedelta64[s]", "TIME8.", [30600.0, np.nan]),
        ([30600500], "timedelta64[ms]", "TOD8.", [30600.5]),
    ],
)
def test_dates_and_times_convert_by_their_format(
    values: list[Any], dtype: str, format_: str, numbers: list[float], tmp_path: Path
) -> None:
    given = [np.timedelta64("NaT") if value is None and "delta" in dtype else value for value in values]
    column = pd.Series(np.array(given, dtype=dtype))
    metadata = replace(DATASET, variables=(VariableMetadata("VAR", "", "Num", 8, format_),))
    write(pd.DataFrame({"VAR": column}), metadata, tmp_path / "xx.xpt")
    np.testing.assert_array_equal(read(tmp_path / "xx.xpt")[0]["VAR"], numbers)
    again = read(tmp_path / "xx.xpt", dates=True)[0]["VAR"]
    pd.testing.assert_series_equal(again, column.astype(again.dtype), check_names=False)


@pytest.mark.parametrize(
    "dtype", ["int8", "int64", "uint16", "float32", "Int64", "Float64", "int64[pyarrow]", "object"]
)
def test_every_number_type_is_taken(dtype: str, tmp_path: Path) -> None:
    frame = pd.DataFrame({"VAR": pd.Series([1, 2, 100], dtype=dtype)})
    write(frame, replace(DATASET, variables=(VariableMetadata("VAR", "", "Num", 8),)), tmp_path / "xx.xpt")
    assert read(tmp_path / "xx.xpt")[0]["VAR"].tolist() == [1.0, 2.0, 100.0]


def test_an_object_column_of_numbers_with_missing_values_is_taken(tmp_path: Path) -> None:
    frame = pd.DataFrame({"VAR": pd.Series([1.5, None, 2, pd.NA], dtype=object)})
    write(frame, replace(DATASET, variables=(VariableMetadata("VAR", "", "Num", 8),)), tmp_path / "xx.xpt")
    np.testing.assert_array_equal(read(tmp_path / "xx.xpt")[0]["VAR"], [1.5, np.nan, 2.0, np.nan])


def test_a_categorical_of_numbers_is_taken(tmp_path: Path) -> None:
    frame = pd.DataFrame({"VAR": pd.Categorical([1.5, None, 2.0])})
    write(frame, replace(DATASET, variables=(VariableMetadata("VAR", "", "Num", 8),)), tmp_path / "xx.xpt")
    np.testing.assert_array_equal(read(tmp_path / "xx.xpt")[0]["VAR"], [1.5, np.nan, 2.0])


@pytest.mark.parametrize("value", [9.1e74, LARGEST, -LARGEST, SMALLEST, -SMALLEST, 0.0, 0.1, 2.0**53])
def test_numbers_are_exact_over_the_whole_range(value: float, tmp_path: Path) -> None:
    frame, metadata = one([value], "float64")
    write(frame, metadata, tmp_path / "xx.xpt")
    assert read(tmp_path / "xx.xpt")[0]["VAR"].tolist() == [value]


def test_minus_zero_becomes_zero(tmp_path: Path) -> None:
    frame, metadata = one([-0.0], "float64")
    write(frame, metadata, tmp_path / "xx.xpt")
    assert not np.signbit(read(tmp_path / "xx.xpt")[0]["VAR"]).any()


def test_special_missing_values_go_both_ways(tmp_path: Path) -> None:
    tags = [0, *SPECIAL_TAGS.encode()]
    frame, metadata = one(tagged_nan(tags), "float64")
    write(frame, metadata, tmp_path / "xx.xpt")
    content = (tmp_path / "xx.xpt").read_bytes()
    assert content[880 : 880 + 8 * len(tags) : 8] == b"." + SPECIAL_TAGS.encode()
    again = read(tmp_path / "xx.xpt")[0]["VAR"]
    assert again.isna().all()
    assert special_tags(again.to_numpy()).tolist() == tags
    _, info = pyreadstat.read_xport(str(tmp_path / "xx.xpt"))
    assert info.number_rows == len(tags)


def test_short_numbers_keep_their_length(tmp_path: Path) -> None:
    frame = pd.DataFrame({"A": [1.0, np.nan, 256.0], "B": [0.1, 2.0, 3.0]})
    variables = (VariableMetadata("A", "", "Num", 3), VariableMetadata("B", "", "Num", 8))
    write(frame, replace(DATASET, variables=variables), tmp_path / "xx.xpt")
    again, metadata = read(tmp_path / "xx.xpt")
    pd.testing.assert_frame_equal(again, frame)
    assert metadata.variables == variables


@pytest.mark.parametrize(
    "text", ["DATE9.", "8.", "8.2", "$YN.", "$20.", "E8601DT19.", "E8601DA.", "BEST12.", "F8.3", ""]
)
def test_formats_and_informats_come_back_as_given(text: str, tmp_path: Path) -> None:
    kind = "Char" if text.startswith("$") else "Num"
    frame = pd.DataFrame({"VAR": ["a"] if kind == "Char" else [1.0]})
    variable = VariableMetadata("VAR", "A label", kind, 8, text, text, 1)
    write(frame, replace(DATASET, variables=(variable,)), tmp_path / "xx.xpt")
    assert read_metadata(tmp_path / "xx.xpt").variables == (variable,)


def test_the_header_is_driven_by_the_metadata(tmp_path: Path) -> None:
    frame, metadata = one(["a"])
    full = replace(
        metadata,
        label="  leading blanks stay",
        created=datetime(2016, 2, 29, 1, 2, 3),
        modified=datetime(2026, 11, 22, 23, 59, 59),
        sas_version="9.4",
        operating_system="X64_10PR",
        type="DATA",
        library_created=datetime(1999, 12, 31),
        variables=(VariableMetadata("VAR", " a label", "Char", 7),),
    )
    write(frame, full, tmp_path / "xx.xpt")
    assert read_metadata(tmp_path / "xx.xpt") == full


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "utf-8"])
def test_other_encodings_are_written_on_request(encoding: str, tmp_path: Path) -> None:
    frame = pd.DataFrame({"A": ["é", None, "µg"], "B": pd.Categorical(["à la", "b", None])})
    variables = (VariableMetadata("A", "Durée", "Char", 0), VariableMetadata("B", "", "Char", 0))
    written = write(frame, replace(DATASET, variables=variables), tmp_path / "xx.xpt", encoding=encoding)
    again, metadata = read(tmp_path / "xx.xpt", encoding=encoding)
    assert metadata == written.metadata
    assert again.equals(frame.astype("str"))
    assert metadata.variables[0].length == (3 if encoding == "utf-8" else 2)


def test_transliteration_is_listed_and_comes_before_the_lengths(tmp_path: Path) -> None:
    frame = pd.DataFrame({"A": ["≥ é", "≥ é", "ok"], "B": pd.Categorical(["µg", None, "“x”"])})
    variables = (VariableMetadata("A", "", "Char", 0), VariableMetadata("B", "", "Char", 0))
    metadata = replace(DATASET, variables=variables)
    written = write(frame, metadata, tmp_path / "xx.xpt", transliterate=ASCII_TABLE)
    assert [variable.length for variable in written.metadata.variables] == [4, 3]
    listed = {(found.variable, found.old, found.new, found.count) for found in written.replacements}
    assert listed == {("A", "≥ é", ">= e", 2), ("B", "µg", "ug", 1), ("B", "“x”", '"x"', 1)}
    assert read(tmp_path / "xx.xpt")[0]["A"].tolist() == [">= e", ">= e", "ok"]
    assert frame["A"].tolist() == ["≥ é", "≥ é", "ok"]


def test_an_empty_dataset_is_written_on_request(tmp_path: Path) -> None:
    frame, metadata = one([])
    write(frame, metadata, tmp_path / "xx.xpt", allow_empty=True)
    again, _ = read(tmp_path / "xx.xpt")
    assert again.shape == (0, 1)


def test_an_empty_dataset_of_several_variables_is_written_on_request(tmp_path: Path) -> None:
    frame = pd.DataFrame({"A": pd.Series([], dtype="str"), "B": np.zeros(0), "C": pd.Categorical([])})
    variables = tuple(VariableMetadata(name, "", "Num" if name == "B" else "Char", 8) for name in frame)
    write(frame, replace(DATASET, variables=variables), tmp_path / "xx.xpt", allow_empty=True)
    assert read(tmp_path / "xx.xpt")[0].shape == (0, 3)


@pytest.mark.parametrize("rows", [1, 2, 3, 1000, 4096, 5000])
@pytest.mark.parametrize("block", [1, 100, 1 << 16, 1 << 20])
def test_blocks_make_no_difference(rows: int, block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cdiscway.converters.writers.xpt.BLOCK_BYTES", block)
    monkeypatch.setattr("cdiscway.converters.readers.xpt.BLOCK_BYTES", block)
    frame = pd.DataFrame({"A": [f"text {row}" for row in range(rows)], "B": np.arange(rows) / 7})
    frame["C"] = pd.Categorical(["x", "a text of 21 bytes ..."] * (rows // 2) + ["x"] * (rows % 2))
    kinds = {"A": "Char", "B": "Num", "C": "Char"}
    metadata = replace(DATASET, variables=tuple(VariableMetadata(n, "", kinds[n], 0) for n in frame))  # type: ignore[arg-type]
    write(frame, metadata, tmp_path / "xx.xpt")
    pd.testing.assert_frame_equal(read(tmp_path / "xx.xpt")[0], frame.astype({"C": "str"}))


@pytest.mark.parametrize(
    "column",
    [
        pd.Series([None, None], dtype=object),
        pd.Series([np.nan, np.nan]),
        pd.Series([None, None], dtype="str"),
        pd.Series([None, None], dtype="str").astype("category"),
        pd.Series([None, ""], dtype="string"),
        pd.Series([None, None], dtype=pd.ArrowDtype(pa.dictionary(pa.int8(), pa.string()))),
        pd.Series([None, None], dtype=pd.ArrowDtype(pa.string())),
    ],
    ids=lambda column: str(column.dtype),
)
def test_nothing_is_missing_text_in_any_column(column: pd.Series[Any], tmp_path: Path) -> None:
    frame = pd.DataFrame({"TXT": column, "NUM": [1.0, 2.0]})
    variables = (VariableMetadata("TXT", "", "Char", 0), VariableMetadata("NUM", "", "Num", 8))
    written = write(frame, replace(DATASET, variables=variables), tmp_path / "xx.xpt")
    assert written.metadata.variables[0].length == 1
    assert read(tmp_path / "xx.xpt")[0]["TXT"].isna().all()


@pytest.mark.parametrize("part", [slice(None), slice(None, None, -1), slice(3, 8), slice(None, None, 2)])
def test_pieced_together_and_cut_frames_are_written_as_they_stand(
    part: slice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cdiscway.converters.writers.xpt.BLOCK_BYTES", 64)
    piece = pd.DataFrame({"A": ["a", "bbb", None], "C": pd.Categorical(["x", None, "yy"]), "N": [1.0, np.nan, 0.5]})
    frame = pd.concat([piece, piece.iloc[1:], piece, piece.tail(2)]).iloc[part]
    kinds = {"A": "Char", "C": "Char", "N": "Num"}
    metadata = replace(DATASET, variables=tuple(VariableMetadata(n, "", kinds[n], 0) for n in kinds))  # type: ignore[arg-type]
    write(frame, metadata, tmp_path / "xx.xpt")
    expected = frame.astype({"C": "str"}).reset_index(drop=True)
    pd.testing.assert_frame_equal(read(tmp_path / "xx.xpt")[0], expected)


def test_a_mistake_says_what_can_be_done(tmp_path: Path) -> None:
    frame, metadata = one(["é"])
    with pytest.raises(XptError, match=r"\(row 1; transliterate it, or ask for another encoding\)"):
        write(frame, metadata, tmp_path / "xx.xpt")


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("counts", [(1, 1, 2), (3, 125, 2), (126, 127, 128), (70, 70, 1), (2, 300, 5), (40_000, 2, 2)])
def test_neighbouring_categories_are_written_as_their_text(
    counts: tuple[int, ...], missing: bool, tmp_path: Path
) -> None:
    """Fields that are stored together have the same bytes as fields that are stored one by one."""
    rows = np.arange(50_000)
    coded = pd.DataFrame({"NUM": rows / 3})
    for place, count in enumerate(counts):
        codes = rows * (place * 7 + 1) % (count + missing) - missing
        categories = pd.Index([f"{value:X}"[: 4 + place] for value in range(count)], dtype="str")
        coded[f"C{place}"] = pd.Categorical.from_codes(codes, categories=categories)
    plain = coded.astype({name: "str" for name in coded if name != "NUM"})
    variables = tuple(VariableMetadata(name, "", "Num" if name == "NUM" else "Char", 0) for name in coded)
    metadata = replace(DATASET, variables=variables)
    write(coded, metadata, tmp_path / "coded.xpt")
    write(plain, metadata, tmp_path / "plain.xpt")
    assert (tmp_path / "coded.xpt").read_bytes() == (tmp_path / "plain.xpt").read_bytes()


def test_numbers_that_cannot_be_held_are_all_named_and_leave_the_old_file(tmp_path: Path) -> None:
    """Numbers are checked as they are written: also what is far behind in the file, and in every column."""
    frame = pd.DataFrame({"A": np.zeros(60_000), "B": np.ones(60_000), "C": np.arange(60_000.0) + 8192})
    frame.loc[59_999, "A"] = np.inf
    frame.loc[[4, 50_000], "B"] = 1e-80
    variables = tuple(VariableMetadata(name, "", "Num", 3 if name == "C" else 8) for name in frame)
    target = tmp_path / "xx.xpt"
    target.write_bytes(b"old")
    with pytest.raises(XptError) as caught:
        write(frame, replace(DATASET, variables=variables), target)
    places = [(mistake.variable, mistake.row) for mistake in caught.value.mistakes]
    assert places[:3] == [("A", 60_000), ("B", 5), ("B", 50_001)]
    assert places[3] == ("C", 57_346)  # 65537 has 17 bits, a field of 3 bytes holds 16
    assert [path.name for path in tmp_path.iterdir()] == ["xx.xpt"]
    assert target.read_bytes() == b"old"
