"""A study folder to another date of terminology: what is touched, what is applied, and that the rest stays as it was."""

import shutil
from pathlib import Path

import pytest

from cdiscway.converters.migrate import apply_migration, plan_migration
from cdiscway.specs.mistakes import MistakesError
from cdiscway.specs.package import Row, write_package

STUDY = {
    "study.yaml": """\
# the study
study: S1
standards:
  sdtm: SDTMIG 3.4
  terminology: {SDTM: 2030-01-01, ADaM: 2026-03-27}   # as agreed
""",
    "mapping/vs.yaml": """\
domain: VS
records:
  - form: SIGNS   # nurse's form
    when: VSTESTCD == "OLDW"
    tests:
      - {VSTESTCD: OLDW,   result: OLDW, unit: oldkg,   standard_unit: 'oldkg'}   # keep this
      - {VSTESTCD: "SWAP", result: SW}
      - {VSTESTCD: GONE,   result: GO}
      - {VSTESTCD: KEEP,   result: KE}
    set:
      VSPOS: {column: POS, recode: {OLDW: STANDING, 2: "LYING"}, otherwise: LYING}
      VSLOC: {column: OLDW}
      VSCAT: OLDW
""",
    "terminology/synonyms.yaml": "VSTESTCD:\n  poids: OLDW\nPOSITION: {debout: STANDING}\n",
    "terminology/extensions.yaml": "# ours\nVSTESTCD:\n  - {value: NEWT, decode: New Test}\n",
}


def head(code: str, value: str) -> Row:
    return Row(code, "", "Yes", value, value, "", "", "")


def term(code: str, codelist: str, value: str) -> Row:
    return Row(code, codelist, "", "", value, "", "", "")


OLD = (
    head("C66741", "VSTESTCD"),
    term("C1", "C66741", "OLDW"),
    term("C2", "C66741", "SWAP"),
    term("C3", "C66741", "GONE"),
    term("C4", "C66741", "KEEP"),
    term("C5", "C66741", "OTHER"),
    head("C66770", "VSRESU"),
    term("C6", "C66770", "oldkg"),
    head("C71148", "POSITION"),
    term("C7", "C71148", "LYING"),
    term("C8", "C71148", "STANDING"),
)
NEW = (
    head("C66741", "VSTESTCD"),
    term("C1", "C66741", "NEWW"),
    term("C2", "C66741", "SWAP2"),
    term("C5", "C66741", "SWAP"),
    term("C4", "C66741", "KEEP"),
    term("C9", "C66741", "NEWT"),
    head("C66770", "VSRESU"),
    term("C6", "C66770", "10^3 g: new"),
    head("C71148", "POSITION"),
    term("C7", "C71148", "no"),
    term("C8", "C71148", "STANDING"),
)


@pytest.fixture
def home(tmp_path) -> Path:
    store = tmp_path / "home" / "terminology"
    store.mkdir(parents=True)
    for date, rows in (("2030-01-01", OLD), ("2031-01-01", NEW)):
        (store / f"sdtm-ct-{date}.tsv").write_bytes(write_package("SDTM", date, rows))
    return tmp_path / "home"


@pytest.fixture
def study(tmp_path) -> Path:
    for name, text in STUDY.items():
        path = tmp_path / "study" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    return tmp_path / "study"


