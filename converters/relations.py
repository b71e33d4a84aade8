"""Relations: RELREC in both forms (SDTMIG 3.4, 8.2, 8.3), and CO from the comments on records (5.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from .algorithms import columns
from .dataset import Provenance
from .dataset_variables import COMMENT_VARIABLES, domain_prefix
from .mapping import Relation, RelationSide
from .sdtm import Mapped, Remark
from .tables import StudyTables, no_sources, stack_sources

RELREC = ("STUDYID", "RDOMAIN", "USUBJID", "IDVAR", "IDVARVAL", "RELTYPE", "RELID")


def relate(item: Mapped, datasets: Mapping[str, Mapped], tables: StudyTables) -> None:
    """Fill RELREC from its relations; the datasets have their sequence numbers by now."""
    parts = []
    for relation in item.plan.mapping.relations:
        if relation.of_datasets:
            parts.append(dataset_relation(relation, tables.plan.study.file.study))
        else:
            parts.append(record_relation(relation, datasets, tables))
    item.frame = pd.DataFrame({name: columns.stack([part[name] for part in parts]) for name in RELREC})
    item.sources = no_sources(len(item.frame))
    item.provenance |= {name: Provenance("Assigned", "Sponsor") for name in RELREC}


def dataset_relation(relation: Relation, study: str) -> pd.DataFrame:
    """Return one record for each related dataset: its variable, no subject and no value."""
    sides = relation.between
    count = len(sides)
    texts: dict[str, Sequence[str | None]] = {
        "STUDYID": [study] * count,
        "RDOMAIN": [side.dataset for side in sides],
        "USUBJID": [None] * count,
        "IDVAR": [side.by for side in sides],
        "IDVARVAL": [None] * count,
        "RELTYPE": [side.reltype for side in sides],
        "RELID": [relation.relid] * count,
    }
    return pd.DataFrame({name: text_column(values) for name, values in texts.items()})


def record_relation(relation: Relation, datasets: Mapping[str, Mapped], tables: StudyTables) -> pd.DataFrame:
    """Return the records of a subject that share a value on every side, group by group (RELID is numbered)."""
    found = [_side(side, datasets[side.dataset], tables) for side in relation.between]
    subjects = columns.stack([subject for subject, _, _ in found])
    values = columns.stack([value for _, value, _ in found])
    sequences = np.concatenate([sequence for _, _, sequence in found])
    side = np.repeat(np.arange(len(found)), [len(sequence) for _, _, sequence in found])
    codes, groups = columns.distinct_tuples([subjects, values])
    usable = ~columns.missing(values)
    sides_of = np.zeros((len(groups), len(found)), dtype=bool)
    sides_of[codes[usable], side[usable]] = True
    whole = np.asarray(np.logical_and.reduce(sides_of, axis=1))
    keep = np.flatnonzero(usable & whole[codes])
    numbers = _group_numbers([groups[code] for code in np.flatnonzero(whole).tolist()])
    names = [domain_prefix(datasets[item.dataset].plan.spec) for item in relation.between]
    count = len(keep)
    return pd.DataFrame(
        {
            "STUDYID": columns.constant(tables.plan.study.file.study, count),
            "RDOMAIN": columns.from_codes(side[keep], [item.dataset for item in relation.between]),
            "USUBJID": columns.take(subjects, keep),
            "IDVAR": columns.from_codes(side[keep], [f"{name}SEQ" for name in names]),
            "IDVARVAL": columns.as_text(pd.Series(sequences[keep])),
            "RELTYPE": columns.nothing(count),
            "RELID": text_column([f"{relation.relid}{numbers[groups[code]]}" for code in codes[keep]]),
        },
        index=pd.RangeIndex(count),
    )


def _side(side: RelationSide, mapped: Mapped, tables: StudyTables) -> tuple[pd.Series, pd.Series, np.ndarray]:
    """Return subject, value and sequence number of the records of one side."""
    rows = np.arange(len(mapped.frame))
    if side.where is not None:
        table = tables.table(("dataset", side.dataset))
        context = tables.context(table, "RELREC", tables.plan.terminology)
        rows = np.flatnonzero(context.mask(side.where))
    frame = mapped.frame
    value = frame[side.by] if side.by in frame.columns else columns.nothing(len(frame))
    sequence = frame[f"{domain_prefix(mapped.plan.spec)}SEQ"].to_numpy(dtype=np.float64)
    return columns.take(frame["USUBJID"], rows), columns.take(columns.as_text(value), rows), sequence[rows]


def _group_numbers(groups: Sequence[tuple[str | None, ...]]) -> dict[tuple[str | None, ...], int]:
    """Number the groups of each subject: 1, 2, ... in the order of their values."""
    numbers: dict[tuple[str | None, ...], int] = {}
    last: dict[str | None, int] = {}
    for group in sorted(groups, key=lambda group: tuple(part or "" for part in group)):
        last[group[0]] = numbers[group] = last.get(group[0], 0) + 1
    return numbers


def comment_records(remark: Remark, parent: Mapped, study: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the records of CO for a comment on the records of a dataset, and where they come from."""
    sequence = f"{domain_prefix(parent.plan.spec)}SEQ"
    rows = np.flatnonzero(~columns.missing(remark.values))
    count = len(rows)
    numbered = sequence in parent.frame.columns
    reference = remark.definition.reference
    made = {
        "STUDYID": columns.constant(study, count),
        "DOMAIN": columns.constant("CO", count),
        "RDOMAIN": columns.constant(parent.plan.name, count),
        "USUBJID": columns.take(parent.frame["USUBJID"], rows),
        "IDVAR": columns.constant(sequence, count) if numbered else columns.nothing(count),
        "IDVARVAL": columns.as_text(columns.take(parent.frame[sequence], rows)) if numbered else columns.nothing(count),
        "COREF": columns.nothing(count) if reference is None else columns.constant(reference, count),
        "COVAL": columns.take(remark.values, rows),
        "CODTC": columns.nothing(count) if remark.dates is None else columns.take(remark.dates, rows),
    }
    return pd.DataFrame(made, index=pd.RangeIndex(count)), parent.sources.take(rows).reset_index(drop=True)


