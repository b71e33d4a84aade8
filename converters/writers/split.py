"""Split a dataset that is too large for one file (FDA Study Data Technical Conformance Guide, "dataset size").

The whole dataset is written as ever; its parts go beside it into `split/`, one for each value of a category variable,
and one for each value of the next variable where a part is still too large (LB by LBCAT, then by LBSCAT).
DOMAIN, lengths and --SEQ are those of the whole, so that the parts put together are the whole again.
"""

from __future__ import annotations

import itertools
import string
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from cdiscway.converters.dataset import DatasetMetadata
from cdiscway.converters.xpt_check import NAME
from cdiscway.converters.xpt_layout import MAX_FILE, NAMESTR, RECORD, pad
from cdiscway.converters.xpt_mistakes import DataMistake, XptError, data_mistake

from .xpt import write

LIMIT = MAX_FILE
FOLDER = "split"
"""The folder of the parts, beside the whole."""
MAX_PARTS = 1000
"""More parts than that are no categories; two letters could not tell them apart either."""
BETWEEN = " / "
"""Stands between the categories of a part that was split by several variables."""

Rows = npt.NDArray[np.intp]


class SplitError(XptError):
    """The whole dataset is written, and cannot be split: all reasons at once."""


@dataclass(frozen=True, slots=True)
class Part:
    """One file that was written; `category` and `by` are empty for the whole dataset."""

    name: str
    path: Path
    records: int
    category: str = ""
    by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Group:
    categories: tuple[str, ...]
    by: tuple[str, ...]
    rows: Rows

    @property
    def category(self) -> str:
        return BETWEEN.join(self.categories)


def file_size(metadata: DatasetMetadata, records: int) -> int:
    """Return the bytes of the transport file (TS-140: headers, then records, filled to 80 bytes); every length is known."""
    headers = 9 * RECORD + len(metadata.variables) * NAMESTR
    data = records * sum(variable.length for variable in metadata.variables)
    return headers + pad(headers) + data + pad(data)


def part_prefix(dataset: str) -> str:
    """Return what the names of a dataset's parts begin with; two characters follow (SDTMIG 3.4 section 4.1.7).

    A domain's parts have four characters; supplemental qualifiers and analysis datasets keep up to six of theirs.

    >>> part_prefix("LB"), part_prefix("QSCG"), part_prefix("SUPPLB"), part_prefix("ADLB")
    ('LB', 'QS', 'SUPPLB', 'ADLB')
    """
    return dataset[:2] if len(dataset) <= 4 and not dataset.startswith("AD") else dataset[:6]


def part_names(
    dataset: str, categories: Sequence[str], given: Mapping[str, str] | None = None, taken: Collection[str] = ()
) -> dict[str, str]:
    """Return category -> name of its part: the dataset's code and two letters of the category.

    Names that are `given` stay; a name that is taken goes on to the next letters of the category, then to others.

    >>> part_names("LB", ["CHEMISTRY", "HEMATOLOGY", "HEMOSTASIS"])
    {'CHEMISTRY': 'LBCH', 'HEMATOLOGY': 'LBHE', 'HEMOSTASIS': 'LBHM'}
    """
    names = dict(given or {})
    used = {*taken, *names.values()}
    for category in categories:
        if category not in names:
            free = (part_prefix(dataset) + end for end in _endings(category))
            names[category] = next(name for name in free if name not in used)
            used.add(names[category])
    return {category: names[category] for category in categories}


def _endings(category: str) -> Iterator[str]:
    """Yield two characters after the other: letters of the category (the last one's, where there are several), then any."""
    outer, _, inner = category.upper().rpartition(BETWEEN)
    letters = [letter for letter in outer + inner if letter.isascii() and letter.isalnum()]
    last = [letter for letter in inner if letter.isascii() and letter.isalnum()] if outer else letters[1:]
    yield from (letters[0] + letter for letter in last)
    yield from (f"{number:02}" for number in range(100))
    signs = string.ascii_uppercase + string.digits
    yield from (one + two for one, two in itertools.product(signs, signs))


def split_variables(dataset: str, columns: Collection[str]) -> tuple[str, ...]:
    """Return the variables a dataset is split by where nothing is said: --CAT, then --SCAT; PARCAT1 of analysis datasets.

    >>> split_variables("LB", ["LBTESTCD", "LBCAT", "LBSCAT"]), split_variables("AE", ["AETERM"])
    (('LBCAT', 'LBSCAT'), ('AECAT',))
    """
    code = dataset[:2]
    wanted = ("PARCAT1", "PARCAT2") if f"{code}CAT" not in columns and "PARAMCD" in columns else ("CAT", "SCAT")
    named = [word if word.startswith("PAR") else code + word for word in wanted]
    return tuple(name for place, name in enumerate(named) if place == 0 or name in columns)


