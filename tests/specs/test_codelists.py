"""Codelists for a study: bundled and imported, extended by the sponsor, and raw values matched to their terms."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdiscway.specs.codelists import Terminology, load_terminology, match_terms, read_synonyms
from cdiscway.specs.mistakes import MistakesError
from cdiscway.specs.model import Codelist
from cdiscway.specs.nci import read_published
from cdiscway.specs.package import write_package
from cdiscway.specs.standards import load_standard
from cdiscway.specs.store import HOME, bundled, full_title, import_package, open_package, store_folder
from cdiscway.specs.units import fold_unit

CT = Path(__file__).parents[2] / ".." / "shared" / "standards" / "ct"
needs_ct = pytest.mark.skipif(not CT.is_dir(), reason="no published packages beside the repository")


@pytest.fixture(scope="module")
def terminology(tmp_path_factory) -> Terminology:
    return load_terminology(home=tmp_path_factory.mktemp("home"))


def test_every_codelist_the_specs_bind_is_bundled(terminology):
    for standard in (load_standard("SDTMIG 3.4"), load_standard("ADaMIG 1.3")):
        for name in standard.names:
            for variable in standard.dataset(name).variables:
                for code in variable.codelists:
                    assert terminology.codelist(code).code == code


def test_the_bundled_package_says_its_date_and_that_it_is_a_selection(terminology):
    assert terminology.packages == ("SDTM CT 2026-03-27", "ADaM CT 2026-03-27", "Define-XML CT 2026-03-27")
    assert terminology.selections == ("SDTM CT 2026-03-27",)
    with pytest.raises(KeyError, match="only a selection of SDTM CT 2026-03-27 is bundled"):
        terminology.codelist("TENMW1TC")
    size = sum(path.stat().st_size for path in bundled().values())
    assert size < 2_500_000


@needs_ct
@pytest.mark.parametrize("title", ["SDTM CT 2026-03-27", "ADaM CT 2026-03-27", "Define-XML CT 2026-03-27"])
def test_the_bundled_package_is_the_published_one_without_definitions(title):
    path = next(CT.glob(f"{title.replace(' CT ', '_Terminology_')}*.txt"))
    rows = read_published(path)
    ours = bundled()[title]
    kept = frozenset(open_package(title, Path("nowhere")).blocks)
    text = write_package(rows.kind, rows.date, rows.rows, only=kept).decode()
    if not title.startswith("SDTM"):
        assert len(kept) == rows.codelists
        text = text.replace("\tselection\n", "\twhole\n", 1)
    assert ours.read_bytes().decode() == text


def test_a_codelist_by_code_and_by_name(terminology):
    found = terminology.codelist("C65047")
    assert terminology.codelist("LBTESTCD").code == "C65047"
    assert (found.label, found.extensible, found.package) == ("Laboratory Test Code", True, "SDTM CT 2026-03-27")
    term = found.by_value["NEUT"]
    assert (term.code, term.decode, term.extended) == ("C63321", "Neutrophils", False)
    assert not terminology.codelist("NY").extensible
    assert [term.decode for term in terminology.codelist("NY").terms] == ["No", "Not Applicable", "Unknown", "Yes"]
    assert terminology.codelist("TSPARMCD").by_value["SSTDTC"].decode == "Study Start Date"
    assert terminology.partner(found).name == "LBTEST"
    assert terminology.partner(terminology.codelist("NY")) is None
    assert terminology.codelist("DATEFL").package == "ADaM CT 2026-03-27"
    assert repr(found) == "<Codelist LBTESTCD C65047, 2505 terms>"


def test_an_imported_package_stands_before_the_bundled_one(published, tmp_path, monkeypatch):
    path = published.write_text(tmp_path / "SDTM_Terminology_2030-01-02.txt")
    monkeypatch.setenv(HOME, str(tmp_path / "home"))
    with pytest.raises(MistakesError, match="SDTM CT 2030-01-02: is not imported: cdiscway terminology import"):
        load_terminology(["SDTM CT 2030-01-02"])
    import_package(path, store_folder())
    found = load_terminology(["SDTM CT 2030-01-02"])
    assert found.packages == ("SDTM CT 2030-01-02", "ADaM CT 2026-03-27", "Define-XML CT 2026-03-27")
    assert found.selections == ()
    assert len(found.codelist("LBTESTCD").terms) == 2
    assert load_terminology().packages[0] == "SDTM CT 2026-03-27"


@pytest.mark.parametrize("text", [b"", b"other\n\n", None])
def test_a_store_file_that_is_broken_is_named(tmp_path, text):
    path = tmp_path / "terminology" / "sdtm-ct-2030-01-02.tsv"
    path.parent.mkdir()
    path.write_bytes(bundled()["ADaM CT 2026-03-27"].read_bytes()[:-5] if text is None else text)
    with pytest.raises(MistakesError, match="import it again"):
        load_terminology(["SDTM CT 2030-01-02"], home=tmp_path)


@pytest.mark.parametrize("name", ["SDTM 2026", "FOO CT 2026-03-27", "SDTM CT 26-03-27"])
def test_a_wrong_title_is_a_mistake(name):
    with pytest.raises(MistakesError, match="is not a terminology package's name"):
        full_title(name)


@pytest.mark.parametrize(
    ("codelist", "value", "term", "how"),
    [
        ("NY", "Y", "Y", "exact"),
        ("NY", "y", "Y", "folded"),
        ("NY", " Y ", "Y", "folded"),
        ("NY", "Yes", "Y", "synonym"),
        ("NY", "YES", "Y", "synonym"),
        ("NY", "Oui", "Y", "study"),
        ("NY", "OUI", "Y", "study"),
        ("NY", "perhaps", None, ""),
        ("NY", "", None, ""),
        ("LBTESTCD", "Neutrophils", "NEUT", "synonym"),
        ("LBTESTCD", "EGFR", "EGFR", "exact"),
        ("LBTESTCD", "eGFR", "GFRE", "synonym"),
        ("LBTESTCD", "egfr", None, ""),
        ("UNIT", "g/L", "g/L", "exact"),
        ("UNIT", "g/l", "g/L", "folded"),
        ("UNIT", "G/L", "10^9/L", "synonym"),
        ("UNIT", "G/l", "10^9/L", "synonym"),
        ("UNIT", "Giga/l", "10^9/L", "folded"),
        ("UNIT", "10⁹/L", "10^9/L", "folded"),
        ("UNIT", "x 10^9/l", "10^9/L", "folded"),
        ("UNIT", "10*9/L", "10^9/L", "folded"),
        ("UNIT", "µg/L", "ug/L", "folded"),
        ("UNIT", "μg/L", "ug/L", "folded"),
        ("UNIT", "µmol/l", "umol/L", "folded"),
        ("UNIT", "UI/l", "IU/L", "folded"),
        ("UNIT", "µg/kg/j", "ug/kg/day", "folded"),
        ("UNIT", "10^6 CD34+/kg", "10^6/kg", "folded"),
        ("UNIT", "cells/µL", "10^6/L", "folded"),
        ("UNIT", "mL/min/1,73 m²", "mL/min/1.73 m2", "folded"),
        ("UNIT", "kUI/L", "IU/mL", "synonym"),
        ("UNIT", "mg/24 h", "mg/day", "folded"),
        ("UNIT", "MG/DL", None, ""),
        ("UNIT", "AU", None, ""),
        ("VSRESU", "°C", "C", "folded"),
    ],
)
def test_a_value_is_matched_and_says_how(terminology, codelist, value, term, how):
    found = match_terms(terminology.codelist(codelist), [value], {"Oui": "Y"} if codelist == "NY" else {})[0]
    assert (found.value, found.term and found.term.value, found.how) == (value, term, how)


def test_an_ambiguous_value_says_what_would_fit(terminology):
    found = match_terms(terminology.codelist("LBTESTCD"), ["egfr", "SAP"])
    assert [(match.term, match.candidates) for match in found] == [
        (None, ("EGFR", "GFRE")),
        (None, ("AMYLOIDP", "SH2D1A")),
    ]
    assert match_terms(terminology.codelist("LBTESTCD"), ["SAP"], {"SAP": "AMYLOIDP"})[0].how == "study"


def test_every_term_of_every_bundled_list_matches_itself(terminology):
    for name in terminology.names:
        codelist = terminology.codelist(name)
        values = [term.value for term in codelist.terms]
        assert [match.term.value for match in match_terms(codelist, values)] == values


@given(st.sampled_from(["g/L", "G/L", "10^9/L", "umol/L", "mg/dL", "IU/L", "10^6/kg", "%", "mm/h"]))
def test_blanks_and_signs_of_a_unit_do_not_matter(unit):
    spaced = " ".join(unit).replace("u m o l", "µmol")
    assert fold_unit(spaced) == fold_unit(unit)
    assert fold_unit(fold_unit(unit)) == fold_unit(unit)


def test_gram_is_never_giga():
    assert fold_unit("g/l") != fold_unit("G/l")
    assert fold_unit("mg") != fold_unit("Mg")


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_a_sponsor_s_term_is_an_extended_value(tmp_path):
    path = write(
        tmp_path / "extensions.yaml",
        "LBTESTCD:\n  - {value: CD34, decode: CD34+ Cells, synonyms: [CD34+], why: no CDISC term}\n"
        "C99079:\n  - value: MOBILIZATION\n",
    )
    found = load_terminology(extensions=path, home=tmp_path)
    term = found.codelist("LBTESTCD").by_value["CD34"]
    assert (term.extended, term.code, term.decode) == (True, "", "CD34+ Cells")
    assert found.codelist("LBTEST").by_value["CD34+ Cells"].extended
    assert match_terms(found.codelist("LBTESTCD"), ["cd34+"])[0].term.value == "CD34"
    assert match_terms(found.codelist("EPOCH"), ["Mobilization"])[0].how == "folded"
    assert [(codelist.name, term.value) for codelist, term in found.extensions] == [
        ("LBTESTCD", "CD34"),
        ("LBTEST", "CD34+ Cells"),
        ("EPOCH", "MOBILIZATION"),
    ]
    assert "CD34" not in load_terminology(home=tmp_path).codelist("LBTESTCD").by_value


def test_all_mistakes_in_sponsor_s_terms_with_file_and_line(tmp_path):
    path = write(
        tmp_path / "extensions.yaml",
        "LBTESTCD:\n  - {value: NEUT, decode: A}\n  - {value: toolong, decode: A}\n  - {value: CD34}\n"
        "  - {value: 'White Blood Cells'}\nSEX:\n  - {value: X}\nLBTSTCD:\n  - {value: X}\n",
    )
    with pytest.raises(MistakesError) as caught:
        load_terminology(extensions=path, home=tmp_path, shown="terminology/extensions.yaml")
    told = "\n".join(str(mistake) for mistake in caught.value.mistakes)
    for line in (
        r"extensions\.yaml:2 LBTESTCD\[0\]\.value: 'NEUT' is a term of LBTESTCD already",
        r"extensions\.yaml:3 .*at most 8 capitals",
        r"extensions\.yaml:4 .*needs a decode",
        r"extensions\.yaml:5 .*means the term 'WBC' of LBTESTCD already \(synonym\)",
        r"extensions\.yaml:6 SEX: SEX is not extensible",
        r"extensions\.yaml:8 LBTSTCD: no codelist LBTSTCD .*did you mean 'LBTESTCD'",
    ):
        assert re.search(line, told), told


def test_an_unknown_word_in_sponsor_s_terms(tmp_path):
    path = write(tmp_path / "extensions.yaml", "LBTESTCD:\n  - {valeu: X}\n")
    with pytest.raises(MistakesError, match=r"extensions\.yaml:2 LBTESTCD\[0\]\.valeu: 'valeu' is not a word"):
        load_terminology(extensions=path, home=tmp_path)
    assert load_terminology(extensions=write(path, ""), home=tmp_path).extensions == ()


def test_the_study_s_synonyms(tmp_path, terminology):
    path = write(tmp_path / "synonyms.yaml", "NY: {Oui: Y, Non: N}\nUNIT:\n  10e9/L: 10^9/L\n")
    assert read_synonyms(path, terminology) == {
        "C66742": {"Oui": "Y", "Non": "N"},
        "C71620": {"10e9/L": "10^9/L"},
    }


def test_all_mistakes_in_the_study_s_synonyms(tmp_path, terminology):
    path = write(tmp_path / "synonyms.yaml", "NY:\n  Oui: YES\n  N: Y\nNYY: {a: b}\nSEX: M\n")
    with pytest.raises(MistakesError) as caught:
        read_synonyms(path, terminology, "terminology/synonyms.yaml")
    told = [str(mistake) for mistake in caught.value.mistakes]
    assert told[0].startswith("terminology/synonyms.yaml:2 NY.Oui: 'YES' is not a term of NY")
    assert "'N' is itself a term of NY" in told[1]
    assert "no codelist NYY" in told[2]
    assert "must be raw value: submission value" in told[3]
    with pytest.raises(MistakesError, match="must be codelists"):
        read_synonyms(write(path, "- a\n"), terminology)
    assert read_synonyms(write(path, ""), terminology) == {}


def test_find_looks_in_codes_values_synonyms_and_preferred_terms(terminology):
    package = open_package("SDTM CT 2026-03-27", Path("nowhere"))
    assert {(codelist.name, term.value) for codelist, term in package.find("cd34")} == {
        ("MITS", "CD34 Sialomucin"),
        ("MITSCD", "CD34SM"),
    }
    assert ("NY", "Y") in {(codelist.name, term.value) for codelist, term in package.find("C49488")}
    assert isinstance(package.codelist("NY"), Codelist)