def add_comments(item: Mapped, datasets: Sequence[Mapped], study: str) -> None:
    """Add the comments on the records of other datasets to CO, each pointing to its record by --SEQ."""
    parts = [] if not len(item.frame) else [(item.frame, item.sources)]
    parts += [comment_records(remark, parent, study) for parent in datasets for remark in parent.remarks]
    if not parts:
        return
    every = list(dict.fromkeys(["STUDYID", "DOMAIN", *COMMENT_VARIABLES, *item.frame.columns]))
    item.frame = pd.DataFrame(
        {
            name: columns.stack(
                [frame[name] if name in frame.columns else columns.nothing(len(frame)) for frame, _ in parts]
            )
            for name in every
        }
    )
    item.sources = stack_sources([sources for _, sources in parts])
    said = [remark.provenance for parent in datasets for remark in parent.remarks]
    said += [item.provenance["COVAL"]] if "COVAL" in item.provenance else []
    forms = tuple(dict.fromkeys(form for provenance in said for form in provenance.forms))
    raw = tuple(dict.fromkeys(name for provenance in said for name in provenance.columns))
    item.provenance["COVAL"] = Provenance(said[0].origin, said[0].source, said[0].method, forms, raw)


def text_column(values: Sequence[str | None]) -> pd.Series:
    """Return a text column of some values."""
    known = list(dict.fromkeys(value for value in values if value is not None))
    place = {value: number for number, value in enumerate(known)}
    codes = np.array([-1 if value is None else place[value] for value in values], dtype=np.int64)
    return columns.from_codes(codes, known)
