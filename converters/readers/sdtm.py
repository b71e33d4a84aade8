"""A study that begins with SDTM datasets: a folder of transport files (or of Dataset-JSON) instead of a raw export.

The datasets become tables that mappings of analysis datasets name as `dataset: DM`, as if they had been mapped here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cdiscway.converters.dataset import DatasetMetadata
from cdiscway.specs.mistakes import Mistake, MistakeCollector, MistakesError

from . import dataset_json, xpt
from .raw import Place

SUFFIXES = ((".xpt",), (".json", ".ndjson", ".jsonl"))
"""The files of a folder are transport files; where there is none, Dataset-JSON."""


@dataclass(frozen=True)
class GivenDataset:
    """A dataset that is given: its file, how messages show it, and its variables in order."""

    name: str
    path: Path
    shown: str
    variables: tuple[str, ...]


def find_datasets(place: Place) -> tuple[dict[str, GivenDataset], dict[str, tuple[Mistake, ...]]]:
    """Return the datasets of a folder by name, and what is wrong with files that cannot be read, by the name of the file.

    Only the headers are read. Raises MistakesError where a dataset is given twice, or no file can be read.
    """
    mistakes = MistakeCollector()
    found: dict[str, GivenDataset] = {}
    unreadable: dict[str, tuple[Mistake, ...]] = {}
    paths: list[Path] = next(filter(None, map(place.with_suffix, SUFFIXES)), [])
    for path in paths:
        shown = place.show(path)
        try:
            metadata = read_metadata(path)
        except MistakesError as error:
            unreadable[path.stem.upper()] = error.mistakes
            continue
        if metadata.name in found:
            mistakes.add(shown, None, metadata.name, f"is already given in {found[metadata.name].shown}")
        names = tuple(variable.name for variable in metadata.variables)
        found[metadata.name] = GivenDataset(metadata.name, path, shown, names)
    if not found and unreadable:
        raise MistakesError([mistake for wrong in unreadable.values() for mistake in wrong])
    if not found:
        message, hint = "holds no transport file", "'format: sdtm' reads SDTM datasets (.xpt, or Dataset-JSON)"
        raise MistakesError([Mistake(place.shown or str(place.folder), None, "", message, hint)])
    mistakes.raise_if_any()
    return found, unreadable


def read_metadata(path: Path) -> DatasetMetadata:
    """Return what a file says of its dataset; labels may hold letters that are not ASCII. Raises MistakesError."""
    return (
        xpt.read_metadata(path, encoding="cp1252")
        if path.suffix.lower() == ".xpt"
        else dataset_json.read_metadata(path)
    )


def read_dataset(given: GivenDataset) -> pd.DataFrame:
    """Return the records of a dataset: categorical text and float64. Raises MistakesError where the file is not readable."""
    is_transport = given.path.suffix.lower() == ".xpt"
    frame = xpt.read_guessed(given.path)[0] if is_transport else dataset_json.read(given.path)[0]
    columns = {
        name: frame[name] if frame[name].dtype == float else _as_categories(frame[name]) for name in frame.columns
    }
    return pd.DataFrame(columns, index=frame.index)


def _as_categories(column: pd.Series) -> pd.Series:
    """Return text as categories in order of appearance: mappings work on the distinct values."""
    codes, values = pd.factorize(column)
    return pd.Series(pd.Categorical.from_codes(codes, categories=pd.Index(values, dtype="str")))
