"""One small study, exported in the format of each reader, gives the same SDTM, byte for byte."""

from __future__ import annotations

import csv
import functools
import hashlib
import random
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pyreadstat
import pytest
import yaml
from lxml import etree

from cdiscway.converters.build import Converted, convert, write_datasets
from cdiscway.converters.inspect import inspect_raw
from cdiscway.converters.plan import plan_study
from cdiscway.converters.readers.options import ReaderOptions
from cdiscway.converters.readers.raw import Place, open_raw
from cdiscway.converters.study import Raw, read_study
from cdiscway.specs.codelists import Terminology, load_terminology
from cdiscway.specs.mistakes import MistakesError

SUBJECTS = ("01-001", "01-002", "02-001")
FORMS: dict[str, dict[str, list[str]]] = {
    "DEMO": {
        "SUBJ": list(SUBJECTS),
        "BRTHDAT": ["UN/07/1956", "12/11/1952", "1960"],
        "SEXC": ["1", "2", "1"],
        "ICDAT": ["16/06/2015", "28/07/2015", "01/09/2015"],
    },
    "VITALS": {
        "SUBJ": ["01-001", "01-001", "01-002", "02-001"],
        "VSVIS": ["SEL", "M01", "SEL", "SEL"],
        "VSDAT": ["16/06/2015", "15/07/2015", "28/07/2015", "01/09/2015"],
        "TEMP": ["36.5", "37.2", "", "38.1"],
        "PULSE": ["71", "65", "80", ""],
    },
    "AE": {
        "SUBJ": ["01-001", "02-001", "02-001"],
        "AETERM": ['Fièvre; "fever", inconnue', "Nausées", "Chute < 1 m"],
        "AESTDAT": ["UN/06/2015", "03/09/2015", "30/02/2016"],
        "AESEV": ["2", "1", "3"],
    },
}
LABELS = {"SEXC": {"1": "Masculin", "2": "Féminin"}, "AESEV": {"1": "Léger", "2": "Modéré", "3": "Sévère"}}
NUMBERS = {"SEXC", "TEMP", "PULSE", "AESEV"}
DATES = {"ICDAT", "VSDAT"}
"""Columns whose values are all complete, and stand as dates where a format has them."""

MAPPING: dict[str, Any] = {
    "dm": {
        "domain": "DM",
        "records": [
            {
                "form": "DEMO",
                "set": {
                    "RFICDTC": {"date": "ICDAT"},
                    "RFSTDTC": {"date": "ICDAT"},
                    "BRTHDTC": {"date": "BRTHDAT"},
                    "SEX": {"column": "SEXC", "recode": {"1": "M", "2": "F"}},
                    "COUNTRY": "FRA",
                },
            }
        ],
    },
    "vs": {
        "domain": "VS",
        "records": [
            {
                "form": "VITALS",
                "tests": [
                    {"VSTESTCD": "TEMP", "result": "TEMP", "unit": "C", "standard_unit": "C"},
                    {"VSTESTCD": "PULSE", "result": "PULSE", "unit": "beats/min", "standard_unit": "beats/min"},
                ],
                "set": {"VISIT": {"visit": "VSVIS"}, "VSDTC": {"date": "VSDAT"}},
            }
        ],
    },
    "ae": {
        "domain": "AE",
        "records": [
            {
                "form": "AE",
                "set": {
                    "AETERM": {"column": "AETERM"},
                    "AESTDTC": {"date": "AESTDAT"},
                    "AESEV": {"column": "AESEV", "recode": {"1": "MILD", "2": "MODERATE", "3": "SEVERE"}},
                },
            }
        ],
    },
}
STUDY: dict[str, Any] = {
    "study": "S1",
    "title": "One study in every format",
    "protocol": "P1",
    "standards": {"terminology": {"SDTM": "2026-03-27"}},
    "dates": {"formats": ["dd/mm/yyyy", "yyyy-mm-dd"], "unknown": ["UN"]},
    "visits": [
        {"VISITNUM": 1, "VISIT": "SCREENING", "raw": ["SEL"]},
        {"VISITNUM": 2, "VISIT": "MONTH 1", "raw": ["M01"]},
    ],
    "not_submitted": [{"columns": ["*"], "why": "keys of the EDC"}],
}
RAW = {"cutoff": "2021-01-01", "transliterate": True}


