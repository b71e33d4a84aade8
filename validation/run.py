"""JUDGE: run every check that applies to the datasets, and group what fails by cause."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cdiscway.converters.dataset import BuiltDataset, DatasetMetadata, VariableMetadata
from cdiscway.specs.model import DatasetSpec, VariableSpec

from .causes import RANK, Cause, Example, folded, with_consequences
from .checks import PACKAGE, RULES, Check, Hit, Rule, Study, View, plan_checks
from .checks.base import Terminology
from .finding import Finding, NotRun, Severity, Source
from .rule_checks import OpenRules, merged, own_rules
from .rule_define import Define
from .rule_dictionaries import Dictionary
from .rule_model import Rule as OpenRule

_MAX_VALUES = 1000
_EXAMPLES = 20
_NUMBER = re.compile(r"\b(?:CG|FB|AD|TIG)\d{4}\b")


@dataclass(frozen=True, slots=True)
class Waived:
    """A cause that was looked at and accepted: why, by whom, on which day, until which day (ISO 8601 or empty)."""

    cause: Cause
    reason: str
    who: str
    date: str
    expires: str = ""


def finding_id(finding: Finding) -> str:
    """Return twelve letters that name a finding and change when it changes: its words or its count of records."""
    parts = (finding.rule, finding.severity, finding.dataset, finding.variable, finding.message, str(finding.records))
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:12]


@dataclass(frozen=True)
class ValidationResult:
    """What validation found.

    `checks` counts the checks that ran per dataset (PACKAGE for the package as a whole); `records` and `variables`
    give the size of each dataset, `completeness` its count of values by variable; `suites` are the
    great-expectations suites as plain data; `rules` holds the catalogue's entry of every rule that is named.
    """

    causes: tuple[Cause, ...]
    not_run: tuple[NotRun, ...]
    checks: Mapping[str, int]
    records: Mapping[str, int]
    variables: Mapping[str, int]
    labels: Mapping[str, str]
    completeness: Mapping[str, Mapping[str, int]]
    suites: Mapping[str, Any]
    rules: Mapping[str, Rule]
    versions: Mapping[str, str]
    standards: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    waived: tuple[Waived, ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings, worst first, then by dataset, rule and variable; what follows from another is not among them."""
        return tuple(cause.finding for cause in self.causes)

    @property
    def consequences(self) -> tuple[Finding, ...]:
        """The findings that follow from another one, in the order of their causes."""
        return tuple(below.finding for cause in self.causes for below in cause.consequences)

    def count(self, severity: Severity, dataset: str | None = None) -> int:
        """Count findings of a severity, in one dataset or in all."""
        return sum(f.severity == severity and dataset in {None, f.dataset} for f in self.findings)

    @property
    def clean(self) -> bool:
        """Whether at least one check ran, every check could run, and none found an error."""
        return bool(sum(self.checks.values())) and not self.not_run and not self.count("error")


