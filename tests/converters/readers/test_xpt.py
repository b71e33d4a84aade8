"""The reader: what it takes, what it refuses, and its rule for the end of a file (SAS paper TS-140)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cdiscway.converters.dataset import DatasetMetadata, VariableMetadata
from cdiscway.converters.readers.xpt import count_records, read, read_metadata
from cdiscway.converters.writers.xpt import write
from cdiscway.converters.xpt_layout import OBSERVATION_HEADER
from cdiscway.converters.xpt_mistakes import XptError

SAS_FILES = Path(__file__).parents[4] / "shared" / "sas-xpt"
sas_files = pytest.mark.skipif(not SAS_FILES.exists(), reason="the SAS-written files are not beside the repository")
HEADERS = 640 + 140 * 2 + 40 + 80


@pytest.fixture
def path(tmp_path: Path) -> Path:
    frame = pd.DataFrame({"TXT": ["a", " b", None], "NUM": [1.0, np.nan, -0.5]})
    variables = (VariableMetadata("TXT", "Text", "Char", 3), VariableMetadata("NUM", "Number", "Num", 8))
    write(frame, DatasetMetadata("XX", "A dataset", variables), tmp_path / "xx.xpt")
    return tmp_path / "xx.xpt"


def test_blank_is_missing_and_leading_blanks_stay(path: Path) -> None:
    frame, metadata = read(path)
    assert frame["TXT"].fillna("-").tolist() == ["a", " b", "-"]
    assert frame.dtypes.astype(str).tolist() == ["str", "float64"]
    assert metadata.name == "XX"
    assert count_records(path) == 3


def test_an_unknown_column_is_a_mistake_with_a_hint(path: Path) -> None:
    with pytest.raises(XptError, match=r"XX.TXXT: is not a variable of the file.*did you mean 'TXT'"):
        read(path, ["TXXT"])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda data: b"", "is empty"),
        (lambda data: b"x" * 800, "is not a SAS transport file"),
        (lambda data: b"HEADER RECORD*******LIBV8   HEADER RECORD!!!!!!!" + data[48:], "version 8"),
        (lambda data: b"**COMPRESSED** **COMPRESSED** " + data[30:], "PROC CPORT"),
        (lambda data: data[:-1], "is cut off"),
        (lambda data: data[:640], "is cut off: its headers"),
        (lambda data: data[:160], "there is no member header"),
        (lambda data: data[:240] + b" " * 80 + data[320:], "there is no member header"),
        (lambda data: data[:560] + b" " * 80 + data[640:], "there is no variable descriptor header"),
        (lambda data: data.replace(OBSERVATION_HEADER, b" " * 80), "there is no observation header"),
        (lambda data: data[:640] + b"\0\3" + data[642:], "a variable is of type 3"),
        (lambda data: data.replace(b"01JAN60:00:00:00", b"01JAM60:00:00:00"), "is not a time such as"),
        (lambda data: data[:-1] + b"x", "bytes at the end are no record"),
        (lambda data: data + data[240:], "holds several datasets (XX, XX)"),
        (lambda data: data.replace(b"A dataset", b"\xe9 dataset"), "byte 0xe9 of a header is not ascii"),
        (lambda data: data.replace(b"Number", b"Num\xe9ro"), "is not ascii"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_whole_version_5_file_is_refused(path: Path, change: object, says: str) -> None:
    assert callable(change)
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(XptError) as caught:
        read(path)
    assert says in str(caught.value)


def test_a_missing_file_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(XptError, match="there is no such file"):
        read_metadata(tmp_path / "none.xpt")


def test_bytes_of_another_encoding_are_named_with_variable_row_and_value(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data.replace(b" b", b"\xe9b"))
    with pytest.raises(XptError) as caught:
        read(path)
    (mistake,) = caught.value.mistakes
    assert "XX.TXT: b'\\xe9b' is not ascii (row 2; give the encoding" in str(mistake)
    assert read(path, encoding="cp1252")[0]["TXT"][1] == "éb"


def test_descriptors_of_136_bytes_are_read(path: Path) -> None:
    """VMS cuts a descriptor to 136 bytes (TS-140, member header)."""
    data = path.read_bytes()
    first, second = data[640:776], data[780:916]
    head = data[:240] + data[240:320].replace(b"0140", b"0136") + data[320:640]
    path.write_bytes(head + (first + second).ljust(320) + data[HEADERS - 80 :])
    assert read_metadata(path).variables[1].label == "Number"
    assert read(path)[0]["NUM"].tolist()[0] == 1.0


@sas_files
def test_cp1252_of_a_sas_written_file_is_read_on_request() -> None:
    with pytest.raises(XptError, match=r"TS.TSVAL.*is not ascii"):
        read(SAS_FILES / "ts.xpt")
    frame, _ = read(SAS_FILES / "ts.xpt", encoding="cp1252")
    assert frame["TSVAL"].str.contains("Alzheimer’s").any()


@sas_files
def test_leading_blanks_of_a_sas_written_file_stay() -> None:
    frame, _ = read(SAS_FILES / "relrec.xpt")
    assert frame["IDVARVAL"].str.startswith(" ").any()


@sas_files
def test_dates_of_a_sas_written_file_are_converted_on_request() -> None:
    numbers, metadata = read(SAS_FILES / "adae.xpt", ["ASTDT"])
    dates, _ = read(SAS_FILES / "adae.xpt", ["ASTDT"], dates=True)
    assert metadata.variables[0].format == "DATE9."
    days = (dates["ASTDT"] - pd.Timestamp("1960-01-01")).dt.days.astype("float64")
    pd.testing.assert_series_equal(days, numbers["ASTDT"])
