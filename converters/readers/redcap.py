"""REDCap exports: one wide sparse table with events, repeats and checkbox columns, taken apart into its instruments.

An instrument's columns are those that end with its NAME_complete column, or those that the data dictionary gives it. A record
of the file belongs to each instrument for which it holds a value; a checkbox that is not ticked and an incomplete status are no
values by themselves.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from cdiscway.specs.mistakes import Mistake, MistakesError, nearest

from .delimited import find_layout, read_delimited
from .options import ReaderOptions
from .raw import (
    FileForms,
    Place,
    RawColumn,
    RawForm,
    RawNote,
    RawTable,
    add_label_columns,
    one_file,
    text_column,
    with_labels,
)

KEYS = (
    "redcap_event_name",
    "redcap_repeat_instrument",
    "redcap_repeat_instance",
    "redcap_data_access_group",
    "redcap_survey_identifier",
)
"""Columns that stand beside the record id, in every form."""

_ENDING = "_complete"
_NO_VALUE = frozenset({"0", "Unchecked", "Incomplete"})
_CHECKBOX = re.compile(r"(.+?)___(.+)")


@dataclass(frozen=True)
class DictionaryField:
    """A line of the data dictionary."""

    name: str
    form: str
    label: str
    choices: Mapping[str, str]
    checkbox: bool


def open_source(place: Place, options: ReaderOptions) -> FileForms:
    """Open the one table of a REDCap export. Raises MistakesError."""
    path = one_file(place, options, (".csv",))
    shown = place.show(path)
    layout = find_layout(path, options.of(None), shown)
    dictionary = read_dictionary(place, options)
    forms = find_instruments(layout.names, dictionary, shown)
    table = read_delimited(path, layout, shown)
    keys = [layout.names[0], *(name for name in KEYS if name in layout.names)]
    belonging = {form: belongs(table.frame, names, form) for form, names in forms.items()}
    source = FileForms()
    for form, names in forms.items():
        described = [_column(name, table.frame, dictionary) for name in [*keys, *names]]
        columns = with_labels(described, options.labels)
        about = RawForm(form, shown, "", columns, found=layout.found)
        source.add(about, partial(_read, table, columns, belonging[form], _homeless(belonging, table)))
    return source


def find_instruments(
    names: Sequence[str], dictionary: Mapping[str, DictionaryField], shown: str
) -> dict[str, list[str]]:
    """Return instrument -> columns, without the keys. Raises MistakesError for a table that is no REDCap export."""
    statuses = [name for name in names if name.endswith(_ENDING)]
    if not dictionary and not statuses:
        message = "is no REDCap export: no column ends in _complete"
        hint = "give its data dictionary ('dictionary' under 'raw'), or read it with 'format: delimited'"
        raise MistakesError([Mistake(shown, 1, "", message, hint)])
    forms: dict[str, list[str]] = {}
    waiting: list[str] = []
    for name in names[1:]:
        if name in KEYS:
            continue
        known = dictionary.get(base_name(name))
        if known is not None:
            forms.setdefault(known.form, []).append(name)
        elif name.endswith(_ENDING):
            form = name.removesuffix(_ENDING)
            forms[form] = [*forms.get(form, []), *waiting, name]
            waiting = []
        else:
            waiting.append(name)
    if waiting:
        raise MistakesError([_without_form(name, dictionary, shown) for name in waiting])
    return forms


def _without_form(name: str, dictionary: Mapping[str, DictionaryField], shown: str) -> Mistake:
    where = "the data dictionary knows it not" if dictionary else "no NAME_complete column follows it"
    return Mistake(shown, 1, name, f"belongs to no instrument: {where}", nearest(name, dictionary))


def base_name(name: str) -> str:
    """Return a column's field: that of a checkbox column stands before its three underscores.

    >>> base_name("race___2"), base_name("age")
    ('race', 'age')
    """
    match = _CHECKBOX.fullmatch(name)
    return match[1] if match else name


def belongs(frame: pd.DataFrame, names: Sequence[str], form: str) -> np.ndarray:
    """Return for each record of the file whether it is one of this instrument."""
    found = np.zeros(len(frame), dtype=bool)
    for name in names:
        column = frame[name]
        no_value = _NO_VALUE if name.endswith(_ENDING) or _CHECKBOX.fullmatch(name) else frozenset()
        counts = np.array([text not in no_value for text in column.cat.categories] + [False], dtype=bool)
        found |= counts[column.cat.codes.to_numpy()]
    if "redcap_repeat_instrument" in frame.columns:
        repeat = frame["redcap_repeat_instrument"]
        named = [text.casefold().replace(" ", "_") == form.casefold() for text in repeat.cat.categories]
        found |= np.array([*named, False], dtype=bool)[repeat.cat.codes.to_numpy()]
    return found


def _homeless(belonging: Mapping[str, np.ndarray], table: RawTable) -> int:
    return int((~np.logical_or.reduce([*belonging.values(), np.zeros(len(table.frame), dtype=bool)])).sum())


def _read(table: RawTable, columns: tuple[RawColumn, ...], held: np.ndarray, homeless: int) -> RawTable:
    rows = np.flatnonzero(held)
    frame = pd.DataFrame({item.name: _take(table.frame[item.name], rows) for item in columns if not item.made})
    labelled, notes = add_label_columns(frame, columns)
    if homeless:
        message = f"{homeless} records of the file hold nothing but keys, and are in no form"
        notes = (*notes, RawNote("CDW-RAW-EMPTY", "info", message))
    return RawTable(labelled, (*notes, *table.notes), rows + 1)


def _take(column: pd.Series, rows: np.ndarray) -> pd.Series:
    return text_column(column.cat.codes.to_numpy()[rows], column.cat.categories.tolist())


def _column(name: str, frame: pd.DataFrame, dictionary: Mapping[str, DictionaryField]) -> RawColumn:
    """Describe a column; an export of labels needs no value labels."""
    known = dictionary.get(base_name(name))
    if known is None:
        return RawColumn(name)
    if known.checkbox and name != known.name:
        code = name.removeprefix(f"{known.name}___")
        spelled = {re.sub(r"[^0-9a-z]", "_", choice.lower()): text for choice, text in known.choices.items()}
        return RawColumn(name, f"{known.label}: {spelled.get(code, code)}")
    held = set(frame[name].cat.categories)
    coded = bool(held & set(known.choices)) or not held & set(known.choices.values())
    return RawColumn(name, known.label, known.choices if coded else {})


def read_dictionary(place: Place, options: ReaderOptions) -> dict[str, DictionaryField]:
    """Return field -> line of the data dictionary; empty where none is declared. Raises MistakesError."""
    if options.dictionary is None:
        return {}
    path = place.folder / options.dictionary
    shown = place.show(path)
    layout = find_layout(path, options.of(None), shown)
    wanted = ("variable", "form name", "field type", "field label", "choices")
    places = [
        next((at for at, name in enumerate(layout.names) if name.lower().startswith(word)), -1) for word in wanted
    ]
    missing = [f"no column begins with '{word}'" for word, at in zip(wanted, places, strict=True) if at < 0]
    if missing:
        raise MistakesError([Mistake(shown, 1, "", f"is no data dictionary: {text}") for text in missing])
    with path.open(encoding="utf-8-sig" if layout.encoding == "utf-8" else layout.encoding, newline="") as stream:
        lines = list(csv.reader(stream, delimiter=layout.delimiter))[1:]
    found = [_field([line[at].strip() for at in places]) for line in lines if len(line) == len(layout.names)]
    return {item.name: item for item in found}


def _field(cells: Sequence[str]) -> DictionaryField:
    name, form, kind, label, choices = cells
    known = {"yesno": {"1": "Yes", "0": "No"}, "truefalse": {"1": "True", "0": "False"}}
    coded = kind in {"radio", "dropdown", "checkbox"}
    values = parse_choices(choices) if coded else known.get(kind, {})
    return DictionaryField(name, form, re.sub(r"<[^>]+>", "", label), values, kind == "checkbox")


def parse_choices(text: str) -> dict[str, str]:
    """Return code -> label of a choice list.

    >>> parse_choices("1, Male | 2, Female")
    {'1': 'Male', '2': 'Female'}
    """
    parts = [part.partition(",") for part in text.split("|") if part.strip()]
    return {code.strip(): label.strip() for code, _, label in parts}
