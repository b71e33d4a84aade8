"""The intake contract of a raw export: files, rows, keys, what the columns hold, what is odd, and a proposal for study.yaml."""

from __future__ import annotations

import itertools
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cdiscway.specs.mistakes import MistakesError

from .algorithms.columns import distinct, unique_codes
from .inspect_source import find_place, guess_options
from .inspect_values import MISSING_WORDS, NUMBERS, DateForms, date_forms, encoding_trouble, kind_of
from .readers.options import RawFormat, ReaderOptions
from .readers.raw import NotAllError, Place, RawForm, RawSource, RawTable, files_not_read, open_raw

SHOWN_VALUES = 12
"""Values listed for a column; one with more distinct values than CODED lists none but the first few."""
CODED = 40
KEY_COLUMNS = 4
"""A candidate key has at most so many columns."""
_KEY_TRIALS = 600
_KEY_CANDIDATES = 3
_WIDE = 14
"""Columns that are tried as parts of a key: the first that are never blank."""


@dataclass(frozen=True)
class ValueCount:
    """A value, how often it occurs, and its label where the export holds one."""

    value: str
    count: int
    label: str = ""


@dataclass(frozen=True)
class ColumnIntake:
    """What a column holds. `kinds` count values; `values` is the list of a coded column, or examples of another.

    `odd` are the texts that are no numbers in a column of numbers, and no dates in a column of dates.
    """

    name: str
    label: str
    filled: int
    blank: int
    distinct: int
    kinds: Mapping[str, int]
    date_formats: Mapping[str, int]
    partial_dates: int
    unknown_words: Mapping[str, int]
    impossible_dates: Mapping[str, int]
    ambiguous_dates: int
    coded: bool
    values: tuple[ValueCount, ...]
    odd: tuple[ValueCount, ...] = ()
    label_of: str = ""
    latest: str = ""
    trouble: tuple[str, ...] = ()

    @property
    def is_number(self) -> bool:
        """Whether most values are numbers."""
        return sum(count for kind, count in self.kinds.items() if kind in NUMBERS) * 2 > self.filled

    @property
    def seen_as(self) -> str:
        """The kinds in words, the most frequent first."""
        parts = [
            f"{kind} {count:,}" for kind, count in sorted(self.kinds.items(), key=lambda item: (-item[1], item[0]))
        ]
        return ", ".join(parts) or "blank"


@dataclass(frozen=True)
class FormIntake:
    """What a form holds. `keys` are column sets that tell its records apart; `found` is what its reader found."""

    name: str
    file: str
    label: str
    rows: int
    keys: tuple[tuple[str, ...], ...]
    repeated_rows: int
    columns: tuple[ColumnIntake, ...]
    found: Mapping[str, str]
    notes: tuple[str, ...]
    aside: Mapping[str, int]

    @property
    def decimal(self) -> str:
        """The decimal mark that the numbers of the form have, or nothing."""
        measured = [column for column in self.columns if column.distinct > 2]  # a version such as 2.0 is no measurement
        commas = sum(column.kinds.get("decimal comma", 0) for column in measured)
        points = sum(column.kinds.get("decimal point", 0) for column in measured)
        return "" if not commas and not points else ("," if commas > points else ".")


@dataclass(frozen=True)
class Intake:
    """The whole contract."""

    path: str
    format: str
    forms: tuple[FormIntake, ...]
    trouble: tuple[str, ...]
    not_read: tuple[str, ...]
    proposal: str
    options: ReaderOptions = field(default_factory=ReaderOptions)

    def data(self) -> dict[str, Any]:
        """Return the contract as plain data, as `--json` writes it."""
        return {
            "format": "cdiscway intake contract",
            "version": 1,
            "path": self.path,
            "raw_format": self.format,
            "trouble": list(self.trouble),
            "files_not_read": list(self.not_read),
            "forms": [asdict(form) | {"decimal": form.decimal} for form in self.forms],
            "proposal": self.proposal,
        }


def inspect_raw(path: Path, wanted: RawFormat | None = None) -> Intake:
    """Look at a raw file, a raw folder, or a study folder. Raises MistakesError where nothing can be read."""
    if (path / "study.yaml").is_file() and wanted is None:
        from .study import read_study  # noqa: PLC0415 - a raw folder needs no study

        study = read_study(path)
        options: ReaderOptions = study.file.raw
        place = Place(path / options.folder, options.folder)
        if options.format == "sdtm":
            options = ReaderOptions(format="xpt", folder=options.folder)
    else:
        place = find_place(path)
        options = guess_options(place, wanted)
    source, trouble = _open(place, options)
    forms = []
    for name, form in source.forms.items():
        try:
            forms.append(inspect_form(form, source.read(name)))
        except MistakesError as error:
            trouble += [str(mistake) for mistake in error.mistakes]
    trouble += [f"{form.file}: {note}" for form in forms for note in form.notes]
    found = tuple(sorted(forms, key=lambda form: form.file))
    distinct_trouble = tuple(dict.fromkeys(trouble))
    not_read = files_not_read(place, options, source)
    return Intake(str(path), options.format, found, distinct_trouble, not_read, propose(place, options, found), options)


