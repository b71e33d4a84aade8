"""Station 4: mapped records become datasets: study days, epochs, order, sequence, supplemental qualifiers, types, lengths.

Each verb takes datasets and returns datasets; `finish_sdtm` is the pipe.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Literal

import numpy as np
import pandas as pd

from cdiscway.specs.model import DatasetSpec, VariableSpec

from .algorithms import columns
from .algorithms.base import Table
from .algorithms.results import says_no_result
from .dataset import BuiltDataset, DatasetMetadata, Provenance, VariableMetadata
from .dataset_variables import domain_prefix, study_days
from .derivations.baseline_flag import last_observation_before
from .derivations.epoch import epoch_from_elements, epoch_of
from .derivations.keys import ranks
from .derivations.study_day import study_day
from .long_text import OWN_VARIABLES, split_long_texts
from .plan import Plan
from .relations import add_comments, relate
from .sdtm import Mapped
from .tables import StudyTables, no_sources
from .transliteration import Replacement, transliterate_frame
from .unscheduled import number_unscheduled
from .writers.lengths import agree_lengths

SAS_VERSION = "9.4"
LAST = ("CO", "RELREC")
"""What points to records of the other datasets is made when those are numbered."""
NO_DY = "Partial dates give no study day."


def finish_sdtm(mapped: Sequence[Mapped], plan: Plan, tables: StudyTables) -> list[BuiltDataset]:
    """Finish all SDTM datasets of a study; each SUPP-- follows its parent."""
    by_name = {item.plan.name: item for item in mapped}
    demographics = by_name["DM"].frame if "DM" in by_name else None
    number_unscheduled(mapped, plan.study)
    for item in mapped:
        if item.plan.name not in LAST:
            if demographics is not None and item.plan.name != "DM":
                add_study_days(item, demographics)
                add_epochs(item, by_name, plan, tables)
                add_baseline(item, demographics, tables)
            number(item, tables)
    if "CO" in by_name:
        add_comments(by_name["CO"], [item for item in mapped if item.plan.name != "CO"], plan.study.file.study)
        if demographics is not None:
            add_study_days(by_name["CO"], demographics)
        number(by_name["CO"], tables)
    if "RELREC" in by_name:
        relate(by_name["RELREC"], by_name, tables)
        sort_records(by_name["RELREC"])
    finished: list[BuiltDataset] = []
    for name in sorted(by_name):
        finished.append(shape(by_name[name]))
        finished.extend(supplemental(by_name[name]))
    return finished


def number(item: Mapped, tables: StudyTables) -> None:
    """Cut long texts, sort, and number the records; what comes after can point to them."""
    split_long_texts(item)
    sort_records(item)
    add_sequence(item)
    tables.keep(item.plan.name, item.frame, item.sources)


def add_study_days(item: Mapped, demographics: pd.DataFrame) -> None:
    """Add --DY, --STDY, --ENDY against RFSTDTC (SDTMIG 3.4, 4.4.4)."""
    for date, day in study_days(domain_prefix(item.plan.spec)):
        if date in item.frame.columns and day in item.plan.variables:
            reference = of_subject(item.frame, demographics, "RFSTDTC")
            item.frame[day] = pd.Series(study_day(item.frame[date], reference))
            method = f"Date part of {date} minus DM.RFSTDTC in days, plus 1 on or after it; there is no day 0. {NO_DY}"
            item.provenance[day] = Provenance("Derived", "Sponsor", method, columns=(date, "DM.RFSTDTC"))


def add_epochs(item: Mapped, datasets: Mapping[str, Mapped], plan: Plan, tables: StudyTables) -> None:
    """Add EPOCH: the last epoch that has started on the record's date, by the subject's elements (SE) or by study.yaml."""
    if "EPOCH" not in item.plan.variables or "EPOCH" in item.frame.columns or item.plan.name == "SE":
        return
    prefix = domain_prefix(item.plan.spec)
    date = next((name for name in (f"{prefix}STDTC", f"{prefix}DTC") if name in item.frame.columns), None)
    if date is None:
        return
    demographics = datasets["DM"].frame
    if plan.study.file.epochs:
        context = tables.context(tables.table(("dataset", "DM")), item.plan.name, plan.terminology)
        starts = [rule.start.evaluate(context) for rule in plan.study.file.epochs]
        positions = subject_positions(item.frame, demographics)
        spread = [columns.take(columns.as_text(start), positions) for start in starts]
        item.frame["EPOCH"] = epoch_of(item.frame[date], spread, [epoch.EPOCH for epoch in plan.study.file.epochs])
        method = f"The last planned epoch that has started on the date part of {date}."
    elif "SE" in datasets:
        item.frame["EPOCH"] = epoch_of_elements(item.frame, date, datasets["SE"].frame)
        method = f"EPOCH of the subject's last element (SE) that has started on the date part of {date}."
    else:
        return
    item.provenance["EPOCH"] = Provenance("Derived", "Sponsor", method, columns=(date,))


def epoch_of_elements(frame: pd.DataFrame, date: str, elements: pd.DataFrame) -> pd.Series:
    """Return the epoch of each record by the elements of its subject, in their order; partial dates where they can tell."""
    order = elements["TAETORD"] if "TAETORD" in elements.columns else None
    if order is None or bool(order.isna().any()):
        return epoch_from_elements(frame["USUBJID"], frame[date], elements, after_last=True)
    starts, names = [], []
    for place in sorted(set(order.tolist())):
        rows = np.flatnonzero(order.to_numpy() == place)
        part = elements.take(rows).reset_index(drop=True)
        for epoch in sorted(set(columns.as_text(part["EPOCH"]).dropna().astype("str"))):
            own = part[columns.as_text(part["EPOCH"]).astype("str") == epoch].reset_index(drop=True)
            starts.append(columns.take(columns.as_text(own["SESTDTC"]), subject_positions(frame, own)))
            names.append(epoch)
    return epoch_of(frame[date], starts, names)


def add_baseline(item: Mapped, demographics: pd.DataFrame, tables: StudyTables) -> None:
    """Add the flag of the last result before first exposure (--LOBXFL, SDTMIG 3.4, 6.3)."""
    baseline = item.plan.mapping.baseline
    if baseline is None:
        return
    prefix = domain_prefix(item.plan.spec)
    frame = item.frame
    date, result = (frame.get(f"{prefix}{name}", columns.nothing(len(frame))) for name in ("DTC", "STRESC"))
    same_day: np.ndarray | Literal["after"] = "after"
    if baseline.same_day is not None:
        context = tables.context(Table(("dataset", item.plan.name), frame), item.plan.name, tables.plan.terminology)
        same_day = context.mask(baseline.same_day)
    frame[baseline.flag] = last_observation_before(
        frame["USUBJID"],
        [frame[name] for name in (f"{prefix}TESTCD", *baseline.by) if name in frame.columns],
        date,
        of_subject(frame, demographics, "RFXSTDTC"),
        columns.map_distinct(result, lambda texts: [None if says_no_result(text) else text for text in texts]),
        same_day=same_day,
        tie_keys=[frame[name] for name in baseline.ties if name in frame.columns],
    )
    said = f" (on that day, where {baseline.same_day})" if baseline.same_day else ""
    method = f"'Y' for the last record of a subject and test with a result and {prefix}DTC before DM.RFXSTDTC{said}."
    item.provenance[baseline.flag] = Provenance("Derived", "Sponsor", method, columns=(f"{prefix}DTC", "DM.RFXSTDTC"))


def sort_records(item: Mapped) -> None:
    """Sort by the declared order or the keys of the standard; what is then alike is sorted by all its values.

    The order of the raw rows decides nothing, so shuffling them changes no byte.
    """
    declared = item.plan.mapping.sort or item.plan.mapping.keys or item.plan.spec.keys
    names = [name for name in declared if name in item.frame.columns]
    prefix = domain_prefix(item.plan.spec)
    first = [name for name in ("VISITNUM", f"{prefix}DTC", f"{prefix}STDTC") if name in item.frame.columns]
    rest = [name for name in [*first, *item.frame.columns] if name not in names and name != f"{prefix}SEQ"]
    rest = list(dict.fromkeys(rest))
    order = sorted_positions(item.frame, names, rest)
    item.frame = pd.DataFrame(
        {name: columns.take(item.frame[name], order) for name in item.frame.columns}, index=pd.RangeIndex(len(order))
    )
    item.sources = item.sources.take(order).reset_index(drop=True)
    for qualifier in item.qualifiers.values():
        qualifier.values = columns.take(qualifier.values, order)
    for remark in item.remarks:
        remark.values = columns.take(remark.values, order)
        remark.dates = None if remark.dates is None else columns.take(remark.dates, order)


def sorted_positions(frame: pd.DataFrame, names: Sequence[str], rest: Sequence[str]) -> np.ndarray:
    """Return the order of the rows by `names`, missing first; rows that tie are ordered by `rest`."""
    if not len(frame):
        return np.arange(0)
    codes = np.zeros(len(frame), dtype=np.int64)
    for name in names:
        rank = ranks(frame[name]) + 1
        codes = codes * (int(rank.max()) + 1) + rank
        if int(codes.max()) > 2**40:
            codes = np.unique(codes, return_inverse=True)[1].astype(np.int64)
    order = np.argsort(codes, kind="stable")
    same = codes[order][1:] == codes[order][:-1]
    if not same.any() or not rest:
        return order
    tied = np.zeros(len(frame), dtype=bool)
    tied[order[1:][same]] = tied[order[:-1][same]] = True
    places = np.flatnonzero(tied[order])
    rows = order[places]
    keys = [ranks(columns.take(frame[name], rows)) for name in reversed(rest)]
    order[places] = rows[np.lexsort([*keys, codes[rows]])]
    return order


def add_sequence(item: Mapped) -> None:
    """Number the records of each subject in their order: --SEQ (SDTMIG 3.4, 4.1.5), within the key above it elsewhere."""
    name = f"{domain_prefix(item.plan.spec)}SEQ"
    if name not in item.plan.variables:
        return
    if name not in item.frame.columns:
        group = "USUBJID" if "USUBJID" in item.frame.columns else f"{domain_prefix(item.plan.spec)}PARMCD"
        codes = ranks(item.frame[group]) if group in item.frame.columns else np.zeros(len(item.frame), dtype=np.int64)
        item.frame[name] = number_within(codes)
        item.provenance[name] = Provenance(
            "Derived", "Sponsor", "Number of the record within its subject, in sort order."
        )


def number_within(codes: np.ndarray) -> pd.Series:
    """Return 1, 2, ... within each run of equal codes (records sorted by it first)."""
    order = np.argsort(codes, kind="stable")
    ordered = codes[order]
    first = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(codes) else np.arange(0)
    start = np.repeat(first, np.diff(np.r_[first, len(codes)]))
    numbers = np.empty(len(codes))
    numbers[order] = np.arange(len(codes)) - start + 1
    return pd.Series(numbers)


def shape(item: Mapped) -> BuiltDataset:
    """Put the variables in the order of the standard, with their types; expected ones that have no data come as empty."""
    plan = item.plan
    present = [name for name in item.frame.columns if not _empty_permissible(item, name)]
    expected = [] if plan.mapping.is_analysis else [
        variable.name for variable in plan.spec.variables if variable.core in {"Req", "Exp"}
    ]  # fmt: skip
    names = ordered_names(
        item, dict.fromkeys([*present, *(name for name in expected if name not in plan.mapping.omit)])
    )
    specs = {name: plan.variables.get(name) or plan.spec.variable(name) for name in names}
    frame = pd.DataFrame(
        {name: typed(item.frame.get(name), specs[name], len(item.frame)) for name in names},
        index=pd.RangeIndex(len(item.frame)),
    )
    keys = tuple(name for name in (plan.mapping.keys or plan.spec.keys) if name in names)
    label = plan.mapping.label or plan.spec.label
    own = {"label": label, "structure": plan.mapping.structure or plan.spec.structure}
    spec = plan.spec.model_copy(update={"variables": tuple(specs.values()), "keys": keys, **own})
    return BuiltDataset(
        spec, frame, metadata_of(spec, {}), _provenance(item, names), item.value_provenance, item.sources
    )


def ordered_names(item: Mapped, names: Iterable[str]) -> tuple[str, ...]:
    """Return the variables in file order: the standard's for SDTM; ADaM prescribes none, so identifiers, then as mapped."""
    if not item.plan.mapping.is_analysis:
        pieces = pieces_by_variable(item, names)
        rest = {name for own in pieces.values() for name in own}
        ordered = item.plan.standard.order(item.plan.spec, [name for name in names if name not in rest])
        return tuple(one for name in ordered for one in (name, *pieces.get(name, [])))
    present = set(names)
    return tuple(name for name in dict.fromkeys(["STUDYID", "USUBJID", *item.plan.variables]) if name in present)


