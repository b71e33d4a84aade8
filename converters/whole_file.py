"""Files that appear whole or not at all: a temporary file beside the target, then a rename."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

_WORTH_RESERVING = 1 << 20


@contextmanager
def whole_file(target: Path, size: int = 0) -> Iterator[WholeFile]:
    """Open an unbuffered temporary file; it becomes `target` when the block ends, and is removed when it fails.

    Where its `size` is known, the disk is asked for all of it at once: a full disk is known at the beginning, and the
    file system need not look for room page by page, which takes half the time of writing. Not so where there is a file
    to replace: some file systems write the new one to the disk during the rename, and reserved room makes that dearer.
    """
    part = target.with_name(target.name + ".part")
    try:
        with part.open("wb", buffering=0) as file:
            reserve(file, 0 if target.exists() else size)
            yield WholeFile(file)
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def reserve(file: FileIO, size: int) -> None:
    """Reserve the room of a file, where its system can do that; raises OSError where there is no room."""
    if size < _WORTH_RESERVING or not hasattr(os, "posix_fallocate"):
        return
    try:
        os.posix_fallocate(file.fileno(), 0, size)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
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


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
