"""A named derivation: of the closed library below, or a function of the study's own derivations.py."""

from __future__ import annotations

import ast
import importlib.util
import inspect
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field

from cdiscway.converters.dataset import Provenance
from cdiscway.converters.derivations.age import possible_days
from cdiscway.converters.derivations.keys import Mask
from cdiscway.converters.derivations.treatment_emergent import Span
from cdiscway.specs.load import Way
from cdiscway.specs.mistakes import nearest

from . import columns
from .assign import check_condition, describe
from .base import Context, RuleBase, Scope, TableKey
from .iso8601 import date_days
from .library import LIBRARY, Groups
from .lookup import subject_of
from .results import number_of

if TYPE_CHECKING:
    from .vocabulary import Input

Scalar = str | int | float | bool
OWN_FILE = "derivations.py"


class DeriveRule(RuleBase):
    """`{derive: age, with: {birth: BRTHDTC, at: RFICDTC}}`: a named derivation, of the library or of derivations.py.

    `with` gives its inputs by name, `options` its settings. A function of the study's derivations.py takes pandas Series of
    text (or numbers, where the input yields numbers) and returns one value for each; its docstring becomes the method.
    `first`, `last`, `worst`, `nearest`, `base`, `cumulative` and `sequence` take the records of a subject together: `by`
    divides them further (PARAMCD), `order` says which comes first, `where` which of them count.
    """

    derive: str
    given: dict[str, Input] = Field(default_factory=dict, alias="with")
    options: dict[str, Scalar | tuple[Scalar, ...]] = Field(default_factory=dict)
    by: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    where: str | None = None

    def check(self, scope: Scope, way: Way) -> None:
        """The name must be known, and its inputs given."""
        with scope.without_target():
            for name, rule in self.given.items():
                rule.check(scope, (*way, "with", name))
        known = dict(LIBRARY_INPUTS) | {name: inputs for name, (inputs, _) in scope.functions.items()}
        if self.derive not in known:
            message = f"there is no derivation '{self.derive}', neither built in nor in {OWN_FILE}"
            scope.add((*way, "derive"), message, nearest(self.derive, known) or f"known are {', '.join(known)}")
            return
        optional = LIBRARY[self.derive].optional if self.derive in LIBRARY else ()
        for name in known[self.derive]:
            if name not in self.given and name not in optional:
                scope.add((*way, "with"), f"derivation '{self.derive}' needs '{name}'", "")
        allowed = LIBRARY[self.derive].options if self.derive in LIBRARY else None
        for name in self.given:
            if name not in known[self.derive]:
                hint = nearest(name, known[self.derive])
                scope.add((*way, "with", name), f"derivation '{self.derive}' has no input '{name}'", hint)
        for name in self.options:
            if allowed is not None and name not in allowed:
                hint = nearest(name, allowed)
                scope.add((*way, "options", name), f"derivation '{self.derive}' has no option '{name}'", hint)
        self._check_groups(scope, way)
        for name in allowed or ():
            self._check_option(name, scope, way)

    def _check_groups(self, scope: Scope, way: Way) -> None:
        """The words of groups go with the derivations that take records together; `first` and `last` need an order."""
        grouped = self.derive in LIBRARY and LIBRARY[self.derive].grouped
        for word, given in (("by", self.by), ("order", self.order), ("where", self.where)):
            if given and not grouped:
                scope.add((*way, word), f"derivation '{self.derive}' has no '{word}'", "")
        needed = "where" if self.derive == "base" else "order"
        if grouped and not getattr(self, needed):
            scope.add(way, f"derivation '{self.derive}' needs '{needed}'", "")
        for name in (*self.by, *self.order):
            scope.use(name, (*way, "by" if name in self.by else "order"))
        if self.where is not None:
            check_condition(scope, self.where, (*way, "where"))

    def _groups(self, context: Context) -> Groups:
        among = context.mask(self.where)
        subject = columns.as_text(subject_of(context.table))

        def report(rows: Mask, message: str) -> None:
            context.report_rows(rows, "CDW-MAP-DERIVE", message)

        by = [subject, *(context.column(name) for name in self.by)]
        return Groups(by, [context.column(name) for name in self.order], among, report)

    def _grouping(self) -> str:
        said = [f"for each subject{''.join(f' and {name}' for name in self.by)}"]
        said += [f"by {', '.join(self.order)}"] if self.order else []
        return ", ".join([*said, *([f"of records where {self.where}"] if self.where else [])])

    def _check_option(self, name: str, scope: Scope, way: Way) -> None:
        """An option without a default must be given, and one of a few words must be one of them."""
        function = LIBRARY[self.derive].function
        words = get_args(get_type_hints(function)[name]) if name in self.options else ()
        if name in self.options and words and all(isinstance(word, str) for word in words):
            if self.options[name] not in words:
                hint = nearest(str(self.options[name]), words)
                message = f"'{name}' is {' or '.join(words)}, not '{self.options[name]}'"
                scope.add((*way, "options", name), message, hint)
        elif (
            name not in self.options and inspect.signature(function).parameters[name].default is inspect.Parameter.empty
        ):
            scope.add((*way, "options"), f"derivation '{self.derive}' needs the option '{name}'", "")

    def evaluate(self, context: Context) -> pd.Series:
        """Return what the function yields; an error in a study's own function is an error finding."""
        parts = {name: rule.evaluate(context) for name, rule in self.given.items()}
        if self.derive in LIBRARY:
            kinds = LIBRARY[self.derive].inputs
            groups = [self._groups(context)] if LIBRARY[self.derive].grouped else []
            inputs = {name: as_kind(part, kinds[name], context) for name, part in parts.items()}
            made = LIBRARY[self.derive].function(*groups, **inputs, **self.options)
            return made if isinstance(made, pd.Series) else pd.Series(np.asarray(made, dtype=np.float64))
        try:
            return call_own(own_function(context.study.folder, self.derive), parts, self.options, len(context))
        except Exception as error:
            message = f"'{self.derive}' of {OWN_FILE} failed: {type(error).__name__}: {error}"
            context.report_rows(np.ones(len(context), dtype=bool), "CDW-MAP-DERIVE", message)
            return columns.nothing(len(context))

    def provenance(self, table: TableKey) -> Provenance:
        """Derived, with the sentence of the derivation."""
        words = {name: describe(rule, table) for name, rule in self.given.items()}
        if self.derive in LIBRARY:
            method = LIBRARY[self.derive].method.format(**words)
            more = [f"{name} {words[name]}" for name in LIBRARY[self.derive].optional if name in words]
            method = f"{method[:-1]}, with {', '.join(more)}." if more else method
            if LIBRARY[self.derive].grouped:
                method = f"{method[:-1]}, {self._grouping()}."
        else:
            method = f"{self.derive} of {', '.join(words.values())} ({OWN_FILE})."
        options = ", ".join(
            f"{name} {', '.join(map(str, value)) if isinstance(value, tuple) else value}"
            for name, value in self.options.items()
        )
        method += f" With {options}." if options else ""
        return self.derived(method, [rule.provenance(table) for rule in self.given.values()])


