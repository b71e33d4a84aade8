"""Read a folder of transport files as datasets to judge, whoever made them.

A file that cannot be read is a finding and a check that could not run: never a pass, never an exception.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from cdiscway.converters.dataset import BuiltDataset, DatasetMetadata, VariableMetadata
from cdiscway.converters.readers import dataset_json, xpt
from cdiscway.converters.xpt_layout import MAX_FILE
from cdiscway.specs.mistakes import Mistake, MistakesError
from cdiscway.specs.model import DatasetSpec, ObservationClass, VariableSpec, names_analysis
from cdiscway.specs.standards import Standard, load_standard

from .checks.base import RELATIONSHIPS, Rule, is_supplemental
from .checks.files import ENCODING, NAME, READ, SIZE, SPLIT, TWICE
from .finding import Finding, NotRun
from .parts import has_parts, part_faults

SDTM, ADAM = "SDTMIG 3.4", "ADaMIG 1.3"
EXCHANGE = (".json", ".ndjson", ".jsonl")
_SHOWN_MISTAKES = 5


@dataclass
class Package:
    """What a folder holds: datasets, what is wrong with its files, and the file of each dataset."""

    datasets: list[BuiltDataset] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    not_run: list[NotRun] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)

    def report(self, rule: Rule, dataset: str, message: str) -> None:
        """Add a finding of a rule on files."""
        self.findings.append(Finding(rule.id, rule.severity, dataset, message, fix_in=rule.fix_in))


def read_package(folder: Path, specs: Mapping[str, DatasetSpec] | None = None) -> Package:
    """Read every transport file of a folder and the folders in it; parts in `split` are held against their whole.

    Where the folder holds no transport file its Dataset-JSON is read.
    `specs` are those of a define.xml, by dataset; where they say nothing, a dataset is judged by its name and its
    variables against SDTMIG 3.4 or ADaMIG 1.3. Raises MistakesError where the folder holds no transport file.
    """
    paths = transport_files(folder) or exchange_files(folder)
    if not paths:
        raise MistakesError([Mistake(str(folder), None, "", "there is no transport file (*.xpt) in this folder")])
    package = Package()
    for path in paths:
        _take(package, folder, path, dict(specs or {}))
    for name, message in part_faults(folder, package.datasets, package.files):
        package.report(SPLIT, name, message)
    return package


def transport_files(folder: Path) -> list[Path]:
    """Return the transport files in and below a folder, in the order of their paths; `split` folders are left out."""
    if not folder.is_dir():
        raise MistakesError([Mistake(str(folder), None, "", "there is no such folder")])
    found = (path for path in folder.rglob("*") if path.suffix.lower() == ".xpt")
    return sorted(path for path in found if "split" not in path.relative_to(folder).parts)


def exchange_files(folder: Path) -> list[Path]:
    """Return the Dataset-JSON files of a folder (not below it: reports are JSON too), in the order of their names."""
    return sorted(path for path in folder.glob("*") if path.suffix.lower() in EXCHANGE and path.is_file())


def _take(package: Package, folder: Path, path: Path, specs: Mapping[str, DatasetSpec]) -> None:
    shown, guessed = path.relative_to(folder).as_posix(), path.stem.upper()
    size = path.stat().st_size
    if size > MAX_FILE and not has_parts(path):
        package.report(SIZE, guessed, f"{shown} has {size:,} bytes, and no parts in the folder split beside it")
    read = _read(package, path, shown, guessed)
    if read is None:
        return
    frame, metadata = read
    name = metadata.name
    if path.name != f"{name.lower()}{path.suffix}":
        package.report(NAME, name, f"{shown} holds {name}: it should be named {name.lower()}{path.suffix.lower()}")
    if name in package.files:
        package.report(TWICE, name, f"{name} is in {package.files[name]} and in {shown}")
        return
    spec = specs.get(name) or guess_spec(metadata)
    package.files[name] = shown
    package.datasets.append(BuiltDataset(spec, frame, metadata))


def _read(package: Package, path: Path, shown: str, name: str) -> tuple[pd.DataFrame, DatasetMetadata] | None:
    """Read one file as ASCII, else as UTF-8, else as Windows-1252; report what is wrong with it."""
    try:
        frame, metadata, encoding = _decoded(path)
    except MistakesError as error:
        problems = error.mistakes
    except (OSError, ValueError) as error:
        problems = (Mistake(shown, None, "", str(error)),)
    else:
        if encoding != "ascii":
            package.report(ENCODING, metadata.name, f"{shown} holds bytes that are not ASCII; read as {encoding}")
        return frame, metadata
    reasons = [mistake.message for mistake in problems[:_SHOWN_MISTAKES]]
    package.report(READ, name, f"{shown} cannot be read: {'; '.join(reasons)}")
    package.not_run.append(NotRun(READ.id, name, f"{shown} cannot be read: none of its records was checked"))
    return None


def _decoded(path: Path) -> tuple[pd.DataFrame, DatasetMetadata, str]:
    """Return a file's records, metadata and encoding; Dataset-JSON is UTF-8 by its own rule, and no finding."""
    return (*dataset_json.read(path), "ascii") if path.suffix.lower() in EXCHANGE else xpt.read_guessed(path)


