"""`cdiscway validate`: both engines in one go, reports, waivers, and CDISC's engine beside ours."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path

import pandas as pd
import pytest

from cdiscway.cli.main import main
from cdiscway.converters.dataset import DatasetMetadata, VariableMetadata
from cdiscway.converters.writers import xpt
from cdiscway.validation.core import core_python, run_core

RULE = """\
Core: {{Id: {id}}}
Description: Nobody is {sex}
Rule Type: Record Data
Sensitivity: Record
Scope: {{Domains: {{Include: [DM]}}}}
Check:
  all:
    - {{name: SEX, operator: {operator}, value: {sex}}}
Outcome: {{Message: A subject is {sex}, Output Variables: [SEX]}}
Authorities:
  - Organization: Sponsor
    Standards:
      - {{Name: SDTMIG, Version: "3.4", References: [{{Rule Identifier: {{Id: {number}}}}}]}}
"""


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return int(stop.value.code or 0), out, err


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a DM of two subjects."""
    target = tmp_path / "package"
    target.mkdir()
    columns = {"STUDYID": ["S", "S"], "DOMAIN": ["DM", "DM"], "USUBJID": ["S-1", "S-2"], "SEX": ["F", "M"]}
    metadata = DatasetMetadata("DM", "Demographics", tuple(VariableMetadata(n, n, "Char", 8) for n in columns))
    xpt.write(pd.DataFrame(columns, dtype="str"), metadata, target / "dm.xpt")
    return target


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    target = tmp_path / "rules"
    target.mkdir()
    (target / "sex.yaml").write_text(RULE.format(id="OWN-1", sex="F", operator="equal_to", number="CG9901"))
    return target


