"""Every format to every other: what both can hold comes back, what one cannot hold is told."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pyreadstat
import pytest
from click.testing import CliRunner

from cdiscway.cli.main import cdiscway
from cdiscway.converters.convert import WRITERS, Options, convert, load
from cdiscway.converters.dataset import DatasetMetadata, VariableMetadata
from cdiscway.converters.ibm_float import special_tags, tagged_nan
from cdiscway.converters.show import describe
from cdiscway.converters.transliteration import ASCII_TABLE
from cdiscway.converters.writers.xpt import write
from cdiscway.specs.mistakes import MistakesError

SAS_FILES = Path(__file__).parents[3] / "shared" / "sas-xpt"
VARIABLES = (
    VariableMetadata("USUBJID", "Unique Subject Identifier", "Char", 12, "$12."),
    VariableMetadata("AGE", "Age", "Num", 8, "8."),
    VariableMetadata("RFSTDT", "Start Date", "Num", 8, "DATE9."),
    VariableMetadata("RFSTDTM", "Start Datetime", "Num", 8, "DATETIME20."),
    VariableMetadata("RFSTTM", "Start Time", "Num", 8, "TIME8."),
    VariableMetadata("SEX", "Sex", "Char", 1),
)
METADATA = DatasetMetadata(
    "DM", "Demographics", VARIABLES, datetime(2026, 11, 22), datetime(2026, 11, 23), "9.4", "X64_10PR"
)
FRAME = pd.DataFrame(
    {
        "USUBJID": ['A "1", x', " B", "C"],
        "AGE": [60.5, np.nan, 0.1 + 0.2],
        "RFSTDT": [21915.0, np.nan, -1.0],
        "RFSTDTM": [1893486615.0, np.nan, 0.0],
        "RFSTTM": [30600.0, 0.0, np.nan],
        "SEX": ["F", None, "M"],
    }
)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    write(FRAME, METADATA, tmp_path / "dm.xpt")
    return tmp_path / "dm.xpt"


@pytest.mark.parametrize("way", list(itertools.permutations(WRITERS, 2)), ids="-".join)
def test_a_dataset_comes_back_byte_for_byte_over_two_formats(
    way: tuple[str, str], source: Path, tmp_path: Path
) -> None:
    like = Options(like=source)
    at = source
    for step, suffix in enumerate((*way, ".xpt")):
        target = tmp_path / f"step{step}{suffix}"
        convert(at, target, like if at.suffix == ".csv" else Options())
        at = target
    assert at.read_bytes() == source.read_bytes()


def test_special_missing_values_go_through_csv_and_parquet(tmp_path: Path) -> None:
    frame = pd.DataFrame({"A": tagged_nan([0, 65, 95]), "B": ["x", "y", "z"]})
    metadata = replace(
        METADATA, variables=(VariableMetadata("A", "", "Num", 8, "DATE9."), VariableMetadata("B", "", "Char", 1))
    )
    write(frame, metadata, tmp_path / "a.xpt")
    for suffix in (".csv", ".parquet"):
        convert(tmp_path / "a.xpt", tmp_path / f"b{suffix}")
        again, _ = load(tmp_path / f"b{suffix}", Options(like=tmp_path / "a.xpt" if suffix == ".csv" else None))
        assert special_tags(again["A"].to_numpy()).tolist() == [0, 65, 95]
    assert (tmp_path / "b.csv").read_text() == '"A","B"\n,"x"\n".A","y"\n"._","z"\n'


def test_csv_alone_is_text_and_the_file_gives_the_name(tmp_path: Path) -> None:
    (tmp_path / "dm.csv").write_text("A,B\n1,x\n,y\n", encoding="utf-8")
    frame, metadata = load(tmp_path / "dm.csv")
    assert frame["A"].fillna("-").tolist() == ["1", "-"]
    assert metadata.name == "DM"
    assert [variable.type for variable in metadata.variables] == ["Char", "Char"]


@pytest.mark.parametrize("value", ["x", "nan", "inf", "1_000", "3,1", "2020-13-01", "2020-01", ".a", ".AB"])
def test_a_cell_that_is_no_number_is_named_with_its_row(value: str, source: Path, tmp_path: Path) -> None:
    convert(source, tmp_path / "dm.csv")
    frame = pd.read_csv(tmp_path / "dm.csv", dtype="str")
    frame.loc[1, "RFSTDT"] = value
    frame.to_csv(tmp_path / "dm.csv", index=False)
    with pytest.raises(MistakesError) as caught:
        load(tmp_path / "dm.csv", Options(like=source))
    assert f"DM.RFSTDT: {value!r} is no number (row 2)" in str(caught.value)


def test_the_columns_of_a_csv_file_are_those_of_its_metadata(source: Path, tmp_path: Path) -> None:
    (tmp_path / "dm.csv").write_text("A,B\n1,x\n")
    with pytest.raises(MistakesError, match="has the columns"):
        load(tmp_path / "dm.csv", Options(like=source))


def test_a_foreign_parquet_file_gets_metadata_from_its_types(tmp_path: Path) -> None:
    table = pa.table(
        {
            "TXT": pa.array(["a", None]).dictionary_encode(),
            "NUM": pa.array([1, None], pa.int32()),
            "DAY": pa.array([18262, None], pa.date32()),
            "MOMENT": pa.array([0, None], pa.timestamp("ms")),
            "SPAN": pa.array([60, None], pa.duration("s")),
        }
    )
    pyarrow.parquet.write_table(table, tmp_path / "xx.parquet")
    convert(tmp_path / "xx.parquet", tmp_path / "xx.xpt")
    frame, metadata = load(tmp_path / "xx.xpt")
    assert frame.iloc[0].tolist() == ["a", 1.0, 21915.0, 315619200.0, 60.0]
    assert [variable.format for variable in metadata.variables] == ["", "", "DATE9.", "DATETIME20.", "TIME8."]
    assert metadata.name == "XX"


def test_booleans_of_a_parquet_file_are_refused(tmp_path: Path) -> None:
    pyarrow.parquet.write_table(pa.table({"A": [True]}), tmp_path / "xx.parquet")
    with pytest.raises(MistakesError, match="booleans"):
        convert(tmp_path / "xx.parquet", tmp_path / "xx.xpt")


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".json", ".ndjson", ".sas7bdat", ".xpt"])
def test_a_missing_or_broken_file_is_a_mistake(suffix: str, tmp_path: Path) -> None:
    with pytest.raises(MistakesError, match="there is no such file"):
        load(tmp_path / f"none{suffix}")
    (tmp_path / f"bad{suffix}").write_bytes(b'a,"b\n1')
    with pytest.raises(MistakesError):
        load(tmp_path / f"bad{suffix}")


def test_formats_are_told_by_known_names(source: Path, tmp_path: Path) -> None:
    with pytest.raises(MistakesError, match=r"'\.sas7bdat' cannot be written"):
        convert(source, tmp_path / "dm.sas7bdat")
    with pytest.raises(MistakesError, match="'no suffix' cannot be read"):
        load(tmp_path / "dm")


def test_a_sas_dataset_is_read_with_its_special_missing_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No library writes sas7bdat, so what pyreadstat gives is stood in for."""
    frame = pd.DataFrame(
        {"Txt": ["a", "", "c"], "NUM": pd.Series([1.5, "A", np.nan], dtype=object), "DAY": [0.0, 1, 2]}
    )
    found = SimpleNamespace(
        table_name="dm",
        file_label="Demographics",
        creation_time=datetime(2020, 1, 2, 3, 4, 5, 678),
        modification_time=None,
        readstat_variable_types={"Txt": "string", "NUM": "double", "DAY": "double"},
        original_variable_types={"Txt": "$5", "NUM": "NULL", "DAY": "DATE9"},
        column_names_to_labels={"Txt": "A text", "NUM": None, "DAY": "A day"},
        variable_storage_width={"Txt": 5, "NUM": 8, "DAY": 8},
    )
    monkeypatch.setattr(pyreadstat, "read_sas7bdat", lambda *_, **__: (frame, found))
    (tmp_path / "dm.sas7bdat").touch()
    again, metadata = load(tmp_path / "dm.sas7bdat")
    assert special_tags(again["NUM"].to_numpy()).tolist() == [0, 65, 0]
    assert again["Txt"].isna().tolist() == [False, True, False]
    assert metadata == DatasetMetadata(
        "DM",
        "Demographics",
        (
            VariableMetadata("Txt", "A text", "Char", 5, "$5."),
            VariableMetadata("NUM", "", "Num", 8),
            VariableMetadata("DAY", "A day", "Num", 8, "DATE9."),
        ),
        datetime(2020, 1, 2, 3, 4, 5),
    )


