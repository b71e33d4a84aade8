"""The layout of a SAS transport file, version 5 (SAS paper TS-140): field tables, and headers to and from metadata.

A file is a row of 80-byte records: library header, member header, variable descriptors of 140 bytes each ("namestr"),
observation header, observations. Numbers of the headers are big-endian, text is padded with blanks.
"""

from __future__ import annotations

import itertools
import mmap
import re
import struct
from dataclasses import dataclass, replace
from datetime import datetime

from .dataset import DatasetMetadata, VariableMetadata
from .sas_formats import parse_format, show_format

RECORD = 80
NAMESTR = 140
MAX_TEXT = 200
"""The longest text of a version 5 file, in bytes."""
MAX_VARIABLES = 9999
MAX_FILE = 5_000_000_000
"""The largest file of a submission, in bytes (5 GB; FDA Study Data Technical Conformance Guide, "dataset size")."""
FIRST_YEAR = 1960
"""A header's year has two digits: 60 to 99 are 1960 to 1999, 00 to 59 are 2000 to 2059."""

LIBRARY_HEADER = b"HEADER RECORD*******LIBRARY HEADER RECORD!!!!!!!000000000000000000000000000000  "
MEMBER_HEADER = b"HEADER RECORD*******MEMBER  HEADER RECORD!!!!!!!000000000000000001600000000140  "
DESCRIPTOR_HEADER = b"HEADER RECORD*******DSCRPTR HEADER RECORD!!!!!!!000000000000000000000000000000  "
NAMESTR_HEADER = b"HEADER RECORD*******NAMESTR HEADER RECORD!!!!!!!000000%04d00000000000000000000  "
OBSERVATION_HEADER = b"HEADER RECORD*******OBS     HEADER RECORD!!!!!!!000000000000000000000000000000  "

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_TIME = re.compile(r"(\d\d)([A-Z]{3})(\d\d):(\d\d):(\d\d):(\d\d)")


@dataclass(frozen=True, slots=True)
class Fields:
    """A table of named text fields of fixed width, blank-padded, which together fill their records."""

    widths: tuple[tuple[str, int], ...]

    def encode(self, encoding: str, **values: str) -> bytes:
        """Return the bytes; a field without a value is blank. The values are known to fit (see `check`)."""
        return b"".join(values.get(name, "").encode(encoding).ljust(width) for name, width in self.widths)

    def decode(self, data: bytes, encoding: str) -> dict[str, str]:
        """Return the fields without their padding; raises UnicodeDecodeError."""
        found, at = {}, 0
        for name, width in self.widths:
            found[name] = data[at : at + width].rstrip(b" \0").decode(encoding)
            at += width
        return found

    @property
    def size(self) -> int:
        """The number of bytes."""
        return sum(width for _, width in self.widths)


LIBRARY_FIELDS = Fields(
    (
        ("symbol1", 8),
        ("symbol2", 8),
        ("library", 8),
        ("version", 8),
        ("system", 8),
        ("blank", 24),
        ("created", 16),
        ("modified", 16),
        ("blank2", 64),
    )
)
MEMBER_FIELDS = Fields(
    (
        ("symbol1", 8),
        ("name", 8),
        ("data", 8),
        ("version", 8),
        ("system", 8),
        ("blank", 24),
        ("created", 16),
        ("modified", 16),
        ("blank2", 16),
        ("label", 40),
        ("type", 8),
    )
)

_NAMESTR = struct.Struct(">hhhh8s40s8shhh2s8shhl52s")
"""ntype nhfun nlng nvar0 nname nlabel nform nfl nfd nfj nfill niform nifl nifd npos rest"""

FIELD_WIDTHS = {"name": 8, "label": 40, "version": 8, "system": 8, "type": 8, "format name": 8}


class LayoutError(ValueError):
    """The bytes are not a version 5 transport file; the message says where and why."""


@dataclass(frozen=True, slots=True)
class FileLayout:
    """What the headers of a file say: the metadata, and where the values stand."""

    metadata: DatasetMetadata
    positions: tuple[int, ...]
    record_length: int
    data_start: int


def pad(size: int, to: int = RECORD) -> int:
    """Return how many bytes are missing to fill the last record.

    >>> pad(140), pad(160)
    (20, 0)
    """
    return -size % to


def show_time(moment: datetime) -> str:
    """Write a header's time, ddMMMyy:hh:mm:ss, whole seconds.

    >>> show_time(datetime(2012, 4, 4, 22, 16, 21))
    '04APR12:22:16:21'
    """
    month = _MONTHS[moment.month - 1]
    return f"{moment.day:02}{month}{moment.year % 100:02}:{moment.hour:02}:{moment.minute:02}:{moment.second:02}"


