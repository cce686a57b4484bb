"""Fits of the global model, whose mean is its forecast."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import threadpool_limits

from book_forecast.forecasters.global_models.boosting_features import PRODUCT_CLASS, Rows, features
from book_forecast.forecasters.global_models.panel import Panel
from book_forecast.options.models import BoostingOptions
from book_forecast.series.history import MODEL_HORIZON, FloatArray, IntArray

if TYPE_CHECKING:
    import lightgbm

# Near steps are drawn more often, by this power of a uniform draw ...
NEAR = 3.0
# ... and have more weight: a row a quarter ahead has half of the weight of the next week's.
HALF_WEIGHT = 13.0
# Share of training rows with a hidden promotion, so that the model works without a plan.
UNPLANNED = 0.5
LINEAR = (
    *("lag_0", "lag_1", "lag_2", "mean_2", "mean_4", "mean_8", "mean_13", "mean_26", "smoothed"),
    *("year_1_before", "news_4", "news_13", "season", "season_1", "smooth_season"),
    *("class_season_1", "change_1", "change_2", "smooth_change_1", "smooth_change_2"),
)
# Weeks over which the coefficients fade with the step: fast, slowly, never.
DECAYS = (4.0, 26.0, np.inf)
LINE_COLUMNS = (1 + len(LINEAR)) * len(DECAYS)
# Penalty, in rows without any change.
RIDGE = 100.0
OUTLIERS = 0.005
TREES: dict[str, Any] = {
    # Absolute errors limit the influence of single titles.
    "objective": "l1",
    "feature_fraction": 0.5,
    # Up to a half, LightGBM copies the rows of each bag, which takes a quarter more time.
    "bagging_fraction": 0.52,
    "bagging_freq": 1,
    "min_data_in_leaf": 50,
    "lambda_l2": 1.0,
    "max_bin": 63,
    # Rows that the bounds of bins are found in: the default of 200,000 takes twice the time.
    "bin_construct_sample_cnt": 20_000,
    # The same trees with any number of threads.
    "deterministic": True,
    "force_col_wise": True,
    "verbosity": -1,
}
# Half of them are in a tree's bag, which must fill two leaves.
FEWEST_ROWS = 200
Drawn = tuple[IntArray, IntArray, IntArray]
Draw = Callable[[Panel, BoostingOptions, np.random.Generator], Drawn]


@dataclass(frozen=True)
class MeanOfFits:
    """Several fits, each with rows and trees of its own: their errors are partly independent.

    Attributes:
        fits: At least one.
    """

    fits: tuple[Fit, ...]

    def predict(self, rows: Rows, step: IntArray) -> FloatArray:
        """Return log volumes without effects, relative to the level, in units of noise."""
        total = self.fits[0].predict(rows, step)
        for fit in self.fits[1:]:
            total += fit.predict(rows, step)
        return total / len(self.fits)


@dataclass(frozen=True)
class Fit:
    """A linear regression plus trees.

    Attributes:
        line: Coefficients of `_line_columns`; zero without training rows.
        trees: None with too few rows.
        n_jobs: Threads.
    """

    line: FloatArray
    trees: lightgbm.Booster | None
    n_jobs: int

    def predict(self, rows: Rows, step: IntArray) -> FloatArray:
        """See `MeanOfFits.predict`."""
        total = _times(_line_columns(rows, step), self.line)
        if self.trees is not None:
            total += self.trees.predict(rows.matrix, num_threads=self.n_jobs)
        return total


def fit_direct(panel: Panel, options: BoostingOptions, seed: int, n_jobs: int) -> MeanOfFits:
    """Fit the model of any week ahead to the weeks of all titles.

    Args:
        panel: All titles.
        options: Number and size of the fits.
        seed: Of the rows that are drawn and of the trees.
        n_jobs: Threads.
    """
    return _fit_all(_draw, panel, options, seed, n_jobs)


def fit_next(panel: Panel, options: BoostingOptions, seed: int, n_jobs: int) -> MeanOfFits:
    """Fit the model of the next week, whose distinct rows are fewer; see `fit_direct`."""
    leaves = max(options.leaves // 2, 2)
    return _fit_all(
        _draw_next, panel, options.model_copy(update={"leaves": leaves}), seed + 1, n_jobs
    )


def _fit_all(
    draw: Draw, panel: Panel, options: BoostingOptions, seed: int, n_jobs: int
) -> MeanOfFits:
    numbers = range(options.fits)
    return MeanOfFits(
        tuple(_fit(draw, panel, options, (seed, number), n_jobs) for number in numbers)
    )


def _fit(
    draw: Draw, panel: Panel, options: BoostingOptions, seed: tuple[int, int], n_jobs: int
) -> Fit:
    rng = np.random.default_rng(seed)
    title, origin, step = draw(panel, options, rng)
    if not len(title):
        return Fit(np.zeros(LINE_COLUMNS), None, n_jobs)
    rows = features(panel, title, origin, step, rng.random(len(title)) < UNPLANNED)
    wanted = (panel.sold[title, origin + step] - rows.effect - rows.level) / rows.noise
    weight = 1.0 / (1.0 + step / HALF_WEIGHT)
    weight /= weight.mean()
    columns = _line_columns(rows, step)
    line = _fit_line(columns, wanted, weight)
    if len(title) < FEWEST_ROWS:
        return Fit(line, None, n_jobs)
    residuals = wanted - _times(columns, line)
    parameters = TREES | {
        "learning_rate": options.learning_rate,
        "num_leaves": options.leaves,
        "seed": int(rng.integers(2**31)),
        "num_threads": n_jobs,
    }
    return Fit(line, _grow(rows, residuals, weight, parameters, options.trees), n_jobs)


def _draw(panel: Panel, options: BoostingOptions, rng: np.random.Generator) -> Drawn:
    """Draw titles, origins and steps with a known target week, near steps more often."""
    title, span = _titles(panel, options)
    near, where = rng.random((2, len(title)))
    step = 1 + (np.minimum(span, MODEL_HORIZON) * near**NEAR).astype(np.int64)
    origin = panel.n_weeks - 1 - step - ((span - step + 1) * where).astype(np.int64)
    return _known(panel, title, origin, step)


def _draw_next(panel: Panel, options: BoostingOptions, rng: np.random.Generator) -> Drawn:
    """Draw titles and origins whose next week is known."""
    title, span = _titles(panel, options)
    origin = panel.n_weeks - 2 - (span * rng.random(len(title))).astype(np.int64)
    return _known(panel, title, origin, np.ones(len(title), dtype=np.int64))


def _titles(panel: Panel, options: BoostingOptions) -> tuple[IntArray, IntArray]:
    """Return the titles of rows, and the weeks after each title's first one."""
    each = max(1, min(options.rows_per_title, options.rows // len(panel.isbns)))
    title = np.repeat(np.arange(len(panel.isbns)), each)
    span = panel.n_weeks - 1 - panel.first[title]
    return title[span > 0], span[span > 0]


def _known(panel: Panel, title: IntArray, origin: IntArray, step: IntArray) -> Drawn:
    """Return the distinct rows with a known target and a known week before it.

    Short histories have fewer distinct rows than are drawn.
    """
    shape = (len(panel.isbns), panel.n_weeks, MODEL_HORIZON + 1)
    numbers = np.unique(np.ravel_multi_index((title, origin, step), shape))
    title, origin, step = np.unravel_index(numbers, shape)
    known = np.isfinite(panel.logs[title, origin + step])
    known &= panel.known.counts[title, origin + 1] > 0
    return title[known], origin[known], step[known]


def _line_columns(rows: Rows, step: IntArray) -> FloatArray:
    """Return relative volumes and a constant, each with coefficients that fade with the step."""
    columns = np.column_stack([np.ones(len(step)), rows.columns(LINEAR)])
    fading = np.exp(-(step[:, None] - 1) / np.array(DECAYS))
    return (columns[:, :, None] * fading[:, None, :]).reshape(len(step), LINE_COLUMNS)


def _fit_line(columns: FloatArray, wanted: FloatArray, weight: FloatArray) -> FloatArray:
    """Fit by weighted ridge regression, with outliers clipped."""
    within = np.clip(wanted, *np.quantile(wanted, [OUTLIERS, 1.0 - OUTLIERS]))
    weighted = columns * weight[:, None]
    # Threads change the order of sums, and a last digit changes the trees.
    with threadpool_limits(1, user_api="blas"):
        products = weighted.T @ columns + RIDGE * np.eye(LINE_COLUMNS)
        line = np.linalg.solve(products, weighted.T @ within)
    return np.asarray(line, dtype=np.float64)


def _times(columns: FloatArray, line: FloatArray) -> FloatArray:
    """Multiply row by row, so that other rows and threads change no digit."""
    return np.einsum("ij,j->i", columns, line)


def _grow(
    rows: Rows, wanted: FloatArray, weight: FloatArray, parameters: dict[str, Any], trees: int
) -> lightgbm.Booster:
    import lightgbm

    data = lightgbm.Dataset(
        rows.matrix,
        label=wanted,
        weight=weight,
        feature_name=list(rows.names),
        categorical_feature=[PRODUCT_CLASS],
        params=parameters,
    )
    return lightgbm.train(parameters, data, num_boost_round=trees)
