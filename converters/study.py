"""The study folder: `study.yaml` as a model, and where its files stand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from cdiscway.specs.load import Document, parse_model, read_yaml
from cdiscway.specs.mistakes import Mistake, MistakesError
from cdiscway.specs.model import Strict

from .algorithms.analysis_tables import Analysis
from .algorithms.vocabulary import Result, Rule
from .readers.options import ReaderOptions
from .submission import Submission


class Standards(Strict):
    """Which versions the study is mapped to; terminology packages as {SDTM: 2026-03-27, ADaM: 2026-03-27}."""

    sdtm: str = "SDTMIG 3.4"
    adam: str = "ADaMIG 1.3"
    define: Literal["2.1"] = "2.1"
    terminology: dict[str, str] = Field(default_factory=dict)


ONE_FORMAT = {
    "catalog": "sas7bdat",
    "language": "odm",
    "names": "odm",
    "dictionary": "redcap",
    "user_missing": "castor",
    "active": "rave",
}
"""Words of `raw:` that one format alone knows."""


class Raw(ReaderOptions):
    """How the raw export is read: the words of the reader (see there), and what holds for every format.

    `missing` are texts that mean "no value" besides blank; `decimal` is the decimal mark of numbers; `cutoff` is the date of
    the export, which dates every file that is built. `transliterate` lets accents and signs become ASCII (é e, µ u) in what
    is submitted; every changed value is listed.
    """

    missing: tuple[str, ...] = ()
    cutoff: date
    transliterate: bool = False

    @model_validator(mode="after")
    def _of_this_format(self) -> Raw:
        formats = {self.format, *(form.format for form in self.forms.values())}
        for word, needed in ONE_FORMAT.items():
            if word in self.model_fields_set and needed not in formats:
                raise ValueError(f"'{word}' is a word of 'format: {needed}', and no form is read so")
        return self


class Dates(Strict):
    """How dates are written in this study; see docs/reference/mapping.md for the words."""

    formats: tuple[str, ...] = ("yyyy-mm-dd",)
    unknown: tuple[str, ...] = ()
    pivot: int | None = None


class Visit(Strict):
    """A planned visit and the raw texts that name it.

    `window` is its first and last study day (`[~, 1]` is open); TVSTRL and TVENRL are its rules in the dataset TV.
    """

    VISITNUM: float
    VISIT: str
    VISITDY: int | None = None
    raw: tuple[str, ...] = ()
    window: tuple[int | None, int | None] | None = None
    TVSTRL: str = ""
    TVENRL: str = ""
    ARMCD: str = ""


class Unscheduled(Strict):
    """The raw texts of visits that are not planned: they are numbered after the planned visit before (2.1, 2.2)."""

    VISIT: str = "UNSCHEDULED"
    raw: tuple[str, ...] = ()
    decimals: int | None = Field(default=None, ge=1, le=3)


class Element(Strict):
    """A planned element (TE) and, in `start`, the rule that dates its start for a subject (SE), from variables of DM."""

    ETCD: str = Field(max_length=8)
    ELEMENT: str
    EPOCH: str
    TESTRL: str
    TEENRL: str = ""
    TEDUR: str = ""
    start: Rule | None = None


class ArmElement(Strict):
    """An element in an arm, with its branch and transition rule."""

    ETCD: str
    TABRANCH: str = ""
    TATRANS: str = ""


def _as_element(value: Any) -> Any:
    return {"ETCD": value} if isinstance(value, str) else value


class Arm(Strict):
    """A planned arm (TA): its elements in order, by their codes."""

    ARMCD: str = Field(max_length=20)
    ARM: str
    elements: tuple[
        Annotated[ArmElement, BeforeValidator(_as_element, json_schema_input_type=str | ArmElement)], ...
    ] = ()


class Criterion(Strict):
    """An inclusion or exclusion criterion (TI)."""

    IETESTCD: str = Field(max_length=8)
    IETEST: str
    IECAT: Literal["INCLUSION", "EXCLUSION"]
    IESCAT: str = ""
    TIRL: str = ""
    TIVERS: str = ""


class Words(Strict):
    """Raw words with a meaning of their own: a box that is ticked, a test that was not done."""

    checked: tuple[str, ...] = (
        "1",
        "Y",
        "Yes",
        "yes",
        "Oui",
        "oui",
        "True",
        "true",
        "TRUE",
        "X",
        "x",
        "checked",
        "Checked",
    )
    not_done: tuple[str, ...] = ()


class Epoch(Strict):
    """An epoch and the rule that dates its start, per subject, in order."""

    EPOCH: str
    start: Rule


class NotSubmitted(Strict):
    """Raw columns that go into no dataset, and why. Without `form` it holds in every form; `*` stands for any letters."""

    form: str | None = None
    columns: tuple[str, ...] = ("*",)
    why: str


class Exclusion(Strict):
    """Raw rows that become no record, and why."""

    form: str
    when: str
    why: str


def _as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _as_pages(value: Any) -> Any:
    return [value] if isinstance(value, int) else value


def _inside(href: str) -> str:
    path = PurePosixPath(href)
    if path.is_absolute() or ".." in path.parts or "\\" in href or ":" in href:
        raise ValueError(f"{href} is no file of the study folder: name it by its way from there")
    return href


DictionaryName = Literal["MedDRA", "WHODrug", "LOINC", "SNOMED", "UNII", "MED-RT", "ISO 3166", "ISO 21090"]
Version = Annotated[str, BeforeValidator(_as_text, json_schema_input_type=str | float)]
Pages = Annotated[
    tuple[Annotated[int, Field(ge=1)], ...], BeforeValidator(_as_pages, json_schema_input_type=int | tuple[int, ...])
]


class StudyFile(Strict):
    """What study.yaml holds.

    `elements`, `arms`, `criteria`, `summary` and `visits` (with TVSTRL) are the trial design: TE and SE, TA, TI, TS, TV are
    made of them, unless a mapping file makes them. `elements_end` dates the end of the last element. EPOCH follows from the
    elements; `epochs` declares it without them. `units` says that results are standardised to the units of the standard.

    `documents` are files of the study folder with their titles (`acrf.pdf: Annotated CRF`), which the build puts beside
    the define.xml; `crf_pages` are the pages of a form in the annotated CRF (`HAEMATOLOGY: [12, 13]`), `dictionaries`
    the versions the study coded with (`MedDRA: "23.1"`). `submission` says how large a file may be, and how a larger
    dataset is split; `analysis` holds the groups, windows and periods of analysis datasets.
    """

    study: str
    title: str
    protocol: str
    sponsor: str = ""
    synthetic: bool = False
    standards: Standards = Standards()
    raw: Raw
    dates: Dates = Dates()
    subject: dict[str, Rule] = Field(default_factory=dict)
    visits: tuple[Visit, ...] = ()
    unscheduled: Unscheduled | None = None
    epochs: tuple[Epoch, ...] = ()
    elements: tuple[Element, ...] = ()
    elements_end: Rule | None = None
    arms: tuple[Arm, ...] = ()
    criteria: tuple[Criterion, ...] = ()
    summary: tuple[dict[str, Result], ...] = ()
    words: Words = Words()
    units: Literal["si", "conventional"] | None = None
    not_submitted: tuple[NotSubmitted, ...] = ()
    excluded: tuple[Exclusion, ...] = ()
    documents: dict[Annotated[str, AfterValidator(_inside)], str] = Field(default_factory=dict)
    dictionaries: dict[DictionaryName, Version] = Field(default_factory=dict)
    crf_pages: dict[str, Pages] = Field(default_factory=dict)
    submission: Submission = Submission()
    analysis: Analysis = Analysis()

    @model_validator(mode="after")
    def _has_subject(self) -> StudyFile:
        if not self.subject and self.raw.format != "sdtm":
            raise ValueError("'subject' says how raw rows name their subject: {USUBJID: ...}")
        return self


@dataclass(frozen=True)
class Study:
    """A study folder that has been read: its model, and the document it came from for messages."""

    folder: Path
    file: StudyFile
    document: Document

    @property
    def build(self) -> Path:
        """Where everything the tool writes goes."""
        return self.folder / "build"

    @property
    def mapping_files(self) -> list[Path]:
        """The mapping files, by name."""
        return sorted((self.folder / "mapping").glob("*.yaml"))

    @property
    def extensions(self) -> Path | None:
        """The sponsor's extension terms, where there are any."""
        return _if_there(self.folder / "terminology" / "extensions.yaml")

    @property
    def synonyms(self) -> Path | None:
        """The study's own synonyms, where there are any."""
        return _if_there(self.folder / "terminology" / "synonyms.yaml")

    def shown(self, path: Path) -> str:
        """Return a file's name as the user knows it, relative to the study folder."""
        return path.relative_to(self.folder).as_posix()


def read_study(folder: Path) -> Study:
    """Read `study.yaml` of a study folder. Raises MistakesError with every mistake in it."""
    if not folder.is_dir():
        raise MistakesError([Mistake(str(folder), None, "", "there is no such folder")])
    path = folder / "study.yaml"
    if not path.is_file():
        hint = "a study folder holds study.yaml, raw/ and mapping/"
        raise MistakesError([Mistake(str(folder), None, "", "has no study.yaml", hint)])
    document = read_yaml(path, "study.yaml")
    return Study(folder, parse_model(document, StudyFile), document)


def _if_there(path: Path) -> Path | None:
    return path if path.is_file() else None
