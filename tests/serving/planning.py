"""A store whose release has all tables for planners, of few titles."""

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from book_forecast.payload.manifest import LONGEST_HORIZON
from book_forecast.payload.planning import updated
from book_forecast.payload.weight import Weight
from book_forecast.payload.what_if import Effects, Regressor, Regressors
from book_forecast.releases.assembly import assemble
from book_forecast.releases.promotion_log import Promotion
from book_forecast.releases.store import ReleaseStore
from tests.releases import payloads
from tests.serving import stores

RELEASE = "2024-07-01T05.00.00-000000c1"
TITLES = 8
HUNGRY, CAFE, FORMULA, TAGS, PLAIN = (payloads.isbn(n) for n in range(5))
"""CAFE has everything, HUNGRY reacts to nothing, PLAIN has no table at all."""
CUTOFF = payloads.CUTOFF
WEEK = dt.timedelta(weeks=1)
DEPTHS = np.array([0.0, 0.2, 0.5, 1.0])


def effects() -> Effects:
    """Copies double at a depth of 0.5; advertising of 10 raises a model of half weight by a fifth.

    That model forecasts 40 copies a week.
    """
    logs = np.outer(np.log(2.0) * np.minimum(DEPTHS / 0.5, 1.0), np.ones(LONGEST_HORIZON))
    # What is planned is part of the forecast.
    logs[:, 2] -= np.log(2.0) * 0.25 / 0.5
    spread = np.stack([np.ones(LONGEST_HORIZON), np.full(LONGEST_HORIZON, 1.3)])
    advertising = Regressor("advertising", np.log(1.2) / 10.0, 0.0, 20.0, True, (0.0,))
    price = Regressor("price", -0.1, 5.0, 9.0, False, (8.0,))
    others = {"advertising": advertising, "price": price}
    return Effects(
        depths=DEPTHS,
        promotion=logs,
        after_plan=np.zeros(LONGEST_HORIZON),
        planned=np.array([0.0, 0.0, 0.25]),
        spread=spread,
        ceiling=np.inf,
        log_mean=np.full(LONGEST_HORIZON, np.log(41.0)),
        deviation=np.zeros(LONGEST_HORIZON),
        regressors=Regressors(others, 0.5, 1.0, Weight.steady(0.5), 12.0, 0.0, ("weather",)),
    )


def tables(titles: int = TITLES) -> dict[str, pa.Table]:
    """The named titles of `stores`, with tables for planners."""
    found = stores.tables(CUTOFF, titles, faster=1.0)
    weeks = 32
    season = 1.0 + 0.8 * np.exp(-0.5 * ((np.arange(weeks) - 24) / 2.0) ** 2)
    explained = {
        "members": '{"regression":0.6,"boosting":0.4}',
        "level": 41.0,
        "trend": np.linspace(1.0, 0.9, weeks),
        "season": season,
        "holidays": np.where(np.arange(weeks) == 25, 1.4, 1.0),
        "promotion": np.where(np.arange(weeks) == 2, 1.5, 1.0),
        "other": np.ones(weeks),
    }
    facts = {
        "imprint": "Owl & <b>Sons</b>",
        "publisher_group": "\u05d1\u05d9\u05ea \u05e1\u05e4\u05e8",
        "publication_date": dt.date(2019, 5, 2),
        "price": 8.99,
    }
    volumes = found["histories"]["volumes"][1].as_py()
    sold = np.array([np.nan if v is None else v for v in volumes[-weeks:]])
    mean = np.nan_to_num(sold, nan=1.0) * 1.1
    last = {
        "first_week": CUTOFF - (weeks - 1) * WEEK,
        "level": 80.0,
        "mean": mean,
        "lower": 0.7 * mean,
        "upper": 1.4 * mean,
    }
    promoted = [CUTOFF - n * WEEK for n in (40, 39, 20, 12)] + [CUTOFF + 3 * WEEK]
    promotions = {"weeks": promoted, "depths": np.array([0.2, 0.3, 0.01, 0.1, 0.25])}
    silent = {"regressors": Regressors(unused=("advertising", "price", "weather")).to_json()}
    rows: dict[str, dict[int, dict[str, Any]]] = {
        "details": {1: facts},
        "explanations": {1: explained},
        "last_forecasts": {1: last},
        "promotions": {1: promotions},
        "effects": {0: silent, 1: effects().to_row()},
    }
    planning = {kind: updated(None, kind, each, titles) for kind, each in rows.items()}
    return {**found, **planning}


def write(folder: Path, *, without: tuple[str, ...] = ()) -> Path:
    """A store whose champion has these tables, but for some."""
    store = ReleaseStore(str(folder))
    kept = {kind: table for kind, table in tables().items() if kind not in without}
    store.write(RELEASE, assemble(RELEASE, kept, {"created": "2024-07-01T05:00:00+00:00"}))
    promotion = Promotion(
        number=1,
        action="promote",
        release=RELEASE,
        before=None,
        who="ann",
        when=dt.datetime(2024, 7, 1, 5, tzinfo=dt.UTC),
        why="the first",
    )
    store.record(promotion)
    return folder
