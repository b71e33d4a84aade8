"""ADSL, ADAE and ADTTE from SDTM transport files: processor time and peak memory of one whole process.

    python benchmarks/adam.py [--subjects 100000] [--data FOLDER] [--build]

A job is: process start, read dm, ex, ds and ae (XPT), derive, write XPT. The subjects are made up by a seeded generator, or
stand in FOLDER. The mappings are those of benchmarks/adam_study. `--build` times the whole command instead: with define.xml,
validation and report.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from cdiscway.converters.dataset import DatasetMetadata, VariableMetadata
from cdiscway.converters.writers import xpt

STUDY = Path(__file__).parent / "adam_study"
JOB = """
import sys
from pathlib import Path
from cdiscway.converters.build import convert, read_plan, write_datasets
write_datasets(convert(read_plan(Path(sys.argv[1]))), Path(sys.argv[1]) / "out")
"""
TERMS = ["HEADACHE", "NAUSEA", "RASH", "PRURITUS", "FATIGUE", "APPLICATION SITE ERYTHEMA", "COUGH", "ALOPECIA"]
SKIN = "SKIN AND SUBCUTANEOUS TISSUE DISORDERS"
CLASSES = ["NERVOUS SYSTEM DISORDERS", "GASTROINTESTINAL DISORDERS", SKIN, SKIN, "GENERAL DISORDERS", "GENERAL DISORDERS",
           "RESPIRATORY, THORACIC AND MEDIASTINAL DISORDERS", SKIN]  # fmt: skip
REASONS = ["COMPLETED", "ADVERSE EVENT", "WITHDRAWAL BY SUBJECT", "DEATH"]


def make_sdtm(subjects: int, folder: Path) -> None:
    """Write dm, ex, ds and ae of made-up subjects; one in ten is a screen failure without exposure."""
    random = np.random.default_rng(20150301)
    folder.mkdir(parents=True, exist_ok=True)
    names = np.array([f"STDY01-{number:06}" for number in range(subjects)])
    start = np.datetime64("2022-01-03") + random.integers(0, 400, subjects).astype("timedelta64[D]")
    end = start + random.integers(20, 200, subjects).astype("timedelta64[D]")
    failed = random.random(subjects) < 0.1
    treated = np.flatnonzero(~failed)
    arm = np.where(
        failed, "Screen Failure", np.array(["Placebo", "Drug Low", "Drug High"])[random.integers(0, 3, subjects)]
    )
    code = np.where(failed, "SCRNFAIL", np.char.upper(arm.astype(str)))
    reason = np.where(failed, "SCREEN FAILURE", np.array(REASONS)[random.integers(0, 4, subjects)])
    died = np.where(reason == "DEATH", end.astype(str), "")
    begun, ended = np.where(failed, "", start.astype(str)), np.where(failed, "", end.astype(str))
    write("DM", folder, {
        "STUDYID": "STDY01", "DOMAIN": "DM", "USUBJID": names, "SUBJID": [name[7:] for name in names], "RFSTDTC": begun,
        "RFENDTC": ended, "RFXSTDTC": begun, "RFXENDTC": ended, "DTHDTC": died, "DTHFL": np.where(died != "", "Y", ""),
        "SITEID": np.char.add("1", (np.arange(subjects) % 50).astype(str)),
        "AGE": random.integers(18, 90, subjects).astype(float),
        "AGEU": "YEARS", "SEX": np.array(["M", "F"])[random.integers(0, 2, subjects)], "RACE": "WHITE",
        "ETHNIC": "NOT HISPANIC OR LATINO", "ARMCD": code, "ARM": arm, "ACTARMCD": code, "ACTARM": arm, "COUNTRY": "FRA",
        "DMDTC": start.astype(str),
    })  # fmt: skip
    who = np.repeat(treated, 3)
    part = np.tile([0.0, 1.0, 2.0], len(treated))
    length = (end - start).astype(int)[who]
    dose_start = start[who] + (length * part // 3).astype("timedelta64[D]")
    dose_end = start[who] + (length * (part + 1) // 3).astype("timedelta64[D]")
    write("EX", folder, {
        "STUDYID": "STDY01", "DOMAIN": "EX", "USUBJID": names[who], "EXSEQ": part + 1,
        "EXTRT": np.where(arm[who] == "Placebo", "PLACEBO", "DRUG X"), "EXDOSE": np.where(arm[who] == "Placebo", 0.0, 54.0),
        "EXDOSU": "mg", "EXSTDTC": dose_start.astype(str), "EXENDTC": dose_end.astype(str),
    })  # fmt: skip
    rows = np.concatenate([treated, np.arange(subjects)])
    decided = np.concatenate([np.full(len(treated), "RANDOMIZED"), reason])
    dates = np.concatenate([start[treated], end])
    write("DS", folder, {
        "STUDYID": "STDY01", "DOMAIN": "DS", "USUBJID": names[rows], "DSSEQ": np.where(decided == "RANDOMIZED", 1.0, 2.0),
        "DSTERM": decided, "DSDECOD": decided,
        "DSCAT": np.where(decided == "RANDOMIZED", "PROTOCOL MILESTONE", "DISPOSITION EVENT"), "DSSTDTC": dates.astype(str),
    })  # fmt: skip
    events = random.integers(0, 8, len(treated))
    who = np.repeat(treated, events)
    term = random.integers(0, len(TERMS), len(who))
    day = (start[who] + random.integers(-10, 200, len(who)).astype("timedelta64[D]")).astype(str)
    partial = random.random(len(who)) < 0.03
    write("AE", folder, {
        "STUDYID": "STDY01", "DOMAIN": "AE", "USUBJID": names[who],
        "AESEQ": np.concatenate([np.arange(1.0, count + 1) for count in events]), "AETERM": np.array(TERMS)[term],
        "AEDECOD": np.array(TERMS)[term], "AEBODSYS": np.array(CLASSES)[term],
        "AESTDTC": np.where(partial, [text[:7] for text in day], day),
    })  # fmt: skip


def write(name: str, folder: Path, columns: dict[str, object]) -> None:
    """Write one dataset as a transport file."""
    frame = pd.DataFrame(columns)
    frame = frame.astype({column: "str" for column in frame.columns if frame[column].dtype != float})
    variables = tuple(
        VariableMetadata(
            column, column, "Num" if frame[column].dtype == float else "Char", 8 if frame[column].dtype == float else 0
        )
        for column in frame.columns
    )
    xpt.write(frame, DatasetMetadata(name, name, variables), folder / f"{name.lower()}.xpt")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--subjects", type=int, default=100_000)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--build", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        study = Path(temporary) / "study"
        shutil.copytree(STUDY, study)
        if options.data is None:
            make_sdtm(options.subjects, study / "sdtm")
        else:
            (study / "sdtm").mkdir()
            for path in sorted(options.data.glob("*.xpt")):
                shutil.copy(path, study / "sdtm")
        job = ["-c", JOB, str(study)]
        if options.build:
            job = ["-c", "from cdiscway.cli.main import main; main()", "build", str(study)]
        subprocess.run([sys.executable, *job], check=not options.build, stdout=subprocess.DEVNULL)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        print(f"processor time {used.ru_utime + used.ru_stime:.2f} s, peak memory {used.ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
