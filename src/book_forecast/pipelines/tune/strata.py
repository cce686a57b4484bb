"""Strata of titles that are alike, and the sample of them that every family is compared on."""

from __future__ import annotations

import logging

import numpy as np
import pandas as pd

from book_forecast.options.models import ModelOptions
from book_forecast.pipelines.tune.fold_arrays import YOUNG_WEEKS
from book_forecast.series.history import YEAR, title_histories

logger = logging.getLogger(__name__)

STRATA_TYPES = {
    "isbn": "str",
    "length": "str",
    "pace": "str",
    "volume": "int64",
    "product_class": "str",
    "is_sampled": "bool",
}
# Weeks of history at which strata end.
LENGTHS = {"under 2 years": YOUNG_WEEKS, "2 to 5 years": 260}
LONGEST = "over 5 years"
# Share of weeks without a sale above which a title sells seldom.
SELDOM = 0.3
VOLUME_GROUPS = 3
STRATUM = ["length", "pace"]
"""Columns of the strata that choose their families."""
FINE = [*STRATUM, "volume", "product_class"]
"""Columns of the strata from which the sample is drawn in proportion."""


def stratify_titles(
    training_weeks: pd.DataFrame,
    titles: pd.DataFrame,
    wanted: str | list[str],
    models: ModelOptions,
) -> pd.DataFrame:
    """Sort the titles into strata, and draw a sample in proportion to their sizes.

    The sample is empty where every title gets every family: in a catalogue of at most
    `models.effort.every_title` or `models.effort.sample` titles, where the titles are named one by
    one, and where `families` is not the default.

    Args:
        training_weeks: isbn, week, volume.
        titles: isbn, product_class.
        wanted: `selection.titles`.
        models: The families, the size of the sample and the seed.

    Returns:
        A row per title: isbn, length, pace (how often it sells), volume (terciles, 0 for the
        lowest), product_class and is_sampled.
    """
    histories = title_histories(training_weeks)
    table = pd.DataFrame(
        {
            "isbn": [history.isbn for history in histories],
            "length": [_length(history.n_weeks) for history in histories],
            "pace": [_pace(history.volumes) for history in histories],
            "recent": [np.nansum(history.volumes[-YEAR:]) for history in histories],
        }
    )
    ranks = table["recent"].rank(method="first")
    table["volume"] = np.floor((ranks - 1) * VOLUME_GROUPS / max(len(table), 1))
    classes = titles.drop_duplicates("isbn").set_index("isbn")["product_class"]
    table["product_class"] = classes.reindex(table["isbn"]).fillna("").to_numpy()
    effort = models.effort
    is_small = len(table) <= max(effort.every_title, effort.sample)
    if is_small or isinstance(wanted, list) or models.has_chosen_families:
        table["is_sampled"] = False
    else:
        table["is_sampled"] = _sample(table, effort.sample, models.seed)
        logger.info(
            "%d of %d titles are the sample that every family is compared on",
            *(table["is_sampled"].sum(), len(table)),
        )
    return table[list(STRATA_TYPES)].astype(STRATA_TYPES)


def _length(n_weeks: int) -> str:
    return next((name for name, most in LENGTHS.items() if n_weeks < most), LONGEST)


def _pace(volumes: np.ndarray) -> str:
    known = volumes[np.isfinite(volumes)]
    return "sells seldom" if len(known) and np.mean(known == 0.0) > SELDOM else "sells often"


def _sample(table: pd.DataFrame, size: int, seed: int) -> np.ndarray:
    """Take every k-th title of a list that is sorted by stratum, and at random within."""
    rng = np.random.default_rng(seed)
    order = table.assign(place=rng.random(len(table))).sort_values([*FINE, "place"]).index
    taken = order[(np.arange(size) * len(table)) // size]
    return np.asarray(table.index.isin(taken))
