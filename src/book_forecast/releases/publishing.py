"""Publishes releases: to the store first, which needs no server, then to MLflow's registry."""

from __future__ import annotations

import json
import logging
import platform
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from book_forecast.payload.contents import read_payload
from book_forecast.payload.manifest import MANIFEST, PayloadError
from book_forecast.releases.assembly import assemble
from book_forecast.releases.draft import Draft
from book_forecast.releases.promotion import set_alias
from book_forecast.releases.registry import Registry, RegistryError
from book_forecast.releases.store import ReleaseStore
from book_forecast.storage.revision import revision

logger = logging.getLogger(__name__)

_LIBRARIES = ("book_forecast", "numpy", "pandas", "pyarrow", "scipy", "numba", "mlflow")
_TOLD = ("cutoff", "titles", "fallbacks", "models", "data", "revision")
"""What of the manifest stands at a version in MLflow too."""


def publish(
    store: ReleaseStore,
    registry: Registry,
    draft: Draft,
    project: Path,
    *,
    is_candidate: bool = True,
) -> str:
    """Make a release of a draft.

    Args:
        store: Where it is written.
        registry: Where it is registered; if that fails, `synchronise` does it later.
        draft: Its content.
        project: Folder of the code, for its git revision.
        is_candidate: Whether it is a training's, which is the candidate from now on.

    Returns:
        The id of the release.
    """
    now = datetime.now(UTC)
    release = f"{now:%Y-%m-%dT%H.%M.%S}-{secrets.token_hex(4)}"
    about = {
        **draft.about,
        "created": now.isoformat(timespec="seconds"),
        "versions": _versions(),
        "revision": revision(project).get("mlflow.source.git.commit"),
        **_runs(registry),
    }
    files = assemble(release, draft.tables, about)
    published = _published_by(store, json.loads(files[MANIFEST]))
    if published is not None:
        release = published
        logger.info("This run has published %s already", release)
    else:
        place = store.write(release, files)
        if is_candidate:
            store.nominate(release)
        logger.info("Release %s of %d titles: %s", release, draft.tables["titles"].num_rows, place)
    try:
        number = register(store, registry, release)
    except RegistryError as error:
        logger.warning("%s is not registered (%s); `kedro release sync` does it", release, error)
    else:
        logger.info("Release %s is version %d of %s in MLflow", release, number, registry.model)
    return release


def register(store: ReleaseStore, registry: Registry, release: str) -> int:
    """Make a version of a release in MLflow's registry, unless there is one.

    Args:
        store: Has the release.
        registry: Of MLflow.
        release: Its id.

    Returns:
        The version.

    Raises:
        RegistryError: If MLflow does not answer or refuses.
        PayloadError: If the release is damaged.
    """
    folder = store.local_folder(release)
    manifest = read_payload(folder).manifest
    tags = {name: manifest[name] for name in _TOLD if manifest.get(name) is not None}
    # The folder of a refreshed release also has files of earlier payloads.
    wanted = {MANIFEST, *(entry["name"] for entry in manifest["files"].values())}
    return registry.register(release, folder, wanted, tags, manifest.get("mlflow_run"))


def synchronise(store: ReleaseStore, registry: Registry) -> tuple[list[str], list[str]]:
    """Register what could not be registered when it was made, and set the alias right.

    Args:
        store: With all releases.
        registry: Of MLflow.

    Returns:
        The releases that were registered, the oldest first; and what is wrong with those that are
        damaged.

    Raises:
        RegistryError: If MLflow does not answer or refuses.
    """
    known = registry.versions()
    missing = [release for release in store.releases() if release not in known]
    made, damaged = [], []
    for release in missing:
        try:
            register(store, registry, release)
        except PayloadError as error:
            damaged.append(str(error))
        else:
            made.append(release)
    champion = store.champion(registry.champion())
    if champion is not None and registry.champion() != champion:
        set_alias(store, registry)
    return made, damaged


def add_scores(
    store: ReleaseStore,
    registry: Registry,
    release: str,
    scores: pa.Table,
    summary: Mapping[str, float],
) -> None:
    """Add what evaluation has found to a release.

    Args:
        store: Has the release.
        registry: Gets a summary as tags; a warning if it does not answer.
        release: Its id.
        scores: isbn and the columns of `payload.SCHEMAS["scores"]`.
        summary: Scores over all titles.
    """
    payload = store.read(release)
    places = pc.index_in(payload.titles["isbn"], scores["isbn"])
    ordered = scores.drop_columns(["isbn"]).take(places)
    store.revise(release, {"scores": ordered}, {"scores": dict(summary)})
    try:
        registry.tag(release, {f"score.{name}": value for name, value in summary.items()})
    except RegistryError as error:
        logger.warning("The scores of %s do not stand in MLflow (%s)", release, error)


def _published_by(store: ReleaseStore, manifest: Mapping[str, Any]) -> str | None:
    """The candidate, if the same run has made it of the same tables: a step that is tried again."""
    candidate = store.candidate()
    if candidate is None or manifest.get("mlflow_run") is None or not store.has(candidate):
        return None
    known = store.manifest(candidate)
    is_same = known.get("mlflow_run") == manifest["mlflow_run"] and all(
        known["files"].get(kind) == entry for kind, entry in manifest["files"].items()
    )
    return candidate if is_same else None


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for library in _LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue
    return found


def _runs(registry: Registry) -> dict[str, str]:
    """The MLflow run that is open, and the ZenML run that it belongs to if MLflow can tell."""
    import mlflow

    active = mlflow.active_run()
    if active is None:
        return {}
    try:
        tags = registry.run_tags(active.info.run_id)
    except RegistryError:
        tags = active.data.tags
    found = {"mlflow_run": active.info.run_id, "zenml_run": tags.get("zenml.run_name")}
    return {name: value for name, value in found.items() if value}
