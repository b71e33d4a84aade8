"""The archive: whole, the same bytes again, and only of what is clean."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path

import pytest

from cdiscway.converters.archive import reasons_against, write_zip
from cdiscway.validation.finding import NotRun
from cdiscway.validation.run import validate


def test_nothing_checked_is_a_reason_against() -> None:
    assert any("no check ran" in reason for reason in reasons_against(validate([], None)))


def test_a_check_that_could_not_run_is_a_reason_against() -> None:
    result = validate([], None, not_run=[NotRun("CDW-X", "LB", "needs LBDTC, which is not there")])
    assert any(reason.startswith("not run: LB CDW-X") for reason in reasons_against(result))


def test_the_same_entries_give_the_same_bytes_with_sums_of_all_of_them(tmp_path: Path) -> None:
    source = tmp_path / "dm.xpt"
    source.write_bytes(b"x" * 1000)
    for name in ("a.zip", "b.zip"):
        write_zip({"sdtm/dm.xpt": source}, tmp_path / name)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        sums = json.loads(archive.read("SHA256SUMS.json"))
        assert sums == {"sdtm/dm.xpt": hashlib.sha256(archive.read("sdtm/dm.xpt")).hexdigest()}
        assert archive.testzip() is None


def test_a_failed_archive_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_zip({"sdtm/dm.xpt": tmp_path / "missing.xpt"}, tmp_path / "out.zip")
    assert list(tmp_path.iterdir()) == []
