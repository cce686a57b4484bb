"""Forecasts of the global models, which learn from all titles up to a cutoff."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import pandas as pd

from book_forecast.forecasters.global_models import autoregression, boosting, network
from book_forecast.forecasters.global_models.members import Autoregression, Boosting, Network
from book_forecast.forecasters.global_models.panel import panel_of
from book_forecast.forecasters.level_shifts import on_present_level
from book_forecast.forecasters.promotion_effects import EFFECTS
from book_forecast.forecasters.week_widths import WIDTH
from book_forecast.options.models import ModelOptions
from book_forecast.options.values import Family
from book_forecast.series.covariates import covariates_by_title, promotions_after
from book_forecast.series.history import MODEL_HORIZON, Covariates, FloatArray, weeks_after

_FAMILIES = (Boosting.family, Autoregression.family, Network.family)
FRAME_TYPES = {
    "isbn": "str",
    "family": "str",
    "week": "datetime64[us]",
    "mean": "float64",
    WIDTH: "float32",
}

FORECAST_TYPES = {
    "isbn": "str",
    "family": "str",
    "cutoff": "datetime64[us]",
    "week": "datetime64[us]",
    "mean": "float64",
    WIDTH: "float32",
}


@dataclass(frozen=True)
class GlobalModels:
    """Everything that decides the global models, whatever their cutoff.

    Attributes:
        titles: isbn, product_class.
        options: The models; without an ensemble of such families nothing is fitted.
        covariates: isbn, week, name, value; None without any.
    """

    titles: pd.DataFrame
    options: ModelOptions
    covariates: pd.DataFrame | None = None

    @property
    def families(self) -> list[Family]:
        """Those of the models that are wanted."""
        families = self.options.families if self.options.has_ensembles else ()
        return [name for name in families if name in _FAMILIES]

    def identity(self, weeks: pd.DataFrame) -> list[Any]:
        """Return all that decides the models of some weeks, beside cutoffs and the horizon."""
        options = self.options
        return [
            *(weeks, self.titles.filter(["isbn", "product_class"]), self.covariates, self.families),
            *(
                options.boosting,
                options.network,
                options.seed,
                options.calendar,
                options.regressors,
            ),
        ]

    def forecast(
        self,
        weeks: pd.DataFrame,
        cutoff: pd.Timestamp,
        horizon: int,
        *,
        is_now: bool,
        wanted: Collection[str] | None = None,
    ) -> pd.DataFrame:
        """Fit the models to the weeks up to a cutoff, and forecast the weeks after it.

        Args:
            weeks: isbn, week, volume, promotion, asp, rrp; weeks after the cutoff are not used.
            cutoff: Last week of the training.
            horizon: Weeks ahead.
            is_now: Whether the cutoff is the last week of all. The effects of promotions are added,
                with which a title's model uses the promotion plan.
            wanted: Titles that are forecast; None for all. The models are of all titles.

        Returns:
            isbn, family, cutoff, week, mean, `WIDTH`; no row of unwanted families. `EFFECTS` where
            they are known.
        """
        known = weeks[weeks["week"] <= cutoff]
        if not self.families or known.empty:
            return pd.DataFrame(columns=list(FORECAST_TYPES)).astype(FORECAST_TYPES)
        known = on_present_level(known)
        rules = self.options.regressors
        found = forecast_all(
            known,
            self.titles,
            cutoff,
            horizon,
            self.options,
            # More threads give the same result, but spin on shared cores.
            n_jobs=1,
            planned=promotions_after(self.covariates, rules, cutoff),
            covariates=covariates_by_title(known, self.covariates, rules),
            effects=is_now,
            wanted=wanted,
        )
        effects = [name for name in EFFECTS if name in found]
        columns = [*FORECAST_TYPES, *effects]
        return found.assign(cutoff=cutoff)[columns].astype(FORECAST_TYPES)

    def forecast_fold(
        self, weeks: pd.DataFrame, cutoff: pd.Timestamp, horizon: int
    ) -> pd.DataFrame:
        """Fit the models before a rolling origin, and forecast the weeks of its fold.

        A fold has fewer fits: more hardly change errors, and cost a multiple.

        Args:
            weeks: As in `forecast`.
            cutoff: Last week of the training.
            horizon: Weeks ahead.

        Returns:
            As `forecast`.
        """
        return self.with_fewer_fits().forecast(weeks, cutoff, horizon, is_now=False)

    def with_fewer_fits(self) -> Self:
        """Return the models with one fit of the boosting, and half of the network's.

        The network is the better, the more fits it has: with one, its weight would be too small.
        """
        return self._with_fewer_fits(self.options.boosting.rows)

    def with_small_fit(self) -> Self:
        """Return the same, with the boosting's fit to half of the rows."""
        return self._with_fewer_fits(max(self.options.boosting.rows // 2, 1))

    def _with_fewer_fits(self, rows: int) -> Self:
        options = self.options
        sizes = {
            "boosting": options.boosting.model_copy(update={"fits": 1, "rows": rows}),
            "network": options.network.model_copy(update={"fits": (options.network.fits + 1) // 2}),
        }
        return replace(self, options=options.model_copy(update=sizes))


def forecast_all(
    weeks: pd.DataFrame,
    titles: pd.DataFrame | None,
    cutoff: np.datetime64 | pd.Timestamp,
    horizon: int,
    options: ModelOptions,
    *,
    n_jobs: int = 1,
    planned: pd.DataFrame | None = None,
    covariates: Mapping[str, Covariates] | None = None,
    effects: bool = False,
    wanted: Collection[str] | None = None,
) -> pd.DataFrame:
    """Fit models of all titles up to a cutoff and forecast the weeks after it.

    Args:
        weeks: isbn, week (Saturdays), volume (NaN where missing); promotion (0 to 1) and rrp are
            optional. Rows after the cutoff are not used.
        titles: isbn, product_class; None without classes.
        cutoff: Saturday of the last week to learn from.
        horizon: Weeks ahead, at most `MODEL_HORIZON`.
        options: The families that are wanted, sizes and seed of the models, and whether the
            calendar's windows are used.
        n_jobs: Threads; 0 for one per core.
        planned: isbn, week, promotion. Weeks that it does not name have no promotion, up to its
            last week; later weeks, and all weeks without a plan, have an unknown promotion.
        covariates: By ISBN, from the title's first week on. Promotions come from `weeks` and
            `planned` instead.
        effects: Whether to add the effects of promotions, where any title has had one.
        wanted: Titles that are forecast; None for all. Their forecasts are the same either way.

    Returns:
        isbn, family, week, mean, `WIDTH`, which the boosting alone has: `horizon` weeks of each of
        them with a known week, sorted within each family; no autoregression of few titles, and no
        network of few weeks. With effects, `EFFECTS` too: what no promotion and promotions of
        `DEPTHS` add to log(1 + mean).

    Raises:
        ValueError: If the horizon is less than one week or more than `MODEL_HORIZON`.
    """
    if not 1 <= horizon <= MODEL_HORIZON:
        raise ValueError(f"The horizon is {horizon}, not 1 to {MODEL_HORIZON} weeks.")
    origin = pd.Timestamp(cutoff).to_datetime64().astype("datetime64[D]")
    panel = panel_of(weeks, titles, origin, horizon, planned, covariates, calendar=options.calendar)
    n = len(panel.isbns)
    effects = effects and bool((panel.promotions[:, : panel.n_weeks] > 0).any())
    families, seed = options.families, options.seed
    found: dict[str, dict[str, FloatArray]] = {}
    rows = panel.rows_of(wanted)
    enough = n if len(rows) else 0
    if Boosting.family in families and enough:
        found[Boosting.family] = boosting.forecast_panel(
            panel, rows, horizon, options.boosting, seed=seed, n_jobs=n_jobs, effects=effects
        )
    if Autoregression.family in families and enough >= Autoregression.capabilities.fewest_titles:
        found[Autoregression.family] = autoregression.forecast_panel(
            panel, rows, horizon, effects=effects
        )
    if Network.family in families and enough >= Network.capabilities.fewest_titles:
        by_network = network.forecast_panel(
            panel, rows, horizon, options.network, seed=seed, effects=effects
        )
        if by_network:
            found[Network.family] = by_network
    isbns = np.repeat(panel.isbns[rows], horizon)
    ahead = np.tile(weeks_after(origin, horizon), len(rows))
    parts = [
        pd.DataFrame(
            {"isbn": isbns, "family": family, "week": ahead, "mean": np.nan, WIDTH: np.nan}
            | columns
        )
        for family, columns in found.items()
    ]
    none = pd.DataFrame(columns=list(FRAME_TYPES)).astype(FRAME_TYPES)
    return pd.concat(parts, ignore_index=True).astype(FRAME_TYPES) if parts else none
