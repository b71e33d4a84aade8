"""The local store of imported terminology packages: one file per package and date, replaced whole or not at all."""

from __future__ import annotations

import functools
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

from .mistakes import Mistake, MistakesError, nearest
from .nci import KINDS, Published, read_published
from .package import Package, read_package, write_package

HOME = "CDISCWAY_HOME"
_BUNDLED = Path(__file__).parent / "terminology"
_TITLE = re.compile(r"(?P<kind>[A-Za-z-]+?)(?: CT)? (?P<date>\d{4}-\d\d-\d\d)")


def store_folder(home: Path | None = None) -> Path:
    """Return where imported packages are kept: `home`, else $CDISCWAY_HOME, else the platform's user data folder."""
    if home is None and os.environ.get(HOME):
        home = Path(os.environ[HOME])
    if home is None:
        import platformdirs  # noqa: PLC0415 (only where nothing else says the place)

        home = Path(platformdirs.user_data_dir("cdiscway", appauthor=False))
    return home / "terminology"


def import_package(path: Path, folder: Path, kind: str = "", date: str = "") -> Published:
    """Read a published file, check it and keep it; raises MistakesError, and then the store is as it was."""
    published = read_published(path, kind, date)
    data = write_package(published.kind, published.date, published.rows)
    _put(folder / _file_name(published.kind, published.date), data)
    return published


def _put(path: Path, data: bytes) -> None:
    """Write beside the place, then move: a reader sees the old file or the new one, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".import-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)  # mkstemp's files are its owner's alone; a store may be shared
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def bundled() -> dict[str, Path]:
    """Return the packages that come with the tool, by title."""
    return _files(_BUNDLED)


def imported(folder: Path) -> dict[str, Path]:
    """Return the packages of a store, by title (`SDTM CT 2026-03-27`)."""
    return _files(folder)


def open_package(title: str, folder: Path) -> Package:
    """Return a package of that title: the imported one, else the bundled one; raises MistakesError."""
    wanted = full_title(title)
    files = {**bundled(), **imported(folder)}
    if wanted not in files:
        hint = nearest(wanted, files) or f"there are {', '.join(sorted(files))}"
        message = "is not imported: cdiscway terminology import FILE"
        raise MistakesError([Mistake(title, None, "", message, hint)])
    path = files[wanted]
    try:
        return _open(path, path.stat().st_mtime_ns)
    except ValueError as error:
        raise MistakesError([Mistake(str(path), None, "", str(error), "import it again")]) from None


def full_title(name: str) -> str:
    """Return the title of a package as users name it.

    >>> full_title("SDTM 2026-03-27")
    'SDTM CT 2026-03-27'
    """
    found = _TITLE.fullmatch(name.strip())
    kinds: Mapping[str, str] = {kind.casefold(): kind for kind in KINDS}
    if found is None or found["kind"].casefold() not in kinds:
        message = "is not a terminology package's name, such as 'SDTM CT 2026-03-27'"
        raise MistakesError([Mistake(name, None, "", message)])
    return f"{kinds[found['kind'].casefold()]} CT {found['date']}"


@functools.lru_cache(maxsize=16)
def _open(path: Path, _changed: int) -> Package:
    return read_package(path)


def _file_name(kind: str, date: str) -> str:
    return f"{kind.lower()}-ct-{date}.tsv"


def _files(folder: Path) -> dict[str, Path]:
    kinds = {kind.lower(): kind for kind in KINDS}
    found = {}
    for path in sorted(folder.glob("*-ct-????-??-??.tsv")):
        kind, date = path.stem.split("-ct-")
        if kind in kinds:
            found[f"{kinds[kind]} CT {date}"] = path
    return found
