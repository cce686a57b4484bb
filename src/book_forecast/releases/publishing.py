"""Registers the releases of a store as versions of a model in MLflow."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from book_forecast.payload.contents import read_payload
from book_forecast.payload.manifest import MANIFEST, PayloadError
from book_forecast.releases.promotion import mirror_champion
from book_forecast.releases.registry import CANDIDATE, RegistryError, ReleaseRegistry
from book_forecast.releases.store import ReleaseStore
from book_forecast.storage.revision import revision

logger = logging.getLogger(__name__)

_TAGS = ("cutoff", "titles", "fallbacks", "revision")
"""Entries of the manifest that are also tags of the version in MLflow; the manifest has more."""
_SCORES = ("test_wape", "test_wape_seasonal_naive")
"""Scores over all titles that are tags too."""


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
        mirror_candidate(store, registry)
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
    number = registry.register(release, folder, names, tags, manifest.get("mlflow_run"))
    registry.tag(release, {}, description(manifest))
    return number


def score_tags(scores: Mapping[str, float]) -> dict[str, str]:
    """Return the tags of a version for scores over all titles: those that one decides by."""
    return {f"score.{name}": f"{scores[name]:.4g}" for name in _SCORES if name in scores}


def description(manifest: Mapping[str, Any]) -> str:
    """Return one line on a release, for its version in MLflow."""
    titles, scores = manifest["titles"], manifest.get("scores", {})
    parts = [f"{titles} title{'s' * (titles != 1)}, weeks to {manifest['cutoff']}"]
    if "test_wape" in scores:
        parts.append(f"WAPE {scores['test_wape']:.3f}")
    if "test_wape_seasonal_naive" in scores:
        parts.append(f"seasonal naive's {scores['test_wape_seasonal_naive']:.3f}")
    if "fallbacks" in manifest:
        parts.append(f"{manifest['fallbacks']} with a fallback")
    return "; ".join(parts)


def mirror_candidate(store: ReleaseStore, registry: ReleaseRegistry) -> None:
    """Set MLflow's alias to the candidate, if it is registered.

    Raises:
        RegistryError: If MLflow does not answer.
    """
    release = store.candidate()
    if release is not None and release in registry.versions():
        registry.set_alias(release, CANDIDATE)


def synchronise(store: ReleaseStore, registry: ReleaseRegistry) -> tuple[list[str], list[str]]:
    """Register the releases that MLflow lacks, and set its aliases to champion and candidate.

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
    mirror_candidate(store, registry)
    mirror_champion(store, registry)
    return made, damaged
