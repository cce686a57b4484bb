"""Starts and ends challenges."""

from __future__ import annotations

import logging

from book_forecast.alerts.events import Alert
from book_forecast.releases.challenges import Challenge, Ending, Outcome
from book_forecast.releases.store import ReleaseStore
from book_forecast.storage.errors import UserError
from book_forecast.storage.user import user

logger = logging.getLogger(__name__)

_HOW: dict[Outcome, str] = {
    "withdrawn": "was taken back",
    "lost": "has lost, and was taken back",
    "promoted": "is champion",
    "overtaken": "has ended, as another release is champion",
}


def start_challenge(store: ReleaseStore, release: str, share: float, why: str) -> Challenge:
    """Let a release answer for a share of the titles, or give a running challenge another share.

    Args:
        store: The releases.
        release: The challenger.
        share: Share of the titles, between 0 and 1.
        why: The reason, for the record.

    Raises:
        UserError: If there is no champion, the release is champion, another challenge runs, the
            share is out of bounds, or there is no reason.
        PayloadError: If there is no such release, or it is damaged.
    """
    if not why.strip():
        raise UserError("--why is empty: the log of challenges needs a reason.")
    if not 0.0 < share < 1.0:
        raise UserError(f"--share is {share:g}: it must be above 0 and below 1.")
    promotions, running = store.promotions(), store.challenge()
    if not promotions:
        raise UserError("There is no champion yet that could be challenged.")
    champion = promotions[-1].release
    if release == champion:
        raise UserError(f"{release} is champion: challenge it with another release.")
    if running is not None and running.release != release:
        raise UserError(
            f"{running.release} challenges {champion} already: take it back with `kedro release "
            "withdraw` first."
        )
    payloads = [store.read(release), store.read(champion)]
    number, who = store.challenges.next_number(), user()
    if running is not None:
        entry = running.with_share(share, number=number, who=who, why=why)
    else:
        entry = Challenge(
            number=number,
            who=who,
            why=why,
            release=release,
            champion=champion,
            promotion=promotions[-1].number,
            share=share,
            test=number,
            since=max(str(payload.manifest["cutoff"]) for payload in payloads),
        )
    store.challenges.add(entry)
    logger.info("%s answers for %.1f %% of the titles: %s", release, 100.0 * share, why)
    return entry


def end_challenge(store: ReleaseStore, challenge: Challenge, outcome: Outcome, why: str) -> Ending:
    """End a challenge: the champion answers for all titles.

    Raises:
        UserError: If somebody else changes the challenge at the same time.
    """
    entry = Ending(
        number=challenge.number + 1,
        who=user(),
        why=why,
        release=challenge.release,
        outcome=outcome,
    )
    store.challenges.add(entry)
    logger.info("The challenger %s %s: %s", challenge.release, _HOW[outcome], why)
    return entry


def challenge_alert(entry: Challenge | Ending) -> Alert:
    """Return the alert of an entry in the log of challenges."""
    if isinstance(entry, Challenge):
        text = (
            f"{entry.release} answers for {entry.share:.1%} of the titles ({entry.who}): "
            f"{entry.why}"
        )
        return Alert(kind="challenge_started", subject=f"{entry.number} {entry.release}", text=text)
    return Alert(
        kind="challenger_withdrawn",
        subject=f"{entry.number} {entry.release}",
        text=f"The challenger {entry.release} {_HOW[entry.outcome]} ({entry.who}): {entry.why}",
    )
