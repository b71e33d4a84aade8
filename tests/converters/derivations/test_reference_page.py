"""The reference page of derivations names every public function with the first line of its docstring."""

import importlib
import inspect
import pkgutil
from pathlib import Path

from cdiscway.converters import derivations

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "derivations.md"
MARK = "<!-- made of the docstrings in converters/derivations -->\n"
INNER = {"keys"}


def public_functions(module):
    for name, item in inspect.getmembers(module, inspect.isfunction):
        if not name.startswith("_") and item.__module__ == module.__name__:
            yield name, item


def sections():
    lines = []
    for found in sorted(pkgutil.iter_modules(derivations.__path__), key=lambda found: found.name):
        if found.name in INNER:
            continue
        module = importlib.import_module(f"cdiscway.converters.derivations.{found.name}")
        lines += ["", f"## {found.name}", "", inspect.getdoc(module).partition("\n\n")[0], ""]
        for name, function in public_functions(module):
            first = " ".join(inspect.getdoc(function).partition("\n\n")[0].split())
            lines.append(f"- `{name}({', '.join(inspect.signature(function).parameters)})`: {first}")
    return "\n".join(lines) + "\n"


def test_page_holds_every_derivation():
    assert PAGE.read_text(encoding="utf-8").partition(MARK)[2] == sections()


def test_every_function_has_an_example():
    for found in pkgutil.iter_modules(derivations.__path__):
        module = importlib.import_module(f"cdiscway.converters.derivations.{found.name}")
        assert all(">>>" in inspect.getdoc(function) for _, function in public_functions(module))
