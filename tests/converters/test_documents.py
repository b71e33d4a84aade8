"""What study.yaml says of documents, CRF pages and dictionaries reaches the define.xml, and the files stand beside it."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from cdiscway.converters.build import Converted, read_plan, write_defines
from cdiscway.converters.documents import packages_of
from cdiscway.converters.study import read_study
from cdiscway.specs.mistakes import MistakesError

EXAMPLE = Path(__file__).parents[2] / "examples" / "ifm-2015-03"
SAID = """
documents: {acrf.pdf: Annotated CRF, csdrg.pdf: Reviewer's Guide, guides/adrg.pdf: Analysis Guide, none.pdf: Not Yet}
dictionaries: {MedDRA: 23.1, LOINC: 2.69, ISO 3166: 2020}
crf_pages: {EI: [7, 12], NOFORM: 3}
"""


def say(study: Path, text: str) -> None:
    """Say something in study.yaml, in place of what the example says under the same words."""
    path = study / "study.yaml"
    said = re.sub(r"(?m)^(documents|dictionaries|crf_pages):.*\n", "", path.read_text(encoding="utf-8"))
    path.write_text(said + text, encoding="utf-8")


@pytest.fixture(scope="module")
def defines(converted: Converted, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[tuple[str, str]]]:
    """The define.xml of both packages without their data, and the findings about documents."""
    tmp_path = tmp_path_factory.mktemp("documents")
    study = tmp_path / EXAMPLE.name
    shutil.copytree(EXAMPLE, study, ignore=shutil.ignore_patterns("build", ".*.part", "__pycache__"))
    forms = sorted(path.stem for path in (study / "raw").glob("*.csv"))
    form = next(name for name in forms if name.startswith("INCLUSION"))
    say(study, SAID.replace("EI:", f"{form}:"))
    (study / "guides").mkdir()
    for name in ("acrf.pdf", "csdrg.pdf", "guides/adrg.pdf"):
        (study / name).write_bytes(b"%PDF-1.7 " + name.encode())
    for package in ("sdtm", "adam"):
        (tmp_path / "out" / package).mkdir(parents=True)
    found = write_defines(replace(converted, plan=read_plan(study)), tmp_path / "out")
    return tmp_path / "out", [(item.rule, item.value or "") for item in found]


def test_documents_stand_beside_the_define_that_names_them(defines):
    folder, findings = defines
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*.pdf")}
    assert there == {"sdtm/acrf.pdf", "sdtm/csdrg.pdf", "adam/guides/adrg.pdf"}
    for package in ("sdtm", "adam"):
        text = (folder / package / "define.xml").read_text(encoding="utf-8")
        named = set(re.findall(r'<def:leaf[^>]*xlink:href="([^"]*\.pdf)"', text))
        assert {f"{package}/{href}" for href in named} == {path for path in there if path.startswith(package)}
    assert [value for rule, value in findings if rule == "CDW-DEF-DICTIONARY"] == ["LOINC"]
    listed = [value for rule, value in findings if rule == "CDW-DEF-LEAF-MISSING" and value.endswith(".pdf")]
    assert listed == ["none.pdf"]


def test_origins_show_crf_pages_and_dictionaries_their_version(defines):
    folder, findings = defines
    text = (folder / "sdtm" / "define.xml").read_text(encoding="utf-8")
    assert '<def:PDFPageRef PageRefs="7 12" Type="PhysicalRef"/>' in text
    assert 'Dictionary="ISO 3166" Version="2020"' in text or 'Dictionary="MedDRA" Version="23.1"' in text
    assert ("CDW-DEF-CRF", "NOFORM") in findings


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("documents: {../acrf.pdf: CRF}", "is no file of the study folder"),
        ("documents: {/etc/passwd: CRF}", "is no file of the study folder"),
        ("dictionaries: {MeDRA: '23.1'}", "study.yaml:"),
        ("crf_pages: {EI: [0]}", "study.yaml:"),
        ("crf_pages: {EI: twelve}", "study.yaml:"),
    ],
)
def test_a_mistake_is_told_with_its_line(said: str, told: str, study: Path) -> None:
    say(study, f"\n{said}\n")
    with pytest.raises(MistakesError, match=told):
        read_study(study)


def test_a_document_belongs_to_a_package_by_its_name():
    named = {name: packages_of(name) for name in ("acrf.pdf", "csdrg.pdf", "adrg.pdf", "protocol.pdf")}
    assert named == {
        "acrf.pdf": ("sdtm",),
        "csdrg.pdf": ("sdtm",),
        "adrg.pdf": ("adam",),
        "protocol.pdf": ("sdtm", "adam"),
    }
