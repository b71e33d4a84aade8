"""Writers of the formats that no library writes: SAS datasets and value-label catalogs, by ReadStat inside pyreadstat."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from pyreadstat import _readstat_writer

WRITE = ctypes.CFUNCTYPE(ctypes.c_ssize_t, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p)
STRING, DOUBLE = 0, 5


class Writer:
    """A ReadStat writer that gathers the bytes of one file."""

    def __init__(self) -> None:
        self.library = ctypes.CDLL(_readstat_writer.__file__)
        for name in ("readstat_writer_init", "readstat_add_variable", "readstat_add_label_set"):
            getattr(self.library, name).restype = ctypes.c_void_p
        self.bytes = bytearray()
        self.callback = WRITE(self._write)
        self.handle = ctypes.c_void_p(self.library.readstat_writer_init())
        self.library.readstat_set_data_writer(self.handle, self.callback)

    def _write(self, data: int, size: int, _: Any) -> int:
        self.bytes.extend(ctypes.string_at(data, size))
        return size

    def call(self, name: str, *arguments: Any) -> Any:
        return getattr(self.library, name)(self.handle, *arguments)

    def save(self, path: Path) -> None:
        assert self.call("readstat_end_writing") == 0
        self.call("readstat_writer_free")
        path.write_bytes(self.bytes)


def write_sas7bdat(
    path: Path, label: str, columns: Sequence[tuple[str, str, str, int]], rows: Sequence[Sequence[str | float | None]]
) -> None:
    """Write a SAS dataset; a column is (name, label, format, width of text, 0 for numbers)."""
    writer = Writer()
    writer.call("readstat_writer_set_table_name", path.stem.upper().encode())
    writer.call("readstat_writer_set_file_label", label.encode())
    variables = []
    for name, text, shown, width in columns:
        kind = STRING if width else DOUBLE
        handle = writer.call("readstat_add_variable", name.encode(), kind, ctypes.c_size_t(width or 8))
        variable = ctypes.c_void_p(handle)
        writer.library.readstat_variable_set_label(variable, text.encode())
        if shown:
            writer.library.readstat_variable_set_format(variable, shown.encode())
        variables.append(variable)
    assert writer.call("readstat_begin_writing_sas7bdat", None, ctypes.c_long(len(rows))) == 0
    for row in rows:
        writer.call("readstat_begin_row")
        for variable, value in zip(variables, row, strict=True):
            if value is None:
                writer.call("readstat_insert_missing_value", variable)
            elif isinstance(value, str):
                writer.call("readstat_insert_string_value", variable, value.encode())
            else:
                writer.call("readstat_insert_double_value", variable, ctypes.c_double(value))
        writer.call("readstat_end_row")
    writer.save(path)


def write_sas7bcat(path: Path, lists: Mapping[str, Mapping[float, str]]) -> None:
    """Write a catalog of value labels: format -> code -> label."""
    writer = Writer()
    for name, values in lists.items():
        label_set = ctypes.c_void_p(writer.call("readstat_add_label_set", DOUBLE, name.encode()))
        for code, text in values.items():
            writer.library.readstat_label_double_value(label_set, ctypes.c_double(code), text.encode())
    assert writer.call("readstat_begin_writing_sas7bcat", None) == 0
    writer.save(path)


@pytest.fixture
def sas7bdat() -> Callable[..., None]:
    return write_sas7bdat


@pytest.fixture
def sas7bcat() -> Callable[..., None]:
    return write_sas7bcat
