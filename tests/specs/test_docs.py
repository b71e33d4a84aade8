"""The documents about standards and terminology hold: their YAML is read by the program, their Python runs."""

import re
from pathlib import Path

import pytest

from cdiscway.specs.codelists import load_terminology, match_terms, read_synonyms
from cdiscway.specs.model import DatasetSpec
from cdiscway.specs.standards import load_standard

DOCS = Path(__file__).parents[2] / "docs" / "reference"


def blocks(name: str, language: str, heading: str) -> list[str]:
    text = (DOCS / name).read_text(encoding="utf-8")
    section = text[text.index(f"## {heading}") :]
    section = section[: section.find("\n## ", 3)] if "\n## " in section[3:] else section
    return re.findall(rf"```{language}\n(.*?)```", section, flags=re.S)


def test_the_synonyms_of_the_document_are_read(tmp_path):
    path = tmp_path / "synonyms.yaml"
    path.write_text(blocks("terminology.md", "yaml", "terminology/synonyms.yaml")[0], encoding="utf-8")
    assert read_synonyms(path, load_terminology(home=tmp_path))["C66742"] == {"Oui": "Y", "Non": "N"}


def test_the_extensions_of_the_document_are_read(tmp_path):
    path = tmp_path / "extensions.yaml"
    path.write_text(blocks("terminology.md", "yaml", "terminology/extensions.yaml")[0], encoding="utf-8")
    found = load_terminology(extensions=path, home=tmp_path)
    assert match_terms(found.codelist("LBTESTCD"), ["CD34+"])[0].term.extended


def test_the_dataset_file_of_the_document_is_the_real_one():
    spec = load_standard("SDTMIG 3.4").dataset("LB")
    text = blocks("standards.md", "yaml", "A dataset file")[0]
    real = (Path(__file__).parents[2] / "specs" / "sdtm" / "lb.yaml").read_text(encoding="utf-8")
    for line in text.splitlines():
        assert line.split("   ")[0].rstrip() in real
    assert isinstance(spec, DatasetSpec)


def test_the_python_of_the_document_runs():
    code = blocks("standards.md", "python", "From Python")[0]
    exec(compile(code, "standards.md", "exec"), {})


@pytest.mark.parametrize("command", ["import", "list", "find", "show", "diff", "migrate"])
def test_every_command_is_in_the_document(command):
    assert f"cdiscway terminology {command}" in (DOCS / "terminology.md").read_text(encoding="utf-8")
