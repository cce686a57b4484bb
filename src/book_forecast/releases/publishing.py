"""Registers the releases of a store as versions of a model in MLflow."""

from __future__ import annotations

import logging
from pathlib import Path

from book_forecast.payload.contents import read_payload
from book_forecast.payload.manifest import MANIFEST, PayloadError
from book_forecast.releases.promotion import mirror_champion
from book_forecast.releases.registry import RegistryError, ReleaseRegistry
from book_forecast.releases.store import ReleaseStore
from book_forecast.storage.revision import revision

logger = logging.getLogger(__name__)

_TAGS = ("cutoff", "titles", "fallbacks", "models", "data", "revision")
"""Entries of the manifest that are also tags of the version in MLflow."""


def publish(store: ReleaseStore, registry: ReleaseRegistry, release: str, project: Path) -> None:
    """Note the lineage of a release in its manifest, and register it.

    Args:
        store: The store that has the release.
        registry: MLflow's registry; a warning if it does not answer.
        release: Its id.
        project: Folder of the code, for its git revision.
    """
    manifest = store.manifest(release)
    if "revision" not in manifest:
        commit = revision(project).get("mlflow.source.git.commit")
        store.annotate(release, {"revision": commit, **registry.active_run()})
        logger.info("Release %s: %d titles", store.location(release), manifest["titles"])
    try:
        number = register(store, registry, release)
    except RegistryError as error:
        logger.warning("%s is not registered (%s): run `kedro release sync` later", release, error)
    else:
        logger.info("Release %s is version %d of %s in MLflow", release, number, registry.model)


def register(store: ReleaseStore, registry: ReleaseRegistry, release: str) -> int:
    """Return the version of a release in MLflow, which is made if there is none.

    Raises:
        RegistryError: If MLflow does not answer or refuses.
        PayloadError: If the release is damaged.
    """
    folder = store.local_folder(release)
    manifest = read_payload(folder).manifest
    tags = {name: manifest[name] for name in _TAGS if manifest.get(name) is not None}
    tags |= score_tags(manifest.get("scores", {}))
    # The folder of a revised release also has files of earlier payloads.
    names = {MANIFEST, *(entry["name"] for entry in manifest["files"].values())}
    return registry.register(release, folder, names, tags, manifest.get("mlflow_run"))


def score_tags(scores: dict[str, float]) -> dict[str, float]:
    """Return the tags of a version for scores over all titles."""
    return {f"score.{name}": value for name, value in scores.items()}


def synchronise(store: ReleaseStore, registry: ReleaseRegistry) -> tuple[list[str], list[str]]:
    """Register the releases that MLflow lacks, and set its alias to the champion.

    Returns:
        The releases that were registered, the oldest first; and the problems of damaged ones.

    Raises:
        RegistryError: If MLflow does not answer or refuses.
    """
    known = registry.versions()
    made, damaged = [], []
    for release in store.releases():
        if release in known:
            continue
        try:
            register(store, registry, release)
        except PayloadError as error:
            damaged.append(str(error))
        else:
            made.append(release)
    mirror_champion(store, registry)
    return made, damaged
