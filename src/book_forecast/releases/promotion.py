"""Changes of the champion. The store decides, MLflow's alias follows."""

from __future__ import annotations

import getpass
import logging
import os
from collections.abc import Sequence
from datetime import UTC, datetime

from book_forecast.releases.promotion_log import (
    Action,
    ChampionChangedError,
    PinnedError,
    Promotion,
)
from book_forecast.releases.registry import Registry, RegistryError
from book_forecast.releases.store import ReleaseStore

logger = logging.getLogger(__name__)

WHO_VARIABLE = "BOOK_FORECAST_USER"


def champion_of(store: ReleaseStore, registry: Registry) -> str | None:
    """The champion.

    Args:
        store: With all releases; its record counts.
        registry: Of MLflow, whose alias somebody may have set by hand since.
    """
    try:
        alias = registry.champion()
    except RegistryError:
        alias = None
    return store.champion(alias)


def is_pinned(changes: Sequence[Promotion]) -> bool:
    """Whether somebody has pinned the champion, so that no run changes it.

    A pin stays until it is taken off, whichever release a person makes champion meanwhile.
    """
    said = [change.action for change in changes if change.action in ("pin", "unpin")]
    return bool(said) and said[-1] == "pin"


def crown(
    store: ReleaseStore,
    registry: Registry,
    release: str,
    *,
    action: Action,
    why: str,
    before: str | None,
    heed_pin: bool = False,
) -> Promotion:
    """Make a release champion.

    Of two who do so at once, the first one's record stands, and the other one is told.

    Args:
        store: With all releases.
        registry: Whose alias follows; a warning if it does not answer.
        release: The new champion.
        action: What was asked for.
        why: In the user's words.
        before: The champion that the decision was made against.
        heed_pin: Whether a pinned champion stays: a run asks for that, a person does not.

    Returns:
        The record.

    Raises:
        ChampionChangedError: If the champion is another one by now.
        PinnedError: If the champion stays because it is pinned.
        PayloadError: If there is no such release, or it is damaged.
    """
    store.read(release)
    # Before the champion is looked at: a change after that has the number of this one.
    changes = store.promotions()
    now = champion_of(store, registry)
    if now != before:
        raise ChampionChangedError(
            f"The champion is {now} by now, not {before}: look at `kedro release list` and decide "
            "again."
        )
    if heed_pin and is_pinned(changes):
        raise PinnedError(f"{now} is pinned")
    change = Promotion(
        number=changes[-1].number + 1 if changes else 1,
        action=action,
        release=release,
        before=before,
        who=whoever(),
        when=datetime.now(UTC),
        why=why,
    )
    store.record(change)
    logger.info("Champion is %s (was %s): %s", release, before or "none", why)
    follow(store, registry)
    return change


def follow(store: ReleaseStore, registry: Registry) -> None:
    """Let the registry's alias name the store's champion; a warning if it does not answer.

    Args:
        store: With all releases.
        registry: Of MLflow.
    """
    try:
        set_alias(store, registry)
    except RegistryError as error:
        logger.warning("The alias in MLflow is not set (%s); `kedro release sync` does it", error)


def set_alias(store: ReleaseStore, registry: Registry) -> None:
    """Let the registry's alias name the store's champion.

    Whoever sets the alias looks at the store again afterwards: however two interleave, the last
    one to set it has seen the last record.

    Args:
        store: With all releases.
        registry: Of MLflow.

    Raises:
        RegistryError: If MLflow does not answer, or does not have the release.
    """
    wanted = store.champion()
    while wanted is not None:
        store.note_alias(wanted, is_set=False)
        registry.crown(wanted)
        store.note_alias(wanted)
        latest = store.champion()
        if latest == wanted:
            return
        wanted = latest


def whoever() -> str:
    """Name of the user, for the record."""
    try:
        return os.environ.get(WHO_VARIABLE) or getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
