"""Bring a study folder to another date of controlled terminology: what is touched, and the renames that are safe.

Literal values of `mapping/*.yaml`, `terminology/*.yaml` and the package dates of `study.yaml` are found with their place in
the text. A rename is safe where CDISC changed the submission value of one concept and neither value means another concept
in the other package; only those are applied, in place, so that comments and layout stay.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import yaml

from cdiscway.specs.changes import Change, diff_packages
from cdiscway.specs.load import Way, parse_yaml, show_way
from cdiscway.specs.mistakes import Mistake, MistakesError
from cdiscway.specs.model import DatasetSpec
from cdiscway.specs.package import Package
from cdiscway.specs.standards import Standard, load_standard
from cdiscway.specs.store import bundled, imported, open_package, store_folder

Effect = Literal["rename", "ambiguous", "removed", "in a condition", "now a term", "package date"]
_RESULT_WORDS = {"value", "cases", "then", "otherwise"}
_LOST = ("submission value changed", "term removed")
_CONDITIONS = {"when", "where", "holds"}
_UNIT_WORDS = {"unit": "--ORRESU", "standard_unit": "--STRESU"}
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{0,7}")
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9 _./^+-]*")
_READ_AS_OTHER = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}


@dataclass(frozen=True, slots=True)
class Touched:
    """One value of the study that a change of terminology touches; `start` and `end` are its place in the file's text."""

    file: Path
    line: int
    path: str
    codelist: str
    old: str
    new: str
    effect: Effect
    why: str = ""
    start: int = 0
    end: int = 0


@dataclass(frozen=True)
class Migration:
    """What a migration would do to a study folder, and what it leaves to the user."""

    study: Path
    date: str
    touched: tuple[Touched, ...] = ()
    missing: tuple[str, ...] = field(default_factory=tuple)

    @property
    def edits(self) -> tuple[Touched, ...]:
        """What can be applied."""
        return tuple(one for one in self.touched if one.effect in ("rename", "package date"))

    @property
    def left(self) -> tuple[Touched, ...]:
        """What the user has to decide."""
        return tuple(one for one in self.touched if one not in self.edits)


@dataclass(frozen=True, slots=True)
class _Literal:
    """A value written in a file: the codelists that bind it (by code), or a condition that may hold it."""

    file: Path
    way: Way
    node: yaml.ScalarNode
    codelists: tuple[str, ...]
    kind: Literal["value", "condition", "extension"] = "value"


def plan_migration(study: Path, date: str, home: Path | None = None) -> Migration:
    """Return what it takes to bring the study to the packages of a date; raises MistakesError.

    Packages of that date that are neither imported nor bundled stay as they are and are named in `missing`.
    """
    folder = store_folder(home)
    there = {**bundled(), **imported(folder)}
    changes: list[Change] = []
    touched: list[Touched] = []
    missing: list[str] = []
    for kind, node in _package_dates(study).items():
        title = f"{kind} CT {date}"
        if node.value == date:
            continue
        if title not in there:
            missing.append(title)
            continue
        changes += diff_packages(*open_pair((f"{kind} CT {node.value}", title), folder))
        way = f"standards.terminology.{kind}"
        touched.append(_touch(study / "study.yaml", node, way, kind, date, "package date"))
    if missing and not touched:
        known = ", ".join(sorted(there))
        raise MistakesError([Mistake(title, None, "", "is not imported", f"there are {known}") for title in missing])
    return Migration(study, date, (*touched, *touched_values(study, changes)), tuple(missing))


def touched_values(study: Path, changes: Iterable[Change]) -> tuple[Touched, ...]:
    """Return the values written in the study's files that the changes touch, by file and line."""
    by_list: dict[str, list[Change]] = {}
    for change in changes:
        by_list.setdefault(change.codelist_code, []).append(change)
    found = [one for literal in _literals(study) for one in _effects(literal, by_list)]
    return tuple(sorted(found, key=lambda one: (one.file.as_posix(), one.start)))


def apply_migration(migration: Migration) -> tuple[Path, ...]:
    """Write the edits into the study's files and return those files; all texts are made and checked before any is written.

    Raises MistakesError where an edit would change anything but the value meant.
    """
    texts: dict[Path, str] = {}
    for path in dict.fromkeys(one.file for one in migration.edits):
        edits = [one for one in migration.edits if one.file == path]
        texts[path] = _edited(path, edits)
    for path, text in texts.items():
        _replace(path, text)
    return tuple(texts)