def validate(  # noqa: PLR0913 - all but two by name
    datasets: Sequence[BuiltDataset],
    terminology: Terminology | None,
    *,
    findings: Sequence[Finding] = (),
    not_run: Sequence[NotRun] = (),
    standards: Sequence[str] = (),
    rules: Sequence[OpenRule] = (),
    define: Define | None = None,
    sizes: Mapping[str, int] | None = None,
    dictionaries: Mapping[str, Dictionary] | None = None,
) -> ValidationResult:
    """Judge datasets against the guides' specs, controlled terminology and rules of the open format.

    A dataset follows the guide its spec names. `findings` and `not_run` are those that earlier stations reported: they
    are shown with the others. `rules` are the user's, beside our own; `define` is the define.xml they may ask, `sizes`
    the bytes of each dataset's file, `dictionaries` those at hand. Nothing depends on time or chance.
    """
    study = Study({dataset.name: dataset for dataset in datasets}, terminology)
    study.views[PACKAGE] = View(_package(datasets))
    plans, lacking = _plan(study)
    opened = OpenRules((*own_rules(), *rules), study, define, sizes or {}, dictionaries or {})
    plans = merged(plans, opened.checks())
    frames = {name: study.view(name).frame if name != PACKAGE else study.views[PACKAGE].frame for name in plans}
    outcomes, suites = _run(study, plans, frames)
    causes = [Cause(finding) for finding in findings]
    ran: dict[str, int] = dict.fromkeys(plans, 0)
    for outcome in outcomes:
        if outcome.reason:
            lacking.append(NotRun(outcome.check.rule.id, outcome.check.dataset, outcome.reason))
        elif outcome.check.id not in opened.skipped:
            ran[outcome.check.dataset] += 1
        for hit in outcome.hits:
            causes += _causes(study, outcome.check, hit)
    suites = {name: _without(suite, opened.skipped) for name, suite in suites.items()}
    known = {**{name: planned.rule for name, planned in RULES.items()}, **opened.entries}
    causes = told_once(causes, known, frozenset(rule.id for rule in rules))
    not_run = [*not_run, *_subsume(lacking, causes)]
    return _result(study, folded(sorted(causes, key=_order)), not_run, ran, suites, standards, known)


def told_once(causes: Sequence[Cause], known: Mapping[str, Rule], others: frozenset[str]) -> list[Cause]:
    """Leave out what a rule of the user's (`others`) says of records that a rule of ours has told for the same reason.

    The reason is the same where both cite the same conformance rule (CG0019, FB0001); the cause kept names the other.
    """
    places: dict[tuple[Any, ...], int] = {}
    kept: list[Cause] = []
    for cause in sorted(causes, key=lambda item: item.finding.rule in others):
        finding = cause.finding
        numbers = _NUMBER.findall(known[finding.rule].citation) if finding.rule in known else []
        keys = [(number, finding.dataset, finding.record, finding.records) for number in numbers]
        place = next((places[key] for key in keys if key in places), None)
        if finding.rule in others and place is not None:
            kept[place] = replace(kept[place], also=(*kept[place].also, finding.rule))
            continue
        places |= {key: len(kept) for key in keys if key not in places}
        kept.append(cause)
    return kept


def _result(
    study: Study,
    causes: Sequence[Cause],
    not_run: Sequence[NotRun],
    ran: Mapping[str, int],
    suites: Mapping[str, Any],
    standards: Sequence[str],
    known: Mapping[str, Rule],
) -> ValidationResult:
    named = sorted({cause.finding.rule for cause in with_consequences(causes)} | {item.rule for item in not_run})
    sizes = {name: study.view(name) for name in study.datasets}
    return ValidationResult(
        causes=tuple(causes),
        not_run=tuple(sorted(set(not_run), key=lambda item: (item.dataset, item.rule, item.reason))),
        checks=dict(ran),
        records={name: len(view) for name, view in sizes.items()},
        variables={name: len(view.frame.columns) for name, view in sizes.items()},
        labels={name: dataset.metadata.label for name, dataset in study.datasets.items()},
        completeness={name: _completeness(view) for name, view in sizes.items()},
        suites=suites,
        rules={name: known[name] for name in named if name in known},
        versions=_versions(),
        standards=tuple(standards) or tuple(sorted({d.spec.standard for d in study.datasets.values()} - {""})),
        packages=tuple(study.terminology.packages) if study.terminology is not None else (),
    )


def _without(suite: dict[str, Any], skipped: set[str]) -> dict[str, Any]:
    """Return a suite without the rules that had nothing to say of the dataset: it is the record of what was checked."""
    kept = [item for item in suite.get("expectations", []) if item["meta"]["check_id"] not in skipped]
    return {**suite, "expectations": kept}


def _completeness(view: View) -> dict[str, int]:
    return {str(name): int((~view.missing(str(name))).sum()) for name in view.frame.columns}