def test_what_is_touched_and_how(study, home):
    migration = plan_migration(study, "2031-01-01", home)
    found = {(f"{one.file.name}:{one.line}", one.path, one.effect, one.old, one.new) for one in migration.touched}
    assert found == {
        ("study.yaml:5", "standards.terminology.SDTM", "package date", "2030-01-01", "2031-01-01"),
        ("vs.yaml:4", "records[0].when", "in a condition", "OLDW", "NEWW"),
        ("vs.yaml:6", "records[0].tests[0].VSTESTCD", "rename", "OLDW", "NEWW"),
        ("vs.yaml:6", "records[0].tests[0].unit", "rename", "oldkg", "10^3 g: new"),
        ("vs.yaml:6", "records[0].tests[0].standard_unit", "rename", "oldkg", "10^3 g: new"),
        ("vs.yaml:7", "records[0].tests[1].VSTESTCD", "ambiguous", "SWAP", "SWAP2"),
        ("vs.yaml:8", "records[0].tests[2].VSTESTCD", "removed", "GONE", ""),
        ("vs.yaml:11", "records[0].set.VSPOS.recode.2", "rename", "LYING", "no"),
        ("vs.yaml:11", "records[0].set.VSPOS.otherwise", "rename", "LYING", "no"),
        ("synonyms.yaml:2", "VSTESTCD.poids", "rename", "OLDW", "NEWW"),
        ("extensions.yaml:3", "VSTESTCD[0].value", "now a term", "NEWT", "NEWT"),
    }
    assert migration.missing == ("ADaM CT 2031-01-01",)
    assert {one.effect for one in migration.left} == {"in a condition", "ambiguous", "removed", "now a term"}
    assert (
        next(one.why for one in migration.left if one.effect == "ambiguous") == "'SWAP' means another concept now (C5)"
    )


def test_planning_changes_nothing(study, home):
    plan_migration(study, "2031-01-01", home)
    assert {name: (study / name).read_bytes().decode() for name in STUDY} == STUDY


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_only_the_safe_values_change_comments_and_layout_stay(study, home, line_end):
    for name, text in STUDY.items():
        (study / name).write_bytes(text.replace("\n", line_end).encode())
    changed = apply_migration(plan_migration(study, "2031-01-01", home))
    assert {path.name for path in changed} == {"study.yaml", "vs.yaml", "synonyms.yaml"}
    expected = dict(STUDY)
    expected["study.yaml"] = STUDY["study.yaml"].replace("SDTM: 2030", "SDTM: 2031")
    expected["mapping/vs.yaml"] = (
        STUDY["mapping/vs.yaml"]
        .replace("{VSTESTCD: OLDW,", "{VSTESTCD: NEWW,")
        .replace("unit: oldkg", 'unit: "10^3 g: new"')
        .replace("'oldkg'", "'10^3 g: new'")
        .replace('"LYING"', '"no"')
        .replace("otherwise: LYING", 'otherwise: "no"')
    )
    expected["terminology/synonyms.yaml"] = STUDY["terminology/synonyms.yaml"].replace("OLDW", "NEWW")
    assert {name: (study / name).read_bytes().decode() for name in STUDY} == {
        name: text.replace("\n", line_end) for name, text in expected.items()
    }


def test_a_value_that_took_another_concept_s_name_is_never_renamed(study, home):
    shutil.rmtree(home)
    store = home / "terminology"
    store.mkdir(parents=True)
    list_ = head("C66741", "VSTESTCD")
    old = (list_, term("C1", "C66741", "OLDW"), term("C2", "C66741", "TAKEN"))
    new = (list_, term("C1", "C66741", "TAKEN"))
    for date, rows in (("2030-01-01", old), ("2031-01-01", new)):
        (store / f"sdtm-ct-{date}.tsv").write_bytes(write_package("SDTM", date, rows))
    migration = plan_migration(study, "2031-01-01", home)
    whys = {one.why for one in migration.left if one.effect == "ambiguous"}
    assert whys == {"'TAKEN' meant another concept before (C2)"}
    assert {one.effect for one in migration.edits} == {"package date"}


def test_a_date_that_is_not_there(study, home):
    with pytest.raises(MistakesError, match="SDTM CT 2035-01-01: is not imported"):
        plan_migration(study, "2035-01-01", home)


def test_a_selection_cannot_be_compared(study, home):
    (study / "study.yaml").write_text("standards: {terminology: {SDTM: 2026-03-27}}\n")
    with pytest.raises(MistakesError, match="bundled as a selection"):
        plan_migration(study, "2031-01-01", home)


def test_a_study_that_names_no_package(study, home):
    (study / "study.yaml").write_text("study: S1\n")
    with pytest.raises(MistakesError, match="names no terminology package"):
        plan_migration(study, "2031-01-01", home)


def test_a_file_that_is_no_yaml_is_named(study, home):
    (study / "mapping" / "vs.yaml").write_text("domain: [\n")
    with pytest.raises(MistakesError, match=r"vs\.yaml"):
        plan_migration(study, "2031-01-01", home)
