"""Training rows of the boosting, and the line through them.

A row is a title, an origin and a step, drawn at random. Trees do not extrapolate: they are fitted
to what a ridge regression leaves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from book_forecast.forecasters.global_models.boosting_features import Rows, features
from book_forecast.forecasters.global_models.panel import Panel
from book_forecast.options.models import BoostingOptions
from book_forecast.series.history import MODEL_HORIZON, FloatArray, IntArray

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
Drawn = tuple[IntArray, IntArray, IntArray]
Draw = Callable[[Panel, BoostingOptions, np.random.Generator], Drawn]


@dataclass(frozen=True)
class TrainingRows:
    """Rows with what the line leaves of them.

    Attributes:
        features: Of n rows.
        residuals: Log volumes without effects, relative to the level and in units of noise, less
            the line, shape (n,).
        weight: Shape (n,).
        line: Coefficients of `line_columns`.
    """

    features: Rows
    residuals: FloatArray
    weight: FloatArray
    line: FloatArray


def learn_line(
    draw: Draw, panel: Panel, options: BoostingOptions, rng: np.random.Generator
) -> TrainingRows | None:
    """Draw training rows, and fit the line; None where there is no row.

    Args:
        draw: `draw_any` or `draw_next`.
        panel: All titles.
        options: Number of rows.
        rng: Of the draws.
    """
    title, origin, step = draw(panel, options, rng)
    if not len(title):
        return None
    rows = features(panel, title, origin, step, rng.random(len(title)) < UNPLANNED)
    wanted = (panel.sold[title, origin + step] - rows.effect - rows.level) / rows.noise
    weight = 1.0 / (1.0 + step / HALF_WEIGHT)
    weight /= weight.mean()
    columns = line_columns(rows, step)
    line = _fit_line(columns, wanted, weight)
    return TrainingRows(rows, wanted - times(columns, line), weight, line)


def draw_any(panel: Panel, options: BoostingOptions, rng: np.random.Generator) -> Drawn:
    """Draw titles, origins and steps with a known target week, near steps more often."""
    title, span = _titles(panel, options)
    near, where = rng.random((2, len(title)))
    step = 1 + (np.minimum(span, MODEL_HORIZON) * near**NEAR).astype(np.int64)
    origin = panel.n_weeks - 1 - step - ((span - step + 1) * where).astype(np.int64)
    return _known(panel, title, origin, step)


def draw_next(panel: Panel, options: BoostingOptions, rng: np.random.Generator) -> Drawn:
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


def line_columns(rows: Rows, step: IntArray) -> FloatArray:
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


def times(columns: FloatArray, line: FloatArray) -> FloatArray:
    """Multiply row by row, so that other rows and threads change no digit."""
    return np.einsum("ij,j->i", columns, line)
