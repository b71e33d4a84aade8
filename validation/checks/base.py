"""What a check is: a rule with an id, the datasets it applies to, and a function that finds the failing records."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from cdiscway.converters.dataset import BuiltDataset
from cdiscway.specs.model import Codelist, DatasetSpec
from cdiscway.specs.standards import STANDARDS, Standard, load_standard

from ..finding import FixIn, Severity
from .view import View

WITHIN_ADAMIG = {"ADaM OCCDS 1.1": "ADaMIG 1.3", "ADaM BDS for TTE 1.0": "ADaMIG 1.3"}
"""The structures of ADaM that have papers of their own; their specs stand beside those of the implementation guide."""

Group = Literal[
    "file",
    "package",
    "structure",
    "values",
    "identity",
    "timing",
    "findings",
    "relations",
    "trial",
    "adam",
    "second",
    "fit",
    "open",
    "tabulation",
    "map",
    "define",
]


class Terminology(Protocol):
    """The controlled terminology of a study: lists by NCI code or submission name (KeyError where unknown)."""

    @property
    def packages(self) -> Sequence[str]:
        """The packages in use, such as `SDTM CT 2026-03-27`."""
        ...

    def codelist(self, code_or_name: str, /) -> Codelist:
        """Return one list."""
        ...


class CannotRunError(Exception):
    """Raised by a check that lacks what it needs; it becomes a NotRun with this reason."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the catalogue. `citation` names the section of a guide or the number of a conformance rule."""

    id: str
    severity: Severity
    title: str
    description: str
    citation: str
    fix_in: FixIn
    group: Group


@dataclass(frozen=True, slots=True)
class Hit:
    """What a check found for one variable: failing records, or a fault of the whole dataset (`positions` is None).

    `{value}` in the message is the distinct value; with `by_value` each distinct value is a cause of its own.
    `show` names the variables whose values explain the fault. `severity` and `fix_in` override the rule's.
    """

    variable: str
    message: str
    positions: npt.NDArray[np.intp] | None = None
    by_value: bool = False
    show: tuple[str, ...] = ()
    severity: Severity | None = None
    fix_in: FixIn | None = None
    dataset: str = ""


@dataclass(frozen=True, slots=True)
class Builtin:
    """A table-level question that great-expectations answers itself; the check only explains a failure."""

    expectation: str
    arguments: Mapping[str, Any]


Find = Callable[["Study", View], Iterable[Hit]]
Applies = Callable[["Study", View], Sequence[str]]
"""The variables a rule looks at in a dataset: none where it does not apply; raises CannotRunError."""


@dataclass(frozen=True, slots=True)
class Check:
    """One rule on one dataset: what great-expectations runs."""

    rule: Rule
    dataset: str
    variables: tuple[str, ...]
    find: Find
    builtin: Builtin | None = None

    @property
    def id(self) -> str:
        """The check's id: rule and dataset."""
        return f"{self.rule.id}:{self.dataset}"


@dataclass(frozen=True, slots=True)
class Planned:
    """A rule with the functions that apply it; `structural` ones run on a dataset without records too."""

    rule: Rule
    applies: Applies
    find: Find
    builtin: Callable[[Study, View], Builtin] | None
    structural: bool


@dataclass
class Study:
    """All datasets of a package, and what they are judged against."""

    datasets: Mapping[str, BuiltDataset]
    terminology: Terminology | None = None
    views: dict[str, View] = field(default_factory=dict)
    shared: dict[str, Any] = field(default_factory=dict)

    def view(self, name: str) -> View:
        """Return a dataset as checks see it; raises CannotRunError where there is none."""
        if name not in self.datasets:
            raise CannotRunError(f"needs {name}, which is not there")
        if name not in self.views:
            self.views[name] = View(self.datasets[name])
        return self.views[name]

    def column(self, dataset: str, *variables: str) -> View:
        """Return the view of a dataset that has these variables; raises CannotRunError."""
        view = self.view(dataset)
        lacking = [variable for variable in variables if variable not in view]
        if lacking:
            raise CannotRunError(f"needs {', '.join(f'{dataset}.{name}' for name in lacking)}, which is not there")
        return view

    def has(self, dataset: str, *variables: str) -> bool:
        """Whether the dataset is there with these variables."""
        return dataset in self.datasets and all(name in self.view(dataset) for name in variables)

    def once(self, key: str, make: Callable[[], Any]) -> Any:
        """Compute something shared by several checks once."""
        if key not in self.shared:
            self.shared[key] = make()
        return self.shared[key]

    def standard(self, view: View) -> Standard | None:
        """Return the implementation guide a dataset follows, or None where it is none of those shipped."""
        name = view.dataset.spec.standard
        name = WITHIN_ADAMIG.get(name, name)
        return load_standard(name) if name in STANDARDS else None

    def guide(self, view: View) -> DatasetSpec | None:
        """Return the guide's spec of a dataset: its own, its domain's, or that of the structure it follows."""
        found: DatasetSpec | None = self.once(f"guide:{view.name}", lambda: find_guide(self.standard(view), view))
        return found


