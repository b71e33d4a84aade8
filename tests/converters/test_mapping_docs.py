"""The page of the mapping language: its examples are read by the models, and every word of the models is on it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel, TypeAdapter

from cdiscway.converters import mapping, study
from cdiscway.converters.algorithms.derive import LIBRARY
from cdiscway.converters.algorithms.vocabulary import ALGORITHMS, Result
from cdiscway.converters.mapping import DatasetMapping
from cdiscway.converters.study import StudyFile
from cdiscway.specs.load import parse_model, parse_yaml

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "reference" / "mapping.md"
TEXT = PAGE.read_text(encoding="utf-8")
READERS = {"raw"}


def examples(kind: str, text: str = TEXT) -> list[str]:
    return re.findall(rf"```yaml {kind}\n(.*?)```", text, re.DOTALL)


def models(module: object) -> list[type[BaseModel]]:
    own = [item for item in vars(module).values() if isinstance(item, type) and issubclass(item, BaseModel)]
    return [model for model in own if model.__module__ == getattr(module, "__name__", "")]


def words() -> list[str]:
    """Every word of the language: of the algorithms, of mapping files, of study.yaml (the readers have their own page)."""
    found = [*ALGORITHMS, *LIBRARY]
    for model in [*ALGORITHMS.values(), *models(mapping), *models(study)]:
        own = model.model_fields if model is not study.Raw else dict.fromkeys(study.Raw.__annotations__)
        found += [(field.alias or name) if field is not None else name for name, field in own.items()]
    return sorted(set(found))


@pytest.mark.parametrize("text", examples("mapping"), ids=lambda text: text.split("\n")[0])
def test_the_mapping_examples_are_read(text: str) -> None:
    parse_model(parse_yaml(text, "example"), DatasetMapping)


@pytest.mark.parametrize("text", [line for block in examples("rule") for line in block.strip().split("\n")])
def test_the_rule_examples_are_read(text: str) -> None:
    TypeAdapter(Result).validate_python(parse_yaml(text, "example").data)


@pytest.mark.parametrize("text", examples("study"))
def test_the_study_examples_are_read(text: str) -> None:
    parse_model(parse_yaml(text, "example"), StudyFile)


@pytest.mark.parametrize("word", words())
def test_every_word_is_documented(word: str) -> None:
    assert re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", TEXT), word


@pytest.mark.parametrize("word", sorted(ALGORITHMS))
def test_every_algorithm_has_its_section_and_an_example(word: str) -> None:
    section = TEXT.split(f"\n### {word}\n")[1].split("\n### ")[0]
    assert "```yaml rule" in section
