"""The files of a build folder beside the packages: lineage, lists of values, the manifest; and how the folder appears whole."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import astuple, fields
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .build_time import build_time
from .reporter import Recoded
from .spreadsheet import harmless
from .study import Study
from .whole_file import sha256

if TYPE_CHECKING:
    from .build import Converted, Package

_TRIES = 5


def write_kept(converted: Converted, folder: Path) -> None:
    """Write how every coded value found its term, and every value that was written in ASCII."""
    header = [field.name for field in fields(Recoded)]
    write_table(folder / "recoded.csv", header, [list(astuple(item)) for item in converted.recoded])
    changed = [[name, item.variable, item.old, item.new, item.count] for name, item in converted.transliterated]
    write_table(folder / "transliterated.csv", ["dataset", "variable", "collected", "submitted", "records"], changed)


def write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV file for a spreadsheet; a cell that begins like a formula is made text."""
    import csv  # noqa: PLC0415

    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        for row in rows:
            writer.writerow(harmless(cell) if isinstance(cell, str) else cell for cell in row)


def write_lineage(packages: Sequence[Package], path: Path) -> None:
    """Write the lineage: for each record of each dataset its raw form, file and row, and the line of the mapping."""
    import pandas as pd  # noqa: PLC0415

    parts = []
    for package in packages:
        for dataset in package.datasets:
            if dataset.sources is not None and len(dataset.frame):
                texts = [name for name in ("form", "file", "mapping") if name in dataset.sources.columns]
                part = dataset.sources.astype(dict.fromkeys(texts, "str"))
                part.insert(0, "record", range(1, len(part) + 1))
                part.insert(0, "dataset", dataset.name)
                parts.append(part)
    pd.concat(parts, ignore_index=True).to_parquet(path, index=False)


def write_manifest(converted: Converted, folder: Path) -> dict[str, Any]:
    """Write manifest.json: SHA-256 of every input and output, and the versions used."""
    study = converted.plan.study
    inputs = [path for path in sorted(study.folder.rglob("*")) if path.is_file() and is_input(path, study)]
    manifest = {
        "study": study.file.study,
        "synthetic": study.file.synthetic,
        "created": build_time(study).isoformat(),
        "versions": {name: version(name) for name in ("cdiscway", "pandas", "numpy", "lxml", "great-expectations")},
        "standards": {package.name: package.standard for package in converted.packages},
        "terminology": list(converted.plan.terminology.packages),
        "inputs": {study.shown(path): sha256(path) for path in inputs},
        "outputs": {path.relative_to(folder).as_posix(): sha256(path) for path in files_in(folder)},
    }
    write_json(manifest, folder / "manifest.json")
    return manifest


def is_input(path: Path, study: Study) -> bool:
    """Whether a file of the study folder is read by the build."""
    parts = path.relative_to(study.folder).parts
    if study.shown(path) in study.file.documents:
        return True
    return parts[0] in {
        study.file.raw.folder,
        "mapping",
        "results",
        "terminology",
        "study.yaml",
        "derivations.py",
        "waivers.yaml",
    }


def files_in(folder: Path) -> list[Path]:
    """Return all files of a folder, by name."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def write_json(data: Any, path: Path) -> None:
    """Write JSON, UTF-8, keys as they come, one way only."""
    path.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def own_folder(target: Path) -> Path:
    """Make a folder beside the target that no other build uses: two builds of one study leave each other's files alone."""
    for number in itertools.count(1):
        part = target.with_name(f".{target.name}.{number}.part")
        with suppress(FileExistsError):
            part.mkdir(parents=True)
            return part
    raise AssertionError  # pragma: no cover - count does not end


def replace_folder(part: Path, target: Path) -> None:
    """Put a finished folder in the place of the one before; where two builds end at one moment, the later one stays."""
    old = own_folder(target)
    try:
        for left in reversed(range(_TRIES)):
            with suppress(FileNotFoundError):
                target.rename(old / str(left))
            try:
                part.rename(target)
                return
            except OSError:
                if not left:
                    raise
    finally:
        shutil.rmtree(old, ignore_errors=True)
