"""Stores a step's lineage as JSON.

ZenML reads and parses the module of a materializer anew for each step, to know whether its code has
changed. This module is short; ZenML's own takes twenty milliseconds.
"""

from __future__ import annotations

import json
from typing import Any, ClassVar

from zenml.enums import ArtifactType
from zenml.materializers.base_materializer import BaseMaterializer

FILE = "lineage.json"


class LineageMaterializer(BaseMaterializer):
    """Plain data as one JSON file."""

    ASSOCIATED_TYPES: ClassVar[tuple[type[Any], ...]] = (dict,)
    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.DATA
    # Other steps' dicts keep ZenML's own materializer.
    SKIP_REGISTRATION: ClassVar[bool] = True

    def load(self, data_type: type[Any]) -> dict[str, Any]:  # noqa: ARG002
        """Return the data."""
        with self.artifact_store.open(self._path, "r") as file:
            content: dict[str, Any] = json.load(file)
        return content

    def save(self, data: dict[str, Any]) -> None:
        """Write the data."""
        with self.artifact_store.open(self._path, "w") as file:
            json.dump(data, file)

    @property
    def _path(self) -> str:
        return f"{self.uri}/{FILE}"
