"""The shipped specs against the reference tables of the standards, and what the standards answer beyond the IG."""

import csv
from collections import Counter
from pathlib import Path

import pytest

from cdiscway.specs.analysis import Adam
from cdiscway.specs.standards import STANDARDS, load_standard
from cdiscway.specs.tabulation import GENERAL_CLASSES, Sdtm, _classes, _special_variables

REFERENCE = Path(__file__).parents[2] / ".." / "shared" / "standards"
needs_reference = pytest.mark.skipif(not REFERENCE.is_dir(), reason="no reference tables beside the repository")

# Every difference from the reference, with its reason: (dataset, variable, field) -> (reference, ours).
SDTM_DIFFERENCES = {
    # the IG writes ISO 3166-1 in its column of controlled terms, which the reference leaves empty
    ("DM", "COUNTRY", "format"): ("", "ISO 3166-1 Alpha-3"),
}
DATASET_DIFFERENCES = {
    # 41 characters: more than a label of a transport file may have; SUPP-- datasets are labelled with their domain
    ("SUPPQUAL", "label"): ("Supplemental Qualifiers for [domain name]", "Supplemental Qualifiers for [domain]"),
}
ADAM_DIFFERENCES = {
    # 41 characters in the IG; shortened as its neighbour PCHGCAyN is
    ("BDS", "PBCHGCyN", "label"): (
        "Percent Change to Baseline Category y (N)",
        "Percent Chg to Baseline Category y (N)",
    ),
    # the asterisk points to a footnote of the IG's table
    ("OCCDS", "--STDY", "label"): ("Study Day of Start of Observation*", "Study Day of Start of Observation"),
    ("OCCDS", "--ENDY", "label"): ("Study Day of End of Observation*", "Study Day of End of Observation"),
    ("OCCDS-AE", "--STDY", "label"): ("Study Day of Start of Observation*", "Study Day of Start of Observation"),
    ("OCCDS-AE", "--ENDY", "label"): ("Study Day of End of Observation*", "Study Day of End of Observation"),
}


@pytest.fixture(scope="module")
def sdtm() -> Sdtm:
    standard = load_standard("SDTMIG 3.4")
    assert isinstance(standard, Sdtm)
    return standard


@pytest.fixture(scope="module")
def adam() -> Adam:
    standard = load_standard("ADaMIG 1.3")
    assert isinstance(standard, Adam)
    return standard


def rows(name: str) -> list[dict[str, str]]:
    with (REFERENCE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(";") if part.strip())


@needs_reference
def test_sdtmig_variables_are_the_ig_s(sdtm):
    reference = sorted(rows("sdtmig-3-4.csv"), key=lambda row: (row["dataset"], int(row["order"])))
    ours = [(name, variable) for name in sdtm.names for variable in sdtm.dataset(name).variables]
    assert len(ours) == len(reference) == 1917
    differences = {}
    for row, (dataset, variable) in zip(reference, ours, strict=True):
        told = {
            "dataset": dataset,
            "variable": variable.name,
            "class": sdtm.dataset(dataset).observation_class,
            "label": variable.label,
            "type": variable.type,
            "codelist_codes": ";".join(variable.codelists),
            "format": variable.format,
            "value_list": ";".join(variable.values),
            "role": variable.role,
            "core": variable.core,
        }
        row["format"] = row.pop("described_format")
        for field, value in told.items():
            if row[field] != value:
                differences[dataset, variable.name, field] = (row[field], value)
    assert differences == SDTM_DIFFERENCES


@needs_reference
def test_sdtmig_datasets_are_the_ig_s(sdtm):
    reference = rows("sdtmig-3-4-datasets.csv")
    assert sdtm.names == tuple(row["dataset"] for row in reference)
    differences = {}
    for row in reference:
        spec = sdtm.dataset(row["dataset"])
        told = {
            "label": spec.label,
            "class": spec.observation_class,
            "structure": spec.structure,
            "example_keys": ", ".join(spec.keys),
        }
        for field, value in told.items():
            if row[field] != value:
                differences[spec.name, field] = (row[field], value)
    assert differences == DATASET_DIFFERENCES


