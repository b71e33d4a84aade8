"""The example study, from its files alone: read by pyreadstat, held against the published figures and the XSDs."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pyreadstat
import pytest
from lxml import etree


def read(built: Path, name: str) -> Any:
    return pyreadstat.read_xport(built / name, disable_datetime_conversion=True)[0]


@pytest.fixture(scope="module")
def adsl(built: Path) -> Any:
    return read(built, "adam/adsl.xpt")


@pytest.fixture(scope="module")
def adtte(built: Path) -> Any:
    return read(built, "adam/adtte.xpt")


def quartiles(values: Any) -> list[float]:
    """Return minimum, quartiles (type 7) and maximum of what is not missing."""
    return [float(value) for value in np.quantile(np.asarray(values.dropna(), dtype=float), [0, 0.25, 0.5, 0.75, 1])]


def test_disposition_counts_are_those_published(adsl: Any) -> None:
    assert len(adsl) == 23
    assert (adsl.ARMNRS == "SCREEN FAILURE").sum() == 1
    assert (adsl.MOBEVFL == "Y").sum() == 18
    assert (adsl.MOBSCFL == "Y").sum() == 17
    assert (adsl.TRNSPFL == "Y").sum() == 13
    assert adsl.DTHDT.isna().all() if "DTHDT" in adsl else True


def test_transplanted_subjects_are_those_of_table_1(adsl: Any) -> None:
    done = adsl[adsl.TRNSPFL == "Y"]
    assert (done.SEX == "M").sum() == 10
    assert (done.LINEAHCT >= 3).sum() == 11
    assert [quartiles(done.AGEAHCT2)[place] for place in (0, 2, 4)] == [51.0, 62.9, 71.0]
    assert quartiles(done.AHCT2YR) == [2014, 2016, 2017, 2017, 2019]
    assert done.DISSTAT.value_counts().to_dict() == {"ADVANCED": 11, "CR2": 1, "": 1}
    assert quartiles(done.MELDOSE) == [140, 140, 200, 200, 200]
    assert quartiles(done.MOBDAYS) == [35, 44, 50, 54, 82]
    assert done.MOBDAYS.notna().sum() == 5


def test_follow_up_in_months_is_that_of_table_2(adsl: Any) -> None:
    months = quartiles(adsl.FUPMON)
    assert months[1:4] == [3.3, 12.6, 21.0]


def kaplan_meier(adtte: Any, parameter: str, days: float) -> tuple[float, float, float]:
    """Return survival at `days` with its log(-log) interval, from scikit-survival."""
    estimator = pytest.importorskip("sksurv.nonparametric").kaplan_meier_estimator
    rows = adtte[parameter == adtte.PARAMCD]
    event, time = (rows.CNSR == 0).to_numpy(), rows.AVAL.to_numpy(dtype=float)
    if not event.any():
        return 1.0, 1.0, 1.0
    times, survival, interval = estimator(event, time, conf_type="log-log")
    at = np.searchsorted(times, days, side="right") - 1
    return float(survival[at]), float(interval[0][at]), float(interval[1][at])


def test_survival_at_12_months_is_that_published(adtte: Any) -> None:
    assert kaplan_meier(adtte, "PFS", 365.25) == pytest.approx((8 / 9, 0.43297, 0.98356), abs=5e-6)
    assert kaplan_meier(adtte, "OS", 365.25)[0] == 1.0


def test_days_to_neutrophil_recovery_are_those_published(adtte: Any) -> None:
    recovered = adtte[(adtte.PARAMCD == "TTNEUT") & (adtte.CNSR == 0)].AVAL
    assert len(recovered) == 12
    assert quartiles(recovered) == [11, 12, 14, 15.75, 29]


def test_disease_history_is_that_of_table_1(adsl: Any) -> None:
    done = adsl[adsl.TRNSPFL == "Y"]
    assert done.ISOTYPE.value_counts().to_dict() == {"IgG": 9, "IgA": 2, "LIGHT CHAIN": 2}
    assert done.LCHAIN.value_counts().to_dict() == {"LAMBDA": 7, "KAPPA": 6}
    assert done.ISSDX.value_counts().to_dict() == {"": 9, "III": 2, "I": 1, "NOT EVALUATED": 1}
    assert quartiles(done.TXDAYS) == [947, 1374, 1975, 2211, 5944]


def test_days_to_platelet_recovery_need_three_days_and_no_transfusion(adtte: Any) -> None:
    recovered = adtte[(adtte.PARAMCD == "TTPLAT") & (adtte.CNSR == 0)]
    assert quartiles(recovered.AVAL) == [15, 15, 17, 18, 31]
    assert set(recovered.SRCDOM) == {"ADLB"}


def test_doses_per_body_are_analysed_as_numbers(built: Path, adsl: Any) -> None:
    adex = read(built, "adam/adex.xpt")
    doses = {code: rows.AVAL for code, rows in adex.groupby("PARAMCD")}
    assert doses["PLXDOSKG"].round(10).unique().tolist() == [0.24]
    assert sorted(doses["MELDOSM2"]) == sorted(adsl.MELDOSE.dropna())
    assert doses["PLXNUM"].sum() == len(doses["PLXDOSE"])
    assert doses["PLXCUM"].sum() == pytest.approx(doses["PLXDOSE"].sum())


def test_partial_dates_of_adverse_events_are_imputed_and_flagged_never_past_the_last_news(
    built: Path, adsl: Any
) -> None:
    adae = read(built, "adam/adae.xpt")
    assert (adae.AESTDTC.str.len() == 7).tolist() == (adae.ASTDTF == "D").tolist()
    news = adae.USUBJID.map(adsl.set_index("USUBJID").LSTALVDT)
    assert (adae.AENDT.isna() | (news >= adae.AENDT)).all()
    assert not (adae.AENDT < adae.ASTDT).any()
    assert adae.groupby("USUBJID").AOCCFL.apply(lambda flags: (flags == "Y").sum()).eq(1).all()
    assert (adae.RELMOBFL == "N").all()


def test_responses_are_recomputed_beside_the_collected_ones_and_differences_are_told(built: Path) -> None:
    adrs = read(built, "adam/adrs.xpt")
    assert adrs.PARAMCD.value_counts().to_dict() == {"RSPCOLL": 59, "RSPIMWG": 59}
    assert set(adrs.AVALC[adrs.PARAMCD == "RSPIMWG"]) <= {"", "sCR", "CR", "VGPR", "PR", "MR", "SD", "PD", "NE"}
    found = json.loads((built / "validation/report.json").read_text())["findings"]
    told = [item for item in found if item["rule"] == "CDW-IMWG"]
    assert [(item["severity"], item["records"]) for item in told] == [("warning", 2)]
    assert "34 compared" in told[0]["message"]
    both = adrs.pivot(index=["USUBJID", "ADT"], columns="PARAMCD", values="AVALC").reset_index()
    planted = both[both.USUBJID.str.endswith("-009") & (both.RSPCOLL == "VGPR") & (both.RSPIMWG == "PR")]
    unconfirmed = both[both.USUBJID.str.endswith("-006") & (both.RSPCOLL == "CR") & (both.RSPIMWG == "SD")]
    assert (len(planted), len(unconfirmed)) == (1, 1)


def test_every_source_of_a_time_is_a_record_that_holds_it(built: Path, adtte: Any) -> None:
    for (domain, variable), rows in adtte.groupby(["SRCDOM", "SRCVAR"]):
        folder = "adam" if domain.startswith("AD") else "sdtm"
        source = read(built, f"{folder}/{domain.lower()}.xpt")
        if domain == "ADSL":
            found = rows.USUBJID.map(source.set_index("USUBJID")[variable])
        else:
            sequence = "ASEQ" if folder == "adam" else f"{domain}SEQ"
            keyed = source.set_index(["USUBJID", sequence])[variable]
            found = [keyed.loc[key] for key in zip(rows.USUBJID, rows.SRCSEQ, strict=True)]
        for value, day in zip(found, rows.ADT, strict=True):
            shown = str(np.datetime64("1960-01-01") + np.timedelta64(int(day), "D"))
            assert (value if isinstance(value, float) else str(value)[:10]) == (
                day if isinstance(value, float) else shown
            )


def test_competing_events_are_told_apart_by_cnsr(adtte: Any) -> None:
    counts = {code: rows.CNSR.value_counts().to_dict() for code, rows in adtte.groupby("PARAMCD")}
    assert counts["RELAPSE"] == {1: 10, 0: 3}
    assert counts["NRM"] == {1: 10, 2: 3}


def test_one_changed_raw_record_changes_the_figures(study: Path) -> None:
    from cdiscway.converters.build import convert, read_plan

    path = study / "raw" / "GREFFE.csv"
    rows = path.read_text(encoding="utf-8-sig").splitlines()
    path.write_text("\ufeff" + "\r\n".join(rows[:1] + rows[2:]) + "\r\n", encoding="utf-8", newline="")
    adam = convert(read_plan(study)).packages[1]
    adsl = next(dataset.frame for dataset in adam.datasets if dataset.name == "ADSL")
    assert (adsl["TRNSPFL"] == "Y").sum() == 12


def test_every_transport_file_has_the_records_the_report_tells(built: Path) -> None:
    told = {item["name"]: item for item in json.loads((built / "validation/report.json").read_text())["datasets"]}
    files = sorted(built.glob("*/*.xpt"))
    assert {path.stem.upper() for path in files} == set(told)
    for path in files:
        frame = read(path.parent, path.name)
        assert frame.shape == (told[path.stem.upper()]["records"], told[path.stem.upper()]["variables"])


@pytest.mark.parametrize("package", ["sdtm", "adam"])
def test_define_xml_is_valid_against_the_schema_of_define_xml_2_1(built: Path, package: str) -> None:
    # The schema of Analysis Results Metadata is that of Define-XML 2.1 with their elements.
    schema = resources.files("odmlib") / "schemas" / "arm" / "1.0-define2.1"
    found = sorted(Path(str(schema)).rglob("arm1-0-0.xsd"))
    assert found, "odmlib ships the schema"
    validator = etree.XMLSchema(etree.parse(str(found[0])))
    validator.assertValid(etree.parse(str(built / package / "define.xml")))


def test_screen_failure_has_no_arm_and_says_why(built: Path) -> None:
    dm = read(built, "sdtm/dm.xpt")
    failed = dm[dm.ARMNRS == "SCREEN FAILURE"]
    assert failed[["ARM", "ARMCD", "ACTARM", "ACTARMCD"]].to_numpy().tolist() == [[""] * 4]
    assert (dm.USUBJID == dm.STUDYID + "-" + dm.SITEID + "-" + dm.SUBJID).all()
    assert not dm.duplicated("USUBJID").any()


def test_the_report_says_that_the_data_are_synthetic(built: Path) -> None:
    assert "synthetic" in (built / "validation/report.html").read_text(encoding="utf-8").lower()
    assert json.loads((built / "manifest.json").read_text())["synthetic"] is True


@pytest.mark.parametrize(
    "name",
    [
        "sdtm/define.xml",
        "sdtm/define.html",
        "adam/define.xml",
        "adam/define.html",
        "validation/report.html",
        "validation/report.sarif",
    ],
)
def test_what_is_read_of_the_study_says_that_its_data_are_synthetic(built: Path, name: str) -> None:
    assert "synthetic" in (built / name).read_text(encoding="utf-8").lower()


def test_the_workbook_of_the_report_says_that_the_data_are_synthetic(built: Path) -> None:
    assert "Synthetic data" in openpyxl.load_workbook(built / "validation" / "report.xlsx").sheetnames
