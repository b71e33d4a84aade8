"""The house: what stands at the top, how modules are imported, and what no file may say."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("cli", "specs", "converters", "define", "validation")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def tracked() -> list[Path]:
    """Return the files git knows (all files, where this is no checkout)."""
    found = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split(
        "\n"
    )
    return [ROOT / name for name in found if name and (ROOT / name).is_file() and not (ROOT / name).is_symlink()]


def test_the_top_level_has_the_folders_that_the_readme_names() -> None:
    assert all(
        (ROOT / name).is_dir() for name in ("converters", "specs/sdtm", "specs/adam", "define", "validation", "tests")
    )
    assert (ROOT / "pyproject.toml").is_file()
    assert not (ROOT / "cdiscway").exists()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_module_is_imported_by_one_name_only(path: Path) -> None:
    """`import specs` would load a module a second time, beside `cdiscway.specs`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            names.append(node.module or "")
        assert not {name.split(".")[0] for name in names} & set(PACKAGES)


def test_every_package_is_listed_for_the_installation() -> None:
    listed = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for path in MODULES:
        folder = path.parent.relative_to(ROOT).as_posix().replace("/", ".")
        assert f'"cdiscway.{folder}",' in listed, folder


def test_no_file_holds_the_address_of_a_package_registry_or_a_path_of_one_machine() -> None:
    words = re.compile(r"pypi\.org|pythonhosted|registry\.npmjs|deb\.debian\.org|/home/[a-z]+/|/root/|/work/")
    for path in tracked():
        if path.suffix in {".py", ".md", ".yaml", ".toml", ".lock", ".txt", ".j2", ".js", ".css", ""} and path != Path(
            __file__
        ):
            found = words.search(path.read_text(encoding="utf-8", errors="replace"))
            assert found is None, f"{path.relative_to(ROOT)}: {found.group()}" if found else ""


def test_help_imports_neither_pandas_nor_great_expectations() -> None:
    import sys

    script = (
        "import sys\nfrom cdiscway.cli.main import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'pandas', 'numpy', 'great_expectations', 'pyarrow', 'lxml', 'pydantic'} & set(sys.modules)\n"
        "sys.exit(f'imported: {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "archive" in done.stdout
