"""Read controlled terminology as NCI EVS publishes it: tab-delimited text, ODM XML, Excel.

All three layouts say the same eight things of a codelist or a term; what is read is checked as a whole before anything
uses it, and every mistake names the file and the line.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .mistakes import Mistake, MistakesError
from .package import Row
from .standards import read_data

COLUMNS = (
    "Code",
    "Codelist Code",
    "Codelist Extensible (Yes/No)",
    "Codelist Name",
    "CDISC Submission Value",
    "CDISC Synonym(s)",
    "CDISC Definition",
    "NCI Preferred Term",
)
KINDS = ("SDTM", "ADaM", "Define-XML", "CDASH")
_OTHER_KINDS = ("SEND", "Protocol", "Glossary", "DDF", "TMF", "MRCT")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_CODE = re.compile(r"C\d+")
_BREAKS = re.compile(r"[\t\r\n]+")
_ODM = "{http://www.cdisc.org/ns/odm/v1.3}"
_NCI = "{http://ncicb.nci.nih.gov/xml/odm/EVS/CDISC}"
_MOST = 20  # mistakes shown of one file: a wrong column order would repeat itself in every row


@dataclass(frozen=True)
class Published:
    """A published package as read and checked."""

    kind: str
    date: str
    rows: tuple[Row, ...]

    @property
    def codelists(self) -> int:
        """How many codelists it has."""
        return sum(not row.codelist for row in self.rows)


def read_published(path: Path, kind: str = "", date: str = "") -> Published:
    """Read one published file (.txt, .xml, .xlsx); kind and date are read from it where they are not given.

    Raises MistakesError: not such a file, truncated, columns in another order, another kind than asked for, rows that
    do not fit together, or other counts than the package of that date is known to have.
    """
    reader = {".txt": _read_text, ".tsv": _read_text, ".xml": _read_odm, ".xlsx": _read_excel}.get(path.suffix.lower())
    if not path.is_file():
        raise MistakesError([Mistake(str(path), None, "", "there is no such file")])
    if reader is None:
        hint = "NCI publishes .txt, .odm.xml and .xls; save an .xls as .xlsx" if path.suffix == ".xls" else ""
        raise MistakesError([Mistake(str(path), None, "", "is none of .txt, .xml, .xlsx", hint)])
    lines, told = reader(path)
    rows = tuple(row for _, row in lines)
    found_kind = _kind(path, rows, kind)
    found_date = date or _date(path, told)
    _check(path, lines)
    _check_counts(path, found_kind, found_date, rows)
    return Published(found_kind, found_date, rows)


Lines = list[tuple[int | None, Row]]


def _read_text(path: Path) -> tuple[Lines, str]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise MistakesError([Mistake(str(path), None, "", "is not UTF-8 text")]) from None
    lines = text.replace("\r\n", "\n").split("\n")
    _check_columns(path, lines[0].split("\t"))
    if lines[-1] != "":
        raise _truncated(path, len(lines), "the last line has no end")
    cells = [line.split("\t") for line in lines[1:-1]]
    for number, row in enumerate(cells, 2):
        if len(row) != len(COLUMNS):
            raise _truncated(path, number, f"has {len(row)} of {len(COLUMNS)} columns")
    return [(number, Row._make(row)) for number, row in enumerate(cells, 2)], ""


def _read_excel(path: Path) -> tuple[Lines, str]:
    from .workbook import read_sheets  # noqa: PLC0415 (lxml only where it is needed)

    try:
        for title, cells in read_sheets(path):
            head = [cell.strip() for cell in next(cells, [])]
            if set(COLUMNS) <= set(head):
                _check_columns(path, head[: len(COLUMNS)])
                rows = [Row._make(_cells(row)) for row in cells if any(row)]
                return list(enumerate(rows, 2)), title
    except (zipfile.BadZipFile, EOFError, KeyError, IndexError, SyntaxError, zlib.error) as error:
        raise _truncated(path, None, f"is not a whole .xlsx file ({type(error).__name__})") from None
    raise MistakesError([Mistake(str(path), None, "", "no sheet has the columns of a terminology package")])


def _cells(row: list[str]) -> list[str]:
    width = len(COLUMNS)
    return [_clean(cell) for cell in (row + [""] * width)[:width]]


def _read_odm(path: Path) -> tuple[Lines, str]:
    from lxml import etree  # noqa: PLC0415

    lines: Lines = []
    told = ""
    try:
        for _, element in etree.iterparse(str(path), resolve_entities=False, no_network=True, huge_tree=True):
            if element.tag == f"{_ODM}CodeList":
                lines += [(element.sourceline, row) for row in _odm_rows(element)]
                element.clear()
            elif element.tag == f"{_ODM}MetaDataVersion":
                told = f"{element.get('OID', '')} {element.get('Name', '')}"
            elif element.tag == f"{_ODM}Study":
                told = f"{told} {element.get('OID', '')}"
    except etree.XMLSyntaxError as error:
        raise _truncated(path, error.lineno, "is not whole XML") from None
    if not lines:
        raise MistakesError([Mistake(str(path), None, "", "has no CodeList of ODM 1.3")])
    return lines, told


def _odm_rows(element: object) -> Iterator[Row]:
    from lxml import etree  # noqa: PLC0415

    assert isinstance(element, etree._Element)
    code, name = element.get(f"{_NCI}ExtCodeID", ""), element.get("Name", "")

    def row(part: etree._Element, codelist: str, value: str, definition: str) -> Row:
        synonyms = "; ".join(_clean(found.text) for found in part.iterfind(f"{_NCI}CDISCSynonym"))
        preferred = _clean(part.findtext(f"{_NCI}PreferredTerm"))
        extensible = "" if codelist else part.get(f"{_NCI}CodeListExtensible", "")
        own = part.get(f"{_NCI}ExtCodeID", "")
        return Row(own, codelist, extensible, name, value, synonyms, definition, preferred)

    description = element.findtext(f"{_ODM}Description/{_ODM}TranslatedText")
    yield row(element, "", _clean(element.findtext(f"{_NCI}CDISCSubmissionValue")), _clean(description))
    for item in element.iterfind(f"{_ODM}EnumeratedItem"):
        definition = _clean(item.findtext(f"{_NCI}CDISCDefinition"))
        yield row(item, code, _clean(item.get("CodedValue")), definition)


def _clean(cell: str | None) -> str:
    """Return a cell as one line of text (Excel and XML may hold line ends, the text layout cannot)."""
    return _BREAKS.sub(" ", cell or "").strip()


def _check_columns(path: Path, head: list[str]) -> None:
    if [name.strip() for name in head] == list(COLUMNS):
        return
    if set(COLUMNS) <= {name.strip() for name in head}:
        message = f"the columns stand in another order: {', '.join(head)}"
    else:
        message = "its first line is not that of a terminology package"
    raise MistakesError([Mistake(str(path), 1, "", message, f"expected {', '.join(COLUMNS)}")])


def _truncated(path: Path, line: int | None, message: str) -> MistakesError:
    return MistakesError([Mistake(str(path), line, "", message, "is the file truncated? fetch it again")])


def _kind(path: Path, rows: tuple[Row, ...], asked: str) -> str:
    """Return the kind by the preferred terms of its codelists (CDISC SDTM Sex Terminology)."""
    heads = " ".join(row.preferred for row in rows if not row.codelist)
    words = "|".join((*KINDS, *_OTHER_KINDS))
    counts = Counter(re.findall(rf"CDISC ({words})\b", heads))
    found = counts.most_common(1)[0][0] if counts else ""
    if found not in KINDS:
        told = f"is a package of {found}" if found else "does not say what kind of package it is"
        raise MistakesError([Mistake(str(path), None, "", told, f"read are {', '.join(KINDS)}")])
    named = next((kind for kind in (*KINDS, *_OTHER_KINDS) if path.name.upper().startswith(kind.upper())), "")
    for other in (asked, named):
        if other and other != found:
            message = f"is a package of {found}, not of {other}"
            raise MistakesError([Mistake(str(path), None, "", message)])
    return found


def _date(path: Path, told: str) -> str:
    found = _DATE.search(told) or _DATE.search(path.name)
    if found is None:
        hint = "give it: --date 2026-03-27"
        raise MistakesError(
            [Mistake(str(path), None, "", "neither the file nor its name says the package's date", hint)]
        )
    return found.group()


def _check(path: Path, lines: Lines) -> None:
    """Raise MistakesError where rows do not fit together."""
    mistakes: list[Mistake] = []
    heads: dict[str, Row] = {}
    seen: set[tuple[str, str]] = set()
    terms: dict[str, set[str]] = {}
    for line, row in lines:
        message = _row_mistake(row, heads)
        if not message and (row.codelist, row.code) in seen:
            message = f"{row.code} stands twice in codelist {row.codelist or row.name}"
        if message:
            mistakes.append(Mistake(str(path), line, row.value, message))
            if len(mistakes) == _MOST:
                break
        seen.add((row.codelist, row.code))
        if row.codelist:
            terms.setdefault(row.codelist, set()).add(row.code)
        else:
            heads[row.code] = row
    if not mistakes:
        mistakes = [
            Mistake(str(path), None, h.value, "codelist has no terms") for c, h in heads.items() if c not in terms
        ]
        mistakes += _unpaired(path, heads, terms)
    if mistakes:
        raise MistakesError(mistakes[:_MOST])


def _row_mistake(row: Row, heads: dict[str, Row]) -> str:
    if not _CODE.fullmatch(row.code):
        return f"{row.code!r} is not an NCI code"
    if not row.value:
        return "has no submission value"
    if not row.codelist:
        return "" if row.extensible in ("Yes", "No") else f"extensible is {row.extensible!r}, not Yes or No"
    return "" if row.codelist in heads else f"stands before its codelist {row.codelist}"


def _unpaired(path: Path, heads: dict[str, Row], terms: dict[str, set[str]]) -> list[Mistake]:
    """Report lists of codes whose list of names has other concepts: rows are missing."""
    names = {row.value: code for code, row in heads.items()}
    mistakes = []
    for name, code in names.items():
        other = names.get(name[:-2]) if name.endswith("CD") else None
        if other and terms[code] != terms[other]:
            count = len(terms[code] ^ terms[other])
            message = f"{count} concepts stand in only one of {name} and {heads[other].value}"
            mistakes.append(Mistake(str(path), None, name, message, "is the file truncated? fetch it again"))
    return mistakes


def _check_counts(path: Path, kind: str, date: str, rows: tuple[Row, ...]) -> None:
    known = read_data(Path(__file__).parent / "terminology" / "counts.yaml").get(f"{kind} CT {date}")
    if known is None:
        return
    found = {"rows": len(rows), "codelists": sum(not row.codelist for row in rows)}
    wrong = [f"{found[what]} {what} instead of {count}" for what, count in known.items() if found[what] != int(count)]
    if wrong:
        raise _truncated(path, None, f"{kind} CT {date} has {' and '.join(wrong)}")
