"""What docs/reference/xpt.md shows is run: the round trips on every SAS-written file, the options of study.yaml."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import yaml

from cdiscway.converters.readers.xpt import read_guessed
from cdiscway.converters.submission import Submission

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "xpt.md"
SAS_FILES = Path(__file__).parents[3] / "shared" / "sas-xpt"
PYTHON = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
IMPORTS = "".join(line + "\n" for line in PYTHON[0].splitlines() if "import" in line) + "from pathlib import Path\n"


def run(script: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    exec(compile(IMPORTS + script, str(PAGE), "exec"), {})


@pytest.mark.parametrize("path", sorted(SAS_FILES.glob("*.xpt")), ids=lambda path: path.name)
def test_the_round_trip_of_the_page_gives_the_same_bytes(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = read_guessed(path)[2] == "ascii"
    shutil.copy(path, tmp_path / ("ae.xpt" if plain else "ts.xpt"))
    run(PYTHON[1 if plain else 2], tmp_path, monkeypatch)
    assert (tmp_path / "again.xpt").read_bytes() == path.read_bytes()


def test_the_calls_of_the_page_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not SAS_FILES.exists():
        pytest.skip("the SAS-written files are not beside the repository")
    for name in ("ae.xpt", "ts.xpt"):
        shutil.copy(SAS_FILES / name, tmp_path / name)
    run(
        PYTHON[0].replace('write(frame, metadata, "ae.xpt")', 'write(*read("ae.xpt"), "ae.xpt")'), tmp_path, monkeypatch
    )


def test_the_split_of_the_page_is_one_of_study_yaml() -> None:
    block = re.findall(r"```yaml\n(submission:.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[0]
    found = Submission.model_validate(yaml.safe_load(block)["submission"])
    assert found.size_limit == 5_000_000_000
    assert found.split["LB"].by == ("LBCAT", "LBSCAT")
    assert found.split["ADLB"].by == ("PARCAT1",)
