"""The operations of the rule format: what is computed before a check and called by its `$id`.

An operation is a function from a `Request` to a column of the table checked: one value for all records, a list in
every record, or (with `group`) a value per record. Semantics: CDISC's open rule format, docs/reference/rule-format.md.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cdiscway.specs.load import read_yaml

from .operators import CannotRunError, VariableMissingError
from .rule_columns import Codes, Column, as_text, constant, encode, joint_codes, spread
from .rule_data import LibraryVariable, RuleCodelist, RuleDataset, RuleStudy, normal_class
from .rule_dates import fill, parse_date
from .rule_dictionaries import Dictionary
from .rule_frame import Frame, shorten


@dataclass(frozen=True)
class Request:
    """One operation asked for one dataset; `frame` is the table checked, with the results made before."""

    study: RuleStudy
    dataset: RuleDataset
    frame: Frame
    words: Mapping[str, Any]

    def constant(self, value: Any) -> Column:
        """The same value in every record."""
        return constant(value, self.frame.length)

    @property
    def source(self) -> Frame:
        """The dataset the operation works on: `domain`, or the one checked."""
        domain = self.words.get("domain")
        if domain is None:
            return self.dataset_table
        if str(domain) in {"SUPP--", "SQAP--"}:
            if self.dataset.is_supplemental:
                return self.dataset_table
            domain = str(domain).replace("--", self.dataset.domain or self.dataset.name)
        found = self.study.domain_table(self.frame.resolve(str(domain)))
        if found is None:
            raise VariableMissingError(f"dataset {domain}")
        return found

    @property
    def dataset_table(self) -> Frame:
        """The records of the dataset checked."""
        return self.dataset.table

    def source_column(self, word: str = "name") -> Column:
        """The column of the source that a word names."""
        source, name = self.source, str(self.words[word])
        resolved = source.resolve(name) if self.words.get("domain") else self.frame.resolve(name)
        if not source.has(resolved):
            raise VariableMissingError(resolved)
        return source.column(resolved)

    def list_of(self, name: str) -> list[Any]:
        """The values of a list another operation made."""
        if not self.frame.has(name):
            raise CannotRunError(f"{name} is not the id of an operation before")
        column = self.frame.column(name)
        return [item for value in column.values for item in (value if isinstance(value, tuple) else (value,))]


OperationFunction = Callable[[Request], Column | dict[str, Column]]
OPERATIONS: dict[str, OperationFunction] = {}


def operation(name: str) -> Callable[[OperationFunction], OperationFunction]:
    """Register an operation."""

    def register(function: OperationFunction) -> OperationFunction:
        OPERATIONS[name] = function
        return function

    return register


# filters and groups -------------------------------------------------------------------------------------------------


def _filtered(request: Request, source: Frame) -> Codes:
    """Return the rows that have the values of `filter`; a value ending with & takes every text that begins so."""
    keep = np.ones(source.length, dtype=bool)
    for name, wanted in (request.words.get("filter") or {}).items():
        resolved = source.resolve(str(name))
        if not source.has(resolved):
            raise VariableMissingError(resolved)
        keep &= source.column(resolved).where(_wanted(wanted))
    return np.flatnonzero(keep)


def _wanted(wanted: Any) -> Callable[[Any], bool]:
    if isinstance(wanted, str) and wanted.endswith("&"):
        return lambda value: as_text(value).startswith(wanted[:-1])
    if isinstance(wanted, list):
        return lambda value: as_text(value) in {as_text(item) for item in wanted}
    return lambda value: value is wanted if isinstance(wanted, bool) else as_text(value) == as_text(wanted)


def _group_names(request: Request, frame: Frame, word: str) -> list[str]:
    names: list[str] = []
    for name in request.words.get(word) or ():
        held = request.list_of(name) if str(name).startswith("$") else [name]
        names += [frame.resolve(str(item)) for item in held]
    return list(dict.fromkeys(names))


@dataclass(frozen=True)
class _Groups:
    """`there` numbers the source's kept rows by group, `here` says which group a record checked belongs to (or -1)."""

    rows: Codes
    there: Codes
    here: Codes
    count: int


def _grouped(request: Request, filtered: bool = True) -> _Groups:
    source = request.source
    rows = _filtered(request, source) if filtered else np.arange(source.length)
    theirs = _group_names(request, source, "group")
    if not theirs:
        return _Groups(rows, np.zeros(len(rows), dtype=np.intp), np.zeros(request.frame.length, dtype=np.intp), 1)
    aliases = _group_names(request, request.frame, "group_aliases")
    ours = [aliases[i] if i < len(aliases) else name for i, name in enumerate(theirs)]
    usable = [(a, b) for a, b in zip(theirs, ours, strict=True) if source.has(a) and request.frame.has(b)]
    if len(usable) < len(theirs) and not any(str(n).startswith("$") for n in request.words["group"]):
        absent = next(n for n, m in zip(theirs, ours, strict=True) if not (source.has(n) and request.frame.has(m)))
        raise VariableMissingError(absent)
    regex = request.words.get("regex")
    pairs = [
        joint_codes(shorten(source.column(a), regex).take(rows), shorten(request.frame.column(b), regex), _loose)
        for a, b in usable
    ]
    joined = [np.concatenate([there, here]) for there, here in pairs]
    ids = np.zeros(len(rows) + request.frame.length, dtype=np.int64)
    for codes in joined:
        ids = pd.factorize(ids * (int(codes.max(initial=-1)) + 2) + codes + 1)[0]
    return _Groups(rows, ids[: len(rows)], ids[len(rows) :], int(ids.max(initial=-1)) + 1)


