"""Cases that prove rules: data, and the findings a rule must make of them.

Layout: `<rule>/rule.yml`; `positive|negative/<case>/data/` with `_datasets.csv` (file, label), `_variables.csv`
(dataset, variable, label, type, length), one CSV (or transport file) per dataset and `.env` (PRODUCT, VERSION, CT,
DEFINE_XML, USE_CASE, SUBSTANDARD); `results/results.csv` (Dataset, Record, Variable, Value).
"""

from __future__ import annotations

import ast
import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from cdiscway.converters.dataset import VariableMetadata
from cdiscway.converters.readers import xpt
from cdiscway.specs.mistakes import Mistake, MistakesError

from .rule_data import LibraryMetadata, RuleDataset, RuleStudy, TerminologySource
from .rule_define import read_define
from .rule_dictionaries import Dictionary
from .rule_model import Rule, normal_version, read_rule, rule_files
from .rule_run import RuleOutcome, run_rules

Expected = Counter[tuple[str, str, str, str]]
_UNCOMPARED = "has no results.csv: no value was compared"
LibraryLoader = Callable[[str, str], LibraryMetadata | None]


@dataclass(frozen=True)
class CaseResult:
    """What became of one case; `reason` says why it failed, `note` what a pass does not prove."""

    rule: str
    case: str
    passed: bool
    reason: str = ""
    note: str = ""


@dataclass(frozen=True)
class CaseRunner:
    """Runs cases with the library metadata and terminology given."""

    library: LibraryLoader
    terminology: TerminologySource | None = None
    dictionaries: Mapping[str, Dictionary] = field(default_factory=dict)

    def run_folder(self, folder: Path, only: str | None = None) -> Iterator[CaseResult]:
        """Run every case below a folder, rule by rule; `only` takes the rule of that id.

        Raises MistakesError when the folder holds no rule with cases.
        """
        for _, results in self.by_rule(folder, only):
            yield from results

    def by_rule(
        self, folder: Path, only: str | None = None, progress: Callable[[str, int, int], None] = lambda *_: None
    ) -> Iterator[tuple[str, list[CaseResult]]]:
        """Run the cases of each rule below a folder that has some; see `run_folder`."""
        chosen = self.rules_in(folder, only)
        if not chosen:
            wanted = f"no rule {only}" if only else "no rule (no rule.yml)"
            raise MistakesError([Mistake(str(folder), None, "", f"holds {wanted}")])
        for done, file in enumerate(chosen):
            progress(file.parent.name, done, len(chosen))
            results = list(self.run_rule(file))
            if results:
                yield file.parent.name, results

    def rules_in(self, folder: Path, only: str | None = None) -> list[Path]:
        """Return the files of the rules below a folder; `only` takes the rule of that id."""
        files = [file for file in rule_files(folder)[0] if file.stem == "rule"]
        return [file for file in files if only is None or only in (file.parent.name, _id_of(file))]

    def run_rule(self, file: Path) -> Iterator[CaseResult]:
        """Run the cases of one rule."""
        name = file.parent.name
        cases = sorted(p.parent for kind in ("positive", "negative") for p in file.parent.glob(f"{kind}/*/data"))
        try:
            rule = read_rule(file)
        except Exception as error:  # of others' files anything may be wrong, and one must not end the run of the rest
            for case in cases:
                yield CaseResult(name, _case_name(case), False, f"the rule cannot be read: {_told(error)}")
            return
        for case in cases:
            yield self.run_case(rule, name, case)

    def run_case(self, rule: Rule, name: str, case: Path) -> CaseResult:
        """Run one case; whatever is wrong with it is the reason why it fails."""
        try:
            study = read_study(case / "data", self.library, self.terminology, self.dictionaries)
            outcomes = run_rules([rule], study)
            not_run = [o for o in outcomes if o.status == "not run"]
            reason = f"not run on {not_run[0].dataset}: {not_run[0].reason}" if not_run else ""
            reason = reason or judge_case(case, found_of(outcomes))
        except Exception as error:  # as above
            return CaseResult(name, _case_name(case), False, f"the case cannot be read: {_told(error)}")
        note = "" if reason or (case / "results" / "results.csv").exists() else _UNCOMPARED
        return CaseResult(name, _case_name(case), not reason, reason, note)


