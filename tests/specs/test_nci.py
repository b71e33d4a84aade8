"""Published packages: three layouts read alike, everything that is wrong is an error, the store stays as it was."""

import zipfile
from pathlib import Path

import pytest

from cdiscway.specs.mistakes import MistakesError
from cdiscway.specs.nci import COLUMNS, read_published
from cdiscway.specs.store import import_package, imported, open_package

CT = Path(__file__).parents[2] / ".." / "shared" / "standards" / "ct"
needs_ct = pytest.mark.skipif(not CT.is_dir(), reason="no published packages beside the repository")


def test_the_three_layouts_read_alike(published, tmp_path):
    text = read_published(published.write_text(tmp_path / "SDTM_Terminology_2030-01-02.txt"))
    excel = read_published(published.write_excel(tmp_path / "SDTM Terminology.xlsx"))
    odm = read_published(published.write_odm(tmp_path / "SDTM Terminology.odm.xml"))
    assert text.rows == excel.rows == odm.rows == published.ROWS
    assert (text.kind, text.date, text.codelists) == ("SDTM", "2030-01-02", 3)
    assert (excel.kind, excel.date) == (odm.kind, odm.date) == ("SDTM", "2030-01-02")


def test_line_ends_of_windows_and_a_byte_order_mark_are_read(published, tmp_path):
    path = tmp_path / "SDTM_2030-01-02.txt"
    path.write_bytes(b"\xef\xbb\xbf" + published.as_text().replace("\n", "\r\n").encode())
    assert read_published(path).rows == published.ROWS


@pytest.mark.parametrize("suffix", [".txt", ".xlsx", ".odm.xml"])
def test_an_import_can_be_opened(published, tmp_path, suffix):
    write = {".txt": published.write_text, ".xlsx": published.write_excel, ".odm.xml": published.write_odm}[suffix]
    import_package(write(tmp_path / f"SDTM_2030-01-02{suffix}"), tmp_path / "store")
    package = open_package("SDTM 2030-01-02", tmp_path / "store")
    assert (package.rows, package.codelists, package.whole) == (8, 3, True)
    assert package.codelist("LBTESTCD").by_value["NEUT"].decode == "Neutrophils"
    assert package.codelist("C66731").terms[0].definition == 'She, "the" <female>.'


def broken(published, what: str) -> bytes:
    text = published.as_text()
    lines = text.splitlines(keepends=True)
    swapped = [line.rstrip("\n").split("\t") for line in lines]
    made = {
        "truncated in a row": text[:-40],
        "truncated at the line end": text[:-1],
        "truncated between rows": "".join(lines[:6]),
        "without its last term": "".join(lines[:-1]),
        "columns in another order": "".join("\t".join([c[1], c[0], *c[2:]]) + "\n" for c in swapped),
        "another kind": text.replace("CDISC SDTM", "CDISC SEND"),
        "kind named otherwise": text.replace("CDISC SDTM", "CDISC ADaM"),
        "no kind": text.replace("CDISC SDTM", "My"),
        "no table": "once upon a time\n",
        "a term before its codelist": "".join([lines[0], lines[2], lines[1], *lines[3:]]),
        "a code twice": "".join([*lines, lines[-1]]),
        "no code": text.replace("C63321", "63321"),
        "no value": text.replace("\tPLAT\t", "\t\t"),
        "extensible unclear": text.replace("\tNo\t", "\tMaybe\t"),
        "not UTF-8": None,
    }[what]
    return text.encode().replace(b"Neutrophil", b"Neutroph\xefl") if made is None else made.encode()


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("truncated in a row", "truncated"),
        ("truncated at the line end", "truncated"),
        ("truncated between rows", "1 concepts stand in only one of LBTESTCD and LBTEST"),
        ("without its last term", "codelist has no terms"),
        ("columns in another order", "another order"),
        ("another kind", "is a package of SEND"),
        ("kind named otherwise", "is a package of ADaM, not of SDTM"),
        ("no kind", "does not say what kind"),
        ("no table", "first line is not that of a terminology package"),
        ("a term before its codelist", "stands before its codelist C65047"),
        ("a code twice", "stands twice"),
        ("no code", "is not an NCI code"),
        ("no value", "no submission value"),
        ("extensible unclear", "not Yes or No"),
        ("not UTF-8", "not UTF-8"),
    ],
)
def test_a_broken_file_is_an_error_and_the_store_is_as_it_was(published, tmp_path, what, message):
    store = tmp_path / "store"
    good = published.write_text(tmp_path / "SDTM_2030-01-02.txt")
    import_package(good, store)
    before = {path.name: path.read_bytes() for path in store.iterdir()}
    good.write_bytes(broken(published, what))
    with pytest.raises(MistakesError, match=message):
        import_package(good, store)
    assert {path.name: path.read_bytes() for path in store.iterdir()} == before


