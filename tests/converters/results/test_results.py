"""Specifications of results: mistakes with their lines, words for numbers, files that depend on the data alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cdiscway.converters.results import run
from cdiscway.converters.results.ard import in_words
from cdiscway.converters.results.run import Results, compute_results, write_results
from cdiscway.converters.results.spec import NAMES, Exposed, Figure, Row, Table, read_displays
from cdiscway.specs.mistakes import MistakesError

pytest.importorskip("sksurv", reason="the optional extra cdiscway[results] is not installed")

WriteDataset = Callable[[Path, str, pd.DataFrame], None]
STUDY = """\
study: S1
title: A study
protocol: S1
synthetic: true
raw: {cutoff: 2020-01-01}
subject: {USUBJID: {column: ID}}
"""
TABLE = """\
table: t1
title: A table <b>
population: SAFFL == "Y"
group: TRT01A
rows:
  - {label: Age, variable: AGE, show: "{median:1} ({min}-{max})", published: 51.0 (40-62)}
  - {label: Sex, statistic: categories, variable: SEX, levels: [F, M], missing: Missing}
  - {label: Women, statistic: proportion, counted: SEX == "F", interval: wilson}
  - {label: Alive, statistic: survival, parameter: OS, at: 10}
  - {label: "=1+1", statistic: count, counted: AGE > 50, published: "4"}