def test_transliterated_variables_get_new_lengths(tmp_path: Path) -> None:
    frame = pd.DataFrame({"A": ["≥"]})
    metadata = replace(METADATA, variables=(VariableMetadata("A", "", "Char", 3),))
    write(frame, metadata, tmp_path / "a.xpt", encoding="utf-8")
    done = convert(tmp_path / "a.xpt", tmp_path / "b.xpt", Options("utf-8", transliterate=ASCII_TABLE))
    assert done.replacements[0].new == ">="
    again, found = load(tmp_path / "b.xpt")
    assert again["A"].tolist() == [">="]
    assert found.variables[0].length == 2


def test_show_prints_metadata_and_first_records() -> None:
    text = describe(FRAME.assign(AGE=tagged_nan([65, 0, 0])), METADATA, 2)
    assert text == "\n".join(
        [
            "DM  Demographics",
            "3 records, 6 variables",
            "created 2026-11-22 00:00:00, modified 2026-11-23 00:00:00, SAS 9.4 on X64_10PR",
            "",
            "#  name     type  length  format       label",
            "1  USUBJID  Char  12      $12.         Unique Subject Identifier",
            "2  AGE      Num   8       8.           Age",
            "3  RFSTDT   Num   8       DATE9.       Start Date",
            "4  RFSTDTM  Num   8       DATETIME20.  Start Datetime",
            "5  RFSTTM   Num   8       TIME8.       Start Time",
            "6  SEX      Char  1                    Sex",
            "",
            "record 1",
            '  USUBJID  A "1", x',
            "  AGE      .A",
            "  RFSTDT   2020-01-01",
            "  RFSTDTM  2020-01-01T08:30:15",
            "  RFSTTM   08:30:00",
            "  SEX      F",
            "",
            "record 2",
            "  USUBJID   B",
            "  AGE      .",
            "  RFSTDT   .",
            "  RFSTDTM  .",
            "  RFSTTM   00:00:00",
            "  SEX",
        ]
    )


