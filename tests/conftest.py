"""What several test folders share: the bundled example study, one build of it, and the checks without their engine."""

from __future__ import annotations

import contextlib
import gc
import io
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from cdiscway.converters.build import Converted

# The same examples in every run, and no deadline: a shared machine is slow at times, and a test is not a stopwatch.
settings.register_profile("cdiscway", deadline=None, derandomize=True, database=None)
settings.load_profile("cdiscway")

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "examples" / "ifm-2015-03"
OF_THE_EXAMPLE = {"example_build", "converted"}
"""Fixtures that cost seconds: the tests that use them run in one process (`--dist loadgroup`)."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep what shares a fixture in one process: the tests of the example's one build, and each file's own tests."""
    for item in items:
        shared = OF_THE_EXAMPLE.intersection(getattr(item, "fixturenames", ()))
        item.add_marker(pytest.mark.xdist_group("example" if shared else item.path.relative_to(ROOT).as_posix()))


def pytest_collection_finish() -> None:
    """Collect garbage seldom, and never what is imported: it took a sixth of the time of tests that make many objects."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def copy_example(folder: Path) -> Path:
    """Copy the example study, without what was built, into a folder; return the study folder."""
    target = folder / EXAMPLE.name
    shutil.copytree(EXAMPLE, target, ignore=shutil.ignore_patterns("build", ".*.part", "__pycache__"))
    return target


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A copy of the example study that a test may change."""
    return copy_example(tmp_path)


@dataclass(frozen=True)
class CommandLine:
    """What a command printed, its exit code, and the study it was called on."""

    study: Path
    code: int
    out: str
    err: str


@pytest.fixture(scope="session")
def example_build(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """`cdiscway build --manifest` of the example study, called once; what it made is not to be changed."""
    from cdiscway.cli.main import main

    folder = copy_example(tmp_path_factory.mktemp("built"))
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as stop:
        main(["build", str(folder), "--manifest"])
    return CommandLine(folder, int(stop.value.code or 0), out.getvalue(), err.getvalue())


@pytest.fixture(scope="session")
def built(example_build: CommandLine) -> Path:
    """The build folder of the example study, built once; not to be changed."""
    assert (example_build.study / "build").is_dir(), example_build.err
    return example_build.study / "build"


@pytest.fixture
def built_study(built: Path, tmp_path: Path) -> Path:
    """A copy of the example study with its build, that a test may change."""
    return Path(shutil.copytree(built.parent, tmp_path / "built" / built.parent.name))


@pytest.fixture(scope="session")
def converted() -> Converted:
    """The datasets of the example study, mapped once; not to be changed."""
    from cdiscway.converters.build import convert, read_plan

    return convert(read_plan(EXAMPLE))


@dataclass
class Outcome:
    """What came of one check: what `cdiscway.validation.run` reads of the engine's answer."""

    check: Any
    hits: Sequence[Any]
    reason: str


@pytest.fixture(scope="session")
def direct() -> Any:
    """Stand in for `run._run`: the same checks without great-expectations, a hundred times a second.

    That both find the same is proven in tests/validation/test_planted.py.
    """
    from cdiscway.validation.checks import evaluate

    def run_checks(
        study: Any, plans: Mapping[str, Sequence[Any]], _frames: object
    ) -> tuple[list[Outcome], dict[str, Any]]:
        outcomes = []
        for name, checks in plans.items():
            for check in checks:
                found, reason = evaluate(check, study, study.views[name])
                outcomes.append(Outcome(check, found, reason))
        return outcomes, {}

    return run_checks
