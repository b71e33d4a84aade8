"""One cause, one finding: what follows from another finding stands under it, and nothing is lost or made harmless."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdiscway.validation.causes import RANK, Cause, Relation, folded, relations, with_consequences
from cdiscway.validation.checks import RULES
from cdiscway.validation.finding import Finding, Source
from cdiscway.validation.rule_checks import own_rules


def cause(rule: str, dataset: str = "AE", variable: str = "AETERM", severity: str = "error", **more) -> Cause:  # type: ignore[no-untyped-def]
    at, subjects = more.pop("at", None), more.pop("subjects", {})
    positions = None if at is None else np.array(at)
    records = len(at) if at is not None else more.pop("records", 1)
    finding = Finding(rule, severity, dataset, rule, variable, records=records, **more)  # type: ignore[arg-type]
    return Cause(finding, subjects=subjects, positions=positions)


def shape(causes: list[Cause]) -> list[tuple[str, list[str]]]:
    return [(item.finding.rule, [below.finding.rule for below in item.consequences]) for item in causes]


def test_rules_named_are_those_of_the_catalogue() -> None:
    known = {*RULES, *(rule.id for rule in own_rules())}
    named = {rule for relation in relations() for rule in (*relation.cause, *relation.brings)}
    assert named <= known


def test_a_consequence_is_told_under_its_cause() -> None:
    causes = [cause("CDW-DEF-DATA-MANDATORY", records=2), cause("CDW-REQ-NULL", at=[3, 7])]
    assert shape(folded(causes)) == [("CDW-REQ-NULL", ["CDW-DEF-DATA-MANDATORY"])]


@pytest.mark.parametrize(
    "other",
    [
        cause("CDW-REQ-NULL", variable="AEDECOD", at=[3, 7]),
        cause("CDW-REQ-NULL", dataset="CM", at=[3, 7]),
        cause("CDW-REQ-NULL", at=[3]),
        cause("CDW-REQ-NULL", severity="warning", at=[3, 7]),
        cause("CDW-BLANKS", at=[3, 7]),
    ],
    ids=["another variable", "another dataset", "fewer records", "less grave", "no relation"],
)
def test_a_finding_without_its_cause_stands_alone(other: Cause) -> None:
    causes = folded([cause("CDW-DEF-DATA-MANDATORY", records=2), other])
    assert [item.finding.rule for item in causes] == ["CDW-DEF-DATA-MANDATORY", other.finding.rule]
    assert not any(item.consequences for item in causes)


def test_records_of_a_consequence_are_among_those_of_the_cause() -> None:
    keys = cause("CDW-KEYS", at=[1, 2, 5, 6])
    assert shape(folded([keys, cause("CDW-SEQ-UNIQUE", at=[2, 6])])) == [("CDW-KEYS", ["CDW-SEQ-UNIQUE"])]
    assert len(folded([keys, cause("CDW-SEQ-UNIQUE", at=[2, 7])])) == 2


def test_a_chain_stands_under_its_first_cause() -> None:
    raw = {"value": "3", "source": Source("INCLUSION", "raw/INCLUSION.csv", 4)}
    causes = [
        cause("CDW-CODELIST", "ADSL", "SEX", **raw),
        cause("CDW-MAP-TERM", "ADSL", "SEX", **raw),
        cause("CDW-CODELIST", "DM", "SEX", **raw),
        cause("CDW-MAP-RECODE", "DM", "SEX", **raw),
        cause("CDW-MAP-TERM", "DM", "SEX", **raw),
    ]
    assert shape(folded(causes)) == [
        ("CDW-MAP-RECODE", ["CDW-CODELIST", "CDW-MAP-TERM", "CDW-CODELIST", "CDW-MAP-TERM"])
    ]


def test_a_circle_of_relations_loses_nothing() -> None:
    circle = [Relation(cause=(a,), brings=(b,), same=("dataset",)) for a, b in (("A", "B"), ("B", "C"), ("C", "A"))]
    causes = folded([cause("A"), cause("B"), cause("C")], circle)
    assert len(causes) == 1
    assert len(with_consequences(causes)) == 3


RELATED = [
    Relation(cause=("A", "B"), brings=("B", "C"), same=("dataset", "records")),
    Relation(cause=("C",), brings=("A", "D"), same=("variable",)),
    Relation(cause=("B",), brings=("D",), same=("subjects",), into="analysis"),
]
CAUSES = st.lists(
    st.builds(
        lambda rule, dataset, variable, severity, at, names: cause(
            rule, dataset, variable, severity, at=sorted(at), subjects=dict.fromkeys(names, 1)
        ),
        st.sampled_from("ABCD"),
        st.sampled_from(["AE", "ADAE"]),
        st.sampled_from(["X", "Y"]),
        st.sampled_from(sorted(RANK)),
        st.sets(st.integers(0, 3), min_size=1),
        st.sets(st.sampled_from(["1", "2"])),
    ),
    max_size=8,
)


@given(CAUSES)
def test_nothing_is_lost_and_no_error_is_made_harmless(causes: list[Cause]) -> None:
    told = folded(causes, RELATED)
    assert sorted(map(repr, (item.finding for item in with_consequences(told)))) == sorted(
        map(repr, (item.finding for item in causes))
    )
    for item in told:
        assert all(RANK[item.finding.severity] <= RANK[below.finding.severity] for below in item.consequences)
        assert not any(below.consequences for below in item.consequences)
