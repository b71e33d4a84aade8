"""Raw export to transport files: the mapping's part of a build, whole process, beside plain pandas.

    python benchmarks/mapping.py [--subjects-vs 100000] [--subjects-lb 10000] [--data DIR] [--keep DIR] [--skip-pandas]

VS: wide vital signs (4 visits, 6 tests, units converted, baseline flag, study day), 23.5 records a subject. LB: a long
laboratory form, 40 records a subject. A job is one process: start, read the raw CSV, plan, map, finish, write XPT; its
processor time and peak memory are those of the operating system. Plain pandas does the same VS in the usual way.
`--data` holds generated raw data (vs_raw.csv, lb_raw.csv) and the dataset dm.xpt; without it the script makes its own.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from cdiscway.converters.readers import xpt

MONTHS = np.array("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split())  # noqa: SIM905
VISITS = ["Screening", "Baseline", "Week 2", "Week 4"]
TESTS = [
    ("Albumin", "g/dL"), ("Alkaline Phosphatase", "U/L"), ("Alanine Aminotransferase", "U/L"),
    ("Aspartate Aminotransferase", "U/L"), ("Bilirubin", "mg/dL"), ("Calcium", "mg/dL"), ("Creatinine", "mg/dL"),
    ("Glucose", "mg/dL"), ("Potassium", "mEq/L"), ("Sodium", "mEq/L"),
]  # fmt: skip
STUDY = """study: STDY01
title: Benchmark
protocol: STDY01
standards: {terminology: {SDTM: 2026-03-27}}
raw: {delimiter: ",", cutoff: 2023-12-31}
dates: {formats: [FORMAT]}
subject:
  SUBJID: {column: PATNUM}
  USUBJID: {concat: [STUDYID, SUBJID], with: "-"}
visits:
  - {VISITNUM: 1, VISIT: SCREENING, raw: [Screening]}
  - {VISITNUM: 2, VISIT: BASELINE, raw: [Baseline]}
  - {VISITNUM: 3, VISIT: WEEK 2, raw: [Week 2]}
  - {VISITNUM: 4, VISIT: WEEK 4, raw: [Week 4]}
not_submitted: [{columns: ["*"], why: a benchmark}]
"""
DM = """domain: DM
records: [{form: dm, set: {RFSTDTC: {column: RFSTDTC}, RFXSTDTC: {column: RFXSTDTC}}}]
"""
VS = """domain: VS
sort: [USUBJID, VSTESTCD, VISITNUM, VSDTC]
baseline: {flag: VSBLFL, same_day: VISIT == "BASELINE"}
omit: [VSLOBXFL]
records:
  - form: vs_raw
    tests:
      - {VSTESTCD: SYSBP, result: SYS_BP, unit: mmHg, VSPOS: {column: SUBPOS}}
      - {VSTESTCD: DIABP, result: DIA_BP, unit: mmHg, VSPOS: {column: SUBPOS}}
      - {VSTESTCD: PULSE, result: PULSE, unit: beats/min, VSPOS: {column: SUBPOS}}
      - {VSTESTCD: RESP, result: RESPRT, unit: breaths/min}
      - {VSTESTCD: TEMP, result: TEMP, unit: F, standard_unit: C, decimals: 2, VSLOC: {column: TEMPLOC}}
      - {VSTESTCD: WEIGHT, result: WEIGHT, unit: LB, standard_unit: kg, decimals: 2}
    set:
      VSCAT: VITAL SIGNS
      VSDTC: {date: [VTLD, VTLTM]}
      VISIT: {visit: INSTANCE}
"""
LB = """domain: LB
sort: [USUBJID, LBTESTCD, VISITNUM, LBDTC]
baseline: {flag: LBBLFL, same_day: VISIT == "BASELINE"}
omit: [LBLOBXFL]
records:
  - form: lb_raw
    tests: [{LBTESTCD: {column: LBTESTN}, result: RESULT, unit: {column: UNIT}}]
    set:
      LBCAT: CHEMISTRY
      LBDTC: {date: [LBDAT, LBTIM]}
      VISIT: {visit: INSTANCE}
