"""A release before it has a name and a place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa


@dataclass(frozen=True)
class Draft:
    """What a node makes and a dataset publishes.

    Attributes:
        tables: By kind, as in `payload.SCHEMAS`; rows ordered by ISBN.
        about: What else the manifest tells, as JSON can hold it.
    """

    tables: Mapping[str, pa.Table]
    about: Mapping[str, Any] = field(default_factory=dict)