def pieces_by_variable(item: Mapped, names: Iterable[str]) -> dict[str, list[str]]:
    """Return the variables that hold the rest of a long text (TSVAL1, COVAL1) by the variable they follow."""
    own = OWN_VARIABLES.get(item.plan.name)
    return {} if own is None else {own: [name for name in names if name != own and name.rstrip("0123456789") == own]}


def _empty_permissible(item: Mapped, name: str) -> bool:
    variable = item.plan.variables.get(name)
    return variable is not None and variable.core == "Perm" and bool(item.frame[name].isna().all())


def _provenance(item: Mapped, names: Sequence[str]) -> dict[str, Provenance]:
    """Return where each variable comes from; identifiers are assigned, expected ones without data not available."""
    found: dict[str, Provenance] = {}
    for name in names:
        if name in item.provenance:
            found[name] = item.provenance[name]
        elif name in item.frame.columns:
            derived = name in {"USUBJID"}
            method = "Concatenation of STUDYID, SITEID and SUBJID." if derived else ""
            found[name] = Provenance("Derived" if derived else "Assigned", "Sponsor", method)
        else:
            found[name] = Provenance("Not Available", comment="Expected by the standard; not collected in this study.")
    return found


def typed(column: pd.Series | None, variable: VariableSpec, rows: int) -> pd.Series:
    """Return the column in the type of its variable; a missing column is empty."""
    if column is None:
        return columns.nothing(rows) if variable.type == "Char" else pd.Series(np.full(rows, np.nan))
    if variable.type == "Num":
        return column.astype(np.float64)
    return columns.drop_unused(columns.as_text(column))


