"""Promotions: a record in the promotion log, which decides, and the alias that mirrors it."""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import UTC, datetime

from book_forecast.payload.manifest import PayloadError
from book_forecast.releases.challenges import Outcome
from book_forecast.releases.challenging import end_challenge
from book_forecast.releases.promotion_log import (
    Action,
    ChampionChangedError,
    PinnedError,
    Promotion,
    is_pinned,
)
from book_forecast.releases.registry import RegistryError, ReleaseRegistry
from book_forecast.releases.store import ReleaseStore
from book_forecast.storage.errors import UserError
from book_forecast.storage.user import user

logger = logging.getLogger(__name__)


def promote(
    store: ReleaseStore,
    registry: ReleaseRegistry,
    release: str,
    *,
    action: Action,
    why: str,
    before: str | None,
    respect_pin: bool = False,
) -> Promotion:
    """Make a release champion. If two do so at once, the first record stands.

    Args:
        store: The releases and the promotion log.
        registry: MLflow's registry, whose alias is set; a warning if it does not answer.
        release: The new champion.
        action: What was asked for.
        why: The reason, for the record.
        before: The champion that the decision was made against.
        respect_pin: Whether a pinned champion stays: for a run it does, for a person it does not.

    Raises:
        ChampionChangedError: If the champion is not `before` any more.
        PinnedError: If the champion is pinned.
        PayloadError: If there is no such release, or it is damaged.
    """
    store.read(release)
    # Read before the champion: a record that comes later has the number of this one.
    log = store.promotions()
    champion = store.champion()
    if champion != before:
        raise ChampionChangedError(
            f"The champion is {champion} by now, not {before}: look at `kedro release list` and "
            "decide again."
        )
    if respect_pin and is_pinned(log):
        raise PinnedError(f"{champion} is pinned")
    promotion = Promotion(
        number=log[-1].number + 1 if log else 1,
        action=action,
        release=release,
        before=before,
        who=user(),
        when=datetime.now(UTC),
        why=why,
    )
    challenge = store.challenge()
    # A removal may have begun since it was read; one that begins now finds the record.
    if not store.has(release):
        raise PayloadError(f"{release} is being removed, as it is old: promote another release.")
    store.record(promotion)
    if challenge is not None and release != champion:
        # The promotion itself has ended the challenge; the entry says how.
        outcome: Outcome = "promoted" if challenge.release == release else "overtaken"
        with suppress(UserError, OSError):
            end_challenge(store, challenge, outcome, why)
    logger.info("Champion is %s (was %s): %s", release, before or "none", why)
    try:
        mirror_champion(store, registry)
    except RegistryError as error:
        logger.warning("MLflow's alias is not set (%s): run `kedro release sync` later", error)
    return promotion


def mirror_champion(store: ReleaseStore, registry: ReleaseRegistry) -> None:
    """Set MLflow's alias to the champion.

    The log is read again afterwards: of several processes, the last one to set the alias has seen
    the last record.

    Raises:
        RegistryError: If MLflow does not answer, or does not have the release.
    """
    release = store.champion()
    while release is not None:
        registry.set_alias(release)
        latest = store.champion()
        if latest == release:
            return
        release = latest
