"""A define.xml becomes specs, and edits of the specs come back; all else stays."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from lxml import etree

from cdiscway.define.build import build_define
from cdiscway.define.edits import read_folder, read_specs
from cdiscway.define.read import read_define
from cdiscway.define.references import reference_findings
from cdiscway.define.schema import schema_findings
from cdiscway.define.specs import specs_of, write_specs
from cdiscway.define.write import define_bytes
from cdiscway.specs.mistakes import MistakesError

EDITS = yaml.safe_load((Path(__file__).parents[1] / "cases" / "define_edits.yaml").read_text(encoding="utf-8"))
EXAMPLES = Path(__file__).parents[2] / ".." / "shared" / "define-examples"


@pytest.mark.parametrize("name", ["defineV21-SDTM.xml", "defineV21-ADaM.xml"])
def test_an_example_comes_back_from_its_specs_unchanged(name, tmp_path):
    if not (EXAMPLES / name).is_file():
        pytest.skip("CDISC's example files are not beside the repository")
    define = read_define(EXAMPLES / name)
    found = write_specs(define, tmp_path)
    assert len(found.datasets) == len(define.metadata.datasets)
    assert read_specs(tmp_path) == define


def test_the_specs_of_a_built_define_are_those_it_was_built_from(package):
    made = {spec.name: spec for spec in specs_of(build_define(package)).datasets}
    for dataset in package.datasets:
        spec = made[dataset.name]
        assert spec.names == dataset.spec.names
        assert (spec.label, spec.keys, spec.standard) == (dataset.spec.label, dataset.spec.keys, dataset.spec.standard)
        assert spec.observation_class == dataset.spec.observation_class
        assert [v.type for v in spec.variables] == [v.type for v in dataset.spec.variables]
        assert [v.label for v in spec.variables] == [v.label for v in dataset.spec.variables]


def test_an_edit_of_a_spec_reaches_the_define(package, tmp_path):
    define = build_define(package)
    write_specs(define, tmp_path)
    path = tmp_path / "specs" / "dm.yaml"
    path.write_text(path.read_text().replace("label: Age\n", "label: Age in Years\n"))
    before, after = define_bytes(define).decode(), define_bytes(read_specs(tmp_path)).decode()
    assert after == before.replace(">Age<", ">Age in Years<")


def test_a_variable_taken_out_of_a_spec_leaves_the_define(package, tmp_path):
    write_specs(build_define(package), tmp_path)
    path = tmp_path / "specs" / "dm.yaml"
    text = path.read_text()
    start = text.index("- name: DTHFL")
    path.write_text(text[:start])
    metadata = read_specs(tmp_path).metadata
    assert "IT.DM.DTHFL" not in {item.oid for item in metadata.items}
    assert "IT.DM.DTHFL" not in {ref.item_oid for ref in metadata.datasets[0].items}


def test_mistakes_in_specs_are_named_with_file_and_line(package, tmp_path):
    write_specs(build_define(package), tmp_path)
    path = tmp_path / "specs" / "dm.yaml"
    path.write_text(path.read_text().replace("label: Age\n", "lable: Age\n"))
    with pytest.raises(MistakesError, match=r"specs/dm.yaml:\d+ .*lable"):
        read_specs(tmp_path)


def edited(folder: Path, name: str, old: str, new: str) -> None:
    path = folder / name
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{old!r} is not in {name}"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.parametrize("case", EDITS, ids=lambda case: case["name"])
def test_an_edit_is_applied_or_named_with_its_line(case, package, tmp_path):
    write_specs(build_define(package), tmp_path)
    edited(tmp_path, case["file"], case["find"], case["put"])
    if "mistake" in case:
        with pytest.raises(MistakesError, match=case["mistake"]) as caught:
            read_specs(tmp_path)
        assert all(mistake.line for mistake in caught.value.mistakes if mistake.file.endswith(".yaml"))
        return
    define = read_specs(tmp_path)
    text = define_bytes(define).decode()
    assert re.search(case["gives"], text, re.DOTALL), text
    assert schema_findings(etree.fromstring(define_bytes(define))) == []
    write_specs(define, tmp_path / "again")
    assert read_specs(tmp_path / "again") == define


def test_a_dataset_taken_out_takes_along_what_only_it_needs(package, tmp_path):
    write_specs(build_define(package), tmp_path)
    (tmp_path / "specs" / "supplb.yaml").unlink()
    define = read_specs(tmp_path)
    text = define_bytes(define).decode()
    assert [item.name for item in define.metadata.datasets] == ["DM", "LB"]
    assert not re.search(r"IT\.SUPPLB|VL\.SUPPLB|WC\.SUPPLB", text)
    assert "WC.LB.LBTESTCD.EQ.NEUT" in text


def test_what_a_condition_needs_cannot_be_taken_out(package, tmp_path):
    write_specs(build_define(package), tmp_path)
    path = tmp_path / "specs" / "lb.yaml"
    text = path.read_text()
    start, end = text.index("- name: LBSPEC"), text.index("- name: LBDTC")
    path.write_text(text[:start] + text[end:])
    with pytest.raises(
        MistakesError, match=r"WhereClauseDef\[WC\.LB\..*IT\.LB\.LBSPEC, which the specs no longer have"
    ):
        read_specs(tmp_path)


def test_specs_alone_need_a_name_of_the_study(package, tmp_path):
    write_specs(build_define(package), tmp_path)
    (tmp_path / "define.xml").unlink()
    with pytest.raises(MistakesError, match="--study NAME"):
        read_specs(tmp_path)


def test_specs_alone_make_a_fresh_define(package, tmp_path):
    write_specs(build_define(package), tmp_path)
    (tmp_path / "define.xml").unlink()
    define, unheld = read_folder(tmp_path, "S-2016")
    assert unheld == ()
    assert schema_findings(etree.fromstring(define_bytes(define))) == []
    assert reference_findings(define) == []
    made, given = specs_of(define), specs_of(build_define(package))
    assert made.datasets == given.datasets
    assert [(c.code, c.terms, c.package) for c in made.codelists] == [
        (c.code, c.terms, c.package) for c in given.codelists
    ]


def test_a_standard_alone_makes_a_define_or_says_what_is_missing(tmp_path):
    folder = Path(__file__).parents[2] / "specs" / "adam"
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "adsl.yaml").write_bytes((folder / "adsl.yaml").read_bytes())
    with pytest.raises(MistakesError, match=r"specs/adsl.yaml:\d+ ADSL.*no codelist C66731 in codelists.yaml"):
        read_folder(tmp_path, "S")
    text = re.sub(r", codelists: \[[^]]*\]", "", (folder / "adsl.yaml").read_text(encoding="utf-8"))
    (tmp_path / "specs" / "adsl.yaml").write_text(text, encoding="utf-8")
    define, _ = read_folder(tmp_path, "S")
    assert schema_findings(etree.fromstring(define_bytes(define))) == []
    assert '<def:Origin Type="Predecessor">' in define_bytes(define).decode()
    assert "CL.ADSL.SAFFL" in {codelist.oid for codelist in define.metadata.codelists}


def test_a_definition_that_datasets_share_is_changed_in_all_of_them_or_not(tmp_path):
    path = EXAMPLES / "defineV21-SDTM.xml"
    if not path.is_file():
        pytest.skip("CDISC's example files are not beside the repository")
    write_specs(read_define(path), tmp_path)
    edited(tmp_path, "specs/vs.yaml", "label: Study Identifier", "label: Study")
    with pytest.raises(MistakesError, match=r"IT\.STUDYID is the definition in .*change all of them alike"):
        read_specs(tmp_path)
    for file in (tmp_path / "specs").glob("*.yaml"):
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace("label: Study Identifier", "label: Study"), encoding="utf-8")
    assert b">Study Identifier<" not in define_bytes(read_specs(tmp_path))