@functools.cache
def terms() -> Terminology:
    return load_terminology(["SDTM CT 2026-03-27"])


def rows_of(form: str) -> list[dict[str, str]]:
    columns = FORMS[form]
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def day(text: str) -> date:
    return datetime.strptime(text, "%d/%m/%Y").date()


def typed(name: str, text: str) -> Any:
    """Return a value as a format with types holds it."""
    if not text:
        return None
    if name in DATES:
        return day(text)
    return float(text) if name in NUMBERS else text


def write_csv(path: Path, rows: list[dict[str, str]], delimiter: str = ",", encoding: str = "utf-8") -> None:
    with path.open("w", encoding=encoding, newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), delimiter=delimiter, restval="")
        writer.writeheader()
        writer.writerows(rows)


def delimited(raw: Path, _: Any) -> dict[str, Any]:
    for form in FORMS:
        write_csv(raw / f"{form}.csv", rows_of(form), ";", "cp1252")
    return {"encoding": "cp1252"}


def tabs(raw: Path, _: Any) -> dict[str, Any]:
    for form in FORMS:
        write_csv(raw / f"{form}.tsv", rows_of(form), "\t", "utf-16")
    return {}


def xlsx(raw: Path, _: Any) -> dict[str, Any]:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for form, columns in FORMS.items():
        sheet = book.create_sheet(form)
        sheet.append(list(columns))
        for row in rows_of(form):
            sheet.append([typed(name, text) for name, text in row.items()])
        for cells in sheet.iter_rows(min_row=2):
            for cell in cells:
                cell.number_format = "dd/mm/yyyy" if isinstance(cell.value, date) else cell.number_format
    book.save(raw / "export.xlsx")
    return {"format": "xlsx"}


def sas7bdat(raw: Path, writers: Any) -> dict[str, Any]:
    for form, columns in FORMS.items():
        about = [
            (
                name,
                name,
                {"SEXC": "SEXF", "AESEV": "SEVF", "TEMP": "F8.1"}.get(name, "DATE9" if name in DATES else ""),
                width,
            )
            for name in columns
            for width in [0 if name in NUMBERS | DATES else 40]
        ]
        rows = [
            [(value - date(1960, 1, 1)).days if isinstance(value, date) else value for value in values]
            for values in ([typed(name, text) for name, text in row.items()] for row in rows_of(form))
        ]
        writers[0](raw / f"{form}.sas7bdat", form, about, rows)
    lists = {"SEXF": LABELS["SEXC"], "SEVF": LABELS["AESEV"]}
    writers[1](
        raw / "formats.sas7bcat", {name: {float(k): v for k, v in codes.items()} for name, codes in lists.items()}
    )
    return {"format": "sas7bdat"}


def xpt(raw: Path, _: Any) -> dict[str, Any]:
    for form in FORMS:
        frame = pd.DataFrame([{name: typed(name, text) for name, text in row.items()} for row in rows_of(form)])
        for name in DATES & set(frame.columns):
            frame[name] = [(value - date(1960, 1, 1)).days for value in frame[name]]
        formats = dict.fromkeys(DATES & set(frame.columns), "DATE9.")
        pyreadstat.write_xport(
            frame, str(raw / f"{form}.xpt"), table_name=form, variable_format=formats, file_format_version=5
        )
    return {"format": "xpt"}


def parquet(raw: Path, _: Any) -> dict[str, Any]:
    for form in FORMS:
        table = pa.Table.from_pylist([{name: typed(name, text) for name, text in row.items()} for row in rows_of(form)])
        pyarrow.parquet.write_table(table, raw / f"{form}.parquet")
    return {"format": "parquet"}