def _open(place: Place, options: ReaderOptions) -> tuple[RawSource, list[str]]:
    """Open an export; what keeps a form from being read is trouble, and repeated names are numbered to see the rest."""
    try:
        return open_raw(place, options), []
    except NotAllError as error:
        trouble = [str(mistake) for mistake in error.mistakes]
    except MistakesError as error:
        if not any("occurs twice" in mistake.message for mistake in error.mistakes):
            raise
        trouble = [str(mistake) for mistake in error.mistakes]
    try:
        return open_raw(place, options.model_copy(update={"repeated_names": "number"})), trouble
    except NotAllError as error:
        if not error.source.forms:
            raise
        return error.source, trouble


def inspect_form(form: RawForm, table: RawTable) -> FormIntake:
    """Return what a form holds: the columns of its active records, of all records the count."""
    frame = _active(table)
    labels = label_columns(frame)
    about = {column.name: column for column in form.columns}
    columns = []
    for name in frame.columns:
        known = dict(about[name].values) or labels.get(name, ("", {}))[1]
        column = inspect_column(name, about[name].label, frame[name], known)
        columns.append(
            replace(column, label_of=next((code for code, (other, _) in labels.items() if other == name), ""))
        )
    notes = tuple(_note(note.message, note.severity) for note in table.notes)
    inactive = {why: len(rows) for why, rows in table.aside.items()}
    codes = [distinct(frame[name])[0] for name in frame.columns if name not in form.made]
    repeated = len(frame) - len(np.unique(_combined(codes))) if len(frame) and codes else 0
    if repeated:
        notes = (*notes, f"{repeated} records are the same as another one in every column")
    aside = {
        column.name for column in columns if column.date_formats or column.label_of or (column.is_number and column.odd)
    }
    data = [name for name in frame.columns if name not in form.made and name not in aside]
    keys = () if repeated else candidate_keys(frame[data])
    return FormIntake(
        form.name, form.file, form.label, len(table.frame), keys, repeated, tuple(columns), form.found, notes, inactive
    )


def _active(table: RawTable) -> pd.DataFrame:
    """Return the records that are not set aside."""
    keep = np.ones(len(table.frame), dtype=bool)
    for rows in table.aside.values():
        keep[list(rows)] = False
    return table.frame if keep.all() else table.frame[keep].reset_index(drop=True)


def _note(message: str, severity: str) -> str:
    return message if severity == "info" else f"{message} ({severity})"


def inspect_column(name: str, label: str, column: pd.Series, labels: Mapping[str, str]) -> ColumnIntake:
    """Return what a column holds."""
    codes, texts = distinct(column)
    weights = np.bincount(codes[codes >= 0], minlength=len(texts)) if len(texts) else np.zeros(0, np.int64)
    counts = {text: int(weight) for text, weight in zip(texts, weights.tolist(), strict=True) if weight}
    filled = sum(counts.values())
    dates = date_forms(counts)
    is_date = bool(dates.formats) and dates.total * 2 >= filled
    dates = dates if is_date else DateForms()
    kinds = {} if is_date else {text: kind_of(text) for text in counts}
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    coded = 0 < len(counts) <= CODED and not is_date and (len(counts) * 2 <= filled or bool(labels))
    shown = ordered[: SHOWN_VALUES if coded else 3]
    return ColumnIntake(
        name=name,
        label=label,
        filled=filled,
        blank=len(column) - filled,
        distinct=len(counts),
        kinds=_kinds(counts, kinds, dates),
        date_formats=dict(dates.formats.most_common()),
        partial_dates=dates.partial,
        unknown_words=dict(sorted(dates.unknown_words.items(), key=lambda item: (-item[1], item[0]))),
        impossible_dates=dict(dates.impossible),
        ambiguous_dates=dates.ambiguous,
        coded=coded,
        values=tuple(ValueCount(text, count, labels.get(text, "")) for text, count in shown),
        odd=_odd(ordered, kinds, dates),
        latest=dates.latest,
        trouble=(*_trouble(counts), *(_alike(counts) if coded else ())),
    )