"""
FIGURE = """\
figure: f1
title: Survival
kind: kaplan_meier
group: TRT01A
curves: [{parameter: OS}]
"""


@pytest.fixture
def folder(tmp_path: Path, write_dataset: WriteDataset) -> Path:
    adam = tmp_path / "build" / "adam"
    adam.mkdir(parents=True)
    (tmp_path / "results").mkdir()
    (tmp_path / "study.yaml").write_text(STUDY)
    (tmp_path / "results" / "t1.yaml").write_text(TABLE)
    (tmp_path / "results" / "f1.yaml").write_text(FIGURE)
    write_data(write_dataset, adam, list(range(6)))
    return tmp_path


def write_data(write_dataset: WriteDataset, adam: Path, order: list[int]) -> None:
    text = {
        "USUBJID": [f"S{i}" for i in range(6)], "SAFFL": ["Y"] * 5 + ["N"], "TRT01A": ["A", "A", "B", "B", "B", "B"],
        "SEX": ["F", "M", "F", None, "F", "F"],
    }  # fmt: skip
    adsl = pd.DataFrame({name: pd.Series(values, dtype="str") for name, values in text.items()})
    adsl["AGE"] = [40.0, 50.0, 51.0, 60.0, 62.0, 99.0]
    times = adsl[["USUBJID"]].assign(PARAMCD="OS", PARAM="Overall survival")
    times["AVAL"], times["CNSR"] = [5.0, 8.0, 12.0, 20.0, 20.0, 1.0], [0.0, 1.0, 0.0, 1.0, 1.0, 0.0]
    for name, frame in (("ADSL", adsl), ("ADTTE", times)):
        write_dataset(adam, name, frame.iloc[order].reset_index(drop=True))


def cells(results: Results) -> dict[str, list[str]]:
    return {line.level or line.row.label: [cell.text for cell in line.cells] for line in results.tables[0].lines}


def test_rows_are_computed_by_group_and_in_total(folder: Path) -> None:
    made = cells(compute_results(folder))
    assert made["Age"] == ["45.0 (40-50)", "60.0 (51-62)", "51.0 (40-62)"]
    assert made["F"] == ["1 (50.0 %)", "2 (66.7 %)", "3 (60.0 %)"]
    assert made["Missing"] == ["0 (0.0 %)", "1 (33.3 %)", "1 (20.0 %)"]
    assert made["Alive"][2].startswith("80.0 % (20.4-")


def test_a_published_figure_that_differs_without_a_note_is_told(folder: Path) -> None:
    results = compute_results(folder)
    assert results.different == ["t1: =1+1: published 4, computed 3 (60.0 %)"]


def test_the_ard_holds_one_number_a_row(folder: Path) -> None:
    ard = compute_results(folder).ard
    found = ard[(ard.DISPLAY == "t1") & (ard.VARIABLE == "AGE") & (ard.STAT == "median")]
    assert dict(zip(found.GROUPVAL, found.VALUE, strict=True)) == {"A": 45, "B": 60, "Total": 51}
    assert ard.VALUE.dtype == np.float64
    assert not ard.duplicated(["DISPLAY", "ORDER", "LEVEL", "GROUPVAL", "STAT"]).any()


def test_files_are_the_same_bytes_again_and_in_any_order_of_records(folder: Path, write_dataset: WriteDataset) -> None:
    def files() -> dict[str, bytes]:
        built = write_results(compute_results(folder))
        return {path.name: path.read_bytes() for path in sorted(built.iterdir()) if path.name not in changing}

    changing = {"results.html"}
    first = files()
    assert set(first) == {
        *("ard.csv", "ard.parquet", "results.xlsx", "inputs.json"),
        *("f1.png", "f1.svg", "f1.docx", "t1.rtf", "t1.docx"),
    }
    assert files() == first
    write_data(write_dataset, folder / "build" / "adam", [3, 1, 5, 0, 4, 2])
    changing |= {"inputs.json"}  # both show the hashes of the files that were read
    assert files() == {name: content for name, content in first.items() if name not in changing}


def test_the_page_escapes_what_it_shows_and_loads_nothing(folder: Path) -> None:
    page = (write_results(compute_results(folder)) / "results.html").read_text(encoding="utf-8")
    assert "A table &lt;b&gt;" in page
    assert "SYNTHETIC" in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "<script" not in page


def test_rtf_is_ascii_and_its_braces_match(folder: Path) -> None:
    text = (write_results(compute_results(folder)) / "t1.rtf").read_bytes().decode("ascii")
    assert text.count("{") == text.count("}")


def test_no_cell_of_the_workbook_is_a_formula(folder: Path) -> None:
    import openpyxl

    book = openpyxl.load_workbook(write_results(compute_results(folder)) / "results.xlsx")
    assert all(cell.data_type != "f" for sheet in book for row in sheet.iter_rows() for cell in row)
    assert book["ARD"].max_row == len(compute_results(folder).ard) + 1


MISTAKES = [
    ("variable: AGE", "variable: AGEE", "results/t1.yaml:6 rows[0].variable: ADSL has no variable 'AGEE'"),
    ('SAFFL == "Y"', 'SAFL == "Y"', "no column 'SAFL'"),
    ("parameter: OS", "parameter: PFS", "ADTTE has no parameter 'PFS'"),
    ("{median:1}", "{mode}", "'show' asks for mode"),
    ("at: 10", "ab: 10", "ab"),
    ("group: TRT01A", "group: TRT01B", "did you mean 'TRT01A'?"),
    ("statistic: count, counted: AGE > 50", "statistic: count", "needs 'counted'"),
    ("levels: [F, M]", "test: log_rank", "'test: log_rank' goes with survival, survival_time"),
    (
        '"{median:1} ({min}-{max})", published',
        '"{n}", subjects: true, published',
        "'subjects' goes with a statistic that counts",
    ),
    ("group: TRT01A", "groups: [A]", "'groups' are the levels of 'group'"),
    ("group: TRT01A", "exposed: {variables: [TRT01A]}", "'exposed' says who is in each column of 'group'"),
    ("group: TRT01A", "group: SEX\nexposed: {variables: [TRT01A]}", "t1.yaml:4 group: ADTTE has no variable 'SEX'"),
    (
        "group: TRT01A",
        "group: TRTA\nexposed: {variables: [TRT02A]}",
        "exposed.variables[0]: ADSL has no variable 'TRT02A'",
    ),
    ("group: TRT01A", "group: TRTA\nexposed: {variables: [SEX], where: AG > 1}", "exposed.where: "),
    ("levels: [F, M]", "difference: wald", "'difference' is that of two declared 'groups'"),
    ("variable: AGE,", "variable: AGE, difference: wald,", "'difference' goes with count, categories, proportion"),
    ("levels: [F, M]", "nested: SEXX", "rows[1].nested: ADSL has no variable 'SEXX'"),
    ("levels: [F, M]", "nested: TRT01A, test: fisher", "needs 'subjects: true'"),
    ("counted: AGE > 50", "counted: AGE > 50, order: frequency", "go with 'statistic: categories'"),
]


@pytest.mark.parametrize(("right", "wrong", "message"), MISTAKES, ids=[case[1] for case in MISTAKES])
def test_mistakes_name_file_line_and_word(folder: Path, right: str, wrong: str, message: str) -> None:
    (folder / "results" / "t1.yaml").write_text(TABLE.replace(right, wrong))
    with pytest.raises(MistakesError) as caught:
        compute_results(folder)
    assert message in str(caught.value)


def test_without_a_build_the_user_is_told_what_to_do(folder: Path) -> None:
    for path in (folder / "build" / "adam").iterdir():
        path.unlink()
    (folder / "build" / "adam").rmdir()
    with pytest.raises(MistakesError, match="cdiscway build"):
        compute_results(folder)


def test_without_the_extra_the_user_is_told_what_to_install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "EXTRA", {"no_such_library": "no-such-library"})
    with pytest.raises(MistakesError, match=r"pip install 'cdiscway\[results\]'"):
        compute_results(folder)


def test_two_displays_of_one_name_are_a_mistake(folder: Path) -> None:
    (folder / "results" / "t2.yaml").write_text(TABLE)
    with pytest.raises(MistakesError, match="already taken"):
        read_displays(folder / "results")


def test_numbers_are_rounded_half_up_and_nothing_known_is_ne() -> None:
    assert in_words("{a:1} {b} {c:0}", {"a": 0.25, "b": 15.75, "c": float("nan")}) == "0.3 15.75 NE"


def test_analysis_results_metadata_say_how_groups_are_compared(folder: Path) -> None:
    from cdiscway.converters.results.arm import results_metadata

    row = '  - {label: Women, statistic: proportion, counted: SEX == "F", interval: wilson}'
    assert row in TABLE
    compared = TABLE.replace(row, row.replace("}", ", test: chi_squared, subjects: true}"))
    (folder / "results" / "t1.yaml").write_text(compared)
    metadata, _ = results_metadata(folder / "results", {"ADSL": ("USUBJID", "AGE", "SEX"), "ADTTE": ("PARAMCD",)})
    assert metadata is not None
    documentation = metadata.displays[1].results[2].documentation
    assert documentation is not None
    assert "each subject counted once; groups of TRT01A compared by chi squared" in str(documentation)


def test_analysis_results_metadata_name_dataset_parameter_and_statistic(folder: Path) -> None:
    from cdiscway.converters.results.arm import results_metadata

    variables = {"ADSL": ("USUBJID", "AGE", "SEX"), "ADTTE": ("USUBJID", "PARAMCD", "AVAL", "CNSR")}
    metadata, conditions = results_metadata(folder / "results", variables)
    assert metadata is not None
    assert [(display.name, len(display.results)) for display in metadata.displays] == [("f1", 1), ("t1", 5)]
    alive = metadata.displays[1].results[3]
    assert alive.datasets is not None
    assert [item.item_oid for item in alive.datasets.datasets[0].variables] == ["IT.ADTTE.AVAL", "IT.ADTTE.CNSR"]
    assert [condition.oid for condition in conditions] == ["WC.RESULT.ADTTE.OS"]
    assert results_metadata(folder / "nowhere", variables) == (None, ())
    (folder / "empty").mkdir()
    assert results_metadata(folder / "empty", variables) == (None, ())


def test_analysis_results_metadata_say_whose_treatment_makes_the_columns(tmp_path: Path) -> None:
    from cdiscway.converters.results.arm import results_metadata

    (tmp_path / "t1.yaml").write_text(
        "{table: t1, title: T, dataset: ADAE, group: TRTA, exposed: {variables: [TRT01A, TRT02A]},"
        " rows: [{label: Term, statistic: categories, variable: AEBODSYS, nested: AEDECOD}]}"
    )
    metadata, _ = results_metadata(tmp_path, {"ADAE": ("USUBJID", "TRTA", "AEBODSYS", "AEDECOD")})
    assert metadata is not None
    result = metadata.displays[0].results[0]
    assert result.datasets is not None
    used = [item.item_oid for item in result.datasets.datasets[0].variables]
    assert used == ["IT.ADAE.AEBODSYS", "IT.ADAE.AEDECOD", "IT.ADAE.TRTA"]
    words = "by AEDECOD within AEBODSYS; by TRTA of the records, of the subjects with its value in ADSL.TRT01A, TRT02A"
    assert words in str(result.documentation)


@pytest.mark.parametrize("model", [Table, Row, Exposed, Figure], ids=lambda model: model.__name__)
def test_every_word_stands_in_the_reference(model: type[Table | Row | Exposed | Figure]) -> None:
    page = (Path(__file__).parents[3] / "docs" / "reference" / "analysis-results.md").read_text(encoding="utf-8")
    assert [name for name in model.model_fields if f"`{name}`" not in page] == []


@pytest.mark.parametrize("statistic", NAMES)
def test_every_number_of_a_statistic_stands_in_the_reference(statistic: str) -> None:
    page = (Path(__file__).parents[3] / "docs" / "reference" / "analysis-results.md").read_text(encoding="utf-8")
    assert f"| `{statistic}` | {' '.join(NAMES[statistic])} |" in page
