"""Artifacts of MLflow's runs and models, which its client only adds to."""

from __future__ import annotations

from typing import Any


def artifact_bytes(uri: str, tracking_uri: str) -> int:
    """Return the size of all artifacts at a location.

    Args:
        uri: Location of the artifacts of a run or model.
        tracking_uri: Of the store that they belong to.
    """
    return _bytes_below(_repository(uri, tracking_uri), None)


def remove_artifacts(uri: str, tracking_uri: str) -> None:
    """Remove all artifacts at a location.

    Args:
        uri: Location of the artifacts of a run or model.
        tracking_uri: Of the store that they belong to.
    """
    repository = _repository(uri, tracking_uri)
    # One by one: a server's location itself is no path that it removes.
    for entry in repository.list_artifacts():
        repository.delete_artifacts(entry.path)


def _repository(uri: str, tracking_uri: str) -> Any:
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    return get_artifact_repository(uri, tracking_uri=tracking_uri)


def _bytes_below(repository: Any, path: str | None) -> int:
    return sum(
        _bytes_below(repository, entry.path) if entry.is_dir else int(entry.file_size or 0)
        for entry in repository.list_artifacts(path)
    )
