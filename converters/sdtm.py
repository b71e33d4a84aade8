"""Station 3: raw rows become domain records, by the plan; each record keeps its source."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from cdiscway.specs.load import Way
from cdiscway.specs.model import VariableSpec

from .algorithms import columns
from .algorithms.assign import ColumnRule
from .algorithms.base import Context, RuleBase, Table
from .algorithms.findings import Collected, StandardResults, standard_results
from .algorithms.numbers import read_numbers
from .algorithms.terms import recode_to_terms
from .dataset import Provenance
from .dataset_variables import domain_prefix
from .mapping import Comment, Each, Records, Supplemental, TestRow
from .plan import BlockPlan, DatasetPlan
from .tables import StudyTables, identifiers, no_sources, stack_sources
from .visit_rows import visit_rows

Columns = dict[str, pd.Series]
UNTICKED = frozenset({"0", "n", "no", "non", "false", "faux", "unchecked", "-", "nd", "nk", "na", "unk", "inconnu"})
"""What stands in the column of a box that is not ticked (small letters); other texts are told."""


@dataclass
class Qualifier:
    """One supplemental qualifier of a mapped dataset: its value per record."""

    definition: Supplemental
    values: pd.Series
    provenance: Provenance


@dataclass
class Remark:
    """One comment on the records of a mapped dataset: its text and date per record."""

    definition: Comment
    values: pd.Series
    dates: pd.Series | None
    provenance: Provenance


@dataclass
class Mapped:
    """A dataset after mapping: the variables the mapping sets, not yet typed, ordered or numbered."""

    plan: DatasetPlan
    frame: pd.DataFrame
    sources: pd.DataFrame
    qualifiers: dict[str, Qualifier] = field(default_factory=dict)
    provenance: dict[str, Provenance] = field(default_factory=dict)
    value_provenance: dict[tuple[str, str, str], Provenance] = field(default_factory=dict)
    remarks: list[Remark] = field(default_factory=list)


@dataclass
class Block:
    """The records of one block, before the blocks of a dataset are put below each other."""

    columns: Columns
    sources: pd.DataFrame
    qualifiers: Columns = field(default_factory=dict)
    remarks: list[Remark] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.sources)


def map_dataset(plan: DatasetPlan, tables: StudyTables) -> Mapped:
    """Map one dataset: every block of its mapping, in order. What is wrong with the data goes to the reporter."""
    mapper = Mapper(plan, tables)
    blocks = [block for part in plan.blocks for block in mapper.map_block(part)]
    if not blocks:
        return Mapped(plan, pd.DataFrame(index=pd.RangeIndex(0)), no_sources(0))
    return mapper.stack([block for block in blocks if len(block)] or blocks)


class Mapper:
    """Maps the blocks of one dataset, and remembers where its variables come from."""

    def __init__(self, plan: DatasetPlan, tables: StudyTables) -> None:
        self.plan = plan
        self.tables = tables
        self.provenance: dict[str, list[Provenance]] = {}
        self.by_value: dict[tuple[str, str, str], Provenance] = {}
        self.definitions: dict[str, tuple[Supplemental, Provenance]] = {}

    def map_block(self, part: BlockPlan) -> list[Block]:
        """Map one block: its rows, working columns, tests and variables."""
        records, way = part.records, ("records", part.place)
        if records.rows:
            return [self._map_written(row, records, (*way, "rows", place)) for place, row in enumerate(records.rows)]
        context = self.context(self.rows(records))
        for name, rule in records.let.items():
            context.values[name] = rule.evaluate(context)
        common: dict[str, RuleBase] = self._visit_rules() if records.visits else {}
        common |= {name: rule for name, rule in records.set.items() if name not in part.per_test}
        self.set_variables(common, context, records)
        self._qualify(records, context)
        later = {name: rule for name, rule in records.set.items() if name in part.per_test}
        if records.each:
            made = [self._map_each(item, later, context, records) for item in records.each]
            return [self.finish_block(inner, records, (*way, "each", place)) for place, inner in enumerate(made)]
        if not records.tests:
            return [self.finish_block(context, records, way)]
        made = [self._map_test(test, later, context, records) for test in records.tests]
        return [self.finish_block(inner, records, (*way, "tests", place)) for place, inner in enumerate(made)]

    def _visit_rules(self) -> dict[str, RuleBase]:
        """Return the rules of a block of visits, for what it does not set itself."""
        prefix = domain_prefix(self.plan.spec)
        names = {"VISIT": "VISIT", f"{prefix}STDTC": "START", f"{prefix}ENDTC": "END"}
        return {name: ColumnRule(column=column) for name, column in names.items() if name in self.plan.variables}

    def _map_written(self, row: Mapping[str, RuleBase], records: Records, way: Way) -> Block:
        """Map one record that is written in the mapping itself (trial summary and other trial design)."""
        context = self.context(Table(records.key, pd.DataFrame(index=pd.RangeIndex(1)), no_sources(1)))
        self.set_variables({**records.set, **row}, context, records)
        return self.finish_block(context, records, way)

    def rows(self, records: Records) -> Table:
        """Return the rows of a block, of a form or a dataset: joined and filtered."""
        table = (
            visit_rows(records.visits, self.tables, self.plan.name)
            if records.visits
            else self.tables.table(records.key)
        )
        for join in records.join:
            table = self.tables.join(table, join, self.plan.name)
        if records.when is None:
            return table
        keep = self._bare(table).mask(records.when)
        return table.select(np.flatnonzero(keep))

    def _bare(self, table: Table) -> Context:
        return self.tables.context(table, self.plan.name, self.tables.plan.terminology)

    def context(self, table: Table) -> Context:
        """Return the context of a block's rows, with the identifiers of study and subject."""
        context = self._bare(table)
        if table.key[0] == "form":
            context.values.update(identifiers(context))
        elif table.key[0] == "rows":
            context.values["STUDYID"] = columns.constant(context.study.file.study, len(table))
        return context

    def set_variables(self, rules: Mapping[str, RuleBase], context: Context, records: Records) -> None:
        """Evaluate the rules in their order; each may use the variables set before it."""
        for name, rule in rules.items():
            context.values[name] = self._value(name, rule, context)
            provenance = through_working_columns(rule.provenance(records.key), records)
            own = {one for one in self.plan.variables if one in context.values and one not in context.table.frame}
            self.provenance.setdefault(name, []).append(of_own_variables(provenance, records, self.plan.name, own))

    def _value(self, name: str, rule: RuleBase, context: Context) -> pd.Series:
        """Evaluate one rule for its variable: coded by the variable's codelist, a number where one is asked for."""
        variable = self.plan.variables[name]
        context.target = variable
        made = rule.evaluate(context)
        context.rule = rule
        column = to_variable(made, variable, context)
        context.target = context.rule = None
        return column

    def _qualify(self, records: Records, context: Context) -> None:
        for name, qualifier in records.supplemental.items():
            context.values[f"--{name}"] = columns.as_text(qualifier.value.evaluate(context))
            provenance = through_working_columns(qualifier.value.provenance(records.key), records)
            if qualifier.origin is not None:
                provenance = Provenance(qualifier.origin, provenance.source, "", provenance.forms, provenance.columns)
            self.definitions.setdefault(name, (qualifier, provenance))

    def _map_each(self, item: Each, later: Mapping[str, RuleBase], context: Context, records: Records) -> Context:
        """Map one of the several records that a raw row makes."""
        keep = context.mask(item.when)
        if item.checked is not None:
            keep &= self._checked(item.checked, context)
        inner = self._rows_of(np.flatnonzero(keep), context)
        self.set_variables({**item.set, **later}, inner, records)
        return inner

    @staticmethod
    def _checked(name: str, context: Context) -> np.ndarray:
        """Return where the box in a column is ticked, by the words of the study."""
        codes, texts = columns.distinct(columns.as_text(context.column(name)))
        ticked = [text in context.study.file.words.checked for text in texts]
        for place, text in enumerate(texts):
            if not ticked[place] and text.casefold() not in UNTICKED:
                message = (
                    "is no word for a box that is ticked, and none for one that is not: name it under 'words: checked'"
                )
                context.report_value(codes == place, name, text, "CDW-MAP-RECODE", message, severity="warning")
        return np.asarray(np.append(np.array(ticked, dtype=bool), False)[codes])

    @staticmethod
    def _rows_of(positions: np.ndarray, context: Context) -> Context:
        """Return the context of some rows only, with what was set for them so far."""
        inner = context.inside(context.table.select(positions))
        inner.values = {name: columns.take(column, positions) for name, column in context.values.items()}
        return inner

    def _map_test(self, test: TestRow, later: Mapping[str, RuleBase], context: Context, records: Records) -> Context:
        """Map one row of the table of tests: one record for each raw row with a result, or that says not done."""
        result, not_done = self._result(test, context)
        keep = ~columns.missing(result) | not_done
        if test.when is not None:
            keep &= context.mask(test.when)
        positions = np.flatnonzero(keep)
        inner = self._rows_of(positions, context)
        self.set_variables(test.set, inner, records)
        result, not_done = columns.take(result, positions), not_done[positions]
        prefix = domain_prefix(self.plan.spec)
        made = standard_results(
            self._collected(test, result, not_done, inner), test, prefix, inner, self.plan.variables
        )
        inner.values.update(self._named(made, prefix))
        self._note_results(test, inner, prefix, records, made)
        if not_done.any():
            self._set_not_done(test, not_done, inner, prefix, records)
        self.set_variables(later, inner, records)
        return inner

    @staticmethod
    def _result(test: TestRow, context: Context) -> tuple[pd.Series, np.ndarray]:
        """Return the results, and where the test was not done: by its condition, or by a word of the study."""
        result = columns.as_text(test.result.evaluate(context))
        not_done = np.zeros(len(context), dtype=bool)
        if test.not_done is not None:
            said_so = context.mask(test.not_done)
            not_done = said_so & columns.missing(result)
            message = f"'{test.not_done}' says that the test was not done, but there is a result, which stays"
            context.report_rows(said_so & ~not_done, "CDW-MAP-RESULT", message, "warning", fix_in="raw")
        words = context.study.file.words.not_done
        if words:
            codes, texts = columns.distinct(result)
            said = np.append(np.array([text in words for text in texts], dtype=bool), False)[codes]
            result = columns.from_codes(codes, [None if text in words else text for text in texts])
            not_done = not_done | said
        return result, not_done

    def _collected(self, test: TestRow, result: pd.Series, not_done: np.ndarray, context: Context) -> Collected:
        """Return result, unit and reference range as they were collected, row by row."""
        unit = None if test.unit is None else self._value_of_unit(test.unit, context)
        if unit is not None and not_done.any():
            unit = columns.choose([~not_done], [unit], len(context))
        limits = [None if rule is None else columns.as_text(rule.evaluate(context)) for rule in (test.low, test.high)]
        range_unit = None if test.range_unit is None else self._value_of_unit(test.range_unit, context)
        return Collected(result, unit, limits[0], limits[1], range_unit)

    def _set_not_done(
        self, test: TestRow, not_done: np.ndarray, context: Context, prefix: str, records: Records
    ) -> None:
        """Set --STAT, and --REASND where the mapping names a reason."""
        stat, reason = f"{prefix}STAT", f"{prefix}REASND"
        if stat in self.plan.variables:
            said = columns.constant("NOT DONE", len(context))
            context.values[stat] = columns.choose([not_done], [said], len(context))
            self.provenance.setdefault(stat, []).append(Provenance("Assigned", "Sponsor"))
        if test.reason is not None and reason in self.plan.variables:
            given = columns.as_text(test.reason.evaluate(context))
            context.values[reason] = columns.choose([not_done], [given], len(context))
            self.provenance.setdefault(reason, []).append(test.reason.provenance(records.key))

    def _value_of_unit(self, rule: RuleBase, context: Context) -> pd.Series:
        with context.about(self.plan.variables.get(f"{domain_prefix(self.plan.spec)}ORRESU")):
            return columns.as_text(rule.evaluate(context))

    @staticmethod
    def _named(made: StandardResults, prefix: str) -> Columns:
        return {f"{prefix}{suffix}": column for suffix, column in made.columns.items()}

    def _note_results(
        self, test: TestRow, context: Context, prefix: str, records: Records, made: StandardResults
    ) -> None:
        """Note where results and units come from, for each test code that occurs."""
        collected = test.result.provenance(records.key)
        unit = Provenance("Assigned", "Sponsor") if test.unit is None else test.unit.provenance(records.key)
        parts = {
            "ORRES": collected,
            "ORRESU": unit,
            "STRESC": Provenance("Derived", "Sponsor", made.method, collected.forms, collected.columns),
            "STRESN": Provenance("Derived", "Sponsor", f"Numeric value of {prefix}STRESC.", collected.forms, ()),
            "STRESU": Provenance("Assigned", "Sponsor", "", unit.forms, unit.columns),
        }
        for suffix in ("ORNRLO", "ORNRHI"):
            rule = test.low if suffix.endswith("LO") else test.high
            if rule is not None:
                parts[suffix] = rule.provenance(records.key)
                standard = f"{prefix}{suffix} converted as the result."
                parts[suffix.replace("OR", "ST", 1)] = Provenance("Derived", "Sponsor", standard, parts[suffix].forms)
        if "NRIND" in made.columns:
            method = f"LOW, NORMAL or HIGH: {prefix}STRESN against {prefix}STNRLO and {prefix}STNRHI."
            parts["NRIND"] = Provenance("Derived", "Sponsor", method)
        _, codes = columns.distinct(columns.drop_unused(columns.as_text(context.values[f"{prefix}TESTCD"])))
        for suffix, provenance in parts.items():
            self.provenance.setdefault(f"{prefix}{suffix}", []).append(provenance)
            for code in codes:
                self.by_value[f"{prefix}{suffix}", f"{prefix}TESTCD", code] = provenance

    def finish_block(self, context: Context, records: Records, way: Way = ()) -> Block:
        """Return the variables that were set (working columns and identifiers stay behind), and the place of the mapping."""
        self._set_partners(context)
        for variable in self.plan.variables.values():
            report_pairs(variable, context)
        wanted = [name for name in self.plan.variables if name in context.values and (name not in records.let)]
        made = {name: context.values[name] for name in wanted}
        if context.table.subject is not None and "USUBJID" in self.plan.variables:
            made["USUBJID"] = context.table.subject
        if "DOMAIN" in self.plan.variables:
            made["DOMAIN"] = columns.constant(self.plan.name, len(context))
        if "STUDYID" in self.plan.variables:
            made["STUDYID"] = columns.constant(context.study.file.study, len(context))
        sources = context.table.sources if context.table.sources is not None else no_sources(len(context))
        place = f"{self.plan.document.name}:{self.plan.document.line(way) or 1}"
        sources = sources.assign(mapping=columns.constant(place, len(context)))
        qualifiers = {name: context.values[f"--{name}"] for name in records.supplemental}
        remarks = [
            Remark(
                comment,
                columns.as_text(comment.value.evaluate(context)),
                None if comment.date is None else columns.as_text(comment.date.evaluate(context)),
                comment.value.provenance(records.key),
            )
            for comment in records.comments
        ]
        return Block(made, sources, qualifiers, remarks)

    def _set_partners(self, context: Context) -> None:
        """Set what follows from another variable: --TEST from --TESTCD, TSPARM from TSPARMCD, VISITNUM from VISIT."""
        prefix = domain_prefix(self.plan.spec)
        for code, name in ((f"{prefix}TESTCD", f"{prefix}TEST"), (f"{prefix}PARMCD", f"{prefix}PARM")):
            if code in context.values and name in self.plan.variables and name not in context.values:
                decodes = decodes_of(self.plan.variables[code], context)
                codes, texts = columns.distinct(columns.as_text(context.values[code]))
                context.values[name] = columns.from_codes(codes, [decodes.get(text) for text in texts])
                self.provenance.setdefault(name, [Provenance("Assigned", "Sponsor")])
        self._set_visit_partners(context)
        self._set_demographics(context)

    def _set_visit_partners(self, context: Context) -> None:
        """Set VISITNUM and VISITDY of a planned VISIT."""
        for name in ("VISITNUM", "VISITDY"):
            if "VISIT" in context.values and name in self.plan.variables and name not in context.values:
                numbers = {visit.VISIT: getattr(visit, name) for visit in context.study.file.visits}
                table = {text: float("nan") if number is None else float(number) for text, number in numbers.items()}
                context.values[name] = number_of_text(context.values["VISIT"], table)
                self.provenance.setdefault(name, [Provenance("Assigned", "Sponsor")])

    def _set_demographics(self, context: Context) -> None:
        """Set DTHFL where there is a date of death, and the names of arms (DM)."""
        arms = {arm.ARMCD: arm.ARM for arm in context.study.file.arms}
        for code, name in (("ARMCD", "ARM"), ("ACTARMCD", "ACTARM")):
            if self.plan.name == "DM" and arms and code in context.values and name not in context.values:
                codes, texts = columns.distinct(columns.as_text(context.values[code]))
                context.values[name] = columns.from_codes(codes, [arms.get(text) for text in texts])
                self.provenance.setdefault(name, [Provenance("Assigned", "Sponsor")])
        if self.plan.name == "DM" and "DTHDTC" in context.values and "DTHFL" not in context.values:
            died = ~columns.missing(context.values["DTHDTC"])
            context.values["DTHFL"] = columns.choose([died], [columns.constant("Y", len(context))], len(context))
            method = "'Y' where there is a date of death."
            self.provenance.setdefault("DTHFL", [Provenance("Derived", "Sponsor", method, columns=("DM.DTHDTC",))])

    def stack(self, blocks: Sequence[Block]) -> Mapped:
        """Put the blocks below each other; a variable that one block does not set is missing there."""
        rows = sum(len(block) for block in blocks)
        names = [name for name in self.plan.variables if any(name in block.columns for block in blocks)]
        frame = pd.DataFrame(
            {name: columns.stack([_part(block.columns, name, len(block)) for block in blocks]) for name in names},
            index=pd.RangeIndex(rows),
        )
        sources = stack_sources([block.sources for block in blocks])
        qualifiers = {
            name: Qualifier(
                definition, columns.stack([_part(block.qualifiers, name, len(block)) for block in blocks]), provenance
            )
            for name, (definition, provenance) in self.definitions.items()
        }
        merged = {name: merge_parts(parts) for name, parts in self.provenance.items()}
        return Mapped(self.plan, frame, sources, qualifiers, merged, self.by_value, self._remarks(blocks))

    @staticmethod
    def _remarks(blocks: Sequence[Block]) -> list[Remark]:
        """Spread the comments of each block over all records; the others have none."""
        rows = sum(len(block) for block in blocks)
        found, start = [], 0
        for block in blocks:
            place = np.full(rows, -1, dtype=np.int64)
            place[start : start + len(block)] = np.arange(len(block))
            start += len(block)
            for remark in block.remarks:
                dates = None if remark.dates is None else columns.take(remark.dates, place)
                found.append(Remark(remark.definition, columns.take(remark.values, place), dates, remark.provenance))
        return found


