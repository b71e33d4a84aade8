"""Analysis Results Metadata (ARM 1.0 for Define-XML 2.1): which result comes from which datasets, by which statistic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cdiscway.define.model import (
    AnalysisDataset,
    AnalysisDatasets,
    AnalysisResult,
    AnalysisResultDisplays,
    AnalysisVariable,
    Documentation,
    PlainText,
    ProgrammingCode,
    RangeCheck,
    ResultDisplay,
    WhereClauseDef,
    WhereClauseRef,
    describe,
)

from .analysis_data import TIME_DATASET, row_dataset
from .difference import METHODS
from .spec import TIMED, Display, Exposed, Line, Row, Table, display_name, read_displays

Variables = Mapping[str, Sequence[str]]
WORDS = {
    "summary": "Number, mean, standard deviation, median, quartiles (type 7), minimum and maximum",
    "count": "Number and percentage of records",
    "categories": "Number and percentage of records by value",
    "survival": "Kaplan-Meier estimate with a log(-log) interval",
    "survival_time": "Median by Kaplan-Meier with limits from the log(-log) band",
    "incidence": "Cumulative incidence with a log(-log) interval, variance of Aalen",
    "kaplan_meier": "Kaplan-Meier curve with a log(-log) band and numbers at risk",
    "cumulative_incidence": "Cumulative incidence with a log(-log) band (variance of Aalen) and numbers at risk",
    "engraftment": "Cumulative incidence of recovery with a log(-log) band (variance of Aalen) and numbers at risk",
    "swimmer": "Course of each subject from the first to the last date",
}


@dataclass(frozen=True)
class _Analysis:
    """One result: what it is, from which dataset and parameter, which variables, in words and as written."""

    label: str
    dataset: str
    parameter: str | None
    variables: tuple[str, ...]
    words: str
    code: str


def results_metadata(
    folder: Path, datasets: Variables
) -> tuple[AnalysisResultDisplays | None, tuple[WhereClauseDef, ...]]:
    """Return the metadata of all specifications in a folder, and the conditions it refers to; nothing where there are none.

    `datasets` are the variables of each dataset of the package: what it does not hold is left out. Raises MistakesError.
    """
    if not any(folder.glob("*.yaml")):
        return None, ()
    conditions: dict[str, WhereClauseDef] = {}
    displays = [_display(display, datasets, conditions) for display, _ in read_displays(folder)]
    return AnalysisResultDisplays(displays=tuple(displays)), tuple(conditions[oid] for oid in sorted(conditions))


def _display(display: Display, datasets: Variables, conditions: dict[str, WhereClauseDef]) -> ResultDisplay:
    name = display_name(display)
    results = [
        _result(f"AR.{name}.{number}", analysis, display, datasets, conditions)
        for number, analysis in enumerate(_analyses(display), start=1)
        if analysis.dataset in datasets
    ]
    return ResultDisplay(oid=f"RD.{name}", name=name, description=describe(display.title), results=tuple(results))


def _analyses(display: Display) -> Iterator[_Analysis]:
    if isinstance(display, Table):
        yield from (_of_row(display, row) for row in display.rows)
        return
    code = display.model_dump_json(exclude_defaults=True)
    if display.kind == "swimmer":
        dates = tuple(name for name in (display.start, display.end) if name)
        yield _Analysis(display.title, "ADSL", None, dates, WORDS[display.kind], code)
    yield from (_of_curve(line, display.kind, code) for line in display.curves)


def _of_curve(line: Line, kind: str, code: str) -> _Analysis:
    return _Analysis(line.label or line.parameter, TIME_DATASET, line.parameter, ("AVAL", "CNSR"), WORDS[kind], code)


def _of_row(table: Table, row: Row) -> _Analysis:
    words = WORDS.get(row.statistic) or f"Number, percentage and its interval ({row.interval})"
    told = [words, *(f"{name}: {text}" for name, text in (("records", row.where), ("counted", row.counted)) if text)]
    told += [f"at {row.at:g}"] if row.at is not None else []
    told += ["each subject counted once"] if row.subjects else []
    told += [f"by {row.nested} within {row.variable}"] if row.nested else []
    told += [_columns(table.group, table.exposed)] if table.exposed is not None else []
    told += [f"groups of {table.group} compared by {row.test.replace('_', ' ')}"] if row.test else []
    told += [f"difference of {' - '.join(table.groups)}, {METHODS[row.difference]}"] if row.difference else []
    by_record = table.group if table.exposed is not None else None
    named = ("AVAL", "CNSR") if row.statistic in TIMED else (row.variable, row.nested)
    variables = tuple(name for name in (*named, by_record) if name)
    code = row.model_dump_json(exclude_defaults=True, exclude={"published", "note"})
    return _Analysis(row.label.strip(), row_dataset(table, row), row.parameter, variables, "; ".join(told), code)


def _columns(group: str | None, exposed: Exposed) -> str:
    where = f" with {exposed.where}" if exposed.where else ""
    return f"by {group} of the records, of the subjects with its value in {exposed.dataset}.{', '.join(exposed.variables)}{where}"


def _result(
    oid: str, analysis: _Analysis, display: Display, datasets: Variables, conditions: dict[str, WhereClauseDef]
) -> AnalysisResult:
    population = f"Subjects of ADSL with {display.population}. " if display.population else ""
    has_parameter = "PARAMCD" in datasets[analysis.dataset]
    return AnalysisResult(
        oid=oid,
        parameter_oid=f"IT.{analysis.dataset}.PARAMCD" if has_parameter else None,
        reason=display.reason,
        purpose=display.purpose,
        description=describe(analysis.label),
        datasets=AnalysisDatasets(datasets=(_dataset(analysis, datasets, conditions),)),
        documentation=Documentation(description=describe(f"{population}{analysis.words}.")),
        code=ProgrammingCode(context="cdiscway results", code=PlainText(text=analysis.code)),
    )


def _dataset(analysis: _Analysis, datasets: Variables, conditions: dict[str, WhereClauseDef]) -> AnalysisDataset:
    where: tuple[WhereClauseRef, ...] = ()
    if analysis.parameter is not None:
        oid = f"WC.RESULT.{analysis.dataset}.{analysis.parameter}"
        item = f"IT.{analysis.dataset}.PARAMCD"
        check = RangeCheck(
            comparator="EQ", soft_hard="Soft", item_oid=item, values=(PlainText(text=analysis.parameter),)
        )
        conditions[oid] = WhereClauseDef(oid=oid, checks=(check,))
        where = (WhereClauseRef(where_clause_oid=oid),)
    used = [name for name in analysis.variables if name in datasets[analysis.dataset]]
    return AnalysisDataset(
        item_group_oid=f"IG.{analysis.dataset}",
        where=where,
        variables=tuple(AnalysisVariable(item_oid=f"IT.{analysis.dataset}.{name}") for name in used),
    )
