"""`cdiscway schema`: the JSON Schema that lets an editor complete study.yaml and the mapping files."""

from __future__ import annotations

import json
from typing import Literal

import click


@click.command()
@click.argument("what", type=click.Choice(["study", "mapping"]))
def command(what: Literal["study", "mapping"]) -> None:
    """Print the JSON Schema of study.yaml (`study`) or of a file of mapping/ (`mapping`)."""
    from cdiscway.converters.schema import json_schema

    click.echo(json.dumps(json_schema(what), ensure_ascii=False, indent=1))
