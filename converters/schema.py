"""JSON Schema of study.yaml and of the mapping files, for editors: generated from the models, with their short forms."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import TypeAdapter

from .algorithms.vocabulary import Result
from .mapping import DatasetMapping, Each, TestRow, TimeToEvent
from .study import StudyFile

What = Literal["study", "mapping"]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
CAPITALS = "^[A-Z][A-Z0-9]*$"
"""Names in capitals are variables: they stand beside the words of the language (`{VSTESTCD: PULSE, result: PULS}`)."""
WITH_CAPITALS = (TestRow, Each, TimeToEvent)


def json_schema(what: What) -> dict[str, Any]:
    """Return the schema of `study.yaml` or of a file of `mapping/`."""
    model = StudyFile if what == "study" else DatasetMapping
    schema = model.model_json_schema(by_alias=True, mode="validation")
    definitions = schema.setdefault("$defs", {})
    result = TypeAdapter(Result).json_schema(by_alias=True, mode="validation", ref_template="#/$defs/{model}")
    for name, definition in result["$defs"].items():
        definitions.setdefault(name, definition)
    for own in WITH_CAPITALS:
        if own.__name__ in definitions:
            definitions[own.__name__]["patternProperties"] = {CAPITALS: {"$ref": "#/$defs/Result"}}
    if "DateRule" in definitions:  # one column needs no list
        parts = definitions["DateRule"]["properties"]["date"]
        definitions["DateRule"]["properties"]["date"] = {"anyOf": [parts, parts["items"]]}
    return {"$schema": DIALECT, "title": f"cdiscway {what} file", **{k: v for k, v in schema.items() if k != "title"}}