def through_working_columns(provenance: Provenance, records: Records) -> Provenance:
    """Return a provenance that names what the working columns (`let`) are made of, not the working columns."""
    for name, rule in reversed(records.let.items()):
        full = f"{records.key[1]}.{name}"
        if full not in provenance.columns:
            continue
        inner = rule.provenance(records.key)
        if provenance.predecessor == full or (not provenance.method and provenance.columns == (full,)):
            provenance = inner
            continue
        names = [part for column in provenance.columns for part in (inner.columns if column == full else [column])]
        forms = tuple(dict.fromkeys([*provenance.forms, *inner.forms]))
        said = inner.predecessor or inner.method.rstrip(".") or ", ".join(inner.columns)
        method = provenance.method.replace(full, f"({said})" if " " in said else said)
        provenance = replace(provenance, method=method, forms=forms, columns=tuple(dict.fromkeys(names)))
    return provenance


def of_own_variables(provenance: Provenance, records: Records, dataset: str, own: Collection[str]) -> Provenance:
    """Return a provenance that names a variable set before (`own`) as one of its dataset: ADSL.DTHDT, not DM.DTHDT."""
    kind, source = records.key
    if kind != "dataset":
        return provenance
    pattern = re.compile(rf"(?<![\w.]){re.escape(source)}\.(\w+)")

    def named(text: str) -> str:
        return pattern.sub(lambda found: f"{dataset}.{found[1]}" if found[1] in own else found[0], text)

    return replace(
        provenance,
        method=named(provenance.method),
        predecessor=named(provenance.predecessor),
        columns=tuple(named(column) for column in provenance.columns),
    )