def supplemental(item: Mapped) -> list[BuiltDataset]:
    """Return SUPP-- of a dataset: one record per qualifier with a value (SDTMIG 3.4, 8.4); none where there is none."""
    parts = [_qualifier_rows(item, name) for name in item.qualifiers]
    parts = [part for part in parts if len(part)]
    if not parts:
        return []
    spec = item.plan.standard.supplemental(item.plan.spec)
    frame = pd.DataFrame({name: columns.stack([part[name] for part in parts]) for name in parts[0].columns})
    order = sorted_positions(frame, [name for name in spec.keys if name in frame.columns], [])
    frame = pd.DataFrame({name: columns.take(frame[name], order) for name in spec.names if name in frame.columns})
    present = tuple(variable for variable in spec.variables if variable.name in frame.columns)
    shaped = spec.model_copy(update={"variables": present})
    frame = pd.DataFrame({variable.name: typed(frame[variable.name], variable, len(frame)) for variable in present})
    by_value = {("QVAL", "QNAM", name): qualifier.provenance for name, qualifier in item.qualifiers.items()}
    origins = {name: Provenance("Assigned", "Sponsor") for name in shaped.names}
    origins["QVAL"] = next(iter(by_value.values()))
    return [BuiltDataset(shaped, frame, metadata_of(shaped, {}), origins, by_value, no_sources(len(frame)))]


