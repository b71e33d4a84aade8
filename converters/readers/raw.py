"""What a reader of a raw export gives: its forms, and each form as text, with the record of the file in every row.

A reader is a module with `open_source(place, options)`. It reads what the file says and nothing else: no value is changed;
what cannot be read is a mistake with file and line, what is odd is a note that the study's report shows as a finding.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import pandas as pd

from cdiscway.specs.mistakes import Mistake, MistakesError

from .options import FormOptions, ReaderOptions

MODULES = {
    "delimited": "delimited",
    "xlsx": "xlsx",
    "sas7bdat": "sas_forms",
    "xpt": "sas_forms",
    "parquet": "parquet_forms",
    "odm": "odm",
    "redcap": "redcap",
    "castor": "castor",
    "openclinica": "openclinica",
    "rave": "rave",
}
"""Format -> module of this package: only the one asked for is imported."""

SUFFIXES: Mapping[str, tuple[str, ...]] = {
    "delimited": (".csv", ".tsv"),
    "castor": (".csv",),
    "redcap": (".csv",),
    "rave": (".csv", ".sas7bdat", ".xpt"),
    "openclinica": (".tsv", ".csv", ".txt", ".dat"),
    "xlsx": (".xlsx",),
    "sas7bdat": (".sas7bdat",),
    "xpt": (".xpt",),
    "parquet": (".parquet",),
    "odm": (".xml",),
}


@dataclass(frozen=True)
class RawColumn:
    """A column as the export describes it. `values` are code -> label; `made` columns are the reader's (NAME_LABEL)."""

    name: str
    label: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    made: bool = False


@dataclass(frozen=True)
class RawForm:
    """A form before its records are read. `file` is the file as shown in messages; `missing` are texts for "no value"."""

    name: str
    file: str
    label: str = ""
    columns: tuple[RawColumn, ...] = ()
    missing: tuple[str, ...] = ()
    found: Mapping[str, str] = field(default_factory=dict)
    """What the reader found by itself: delimiter, encoding, ..."""

    @property
    def names(self) -> tuple[str, ...]:
        """The column names."""
        return tuple(column.name for column in self.columns)

    @property
    def made(self) -> frozenset[str]:
        """The columns that the reader added."""
        return frozenset(column.name for column in self.columns if column.made)


@dataclass(frozen=True)
class RawNote:
    """Something odd about a form: `rows` are positions in its table (None: the form as a whole)."""

    rule: str
    severity: Literal["error", "warning", "info"]
    message: str
    column: str = ""
    value: str = ""
    rows: tuple[int, ...] | None = None


@dataclass(frozen=True)
class RawTable:
    """The records of a form: categorical text columns, blank is missing.

    `numbers` holds the record of the file for each row (None: row i is record i + 1; several rows may come from one record).
    `aside` says which rows (positions) are no data of the study, and why: inactive ones, for example.
    """

    frame: pd.DataFrame
    notes: tuple[RawNote, ...] = ()
    numbers: np.ndarray | None = None
    aside: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


class RawSource(Protocol):
    """An export that has been opened."""

    @property
    def forms(self) -> Mapping[str, RawForm]:
        """The forms, by name, in a fixed order."""
        ...

    def read(self, form: str) -> RawTable:
        """Read one form. Raises MistakesError."""
        ...


@dataclass(frozen=True)
class Place:
    """Where an export stands: a folder, or the files of it that are meant; `shown` begins their names in messages."""

    folder: Path
    shown: str
    files: tuple[Path, ...] | None = None

    def show(self, path: Path) -> str:
        """Return a file's name as the user knows it."""
        name = path.relative_to(self.folder).as_posix() if path.is_relative_to(self.folder) else path.name
        return f"{self.shown}/{name}" if self.shown else name

    def with_suffix(self, suffixes: Iterable[str]) -> list[Path]:
        """Return the files with one of these endings, by name."""
        wanted = tuple(suffixes)
        among = self.files if self.files is not None else sorted(self.folder.glob("*"))
        return [path for path in among if path.suffix.lower() in wanted and not path.name.startswith(("~$", "."))]


Opener = Callable[[Place, ReaderOptions], "FileForms"]


def open_raw(place: Place, options: ReaderOptions) -> RawSource:
    """Open a raw export in the dialect that the options name, and single files of it in their own.

    Raises MistakesError with all mistakes of all files; NotAllError where some forms can be read.
    """
    odd = {name: form for name, form in options.forms.items() if form.format not in {None, options.format}}
    if not odd:
        return _open(place, options)
    joined, mistakes, unread = FileForms(), list[Mistake](), list[str]()
    for part, own in _parts(place, options, odd):
        try:
            found = _open(part, own)
        except NotAllError as error:
            mistakes += error.mistakes
            unread += error.unread
            found = error.source
        for name, form in found.forms.items():
            if name in joined.forms:
                hint = "name one of them under 'forms' in study.yaml"
                mistakes.append(Mistake(form.file, None, name, f"is a form of {joined.forms[name].file} too", hint))
            joined.add(form, found.readers[name])
    if mistakes:
        raise NotAllError(mistakes, joined, unread)
    return joined


