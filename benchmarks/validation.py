"""Time and memory of validation on DM, EX, DS and LB: `python benchmarks/validation.py [RECORDS ...]`.

Each size runs in a process of its own. CPU seconds are those of `validate`, without start-up, input and the import of
great-expectations; memory is the peak of the whole process, input included.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Mapping
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
            column: pd.Series(np.full(count, values) if isinstance(values, str) else values).astype(
                "float64" if guide.variable(column).type == "Num" else "str"
            )
            for column, values in ((column, columns[column]) for column in order)
        }
    )
    described = tuple(VariableMetadata(v.name, v.label, v.type, 8) for v in map(guide.variable, order))
    metadata = DatasetMetadata(name, guide.label, described)
    return BuiltDataset(guess_spec(metadata).model_copy(update={"keys": keys}), frame, metadata)


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
    value = np.round(random.normal(50, 5, records), 1)
    minute = np.char.zfill((random.integers(0, 60, records)).astype(str), 2)
    day = (start[subject] + visit * 7).astype(str)
    lb = {"STUDYID": "S", "DOMAIN": "LB", "USUBJID": who[subject], "LBSEQ": number + 1, "LBCAT": "CHEMISTRY"}
    lb |= {"LBTESTCD": np.array(list(TESTS))[test], "LBTEST": np.array(list(TESTS.values()))[test]}
    lb |= {"LBORRES": value.astype(str), "LBSTRESC": value.astype(str), "LBSTRESN": value, "LBORRESU": "g/L"}
    lb |= {"LBSTRESU": "g/L", "LBSPEC": "BLOOD", "VISITNUM": visit, "VISIT": np.char.add("VISIT ", visit.astype(str))}
    lb |= {"LBDTC": np.char.add(np.char.add(day, "T08:"), minute), "LBDY": visit * 7 + 1}
    lb_keys = ("STUDYID", "USUBJID", "LBTESTCD", "VISITNUM")
    short = ("STUDYID", "USUBJID")
    return [dataset("DM", dm, short), dataset("EX", ex, short), dataset("DS", ds, short), dataset("LB", lb, lb_keys)]


def run(records: int) -> str:
    import cdiscway.validation.expectations  # noqa: F401, PLC0415 - its import is no part of the time
    from cdiscway.specs.codelists import load_terminology  # noqa: PLC0415
    from cdiscway.validation.run import validate  # noqa: PLC0415

    datasets, terminology = study(records), load_terminology()
    before = time.process_time()
    result = validate(datasets, terminology)
    used = time.process_time() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return (
        f"{records:>10,} | {used:>8.2f} | {peak:>8.0f} | {sum(result.checks.values()):>6} | {len(result.findings):>8}"
    )


def main() -> None:
    sizes = [int(text) for text in sys.argv[1:]] or list(SIZES)
    if len(sizes) == 1:
        print(run(sizes[0]))
        return
    print("LB records |    CPU s |  peak MB | checks | findings", flush=True)
    for size in sizes:
        subprocess.run([sys.executable, __file__, str(size)], check=True)


if __name__ == "__main__":
    main()