def _kinds(counts: Mapping[str, int], kinds: Mapping[str, str], dates: DateForms) -> dict[str, int]:
    """Count the values by what they look like; in a column of dates, dates are counted as such."""
    found: Counter[str] = Counter()
    timed = sum(count for name, count in dates.formats.items() if "hh" in name)
    if dates.formats:
        found["date"] = sum(dates.formats.values()) - timed
        found["date and time"] = timed
        found["impossible date"] = sum(dates.impossible.values())
        found["other text"] = sum(counts.values()) - dates.total
        return {kind: count for kind, count in found.items() if count}
    for text, count in counts.items():
        found[kinds[text]] += count
    return dict(found)


def _odd(ordered: Sequence[tuple[str, int]], kinds: Mapping[str, str], dates: DateForms) -> tuple[ValueCount, ...]:
    """Return the texts among numbers or dates, the most frequent first."""
    if dates.formats:
        texts = [(text, count) for text, count in ordered if text in dates.others]
    else:
        numbers = sum(count for text, count in ordered if kinds[text] in NUMBERS)
        if numbers * 2 <= sum(count for _, count in ordered):
            return ()
        texts = [(text, count) for text, count in ordered if kinds[text] not in NUMBERS]
    return tuple(ValueCount(text, count) for text, count in texts[:SHOWN_VALUES])


def _trouble(counts: Mapping[str, int]) -> tuple[str, ...]:
    found: dict[str, list[int]] = {}
    first: dict[str, str] = {}
    blanks = 0
    for text, count in counts.items():
        what = encoding_trouble(text)
        if what:
            found.setdefault(what, []).append(count)
            first.setdefault(what, text)
        blanks += count if text != text.strip() else 0
    trouble = [f"'{first[what][:40]}' {what} ({sum(times)} values)" for what, times in found.items()]
    return (
        *trouble,
        *([f"blanks around the value ({blanks} {'values' if blanks > 1 else 'value'})"] if blanks else []),
    )


def _alike(counts: Mapping[str, int]) -> tuple[str, ...]:
    """Name the values of a list that differ in case, blanks or look-alike signs only (the two signs for micro)."""
    groups: dict[str, list[str]] = {}
    for text in sorted(counts):
        groups.setdefault(" ".join(unicodedata.normalize("NFKC", text).casefold().split()), []).append(text)
    several = [group for group in groups.values() if len(group) > 1]
    return tuple("look alike: " + ", ".join(f"'{text}' ({counts[text]})" for text in group) for group in several)


def label_columns(frame: pd.DataFrame) -> dict[str, tuple[str, dict[str, str]]]:
    """Return code column -> (label column, code -> label): the label's name begins with the code's, and each code has one."""
    names = [str(name) for name in frame.columns]
    found: dict[str, tuple[str, dict[str, str]]] = {}
    for name in names:
        others = [other for other in names if other != name and other.upper().startswith(f"{name.upper()}_")]
        for other in others:
            labels = _one_label_each(frame[name], frame[other])
            if labels and any(code != label for code, label in labels.items()):
                found.setdefault(name, (other, labels))
    return found


def _one_label_each(code: pd.Series, label: pd.Series) -> dict[str, str]:
    """Return code -> label where each code has one label, and labels are words; else nothing."""
    (left, codes), (right, labels) = distinct(code), distinct(label)
    if not 1 < len(codes) <= CODED * 5 or len(labels) < 2:
        return {}
    both = (left >= 0) & (right >= 0)
    if both.sum() != (left >= 0).sum() or (right[left < 0] >= 0).any():
        return {}
    pairs = np.unique(np.column_stack([left[both], right[both]]), axis=0)
    if len(pairs) != len(np.unique(pairs[:, 0])) or len(pairs) != len(np.unique(pairs[:, 1])):
        return {}
    if not any(kind_of(labels[place]) in {"text", "yes/no"} for place in pairs[:, 1].tolist()):
        return {}
    return {codes[a]: labels[b] for a, b in pairs.tolist()}


def candidate_keys(frame: pd.DataFrame) -> tuple[tuple[str, ...], ...]:
    """Return the smallest sets of never-blank columns that tell all records apart, in the order of the columns."""
    if len(frame) < 2:
        return ()
    parts: dict[str, np.ndarray] = {}
    for name in frame.columns:
        codes, texts = distinct(frame[name])
        if (codes >= 0).all() and len(texts) > 1 and len(parts) < _WIDE:
            parts[str(name)] = codes
    found: list[tuple[str, ...]] = []
    trials = 0
    for size in range(1, KEY_COLUMNS + 1):
        for names in itertools.combinations(parts, size):
            trials += 1
            if trials > _KEY_TRIALS or len(found) >= _KEY_CANDIDATES:
                return tuple(found)
            if not any(set(key) <= set(names) for key in found) and _unique([parts[name] for name in names]):
                found.append(names)
    return tuple(found)


