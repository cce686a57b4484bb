"""Fits of the global model, whose mean is its forecast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from book_forecast.forecasters.global_models.boosting_features import PRODUCT_CLASS, Rows
from book_forecast.forecasters.global_models.boosting_rows import (
    LINE_COLUMNS,
    Draw,
    TrainingRows,
    draw_any,
    draw_next,
    learn_line,
    line_columns,
    times,
)
from book_forecast.forecasters.global_models.panel import Panel
from book_forecast.options.models import BoostingOptions
from book_forecast.series.history import FloatArray, IntArray

if TYPE_CHECKING:
    import lightgbm

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
        line: Coefficients of `line_columns`; zero without training rows.
        trees: None with too few rows.
        n_jobs: Threads.
    """

    line: FloatArray
    trees: lightgbm.Booster | None
    n_jobs: int

    def predict(self, rows: Rows, step: IntArray) -> FloatArray:
        """See `MeanOfFits.predict`."""
        total = times(line_columns(rows, step), self.line)
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
    return _fit_all(draw_any, panel, options, seed, n_jobs)


def fit_next(panel: Panel, options: BoostingOptions, seed: int, n_jobs: int) -> MeanOfFits:
    """Fit the model of the next week, whose distinct rows are fewer; see `fit_direct`."""
    leaves = max(options.leaves // 2, 2)
    return _fit_all(
        draw_next, panel, options.model_copy(update={"leaves": leaves}), seed + 1, n_jobs
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
    rows = learn_line(draw, panel, options, rng)
    if rows is None:
        return Fit(np.zeros(LINE_COLUMNS), None, n_jobs)
    return Fit(rows.line, grow(rows, options, rng, n_jobs), n_jobs)


def grow(
    rows: TrainingRows,
    options: BoostingOptions,
    rng: np.random.Generator,
    n_jobs: int,
    **others: Any,
) -> lightgbm.Booster | None:
    """Grow trees on what the line leaves; None with too few rows.

    Args:
        rows: Of the training.
        options: Number and size of the trees.
        rng: Of their seed.
        n_jobs: Threads.
        others: LightGBM's parameters, in place of `TREES`.
    """
    import lightgbm

    if len(rows.residuals) < FEWEST_ROWS:
        return None
    parameters = TREES | {
        "learning_rate": options.learning_rate,
        "num_leaves": options.leaves,
        "seed": int(rng.integers(2**31)),
        "num_threads": n_jobs,
        **others,
    }
    data = lightgbm.Dataset(
        rows.features.matrix,
        label=rows.residuals,
        weight=rows.weight,
        feature_name=list(rows.features.names),
        categorical_feature=[PRODUCT_CLASS],
        params=parameters,
    )
    return lightgbm.train(parameters, data, num_boost_round=options.trees)
