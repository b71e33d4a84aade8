"""Results of a study: every table and figure of its `results` folder, computed from the transport files of its build."""

from __future__ import annotations

import importlib.util
import shutil
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cdiscway.specs.mistakes import Mistake, MistakesError

from ..study import Study, read_study
from .analysis_data import AnalysisData, check_displays
from .ard import ard_frame, table_groups, table_lines
from .figures import Drawn, draw
from .layout import MadeTable
from .spec import Figure, display_name, read_displays

EXTRA = {"sksurv": "scikit-survival", "matplotlib": "matplotlib", "docx": "python-docx"}


@dataclass(frozen=True)
class Results:
    """All results of a study."""

    study: Study
    tables: tuple[MadeTable, ...]
    figures: tuple[Drawn, ...]
    ard: pd.DataFrame
    inputs: dict[str, Path]
    specifications: dict[str, Path]

    @property
    def different(self) -> list[str]:
        """Return the lines whose published figure differs from the computed one without a note."""
        return [
            f"{made.table.table}: {line.row.label}{f', {line.level}' if line.level else ''}: "
            f"published {line.published}, computed {line.cells[-1].text}"
            for made in self.tables
            for line in made.lines
            if line.agreement == "different"
        ]


def compute_results(folder: Path, adam: Path | None = None) -> Results:
    """Compute all results of a study from the transport files in `adam` (default: those of its build).

    Raises MistakesError with all mistakes of the specifications, or where the optional extra or the build is not there.
    """
    _require_extra()
    study = read_study(folder)
    specifications = read_displays(folder / "results")
    source = adam or study.build / "adam"
    if not source.is_dir():
        mistake = Mistake(
            str(source), None, "", "there are no analysis datasets", f"run 'cdiscway build {folder}' first"
        )
        raise MistakesError([mistake])
    data = AnalysisData(source, study.shown(source) if source.is_relative_to(folder) else str(source))
    check_displays(specifications, data)
    tables, figures, parts = [], [], []
    for display, _ in sorted(specifications, key=lambda item: display_name(item[0])):
        if isinstance(display, Figure):
            figures.append(draw(display, data, synthetic=study.file.synthetic))
            parts.append(figures[-1].ard)
        else:
            groups = table_groups(display, data)
            lines = tuple(table_lines(display, groups, data))
            tables.append(MadeTable(display, groups, lines))
            parts.append(ard_frame(display, lines, data))
    inputs = {f"{data.shown}/{data.files[name].name}": data.files[name] for name in data.used}
    written = {path.name: path for path in sorted((folder / "results").glob("*.yaml"))}
    return Results(study, tuple(tables), tuple(figures), pd.concat(parts, ignore_index=True), inputs, written)


def _require_extra() -> None:
    missing = [name for name in EXTRA if importlib.util.find_spec(name) is None]
    if missing:
        what = " and ".join(EXTRA[name] for name in missing)
        raise MistakesError(
            [Mistake("cdiscway[results]", None, "", f"results need {what}", "pip install 'cdiscway[results]'")]
        )


def write_results(results: Results) -> Path:
    """Write all results into the study's build folder, as a whole: results.html, tables, figures, ARD. Return the folder."""
    from .write import write_all  # noqa: PLC0415 - the writers of several formats

    target = results.study.build / "results"
    part = target.with_name(f".{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        write_all(results, part)
        shutil.rmtree(target, ignore_errors=True)
        part.rename(target)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return target
