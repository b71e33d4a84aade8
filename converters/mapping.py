"""A mapping file as a model: which raw rows become which records of one dataset.

The words are explained in docs/reference/mapping.md; `plan.py` holds a mapping against the study and the standard.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from cdiscway.specs.model import ObservationClass, Strict, VariableType

from .algorithms.base import TableKey
from .algorithms.results import read_number
from .algorithms.vocabulary import Input, Result
from .dataset import OriginType
from .derivations.summary_records import Statistic


class Join(Strict):
    """Columns of another form, for the rows that agree in the `match` columns (default: the subject).

    A join that multiplies rows is an error, unless `multiplies: true` says that it should.
    """

    form: str
    take: tuple[str, ...] = Field(min_length=1)
    match: tuple[str, ...] = ()
    where: str | None = None
    multiplies: bool = False


def _as_factor(data: Any) -> Any:
    """Return a factor as it was written; raises ValueError for one that is no number above 0."""
    text = str(data) if isinstance(data, int | float) and not isinstance(data, bool) else data
    number = read_number(text) if isinstance(text, str) and "," not in text else None
    if number is None or not float(number) > 0:
        raise ValueError(f"'{data}' is no factor: a number above 0 with a decimal point (88.4)")
    return number


class WithCapitals(Strict):
    """A line on which names in capitals are variables that it sets (`{VSTESTCD: PULSE, result: PULS}`)."""

    @model_validator(mode="before")
    @classmethod
    def _variables_in_capitals(cls, data: Any) -> Any:
        return gather_capitals(data)


class TestRow(WithCapitals):
    """One row of a Findings table of tests: one record for each raw row with a result.

    `result` is the column of the result, `unit` its unit (a constant, or `{column: ...}`). `standard_unit` is the unit of
    --STRESN (default: the standard one of the test, where study.yaml says `units: si` or `conventional`), `decimals` the
    rounding of a converted result, `factor` a conversion the study declares. `decimal` is the mark of this column where it is
    another than the study's (`any`: both occur, and a text that could be read in two ways is a finding). `low` and `high` are
    the reference range, in `range_unit` (default: the unit of the result); they are converted with the result, and --NRIND
    follows. Where the condition `not_done` holds, a record says NOT DONE, with `reason`. Names in capitals set variables for
    this test alone.
    """

    __test__ = False

    result: Input
    unit: Result | None = None
    standard_unit: str | None = None
    decimals: int | None = Field(default=None, ge=0, le=15)
    factor: Annotated[str, BeforeValidator(_as_factor, json_schema_input_type=str | float)] | None = None
    decimal: Literal[".", ",", "any"] | None = None
    low: Input | None = None
    high: Input | None = None
    range_unit: Result | None = None
    not_done: str | None = None
    reason: Input | None = None
    when: str | None = None
    set: dict[str, Result] = Field(default_factory=dict)


class Each(WithCapitals):
    """One of several records that each raw row makes: where `when` holds, or the box in column `checked` is ticked.

    Without either every row makes it. Names in capitals set variables for these records alone.
    """

    when: str | None = None
    checked: str | None = None
    set: dict[str, Result] = Field(default_factory=dict)


class Comment(Strict):
    """A comment on the records of a block: a record of CO that points to each record with a text in `from`."""

    value: Input = Field(alias="from")
    date: Input | None = None
    reference: str | None = None


class VisitSource(Strict):
    """Where visits took place: rows of a `form` or a built `dataset` with a `visit` and a `date` (defaults: VISIT and
    the --DTC of a dataset)."""  # noqa: D205, D209

    form: str | None = None
    dataset: str | None = None
    visit: Input | None = None
    date: Input | None = None
    when: str | None = None

    @model_validator(mode="after")
    def _whole(self) -> VisitSource:
        if (self.form is None) == (self.dataset is None):
            raise ValueError("a source of visits names either a 'form' or a 'dataset'")
        if self.form is not None and (self.visit is None or self.date is None):
            raise ValueError("a form as a source of visits needs 'visit' and 'date'")
        return self

    @property
    def key(self) -> TableKey:
        """The table of the source."""
        return ("form", self.form) if self.form is not None else ("dataset", self.dataset or "")


class RelationSide(Strict):
    """One side of a relation: a dataset, the variable `by` whose equal values belong together, and which records."""

    dataset: str
    by: str
    where: str | None = None
    reltype: Literal["ONE", "MANY"] | None = None


class Relation(Strict):
    """A relation of two or more datasets in RELREC (SDTMIG 3.4, 8.2 and 8.3).

    `between` lists the sides. With `reltype` on every side it is a relation of whole datasets by the variables `by` (one
    record for each side); without, the records of a subject with the same value are related one group at a time, by --SEQ.
    """

    relid: str
    between: tuple[RelationSide, ...] = Field(min_length=2)

    @model_validator(mode="after")
    def _one_form(self) -> Relation:
        if len({side.reltype is None for side in self.between}) > 1:
            raise ValueError("'reltype' stands on every side (datasets are related) or on none (records are)")
        return self

    @property
    def of_datasets(self) -> bool:
        """Whether whole datasets are related."""
        return self.between[0].reltype is not None


class Supplemental(Strict):
    """One supplemental qualifier: QNAM is the key of the table, `label` QLABEL, `from` the value."""

    label: str = Field(max_length=40)
    value: Input = Field(alias="from")
    origin: OriginType | None = None
    evaluator: str = ""


class Excluding(Strict):
    """Events that must not lie around a recovery: none from `before` days before its first day to `after` days after."""

    dataset: str
    date: str
    where: str | None = None
    before: int = Field(default=0, ge=0)
    after: int = Field(default=0, ge=0)


class RecoveryRule(Strict):
    """The first of `days` consecutive days on which `holds` is true (neutrophil or platelet recovery).

    `missing_day` says what a day without a record does (breaks, holds, skipped), `same_day` whether all records of a day
    must hold, or any.
    """

    holds: str
    days: int = Field(ge=1)
    missing_day: Literal["breaks", "holds", "skipped"] = "breaks"
    same_day: Literal["all", "any"] = "all"
    excluding: Excluding | None = None


class EventSource(Strict):
    """Where an event, or a censoring, of a time-to-event parameter is found.

    One candidate per record of `dataset` where `where` holds, at its `date` (SAS days or ISO 8601); with `recovery` only the
    first day of the recovery. Variables in capitals (EVNTDESC, CNSDTDSC, CNSR) are set from the source that is chosen.
    """

    dataset: str
    date: str
    where: str | None = None
    recovery: RecoveryRule | None = None
    description: str = Field(default="", alias="EVNTDESC")
    date_description: str = Field(default="", alias="CNSDTDSC")
    censoring: int | None = Field(default=None, alias="CNSR", ge=0)


class TimeToEvent(WithCapitals):
    """One time-to-event parameter: the earliest event, else the censoring (ADaM BDS for Time-to-Event Analyses 1.0).

    `start` is the variable of the time origin. AVAL is ADT - STARTDT in days, plus 1 with `first_day: 1`. The latest censoring
    counts; `stops` end the observation before (a new therapy).
    """

    start: str
    events: tuple[EventSource, ...] = Field(min_length=1)
    censorings: tuple[EventSource, ...] = Field(min_length=1)
    stops: tuple[EventSource, ...] = ()
    first_day: int = Field(default=0, ge=0, le=1)
    when: str | None = None
    set: dict[str, Result] = Field(default_factory=dict)


ABOVE: TableKey = ("rows", "the records above")
"""The table of a block that is made of the records above it."""


class ParameterValue(Strict):
    """One parameter of the records above: PARAMCD is `parameter`, its value that of `value`, found by the variables in `by`.

    `by` is that of the computed parameter unless given: a height measured once has `by: []`.
    """

    parameter: str
    by: tuple[str, ...] | None = None
    value: str = "AVAL"


def _as_parameter(data: Any) -> Any:
    return {"parameter": data} if isinstance(data, str) else data


class Computed(Strict):
    """Rows for a parameter that is computed from others: one for each subject and `by` of the records above.

    `values` names the parameters it is made of, as columns for `when`, `let` and `set`. `where` says which records count.
    """

    by: tuple[str, ...] = ()
    values: dict[
        str, Annotated[ParameterValue, BeforeValidator(_as_parameter, json_schema_input_type=ParameterValue | str)]
    ] = Field(min_length=1)
    where: str | None = None


class Summarized(Strict):
    """Rows that sum up the records above: one for each subject and `by`, with a statistic of each variable in `values`."""

    by: tuple[str, ...] = Field(min_length=1)
    values: dict[str, Statistic] = Field(min_length=1)
    where: str | None = None


class Carried(Strict):
    """Rows for visits that a subject lacks: the last record above of an earlier visit, by the windows named in `visits`.

    `by` says what is carried by itself (PARAMCD), `order` which record of a visit is the last, `where` which count. The record
    is copied under AVISIT and AVISITN of the visit, without the variables in `drop`.
    """

    by: tuple[str, ...] = ("PARAMCD",)
    visits: str
    order: tuple[str, ...] = Field(min_length=1)
    where: str | None = None
    drop: tuple[str, ...] = ("ASEQ", "ABLFL", "ANL01FL", "AWTARGET", "AWTDIFF", "AWLO", "AWHI", "AWU", "AWRANGE")


class Records(Strict):
    """One block: its rows come from a raw `form`, a built `dataset`, from `visits` (one row for each subject and visit,
    with the columns VISIT, START and END), or are written here (`rows`). In an analysis dataset they may be made of the
    records above: `computed`, `summarized`, `carried`.

    Order of work: `join`, `when` (rows that count), `let` (working columns), `set`, `supplemental`, then `tests` or `each`.
    """  # noqa: D205

    form: str | None = None
    dataset: str | None = None
    rows: tuple[dict[str, Result], ...] = ()
    visits: tuple[VisitSource, ...] = ()
    computed: Computed | None = None
    summarized: Summarized | None = None
    carried: Carried | None = None
    join: tuple[Join, ...] = ()
    when: str | None = None
    let: dict[str, Input] = Field(default_factory=dict)
    tests: tuple[TestRow, ...] = ()
    each: tuple[Each, ...] = ()
    time_to_event: tuple[TimeToEvent, ...] = ()
    set: dict[str, Result] = Field(default_factory=dict)
    supplemental: dict[str, Supplemental] = Field(default_factory=dict)
    comments: tuple[Comment, ...] = ()

    @model_validator(mode="after")
    def _one_source(self) -> Records:
        given = (self.form is not None, self.dataset is not None, bool(self.rows), bool(self.visits), self.is_derived)
        if sum(given) != 1:
            words = "'form', 'dataset', 'visits', 'rows', 'computed', 'summarized' and 'carried'"
            raise ValueError(f"records come from one of {words}")
        if self.tests and self.each:
            raise ValueError("a block has either 'tests' or 'each'; write a second block")
        return self

    @property
    def key(self) -> TableKey:
        """The table the rows come from."""
        if self.form is not None:
            return ("form", self.form)
        if self.dataset is not None:
            return ("dataset", self.dataset)
        if self.is_derived:
            return ABOVE
        return ("rows", "visits") if self.visits else ("rows", "mapping")

    @property
    def is_derived(self) -> bool:
        """Whether the rows are made of the records above."""
        return any(part is not None for part in (self.computed, self.summarized, self.carried))


class Baseline(Strict):
    """The flag of the last result before first exposure (RFXSTDTC), within subject and test (and the variables in `by`).

    A record of the day of first exposure counts as before where both have a time and it is earlier, or where `same_day` holds
    (`VISIT == "BASELINE"`). Records of the same moment are all flagged, or with `ties` only the last by those variables.
    """

    flag: str
    same_day: str | None = None
    by: tuple[str, ...] = ()
    ties: tuple[str, ...] = ()


def _as_flag(data: Any) -> Any:
    return {"flag": data} if isinstance(data, str) else data


class OwnVariable(Strict):
    """A variable that the standard leaves to the study (ADaM), or whose label the study words."""

    label: str = Field(max_length=40)
    type: VariableType = "Char"
    display_format: str = ""
    codelists: tuple[str, ...] = ()


class DatasetMapping(Strict):
    """One mapping file: one SDTM `domain` or one ADaM `dataset`.

    `label` and `class` are only for datasets that the standard does not hold. `sort` is the order of records and --SEQ (default:
    the keys of the standard). `omit` names variables that would come by themselves and are not wanted. `baseline` is the flag
    variable (`LBLOBXFL`, or `{flag: LBLOBXFL, same_day: ...}`) of the last result before first exposure. RELREC has
    `relations` where the others have `records`. An analysis dataset has `set` for variables over all its records together.
    """

    domain: str | None = None
    dataset: str | None = None
    label: str | None = None
    observation_class: ObservationClass | None = Field(default=None, alias="class")
    structure: str | None = None
    keys: tuple[str, ...] = ()
    sort: tuple[str, ...] = ()
    omit: tuple[str, ...] = ()
    baseline: Annotated[Baseline, BeforeValidator(_as_flag, json_schema_input_type=Baseline | str)] | None = None
    variables: dict[str, OwnVariable] = Field(default_factory=dict)
    records: tuple[Records, ...] = ()
    relations: tuple[Relation, ...] = ()
    set: dict[str, Result] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_name(self) -> DatasetMapping:
        if (self.domain is None) == (self.dataset is None):
            raise ValueError("a mapping names either a 'domain' (SDTM) or a 'dataset' (ADaM)")
        if bool(self.relations) != (self.domain == "RELREC"):
            raise ValueError("RELREC, and no other dataset, is made of 'relations'")
        if self.domain is not None and (self.set or any(records.is_derived for records in self.records)):
            raise ValueError("'set' beside 'records', 'computed', 'summarized' and 'carried' are for analysis datasets")
        if not self.records and not self.relations:
            raise ValueError("a mapping has 'records'")
        return self

    @property
    def name(self) -> str:
        """The name of the dataset that is made."""
        return self.domain or self.dataset or ""

    @property
    def is_analysis(self) -> bool:
        """Whether it is an ADaM dataset."""
        return self.dataset is not None


def gather_capitals(data: Any) -> Any:
    """Move keys in capitals (variables) into `set`, so that the others are checked as words of the language."""
    if not isinstance(data, dict):
        return data
    own = {key: value for key, value in data.items() if isinstance(key, str) and key.isupper()}
    return {**{key: value for key, value in data.items() if key not in own}, "set": own | data.get("set", {})}