def _unique(parts: Sequence[np.ndarray]) -> bool:
    """Whether the tuples of codes are all different; the first rows decide most of the time."""
    start = min(len(parts[0]), 2000)
    if len(np.unique(_combined([part[:start] for part in parts]))) < start:
        return False
    return start == len(parts[0]) or len(np.unique(_combined(parts))) == len(parts[0])


def _combined(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Return one code for each tuple of codes."""
    combined = np.zeros(len(parts[0]), dtype=np.int64)
    for codes in parts:
        wide = codes.astype(np.int64) + 1
        combined = unique_codes(combined)[1].astype(np.int64) * (int(wide.max(initial=0)) + 1) + wide
    return combined


def is_domain(form: FormIntake) -> bool:
    """Whether a form is DM of SDTM: by its name and its variables."""
    names = {column.name for column in form.columns}
    return form.name.upper() == "DM" and {"STUDYID", "DOMAIN", "USUBJID"} <= names


def propose(place: Place, options: ReaderOptions, forms: Sequence[FormIntake]) -> str:
    """Return the `raw:` and `dates:` blocks of study.yaml that fit what was found."""
    lines = ["raw:", f"  folder: {options.folder if place.shown else 'raw'}"]
    if options.format == "xpt" and any(is_domain(form) for form in forms):
        lines.append("  format: sdtm   # SDTM, which analysis datasets are mapped from (xpt: raw data)")
    elif options.format != "delimited":
        lines.append(f"  format: {options.format}")
    delimiters = Counter(form.found["delimiter"] for form in forms if "delimiter" in form.found).most_common()
    if delimiters:
        lines.append(f"  delimiter: {_quoted(delimiters[0][0])}")
        lines.append(f"  encoding: {options.encoding or 'utf-8'}")
    if options.dictionary:
        lines.append(f"  dictionary: {options.dictionary}")
    marks = Counter(form.decimal for form in forms if form.decimal).most_common()
    if marks:
        lines.append(f"  decimal: {_quoted(marks[0][0])}")
    words = missing_words(forms)
    if words:
        listed = ", ".join(_quoted(word) for word in words)
        lines.append(f"  missing: [{listed}]   # where numbers or dates stand: do they mean no value?")
    latest = max((column.latest for form in forms for column in form.columns), default="")
    lines.append(
        f"  cutoff: {latest or 'yyyy-mm-dd'}   # the day of the export" + (" (the latest date found)" if latest else "")
    )
    lines += _form_lines(options, forms, marks[0][0] if marks else "", delimiters[0][0] if delimiters else "")
    return "\n".join([*lines, *_date_lines(forms)]) + "\n"


def _form_lines(options: ReaderOptions, forms: Sequence[FormIntake], mark: str, delimiter: str) -> list[str]:
    beside = {name: form for name, form in options.forms.items() if form.format not in {None, options.format}}
    lines = [f"    {name}: {{file: {form.file}, format: {form.format}}}" for name, form in beside.items()]
    for form in forms:
        own = options.forms.get(form.name)
        if form.name in beside:
            continue
        words = []
        if own is not None and own.encoding and own.encoding != options.encoding:
            words.append(f"encoding: {own.encoding}")
        if form.decimal and form.decimal != mark:
            words.append(f"decimal: {_quoted(form.decimal)}")
        if form.found.get("delimiter", delimiter) != delimiter:
            words.append(f"delimiter: {_quoted(form.found['delimiter'])}")
        if words:
            file = Path(form.file).name
            lines.append(f"    {form.name}: {{file: {file}, {', '.join(words)}}}")
    return ["  forms:", *lines] if lines else []


def _date_lines(forms: Sequence[FormIntake]) -> list[str]:
    formats: Counter[str] = Counter()
    words: Counter[str] = Counter()
    for form in forms:
        for column in form.columns:
            formats.update(column.date_formats)
            words.update(column.unknown_words)
    if not formats:
        return []
    names = [name for name, _ in sorted(formats.items(), key=lambda item: (-item[1], item[0]))]
    lines = ["dates:", f"  formats: [{', '.join(names)}]"]
    if words:
        lines.append(f"  unknown: [{', '.join(_quoted(word) for word in sorted(words))}]")
    if any(_two_digits(name) for name in names):
        lines.append("  pivot: 30   # two-digit years: 00 to 30 are 2000 to 2030")
    return lines


def _two_digits(name: str) -> bool:
    return "yy" in name and "yyyy" not in name


def missing_words(forms: Sequence[FormIntake]) -> list[str]:
    """Return the words for "no value" that stand in columns of numbers."""
    odd = [item.value for form in forms for column in form.columns if column.is_number for item in column.odd]
    return sorted({text for text in odd if text.strip().upper() in MISSING_WORDS})


def _quoted(text: str) -> str:
    return text if text.isalnum() and not text.isdigit() else '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
