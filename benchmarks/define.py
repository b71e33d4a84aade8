"""Write the define.xml of a study with the 63 datasets of SDTMIG 3.4 and 5,000 value-level definitions.

Run `python benchmarks/define.py [FOLDER]`; prints CPU seconds of each step. Limit: built and written in under 5 s.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd

from cdiscway.converters.dataset import BuiltDataset, DatasetMetadata, Provenance, VariableMetadata
from cdiscway.define.against_data import check_against_data
from cdiscway.define.build import DefineInput, build_define
from cdiscway.define.html import write_html
from cdiscway.define.index import Index
from cdiscway.define.read import read_define
from cdiscway.define.write import write_define
from cdiscway.specs.model import Codelist, DatasetSpec
from cdiscway.specs.standards import load_standard

RECORDS = 20_000
VALUE_LEVELS = 5_000
CREATED = datetime(2016, 3, 1)


class NoTerminology:
    """A terminology without codelists."""

    def codelist(self, code: str) -> Codelist:
        """Raise KeyError."""
        raise KeyError(code)


def make_dataset(spec: DatasetSpec, tests: int, random: np.random.Generator) -> BuiltDataset:
    """Fill every variable; --TESTCD holds `tests` codes, their results are numbers or words."""
    codes = random.integers(0, max(tests, 1), RECORDS)
    columns: dict[str, object] = {}
    for variable in spec.variables:
        if variable.type == "Num":
            columns[variable.name] = np.round(random.normal(50, 20, RECORDS), 2)
        elif variable.name.endswith("TESTCD"):
            columns[variable.name] = pd.Categorical.from_codes(codes, [f"T{i:06d}" for i in range(max(tests, 1))])
        elif variable.name.endswith(("ORRES", "STRESC")):
            columns[variable.name] = pd.array([f"{v:.1f}" for v in random.normal(50, 20, RECORDS)], dtype="str")
        elif variable.name.endswith("DTC"):
            days = pd.to_datetime("2016-01-01") + pd.to_timedelta(random.integers(0, 700, RECORDS), unit="D")
            columns[variable.name] = days.strftime("%Y-%m-%d").astype("str")
        else:
            words = [f"{variable.name} {i}" for i in range(50)]
            columns[variable.name] = pd.Categorical.from_codes(random.integers(0, 50, RECORDS), words)
    frame = pd.DataFrame(columns)
    metadata = DatasetMetadata(
        spec.name,
        spec.label,
        tuple(VariableMetadata(v.name, v.label, v.type, 8 if v.type == "Num" else 40) for v in spec.variables),
    )
    origins = {v.name: Provenance("Derived", method=f"Copied from the form to {v.name}.") for v in spec.variables}
    return BuiltDataset(spec, frame, metadata, origins)


def make_study() -> DefineInput:
    standard = load_standard("SDTMIG 3.4")
    specs = [standard.dataset(name) for name in standard.names]
    lists = {
        spec.name: sum(v.name.endswith(("ORRES", "STRESC", "STRESN")) for v in spec.variables)
        for spec in specs
        if any(v.name.endswith("TESTCD") for v in spec.variables)
    }
    tests = VALUE_LEVELS // sum(lists.values()) + 1
    random = np.random.default_rng(20160301)
    datasets = tuple(make_dataset(spec, tests, random) for spec in specs)
    return DefineInput(
        "BENCH", "BENCH", "A large study", "BENCH", "SDTMIG 3.4", datasets, NoTerminology(), CREATED, "A sponsor"
    )


def timed(name: str, work: Callable[[], object]) -> object:
    start = time.process_time()
    result = work()
    print(f"{name:32}{time.process_time() - start:8.2f} CPU s")
    return result


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp())
    package = make_study()
    print(f"{len(package.datasets)} datasets, {sum(len(d.frame) for d in package.datasets):,} records")
    start = time.process_time()
    define = timed("build_define", lambda: build_define(package))
    timed("write_define", lambda: write_define(define, folder / "define.xml"))  # type: ignore[arg-type]
    print(f"{'built and written':32}{time.process_time() - start:8.2f} CPU s (limit 5)")
    metadata = define.metadata  # type: ignore[attr-defined]
    print(f"{sum(len(item.items) for item in metadata.value_lists):,} value-level definitions")
    timed("read_define", lambda: read_define(folder / "define.xml"))
    timed("write_html", lambda: write_html(define, folder / "define.html"))  # type: ignore[arg-type]
    data = {dataset.name: (dataset.frame, dataset.metadata) for dataset in package.datasets}
    timed("check_against_data", lambda: check_against_data(Index(define), data))  # type: ignore[arg-type]
    for path in sorted(folder.glob("define.*")):
        print(f"{path.name:32}{path.stat().st_size / 1e6:8.1f} MB")


if __name__ == "__main__":
    main()