@needs_reference
def test_model_variables_are_sdtm_2_0_s():
    reference = rows("sdtm-model-2-0.csv")
    classes = {("General Observations", ""): (*_classes()["identifiers"], *_classes()["timing"])}
    classes |= {(name, ""): _classes()[name] for name in (*GENERAL_CLASSES, "Associated Persons")}
    ours = {(name, v.name): v for (name, _), variables in classes.items() for v in variables}
    ours |= {(dataset, v.name): v for dataset, variables in _special_variables().items() for v in variables}
    assert len(reference) == 527
    assert [(row["dataset"] or row["class"], row["variable"]) for row in reference if not row["dataset"]] == [
        key for key in ours if key[0] in {name for name, _ in classes}
    ]
    for row in reference:
        variable = ours.pop((row["dataset"] or row["class"], row["variable"]))
        assert (variable.label, variable.type, variable.role, variable.format) == (
            row["label"],
            row["type"],
            row["role"],
            row["described_format"],
        )
        restriction = row["usage_restriction"]
        assert variable.nonclinical == ("Not in human clinical trials" in restriction)
        assert bool(variable.only) == ("only" in restriction.casefold().replace("--", ""))
        assert all(code in restriction for code in (*variable.only, *variable.not_in))
        assert bool(variable.not_in) == (restriction.startswith(("Not in AE", "Not in QS")))
        assert bool(variable.not_in_classes) == (restriction == "Not in Findings class domains")
    assert not ours


@needs_reference
def test_adam_variables_are_the_ig_s(adam):
    reference = rows("adamig-1-3.csv")
    assert len(reference) == 593
    differences = {}
    for structure in adam.names:
        spec = adam.dataset(structure)
        listed = [row for row in reference if row["structure"] == structure]
        used = [row for row in listed if row["core"].casefold() != "not used"]
        assert list(spec.not_used) == [row["variable"] for row in listed if row not in used]
        assert {row["standard"] for row in listed} == {spec.standard}
        told = {(variable.name, variable.role): variable for variable in spec.variables}
        assert Counter(told.keys()) == Counter((row["variable"], row["variable_set"]) for row in used)
        for row in used:
            variable = told[row["variable"], row["variable_set"]]
            pairs = {
                "label": (row["label"], variable.label),
                "type": (row["type"], variable.type),
                "core": (row["core"], variable.core),
                "codelists": (parts(row["codelist_codes"]), variable.codelists),
                "format": (row["described_format"], variable.format),
                "values": (parts(row["value_list"]), variable.values),
                "predecessor": (row["predecessor"], variable.predecessor),
            }
            for field, (theirs, ours) in pairs.items():
                if theirs != ours:
                    differences[structure, variable.name, field] = (theirs, ours)
    assert differences == ADAM_DIFFERENCES


@needs_reference
def test_adam_variables_stand_in_the_order_of_their_set(adam):
    reference = rows("adamig-1-3.csv")
    for structure in adam.names:
        listed = {
            (r["variable"], r["variable_set"]): int(r["order_in_set"]) for r in reference if r["structure"] == structure
        }
        for role in {variable.role for variable in adam.dataset(structure).variables}:
            order = [listed[v.name, role] for v in adam.dataset(structure).variables if v.role == role]
            assert order == sorted(order)


def test_every_dataset_reads_and_its_labels_fit(sdtm, adam):
    assert len(sdtm.names) == 63
    assert len(adam.names) == 5
    assert sum(len(sdtm.dataset(name).variables) for name in sdtm.names) == 1917
    for name in sdtm.names:
        assert sdtm.dataset(name).standard == "SDTMIG 3.4"
        assert len(set(sdtm.dataset(name).names)) == len(sdtm.dataset(name).names)


def test_a_standard_says_its_version_and_those_known():
    assert [load_standard(name).model_version for name in STANDARDS] == ["2.0", "2.1"]
    with pytest.raises(KeyError, match=r"SDTMIG 3\.4, ADaMIG 1\.3"):
        load_standard("SDTMIG 3.2")
    with pytest.raises(KeyError):
        load_standard("SDTMIG 3.4").dataset("ZZ")


@pytest.mark.parametrize(
    ("dataset", "variable", "role", "codelists"),
    [
        ("LB", "LBTESTCD", "Topic", ("C65047",)),
        ("LB", "LBREPNUM", "Record Qualifier", ()),
        ("CM", "CMRSDISC", "Record Qualifier", ()),
        ("AE", "EPOCH", "Timing", ("C99079",)),
        ("VS", "VSSTRF", "Timing", ("C66728",)),
        ("FA", "FAOBJ", "Record Qualifier", ()),
        ("DM", "DMDTC", "Timing", ()),
        ("RELREC", "POOLID", "Identifier", ()),
    ],
)
def test_sdtm_4_1_4_a_variable_of_the_class_may_stand(sdtm, dataset, variable, role, codelists):
    found = sdtm.resolve(dataset, variable)
    assert (found.name, found.role, found.codelists) == (variable, role, codelists)
    assert sdtm.refusal(dataset, variable) == ""


