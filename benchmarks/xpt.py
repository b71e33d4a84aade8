"""Writer and reader of transport files against a plain write of the same bytes and against pyreadstat.

    python benchmarks/xpt.py [--records 1000000] [--repeat 15] [--arrow] [--skip-pyreadstat]

One process, processor time, in turn: 25 variables (18 text, 7 numbers) as the pipeline makes them: text is categorical
(`--arrow`: Arrow-backed where values hardly repeat, as frames from elsewhere are). Writer and plain write go in pairs, one
right after the other, each pair in the other order than the pair before, into files that are new (or, in pairs of their own,
old). Prints the best and the median of the repeats, the ratios (to a plain write: median, quartiles and extremes of the
pairs; to pyreadstat, which runs once: of the best), what moving the fields alone costs, and the writer's peak memory over
the frame.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from itertools import accumulate
from pathlib import Path
from statistics import median, quantiles

import numpy as np
import pandas as pd
import pyarrow as pa
import pyreadstat

from cdiscway.converters.dataset import DatasetMetadata, VariableMetadata
from cdiscway.converters.readers.xpt import read
from cdiscway.converters.writers.xpt import BLOCK_BYTES, write
from cdiscway.converters.writers.xpt_columns import Field

WORDS = {
    "STUDYID": ["IFM-2015-03"],
    "DOMAIN": ["LB"],
    "LBTESTCD": ["NEUT", "PLAT", "HGB", "CREAT", "CA", "ALB", "LDH", "B2MG"],
    "LBTEST": ["Neutrophils", "Platelets", "Hemoglobin", "Creatinine", "Calcium", "Albumin", "Lactate Dehydrogenase"],
    "LBCAT": ["HEMATOLOGY", "CHEMISTRY"],
    "LBORRESU": ["10^9/L", "g/L", "umol/L", "mmol/L", "U/L", "mg/L"],
    "LBSTRESU": ["10^9/L", "g/L", "umol/L", "mmol/L", "U/L", "mg/L"],
    "LBNRIND": ["NORMAL", "LOW", "HIGH"],
    "LBNAM": ["CENTRAL LABORATORY OF HEMATOLOGY", "LOCAL LABORATORY"],
    "LBSPEC": ["BLOOD", "SERUM", "URINE"],
    "LBMETHOD": ["FLOW CYTOMETRY", "COLORIMETRY"],
    "LBLOBXFL": ["Y"],
    "VISIT": ["SCREENING", *[f"CYCLE {cycle} DAY 1" for cycle in range(1, 13)], "END OF TREATMENT"],
    "EPOCH": ["SCREENING", "TREATMENT", "FOLLOW-UP"],
}
NUMBERS = ["LBSEQ", "LBSTRESN", "LBSTNRLO", "LBSTNRHI", "VISITNUM", "LBDY", "LBBLVAL"]


def make(records: int, arrow: bool = False) -> tuple[pd.DataFrame, DatasetMetadata]:
    """Return a seeded frame of 18 text and 7 number variables, and its metadata with the lengths agreed."""
    random = np.random.default_rng(20150301)
    columns: dict[str, object] = {}
    for name, words in WORDS.items():
        codes = random.integers(-1 if name in ("LBLOBXFL", "LBMETHOD") else 0, len(words), records)
        columns[name] = pd.Categorical.from_codes(codes, categories=pd.Index(words, dtype="str"))
    subjects = pd.Series([f"IFM-2015-03-{number:05}" for number in range(records // 200 + 1)], dtype="str")
    columns["USUBJID"] = subjects.take(np.arange(records) // 200).reset_index(drop=True)
    results = pd.Series(random.lognormal(3, 1, 5000).round(2).astype(str), dtype="str")
    columns["LBORRES"] = results.take(random.integers(0, len(results), records)).reset_index(drop=True)
    columns["LBSTRESC"] = results.take(random.integers(0, len(results), records)).reset_index(drop=True)
    days = pd.Series(pd.date_range("2016-01-01", periods=1500).strftime("%Y-%m-%dT08:30"), dtype="str")
    columns["LBDTC"] = days.take(random.integers(0, len(days), records)).reset_index(drop=True)
    if not arrow:
        columns |= {name: columns[name].astype("category") for name in ("USUBJID", "LBORRES", "LBSTRESC", "LBDTC")}  # type: ignore[attr-defined]
    for name in NUMBERS:
        columns[name] = random.lognormal(3, 1, records).round(3)
    columns["LBSEQ"] = np.arange(1, records + 1, dtype=np.float64)
    columns["LBSTRESN"] = np.where(random.random(records) < 0.1, np.nan, columns["LBSTRESN"])  # type: ignore[call-overload]
    frame = pd.DataFrame(columns)
    variables = tuple(
        VariableMetadata(name, f"Label of {name}", "Num" if name in NUMBERS else "Char", 8 if name in NUMBERS else 0)
        for name in frame.columns
    )
    return frame, DatasetMetadata("LB", "Laboratory Test Results", variables)


def processor_seconds(job: Callable[[], object]) -> float:
    before = time.process_time()
    job()
    return time.process_time() - before


def move_fields(metadata: DatasetMetadata, records: int) -> Callable[[], object]:
    """Return a job that stores every field of every record and computes nothing: what numpy needs at the least."""
    lengths = [variable.length for variable in metadata.variables]
    rows = BLOCK_BYTES // sum(lengths)
    block = np.empty((rows, sum(lengths)), np.uint8)
    fields = [Field(block, at, length) for at, length in zip(accumulate(lengths, initial=0), lengths, strict=False)]
    values = [np.zeros(rows, f"V{field.size}") for field in fields]

    def job() -> None:
        for _ in range(records // rows):
            for field, value in zip(fields, values, strict=True):
                field.store(value)

    return job


def measure(records: int, repeat: int, skip_pyreadstat: bool, arrow: bool = False) -> dict[str, list[float]]:
    """Return the processor seconds of each job."""
    frame, metadata = make(records, arrow)
    with tempfile.TemporaryDirectory() as folder:
        ours, plain, other = (Path(folder) / name for name in ("lb.xpt", "plain", "other.xpt"))
        written = write(frame, metadata, ours)
        content = ours.read_bytes()
        print(f"{records:,} x {len(frame.columns)}, {len(content) / 1e6:,.0f} MB")
        moved = move_fields(written.metadata, records)
        seconds: dict[str, list[float]] = {}
        for number in range(repeat):  # in turn, so that a busy machine slows all alike
            pair = [
                ("plain write", plain, lambda: plain.write_bytes(content)),
                ("write", ours, lambda: write(frame, metadata, ours)),
            ]
            for place in ("new file", "over an old file"):
                for name, path, job in pair if number % 2 else reversed(pair):
                    if place == "new file":
                        path.unlink(missing_ok=True)
                    seconds.setdefault(f"{name}, {place}", []).append(processor_seconds(job))
            for name, alone in (
                ("fields moved, nothing written", moved),
                ("plain read", ours.read_bytes),
                ("read", lambda: read(ours)),
            ):
                seconds.setdefault(name, []).append(processor_seconds(alone))
        if ours.read_bytes() != content:
            raise AssertionError("the writer's bytes differ from run to run")
        if not skip_pyreadstat:
            theirs = frame.astype({name: "str" for name in frame if name not in NUMBERS})
            save = partial(pyreadstat.write_xport, theirs, str(other), file_format_version=5)
            seconds["pyreadstat write"] = [processor_seconds(save)]
            seconds["pyreadstat read"] = [processor_seconds(partial(pyreadstat.read_xport, str(ours)))]
    return seconds


def peak_over_frame(records: int) -> float:
    """Return by how many MB the writer raises the peak memory of a fresh process that holds the frame."""
    here = str(Path(__file__).parent)
    code = f"import sys; sys.path.insert(0, {here!r}); import xpt; xpt.peak({records})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout)


def peak(records: int) -> None:
    """Print the growth of the peak memory while the frame is written (a small write first, for the libraries' own)."""
    frame, metadata = make(records)
    with tempfile.TemporaryDirectory() as folder:
        write(frame.head(1000), metadata, Path(folder) / "small.xpt")
        gc.collect()
        pa.default_memory_pool().release_unused()
        ctypes.CDLL(None).malloc_trim(0)  # what is free but kept would hide a growth
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        before = resident("VmRSS")
        write(frame, metadata, Path(folder) / "lb.xpt")
        print(resident("VmHWM") - before)


def resident(word: str) -> float:
    """Return a line of /proc/self/status in MB (VmRSS: now, VmHWM: the peak)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(word)) * 1024 / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=15)
    parser.add_argument(
        "--arrow", action="store_true", help="text that hardly repeats is Arrow-backed, not categorical"
    )
    parser.add_argument("--skip-pyreadstat", action="store_true")
    options = parser.parse_args()
    seconds = measure(options.records, options.repeat, options.skip_pyreadstat, options.arrow)
    best = {name: min(values) for name, values in seconds.items()}
    for name, values in seconds.items():
        print(f"  {name:30} {best[name]:7.3f} CPU s, median {median(values):7.3f}")
    for place in ("over an old file", "new file"):
        pairs = zip(seconds[f"write, {place}"], seconds[f"plain write, {place}"], strict=True)
        ratios = sorted(ours / plain for ours, plain in pairs)
        low, middle, high = quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 else ratios * 3
        spread = f"half of {len(ratios)} pairs {low:.2f} to {high:.2f}, all {ratios[0]:.2f} to {ratios[-1]:.2f}"
        print(f"writer: {middle:.2f} x a plain write of the same bytes, {place} (at most 2.5; {spread})")
    if not options.skip_pyreadstat:
        ratio = best["pyreadstat write"] / best["write, over an old file"]
        print(f"writer: {ratio:.1f} x as fast as pyreadstat (at least 25)")
        print(f"reader: {best['pyreadstat read'] / best['read']:.1f} x as fast as pyreadstat (at least 10)")
    print(f"writer: peak memory {peak_over_frame(options.records):.0f} MB over the frame (less than 64)")


if __name__ == "__main__":
    main()
