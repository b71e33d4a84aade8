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
from .comparison import UNKNOWN, chi_squared, fisher, kruskal_wallis, log_rank, p_text
from .difference import difference
from .spec import PLACE, TIMED, Exposed, Row, Table
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
WITHIN = " > "
"""Stands between the level of a variable and the level of the nested one below it."""
MOST_DECIMALS = 4
DIFFERENCE_SHOWN = "{difference:1} [{lower:1} to {upper:1}]"


@dataclass(frozen=True)
class Group:
    """A column of a table, or a curve: its name and its subjects (USUBJID).

    `variable` is that of the records which are in it by their own value, where not all records of its subjects are.
    """

    name: str
    subjects: pd.Series
    variable: str | None = None

    def holds(self, records: pd.DataFrame) -> Mask:
        """Tell which records are in it."""
        of_subjects = records["USUBJID"].isin(self.subjects).to_numpy(dtype=bool)
        if (
            self.variable is None or self.variable not in records
        ):  # ADSL: its record is that of every column of the subject
            return of_subjects
        return of_subjects & _equal(as_levels(records[self.variable]), self.name)

    def of(self, records: pd.DataFrame) -> pd.DataFrame:
        """Return the records that are in it."""
        return records[self.holds(records)].reset_index(drop=True)


@dataclass(frozen=True)
class Cell:
    """The numbers of one line of a table in one group, and how they read."""

    group: str
    values: Values
    text: str


@dataclass(frozen=True)
class TableLine:
    """One line of a table: `level` is a level of a categorical variable, `published` what the publication prints.

    `compared` is the test of the groups, the same in every line of its row unless each level is compared on its own.
    `nested` is the level of the nested variable, with which `level` then ends. `no_column` counts records of the population
    that are in no column but the total. `difference` is that of the shares of two groups, with its limits.
    """

    row: Row
    order: int
    level: str
    cells: tuple[Cell, ...]
    published: str | None
    compared: Values | None = None
    nested: str = ""
    no_column: int = 0
    difference: Values | None = None

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

    @property
    def difference_text(self) -> str:
        """The difference of two groups in words, in percentage points; blank where it is not asked for."""
        return "" if self.difference is None else in_words(DIFFERENCE_SHOWN, self.difference)


def _bare(text: str) -> str:
    return text.replace("\u2013", "-").replace(" ", "").replace("%", "")


def table_lines(table: Table, groups: Sequence[Group], data: AnalysisData) -> list[TableLine]:
    """Return the lines of a table, computed from the datasets."""
    return [line for order, row in enumerate(table.rows, start=1) for line in _lines(table, row, order, groups, data)]


def table_groups(table: Table, data: AnalysisData) -> tuple[Group, ...]:
    """Return the columns of a table; the total comes last."""
    subjects = data.subjects(table.population)
    found = (
        groups_of(subjects, table.group, table.groups)
        if table.exposed is None
        else exposed_groups(table, table.exposed, subjects["USUBJID"], data)
    )
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


def exposed_groups(table: Table, exposed: Exposed, subjects: pd.Series, data: AnalysisData) -> list[Group]:
    """Return the groups by a variable of records: in each are the subjects that were exposed to it, some in several."""
    records = data.select(exposed.dataset, exposed.where)
    records = records[records["USUBJID"].isin(subjects)]
    given = pd.concat([as_levels(records[name]) for name in exposed.variables], ignore_index=True)
    who = pd.concat([records["USUBJID"]] * len(exposed.variables), ignore_index=True)
    names = table.groups or sorted(given.dropna().unique().tolist(), key=level_order)
    return [Group(name, subjects[subjects.isin(who[_equal(given, name)])], table.group) for name in names]


def _equal(levels: pd.Series, level: str) -> Mask:
    return (levels == level).to_numpy(dtype=bool, na_value=False)


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
    no_column = 0 if table.exposed is None else _in_no_column(table, records, groups, data)
    if row.statistic == "categories":
        yield from _category_lines(table, row, order, parts, no_column)
        return
    cells = tuple(_cell(group.name, _values(row, group, part, table.level), row) for group, part in parts)
    published = row.published if isinstance(row.published, str) else None
    compared = _compare(table, row, parts)
    apart = None
    if row.difference is not None:
        masks = [parse_condition(row.counted or "").mask(part) for _, part in parts]
        apart = _difference(table, row, parts, masks)
    yield TableLine(row, order, "", cells, published, compared, no_column=no_column, difference=apart)


def _in_no_column(table: Table, records: pd.DataFrame, groups: Sequence[Group], data: AnalysisData) -> int:
    """Return how many records of the population are in no column but the total."""
    left = records["USUBJID"].isin(data.subjects(table.population)["USUBJID"]).to_numpy(dtype=bool)
    for group in groups[:-1] if table.total else groups:
        left = left & ~group.holds(records)
    return int(left.sum())


Parts = Sequence[tuple[Group, pd.DataFrame]]