def parse_time(text: str) -> datetime:
    """Read a header's time; a blank one is the first of all times. Raises LayoutError.

    >>> parse_time("04APR12:22:16:21"), parse_time("01JAN60:00:00:00")
    (datetime.datetime(2012, 4, 4, 22, 16, 21), datetime.datetime(1960, 1, 1, 0, 0))
    """
    if not text:
        return datetime(FIRST_YEAR, 1, 1)
    match = _TIME.fullmatch(text.upper())
    try:
        if match is None:
            raise ValueError
        day, month, year, *clock = match.groups()
        full = FIRST_YEAR + (int(year) - FIRST_YEAR) % 100
        hour, minute, second = map(int, clock)
        return datetime(full, _MONTHS.index(month) + 1, int(day), hour, minute, second)
    except ValueError:
        raise LayoutError(f"{text!r} is not a time such as 04APR12:22:16:21") from None


def encode_header(metadata: DatasetMetadata, encoding: str = "ascii") -> bytes:
    """Return all headers up to the first observation; every length is known (not 0) and every field fits."""
    namestrs = b"".join(_encode_namestrs(metadata.variables, encoding))
    library = LIBRARY_FIELDS.encode(
        encoding,
        symbol1="SAS",
        symbol2="SAS",
        library="SASLIB",
        version=metadata.sas_version,
        system=metadata.operating_system,
        created=show_time(metadata.library_created or metadata.created),
        modified=show_time(metadata.library_modified or metadata.modified),
    )
    member = MEMBER_FIELDS.encode(
        encoding,
        symbol1="SAS",
        name=metadata.name,
        data="SASDATA",
        version=metadata.sas_version,
        system=metadata.operating_system,
        created=show_time(metadata.created),
        modified=show_time(metadata.modified),
        label=metadata.label,
        type=metadata.type,
    )
    return b"".join(
        (
            LIBRARY_HEADER,
            library,
            MEMBER_HEADER,
            DESCRIPTOR_HEADER,
            member,
            NAMESTR_HEADER % len(metadata.variables),
            namestrs,
            b" " * pad(len(namestrs)),
            OBSERVATION_HEADER,
        )
    )


def own_or_encoded_header(metadata: DatasetMetadata, encoding: str = "ascii") -> bytes:
    """Return the headers these metadata were read with, where they still say the same and place the values so; else ours."""
    if metadata.own_header:
        own = bytes.fromhex(metadata.own_header)
        layout = decode_header(own, encoding)
        lengths = (variable.length for variable in metadata.variables)
        in_turn = layout.positions == tuple(itertools.accumulate(lengths, initial=0))[:-1]
        if in_turn and layout.metadata == replace(metadata, own_header=""):
            return own
    return encode_header(metadata, encoding)


def own_header(data: bytes, metadata: DatasetMetadata, encoding: str) -> str:
    """Return headers that were read, in hexadecimal, where `encode_header` gives other bytes; else an empty text."""
    try:
        same = data == encode_header(metadata, encoding)
    except ValueError:  # a format that is none: the writer names it
        same = False
    return "" if same else data.hex()


def _encode_namestrs(variables: tuple[VariableMetadata, ...], encoding: str) -> list[bytes]:
    encoded, position = [], 0
    for number, variable in enumerate(variables, 1):
        form, inform = parse_format(variable.format), parse_format(variable.informat)
        encoded.append(
            _NAMESTR.pack(
                1 if variable.type == "Num" else 2,
                0,
                variable.length,
                number,
                variable.name.encode(encoding).ljust(8),
                variable.label.encode(encoding).ljust(40),
                form.name.encode("ascii").ljust(8),
                form.width,
                form.decimals,
                variable.justification,
                b"",
                inform.name.encode("ascii").ljust(8),
                inform.width,
                inform.decimals,
                position,
                b"",
            )
        )
        position += variable.length
    return encoded