def odm(raw: Path, _: Any) -> dict[str, Any]:  # noqa: PLR0912 - an ODM file has that many levels
    """Write a snapshot: one event, a form and an item group for each of ours; dates by ISO 8601."""
    space = "http://www.cdisc.org/ns/odm/v1.3"
    root = etree.Element(f"{{{space}}}ODM", nsmap={None: space}, FileType="Snapshot", ODMVersion="1.3.2")

    def add(parent: Any, tag: str, **attributes: str) -> Any:
        return etree.SubElement(parent, f"{{{space}}}{tag}", **attributes)

    version = add(add(root, "Study", OID="S1"), "MetaDataVersion", OID="V1", Name="V1")
    for form, columns in FORMS.items():
        group = add(version, "ItemGroupDef", OID=f"IG.{form}", Name=form, Repeating="Yes")
        for name in list(columns)[1:]:
            add(group, "ItemRef", ItemOID=f"I.{name}", Mandatory="No")
    for form, columns in FORMS.items():
        for name in list(columns)[1:]:
            item = add(version, "ItemDef", OID=f"I.{name}", Name=name, DataType="text")
            text = add(add(item, "Question"), "TranslatedText")
            text.text = f"{form}: {name}"
            if name in LABELS:
                add(item, "CodeListRef", CodeListOID=f"CL.{name}")
    for name, codes in LABELS.items():
        code_list = add(version, "CodeList", OID=f"CL.{name}", Name=name, DataType="text")
        for code, text in codes.items():
            add(add(add(code_list, "CodeListItem", CodedValue=code), "Decode"), "TranslatedText").text = text
    clinical = add(root, "ClinicalData", StudyOID="S1", MetaDataVersionOID="V1")
    for subject in SUBJECTS:
        data = add(clinical, "SubjectData", SubjectKey=subject)
        add(data, "SiteRef", LocationOID=subject[:2])
        event = add(data, "StudyEventData", StudyEventOID="SE.1")
        for form in FORMS:
            page = add(event, "FormData", FormOID=f"F.{form}")
            for place, row in enumerate(rows_of(form), 1):
                if row["SUBJ"] == subject:
                    group = add(page, "ItemGroupData", ItemGroupOID=f"IG.{form}", ItemGroupRepeatKey=str(place))
                    for name, text in list(row.items())[1:]:
                        if text:
                            value = day(text).isoformat() if name in DATES else text
                            add(group, "ItemData", ItemOID=f"I.{name}", Value=value)
    etree.ElementTree(root).write(raw / "snapshot.xml", encoding="utf-8", xml_declaration=True)
    return {"format": "odm"}


def redcap(raw: Path, _: Any) -> dict[str, Any]:
    """Write one wide table: demography not repeated, the others repeating instruments."""
    rows: list[dict[str, str]] = []
    names = [name for form, columns in FORMS.items() for name in [*list(columns)[1:], f"{form}_complete"]]
    for subject in SUBJECTS:
        for form in FORMS:
            own = [row for row in rows_of(form) if row["SUBJ"] == subject]
            for place, row in enumerate(own, 1):
                repeats = (
                    {} if form == "DEMO" else {"redcap_repeat_instrument": form, "redcap_repeat_instance": str(place)}
                )
                values = {name: text for name, text in row.items() if name != "SUBJ"}
                blank = dict.fromkeys(["redcap_repeat_instrument", "redcap_repeat_instance", *names], "")
                rows.append({"record_id": subject, **blank, **repeats, **values, f"{form}_complete": "2"})
    write_csv(raw / "export.csv", rows)
    fields = [
        {
            "Variable / Field Name": name,
            "Form Name": form,
            "Section Header": "",
            "Field Type": "radio" if name in LABELS else "text",
            "Field Label": f"{form}: {name}",
            "Choices, Calculations, OR Slider Labels": " | ".join(f"{c}, {t}" for c, t in LABELS.get(name, {}).items()),
        }
        for form, columns in FORMS.items()
        for name in list(columns)[1:]
    ]
    write_csv(raw / "dictionary.csv", fields)
    return {"format": "redcap", "dictionary": "dictionary.csv"}


def castor(raw: Path, _: Any) -> dict[str, Any]:
    for form in FORMS:
        rows = [
            {
                "Participant Id": row["SUBJ"],
                "Site Abbreviation": row["SUBJ"][:2],
                **{name: text or "-99" for name, text in row.items() if name != "SUBJ"},
            }
            for row in rows_of(form)
        ]
        write_csv(raw / f"{form}.csv", rows, ";")
    write_csv(raw / "Variables.csv", [{"Variable name": "TEMP", "Variable type": "numeric"}], ";")
    return {"format": "castor"}


