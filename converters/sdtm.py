"""Station 3: raw rows become domain records, by the plan; each record keeps its source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cdiscway.specs.model import VariableSpec

from .algorithms import columns
from .algorithms.base import Context, RuleBase, Table
from .algorithms.findings import StandardResults, standard_results
from .algorithms.numbers import read_numbers
from .algorithms.terms import recode_to_terms
from .dataset import Provenance
from .mapping import Records, Supplemental, TestRow
from .plan import BlockPlan, DatasetPlan, domain_prefix
from .tables import StudyTables, identifiers, no_sources, stack_sources

Columns = dict[str, pd.Series]


@dataclass
class Qualifier:
    """One supplemental qualifier of a mapped dataset: its value per record."""

    definition: Supplemental
    values: pd.Series
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


@dataclass
class Block:
    """The records of one block, before the blocks of a dataset are put below each other."""

    columns: Columns
    sources: pd.DataFrame
    qualifiers: Columns = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.sources)


def map_dataset(plan: DatasetPlan, tables: StudyTables) -> Mapped:
    """Map one dataset: every block of its mapping, in order. What is wrong with the data goes to the reporter."""
    mapper = Mapper(plan, tables)
    blocks = [block for part in plan.blocks for block in mapper.map_block(part)]
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
        records = part.records
        if records.rows:
            return [self._map_written(row, records) for row in records.rows]
        context = self.context(self.rows(records))
        for name, rule in records.let.items():
            context.values[name] = rule.evaluate(context)
        common = {name: rule for name, rule in records.set.items() if name not in part.per_test}
        self.set_variables(common, context, records)
        self._qualify(records, context)
        if not records.tests:
            return [self.finish_block(context, records)]
        later = {name: rule for name, rule in records.set.items() if name in part.per_test}
        return [self._map_test(test, later, context, records) for test in records.tests]

    def _map_written(self, row: Mapping[str, RuleBase], records: Records) -> Block:
        """Map one record that is written in the mapping itself (trial summary and other trial design)."""
        context = self.context(Table(records.key, pd.DataFrame(index=pd.RangeIndex(1)), no_sources(1)))
        self.set_variables({**records.set, **row}, context, records)
        return self.finish_block(context, records)

    def rows(self, records: Records) -> Table:
        """Return the rows of a block, of a form or a dataset: joined and filtered."""
        table = self.tables.table(records.key)
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
            self.provenance.setdefault(name, []).append(rule.provenance(records.key))

    def _value(self, name: str, rule: RuleBase, context: Context) -> pd.Series:
        """Evaluate one rule for its variable: coded by the variable's codelist, a number where one is asked for."""
        variable = self.plan.variables[name]
        context.target = variable
        column = to_variable(rule.evaluate(context), variable, context)
        context.target = None
        return column

    def _qualify(self, records: Records, context: Context) -> None:
        for name, qualifier in records.supplemental.items():
            context.values[f"--{name}"] = columns.as_text(qualifier.value.evaluate(context))
            provenance = qualifier.value.provenance(records.key)
            if qualifier.origin is not None:
                provenance = Provenance(qualifier.origin, provenance.source, "", provenance.forms, provenance.columns)
            self.definitions.setdefault(name, (qualifier, provenance))

    def _map_test(self, test: TestRow, later: Mapping[str, RuleBase], context: Context, records: Records) -> Block:
        """Map one row of the table of tests: one record for each raw row with a result."""
        result = columns.as_text(test.result.evaluate(context))
        keep = ~columns.missing(result)
        if test.when is not None:
            keep &= context.mask(test.when)
        positions = np.flatnonzero(keep)
        inner = context.inside(context.table.select(positions))
        inner.values = {name: columns.take(column, positions) for name, column in context.values.items()}
        self.set_variables(test.set, inner, records)
        result = columns.take(result, positions)
        unit = None if test.unit is None else self._value_of_unit(test.unit, inner)
        prefix = domain_prefix(self.plan.spec)
        made = standard_results(result, unit, test, prefix, inner, self.plan.variables)
        inner.values.update(self._named(made, prefix))
        self._note_results(test, inner, prefix, records, made)
        self.set_variables(later, inner, records)
        return self.finish_block(inner, records)

    def _value_of_unit(self, rule: RuleBase, context: Context) -> pd.Series:
        context.target = self.plan.variables.get(f"{domain_prefix(self.plan.spec)}ORRESU")
        column = columns.as_text(rule.evaluate(context))
        context.target = None
        return column

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
        _, codes = columns.distinct(columns.drop_unused(columns.as_text(context.values[f"{prefix}TESTCD"])))
        for suffix, provenance in parts.items():
            self.provenance.setdefault(f"{prefix}{suffix}", []).append(provenance)
            for code in codes:
                self.by_value[f"{prefix}{suffix}", f"{prefix}TESTCD", code] = provenance

    def finish_block(self, context: Context, records: Records) -> Block:
        """Return the variables that were set (working columns and identifiers stay behind)."""
        self._set_partners(context)
        wanted = [name for name in self.plan.variables if name in context.values and (name not in records.let)]
        made = {name: context.values[name] for name in wanted}
        if context.table.subject is not None and "USUBJID" in self.plan.variables:
            made["USUBJID"] = context.table.subject
        if "DOMAIN" in self.plan.variables:
            made["DOMAIN"] = columns.constant(self.plan.name, len(context))
        if "STUDYID" in self.plan.variables:
            made["STUDYID"] = columns.constant(context.study.file.study, len(context))
        sources = context.table.sources if context.table.sources is not None else no_sources(len(context))
        qualifiers = {name: context.values[f"--{name}"] for name in records.supplemental}
        return Block(made, sources, qualifiers)

    def _set_partners(self, context: Context) -> None:
        """Set what follows from another variable: --TEST from --TESTCD, TSPARM from TSPARMCD, VISITNUM from VISIT."""
        prefix = domain_prefix(self.plan.spec)
        for code, name in ((f"{prefix}TESTCD", f"{prefix}TEST"), (f"{prefix}PARMCD", f"{prefix}PARM")):
            if code in context.values and name in self.plan.variables and name not in context.values:
                decodes = decodes_of(self.plan.variables[code], context)
                codes, texts = columns.distinct(columns.as_text(context.values[code]))
                context.values[name] = columns.from_codes(codes, [decodes.get(text) for text in texts])
                self.provenance.setdefault(name, [Provenance("Assigned", "Sponsor")])
        if "VISIT" in context.values and "VISITNUM" in self.plan.variables and "VISITNUM" not in context.values:
            numbers = {visit.VISIT: visit.VISITNUM for visit in context.study.file.visits}
            context.values["VISITNUM"] = columns.numbers_of_distinct(
                context.values["VISIT"], lambda texts: [numbers.get(text, float("nan")) for text in texts]
            )
            self.provenance.setdefault("VISITNUM", [Provenance("Assigned", "Sponsor")])

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
        merged = {name: _merge(parts) for name, parts in self.provenance.items()}
        return Mapped(self.plan, frame, sources, qualifiers, merged, self.by_value)


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
        try:
            terms = context.terminology.codelist(code).terms
        except KeyError:
            continue
        found = {term.value: term.decode for term in terms if term.decode} | found
    return found


def _part(parts: Columns, name: str, rows: int) -> pd.Series:
    return parts[name] if name in parts else columns.nothing(rows)


def _merge(parts: Sequence[Provenance]) -> Provenance:
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
