"""The metadata of a Dataset-JSON 1.1 file (CDISC Dataset-JSON 1.1): to and from the metadata of a transport file.

Dataset-JSON has no place for informats, justification, lengths of numbers under 8 bytes, dataset type and the library's
own times; `not_held` names what a file would lose. SAS version and operating system are its source system.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from .dataset import DatasetMetadata, VariableMetadata
from .sas_formats import kind_of_format
from .xpt_mistakes import DataMistake, data_mistake

VERSION = "1.1.0"
SYSTEM = "SAS"
NO_SYSTEM_VERSION = "9.4"
"""The version in a transport file's header where the source system is not SAS."""
Held = Literal["string", "integer", "float", "date", "time", "datetime"]
"""How a column's values are written: texts, numbers, or SAS dates and times as ISO 8601."""

NUMBERS = ("integer", "float", "double", "decimal")
TIMES = ("date", "time", "datetime")
TEXTS = ("string", "URI")
REQUIRED: Mapping[str, type] = {
    "datasetJSONCreationDateTime": str,
    "datasetJSONVersion": str,
    "itemGroupOID": str,
    "records": int,
    "name": str,
    "label": str,
    "columns": list,
}
_COLUMN: Mapping[str, type] = {"itemOID": str, "name": str, "label": str, "dataType": str}


def encode_header(metadata: DatasetMetadata, held: Mapping[str, Held], records: int) -> dict[str, Any]:
    """Return the members of the file before its rows; `held` says how each variable's values are written."""
    return {
        "datasetJSONCreationDateTime": metadata.created.isoformat(timespec="seconds"),
        "datasetJSONVersion": VERSION,
        "fileOID": f"F.{metadata.name}",
        "dbLastModifiedDateTime": metadata.modified.isoformat(timespec="seconds"),
        "sourceSystem": {
            "name": f"{SYSTEM} {metadata.operating_system}".rstrip(),
            "version": metadata.sas_version,
        },
        "itemGroupOID": f"IG.{metadata.name}",
        "records": records,
        "name": metadata.name,
        "label": metadata.label,
        "columns": [_encode_column(metadata.name, variable, held[variable.name]) for variable in metadata.variables],
    }


def _encode_column(dataset: str, variable: VariableMetadata, held: Held) -> dict[str, Any]:
    column: dict[str, Any] = {
        "itemOID": f"IT.{dataset}.{variable.name}",
        "name": variable.name,
        "label": variable.label,
        "dataType": held,
    }
    if held in TIMES:
        column["targetDataType"] = "integer"
    if variable.type == "Char" and variable.length > 0:
        column["length"] = variable.length
    if variable.format:
        column["displayFormat"] = variable.format
    return column


def not_held(metadata: DatasetMetadata) -> list[str]:
    """Return what of the metadata a Dataset-JSON file has no place for.

    >>> not_held(DatasetMetadata("DM", "", (VariableMetadata("AGE", "", "Num", 8, "", "8."),)))
    ['informat 8. of AGE']
    """
    found = []
    for variable in metadata.variables:
        if variable.informat:
            found.append(f"informat {variable.informat} of {variable.name}")
        if variable.justification:
            found.append(f"justification of {variable.name}")
        if variable.type == "Num" and variable.length not in (0, 8):
            found.append(f"length {variable.length} of {variable.name}")
    if metadata.type:
        found.append(f"dataset type {metadata.type}")
    if metadata.library_created is not None or metadata.library_modified is not None:
        found.append("the times of the library header")
    if metadata.own_header:
        found.append("the bytes of the headers, which are other than this writer's")
    return found


def decode_header(header: Mapping[str, Any], file: str) -> tuple[DatasetMetadata | None, list[DataMistake]]:
    """Return the metadata of a file's members, or all that is wrong with them."""
    mistakes = [data_mistake(file, "", "", message) for message in _header_mistakes(header)]
    if mistakes:
        return None, mistakes
    system, version = _source(header)
    created = _moment(header["datasetJSONCreationDateTime"])
    metadata = DatasetMetadata(
        name=header["name"],
        label=header["label"],
        variables=tuple(_decode_column(column) for column in header["columns"]),
        created=created,
        modified=_moment(header.get("dbLastModifiedDateTime", header["datasetJSONCreationDateTime"])),
        sas_version=version,
        operating_system=system,
    )
    return metadata, []


def _header_mistakes(header: Mapping[str, Any]) -> Iterator[str]:
    for word, kind in REQUIRED.items():
        if word not in header:
            yield f"{word!r} is missing"
        elif not isinstance(header[word], kind) or isinstance(header[word], bool):
            yield f"{word!r} is not of type {kind.__name__}"
    version = str(header.get("datasetJSONVersion", VERSION))
    if version != "1.1" and not version.startswith("1.1."):
        yield f"Dataset-JSON version {version} is not 1.1"
    for word in ("datasetJSONCreationDateTime", "dbLastModifiedDateTime"):
        try:
            _moment(str(header.get(word, "1960-01-01T00:00:00")))
        except ValueError:
            yield f"{word!r} is no ISO 8601 time: {header[word]!r}"
    columns = header.get("columns")
    for number, column in enumerate(columns if isinstance(columns, list) else [], 1):
        yield from (f"column {number}: {message}" for message in _column_mistakes(column))


def _column_mistakes(column: Any) -> Iterator[str]:
    if not isinstance(column, dict):
        yield "is no object"
        return
    for word, kind in _COLUMN.items():
        if not isinstance(column.get(word), kind):
            yield f"{word!r} is missing or not of type {kind.__name__}"
    kind = column.get("dataType", "string")
    if kind not in (*TEXTS, *NUMBERS, *TIMES):
        yield f"dataType {kind!r} has no place in a dataset of texts and numbers"
    length = column.get("length", 1)
    if not isinstance(length, int) or isinstance(length, bool) or length < 1:
        yield f"length {length!r} is no whole number from 1 on"
    try:
        kind_of_format(str(column.get("displayFormat") or ""))
    except ValueError as error:
        yield str(error)


def _decode_column(column: Mapping[str, Any]) -> VariableMetadata:
    is_number = holds_numbers(column)
    return VariableMetadata(
        name=column["name"],
        label=column["label"],
        type="Num" if is_number else "Char",
        length=8 if is_number else column.get("length", 0),
        format=column.get("displayFormat") or "",
    )


def holds_numbers(column: Mapping[str, Any]) -> bool:
    """Whether a column is a number variable: numbers, or ISO 8601 texts that stand for SAS dates and times."""
    return column["dataType"] in NUMBERS or (column["dataType"] in TIMES and "targetDataType" in column)


def _source(header: Mapping[str, Any]) -> tuple[str, str]:
    """Return operating system and version where the source system is SAS, else those of no system."""
    source = header.get("sourceSystem") or {}
    name, _, system = str(source.get("name", "")).partition(" ")
    return (system, str(source.get("version", ""))) if name == SYSTEM else ("", NO_SYSTEM_VERSION)


def _moment(text: str) -> datetime:
    """Return a time without zone (as a transport file has it); a time with one is given in UTC."""
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo is not None else moment
