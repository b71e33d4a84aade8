"""Rules as data: CDISC's open rule format (YAML), read with the line of every mistake.

The words of the format are in docs/reference/rule-format.md. A rule names what it applies to (Scope), what makes a
record wrong (Check), what is computed before (Operations) or joined (Match Datasets), and what is told (Outcome).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from cdiscway.specs.load import Document, Way, read_yaml, show_way
from cdiscway.specs.mistakes import MistakeCollector, MistakesError, nearest

from .operations import OPERATIONS
from .operators import NEEDED_WORDS, OPERATORS, TAKES_NO_VALUE
from .rule_types import RULE_TYPES

SENSITIVITIES = ("Record", "Dataset", "Group", "Study")
TOP_WORDS = (
    "Authorities", "Check", "Core", "Description", "Executability", "Grouping Variables",
    "Match Datasets", "Mend In", "Operations", "Outcome", "Rule Type", "Scope", "Sensitivity", "Severity",
)  # fmt: skip
SCOPE_WORDS = (
    "Classes", "Data Structures", "Dataset or Domain or Item Group", "Datasets", "Domains", "Entities", "Subclasses",
    "Use Case",
)  # fmt: skip
CONDITION_WORDS = (
    "comparator", "context", "date_component", "metadata", "name", "negative", "operator", "order", "ordering",
    "prefix", "regex", "round_values", "separator", "suffix", "target", "type_insensitive", "value",
    "value_is_literal", "value_is_reference", "within",
)  # fmt: skip
OPERATION_WORDS = (
    "attribute_name", "case_sensitive", "codelist", "codelist_code", "codelists", "ct_attribute", "ct_conditions",
    "ct_package_type", "ct_package_types", "ct_packages", "ct_version", "delimiter", "dictionary_term_type", "domain",
    "domain_class", "external_dictionary_term_variable", "external_dictionary_type", "filter", "filter_key",
    "filter_value", "group", "group_aliases", "id", "key_name", "key_value", "level", "map", "name", "namespace",
    "operator", "order_insensitive", "regex", "returntype", "source", "subtract", "term_code", "term_pref_term",
    "term_value", "value_is_reference", "version",
)  # fmt: skip
FLAGS = ("negative", "round_values", "type_insensitive", "value_is_literal", "value_is_reference")
ONE_OR_MORE = ("Exclude", "Grouping Variables", "Include", "Keys", "Output Variables")  # one value may stand unlisted
_OWN = frozenset({"name", "operator"})
MATCH_WORDS = ("Child", "Is Relationship", "Join Type", "Keys", "Name", "Wildcard")


@dataclass(frozen=True)
class Condition:
    """One operator asked of one variable; `parameters` holds all its words but `name` and `operator`."""

    name: str
    operator: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Group:
    """Conditions tied by `all`, `any` or `not`."""

    tie: Literal["all", "any", "not"]
    items: tuple[Condition | Group, ...]


Check = Condition | Group


@dataclass(frozen=True)
class Operation:
    """Something computed before the check and called by its `id` ($name)."""

    id: str
    operator: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Match:
    """A dataset joined to the one checked. `keys` are pairs (here, there)."""

    name: str
    keys: tuple[tuple[str, str], ...] = ()
    child: bool = False
    join: Literal["inner", "left"] = "inner"
    wildcard: str = "**"


@dataclass(frozen=True)
class Selection:
    """What a part of the scope takes in; empty `include` takes in all."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def takes(self, matches: Any) -> bool:
        """Whether a thing belongs, `matches(word)` telling if it answers to a word of the list."""
        if any(matches(word) for word in self.exclude):
            return False
        return not self.include or any(word == "ALL" or matches(word) for word in self.include)


@dataclass(frozen=True)
class Scope:
    """The datasets a rule applies to."""

    classes: Selection = Selection()
    domains: Selection = Selection()
    structures: Selection = Selection()
    use_cases: tuple[str, ...] = ()
    splits: bool | None = None
    entities: bool = False


@dataclass(frozen=True)
class Reference:
    """Where a rule comes from: `CG0176` of `SDTMIG` `3.4`; `section` is the place it cites, the document's name first."""

    organization: str
    standard: str
    version: str
    identifier: str
    substandard: str = ""
    section: str = ""


