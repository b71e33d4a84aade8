"""The registry of the Define-XML conformance rules, and what several of them look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain

from cdiscway.validation.finding import Severity

from .index import Index, Variable
from .model import ItemDef

Report = Iterator[tuple[Severity, str, str, str]]
"""Severity, dataset, variable, message."""
RULES: dict[str, list[Callable[[Index], Report]]] = {}


def rule(identifier: str) -> Callable[[Callable[[Index], Report]], Callable[[Index], Report]]:
    """Register a rule; several judges may report under one name."""

    def register(judge: Callable[[Index], Report]) -> Callable[[Index], Report]:
        RULES.setdefault(identifier, []).append(judge)
        return judge

    return register


def all_variables(index: Index) -> Iterator[Variable]:
    """Yield the variables of all datasets."""
    return chain.from_iterable(index.variables(dataset) for dataset in index.define.metadata.datasets)


def all_items(index: Index) -> Iterator[tuple[str, str, ItemDef]]:
    """Yield every variable and every value-level definition, each once: dataset, name, definition."""
    seen: set[str] = set()
    for variable in all_variables(index):
        found = [(variable.name, variable.item)]
        found += [(f"{variable.name} where {value.item.name}", value.item) for value in index.values(variable)]
        for name, item in found:
            if item.oid not in seen:
                seen.add(item.oid or "")
                yield variable.dataset.name or "", name, item
