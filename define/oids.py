"""Stable OIDs: the same thing has the same OID in every build (IG.LB, IT.LB.LBORRES, WC.LB.LBTESTCD.EQ.NEUT)."""

from __future__ import annotations

import re
from collections.abc import Sequence


def slug(value: str) -> str:
    """Return a value as it may stand in an OID or an XML ID.

    >>> slug("BONE MARROW")
    'BONE_MARROW'
    """
    return re.sub(r"[^A-Za-z0-9_.-]", "_", value)


def dataset_oid(dataset: str) -> str:
    """Return IG.LB."""
    return f"IG.{dataset}"


def item_oid(dataset: str, variable: str) -> str:
    """Return IT.LB.LBORRES."""
    return f"IT.{dataset}.{variable}"


def condition(pairs: Sequence[tuple[str, str]]) -> str:
    """Return a condition as part of an OID.

    >>> condition([("LBTESTCD", "HCT"), ("LBSPEC", "BLOOD")])
    'LBTESTCD.EQ.HCT.LBSPEC.EQ.BLOOD'
    """
    return ".".join(f"{variable}.EQ.{slug(value)}" for variable, value in pairs)


class Distinct:
    """Gives out each OID once: two values that differ only in marks an OID cannot hold get a number."""

    def __init__(self) -> None:
        self._given: set[str] = set()

    def __call__(self, oid: str) -> str:
        """Return the OID, or the OID with the first free number."""
        free, number = oid, 1
        while free in self._given:
            number += 1
            free = f"{oid}.{number}"
        self._given.add(free)
        return free