@dataclass(frozen=True)
class Rule:
    """One rule of the catalogue. `check` is None for a rule written in another language (JSONata)."""

    id: str
    rule_type: str
    sensitivity: Literal["Record", "Dataset", "Group", "Study"]
    message: str
    scope: Scope
    check: Check | None
    operations: tuple[Operation, ...] = ()
    matches: tuple[Match, ...] = ()
    output: tuple[str, ...] = ()
    grouping: tuple[str, ...] = ()
    description: str = ""
    references: tuple[Reference, ...] = ()
    severity: Literal["error", "warning", "info"] = "error"
    mend_in: Literal["raw", "mapping", "spec", "tool"] = "mapping"
    file: str = ""

    def identifiers(self) -> tuple[str, ...]:
        """The conformance rules it implements (CG0176, FB0001), each once."""
        return tuple(dict.fromkeys(r.identifier for r in self.references))

    def applies_to(self, standard: str, version: str) -> bool:
        """Whether it is written for a standard; a rule that names none is for all."""
        wanted = (standard.upper(), normal_version(version))
        named = [(r.standard.upper(), normal_version(r.version)) for r in self.references]
        return not named or wanted in named


def normal_version(version: str) -> str:
    """Write a version with points.

    >>> normal_version("3-4")
    '3.4'
    """
    return version.replace("-", ".")


def spaced(data: Any) -> Any:
    """Let a word be written with underscores, as some tools write them: `Rule_Type`."""
    return {str(key).replace("_", " "): value for key, value in data.items()} if isinstance(data, dict) else data


def as_flag(value: Any) -> bool:
    """Read yes and no as rules write them (`true`, `True`)."""
    return value is True or str(value).lower() in {"true", "yes", "y"}


def conditions_of(check: Check | None) -> Iterator[Condition]:
    """Give the conditions of a check in the order they are written."""
    if isinstance(check, Condition):
        yield check
    elif check is not None:
        for item in check.items:
            yield from conditions_of(item)


def read_rules(folder: Path) -> list[Rule]:
    """Read every rule below a folder (or one file), in the order of the paths.

    Where rules have folders of their own (`CORE-000001/rule.yml`, as in CDISC's repository) only files of that name are
    rules; of a checkout only those below `Published`. Rules for other standards are left out. Raises MistakesError with
    the mistakes of all files together.
    """
    collector, rules = MistakeCollector(), []
    files, others = ([folder], []) if folder.is_file() else rule_files(folder)
    for file in files:
        try:
            rules.append(read_rule(file, file.name if file == folder else str(file.relative_to(folder))))
        except MistakesError as error:
            collector.extend(error.mistakes)
    if not files and not others:
        collector.add(str(folder), None, "", "holds no rule (no .yml or .yaml file)")
    collector.raise_if_any()
    return rules


