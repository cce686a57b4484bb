"""The column `families`: JSON of every family and the reason why a title goes without it."""

from __future__ import annotations

import json
from collections.abc import Mapping


def as_column(reasons: Mapping[str, str | None]) -> str:
    """Return the column's value.

    Args:
        reasons: By family, why it is left out; None for one that is used.
    """
    return json.dumps(dict(reasons))


def reasons_of(column: str) -> dict[str, str | None]:
    """Return why each family is left out; None for one that is used."""
    found: dict[str, str | None] = json.loads(column)
    return found


def used_families(column: str) -> tuple[str, ...]:
    """Return the families that are used."""
    return tuple(name for name, reason in reasons_of(column).items() if reason is None)
