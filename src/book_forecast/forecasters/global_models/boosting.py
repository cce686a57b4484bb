"""Gradient boosting over all titles.

One half of a forecast is direct. Its training rows are drawn at random from all origins and steps
in the training weeks, with the step as a feature: one fit serves all horizons. The other half is a
path of next weeks, see `boosting_recursive`. The trees are fitted to the residuals of a linear
regression, as trees do not extrapolate.

LightGBM is used directly. mlforecast fits one-step models that take forecasts as inputs, or one
model per step; it has no step as a feature and refuses missing weeks.
"""

from __future__ import annotations

import numpy as np

from book_forecast.forecasters.global_models.boosting_features import Rows, features
from book_forecast.forecasters.global_models.boosting_fit import MeanOfFits, fit_direct, fit_next
from book_forecast.forecasters.global_models.boosting_recursive import LONGEST, path, shares
from book_forecast.forecasters.global_models.boosting_widths import Widths, fit_widths
from book_forecast.forecasters.global_models.panel import Panel
from book_forecast.forecasters.global_models.windows import chunks
from book_forecast.forecasters.promotion_effects import DEPTHS, EFFECTS, NONE
from book_forecast.forecasters.week_widths import WIDTH
from book_forecast.options.models import BoostingOptions
from book_forecast.series.history import YEAR, FloatArray, IntArray

# The uplift of a promotion is the mean over every fourth week of a year: it hardly varies by week.
UPLIFT_STEP = 4


def forecast_panel(
    panel: Panel,
    titles: IntArray,
    horizon: int,
    options: BoostingOptions,
    *,
    seed: int,
    n_jobs: int,
    effects: bool,
) -> dict[str, FloatArray]:
    """Fit the model to all titles, and forecast the weeks of some after the cutoff.

    The forecast of a week is about its median, which minimises absolute errors. It depends neither
    on the order of rows nor on the number of threads nor on the horizon nor on other titles that
    are forecast.

    Args:
        panel: All titles.
        titles: Rows of those that are forecast, at least one.
        horizon: Weeks ahead.
        options: Size of the model.
        seed: Of the rows that are drawn and of the trees.
        n_jobs: Threads; 0 for one per core. Waiting threads spin: on shared cores one is faster.
        effects: Whether to add the effects of promotions.

    Returns:
        `mean` and `WIDTH` of each title's weeks, one title after the other. With effects, `EFFECTS`
        too: what no promotion and promotions of `DEPTHS` add to log(1 + mean).
    """
    direct, following = (fit(panel, options, seed, n_jobs) for fit in (fit_direct, fit_next))
    widths = fit_widths(panel, options, seed, n_jobs)
    parts = [
        _forecast(direct, following, widths, panel, chunk, horizon, effects=effects)
        for chunk in chunks(titles)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _forecast(
    direct: MeanOfFits,
    following: MeanOfFits,
    widths: Widths,
    panel: Panel,
    titles: IntArray,
    horizon: int,
    *,
    effects: bool,
) -> dict[str, FloatArray]:
    """Return the columns of the weeks after the cutoff, one title after the other."""
    title = np.repeat(titles, horizon)
    step = np.tile(np.arange(1, horizon + 1), len(titles))
    origin = np.full(len(title), panel.n_weeks - 1)
    rows = features(panel, title, origin, step, np.zeros(len(title), dtype=bool))
    ceiling = np.repeat(panel.ceiling(titles), horizon)
    logs = _logs(direct, rows, step, ceiling)
    near = step <= LONGEST
    recursive = path(following, panel, titles, min(horizon, LONGEST)).ravel()
    share = shares(step[near])
    mixed = logs.copy()
    mixed[near] += share * (recursive - logs[near])
    found = {"mean": np.expm1(mixed), WIDTH: widths.of(rows).astype(np.float32)}
    if effects:
        found |= _effects(direct, rows, step, ceiling, logs)
    return found


def _logs(model: MeanOfFits, rows: Rows, step: IntArray, ceiling: FloatArray) -> FloatArray:
    """Return log(1 + copies), between zero and the ceiling."""
    return np.clip(rows.level + rows.effect + rows.noise * model.predict(rows, step), 0.0, ceiling)


def _effects(
    model: MeanOfFits, rows: Rows, step: IntArray, ceiling: FloatArray, unknown: FloatArray
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
