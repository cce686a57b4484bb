"""The model of all titles at the rolling origins."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from book_forecast.forecasters.boosting import forecast_all
from book_forecast.forecasters.boosting_member import Boosting
from book_forecast.options.groups import BoostingOptions, RegressorOptions, TuneOptions
from book_forecast.options.run import has_ensembles
from book_forecast.series.covariates import further_by_title, planned_after

PATH_TYPES = {
    "isbn": "str",
    "cutoff": "datetime64[us]",
    "week": "datetime64[us]",
    "mean": "float64",
}


@dataclass(frozen=True)
class Boost:
    """What one model of all titles is made of, whatever its cutoff.

    Attributes:
        titles: isbn, product_class.
        options: Size of the model.
        families: Nothing is fitted where boosting is not among them.
        calendar: Whether the calendar's windows are used.
        seed: Of the run.
        regressors: isbn, week, name, value: plans and the like; None without any.
        regressor_options: What of them may be known ahead.
    """

    titles: pd.DataFrame
    options: BoostingOptions
    families: list[str]
    calendar: bool
    seed: int
    regressors: pd.DataFrame | None = None
    regressor_options: RegressorOptions | None = None

    def paths(
        self, weeks: pd.DataFrame, cutoff: pd.Timestamp, horizon: int, *, is_now: bool
    ) -> pd.DataFrame:
        """Forecasts of the weeks after a cutoff; no row without the model.

        Args:
            weeks: isbn, week, volume, promotion, asp, rrp; those after the cutoff are not used.
            cutoff: The last week to learn from.
            horizon: Weeks ahead.
            is_now: Whether that is the last week of all, after which the plan tells of promotions.

        Returns:
            isbn, cutoff, week, mean.
        """
        known = weeks[weeks["week"] <= cutoff]
        wanted = Boosting.family in self.families and has_ensembles(self.families)
        if not wanted or known.empty:
            return pd.DataFrame(columns=list(PATH_TYPES)).astype(PATH_TYPES)
        found = forecast_all(
            known,
            self.titles,
            cutoff,
            horizon,
            self.options,
            seed=self.seed,
            calendar=self.calendar,
            # More threads give the same bits, but wait for each other where others use the cores.
            n_jobs=1,
            planned=planned_after(self.regressors, self.regressor_options, cutoff, is_now=is_now),
            regressors=further_by_title(known, self.regressors, self.regressor_options),
        )
        return found.assign(cutoff=cutoff)[list(PATH_TYPES)].astype(PATH_TYPES)

    def fold_paths(self, weeks: pd.DataFrame, folds: TuneOptions, horizon: int) -> pd.DataFrame:
        """As `paths`, with a model of its own before each rolling origin."""
        last = weeks["week"].max() - pd.Timedelta(weeks=horizon)
        cutoffs = [last - pd.Timedelta(weeks=folds.step * k) for k in range(folds.folds)]
        parts = [self.paths(weeks, cutoff, horizon, is_now=False) for cutoff in cutoffs]
        return pd.concat(parts, ignore_index=True).astype(PATH_TYPES)


def boost_folds(
    training_weeks: pd.DataFrame,
    folds: TuneOptions,
    split_size: int,
    titles: pd.DataFrame,
    options: BoostingOptions,
    families: list[str],
    calendar: bool,
    seed: int,
    regressors: pd.DataFrame | None = None,
    regressor_options: RegressorOptions | None = None,
) -> pd.DataFrame:
    """Fits one model to all titles before each rolling origin.

    Args:
        training_weeks: isbn, week, volume, promotion, asp, rrp.
        folds: The rolling origins.
        split_size: Horizon, in weeks.
        titles: As in `Boost`.
        options: As in `Boost`.
        families: As in `Boost`.
        calendar: As in `Boost`.
        seed: As in `Boost`.
        regressors: As in `Boost`.
        regressor_options: As in `Boost`.

    Returns:
        isbn, cutoff, week, mean.
    """
    # Kedro makes options of what these types say, so that each node has to name them.
    boost = Boost(titles, options, families, calendar, seed, regressors, regressor_options)
    return boost.fold_paths(training_weeks, folds, split_size)
