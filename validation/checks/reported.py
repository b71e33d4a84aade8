"""Rules that other stations judge (reading, mapping, writing, describing): entries of the catalogue, from reported.yaml."""

from __future__ import annotations

from pathlib import Path

import yaml

from .base import Group, announce

_FILE = Path(__file__).with_name("reported.yaml")
_CITATIONS = {"define": "Define-XML 2.1", "written": "SAS technical paper TS-140"}
_PARTS = {"id", "severity", "fix_in", "title", "do", "citation"}
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def enter() -> None:
    """Enter the rules of reported.yaml into the catalogue."""
    for station, entries in yaml.load(_FILE.read_text(encoding="utf-8"), Loader=_LOADER).items():
        group: Group = "define" if station == "define" else "map"
        for entry in entries:
            if unknown := set(entry) - _PARTS:
                raise ValueError(
                    f"{entry['id']}: {', '.join(sorted(unknown))} is no part of an entry (an unquoted comma?)"
                )
            announce(
                entry["id"],
                entry["severity"],
                citation=entry.get("citation", _CITATIONS.get(station, "")),
                fix_in=entry.get("fix_in", "spec"),
                text=f"{entry['title']}\n{entry['do']}",
                group=group,
            )


enter()