def _category_lines(table: Table, row: Row, order: int, parts: Parts, no_column: int) -> Iterator[TableLine]:
    told = row.published if isinstance(row.published, dict) else {}
    names = [name for name in (row.variable, row.nested) if name]
    parts = [
        (group, part.assign(**{name: as_levels(part[name]).astype("category") for name in names}))
        for group, part in parts
    ]
    levels, has_missing = _levels(table, row, row.variable or "", parts, row.levels)
    compared = None if row.compares_levels else _compare(table, row, parts, levels)

    def line(level: str, masks: Sequence[Mask], nested: str = "", *, known: bool = True) -> TableLine:
        p = _compare_level(table, row, parts, masks) if row.compares_levels and known else compared
        cells = _counted(row, parts, masks)
        apart = _difference(table, row, parts, masks)
        return TableLine(row, order, level, cells, told.get(level), p, nested, no_column, apart)

    for level in [*levels, *([None] if row.missing is not None or has_missing else [])]:
        label = level if level is not None else row.missing or MISSING
        masks = [_is_level(part, row.variable or "", level) for _, part in parts]
        yield line(label, masks, known=level is not None)
        if row.nested is None:
            continue
        below = [(group, part[mask]) for (group, part), mask in zip(parts, masks, strict=True)]
        inner, lacks = _levels(table, row, row.nested, below, ())
        for nested in [*inner, *([None] if inner and lacks else [])]:
            name = nested if nested is not None else row.missing or MISSING
            both = [m & _is_level(part, row.nested, nested) for m, (_, part) in zip(masks, parts, strict=True)]
            yield line(f"{label}{WITHIN}{name}", both, name, known=nested is not None)


def _is_level(records: pd.DataFrame, variable: str, level: str | None) -> Mask:
    values = records[variable]
    return values.isna().to_numpy(dtype=bool) if level is None else _equal(values, level)


def _levels(table: Table, row: Row, variable: str, parts: Parts, declared: Sequence[str]) -> tuple[list[str], bool]:
    """Return the levels of a variable, the declared ones first, the others by name or by frequency; and whether any is missing.

    The frequency is that over all columns, whether the table shows the total or not.
    """
    whole = pd.concat([part for _, part in (parts[-1:] if table.total else parts)], ignore_index=True)
    values = as_levels(whole[variable])
    found = sorted(values.dropna().unique().tolist(), key=level_order)
    if row.order == "frequency":
        counts = whole["USUBJID"].groupby(values).nunique() if row.subjects else values.value_counts()
        found.sort(key=lambda level: -int(counts[level]))
    return [*declared, *(level for level in found if level not in declared)], bool(values.isna().any())


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
    compared = _compared(table, parts)
    if not compared:
        return dict(UNKNOWN)
    if row.test == "kruskal_wallis":
        return kruskal_wallis([_numbers(part, row) for _, part in compared])
    if row.test == "log_rank":
        curves = [_times(part) for _, part in compared]
        times, cnsr = (np.concatenate([curve[side] for curve in curves]) for side in (0, 1))
        return log_rank(times, cnsr == 0, np.repeat(np.arange(len(curves)), [len(curve[0]) for curve in curves]))
    test = fisher if row.test == "fisher" else chi_squared
    return test([_shares(row, group, part, levels) for group, part in compared])


def _compared(table: Table, parts: Parts) -> list[tuple[Group, pd.DataFrame]]:
    """Return the parts that are compared; none where they share subjects: every test here is one of independent groups."""
    compared = list(parts[:-1] if table.total else parts)
    every = pd.concat([group.subjects for group, _ in compared]) if compared else pd.Series(dtype="str")
    return compared if every.is_unique else []


def _compare_level(table: Table, row: Row, parts: Parts, masks: Sequence[Mask]) -> Values:
    """Return the test of one level: the subjects that are in it against the others of each group."""
    test = fisher if row.test == "fisher" else chi_squared
    return test([[count, total - count] for count, total in _compared_counts(table, row, parts, masks)])


def _compared_counts(table: Table, row: Row, parts: Parts, masks: Sequence[Mask]) -> list[tuple[int, int]]:
    """Return how many of how many are counted in each part that is compared."""
    compared = _compared(table, parts)  # the first parts, or none
    return [_count(row, group, part, mask) for (group, part), mask in zip(compared, masks, strict=False)]


def _difference(table: Table, row: Row, parts: Parts, masks: Sequence[Mask]) -> Values | None:
    """Return the share in the first group minus that in the second; of nothing, NaN, where they share subjects."""
    if row.difference is None:
        return None
    first, second = _compared_counts(table, row, parts, masks) or [(0, 0), (0, 0)]
    return difference(first, second, table.level, row.difference)


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
    text = f"{float(round_values([value], digits)[0]) + 0.0:.{digits}f}"  # + 0.0: no minus before nothing
    return text.rstrip("0").rstrip(".") if decimals is None else text


def ard_frame(table: Table, lines: Sequence[TableLine], data: AnalysisData) -> pd.DataFrame:
    """Return the analysis results data of a table: one number a row; a test of the groups once for what it compares."""
    records: list[tuple[object, ...]] = []
    tested: set[int] = set()
    for line in lines:
        row = line.row
        method = row.statistic if row.statistic != "proportion" else f"proportion, {row.interval}"
        method = method if row.at is None else f"{method} at {number_text(row.at, None)}"
        variable = WITHIN.join(name for name in (row.variable, line.nested and row.nested) if name)
        of_row = (table.table, line.order, row.label, row_dataset(table, row), row.parameter or "", variable)
        of_records = (row.where or row.counted or "", table.population or "", table.group or "")
        for cell in line.cells:
            about = (*of_row, line.level, *of_records, cell.group, method)
            records += [(*about, name, value) for name, value in cell.values.items()]
        if line.compared is not None and (row.compares_levels or line.order not in tested):
            tested.add(line.order)
            about = (*of_row, line.level if row.compares_levels else "", *of_records, "", str(row.test))
            records += [(*about, name, value) for name, value in line.compared.items()]
        if line.difference is not None:
            about = (*of_row, line.level, *of_records, " - ".join(table.groups), f"difference, {row.difference}")
            records += [(*about, name, value) for name, value in line.difference.items()]
    return pd.DataFrame.from_records(records, columns=list(COLUMNS))
