"""The global model: gradient boosting over all titles.

It forecasts any step ahead directly. Training rows are drawn at random from all origins and steps
in the training weeks, with the step as a feature: one fit serves all horizons, and no forecast is
an input. The trees are fitted to the residuals of a linear regression, as trees do not extrapolate.

LightGBM is used directly. mlforecast fits one-step models that take forecasts as inputs, or one
model per step; it has no step as a feature and refuses missing weeks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from book_forecast.forecasters.boosting_features import PRODUCT_CLASS, Rows, features
from book_forecast.forecasters.boosting_panel import CHUNK, Panel, panel_of
from book_forecast.forecasters.boosting_windows import IntArray
from book_forecast.forecasters.promotion_effects import DEPTHS, EFFECTS, NONE
from book_forecast.options.models import BoostingOptions
from book_forecast.series.history import MODEL_HORIZON, YEAR, Covariates, FloatArray, weeks_after

if TYPE_CHECKING:
    import lightgbm

# Errors grow with the step: a row a quarter ahead has half of the weight of the next week's.
HALF_WEIGHT = 13.0
# Share of training rows with a hidden promotion, so that the model works without a plan.
UNPLANNED = 0.5
LINEAR = (
    *("lag_0", "lag_1", "lag_2", "mean_2", "mean_4", "mean_8", "mean_13", "mean_26"),
    *("year_1_before", "news_4", "news_13", "season", "season_1", "smooth_season"),
    *("class_season_1", "change_1", "change_2", "smooth_change_1", "smooth_change_2"),
)
# Weeks over which the coefficients fade with the step: fast, slowly, never.
DECAYS = (4.0, 26.0, np.inf)
LINE_COLUMNS = (1 + len(LINEAR)) * len(DECAYS)
# Penalty, in rows without any change.
RIDGE = 100.0
OUTLIERS = 0.005
# Forecasts end at this multiple of the largest known week.
CEILING = 3.0
# The uplift of a promotion is the mean over every fourth week of a year: it hardly varies by week.
UPLIFT_STEP = 4
TREES: dict[str, Any] = {
    # Absolute errors limit the influence of single titles.
    "objective": "l1",
    "feature_fraction": 0.5,
    "bagging_fraction": 0.5,
    "bagging_freq": 1,
    "min_data_in_leaf": 50,
    "lambda_l2": 1.0,
    "max_bin": 63,
    # The same trees with any number of threads.
    "deterministic": True,
    "force_col_wise": True,
    "verbosity": -1,
}
# Half of them are in a tree's bag, which must fill two leaves.
FEWEST_ROWS = 200
FRAME_TYPES = {"isbn": "str", "week": "datetime64[us]", "mean": "float64"}


def forecast_all(
    weeks: pd.DataFrame,
    titles: pd.DataFrame | None,
    cutoff: np.datetime64 | pd.Timestamp,
    horizon: int,
    options: BoostingOptions,
    *,
    seed: int,
    calendar: bool = True,
    n_jobs: int = 1,
    planned: pd.DataFrame | None = None,
    covariates: Mapping[str, Covariates] | None = None,
    effects: bool = False,
) -> pd.DataFrame:
    """Fit the global model up to a cutoff and forecast the weeks after it.

    The forecast of a week is about its median, which minimises absolute errors. It depends neither
    on the order of rows nor on the number of threads nor on the horizon.

    Args:
        weeks: isbn, week (Saturdays), volume (NaN where missing); promotion (0 to 1) and rrp are
            optional. Rows after the cutoff are not used.
        titles: isbn, product_class; None without classes.
        cutoff: Saturday of the last week to learn from.
        horizon: Weeks ahead, at most `MODEL_HORIZON`.
        options: Size of the model.
        seed: Of the rows that are drawn and of the trees.
        calendar: Whether the calendar's windows are used.
        n_jobs: Threads; 0 for one per core. Waiting threads spin: on shared cores one is faster.
        planned: isbn, week, promotion. Weeks that it does not name have no promotion, up to its
            last week; later weeks, and all weeks without a plan, have an unknown promotion.
        covariates: By ISBN, from the title's first week on. Promotions come from `weeks` and
            `planned` instead.
        effects: Whether to add the effects of promotions, where any title has had one.

    Returns:
        isbn, week, mean: `horizon` weeks of every title with a known week, sorted. With effects,
        `EFFECTS` too: what no promotion and promotions of `DEPTHS` add to log(1 + mean).

    Raises:
        ValueError: If the horizon is less than one week or more than `MODEL_HORIZON`.
    """
    if not 1 <= horizon <= MODEL_HORIZON:
        raise ValueError(f"The horizon is {horizon}, not 1 to {MODEL_HORIZON} weeks.")
    origin = pd.Timestamp(cutoff).to_datetime64().astype("datetime64[D]")
    panel = panel_of(weeks, titles, origin, horizon, planned, covariates, calendar=calendar)
    if not len(panel.isbns):
        return pd.DataFrame(columns=list(FRAME_TYPES)).astype(FRAME_TYPES)
    model = _fit(panel, options, seed, n_jobs)
    effects = effects and bool((panel.promotions[:, : panel.n_weeks] > 0).any())
    chunks = [
        np.arange(start, min(start + CHUNK, len(panel.isbns)))
        for start in range(0, len(panel.isbns), CHUNK)
    ]
    parts = [_forecast(model, panel, rows, horizon, effects=effects) for rows in chunks]
    frame = pd.DataFrame(
        {
            "isbn": np.repeat(panel.isbns, horizon),
            "week": np.tile(weeks_after(origin, horizon), len(panel.isbns)),
            **{name: np.concatenate([part[name] for part in parts]) for name in parts[0]},
        }
    )
    return frame.astype(FRAME_TYPES)


@dataclass(frozen=True)
class _Model:
    """Log volumes relative to the level, in units of noise: a linear regression plus trees.

    Attributes:
        line: Coefficients of `_line_columns`; zero without training rows.
        trees: None with too few rows.
        n_jobs: Threads.
    """

    line: FloatArray
    trees: lightgbm.Booster | None
    n_jobs: int

    def predict(self, rows: Rows, step: IntArray) -> FloatArray:
        total = _times(_line_columns(rows, step), self.line)
        if self.trees is not None:
            total += self.trees.predict(rows.matrix, num_threads=self.n_jobs)
        return total


def _fit(panel: Panel, options: BoostingOptions, seed: int, n_jobs: int) -> _Model:
    rng = np.random.default_rng(seed)
    title, origin, step = _draw(panel, options, rng)
    if not len(title):
        return _Model(np.zeros(LINE_COLUMNS), None, n_jobs)
    rows = features(panel, title, origin, step, rng.random(len(title)) < UNPLANNED)
    wanted = (panel.sold[title, origin + step] - rows.effect - rows.level) / rows.noise
    weight = 1.0 / (1.0 + step / HALF_WEIGHT)
    weight /= weight.mean()
    columns = _line_columns(rows, step)
    line = _fit_line(columns, wanted, weight)
    residuals = wanted - _times(columns, line)
    enough = len(title) >= FEWEST_ROWS
    trees = _grow(rows, residuals, weight, options, seed, n_jobs) if enough else None
    return _Model(line, trees, n_jobs)


def _draw(
    panel: Panel, options: BoostingOptions, rng: np.random.Generator
) -> tuple[IntArray, IntArray, IntArray]:
    """Draw titles, origins and steps with a known target week, near steps more often."""
    each = max(1, min(options.rows_per_title, options.rows // len(panel.isbns)))
    title = np.repeat(np.arange(len(panel.isbns)), each)
    near, where = rng.random((2, len(title)))
    last = panel.n_weeks - 1
    span = last - panel.first[title]
    title, near, where, span = (values[span > 0] for values in (title, near, where, span))
    step = 1 + (np.minimum(span, MODEL_HORIZON) * near**2).astype(np.int64)
    origin = last - step - ((span - step + 1) * where).astype(np.int64)
    # Short histories have fewer distinct rows than are drawn.
    title, origin, step = np.unique(np.stack([title, origin, step]), axis=1)
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
    rows: Rows,
    wanted: FloatArray,
    weight: FloatArray,
    options: BoostingOptions,
    seed: int,
    n_jobs: int,
) -> lightgbm.Booster:
    import lightgbm

    parameters = TREES | {
        "learning_rate": options.learning_rate,
        "num_leaves": options.leaves,
        "seed": seed % 2**31,
        "num_threads": n_jobs,
    }
    data = lightgbm.Dataset(
        rows.matrix,
        label=wanted,
        weight=weight,
        feature_name=list(rows.names),
        categorical_feature=[PRODUCT_CLASS],
        params=parameters,
    )
    return lightgbm.train(parameters, data, num_boost_round=options.trees)


def _forecast(
    model: _Model, panel: Panel, titles: IntArray, horizon: int, *, effects: bool
) -> dict[str, FloatArray]:
    """Return the columns of the weeks after the cutoff, one title after the other."""
    title = np.repeat(titles, horizon)
    step = np.tile(np.arange(1, horizon + 1), len(titles))
    origin = np.full(len(title), panel.n_weeks - 1)
    rows = features(panel, title, origin, step, np.zeros(len(title), dtype=bool))
    most = np.nanmax(panel.sold[titles], axis=1).astype(np.float64)
    # As a logarithm: the largest week may be a number of 300 digits.
    ceiling = np.repeat(most + np.log(CEILING), horizon)
    logs = _logs(model, rows, step, ceiling)
    found = {"mean": np.expm1(logs)}
    if effects:
        found |= _effects(model, rows, step, ceiling, logs)
    return found


def _logs(model: _Model, rows: Rows, step: IntArray, ceiling: FloatArray) -> FloatArray:
    """Return log(1 + copies), between zero and the ceiling."""
    return np.clip(rows.level + rows.effect + rows.noise * model.predict(rows, step), 0.0, ceiling)


def _effects(
    model: _Model, rows: Rows, step: IntArray, ceiling: FloatArray, unknown: FloatArray
) -> dict[str, FloatArray]:
    """Return what promotions add to a forecast in which they are unknown, as `EFFECTS`.

    A deeper discount never sells less: smaller uplifts than those of lower depths are noise.
    """
    none = _logs(model, rows.promoted(0.0), step, ceiling)
    found = {NONE: none - unknown}
    sampled = ((step - 1) % UPLIFT_STEP == 0) & (step <= YEAR)
    n_titles = int((step == 1).sum())
    some, steps, most = rows.take(sampled), step[sampled], ceiling[sampled]
    uplift = np.zeros(n_titles)
    for depth, name in zip(DEPTHS, EFFECTS[1:], strict=True):
        added = _logs(model, some.promoted(depth), steps, most) - none[sampled]
        uplift = np.maximum(uplift, added.reshape(n_titles, -1).mean(axis=1))
        found[name] = found[NONE] + np.repeat(uplift, len(step) // n_titles)
    return {name: values.astype(np.float32) for name, values in found.items()}
