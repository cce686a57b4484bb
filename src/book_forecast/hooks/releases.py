"""Kedro hooks for releases: registration in MLflow, and promotion of a candidate that has passed.

Datasets only write releases and verdicts. What follows from them happens here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.io import CatalogProtocol

from book_forecast.datasets.releases import ReleaseDataset
from book_forecast.options.monitoring import MonitorOptions
from book_forecast.payload.contents import Payload
from book_forecast.releases.challenging import end_challenge
from book_forecast.releases.gates import Verdict
from book_forecast.releases.promotion import promote
from book_forecast.releases.promotion_log import ChampionChangedError, PinnedError
from book_forecast.releases.publishing import description, mirror_candidate, publish, score_tags
from book_forecast.releases.registry import RegistryError, ReleaseRegistry
from book_forecast.releases.store import ReleaseStore
from book_forecast.storage.errors import UserError

logger = logging.getLogger(__name__)

CANDIDATE, SCORED_CANDIDATE, PROMOTION = "candidate", "scored_candidate", "promotion"
ARM_TEST = "arm_test"
"""Names of the catalog's entries that something follows from."""


class ReleaseHooks:
    """Registers candidates in MLflow, promotes those that pass the gates, takes losers back."""

    def __init__(self) -> None:
        self._context: KedroContext | None = None
        self._catalog: CatalogProtocol[Any, Any] | None = None

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Remember the context, whose configuration names the registry."""
        self._context = context

    @hook_impl
    def after_catalog_created(self, catalog: CatalogProtocol[Any, Any]) -> None:
        """Remember the catalog, whose entry of the candidate names the store."""
        self._catalog = catalog

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, data: Any) -> None:
        """Act on a candidate, its scores, a verdict, or the test of a challenger.

        Raises:
            UserError: If a verdict is about a champion that has changed since the comparison.
        """
        actions: dict[str, Callable[[ReleaseStore, ReleaseRegistry, Any], None]] = {
            CANDIDATE: self._register,
            SCORED_CANDIDATE: self._tag,
            PROMOTION: self._promote,
            ARM_TEST: self._withdraw_loser,
        }
        if dataset_name not in actions or self._context is None or self._catalog is None:
            return
        entry = self._catalog.get(CANDIDATE)
        if isinstance(entry, ReleaseDataset):
            actions[dataset_name](entry.store, ReleaseRegistry.of(self._context), data)

    def _register(self, store: ReleaseStore, registry: ReleaseRegistry, _: Payload) -> None:
        release = store.candidate()
        if release is None or self._context is None:
            return
        if release != store.champion():
            publish(store, registry, release, Path(self._context.project_path))
            return
        # The candidate is the champion again, which is registered.
        with _warning(f"MLflow's alias of {release} is not set"):
            mirror_candidate(store, registry)

    def _tag(self, _: ReleaseStore, registry: ReleaseRegistry, payload: Payload) -> None:
        release, manifest = payload.release, payload.manifest
        with _warning(f"The scores of {release} are not in MLflow"):
            registry.tag(release, score_tags(manifest["scores"]), description(manifest))

    def _promote(
        self, store: ReleaseStore, registry: ReleaseRegistry, data: Mapping[str, Any]
    ) -> None:
        verdict = Verdict.model_validate(data)
        champion = store.champion()
        with _warning(f"The verdict on {verdict.release} is not in MLflow"):
            failed = ", ".join(gate.name for gate in verdict.failed)
            registry.tag(verdict.release, {"gates": f"failed: {failed}" if failed else "passed"})
        if not verdict.promote:
            logger.warning("%s is not promoted: it %s", verdict.release, verdict.why)
            return
        if verdict.release == champion:
            # Another run, or this one before it was stopped, may have promoted it.
            logger.info("%s is champion already", verdict.release)
            return
        if verdict.failed:
            logger.warning("%s is promoted as %s", verdict.release, verdict.why)
        try:
            promote(
                store,
                registry,
                verdict.release,
                action="promote",
                why=verdict.why,
                before=verdict.champion,
                respect_pin=True,
            )
        except PinnedError as error:
            logger.warning("%s: %s is not promoted", error, verdict.release)
        except ChampionChangedError as error:
            if store.champion() != verdict.release:
                raise UserError(str(error)) from error

    def _withdraw_loser(
        self, store: ReleaseStore, _: ReleaseRegistry, data: Mapping[str, Any]
    ) -> None:
        """Take a challenger back that has lost, where the parameter says so."""
        if data["verdict"] != "lose" or self._context is None:
            return
        given = self._context.config_loader["parameters"].get("monitor", {})
        running = store.challenge()
        if running is None or running.test != data["test"]:
            logger.info("The challenger %s was taken back before", data["challenger"])
        elif MonitorOptions.model_validate(given).withdraw_loser:
            try:
                end_challenge(store, running, "lost", data["message"])
            except UserError as error:
                logger.warning("The challenger is not taken back: %s", error)


@contextmanager
def _warning(what: str) -> Iterator[None]:
    """Warn if MLflow does not answer: the run goes on."""
    try:
        yield
    except RegistryError as error:
        logger.warning("%s (%s)", what, error)