def _open(place: Place, options: ReaderOptions) -> FileForms:
    opener: Opener = importlib.import_module(f".{MODULES[options.format]}", __package__).open_source
    return opener(place, options)


def _parts(
    place: Place, options: ReaderOptions, odd: Mapping[str, FormOptions]
) -> Iterator[tuple[Place, ReaderOptions]]:
    """Yield the export without the files of another format, then each of those by itself."""
    files = place.files if place.files is not None else tuple(sorted(place.folder.glob("*")))
    taken = {place.folder / form.file for form in odd.values()}
    rest = replace(place, files=tuple(path for path in files if path not in taken))
    plain = {name: form for name, form in options.forms.items() if name not in odd}
    if plain or rest.with_suffix(SUFFIXES[options.format]):
        yield rest, options.model_copy(update={"forms": plain})
    for name, form in odd.items():
        words = options.of(form).model_dump() | {"format": form.format, "forms": {name: form}}
        yield replace(place, files=(place.folder / form.file,)), options.model_copy(update=words)


@dataclass
class FileForms:
    """A source whose forms are read one by one; the reader gives a function for each."""

    forms: dict[str, RawForm] = field(default_factory=dict)
    readers: dict[str, Callable[[], RawTable]] = field(default_factory=dict)

    def add(self, form: RawForm, read: Callable[[], RawTable]) -> None:
        """Add a form."""
        self.forms[form.name] = form
        self.readers[form.name] = read

    def read(self, form: str) -> RawTable:
        """Read one form. Records that hold nothing are left out, and counted: the same rule for every format."""
        return without_empty(self.readers[form]())


class NotAllError(MistakesError):
    """Some forms cannot be read: the mistakes, and the source of those that can."""

    def __init__(self, mistakes: Iterable[Mistake], source: FileForms, unread: Sequence[str]) -> None:
        super().__init__(mistakes)
        self.source = source
        self.unread = tuple(unread)


def declared_files(place: Place, options: ReaderOptions, suffixes: Sequence[str]) -> dict[str, FormOptions]:
    """Return the forms declared in study.yaml, and every other file of the folder with such an ending, by its name.

    A file whose name is taken keeps its ending: VS.csv and VS.tsv are the forms VS and VS.tsv.
    """
    declared = dict(options.forms)
    taken = {form.file for form in declared.values()} | {options.dictionary, options.catalog}
    for path in place.with_suffix(suffixes):
        name = path.relative_to(place.folder).as_posix() if path.is_relative_to(place.folder) else path.name
        if name not in taken:
            declared[path.stem if path.stem not in declared else path.name] = FormOptions(file=name)
    return declared


def one_file(place: Place, options: ReaderOptions, suffixes: Sequence[str]) -> Path:
    """Return the only file of an export that is one file. Raises MistakesError where there is none, or several."""
    files = [path for path in place.with_suffix(suffixes) if path.name not in {options.dictionary, options.catalog}]
    if len(files) != 1:
        names = ", ".join(path.name for path in files)
        message = f"holds several {options.format} files: {names}" if files else f"holds no {'/'.join(suffixes)} file"
        hint = (
            "a raw folder of this format holds one file" if files else f"'format: {options.format}' reads such a file"
        )
        raise MistakesError([Mistake(place.shown or str(place.folder), None, "", message, hint)])
    if not files[0].is_file():
        raise MistakesError([Mistake(place.show(files[0]), None, "", "there is no such file")])
    return files[0]


def files_not_read(place: Place, options: ReaderOptions, source: RawSource) -> tuple[str, ...]:
    """Return the files of the raw folder (and below it) that are no form and no part of one, as shown."""
    read = {form.file for form in source.forms.values()}
    used = {options.dictionary, options.catalog}
    files = place.files if place.files is not None else sorted(place.folder.rglob("*"))
    return tuple(
        place.show(file)
        for file in files
        if file.is_file() and place.show(file) not in read and file.name not in used and file.suffix != ".sas7bcat"
    )


def open_files(
    place: Place,
    options: ReaderOptions,
    suffixes: Sequence[str],
    add: Callable[[FileForms, str, FormOptions, Path, str], None],
) -> FileForms:
    """Open every file of a folder with `add(source, name, form options, path, shown)`. Raises NotAllError, MistakesError."""
    source, mistakes, unread = FileForms(), [], []
    declared = declared_files(place, options, suffixes)
    if not declared:
        message, hint = f"holds no {'/'.join(suffixes)} file", f"'format: {options.format}' reads such files"
        raise MistakesError([Mistake(place.shown or str(place.folder), None, "", message, hint)])
    for name, form in declared.items():
        path = place.folder / form.file
        shown = place.show(path)
        if not path.is_file():
            mistakes.append(Mistake(shown, None, "", "there is no such file"))
            unread.append(name)
            continue
        try:
            add(source, name, form, path, shown)
        except MistakesError as error:
            mistakes += error.mistakes
            unread.append(name)
    if mistakes:
        raise NotAllError(mistakes, source, unread)
    return source


