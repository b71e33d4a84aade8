"""Analysis results data (ARD): a long table, one number a row, after the CDISC Analysis Results Standard 1.0."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..algorithms.conditions import parse_condition
from ..algorithms.results import round_values
from .analysis_data import AnalysisData, row_dataset
from .comparison import chi_squared, fisher, kruskal_wallis, log_rank, p_text
from .spec import PLACE, TIMED, Row, Table
from .statistics import Values, proportion, share, summary
from .survival import Curve, cumulative_incidence, kaplan_meier

COLUMNS = (
    *("DISPLAY", "ORDER", "LABEL", "DATASET", "PARAMCD", "VARIABLE", "LEVEL", "WHERE", "POPULATION"),
    *("GROUP", "GROUPVAL", "METHOD", "STAT", "VALUE"),
)
Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
OVERALL = "Total"
MISSING = "Missing"
MOST_DECIMALS = 4


@dataclass(frozen=True)
class Group:
    """A column of a table, or a curve: its name and its subjects (USUBJID)."""

    name: str
    subjects: pd.Series

    def of(self, records: pd.DataFrame) -> pd.DataFrame:
        """Return the records of its subjects."""
        return records[records["USUBJID"].isin(self.subjects)].reset_index(drop=True)


@dataclass(frozen=True)
class Cell:
    """The numbers of one line of a table in one group, and how they read."""

    group: str
    values: Values
    text: str


@dataclass(frozen=True)
class TableLine:
    """One line of a table: `level` is a level of a categorical variable, `published` what the publication prints.

    `compared` is the test of the groups, the same in every line of its row.
    """

    row: Row
    order: int
    level: str
    cells: tuple[Cell, ...]
    published: str | None
    compared: Values | None = None

    @property
    def agreement(self) -> str:
        """Tell whether the published text is the computed one: same, explained or different; blank without one."""
        if self.published is None:
            return ""
        if _bare(self.published) == _bare(self.cells[-1].text):
            return "same"
        return "explained" if self.row.note else "different"

    @property
    def p_text(self) -> str:
        """The p-value in words; blank where the groups are not compared."""
        return "" if self.compared is None else p_text(self.compared["p"])


def _bare(text: str) -> str:
    return text.replace("\u2013", "-").replace(" ", "").replace("%", "")


def table_lines(table: Table, groups: Sequence[Group], data: AnalysisData) -> list[TableLine]:
    """Return the lines of a table, computed from the datasets."""
    return [line for order, row in enumerate(table.rows, start=1) for line in _lines(table, row, order, groups, data)]


def table_groups(table: Table, data: AnalysisData) -> tuple[Group, ...]:
    """Return the columns of a table; the total comes last."""
    subjects = data.subjects(table.population)
    found = groups_of(subjects, table.group, table.groups)
    return (*found, Group(OVERALL, subjects["USUBJID"])) if table.total or not found else tuple(found)


def groups_of(subjects: pd.DataFrame, variable: str | None, levels: Sequence[str]) -> list[Group]:
    """Return the groups by a variable of ADSL: the declared levels, else those that occur, in order; none without a variable."""
    if variable is None:
        return []
    values = as_levels(subjects[variable])
    names = levels or sorted(values.dropna().unique().tolist(), key=level_order)
    return [
        Group(str(name), subjects["USUBJID"][(values == name).to_numpy(dtype=bool, na_value=False)]) for name in names
    ]


def as_levels(values: pd.Series) -> pd.Series:
    """Return values as the texts of levels: numbers as short as they are.

    >>> as_levels(pd.Series([1.0, float("nan"), 2.5])).tolist()
    ['1', nan, '2.5']
    """
    if not pd.api.types.is_numeric_dtype(values):
        return values.astype("str")
    texts = [None if pd.isna(value) else number_text(float(value), None) for value in values]
    return pd.Series(texts, index=values.index, dtype="str")


def level_order(level: str) -> tuple[bool, float, str]:
    """Order levels that are numbers by size, before texts by their signs."""
    try:
        return False, float(level), level
    except ValueError:
        return True, 0.0, level


def _lines(table: Table, row: Row, order: int, groups: Sequence[Group], data: AnalysisData) -> Iterator[TableLine]:
    by_parameter = None if row.parameter is None else f'PARAMCD == "{row.parameter}"'
    records = data.select(row_dataset(table, row), by_parameter, row.where)
    parts = [(group, group.of(records)) for group in groups]
    if row.statistic == "categories":
        yield from _category_lines(table, row, order, parts)
        return
    cells = tuple(_cell(group.name, _values(row, group, part, table.level), row) for group, part in parts)
    published = row.published if isinstance(row.published, str) else None
    yield TableLine(row, order, "", cells, published, _compare(table, row, parts))


Parts = Sequence[tuple[Group, pd.DataFrame]]


def _category_lines(table: Table, row: Row, order: int, parts: Parts) -> Iterator[TableLine]:
    told = row.published if isinstance(row.published, dict) else {}
    values = [as_levels(part[row.variable]) for _, part in parts]
    every = pd.concat(values, ignore_index=True)
    found = sorted(every.dropna().unique().tolist(), key=level_order)
    levels = [*row.levels, *(level for level in found if level not in row.levels)]
    compared = _compare(table, row, parts, levels)
    for level in levels:
        masks = [(value == level).to_numpy(dtype=bool, na_value=False) for value in values]
        yield TableLine(row, order, level, _counted(row, parts, masks), told.get(level), compared)
    if row.missing is not None or every.isna().any():
        label = row.missing or MISSING
        masks = [value.isna().to_numpy() for value in values]
        yield TableLine(row, order, label, _counted(row, parts, masks), told.get(label), compared)


def _counted(row: Row, parts: Parts, masks: Sequence[Mask]) -> tuple[Cell, ...]:
    return tuple(
        _cell(group.name, share(*_count(row, group, part, mask)), row)
        for (group, part), mask in zip(parts, masks, strict=True)
    )


def _count(row: Row, group: Group, part: pd.DataFrame, mask: Mask) -> tuple[int, int]:
    """Return how many are counted, of how many: records, or subjects (each once) of the subjects of the group."""
    if row.subjects:
        return int(part["USUBJID"][mask].nunique()), len(group.subjects)
    return int(mask.sum()), len(part)


def _values(row: Row, group: Group, records: pd.DataFrame, level: float) -> Values:
    if row.statistic == "summary":
        return summary(_numbers(records, row))
    if row.statistic in TIMED:
        return _timed(row, records, level)
    count, total = _count(row, group, records, parse_condition(row.counted or "").mask(records))
    return share(count, total) if row.statistic == "count" else proportion(count, total, level, row.interval)


def _numbers(records: pd.DataFrame, row: Row) -> Floats:
    return records[row.variable].to_numpy(dtype=np.float64, na_value=np.nan)


def _compare(table: Table, row: Row, parts: Parts, levels: Sequence[str] = ()) -> Values | None:
    """Return the test of a row over the groups (not the total): of values, of counts by level, or of times."""
    if row.test is None:
        return None
    compared = [item for item in parts if item[0].name != OVERALL] if table.total else list(parts)
    if row.test == "kruskal_wallis":
        return kruskal_wallis([_numbers(part, row) for _, part in compared])
    if row.test == "log_rank":
        curves = [_times(part) for _, part in compared]
        times, cnsr = (np.concatenate([curve[side] for curve in curves]) for side in (0, 1))
        return log_rank(times, cnsr == 0, np.repeat(np.arange(len(curves)), [len(curve[0]) for curve in curves]))
    test = fisher if row.test == "fisher" else chi_squared
    return test([_shares(row, group, part, levels) for group, part in compared])


def _shares(row: Row, group: Group, part: pd.DataFrame, levels: Sequence[str]) -> list[int]:
    if row.statistic == "categories":
        values = as_levels(part[row.variable])
        masks = [(values == level).to_numpy(dtype=bool, na_value=False) for level in levels]
        return [_count(row, group, part, mask)[0] for mask in masks]
    count, total = _count(row, group, part, parse_condition(row.counted or "").mask(part))
    return [count, total - count]


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
    """Return the analysis results data of a table: one number a row; a test of the groups once for its row."""
    records: list[tuple[object, ...]] = []
    tested: set[int] = set()
    for line in lines:
        row = line.row
        method = row.statistic if row.statistic != "proportion" else f"proportion, {row.interval}"
        method = method if row.at is None else f"{method} at {number_text(row.at, None)}"
        of_row = (table.table, line.order, row.label, row_dataset(table, row), row.parameter or "", row.variable or "")
        of_records = (row.where or row.counted or "", table.population or "", table.group or "")
        for cell in line.cells:
            about = (*of_row, line.level, *of_records, cell.group, method)
            records += [(*about, name, value) for name, value in cell.values.items()]
        if line.compared is not None and line.order not in tested:
            tested.add(line.order)
            about = (*of_row, "", *of_records, "", str(row.test))
            records += [(*about, name, value) for name, value in line.compared.items()]
    return pd.DataFrame.from_records(records, columns=list(COLUMNS))
