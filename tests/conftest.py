"""What several test folders share: a copy of the bundled example study, and one build of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples in every run, and no deadline: a shared machine is slow at times, and a test is not a stopwatch.
settings.register_profile("cdiscway", deadline=None, derandomize=True, database=None)
settings.load_profile("cdiscway")

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "examples" / "ifm-2015-03"


def copy_example(folder: Path) -> Path:
    """Copy the example study, without what was built, into a folder; return the study folder."""
    target = folder / EXAMPLE.name
    shutil.copytree(EXAMPLE, target, ignore=shutil.ignore_patterns("build", ".*.part", "__pycache__"))
    return target


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A copy of the example study that a test may change."""
    return copy_example(tmp_path)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The build folder of the example study, built once; not to be changed."""
    from cdiscway.converters.build import build_study

    return build_study(copy_example(tmp_path_factory.mktemp("built"))).folder
