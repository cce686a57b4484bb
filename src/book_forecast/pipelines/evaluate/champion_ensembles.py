"""What a champion's ensembles would have said of known weeks.

Its members were compared for the candidate as well: their forecasts are there, and only the
champion's weights and intervals are its own. A SARIMA member of other orders is fitted anew.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from book_forecast.forecasters.calibration import Calibration
from book_forecast.forecasters.frames import TitleForecast
from book_forecast.forecasters.sarima import Candidate, Sarima
from book_forecast.series.history import FloatArray, History

logger = logging.getLogger(__name__)

Members = Mapping[str, FloatArray]
"""Forecasts by family, in copies, each of shape (horizon,)."""


@dataclass(frozen=True)
class ChampionEnsemble:
    """One title's work, complete for another process.

    Attributes:
        champion: Name for its forecasts.
        history: The training weeks.
        weights: What its members count for.
        candidate: Orders of its SARIMA member where they are not the candidate's.
        calibration: Of its intervals.
        spread: Of the title.
        said: By cutoff, what the members say.
        levels: Interval levels in percent.
    """

    champion: str
    history: History
    weights: Mapping[str, float]
    candidate: Candidate | None
    calibration: Calibration
    spread: float
    said: Mapping[np.datetime64, Members]
    levels: Sequence[float]

    @property
    def isbn(self) -> str:
        """The title."""
        return self.history.isbn


def said_by_members(
    test_forecasts: pd.DataFrame, fold_forecasts: pd.DataFrame, isbns: Sequence[str]
) -> dict[str, dict[np.datetime64, dict[str, FloatArray]]]:
    """What every family says of the test weeks and of the folds' weeks, by ISBN and cutoff.

    Args:
        test_forecasts: A forecasts frame.
        fold_forecasts: isbn, cutoff, week and a column a family.
        isbns: The titles to look for.
    """
    found: dict[str, dict[np.datetime64, dict[str, FloatArray]]] = {}
    tested = test_forecasts[test_forecasts["isbn"].isin(isbns)]
    for (isbn, cutoff, model), rows in tested.groupby(["isbn", "cutoff", "model"], sort=False):
        by_cutoff = found.setdefault(str(isbn), {})
        by_cutoff.setdefault(_day(cutoff), {})[str(model)] = rows["mean"].to_numpy()
    families = fold_forecasts.columns.drop(["isbn", "cutoff", "week"])
    rolled = fold_forecasts[fold_forecasts["isbn"].isin(isbns)]
    for (isbn, cutoff), rows in rolled.groupby(["isbn", "cutoff"], sort=False):
        columns = {str(name): rows[name].to_numpy() for name in families}
        found.setdefault(str(isbn), {}).setdefault(_day(cutoff), {}).update(columns)
    return found


def _day(cutoff: object) -> np.datetime64:
    return np.datetime64(str(cutoff)[:10], "D")


def forecast_ensemble(
    task: ChampionEnsemble,
) -> tuple[list[TitleForecast], list[TitleForecast]]:
    """Its forecasts of the test weeks, and from each rolling origin."""
    test: list[TitleForecast] = []
    rolling: list[TitleForecast] = []
    for cutoff, members in task.said.items():
        known = task.history.until(_weeks_until(task.history, cutoff))
        own = {}
        if task.candidate is not None:
            own[Sarima.family] = _refitted(known, task.candidate, members)
        mean = _weighted(task.weights, {**members, **own})
        if mean is None:
            continue
        forecast = task.calibration.forecast(mean, task.spread, task.levels)
        item = TitleForecast(task.isbn, task.champion, cutoff, forecast)
        (test if cutoff == task.history.cutoff else rolling).append(item)
    return test, rolling


def _weeks_until(history: History, cutoff: np.datetime64) -> int:
    return history.n_weeks - int((history.cutoff - cutoff) // np.timedelta64(7, "D"))


def _refitted(known: History, candidate: Candidate, members: Members) -> FloatArray:
    """The SARIMA member of other orders; NaN where it cannot be fitted."""
    horizon = len(next(iter(members.values())))
    try:
        return Sarima.fit(known, candidate, thorough=False).forecast(horizon, ()).mean
    except (ValueError, np.linalg.LinAlgError) as error:
        logger.debug("%s at %s: %s", known.isbn, known.cutoff, error)
        return np.full(horizon, np.nan)


def _weighted(weights: Mapping[str, float], members: Members) -> FloatArray | None:
    """The weighted mean of the members that said something; None where none did."""
    usable = {
        name: weight
        for name, weight in weights.items()
        if weight > 0.0 and name in members and np.isfinite(members[name]).all()
    }
    total = sum(usable.values())
    if not total > 0.0:
        return None
    parts = [weight / total * members[name] for name, weight in usable.items()]
    return np.asarray(np.sum(parts, axis=0), dtype=np.float64)
