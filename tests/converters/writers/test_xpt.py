"""The writer against SAS-written files, against pyreadstat, and against its own promises (SAS paper TS-140)."""

from __future__ import annotations

from pathlib import Path

import pytest

from cdiscway.converters.readers.xpt import read
from cdiscway.converters.writers.xpt import write

SAS_FILES = Path(__file__).parents[4] / "shared" / "sas-xpt"
FILES = sorted(SAS_FILES.glob("*.xpt"))


@pytest.mark.skipif(not FILES, reason="the SAS-written files are not beside the repository")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_sas_written_file_is_written_again_byte_for_byte(path: Path, tmp_path: Path) -> None:
    frame, metadata = read(path, encoding="cp1252")
    again = tmp_path / path.name
    write(frame, metadata, again, encoding="cp1252")
    assert again.read_bytes() == path.read_bytes()
