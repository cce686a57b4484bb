"""Titles that come out after a training: a release takes them in as launches, without a fit."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from book_forecast.forecasters.ceilings import ANY_CLASS
from book_forecast.forecasters.launches.launch import Launch
from book_forecast.forecasters.launches.prior import LaunchPrior
from book_forecast.payload.contents import SCHEMAS, Payload
from book_forecast.payload.manifest import LONGEST_HORIZON
from book_forecast.releases.assembly import (
    distributions_table,
    new_titles,
    state_without_weeks,
    tables_of,
    trained_states,
)
from book_forecast.releases.distributions import LEVELS, distribution_of
from book_forecast.series.history import History

LAUNCHES = "launches"
"""Entry of a manifest: what is known of a launch by product class and for `ANY_CLASS`."""

NAMES = ("title", "author", "product_class")
"""Columns of a release that describe a title."""


@dataclass(frozen=True)
class NewTitle:
    """A title that a release does not have.

    Attributes:
        isbn: The title.
        names: `NAMES`, None where unknown.
        publication: Saturday of the week of publication; None if unknown.
    """

    isbn: str
    names: Mapping[str, str | None]
    publication: np.datetime64 | None


def can_take_in(payload: Payload) -> bool:
    """Return whether a release knows of launches; those of older versions do not."""
    return bool(payload.manifest.get(LAUNCHES)) and bool(payload.manifest.get("trained_until"))


def with_launches(payload: Payload, titles: Sequence[NewTitle]) -> Payload:
    """Return the release with new titles as of the end of its training, when they were to come.

    Args:
        payload: One that `can_take_in` titles.
        titles: Titles that it does not have.
    """
    if not titles:
        return payload
    trained = dt.date.fromisoformat(payload.manifest["trained_until"])
    priors: Mapping[str, Any] = payload.manifest[LAUNCHES]
    models = []
    for title in titles:
        prior = priors.get(title.names.get("product_class") or ANY_CLASS, priors[ANY_CLASS])
        history = History(title.isbn, np.array([np.nan]), np.datetime64(trained, "D"))
        models.append(Launch.fit(history, LaunchPrior.from_state(prior), title.publication))
    found = np.stack([distribution_of(m.forecast(LONGEST_HORIZON, LEVELS)) for m in models])
    n = len(titles)
    columns = {name: [title.names.get(name) for title in titles] for name in NAMES}
    added = {
        "titles": pa.table(
            {
                "isbn": [title.isbn for title in titles],
                **columns,
                "model": [Launch.family] * n,
                "specification": [""] * n,
                "fallback_reason": [None] * n,
                "state": [
                    state_without_weeks(json.dumps(model.to_state(), allow_nan=False))
                    for model in models
                ],
                **dict.fromkeys(("first_week", "trained_until", "cutoff"), [trained] * n),
            },
            schema=SCHEMAS["titles"],
        ),
        "histories": pa.table({"volumes": [[None]] * n}, schema=SCHEMAS["histories"]),
        "distributions": distributions_table(found[:, 0], found[:, 1:]),
        "scores": pa.table(dict.fromkeys(SCHEMAS["scores"].names, [None] * n), SCHEMAS["scores"]),
        "trained_states": pa.table({"state": [None] * n}, SCHEMAS["trained_states"]),
    }
    own = tables_of(payload)
    if payload.trained_states is None and any(trained_states(payload)):
        own["trained_states"] = pa.table(
            {"state": trained_states(payload)}, SCHEMAS["trained_states"]
        )
    return new_titles(payload, own, added)
