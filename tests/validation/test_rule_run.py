from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from cdiscway.converters.dataset import VariableMetadata
from cdiscway.specs.load import parse_yaml
from cdiscway.validation.rule_data import RuleDataset, RuleStudy
from cdiscway.validation.rule_library import PackageTerminology, library_of
from cdiscway.validation.rule_model import parse_rule
from cdiscway.validation.rule_run import RuleOutcome, applicable, run_rules


def dataset(name: str, **columns: list[Any]) -> RuleDataset:
    frame = pd.DataFrame(
        {n: pd.Series(v, dtype="str" if any(isinstance(x, str) for x in v) else None) for n, v in columns.items()}
    )
    variables = tuple(VariableMetadata(n, f"Label of {n}", "Char", 8) for n in columns)
    return RuleDataset(name, frame, f"{name} label", variables, f"{name.lower()}.xpt", 100)


def study(*datasets: RuleDataset, **words: Any) -> RuleStudy:
    return RuleStudy(datasets, library_of("SDTMIG", "3.4"), PackageTerminology(), **words)


def rule(
    check: str, rest: str = "", sensitivity: str = "Record", rule_type: str = "Record Data", scope: str = ""
) -> Any:
    text = f"""\
Check: {check}
Core: {{Id: OURS-1}}
Outcome: {{Message: It is wrong}}
Rule Type: {rule_type}
Scope: {scope or "{Classes: {Include: [ALL]}, Domains: {Include: [ALL]}}"}
Sensitivity: {sensitivity}
{rest}
"""
    return parse_rule(parse_yaml(text, "ours.yml"))


def hits(outcomes: list[RuleOutcome]) -> list[tuple[str, int | None, dict[str, str]]]:
    return [(h.dataset, h.record, dict(h.values)) for o in outcomes for h in o.hits()]


DM = dataset("DM", DOMAIN=["DM", "DM"], USUBJID=["1", "2"], RFSTDTC=["2020-01-05", "2020-02"])
AE = dataset(
    "AE", DOMAIN=["AE"] * 3, USUBJID=["1", "2", "3"], AESEQ=[1.0, 1.0, 1.0], AETERM=["a", "b", "c"],
    AESTDTC=["2020-01-04", "2020-02-10", "2020-03-01"], AESTDY=[-1.0, 7.0, None],
)  # fmt: skip


def test_findings_carry_record_keys_and_values() -> None:
    (outcome,) = run_rules([rule("{all: [{name: --TERM, operator: equal_to, value: b}]}")], study(AE))
    (finding,) = outcome.findings()
    assert (finding.rule, finding.dataset, finding.record, finding.variable) == ("OURS-1", "AE", 2, "AETERM")
    assert finding.keys == {"USUBJID": "2", "AESEQ": "1"}
    assert finding.message == "It is wrong"


def test_a_cause_is_one_finding() -> None:
    (outcome,) = run_rules([rule("{all: [{name: --TERM, operator: not_equal_to, value: a}]}")], study(AE))
    cause = outcome.cause()
    assert cause is not None
    assert (cause.record, cause.records, cause.value) == (2, 2, "AETERM=b")


def test_a_joined_dataset_that_is_not_submitted_is_said() -> None:
    joined = "Match Datasets: [{Name: TV, Keys: [VISITNUM]}]"
    (outcome,) = run_rules([rule("{all: [{name: --TERM, operator: non_empty}]}", joined)], study(AE))
    assert (outcome.status, outcome.reason, outcome.cause()) == ("skipped", "dataset TV is not in the study", None)


def test_a_join_keeps_only_records_that_match_and_their_numbers() -> None:
    joined = "Match Datasets: [{Name: DM, Keys: [USUBJID]}]"
    found = run_rules([rule("{all: [{name: RFSTDTC, operator: is_incomplete_date}]}", joined)], study(AE, DM))
    assert hits(found) == [("AE", 2, {"RFSTDTC": "2020-02"}), ("DM", 2, {"RFSTDTC": "2020-02"})]


def test_a_left_join_keeps_all_records() -> None:
    joined = "Match Datasets: [{Name: DM, Keys: [USUBJID], Join Type: left}]"
    scope = "{Classes: {Include: [EVENTS]}, Domains: {Include: [ALL]}}"
    check = "{all: [{name: DM.USUBJID, operator: empty}]}"
    assert hits(run_rules([rule(check, joined, scope=scope)], study(AE, DM))) == [("AE", 3, {"DM.USUBJID": ""})]


