"""Results carry the hashes of what they were computed from: a build keeps those that hold, and says why others are gone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cdiscway.converters.results.fresh import RECORD, keep_results, results_record, stale_because


@pytest.fixture
def build(tmp_path: Path) -> Path:
    for folder in ("build/adam", "build/results", "part/adam", "results"):
        (tmp_path / folder).mkdir(parents=True)
    for file in ("build/adam/adsl.xpt", "part/adam/adsl.xpt"):
        (tmp_path / file).write_bytes(b"the data")
    (tmp_path / "results" / "t1.yaml").write_text("table: t1")
    record = results_record({"ADSL": tmp_path / "build/adam/adsl.xpt"}, {"t1.yaml": tmp_path / "results/t1.yaml"})
    (tmp_path / "build" / "results" / RECORD).write_text(json.dumps(record))
    return tmp_path


def kept(folder: Path) -> tuple[str, ...]:
    return keep_results(folder / "build", folder / "part", folder / "results")


def test_results_of_the_same_data_stay(build: Path) -> None:
    assert kept(build) == ()
    assert (build / "part" / "results" / RECORD).is_file()


CHANGES = [
    ("part/adam/adsl.xpt", b"other data", "adsl.xpt is another now"),
    ("part/adam/adsl.xpt", None, "adsl.xpt is another now"),
    ("results/t1.yaml", b"table: t2", "results/t1.yaml is another now"),
    ("results/t1.yaml", None, "results/t1.yaml is another now"),
    ("results/t2.yaml", b"table: t2", "results/t2.yaml is another now"),
    (f"build/results/{RECORD}", None, f"{RECORD} cannot be read"),
    (f"build/results/{RECORD}", b"[]", f"{RECORD} cannot be read"),
    (f"build/results/{RECORD}", b"{", f"{RECORD} cannot be read"),
]


@pytest.mark.parametrize(("file", "content", "reason"), CHANGES, ids=[f"{case[0]}={case[1]}" for case in CHANGES])
def test_results_of_other_data_go_with_the_reason(build: Path, file: str, content: bytes | None, reason: str) -> None:
    path = build / file
    path.unlink(missing_ok=True)
    if content is not None:
        path.write_bytes(content)
    assert kept(build) == (reason,)
    assert not (build / "part" / "results").exists()


def test_a_build_without_results_has_none_to_keep(build: Path) -> None:
    (build / "build" / "results" / RECORD).unlink()
    (build / "build" / "results").rmdir()
    assert kept(build) == ()
    assert stale_because(build / "nowhere", build / "part" / "adam", build / "results") == [f"{RECORD} cannot be read"]
