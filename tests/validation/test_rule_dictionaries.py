"""Rules that ask a dictionary: read from MedDRA's ASCII files (a made-up dictionary), not run without it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cdiscway.specs.mistakes import MistakesError
from cdiscway.validation.operations import OPERATIONS, Request
from cdiscway.validation.operators import CannotRunError
from cdiscway.validation.rule_data import RuleDataset, RuleStudy
from cdiscway.validation.rule_define import Define
from cdiscway.validation.rule_dictionaries import Dictionary, read_dictionaries

FILES = {
    "llt.asc": "11$Tum ache$1$$$$$$$Y$$\n12$Sore tum$1$$$$$$$N$$\n",
    "pt.asc": "1$Stomach ache$$9$$$$$$$$\n2$Itch$$8$$$$$$$$\n",
    "hlt.asc": "21$Aches$$$$$$$$\n",
    "hlgt.asc": "31$Signs$$$$$$$$\n",
    "soc.asc": "8$Skin$SKIN$$$$$$$$\n9$Gut$GUT$$$$$$$$\n",
    "meddra_release.asc": "99.1$English$$$$\n",
}


@pytest.fixture
def meddra(tmp_path: Path) -> dict[str, Dictionary]:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return read_dictionaries([f"meddra={tmp_path}"])


def ask(operator: str, columns: dict[str, list[Any]], held: dict[str, Dictionary], **words: Any) -> list[Any]:
    dataset = RuleDataset("AE", pd.DataFrame({"DOMAIN": ["AE"] * len(next(iter(columns.values()))), **columns}))
    define = Define({}, {}, dictionaries={"meddra": "99.1"})
    found = OPERATIONS[operator](
        Request(RuleStudy((dataset,), define=define, dictionaries=held), dataset, dataset.table, words)
    )
    assert not isinstance(found, dict)
    return [found.value(row) for row in range(len(found))]


TERM = {"name": "--DECOD", "external_dictionary_type": "meddra", "dictionary_term_type": "PT"}
PAIR = {"name": "--PTCD", "external_dictionary_type": "meddra", "external_dictionary_term_variable": "--DECOD"}


@pytest.mark.parametrize(
    ("operator", "columns", "words", "expected"),
    [
        ("valid_external_dictionary_value", {"AEDECOD": ["Itch", "ITCH", "Aches", None]}, TERM, [1, 0, 0, 0]),
        ("valid_external_dictionary_value", {"AEDECOD": ["Itch", "ITCH"]}, {**TERM, "case_sensitive": False}, [1, 1]),
        ("valid_external_dictionary_value", {"AEPTCD": [2.0, 3.0]}, {**TERM, "name": "--PTCD"}, [1, 0]),
        ("valid_external_dictionary_code", {"AEPTCD": [1.0, 11.0]}, {**TERM, "name": "--PTCD"}, [1, 0]),
        (
            "valid_external_dictionary_code_term_pair",
            {"AEPTCD": [1.0, 2.0, 7.0], "AEDECOD": ["Stomach ache", "Stomach ache", "Itch"]},
            PAIR,
            [1, 0, 0],
        ),
        ("valid_meddra_code_references", {"AESOCCD": [9.0, 9.0, None], "AELLTCD": [11.0, 1.0, 12.0]}, {}, [1, 0, 1]),
        ("valid_meddra_term_references", {"AESOC": ["Gut", "Bones", None]}, {}, [1, 0, 1]),
        (
            "valid_meddra_code_term_pairs",
            {"AESOCCD": [9.0, 9.0, None], "AESOC": ["Gut", "Skin", "Skin"]},
            {},
            [1, 0, 1],
        ),
        ("valid_define_external_dictionary_version", {"AETERM": ["x"]}, {"external_dictionary_type": "meddra"}, [1]),
    ],
)
def test_a_value_is_looked_up_at_its_level(
    operator: str, columns: dict[str, list[Any]], words: dict[str, Any], expected: list[int], meddra: dict[str, Any]
) -> None:
    assert ask(operator, columns, meddra, **words) == [bool(answer) for answer in expected]


@pytest.mark.parametrize("name", [name for name in OPERATIONS if "meddra" in name or "dictionary" in name])
def test_without_the_dictionary_a_rule_cannot_run(name: str) -> None:
    with pytest.raises(CannotRunError, match="needs the dictionary"):
        ask(name, {"AEDECOD": ["Itch"], "AEPTCD": [1.0]}, {}, **{**TERM, **PAIR})


def test_what_is_not_there_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(MistakesError) as error:
        read_dictionaries([f"meddra={tmp_path}", "medra=x", "whodrug"])
    told = [mistake.message for mistake in error.value.mistakes]
    assert told == [*["there is no such file of MedDRA"] * 5, *["is not of the form meddra=FOLDER"] * 2]