def write_split(
    frame: pd.DataFrame,
    metadata: DatasetMetadata,
    folder: str | Path,
    *,
    by: str | Sequence[str] | None = None,
    limit: int = LIMIT,
    names: Mapping[str, str] | None = None,
    taken: Collection[str] = (),
) -> tuple[Part, ...]:
    """Write the dataset to `folder`, and its parts to `folder`/split where its file has more than `limit` bytes.

    `by` are the variables to split by, each next one for parts that are still too large (see `split_variables` where
    nothing is said); `names` gives the names of parts by category, `taken` are names that other datasets have.
    Raises XptError where the whole cannot be written, and SplitError where records have no category, a part is still
    too large, or its name is no name; then the whole is written, and no part.
    """
    whole = Path(folder) / f"{metadata.name.lower()}.xpt"
    final = write(frame, metadata, whole).metadata
    parts = [Part(metadata.name, whole, len(frame))]
    if file_size(final, len(frame)) <= limit:
        return tuple(parts)
    variables = (by,) if isinstance(by, str) else tuple(by or split_variables(metadata.name, frame.columns))
    groups, found = _planned_parts(frame, final, variables, limit, names, {metadata.name, *taken}, str(whole))
    (Path(folder) / FOLDER).mkdir(exist_ok=True)
    for group in groups:
        name = found[group.category]
        path = Path(folder) / FOLDER / f"{name.lower()}.xpt"
        write(frame.iloc[group.rows], replace(final, name=name), path)
        parts.append(Part(name, path, len(group.rows), group.category, group.by))
    return tuple(parts)


def _planned_parts(
    frame: pd.DataFrame,
    metadata: DatasetMetadata,
    variables: tuple[str, ...],
    limit: int,
    given: Mapping[str, str] | None,
    taken: Collection[str],
    file: str,
) -> tuple[list[_Group], dict[str, str]]:
    """Return the groups and the name of each; raises SplitError."""
    absent = [name for name in variables if name not in frame.columns]
    if absent:
        reason = "is not there to split by; name another variable"
        raise SplitError([data_mistake(file, metadata.name, name, reason) for name in absent])
    mistakes: list[DataMistake] = []

    def fits(records: int) -> bool:
        return file_size(metadata, records) <= limit

    def missing(variable: str, rows: Rows) -> None:
        reason = "is missing, so that the record is in no part"
        mistakes.append(data_mistake(file, metadata.name, variable, reason, rows=rows))

    groups = list(_divide(frame, np.arange(len(frame)), variables, fits, missing))
    if len(groups) > MAX_PARTS:
        reason = f"would be split into {len(groups):,} parts by {', '.join(variables)}, at most {MAX_PARTS:,} are made"
        raise SplitError([data_mistake(file, metadata.name, "", reason, hint="split by a category"), *mistakes])
    named = part_names(metadata.name, [group.category for group in groups], given, taken)
    mistakes += _part_mistakes(metadata, groups, named, limit, taken, file)
    if mistakes:
        raise SplitError(mistakes)
    return groups, named


def _divide(
    frame: pd.DataFrame,
    rows: Rows,
    variables: tuple[str, ...],
    fits: Callable[[int], bool],
    missing: Callable[[str, Rows], None],
) -> Iterator[_Group]:
    """Yield the records of each category, by its text; what does not fit is divided by the next variable."""
    codes, values = pd.factorize(frame[variables[0]].iloc[rows])
    if (codes < 0).any():
        missing(variables[0], rows[codes < 0])
    for text, code in sorted((str(value), code) for code, value in enumerate(values)):
        found = rows[codes == code]
        if fits(len(found)) or len(variables) == 1:
            yield _Group((text,), variables[:1], found)
            continue
        for part in _divide(frame, found, variables[1:], fits, missing):
            yield replace(part, categories=(text, *part.categories), by=(variables[0], *part.by))


def _part_mistakes(
    metadata: DatasetMetadata,
    groups: Sequence[_Group],
    names: Mapping[str, str],
    limit: int,
    taken: Collection[str],
    file: str,
) -> list[DataMistake]:
    mistakes = []
    for group in groups:
        name, category = names[group.category], group.category
        size = file_size(metadata, len(group.rows))
        if size > limit:
            reason = f"part {name} ({category}) has {size:,} bytes, the limit is {limit:,}"
            hint = "split by another variable, or by one more"
            mistakes.append(data_mistake(file, metadata.name, "", reason, hint=hint))
        if not NAME.fullmatch(name):
            mistakes.append(data_mistake(file, metadata.name, "", f"part name {name!r} of {category} is no name"))
        if name in taken:
            mistakes.append(
                data_mistake(file, metadata.name, "", f"part name {name} of {category} is a dataset's name")
            )
    if len(set(names.values())) < len(names):
        mistakes.append(data_mistake(file, metadata.name, "", "several parts have the same name"))
    return mistakes
