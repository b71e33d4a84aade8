"""`submission` of study.yaml: how large a file may be, and how a larger dataset is split."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from cdiscway.specs.load import Way
from cdiscway.specs.mistakes import nearest
from cdiscway.specs.model import Strict

from .xpt_layout import MAX_FILE

_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?(B|kB|MB|GB)")
_UNITS = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9}
_DOMAIN_LETTERS = 4


def as_bytes(value: Any) -> Any:
    """Return a size as bytes; decimal units, as the technical conformance guide counts.

    >>> as_bytes("5 GB"), as_bytes("1.5MB"), as_bytes(1000)
    (5000000000, 1500000, 1000)
    """
    if not isinstance(value, str):
        return value
    match = _SIZE.fullmatch(value.strip())
    if match is None:
        raise ValueError(f"{value!r} is no size: write bytes, or 5 GB, 500 MB")
    return round(float(match[1]) * _UNITS[match[2]])


def show_bytes(size: int) -> str:
    """Return a size for the eye.

    >>> show_bytes(5_000_000_000), show_bytes(1_234_567), show_bytes(80)
    ('5 GB', '1.23 MB', '80 B')
    """
    unit = [name for name, factor in _UNITS.items() if factor <= max(size, 1)][-1]
    return f"{size / _UNITS[unit]:.3g} {unit}"


def _as_variables(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _as_split(value: Any) -> Any:
    return {"by": value} if isinstance(value, str | list) else value


PartName = Annotated[str, Field(pattern="^[A-Z][A-Z0-9_]{0,7}$")]
Variables = Annotated[tuple[str, ...], BeforeValidator(_as_variables, json_schema_input_type=str | tuple[str, ...])]


class Split(Strict):
    """How a dataset above the limit is split: by the first variable, and by the next one where a part is still too large.

    `names` are the names of parts by category (`CHEMISTRY: LBCH`; with two variables `CHEMISTRY / LIPIDS: LBCL`).
    """

    by: Variables = ()
    names: dict[str, PartName] = Field(default_factory=dict)


_Short = BeforeValidator(_as_split, json_schema_input_type=str | tuple[str, ...] | Split)


class Submission(Strict):
    """What a file of the submission may be: a larger dataset is written whole, and in parts beside it in `split/`."""

    size_limit: Annotated[int, Field(gt=0), BeforeValidator(as_bytes, json_schema_input_type=int | str)] = MAX_FILE
    split: dict[str, Annotated[Split, _Short]] = Field(default_factory=dict)


def split_mistakes(submission: Submission, variables: Mapping[str, Sequence[str]]) -> Iterator[tuple[Way, str, str]]:
    """Yield what is wrong with `split` in the study whose datasets have these variables: its place, message, hint."""
    for dataset, split in submission.split.items():
        way: Way = ("submission", "split", dataset)
        if dataset not in variables:
            yield way, f"the study makes no dataset '{dataset}'", nearest(dataset, variables)
            continue
        for name in split.by:
            if name not in variables[dataset]:
                yield way, f"{dataset} has no variable '{name}' to split by", nearest(name, variables[dataset])
        yield from (((*way, "names", category), *told) for category, told in _name_mistakes(dataset, split, variables))


def _name_mistakes(
    dataset: str, split: Split, variables: Mapping[str, Sequence[str]]
) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield the names of parts that are no names of parts of the dataset, or are taken."""
    seen: dict[str, str] = {}
    for category, name in split.names.items():
        if name in variables:
            yield category, (f"{name} is the name of a dataset", "take another name")
        if name in seen:
            yield category, (f"{name} is the name of {seen[name]} already", "take another name")
        seen.setdefault(name, category)
        if "DOMAIN" in variables[dataset] and (len(name) > _DOMAIN_LETTERS or not name.startswith(dataset[:2])):
            message = f"{name} is no name for a part of {dataset}"
            yield category, (message, f"the domain's code and one or two characters: {dataset[:2]}XX")
