"""Which format a raw export has, and in which encoding its text is written, found from the files alone."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from cdiscway.specs.mistakes import Mistake, MistakesError

from .readers.options import FileFormat, FormOptions, RawFormat, ReaderOptions
from .readers.raw import SUFFIXES, Place

_TEXT = (".csv", ".tsv", ".txt", ".dat")
_BY_SUFFIX: dict[str, FileFormat] = {
    ".xlsx": "xlsx",
    ".sas7bdat": "sas7bdat",
    ".xpt": "xpt",
    ".parquet": "parquet",
    ".xml": "odm",
    ".csv": "delimited",
    ".tsv": "delimited",
}
_OPENCLINICA = re.compile(r"_E\d+(?:_\d+)?_C\d+(?:_\d+)?\b")
_MULTIBYTE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}")


def find_place(path: Path) -> Place:
    """Return the place of a raw folder or of one raw file. Raises MistakesError."""
    if path.is_dir():
        return Place(path, "")
    if path.is_file():
        return Place(path.parent, "", (path,))
    raise MistakesError([Mistake(str(path), None, "", "there is no such file or folder")])


def guess_options(place: Place, wanted: RawFormat | None = None) -> ReaderOptions:
    """Return the format and the encodings of an export. Raises MistakesError where no file can be read."""
    found = wanted or guess_format(place)
    beside = {} if wanted else files_beside(place, found)
    if found in {"xlsx", "sas7bdat", "xpt", "parquet", "odm"}:
        return ReaderOptions(format=found, forms=beside)
    encodings = {path: find_encoding(path) for path in place.with_suffix(_TEXT)}
    votes = Counter(encoding for encoding in encodings.values() if encoding != "ascii")
    common = min(votes, key=lambda encoding: (-votes[encoding], encoding != "utf-8", encoding), default="utf-8")
    odd = {
        path.stem: FormOptions(file=path.name, encoding=encoding)
        for path, encoding in encodings.items()
        if encoding not in {common, "ascii"} and (path.suffix.lower() in {".csv", ".tsv"} or found == "openclinica")
    }
    odd |= beside
    dictionary = _dictionary(place) if found == "redcap" else None
    odd = {name: form for name, form in odd.items() if form.file != dictionary}
    return ReaderOptions(format=found, encoding=common if common != "utf-8" else None, forms=odd, dictionary=dictionary)


def files_beside(place: Place, found: RawFormat) -> dict[str, FormOptions]:
    """Return the files of another format than the export's, each as a form with its own format."""
    taken: set[str] = {path.stem for path in place.with_suffix(SUFFIXES[found])}
    beside: dict[str, FormOptions] = {}
    for path in place.with_suffix(_BY_SUFFIX):
        if path.suffix.lower() not in SUFFIXES[found]:
            name = path.name if path.stem in taken else path.stem
            beside[name] = FormOptions(file=path.name, format=_BY_SUFFIX[path.suffix.lower()])
            taken.add(name)
    return beside


def guess_format(place: Place) -> RawFormat:
    """Return the format that most files have; delimited text is told apart by its column names. Raises MistakesError."""
    counts = Counter(_BY_SUFFIX[path.suffix.lower()] for path in place.with_suffix(_BY_SUFFIX))
    if not counts:
        texts = place.with_suffix(_TEXT)
        if texts and any(_OPENCLINICA.search(_head(path)) for path in texts):
            return "openclinica"
        hint = f"files ending in {', '.join(_BY_SUFFIX)} are read"
        raise MistakesError([Mistake(str(place.folder), None, "", "holds no raw export", hint)])
    found = min(counts, key=lambda name: (-counts[name], list(_BY_SUFFIX.values()).index(name)))
    return dialect(place) if found == "delimited" else found


def dialect(place: Place) -> RawFormat:
    """Return whose delimited text it is."""
    heads = [_head(path) for path in place.with_suffix((".csv", ".tsv"))]
    if any(_OPENCLINICA.search(head) for head in heads):
        return "openclinica"
    names = [{name.strip(" \"'\r").lower() for name in re.split(r"[;,\t|]", head.split("\n")[0])} for head in heads]
    if any(held & {"redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance"} for held in names) or any(
        "record_id" in held and any(name.endswith("_complete") for name in held) for held in names
    ):
        return "redcap"
    if sum(bool(held & {"participant id", "record id", "castor participant id"}) for held in names):
        return "castor"
    if sum("subject" in held and bool(held & {"instancename", "recordposition", "folderseq"}) for held in names):
        return "rave"
    return "delimited"


def _dictionary(place: Place) -> str | None:
    """Return the file that is a REDCap data dictionary, where one stands beside the table."""
    return next(
        (path.name for path in place.with_suffix((".csv",)) if "variable / field name" in _head(path).lower()), None
    )


def _head(path: Path) -> str:
    with path.open("rb") as stream:
        data = stream.read(64 * 1024)
    return data.decode("utf-16" if data[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig", errors="replace")


def find_encoding(path: Path) -> str:
    """Return the encoding of a text file: by its mark, else ascii or utf-8 where all bytes are, mixed, or cp1252."""
    data = path.read_bytes()
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return "utf-16"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return "utf-8+cp1252" if _MULTIBYTE.search(data) else "cp1252"
    return "ascii" if data.isascii() else "utf-8"
