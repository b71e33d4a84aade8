"""Laws of transport files: what the writer takes is read back equal, by our reader and by pyreadstat."""

from __future__ import annotations

import string
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyreadstat
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cdiscway.converters.dataset import DatasetMetadata, VariableMetadata
from cdiscway.converters.ibm_float import LARGEST, SMALLEST, from_ibm, outside_range, to_ibm
from cdiscway.converters.readers.xpt import read
from cdiscway.converters.writers.lengths import agree_lengths, text_lengths
from cdiscway.converters.writers.xpt import write
from cdiscway.converters.xpt_mistakes import XptError

PRINTABLE = "".join(map(chr, range(0x20, 0x7F)))
ANY_TEXT = st.text(max_size=210)
TEXTS = st.one_of(st.none(), st.text(PRINTABLE, min_size=1, max_size=40).filter(lambda text: not text.endswith(" ")))
IN_RANGE = st.one_of(
    st.just(0.0),
    st.floats(SMALLEST, LARGEST),
    st.floats(-LARGEST, -SMALLEST),
    st.integers(-(2**53), 2**53).map(float),
    st.floats(-1e6, 1e6).filter(lambda number: number == 0 or abs(number) >= SMALLEST),
)
NAMES = st.text(string.ascii_uppercase, min_size=1, max_size=8)
FAST = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


def ibm_value(word: int) -> Fraction:
    """The value of an IBM double by its definition, in exact arithmetic."""
    fraction = Fraction(word & (1 << 56) - 1, 1 << 56)
    return (-1 if word >> 63 else 1) * fraction * Fraction(16) ** ((word >> 56 & 0x7F) - 64)


@given(st.lists(IN_RANGE, min_size=1, max_size=50))
@example([SMALLEST, LARGEST, -SMALLEST, -LARGEST, 1.0, -118.625, 9.1e74])
@settings(deadline=None)
def test_numbers_are_exact_by_the_definition_of_an_ibm_double(numbers: list[float]) -> None:
    values = np.array(numbers)
    words = to_ibm(values)
    assert [ibm_value(int(word)) for word in words] == [Fraction(number) for number in numbers]
    assert from_ibm(words).tolist() == numbers
    assert all(word == 0 or word >> 52 & 0xF for word in map(int, words))  # normalised: no leading zero digit


@given(st.lists(st.floats(allow_nan=False), min_size=1, max_size=50))
@settings(deadline=None)
def test_what_is_outside_the_range_is_named(numbers: list[float]) -> None:
    outside = [i for i, number in enumerate(numbers) if number != 0 and not SMALLEST <= abs(number) <= LARGEST]
    assert outside_range(np.array(numbers)).tolist() == outside


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=50))
@settings(deadline=None)
def test_any_ibm_word_is_read_as_the_nearest_double(words: list[int]) -> None:
    found = from_ibm(np.array(words, np.uint64))
    for word, value in zip(words, found, strict=True):
        if word & (1 << 56) - 1:
            assert value == float(ibm_value(word))


@st.composite
def frames(draw: st.DrawFn, texts: st.SearchStrategy[str | None] = TEXTS) -> tuple[pd.DataFrame, DatasetMetadata]:
    rows = draw(st.integers(1, 12))
    names = draw(st.lists(NAMES, min_size=1, max_size=5, unique=True))
    columns: dict[str, Any] = {}
    variables = []
    for name in names:
        kind = draw(st.sampled_from(["str", "category", "object", "float64", "Float64", "Int64"]))
        if kind in ("str", "category", "object"):
            values: Any = draw(st.lists(texts, min_size=rows, max_size=rows))
            column = pd.Series(values, dtype="str").astype(kind)
        elif kind == "Int64":
            values = draw(st.lists(st.none() | st.integers(-(2**53), 2**53), min_size=rows, max_size=rows))
            column = pd.Series(values, dtype=kind)
        else:
            values = draw(st.lists(st.none() | IN_RANGE, min_size=rows, max_size=rows))
            column = pd.Series(values, dtype=kind)
        columns[name] = column
        is_text = kind in ("str", "category", "object")
        label = draw(st.text(PRINTABLE, max_size=40).map(str.rstrip))
        length = 40 if is_text and draw(st.booleans()) else 0
        variables.append(VariableMetadata(name, label, "Char" if is_text else "Num", length))
    columns["ZZ_KEY"] = pd.Series(["k"] * rows, dtype="str")  # so that no record is all blank
    variables.append(VariableMetadata("ZZ_KEY", "A key", "Char", 0))
    return pd.DataFrame(columns), DatasetMetadata(
        "XX", draw(st.text(PRINTABLE, max_size=40).map(str.rstrip)), tuple(variables)
    )


def plain(frame: pd.DataFrame, metadata: DatasetMetadata) -> pd.DataFrame:
    """The frame as the reader gives it: text as `str`, numbers as float64."""
    kinds = {variable.name: "str" if variable.type == "Char" else "float64" for variable in metadata.variables}
    return pd.DataFrame(
        {
            name: frame[name].astype("str")
            if kind == "str"
            else pd.Series(frame[name].to_numpy("float64", na_value=np.nan))
            for name, kind in kinds.items()
        }
    )


