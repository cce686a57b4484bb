"""Weeks of all titles side by side."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from book_forecast.forecasters.global_models.covariate_effects import CovariateEffects, fit_effects
from book_forecast.forecasters.global_models.panel_covariates import (
    PanelCovariate,
    covariate_values,
    panel_covariates,
)
from book_forecast.forecasters.global_models.smoothing import best_factors, smoothed
from book_forecast.forecasters.global_models.windows import CHUNK, Float32Array, Windows
from book_forecast.series.calendar import CALENDAR_COVARIATES, calendar_weeks
from book_forecast.series.history import PROMOTION, WEEK, YEAR, Covariates, FloatArray, IntArray

# A title's noise comes from the weekly changes of two years, beside a prior of four changes with
# the usual noise of a week on the log scale, 0.3.
CHANGES = 2 * YEAR
PRIOR_CHANGES = 4
PRIOR_NOISE = 0.3
# Forecasts end at this multiple of the largest known week.
CEILING = 3.0


@dataclass(frozen=True, slots=True)
class Panel:
    """The weeks of all titles up to a cutoff, and plans after it.

    Attributes:
        isbns: Of the titles, shape (titles,), sorted.
        first: Column of each title's first week.
        sold: Logarithm of one plus the copies, shape (titles, weeks); NaN where unknown.
        logs: The same without the effects of covariates.
        known, squares, zeros, changes: Running totals of `logs`, of its square, of weeks without a
            sale, and of squared weekly changes.
        smoothed: Levels of `logs` by exponential smoothing, same shape; NaN before the first week.
        factors: Of the smoothing, shape (titles,).
        prices: Logarithm of the last recommended price, shape (titles, weeks); NaN where unknown.
        promotions: Shape (titles, weeks + ahead); NaN after the cutoff where there is no plan.
        promoted: Running totals of `promotions` up to the cutoff.
        classes: Number of each title's product class; -1 where unknown.
        profiles: Mean of each week above the year before it over the titles of a class, and over
            all titles in the last row, shape (classes + 1, weeks).
        calendar: Windows of the weeks by name, each of shape (weeks + ahead,); may be empty.
        covariates: By name.
        effects: Of covariates and promotions on `sold`.
    """

    isbns: npt.NDArray[np.str_]
    first: IntArray
    sold: Float32Array
    logs: Float32Array
    known: Windows
    squares: Windows
    zeros: Windows
    changes: Windows
    smoothed: Float32Array
    factors: FloatArray
    prices: Float32Array
    promotions: Float32Array
    promoted: Windows
    classes: IntArray
    profiles: Float32Array
    calendar: Mapping[str, Float32Array]
    covariates: Mapping[str, PanelCovariate]
    effects: CovariateEffects

    @property
    def n_weeks(self) -> int:
        """Weeks from the first of any title to the cutoff."""
        return self.logs.shape[1]

    def rows_of(self, isbns: Collection[str] | None) -> IntArray:
        """Return the rows of some titles, in their order here; of all titles for None."""
        if isbns is None:
            return np.arange(len(self.isbns))
        return np.flatnonzero(np.isin(self.isbns, list(isbns)))

    def at(self, title: IntArray, week: IntArray) -> FloatArray:
        """Return `logs` of some weeks; NaN before the first."""
        logs = self.logs[title, np.maximum(week, 0)].astype(np.float64)
        return np.where(week >= 0, logs, np.nan)

    def level(self, title: IntArray, origin: IntArray) -> FloatArray:
        """Return the mean of the year up to an origin; of all weeks before if none is known."""
        level = self.known.mean(title, origin, YEAR)
        unknown = np.flatnonzero(np.isnan(level))
        level[unknown] = self.known.mean(title[unknown], origin[unknown], self.n_weeks)
        return level

    def effects_ahead(self, titles: IntArray, horizon: int) -> FloatArray:
        """Return what covariates add to log volumes after the cutoff, shape (titles, horizon)."""
        title = np.repeat(titles, horizon)
        step = np.tile(np.arange(1, horizon + 1), len(titles))
        origin = np.full(len(title), self.n_weeks - 1)
        total = self.effects.of(PROMOTION, title, self.promotions[title, origin + step])
        for name, covariate in self.covariates.items():
            total += self.effects.of(name, title, covariate_values(covariate, title, origin, step))
        return total.reshape(len(titles), horizon)

    def ceiling(self, titles: IntArray) -> FloatArray:
        """Return the largest log volume that a forecast of each title may have."""
        most = np.nanmax(self.sold[titles], axis=1).astype(np.float64)
        # As a logarithm: the largest week may be a number of 300 digits.
        return np.asarray(most + np.log(CEILING), dtype=np.float64)

    def noise(self, title: IntArray, origin: IntArray) -> FloatArray:
        """Return the standard deviation of a week around a constant level, from weekly changes."""
        total, count = self.changes.sums(title, origin, CHANGES)
        prior = 2.0 * PRIOR_NOISE**2 * PRIOR_CHANGES
        return np.sqrt((total + prior) / (2.0 * (count + PRIOR_CHANGES)))


def panel_of(
    weeks: pd.DataFrame,
    titles: pd.DataFrame | None,
    cutoff: np.datetime64,
    ahead: int,
    planned: pd.DataFrame | None,
    covariates: Mapping[str, Covariates] | None,
    *,
    calendar: bool,
) -> Panel:
    """Lay out the weeks of all titles up to a cutoff; see `forecasts.forecast_all`.

    Titles without a known week are left out.
    """
    seen = weeks[(weeks["week"] <= cutoff).to_numpy()]
    known = seen["volume"].notna()
    seen = seen[seen["isbn"].isin(seen.loc[known, "isbn"].unique())]
    codes, isbns = pd.factorize(seen["isbn"], sort=True)
    dates = seen["week"].to_numpy().astype("datetime64[D]")
    first_week = dates.min() if len(dates) else cutoff
    columns = ((dates - first_week) // WEEK).astype(np.int64)
    n_weeks = int((cutoff - first_week) // WEEK) + 1

    def matrix(name: str, width: int = n_weeks) -> Float32Array:
        values = np.full((len(isbns), width), np.nan, dtype=np.float32)
        if name in seen:
            values[codes, columns] = seen[name].to_numpy(dtype=np.float32, na_value=np.nan)
        return values

    first = np.full(len(isbns), n_weeks, dtype=np.int64)
    np.minimum.at(first, codes, columns)
    logs = np.full((len(isbns), n_weeks), np.nan, dtype=np.float32)
    # In double precision, as a typing error of 100 digits overflows single precision.
    logs[codes, columns] = np.log1p(seen["volume"].to_numpy(dtype=np.float64, na_value=np.nan))
    classes, n_classes = _classes(titles, isbns)
    promotions = matrix(PROMOTION, n_weeks + ahead)
    _plan(promotions, planned, isbns, first_week, n_weeks)
    known_weeks, squares, changes = _totals(logs)
    panel = Panel(
        isbns=isbns.to_numpy(dtype=str),
        first=first,
        sold=logs,
        logs=logs,
        known=known_weeks,
        squares=squares,
        changes=changes,
        zeros=Windows.of(np.where(np.isnan(logs), np.nan, logs == 0).astype(np.float32)),
        smoothed=logs,
        factors=np.ones(len(isbns)),
        prices=np.log(_last_known(matrix("rrp"))),
        promotions=promotions,
        promoted=Windows.of(promotions[:, :n_weeks]),
        classes=classes,
        profiles=np.full((n_classes + 1, n_weeks), np.nan, dtype=np.float32),
        calendar=_calendar(first_week, cutoff, ahead) if calendar else {},
        covariates=panel_covariates(covariates or {}, isbns, first, n_weeks, ahead),
        effects=CovariateEffects.none(len(isbns)),
    )
    panel = _smoothed(_without_effects(panel))
    _fill_profiles(panel)
    return panel


def _without_effects(panel: Panel) -> Panel:
    """Take the effects of covariates out of the log volumes."""
    values = {PROMOTION: panel.promotions[:, : panel.n_weeks]}
    values |= {name: x.weeks[:, : panel.n_weeks] for name, x in panel.covariates.items()}
    effects = fit_effects(panel.sold, _last_noise(panel), values)
    if not effects.names:
        return panel
    logs = (panel.sold - effects.over(values)).astype(np.float32)
    known, squares, changes = _totals(logs)
    return replace(panel, logs=logs, known=known, squares=squares, changes=changes, effects=effects)


def _smoothed(panel: Panel) -> Panel:
    """Add the smoothed levels."""
    factors = best_factors(panel.logs, _last_noise(panel))
    return replace(panel, smoothed=smoothed(panel.logs, factors), factors=factors)


def _last_noise(panel: Panel) -> FloatArray:
    titles = np.arange(len(panel.isbns))
    return panel.noise(titles, np.full(len(titles), panel.n_weeks - 1))


def _totals(logs: Float32Array) -> tuple[Windows, Windows, Windows]:
    """Return the running totals `known`, `squares` and `changes` of log volumes."""
    changes = np.diff(logs, axis=1, prepend=np.float32(np.nan))
    return Windows.of(logs), Windows.of(logs**2), Windows.of(changes**2)


def _last_known(values: Float32Array) -> Float32Array:
    """Return each value, or the last one known before it; zero is no price."""
    known = values > 0
    last = np.where(known, np.arange(values.shape[1]), 0)
    np.maximum.accumulate(last, axis=1, out=last)
    return np.take_along_axis(np.where(known, values, np.float32(np.nan)), last, axis=1)


def _classes(titles: pd.DataFrame | None, isbns: pd.Index) -> tuple[IntArray, int]:
    """Return the number of each title's product class, and how many classes there are."""
    if titles is None or "product_class" not in titles:
        return np.full(len(isbns), -1, dtype=np.int64), 0
    by_isbn = titles.drop_duplicates("isbn").set_index("isbn")["product_class"].reindex(isbns)
    codes, names = pd.factorize(by_isbn, sort=True)
    return codes.astype(np.int64), len(names)


