"""CDISC's own engine beside ours: run an installed CORE on the same files, and say rule by rule where both agree.

CORE is called as its documentation says (`core validate -s sdtmig -v 3-4 -dp FILE ... -of JSON -o FILE`); nothing is fetched.
Its files are named one by one, since it would read the parts of a split dataset as datasets of their own.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from cdiscway.specs.mistakes import Mistake, MistakesError
from cdiscway.specs.model import names_analysis

from .causes import with_consequences
from .checks import RULES
from .intake import transport_files
from .rule_checks import own_rules
from .rule_model import Rule
from .run import ValidationResult

_NUMBER = re.compile(r"\b[A-Z]{2,3}\d{4}\b")
_DONE = {"SUCCESS", "ISSUE REPORTED"}
Verdict = Literal["both find", "both clean", "CORE alone", "ours alone", "CORE did not run it", "no rule of ours"]


@dataclass(frozen=True, slots=True)
class Agreement:
    """One rule of CORE: how many issues it told, how many records ours told, and by which rules."""

    core: str
    numbers: tuple[str, ...]
    status: str
    theirs: int
    ours: int
    rules: tuple[str, ...]

    @property
    def verdict(self) -> Verdict:
        """Whether both engines say the same."""
        if self.status not in _DONE:
            return "CORE did not run it"
        if not self.rules:
            return "no rule of ours"
        if bool(self.theirs) is bool(self.ours):
            return "both find" if self.theirs else "both clean"
        return "CORE alone" if self.theirs else "ours alone"


def core_command(core: Path, data: Path, output: Path, define: Path | None) -> list[str]:
    """Return the command line of CORE; `output` has no suffix, CORE adds `.json`."""
    run = [core_python(core), str(core)] if core.suffix == ".py" else [str(core)]
    files = [word for file in transport_files(data) if not _is_analysis(file) for word in ("-dp", str(file))]
    command = [*run, "validate", "-s", "sdtmig", "-v", "3-4", *files, "-of", "JSON", "-o", str(output)]
    return command if define is None else [*command, "-dxp", str(define)]


def core_python(core: Path) -> str:
    """Return the Python of the virtual environment beside core.py, where there is one: CORE asks for libraries of its own."""
    beside = (
        core.parent / name / place for name in (".venv", "venv") for place in ("bin/python", "Scripts/python.exe")
    )
    return next((str(python) for python in beside if python.is_file()), sys.executable)


def _is_analysis(file: Path) -> bool:
    """Whether a file holds an analysis dataset: CORE's rules for the SDTMIG would judge it as a domain of the sponsor's."""
    return names_analysis(file.stem.upper())


def run_core(core: Path, data: Path, define: Path | None = None) -> Mapping[str, Any]:
    """Run CORE on a folder of transport files and return its report; raises MistakesError where it cannot."""
    place = core.resolve()
    if not place.is_file() or not (place.suffix == ".py" or os.access(place, os.X_OK)):
        raise _mistake(core, "is no CDISC CORE that can be run", "install it from its releases; name the file `core`")
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "core"
        command = core_command(place, data.resolve(), output, define.resolve() if define else None)
        # CORE looks for its resources beside itself
        done = subprocess.run(command, cwd=place.parent, capture_output=True, text=True, errors="replace", check=False)
        if define is not None and "No such option" in done.stderr:  # early versions find the define.xml by themselves
            command = core_command(place, data.resolve(), output, None)
            done = subprocess.run(
                command, cwd=place.parent, capture_output=True, text=True, errors="replace", check=False
            )
        report = output.with_suffix(".json")
        if not report.is_file():
            last = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()[-1]
            raise _mistake(core, f"wrote no report (exit code {done.returncode}): {last}")
        try:
            read = json.loads(report.read_text(encoding="utf-8"))
        except ValueError as error:
            raise _mistake(core, f"wrote a report that is no JSON: {error}") from error
    if not isinstance(read, dict) or "Rules_Report" not in read:
        raise _mistake(core, "wrote a report without Rules_Report")
    return read


def _mistake(core: Path, message: str, hint: str = "") -> MistakesError:
    return MistakesError([Mistake(str(core), None, "", message, hint)])


def agreements(report: Mapping[str, Any], result: ValidationResult, rules: Sequence[Rule] = ()) -> list[Agreement]:
    """Compare CORE's report with ours, rule by rule.

    Two rules are the same where the ids are (`rules` of CDISC's, run here too), or where both cite a conformance rule.
    """
    issues: dict[str, int] = {}
    for row in report.get("Issue_Summary") or []:
        issues[str(row.get("core_id"))] = issues.get(str(row.get("core_id")), 0) + int(row.get("issues") or 0)
    numbered, told = _by_number(rules), _records(result)
    found = []
    for row in report["Rules_Report"]:
        core = str(row.get("core_id"))
        numbers = tuple(_NUMBER.findall(f"{row.get('cdisc_rule_id') or ''} {row.get('fda_rule_id') or ''}"))
        ours = [core] if any(rule.id == core for rule in rules) else []
        ours = ours or sorted({name for number in numbers for name in numbered.get(number, ())})
        records = sum(told.get(name, 0) for name in ours)
        status = str(row.get("status") or "").upper()
        found.append(Agreement(core, numbers, status, issues.get(core, 0), records, tuple(ours)))
    return sorted(found, key=lambda item: item.core)


def _by_number(rules: Iterable[Rule]) -> dict[str, set[str]]:
    """Return our rules by the conformance rules they cite."""
    cited = [(planned.rule.id, _NUMBER.findall(planned.rule.citation)) for planned in RULES.values()]
    cited += [(rule.id, list(rule.identifiers())) for rule in (*own_rules(), *rules)]
    found: dict[str, set[str]] = {}
    for name, numbers in cited:
        for number in numbers:
            found.setdefault(number, set()).add(name)
    return found


def _records(result: ValidationResult) -> dict[str, int]:
    told: dict[str, int] = {}
    for cause in with_consequences((*result.causes, *(item.cause for item in result.waived))):
        for name in (cause.finding.rule, *cause.also):
            told[name] = told.get(name, 0) + cause.finding.records
    return told