"""
JOB = """
import sys
from pathlib import Path
from cdiscway.converters.build import convert, read_plan, write_datasets
converted = convert(read_plan(Path(sys.argv[1])))
assert not [finding for finding in converted.findings if finding.severity == "error"], converted.findings
assert not write_datasets(converted, Path(sys.argv[2]))
"""


def make_subjects(count: int, random: np.random.Generator) -> tuple[pd.DataFrame, np.ndarray]:
    """Return DM's subjects (one in ten never treated) and their first days."""
    number = np.arange(count)
    start = np.datetime64("2022-01-03") + random.integers(0, 400, count).astype("timedelta64[D]")
    site, order = (101 + number % 50).astype(str), np.char.zfill((number // 50 + 1).astype(str), 5)
    first = np.where(random.random(count) < 0.1, "", start.astype(str))
    return pd.DataFrame(
        {"PATNUM": np.char.add(np.char.add(site, "-"), order), "RFSTDTC": first, "RFXSTDTC": first}
    ), start


def make_visits(subjects: pd.DataFrame, start: np.ndarray, random: np.random.Generator) -> pd.DataFrame:
    """Return one row for each subject and visit: subject, visit, day, time (one in ten has none)."""
    rows = len(subjects) * len(VISITS)
    visit = np.tile(np.arange(len(VISITS)), len(subjects))
    day = np.repeat(start, len(VISITS)) + np.where(visit == 0, -7, (visit - 1) * 14).astype("timedelta64[D]")
    clock = pd.Series(random.integers(7 * 60, 18 * 60, rows))
    time_text = (clock // 60).astype(str).str.zfill(2) + ":" + (clock % 60).astype(str).str.zfill(2)
    return pd.DataFrame(
        {
            "PATNUM": np.repeat(subjects["PATNUM"].to_numpy(), len(VISITS)),
            "INSTANCE": np.array(VISITS)[visit],
            "day": day,
            "time": np.where(random.random(rows) < 0.1, "", time_text),
        }
    )


def make_vs(visits: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """Return wide vital signs, dates as 03-Jan-2022, one value in fifty missing."""
    rows, days = len(visits), pd.DatetimeIndex(visits["day"])
    months = MONTHS[days.month - 1]

    def values(low: int, high: int, decimals: int) -> np.ndarray:
        drawn = random.integers(low * 10**decimals, high * 10**decimals + 1, rows)
        text = pd.Series(drawn / 10**decimals).map(lambda value: f"{value:.{decimals}f}").to_numpy()
        return np.where(random.random(rows) < 0.02, "", text)

    return pd.DataFrame(
        {
            "PATNUM": visits["PATNUM"],
            "INSTANCE": visits["INSTANCE"],
            "VTLD": days.strftime("%d-") + months + days.strftime("-%Y"),
            "VTLTM": visits["time"],
            "SUBPOS": np.array(["Supine", "Standing", "Sitting"])[random.integers(0, 3, rows)],
            "SYS_BP": values(90, 180, 0),
            "DIA_BP": values(50, 110, 0),
            "PULSE": values(45, 120, 0),
            "RESPRT": values(10, 30, 0),
            "TEMP": values(96, 103, 1),
            "TEMPLOC": np.array(["Oral Cavity", "Ear", "Axilla"])[random.integers(0, 3, rows)],
            "WEIGHT": values(90, 260, 1),
        }
    )


def make_lb(visits: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """Return long laboratory results, dates as 01/03/2022, one in a hundred below the limit."""
    rows = len(visits) * len(TESTS)
    each = np.repeat(np.arange(len(visits)), len(TESTS))
    names, units = zip(*TESTS, strict=True)
    result = (random.integers(1, 2000, rows) / 10).astype(str)
    return pd.DataFrame(
        {
            "PATNUM": visits["PATNUM"].to_numpy()[each],
            "INSTANCE": visits["INSTANCE"].to_numpy()[each],
            "LBDAT": pd.DatetimeIndex(visits["day"]).strftime("%m/%d/%Y").to_numpy()[each],
            "LBTIM": visits["time"].to_numpy()[each],
            "LBTESTN": np.tile(np.array(names), len(visits)),
            "RESULT": np.where(random.random(rows) < 0.01, "<0.1", result),
            "UNIT": np.tile(np.array(units), len(visits)),
        }
    )


def people_of(path: Path) -> pd.DataFrame:
    """Return the subjects of a DM: their number and the dates that study days and baselines count from."""
    subjects, _ = xpt.read(path)
    number = subjects["USUBJID"].astype("str").str.removeprefix("STDY01-")
    return pd.DataFrame({"PATNUM": number, "RFSTDTC": subjects["RFSTDTC"], "RFXSTDTC": subjects["RFXSTDTC"]})


def write_study(folder: Path, kind: str, subjects: int, data: Path | None) -> None:
    """Write a study folder with the raw data of one job."""
    (folder / "raw").mkdir(parents=True)
    (folder / "mapping").mkdir()
    file = "vs_raw.csv" if kind == "VS" else "lb_raw.csv"
    if data is not None:
        shutil.copy(data / file, folder / "raw" / file)
        people_of(data / "dm.xpt").to_csv(folder / "raw" / "dm.csv", index=False)
    else:
        random = np.random.default_rng(20240101 + subjects)
        people, start = make_subjects(subjects, random)
        visits = make_visits(people, start, random)
        made = make_vs(visits, random) if kind == "VS" else make_lb(visits, random)
        made.to_csv(folder / "raw" / file, index=False)
        people.to_csv(folder / "raw" / "dm.csv", index=False)
    (folder / "study.yaml").write_text(STUDY.replace("FORMAT", "dd-mmm-yyyy" if kind == "VS" else "mm/dd/yyyy"))
    (folder / "mapping" / "dm.yaml").write_text(DM)
    (folder / "mapping" / f"{kind.lower()}.yaml").write_text(VS if kind == "VS" else LB)


def run(arguments: list[str]) -> tuple[float, float, int]:
    """Run one process; return its processor seconds, wall seconds and peak memory in MB."""
    started = time.perf_counter()
    process = subprocess.Popen(arguments)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"the job failed: {arguments[:4]}")
    return usage.ru_utime + usage.ru_stime, time.perf_counter() - started, usage.ru_maxrss // 1024


def plain_pandas(folder: Path, target: Path) -> None:
    """Make VS in the usual way: read_csv, melt by test, map, merge, groupby, sort, pyreadstat."""
    import pyreadstat  # noqa: PLC0415 - only this job pays for it

    wide = pd.read_csv(folder / "raw" / "vs_raw.csv", dtype=str, keep_default_na=False)
    people = pd.read_csv(folder / "raw" / "dm.csv", dtype=str, keep_default_na=False)
    reference = (
        ("STDY01-" + people["PATNUM"]).to_frame("USUBJID").assign(ref=people["RFXSTDTC"]).set_index("USUBJID").ref
    )
    tests = [
        ("SYS_BP", "SYSBP", "Systolic Blood Pressure", "mmHg"), ("DIA_BP", "DIABP", "Diastolic Blood Pressure", "mmHg"),
        ("PULSE", "PULSE", "Pulse Rate", "beats/min"), ("RESPRT", "RESP", "Respiratory Rate", "breaths/min"),
        ("TEMP", "TEMP", "Temperature", "F"), ("WEIGHT", "WEIGHT", "Weight", "LB"),
    ]  # fmt: skip
    parts = []
    for column, code, name, unit in tests:
        rows = wide[wide[column] != ""]
        part = pd.DataFrame({"STUDYID": "STDY01", "DOMAIN": "VS", "USUBJID": "STDY01-" + rows["PATNUM"]})
        part["VSTESTCD"], part["VSTEST"], part["VSCAT"] = code, name, "VITAL SIGNS"
        part["VSPOS"] = rows["SUBPOS"].str.upper() if code in ("SYSBP", "DIABP", "PULSE") else ""
        part["VSORRES"], part["VSORRESU"] = rows[column], unit
        number = rows[column].astype(float)
        if code == "TEMP":
            part["VSSTRESC"], part["VSSTRESU"] = ((number - 32) * 5 / 9).map("{:.2f}".format), "C"
        elif code == "WEIGHT":
            part["VSSTRESC"], part["VSSTRESU"] = (number * 0.45359237).map("{:.2f}".format), "kg"
        else:
            part["VSSTRESC"], part["VSSTRESU"] = rows[column], unit
        part["VSSTRESN"] = part["VSSTRESC"].astype(float)
        part["VSLOC"] = rows["TEMPLOC"].str.upper() if code == "TEMP" else ""
        part["VISIT"] = rows["INSTANCE"].str.upper()
        part["VISITNUM"] = rows["INSTANCE"].map({name: place + 1.0 for place, name in enumerate(VISITS)})
        day = pd.to_datetime(rows["VTLD"], format="%d-%b-%Y").dt.strftime("%Y-%m-%d")
        part["VSDTC"] = day.where(rows["VTLTM"] == "", day + "T" + rows["VTLTM"])
        parts.append(part)
    frame = pd.concat(parts, ignore_index=True)
    first = frame["USUBJID"].map(reference)
    days = (pd.to_datetime(frame["VSDTC"].str[:10]) - pd.to_datetime(first.replace("", None))).dt.days
    frame["VSDY"] = days.where(days < 0, days + 1)
    date = frame["VSDTC"].str[:10]
    before = frame[(first != "") & ((date < first) | ((date == first) & (frame["VISIT"] == "BASELINE")))]
    last = before.groupby(["USUBJID", "VSTESTCD"])["VSDTC"].transform("max")
    frame["VSBLFL"] = ""
    frame.loc[before[before["VSDTC"] == last].index, "VSBLFL"] = "Y"
    frame = frame.sort_values(["USUBJID", "VSTESTCD", "VISITNUM", "VSDTC"], kind="stable").reset_index(drop=True)
    frame["VSSEQ"] = frame.groupby("USUBJID").cumcount() + 1.0
    pyreadstat.write_xport(frame, str(target), table_name="VS", file_label="Vital Signs", file_format_version=5)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subjects-vs", type=int, default=100_000)
    parser.add_argument("--subjects-lb", type=int, default=10_000)
    parser.add_argument("--data", type=Path, help="folder with vs_raw.csv, lb_raw.csv and dm.xpt")
    parser.add_argument("--keep", type=Path, help="folder to keep vs.xpt and lb.xpt in")
    parser.add_argument("--only", choices=["VS", "LB"])
    parser.add_argument("--skip-pandas", action="store_true")
    parser.add_argument("--plain", nargs=2, type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.plain:
        plain_pandas(*options.plain)
        return
    with tempfile.TemporaryDirectory() as name:
        for kind, subjects in (("VS", options.subjects_vs), ("LB", options.subjects_lb)):
            if options.only in (None, kind):
                folder, target = Path(name) / kind, Path(name) / f"{kind}.out"
                write_study(folder, kind, subjects, options.data)
                seconds, wall, memory = run([sys.executable, "-c", JOB, str(folder), str(target)])
                print(f"{kind}: {seconds:.1f} s of processor, {wall:.1f} s, {memory} MB")
                if options.keep:
                    options.keep.mkdir(exist_ok=True)
                    shutil.copy(target / "sdtm" / f"{kind.lower()}.xpt", options.keep)
                if kind == "VS" and not options.skip_pandas:
                    plain, wall, memory = run(
                        [sys.executable, __file__, "--plain", str(folder), str(target / "plain.xpt")]
                    )
                    print(f"VS by plain pandas: {plain:.1f} s, {wall:.1f} s, {memory} MB ({plain / seconds:.1f} times)")


if __name__ == "__main__":
    main()