def report_pairs(variable: VariableSpec, context: Context) -> None:
    """Tell the terms of a codelist that does not hold for the record: DSDECOD is COMPLETED, DSCAT a protocol milestone."""
    for other, lists in variable.codelist_by.items():
        if variable.name not in context.values or other not in context.values:
            continue
        pair = [columns.as_text(context.values[name]) for name in (variable.name, other)]
        codes, tuples = columns.distinct_tuples(pair)
        for place, (term, category) in enumerate(tuples):
            codelist = context.terminology.find(lists.get(category or "", ""))
            homes = [found for code in variable.codelists if (found := context.terminology.find(code)) is not None]
            names = [found.name for found in homes if term in found.by_value]
            if term and codelist is not None and names and codelist.name not in names:
                message = f"'{term}' of {variable.name} is a term of {' and '.join(names)}, but {other} is {category}, "
                message += f"which has its terms in {codelist.name}"
                with context.about(variable):
                    context.report_value(codes == place, "", term, "CDW-MAP-TERM", message, kind="pair", whole=True)


def number_of_text(column: pd.Series, table: Mapping[str, float]) -> pd.Series:
    """Return the number that a table gives for each text; NaN for one it does not hold."""

    def numbers(texts: list[str]) -> list[float]:
        return [table.get(text, float("nan")) for text in texts]

    return columns.numbers_of_distinct(column, numbers)


