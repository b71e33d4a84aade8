"""The checks that follow from the standards: one family per file, each check a small function with an id.

Importing this package fills the catalogue `RULES`.
"""

from . import adam, dates, files, findings, fit, identity, package, relations, second, structure, trial, values
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
    "files",
    "findings",
    "fit",
    "identity",
    "package",
    "plan_checks",
    "relations",
    "second",
    "structure",
    "trial",
    "values",
]
