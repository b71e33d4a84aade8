"""Analysis results data (ARD): a long table, one number a row, after the CDISC Analysis Results Standard 1.0."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..algorithms.results import round_values
from .analysis_data import AnalysisData, row_dataset
from .spec import PLACE, TIMED, Row, Table
from .statistics import Values, proportion, share, summary
from .survival import Curve, cumulative_incidence, kaplan_meier

COLUMNS = (
    *("DISPLAY", "ORDER", "LABEL", "DATASET", "PARAMCD", "VARIABLE", "LEVEL", "WHERE", "POPULATION"),
    *("GROUP", "GROUPVAL", "METHOD", "STAT", "VALUE"),
)
OVERALL = "Total"
MISSING = "Missing"
MOST_DECIMALS = 4


@dataclass(frozen=True)
class Cell:
    """The numbers of one line of a table in one group, and how they read."""

    group: str
    values: Values
    text: str


@dataclass(frozen=True)
class TableLine:
    """One line of a table: `level` is a level of a categorical variable, `published` what the publication prints."""

    row: Row
    order: int
    level: str
    cells: tuple[Cell, ...]
    published: str | None

    @property
    def agreement(self) -> str:
        """Tell whether the published text is the computed one: same, explained or different; blank without one."""
        if self.published is None:
            return ""
        if _bare(self.published) == _bare(self.cells[-1].text):
            return "same"
        return "explained" if self.row.note else "different"


def _bare(text: str) -> str:
    return text.replace("\u2013", "-").replace(" ", "").replace("%", "")


def table_lines(table: Table, data: AnalysisData) -> list[TableLine]:
    """Return the lines of a table, computed from the datasets."""
    groups = _groups(table, data.subjects(table.population))
    return [line for order, row in enumerate(table.rows, start=1) for line in _lines(table, row, order, groups, data)]


def _groups(table: Table, subjects: pd.DataFrame) -> list[tuple[str, pd.Series]]:
    """Return each group with its subjects (USUBJID); the total comes last."""
    found: list[tuple[str, pd.Series]] = []
    if table.group is not None:
        levels = sorted(str(level) for level in subjects[table.group].dropna().unique())
        found = [(level, subjects["USUBJID"][subjects[table.group] == level]) for level in levels]
    return [*found, (OVERALL, subjects["USUBJID"])] if table.total or not found else found


def _lines(
    table: Table, row: Row, order: int, groups: Sequence[tuple[str, pd.Series]], data: AnalysisData
) -> Iterator[TableLine]:
    by_parameter = None if row.parameter is None else f'PARAMCD == "{row.parameter}"'
    records = data.select(row_dataset(table, row), by_parameter, row.where)
    parts = [(name, records[records["USUBJID"].isin(subjects)]) for name, subjects in groups]
    if row.statistic == "categories":
        yield from _category_lines(row, order, parts)
        return
    cells = tuple(_cell(name, _values(row, part, table.level), row) for name, part in parts)
    yield TableLine(row, order, "", cells, row.published if isinstance(row.published, str) else None)


def _category_lines(row: Row, order: int, parts: Sequence[tuple[str, pd.DataFrame]]) -> Iterator[TableLine]:
    told = row.published if isinstance(row.published, dict) else {}
    everything = parts[-1][1][row.variable]
    found = sorted(str(value) for value in everything.dropna().unique())
    levels = [*row.levels, *(level for level in found if level not in row.levels)]
    for level in levels:
        cells = [_cell(name, share(int((part[row.variable] == level).sum()), len(part)), row) for name, part in parts]
        yield TableLine(row, order, level, tuple(cells), told.get(level))
    if row.missing is not None or everything.isna().any():
        label = row.missing or MISSING
        cells = [_cell(name, share(int(part[row.variable].isna().sum()), len(part)), row) for name, part in parts]
        yield TableLine(row, order, label, tuple(cells), told.get(label))


def _values(row: Row, records: pd.DataFrame, level: float) -> Values:
    if row.statistic == "summary":
        return summary(records[row.variable].to_numpy(dtype=np.float64, na_value=np.nan))
    if row.statistic in TIMED:
        return _timed(row, records, level)
    from ..algorithms.conditions import parse_condition  # noqa: PLC0415 - small, beside its use

    count = int(parse_condition(row.counted or "").mask(records.reset_index(drop=True)).sum())
    return (
        share(count, len(records)) if row.statistic == "count" else proportion(count, len(records), level, row.interval)
    )


def _timed(row: Row, records: pd.DataFrame, level: float) -> Values:
    if row.statistic == "incidence":
        return incidence_curve(records, row.cause, level).at(row.at or 0.0)
    curve = survival_curve(records, level)
    return curve.at(row.at or 0.0) if row.statistic == "survival" else curve.first_at_most(0.5)


def survival_curve(records: pd.DataFrame, level: float = 0.95) -> Curve:
    """Return the Kaplan-Meier curve of records of ADTTE: CNSR 0 is the event."""
    times, cnsr = _times(records)
    return kaplan_meier(times, cnsr == 0, level)


def incidence_curve(records: pd.DataFrame, cause: int = 0, level: float = 0.95) -> Curve:
    """Return the cumulative incidence of one cause: CNSR 0 is the event, 1 the censored, 2 and more are competing events."""
    times, cnsr = _times(records)
    code = np.where(cnsr == 1, 0, np.where(cnsr == 0, 1, cnsr)).astype(np.int64)
    return cumulative_incidence(times, code, 1 if cause == 0 else cause, level)


def _times(records: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    known = records[records["AVAL"].notna() & records["CNSR"].notna()]
    return known["AVAL"].to_numpy(dtype=np.float64), known["CNSR"].to_numpy(dtype=np.float64)


def _cell(group: str, values: Values, row: Row) -> Cell:
    return Cell(group, values, in_words(row.pattern, values))


def in_words(pattern: str, values: Values) -> str:
    """Put numbers into words, rounded half up; what is not known is NE.

    >>> in_words("{median:1} ({min}-{max})", {"median": 62.85, "min": 51.0, "max": 70.5})
    '62.9 (51-70.5)'
    """
    return PLACE.sub(lambda found: number_text(values[found[1]], found[2]), pattern)


def number_text(value: float, decimals: str | None) -> str:
    """Return a number with its decimals, or as short as it is (at most four decimals).

    >>> number_text(15.75, None), number_text(14.0, None), number_text(14.0, "1")
    ('15.75', '14', '14.0')
    """
    if np.isnan(value):
        return "NE"
    digits = MOST_DECIMALS if decimals is None else int(decimals)
    text = f"{float(round_values([value], digits)[0]):.{digits}f}"
    return text.rstrip("0").rstrip(".") if decimals is None else text


def ard_frame(table: Table, lines: Sequence[TableLine], data: AnalysisData) -> pd.DataFrame:
    """Return the analysis results data of a table: one number a row."""
    records = []
    for line in lines:
        row = line.row
        method = row.statistic if row.statistic != "proportion" else f"proportion, {row.interval}"
        about = (
            *(table.table, line.order, row.label, row_dataset(table, row), row.parameter or "", row.variable or ""),
            *(line.level, row.where or row.counted or "", table.population or ""),
        )
        for cell in line.cells:
            place = (
                table.group or "",
                cell.group,
                method if row.at is None else f"{method} at {number_text(row.at, None)}",
            )
            records += [(*about, *place, name, value) for name, value in cell.values.items()]
    return pd.DataFrame.from_records(records, columns=list(COLUMNS))
