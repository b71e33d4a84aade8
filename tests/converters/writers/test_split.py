"""Datasets above the size limit: the whole file, and its parts in split/ (technical conformance guide, dataset size)."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from cdiscway.converters.dataset import DatasetMetadata, VariableMetadata
from cdiscway.converters.readers.xpt import read
from cdiscway.converters.writers.split import file_size, part_names, write_split
from cdiscway.converters.writers.xpt import write
from cdiscway.converters.xpt_mistakes import XptError

FRAME = pd.DataFrame(
    {
        "DOMAIN": ["LB"] * 6,
        "LBSEQ": [1.0, 2, 3, 4, 5, 6],
        "LBCAT": pd.Categorical(["CHEMISTRY", "HEMATOLOGY", "CHEMISTRY", "URINALYSIS", "HEMATOLOGY", "CHEMISTRY"]),
        "LBTEST": ["a", "a long value in one part only", "c", "d", "e", "f"],
    }
)
METADATA = DatasetMetadata(
    "LB",
    "Laboratory Test Results",
    tuple(VariableMetadata(name, "", "Num" if name == "LBSEQ" else "Char", 0) for name in FRAME),
)


def test_a_small_dataset_is_one_file(tmp_path: Path) -> None:
    (whole,) = write_split(FRAME, METADATA, tmp_path)
    assert whole.path == tmp_path / "lb.xpt"
    assert [path.name for path in tmp_path.iterdir()] == ["lb.xpt"]


def test_a_large_dataset_is_the_whole_and_its_parts(tmp_path: Path) -> None:
    parts = write_split(FRAME, METADATA, tmp_path, limit=1500)
    assert [(part.name, part.category, part.records) for part in parts] == [
        ("LB", "", 6),
        ("LBCH", "CHEMISTRY", 3),
        ("LBHE", "HEMATOLOGY", 2),
        ("LBUR", "URINALYSIS", 1),
    ]
    whole, metadata = read(parts[0].path)
    read_parts = [read(part.path) for part in parts[1:]]
    assert all(found.variables == metadata.variables for _, found in read_parts)
    assert [found.name for _, found in read_parts] == ["LBCH", "LBHE", "LBUR"]
    together = pd.concat([frame for frame, _ in read_parts]).sort_values("LBSEQ", ignore_index=True)
    pd.testing.assert_frame_equal(together, whole)
    assert sorted(path.name for path in (tmp_path / "split").iterdir()) == ["lbch.xpt", "lbhe.xpt", "lbur.xpt"]


@pytest.mark.parametrize("records", [1, 2, 6])
def test_the_size_is_known_before_the_file_is_written(records: int, tmp_path: Path) -> None:
    written = write(FRAME.head(records), METADATA, tmp_path / "lb.xpt")
    assert file_size(written.metadata, records) == (tmp_path / "lb.xpt").stat().st_size


def test_names_of_parts_are_unique_and_may_be_given() -> None:
    given = part_names("LB", ["A1", "A-1", "", "CHEM"], {"CHEM": "LBC2"})
    assert given == {"A1": "LBA1", "A-1": "LB00", "": "LB01", "CHEM": "LBC2"}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"limit": 1300}, "part LBCH (CHEMISTRY) has 1,440 bytes, the limit is 1,300"),
        ({"limit": 1500, "by": "LBSCAT"}, "LB.LBSCAT: is not there to split by"),
        ({"limit": 1500, "names": {"CHEMISTRY": "lb chem"}}, "part name 'lb chem' of CHEMISTRY is no name"),
        ({"limit": 1500, "names": {"CHEMISTRY": "LBX", "HEMATOLOGY": "LBX"}}, "several parts have the same name"),
    ],
)
def test_parts_that_cannot_be_are_mistakes(options: dict[str, object], says: str, tmp_path: Path) -> None:
    with pytest.raises(XptError) as caught:
        write_split(FRAME, METADATA, tmp_path, **options)  # type: ignore[arg-type]
    assert says in str(caught.value)
    assert not (tmp_path / "split").exists()


def test_a_record_without_category_is_in_no_part(tmp_path: Path) -> None:
    frame = FRAME.assign(LBCAT=FRAME["LBCAT"].where(FRAME["LBSEQ"] != 2))
    with pytest.raises(XptError, match="is missing, so that the record is in no part"):
        write_split(frame, METADATA, tmp_path, limit=1500)
