"""Lineage: which run made a table, and from which inputs.

A frame carries its lineage in ``attrs``, which pandas writes into Parquet files and reads back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import pandas as pd

_KEY = "lineage"


@dataclass(frozen=True)
class Lineage:
    """The origin of a table.

    Attributes:
        digest: Fingerprint of its content, or of the generation that it is.
        run: Id of the run that made it.
        inputs: Digests of the tables that it was made from, by dataset.
        files: Files of the folders that it was made from, by dataset and name: what identifies the
            content of each without reading it.
    """

    digest: str
    run: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, attrs: Mapping[Any, Any]) -> Self | None:
        """Return the lineage in the attributes of a frame or a file; None if there is none."""
        found = attrs.get(_KEY)
        return cls(**found) if found else None

    def attach(self, frame: pd.DataFrame) -> None:
        """Let a frame carry this lineage."""
        frame.attrs = {**frame.attrs, _KEY: self.plain()}

    def plain(self) -> dict[str, Any]:
        """Return the lineage as JSON holds it."""
        return asdict(self)
