"""The generated schemas take what the models take, and refuse what they refuse."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from cdiscway.converters.schema import What, json_schema
from cdiscway.specs.load import read_yaml

EXAMPLE = Path(__file__).parents[2] / "examples" / "ifm-2015-03"


@functools.cache
def validator(what: What) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json_schema(what))


@pytest.mark.parametrize("path", sorted((EXAMPLE / "mapping").glob("*.yaml")), ids=lambda path: path.name)
def test_the_mapping_files_of_the_example_fit(path: Path) -> None:
    assert validator("mapping").is_valid(read_yaml(path).data)


def test_the_study_file_of_the_example_fits() -> None:
    assert validator("study").is_valid(read_yaml(EXAMPLE / "study.yaml").data)


@pytest.mark.parametrize("what", ["study", "mapping"])
def test_the_schema_is_a_schema(what: What) -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema(what))


def block(**words: Any) -> dict[str, Any]:
    return {"domain": "AE", "records": [{"form": "F", **words}]}


@pytest.mark.parametrize(
    ("data", "fits"),
    [
        (block(set={"AETERM": "PAIN"}), True),
        (block(set={"AETERM": {"column": "A", "recode": {"1": "PAIN", "2": None}}}), True),
        (block(set={"AETERM": {"column": "A", "recod": {}}}), False),
        (block(set={"AESTDTC": {"date": "A"}}), True),
        (block(set={"AESTDTC": {"date": ["A", "B"]}}), True),
        (block(set={"AESTDTC": {"date": [{"coalesce": ["A", "B"]}]}}), True),
        (block(set={"AETERM": {"lookup": "A", "form": "G", "pick": "some"}}), False),
        (block(set={"AEDUR": {"duration": "A", "unit": "weeks"}}), True),
        (block(set={"AEDUR": {"duration": "A"}}), False),
        (block(tests=[{"VSTESTCD": "PULSE", "result": "A", "unit": {"column": "U"}, "VSPOS": {"column": "P"}}]), True),
        (block(tests=[{"VSTESTCD": "PULSE", "resultat": "A"}]), False),
        (block(each=[{"checked": "A", "CETERM": "FEVER"}]), True),
        (block(each=[{"tick": "A", "CETERM": "FEVER"}]), False),
        (block(whenever="A"), False),
        ({"domain": "LB", "baseline": "LBLOBXFL", "records": []}, True),
        ({"domain": "LB", "baseline": {"flag": "LBLOBXFL", "same_day": "A"}, "records": []}, True),
        ({"domain": "LB", "baseline": {"flags": "LBLOBXFL"}, "records": []}, False),
    ],
)
def test_short_forms_fit_and_wrong_words_do_not(data: dict[str, Any], fits: bool) -> None:
    assert validator("mapping").is_valid(data) is fits
