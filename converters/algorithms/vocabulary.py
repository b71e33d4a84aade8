"""The whole vocabulary: which word of a mapping names which algorithm.

Where a result is asked for (`set`, `then`, `otherwise`) a bare word is a constant; where an input is asked for (inside an
algorithm) a bare word is a column, or a variable set before.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Discriminator, Tag
from typing_extensions import TypeAliasType

from .assign import Case, CasesRule, CoalesceRule, ColumnRule, ConcatRule, TextRule, ValueRule
from .base import RuleBase
from .calculate import CalculateRule
from .datetimes import DateRule, DurationRule, IntervalRule, SasDateRule
from .derive import DeriveRule
from .flags import FlagRule
from .groups import GroupRule, WindowRule
from .impute import ImputeRule
from .imwg import ImwgResponseRule
from .lookup import LookupRule
from .periods import PeriodOfRule, PeriodRule
from .sources import DateSource, EarliestRule, LastAliveRule, LatestRule
from .visit import VisitRule, VisitWindowRule

ALGORITHMS: dict[str, type[RuleBase]] = {
    "value": ValueRule,
    "column": ColumnRule,
    "text": TextRule,
    "cases": CasesRule,
    "coalesce": CoalesceRule,
    "concat": ConcatRule,
    "calculate": CalculateRule,
    "date": DateRule,
    "interval": IntervalRule,
    "duration": DurationRule,
    "sas_date": SasDateRule,
    "visit": VisitRule,
    "visit_window": VisitWindowRule,
    "lookup": LookupRule,
    "derive": DeriveRule,
    "impute": ImputeRule,
    "imwg_response": ImwgResponseRule,
    "flag": FlagRule,
    "group": GroupRule,
    "window": WindowRule,
    "earliest": EarliestRule,
    "latest": LatestRule,
    "last_alive": LastAliveRule,
    "period": PeriodRule,
    "period_of": PeriodOfRule,
}


def _algorithm(data: Any) -> str | None:
    """Return the word that names the algorithm: the first key that is one (`pick: count` alone is a lookup)."""
    if isinstance(data, RuleBase):
        return next(word for word, model in ALGORITHMS.items() if type(data) is model)
    if not isinstance(data, dict):
        return None
    found = next((word for word in ALGORITHMS if word in data), None)
    return "lookup" if found is None and data.get("pick") == "count" else found


def _as_value(data: Any) -> Any:
    return {"value": data} if isinstance(data, str | int | float) and not isinstance(data, bool) else data


def _as_column(data: Any) -> Any:
    return {"column": str(data)} if isinstance(data, str | int | float) and not isinstance(data, bool) else data


# Aliases with a name: pydantic describes each once, not at every field that holds a rule.
Rule = TypeAliasType(
    "Rule",
    Annotated[
        Annotated[ValueRule, Tag("value")]
        | Annotated[ColumnRule, Tag("column")]
        | Annotated[TextRule, Tag("text")]
        | Annotated[CasesRule, Tag("cases")]
        | Annotated[CoalesceRule, Tag("coalesce")]
        | Annotated[ConcatRule, Tag("concat")]
        | Annotated[CalculateRule, Tag("calculate")]
        | Annotated[DateRule, Tag("date")]
        | Annotated[IntervalRule, Tag("interval")]
        | Annotated[DurationRule, Tag("duration")]
        | Annotated[SasDateRule, Tag("sas_date")]
        | Annotated[VisitRule, Tag("visit")]
        | Annotated[VisitWindowRule, Tag("visit_window")]
        | Annotated[LookupRule, Tag("lookup")]
        | Annotated[DeriveRule, Tag("derive")]
        | Annotated[ImputeRule, Tag("impute")]
        | Annotated[ImwgResponseRule, Tag("imwg_response")]
        | Annotated[FlagRule, Tag("flag")]
        | Annotated[GroupRule, Tag("group")]
        | Annotated[WindowRule, Tag("window")]
        | Annotated[EarliestRule, Tag("earliest")]
        | Annotated[LatestRule, Tag("latest")]
        | Annotated[LastAliveRule, Tag("last_alive")]
        | Annotated[PeriodRule, Tag("period")]
        | Annotated[PeriodOfRule, Tag("period_of")],
        Discriminator(
            _algorithm,
            custom_error_type="unknown_algorithm",
            custom_error_message=f"names no algorithm; the words are {', '.join(ALGORITHMS)}",
        ),
    ],
)
Scalar = str | int | float
Result = TypeAliasType("Result", Annotated[Rule, BeforeValidator(_as_value, json_schema_input_type=Rule | Scalar)])
"""A result: a rule, or a bare word that is a constant."""
Input = TypeAliasType("Input", Annotated[Rule, BeforeValidator(_as_column, json_schema_input_type=Rule | Scalar)])
"""An input: a rule, or a bare word that is a column."""

_MODELS: tuple[type[BaseModel], ...] = (Case, DateSource, *ALGORITHMS.values())
for _model in _MODELS:
    _model.model_rebuild(_types_namespace={"Input": Input, "Result": Result})
