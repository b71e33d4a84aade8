"""Unit conversion: exact factors, checked dimensions, reasons where there is no rule."""

import csv
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdiscway.converters.algorithms.units import (
    UnitError,
    conversion,
    convert,
    convert_exactly,
    normalise_unit,
    read_unit,
    standard_unit,
)
from cdiscway.specs.codelists import load_terminology
from cdiscway.specs.units import unit_data

CASES = Path(__file__).parents[2] / "cases" / "units.csv"
with CASES.open(encoding="utf-8", newline="") as file:
    ROWS = list(csv.DictReader(file))


@pytest.fixture(scope="module")
def terminology(tmp_path_factory):
    return load_terminology(home=tmp_path_factory.mktemp("home"))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['from']} to {row['to']}: {row['why']}")
def test_conversion(row):
    given_ = {
        "molar_mass": Decimal(row["molar_mass"]) if row["molar_mass"] else None,
        "valence": int(row["valence"]) if row["valence"] else None,
    }
    if row["expected"].startswith("!"):
        with pytest.raises(UnitError, match=row["expected"][1:]):
            convert_exactly(Decimal(row["value"]), row["from"], row["to"], **given_)
    else:
        found = convert_exactly(Decimal(row["value"]), row["from"], row["to"], **given_)
        assert found == Decimal(row["expected"])


PAIRS = [
    (row["from"], row["to"]) for row in ROWS if row["expected"][0] != "!" and not row["molar_mass"] + row["valence"]
]


@given(st.sampled_from(PAIRS), st.decimals(-(10**6), 10**6, places=3))
def test_there_and_back_is_the_same_value(pair, value):
    there, back = conversion(*pair), conversion(*reversed(pair))
    assert there.factor * back.factor == 1
    assert back.apply(there.apply(value)) == pytest.approx(value, rel=Decimal("1e-12"), abs=Decimal("1e-9"))


def test_missing_stays_missing():
    assert convert([Decimal("13.5"), None], "g/dL", "g/L") == [Decimal(135), None]


def test_the_method_in_words():
    assert conversion("g/dL", "g/L").method == "g/dL to g/L: multiplied by 10"
    assert conversion("10^3/uL", "10^9/L").method == "10^3/uL equals 10^9/L"
    assert conversion("U/L", "ukat/L").method == "U/L to ukat/L: multiplied by 1/60 (0.0166666666666667)"
    assert conversion("F", "C").method.startswith("F to C: plus 459.67, multiplied by 5/9")


def test_cdisc_s_synonyms_of_a_unit_are_the_same_unit(terminology):
    wrong = []
    for term in terminology.codelist("UNIT").terms:
        for synonym in term.synonyms:
            try:
                ours, theirs = read_unit(term.value), read_unit(synonym)
            except UnitError:
                continue
            if (ours.factor, ours.dimensions) != (theirs.factor, theirs.dimensions):
                wrong.append((term.value, synonym))
    assert wrong == [("nmol/L/min", "nmol*min/L")]  # as published: a product where a quotient is meant


def test_units_are_normalised_through_the_codelist(terminology):
    unit = terminology.codelist("UNIT")
    assert [normalise_unit(text, unit) for text in ("G/L", "g/l", "µg/L", "UI/l")] == ["10^9/L", "g/L", "ug/L", "IU/L"]
    with pytest.raises(UnitError, match="it could be"):
        normalise_unit("AU", unit)
    with pytest.raises(UnitError, match="is no unit of UNIT"):
        normalise_unit("furlong", unit)


def test_standard_units_are_units_of_tests_cdisc_knows_and_convert(terminology):
    tests = {term.value for name in ("LBTESTCD", "VSTESTCD") for term in terminology.codelist(name).terms}
    units = {term.value for name in ("UNIT", "VSRESU") for term in terminology.codelist(name).terms}
    specimens = {term.value for term in terminology.codelist("SPECTYPE").terms}
    for row in unit_data()["standard_units"]:
        assert set(row["tests"]) <= tests
        assert {row["si"], row["conventional"]} <= units
        assert set(row.get("specimens", ())) <= specimens
        for test in row["tests"]:
            found = standard_unit(test, (row.get("specimens") or [""])[0])
            conversion(row["conventional"], row["si"], molar_mass=found.molar_mass, valence=found.valence)


def test_a_standard_unit_depends_on_the_specimen():
    assert standard_unit("CREAT", "SERUM").unit == "umol/L"
    assert standard_unit("CREAT", "URINE").unit == "mmol/L"
    assert standard_unit("CREAT", "SERUM", "conventional").unit == "mg/dL"
    assert standard_unit("CREAT", "SALIVA") is None
    assert standard_unit("XYZ") is None
