"""How a raw export is read: the `raw:` block of study.yaml, as far as the readers need it."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field, field_validator

from cdiscway.specs.model import Strict

FileFormat = Literal[
    "delimited", "xlsx", "sas7bdat", "xpt", "parquet", "odm", "redcap", "castor", "openclinica", "rave"
]
RawFormat = FileFormat | Literal["sdtm"]
"""`sdtm` is no export, but a folder of SDTM datasets that analysis datasets are mapped from."""
DecimalMark = Literal[".", ","]
_DELIMITER_WORDS = {"tab": "\t", "\\t": "\t", "semicolon": ";", "comma": ",", "pipe": "|"}


class TextOptions(Strict):
    """How the text of a file is written. What is left out is found: see docs/reference/readers.md."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    delimiter: str | None = None
    """One letter, or `tab`; found where it is left out."""
    encoding: str | None = None
    """A Python encoding, or `utf-8+cp1252` for UTF-8 text with stray cp1252 bytes, each of which is listed."""
    quote: str | None = Field(default=None, max_length=1)
    """The quotation mark; an empty text for none."""
    decimal: DecimalMark | None = None
    """The decimal mark of numbers; a point where it is left out."""
    header_line: int | None = Field(default=None, ge=1)
    """The line (XLSX: the row) of the column names."""
    repeated_names: Literal["refuse", "number"] | None = None
    """`number` lets a column name occur again, as NAME__2."""

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
    """One raw form: its file, its label, and what differs in it from the rest of the export."""

    file: str
    """The file's name in the raw folder."""
    format: FileFormat | None = None
    """The file's format where it is another than the study's; a file that holds several forms names them itself then."""
    part: str = ""
    """The sheet of a workbook."""
    label: str = ""
    """A label for readers."""


class ReaderOptions(TextOptions):
    """The words of `raw:` that a reader knows; those of a form come before them."""

    format: RawFormat = "delimited"
    """The dialect of the export."""
    folder: str = "raw"
    """The folder of the export inside the study folder."""
    labels: bool = True
    """Adds NAME_LABEL beside each coded column whose labels the export holds."""
    catalog: str | None = None
    """sas7bdat: the sas7bcat file with the value labels; the only one of the folder where it is left out."""
    language: str | None = None
    """odm: the language of labels and code lists; the first one where it is left out."""
    names: Literal["name", "oid"] = "name"
    """odm: whether forms and columns are named by their Name or their OID."""
    dictionary: str | None = None
    """redcap: the file of the data dictionary."""
    user_missing: tuple[str, ...] = tuple(f"-{code}" for code in range(95, 100))
    """castor: the codes that stand for no value."""
    active: tuple[str, ...] = ("RecordActive", "DataPageActive", "InstanceActive", "SubjectActive")
    """rave: the columns that say 0 or False in an inactive record."""
    forms: dict[str, FormOptions] = Field(default_factory=dict)
    """Forms by name, where a file is not simply a form of its own name, or is written differently."""

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
