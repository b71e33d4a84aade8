"""Dictionaries that rules ask, read from the folder of a licence holder: MedDRA in its ASCII release format.

Each file holds a record per line, fields ended by `$`: code, term, ... (MedDRA, File Format Document).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cdiscway.specs.mistakes import Mistake, MistakeCollector, MistakesError, nearest

LEVELS = ("LLT", "PT", "HLT", "HLGT", "SOC")


@dataclass(frozen=True)
class Dictionary:
    """A dictionary: for each level (LLT, PT, HLT, HLGT, SOC) its terms by code; `version` is empty where it is not told."""

    name: str
    version: str
    terms: Mapping[str, Mapping[str, str]]


def read_dictionaries(named: Iterable[str]) -> dict[str, Dictionary]:
    """Read the dictionaries named as `meddra=FOLDER`.

    Raises MistakesError with every dictionary that is not known and every file that is not there.
    """
    collector, found = MistakeCollector(), dict[str, Dictionary]()
    for text in named:
        name, _, folder = text.partition("=")
        if name.lower() not in _READERS or not folder:
            hint = nearest(name.lower(), _READERS)
            collector.add(text, None, "--dictionary", "is not of the form meddra=FOLDER", hint)
            continue
        try:
            found[name.lower()] = _READERS[name.lower()](Path(folder))
        except MistakesError as error:
            collector.extend(error.mistakes)
    collector.raise_if_any()
    return found


def read_meddra(folder: Path) -> Dictionary:
    """Read MedDRA from the folder of its ASCII files (llt.asc, pt.asc, hlt.asc, hlgt.asc, soc.asc, meddra_release.asc)."""
    files = {level: folder / f"{level.lower()}.asc" for level in LEVELS}
    lacking = [file for file in files.values() if not file.is_file()]
    if lacking:
        raise MistakesError([Mistake(str(file), None, "", "there is no such file of MedDRA") for file in lacking])
    release = folder / "meddra_release.asc"
    version = next((fields[0] for fields in _records(release)), "") if release.is_file() else ""
    return Dictionary("meddra", version, {level: {f[0]: f[1] for f in _records(file)} for level, file in files.items()})


_READERS = {"meddra": read_meddra}


def _records(file: Path) -> Iterable[list[str]]:
    content = file.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    return (fields for line in text.splitlines() if len(fields := line.split("$")) > 1)