def _loose(value: Any) -> Any:
    return as_text(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _per_group(groups: _Groups, results: Mapping[int, Any]) -> Column:
    """Give every record the result of its group."""
    per_group = encode([results.get(i) for i in range(groups.count)])
    return per_group.take(groups.here)


@operation("distinct")
def distinct(request: Request) -> Column:
    """The distinct values of a variable, in the order they appear, none among them; with `group`, the record's group's."""
    groups, column = _grouped(request), request.source_column()
    if request.words.get("value_is_reference"):
        return request.constant(tuple(_existing_references(request, column, groups.rows)))
    codes = column.codes[groups.rows]
    if not request.words.get("group"):
        return request.constant(tuple(column.value_of(c) for c in pd.unique(codes).tolist()))
    lists: dict[int, dict[Any, None]] = {i: {} for i in range(groups.count)}
    seen = pd.DataFrame({"group": groups.there, "code": codes}).drop_duplicates()
    for group, code in zip(seen["group"].tolist(), seen["code"].tolist(), strict=True):
        lists[group][column.value_of(code)] = None
    return _per_group(groups, {group: tuple(values) for group, values in lists.items()})


def _existing_references(request: Request, names: Column, rows: Codes) -> Iterable[str]:
    """Give the names that are variables of the dataset their record points at (RDOMAIN)."""
    source = request.source
    related = source.column("RDOMAIN") if source.has("RDOMAIN") else None
    pairs = pd.DataFrame(
        {"name": names.codes[rows], "domain": related.codes[rows] if related else -1}
    ).drop_duplicates()
    found: dict[str, None] = {}
    for name, domain in zip(pairs["name"].tolist(), pairs["domain"].tolist(), strict=True):
        if name < 0:
            continue
        table = request.study.domain_table(str(related.values[domain])) if related and domain >= 0 else source
        if table is not None and table.has(str(names.values[name])):
            found[str(names.values[name])] = None
    return found


@operation("record_count")
def record_count(request: Request) -> Column:
    """How many records there are, of those that the filter keeps, in the record's group; none for a group not there."""
    groups = _grouped(request, filtered=False)
    kept = np.zeros(request.source.length, dtype=bool)
    kept[_filtered(request, request.source)] = True
    there = np.bincount(groups.there, minlength=groups.count)
    counts = np.bincount(groups.there[kept[groups.rows]], minlength=groups.count)
    grouped = bool(request.words.get("group"))
    found = {i: n for i, (n, own) in enumerate(zip(counts.tolist(), there.tolist(), strict=True)) if own or not grouped}
    return _per_group(groups, found)


def _aggregate(name: str, function: str) -> None:
    def compute(request: Request) -> Column:
        groups, column = _grouped(request), request.source_column()
        series = pd.Series(column.row_numbers[groups.rows]).groupby(groups.there).agg(function)
        found = {int(i): (None if np.isnan(v) else float(v)) for i, v in zip(series.index, series, strict=True)}
        return _per_group(groups, found)

    compute.__doc__ = f"The {name} of a variable, in the record's group."
    operation(name)(compute)


_aggregate("max", "max")
_aggregate("min", "min")
_aggregate("mean", "mean")


def _extreme_date(name: str, function: str) -> None:
    def compute(request: Request) -> Column:
        groups, column = _grouped(request), request.source_column()
        parsed = [parse_date(text) for text in column.texts]
        order = sorted(range(len(parsed)), key=lambda i: fill(parsed[i] or ()))
        ranks = np.empty(len(order), dtype=float)
        ranks[order] = np.arange(len(order))
        ranks[[i for i, parts in enumerate(parsed) if parts is None]] = np.nan
        per_row = spread(ranks, column.codes[groups.rows], np.nan)
        series = pd.Series(per_row).groupby(groups.there).agg(function)
        found = {int(i): (None if np.isnan(v) else column.values[order[int(v)]]) for i, v in series.items()}  # type: ignore[call-overload]
        return _per_group(groups, found)

    compute.__doc__ = f"The {name.replace('_', ' ')} of a variable, in the record's group."
    operation(name)(compute)


_extreme_date("max_date", "max")
_extreme_date("min_date", "min")


@operation("dy")
def dy(request: Request) -> Column:
    """The study day of a date (SDTMIG 4.4.4), from the subject's RFSTDTC in DM: there is no day 0."""
    dates = request.frame.column(_present(request, str(request.words["name"])))
    difference = _day_numbers(dates) - _day_numbers(_reference_dates(request))
    values = difference + (difference >= 0)
    codes, uniques = pd.factorize(values)
    return Column([int(v) for v in uniques], codes.astype(np.intp))


def _reference_dates(request: Request) -> Column:
    """RFSTDTC of each record's subject: joined already, or looked up in DM."""
    frame, subjects = request.frame, request.study.domain_table("DM")
    if frame.has("RFSTDTC"):
        return frame.column("RFSTDTC")
    if subjects is None:
        raise VariableMissingError("dataset DM")
    for table, name in ((frame, "USUBJID"), (subjects, "USUBJID"), (subjects, "RFSTDTC")):
        if not table.has(name):
            raise VariableMissingError(name)
    here, there = joint_codes(frame.column("USUBJID"), subjects.column("USUBJID"), as_text)
    place = np.full(int(max(here.max(initial=-1), there.max(initial=-1))) + 2, -1, dtype=np.intp)
    place[there[::-1]] = np.arange(len(there))[::-1]
    place[-1] = -1
    return subjects.column("RFSTDTC").take(place[here])


def _day_numbers(column: Column) -> Any:
    def ordinal(text: str) -> float:
        parts = parse_date(text)
        return float(date(*parts[:3]).toordinal()) if parts and len(parts) >= 3 else float("nan")

    return spread(np.array([ordinal(text) for text in column.texts], dtype=float), column.codes, np.nan)


@operation("map")
def map_values(request: Request) -> Column:
    """Look up combinations of values in a table: the `output` of the first line that fits."""
    frame = request.frame
    result = np.full(frame.length, -1, dtype=np.intp)
    lines = list(request.words["map"])
    for i, line in enumerate(lines):
        fits = result < 0
        for name, wanted in line.items():
            if name != "output":
                if not frame.has(frame.resolve(str(name))):
                    raise VariableMissingError(str(name))
                fits &= frame.column(frame.resolve(str(name))).where(_wanted(wanted))
        result[fits] = i
    return Column([line.get("output") for line in lines], result)


@operation("split_by")
def split_by(request: Request) -> Column:
    """A text split at a delimiter, as a list."""
    delimiter = str(request.words["delimiter"])
    column = request.frame.column(_present(request, str(request.words["name"])))
    return column.map(lambda value: tuple(part.strip() for part in as_text(value).split(delimiter)))


def _present(request: Request, name: str) -> str:
    resolved = request.frame.resolve(name)
    if not request.frame.has(resolved):
        raise VariableMissingError(resolved)
    return resolved


@operation("minus")
def minus(request: Request) -> Column:
    """The members of one list that another lacks, in the order of the first.

    With `order_insensitive: false` as without: order plays no part. With true, only members that stand in the same
    order in both are taken away.
    """
    left = request.list_of(str(request.words["name"]))
    subtract = str(request.words.get("subtract", ""))
    right = request.list_of(subtract) if subtract and request.frame.has(subtract) else []
    if not request.words.get("order_insensitive"):
        return request.constant(tuple(item for item in left if item not in set(right)))
    kept, place = [], 0
    for item in left:
        if item in right[place:]:
            place = right.index(item, place) + 1
        else:
            kept.append(item)
    return request.constant(tuple(kept))


@operation("intersect")
def intersect(request: Request) -> Column:
    """The members of one list that another has as well, in the order of the first."""
    left = request.list_of(str(request.words["name"]))
    right = set(request.list_of(str(request.words["subtract"])))
    return request.constant(tuple(item for item in left if item in right))


# datasets -----------------------------------------------------------------------------------------------------------


@operation("study_domains")
def study_domains(request: Request) -> Column:
    """The domains of the study; a dataset without DOMAIN counts as None."""
    return request.constant(tuple(dict.fromkeys(d.domain for d in request.study.datasets)))


@operation("dataset_names")
def dataset_names(request: Request) -> Column:
    """The names of the datasets submitted."""
    return request.constant(tuple(d.name for d in request.study.datasets))


def _library(request: Request) -> Any:
    if request.study.library is None:
        raise CannotRunError(f"needs the metadata of {request.study.standard} {request.study.version}".rstrip())
    return request.study.library


def _domain(request: Request) -> str:
    return request.dataset.domain or request.dataset.name


@operation("domain_is_custom")
def domain_is_custom(request: Request) -> Column:
    """Whether the standard does not know the domain."""
    return request.constant(_domain(request) not in set(_library(request).domains()))


@operation("related_domain_is_custom")
def related_domain_is_custom(request: Request) -> Column:
    """Whether the standard does not know the domain a supplemental dataset belongs to."""
    related = request.dataset.related_domain or request.dataset.name.removeprefix("SUPP").removeprefix("SQ")
    return request.constant(related not in set(_library(request).domains()))


@operation("domain_label")
def domain_label(request: Request) -> Column:
    """The label the standard gives the domain."""
    return request.constant(_library(request).domain_label(_domain(request)))


@operation("standard_domains")
def standard_domains(request: Request) -> Column:
    """The domains of the standard."""
    return request.constant(tuple(_library(request).domains()))


@operation("get_library_class_domains")
def get_library_class_domains(request: Request) -> Column:
    """The domains of a class of the standard, all without `domain_class`."""
    library, wanted = _library(request), request.words.get("domain_class")
    domains = library.domains()
    if wanted is not None:
        domains = [d for d in domains if normal_class(library.domain_class(d)) == normal_class(str(wanted))]
    return request.constant(tuple(domains))


@operation("extract_metadata")
def extract_metadata(request: Request) -> Column:
    """One fact of the dataset: size, location, name, label, domain, is_ap, ap_suffix."""
    dataset, name = request.dataset, str(request.words["name"])
    domain = dataset.domain or ""
    is_ap = len(domain) == 4 and domain.startswith("AP")
    facts = {
        "dataset_size": dataset.size,
        "dataset_location": dataset.filename,
        "dataset_name": dataset.name,
        "dataset_label": dataset.label,
        "domain": dataset.domain,
        "is_ap": is_ap,
        "ap_suffix": domain[2:] if is_ap else "",
    }
    if name not in facts:
        raise CannotRunError(f"there is no dataset metadata {name}")
    if name == "dataset_size" and dataset.size is None:
        raise CannotRunError("the size of the file is not known")
    parts = dataset.kept.get("parts", ())
    if name == "dataset_name" and parts and request.frame.length == len(dataset.frame):
        return _names_of_parts(parts, request.frame.length)
    return request.constant(facts[name])


def _names_of_parts(parts: Sequence[tuple[str, int]], length: int) -> Column:
    """Name, record by record, the file of a split domain it stands in; `parts` are names and first records."""
    starts = [start for _, start in parts]
    return Column([name for name, _ in parts], np.searchsorted(starts, np.arange(length), side="right") - 1)


@operation("variable_exists")
def variable_exists(request: Request) -> Column:
    """Whether the dataset submitted has the variable."""
    table = request.dataset.table
    return request.constant(table.has(table.resolve(str(request.words["name"]))))


@operation("variable_is_null")
def variable_is_null(request: Request) -> Column:
    """Whether a variable is absent or has no value at all (`source`: submission or evaluation)."""
    table = request.dataset.table if request.words.get("source") == "submission" else request.frame
    name = table.resolve(str(request.words["name"]))
    return request.constant(not table.has(name) or bool(table.column(name).missing.all()))


@operation("variable_count")
def variable_count(request: Request) -> Column:
    """In how many datasets of the study a variable stands, `--` being each dataset's own prefix."""
    name = request.words.get("name")
    if name is not None:
        wanted = str(name)
        count = sum(d.table.has(d.table.resolve(wanted)) for d in request.study.datasets)
        return request.constant(count)
    counts: dict[str, int] = {}
    for dataset in request.study.datasets:
        for variable in dataset.table.names:
            generic = re.sub(rf"^{dataset.prefix}(?=.)", "--", variable)
            counts[generic] = counts.get(generic, 0) + 1
    return request.constant(tuple(counts.items()))


@operation("variable_value_count")
def variable_value_count(request: Request) -> Column:
    """How many datasets of the study hold each value of a variable, as pairs."""
    counts: dict[Any, int] = {}
    for dataset in request.study.datasets:
        name = dataset.table.resolve(str(request.words["name"]))
        if dataset.table.has(name):
            for value in dataset.table.column(name).values:
                counts[value] = counts.get(value, 0) + 1
    return request.constant(tuple(counts.items()))


# the standard's variables -------------------------------------------------------------------------------------------


def standard_variables(study: RuleStudy, dataset: RuleDataset) -> list[LibraryVariable]:
    """What the standard says of a dataset's variables: the guide's and the model's; the model's for a custom domain."""
    library, domain = study.library, dataset.domain or dataset.name
    if library is None:
        raise CannotRunError(f"needs the metadata of {study.standard} {study.version}".rstrip())
    if dataset.is_supplemental:
        domain = "SUPPQUAL"
    found = list(library.allowed(domain))
    return found or model_variables(study, dataset)


def model_variables(study: RuleStudy, dataset: RuleDataset) -> list[LibraryVariable]:
    """The model's variables for a dataset's class, `--` replaced by its prefix."""
    if study.library is None:
        raise CannotRunError(f"needs the metadata of {study.standard} {study.version}".rstrip())
    domain = "SUPPQUAL" if dataset.is_supplemental else dataset.domain or dataset.name
    found = study.library.model_variables(study.class_of(dataset), domain)
    return [variable.named(dataset.prefix) for variable in found]


def _by_core(name: str, cores: frozenset[str]) -> None:
    def compute(request: Request) -> Column:
        variables = standard_variables(request.study, request.dataset)
        return request.constant(tuple(v.name for v in variables if v.core in cores))

    compute.__doc__ = f"The {name.replace('_', ' ')} of the domain in the standard."
    operation(name)(compute)


_by_core("required_variables", frozenset({"Req"}))
_by_core("expected_variables", frozenset({"Exp"}))
_by_core("permissible_variables", frozenset({"Perm"}))
_by_core("required_expected_variables", frozenset({"Req", "Exp"}))


@operation("variable_names")
def variable_names(request: Request) -> Column:
    """All variables of the standard."""
    library = _library(request)
    names = dict.fromkeys(v.name for domain in library.domains() for v in library.variables(domain))
    return request.constant(tuple(names))


_KEYS = {
    "role": "role", "core": "core", "label": "label", "name": "name", "ordinal": "order", "simpleDatatype": "type",
    "variableCcode": "codelists",
}  # fmt: skip


def _fits(variable: LibraryVariable, words: Mapping[str, Any]) -> bool:
    key = words.get("key_name")
    if key is None:
        return True
    if key not in _KEYS:
        raise CannotRunError(f"the metadata '{key}' of a variable is not at hand")
    held, wanted = getattr(variable, _KEYS[key]), str(words.get("key_value"))
    return wanted in held if isinstance(held, tuple) else as_text(held) == wanted


def _names(variables: Iterable[LibraryVariable], words: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(v.name for v in variables if _fits(v, words))


@operation("get_column_order_from_dataset")
def get_column_order_from_dataset(request: Request) -> Column:
    """The variables of the dataset, in order."""
    return request.constant(tuple(request.dataset.table.names))


@operation("get_column_order_from_library")
def get_column_order_from_library(request: Request) -> Column:
    """The variables of the domain in the standard, in order; filtered by `key_name` and `key_value`.

    Those of the guide, between the identifiers and the timing variables that only the model has for the class.
    """
    return request.constant(_names(guide_order(request.study, request.dataset), request.words))


def guide_order(study: RuleStudy, dataset: RuleDataset) -> list[LibraryVariable]:
    """Return the guide's variables of a dataset, the model's identifiers before and its timing variables after them."""
    if study.library is None:
        raise CannotRunError(f"needs the metadata of {study.standard} {study.version}".rstrip())
    guide = list(study.library.variables("SUPPQUAL" if dataset.is_supplemental else dataset.domain or dataset.name))
    if not guide:
        return model_variables(study, dataset)
    if study.class_of(dataset) not in {"EVENTS", "FINDINGS", "FINDINGS ABOUT", "INTERVENTIONS"}:
        return guide
    known = {variable.name for variable in guide}
    more = [variable for variable in model_variables(study, dataset) if variable.name not in known]
    first, last = ([v for v in more if v.role == role] for role in ("Identifier", "Timing"))
    return [*first, *guide, *last]


def _model_order(request: Request) -> Column:
    """The variables of the model for the dataset's class, in order; filtered by `key_name` and `key_value`."""
    return request.constant(_names(model_variables(request.study, request.dataset), request.words))


operation("get_model_column_order")(_model_order)
operation("get_model_filtered_variables")(_model_order)


@operation("get_parent_model_column_order")
def get_parent_model_column_order(request: Request) -> Column:
    """The variables of the model for the class of a supplemental dataset's parent domain."""
    related = request.dataset.related_domain or request.dataset.prefix
    parent = next(iter(request.study.parts(related)), None)
    library = _library(request)
    if parent is None:
        class_name = normal_class(library.domain_class(related))
        if not class_name:
            raise VariableMissingError(f"dataset {related}")
        found = [variable.named(related[-2:]) for variable in library.model_variables(class_name, related)]
        return request.constant(tuple(v.name for v in found))
    return request.constant(tuple(v.name for v in model_variables(request.study, parent)))


@operation("get_dataset_filtered_variables")
def get_dataset_filtered_variables(request: Request) -> Column:
    """The variables of the dataset whose metadata in the model (or guide) fit, in the dataset's order."""
    described = {v.name: v for v in model_variables(request.study, request.dataset)}
    described |= {v.name: v for v in standard_variables(request.study, request.dataset)}
    names = [n for n in request.dataset.table.names if n in described and _fits(described[n], request.words)]
    return request.constant(tuple(names))


def _referenced_metadata(request: Request, by: str) -> dict[str, Column]:
    """Metadata of the variables that a column names (or labels), as columns `<id>_name`, `<id>_role`, ..."""
    column = request.frame.column(_present(request, str(request.words["name"])))
    related = request.dataset.related_domain or request.dataset.domain or ""
    known = {getattr(v, by): v for v in _library(request).variables(related)}
    found = [known.get(value) for value in column.values]
    prefix = str(request.words["id"])
    return {
        f"{prefix}_{fact}": encode([getattr(v, held) if v else None for v in found]).take(column.codes)
        for fact, held in (
            ("name", "name"),
            ("role", "role"),
            ("ordinal", "order"),
            ("core", "core"),
            ("label", "label"),
        )
    }


@operation("label_referenced_variable_metadata")
def label_referenced_variable_metadata(request: Request) -> dict[str, Column]:
    """What the guide says of the variable whose label stands in the record."""
    return _referenced_metadata(request, "label")


@operation("name_referenced_variable_metadata")
def name_referenced_variable_metadata(request: Request) -> dict[str, Column]:
    """What the guide says of the variable whose name stands in the record."""
    return _referenced_metadata(request, "name")


@operation("define_variable_metadata")
def define_variable_metadata(request: Request) -> Column:
    """One fact that define.xml tells of a variable of the dataset; of all, as pairs, without `name`."""
    if request.study.define is None:
        raise CannotRunError("needs a define.xml")
    facts = request.study.define.variable_facts(request.dataset.name)
    attribute, name = str(request.words["attribute_name"]), request.words.get("name")
    if name is None:
        return request.constant(tuple((v, f.get(attribute)) for v, f in facts.items()))
    return request.constant(facts.get(request.frame.resolve(str(name)), {}).get(attribute))


# terminology --------------------------------------------------------------------------------------------------------

_PACKAGES = {"SDTMIG": "SDTM", "SENDIG": "SEND", "ADAMIG": "ADaM", "TIG": "SDTM", "CDASHIG": "CDASH"}


def package_kind(study: RuleStudy) -> str:
    """The kind of terminology a standard uses (SDTM, ADaM, SEND)."""
    if study.standard.upper() == "TIG" and study.substandard:
        return study.substandard
    return _PACKAGES.get(study.standard.upper(), study.standard)


def study_codelists(
    study: RuleStudy, kind: str | None = None, version: str | None = None
) -> Mapping[str, RuleCodelist]:
    """Return the codelists in force: the package asked for, else that of the study, else of define.xml, else the newest.

    Raises CannotRunError when the package is not at hand.
    """
    wanted_kind = kind or package_kind(study)
    if study.terminology is None:
        raise CannotRunError(f"needs the {wanted_kind} controlled terminology")
    found = study.terminology.codelists(wanted_kind, version or _date_in_force(study, wanted_kind))
    if found is None:
        dated = version or _date_in_force(study, wanted_kind) or ""
        lacking = f"the {wanted_kind} controlled terminology {dated} is not at hand".replace("  ", " ")
        raise CannotRunError(f"{lacking}: `cdiscway terminology import FILE` reads a package of NCI EVS")
    return found


def _date_in_force(study: RuleStudy, kind: str) -> str | None:
    for package in study.ct:
        found = re.fullmatch(r"(?i)([a-z-]+?)[-_ ]?(?:ct)?[-_ ](\d{4}-\d{2}-\d{2})", package)
        if found and found.group(1).upper() == kind.upper():
            return found.group(2)
    return study.define.terminology_date(kind) if study.define else None


def _chosen(request: Request) -> list[RuleCodelist]:
    words = request.words
    asked = words.get("codelists") or words.get("codelist") or []
    asked = asked if isinstance(asked, list) else [asked]
    known = study_codelists(request.study, words.get("ct_package_type"), words.get("ct_version"))
    if any(str(name).upper() == "ALL" for name in asked):
        return list(known.values())
    absent = [str(name) for name in asked if str(name) not in known]
    if absent:
        raise CannotRunError(f"the controlled terminology at hand has no codelist {', '.join(absent)}")
    return [known[str(name)] for name in asked]


@operation("codelist_terms")
def codelist_terms(request: Request) -> Column:
    """Codes, submission values or preferred terms of codelists (or of their terms)."""
    if request.words.get("codelist_code"):
        return _terms_by_record(request)
    kind = {"code": "code", "value": "value", "pref_term": "preferred"}[str(request.words.get("returntype", "value"))]
    chosen = _chosen(request)
    if request.words.get("level") == "codelist":
        return request.constant(tuple(getattr(c, "name" if kind == "preferred" else kind) for c in chosen))
    return request.constant(tuple(getattr(term, kind) for codelist in chosen for term in codelist.terms))


def _terms_by_record(request: Request) -> Column:
    words = request.words
    by, own = next(((w, k) for w, k in _TERM_WORDS.items() if w in words), ("term_value", "value"))
    default = "value" if own == "code" else "code"
    kind = {"code": "code", "value": "value", "pref_term": "preferred"}.get(str(words.get("returntype")), default)
    version, code = (request.frame.column(_present(request, str(words[w]))) for w in ("version", "codelist_code"))
    wanted = request.frame.column(_present(request, str(words[by])))

    def find(row: int) -> Any:
        held = study_codelists(request.study, words.get("ct_package_type"), as_text(version.value(row)))
        codelist = next((c for c in held.values() if c.code == code.value(row)), None)
        text = as_text(wanted.value(row)).lower()
        return (
            next((getattr(t, kind) for t in codelist.terms if getattr(t, own).lower() == text), None)
            if codelist
            else None
        )

    return _once_per_combination(request.frame.length, [version, code, wanted], find)


_TERM_WORDS = {"term_code": "code", "term_value": "value", "term_pref_term": "preferred"}


def _once_per_combination(length: int, columns: Sequence[Column], find: Callable[[int], Any]) -> Column:
    ids = np.zeros(length, dtype=np.int64)
    for column in columns:
        ids = pd.factorize(ids * (len(column.values) + 1) + column.codes + 1)[0]
    first = pd.Series(range(length)).groupby(ids).first().tolist() if length else []
    return encode([find(row) for row in first]).take(ids.astype(np.intp))


@operation("codelist_extensible")
def codelist_extensible(request: Request) -> Column:
    """Whether the codelist may be extended."""
    if request.words.get("codelist_code"):
        words = request.words
        version, code = (request.frame.column(_present(request, str(words[w]))) for w in ("version", "codelist_code"))

        def find(row: int) -> Any:
            held = study_codelists(request.study, words.get("ct_package_type"), as_text(version.value(row)))
            return next((c.extensible for c in held.values() if c.code == code.value(row)), None)

        return _once_per_combination(request.frame.length, [version, code], find)
    chosen = _chosen(request)
    return request.constant(all(c.extensible for c in chosen) if chosen else None)


@operation("define_extensible_codelists")
def define_extensible_codelists(request: Request) -> Column:
    """The terms of the codelists that may be extended."""
    return request.constant(tuple(t.value for c in _chosen(request) if c.extensible for t in c.terms))


@operation("get_codelist_attributes")
def get_codelist_attributes(request: Request) -> Column:
    """All codes (or values) of the package that a record names in `name` and `version`, else of the one in force.

    `ct_conditions` keeps the codelists and terms that fit all of them.
    """
    words = request.words
    attribute, conditions = str(words["ct_attribute"]), _conditions(words.get("ct_conditions") or ())
    name, version = (str(words.get(word) or "") for word in ("name", "version"))
    if not request.frame.has(request.frame.resolve(version)):
        return request.constant(_attribute_values(_named_codelists(request, version), attribute, conditions))
    reference = request.frame.column(_present(request, name or "TSVCDREF"))
    dated = request.frame.column(_present(request, version))

    def find(row: int) -> Any:
        kind = _reference_kind(as_text(reference.value(row)), request.study)
        date = as_text(dated.value(row))
        if not kind or not date:
            return ()
        return _attribute_values(study_codelists(request.study, kind, date), attribute, conditions)

    return _once_per_combination(request.frame.length, [reference, dated], find)


def _named_codelists(request: Request, version: str) -> Mapping[str, RuleCodelist]:
    """The codelists of the package that a rule names as a date or as `sdtmct-2024-09-27`, where the study names none."""
    kind, dated = re.fullmatch(r"(?i)(?:([a-z-]+?)ct-)?(.*)", version).groups()  # type: ignore[union-attr]
    if request.study.ct or not dated:
        return study_codelists(request.study)
    return study_codelists(request.study, kind.upper() if kind else None, dated)


def _reference_kind(named: str, study: RuleStudy) -> str | None:
    """The kind of terminology that a reference names: CDISC's own of the study's standard, or that of a standard."""
    if named.upper() in {"CDISC", "CDISC CT"}:
        return package_kind(study)
    kind = re.sub(r"[ -_]?CT$", "", named.upper())
    return _PACKAGES.get(kind) or next((k for k in _PACKAGES.values() if k.upper() == kind), None)


_FACTS = {"CCODE": "code", "CODE": "code", "VALUE": "value", "SUBMISSION VALUE": "value", "PREFERRED TERM": "preferred"}
_CODELIST_FACTS = {**_FACTS, "NAME": "name"}


def _conditions(listed: Iterable[Mapping[str, Any]]) -> list[tuple[str, str, Any]]:
    """Read `Codelist Code: C66734` as (codelist, code, C66734)."""
    found = []
    for name, wanted in (item for entry in listed for item in entry.items()):
        level, _, fact = str(name).replace("_", " ").upper().partition(" ")
        held = "extensible" if level == "EXTENSIBLE" else (_CODELIST_FACTS if level == "CODELIST" else _FACTS).get(fact)
        if held is None:
            raise CannotRunError(f"the terminology at hand does not tell '{name}'")
        found.append(("codelist" if level in {"CODELIST", "EXTENSIBLE"} else "term", held, wanted))
    return found


def _fits_condition(held: Any, wanted: Any) -> bool:
    if isinstance(held, bool):
        return held is (str(wanted).lower() in {"true", "yes"})
    return not held if wanted is None else as_text(held) == as_text(wanted)


def _attribute_values(
    codelists: Mapping[str, RuleCodelist], attribute: str, conditions: Sequence[tuple[str, str, Any]] = ()
) -> tuple[str, ...]:
    level, _, fact = attribute.replace("_", " ").upper().partition(" ")
    held = (_CODELIST_FACTS if level == "CODELIST" else _FACTS).get(fact)
    if held is None:
        raise CannotRunError(f"the terminology at hand does not tell '{attribute}'")
    of_codelist = [(h, w) for place, h, w in conditions if place == "codelist"]
    of_term = [(h, w) for place, h, w in conditions if place == "term"]
    chosen = [c for c in codelists.values() if all(_fits_condition(getattr(c, h), w) for h, w in of_codelist)]
    terms = [[t for t in c.terms if all(_fits_condition(getattr(t, h), w) for h, w in of_term)] for c in chosen]
    if level == "CODELIST":
        return tuple(getattr(c, held) for c, kept in zip(chosen, terms, strict=True) if kept or not of_term)
    return tuple(dict.fromkeys(getattr(t, held) for kept in terms for t in kept))


@functools.cache
def _published() -> Mapping[str, tuple[str, ...]]:
    document = read_yaml(Path(__file__).parent / "terminology_dates.yaml")
    return {str(kind).upper(): tuple(str(day) for day in days) for kind, days in document.data.items()}


_DATED_BY = {"ADAMIG": ("SDTM", "ADAM"), "SENDIG": ("SEND",), "CDASHIG": ("CDASH",), "USDM": ("DDF", "SDTM")}


@operation("valid_codelist_dates")
def valid_codelist_dates(request: Request) -> Column:
    """The dates of the packages published for the standard (or `ct_package_types`), with those at hand."""
    study = request.study
    kinds = request.words.get("ct_package_types") or _DATED_BY.get(study.standard.upper(), ("SDTM",))
    known = {day for kind in kinds for day in _published().get(str(kind).upper(), ())}
    if study.terminology is not None:
        known |= {day for kind in kinds for day in study.terminology.dates(str(kind))}
    if not known:
        raise CannotRunError(f"needs the dates of the published packages of {', '.join(map(str, kinds))} terminology")
    return request.constant(tuple(sorted(known)))


# dictionaries -------------------------------------------------------------------------------------------------------


def _dictionary(request: Request, name: str = "") -> Dictionary:
    kind = (name or str(request.words.get("external_dictionary_type") or "meddra")).lower()
    found = request.study.dictionaries.get(kind)
    if found is None:
        raise CannotRunError(f"needs the dictionary {kind}, which is not at hand")
    return found


def _terms(request: Request) -> Mapping[str, str]:
    """The terms by code of the level that a rule names (all levels without)."""
    dictionary, level = _dictionary(request), request.words.get("dictionary_term_type")
    if level is not None:
        return dictionary.terms.get(str(level).upper(), {})
    return {code: term for terms in dictionary.terms.values() for code, term in terms.items()}


@operation("valid_external_dictionary_value")
def valid_external_dictionary_value(request: Request) -> Column | dict[str, Column]:
    """Whether the value is a term of the dictionary, at the level `dictionary_term_type` (a code in a variable of codes)."""
    terms, name = _terms(request), _present(request, str(request.words["name"]))
    if name.endswith("CD"):
        return valid_external_dictionary_code(request)
    exact = request.words.get("case_sensitive", True)
    exact = exact is True or str(exact).lower() == "true"
    known = {term if exact else term.lower() for term in terms.values()}
    column = request.frame.column(name)
    return _yes_no(column.where_text(lambda text: (text if exact else text.lower()) in known))


@operation("valid_external_dictionary_code")
def valid_external_dictionary_code(request: Request) -> Column:
    """Whether the value is a code of the dictionary, at the level `dictionary_term_type`."""
    terms = _terms(request)
    return _yes_no(request.frame.column(_present(request, str(request.words["name"]))).where_text(terms.__contains__))


@operation("valid_external_dictionary_code_term_pair")
def valid_external_dictionary_code_term_pair(request: Request) -> Column:
    """Whether the code and the term beside it (`external_dictionary_term_variable`) belong together."""
    codes = _present(request, str(request.words["name"]))
    terms = _present(request, str(request.words["external_dictionary_term_variable"]))
    return _yes_no(_pairs_hold(request, _terms(request), codes, terms))


def _yes_no(mask: Any) -> Column:
    return Column([False, True], mask.astype(np.intp))


def _pairs_hold(request: Request, known: Mapping[str, str], codes: str, terms: str) -> Any:
    code, term = request.frame.column(codes), request.frame.column(terms)
    due = code.map(lambda value: known.get(as_text(value)))
    here, there = joint_codes(due, term, as_text)
    return (here == there) & (here >= 0)


_MEDDRA = {
    "SOC": ("--SOCCD", "--SOC"), "HLGT": ("--HLGTCD", "--HLGT"), "HLT": ("--HLTCD", "--HLT"),
    "PT": ("--PTCD", "--DECOD"), "LLT": ("--LLTCD", "--LLT"),
}  # fmt: skip
"""The variables of codes and terms, by level."""


def _all_levels(request: Request, judge: Callable[[Mapping[str, str], str, str], Any]) -> Column:
    dictionary = _dictionary(request, "meddra")
    mask = np.ones(request.frame.length, dtype=bool)
    for level, names in _MEDDRA.items():
        code, term = (request.frame.resolve(name) for name in names)
        mask &= judge(dictionary.terms.get(level, {}), code, term)
    return _yes_no(mask)


def _known_or_missing(request: Request, name: str, known: Iterable[str]) -> Any:
    members = frozenset(known)
    if not request.frame.has(name):
        return np.ones(request.frame.length, dtype=bool)
    return request.frame.column(name).where_text(members.__contains__, missing=True)


@operation("valid_meddra_code_references")
def valid_meddra_code_references(request: Request) -> Column:
    """Whether all codes of MedDRA that the record has (--SOCCD to --LLTCD) are codes of their level."""
    return _all_levels(request, lambda terms, code, _: _known_or_missing(request, code, terms))


@operation("valid_meddra_term_references")
def valid_meddra_term_references(request: Request) -> Column:
    """Whether all terms of MedDRA that the record has (--SOC to --LLT, --DECOD) are terms of their level."""
    return _all_levels(request, lambda terms, _, term: _known_or_missing(request, term, terms.values()))


@operation("valid_meddra_code_term_pairs")
def valid_meddra_code_term_pairs(request: Request) -> Column:
    """Whether codes and terms of MedDRA belong together at each level at which the record has both."""

    def judge(terms: Mapping[str, str], code: str, term: str) -> Any:
        if not (request.frame.has(code) and request.frame.has(term)):
            return np.ones(request.frame.length, dtype=bool)
        lacking = request.frame.column(code).missing | request.frame.column(term).missing
        return _pairs_hold(request, terms, code, term) | lacking

    return _all_levels(request, judge)


@operation("valid_define_external_dictionary_version")
def valid_define_external_dictionary_version(request: Request) -> Column:
    """Whether define.xml names the version of the dictionary that is at hand."""
    dictionary = _dictionary(request)
    if request.study.define is None:
        raise CannotRunError("needs a define.xml")
    return request.constant(request.study.define.dictionaries.get(dictionary.name) == dictionary.version)


def _needs_dictionary(name: str) -> None:
    def refuse(request: Request) -> Column:
        raise CannotRunError("needs the dictionary whodrug, which this tool does not read")

    refuse.__doc__ = "Needs WHODrug, which is not read: the rule is not run."
    operation(name)(refuse)


_needs_dictionary("valid_whodrug_references")
_needs_dictionary("whodrug_code_hierarchy")


@operation("get_xhtml_errors")
def get_xhtml_errors(request: Request) -> Column:
    """Checks of study definitions (USDM), which this tool does not hold."""
    raise CannotRunError("checks study definitions (USDM), not datasets")