def _id_of(file: Path) -> str:
    try:
        return read_rule(file).id
    except MistakesError:
        return file.parent.name


def _told(error: Exception) -> str:
    """Say what is wrong, with the kind of error where its text alone says too little."""
    ours = isinstance(error, MistakesError | OSError | UnicodeDecodeError)
    return str(error) if ours else f"{type(error).__name__}: {error}"


def _case_name(case: Path) -> str:
    return f"{case.parent.name}/{case.name}"


# reading ------------------------------------------------------------------------------------------------------------


def read_study(
    data: Path,
    library: LibraryLoader,
    terminology: TerminologySource | None,
    dictionaries: Mapping[str, Dictionary] | None = None,
) -> RuleStudy:
    """Read the data of a case as a study."""
    words = read_environment(next(iter(sorted(data.glob("*.env"))), data / ".env"))
    listed = [row for row in _rows(_listing(data, "datasets", "tables")) if row.get("filename")]
    labels = {Path(row["filename"]).stem.lower(): row.get("label") or "" for row in listed}
    variables = list(_rows(_listing(data, "variables")))
    tables = (p for p in _of_kind(data, ".csv") if not p.name.startswith("_"))
    files = [p for p in tables if p.stem.lower() not in _LISTINGS]
    datasets = tuple(
        read_dataset(file, labels, variables) for file in files if file.stem.lower() in labels or not labels
    )
    held = frozenset(dataset.name for dataset in datasets)
    datasets += tuple(d for d in map(_transport, _of_kind(data, ".xpt")) if d.name not in held)
    standard, version = words.get("PRODUCT", "SDTMIG").upper(), normal_version(words.get("VERSION", ""))
    define = _named(data, words.get("DEFINE_XML", ""))
    return RuleStudy(
        datasets,
        library(standard, version),
        terminology,
        read_define(define) if define else None,
        standard,
        version,
        words.get("SUBSTANDARD", ""),
        words.get("USE_CASE", ""),
        tuple(part.strip() for part in words.get("CT", "").split(",") if part.strip()),
        dictionaries or {},
    )


_LISTINGS = frozenset({"datasets", "tables", "variables"})


def _listing(data: Path, *names: str) -> Path:
    """Return the file that lists the datasets or variables of a case, under the names it may have."""
    wanted = [f"{mark}{name}.csv" for name in names for mark in ("_", "")]
    found = (_named(data, name) for name in wanted)
    return next((file for file in found if file), data / wanted[0])


def _named(data: Path, name: str) -> Path | None:
    """Return the file of that name, capitals and small letters alike."""
    return next((file for file in sorted(data.iterdir()) if name and file.name.lower() == name.lower()), None)


def _of_kind(data: Path, suffix: str) -> list[Path]:
    return sorted(file for file in data.iterdir() if file.suffix.lower() == suffix)


def _transport(file: Path) -> RuleDataset:
    frame, metadata, _ = xpt.read_guessed(file)
    return RuleDataset(metadata.name, frame, metadata.label, metadata.variables, file.name, file.stat().st_size)


def read_environment(file: Path) -> dict[str, str]:
    """Read a file of `NAME=value` lines."""
    if not file.exists():
        return {}
    lines = (line.partition("=") for line in file.read_text(encoding="utf-8-sig").splitlines() if "=" in line)
    return {name.strip(): value.strip().strip("\"'") for name, _, value in lines}


def _rows(file: Path) -> Iterator[dict[str, str]]:
    """Read a listing: each line by the names of the first, in small letters; empty lines say nothing."""
    if not file.exists():
        return
    lines = (line for line in csv.reader(io.StringIO(_text_of(file), newline="")) if line)
    names = [name.strip().lower() for name in next(lines, [])]
    for line in lines:
        yield dict(zip(names, line, strict=False))