def guess_spec(metadata: DatasetMetadata) -> DatasetSpec:
    """Return the spec of a dataset of which nothing but its file is known: by its name and its variables.

    It has no keys: those of the guide are examples, only the sponsor knows the real ones.
    """
    names = [variable.name for variable in metadata.variables]
    standard = load_standard(ADAM if _is_analysis(metadata.name, names) else SDTM)
    observation_class = _class(metadata.name, names, standard)
    guide = _guide(metadata, standard, observation_class)
    variables = tuple(_variable(variable, guide, standard) for variable in metadata.variables)
    return DatasetSpec.model_validate(
        {
            "name": metadata.name,
            "label": metadata.label[:40],
            "class": observation_class,
            "structure": guide.structure if guide else "",
            "standard": standard.name,
            "subclass": "TIME-TO-EVENT" if standard.name == ADAM and "CNSR" in names else "",
            "variables": variables,
        }
    )


def _is_analysis(name: str, names: list[str]) -> bool:
    return names_analysis(name) and "DOMAIN" not in names


def _class(name: str, names: list[str], standard: Standard) -> ObservationClass:
    if standard.name == ADAM:
        return _analysis_class(name, names)
    if is_supplemental(name) or name in RELATIONSHIPS:
        return "Relationship"
    for known in (name, name[:2]):
        if known in standard.names:
            return standard.dataset(known).observation_class
    return next(_general_class(name[:2], names), "Special-Purpose")


def _analysis_class(name: str, names: list[str]) -> ObservationClass:
    if name == "ADSL":
        return "Subject Level Analysis Dataset"
    if "PARAMCD" in names:
        return "Basic Data Structure"
    topics = ("TERM", "DECOD", "TRT")
    occurs = any(len(n) > 4 and n[2:] in topics for n in names)
    return "Occurrence Data Structure" if occurs else "ADaM Other"


def _general_class(code: str, names: list[str]) -> Iterator[ObservationClass]:
    if f"{code}TESTCD" in names:
        yield "Findings About" if f"{code}OBJ" in names else "Findings"
    if f"{code}TERM" in names:
        yield "Events"
    if f"{code}TRT" in names:
        yield "Interventions"


def _guide(metadata: DatasetMetadata, standard: Standard, observation_class: ObservationClass) -> DatasetSpec | None:
    structure = {"Basic Data Structure": "BDS", "Occurrence Data Structure": "OCCDS"}.get(observation_class, "")
    general = "SUPPQUAL" if is_supplemental(metadata.name) else metadata.name[:2]
    for name in (metadata.name, structure, general):
        try:
            return standard.dataset(name)
        except KeyError:
            continue
    try:
        return standard.custom_domain(metadata.name[:2], metadata.label[:40], observation_class)
    except KeyError:
        return None


def _variable(variable: VariableMetadata, guide: DatasetSpec | None, standard: Standard) -> VariableSpec:
    known = standard.resolve(guide, variable.name) if guide is not None else None
    if known is not None:
        return known
    return VariableSpec(name=variable.name, label=variable.label[:40], type=variable.type)
