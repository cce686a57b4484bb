"""What can be tried on a title, in words."""

from __future__ import annotations

from typing import Any

from book_forecast.payload.contents import Payload
from book_forecast.payload.what_if import EFFECTS, Effects
from book_forecast.serving.requests.weeks import WeeksAhead
from book_forecast.serving.requests.what_if_body import price_of
from book_forecast.serving.routes.what_if import NO_EFFECTS, NO_PROMOTIONS


def triable(payload: Payload, effects: Effects | None, weeks: WeeksAhead) -> dict[str, Any]:
    """Return what can be tried on a title, ready for JSON.

    Args:
        payload: The release.
        effects: What the title's forecast reacts to.
        weeks: That may be planned.
    """
    promotions = effects is not None and effects.depths is not None
    text = "A promotion changes this title's forecast." if promotions else NO_PROMOTIONS
    if EFFECTS not in payload.planning:
        text = NO_EFFECTS
    return {
        "promotions": promotions,
        "text": text,
        "regressors": [] if effects is None else _regressors(effects),
        "price": None if effects is None else price_of(effects.regressors),
        "first_week": weeks.saturday(0),
        "last_week": weeks.saturday(weeks.longest - 1),
    }


def _regressors(effects: Effects) -> list[dict[str, Any]]:
    models = effects.regressors
    found = []
    for name in models.names:
        known = models.others.get(name)
        low, high = (None, None) if known is None else known.bounds
        about = {"name": name, "reacts": known is not None, "low": low, "high": high}
        found.append({**about, "is_known_ahead": known is not None and known.is_known})
    return found
