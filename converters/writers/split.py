"""Split a dataset that is too large for one file (FDA Study Data Technical Conformance Guide, "dataset size").

The whole dataset is written as ever; its parts go beside it into `split/`, one for each value of a category variable.
DOMAIN, lengths and --SEQ are those of the whole, so that the parts put together are the whole again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from cdiscway.converters.dataset import DatasetMetadata
from cdiscway.converters.xpt_check import NAME
from cdiscway.converters.xpt_layout import NAMESTR, RECORD, pad
from cdiscway.converters.xpt_mistakes import DataMistake, XptError, data_mistake

from .xpt import write

LIMIT = 5_000_000_000
"""The largest file of a submission, in bytes (5 GB)."""


@dataclass(frozen=True, slots=True)
class Part:
    """One file that was written; `category` is empty for the whole dataset."""

    name: str
    path: Path
    records: int
    category: str = ""


def file_size(metadata: DatasetMetadata, records: int) -> int:
    """Return the bytes of the transport file; every length is known."""
    headers = 9 * RECORD + len(metadata.variables) * NAMESTR
    data = records * sum(variable.length for variable in metadata.variables)
    return headers + pad(headers) + data + pad(data)


def part_names(dataset: str, categories: Sequence[str], given: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return category -> name of its part: the first two letters of the dataset and two of the category.

    Names that are `given` stay; a name that is taken goes on to the next letters of the category, then to digits.

    >>> part_names("LB", ["CHEMISTRY", "HEMATOLOGY", "HEMOSTASIS"])
    {'CHEMISTRY': 'LBCH', 'HEMATOLOGY': 'LBHE', 'HEMOSTASIS': 'LBHM'}
    """
    names = dict(given or {})
    for category in categories:
        if category in names:
            continue
        letters = [letter for letter in category.upper() if letter.isascii() and letter.isalnum()]
        endings = [letters[0] + letter for letter in letters[1:]] if letters else []
        free = (dataset[:2] + end for end in (*endings, *(f"{number:02}" for number in range(100))))
        names[category] = next(name for name in free if name not in names.values())
    return {category: names[category] for category in categories}


def write_split(
    frame: pd.DataFrame,
    metadata: DatasetMetadata,
    folder: str | Path,
    *,
    by: str | None = None,
    limit: int = LIMIT,
    names: Mapping[str, str] | None = None,
) -> tuple[Part, ...]:
    """Write the dataset to `folder`, and its parts to `folder`/split where its file has more than `limit` bytes.

    `by` is the category variable (--CAT where nothing is said), `names` gives the names of parts by category. Raises
    XptError where records have no category, a part is still too large, or its name is no name; then no part is written.
    """
    whole = Path(folder) / f"{metadata.name.lower()}.xpt"
    final = write(frame, metadata, whole).metadata
    parts = [Part(metadata.name, whole, len(frame))]
    if file_size(final, len(frame)) <= limit:
        return tuple(parts)
    variable = by or f"{metadata.name[:2]}CAT"
    counts, mistakes = _categories(frame, metadata.name, variable, str(whole))
    found = part_names(metadata.name, list(counts), names)
    mistakes += _part_mistakes(final, counts, found, limit, str(whole))
    if mistakes:
        raise XptError(mistakes)
    (Path(folder) / "split").mkdir(exist_ok=True)
    for category, name in found.items():
        path = Path(folder) / "split" / f"{name.lower()}.xpt"
        write(frame[frame[variable] == category], replace(final, name=name), path)
        parts.append(Part(name, path, counts[category], category))
    return tuple(parts)


def _categories(
    frame: pd.DataFrame, dataset: str, variable: str, file: str
) -> tuple[dict[str, int], list[DataMistake]]:
    """Return the records of each category, in alphabetical order."""
    if variable not in frame.columns:
        reason = "is not there to split by; name another variable"
        return {}, [data_mistake(file, dataset, variable, reason)]
    counts = frame[variable].value_counts()
    missing = frame.index[frame[variable].isna()]
    mistakes = []
    if len(missing):
        rows = frame[variable].isna().to_numpy().nonzero()[0]
        mistakes.append(
            data_mistake(file, dataset, variable, "is missing, so that the record is in no part", rows=rows)
        )
    return {str(category): int(counts[category]) for category in sorted(counts[counts > 0].index)}, mistakes


def _part_mistakes(
    metadata: DatasetMetadata, counts: Mapping[str, int], names: Mapping[str, str], limit: int, file: str
) -> list[DataMistake]:
    mistakes = []
    for category, name in names.items():
        size = file_size(metadata, counts[category])
        if size > limit:
            reason = f"part {name} ({category}) has {size:,} bytes, the limit is {limit:,}"
            mistakes.append(data_mistake(file, metadata.name, "", reason, hint="split by another variable"))
        if not NAME.fullmatch(name):
            mistakes.append(data_mistake(file, metadata.name, "", f"part name {name!r} of {category} is no name"))
    if len(set(names.values())) < len(names):
        mistakes.append(data_mistake(file, metadata.name, "", "several parts have the same name"))
    return mistakes
