"""Trial design from study.yaml: its tables become mappings of TA, TE, TI, TS, TV and SE, as if somebody had written them.

A dataset that a mapping file makes is left to that file. The lines of study.yaml stand behind the mappings, so that a
mistake in a table is shown where it was written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cdiscway.specs.load import Document, Way

from .algorithms.assign import Case, CasesRule, CoalesceRule, ColumnRule, ValueRule
from .algorithms.vocabulary import Rule
from .mapping import DatasetMapping, Each, Records
from .study import Element, Study, Visit

START = "element{}"
END = "elements_end"


def design_mappings(study: Study) -> list[tuple[DatasetMapping, Document]]:
    """Return the mappings that follow from the tables of study.yaml, each with a document for its lines."""
    makers = (arms_mapping, elements_mapping, subject_elements, criteria_mapping, summary_mapping, visits_mapping)
    return [made for make in makers if (made := make(study)) is not None]


def arms_mapping(study: Study) -> tuple[DatasetMapping, Document] | None:
    """Return TA: one record for each element of each arm, in order."""
    elements = {element.ETCD: element for element in study.file.elements}
    rows: list[dict[str, Rule]] = []
    ways: list[Way] = []
    for place, arm in enumerate(study.file.arms):
        for order, item in enumerate(arm.elements, 1):
            element = elements.get(item.ETCD)
            row: dict[str, Any] = {"ARMCD": arm.ARMCD, "ARM": arm.ARM, "TAETORD": order, "ETCD": item.ETCD}
            row |= {"ELEMENT": element.ELEMENT, "EPOCH": element.EPOCH} if element else {}
            rows.append(constants(row | {"TABRANCH": item.TABRANCH, "TATRANS": item.TATRANS}))
            ways.append(("arms", place, "elements", order - 1))
    return written("TA", rows, ways, study)


def elements_mapping(study: Study) -> tuple[DatasetMapping, Document] | None:
    """Return TE: one record for each element."""
    names = ("ETCD", "ELEMENT", "TESTRL", "TEENRL", "TEDUR")
    rows = [constants({name: getattr(element, name) for name in names}) for element in study.file.elements]
    return written("TE", rows, [("elements", place) for place in range(len(rows))], study)


def criteria_mapping(study: Study) -> tuple[DatasetMapping, Document] | None:
    """Return TI: one record for each criterion."""
    rows = [constants(criterion.model_dump()) for criterion in study.file.criteria]
    return written("TI", rows, [("criteria", place) for place in range(len(rows))], study)


def summary_mapping(study: Study) -> tuple[DatasetMapping, Document] | None:
    """Return TS: one record for each line of the summary."""
    rows: list[dict[str, Rule]] = [dict(row) for row in study.file.summary]
    return written("TS", rows, [("summary", place) for place in range(len(rows))], study)


def visits_mapping(study: Study) -> tuple[DatasetMapping, Document] | None:
    """Return TV: one record for each planned visit with a start rule."""
    rows: list[dict[str, Rule]] = []
    ways: list[Way] = []
    for place, visit in enumerate(study.file.visits):
        if visit.TVSTRL:
            rows.append(constants(visit_row(visit, study)))
            ways.append(("visits", place))
    return written("TV", rows, ways, study)


def visit_row(visit: Visit, study: Study) -> dict[str, Any]:
    """Return the record of TV of one planned visit."""
    names = {arm.ARMCD: arm.ARM for arm in study.file.arms}
    row = visit.model_dump(include={"VISITNUM", "VISIT", "VISITDY", "ARMCD", "TVSTRL", "TVENRL"})
    return row | {"ARM": names.get(visit.ARMCD, "")}


def subject_elements(study: Study) -> tuple[DatasetMapping, Document] | None:
    """Return SE: for each subject the elements that started; each ends where the next one starts (SDTMIG 3.4, 5.3)."""
    dated = [(place, element) for place, element in enumerate(study.file.elements) if element.start is not None]
    if not dated:
        return None
    lets: dict[str, Rule] = {START.format(place): element.start for place, element in dated if element.start}
    lines: dict[Way, Way] = {
        ("records", 0, "let", START.format(place)): ("elements", place, "start") for place, _ in dated
    }
    if study.file.elements_end is not None:
        lets[END] = study.file.elements_end
        lines["records", 0, "let", END] = (END,)
    each = tuple(element_records(place, element, list(lets), study) for place, element in dated)
    lines |= {("records", 0, "each", number): ("elements", place) for number, (place, _) in enumerate(dated)}
    block = Records(dataset="DM", let=lets, each=each)
    orders = [set(places_in_arms(element, study).values()) for _, element in dated]
    placed = bool(study.file.arms) and all(len(places) == 1 for places in orders)  # partial starts do not sort
    keys = ("STUDYID", "USUBJID", *(("TAETORD",) if placed else ()), "SESTDTC", "ETCD")
    return DatasetMapping(domain="SE", keys=keys, records=(block,)), lined(study, lines)


def element_records(place: int, element: Element, starts: list[str], study: Study) -> Each:
    """Return the records of one element: where its start is known, until the next start that is."""
    name = START.format(place)
    later = tuple(ColumnRule(column=other) for other in starts[starts.index(name) + 1 :])
    rules: dict[str, Rule] = dict(constants({"ETCD": element.ETCD, "ELEMENT": element.ELEMENT}))
    orders = places_in_arms(element, study)
    if len(set(orders.values())) == 1:
        rules["TAETORD"] = ValueRule(value=next(iter(orders.values())))
    elif orders:
        cases = [Case(when=f'ARMCD == "{arm}"', then=ValueRule(value=order)) for arm, order in orders.items()]
        rules["TAETORD"] = CasesRule(cases=tuple(cases))
    rules |= {"EPOCH": ValueRule(value=element.EPOCH), "SESTDTC": ColumnRule(column=name)}
    if later:
        rules["SEENDTC"] = CoalesceRule(coalesce=later)
    return Each(when=f"{name} is not missing", set=rules)


def places_in_arms(element: Element, study: Study) -> dict[str, int]:
    """Return the place of an element in each arm that has it (TAETORD by ARMCD)."""
    return {
        arm.ARMCD: order
        for arm in study.file.arms
        for order, item in enumerate(arm.elements, 1)
        if item.ETCD == element.ETCD
    }


def constants(row: Mapping[str, Any]) -> dict[str, Rule]:
    """Return the rules of constant values; an empty one is left out."""
    return {name: ValueRule(value=value) for name, value in row.items() if value not in ("", None)}


def written(
    name: str, rows: list[dict[str, Rule]], ways: list[Way], study: Study
) -> tuple[DatasetMapping, Document] | None:
    """Return the mapping of records that study.yaml writes out; None without any."""
    if not rows:
        return None
    lines: dict[Way, Way] = {("records", 0, "rows", place): way for place, way in enumerate(ways)}
    return DatasetMapping(domain=name, records=(Records(rows=tuple(rows)),)), lined(study, lines)


def lined(study: Study, lines: Mapping[Way, Way]) -> Document:
    """Return a document whose places stand on the lines of study.yaml that they come from."""
    known = {way: line for way, origin in lines.items() if (line := study.document.line(origin)) is not None}
    return Document(study.document.name, {}, known)
