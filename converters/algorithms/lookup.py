"""A value from other rows: of another form, or of a dataset built before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from pydantic import model_validator

from cdiscway.converters.dataset import Provenance
from cdiscway.converters.derivations.keys import ranks
from cdiscway.specs.load import Way

from . import columns
from .assign import check_condition, describe, evaluate_condition
from .base import Context, RuleBase, Scope, Table, TableKey
from .ordering import order_of, undecided
from .results import number_of

if TYPE_CHECKING:
    from .vocabulary import Input

Pick = Literal["only", "first", "last", "min", "max", "count", "sum"]


class LookupRule(RuleBase):
    """`{lookup: DATGREF, form: GREFFE, pick: first, order: [DATGREF]}`: a value of the same subject's rows elsewhere.

    The other rows stand in `form` (raw) or `dataset` (built before). `where` filters them; `match` names the columns that must
    agree (default: the subject; `match: {THERE: HERE}` where the names differ; `match: none` takes all rows). `pick` says which
    row counts: only (the default: more than one is a finding), first or last by `order`, min or max of the value, their count or
    sum.
    """

    lookup: Input | None = None
    form: str | None = None
    dataset: str | None = None
    where: str | None = None
    match: dict[str, str] | tuple[str, ...] | Literal["subject", "none"] = "subject"
    order: tuple[str, ...] = ()
    pick: Pick = "only"

    @model_validator(mode="after")
    def _whole(self) -> LookupRule:
        if (self.form is None) == (self.dataset is None):
            raise ValueError("a lookup names either a 'form' or a 'dataset'")
        if self.pick in {"first", "last"} and not self.order:
            raise ValueError(f"'pick: {self.pick}' needs 'order', the columns that decide")
        if self.lookup is None and self.pick != "count":
            raise ValueError("a lookup names the column it takes (only 'pick: count' needs none)")
        return self

    @property
    def key(self) -> TableKey:
        """The table that is looked into."""
        return ("form", self.form) if self.form is not None else ("dataset", self.dataset or "")

    @property
    def pairs(self) -> dict[str, str]:
        """The columns that must agree: there -> here; empty for the subject."""
        if isinstance(self.match, dict):
            return self.match
        return {} if isinstance(self.match, str) else {name: name for name in self.match}

    def check(self, scope: Scope, way: Way) -> None:
        """The other table and its columns must be there."""
        place = (*way, "form" if self.form is not None else "dataset")
        other = scope.other(self.key, place)
        for here in self.pairs.values():
            scope.use(here, (*way, "match"))
        if other is None:
            return
        if self.lookup is not None:
            self.lookup.check(other, (*way, "lookup"))
        if self.where is not None:
            check_condition(other, self.where, (*way, "where"))
        for name in [*self.pairs, *self.order]:
            other.use(name, (*way, "order" if name in self.order else "match"))

    def evaluate(self, context: Context) -> pd.Series:
        """Return the value found for each row; missing where there is none."""
        there = context.inside(context.tables.table(self.key))
        if self.where is not None:
            keep = evaluate_condition(there, self.where)
            there = context.inside(there.table.select(np.flatnonzero(keep)))
        here_codes, there_codes = self._keys(context, there)
        self._report_apart(here_codes, there_codes, context)
        if self.pick == "count":
            counts = np.bincount(there_codes[there_codes >= 0], minlength=int(here_codes.max(initial=-1)) + 1)
            return pd.Series(np.where(here_codes >= 0, counts[here_codes], 0).astype(np.float64))
        if self.lookup is None:
            raise ValueError("no column to look up")  # refused by the model
        return self._picked(self.lookup.evaluate(there), here_codes, there_codes, there, context)

    def _report_apart(self, here: np.ndarray, there: np.ndarray, context: Context) -> None:
        """Tell a lookup whose `match` columns have no value in common: 7 is not 007."""
        if self.pairs and (here >= 0).any() and (there >= 0).any() and not np.isin(here[here >= 0], there).any():
            names = ", ".join(f"{name} and {here_name}" for name, here_name in self.pairs.items())
            message = f"the lookup in {self.key[0]} {self.key[1]} finds no row for any record: do the values of {names} agree?"
            context.report_rows(here >= 0, "CDW-MAP-LOOKUP", message, "warning")

    def _keys(self, context: Context, there: Context) -> tuple[np.ndarray, np.ndarray]:
        """Return a code per row of both tables, equal where the rows belong together, -1 where a key is missing."""
        if self.match == "none":
            return np.zeros(len(context), dtype=np.int64), np.zeros(len(there), dtype=np.int64)
        pairs = [(context.column(here), there.column(name)) for name, here in self.pairs.items()]
        if not pairs:
            pairs = [(subject_of(context.table), subject_of(there.table))]
        return matching_codes(pairs)

    def _picked(
        self, value: pd.Series, here: np.ndarray, there: np.ndarray, other: Context, context: Context
    ) -> pd.Series:
        usable = np.flatnonzero((there >= 0) & ~columns.missing(value))
        keys = there[usable]
        if self.pick == "sum":
            self._report_left_out((there >= 0) & columns.missing(value), keys, here, there, context)
            return _summed(self._amounts(value, other).to_numpy(dtype=np.float64)[usable], keys, here)
        orders = [value] if self.pick in {"min", "max"} else [other.column(name) for name in self.order]
        names = [] if self.pick in {"min", "max"} else list(self.order)
        told = [self._ranked(order, name, usable, other) for order, name in zip(orders, names or [""], strict=False)]
        by = [ranks(value)[usable], *reversed(told if self.pick != "only" else [])]
        placed = usable[np.lexsort([*by, keys])]
        if self.pick in {"last", "max"}:
            placed = placed[::-1]
        if self.pick == "only":
            self._report_several(value, keys, usable, here, context)
        elif len(placed):
            self._report_undecided(value, orders[0], told, placed, (usable, keys, here), context)
        first = np.full(max(int(here.max(initial=-1)), int(keys.max(initial=-1))) + 2, -1)
        owners, at = np.unique(there[placed], return_index=True)
        first[owners] = placed[at]
        return columns.take(value, np.where(here >= 0, first[here], -1))

    def _report_left_out(
        self, lost: np.ndarray, keys: np.ndarray, here: np.ndarray, there: np.ndarray, context: Context
    ) -> None:
        """Tell the rows whose sum is of some of its rows only: a dose without its end is not in the total."""
        partial = np.isin(here, np.intersect1d(there[lost], keys)) & (here >= 0)
        message = f"'pick: sum' adds up rows of {self.key[0]} {self.key[1]}, and leaves out rows without a value; "
        message += "say in 'where' which rows count"
        context.report_rows(partial, "CDW-MAP-LOOKUP", message, "warning")

    def _amounts(self, value: pd.Series, other: Context) -> pd.Series:
        """Return the numbers of a sum; a text that is no number is a finding."""
        if columns.is_number(value):
            return value
        codes, texts = columns.distinct(value)
        numbers = [number_of(text, other.decimal) for text in texts]
        for place, (text, number) in enumerate(zip(texts, numbers, strict=True)):
            if np.isnan(number):
                name = describe(self.lookup, self.key) if self.lookup is not None else ""
                message = f"cannot be read as a number (decimal mark '{other.decimal}')"
                other.report_value(codes == place, name, text, "CDW-MAP-NUMBER", message, kind="number")
        return columns.numbers_of_distinct(value, lambda _: numbers)

    def _ranked(self, order: pd.Series, name: str, usable: np.ndarray, other: Context) -> np.ndarray:
        """Return the rank of each usable row: numbers by size, also where they are text; the rest by code point."""
        if columns.is_number(order):
            return np.asarray(ranks(order)[usable])
        used = columns.drop_unused(columns.take(columns.as_text(order), usable))
        _, texts = columns.distinct(used)
        how = order_of(texts, other.decimal)
        if how == "numbers":
            found = [number_of(text, other.decimal) for text in texts]
            return ranks(columns.numbers_of_distinct(used, lambda _: found))
        if how == "unsure" and len(texts) > 1:
            what = name or (describe(self.lookup, self.key) if self.lookup is not None else "")
            message = f"'pick: {self.pick}' puts {what} of {self.key[0]} {self.key[1]} in order letter by letter; "
            message += "read it as a date or a number first"
            rows = np.zeros(len(other), dtype=bool)
            rows[usable] = True
            other.report_rows(rows, "CDW-MAP-LOOKUP", message, "warning", column=what)
        return ranks(used)

    def _report_undecided(
        self,
        value: pd.Series,
        order: pd.Series,
        told: Sequence[np.ndarray],
        placed: np.ndarray,
        rows: tuple[np.ndarray, np.ndarray, np.ndarray],
        context: Context,
    ) -> None:
        """Tell the rows whose choice rests on a day that is not known, or on no order at all: alike, with other values."""
        usable, keys, here = rows
        owners, at = np.unique(keys, return_inverse=True)
        chosen = np.empty(len(owners), dtype=np.int64)
        chosen[np.searchsorted(owners, self._keys_of(placed, usable, keys))[::-1]] = placed[::-1]
        best = chosen[at]
        differs = ranks(value)[usable] != ranks(value)[best]
        what = "the value" if self.pick in {"min", "max"} else ", ".join(self.order)
        if not columns.is_number(order):
            open_ = differs & undecided(columns.take(order, usable), columns.take(order, best))
            message = f"'pick: {self.pick}' from {self.key[0]} {self.key[1]} rests on partial dates that cannot be put in order"
            context.report_rows(np.isin(here, keys[open_]), "CDW-MAP-PARTIAL", message, "warning")
        if self.pick in {"first", "last"}:
            position = np.searchsorted(usable, best)
            tied = differs & np.logical_and.reduce([rank == rank[position] for rank in told])
            message = (
                f"'pick: {self.pick}' finds rows of {self.key[0]} {self.key[1]} that are alike in {what}, with several "
            )
            message += "values: the least or greatest is taken; name a column in 'order' that tells them apart"
            context.report_rows(np.isin(here, keys[tied]), "CDW-MAP-LOOKUP", message, "warning")

    @staticmethod
    def _keys_of(placed: np.ndarray, usable: np.ndarray, keys: np.ndarray) -> np.ndarray:
        return np.asarray(keys[np.searchsorted(usable, placed)])

    def _report_several(
        self, value: pd.Series, keys: np.ndarray, usable: np.ndarray, here: np.ndarray, context: Context
    ) -> None:
        """A lookup that finds several different values is a finding: the least value is taken, and said."""
        codes = ranks(value)[usable]
        low = np.full(int(keys.max(initial=-1)) + 1, np.iinfo(np.int64).max)
        high = np.full(len(low), -1)
        np.minimum.at(low, keys, codes)
        np.maximum.at(high, keys, codes)
        several = np.flatnonzero(high > low)
        rows = np.isin(here, several)
        what = describe(self.lookup, self.key) if self.lookup is not None else "records"
        message = f"the lookup of {what} finds several values in {self.key[0]} {self.key[1]}; say with 'pick' which one counts"
        context.report_rows(rows, "CDW-MAP-LOOKUP", message)

    def provenance(self, table: TableKey) -> Provenance:
        """Collected from another form, or derived from a dataset."""
        inner = Provenance("Derived") if self.lookup is None else self.lookup.provenance(self.key)
        words = {
            "only": "",
            "first": "First ",
            "last": "Last ",
            "min": "Earliest or least ",
            "max": "Latest or greatest ",
        }
        what = describe(self.lookup, self.key) if self.lookup is not None else "records"
        name = what if "." in what else f"{self.key[1]}.{what}"
        where = f" where {self.where}" if self.where else ""
        by = f" by {', '.join(self.order)}" if self.order else ""
        said = {"count": "Number of records, ", "sum": "Sum of "}.get(self.pick) or words[self.pick]
        method = f"{said}{name}{where}{by}."
        if self.key[0] == "form" and inner.origin == "Collected" and self.pick != "count":
            return Provenance(self.origin or "Collected", "Investigator", "", inner.forms, inner.columns)
        if self.key[0] == "dataset" and self.pick == "only" and self.where is None and inner.predecessor:
            return Provenance(self.origin or "Predecessor", None, "", (), inner.columns, inner.predecessor)
        forms = (self.key[1],) if self.key[0] == "form" else ()
        return Provenance(self.origin or "Derived", "Sponsor", method, forms, inner.columns)


def matching_codes(pairs: Sequence[tuple[pd.Series, pd.Series]]) -> tuple[np.ndarray, np.ndarray]:
    """Return a code per row of two tables, equal where they agree in every pair of columns, -1 where one is missing."""
    rows = len(pairs[0][0])
    both = [columns.stack([columns.as_text(here), columns.as_text(there)]) for here, there in pairs]
    codes = columns.distinct(both[0])[0] if len(both) == 1 else columns.distinct_tuples(both)[0]
    codes = np.where(np.logical_or.reduce([columns.missing(column) for column in both]), -1, codes)
    return codes[:rows], codes[rows:]


def subject_of(table: Table) -> pd.Series:
    """Return USUBJID per row of a table."""
    if table.subject is None:
        raise ValueError(f"{table.key[0]} {table.key[1]} has no subjects")
    return table.subject


def _summed(amounts: np.ndarray, keys: np.ndarray, here: np.ndarray) -> pd.Series:
    """Return the sum of the amounts (NaN counts for nothing) of each row's key; missing where there is none."""
    known = ~np.isnan(amounts)
    amounts, keys = amounts[known], keys[known]
    order = np.argsort(amounts, kind="stable")  # the order of the rows must not change the last digit of a sum
    totals = np.bincount(keys[order], weights=amounts[order], minlength=int(here.max(initial=-1)) + 1)
    seen = np.bincount(keys, minlength=len(totals)) > 0
    table = np.append(np.where(seen, totals, np.nan), np.nan)
    return pd.Series(table[np.where((here >= 0) & (here < len(totals)), here, -1)])
