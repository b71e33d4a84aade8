"""The checks that follow from the standards: one family per file, each check a small function with an id.

Importing this package fills the catalogue `RULES`.
"""

from . import (
    adam,
    dates,
    families,
    files,
    findings,
    fit,
    identity,
    package,
    plausible,
    relations,
    reported,
    second,
    structure,
    summary,
    trial,
    values,
)
from .base import PACKAGE, RULES, CannotRunError, Check, Hit, Rule, Study, evaluate, plan_checks
from .view import View

__all__ = [
    "PACKAGE",
    "RULES",
    "CannotRunError",
    "Check",
    "Hit",
    "Rule",
    "Study",
    "View",
    "adam",
    "dates",
    "evaluate",
    "families",
    "files",
    "findings",
    "fit",
    "identity",
    "package",
    "plan_checks",
    "plausible",
    "relations",
    "reported",
    "second",
    "structure",
    "summary",
    "trial",
    "values",
]
