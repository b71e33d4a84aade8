"""Whether results are still those of the data: they carry the SHA-256 of every file that they were computed from."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from ..whole_file import sha256

RECORD = "inputs.json"
Record = Mapping[str, Mapping[str, str]]


def results_record(datasets: Mapping[str, Path], specifications: Mapping[str, Path]) -> dict[str, dict[str, str]]:
    """Return the SHA-256 of the analysis datasets (by file name) and of the specifications."""
    return {
        "datasets": {path.name: sha256(path) for path in datasets.values()},
        "specifications": {name: sha256(path) for name, path in specifications.items()},
    }


def stale_because(results: Path, adam: Path, specified: Path) -> list[str]:
    """Return why results are not those of these analysis datasets and specifications; nothing where they still are."""
    try:
        record: Record = json.loads((results / RECORD).read_text(encoding="utf-8"))
        datasets, specifications = record["datasets"], record["specifications"]
    except (OSError, ValueError, KeyError, TypeError):
        return [f"{RECORD} cannot be read"]
    there = {path.name: path for path in specified.glob("*.yaml")}
    changed = [name for name in datasets if not _is_same(adam / name, datasets[name])]
    changed += [f"results/{name}" for name in specifications if not _is_same(specified / name, specifications[name])]
    changed += [f"results/{name}" for name in there if name not in specifications]
    return [f"{name} is another now" for name in sorted(changed)]


def _is_same(path: Path, digest: str) -> bool:
    return path.is_file() and sha256(path) == digest


def keep_results(old: Path, part: Path, specified: Path) -> tuple[str, ...]:
    """Copy the results of the build before into a new one where they still hold; return why they do not."""
    results = old / "results"
    if not results.is_dir():
        return ()
    reasons = tuple(stale_because(results, part / "adam", specified))
    if not reasons:
        shutil.copytree(results, part / "results")
    return reasons
