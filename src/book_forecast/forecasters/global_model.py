"""The global model: one gradient boosting over all titles, fitted before a cutoff."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pandas as pd

from book_forecast.backtesting.rolling_origins import RollingOrigins
from book_forecast.forecasters.boosting import forecast_all
from book_forecast.forecasters.boosting_member import Boosting
from book_forecast.forecasters.level_shifts import on_present_level
from book_forecast.forecasters.promotion_effects import EFFECTS
from book_forecast.options.models import ModelOptions
from book_forecast.series.covariates import covariates_by_title, promotions_after

FORECAST_TYPES = {
    "isbn": "str",
    "cutoff": "datetime64[us]",
    "week": "datetime64[us]",
    "mean": "float64",
}


@dataclass(frozen=True)
class GlobalModel:
    """Everything that decides the global model, whatever its cutoff.

    Attributes:
        titles: isbn, product_class.
        options: The models; without an ensemble that has boosting nothing is fitted.
        covariates: isbn, week, name, value; None without any.
    """

    titles: pd.DataFrame
    options: ModelOptions
    covariates: pd.DataFrame | None = None

    def forecast(
        self, weeks: pd.DataFrame, cutoff: pd.Timestamp, horizon: int, *, is_now: bool
    ) -> pd.DataFrame:
        """Fit the model to the weeks up to a cutoff, and forecast the weeks after it.

        Args:
            weeks: isbn, week, volume, promotion, asp, rrp; weeks after the cutoff are not used.
            cutoff: Last week of the training.
            horizon: Weeks ahead.
            is_now: Whether the cutoff is the last week of all. The effects of promotions are added,
                with which a title's model uses the promotion plan.

        Returns:
            isbn, cutoff, week, mean; no row where the model is not wanted. `EFFECTS` where they are
            known.
        """
        known = weeks[weeks["week"] <= cutoff]
        wanted = Boosting.family in self.options.families and self.options.has_ensembles
        if not wanted or known.empty:
            return pd.DataFrame(columns=list(FORECAST_TYPES)).astype(FORECAST_TYPES)
        known = on_present_level(known)
        rules = self.options.regressors
        found = forecast_all(
            known,
            self.titles,
            cutoff,
            horizon,
            self.options.boosting,
            seed=self.options.seed,
            calendar=self.options.calendar,
            # More threads give the same result, but spin on shared cores.
            n_jobs=1,
            planned=promotions_after(self.covariates, rules, cutoff),
            covariates=covariates_by_title(known, self.covariates, rules),
            effects=is_now,
        )
        effects = [name for name in EFFECTS if name in found]
        columns = [*FORECAST_TYPES, *effects]
        return found.assign(cutoff=cutoff)[columns].astype(FORECAST_TYPES)

    def forecast_folds(self, weeks: pd.DataFrame, origins: RollingOrigins) -> pd.DataFrame:
        """Fit the model before each rolling origin, and forecast the weeks of its fold.

        A fold has one fit in place of the mean of several, which hardly changes errors but costs a
        multiple.

        Args:
            weeks: As in `forecast`.
            origins: The rolling origins.

        Returns:
            As `forecast`.
        """
        single = self.options.boosting.model_copy(update={"fits": 1})
        model = replace(self, options=self.options.model_copy(update={"boosting": single}))
        parts = [
            model.forecast(weeks, cutoff, origins.horizon, is_now=False)
            for cutoff in origins.cutoffs(weeks["week"].max())
        ]
        return pd.concat(parts, ignore_index=True).astype(FORECAST_TYPES)
