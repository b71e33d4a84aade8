"""The derivations against an independent derivation in plain pandas, on a synthetic study of its own generator."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyreadstat
import pytest

from cdiscway.converters.algorithms.iso8601 import date_days
from cdiscway.converters.derivations.baseline_flag import last_observation_before
from cdiscway.converters.derivations.date_imputation import impute_start
from cdiscway.converters.derivations.duration import duration
from cdiscway.converters.derivations.exposure import first_day, is_treatment, last_day
from cdiscway.converters.derivations.groups import Group, group_of
from cdiscway.converters.derivations.sequence import sequence_number
from cdiscway.converters.derivations.study_day import study_day
from cdiscway.converters.derivations.time_to_event import TimeSource, time_to_event

BENCH = Path(__file__).parents[3] / ".." / "shared" / "bench"


@pytest.fixture(scope="module")
def oracle(tmp_path_factory):
    """The module with the independent derivations, run on 60 subjects."""
    if not (BENCH / "gen.py").exists():
        pytest.skip("the shared study generator is not beside the repository")
    data = tmp_path_factory.mktemp("study")
    subprocess.run([sys.executable, BENCH / "gen.py", "60", "4", data], check=True, capture_output=True)
    spec = importlib.util.spec_from_file_location("expected", BENCH / "expected.py")
    module = importlib.util.module_from_spec(spec)
    argv, sys.argv = sys.argv, ["expected.py", str(data)]
    try:
        spec.loader.exec_module(module)
    finally:
        sys.argv = argv
    module.data = data
    return module


def text(column):
    return column.astype("str").replace("", None)


def read(oracle, name):
    return pyreadstat.read_xport(oracle.data / f"{name}.xpt", disable_datetime_conversion=True)[0]


def test_sdtm_study_day_baseline_and_sequence(oracle):
    expected = oracle.vs()
    reference = text(expected["USUBJID"].map(oracle.ref))
    dates, subject, test = text(expected["VSDTC"]), text(expected["USUBJID"]), text(expected["VSTESTCD"])
    np.testing.assert_equal(study_day(dates, reference), expected["VSDY"].to_numpy(dtype="float64"))
    on_baseline = (expected["VISIT"] == "BASELINE").to_numpy()
    flags = last_observation_before(subject, test, dates, reference, dates, same_day=on_baseline)
    assert flags.astype("str").fillna("").tolist() == expected["VSBLFL"].tolist()
    numbers = sequence_number(subject, [test, expected["VISITNUM"], dates])
    assert numbers.tolist() == expected["VSSEQ"].tolist()


def test_adam_treatment_dates_groups_and_time_to_event(oracle):
    adsl, adtte = oracle.adam()
    dm, ex, ae = (read(oracle, name) for name in ("dm", "ex", "ae"))
    given = is_treatment(ex["EXDOSE"], text(ex["EXTRT"]))
    start = first_day(dm["USUBJID"], ex["USUBJID"], date_days(text(ex["EXSTDTC"])), given)
    end = last_day(dm["USUBJID"], ex["USUBJID"], date_days(text(ex["EXENDTC"])), given)
    np.testing.assert_equal(start, adsl["TRTSDT"].to_numpy(dtype="float64"))
    np.testing.assert_equal(duration(start, end), adsl["TRTDURD"].to_numpy(dtype="float64"))
    labels, numbers = group_of(dm["AGE"], [Group("<65", below=65), Group("65-80", up_to=80), Group(">80")])
    assert labels.tolist() == adsl["AGEGR1"].tolist()
    assert numbers.tolist() == adsl["AGEGR1N"].tolist()

    skin = ae["AEBODSYS"].eq("SKIN AND SUBCUTANEOUS TISSUE DISORDERS") & ~ae["AEDECOD"].eq("ALOPECIA")
    chosen = ae[skin | ae["AEDECOD"].str.contains("APPLICATION|ERYTHEMA")].reset_index(drop=True)
    onset = impute_start(text(chosen["AESTDTC"])).days
    event = TimeSource(chosen["USUBJID"], onset, 0, "Dermatologic Event Occurred", "ADAE", "ASTDT", "", chosen["AESEQ"])
    study_end = TimeSource(adsl["USUBJID"], adsl["EOSDT"], 1, "Study Completion Date", "ADSL", "EOSDT")
    result = time_to_event(adtte["USUBJID"], adtte["TRTSDT"], [event], [study_end])
    for name in ("STARTDT", "ADT", "AVAL", "CNSR", "SRCSEQ"):
        np.testing.assert_equal(result[name].to_numpy(), adtte[name].to_numpy(dtype="float64"), err_msg=name)
    for name in ("EVNTDESC", "SRCDOM", "SRCVAR"):
        assert result[name].tolist() == adtte[name].tolist()
