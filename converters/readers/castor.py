"""Castor exports: study data in one wide file, each repeating data and survey in one file, and files about the study.

The files are delimited text (`;`). Those without a participant's column (variable lists, queries, comments by field) are no
forms. Castor writes a value that the user declared missing as -95 to -99, or as ##USER_MISSING_95##.
"""

from __future__ import annotations

from dataclasses import replace

from cdiscway.specs.mistakes import Mistake, MistakesError

from . import delimited
from .options import ReaderOptions
from .raw import FileForms, Place

PARTICIPANT = ("participant id", "record id", "castor participant id", "castor record id")
"""Names of the participant's column, new and old."""


def open_source(place: Place, options: ReaderOptions) -> FileForms:
    """Open a folder of Castor files. Raises MistakesError."""
    found = delimited.open_source(place, options)
    missing = (*options.user_missing, *(f"##USER_MISSING_{code.lstrip('-')}##" for code in options.user_missing))
    source = FileForms()
    for name, form in found.forms.items():
        if any(column.lower().replace("_", " ") in PARTICIPANT for column in form.names):
            source.add(replace(form, missing=missing), found.readers[name])
    if not source.forms:
        message = "holds no Castor export: no file has a column 'Participant Id' or 'Record Id'"
        raise MistakesError([Mistake(place.shown, None, "", message, "read it with 'format: delimited'")])
    return source