def _qualifier_rows(item: Mapped, name: str) -> pd.DataFrame:
    qualifier = item.qualifiers[name]
    rows = np.flatnonzero(~columns.missing(qualifier.values))
    sequence = f"{domain_prefix(item.plan.spec)}SEQ"
    numbered = sequence in item.frame.columns
    count = len(rows)
    return pd.DataFrame(
        {
            "STUDYID": columns.take(item.frame["STUDYID"], rows),
            "RDOMAIN": columns.constant(item.plan.name, count),
            "USUBJID": columns.take(item.frame["USUBJID"], rows),
            "IDVAR": columns.constant(sequence, count) if numbered else columns.nothing(count),
            "IDVARVAL": columns.as_text(columns.take(item.frame[sequence], rows))
            if numbered
            else columns.nothing(count),
            "QNAM": columns.constant(name, count),
            "QLABEL": columns.constant(qualifier.definition.label, count),
            "QVAL": columns.take(qualifier.values, rows),
            "QORIG": columns.constant(qualifier.provenance.origin, count),
            "QEVAL": columns.constant(qualifier.definition.evaluator, count)
            if qualifier.definition.evaluator
            else columns.nothing(count),
        },
        index=pd.RangeIndex(count),
    )


def to_ascii(datasets: Sequence[BuiltDataset]) -> tuple[list[BuiltDataset], list[tuple[str, Replacement]]]:
    """Write accents and signs in ASCII (opt-in); return the datasets and every distinct value that changed."""
    changed: list[tuple[str, Replacement]] = []
    finished = []
    for dataset in datasets:
        frame, replaced = transliterate_frame(dataset.frame)
        changed.extend((dataset.name, replacement) for replacement in replaced)
        finished.append(replace(dataset, frame=frame))
    return finished, changed


