"""Which releases are in use, and so are never removed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from itertools import pairwise

from book_forecast.payload.manifest import PayloadError
from book_forecast.releases.kept import Kept, KeptReleases
from book_forecast.releases.promotion_log import Promotion, is_pinned
from book_forecast.releases.store import ReleaseStore

_MADE = "%Y-%m-%dT%H.%M.%S"


def protected_releases(
    store: ReleaseStore,
    stay: dt.timedelta,
    now: dt.datetime,
    named: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Return why releases are not to be removed, by release.

    Args:
        store: The releases.
        stay: How long a release stays after its training or its last day as champion.
        now: In UTC.
        named: More releases in use, with the reason.

    Raises:
        PayloadError: If a record that may name a release is damaged.
    """
    log = store.promotions()
    found: dict[str, str] = {}
    for release, why in (
        *_named_by_the_log(log),
        *_challenger(store),
        *((named, f"named by {name}") for name, named in store.named()),
        *((kept.release, f"kept: {kept.why}") for kept in _kept(store)),
        *(named or {}).items(),
        *_former_champions(log, stay, now),
        *_young(store, stay, now),
    ):
        found.setdefault(release, why)
    return found


def last_use(log: list[Promotion], release: str) -> dt.datetime | None:
    """Return when a release was made or champion last, in UTC; None if nobody knows.

    Args:
        log: The promotion log.
        release: Its id.
    """
    ends = [end for name, end in _reigns(log) if name == release]
    known = [moment for moment in (made_at(release), *ends) if moment is not None]
    return max(known, default=None)


def made_at(release: str) -> dt.datetime | None:
    """Return when a release was made, as its id says; None if it is no time."""
    try:
        return dt.datetime.strptime(release[:19], _MADE).replace(tzinfo=dt.UTC)
    except ValueError:
        return None


def _named_by_the_log(log: list[Promotion]) -> Iterator[tuple[str, str]]:
    if log:
        yield log[-1].release, "champion"
    if is_pinned(log):
        pins = [record.release for record in log if record.action == "pin"]
        yield pins[-1], "pinned"


def _challenger(store: ReleaseStore) -> Iterator[tuple[str, str]]:
    log = store.challenges
    if log.next_number() > 1 and log.last() is None:
        raise PayloadError(
            f"The last entry in {log.location} is damaged: it may name a challenger. Remove it if "
            "the champion is to answer for all titles, and challenge again if not."
        )
    challenge = store.challenge()
    if challenge is not None:
        yield challenge.release, "challenger"


def _kept(store: ReleaseStore) -> list[Kept]:
    return list(KeptReleases(store.root).records().values())


def _former_champions(
    log: list[Promotion], stay: dt.timedelta, now: dt.datetime
) -> Iterator[tuple[str, str]]:
    for release, end in _reigns(log):
        if now - end <= stay:
            yield release, f"champion until {end:%Y-%m-%d}"


def _reigns(log: list[Promotion]) -> Iterator[tuple[str, dt.datetime]]:
    """Yield former champions and when they were replaced, the last ones first."""
    for record, following in reversed(list(pairwise(log))):
        if record.release != following.release:
            yield record.release, following.when


def _young(store: ReleaseStore, stay: dt.timedelta, now: dt.datetime) -> Iterator[tuple[str, str]]:
    for release in store.releases():
        made = made_at(release)
        if made is None:
            yield release, "its id has no time"
        elif now - made <= stay:
            yield release, f"made on {made:%Y-%m-%d}"
