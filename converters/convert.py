"""From one dataset file to another: transport files, Dataset-JSON, CSV, Parquet, and sas7bdat (in only).

All formats meet in a frame and the metadata of a transport file, so what one format holds and the next one cannot is an
error or is named in `Conversion.lost`, never dropped in silence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from cdiscway.specs.mistakes import Mistake, MistakesError

from .dataset import DatasetMetadata
from .dataset_json_header import not_held
from .readers import csv as csv_reader
from .readers import dataset_json as json_reader
from .readers import parquet as parquet_reader
from .readers import sas7bdat as sas7bdat_reader
from .readers import xpt as xpt_reader
from .transliteration import Replacement, transliterate_frame
from .writers import csv as csv_writer
from .writers import dataset_json as json_writer
from .writers import parquet as parquet_writer
from .writers import xpt as xpt_writer

Loaded = tuple[pd.DataFrame, DatasetMetadata]

READERS: Mapping[str, str] = {
    ".xpt": "SAS transport file, version 5",
    ".json": "Dataset-JSON 1.1",
    ".ndjson": "Dataset-JSON 1.1, NDJSON",
    ".csv": "CSV (UTF-8)",
    ".parquet": "Parquet",
    ".sas7bdat": "SAS dataset",
}
WRITERS: Mapping[str, str] = {suffix: name for suffix, name in READERS.items() if suffix != ".sas7bdat"}


@dataclass(frozen=True, slots=True)
class Options:
    """How files are read and written: encodings of transport files, metadata for a file without its own, replacements.

    `keep_controls` and `allow_empty` let the transport file that is written hold control characters, or no records.
    """

    encoding: str = "ascii"
    to_encoding: str = "ascii"
    like: Path | None = None
    name: str = ""
    transliterate: Mapping[str, str] | None = None
    keep_controls: bool = False
    allow_empty: bool = False


@dataclass(frozen=True, slots=True)
class Conversion:
    """What was converted, which metadata the new format has no place for, and which values were transliterated."""

    metadata: DatasetMetadata
    records: int
    lost: tuple[str, ...]
    replacements: tuple[Replacement, ...]


def convert(source: Path, target: Path, options: Options | None = None) -> Conversion:
    """Read `source` and write `target`; the formats are told by the names. Raises MistakesError."""
    given = options or Options()
    suffix = format_of(target, WRITERS, "written")
    if not target.parent.is_dir():
        raise MistakesError([Mistake(str(target), None, "", f"there is no folder {target.parent}")])
    if target.is_dir():
        raise MistakesError([Mistake(str(target), None, "", "is a folder, not a file")])
    frame, metadata = load(source, given)
    if given.name:
        metadata = replace(metadata, name=given.name)
    replacements: tuple[Replacement, ...] = ()
    if given.transliterate is not None:
        frame, replacements = transliterate_frame(frame, given.transliterate)
        metadata = _without_lengths(metadata, {found.variable for found in replacements})
    _save(frame, metadata, target, suffix, given)
    return Conversion(metadata, len(frame), _lost(metadata, suffix), replacements)


def load(source: Path, options: Options | None = None) -> Loaded:
    """Read any dataset file as frame and metadata. Raises MistakesError."""
    given = options or Options()
    suffix = format_of(source, READERS, "read")
    like = load(given.like, replace(given, like=None))[1] if given.like is not None else None
    readers: Mapping[str, Callable[[], Loaded]] = {
        ".xpt": lambda: xpt_reader.read(source, encoding=given.encoding),
        ".json": lambda: json_reader.read(source),
        ".ndjson": lambda: json_reader.read(source),
        ".csv": lambda: csv_reader.read(source, like),
        ".parquet": lambda: parquet_reader.read(source),
        ".sas7bdat": lambda: sas7bdat_reader.read(source),
    }
    if source.is_dir():
        raise MistakesError([Mistake(str(source), None, "", "is a folder, not a file")])
    try:
        frame, metadata = readers[suffix]()
    except PermissionError:
        raise MistakesError([Mistake(str(source), None, "", "may not be read by this user")]) from None
    if like is not None and suffix != ".csv":
        metadata = like
    return frame, metadata


def format_of(path: Path, formats: Mapping[str, str], done: str) -> str:
    """Return the suffix of a known format; raises MistakesError."""
    suffix = path.suffix.lower().replace(".jsonl", ".ndjson")
    if suffix not in formats:
        known = ", ".join(formats)
        raise MistakesError(
            [Mistake(str(path), None, "", f"{suffix or 'no suffix'!r} cannot be {done}", f"known: {known}")]
        )
    return suffix


def _save(frame: pd.DataFrame, metadata: DatasetMetadata, target: Path, suffix: str, given: Options) -> None:
    if suffix == ".xpt":
        controls: xpt_writer.ControlCharacters = "keep" if given.keep_controls else "refuse"
        xpt_writer.write(
            frame,
            metadata,
            target,
            encoding=given.to_encoding,
            allow_empty=given.allow_empty,
            control_characters=controls,
        )
    elif suffix == ".csv":
        csv_writer.write(frame, metadata, target)
    elif suffix == ".parquet":
        parquet_writer.write(frame, metadata, target)
    else:
        json_writer.write(frame, metadata, target, ndjson=suffix == ".ndjson")


def _lost(metadata: DatasetMetadata, suffix: str) -> tuple[str, ...]:
    if suffix == ".csv":
        return ("labels, lengths, formats and times (read the CSV again with --like)",)
    return tuple(not_held(metadata)) if suffix in (".json", ".ndjson") else ()


def _without_lengths(metadata: DatasetMetadata, changed: set[str]) -> DatasetMetadata:
    """Let the writer find the lengths of transliterated variables: they may be longer or shorter now."""
    variables = (replace(found, length=0) if found.name in changed else found for found in metadata.variables)
    return replace(metadata, variables=tuple(variables))
