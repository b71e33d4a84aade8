"""The example's results: every published figure beside the one computed from the analysis datasets."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest

from cdiscway.converters.build import convert, read_plan, write_datasets
from cdiscway.converters.results.ard import TableLine
from cdiscway.converters.results.layout import MadeTable
from cdiscway.converters.results.run import Results, compute_results, write_results

pytest.importorskip("sksurv", reason="the optional extra cdiscway[results] is not installed")


@pytest.fixture(scope="module")
def results(built: Path) -> Results:
    return compute_results(built.parent)


def text(made: MadeTable, label: str) -> str:
    return next(line.cells[-1].text for line in made.lines if (line.level or line.row.label).startswith(label))


def test_no_published_figure_differs_without_an_explanation(results: Results) -> None:
    assert results.different == []
    published = [line for made in results.tables for line in made.lines if line.published is not None]
    assert len(published) == 35
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


# One raw value each: form, the record by its columns, column, new text; then each figure that it changes, and how that reads.
CHANGES: list[tuple[str, dict[str, str], str, str, dict[str, str]]] = [
    ("CYTAPHERESE", {"NUMPAT": "017", "NUM_SESSION": "1"}, "CD34_DOSE", "2,1",
     {"At least 2 x 10^6": "18/18 = 100 % [100-100]", "Mobilization success": "18"}),
    ("EI", {"NUMPAT": "001", "NUMREP": "1"}, "LIEN_MOB", "1", {"Adverse events related": "1"}),
    ("INCLUSION", {"NUMPAT": "008"}, "SEXE", "2", {"Male": "9 (69 %)"}),
    ("INCLUSION", {"NUMPAT": "005"}, "DATE_NAIS", "UN/03/1967", {"Age at AHCT2": "62.9 (49-71)"}),
    ("GREFFE", {"NUMPAT": "002"}, "LIGNE_GREFFE", "2", {"AHCT2 as third line": "10 (77 %)"}),
    ("MYELOME", {"NUMPAT": "001"}, "ISOTYPE", "2", {"IgG": "8 (62 %)", "IgA": "3 (23 %)"}),
    ("MYELOME", {"NUMPAT": "006"}, "CHAINE", "2", {"KAPPA": "5 (38 %)", "LAMBDA": "8 (62 %)"}),
    ("MYELOME", {"NUMPAT": "002"}, "ISS", "1", {"I": "2 (15.4 %)", "III": "1 (7.7 %)"}),
    ("GREFFE", {"NUMPAT": "005"}, "STATUT_MAL", "2", {"CR2": "2 (15.4 %)", "ADVANCED": "10 (76.9 %)"}),
    ("MELPHALAN", {"NUMPAT": "003"}, "DOSE_M2", "100", {"Melphalan dose": "200 (100-200) [140-200]"}),
    ("MYELOME", {"NUMPAT": "006"}, "DATE_GREFFE1", "09/03/2001",
     {"Time from previous transplant, days": "1975 (947-5577) [1374-2211]",
      "Time from previous transplant, years": "5.41 (2.59-15.27) [3.76-6.05]"}),
    ("CYTAPHERESE", {"NUMPAT": "005", "NUM_SESSION": "2"}, "DATE_CYTA", "12/02/2016",
     {"Mobilization to AHCT2": "50 (35-82) [42-54]"}),
    ("FINETUDE", {"NUMPAT": "005"}, "DATE_DERN_NOUV", "25/01/2018", {"Follow-up": "12.6 [3.3-22]"}),
    ("HEMATOLOGIE", {"NUMPAT": "009", "DATE_PREL": "21/02/2017"}, "PNN", "0,45",
     {"Days to neutrophils": "14 (11-30) [12-15.75]"}),
    ("HEMATOLOGIE", {"NUMPAT": "001", "VISITE": "SEL"}, "PLAQ", "11", {"Days to platelets": "16.5 (1-31) [15-18]"}),
    ("REPONSE", {"NUMPAT": "002", "VISITE": "M06"}, "DATE_RECHUTE", "30/04/2016",
     {"Progression-free": "", "Relapse incidence": ""}),
    ("FINETUDE", {"NUMPAT": "021"}, "DATE_DECES", "20/03/2020", {"Deaths": "1", "Overall survival": "", "Non-relapse": ""}),
]  # fmt: skip


def change(study: Path, form: str, record: dict[str, str], column: str, value: str) -> None:
    path = study / "raw" / f"{form}.csv"
    head, *lines = path.read_text(encoding="utf-8-sig").splitlines()
    names = head.split(";")
    wanted = {names.index(name): text for name, text in record.items()}
    rows = [line.split(";") for line in lines]
    (row,) = (row for row in rows if all(row[at] == text for at, text in wanted.items()))
    row[names.index(column)] = value
    text = "\r\n".join([head, *(";".join(row) for row in rows)])
    path.write_text(f"\ufeff{text}\r\n", encoding="utf-8", newline="")


@pytest.fixture(scope="module")
def changed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Results:
    """The results after every change of CHANGES: each changes figures of its own."""
    study = tmp_path_factory.mktemp("changed") / "study"
    shutil.copytree(built.parent, study, ignore=shutil.ignore_patterns("build"))
    for form, record, column, value, _ in CHANGES:
        change(study, form, record, column, value)
    write_datasets(convert(read_plan(study)), study / "build")
    return compute_results(study)


@pytest.mark.parametrize(
    ("label", "reads"),
    [(label, reads) for *_, figures in CHANGES for label, reads in figures.items()],
    ids=[label for *_, figures in CHANGES for label in figures],
)
def test_one_changed_raw_value_changes_the_figure(results: Results, changed: Results, label: str, reads: str) -> None:
    one, other = (
        next(line.cells[-1].text for made in each.tables for line in made.lines if is_called(line, label))
        for each in (results, changed)
    )
    assert one != other
    assert reads in ("", other)


def is_called(line: TableLine, label: str) -> bool:
    return line.level == label if line.level else len(label) > 3 and line.row.label.startswith(label)


def test_the_example_is_archived_as_it_is_with_the_results_of_its_data(
    built_study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`cdiscway archive` builds again: results that are of the same data stay, and are packed byte for byte."""
    from cdiscway.cli.main import main
    from cdiscway.converters import archive

    before = {path.name: path.read_bytes() for path in write_results(compute_results(built_study)).iterdir()}
    archived: list[archive.Archived] = []
    ours = archive.archive_study
    monkeypatch.setattr(archive, "archive_study", lambda *given: archived.append(ours(*given)) or archived[0])
    target = tmp_path / "package.zip"
    with pytest.raises(SystemExit) as stop:
        main(["archive", str(built_study), str(target)])
    assert int(stop.value.code or 0) == 0
    assert "no error" in capsys.readouterr().out
    assert archived[0].built.dropped_results == ()
    assert not archived[0].lacks_results
    with zipfile.ZipFile(target) as package:
        held = {name: package.read(name) for name in package.namelist() if name.startswith("results/")}
    assert held == {f"results/{name}": data for name, data in before.items()}
    shutil.rmtree(archived[0].built.folder / "results")
    assert archive.lacks_results(archived[0].built)


def test_define_xml_holds_the_metadata_of_every_result(results: Results, built: Path) -> None:
    from lxml import etree

    tree = etree.parse(str(built / "adam" / "define.xml"))
    arm = {"arm": "http://www.cdisc.org/ns/arm/v1.0"}
    displays = [element.get("Name") for element in tree.iterfind(".//arm:ResultDisplay", arm)]
    assert sorted(displays) == sorted(set(results.ard.DISPLAY))
    count = len(tree.findall(".//arm:AnalysisResult", arm))
    assert count == sum(len(made.table.rows) for made in results.tables) + 7