@pytest.mark.parametrize(
    ("dataset", "variable", "why"),
    [
        ("AE", "AEOCCUR", "does not allow it in AE; it goes to SUPPAE"),
        ("LB", "LBAGENT", "keeps it for MS; it goes to SUPPLB"),
        ("LB", "LBSTDTC", "does not allow it in class Findings"),
        ("LB", "LBUSCHFL", "out of human clinical trials"),
        ("LB", "CENTRLAB", "has it; it goes to SUPPLB"),
        ("LB", "VSTESTCD", "has it; it goes to SUPPLB"),
        ("DM", "DMTESTCD", "has it; it goes to SUPPDM"),
        ("TA", "TAXX", "(class Trial Design) has it"),
    ],
)
def test_sdtmig_8_4_what_may_not_stand_goes_to_supp(sdtm, dataset, variable, why):
    assert sdtm.resolve(dataset, variable) is None
    assert why in sdtm.refusal(dataset, variable)
    assert ("SUPP" in sdtm.refusal(dataset, variable)) == (dataset != "TA")


def test_sdtmig_4_1_4_order_of_the_ig_with_the_model_between(sdtm):
    given = ["LBDTC", "EPOCH", "LBREPNUM", "FOCID", "LBTEST", "LBTESTCD", "LBMODIFY", "STUDYID", "LBCAT"]
    assert sdtm.order("LB", given) == (
        "STUDYID",
        "FOCID",
        "LBTESTCD",
        "LBTEST",
        "LBMODIFY",
        "LBCAT",
        "LBREPNUM",
        "EPOCH",
        "LBDTC",
    )
    with pytest.raises(KeyError, match="CENTRLAB"):
        sdtm.order("LB", ["CENTRLAB"])


def test_sdtmig_4_1_4_the_ig_s_order_is_the_model_s(sdtm):
    for name in sdtm.names:
        spec = sdtm.dataset(name)
        assert sdtm.order(name, reversed(spec.names)) == spec.names
        allowed = tuple(variable.name for variable in sdtm.allowed(name))
        ranks = sdtm._model_ranks(spec)
        assert [ranks[variable] for variable in allowed] == sorted(ranks[variable] for variable in allowed)
        assert set(spec.names) <= set(allowed)


def test_sdtmig_2_6_a_custom_domain_of_a_class(sdtm):
    spec = sdtm.custom_domain("XA", "Apheresis Findings", "Findings")
    assert spec.standard == "SDTMIG 3.4"
    assert sdtm.required(spec) == ("STUDYID", "DOMAIN", "USUBJID", "XASEQ", "XATESTCD", "XATEST")
    assert sdtm.resolve(spec, "XASTRESU").codelists == ("C71620",)
    assert sdtm.resolve(spec, "XATSTCND") is None
    assert sdtm.resolve(spec, "XASTDTC") is None
    assert sdtm.order(spec, ["XADTC", "XATEST", "XASEQ"]) == ("XASEQ", "XATEST", "XADTC")
    assert "XAOBJ" in sdtm.custom_domain("XA", "About", "Findings About").names
    for code, observation_class in [
        ("LB", "Findings"),
        ("1A", "Findings"),
        ("XAX", "Findings"),
        ("XA", "Relationship"),
    ]:
        with pytest.raises(KeyError):
            sdtm.custom_domain(code, "No", observation_class)


def test_sdtmig_4_1_7_a_part_of_a_split_domain(sdtm):
    part = sdtm.split("LB", "LBHM", "Hematology")
    assert (part.name, sdtm.resolve(part, "LBREPNUM").name) == ("LBHM", "LBREPNUM")
    assert sdtm.supplemental(part).name == "SUPPLBHM"
    assert sdtm.custom_domain("LBHM", "Hematology", "Findings") == part
    with pytest.raises(KeyError):
        sdtm.split("LB", "XXHM", "Hematology")


def test_sdtmig_8_4_supplemental_qualifiers(sdtm):
    spec = sdtm.supplemental("LB")
    assert (spec.name, spec.label) == ("SUPPLB", "Supplemental Qualifiers for LB")
    assert spec.names[-5:] == ("QNAM", "QLABEL", "QVAL", "QORIG", "QEVAL")
    for name in ("TS", "RELREC", "SUPPQUAL", "OI"):
        with pytest.raises(KeyError):
            sdtm.supplemental(name)


def test_define_class_is_a_term_of_gnrlobsc(sdtm, adam):
    assert sdtm.dataset("DM").define_class == "SPECIAL PURPOSE"
    assert sdtm.dataset("FA").define_class == "FINDINGS ABOUT"
    assert (adam.dataset("ADTTE").define_class, adam.dataset("ADTTE").subclass) == (
        "BASIC DATA STRUCTURE",
        "TIME-TO-EVENT",
    )


