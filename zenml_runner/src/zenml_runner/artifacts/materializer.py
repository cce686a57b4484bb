"""Stands for the data of an artifact, which stay in Kedro's catalog.

ZenML reads and parses the module of a materializer anew for each use, so this one is short.
"""

from __future__ import annotations

from typing import Any, ClassVar, NoReturn

from zenml.enums import ArtifactType
from zenml.materializers.base_materializer import BaseMaterializer


class DatasetMaterializer(BaseMaterializer):
    """Data that a Kedro dataset loads and saves."""

    ASSOCIATED_TYPES: ClassVar[tuple[type[Any], ...]] = (object,)
    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.DATA
    SKIP_REGISTRATION: ClassVar[bool] = True

    def load(self, data_type: type[Any]) -> NoReturn:
        """Refuse: only the catalog knows how the data are read."""
        raise NotImplementedError(
            f"{self.uri} is a dataset of a Kedro project: load it with the project's catalog."
        )

    def save(self, data: Any) -> NoReturn:
        """Refuse: Kedro has saved the data."""
        raise NotImplementedError("Kedro's catalog saves the data of its datasets.")
