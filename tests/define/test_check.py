"""`define check`: what is broken in a define.xml or in the data beside it is found, and nothing crashes."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import yaml
from lxml import etree

from cdiscway.converters.writers import xpt
from cdiscway.define.build import build_define
from cdiscway.define.check import check_define
from cdiscway.define.write import write_define

CASES = yaml.safe_load((Path(__file__).parents[1] / "cases" / "define_mutations.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def written(package, tmp_path_factory):
    target = tmp_path_factory.mktemp("package")
    write_define(build_define(package), target / "define.xml")
    (target / "acrf.pdf").write_bytes(b"%PDF-1.7")
    for dataset in package.datasets:
        xpt.write(dataset.frame, dataset.metadata, target / f"{dataset.name.lower()}.xpt")
    return target


@pytest.fixture
def folder(written, tmp_path):
    return shutil.copytree(written, tmp_path / "package")


def test_a_built_package_is_clean(folder):
    result = check_define(folder)
    assert result.findings == ()
    assert result.not_run == ()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_mutation_is_found(case, folder, monkeypatch):
    path = folder / "define.xml"
    text = path.read_text(encoding="utf-8")
    changed = re.sub(case["find"], case["put"], text, count=case.get("count", 1), flags=re.DOTALL)
    assert changed != text, "the mutation changes nothing"
    path.write_text(changed, encoding="utf-8")
    result = check_define(folder)
    assert case["rule"] in {finding.rule for finding in result.findings}
    assert any(case.get("says", "") in finding.message for finding in result.findings)


@pytest.mark.parametrize(
    ("dataset", "change", "rule"),
    [
        ("LB", lambda frame: frame.assign(LBORRESU="furlong"), "CDW-DEF-DATA-TERM"),
        ("LB", lambda frame: frame.iloc[::-1].reset_index(drop=True), "CDW-DEF-DATA-SORTED"),
        ("LB", lambda frame: frame.iloc[[0, 0, 1, 2, 3]].reset_index(drop=True), "CDW-DEF-DATA-KEYS"),
        ("LB", lambda frame: frame[frame["LBTESTCD"] != "PLAT"].reset_index(drop=True), "CDW-DEF-DATA-WHERE"),
        ("LB", lambda frame: frame.assign(LBSTRESN=123456.5), "CDW-DEF-DATA-LENGTH"),
        ("LB", lambda frame: frame.assign(LBORRES="n/a"), "CDW-DEF-DATA-TYPE"),
        ("LB", lambda frame: frame.assign(LBSPEC="SERUM"), "CDW-DEF-DATA-VALUE"),
        ("DM", lambda frame: frame.assign(DTHFL="Y"), "CDW-DEF-DATA-HAS-DATA"),
        ("DM", lambda frame: frame.assign(SEX=frame["SEX"].where(frame["SEX"] == "M")), "CDW-DEF-DATA-MANDATORY"),
        ("DM", lambda frame: frame.assign(AGE=frame["AGE"] + 0.5), "CDW-DEF-DATA-TYPE"),
        ("DM", lambda frame: frame.assign(RFSTDTC="2016-03-01T10:00"), "CDW-DEF-DATA-TYPE"),
    ],
)
def test_data_that_differ_are_found(dataset, change, rule, package, tmp_path):
    from dataclasses import replace

    from cdiscway.define.against_data import check_against_data
    from cdiscway.define.index import Index

    datasets = {item.name: (item.frame, item.metadata) for item in package.datasets}
    frame, metadata = datasets[dataset]
    changed = change(frame)
    if "LBTESTCD" in changed and rule == "CDW-DEF-DATA-WHERE":
        assert "PLAT" not in set(changed["LBTESTCD"])
    datasets[dataset] = (changed, replace(metadata))
    findings, _ = check_against_data(Index(build_define(package)), datasets)
    assert rule in {finding.rule for finding in findings}


def test_files_and_definitions_are_compared_both_ways(folder):
    (folder / "dm.xpt").unlink()
    (folder / "supplb.xpt").rename(folder / "supplb.bak")
    found = {(finding.rule, finding.dataset) for finding in check_define(folder).findings}
    assert {("CDW-DEF-DATA-MISSING", "DM"), ("CDW-DEF-DATA-MISSING", "SUPPLB")} <= found


def test_a_dataset_nobody_defines_is_found(folder, package):
    path = folder / "define.xml"
    tree = etree.parse(path)
    group = tree.find(".//{*}ItemGroupDef[@Name='SUPPLB']")
    group.getparent().remove(group)
    tree.write(path)
    assert ("CDW-DEF-DATA-EXTRA", "SUPPLB") in {(f.rule, f.dataset) for f in check_define(folder).findings}


def test_a_file_that_cannot_be_read_is_not_run(folder):
    (folder / "lb.xpt").write_bytes(b"no transport file")
    result = check_define(folder)
    assert "LB" in {item.dataset for item in result.not_run}


@pytest.mark.parametrize("href", ["../../etc/passwd", "file:///etc/passwd", "/etc/passwd", "http://example.org/x.pdf"])
def test_a_leaf_that_points_outside_is_reported_and_not_opened(href, folder):
    path = folder / "define.xml"
    path.write_text(path.read_text(encoding="utf-8").replace('"acrf.pdf"', f'"{href}"'), encoding="utf-8")
    assert "CDW-DEF-LEAF-OUTSIDE" in {finding.rule for finding in check_define(folder).findings}


def test_an_external_entity_is_never_read(folder):
    secret = folder / "secret.txt"
    secret.write_text("TOPSECRET", encoding="utf-8")
    text = (folder / "define.xml").read_text(encoding="utf-8")
    bomb = f'<!DOCTYPE ODM [<!ENTITY x SYSTEM "{secret.as_uri()}">]>\n<ODM '
    changed = text.replace("<ODM ", bomb, 1).replace("<StudyDescription>A study", "<StudyDescription>&x;", 1)
    (folder / "define.xml").write_text(changed, encoding="utf-8")
    result = check_define(folder)
    assert [finding.rule for finding in result.findings] == ["CDW-DEF-XML"]
    assert "TOPSECRET" not in repr(result)


def test_a_missing_file_is_a_finding(tmp_path):
    assert [finding.rule for finding in check_define(tmp_path).findings] == ["CDW-DEF-XML"]


ARM = """<arm:AnalysisResultDisplays xmlns:arm="http://www.cdisc.org/ns/arm/v1.0">
<arm:ResultDisplay OID="RD.1" Name="Table 1"><Description><TranslatedText xml:lang="en">T</TranslatedText></Description>
<arm:AnalysisResult OID="AR.1" AnalysisReason="SPECIFIED IN SAP" AnalysisPurpose="PRIMARY OUTCOME MEASURE">
<Description><TranslatedText xml:lang="en">R</TranslatedText></Description>
<arm:AnalysisDatasets def:CommentOID="COM.DM.DTHFL">
<arm:AnalysisDataset ItemGroupOID="IG.DM"><arm:AnalysisVariable ItemOID="IT.DM.AGE"/></arm:AnalysisDataset>
<arm:AnalysisDataset ItemGroupOID="IG.LB"><arm:AnalysisVariable ItemOID="IT.LB.LBSTRESN"/></arm:AnalysisDataset>
</arm:AnalysisDatasets>
<arm:Documentation><Description><TranslatedText xml:lang="en">D</TranslatedText></Description></arm:Documentation>
</arm:AnalysisResult></arm:ResultDisplay></arm:AnalysisResultDisplays>"""


@pytest.mark.parametrize(
    ("find", "put", "says"),
    [
        ("", "", ""),
        (' def:CommentOID="COM.DM.DTHFL"', "", "no comment says how they are joined"),
        ('ItemOID="IT.DM.AGE"', 'ItemOID="IT.LB.LBSEQ"', "is no variable of IG.DM"),
        (r"<arm:Documentation>.*</arm:Documentation>", "", "has no documentation"),
        (r"<arm:AnalysisResult .*</arm:AnalysisResult>", "", "has no results"),
        ('OID="AR.1"', 'OID="AR.1" ParameterOID="IT.LB.LBTEST"', "is neither PARAMCD nor PARAM"),
        (r"(<arm:ResultDisplay[^>]*>)<Desc.*?</Description>", r"\1", "the display has no description"),
    ],
)
def test_analysis_results_are_judged(find, put, says, folder):
    path = folder / "define.xml"
    results = re.sub(find, put, ARM, count=1, flags=re.DOTALL) if find else ARM
    text = path.read_text(encoding="utf-8").replace("</MetaDataVersion>", f"{results}</MetaDataVersion>")
    path.write_text(text, encoding="utf-8")
    found = [finding.message for finding in check_define(folder).findings if finding.rule == "CDW-DEF-ARM"]
    assert any(says in message for message in found) if says else found == []
