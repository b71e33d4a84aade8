"""JSON Schema of study.yaml and of the mapping files, for editors: generated from the models, with their short forms."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter

from cdiscway.specs.load import read_yaml

from .algorithms.vocabulary import Result
from .mapping import DatasetMapping, WithCapitals
from .study import StudyFile

What = Literal["study", "mapping"]

DIALECT = "http://json-schema.org/draft-07/schema#"
"""The draft that editors know: in it a tuple is a list of `items`, and words beside a `$ref` do not count."""
CAPITALS = "^[A-Z][A-Z0-9]*$"
"""Names in capitals are variables: they stand beside the words of the language (`{VSTESTCD: PULSE, result: PULS}`)."""
WORDS = Path(__file__).parent / "schema_words.yaml"


def json_schema(what: What) -> dict[str, Any]:
    """Return the schema of `study.yaml` or of a file of `mapping/`."""
    model = StudyFile if what == "study" else DatasetMapping
    schema = model.model_json_schema(by_alias=True, mode="validation")
    definitions = schema.setdefault("$defs", {})
    result = TypeAdapter(Result).json_schema(by_alias=True, mode="validation", ref_template="#/$defs/{model}")
    for name, definition in result["$defs"].items():
        definitions.setdefault(name, definition)
    for own in WithCapitals.__subclasses__():
        if own.__name__ in definitions:
            definitions[own.__name__]["patternProperties"] = {CAPITALS: {"$ref": "#/$defs/Result"}}
    if "DateRule" in definitions:  # one column needs no list
        parts = definitions["DateRule"]["properties"]["date"]
        definitions["DateRule"]["properties"]["date"] = {"anyOf": [parts, parts["items"]]}
    describe("Mapping" if what == "mapping" else "Study", schema)
    for name, definition in definitions.items():
        describe(name, definition)
    whole = {"title": f"cdiscway {what} file", **{k: v for k, v in schema.items() if k != "title"}}
    return {"$schema": DIALECT, **as_draft_7(whole)}


def as_draft_7(node: Any) -> Any:
    """Return a schema of draft 2020-12 in the words of draft 7."""
    if isinstance(node, list):
        return [as_draft_7(item) for item in node]
    if not isinstance(node, dict):
        return node
    new = {"definitions" if key == "$defs" else key: as_draft_7(value) for key, value in node.items()}
    if isinstance(items := new.pop("prefixItems", None), list):
        new["items"] = items
    if isinstance(reference := new.get("$ref"), str):
        reference = {"$ref": reference.replace("#/$defs/", "#/definitions/")}
        others = {key: value for key, value in new.items() if key != "$ref"}
        return {"allOf": [reference], **others} if others else reference
    return new


@cache
def descriptions() -> dict[str, str]:
    """Return what each word says, by the word (`when`) or by its block and the word (`Visit.raw`)."""
    return {str(word): str(text) for word, text in read_yaml(WORDS).data.items()}


def rule_word(name: str) -> str:
    """Return the word that names a rule: `sas_date` of SasDateRule; empty for what is no rule."""
    if not name.endswith("Rule"):
        return ""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name.removesuffix("Rule"))[1:]


def describe(name: str, definition: dict[str, Any]) -> None:
    """Give each word of a block its description, which an editor shows; the word of a rule has that of the rule."""
    texts = descriptions()
    for word, said in definition.get("properties", {}).items():
        text = definition["description"] if word == rule_word(name) else texts.get(f"{name}.{word}", texts.get(word))
        if text is not None:
            definition["properties"][word] = {**said, "description": text}
