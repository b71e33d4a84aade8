"""What rules of the open format may ask of a build beside its data: its define.xml and the sizes of its files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cdiscway.define.build import build_define
from cdiscway.define.write import define_bytes
from cdiscway.validation.rule_define import Define, merged_defines, parse_define

from .build import Converted, define_input
from .writers.split import file_size


@dataclass(frozen=True)
class Asked:
    """A define.xml as rules see it, and the bytes of each dataset's transport file."""

    define: Define | None = None
    sizes: Mapping[str, int] = field(default_factory=dict)


def facts_of(converted: Converted) -> Asked:
    """Return what the build will write: the define.xml of its packages as one, and how large each file will be."""
    written = [define_bytes(build_define(define_input(converted.plan, package))) for package in converted.packages]
    defines = [parse_define(content, "define.xml") for content in written]
    datasets = [dataset for package in converted.packages for dataset in package.datasets]
    sizes = {dataset.name: file_size(dataset.metadata, len(dataset.frame)) for dataset in datasets}
    return Asked(merged_defines(defines), sizes)
