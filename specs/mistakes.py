"""What the user got wrong: every mistake of a mapping, a spec or an option, collected and raised together."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """One mistake of the user, with the place to mend it.

    `file` is shown as the user would type it, `line` counts from 1 (None where a whole file is meant), `path` is the
    way inside the file (`LB.records[0].tests[3].unit`).

    >>> print(Mistake("mapping/lb.yaml", 14, "LB.tests[3].unit", "no column 'PTL'", "did you mean 'PLT'?"))
    mapping/lb.yaml:14 LB.tests[3].unit: no column 'PTL' (did you mean 'PLT'?)
    """

    file: str
    line: int | None
    path: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        where = f"{place} {self.path}" if self.path else place
        return f"{where}: {self.message}" + (f" ({self.hint})" if self.hint else "")


class MistakesError(Exception):
    """Raised once, with all mistakes found; the command line prints them and ends with exit code 2."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(dict.fromkeys(mistakes))
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))


@dataclass
class MistakeCollector:
    """Gathers mistakes over several files, then raises them together."""

    mistakes: list[Mistake] = field(default_factory=list)

    def add(self, file: str, line: int | None, path: str, message: str, hint: str = "") -> None:
        """Keep one mistake."""
        self.mistakes.append(Mistake(file, line, path, message, hint))

    def extend(self, mistakes: Iterable[Mistake]) -> None:
        """Keep several."""
        self.mistakes.extend(mistakes)

    def __iter__(self) -> Iterator[Mistake]:
        return iter(self.mistakes)

    def __bool__(self) -> bool:
        return bool(self.mistakes)

    def raise_if_any(self) -> None:
        """Raise `MistakesError` with all that was gathered, or return."""
        if self.mistakes:
            raise MistakesError(self.mistakes)


def nearest(name: str, known: Iterable[str]) -> str:
    """Return `did you mean 'X'?` for the known name nearest to `name`, or an empty text.

    >>> nearest("PTL", ["PLT", "ANC"])
    "did you mean 'PLT'?"
    """
    folded = {text.casefold(): text for text in known}
    found = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
    return f"did you mean '{folded[found[0]]}'?" if found else ""
