"""great-expectations as engine: what raises is not run, nothing leaves the machine, the suites tell what was checked."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from dataclasses import replace

import pytest

from cdiscway.validation import run
from cdiscway.validation.checks import RULES, CannotRunError, Hit
from cdiscway.validation.rule_checks import own_rules
from cdiscway.validation.run import validate


@pytest.fixture
def small(clean_tables, tools):  # type: ignore[no-untyped-def]
    return tools["build"]([table for table in clean_tables if table.name in {"DM", "TS", "TA"}])


def broken(error: Exception):  # type: ignore[no-untyped-def]
    def find(_study, _view):  # type: ignore[no-untyped-def]
        yield Hit("SEX", "found before", None)
        raise error

    return find


def test_a_check_that_raises_is_not_run(small, terminology, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setitem(RULES, "CDW-DM-ONE", replace(RULES["CDW-DM-ONE"], find=broken(ZeroDivisionError("by zero"))))
    result = validate(small, terminology)
    assert [(item.rule, item.dataset) for item in result.not_run] == [("CDW-DM-ONE", "DM")]
    assert "by zero" in result.not_run[0].reason
    assert not result.clean


def test_a_check_that_cannot_finish_keeps_what_it_found(small, terminology, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setitem(RULES, "CDW-DM-ONE", replace(RULES["CDW-DM-ONE"], find=broken(CannotRunError("lacks a list"))))
    result = validate(small, terminology)
    assert [(item.rule, item.reason) for item in result.not_run] == [("CDW-DM-ONE", "lacks a list")]
    assert "found before" in {finding.message for finding in result.findings}


def test_a_rule_that_cannot_be_planned_is_not_run(small, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    result = validate(small, None)
    assert {item.rule for item in result.not_run} == {"CDW-CODELIST", "CDW-TS-TERM"}
    assert not result.clean


def test_an_engine_without_results_is_not_a_pass(small, terminology, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(run, "_run", lambda *_arguments: ([], {}))
    assert not validate(small, terminology).clean


def test_suites_tell_what_was_checked_and_are_the_same_every_time(small, terminology) -> None:  # type: ignore[no-untyped-def]
    first, second = validate(small, terminology), validate(small, terminology)
    assert json.dumps(first.suites) == json.dumps(second.suites)
    assert list(first.suites) == ["PACKAGE", "DM", "TA", "TS"]
    for name, suite in first.suites.items():
        assert len(suite["expectations"]) == first.checks[name]
        assert {item["meta"]["rule_id"] for item in suite["expectations"]} <= {
            *RULES,
            *(rule.id for rule in own_rules()),
        }
    kinds = {item["type"] for suite in first.suites.values() for item in suite["expectations"]}
    assert {
        "expect_records_to_pass",
        "expect_table_columns_to_match_set",
        "expect_table_row_count_to_be_between",
    } <= kinds


def test_no_socket_is_opened() -> None:
    code = """
        import sys

        def refuse(event, _arguments):
            if event in {"socket.connect", "socket.getaddrinfo", "socket.bind", "socket.sendto"}:
                raise RuntimeError(event)

        sys.addaudithook(refuse)
        import pandas as pd
        from cdiscway.converters.dataset import BuiltDataset, DatasetMetadata, VariableMetadata
        from cdiscway.validation.intake import guess_spec
        from cdiscway.validation.run import validate

        metadata = DatasetMetadata("DM", "Demographics", (VariableMetadata("STUDYID", "Study Identifier", "Char", 1),))
        frame = pd.DataFrame({"STUDYID": pd.Series(["S"], dtype="str")})
        result = validate([BuiltDataset(guess_spec(metadata), frame, metadata)], None)
        assert result.checks["DM"] > 5
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_suites_are_written_as_great_expectations_writes_them(small, terminology, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    from cdiscway.validation import expectations

    pairs = []
    ours = expectations._suite_json
    monkeypatch.setattr(expectations, "_suite_json", lambda suite: pairs.append((suite, ours(suite))) or pairs[-1][1])
    validate(small, terminology)
    assert [suite.name for suite, _ in pairs] == ["PACKAGE", "DM", "TA", "TS"]
    for suite, written in pairs:
        theirs = json.loads(json.dumps(suite.to_json_dict(), default=str))
        for item in (theirs, *theirs["expectations"]):
            item.pop("id", None)
        assert json.dumps(written) == json.dumps(theirs)
