from __future__ import annotations

from pathlib import Path

import pytest

from cdiscway.converters.build import Converted
from cdiscway.converters.rule_facts import Asked, facts_of


@pytest.fixture(scope="module")
def asked(converted: Converted) -> Asked:
    return facts_of(converted)


def test_the_sizes_are_those_of_the_files_written(asked: Asked, built: Path) -> None:
    written = {path.stem.upper(): path.stat().st_size for path in built.glob("*/*.xpt")}
    assert {name: size for name, size in asked.sizes.items() if name in written} == written


def test_the_define_that_rules_ask_describes_the_datasets_of_both_packages(asked: Asked) -> None:
    assert asked.define is not None
    assert {"DM", "LB", "ADSL", "ADLB"} <= set(asked.define.datasets)
    assert asked.define.datasets["ADSL"]["define_dataset_label"] == "Subject-Level Analysis Dataset"
    assert asked.define.variable_facts("DM")["SEX"]["define_variable_has_codelist"] is True
