"""The generated schemas take what the models take, and refuse what they refuse."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from cdiscway.converters.schema import What, descriptions, json_schema
from cdiscway.specs.load import parse_yaml, read_yaml

EXAMPLE = Path(__file__).parents[2] / "examples" / "ifm-2015-03"


@functools.cache
def validator(what: What) -> jsonschema.Draft7Validator:
    return jsonschema.Draft7Validator(json_schema(what))


@pytest.mark.parametrize("path", sorted((EXAMPLE / "mapping").glob("*.yaml")), ids=lambda path: path.name)
def test_the_mapping_files_of_the_example_fit(path: Path) -> None:
    assert validator("mapping").is_valid(read_yaml(path).data)


def test_the_study_file_of_the_example_fits() -> None:
    assert validator("study").is_valid(read_yaml(EXAMPLE / "study.yaml").data)


@pytest.mark.parametrize("what", ["study", "mapping"])
def test_the_schema_is_a_schema(what: What) -> None:
    jsonschema.Draft7Validator.check_schema(json_schema(what))


@pytest.mark.parametrize("what", ["study", "mapping"])
def test_every_word_has_its_description(what: What) -> None:
    schema = json_schema(what)
    blocks = {what: schema, **schema["definitions"]}
    lacking = [
        f"{name}.{word}"
        for name, block in blocks.items()
        for word, said in block.get("properties", {}).items()
        if not said.get("description")
    ]
    assert lacking == []


def test_no_description_is_for_a_word_that_is_none() -> None:
    words: set[str] = set()
    kinds: dict[str, What] = {"Study": "study", "Mapping": "mapping"}
    for title, what in kinds.items():
        schema = json_schema(what)
        for name, block in {title: schema, **schema["definitions"]}.items():
            words.update(way for word in block.get("properties", {}) for way in (word, f"{name}.{word}"))
    assert set(descriptions()) <= words


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


PAGES = Path(__file__).parents[2] / "docs" / "reference"


@pytest.mark.parametrize("page", ["adam", "readers", "define", "xpt"])
def test_what_the_pages_show_of_the_files_fits(page: str) -> None:
    text = (PAGES / f"{page}.md").read_text(encoding="utf-8")
    shown = [
        parse_yaml(block, page).data for block in re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    ]
    assert shown
    for data in shown:
        if data.keys() <= json_schema("study")["properties"].keys():
            whole, what = {"study": "S", "subject": {"USUBJID": {"column": "A"}}, **data}, "study"
        elif "dataset" in data:
            whole, what = data, "mapping"
        else:  # variables and their rules
            whole, what = {"dataset": "ADX", "records": [{"dataset": "DM", "set": data}]}, "mapping"
        wrong = [error.message for error in validator(what).iter_errors(whole) if "is a required" not in error.message]
        assert wrong == []
