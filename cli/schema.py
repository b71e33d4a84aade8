"""`cdiscway schema`: the JSON Schema that lets an editor complete study.yaml and the mapping files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import click


@click.command()
@click.argument("what", type=click.Choice(["study", "mapping"]))
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), required=False)
def command(what: Literal["study", "mapping"], file: Path | None) -> None:
    """Write the JSON Schema of study.yaml (`study`) or of a file of mapping/ (`mapping`) into FILE, or print it."""
    from cdiscway.converters.schema import json_schema

    text = json.dumps(json_schema(what), ensure_ascii=False, indent=1)
    if file is None:
        click.echo(text)
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text + "\n", encoding="utf-8", newline="")