def _versions() -> dict[str, str]:
    return {name: version(name) for name in ("cdiscway", "great-expectations", "pandas")}


def _order(cause: Cause) -> tuple[Any, ...]:
    finding = cause.finding
    place = (finding.dataset, finding.rule, finding.variable)
    return (RANK[finding.severity], *place, finding.message, finding.value, finding.record or 0)


def _package(datasets: Sequence[BuiltDataset]) -> BuiltDataset:
    """Return the list of datasets as a dataset, for the checks on the package as a whole."""
    frame = pd.DataFrame(
        {
            "dataset": pd.Series([d.name for d in datasets], dtype="str"),
            "class": pd.Series([d.spec.observation_class for d in datasets], dtype="str"),
            "records": pd.Series([float(len(d.frame)) for d in datasets], dtype="float64"),
        }
    )
    variables = [VariableSpec(name=n, label=n, type="Num" if n == "records" else "Char") for n in frame.columns]
    spec = DatasetSpec.model_validate(
        {
            "name": PACKAGE,
            "label": "Datasets of the package",
            "class": "Study Reference",
            "structure": "One record per dataset",
            "keys": ("dataset",),
            "standard": "",
            "variables": variables,
        }
    )
    described = tuple(VariableMetadata(v.name, v.label, v.type, 8) for v in variables)
    return BuiltDataset(spec, frame, DatasetMetadata(PACKAGE, spec.label, described))


def _plan(study: Study) -> tuple[dict[str, list[Check]], list[NotRun]]:
    plans: dict[str, list[Check]] = {}
    lacking: list[NotRun] = []
    if not study.datasets:
        lacking.append(NotRun("CDW-DATASET-EMPTY", "", "there are no datasets: nothing was checked"))
        return plans, lacking
    for name in (PACKAGE, *study.datasets):
        view = study.views[PACKAGE] if name == PACKAGE else study.view(name)
        planned = list(plan_checks(study, view))
        plans[name] = [item for item in planned if isinstance(item, Check)]
        lacking += [NotRun(item[0].id, name, item[1]) for item in planned if not isinstance(item, Check)]
        if name != PACKAGE and not len(view):
            lacking.append(NotRun("CDW-DATASET-EMPTY", name, "has no records: checks on records have nothing to see"))
    return plans, lacking


def _run(
    study: Study, plans: Mapping[str, Sequence[Check]], frames: Mapping[str, pd.DataFrame]
) -> tuple[Iterable[Any], dict[str, Any]]:
    if not any(plans.values()):
        return [], {}
    from .expectations import run_suites  # noqa: PLC0415 - importing great-expectations costs seconds

    return run_suites(study, plans, frames)


def _subsume(lacking: Sequence[NotRun], causes: Sequence[Cause]) -> list[NotRun]:
    """Leave out the checks whose only lack is a required or expected variable that has a finding of its own."""
    told = {"CDW-VAR-REQ", "CDW-VAR-EXP"}
    gone = {f"{c.finding.dataset}.{c.finding.variable}" for c in causes if c.finding.rule in told}
    return [item for item in lacking if not gone.issuperset(_lacks(item.reason))]


def _lacks(reason: str) -> list[str]:
    """Return the variables a reason names: `needs DM.ARM, DM.ARMCD, which is not there`."""
    return reason.removeprefix("needs ").removesuffix(", which is not there").split(", ")


def _causes(study: Study, check: Check, hit: Hit) -> list[Cause]:
    if hit.positions is None:
        return [Cause(_finding(check, hit, hit.message))]
    view = study.views[check.dataset] if check.dataset in study.views else study.view(check.dataset)
    if not hit.by_value or hit.variable not in view:
        return [_record_cause(view, check, hit, hit.positions, hit.message.replace("{value}", ""))]
    return _value_causes(view, check, hit, hit.positions)