def decode_header(data: bytes, encoding: str = "ascii") -> FileLayout:
    """Read the headers at the beginning of `data` (`header_size` bytes at least); raises LayoutError."""
    size, count = namestr_size(data), variable_count(data)
    library = _decode(LIBRARY_FIELDS, data, RECORD, encoding)
    member = _decode(MEMBER_FIELDS, data, 5 * RECORD, encoding)
    start = 8 * RECORD
    found = [_decode_namestr(data[start + i * size : start + (i + 1) * size], encoding) for i in range(count)]
    end = start + count * size
    end += pad(end)
    if data[end : end + 48] != OBSERVATION_HEADER[:48]:
        raise LayoutError(f"there is no observation header at byte {end}")
    created, modified = parse_time(member["created"]), parse_time(member["modified"])
    whole_created, whole_modified = parse_time(library["created"]), parse_time(library["modified"])
    metadata = DatasetMetadata(
        name=member["name"],
        label=member["label"],
        variables=tuple(variable for variable, _ in found),
        created=created,
        modified=modified,
        sas_version=member["version"],
        operating_system=member["system"],
        type=member["type"],
        library_created=None if whole_created == created else whole_created,
        library_modified=None if whole_modified == modified else whole_modified,
    )
    length = sum(variable.length for variable in metadata.variables)
    _demand_fields(found, length)
    return FileLayout(metadata, tuple(position for _, position in found), length, end + RECORD)


def _demand_fields(found: list[tuple[VariableMetadata, int]], record: int) -> None:
    """Demand that every variable is a field of the record, and that none has the name of another."""
    for variable, position in found:
        if variable.length < 1 or (variable.type == "Num" and variable.length > 8):
            raise LayoutError(f"{variable.name} has {variable.length} bytes")
        if not 0 <= position <= record - variable.length:
            raise LayoutError(f"{variable.name} at byte {position} is outside a record of {record} bytes")
    names = [variable.name for variable, _ in found]
    if len(set(names)) < len(names):
        raise LayoutError("several variables have the same name")


def header_size(data: bytes) -> int:
    """Return the size of all headers from the first 640 bytes; raises LayoutError where they are of no v5 file."""
    descriptor = namestr_size(data)
    size = 8 * RECORD + variable_count(data) * descriptor
    return size + pad(size) + RECORD


def namestr_size(data: bytes) -> int:
    """Return the size of a descriptor (140, or 136 where VMS wrote the file); raises LayoutError."""
    demand_version_5(data)
    text = data[3 * RECORD + 74 : 3 * RECORD + 78]
    if data[3 * RECORD : 3 * RECORD + 48] != MEMBER_HEADER[:48] or text not in (b"0140", b"0136"):
        raise LayoutError(f"there is no member header at byte {3 * RECORD}")
    return int(text)


def variable_count(data: bytes) -> int:
    """Return the number of variables; raises LayoutError."""
    at = 7 * RECORD
    if data[at : at + 48] != NAMESTR_HEADER[:48] or not data[at + 54 : at + 58].strip().isdigit():
        raise LayoutError(f"there is no variable descriptor header at byte {at}")
    return int(data[at + 54 : at + 58])


def demand_version_5(data: bytes | mmap.mmap) -> None:
    """Demand that a file begins as one of version 5; raises LayoutError saying what it is instead."""
    if data[:20] == b"HEADER RECORD*******" and data[20:25] == b"LIBV8":
        raise LayoutError("is a transport file of version 8; a submission takes version 5")
    if data[:13] == b"**COMPRESSED*":
        raise LayoutError("was written by PROC CPORT; a submission takes the XPORT engine's files")
    if data[:48] != LIBRARY_HEADER[:48]:
        raise LayoutError("is not a SAS transport file")


def _decode(fields: Fields, data: bytes, start: int, encoding: str) -> dict[str, str]:
    try:
        return fields.decode(data[start : start + fields.size], encoding)
    except UnicodeDecodeError as error:
        raise LayoutError(f"byte {error.object[error.start]:#04x} of a header is not {encoding}") from None


def _decode_namestr(data: bytes, encoding: str) -> tuple[VariableMetadata, int]:
    fields = _NAMESTR.unpack(data.ljust(NAMESTR, b"\0"))
    kind, _, length, _, name, label, form, width, decimals, right, _, inform, in_width, in_decimals, at, _ = fields
    if kind not in (1, 2):
        raise LayoutError(f"a variable is of type {kind}, not 1 (number) or 2 (text)")
    try:
        name, label, form, inform = (text.rstrip(b" \0").decode(encoding) for text in (name, label, form, inform))
    except UnicodeDecodeError as error:
        raise LayoutError(f"byte {error.object[error.start]:#04x} of {name!r}'s descriptor is not {encoding}") from None
    variable = VariableMetadata(
        name=name,
        label=label,
        type="Num" if kind == 1 else "Char",
        length=length,
        format=show_format(form, width, decimals),
        informat=show_format(inform, in_width, in_decimals),
        justification=right,
    )
    return variable, at