def give_lengths(datasets: Sequence[BuiltDataset], created: datetime) -> list[BuiltDataset]:
    """Give every text variable the length of its longest value over all datasets (SUPP-- each its own)."""
    lengths = agree_lengths({dataset.name: dataset.frame for dataset in datasets})
    finished = []
    for dataset in datasets:
        own = lengths[dataset.name]
        variables = tuple(
            variable.model_copy(update={"length": own[variable.name] if variable.type == "Char" else 8})
            for variable in dataset.spec.variables
        )
        spec = dataset.spec.model_copy(update={"variables": variables})
        finished.append(replace(dataset, spec=spec, metadata=metadata_of(spec, own, created)))
    return finished


def metadata_of(
    spec: DatasetSpec, lengths: Mapping[str, int], created: datetime = datetime(1960, 1, 1)
) -> DatasetMetadata:
    """Return what the transport file says of a dataset."""
    variables = tuple(
        VariableMetadata(
            variable.name,
            variable.label,
            variable.type,
            lengths.get(variable.name, 0) if variable.type == "Char" else 8,
            variable.display_format,
        )
        for variable in spec.variables
    )
    return DatasetMetadata(spec.name, spec.label, variables, created, created, SAS_VERSION)


def of_subject(frame: pd.DataFrame, demographics: pd.DataFrame, name: str) -> pd.Series:
    """Return a DM variable for each record's subject; missing where DM has no such variable or subject."""
    if name not in demographics.columns:
        return columns.nothing(len(frame))
    return columns.take(columns.as_text(demographics[name]), subject_positions(frame, demographics))


def subject_positions(frame: pd.DataFrame, demographics: pd.DataFrame) -> np.ndarray:
    """Return, for each record, the row of its subject in DM, or -1."""
    codes, subjects = columns.distinct(frame["USUBJID"])
    own_codes, own_subjects = columns.distinct(demographics["USUBJID"])
    place = {own_subjects[code]: row for row, code in reversed(list(enumerate(own_codes.tolist()))) if code >= 0}
    table = np.array([place.get(subject, -1) for subject in subjects] + [-1], dtype=np.int64)
    return np.asarray(table[codes])
