"""Launches of a panel, each left out in turn, beside the mean launch curve of their class."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from book_forecast.forecasters.launches.knowledge import LaunchKnowledge
from book_forecast.forecasters.launches.launch import Launch
from book_forecast.forecasters.launches.past_launches import PastLaunch, evenly
from book_forecast.series.history import ALL_TITLES, WEEK, FloatArray, History

_KNOWN = (0, 4, 13)
_LEVELS = (80.0, 95.0)
# Weeks after the own ones that a launch needs to be scored.
_FEWEST_AHEAD = 4
_MOST_SCORED = 300
_TOTALS = ["error", "baseline_error", "copies", "weeks"]


def backtest_launches(knowledge: LaunchKnowledge, horizon: int) -> pd.DataFrame:
    """Forecast launches from 0, 4 and 13 own weeks, as if each had not been in the panel.

    The baseline is the mean of the other launches of the class, in copies by week since
    publication; with own weeks it is scaled by what the launch has sold in them.

    Args:
        knowledge: Of the panel.
        horizon: Weeks ahead.

    Returns:
        A row per launch and number of own weeks: isbn, product_class, known, weeks, copies, error
        and baseline_error (sums of absolute errors), inside-80 and inside-95 (weeks inside).
    """
    means = ClassMeans.of(knowledge.launches)
    n_launches = len(knowledge.launches)
    rows = range(n_launches)[evenly(n_launches, _MOST_SCORED)]
    found = [score for row in rows for score in _scores(knowledge, means, row, horizon)]
    columns = ["isbn", "product_class", "known", *_TOTALS]
    columns += [f"inside-{level:g}" for level in _LEVELS]
    types = {"isbn": "str", "product_class": "str"}
    return pd.DataFrame(found, columns=columns).astype(types)


def summarise_launches(scores: pd.DataFrame) -> pd.DataFrame:
    """Return errors beside the baseline's, and coverage, over all launches and by class.

    Args:
        scores: As `backtest_launches` returns them.

    Returns:
        product_class ("all" for all), known, launches, wape, baseline_wape, ratio, coverage-80 and
        coverage-95.
    """
    whole = scores.assign(product_class=ALL_TITLES)
    groups = pd.concat([whole, scores]).groupby(["product_class", "known"], sort=False)
    inside = [f"inside-{level:g}" for level in _LEVELS]
    sums = groups[[*_TOTALS, *inside]].sum()
    table = pd.DataFrame({"launches": groups.size()})
    table["wape"] = sums["error"] / sums["copies"].where(sums["copies"] > 0)
    table["baseline_wape"] = sums["baseline_error"] / sums["copies"].where(sums["copies"] > 0)
    table["ratio"] = table["wape"] / table["baseline_wape"].where(table["baseline_wape"] > 0)
    for level in _LEVELS:
        table[f"coverage-{level:g}"] = sums[f"inside-{level:g}"] / sums["weeks"]
    return table.reset_index().astype({"product_class": "str", "known": "int64"})


@dataclass(frozen=True)
class ClassMeans:
    """Copies of all launches by week since publication.

    Attributes:
        volumes: Shape (launches, weeks); NaN where unknown.
        groups: Class of each launch, shape (launches,).
    """

    volumes: FloatArray
    groups: np.ndarray

    @classmethod
    def of(cls, launches: Sequence[PastLaunch]) -> ClassMeans:
        """Lay out launches."""
        longest = max((len(launch.volumes) for launch in launches), default=0)
        volumes = np.full((len(launches), longest), np.nan)
        for row, launch in enumerate(launches):
            volumes[row, : len(launch.volumes)] = launch.volumes
        return cls(volumes, np.array([launch.facts.group for launch in launches], dtype=object))

    def forecast(self, row: int, known: int, horizon: int) -> FloatArray:
        """Return the mean of the others of a launch's class, scaled by its own weeks.

        A class without another launch takes the mean of all others. Weeks that no other launch has
        reached take the last mean.
        """
        others = np.arange(len(self.groups)) != row
        alike = others & (self.groups == self.groups[row])
        volumes = self.volumes[alike if alike.any() else others]
        seen = np.isfinite(volumes)
        total = np.where(seen, volumes, 0.0).sum(axis=0)
        mean = np.where(seen.any(axis=0), total / np.maximum(seen.sum(axis=0), 1), np.nan)
        mean = pd.Series(mean).ffill().fillna(0.0).to_numpy(dtype=np.float64)
        own = self.volumes[row, :known]
        is_known = np.isfinite(own)
        usual = float(mean[:known][is_known].sum())
        scale = float(own[is_known].sum()) / usual if known and usual > 0.0 else 1.0
        return np.asarray(scale * mean[known : known + horizon], dtype=np.float64)


def _scores(
    knowledge: LaunchKnowledge, means: ClassMeans, row: int, horizon: int
) -> Iterator[dict[str, object]]:
    launch = knowledge.launches[row]
    prior = knowledge.prior(launch.facts, without=row)
    for k in _KNOWN:
        actual = launch.volumes[k : k + horizon]
        seen = np.isfinite(actual)
        if len(actual) < _FEWEST_AHEAD or not seen.any() or not np.isfinite(launch.volumes[0]):
            continue
        history = History(launch.isbn, launch.volumes[:k], launch.first_week + WEEK * (k - 1))
        forecast = Launch.fit(history, prior).forecast(len(actual), _LEVELS)
        baseline = means.forecast(row, k, len(actual))
        yield {
            "isbn": launch.isbn,
            "product_class": launch.facts.group,
            "known": k,
            "error": float(np.abs(forecast.mean - actual)[seen].sum()),
            "baseline_error": float(np.abs(baseline - actual)[seen].sum()),
            "copies": float(actual[seen].sum()),
            "weeks": int(seen.sum()),
            **{
                f"inside-{level:g}": int(
                    np.sum((forecast.lower[level] <= actual) & (actual <= forecast.upper[level]))
                )
                for level in _LEVELS
            },
        }