def openclinica(raw: Path, _: Any) -> dict[str, Any]:
    """Write the flat table below its header table; the rows of a form are repeats of its item group."""
    rows: list[dict[str, str]] = []
    for subject in SUBJECTS:
        record = {"Study Subject ID": subject}
        for number, form in enumerate(FORMS, 1):
            widest = max(sum(row["SUBJ"] == other for row in rows_of(form)) for other in SUBJECTS)
            own = [row for row in rows_of(form) if row["SUBJ"] == subject]
            for place in range(widest):
                values = own[place] if place < len(own) else {}
                ending = "" if form == "DEMO" else f"_{place + 1}"
                for name in list(FORMS[form])[1:]:
                    record[f"{name}_E1_C{number}{ending}"] = values.get(name, "")
        rows.append(record)
    write_csv(raw / "export.tsv", rows, "\t")
    head = [
        "Dataset Name:\tAll",
        "Study Name:\tS1",
        "Study Event Definitions\t1",
        "Study Event Definition 1\tVisit\tE1",
    ]
    head += [f"CRF\t{form}\tC{number}" for number, form in enumerate(FORMS, 1)]
    data = (raw / "export.tsv").read_bytes()
    (raw / "export.tsv").write_bytes("\r\n".join([*head, "", ""]).encode() + data)
    return {"format": "openclinica"}


def rave(raw: Path, _: Any) -> dict[str, Any]:
    for form in FORMS:
        rows = []
        for place, row in enumerate(rows_of(form), 1):
            block = {"Subject": row["SUBJ"], "InstanceName": "Visit", "RecordPosition": str(place), "RecordActive": "1"}
            rows.append(block | {name: text for name, text in row.items() if name != "SUBJ"})
            inactive = dict.fromkeys(list(row)[1:], "9")
            rows.append(block | {"RecordActive": "0"} | inactive)
        write_csv(raw / f"{form}.csv", rows)
        with (raw / f"{form}.csv").open("a", encoding="utf-8") as stream:
            stream.write("EOF\r\n")
    return {"format": "rave"}


EXPORTS: dict[str, tuple[Callable[[Path, Any], dict[str, Any]], str]] = {
    "delimited": (delimited, "SUBJ"),
    "tabs": (tabs, "SUBJ"),
    "xlsx": (xlsx, "SUBJ"),
    "sas7bdat": (sas7bdat, "SUBJ"),
    "xpt": (xpt, "SUBJ"),
    "parquet": (parquet, "SUBJ"),
    "odm": (odm, "SubjectKey"),
    "redcap": (redcap, "record_id"),
    "castor": (castor, "Participant Id"),
    "openclinica": (openclinica, "Study Subject ID"),
    "rave": (rave, "Subject"),
}


def build(folder: Path, export: str, writers: Any = None) -> tuple[dict[str, str], list[tuple[str, str, int]]]:
    """Return the hash of each transport file, and the findings of the mapping."""
    converted = mapped(folder, export, writers)
    assert write_datasets(converted, folder / "out") == []
    hashes = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted((folder / "out").rglob("*.xpt"))
    }
    return hashes, [(item.rule, item.dataset, item.records) for item in converted.findings]


def mapped(folder: Path, export: str, writers: Any = None) -> Converted:
    """Write the study in one format and map it."""
    write, subject = EXPORTS[export]
    (folder / "raw").mkdir(parents=True)
    (folder / "mapping").mkdir()
    identifiers = {
        "SITEID": {"column": subject, "at": "-", "part": 1},
        "SUBJID": {"column": subject, "at": "-", "part": 2},
        "USUBJID": {"concat": ["STUDYID", "SITEID", "SUBJID"], "with": "-"},
    }
    study = {**STUDY, "raw": {**RAW, **write(folder / "raw", writers)}, "subject": identifiers}
    (folder / "study.yaml").write_text(yaml.safe_dump(study, sort_keys=False, allow_unicode=True), encoding="utf-8")
    for name, mapping in MAPPING.items():
        text = yaml.safe_dump(mapping, sort_keys=False, allow_unicode=True)
        (folder / "mapping" / f"{name}.yaml").write_text(text, encoding="utf-8")
    return convert(plan_study(read_study(folder), terms()))


@pytest.fixture(scope="module")
def as_delimited(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, str], list[tuple[str, str, int]]]:
    return build(tmp_path_factory.mktemp("expected") / "study", "delimited")


