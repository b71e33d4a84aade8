"""Files that appear whole or not at all: a temporary file beside the target, then a rename."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path


@contextmanager
def whole_file(target: Path) -> Iterator[WholeFile]:
    """Open an unbuffered temporary file; it becomes `target` when the block ends, and is removed when it fails."""
    part = target.with_name(target.name + ".part")
    try:
        with part.open("wb", buffering=0) as file:
            yield WholeFile(file)
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


@contextmanager
def whole_path(target: Path) -> Iterator[Path]:
    """Give the path of a temporary file to write; it becomes `target` when the block ends, and is removed when it fails."""
    part = target.with_name(target.name + ".part")
    try:
        yield part
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


class WholeFile:
    """An unbuffered file whose `write` writes all bytes (a raw file may write fewer)."""

    def __init__(self, raw: FileIO) -> None:
        self.raw = raw

    def write(self, data: bytes | memoryview) -> int:
        """Write all of `data`; return how many bytes that is."""
        rest = memoryview(data)
        while rest:
            rest = rest[self.raw.write(rest) :]
        return len(data)
