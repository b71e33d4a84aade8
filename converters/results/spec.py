"""A results specification as a model: one YAML file of the study's `results` folder is one table or one figure.

The words are explained in docs/reference/analysis-results.md.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from cdiscway.specs.load import Document, parse_model, read_yaml
from cdiscway.specs.mistakes import MistakeCollector, MistakesError
from cdiscway.specs.model import Strict

from .comparison import Test
from .difference import DifferenceMethod
from .statistics import PROPORTION, SUMMARY, IntervalMethod

Statistic = Literal["summary", "count", "categories", "proportion", "survival", "incidence", "survival_time"]
Reason = Literal["SPECIFIED IN PROTOCOL", "SPECIFIED IN SAP", "DATA DRIVEN", "REQUESTED BY REGULATORY AGENCY"]
Purpose = Literal["PRIMARY OUTCOME MEASURE", "SECONDARY OUTCOME MEASURE", "EXPLORATORY OUTCOME MEASURE"]
Order = Literal["alphabet", "frequency"]
Kind = Literal["kaplan_meier", "cumulative_incidence", "engraftment", "swimmer"]

NAMES: dict[str, tuple[str, ...]] = {
    "summary": SUMMARY,
    "count": ("n", "N", "percent"),
    "categories": ("n", "N", "percent"),
    "proportion": PROPORTION,
    "survival": ("n", "events", "at_risk", "percent", "lower", "upper"),
    "incidence": ("n", "events", "at_risk", "percent", "lower", "upper"),
    "survival_time": ("n", "events", "time", "lower", "upper"),
}
"""The numbers that each statistic yields, by name."""

SHOWN: dict[str, str] = {
    "summary": "{median} ({min}-{max})",
    "count": "{n} ({percent:1} %)",
    "categories": "{n} ({percent:1} %)",
    "proportion": "{n}/{N} = {percent:1} % [{lower:1}-{upper:1}]",
    "survival": "{percent:1} % ({lower:1}-{upper:1})",
    "incidence": "{percent:1} % ({lower:1}-{upper:1})",
    "survival_time": "{time} ({lower}-{upper})",
}
PLACE = re.compile(r"\{(\w+)(?::(\d))?\}")
TIMED = ("survival", "incidence", "survival_time")
COUNTED = ("count", "categories", "proportion")
TESTS: dict[str, tuple[str, ...]] = {
    "fisher": COUNTED,
    "chi_squared": COUNTED,
    "kruskal_wallis": ("summary",),
    "log_rank": ("survival", "survival_time"),
}
"""Which statistics each test of the groups goes with."""


class Row(Strict):
    """One line of a table, or one for each level of a variable (`categories`).

    `show` is how the numbers are put into words: `{median:1}` is the median with one decimal, `{median}` as short as it is.
    `published` is what a publication prints, and `note` why it differs; for `categories` they are given by level.
    `subjects` counts subjects, each once, where a dataset has several records of them; `test` compares the groups. `nested`
    is a second variable, whose levels stand below each level of the first; `order` says how levels that are not declared come.
    `difference` is the method of the interval of the first group's share minus the second's.
    """

    label: str
    statistic: Statistic = "summary"
    dataset: str | None = None
    variable: str | None = None
    where: str | None = None
    counted: str | None = None
    parameter: str | None = None
    at: float | None = None
    cause: int = 0
    nested: str | None = None
    levels: tuple[str, ...] = ()
    order: Order = "alphabet"
    missing: str | None = None
    interval: IntervalMethod = "exact"
    subjects: bool = False
    test: Test | None = None
    difference: DifferenceMethod | None = None
    show: str | None = None
    published: str | dict[str, str] | None = None
    note: str = ""

    @model_validator(mode="after")
    def _whole(self) -> Row:
        if self.statistic in {"summary", "categories"} and self.variable is None:
            raise ValueError(f"'statistic: {self.statistic}' needs a 'variable'")
        if self.statistic in {"count", "proportion"} and self.counted is None:
            raise ValueError(f"'statistic: {self.statistic}' needs 'counted', the condition of what is counted")
        if self.statistic in TIMED and self.parameter is None:
            raise ValueError(f"'statistic: {self.statistic}' needs a 'parameter'")
        if self.statistic in {"survival", "incidence"} and self.at is None:
            raise ValueError(f"'statistic: {self.statistic}' needs 'at', the time in units of AVAL")
        if isinstance(self.published, dict) and self.statistic != "categories":
            raise ValueError("'published' is given by level only for 'statistic: categories'")
        if self.subjects and self.statistic not in COUNTED:
            raise ValueError(f"'subjects' goes with a statistic that counts: {', '.join(COUNTED)}")
        if self.test is not None and self.statistic not in TESTS[self.test]:
            raise ValueError(f"'test: {self.test}' goes with {', '.join(TESTS[self.test])}")
        if self.statistic != "categories" and (self.nested is not None or self.order != "alphabet"):
            raise ValueError("'nested' and 'order' go with 'statistic: categories'")
        if self.difference is not None and self.statistic not in COUNTED:
            raise ValueError(f"'difference' goes with {', '.join(COUNTED)}")
        if self.nested is not None and self.test is not None and not self.subjects:
            raise ValueError("'test' of nested categories compares each line, and needs 'subjects: true'")
        unknown = [name for name, _ in PLACE.findall(self.pattern) if name not in NAMES[self.statistic]]
        if unknown:
            known = ", ".join(NAMES[self.statistic])
            raise ValueError(f"'show' asks for {', '.join(unknown)}; 'statistic: {self.statistic}' yields {known}")
        return self

    @property
    def pattern(self) -> str:
        """How the numbers are put into words."""
        return self.show if self.show is not None else SHOWN[self.statistic]

    @property
    def compares_levels(self) -> bool:
        """Whether each level is compared on its own: a subject may be in several, so they are no table of counts."""
        return self.test is not None and self.subjects and self.statistic == "categories"


class Exposed(Strict):
    """Who is in a column where `group` is a variable of records: subjects with its value in one of these variables.

    `dataset` is ADSL (one variable for each period) or one of exposure, of which `where` chooses the records.
    """

    dataset: str = "ADSL"
    variables: tuple[str, ...] = Field(min_length=1)
    where: str | None = None


class Table(Strict):
    """A table: rows of statistics over the subjects of a population, overall or by the levels of a `group` variable.

    `group` is a variable of ADSL; with `exposed` it is one of the records (TRTA), and a subject may be in several columns.
    """

    table: str = Field(pattern=r"^[A-Za-z0-9_-]{1,32}$")
    title: str
    dataset: str = "ADSL"
    population: str | None = None
    population_label: str = ""
    group: str | None = None
    groups: tuple[str, ...] = ()
    exposed: Exposed | None = None
    total: bool = True
    level: float = Field(default=0.95, gt=0, lt=1)
    rows: tuple[Row, ...] = Field(min_length=1)
    footnotes: tuple[str, ...] = ()
    reason: Reason = "SPECIFIED IN SAP"
    purpose: Purpose = "EXPLORATORY OUTCOME MEASURE"
    source: str = ""

    @model_validator(mode="after")
    def _whole(self) -> Table:
        if self.group is None and any(row.test for row in self.rows):
            raise ValueError("'test' compares groups, but the table has no 'group'")
        if self.group is None and self.groups:
            raise ValueError("'groups' are the levels of 'group', which is not there")
        if len(self.groups) != 2 and any(row.difference for row in self.rows):
            raise ValueError("'difference' is that of two declared 'groups', the first minus the second")
        if self.group is None and self.exposed is not None:
            raise ValueError("'exposed' says who is in each column of 'group', which is not there")
        return self


class Line(Strict):
    """One curve: a time-to-event parameter; for an incidence, which CNSR is the event (0: the event of interest)."""

    parameter: str
    label: str = ""
    cause: int = 0


class Marker(Strict):
    """A mark on the lanes of a swimmer plot: where the event of a parameter, or a date of ADSL, lies."""

    label: str
    parameter: str | None = None
    date: str | None = None

    @model_validator(mode="after")
    def _one(self) -> Marker:
        if (self.parameter is None) == (self.date is None):
            raise ValueError("a marker names either a 'parameter' or a 'date' of ADSL")
        return self


class Figure(Strict):
    """A figure. `per` is how many units of AVAL (or days) make one unit of the axis; `until` ends the axis, in its units.

    Kaplan-Meier, cumulative incidence and engraftment draw `curves`; the first two also by the levels of `group`. A swimmer
    plot draws a lane from `start` to `end` (dates of ADSL) for each subject, with `markers`.
    """

    figure: str = Field(pattern=r"^[A-Za-z0-9_-]{1,32}$")
    title: str
    kind: Kind
    population: str | None = None
    population_label: str = ""
    group: str | None = None
    groups: tuple[str, ...] = ()
    curves: tuple[Line, ...] = ()
    start: str | None = None
    end: str | None = None
    markers: tuple[Marker, ...] = ()
    per: float = Field(default=1.0, gt=0)
    unit: str = "Days"
    until: float | None = Field(default=None, gt=0)
    step: float | None = Field(default=None, gt=0)
    level: float = Field(default=0.95, gt=0, lt=1)
    footnotes: tuple[str, ...] = ()
    reason: Reason = "SPECIFIED IN SAP"
    purpose: Purpose = "EXPLORATORY OUTCOME MEASURE"

    @model_validator(mode="after")
    def _whole(self) -> Figure:
        if self.kind == "swimmer" and (self.start is None or self.end is None):
            raise ValueError("a swimmer plot needs 'start' and 'end', dates of ADSL")
        if self.kind != "swimmer" and not self.curves:
            raise ValueError(f"'kind: {self.kind}' needs 'curves'")
        return self


Display = Table | Figure


def display_name(display: Display) -> str:
    """Return the name of a display, that of its files."""
    return display.table if isinstance(display, Table) else display.figure


def read_displays(folder: Path, shown: str = "results") -> list[tuple[Display, Document]]:
    """Read all specifications of a folder, by file name. Raises MistakesError with the mistakes of all files."""
    mistakes = MistakeCollector()
    found: list[tuple[Display, Document]] = []
    for path in sorted(folder.glob("*.yaml")):
        try:
            document = read_yaml(path, f"{shown}/{path.name}")
            is_figure = isinstance(document.data, dict) and "figure" in document.data
            display: Display = parse_model(document, Figure) if is_figure else parse_model(document, Table)
            found.append((display, document))
        except MistakesError as error:
            mistakes.extend(error.mistakes)
    if not found and not mistakes:
        mistakes.add(shown, None, "", "there is no results file", "write one YAML file for each table or figure")
    seen: dict[str, str] = {}
    for display, document in found:
        twin = seen.setdefault(display_name(display), document.name)
        if twin != document.name:
            mistakes.add(document.name, 1, display_name(display), f"the name is already taken in {twin}")
    mistakes.raise_if_any()
    return found
