"""The release and the titles whose forecasts a run writes."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from book_forecast.options.groups import SelectionOptions
from book_forecast.options.run import Options
from book_forecast.payload.contents import Payload
from book_forecast.releases.gates import TITLES_GATE, Verdict
from book_forecast.storage.errors import UserError

logger = logging.getLogger(__name__)

_CHAMPION = Options.model_fields["release"].default
_SHOWN = 4


def choose_release(
    release: Payload | None,
    promotion: Mapping[str, Any] | None,  # noqa: ARG001 - the champion is decided before
) -> Payload:
    """Return the release to forecast from.

    Args:
        release: The champion, or the one that --params release=… names; None where there is none.
        promotion: The verdict on the candidate.

    Raises:
        UserError: If there is no release.
    """
    if release is None:
        raise UserError(
            "There is no champion to forecast from: run train and evaluate first, or choose a "
            "release with --params release=candidate."
        )
    return release


def choose_own(
    release: Payload | None,
    promotion: Mapping[str, Any],
    candidate: Payload,
    selection: SelectionOptions,
    wanted: str,
) -> Payload:
    """Return the release that a run forecasts from which has also trained one.

    That is the champion, unless the champion has not been asked to change, or cannot forecast what
    was asked for: titles are named that it lacks, or too few of its own to compare; or it was
    trained on weeks after cutoff_date. The run's own candidate forecasts these.

    Args:
        release: The champion after the verdict, or the one that --params release=… names.
        promotion: The verdict on the candidate.
        candidate: The release of this run.
        selection: titles and cutoff_date.
        wanted: The parameter release.

    Raises:
        UserError: If there is no release.
    """
    champion = choose_release(release, promotion)
    if wanted != _CHAMPION or champion.release == candidate.release:
        return champion
    reason = _reason_for_own(champion, Verdict.model_validate(promotion), selection)
    if reason is None:
        return champion
    logger.info("The forecasts are those of this run's candidate %s", candidate.release)
    logger.info("The champion %s %s", champion.release, reason)
    return candidate


def _reason_for_own(champion: Payload, verdict: Verdict, selection: SelectionOptions) -> str | None:
    cutoff, trained = selection.cutoff_date, champion.manifest.get("trained_until")
    if cutoff is not None and trained and cutoff.isoformat() < trained:
        return f"was trained on weeks up to {trained}, after cutoff_date {cutoff}"
    if not isinstance(selection.titles, list):
        return None
    lacks = set(selection.titles) - set(champion.titles["isbn"].to_pylist())
    if lacks:
        return f"lacks {len(lacks)} of the {len(selection.titles)} titles that are named"
    if any(gate.name == TITLES_GATE for gate in verdict.failed):
        return f"stays: titles names {len(selection.titles)} of its {len(champion)}"
    return None


def asked_titles(release: Payload, selection: SelectionOptions) -> list[str]:
    """Return the release's titles to forecast: those that are named, or all of them.

    Raises:
        UserError: If titles names some, and the release has none of these.
    """
    known: list[str] = release.titles["isbn"].to_pylist()
    if not isinstance(selection.titles, list):
        return known
    wanted = set(selection.titles)
    found = [isbn for isbn in known if isbn in wanted]
    if not found:
        raise UserError(
            f"{release.release} has none of the {len(wanted)} titles that titles names: "
            f"{_list(sorted(wanted))}. Train with these titles (`kedro run --params titles=…`), "
            "or name titles of the release."
        )
    return found


def warn_of_lacking_titles(release: Payload, selection: SelectionOptions) -> None:
    """Warn of titles that are named, and that the release does not have."""
    if not isinstance(selection.titles, list):
        return
    lacks = sorted(set(selection.titles) - set(release.titles["isbn"].to_pylist()))
    if lacks:
        logger.warning(
            "%s lacks %d of %d named titles (%s): train to forecast them",
            *(release.release, len(lacks), len(set(selection.titles)), _list(lacks)),
        )


def _list(isbns: list[str]) -> str:
    return ", ".join(isbns[:_SHOWN]) + (" …" if len(isbns) > _SHOWN else "")
