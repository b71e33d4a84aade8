"""How a raw export is read: the `raw:` block of study.yaml, as far as the readers need it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from cdiscway.specs.model import Strict

RawFormat = Literal[
    "delimited", "xlsx", "sas7bdat", "xpt", "parquet", "odm", "redcap", "castor", "openclinica", "rave", "sdtm"
]  # fmt: skip
DecimalMark = Literal[".", ","]
_DELIMITER_WORDS = {"tab": "\t", "\\t": "\t", "semicolon": ";", "comma": ",", "pipe": "|"}


class TextOptions(Strict):
    """How the text of a file is written. What is left out is found: see docs/reference/readers.md.

    `delimiter` is one letter or `tab`; `encoding` is a Python encoding, or `utf-8+cp1252` for UTF-8 text with stray cp1252
    bytes (each of them is listed); `quote` is the quotation mark (blank: none); `header_line` is the line of the column names
    (for XLSX the row); `repeated_names: number` lets a column name occur again, as NAME__2.
    """

    delimiter: str | None = None
    encoding: str | None = None
    quote: str | None = Field(default=None, max_length=1)
    decimal: DecimalMark | None = None
    header_line: int | None = Field(default=None, ge=1)
    repeated_names: Literal["refuse", "number"] | None = None

    @field_validator("delimiter")
    @classmethod
    def _one_letter(cls, text: str | None) -> str | None:
        found = _DELIMITER_WORDS.get(text or "", text)
        if found is not None and len(found) != 1:
            raise ValueError("a delimiter is one letter, or 'tab'")
        return found

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, text: str | None) -> str | None:
        for name in (text or "utf-8").split("+"):
            try:
                "".encode(name)
            except LookupError:
                raise ValueError(f"'{name}' is no encoding known here (utf-8, cp1252, utf-16, latin-1 ...)") from None
        return text


class FormOptions(TextOptions):
    """One raw form: its file in the raw folder, the part of the file it is (a sheet), its label, and what differs in it.

    `format` is the file's where it is another than the study's; a file that holds several forms names them itself then.
    """

    file: str
    format: RawFormat | None = None
    part: str = ""
    label: str = ""


class ReaderOptions(TextOptions):
    """The words of `raw:` that a reader knows; those of `forms:` come before them.

    `format` is the dialect of the export. `labels` adds NAME_LABEL beside each coded column whose labels the export holds.
    `catalog` (sas7bdat) is the sas7bcat file with the value labels; `language` and `names` (odm) say which translation and
    whether columns are named by Name or OID; `dictionary` (redcap) is the data dictionary, `user_missing` (castor) the codes
    that stand for no value, `active` (rave) the columns that say 0 or False in an inactive row.
    """

    format: RawFormat = "delimited"
    folder: str = "raw"
    labels: bool = True
    catalog: str | None = None
    language: str | None = None
    names: Literal["name", "oid"] = "name"
    dictionary: str | None = None
    user_missing: tuple[str, ...] = tuple(f"-{code}" for code in range(95, 100))
    active: tuple[str, ...] = ("RecordActive", "DataPageActive", "InstanceActive", "SubjectActive")
    forms: dict[str, FormOptions] = Field(default_factory=dict)

    def of(self, form: FormOptions | None) -> TextOptions:
        """Return the text options of a form: its own words before those of the study."""
        names = TextOptions.model_fields
        own = {} if form is None else {name: getattr(form, name) for name in names}
        return TextOptions.model_construct(
            **{name: own[name] if own.get(name) is not None else getattr(self, name) for name in names}
        )

    def decimal_of(self, form: str) -> DecimalMark:
        """Return the decimal mark of a form's numbers; a point where none is declared."""
        own = self.forms[form].decimal if form in self.forms else None
        return own or self.decimal or "."