def test_a_truncated_workbook_and_xml_are_errors(published, tmp_path):
    for path in (published.write_excel(tmp_path / "a.xlsx"), published.write_odm(tmp_path / "a.xml")):
        path.write_bytes(path.read_bytes()[:-200])
        with pytest.raises(MistakesError, match="truncated"):
            read_published(path)


def test_other_files_are_errors(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w") as file:
        file.writestr("x", "y")
    for name in ("a.xlsx", "b.xls", "c.pdf"):
        (tmp_path / name).touch()
        with pytest.raises(MistakesError):
            read_published(tmp_path / name)
    with pytest.raises(MistakesError, match="no such file"):
        read_published(tmp_path / "d.txt")


def test_the_date_is_given_where_nothing_says_it(published, tmp_path):
    path = published.write_text(tmp_path / "SDTM Terminology.txt")
    with pytest.raises(MistakesError, match="--date"):
        read_published(path)
    assert read_published(path, date="2030-01-02").date == "2030-01-02"
    with pytest.raises(MistakesError, match="not of CDASH"):
        read_published(path, kind="CDASH", date="2030-01-02")


def test_a_known_package_with_other_counts_is_an_error(published, tmp_path):
    with pytest.raises(MistakesError, match="8 rows instead of 46827"):
        read_published(published.write_text(tmp_path / "SDTM_Terminology_2026-03-27.txt"))


def test_a_failing_disk_leaves_the_store_as_it_was(published, tmp_path, monkeypatch):
    store = tmp_path / "store"

    def fail(_descriptor):
        raise OSError("no space left")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="no space"):
        import_package(published.write_text(tmp_path / "SDTM_2030-01-02.txt"), store)
    assert list(store.iterdir()) == []
    assert imported(store) == {}


@needs_ct
@pytest.mark.parametrize(
    ("name", "rows", "codelists"),
    [
        ("SDTM_Terminology_2025-03-28.txt", 44856, 1158),
        ("SDTM_Terminology_2026-03-27_assembled.txt", 46827, 1215),
        ("ADaM_Terminology_2026-03-27.txt", 169, 25),
        ("Define-XML_Terminology_2026-03-27.txt", 108, 15),
        ("CDASH_Terminology_2026-03-27.txt", 376, 22),
    ],
)
def test_the_published_packages_import_with_their_counts(tmp_path, name, rows, codelists):
    found = import_package(CT / name, tmp_path)
    assert (len(found.rows), found.codelists) == (rows, codelists)


@needs_ct
def test_a_published_package_cut_anywhere_is_an_error(tmp_path):
    text = (CT / "ADaM_Terminology_2026-03-27.txt").read_bytes()
    path = tmp_path / "ADaM_Terminology_2026-03-27.txt"
    for end in range(1, len(text), 997):
        path.write_bytes(text[:end])
        with pytest.raises(MistakesError):
            read_published(path)
    for line in (20, 80, 168):
        path.write_bytes(b"".join(text.splitlines(keepends=True)[:line]))
        with pytest.raises(MistakesError, match=r"truncated|no terms"):
            read_published(path)


@needs_ct
def test_columns_are_those_of_the_published_file():
    with (CT / "ADaM_Terminology_2026-03-27.txt").open(encoding="utf-8") as file:
        assert tuple(file.readline().rstrip("\n").split("\t")) == COLUMNS
