"""The package as a whole: which datasets there are. The frame lists them, one record per dataset."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..finding import Severity
from .base import Builtin, CannotRunError, Hit, Study, is_adam, is_general, is_supplemental, rule
from .view import View


def tabulations(study: Study) -> list[View]:
    """Return the tabulation datasets."""
    return [view for view in map(study.view, study.datasets) if not is_adam(view)]


def analyses(study: Study) -> list[View]:
    """Return the analysis datasets."""
    return [view for view in map(study.view, study.datasets) if is_adam(view)]


def _if_tabulations(study: Study, _view: View) -> Sequence[str]:
    return ("dataset",) if tabulations(study) else ()


def _if_analyses(study: Study, _view: View) -> Sequence[str]:
    return ("dataset",) if analyses(study) else ()


def _contains(name: str) -> Builtin:
    arguments = {"column": "dataset", "value_set": [name]}
    return Builtin("ExpectColumnDistinctValuesToContainSet", arguments)


@rule(
    "CDW-PACKAGE-DM",
    "error",
    group="package",
    citation="CG0368; FDA Technical Rejection Criteria 1736; SDTMIG 3.4 section 5.2",
    applies=_if_tabulations,
    builtin=lambda _study, _view: _contains("DM"),
)
def package_has_dm(study: Study, _view: View) -> Iterator[Hit]:
    """A tabulation package has DM."""
    if "DM" not in study.datasets:
        yield Hit("", "there is no DM: every tabulation package has one", dataset="DM")


@rule(
    "CDW-PACKAGE-TS",
    "error",
    group="package",
    citation="FDA Technical Rejection Criteria 1734; SDTMIG 3.4 section 7.4",
    applies=_if_tabulations,
    builtin=lambda _study, _view: _contains("TS"),
)
def package_has_ts(study: Study, _view: View) -> Iterator[Hit]:
    """A tabulation package has TS."""
    if "TS" not in study.datasets:
        yield Hit("", "there is no TS: every tabulation package has one", dataset="TS")


@rule(
    "CDW-PACKAGE-ADSL",
    "error",
    group="package",
    citation="FDA Technical Rejection Criteria 1736; ADaMIG 1.3 section 2.3.1",
    applies=_if_analyses,
    builtin=lambda _study, _view: _contains("ADSL"),
)
def package_has_adsl(study: Study, _view: View) -> Iterator[Hit]:
    """An analysis package has ADSL."""
    if "ADSL" not in study.datasets:
        yield Hit("", "there is no ADSL: every analysis package has one", dataset="ADSL")


@rule(
    "CDW-PACKAGE-ALONE",
    "info",
    group="package",
    citation="ADaM 2.1 section 3 (traceability)",
    applies=_if_analyses,
)
def analyses_come_with_tabulations(study: Study, _view: View) -> Iterator[Hit]:
    """Analysis datasets are looked at together with the tabulations they come from.

    Without them, agreement with DM and the records that SRCSEQ points at cannot be looked at.
    """
    if not tabulations(study):
        yield Hit("", "tabulations were not given: agreement with DM and traceability were not looked at")


@rule(
    "CDW-DATASET-UNKNOWN",
    "error",
    group="package",
    citation="CG0001, CG0646 (SJ), CG0648 (TP); SDTMIG 3.4 section 3.2.1",
    applies=_if_tabulations,
    fix_in="spec",
)
def datasets_are_the_guides(study: Study, _view: View) -> Iterator[Hit]:
    """A tabulation dataset is one the guide knows, a split of it, or a sponsor's own domain (a warning)."""
    for view in tabulations(study):
        standard, guide = study.standard(view), study.guide(view)
        if standard is None:
            raise CannotRunError(f"needs the guide of {view.name}: '{view.dataset.spec.standard}' is not known")
        known = guide is not None and (guide.name in standard.names or is_supplemental(view.name))
        if not known:
            severity: Severity = "warning" if is_general(view) else "error"
            yield Hit("", f"{view.name} is no dataset of {standard.name}", dataset=view.name, severity=severity)
