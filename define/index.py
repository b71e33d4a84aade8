"""Look things up in a define.xml: definitions by OID, variables by dataset, value-level definitions by variable."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from .model import (
    CodeList,
    DefineXml,
    ItemDef,
    ItemGroupDef,
    ItemRef,
    MethodDef,
    ValueListDef,
    WhereClauseDef,
)


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of a dataset: how it is referred to and how it is defined."""

    dataset: ItemGroupDef
    ref: ItemRef
    item: ItemDef

    @property
    def name(self) -> str:
        """The variable's name."""
        return self.item.name or ""

    @property
    def label(self) -> str:
        """The variable's label."""
        return self.item.description.text if self.item.description else ""


@dataclass(frozen=True, slots=True)
class Value:
    """One value-level definition: of which variable, and under which conditions (any of them)."""

    variable: Variable
    ref: ItemRef
    item: ItemDef
    where: tuple[WhereClauseDef, ...]


@dataclass
class Index:
    """The definitions of one define.xml by OID; where an OID is given twice the first one counts."""

    define: DefineXml
    items: dict[str, ItemDef] = field(init=False)
    codelists: dict[str, CodeList] = field(init=False)
    value_lists: dict[str, ValueListDef] = field(init=False)
    where_clauses: dict[str, WhereClauseDef] = field(init=False)
    methods: dict[str, MethodDef] = field(init=False)

    def __post_init__(self) -> None:
        metadata = self.define.metadata
        self.items = {item.oid: item for item in reversed(metadata.items) if item.oid}
        self.codelists = {item.oid: item for item in reversed(metadata.codelists) if item.oid}
        self.value_lists = {item.oid: item for item in reversed(metadata.value_lists) if item.oid}
        self.where_clauses = {item.oid: item for item in reversed(metadata.where_clauses) if item.oid}
        self.methods = {item.oid: item for item in reversed(metadata.methods) if item.oid}
        self._owners: dict[str, list[Variable]] = {}
        for dataset in metadata.datasets:
            for variable in self.variables(dataset):
                self._owners.setdefault(variable.item.oid or "", []).append(variable)

    def variables(self, dataset: ItemGroupDef) -> Iterator[Variable]:
        """Yield the variables of a dataset that are defined, in order of OrderNumber where it is given."""
        refs = [ref for ref in dataset.items if ref.item_oid in self.items]
        for ref in sorted(refs, key=lambda ref: number(ref.order_number) or 0):
            yield Variable(dataset, ref, self.items[ref.item_oid or ""])

    def values(self, variable: Variable) -> Iterator[Value]:
        """Yield the value-level definitions of a variable."""
        value_list = variable.item.value_list
        listed = self.value_lists.get(value_list.value_list_oid or "") if value_list else None
        for ref in listed.items if listed else ():
            if ref.item_oid in self.items:
                clauses = (self.where_clauses.get(where.where_clause_oid or "") for where in ref.where)
                found = tuple(clause for clause in clauses if clause is not None)
                yield Value(variable, ref, self.items[ref.item_oid or ""], found)

    def owners(self, item: ItemDef) -> list[Variable]:
        """Return the variables a definition stands for: several datasets may share one."""
        return self._owners.get(item.oid or "", [])

    def owner(self, item_oid: str, dataset: ItemGroupDef) -> Variable | None:
        """Return the variable an item is in a dataset; else in the first dataset that has it."""
        owners = self._owners.get(item_oid, [])
        own = [variable for variable in owners if variable.dataset.oid == dataset.oid]
        return next(iter(own or owners), None)

    def codelist(self, item: ItemDef) -> CodeList | None:
        """Return the codelist of an item."""
        return self.codelists.get(item.codelist.codelist_oid or "") if item.codelist else None


def keys_of(variables: list[Variable]) -> list[str]:
    """Return the names of the key variables, in order."""
    keyed = [(number(variable.ref.key_sequence), variable.name) for variable in variables]
    return [name for _, name in sorted((sequence, name) for sequence, name in keyed if sequence is not None)]


def number(text: str | None) -> int | None:
    """Return a whole number; None where the text is missing or none."""
    try:
        return int(text) if text else None
    except ValueError:
        return None