def rule_files(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return the rule files below a folder, and those of rules for other standards (SENDIG, USDM), both in order."""
    top = folder / "Published" if (folder / "Published").is_dir() else folder
    found = [p for p in top.rglob("*.y*ml") if p.suffix in {".yml", ".yaml"}]
    seen = [p for p in found if not any(part.startswith(".") for part in p.relative_to(folder).parts)]
    own_folders = [p for p in seen if p.stem == "rule"]
    others = {p for p in own_folders or seen if is_foreign(p)}
    return sorted(set(own_folders or seen) - others), sorted(others)


_NAMES_STANDARDS = re.compile(rb"^\s*-?\s*Standards:", re.MULTILINE)
_OUR_STANDARDS = re.compile(rb"""Name:\s*["']?(SDTMIG|ADAMIG|TIG)["']?\s*(?:$|[,}])""", re.IGNORECASE | re.MULTILINE)


def is_foreign(file: Path) -> bool:
    """Whether a rule names standards, and none that this tool knows; told without reading the rule, which may be unreadable."""
    text = file.read_bytes()
    return bool(_NAMES_STANDARDS.search(text)) and not _OUR_STANDARDS.search(text)


def _name_of(file: str) -> str:
    """Return the id of a rule that names none: its file, or its folder where the file is `rule.yml`."""
    path = Path(file)
    return path.parent.name if path.stem == "rule" and path.parent.name else path.stem


def read_rule(file: Path, name: str | None = None) -> Rule:
    """Read one rule. Raises MistakesError with file and line."""
    return parse_rule(read_yaml(file, name))


def parse_rule(document: Document) -> Rule:
    """Turn a document into a rule. Raises MistakesError with all its mistakes."""
    return _Reader(document).rule()


class _Reader:
    """Walks a rule's document; every mistake is kept with its line until the end."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.mistakes = MistakeCollector()
        self.beside_define = False

    def wrong(self, way: Way, message: str, hint: str = "") -> None:
        self.mistakes.add(self.document.name, self.document.line(way), show_way(way), message, hint)

    def mapping(self, data: Any, way: Way, words: Iterable[str] | None = None) -> Mapping[str, Any]:
        if not isinstance(data, dict):
            self.wrong(way, "must be a list of words with values")
            return {}
        if words is not None:
            known = tuple(words)
            for key in data:
                if key not in known:
                    self.wrong((*way, key), f"'{key}' is not a word known here", nearest(key, known))
        return data

    def sequence(self, data: Any, way: Way) -> list[Any]:
        if data is None:
            return []
        if isinstance(data, str | int | float) and way and way[-1] in ONE_OR_MORE:
            return [data]
        if not isinstance(data, list):
            self.wrong(way, "must be a list")
            return []
        return data

    def names(self, data: Any, way: Way) -> tuple[str, ...]:
        return tuple(str(item) for item in self.sequence(data, way))

    def choice(self, data: Any, way: Way, known: Iterable[str], what: str) -> str:
        choices = tuple(known)
        if data not in choices:
            self.wrong(way, f"'{data}' is not a known {what}", nearest(str(data), choices))
        return str(data)

    def rule(self) -> Rule:
        data = self.mapping(spaced(self.document.data), (), TOP_WORDS)
        for word in ("Check", "Core", "Outcome", "Rule Type", "Scope", "Sensitivity"):
            if data and word not in data:
                self.wrong((), f"'{word}' is missing")
        core = self.mapping(data.get("Core") or {}, ("Core",))
        outcome = self.mapping(spaced(data.get("Outcome") or {}), ("Outcome",), ("Message", "Output Variables"))
        rule_type = self.choice(data.get("Rule Type"), ("Rule Type",), RULE_TYPES, "rule type")
        self.beside_define = "Metadata Check against Define XML" in rule_type
        rule = Rule(
            id=str(core.get("Id") or _name_of(self.document.name)),
            rule_type=rule_type,
            sensitivity=self.choice(data.get("Sensitivity"), ("Sensitivity",), SENSITIVITIES, "sensitivity"),  # type: ignore[arg-type]
            message=str(outcome.get("Message") or ""),
            scope=self.scope(data.get("Scope")),
            check=None if isinstance(data.get("Check"), str) else self.check(data.get("Check"), ("Check",)),
            operations=self.operations(data.get("Operations")),
            matches=self.matches(data.get("Match Datasets")),
            output=self.names(outcome.get("Output Variables"), ("Outcome", "Output Variables")),
            grouping=self.names(data.get("Grouping Variables"), ("Grouping Variables",)),
            description=str(data.get("Description") or ""),
            references=tuple(self.references(data.get("Authorities"))),
            severity=self.choice(
                data.get("Severity", "error"), ("Severity",), ("error", "warning", "info"), "severity"
            ),  # type: ignore[arg-type]
            mend_in=self.choice(
                data.get("Mend In", "mapping"), ("Mend In",), ("raw", "mapping", "spec", "tool"), "place to mend"
            ),  # type: ignore[arg-type]
            file=self.document.name,
        )
        if rule.check is None and rule_type != "JSONata" and "Check" in data:
            self.wrong(("Check",), "must be conditions under 'all', 'any' or 'not'")
        self.mistakes.raise_if_any()
        return rule

    def check(self, data: Any, way: Way) -> Check | None:
        if data is None:
            return None
        ties = [key for key in ("all", "any", "not") if isinstance(data, dict) and key in data]
        if not ties:
            return self.condition(data, way)
        # CDISC publishes conditions beside the group that holds them (CORE-000093) and groups side by side (CORE-000122):
        # the group counts, of several `all` before `any` before `not`
        found = self.mapping(data, way, (*ties, *CONDITION_WORDS))
        tie: Any = ties[0]
        items = [found[tie]] if tie == "not" else self.sequence(found[tie], (*way, tie))
        ways: list[Way] = [(*way, tie)] if tie == "not" else [(*way, tie, i) for i in range(len(items))]
        checks = tuple(c for item, place in zip(items, ways, strict=True) if (c := self.check(item, place)) is not None)
        if not checks:
            self.wrong((*way, tie), "holds no condition")
        return Group(tie, checks)

    def condition(self, data: Any, way: Way) -> Condition | None:
        found = self.mapping(data, way, CONDITION_WORDS)
        if not found:
            return None
        operator = found.get("operator")
        if operator is None:
            self.wrong(way, "'operator' is missing")
            return None
        self.choice(operator, (*way, "operator"), OPERATORS, "operator")
        name = found.get("name", found.get("target"))
        if name is None:
            self.wrong(way, "'name' is missing")
        if self.beside_define and operator not in TAKES_NO_VALUE and not {"value", "comparator"} & set(found):
            found = {**found, "value": f"define_{name}"}  # the fact of the same name that define.xml tells
        if not {"value", "comparator"} & set(found) and operator in OPERATORS and operator not in TAKES_NO_VALUE:
            self.wrong(way, f"'value' is missing ({operator} compares with something)")
        for word in NEEDED_WORDS.get(str(operator), ()):
            if word not in found:
                self.wrong(way, f"'{word}' is missing ({operator} needs it)")
        if str(operator).removeprefix("not_").startswith(("prefix_", "suffix_")) and not {"prefix", "suffix"} & set(
            found
        ):
            self.wrong(way, f"'{str(operator).removeprefix('not_')[:6]}' is missing (how many characters)")
        for word in ("regex", *(("value",) if "matches_regex" in operator else ())):
            if word in found:
                self.pattern(found[word], (*way, word))
        if "comparator" in found:
            found = {"value": found["comparator"], **found}
        words = {key: as_flag(value) if key in FLAGS else value for key, value in found.items() if key not in _OWN}
        return Condition(str(name), str(operator), words)

    def pattern(self, text: Any, way: Way) -> None:
        try:
            compile_pattern(str(text))
        except re.error as error:
            self.wrong(way, f"is not a regular expression: {error}")

    def operations(self, data: Any) -> tuple[Operation, ...]:
        found = []
        for i, item in enumerate(self.sequence(data, ("Operations",))):
            way: Way = ("Operations", i)
            words = self.mapping(item, way, OPERATION_WORDS)
            for word in ("id", "operator"):
                if words and word not in words:
                    self.wrong(way, f"'{word}' is missing")
            if "operator" in words:
                self.choice(words["operator"], (*way, "operator"), OPERATIONS, "operation")
            rest = {key: value for key, value in words.items() if key not in {"id", "operator"}}
            found.append(Operation(str(words.get("id")), str(words.get("operator")), rest))
        return tuple(found)

    def matches(self, data: Any) -> tuple[Match, ...]:
        found = []
        for i, item in enumerate(self.sequence(data, ("Match Datasets",))):
            way: Way = ("Match Datasets", i)
            words = self.mapping(spaced(item), way, MATCH_WORDS)
            if words and "Name" not in words:
                self.wrong(way, "'Name' is missing")
            listed = self.sequence(words.get("Keys"), (*way, "Keys"))
            keys = tuple(self.key(k, (*way, "Keys", j)) for j, k in enumerate(listed))
            join: Any = self.choice(words.get("Join Type", "inner"), (*way, "Join Type"), ("inner", "left"), "join")
            child = as_flag(words.get("Child", False))
            found.append(Match(str(words.get("Name")), keys, child, join, str(words.get("Wildcard", "**"))))
        return tuple(found)

    def key(self, data: Any, way: Way) -> tuple[str, str]:
        if isinstance(data, dict):
            words = self.mapping(data, way, ("Left", "Right"))
            return str(words.get("Left")), str(words.get("Right"))
        return str(data), str(data)

    def scope(self, data: Any) -> Scope:
        words = self.mapping(spaced(data or {}), ("Scope",), SCOPE_WORDS)
        domain_word = next((w for w in ("Domains", "Datasets", SCOPE_WORDS[2]) if w in words), "Domains")
        domains = self.mapping(words.get(domain_word) or {}, ("Scope", domain_word))
        use_case = words.get("Use Case") or ""
        use_case = ",".join(map(str, use_case)) if isinstance(use_case, list) else use_case
        return Scope(
            self.selection(words, "Classes"),
            self.selection(words, domain_word),
            self.selection(words, "Data Structures"),
            tuple(part.strip() for part in str(use_case).split(",") if part.strip()),
            as_flag(domains["include_split_datasets"]) if "include_split_datasets" in domains else None,
            "Entities" in words,
        )

    def selection(self, words: Mapping[str, Any], word: str) -> Selection:
        known = ("Include", "Exclude", "include_split_datasets")
        found = self.mapping(words.get(word) or {}, ("Scope", word), known)
        return Selection(
            self.names(found.get("Include"), ("Scope", word, "Include")),
            self.names(found.get("Exclude"), ("Scope", word, "Exclude")),
        )

    def references(self, data: Any) -> Iterator[Reference]:
        for i, authority in enumerate(self.sequence(data, ("Authorities",))):
            words = self.mapping(authority, ("Authorities", i))
            for standard in self.sequence(words.get("Standards"), ("Authorities", i, "Standards")):
                if not isinstance(standard, dict):
                    self.wrong(("Authorities", i, "Standards"), "must be standards with Name and Version")
                    continue
                for reference in standard.get("References") or []:
                    identifier = (reference.get("Rule Identifier") or {}).get("Id", "")
                    yield Reference(
                        str(words.get("Organization", "")),
                        str(standard.get("Name", "")),
                        str(standard.get("Version", "")),
                        str(identifier),
                        str(standard.get("Substandard") or ""),
                        "; ".join(_sections(reference.get("Citations") or [])),
                    )


def _sections(citations: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for cited in citations:
        if cited.get("Section"):
            yield f"{cited.get('Document', '')} section {cited['Section']}".strip()


def compile_pattern(text: str) -> re.Pattern[str]:
    """Compile a rule's regular expression (Python's dialect)."""
    return re.compile(text)
