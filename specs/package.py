"""One controlled terminology package in a file that is fast to read: codelists as blocks of text.

The first line says kind, date, rows, codelists and whether the package is `whole` or a `selection` of its codelists. Then
an index: code, submission value, and the length of its block in bytes. Then, after an empty line, one block per codelist:
a head (code, submission value, name, extensible), and one line per term (code, submission value, preferred term,
synonyms, definition). Only the blocks asked for are cut out and parsed, so opening a package costs a read.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from .model import Codelist, Term

_MAGIC = "cdiscway-terminology 2"


class Row(NamedTuple):
    """A row of NCI's layout; `codelist` is empty and `extensible` is given in the row of a codelist itself."""

    code: str
    codelist: str
    extensible: str
    name: str
    value: str
    synonyms: str
    definition: str
    preferred: str


@dataclass(frozen=True)
class Package:
    """One package, its codelists still as text."""

    kind: str
    date: str
    rows: int
    codelists: int
    whole: bool
    blocks: Mapping[str, bytes]
    names: Mapping[str, str]

    @property
    def title(self) -> str:
        """The name as define.xml and TS write it: `SDTM CT 2026-03-27`."""
        return f"{self.kind} CT {self.date}"

    def __contains__(self, code_or_name: str) -> bool:
        return code_or_name in self.blocks or code_or_name in self.names

    @functools.cached_property
    def _parsed(self) -> dict[str, Codelist]:
        return {}

    def codelist(self, code_or_name: str) -> Codelist:
        """Return a codelist by NCI code (C65047) or submission value (LBTESTCD); raises KeyError.

        The decode of a term is its name where there is a list of names to the list of codes (LBTEST to LBTESTCD), else
        its NCI preferred term.
        """
        code = code_or_name if code_or_name in self.blocks else self.names[code_or_name]
        if code not in self._parsed:
            self._parsed[code] = _parse(self.blocks[code], self.title, self._names_of(code))
        return self._parsed[code]

    def _names_of(self, code: str) -> dict[str, str]:
        """Return NCI code -> name from the list of names that goes with a list of codes, or nothing."""
        _, name, _ = self.blocks[code].split(b"\t", 2)
        other = self.partner(name.decode("utf-8"))
        lines = self.blocks[self.names[other]].decode("utf-8").split("\n")[1:] if other else []
        return {parts[0]: parts[1] for parts in (line.split("\t", 2) for line in lines)}

    def partner(self, name: str) -> str:
        """Return the list of names that goes with a list of codes: LBTEST for LBTESTCD, or an empty text.

        The pairs are those of CDISC: --TESTCD and --TEST, --PARMCD and --PARM, xxTC and xxTN, xxPC and xxPN.
        """
        for ending, other in (("CD", ""), ("TC", "TN"), ("PC", "PN")):
            if name.endswith(ending) and name[: -len(ending)] + other in self.names:
                return name[: -len(ending)] + other
        return ""

    def find(self, text: str) -> Iterator[tuple[Codelist, Term]]:
        """Yield the terms whose code, value, synonyms or preferred term hold the text (case does not matter)."""
        wanted, folded = text.encode("utf-8").lower(), text.casefold()
        for code, block in self.blocks.items():
            if wanted in block.lower():
                codelist = self.codelist(code)
                for term in codelist.terms:
                    if any(folded in part.casefold() for part in (term.code, term.value, term.decode, *term.synonyms)):
                        yield codelist, term


class _Blocks(Mapping[str, bytes]):
    """The blocks of a file that was read, cut out when asked for."""

    def __init__(self, data: bytes, places: dict[str, tuple[int, int]]) -> None:
        self._data = data
        self._places = places

    def __getitem__(self, code: str) -> bytes:
        start, end = self._places[code]
        return self._data[start:end]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def read_package(path: Path) -> Package:
    """Read a package file; raises ValueError where it is not one."""
    data = path.read_bytes()
    start = data.find(b"\n\n") + 2
    head, *index = data[: max(start - 2, 0)].decode("utf-8").split("\n")
    words = head.split("\t")
    if words[0] != _MAGIC or len(words) != 6:
        raise ValueError(f"{path.name} is not a terminology package of this version")
    places: dict[str, tuple[int, int]] = {}
    names: dict[str, str] = {}
    for line in index:
        code, name, length = line.split("\t")
        places[code] = (start, start + int(length))
        names[name] = code
        start += int(length) + 1
    if start != len(data):
        raise ValueError(f"{path.name} is not whole")
    _, kind, date, rows, codelists, extent = words
    return Package(kind, date, int(rows), int(codelists), extent == "whole", _Blocks(data, places), names)


def write_package(kind: str, date: str, rows: Iterable[Row], *, only: frozenset[str] | None = None) -> bytes:
    """Return the bytes of a package file; `only` these codelists (a selection, without definitions), or the whole."""
    blocks: dict[str, list[str]] = {}
    names: dict[str, str] = {}
    count = 0
    for row in rows:
        count += 1
        if not row.codelist:
            names[row.code] = row.value
            blocks[row.code] = ["\t".join((row.code, row.value, row.name, row.extensible))]
        else:
            definition = () if only is not None else (row.definition,)
            blocks[row.codelist].append("\t".join((row.code, row.value, row.preferred, row.synonyms, *definition)))
    extent = "whole" if only is None else "selection"
    head = "\t".join((_MAGIC, kind, date, str(count), str(len(blocks)), extent))
    kept = {code: "\n".join(lines).encode() for code, lines in blocks.items() if only is None or code in only}
    index = "\n".join((head, *(f"{code}\t{names[code]}\t{len(block)}" for code, block in kept.items())))
    return b"\n".join((index.encode(), b"", *kept.values(), b""))


def _parse(block: bytes, title: str, names: Mapping[str, str]) -> Codelist:
    head, *lines = block.decode("utf-8").split("\n")
    code, name, label, extensible = head.split("\t")
    terms = tuple(_term(line.split("\t"), names) for line in lines)
    return Codelist(code=code, name=name, label=label, extensible=extensible == "Yes", package=title, terms=terms)


def _term(parts: list[str], names: Mapping[str, str]) -> Term:
    code, value, preferred, synonyms = parts[:4]
    return Term.model_construct(  # our own file, checked when it was written
        code=code,
        value=value,
        decode=names.get(code) or preferred or value,
        synonyms=tuple(synonyms.split("; ")) if synonyms else (),
        definition=parts[4] if len(parts) > 4 else "",
    )
