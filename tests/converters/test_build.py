"""The walk of a study: same bytes again, all mistakes at once, nothing half-written."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from cdiscway.converters.build import Converted, build_study, convert, read_plan, write_datasets, write_defines
from cdiscway.converters.build_files import own_folder, replace_folder
from cdiscway.converters.whole_file import sha256
from cdiscway.specs.mistakes import MistakesError

EXAMPLE = Path(__file__).parents[2] / "examples" / "ifm-2015-03"
CASES = yaml.safe_load((Path(__file__).parents[1] / "cases" / "build_mistakes.yaml").read_text(encoding="utf-8"))


def change(study: Path, edits: dict[str, list[list[str]]]) -> dict[str, str]:
    """Edit files of the study; return `file:line` of each (last) edit, by file."""
    places = {}
    for name, pairs in edits.items():
        path = study / name
        path.touch()
        text = path.read_text(encoding="utf-8")
        for old, new in pairs:
            assert old in text, f"{name} does not hold {old!r}"
            places[name] = f"{name}:{text[: text.index(old)].count(chr(10)) + new.count(chr(10)) + 1}"
            text = text.replace(old, new, 1)
        path.write_text(text, encoding="utf-8")
    return places


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_every_mistake_is_told_at_once_with_file_and_line(study: Path, case: dict) -> None:
    places = change(study, case.get("edits", {}))
    for name in case.get("remove", []):
        (study / name).unlink()
    with pytest.raises(MistakesError) as error:
        read_plan(study)
    told = str(error.value)
    for part in [*case["told"], *(places[name] for name in case.get("at", []))]:
        assert part in told
    if case.get("count"):
        assert len(error.value.mistakes) == case["count"], told


def test_a_mistake_leaves_the_build_before_as_it_was(built_study: Path) -> None:
    folder = built_study / "build"
    before = {path: sha256(path) for path in sorted(folder.rglob("*")) if path.is_file()}
    assert len(before) > 30
    change(built_study, {"mapping/dm.yaml": [["DATE_CONS", "DATE_CONSENT"]]})
    with pytest.raises(MistakesError):
        build_study(built_study)
    assert {path: sha256(path) for path in sorted(folder.rglob("*")) if path.is_file()} == before
    assert not list(built_study.glob(".build*"))


def test_the_same_study_gives_the_same_bytes_whatever_zone_locale_and_hash_seed_and_no_socket_is_opened(
    study: Path, built: Path
) -> None:
    """Every file again, in a process of another time zone, locale and hash seed, which refuses every connection."""
    environment = os.environ | {"TZ": "Pacific/Auckland", "LC_ALL": "C", "PYTHONHASHSEED": "4711"}
    script = (
        "import sys\n"
        "def refuse(event, arguments):\n"
        "    if event in ('socket.connect', 'socket.getaddrinfo'):\n"
        "        raise RuntimeError(event)\n"
        "sys.addaudithook(refuse)\n"
        "from pathlib import Path\n"
        "from cdiscway.converters.build import build_study\n"
        "build_study(Path(sys.argv[1]))\n"
    )
    subprocess.run([sys.executable, "-c", script, str(study)], env=environment, check=True, timeout=300)
    ours = json.loads((built / "manifest.json").read_text())["outputs"]
    theirs = json.loads((study / "build" / "manifest.json").read_text())["outputs"]
    assert ours == theirs
    assert len(ours) > 30


@pytest.fixture(scope="module")
def turned(tmp_path_factory: pytest.TempPathFactory) -> Converted:
    """The example with the rows of every raw file in reverse, and a file in its raw folder that is no form."""
    study = tmp_path_factory.mktemp("turned") / "study"
    shutil.copytree(EXAMPLE, study, ignore=shutil.ignore_patterns("build", ".*.part", "__pycache__"))
    for path in sorted((study / "raw").glob("*.csv")):
        header, *rows = path.read_text(encoding="utf-8-sig").splitlines()
        path.write_text("\ufeff" + "\r\n".join([header, *rows[::-1]]) + "\r\n", encoding="utf-8", newline="")
    (study / "raw" / "notes.docx").write_bytes(b"not read")
    return convert(read_plan(study))


def test_the_order_of_the_raw_rows_changes_no_byte_of_a_dataset(turned: Converted, built: Path, tmp_path: Path) -> None:
    target = tmp_path / "again"
    assert write_datasets(turned, target) == []
    ours = {path.relative_to(built): sha256(path) for path in built.glob("*/*.xpt")}
    assert {path.relative_to(target): sha256(path) for path in target.glob("*/*.xpt")} == ours


def test_source_date_epoch_dates_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cdiscway.converters.readers.xpt import read_metadata

    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1600000000")
    converted = convert(read_plan(EXAMPLE))
    tabulations = converted.packages[0]
    alone = replace(tabulations, datasets=tuple(item for item in tabulations.datasets if item.name == "DM"))
    small = replace(converted, packages=(alone,))
    write_datasets(small, tmp_path / "out")
    write_defines(small, tmp_path / "out")
    assert read_metadata(tmp_path / "out" / "sdtm" / "dm.xpt").created.isoformat() == "2020-09-13T12:26:40"
    define = (tmp_path / "out" / "sdtm" / "define.xml").read_text(encoding="utf-8")
    assert set(re.findall(r'(?:CreationDateTime|AsOfDateTime)="([^"]*)"', define)) == {"2020-09-13T12:26:40"}


def test_two_builds_at_a_time_use_folders_of_their_own_and_the_later_one_stays(tmp_path: Path) -> None:
    target = tmp_path / "build"
    parts = [own_folder(target), own_folder(target)]
    assert len(set(parts)) == 2
    for number, part in enumerate(parts):
        (part / "manifest.json").write_text(str(number))
    for number, part in enumerate(parts):
        replace_folder(part, target)
        assert (target / "manifest.json").read_text() == str(number)
    assert list(tmp_path.iterdir()) == [target]


def test_files_of_the_raw_folder_that_nothing_reads_are_named(turned: Converted) -> None:
    assert "raw/notes.docx" in {item.value for item in turned.findings if item.rule == "CDW-RAW-FILE"}


def test_what_a_transport_file_cannot_hold_is_told_with_its_raw_row(converted: Converted, tmp_path: Path) -> None:
    package = converted.packages[0]
    at = next(place for place, dataset in enumerate(package.datasets) if dataset.name == "AE")
    frame = package.datasets[at].frame.copy()
    frame["AETERM"] = frame["AETERM"].astype("str").where(frame.index != 4, "Nausée")
    changed = replace(package.datasets[at], frame=frame)
    datasets = (*package.datasets[:at], changed, *package.datasets[at + 1 :])
    told = write_datasets(replace(converted, packages=(replace(package, datasets=datasets),)), tmp_path / "part")
    [finding] = [item for item in told if item.rule == "CDW-XPT"]
    assert changed.sources is not None and finding.source is not None
    assert (finding.dataset, finding.variable, finding.record) == ("AE", "AETERM", 5)
    assert finding.source.row == changed.sources["row"].iloc[4]
    assert finding.keys["USUBJID"] == frame["USUBJID"].iloc[4]