def test_a_record_with_several_partners_is_told_once() -> None:
    joined = "Match Datasets: [{Name: AE, Keys: [USUBJID]}]"
    ae = dataset("AE", USUBJID=["1", "1"], DOMAIN=["AE", "AE"], AESDTH=["Y", "Y"])
    scope = "{Classes: {Include: [ALL]}, Domains: {Include: [DM]}}"
    found = run_rules(
        [rule("{all: [{name: AESDTH, operator: equal_to, value: Y}]}", joined, scope=scope)], study(ae, DM)
    )
    assert hits(found) == [("DM", 1, {"AESDTH": "Y"})]


def test_supplemental_qualifiers_become_variables_of_their_parent() -> None:
    supp = dataset(
        "SUPPAE", RDOMAIN=["AE", "AE"], USUBJID=["1", "2"], IDVAR=["AESEQ", "AESEQ"], IDVARVAL=["1", "9"],
        QNAM=["AESOSP", "AESOSP"], QVAL=["x", "y"],
    )  # fmt: skip
    joined = "Match Datasets: [{Name: SUPPAE, Keys: [USUBJID]}]"
    scope = "{Classes: {Include: [EVENTS]}, Domains: {Include: [AE]}}"
    found = run_rules([rule("{all: [{name: AESOSP, operator: non_empty}]}", joined, scope=scope)], study(AE, supp))
    assert hits(found) == [("AE", 1, {"AESOSP": "x"})]


def test_a_supplemental_record_without_parent_is_found() -> None:
    supp = dataset(
        "SUPPAE",
        RDOMAIN=["AE", "AE"],
        USUBJID=["1", "1"],
        IDVAR=["AESEQ", "AESEQ"],
        IDVARVAL=["1", "9"],
        QNAM=["X", "X"],
    )
    joined = "Match Datasets: [{Name: SUPP--, Keys: [USUBJID, IDVAR, IDVARVAL], Child: true}]"
    check = "{all: [{name: IDVARVAL, operator: not_equal_to, value: IDVAR, value_is_reference: true, type_insensitive: true}]}"
    scope = "{Classes: {Include: [RELATIONSHIP]}, Domains: {Include: [SUPP--]}}"
    assert hits(run_rules([rule(check, joined, scope=scope)], study(AE, supp))) == [("SUPPAE", 2, {"IDVARVAL": "9"})]


@pytest.mark.parametrize("values", [["1", "1"], ["", ""]])
def test_related_records_stand_beside_each_other(values: list[str]) -> None:
    fa = dataset("FA", DOMAIN=["FA", "FA"], USUBJID=["1", "1"], FASEQ=[1.0, 2.0], FATESTCD=["T", "T"], FAOBJ=["a", "z"])
    relrec = dataset(
        "RELREC", RDOMAIN=["AE", "FA"], USUBJID=["1", "1"] if values[0] else ["", ""], IDVAR=["AESEQ", "FASEQ"],
        IDVARVAL=values, RELID=["R", "R"],
    )  # fmt: skip
    check = "{all: [{name: FAOBJ, operator: equal_to, value: RELREC.**TERM}]}"
    scope = "{Classes: {Include: [FINDINGS ABOUT]}, Domains: {Include: [ALL]}}"
    found = run_rules([rule(check, "Match Datasets: [{Name: RELREC}]", scope=scope)], study(AE, fa, relrec))
    assert hits(found) == [("FA", 1, {"FAOBJ": "a"})]


def test_a_dataset_is_told_once() -> None:
    outcome = run_rules([rule("{all: [{name: --TERM, operator: non_empty}]}", sensitivity="Dataset")], study(AE))[0]
    assert hits([outcome]) == [("AE", None, {"AETERM": "a"})]
    assert next(outcome.findings()).records == 3


def test_a_group_is_told_once() -> None:
    lb = dataset("LB", DOMAIN=["LB"] * 3, LBTESTCD=["A", "B", "A"])
    grouped = "Grouping Variables: [LBTESTCD]"
    found = run_rules([rule("{all: [{name: LBTESTCD, operator: non_empty}]}", grouped, "Group")], study(lb))
    assert [hit[1] for hit in hits(found)] == [1, 2]


def test_a_split_domain_is_checked_whole_and_told_by_part() -> None:
    parts = [
        dataset(name, DOMAIN=["QS", "QS"], USUBJID=["1", "2"], QSSEQ=[1.0, seq])
        for name, seq in (("QSAA", 2.0), ("QSBB", 2.0))
    ]
    check = "{all: [{name: --SEQ, operator: is_not_unique_set, value: [USUBJID]}]}"
    found = hits(run_rules([rule(check)], study(*parts)))
    assert [hit[:2] for hit in found] == [("QSAA", 1), ("QSAA", 2), ("QSBB", 1), ("QSBB", 2)]


def test_presence_is_told_of_the_study() -> None:
    found = run_rules(
        [rule("{all: [{name: DM, operator: not_exists}]}", "", "Dataset", "Domain Presence Check")], study(AE)
    )
    assert [hit[:2] for hit in hits(found)] == [("STUDY", None)]


