"""Where the engine's library metadata and terminology come from: tables of facts, or the packages of `specs`."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from .rule_data import LibraryVariable, RuleCodelist, RuleTerm, normal_class


@dataclass(frozen=True)
class TableLibrary:
    """Library metadata held in tables: guide variables by domain, model variables by (class, dataset)."""

    labels: Mapping[str, str]
    classes: Mapping[str, str]
    guide: Mapping[str, Sequence[LibraryVariable]]
    model: Mapping[tuple[str, str], Sequence[LibraryVariable]]

    def domains(self) -> Sequence[str]:
        """Names of the guide's datasets."""
        return tuple(self.labels)

    def domain_label(self, domain: str) -> str:
        """Label of a dataset."""
        return self.labels.get(domain, "")

    def domain_class(self, domain: str) -> str:
        """Class of a dataset."""
        return self.classes.get(domain, "")

    def variables(self, domain: str) -> Sequence[LibraryVariable]:
        """Variables of a dataset in the guide's order."""
        return self.guide.get(domain, ())

    def model_variables(self, class_name: str, domain: str) -> Sequence[LibraryVariable]:
        """Variables of a model dataset, else identifiers, the class's own and timing variables."""
        own = self.model.get((normal_class(class_name), domain))
        if own:
            return own
        general = self.model.get(("GENERAL OBSERVATIONS", ""), ())
        wanted = normal_class(class_name)
        specific = [*self.model.get((wanted, ""), ())]
        if wanted == "FINDINGS ABOUT":
            specific = [*self.model.get(("FINDINGS", ""), ()), *specific]
        if not specific:
            return ()
        identifiers = [v for v in general if v.role == "Identifier"]
        timing = [v for v in general if v.role != "Identifier"]
        return [*identifiers, *specific, *timing]


def read_table_library(guide: Path, datasets: Path, model: Path) -> TableLibrary:
    """Read library metadata from three CSV files (guide variables, guide datasets, model variables)."""
    by_domain: dict[str, list[LibraryVariable]] = {}
    for row in _rows(guide):
        by_domain.setdefault(row["dataset"], []).append(_variable(row))
    by_class: dict[tuple[str, str], list[LibraryVariable]] = {}
    for row in _rows(model):
        by_class.setdefault((normal_class(row["class"]), row["dataset"]), []).append(_variable(row))
    described = list(_rows(datasets))
    return TableLibrary(
        {row["dataset"]: row["label"] for row in described},
        {row["dataset"]: row["class"] for row in described},
        by_domain,
        by_class,
    )


def _rows(path: Path) -> Iterable[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from csv.DictReader(file)


def _variable(row: Mapping[str, str]) -> LibraryVariable:
    codes = tuple(code.strip() for code in (row.get("codelist_codes") or "").replace(";", ",").split(",") if code.strip())
    return LibraryVariable(
        row["variable"], row["label"], row["type"], row["role"], row.get("core") or "", int(row["order"]), codes
    )


@dataclass(frozen=True)
class FolderTerminology:
    """Terminology packages as NCI publishes them: `<kind>_Terminology_<date>*.txt` in a folder."""

    folder: Path
    kept: dict[tuple[str, str], Mapping[str, RuleCodelist]] = field(default_factory=dict)

    @cached_property
    def _files(self) -> dict[tuple[str, str], Path]:
        found = {}
        for path in sorted(self.folder.glob("*_Terminology_*.txt")):
            kind, _, rest = path.stem.partition("_Terminology_")
            found[kind.upper(), rest[:10]] = path
        return found

    def dates(self, kind: str) -> Sequence[str]:
        """Dates of the packages in the folder."""
        return tuple(date for held, date in self._files if held == kind.upper())

    def codelists(self, kind: str, date: str | None) -> Mapping[str, RuleCodelist] | None:
        """Codelists by submission value; the newest package for None."""
        dates = self.dates(kind)
        wanted = (kind.upper(), date or max(dates, default=""))
        if wanted not in self._files:
            return None
        if wanted not in self.kept:
            self.kept[wanted] = read_codelists(self._files[wanted])
        return self.kept[wanted]


def read_codelists(path: Path) -> dict[str, RuleCodelist]:
    """Read a terminology package (tab-separated, NCI's columns)."""
    heads: dict[str, dict[str, str]] = {}
    terms: dict[str, list[RuleTerm]] = {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            parent = (row["Codelist Code"] or "").strip()
            if not parent:
                heads[row["Code"].strip()] = row
                continue
            term = RuleTerm(row["Code"].strip(), row["CDISC Submission Value"].strip(), (row["NCI Preferred Term"] or "").strip())
            terms.setdefault(parent, []).append(term)
    return {
        head["CDISC Submission Value"].strip(): RuleCodelist(
            code,
            head["CDISC Submission Value"].strip(),
            head["Codelist Name"].strip(),
            (head["Codelist Extensible (Yes/No)"] or "").strip().lower() == "yes",
            tuple(terms.get(code, ())),
        )
        for code, head in heads.items()
    }
