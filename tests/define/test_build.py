"""Define-XML 2.1: what is built from datasets says what the datasets hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from cdiscway.define.build import build_define
from cdiscway.define.input import CTPackage
from cdiscway.define.measure import measure_dates, measure_number_groups, measure_numbers, measure_result_groups
from cdiscway.define.schema import schema_findings
from cdiscway.define.write import define_bytes, write_define

EXPECTED = Path(__file__).parent / "expected" / "define.xml"


def test_the_package_gives_the_expected_file(package):
    assert define_bytes(build_define(package)).decode() == EXPECTED.read_text()


def test_the_file_is_valid_against_the_schema(package):
    assert schema_findings(etree.fromstring(define_bytes(build_define(package)))) == []


def test_odmlib_loads_the_file(package, tmp_path):
    from odmlib.define_loader import XMLDefineLoader
    from odmlib.loader import ODMLoader

    write_define(build_define(package), tmp_path / "define.xml")
    loader = ODMLoader(XMLDefineLoader("define_2_1"))
    loader.open_odm_document(str(tmp_path / "define.xml"))
    metadata = loader.MetaDataVersion()
    assert [dataset.Name for dataset in metadata.ItemGroupDef] == ["DM", "LB", "SUPPLB"]
    assert (tmp_path / "define2-1.xsl").stat().st_size > 100_000


def test_a_dataset_without_records_has_no_data_a_comment_and_no_file(make_package, empty_supplemental):
    built = build_define(make_package(empty_supplemental)).metadata
    dataset = built.datasets[0]
    assert (dataset.has_no_data, dataset.leaf, dataset.archive_location_id) == ("Yes", None, None)
    assert dataset.comment_oid in {comment.oid for comment in built.comments}
    assert built.value_lists == ()


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ([1, 20, 300], ("integer", 3, None)),
        ([0.1 + 0.2], ("float", 3, 1)),
        ([-12.25, 3], ("float", 5, 2)),
        ([np.nan], ("integer", 1, None)),
        ([999.999], ("float", 7, 3)),
        ([1000], ("integer", 4, None)),
        ([20514.0], ("integer", 5, None)),
        ([1 / 3], ("float", 14, 12)),
    ],
)
def test_numbers_are_measured_by_their_digits(numbers, expected):
    found = measure_numbers(pd.Series(numbers, dtype="float64"))
    assert (found.data_type, found.length, found.significant_digits) == expected


@given(st.lists(st.decimals(-99999, 99999, places=3), min_size=1))
def test_a_measured_format_holds_every_number(numbers):
    found = measure_numbers(pd.Series([float(number) for number in numbers]))
    for number in numbers:
        shown = f"{abs(number):.{found.significant_digits or 0}f}"
        assert float(shown) == float(abs(number))
        assert len(shown) <= (found.length or 0)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["2016-03-01"], "date"),
        (["2016-03-01", "2016"], "partialDate"),
        (["2016-03-01T08:30:00"], "datetime"),
        (["2016-03-01T08:30", "2016-03-01"], "partialDatetime"),
        (["2016---15"], "incompleteDatetime"),
        (["P3Y6M", "PT2H"], "durationDatetime"),
        (["2016-03-01/2016-03-02"], "intervalDatetime"),
        (["1 March 2016"], "text"),
        ([], "datetime"),
    ],
)
def test_dates_have_the_narrowest_type_that_holds_them_all(texts, expected):
    assert measure_dates(pd.Series(texts, dtype="str")).data_type == expected


def test_results_are_measured_per_condition():
    values = pd.Series(["1", "22", "2.5", "<0.1", "10.25", "é", "007", "2016-03-01"], dtype="str")
    found = measure_result_groups(values, np.array([0, 0, 1, 2, 1, 3, 4, 5]), 6)
    assert [(m.data_type, m.length, m.significant_digits) for m in found] == [
        ("integer", 2, None),
        ("float", 5, 2),
        ("text", 4, None),
        ("text", 2, None),
        ("text", 3, None),
        ("date", None, None),
    ]


def test_an_empty_group_of_numbers_is_no_error():
    assert [m.length for m in measure_number_groups(pd.Series([12.0]), np.array([1]), 2)] == [1, 2]


@pytest.mark.parametrize("name", ["SDTM CT 2026-03-27", "SDTM 2026-03-27", "SDTM Terminology 2026-03-27"])
def test_a_package_is_read_from_its_name(name):
    assert CTPackage.parse(name) == CTPackage("SDTM", "2026-03-27")


def test_a_package_without_a_date_is_refused():
    with pytest.raises(ValueError, match="is not a terminology package"):
        CTPackage.parse("SDTM CT")


def test_a_result_of_numbers_and_terms_has_its_codelist_where_the_terms_are(package):
    from dataclasses import replace

    from cdiscway.define.against_data import check_against_data
    from cdiscway.define.index import Index

    dm, lb, supp = package.datasets
    variables = tuple(
        v.model_copy(update={"codelists": ("C66742",)}) if v.name == "LBORRES" else v for v in lb.spec.variables
    )
    frame = lb.frame.assign(LBORRES=lb.frame["LBORRES"].where(lb.frame["LBTESTCD"] != "CD34", "Y"))
    mixed = replace(lb, spec=lb.spec.model_copy(update={"variables": variables}), frame=frame)
    define = build_define(replace(package, datasets=(dm, mixed, supp)))
    items = define.items_by_oid()
    assert items["IT.LB.LBORRES"].codelist is None
    assert items["IT.LB.LBORRES.LBTESTCD.EQ.PLAT"].codelist is None
    assert items["IT.LB.LBORRES.LBTESTCD.EQ.NEUT"].codelist is None
    assert items["IT.LB.LBORRES.LBTESTCD.EQ.CD34"].codelist is not None
    data = {item.name: (item.frame, item.metadata) for item in (dm, mixed, supp)}
    assert check_against_data(Index(define), data) == ([], [])


def test_analysis_results_go_into_the_file(package):
    from dataclasses import replace

    from cdiscway.define.model import (
        AnalysisDataset,
        AnalysisDatasets,
        AnalysisResult,
        AnalysisResultDisplays,
        AnalysisVariable,
        PlainText,
        ProgrammingCode,
        RangeCheck,
        ResultDisplay,
        WhereClauseDef,
        WhereClauseRef,
        describe,
    )
    from cdiscway.define.references import reference_findings

    check = RangeCheck(comparator="EQ", soft_hard="Soft", item_oid="IT.LB.LBTESTCD", values=(PlainText(text="NEUT"),))
    result = AnalysisResult(
        oid="AR.1",
        reason="SPECIFIED IN SAP",
        purpose="PRIMARY OUTCOME MEASURE",
        description=describe("Median days to recovery"),
        datasets=AnalysisDatasets(
            datasets=(
                AnalysisDataset(
                    item_group_oid="IG.LB",
                    where=(WhereClauseRef(where_clause_oid="WC.R1"),),
                    variables=(AnalysisVariable(item_oid="IT.LB.LBSTRESN"),),
                ),
            )
        ),
        code=ProgrammingCode(context="Python", code=PlainText(text="frame.groupby('TRT01A')")),
    )
    display = ResultDisplay(oid="RD.1", name="Table 1", description=describe("Recovery"), results=(result,))
    given = replace(
        package,
        results=AnalysisResultDisplays(displays=(display,)),
        result_conditions=(WhereClauseDef(oid="WC.R1", checks=(check,)),),
    )
    define = build_define(given)
    written = etree.fromstring(define_bytes(define))
    assert schema_findings(written) == []
    assert written.nsmap["arm"] == "http://www.cdisc.org/ns/arm/v1.0"
    assert reference_findings(define) == []


def test_the_stylesheet_beside_the_file_shows_it(package, tmp_path):
    write_define(build_define(package), tmp_path / "define.xml")
    tree = etree.parse(tmp_path / "define.xml")
    href = tree.getroot().getprevious().get("href")
    shown = str(etree.XSLT(etree.parse(tmp_path / href))(tree))
    assert all(name in shown for name in ("Laboratory Test Results", "LBORRES", "CENTRLAB", "acrf.pdf"))
