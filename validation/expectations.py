"""Checks on great-expectations: checks become suites, suites are run, results become outcomes.

The only module that imports great-expectations (its import costs seconds). Custom expectations are no public interface
of version 1.x, hence the one class here and the pinned version.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, ClassVar

import great_expectations as gx
import great_expectations.expectations as gxe
import numpy as np
import pandas as pd
from great_expectations.expectations.expectation import BatchExpectation
from great_expectations.validator.v1_validator import Validator

from .checks import Check, Hit, Study, View, evaluate

VERSION = gx.__version__
_MAX_SHOWN = 20


@dataclass
class Outcome:
    """What came of one check: what it found, and the `reason` where it could not run, or not to its end."""

    check: Check
    hits: tuple[Hit, ...] = ()
    reason: str = ""


@dataclass
class _Run:
    """What the custom expectation needs while a suite runs; kept out of the results, which hold no frames."""

    study: Study
    checks: Mapping[str, Check]
    sink: dict[str, tuple[Hit, ...]] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    needs: Any = None


_RUN: ContextVar[_Run] = ContextVar("run")


class ExpectRecordsToPass(BatchExpectation):  # type: ignore[misc]
    """Expect that a check of the catalogue finds nothing. Failing records go to a sink, their count to the result."""

    check: str
    dataset: str
    params: dict[str, Any]
    keys: list[str]
    max_records: int = _MAX_SHOWN

    metric_dependencies: ClassVar[tuple[str, ...]] = ("table.row_count",)
    success_keys: ClassVar[tuple[str, ...]] = ("check", "dataset", "params")
    args_keys: ClassVar[tuple[str, ...]] = ("check", "dataset")

    def get_validation_dependencies(
        self, execution_engine: Any = None, runtime_configuration: dict[str, Any] | None = None
    ) -> Any:
        """Return the one metric that every check of a batch needs: worked out once a run, it costs most of a check."""
        run = _RUN.get()
        if run.needs is None:
            run.needs = super().get_validation_dependencies(execution_engine, runtime_configuration)
        return run.needs

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,
        execution_engine: Any = None,
    ) -> dict[str, Any]:
        run = _RUN.get()
        frame = execution_engine.get_domain_records({"batch_id": self.batch_id})
        view = _view(run.study, self.dataset, frame)
        rows = int(metrics["table.row_count"])
        if rows != len(view):
            raise ValueError(f"{self.dataset} has {len(view)} records, the engine counts {rows}")
        found, reason = evaluate(run.checks[self.check], run.study, view)
        run.sink[self.check] = found
        if reason:
            run.reasons[self.check] = reason
        failed = _positions(found)
        partial = [{key: view.shown(key, at) for key in self.keys if key in view} for at in failed[: self.max_records]]
        result = {"element_count": rows, "unexpected_count": len(failed), "partial_unexpected_list": partial}
        return {"success": not found and not reason, "result": result}


def _view(study: Study, name: str, frame: pd.DataFrame) -> View:
    """Return the shared view of the dataset, made of the engine's own frame."""
    if name not in study.views or len(study.views[name]) != len(frame):
        study.views[name] = View(study.datasets[name], frame)
    return study.views[name]


def _positions(found: Sequence[Hit]) -> list[int]:
    failed = [hit.positions for hit in found if hit.positions is not None]
    return np.unique(np.concatenate(failed)).tolist() if failed else []


def _quiet_context() -> Any:
    """Return a fresh context without progress bars, log lines or captured warnings."""
    logging.captureWarnings(False)
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    return context


def build_suite(name: str, checks: Sequence[Check], keys: Sequence[str]) -> gx.ExpectationSuite:
    """Turn checks into a suite; raises ValueError where the suite would hold fewer expectations than checks."""
    suite = gx.ExpectationSuite(name, expectations=[_expectation(check, keys) for check in checks])
    if len(suite.expectations) != len(checks):
        raise ValueError(f"suite {name} holds {len(suite.expectations)} expectations of {len(checks)} checks")
    return suite


_SEVERITY = {"error": "critical", "warning": "warning", "info": "info"}


