"""Time and memory of validation on DM, EX, DS and LB: `python benchmarks/validation.py [--rules DIR] [RECORDS ...]`.

`--rules` runs a folder of open rules (a checkout of CDISC's) beside ours.

Each size runs in a process of its own. CPU seconds are those of `validate`, without start-up, input and the import of
great-expectations; memory is the peak of the whole process, input included.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cdiscway.converters.dataset import BuiltDataset, DatasetMetadata, VariableMetadata
from cdiscway.specs.standards import load_standard
from cdiscway.validation.intake import guess_spec

SIZES = (10_000, 100_000, 1_000_000)
TESTS = {"NEUT": "Neutrophils", "PLAT": "Platelets", "HGB": "Hemoglobin", "CREAT": "Creatinine", "GLUC": "Glucose"}
PER_SUBJECT = 100


def dataset(name: str, columns: Mapping[str, Any], keys: tuple[str, ...]) -> BuiltDataset:
    standard = load_standard("SDTMIG 3.4")
    guide = standard.dataset(name)
    order = standard.order(guide, columns)
    count = max(len(values) for values in columns.values() if not isinstance(values, str))
    frame = pd.DataFrame(
        {
            column: pd.Series(
                pd.Categorical.from_codes(np.zeros(count, int), [values]) if isinstance(values, str) else values
            ).astype("float64" if guide.variable(column).type == "Num" else "str")
            for column, values in ((column, columns[column]) for column in order)
        }
    )
    described = tuple(VariableMetadata(v.name, v.label, v.type, 8) for v in map(guide.variable, order))
    metadata = DatasetMetadata(name, guide.label, described)
    return BuiltDataset(guess_spec(metadata).model_copy(update={"keys": keys}), frame, metadata)


def repeated(values: Any, places: np.ndarray) -> pd.Series:
    """Take text by place: the input itself must not need more memory than what is measured."""
    return pd.Series(np.asarray(values), dtype="str").take(places).reset_index(drop=True)


def study(records: int) -> list[BuiltDataset]:
    random = np.random.default_rng(1)
    count = max(records // PER_SUBJECT, 1)
    who = np.array([f"S-{i:06d}" for i in range(count)])
    start = np.datetime64("2020-01-01") + random.integers(0, 400, count)
    first = {"STUDYID": "S", "USUBJID": who}
    dm = first | {
        "DOMAIN": "DM",
        "SUBJID": who,
        "SITEID": "01",
        "RFSTDTC": start.astype(str),
        "SEX": "M",
        "COUNTRY": "FRA",
    }
    ex = first | {"DOMAIN": "EX", "EXSEQ": np.ones(count), "EXTRT": "DRUG", "EXDOSE": np.ones(count), "EXDOSU": "mg"}
    ex |= {"EXDOSFRM": "TABLET", "EXSTDTC": start.astype(str), "EXENDTC": start.astype(str)}
    ds = first | {"DOMAIN": "DS", "DSSEQ": np.ones(count), "DSTERM": "COMPLETED", "DSDECOD": "COMPLETED"}
    ds |= {"DSCAT": "DISPOSITION EVENT", "DSSTDTC": (start + 90).astype(str)}
    row = np.arange(records)
    subject, number = row % count, row // count
    visit, test = number // len(TESTS) + 1, number % len(TESTS)
    tenths = np.round(random.normal(50, 5, records) * 10).astype(int)
    result = repeated([f"{number / 10:.1f}" for number in range(tenths.max() + 1)], tenths)
    days = [str(day) for day in np.datetime64("2020-01-01") + np.arange(400 + visit.max() * 7 + 1)]
    moments = [f"{day}T08:{minute:02d}" for day in days for minute in range(60)]
    since = (start[subject] - np.datetime64("2020-01-01")).astype(int) + visit * 7
    lb = {"STUDYID": "S", "DOMAIN": "LB", "USUBJID": repeated(who, subject), "LBSEQ": number + 1, "LBCAT": "CHEMISTRY"}
    lb |= {"LBTESTCD": repeated(list(TESTS), test), "LBTEST": repeated(list(TESTS.values()), test)}
    lb |= {"LBORRES": result, "LBSTRESC": result, "LBSTRESN": tenths / 10, "LBORRESU": "g/L", "LBSTRESU": "g/L"}
    lb |= {"LBSPEC": "BLOOD", "VISITNUM": visit, "LBDY": visit * 7 + 1}
    lb |= {"VISIT": repeated([f"VISIT {number}" for number in range(visit.max() + 1)], visit)}
    lb |= {"LBDTC": repeated(moments, since * 60 + random.integers(0, 60, records))}
    lb_keys = ("STUDYID", "USUBJID", "LBTESTCD", "VISITNUM")
    short = ("STUDYID", "USUBJID")
    return [dataset("DM", dm, short), dataset("EX", ex, short), dataset("DS", ds, short), dataset("LB", lb, lb_keys)]


def run(records: int, folder: str) -> str:
    import cdiscway.validation.expectations  # noqa: F401, PLC0415 - its import is no part of the time
    from cdiscway.specs.codelists import load_terminology  # noqa: PLC0415
    from cdiscway.validation.rule_model import read_rules  # noqa: PLC0415
    from cdiscway.validation.run import validate  # noqa: PLC0415

    rules = read_rules(Path(folder)) if folder else []
    datasets, terminology = study(records), load_terminology()
    before = time.process_time()
    result = validate(datasets, terminology, rules=rules)
    used = time.process_time() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return (
        f"{records:>10,} | {used:>8.2f} | {peak:>8.0f} | {sum(result.checks.values()):>6} | {len(result.findings):>8}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("records", nargs="*", type=int, default=list(SIZES))
    parser.add_argument("--rules", default="")
    asked = parser.parse_args()
    if len(asked.records) == 1:
        print(run(asked.records[0], asked.rules))
        return
    print("LB records |    CPU s |  peak MB | checks | findings", flush=True)
    for size in asked.records:
        subprocess.run([sys.executable, __file__, str(size), "--rules", asked.rules], check=True)


if __name__ == "__main__":
    main()