def find_guide(standard: Standard | None, view: View) -> DatasetSpec | None:
    """Look a dataset up in its guide; see `Study.guide`."""
    spec = view.dataset.spec
    if standard is None:
        return None
    tries: list[Callable[[], DatasetSpec]] = [lambda: standard.dataset(spec.name)]
    if is_supplemental(spec.name):
        tries = [lambda: standard.dataset("SUPPQUAL")]
    elif is_adam_class(spec.observation_class):
        structure = {"Basic Data Structure": "BDS", "Occurrence Data Structure": "OCCDS"}.get(
            spec.observation_class, ""
        )
        structure = "BDS-TTE" if structure == "BDS" and "CNSR" in view else structure
        tries += [lambda: standard.dataset(structure)]
    else:
        tries += [
            lambda: standard.dataset(view.prefix),
            lambda: standard.custom_domain(view.prefix, spec.label, spec.observation_class),
        ]
    for attempt in tries:
        try:
            return attempt()
        except KeyError:
            continue
    return None


PACKAGE = "PACKAGE"
"""The name of the frame that lists the datasets of a package (dataset, class, records, variables)."""

ADAM_CLASSES = ("Subject Level Analysis Dataset", "Basic Data Structure", "Occurrence Data Structure", "ADaM Other")
RELATIONSHIPS = ("RELREC", "RELSUB", "RELSPEC")


def is_adam_class(observation_class: str) -> bool:
    """Whether a class is one of ADaM's."""
    return observation_class in ADAM_CLASSES


def is_adam(view: View) -> bool:
    """Whether a dataset is an analysis dataset."""
    return is_adam_class(view.dataset.spec.observation_class)


def is_sdtm(view: View) -> bool:
    """Whether a dataset is a tabulation dataset."""
    return not is_adam(view)


def is_supplemental(name: str) -> bool:
    """Whether a dataset holds supplemental qualifiers."""
    return name.startswith(("SUPP", "SQ")) and len(name) > 2


def is_general(view: View) -> bool:
    """Whether a dataset belongs to the three general observation classes."""
    return view.dataset.spec.observation_class in {"Interventions", "Events", "Findings", "Findings About"}


def is_finding(view: View) -> bool:
    """Whether a dataset belongs to the Findings class."""
    return view.dataset.spec.observation_class in {"Findings", "Findings About"}


RULES: dict[str, Planned] = {}


def rule(  # noqa: PLR0913 - a catalogue entry has that many parts
    id: str,
    severity: Severity,
    *,
    group: Group,
    citation: str,
    applies: Applies,
    fix_in: FixIn = "mapping",
    builtin: Callable[[Study, View], Builtin] | None = None,
    structural: bool = False,
) -> Callable[[Find], Find]:
    """Enter a function into the catalogue; its docstring is the rule's title and description."""

    def enter(find: Find) -> Find:
        if id in RULES:
            raise ValueError(f"rule {id} is defined twice")
        title, _, description = inspect.cleandoc(find.__doc__ or "").partition("\n")
        text = " ".join(description.split())
        RULES[id] = Planned(
            Rule(id, severity, title.rstrip("."), text, citation, fix_in, group), applies, find, builtin, structural
        )
        return find

    return enter


def announce(id: str, severity: Severity, *, citation: str, fix_in: FixIn, text: str, group: Group = "file") -> Rule:
    """Enter a rule that is judged elsewhere: while files are read, mapped or written."""
    title, _, description = text.partition("\n")
    made = Rule(id, severity, title.strip().rstrip("."), " ".join(description.split()), citation, fix_in, group)
    RULES[id] = Planned(made, lambda _study, _view: (), lambda _study, _view: (), None, False)
    return made


def on(*variables: str, only: Callable[[View], bool] = is_sdtm) -> Applies:
    """Apply to datasets that have all these variables (`--` stands for the domain's prefix)."""

    def applies(_study: Study, view: View) -> Sequence[str]:
        names = [view.real(variable) for variable in variables]
        return names if only(view) and all(name in view for name in names) else ()

    return applies


def dataset(name: str, *variables: str, needs: tuple[str, ...] = ()) -> Applies:
    """Apply to one dataset; its lack of `needs` (or of a dataset `DM.ARM`) makes the check one that cannot run."""

    def applies(study: Study, view: View) -> Sequence[str]:
        if view.name != name or not all(variable in view for variable in variables):
            return ()
        for need in needs:
            other, _, variable = need.partition(".")
            study.column(other, variable)
        return list(variables)

    return applies


def plan_checks(study: Study, view: View) -> Iterator[Check | tuple[Rule, str]]:
    """Yield the checks that apply to a dataset; a rule that applies but cannot run comes with its reason."""
    for planned in RULES.values():
        if (planned.rule.group == "package") != (view.name == PACKAGE):
            continue
        if not len(view) and not planned.structural:
            continue
        try:
            variables = tuple(planned.applies(study, view))
        except CannotRunError as reason:
            yield planned.rule, str(reason)
            continue
        if variables:
            builtin = planned.builtin(study, view) if planned.builtin else None
            yield Check(planned.rule, view.name, variables, planned.find, builtin)


def evaluate(check: Check, study: Study, view: View) -> tuple[tuple[Hit, ...], str]:
    """Run a check's function; return what it found, and why it could not finish (empty where it could)."""
    found: list[Hit] = []
    try:
        for hit in check.find(study, view):
            found.append(hit)  # noqa: PERF402 - what was found before the reason came must stay
    except CannotRunError as reason:
        return tuple(found), str(reason)
    return tuple(found), ""


def failing(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
    """Return the positions where the mask is True."""
    return np.flatnonzero(mask)


def hits(variable: str, message: str, mask: npt.NDArray[np.bool_], **more: Any) -> Iterator[Hit]:
    """Yield one hit where any record fails, none otherwise."""
    positions = failing(mask)
    if len(positions):
        yield Hit(variable, message, positions, **more)