def _value_causes(view: View, check: Check, hit: Hit, positions: npt.NDArray[np.intp]) -> list[Cause]:
    """Make a cause of each distinct value, the most frequent first; beyond many of them, one cause for the rest."""
    codes = view.distinct(hit.variable)[0][positions]
    found, first, counts = np.unique(codes, return_index=True, return_counts=True)
    ranked = found[np.lexsort((first, -counts))]
    causes = []
    for code in ranked[:_MAX_VALUES]:
        here = positions[codes == code] if len(found) > 1 else positions
        text = hit.message.replace("{value}", view.shown(hit.variable, here[0]))
        causes.append(_record_cause(view, check, hit, here, text))
    rest = positions[np.isin(codes, ranked[_MAX_VALUES:])]
    if len(rest):
        text = f"{hit.message.replace('{value}', '...')} ({len(ranked) - _MAX_VALUES} more values)"
        causes.append(_record_cause(view, check, hit, rest, text))
    return causes


def _record_cause(view: View, check: Check, hit: Hit, positions: npt.NDArray[np.intp], message: str) -> Cause:
    examples = tuple(_example(view, hit, int(at)) for at in positions[:_EXAMPLES])
    first = examples[0]
    alone = hit.by_value or len(first.values) <= 1
    value = first.values.get(hit.variable, "") if alone else _join(first.values)
    finding = _finding(
        check,
        hit,
        message,
        keys=first.keys,
        value=value,
        record=first.record,
        records=len(positions),
        source=first.source,
    )
    return Cause(finding, examples, _subjects(view, positions), positions=positions)


def _join(values: Mapping[str, str]) -> str:
    return ", ".join(f"{name} = {value or 'missing'}" for name, value in values.items())


def _finding(check: Check, hit: Hit, message: str, **more: Any) -> Finding:
    return Finding(
        rule=check.rule.id,
        severity=hit.severity or check.rule.severity,
        dataset=hit.dataset or ("" if check.dataset == PACKAGE else check.dataset),
        message=message,
        variable=hit.variable,
        fix_in=hit.fix_in or check.rule.fix_in,
        **more,
    )


def _example(view: View, hit: Hit, at: int) -> Example:
    keys = {name: view.shown(name, at) for name in key_names(view)}
    shown = hit.show or ((hit.variable,) if hit.variable in view else ())
    values = {name: view.shown(name, at) for name in shown if name in view and name not in keys}
    if not values and hit.variable in view:
        values = {hit.variable: view.shown(hit.variable, at)}
    subject = view.shown("USUBJID", at) if "USUBJID" in view else ""
    return Example(at + 1, subject, keys, values, _source(view, at))


def key_names(view: View) -> tuple[str, ...]:
    """Return the variables that name a record for a reader: the subject and the sequence, else the keys."""
    short = [name for name in ("USUBJID", view.real("--SEQ"), "PARAMCD") if name in view]
    if view.real("--SEQ") in view or "PARAMCD" in view or view.name in {"DM", "ADSL"}:
        return tuple(short)
    keys = [name for name in view.dataset.spec.keys if name in view and name != "STUDYID"]
    return tuple(dict.fromkeys([*short, *keys]))


def _source(view: View, at: int) -> Source | None:
    sources = view.dataset.sources
    if sources is None or at >= len(sources):
        return None
    form, file, row = (sources[name].iloc[at] for name in ("form", "file", "row"))
    if pd.isna(row) or pd.isna(file):
        return None
    return Source("" if pd.isna(form) else str(form), str(file), int(row))


def _subjects(view: View, positions: npt.NDArray[np.intp]) -> dict[str, int]:
    if "USUBJID" not in view:
        return {}
    codes, values = view.distinct("USUBJID")
    counts = np.bincount(codes[positions] + 1, minlength=len(values) + 1)
    return {str(values[i - 1]): int(counts[i]) for i in np.flatnonzero(counts) if i}