def _package_dates(study: Path) -> dict[str, yaml.ScalarNode]:
    """Return the nodes of study.yaml that give the date of a package, by kind; kinds it does not name have none."""
    path = study / "study.yaml"
    found = {}
    for way, node in _scalars(_compose(path)):
        if way[:2] == ("standards", "terminology") and len(way) == 3:
            found[str(way[2])] = node
    if not found:
        message = "names no terminology package under standards: terminology: {SDTM: 2026-03-27}"
        raise MistakesError([Mistake(path.name, None, "standards.terminology", message)])
    return found


def _literals(study: Path) -> Iterator[_Literal]:
    for path in sorted((study / "mapping").glob("*.yaml")):
        yield from _of_mapping(path)
    for name, kind in (("synonyms.yaml", "value"), ("extensions.yaml", "extension")):
        path = study / "terminology" / name
        for way, node in _scalars(_compose(path)) if path.is_file() else ():
            if kind == "value" or (way and way[-1] == "value"):
                yield _Literal(path, way, node, (str(way[0]),), "extension" if kind == "extension" else "value")


def _of_mapping(path: Path) -> Iterator[_Literal]:
    scalars = list(_scalars(_compose(path)))
    top = {str(way[0]): node.value for way, node in scalars if len(way) == 1}
    standard, spec = _spec(top)
    if spec is None:
        return
    for way, node in scalars:
        if way and way[-1] in _CONDITIONS:
            yield _Literal(path, way, node, (), "condition")
            continue
        variable = _variable_of(way, top.get("domain", ""))
        found = standard.resolve(spec, variable) if variable else None
        if found and found.codelists:
            yield _Literal(path, way, node, found.codelists)


def _spec(top: Mapping[str, str]) -> tuple[Standard, DatasetSpec | None]:
    """Return the standard and the dataset a mapping file is for; no dataset where the file does not say one we know."""
    standard = load_standard("ADaMIG 1.3" if "dataset" in top else "SDTMIG 3.4")
    name = top.get("domain") or top.get("dataset") or ""
    try:
        return standard, standard.dataset(name)
    except KeyError:
        pass
    try:
        if "domain" in top:
            return standard, standard.custom_domain(name, name, top.get("class", ""))  # type: ignore[arg-type]
        return standard, standard.dataset("BDS")
    except KeyError:
        return standard, None


def _variable_of(way: Way, domain: str) -> str:
    """Return the variable that a value at this place is given to, or nothing (a column, a form, a format ...).

    >>> _variable_of(("records", 0, "set", "SEX", "recode", "1"), "DM")
    'SEX'
    """
    if way and way[-1] in _UNIT_WORDS and "tests" in way:
        return _UNIT_WORDS[str(way[-1])].replace("--", domain, 1)
    for i in range(len(way) - 1, -1, -1):
        step = way[i]
        if isinstance(step, str) and _VARIABLE.fullmatch(step) and (i == 0 or way[i - 1] != "recode"):
            return step if _is_result(way[i + 1 :]) else ""
    return ""


def _is_result(rest: Way) -> bool:
    """Whether the steps under a variable lead to a value that is given to it."""
    i = 0
    while i < len(rest):
        if rest[i] == "recode":
            i += 2
        elif isinstance(rest[i], int) or rest[i] in _RESULT_WORDS:
            i += 1
        else:
            return False
    return True


def _effects(literal: _Literal, by_list: Mapping[str, list[Change]]) -> Iterator[Touched]:
    if literal.kind == "condition":
        yield from _in_condition(literal, by_list)
        return
    for code, changes in by_list.items():
        if {code, changes[0].codelist} & set(literal.codelists):
            yield from (_now_terms if literal.kind == "extension" else _of_value)(literal, changes)


def _in_condition(literal: _Literal, by_list: Mapping[str, list[Change]]) -> Iterator[Touched]:
    for change in (one for changes in by_list.values() for one in changes if one.kind in _LOST):
        if re.search(rf"(['\"]){re.escape(change.old)}\1", literal.node.value):
            yield _of(literal, change, "in a condition", f"compares with '{change.old}'")


def _now_terms(literal: _Literal, changes: Iterable[Change]) -> Iterator[Touched]:
    for change in changes:
        if change.kind == "term added" and change.new.casefold() == literal.node.value.casefold():
            yield _of(literal, change, "now a term", f"CDISC has it now as '{change.new}'")


def _of_value(literal: _Literal, changes: list[Change]) -> Iterator[Touched]:
    for change in changes:
        if change.old != literal.node.value or change.kind not in _LOST:
            continue
        why = _danger(change, changes, literal)
        if change.kind == "term removed":
            yield _of(literal, change, "removed", why or "CDISC has no such term any more")
        else:
            yield _of(literal, change, "ambiguous" if why else "rename", why)


