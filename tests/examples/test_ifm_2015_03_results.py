"""The example's results: every published figure beside the one computed from the analysis datasets."""

from __future__ import annotations

from pathlib import Path

import pytest

from cdiscway.converters.results.run import MadeTable, Results, compute_results

pytest.importorskip("sksurv", reason="the optional extra cdiscway[results] is not installed")


@pytest.fixture(scope="module")
def results(built: Path) -> Results:
    return compute_results(built.parent)


def text(made: MadeTable, label: str) -> str:
    return next(line.cells[-1].text for line in made.lines if (line.level or line.row.label).startswith(label))


def test_no_published_figure_differs_without_an_explanation(results: Results) -> None:
    assert results.different == []
    published = [line for made in results.tables for line in made.lines if line.published is not None]
    assert len(published) == 34
    explained = {line.row.label.split(",")[0] for line in published if line.agreement == "explained"}
    assert explained == {
        *(
            "Isotype",
            "ISS at diagnosis",
            "Status at transplant",
            "Time from previous transplant",
            "Mobilization to AHCT2",
        ),
        "Days to neutrophils > 0.5 x 10^9/L",
    }


def test_survival_and_incidence_at_one_year_are_those_published(results: Results) -> None:
    outcomes = next(made for made in results.tables if made.table.table == "t2-outcomes")
    assert text(outcomes, "Progression-free") == "88.9 % (43.3-98.4)"
    assert text(outcomes, "Relapse incidence") == "11.1 % (0.5-40.6)"
    assert text(outcomes, "Follow-up") == "12.6 [3.3-21]"


def test_every_number_stands_in_the_ard(results: Results) -> None:
    ard = results.ard
    assert set(ard.DISPLAY) == {path.stem for path in (results.study.folder / "results").glob("*.yaml")}
    found = ard[(ard.PARAMCD == "RELAPSE") & (ard.METHOD == "incidence at 365.25")].set_index("STAT").VALUE
    assert [round(found[name], 3) for name in ("percent", "lower", "upper")] == [11.111, 0.469, 40.637]


CHANGES = [
    (
        "GREFFE.csv",
        "001;GRE",
        "Oui;19/11/2014",
        "Oui;19/11/2013",
        "t1-characteristics",
        "Time from previous transplant, days",
    ),
    ("HEMATOLOGIE.csv", "001;SEL", ";211;", ";11;", "t2-outcomes", "Days to platelets"),
    ("REPONSE.csv", "002;M06", "Non;;0,0", "Oui;30/04/2016;0,0", "t2-outcomes", "Progression-free"),
]


@pytest.mark.parametrize("case", CHANGES, ids=[case[0] for case in CHANGES])
def test_one_changed_raw_record_changes_the_result(results: Results, study: Path, case: tuple[str, ...]) -> None:
    from cdiscway.converters.build import convert, read_plan, write_datasets

    form, record, old, new, table, label = case
    path = study / "raw" / form
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    place = next(at for at, line in enumerate(lines) if record in line and old in line)
    lines[place] = lines[place].replace(old, new)
    path.write_text("\ufeff" + "\r\n".join(lines) + "\r\n", encoding="utf-8", newline="")
    write_datasets(convert(read_plan(study)), study / "build")
    changed = compute_results(study)
    one, other = (next(made for made in each.tables if made.table.table == table) for each in (results, changed))
    assert text(one, label) != text(other, label)


def test_define_xml_holds_the_metadata_of_every_result(results: Results, built: Path) -> None:
    from lxml import etree

    tree = etree.parse(str(built / "adam" / "define.xml"))
    arm = {"arm": "http://www.cdisc.org/ns/arm/v1.0"}
    displays = [element.get("Name") for element in tree.iterfind(".//arm:ResultDisplay", arm)]
    assert sorted(displays) == sorted(set(results.ard.DISPLAY))
    count = len(tree.findall(".//arm:AnalysisResult", arm))
    assert count == sum(len(made.table.rows) for made in results.tables) + 7