def test_what_lacks_is_skipped_and_what_is_not_at_hand_is_not_run() -> None:
    lacking = rule("{all: [{name: --DY, operator: non_empty}]}")
    terms = "Operations: [{id: $t, operator: codelist_terms, codelists: [NY], level: term, returntype: value}]"
    dated = rule("{all: [{name: --TERM, operator: is_contained_by, value: $t}]}", terms)
    described = rule(
        "{all: [{name: define_dataset_name, operator: empty}]}", "", "Record", "Define Item Group Metadata Check"
    )
    found = run_rules([lacking, dated, described], study(AE, ct=("sdtmct-1999-01-01",)))
    assert [(o.status, o.reason.partition(":")[0]) for o in found] == [
        ("skipped", "AEDY is not in the dataset"),
        ("not run", "the SDTM controlled terminology 1999-01-01 is not at hand"),
        ("not run", "needs a define.xml"),
    ]
    assert found[1].not_run is not None
    assert found[1].not_run.rule == "OURS-1"


@pytest.mark.parametrize(
    ("check", "expected"),
    [
        ("{any: [{name: --DY, operator: non_empty}, {name: --TERM, operator: equal_to, value: a}]}", [1]),
        ("{all: [{name: --DY, operator: non_empty}, {name: --TERM, operator: equal_to, value: nothing}]}", []),
        (
            "{not: {any: [{name: --TERM, operator: equal_to, value: a}, {name: --TERM, operator: equal_to, value: b}]}}",
            [3],
        ),
    ],
)
def test_a_missing_variable_does_not_hide_what_can_be_judged(check: str, expected: list[int]) -> None:
    (outcome,) = run_rules([rule(check)], study(AE))
    assert outcome.status == "checked"
    assert [hit.record for hit in outcome.hits()] == expected


@pytest.mark.parametrize(
    ("scope", "names"),
    [
        ("{Classes: {Include: [EVENTS]}}", ["AE", "APMH"]),
        ("{Classes: {Include: [SPECIAL PURPOSE]}, Domains: {Exclude: [DM]}}", []),
        ("{Domains: {Include: [SUPP--]}}", ["SUPPAE"]),
        ("{Domains: {Include: [AP--]}}", ["APMH"]),
        ("{Classes: {Include: [FINDINGS]}}", ["ZZ", "ZF"]),
        ("{Classes: {Include: [FINDINGS ABOUT]}}", ["ZF"]),
        ("{Data Structures: {Include: [BASIC DATA STRUCTURE]}}", ["ADLB"]),
        ("{Data Structures: {Include: [OCCURRENCE DATA STRUCTURE]}}", ["ADAE"]),
        ("{Data Structures: {Include: [SUBJECT LEVEL ANALYSIS DATASET]}}", ["ADSL"]),
    ],
)
def test_a_scope_takes_in_its_datasets(scope: str, names: list[str]) -> None:
    datasets = [
        DM, AE, dataset("SUPPAE", RDOMAIN=["AE"], QNAM=["X"]), dataset("APMH", DOMAIN=["APMH"], MHTERM=["x"]),
        dataset("ZZ", DOMAIN=["ZZ"], ZZTESTCD=["x"]), dataset("ZF", DOMAIN=["ZF"], ZFTESTCD=["x"], ZFOBJ=["x"]),
        dataset("ADLB", PARAMCD=["x"]), dataset("ADAE", AETERM=["x"]), dataset("ADSL", USUBJID=["x"]),
    ]  # fmt: skip
    checked = rule("{all: [{name: USUBJID, operator: empty}]}", scope=scope)
    whole = study(*datasets)
    assert [d.name for d in datasets if applicable([checked], whole, d)] == names