@given(frames())
@FAST
def test_what_is_written_is_read_back_equal_by_us_and_by_pyreadstat(
    tmp_path: Path, case: tuple[pd.DataFrame, DatasetMetadata]
) -> None:
    frame, metadata = case
    path = tmp_path / "xx.xpt"
    written = write(frame, metadata, path).metadata
    again, found = read(path)
    expected = plain(frame, metadata)
    pd.testing.assert_frame_equal(again, expected)
    assert found == written
    assert path.stat().st_size % 80 == 0
    theirs, info = pyreadstat.read_xport(str(path))
    assert info.column_names == list(frame.columns)
    assert info.column_labels == [variable.label or None for variable in metadata.variables]
    for variable in metadata.variables:
        if variable.type == "Char":
            assert theirs[variable.name].tolist() == expected[variable.name].fillna("").tolist()
        else:
            np.testing.assert_array_equal(theirs[variable.name].to_numpy("float64"), expected[variable.name])


@given(frames(st.none() | ANY_TEXT), st.sampled_from(["ascii", "cp1252", "latin-1", "utf-8"]))
@FAST
def test_any_text_is_either_refused_or_read_back_equal(
    tmp_path: Path, case: tuple[pd.DataFrame, DatasetMetadata], encoding: str
) -> None:
    frame, metadata = case
    path = tmp_path / "xx.xpt"
    path.unlink(missing_ok=True)
    try:
        write(frame, metadata, path, encoding=encoding)
    except XptError:
        assert not path.exists()
        return
    expected = plain(frame, metadata)
    for name in expected.select_dtypes("str"):
        expected[name] = expected[name].mask(expected[name] == "")  # an empty text is a missing one
    pd.testing.assert_frame_equal(read(path, encoding=encoding)[0], expected)


@given(frames())
@FAST
def test_a_second_round_gives_the_same_bytes(tmp_path: Path, case: tuple[pd.DataFrame, DatasetMetadata]) -> None:
    first, second = tmp_path / "first.xpt", tmp_path / "second.xpt"
    write(*case, first)
    frame, metadata = read(first)
    write(frame, metadata, second)
    assert first.read_bytes() == second.read_bytes()


@given(frames(), st.data())
@FAST
def test_columns_are_read_alone(
    tmp_path: Path, case: tuple[pd.DataFrame, DatasetMetadata], data: st.DataObject
) -> None:
    write(*case, tmp_path / "xx.xpt")
    whole, metadata = read(tmp_path / "xx.xpt")
    wanted = data.draw(st.lists(st.sampled_from(list(whole.columns)), unique=True))
    part, found = read(tmp_path / "xx.xpt", wanted)
    kept = [name for name in whole.columns if name in wanted]
    pd.testing.assert_frame_equal(part, whole[kept])
    assert found.variables == tuple(variable for variable in metadata.variables if variable.name in wanted)


@given(st.lists(frames(), min_size=1, max_size=3))
@settings(deadline=None, max_examples=20)
def test_agreed_lengths_are_the_longest_of_the_study(cases: list[tuple[pd.DataFrame, DatasetMetadata]]) -> None:
    study = {f"D{number}": frame for number, (frame, _) in enumerate(cases)}
    agreed = agree_lengths({**study, "SUPPD0": cases[0][0]})
    own = {name: text_lengths(frame) for name, frame in study.items()}
    for name, lengths in own.items():
        for variable in lengths:
            assert agreed[name][variable] == max(found.get(variable, 0) for found in own.values())
    assert agreed["SUPPD0"] == own["D0"]


@pytest.mark.parametrize("length", [1, 7, 8, 16, 33, 39, 40, 41, 53, 79, 80, 81, 160])
@given(data=st.data())
@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_blank_records_are_kept_or_refused(tmp_path: Path, length: int, data: st.DataObject) -> None:
    values = data.draw(st.lists(st.sampled_from([None, "x"]), min_size=1, max_size=12))
    frame = pd.DataFrame({"A": pd.Series(values, dtype="str")})
    metadata = DatasetMetadata("XX", "", (VariableMetadata("A", "", "Char", length),))
    path = tmp_path / "xx.xpt"
    if length < 80 and values[-1] is None:
        with pytest.raises(XptError, match="cannot tell it from padding"):
            write(frame, metadata, path)
    else:
        write(frame, metadata, path)
        pd.testing.assert_frame_equal(read(path)[0], frame)


@given(st.data())
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_bytes_are_refused_or_read_never_a_crash(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "xx.xpt"
    frame = pd.DataFrame({"A": ["text", None], "B": [1.0, np.nan], "C": ["x", "y"]})
    variables = tuple(VariableMetadata(name, "", "Num" if name == "B" else "Char", 0) for name in frame)
    write(frame, DatasetMetadata("XX", "", variables), path)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    try:
        read(path, encoding="latin-1", dates=True)
    except XptError:
        return