def to_variable(column: pd.Series, variable: VariableSpec, context: Context) -> pd.Series:
    """Fit a column to its variable: terms of its codelist, numbers for Num, text for Char."""
    if variable.type == "Num":
        return column if columns.is_number(column) else read_numbers(column, variable, context)
    text = columns.as_text(column)
    return recode_to_terms(text, variable, context) if variable.codelists else text


def decodes_of(variable: VariableSpec, context: Context) -> dict[str, str]:
    """Return the name of each code of a coded variable (LBTEST of LBTESTCD)."""
    found: dict[str, str] = {}
    for code in variable.codelists:
        codelist = context.terminology.find(code)
        if codelist is not None:
            found = {term.value: term.decode for term in codelist.terms if term.decode} | found
    return found


def _part(parts: Columns, name: str, rows: int) -> pd.Series:
    return parts[name] if name in parts else columns.nothing(rows)


def merge_parts(parts: Sequence[Provenance]) -> Provenance:
    """Return one provenance for a variable that several blocks set."""
    distinct = list(dict.fromkeys(parts))
    if len(distinct) == 1:
        return distinct[0]
    order = ("Collected", "Derived", "Predecessor", "Protocol", "Assigned", "Not Available")
    first = min(distinct, key=lambda part: order.index(part.origin))
    methods = " ".join(dict.fromkeys(part.method for part in distinct if part.method))
    forms = tuple(dict.fromkeys(form for part in distinct for form in part.forms))
    names = tuple(dict.fromkeys(name for part in distinct for name in part.columns))
    return Provenance(first.origin, first.source, methods, forms, names, first.predecessor, first.comment)
