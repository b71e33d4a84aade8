"""Analysis Results Metadata in a specification workbook: the sheets Analysis Displays and Analysis Results, both ways.

One row of the second sheet is one result. What its cells name (`ADAE.AEDECOD`, the IDs of where-clauses) says which
datasets it uses; the columns behind the ones users know keep their order, and the parameter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from .index import Index
from .model import (
    AnalysisDataset,
    AnalysisDatasets,
    AnalysisResult,
    AnalysisResultDisplays,
    AnalysisVariable,
    DefineXml,
    Documentation,
    DocumentRef,
    ItemDef,
    PlainText,
    ProgrammingCode,
    ResultDisplay,
    WhereClauseDef,
    WhereClauseRef,
    describe,
)
from .oids import slug

Record = dict[str, str]
Pages = Callable[[str | None, str | None], tuple[DocumentRef, ...]]
SEPARATOR = ", "


def display_records(
    define: DefineXml, shown: Callable[[tuple[DocumentRef, ...]], tuple[str | None, str | None]]
) -> Iterator[dict[str, str | None]]:
    """Yield the rows of Analysis Displays; `shown` turns references into document and pages."""
    for display in define.metadata.displays.displays if define.metadata.displays else ():
        document, pages = shown(display.documents)
        title = display.description.texts[0].text if display.description and display.description.texts else None
        yield {"ID": display.name, "Title": title, "Document": document, "Pages": pages, "OID": display.oid}


def result_records(
    define: DefineXml, shown: Callable[[tuple[DocumentRef, ...]], tuple[str | None, str | None]]
) -> Iterator[dict[str, str | None]]:
    """Yield the rows of Analysis Results."""
    index = Index(define)
    groups = {group.oid: group.name or "" for group in define.metadata.datasets}
    for display in define.metadata.displays.displays if define.metadata.displays else ():
        for result in display.results:
            used = result.datasets.datasets if result.datasets else ()
            words, code = result.documentation, result.code
            document, pages = shown(words.documents if words else ())
            program, lines = shown(code.documents if code else ())
            yield {
                "Display": display.name,
                "ID": result.oid,
                "Description": _text(result.description),
                "Variables": SEPARATOR.join(
                    f"{groups.get(item.item_group_oid, item.item_group_oid)}.{_name(index, variable)}"
                    for item in used
                    for variable in item.variables
                ),
                "Reason": result.reason,
                "Purpose": result.purpose,
                "Selection Criteria": SEPARATOR.join(
                    where.where_clause_oid or "" for item in used for where in item.where
                ),
                "Join Comment": result.datasets.comment_oid if result.datasets else None,
                "Documentation": _text(words.description if words else None),
                "Documentation Refs": " ".join(part for part in (document, pages) if part),
                "Programming Context": code.context if code else None,
                "Programming Code": code.code.text if code and code.code else None,
                "Programming Document": program,
                "Pages": lines,
                "Datasets": SEPARATOR.join(groups.get(item.item_group_oid, item.item_group_oid or "") for item in used),
                "Parameter": result.parameter_oid,
            }


def _text(element: object) -> str | None:
    texts = getattr(element, "texts", ())
    return texts[0].text if texts else None


def _name(index: Index, variable: AnalysisVariable) -> str:
    return index.items.get(variable.item_oid or "", ItemDef()).name or variable.item_oid or ""


@dataclass(frozen=True)
class ResultReader:
    """Reads the two sheets.

    `items` are OIDs by dataset and variable, `groups` by dataset; `clauses` are the conditions by OID, `parse` makes
    one of words; `oid` gives a name the prefix of its sheet; `pages` makes references; `fault` takes a mistake.
    """

    items: Mapping[tuple[str, str], str]
    groups: Mapping[str, str]
    clauses: Mapping[str, WhereClauseDef]
    parse: Callable[[str, str], WhereClauseDef | None]
    oid: Callable[[str, str | None], str | None]
    pages: Pages
    fault: Callable[[str, str], None]

    def displays(self, displays: Sequence[Record], results: Sequence[Record]) -> AnalysisResultDisplays | None:
        """Return the displays with their results; a result whose display is on no sheet is a mistake."""
        if not displays and not results:
            return None
        names = [row.get("ID", "") for row in displays]
        for row in results:
            if row.get("Display", "") not in names:
                self.fault("Analysis Results", f"the display {row.get('Display', '')!r} is not on Analysis Displays")
        given: set[str] = set()
        return AnalysisResultDisplays(
            displays=tuple(
                ResultDisplay(
                    oid=row.get("OID") or f"RD.{slug(row.get('ID', ''))}",
                    name=row.get("ID"),
                    description=describe(row["Title"]) if row.get("Title") else None,
                    documents=self.pages(row.get("Document"), row.get("Pages")),
                    results=tuple(
                        self._result(result, given) for result in results if result.get("Display", "") == row.get("ID")
                    ),
                )
                for row in displays
            )
        )

    def _result(self, row: Record, given: set[str]) -> AnalysisResult:
        words, refs = row.get("Documentation"), self._refs(row.get("Documentation Refs", ""))
        code = row.get("Programming Code")
        program = self.pages(row.get("Programming Document"), row.get("Pages"))
        documentation = Documentation(description=describe(words) if words else None, documents=refs)
        programming = ProgrammingCode(
            context=row.get("Programming Context") or None,
            code=PlainText(text=code) if code else None,
            documents=program,
        )
        parameter = row.get("Parameter") or self._parameter(row)
        return AnalysisResult(
            oid=self._result_oid(row, given),
            parameter_oid=parameter or None,
            reason=row.get("Reason") or None,
            purpose=row.get("Purpose") or None,
            description=describe(row["Description"]) if row.get("Description") else None,
            datasets=self._datasets(row),
            documentation=documentation if words or refs else None,
            code=programming if code or program or programming.context else None,
        )

    def _result_oid(self, row: Record, given: set[str]) -> str:
        name = slug(row.get("ID", ""))
        oid = name if name.startswith("AR.") else f"AR.{name}"
        if oid in given:  # numbered within its display
            oid = f"AR.{slug(row.get('Display', ''))}.{name}"
        given.add(oid)
        return oid

    def _refs(self, text: str) -> tuple[DocumentRef, ...]:
        document, _, pages = text.strip().partition(" ")
        return self.pages(document or None, pages.strip("() ") or None)

    def _parameter(self, row: Record) -> str:
        """Return PARAMCD where a condition of a workbook made elsewhere chooses by it."""
        if "Parameter" in row:
            return ""
        wanted = {oid for (_, variable), oid in self.items.items() if variable == "PARAMCD"}
        checks = (check for _, clause in self._conditions(row) for check in clause.checks)
        return next((check.item_oid or "" for check in checks if check.item_oid in wanted), "")

    def _datasets(self, row: Record) -> AnalysisDatasets | None:
        chosen: dict[str, list[str]] = {name: [] for name in _parts(row.get("Datasets", ""))}
        for word in _parts(row.get("Variables", "")):
            dataset, _, variable = word.partition(".")
            oid = self.items.get((dataset, variable))
            if oid is None:
                self.fault("Analysis Results", f"{word} is not on the sheet Variables")
            else:
                chosen.setdefault(dataset, []).append(oid)
        where: dict[str, list[str]] = {}
        for dataset, clause in self._conditions(row):
            chosen.setdefault(dataset, [])
            where.setdefault(dataset, []).append(clause.oid or "")
        if not chosen:
            return None
        return AnalysisDatasets(
            comment_oid=self.oid("Comments", row.get("Join Comment")),
            datasets=tuple(
                AnalysisDataset(
                    item_group_oid=self.groups.get(dataset, f"IG.{dataset}"),
                    where=tuple(WhereClauseRef(where_clause_oid=oid) for oid in where.get(dataset, ())),
                    variables=tuple(AnalysisVariable(item_oid=oid) for oid in variables),
                )
                for dataset, variables in chosen.items()
            ),
        )

    def _conditions(self, row: Record) -> Iterator[tuple[str, WhereClauseDef]]:
        """Yield the conditions of a result, each with its dataset: IDs, or words such as `ADSL.SAFFL EQ Y`."""
        text = row.get("Selection Criteria", "")
        owners = {oid: dataset for (dataset, _), oid in self.items.items()}
        found = [self.clauses.get(self.oid("WhereClauses", part) or "") for part in _parts(text)]
        if not all(found):
            first = next(iter(_parts(row.get("Variables", ""))), "").partition(".")[0]
            parts = [part.strip() for part in re.split(r"[;\n]+", text) if part.strip()]
            found = [self.parse(part, _dataset_of(part) or first) for part in parts]
        for clause in found:
            if clause is None or not clause.checks:
                self.fault("Analysis Results", f"the selection criteria {text!r} are not understood")
                return
            yield owners.get(clause.checks[0].item_oid or "", ""), clause


def _dataset_of(condition: str) -> str:
    """Return the dataset a condition in words begins with (`ADSL.SAFFL EQ Y`); empty where it names none."""
    found = re.match(r"(\w+)\.\w+\s", condition)
    return found[1] if found else ""


def _parts(text: str) -> list[str]:
    return [part.strip() for part in re.split(r"[,;\n]+", text) if part.strip()]