@pytest.mark.parametrize("export", [name for name in EXPORTS if name != "delimited"])
def test_every_format_gives_the_same_files(
    export: str,
    as_delimited: tuple[dict[str, str], list[tuple[str, str, int]]],
    tmp_path: Path,
    sas7bdat: Callable[..., None],
    sas7bcat: Callable[..., None],
) -> None:
    expected, findings = as_delimited
    assert set(expected) == {"ae.xpt", "dm.xpt", "vs.xpt"}
    found, others = build(tmp_path / "found", export, (sas7bdat, sas7bcat))
    assert found == expected
    mapped = {(rule, dataset) for rule, dataset, _ in findings if rule.startswith("CDW-MAP")}
    assert {(rule, dataset) for rule, dataset, _ in others if rule.startswith("CDW-MAP")} == mapped
    assert ("CDW-MAP-DATE-IMPOSSIBLE", "AE") in mapped


@pytest.mark.parametrize("export", list(EXPORTS))
def test_inspect_tells_the_formats_apart(
    export: str, tmp_path: Path, sas7bdat: Callable[..., None], sas7bcat: Callable[..., None]
) -> None:
    options = EXPORTS[export][0](tmp_path, (sas7bdat, sas7bcat))
    intake = inspect_raw(tmp_path)
    assert intake.format == options.get("format", "delimited")
    active = {form.name: form.rows - sum(form.aside.values()) for form in intake.forms}
    assert active == {"AE": 3, "DEMO": 3, "VITALS": 4}
    proposed = Raw.model_validate(yaml.safe_load(intake.proposal)["raw"] | {"cutoff": "2021-01-01"})
    assert (proposed.format, proposed.encoding) == (intake.format, options.get("encoding", proposed.encoding))
    columns = {column.name: column for form in intake.forms for column in form.columns}
    assert sum(columns["VSDAT"].date_formats.values()) >= 4
    assert {item.value for item in columns["SEXC"].values} >= {"1", "2"}


@pytest.mark.parametrize("export", ["delimited", "redcap", "castor", "openclinica", "rave"])
def test_a_record_leads_back_to_the_record_of_its_file(export: str, tmp_path: Path) -> None:
    converted = mapped(tmp_path, export)
    vs = next(item for item in converted.packages[0].datasets if item.name == "VS")
    assert vs.sources is not None
    place = vs.frame["VSORRES"].tolist().index("38.1")
    source = vs.sources.iloc[place]
    encoding = "cp1252" if export == "delimited" else "utf-8"
    lines = (tmp_path / source["file"]).read_text(encoding=encoding).splitlines()
    header = next(number for number, line in enumerate(lines) if "TEMP" in line)
    assert "38.1" in lines[header + source["row"]]


def test_inactive_records_are_in_the_balance_sheet(tmp_path: Path) -> None:
    balance = {item.form: item for item in mapped(tmp_path, "rave").balance}
    vitals = balance["VITALS"]
    assert (vitals.rows, vitals.excluded) == (8, {"inactive in the EDC (RecordActive is 0)": 4})
    assert [item.unaccounted for item in balance.values()] == [0, 0, 0]


def test_the_balance_counts_records_of_the_file(tmp_path: Path) -> None:
    balance = {item.form: item for item in mapped(tmp_path, "openclinica").balance}
    assert {name: item.rows for name, item in balance.items()} == {"DEMO": 3, "VITALS": 3, "AE": 2}
    assert [item.unaccounted for item in balance.values()] == [0, 0, 0]


def damaged(data: bytes, way: int, dice: random.Random) -> bytes:
    """Return a file cut off, with other bytes, with more bytes, or with fewer."""
    place = dice.randrange(len(data))
    noise = bytes(dice.randrange(256) for _ in range(8))
    after = (b"", noise + data[place + 8 :], noise + data[place:], data[place + 8 :])
    return data[:place] + after[way]


@pytest.mark.parametrize("export", list(EXPORTS))
def test_a_damaged_file_is_a_mistake_and_never_a_crash(
    export: str, tmp_path: Path, sas7bdat: Callable[..., None], sas7bcat: Callable[..., None]
) -> None:
    options = ReaderOptions.model_validate(EXPORTS[export][0](tmp_path, (sas7bdat, sas7bcat)))
    dice = random.Random(2015)
    files = sorted(tmp_path.iterdir())
    for turn in range(16):
        path = files[turn % len(files)]
        whole = path.read_bytes()
        path.write_bytes(damaged(whole, turn % 4, dice))
        try:
            source = open_raw(Place(tmp_path, "raw"), options)
            for form in source.forms:
                source.read(form)
        except MistakesError as error:
            assert all(mistake.file.startswith("raw") for mistake in error.mistakes)
        path.write_bytes(whole)