def _expectation(check: Check, keys: Sequence[str]) -> Any:
    meta = {
        "check_id": check.id,
        "rule_id": check.rule.id,
        "severity": check.rule.severity,
        "title": check.rule.title,
        "citation": check.rule.citation,
    }
    severity = _SEVERITY[check.rule.severity]
    if check.builtin is not None:
        kind = getattr(gxe, check.builtin.expectation)
        return kind(**check.builtin.arguments, meta=meta, severity=severity)
    return ExpectRecordsToPass(
        check=check.id,
        dataset=check.dataset,
        params={"variables": list(check.variables)},
        keys=list(keys),
        meta=meta,
        severity=severity,
    )


def run_suites(
    study: Study, plans: Mapping[str, Sequence[Check]], frames: Mapping[str, pd.DataFrame]
) -> tuple[list[Outcome], dict[str, Any]]:
    """Run one suite per dataset, and return the outcome of every check and the suites as JSON-able data.

    A check whose expectation raised, or whose result is missing, has a reason: it counts as not run.
    """
    outcomes: list[Outcome] = []
    suites: dict[str, Any] = {}
    # One asset, given the frame of each dataset in turn: at every asset the engine writes its whole project again.
    asset = _quiet_context().data_sources.add_pandas("study").add_dataframe_asset("dataset")
    batch = asset.add_batch_definition_whole_dataframe("all")
    for name, checks in plans.items():
        if not checks:
            continue
        keys = study.datasets[name].spec.keys if name in study.datasets else ()
        suite = build_suite(name, checks, keys)
        run = _Run(study, {check.id: check for check in checks})
        token = _RUN.set(run)
        try:
            # What a ValidationDefinition does, without keeping suite and results in a store that nobody reads.
            result = Validator(
                batch_definition=batch,
                batch_parameters={"dataframe": frames[name].reset_index(drop=True)},
                result_format="SUMMARY",
            ).validate_expectation_suite(suite)
        finally:
            _RUN.reset(token)
        outcomes += _read_results(study, checks, run, result)
        suites[name] = _suite_json(suite)
    return outcomes, suites


def _read_results(study: Study, checks: Sequence[Check], run: _Run, result: Any) -> list[Outcome]:
    by_id = {item.expectation_config.meta["check_id"]: item for item in result.results}
    return [_outcome(study, check, run, by_id.get(check.id)) for check in checks]


def _outcome(study: Study, check: Check, run: _Run, item: Any) -> Outcome:
    if item is None:
        return Outcome(check, reason="the engine gave no result")
    raised = _exception(item.exception_info)
    if raised:
        return Outcome(check, reason=f"the check failed: {raised}")
    return _explained(study, check, bool(item.success)) if check.builtin else _sunk(check, run, bool(item.success))


def _explained(study: Study, check: Check, success: bool) -> Outcome:
    """Let the check say what an expectation of great-expectations' own found."""
    if success:
        return Outcome(check)
    found, reason = evaluate(check, study, study.views[check.dataset])
    return Outcome(check, found, reason or ("" if found else "the expectation failed, the check finds no cause"))


def _sunk(check: Check, run: _Run, success: bool) -> Outcome:
    if check.id not in run.sink:
        return Outcome(check, reason="the check left no result")
    found, reason = run.sink[check.id], run.reasons.get(check.id, "")
    if success != (not found and not reason):
        return Outcome(check, found, "the engine's answer and the check's findings disagree")
    return Outcome(check, found, reason)


def _exception(info: Any) -> str:
    """Return the message of a raised exception: the info is one dict, or a dict of such dicts."""
    if not isinstance(info, Mapping):
        return ""
    if "raised_exception" in info:
        return str(info.get("exception_message") or "an exception") if info["raised_exception"] else ""
    return next((text for text in map(_exception, info.values()) if text), "")


def _suite_json(suite: Any) -> dict[str, Any]:
    """Return a suite as plain data without what changes from run to run (ids).

    The same as `suite.to_json_dict()`, which serializes every expectation three times.
    """
    expectations = [item.to_json_dict() for item in suite.expectation_configurations]
    about = {"name": suite.name, "expectations": expectations, "meta": suite.meta, "notes": suite.notes}
    data: dict[str, Any] = json.loads(json.dumps(about, default=str))
    for expectation in data["expectations"]:
        expectation.pop("id", None)
    return data
