"""A define.xml becomes specs, and edits of the specs come back; all else stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from cdiscway.define.build import build_define
from cdiscway.define.read import read_define
from cdiscway.define.specs import read_specs, specs_of, write_specs
from cdiscway.define.write import define_bytes
from cdiscway.specs.mistakes import MistakesError

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