def test_the_commands_call_the_library(source: Path, tmp_path: Path) -> None:
    run = CliRunner().invoke(cdiscway, ["convert", str(source), str(tmp_path / "dm.json")])
    assert run.exit_code == 0, run.output
    assert "DM, 3 records, 6 variables" in run.output
    run = CliRunner().invoke(cdiscway, ["show", str(tmp_path / "dm.json"), "-n", "1"])
    assert run.exit_code == 0, run.output
    assert run.output.startswith("DM  Demographics\n")
    run = CliRunner().invoke(cdiscway, ["convert", str(source), str(tmp_path / "dm.csv"), "--name", "XX"])
    assert "XX, 3 records" in run.output
    assert "not in dm.csv: labels, lengths" in run.output


def test_the_command_lists_what_it_replaced(tmp_path: Path) -> None:
    metadata = replace(METADATA, variables=(VariableMetadata("A", "", "Char", 0),))
    write(pd.DataFrame({"A": ["µg", "µg"]}), metadata, tmp_path / "a.xpt", encoding="cp1252")
    arguments = [str(tmp_path / "a.xpt"), str(tmp_path / "b.xpt"), "--encoding", "cp1252", "--transliterate"]
    run = CliRunner().invoke(cdiscway, ["convert", *arguments])
    assert "replaced in A: 'µg' by 'ug' (2 records)" in run.output