OPERATIONS = [
    ("{operator: distinct, domain: AE, name: AETERM}", "['a', 'b', 'c']"),
    ("{operator: distinct, domain: AE, name: AETERM, group: [USUBJID]}", "['a']"),
    ("{operator: distinct, domain: AE, name: AETERM, filter: {AETERM: b&}}", "['b']"),
    ("{operator: record_count, domain: AE}", "3"),
    ("{operator: record_count, domain: AE, group: [USUBJID], filter: {AETERM: b}}", "0"),
    ("{operator: max_date, domain: AE, name: AESTDTC}", "2020-03-01"),
    ("{operator: min_date, domain: AE, name: AESTDTC, group: [USUBJID]}", "2020-01-04"),
    ("{operator: max, domain: AE, name: AESTDY}", "7"),
    ("{operator: min, domain: AE, name: AESTDY}", "-1"),
    ("{operator: mean, domain: AE, name: AESTDY}", "3"),
    ("{operator: study_domains}", "['DM', 'AE']"),
    ("{operator: dataset_names}", "['DM', 'AE']"),
    ("{operator: domain_is_custom}", "False"),
    ("{operator: domain_label}", "Demographics"),
    ("{operator: extract_metadata, name: dataset_label}", "DM label"),
    ("{operator: extract_metadata, name: dataset_size}", "100"),
    ("{operator: variable_exists, name: RFSTDTC}", "True"),
    ("{operator: variable_is_null, name: NOTHERE}", "True"),
    ("{operator: variable_count, name: --TERM}", "1"),
    ("{operator: get_column_order_from_dataset}", "['DOMAIN', 'USUBJID', 'RFSTDTC']"),
    ("{operator: get_column_order_from_library, key_name: role, key_value: Topic}", "['SUBJID']"),
    ("{operator: get_model_filtered_variables, key_name: role, key_value: Topic}", "['SUBJID']"),
    ("{operator: get_dataset_filtered_variables, key_name: role, key_value: Identifier}", "['DOMAIN', 'USUBJID']"),
    ("{operator: get_library_class_domains, domain_class: STUDY REFERENCE}", "['OI']"),
    ("{operator: codelist_terms, codelists: [NY], level: term, returntype: value}", "['N', 'NA', 'U', 'Y']"),
    ("{operator: codelist_terms, codelists: [NY], level: codelist, returntype: code}", "['C66742']"),
    ("{operator: codelist_extensible, codelist: NY}", "False"),
    ("{operator: split_by, name: RFSTDTC, delimiter: '-'}", "['2020', '01', '05']"),
    ("{operator: map, map: [{USUBJID: '1', output: first}, {output: other}]}", "first"),
    ("{operator: dy, name: RFSTDTC}", "1"),
]


@pytest.mark.parametrize(("operation", "expected"), OPERATIONS, ids=[text for text, _ in OPERATIONS])
def test_an_operation_gives_its_result_to_the_record(operation: str, expected: str) -> None:
    words = operation.replace("{operator", "{id: $r, operator", 1)
    rest = f"Operations: [{words}]\n"
    text = rule(
        "{all: [{name: USUBJID, operator: equal_to, value: '1', value_is_literal: true}, {name: $r, operator: exists}]}",
        rest,
    )
    (outcome,) = [o for o in run_rules([text], study(DM, AE)) if o.dataset == "DM"]
    assert outcome.reason == ""
    assert [dict(hit.values)["$r"] for hit in outcome.hits()] == [expected]


@pytest.mark.parametrize("name", ["sdtmct-1999-01-01", "SDTM CT 1999-01-01", "sdtm-ct-1999-01-01"])
def test_a_package_may_be_named_in_several_ways(name: str) -> None:
    terms = "Operations: [{id: $t, operator: codelist_terms, codelists: [NY], level: term, returntype: value}]"
    asked = rule("{all: [{name: --TERM, operator: is_contained_by, value: $t}]}", terms)
    (outcome,) = run_rules([asked], study(AE, ct=(name,)))
    assert "1999-01-01 is not at hand: `cdiscway terminology import FILE`" in outcome.reason


def test_minus_takes_one_list_from_another() -> None:
    rest = """Operations:
  - {id: $a, operator: get_column_order_from_dataset}
  - {id: $b, operator: distinct, name: DOMAIN}
  - {id: $m, operator: minus, name: $a, subtract: $b}
"""
    (outcome,) = run_rules([rule("{all: [{name: $m, operator: non_empty}]}", rest, "Dataset")], study(DM))
    assert dict(next(outcome.hits()).values)["$m"] == "['DOMAIN', 'USUBJID', 'RFSTDTC']"


TYPES = [
    ("Dataset Metadata Check", "{name: dataset_name, operator: equal_to, value: AE}", [1]),
    ("Variable Metadata Check", "{name: variable_name, operator: equal_to, value: AETERM}", [4]),
    (
        "Variable Metadata Check against Library Metadata",
        "{name: library_variable_core, operator: equal_to, value: Exp}",
        [5],
    ),
    ("Value Check with Variable Metadata", "{name: variable_value, operator: equal_to, value: b}", [2]),
    ("Value Check with Dataset Metadata", "{name: variable_value_length, operator: greater_than, value: 9}", [1, 2, 3]),
    ("Value Check against Library Metadata", "{name: variable_value, operator: equal_to, value: '3'}", [3]),
]


@pytest.mark.parametrize(("rule_type", "check", "records"), TYPES, ids=[t[0] for t in TYPES])
def test_a_rule_type_has_its_table(rule_type: str, check: str, records: list[int]) -> None:
    found = run_rules([rule(f"{{all: [{check}]}}", rule_type=rule_type)], study(AE))
    assert [hit[1] for hit in hits(found)] == records
