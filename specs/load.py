"""Read YAML with line numbers, and turn it into models whose mistakes name file, line and path."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from .mistakes import Mistake, MistakesError, nearest

Way = tuple[str | int, ...]
Model = TypeVar("Model", bound=BaseModel)

_BOOLEANS = {"true": True, "false": False}
_NOTHING = {"", "~", "null"}


@dataclass(frozen=True)
class Document:
    """A YAML file as plain data, with the line on which each node stands.

    `name` is the file as shown in messages; `lines` maps a path such as `("records", 0, "form")` to a line.
    """

    name: str
    data: Any
    lines: Mapping[Way, int] = field(default_factory=dict)

    def line(self, way: Way) -> int | None:
        """Return the line of the node, or of the nearest node around it."""
        for end in range(len(way), -1, -1):
            if way[:end] in self.lines:
                return self.lines[way[:end]]
        return None


def read_yaml(path: Path, name: str | None = None) -> Document:
    """Read one YAML file (UTF-8, YAML 1.2 words: `Y`, `NO`, `2016-03-01`, `12:30` and `007` stay text).

    Raises MistakesError when the file is missing, is not UTF-8, is not YAML, or repeats a key.
    """
    shown = name or str(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise MistakesError([Mistake(shown, None, "", "there is no such file")]) from None
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise MistakesError([Mistake(shown, line, "", "is not UTF-8 text", "save the file as UTF-8")]) from None
    return parse_yaml(text, shown)


def parse_yaml(text: str, name: str) -> Document:
    """Parse YAML text; see `read_yaml`."""
    try:
        root = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "cannot be read"
        line = mark.line + 1 if mark else None
        hint = _yaml_hint(problem, "".join(text.splitlines()[mark.line : mark.line + 1]) if mark else "")
        raise MistakesError([Mistake(name, line, "", f"is not YAML: {problem}", hint)]) from None
    lines: dict[Way, int] = {}
    mistakes: list[Mistake] = []
    data = None if root is None else _build(root, (), lines, mistakes, name)
    if mistakes:
        raise MistakesError(mistakes)
    return Document(name, data, lines)


def _yaml_hint(problem: str, line: str) -> str:
    """Say what usually stands behind a mistake that the YAML parser words in its own way."""
    if "\t" in line[: len(line) - len(line.lstrip())] or (problem.endswith("start any token") and "\t" in line):
        return "a tab stands here: indent with blanks"
    # The usual cause in a mapping: `{when: A in ("x", "y"), then: Y}`, whose commas end the entry.
    hints = {
        "',' or": "inside { } a condition with a comma stands in quotes",
        "start any token": "a text that begins with % @ or ` stands in quotes",
        "expected key": "is the line indented as those before it?",
        "expected '-'": "is the line indented as those before it?",
        "mapping values are not allowed": "a text with ': ' stands in quotes; or is the line indented wrongly?",
        "undefined alias": "a text that begins with * or & stands in quotes",
        "another document": "a file holds one document: leave out '---'",
    }
    return next((hint for words, hint in hints.items() if words in problem), "")


def _build(node: yaml.Node, way: Way, lines: dict[Way, int], mistakes: list[Mistake], name: str) -> Any:
    lines.setdefault(way, node.start_mark.line + 1)
    if isinstance(node, yaml.ScalarNode):
        return _scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return [_build(item, (*way, i), lines, mistakes, name) for i, item in enumerate(node.value)]
    data: dict[Hashable, Any] = {}
    for key_node, value_node in node.value:
        key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
        if key is None:
            mistakes.append(Mistake(name, key_node.start_mark.line + 1, show_way(way), "a key must be a word"))
            continue
        if key in data:
            line = key_node.start_mark.line + 1
            mistakes.append(Mistake(name, line, show_way((*way, key)), f"'{key}' is given twice"))
        lines[(*way, key)] = key_node.start_mark.line + 1
        data[key] = _build(value_node, (*way, key), lines, mistakes, name)
    return data


def _scalar(node: yaml.ScalarNode) -> Any:
    """Return a number only where it prints as it was written: `1.10` and `007` stay text, nothing is lost."""
    text: str = node.value
    if node.style:  # quoted, or a block: the user means text
        return text
    if text in _NOTHING:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    for kind in (int, float):
        try:
            number = kind(text)
        except ValueError:
            continue
        if str(number) == text and text not in {"inf", "nan", "-inf"}:
            return number
    return text


def show_way(way: Way) -> str:
    """Write a path as users read it.

    >>> show_way(("records", 0, "tests", 3, "unit"))
    'records[0].tests[3].unit'
    """
    shown = ""
    for step in way:
        shown += f"[{step}]" if isinstance(step, int) else (f".{step}" if shown else str(step))
    return shown


def parse_model(document: Document, model: type[Model], root: str = "") -> Model:
    """Turn a document into `model`; every mistake is reported with file, line and path (`root` begins the path)."""
    if document.data is None:
        raise MistakesError([Mistake(document.name, 1, root, "the file is empty")])
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        raise MistakesError([_mistake(document, model, item, root) for item in _own_errors(error)]) from None


def _own_errors(error: ValidationError) -> list[Any]:
    """Leave out that a list is too short where it is so only because its items have mistakes of their own."""
    found = error.errors()
    return [
        item
        for item in found
        if item["type"] != "too_short"
        or not any(other["loc"][: len(item["loc"])] == item["loc"] for other in found if other is not item)
    ]


def _mistake(document: Document, model: type[BaseModel], item: Any, root: str) -> Mistake:
    way = _known_way(document, item["loc"])
    shown = ".".join(part for part in (root, show_way(way)) if part).replace(".[", "[")
    message, hint = str(item["msg"]).removeprefix("Value error, "), ""
    if item["type"] == "extra_forbidden":
        message = f"'{way[-1]}' is not a word known here"
        hint = nearest(str(way[-1]), _field_names(model, way[:-1]))
    elif item["type"] == "unknown_algorithm" and isinstance(item["input"], dict):
        words = message.partition("the words are ")[2].split(", ")
        hint = next((found for key in item["input"] if (found := nearest(str(key), words))), "")
    elif item["type"] == "missing":
        message = f"'{item['loc'][-1]}' is missing"
    elif item["type"] == "string_type" and isinstance(item["input"], int | float | bool):
        message, hint = "is no text here", f'write it in quotes: "{item["input"]}"'
    elif item["type"] == "tuple_type":
        message, hint = "is no list", "write it in brackets: [A, B]"
    elif item["type"] == "dict_type":
        message, hint = "is no table", "write it as KEY: value, or {KEY: value}"
    elif item["type"] == "literal_error":
        message = f"{item['input']!r} is none of {item['ctx']['expected']}"
    return Mistake(document.name, document.line(way), shown, message, hint)


def _known_way(document: Document, loc: tuple[str | int, ...]) -> Way:
    """Leave out the parts of pydantic's location that name a union member, not a place in the file."""
    way: Way = ()
    for place, step in enumerate(loc):
        if (*way, step) in document.lines and not _is_tag(document, way, loc[place : place + 2]):
            way = (*way, step)
    return way


def _is_tag(document: Document, way: Way, steps: tuple[str | int, ...]) -> bool:
    """Whether the first step names a union member: a word that stands beside the next one, not around it."""
    return len(steps) == 2 and (*way, *steps) not in document.lines and (*way, steps[1]) in document.lines


def _field_names(model: type[BaseModel], way: Way) -> list[str]:
    """Return the words a model allows at `way`, as far as its annotations tell."""
    current: Any = model
    for step in way:
        if isinstance(step, int):
            continue
        if not (isinstance(current, type) and issubclass(current, BaseModel)) or step not in current.model_fields:
            return []
        current = _inner_model(current.model_fields[step].annotation)
    if isinstance(current, type) and issubclass(current, BaseModel):
        return [info.alias or name for name, info in current.model_fields.items()]
    return []


def _inner_model(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in getattr(annotation, "__args__", ()):
        found = _inner_model(part)
        if found is not None:
            return found
    return None
