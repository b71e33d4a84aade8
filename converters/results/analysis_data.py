"""The analysis datasets that results are computed from: read from the transport files of a build, and narrowed to subjects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from cdiscway.specs.load import Document, Way, show_way
from cdiscway.specs.mistakes import Mistake, MistakeCollector, MistakesError, nearest

from ..algorithms.conditions import ExpressionError, parse_condition
from ..readers import xpt
from .spec import TIMED, Display, Figure, Row, Table

TIME_DATASET = "ADTTE"


@dataclass
class AnalysisData:
    """The datasets of a folder of transport files; each is read once, when it is asked for."""

    folder: Path
    shown: str = "build/adam"
    _frames: dict[str, pd.DataFrame] = field(default_factory=dict)

    @property
    def files(self) -> Mapping[str, Path]:
        """The transport file of each dataset."""
        return {path.stem.upper(): path for path in sorted(self.folder.glob("*.xpt"))}

    @property
    def used(self) -> list[str]:
        """The datasets that were read."""
        return sorted(self._frames)

    def frame(self, name: str) -> pd.DataFrame:
        """Return a dataset. Raises MistakesError where there is none."""
        if name not in self._frames:
            if name not in self.files:
                hint = nearest(name, self.files) or "build the study first"
                raise MistakesError([Mistake(self.shown, None, "", f"holds no dataset {name}", hint)])
            self._frames[name] = xpt.read(self.files[name])[0]
        return self._frames[name]

    def select(self, name: str, *conditions: str | None) -> pd.DataFrame:
        """Return the records of a dataset for which every condition holds."""
        frame = self.frame(name)
        keep = np.ones(len(frame), dtype=bool)
        for text in conditions:
            if text is not None:
                keep &= parse_condition(text).mask(frame)
        return frame[keep]

    def subjects(self, population: str | None) -> pd.DataFrame:
        """Return the records of ADSL in a population."""
        return self.select("ADSL", population)


def check_displays(displays: list[tuple[Display, Document]], data: AnalysisData) -> None:
    """Hold every dataset, variable and condition of the specifications against the files. Raises MistakesError."""
    mistakes = MistakeCollector()
    for display, document in displays:
        checker = _Checker(document, data, mistakes)
        if isinstance(display, Table):
            checker.table(display)
        else:
            checker.figure(display)
    mistakes.raise_if_any()


@dataclass
class _Checker:
    document: Document
    data: AnalysisData
    mistakes: MistakeCollector

    def add(self, way: Way, message: str, hint: str = "") -> None:
        self.mistakes.add(self.document.name, self.document.line(way), show_way(way), message, hint)

    def names(self, dataset: str, way: Way) -> list[str]:
        try:
            return [str(name) for name in self.data.frame(dataset).columns]
        except MistakesError as error:
            for mistake in error.mistakes:
                self.add(way, f"{mistake.file} {mistake.message}", mistake.hint)
            return []

    def variable(self, dataset: str, name: str | None, way: Way) -> None:
        names = self.names(dataset, way)
        if name is not None and names and name not in names:
            self.add(way, f"{dataset} has no variable '{name}'", nearest(name, names))

    def condition(self, dataset: str, text: str | None, way: Way) -> None:
        names = self.names(dataset, way)
        if text is None or not names:
            return
        try:
            parse_condition(text, known=names)
        except ExpressionError as error:
            self.add(way, str(error))

    def parameter(self, dataset: str, code: str | None, way: Way) -> None:
        if code is None or "PARAMCD" not in self.names(dataset, way):
            return
        known = sorted(self.data.frame(dataset)["PARAMCD"].dropna().unique().tolist())
        if code not in known:
            self.add(way, f"{dataset} has no parameter '{code}'", nearest(code, known) or f"it has {', '.join(known)}")

    def table(self, table: Table) -> None:
        self.condition("ADSL", table.population, ("population",))
        self.group(table)
        for place, row in enumerate(table.rows):
            self.row(row, row_dataset(table, row), ("rows", place))

    def group(self, table: Table) -> None:
        if table.exposed is None:
            self.variable("ADSL", table.group, ("group",))
            return
        for dataset in sorted({row_dataset(table, row) for row in table.rows} - {"ADSL"}):
            self.variable(dataset, table.group, ("group",))
        for place, name in enumerate(table.exposed.variables):
            self.variable(table.exposed.dataset, name, ("exposed", "variables", place))
        self.condition(table.exposed.dataset, table.exposed.where, ("exposed", "where"))

    def row(self, row: Row, dataset: str, way: Way) -> None:
        self.variable(dataset, row.variable, (*way, "variable"))
        self.variable(dataset, row.nested, (*way, "nested"))
        self.condition(dataset, row.where, (*way, "where"))
        self.condition(dataset, row.counted, (*way, "counted"))
        self.parameter(dataset, row.parameter, (*way, "parameter"))

    def figure(self, figure: Figure) -> None:
        self.condition("ADSL", figure.population, ("population",))
        for word in ("group", "start", "end"):
            self.variable("ADSL", getattr(figure, word), (word,))
        for place, curve in enumerate(figure.curves):
            self.parameter(TIME_DATASET, curve.parameter, ("curves", place, "parameter"))
        for place, marker in enumerate(figure.markers):
            self.parameter(TIME_DATASET, marker.parameter, ("markers", place, "parameter"))
            self.variable("ADSL", marker.date, ("markers", place, "date"))


def row_dataset(table: Table, row: Row) -> str:
    """Return the dataset of a row: its own, that of time-to-event data, or that of the table."""
    if row.dataset is not None:
        return row.dataset
    return TIME_DATASET if row.statistic in TIMED or row.parameter is not None else table.dataset