@pytest.mark.parametrize(
    ("dataset", "variable", "label", "type_", "display", "predecessor"),
    [
        ("ADSL", "TRT01P", "Planned Treatment for Period 01", "Char", "", ""),
        ("ADSL", "AGEGR1N", "Pooled Age Group 1 (N)", "Num", "", ""),
        ("ADSL", "TR01SDT", "Date of First Exposure in Period 01", "Num", "DATE9.", ""),
        ("ADSL", "TR02EDTM", "Datetime of Last Exposure in Period 02", "Num", "DATETIME19.", ""),
        ("ADSL", "AGE", "Age", "Num", "", "DM.AGE"),
        ("ADSL", "COUNTRY", "Country", "Char", "", "DM.COUNTRY"),
        ("ADSL", "SEXN", "Sex (N)", "Num", "", ""),
        ("ADSL", "ENGRFL", "", "Char", "", ""),
        ("ADSL", "APHDTF", "", "Char", "", ""),
        ("ADSL", "APHSDTM", "", "Num", "DATETIME19.", ""),
        ("ADTTE", "CNSR", "Censor", "Num", "", ""),
        ("ADTTE", "ADY", "Analysis Relative Day", "Num", "", ""),
        ("ADTTE", "TRTSDT", "Date of First Exposure to Treatment", "Num", "DATE9.", "ADSL.TRTSDT"),
        ("ADAE", "AESTDTC", "Start Date/Time of Adverse Event", "Char", "", "AE.AESTDTC"),
        ("ADAE", "AESEVN", "Severity/Intensity (N)", "Num", "", ""),
        ("ADAE", "DECDORG2", "PT in Original Dictionary 2", "Char", "", ""),
        ("ADCM", "DECDORG2", "Standardized Med Name in Orig Dict 2", "Char", "", ""),
        ("OCCDS", "CETERM", "Reported Term for the Clinical Event", "Char", "", ""),
        ("OCCDS", "CESEVN", "Severity/Intensity (N)", "Num", "", ""),
        ("ADLB", "LBSEQ", "Sequence Number", "Num", "", "LB.LBSEQ"),
        ("ADLB", "VISITNUM", "Visit Number", "Num", "", "LB.VISITNUM"),
        ("ADLB", "A1LO", "Analysis Range 1 Lower Limit", "Num", "", ""),
    ],
)
def test_adamig_3_1_names_and_patterns(adam, dataset, variable, label, type_, display, predecessor):
    found = adam.resolve(dataset, variable)
    assert (found.name, found.label, found.type) == (variable, label, type_)
    assert (found.display_format, found.predecessor) == (display, predecessor)


@pytest.mark.parametrize("variable", ["TRT00P", "TRTxxP", "AGEGR0", "XYZ", "age", "TOOLONGFL1"])
def test_adamig_3_1_names_that_mean_nothing(adam, variable):
    assert adam.resolve("ADSL", variable) is None
    assert variable in adam.refusal("ADSL", variable)


def test_occds_1_1_a_variable_not_used_for_adverse_events(adam):
    assert adam.resolve("ADAE", "SRCDOM") is None
    assert adam.resolve("ADCM", "SRCDOM").label == "Source Data"


def test_adam_keeps_the_order_given_with_identifiers_first(adam):
    assert adam.order("ADTTE", ["AVAL", "USUBJID", "PARAM", "STUDYID"]) == ("STUDYID", "USUBJID", "AVAL", "PARAM")
    with pytest.raises(KeyError, match="XYZ"):
        adam.order("ADTTE", ["XYZ"])


def test_a_dataset_of_the_study_s_own_name(adam):
    spec = adam.analysis_dataset("ADENGRFT", "Engraftment Analysis", "BDS-TTE")
    assert (spec.name, spec.subclass) == ("ADENGRFT", "TIME-TO-EVENT")
    assert adam.resolve(spec, "AVAL").core == "Req"
    with pytest.raises(KeyError):
        adam.analysis_dataset("ADX", "X", "XDS")


def test_adamig_3_1_a_dataset_of_a_class(adam):
    assert adam.resolve(adam.custom_domain("ADENGR", "Engraftment", "Basic Data Structure"), "CNSR").label == "Censor"
    assert "ADECODy" in adam.custom_domain("ADHO", "Encounters", "Occurrence Data Structure").names
    other = adam.custom_domain("ADX", "Other", "ADaM Other")
    assert (other.define_class, other.names) == ("ADAM OTHER", ("STUDYID", "USUBJID"))
    assert adam.resolve(other, "TRT01P").predecessor == "ADSL.TRT01P"
    for name, observation_class in [("XXLB", "ADaM Other"), ("ADTOOLONGX", "ADaM Other"), ("ADX", "Findings")]:
        with pytest.raises(KeyError):
            adam.custom_domain(name, "No", observation_class)
