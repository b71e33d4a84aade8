"""The parts of a dataset above the size limit, in the folder `split` beside the whole: together they are the whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from cdiscway.converters.dataset import BuiltDataset, DatasetMetadata
from cdiscway.converters.readers import xpt
from cdiscway.converters.writers.split import FOLDER, part_prefix
from cdiscway.converters.xpt_layout import MAX_FILE
from cdiscway.specs.mistakes import MistakesError

Prints = npt.NDArray[np.uint64]
"""One number for each record; records with equal values have equal numbers."""


def has_parts(whole: Path) -> bool:
    """Whether parts of a transport file stand in the folder `split` beside it."""
    prefix = part_prefix(whole.stem.upper())
    return any(path.stem.upper().startswith(prefix) for path in _parts_beside(whole.parent))


def part_faults(folder: Path, datasets: Sequence[BuiltDataset], files: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield (dataset, what is wrong) for the parts of the datasets of a folder, whose files are given by name."""
    known = {dataset.name: dataset for dataset in datasets}
    for beside in sorted({path.parent for path in folder.rglob("*") if path.parent.name == FOLDER}):
        wholes = {name: known[name] for name, file in files.items() if (folder / file).parent == beside.parent}
        parts: dict[str, list[Path]] = {}
        for path in _parts_beside(beside.parent):
            whole = _whole_of(path, wholes)
            shown = path.relative_to(folder).as_posix()
            if path.stat().st_size > MAX_FILE:
                yield whole or path.stem.upper(), f"{shown} has {path.stat().st_size:,} bytes: split it further"
            if whole is None:
                yield path.stem.upper(), f"{shown} is a part of no dataset of the folder above"
            else:
                parts.setdefault(whole, []).append(path)
        for name, paths in parts.items():
            yield from ((name, fault) for fault in _faults(wholes[name], paths, folder))


def _parts_beside(folder: Path) -> list[Path]:
    parts = folder / FOLDER
    return sorted(path for path in parts.glob("*") if path.suffix.lower() == ".xpt") if parts.is_dir() else []


def _whole_of(part: Path, wholes: Mapping[str, BuiltDataset]) -> str | None:
    """Return the dataset a part belongs to, by its name: the longest that fits."""
    fitting = [name for name in wholes if part.stem.upper().startswith(part_prefix(name))]
    return max(fitting, key=len, default=None)


def _faults(whole: BuiltDataset, paths: Sequence[Path], folder: Path) -> Iterator[str]:
    found: list[Prints] = []
    for path in paths:
        shown = path.relative_to(folder).as_posix()
        try:
            frame, metadata, _ = xpt.read_guessed(path)
        except MistakesError as error:
            yield f"{shown} cannot be read: {error.mistakes[0].message}"
            return
        if path.name != f"{metadata.name.lower()}.xpt":
            yield f"{shown} holds {metadata.name}: it should be named {metadata.name.lower()}.xpt"
        differing = _differing(whole.metadata, metadata)
        if differing:
            yield f"{shown} describes other variables than the whole: {', '.join(differing)}"
            return
        found.append(_prints(frame))
    yield from _uneven(_prints(whole.frame), np.concatenate(found))


def _differing(whole: DatasetMetadata, part: DatasetMetadata) -> list[str]:
    """Return the variables that whole and part do not both describe, in the same way."""
    pairs = {variable.name: variable for variable in whole.variables}, {v.name: v for v in part.variables}
    return [name for name in dict.fromkeys([*pairs[0], *pairs[1]]) if pairs[0].get(name) != pairs[1].get(name)]


def _prints(frame: pd.DataFrame) -> Prints:
    return np.asarray(pd.util.hash_pandas_object(frame, index=False).to_numpy(), np.uint64)


def _uneven(whole: Prints, parts: Prints) -> Iterator[str]:
    """Yield which records are on one side only, or more often there."""
    values, places = np.unique(np.concatenate([whole, parts]), return_inverse=True)
    balance = np.bincount(places[: len(whole)], minlength=len(values)) - np.bincount(
        places[len(whole) :], minlength=len(values)
    )
    missing, extra = int(balance[balance > 0].sum()), int(-balance[balance < 0].sum())
    if missing:
        yield f"{missing:,} records of the whole are in no part"
    if extra:
        yield f"{extra:,} records of the parts are not in the whole, or in several parts"