LIBRARY_INPUTS: dict[str, tuple[str, ...]] = {name: tuple(item.inputs) for name, item in LIBRARY.items()}


def as_kind(column: pd.Series, kind: str, context: Context) -> Any:
    """Return an input as its derivation takes it.

    `date` and `text` are text, `value` is the column as it is, `days` SAS days, `span` the first and last SAS day that a
    date may stand for, `yes` true where the text is Y, `number` numbers.
    """
    if kind == "value":
        return column
    if kind in {"date", "text"}:
        return columns.as_text(column)
    if kind == "yes":
        return np.asarray(columns.as_text(column).astype("str") == "Y", dtype=np.bool_)
    if columns.is_number(column):
        numbers = column.to_numpy(dtype=np.float64)
        return Span(numbers, numbers) if kind == "span" else numbers
    text = columns.as_text(column)
    if kind == "span":
        return Span(*possible_days(text))
    return date_days(text) if kind == "days" else _as_numbers(text, context)


def _as_numbers(text: pd.Series, context: Context) -> npt.NDArray[np.float64]:
    """Return text as numbers; a text that is none is missing, and a finding."""
    codes, texts = columns.distinct(columns.drop_unused(text))
    for place, item in enumerate(texts):
        if np.isnan(number_of(item, context.decimal)):
            message = "is used as a number in a derivation and is none"
            context.report_value(
                codes == place,
                context.reads("a text"),
                item,
                "CDW-MAP-NUMBER",
                message,
                severity="warning",
                kind="number",
            )
    read = columns.numbers_of_distinct(text, lambda texts: [number_of(item, context.decimal) for item in texts])
    return read.to_numpy(dtype=np.float64)


def own_signatures(folder: Path) -> dict[str, tuple[tuple[str, ...], str]]:
    """Return the functions of derivations.py: name -> (inputs without a default, docstring); nothing is run.

    Raises SyntaxError where the file is no Python.
    """
    path = folder / OWN_FILE
    if not path.is_file():
        return {}
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=OWN_FILE)
    found = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            names = [item.arg for item in node.args.args][: len(node.args.args) - len(node.args.defaults)]
            found[node.name] = (tuple(names), ast.get_docstring(node) or "")
    return found


def own_function(folder: Path, name: str) -> Callable[..., Any]:
    """Return a function of the study's derivations.py."""
    path = (folder / OWN_FILE).resolve()
    found: Callable[..., Any] = getattr(_load(path, path.stat().st_mtime_ns), name)
    return found


@lru_cache(maxsize=8)
def _load(path: Path, changed: int) -> Any:
    spec = importlib.util.spec_from_file_location(f"cdiscway_study_derivations_{changed}", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{OWN_FILE} cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def call_own(
    function: Callable[..., Any], parts: Mapping[str, pd.Series], options: Mapping[str, Any], records: int
) -> pd.Series:
    """Call a study's own function; raises ValueError where it does not return one value for each record."""
    plain = {name: part.astype("str") if not columns.is_number(part) else part for name, part in parts.items()}
    inspect.signature(function).bind(**plain, **options)
    made = pd.Series(function(**plain, **options)).reset_index(drop=True)
    if len(made) != records:
        raise ValueError(f"returns {len(made)} values for {records} records")
    if pd.api.types.is_bool_dtype(made.dtype):
        raise ValueError("returns true and false; return texts such as Y, or numbers")
    if pd.api.types.is_numeric_dtype(made.dtype):
        return made.astype(np.float64)
    codes, values = pd.factorize(made, use_na_sentinel=True)
    return columns.from_codes(codes, [str(value) for value in values])