def _plan(
    promotions: Float32Array,
    planned: pd.DataFrame | None,
    isbns: pd.Index,
    first_week: np.datetime64,
    n_weeks: int,
) -> None:
    """Write the plan into the weeks after the cutoff; unnamed weeks up to its end have none."""
    if planned is None or planned.empty:
        return
    columns = (planned["week"].to_numpy().astype("datetime64[D]") - first_week) // WEEK
    rows = isbns.get_indexer(pd.Index(planned["isbn"]))
    promotions[:, n_weeks : max(int(columns.max()) + 1, n_weeks)] = 0.0
    used = (rows >= 0) & (columns >= n_weeks) & (columns < promotions.shape[1])
    values = planned[PROMOTION].to_numpy(dtype=np.float32)
    promotions[rows[used], columns[used].astype(np.int64)] = values[used]


def _calendar(
    first_week: np.datetime64, cutoff: np.datetime64, ahead: int
) -> dict[str, Float32Array]:
    table = calendar_weeks(pd.Timestamp(first_week), pd.Timestamp(cutoff), ahead)
    windows = {name: table[name].to_numpy(dtype=np.float32) for name in CALENDAR_COVARIATES}
    week_of_year = (table["week"].dt.day_of_year / 7).to_numpy(dtype=np.float32)
    return {**windows, "week_of_year": week_of_year}


def _fill_profiles(panel: Panel) -> None:
    """Fill in means over titles with a year of history, weighted by their precision."""
    shape = panel.profiles.shape
    totals, weights = np.zeros(shape), np.zeros(shape)
    for start in range(0, len(panel.isbns), CHUNK):
        rows = np.arange(start, min(start + CHUNK, len(panel.isbns)))
        title, week = np.repeat(rows, panel.n_weeks), np.tile(np.arange(panel.n_weeks), len(rows))
        above = panel.logs[title, week] - panel.level(title, week)
        weight = 1.0 / (0.05 + panel.noise(title, week) ** 2)
        used = (week - panel.first[title] >= YEAR) & np.isfinite(above)
        for row in (panel.classes[title], np.full(len(title), len(panel.profiles) - 1)):
            kept = used & (row >= 0)
            cells = row[kept] * panel.n_weeks + week[kept]
            size = panel.profiles.size
            weights += np.bincount(cells, weight[kept], size).reshape(shape)
            totals += np.bincount(cells, (weight * above)[kept], size).reshape(shape)
    panel.profiles[:] = np.divide(totals, weights, out=np.full(shape, np.nan), where=weights > 0)