@pytest.mark.parametrize("suffix", [suffix for suffix in WRITERS if suffix != ".xpt"])
def test_control_characters_go_there_and_back_on_request(suffix: str, tmp_path: Path) -> None:
    frame = pd.DataFrame({"COVAL": ["tab\there", "line\r\nend\n", "\x01", "plain", "\n"]})
    metadata = DatasetMetadata("CO", "Comments", (VariableMetadata("COVAL", "Comment", "Char", 100),))
    write(frame, metadata, tmp_path / "co.xpt", control_characters="keep")
    there, back = tmp_path / f"there{suffix}", tmp_path / "back.xpt"
    convert(tmp_path / "co.xpt", there)
    like = tmp_path / "co.xpt" if suffix == ".csv" else None
    with pytest.raises(MistakesError, match=r"control character U\+0009"):
        convert(there, back, Options(like=like))
    assert not back.exists()
    convert(there, back, Options(like=like, keep_controls=True))
    assert back.read_bytes() == (tmp_path / "co.xpt").read_bytes()


@pytest.mark.parametrize("suffix", [suffix for suffix in WRITERS if suffix != ".xpt"])
def test_a_dataset_without_records_goes_there_and_back_on_request(suffix: str, tmp_path: Path) -> None:
    write(FRAME.head(0), METADATA, tmp_path / "dm.xpt", allow_empty=True)
    there, back = tmp_path / f"there{suffix}", tmp_path / "back.xpt"
    convert(tmp_path / "dm.xpt", there)
    like = tmp_path / "dm.xpt" if suffix == ".csv" else None
    with pytest.raises(MistakesError, match="has no records"):
        convert(there, back, Options(like=like))
    convert(there, back, Options(like=like, allow_empty=True))
    assert back.read_bytes() == (tmp_path / "dm.xpt").read_bytes()


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("folder.xpt", None, "is a folder, not a file"),
        ("text.xpt", b"hello\n", "is not a SAS transport file"),
        ("v8.xpt", b"HEADER RECORD*******LIBV8   HEADER RECORD!!!!!!!".ljust(80), "is a transport file of version 8"),
        ("cut.json", b'{"a":1', "is not JSON"),
        ("list.json", b"[]", "is not an object with columns and rows"),
        ("other.json", b'{"a":1}', "'columns' is missing"),
        ("other.ndjson", b'{"a":1}\n[1]\n', "'columns' is missing"),
        ("empty.ndjson", b"", "is not JSON"),
        ("ragged.csv", b"A,B\n1,x\n2\n", "is not CSV"),
        ("empty.csv", b"", "is not CSV"),
        ("text.parquet", b"hello", "is not Parquet"),
        ("text.sas7bdat", b"hello" * 300, "is no SAS dataset"),
        ("dm.xlsx", b"", "'.xlsx' cannot be read (known: .xpt,"),
    ],
)
def test_what_a_user_gives_by_mistake_is_named(name: str, content: bytes | None, says: str, tmp_path: Path) -> None:
    if content is None:
        (tmp_path / name).mkdir()
    else:
        (tmp_path / name).write_bytes(content)
    done = CliRunner().invoke(cdiscway, ["convert", str(tmp_path / name), str(tmp_path / "out.parquet")])
    assert says in str(done.exception) + done.output
    assert isinstance(done.exception, MistakesError)
    assert not (tmp_path / "out.parquet").exists()


def test_a_folder_is_no_file_to_write(source: Path, tmp_path: Path) -> None:
    (tmp_path / "out.xpt").mkdir()
    with pytest.raises(MistakesError, match=r"out\.xpt: is a folder, not a file"):
        convert(source, tmp_path / "out.xpt")