def _danger(change: Change, changes: Iterable[Change], literal: _Literal) -> str:
    """Return why a rename is not safe, or an empty text."""
    for other in changes:
        if other.term_code == change.term_code:
            continue
        if other.new == change.old and other.kind in ("term added", "submission value changed"):
            return f"'{change.old}' means another concept now ({other.term_code})"
        if change.new and other.old == change.new and other.kind in ("term removed", "submission value changed"):
            return f"'{change.new}' meant another concept before ({other.term_code})"
    if len(literal.codelists) > 1:
        return f"several codelists bind it: {', '.join(literal.codelists)}"
    return ""


def _of(literal: _Literal, change: Change, effect: Effect, why: str) -> Touched:
    path = show_way(literal.way)
    found = _touch(literal.file, literal.node, path, change.codelist, change.new, effect, why)
    return replace(found, old=change.old or literal.node.value)


def _touch(
    file: Path, node: yaml.ScalarNode, path: str, codelist: str, new: str, effect: Effect, why: str = ""
) -> Touched:
    start, end = node.start_mark, node.end_mark
    return Touched(file, start.line + 1, path, codelist, node.value, new, effect, why, start.index, end.index)


def _compose(path: Path) -> yaml.Node | None:
    """Read the nodes of a file with their places in the text; raises MistakesError where it is not YAML."""
    text = _read(path)
    parse_yaml(text, path.name)
    return yaml.compose(text, Loader=yaml.SafeLoader)


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise MistakesError([Mistake(str(path), None, "", "there is no such file")]) from None
    except UnicodeDecodeError:
        raise MistakesError([Mistake(str(path), None, "", "is not UTF-8 text")]) from None


def _scalars(node: yaml.Node | None, way: Way = ()) -> Iterator[tuple[Way, yaml.ScalarNode]]:
    if isinstance(node, yaml.ScalarNode):
        yield way, node
    elif isinstance(node, yaml.SequenceNode):
        for i, item in enumerate(node.value):
            yield from _scalars(item, (*way, i))
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _scalars(value, (*way, str(key.value)))


def _edited(path: Path, edits: list[Touched]) -> str:
    """Return the file's text with the values replaced; the file must read as before but for them."""
    text = before = _read(path)
    for edit in sorted(edits, key=lambda one: one.start, reverse=True):
        text = text[: edit.start] + _written(edit.new, before[edit.start : edit.end]) + text[edit.end :]
    wanted = {edit.path: edit.new for edit in edits}
    old = [
        (way, wanted.get(show_way(way), node.value)) for way, node in _scalars(yaml.compose(before, yaml.SafeLoader))
    ]
    new = [(way, node.value) for way, node in _scalars(yaml.compose(text, yaml.SafeLoader))]
    if old != new:
        line = edits[0].line
        raise MistakesError([Mistake(path.name, line, edits[0].path, "cannot be edited safely: change it by hand")])
    return text


def _written(value: str, was: str) -> str:
    """Write a value as YAML, quoted as the old one was."""
    if was[:1] == "'":
        return "'" + value.replace("'", "''") + "'"
    plain = (_PLAIN.fullmatch(value) and value == value.strip()) or re.fullmatch(r"\d{4}-\d\d-\d\d", value)
    if was[:1] != '"' and plain and value.casefold() not in _READ_AS_OTHER:
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _replace(path: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode("utf-8"))
        Path(name).chmod(path.stat().st_mode)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def common_titles(old: str, new: str, folder: Path, kind: str = "") -> list[tuple[str, str]]:
    """Return the pairs of package titles of two dates that are both there, of one kind or of all; raises MistakesError."""
    there = {**bundled(), **imported(folder)}
    kinds = [kind] if kind else ["SDTM", "ADaM", "Define-XML", "CDASH"]
    pairs = [(f"{one} CT {old}", f"{one} CT {new}") for one in kinds]
    found = [pair for pair in pairs if pair[0] in there and pair[1] in there]
    if not found:
        hint = f"there are {', '.join(sorted(there))}"
        message = f"no kind of package is there for both dates {old} and {new}"
        raise MistakesError([Mistake("terminology", None, "", message, hint)])
    return found


def open_pair(titles: tuple[str, str], folder: Path) -> tuple[Package, Package]:
    """Open two packages; raises MistakesError where one holds only a selection of its codelists: no diff can be made."""
    old, new = (open_package(title, folder) for title in titles)
    partial = [package for package in (old, new) if not package.whole]
    if partial:
        raise MistakesError([_selection(package) for package in partial])
    return old, new


def _selection(package: Package) -> Mistake:
    message = "is bundled as a selection of its codelists"
    return Mistake(package.title, None, "", message, "import the whole: cdiscway terminology import FILE")