def _text_of(file: Path) -> str:
    """Read a text: UTF-8, else the Windows page that older cases were written in."""
    content = file.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def read_dataset(file: Path, labels: Mapping[str, str], variables: Iterable[Mapping[str, str]]) -> RuleDataset:
    """Read one dataset: numbers where `_variables.csv` says Num, else text."""
    lines = [line for line in csv.reader(io.StringIO(_text_of(file), newline="")) if line]
    names = [name.strip() for name in lines[0]] if lines else []
    described = {
        (v.get("variable") or "").strip(): v
        for v in variables
        if Path((v.get("dataset") or "").lower()).stem == file.stem.lower()
    }
    columns = {
        name: _typed([line[i] if i < len(line) else "" for line in lines[1:]], described.get(name, {}))
        for i, name in enumerate(names)
        if name and name not in names[:i]
    }
    metadata = tuple(_metadata(name, described.get(name, {})) for name in columns)
    label = labels.get(file.stem.lower(), "")
    return RuleDataset(file.stem.upper(), pd.DataFrame(columns), label, metadata, file.name, file.stat().st_size)


def _is_number(described: Mapping[str, str]) -> bool:
    return (described.get("type") or "").strip().lower() == "num"


def _typed(values: list[str], described: Mapping[str, str]) -> pd.Series[float] | pd.Series[str]:
    text = pd.Series(values, dtype="str")
    if not _is_number(described):
        return text
    numbers = pd.to_numeric(text, errors="coerce").astype(float)
    return text if (numbers.isna() & (text.str.strip() != "")).any() else numbers


def _metadata(name: str, described: Mapping[str, str]) -> VariableMetadata:
    length = described.get("length") or ""
    kind = "Num" if _is_number(described) else "Char"
    return VariableMetadata(name, described.get("label") or "", kind, int(length) if length.isdigit() else 0)  # type: ignore[arg-type]


def read_expected(file: Path) -> Expected:
    """Read the findings a case expects; a line that names no variable says nothing."""
    return Counter(
        (
            row.get("dataset", "").strip().upper(),
            row.get("record", "").strip().removesuffix(".0"),
            row["variable"],
            normal_value(row.get("value", "")),
        )
        for row in _rows(file)
        if row.get("variable")
    )


def normal_value(text: str) -> str:
    """Write a value so that `15` and `15.0` agree, no value and `null`, lists whatever their order, blanks around not."""
    text = text.strip()
    if text == "null":
        return ""
    try:
        return repr(float(text))
    except ValueError:
        pass
    if text.startswith("[") and text.endswith("]"):
        try:
            return repr(sorted(str("" if item is None else item) for item in ast.literal_eval(text)))
        except (ValueError, SyntaxError):
            return text
    return text


# comparing ----------------------------------------------------------------------------------------------------------


def found_of(outcomes: Iterable[RuleOutcome]) -> Expected:
    """Return the findings made, in the shape of those expected."""
    return Counter(
        (hit.dataset, "" if hit.record is None else str(hit.record), name, normal_value(value))
        for outcome in outcomes
        for hit in outcome.hits()
        for name, value in hit.values
    )


def judge_case(case: Path, found: Expected) -> str:
    """Say why a case fails, empty where it passes.

    A case without results.csv gives no values to compare: a negative one must have a finding, a positive one none.
    """
    file = case / "results" / "results.csv"
    if file.exists():
        return difference(read_expected(file), found)
    if (case.parent.name == "negative") is bool(found):
        return ""
    return "has no results.csv, and " + ("nothing is found" if not found else "something is found")


def difference(expected: Expected, found: Expected) -> str:
    """Say how what was found differs from what was expected, empty where it does not."""
    lacking, more = expected - found, found - expected
    parts = []
    if lacking:
        parts.append(f"{lacking.total()} expected value(s) not found, first {_show(min(lacking))}")
    if more:
        parts.append(f"{more.total()} value(s) found that are not expected, first {_show(min(more))}")
    return "; ".join(parts)


def _show(item: tuple[str, str, str, str]) -> str:
    dataset, record, variable, value = item
    shown = value if len(value) <= 60 else value[:57] + "..."
    return f"{dataset} record {record or '-'} {variable} = {shown!r}"