def without_empty(table: RawTable) -> RawTable:
    """Return the table without the records whose every field is blank; the others keep their number."""
    empty = np.ones(len(table.frame), dtype=bool)
    for name in table.frame.columns:
        if not empty.any():
            return table
        column = table.frame[name].cat
        blank = [not text.strip() for text in column.categories]
        empty &= np.array([*blank, True], dtype=bool)[column.codes.to_numpy()]
    if not empty.any():
        return table
    kept = np.flatnonzero(~empty)
    place = np.full(len(empty), -1)
    place[kept] = np.arange(len(kept))
    numbers = np.arange(1, len(empty) + 1) if table.numbers is None else table.numbers
    frame = table.frame.take(kept).reset_index(drop=True)
    notes = tuple(
        note if note.rows is None else replace(note, rows=tuple(place[list(note.rows)].tolist()))
        for note in table.notes
    )
    said = RawNote(
        "CDW-RAW-GAP", "info", f"{len(empty) - len(kept)} records hold nothing in any field and are left out"
    )
    aside = {why: tuple(place[[row for row in rows if not empty[row]]].tolist()) for why, rows in table.aside.items()}
    return RawTable(frame, (*notes, said), numbers[kept], aside)


def no_repeats(names: Sequence[str], shown: str, line: int, repeated: str | None) -> list[str]:
    """Return the column names, a repeated one as NAME__2 where that is allowed. Raises MistakesError for the rest."""
    counts: dict[str, int] = {}
    unique, mistakes = [], []
    for place, name in enumerate(names):
        counts[name] = counts.get(name, 0) + 1
        if not name:
            mistakes.append(Mistake(shown, line, f"column {place + 1}", "has no name"))
        elif counts[name] > 1 and repeated != "number":
            hint = "'repeated_names: number' under 'raw' reads it as " + f"{name}__{counts[name]}"
            mistakes.append(Mistake(shown, line, name, "the column name occurs twice", hint))
        unique.append(f"{name}__{counts[name]}" if counts[name] > 1 else name)
    if mistakes:
        raise MistakesError(mistakes)
    return unique


def with_labels(columns: Sequence[RawColumn], wanted: bool) -> tuple[RawColumn, ...]:
    """Return the columns with NAME_LABEL after each that has value labels; a name in use is left alone."""
    if not wanted:
        return tuple(columns)
    taken = {column.name for column in columns}
    made: list[RawColumn] = []
    for column in columns:
        made.append(column)
        name = f"{column.name}_LABEL"
        if column.values and name not in taken:
            made.append(RawColumn(name, f"{column.label or column.name} (label)", made=True))
    return tuple(made)


def add_label_columns(frame: pd.DataFrame, columns: Sequence[RawColumn]) -> tuple[pd.DataFrame, tuple[RawNote, ...]]:
    """Return the frame with the columns of `with_labels`, and a note for each code that its list does not hold."""
    parts: dict[str, pd.Series] = {}
    notes: list[RawNote] = []
    values = {f"{column.name}_LABEL": column for column in columns if column.values}
    for column in columns:
        if not column.made:
            parts[column.name] = frame[column.name]
            if column.values:
                notes += _unlisted(frame[column.name], column)
            continue
        coded = values[column.name]
        texts = [coded.values.get(code) for code in frame[coded.name].cat.categories]
        parts[column.name] = text_column(frame[coded.name].cat.codes.to_numpy(), texts)
    return pd.DataFrame(parts, index=frame.index), tuple(notes)


def _unlisted(column: pd.Series, about: RawColumn) -> list[RawNote]:
    codes = column.cat.codes.to_numpy()
    notes = []
    for place, text in enumerate(column.cat.categories):
        rows = np.flatnonzero(codes == place) if text not in about.values else np.zeros(0, np.intp)
        if len(rows):
            message = f"'{text}' is not in the code list of {about.name}"
            notes.append(RawNote("CDW-RAW-CODE", "warning", message, about.name, text, tuple(rows.tolist())))
    return notes


def text_column(codes: np.ndarray, texts: Sequence[str | None]) -> pd.Series:
    """Return the categorical column whose row i holds `texts[codes[i]]`; an empty text and code -1 are missing."""
    positions: dict[str, int] = {}
    new = np.full(len(texts) + 1, -1, dtype=np.int32)
    for place, text in enumerate(texts):
        if text:
            new[place] = positions.setdefault(text, len(positions))
    return pd.Series(pd.Categorical.from_codes(new[codes], categories=pd.Index(list(positions), dtype="str")))


class ColumnBuilder:
    """Gathers a column value by value; each distinct text is kept once."""

    def __init__(self) -> None:
        self.positions: dict[str, int] = {}
        self.codes: list[int] = []

    def add(self, text: str | None) -> None:
        """Add the next row's text."""
        self.codes.append(-1 if not text else self.positions.setdefault(text, len(self.positions)))

    def fill(self, rows: int) -> None:
        """Add missing values until there are `rows`."""
        self.codes.extend([-1] * (rows - len(self.codes)))

    def column(self) -> pd.Series:
        """Return what was gathered."""
        return text_column(np.array(self.codes, dtype=np.int32), list(self.positions))