def test_rules_of_a_folder_run_beside_ours(
    folder: Path, rules: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "report.json"
    code, _, _ = run(capsys, "validate", folder, "--rules", rules, "--json", report)
    assert code == 1
    found = [item for item in json.loads(report.read_text())["findings"] if item["rule"] == "OWN-1"]
    assert [(f["dataset"], f["variable"], f["records"], f["message"]) for f in found] == [
        ("DM", "SEX", 1, "A subject is F")
    ]
    assert found[0]["examples"][0]["values"] == {"SEX": "F"}
    assert json.loads(report.read_text())["rules"]["OWN-1"]["title"] == "Nobody is F"


def test_an_unknown_operator_is_told_with_file_and_line_and_nothing_runs(
    folder: Path, rules: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (rules / "sex.yaml").write_text(RULE.format(id="OWN-1", sex="F", operator="equals_to", number="X"))
    code, out, err = run(capsys, "validate", folder, "--rules", rules)
    assert (code, out) == (2, "")
    assert "sex.yaml:8" in err and "equals_to" in err and "equal_to" in err


def test_a_rule_with_an_id_of_ours_is_a_mistake(folder: Path, rules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (rules / "sex.yaml").write_text(RULE.format(id="CDW-KEYS", sex="F", operator="equal_to", number="X"))
    code, _, err = run(capsys, "validate", folder, "--rules", rules)
    assert code == 2 and "CDW-KEYS" in err


def test_a_rule_that_cannot_run_is_not_run(
    folder: Path, rules: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = RULE.format(id="OWN-1", sex="F", operator="equal_to", number="X")
    wanted = text.replace("Rule Type: Record Data", "Rule Type: Define Item Metadata Check")
    (rules / "sex.yaml").write_text(wanted)
    report = tmp_path / "report.json"
    assert run(capsys, "validate", folder, "--rules", rules, "--json", report)[0] == 1
    told = {item["rule"]: item["reason"] for item in json.loads(report.read_text())["not_run"]}
    assert "define.xml" in told["OWN-1"]


def test_every_report_is_written(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = {"--html": "r.html", "--json": "r.json", "--xlsx": "r.xlsx", "--sarif": "r.sarif", "--junit": "r.xml"}
    options = [part for option, name in names.items() for part in (option, tmp_path / name)]
    run(capsys, "validate", folder, *options)
    assert all((tmp_path / name).stat().st_size > 100 for name in names.values())


WAIVERS = """\
- {{rule: CDW-DATASET-LABEL, dataset: {dataset}, reason: Known, who: Data management, date: 2020-01-01{more}}}
"""


def test_waivers_set_findings_aside_and_stale_ones_are_told(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    report, waivers = tmp_path / "report.json", tmp_path / "waivers.yaml"
    text = WAIVERS.replace("CDW-DATASET-LABEL", "CDW-PACKAGE-TS")
    waivers.write_text(text.format(dataset="PACKAGE", more="").replace("dataset: PACKAGE, ", ""))
    code, out, _ = run(capsys, "validate", folder, "--waivers", waivers, "--json", report)
    data = json.loads(report.read_text())
    assert code == 1 and "waived: 1" in out
    assert [item["rule"] for item in data["waived"]] == ["CDW-PACKAGE-TS"]
    assert "CDW-PACKAGE-TS" not in {item["rule"] for item in data["findings"]}
    (folder / "waivers.yaml").write_text(WAIVERS.format(dataset="ZZ", more=""))
    run(capsys, "validate", folder, "--json", report)
    assert "CDW-WAIVER-STALE" in {item["rule"] for item in json.loads(report.read_text())["findings"]}


def test_expiry_is_judged_on_a_day_that_is_told_never_by_the_clock(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    report = tmp_path / "report.json"
    text = WAIVERS.replace("CDW-DATASET-LABEL, dataset: {dataset}", "CDW-PACKAGE-TS")
    (folder / "waivers.yaml").write_text(text.format(more=", expires: 2020-06-30"))
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    code, _, err = run(capsys, "validate", folder)
    assert code == 2 and "SOURCE_DATE_EPOCH" in err
    for epoch, rule in (("1593475200", "waived"), ("1593648000", "CDW-WAIVER-EXPIRED")):  # 30 June and 2 July 2020
        monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
        run(capsys, "validate", folder, "--json", report)
        data = json.loads(report.read_text())
        assert rule in {item["rule"] for item in data["findings"]} | ({"waived"} if data["waived"] else set())


STAND_IN = """\
#!{python}
import json, sys
words = sys.argv[1:]
assert words[0] == "validate" and words[words.index("-of") + 1] == "JSON"
assert words[words.index("-s") + 1] == "sdtmig" and words[words.index("-v") + 1] == "3-4"
files = [words[at + 1] for at, word in enumerate(words) if word == "-dp"]
assert files and all(file.endswith(".xpt") and "/split/" not in file for file in files) and "-d" not in words
rules = [
    {{"core_id": "CORE-1", "cdisc_rule_id": "CG9901", "status": "ISSUE REPORTED"}},
    {{"core_id": "CORE-2", "cdisc_rule_id": "CG9902", "status": "SUCCESS"}},
    {{"core_id": "CORE-3", "cdisc_rule_id": "CG9903", "status": "SKIPPED"}},
]
summary = [{{"core_id": "CORE-1", "dataset": "dm.xpt", "issues": 1}}]
with open(words[words.index("-o") + 1] + ".json", "w") as stream:
    json.dump({{"Rules_Report": rules, "Issue_Summary": summary, "Issue_Details": []}}, stream)
"""


def test_core_runs_on_the_same_files_and_agreement_is_shown_rule_by_rule(
    folder: Path, rules: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    core, report = tmp_path / "core", tmp_path / "report.json"
    core.write_text(STAND_IN.format(python=sys.executable))
    core.chmod(core.stat().st_mode | stat.S_IXUSR)
    second = RULE.format(id="OWN-2", sex="M", operator="equal_to", number="CG9902")
    (rules / "second.yaml").write_text(second)
    _, out, _ = run(capsys, "validate", folder, "--rules", rules, "--core", core, "--json", report)
    assert "CDISC CORE: 1 CORE did not run it, 1 both find, 1 ours alone" in out
    assert "ours alone: CORE-2 (CG9902, OWN-2)" in out
    section = next(s for s in json.loads(report.read_text())["sections"] if s["title"].startswith("CDISC CORE"))
    assert section["rows"][0] == ["CORE-1", "CG9901", "both find", 1, 1, "OWN-1"]


def test_core_runs_in_the_environment_beside_it_and_early_versions_without_define(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "venv" / "bin").mkdir(parents=True)
    python = tmp_path / "venv" / "bin" / "python"
    python.write_text(
        "#!/bin/sh\nshift\ncase \"$*\" in *-dxp*) echo 'Error: No such option: -dxp' >&2; exit 2;; esac\n"
        'while [ $# -gt 1 ]; do [ "$1" = -o ] && echo \'{"Rules_Report": []}\' > "$2.json"; shift; done\n'
    )
    python.chmod(0o755)
    (tmp_path / "core.py").write_text("")
    assert core_python(tmp_path / "core.py") == str(python)
    assert run_core(tmp_path / "core.py", folder, folder / "define.xml") == {"Rules_Report": []}
    assert core_python(folder / "core.py") == sys.executable


@pytest.mark.parametrize(
    ("text", "told"), [(None, "no CDISC CORE"), ("#!/bin/sh\necho broken >&2\nexit 3\n", "exit code 3): broken")]
)
def test_core_that_is_not_there_or_fails_is_told(
    text: str | None, told: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    core = tmp_path / "core"
    if text is not None:
        core.write_text(text)
        core.chmod(core.stat().st_mode | stat.S_IXUSR)
    code, _, err = run(capsys, "validate", folder, "--core", core)
    assert code == 2 and told in err


def test_two_engines_tell_one_cause_once(
    folder: Path, rules: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (rules / "second.yaml").write_text(RULE.format(id="OWN-2", sex="F", operator="equal_to", number="CG9901"))
    report = tmp_path / "report.json"
    run(capsys, "validate", folder, "--rules", rules, "--json", report)
    found = [item for item in json.loads(report.read_text())["findings"] if item["rule"].startswith("OWN")]
    assert [(item["rule"], item["also"]) for item in found] == [("OWN-2", ["OWN-1"])]


@pytest.mark.parametrize(
    ("path", "severity"),
    [
        ("package", "warning"),
        ("m5/datasets/s/tabulations/sdtm", "error"),
        ("m5/datasets/s/analysis/adam/datasets", "error"),
    ],
)
def test_transport_files_without_define_are_told_and_a_submission_is_rejected(
    folder: Path, path: str, severity: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "sent" / path
    target.parent.mkdir(parents=True)
    folder.rename(target)
    (target / "split").mkdir()
    (target / "split" / "dm1.xpt").write_bytes((target / "dm.xpt").read_bytes())
    report = tmp_path / "report.json"
    run(capsys, "validate", tmp_path / "sent", "--json", report)
    told = json.loads(report.read_text())
    found = [item for item in told["findings"] if item["rule"] == "CDW-PACKAGE-DEFINE"]
    assert [(item["severity"], item["message"]) for item in found] == [
        (severity, f"sent/{path} has no define.xml: it is asked for in a submission")
    ]
    assert told["rules"]["CDW-PACKAGE-DEFINE"]["citation"] == "FDA Technical Rejection Criteria 1736"


def test_a_file_that_cannot_be_opened_is_a_finding_and_a_check_not_run(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "vs.xpt").mkdir()
    report = tmp_path / "report.json"
    code, _, _ = run(capsys, "validate", folder, "--json", report)
    data = json.loads(report.read_text())
    assert code == 1 and not data["clean"]
    assert ("CDW-FILE-READ", "VS") in {(item["rule"], item["dataset"]) for item in data["findings"]}
    assert ("CDW-FILE-READ", "VS") in {(item["rule"], item["dataset"]) for item in data["not_run"]}
