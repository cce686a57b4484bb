"""The global model: gradient boosting over all titles.

One half of a forecast is direct. Its training rows are drawn at random from all origins and steps
in the training weeks, with the step as a feature: one fit serves all horizons. The other half is a
path of next weeks, see `boosting_recursive`. The trees are fitted to the residuals of a linear
regression, as trees do not extrapolate.

LightGBM is used directly. mlforecast fits one-step models that take forecasts as inputs, or one
model per step; it has no step as a feature and refuses missing weeks.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from book_forecast.forecasters.boosting_features import Rows, features
from book_forecast.forecasters.boosting_fit import MeanOfFits, fit_direct, fit_next
from book_forecast.forecasters.boosting_panel import Panel, panel_of
from book_forecast.forecasters.boosting_recursive import LONGEST, path, shares
from book_forecast.forecasters.boosting_windows import CHUNK
from book_forecast.forecasters.promotion_effects import DEPTHS, EFFECTS, NONE
from book_forecast.options.models import BoostingOptions
from book_forecast.series.history import (
    MODEL_HORIZON,
    YEAR,
    Covariates,
    FloatArray,
    IntArray,
    weeks_after,
)

# The uplift of a promotion is the mean over every fourth week of a year: it hardly varies by week.
UPLIFT_STEP = 4
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
    direct, following = (fit(panel, options, seed, n_jobs) for fit in (fit_direct, fit_next))
    effects = effects and bool((panel.promotions[:, : panel.n_weeks] > 0).any())
    chunks = [
        np.arange(start, min(start + CHUNK, len(panel.isbns)))
        for start in range(0, len(panel.isbns), CHUNK)
    ]
    parts = [_forecast(direct, following, panel, rows, horizon, effects=effects) for rows in chunks]
    frame = pd.DataFrame(
        {
            "isbn": np.repeat(panel.isbns, horizon),
            "week": np.tile(weeks_after(origin, horizon), len(panel.isbns)),
            **{name: np.concatenate([part[name] for part in parts]) for name in parts[0]},
        }
    )
    return frame.astype(FRAME_TYPES)


def _forecast(
    direct: MeanOfFits,
    following: MeanOfFits,
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
    found = {"mean": np.expm1(mixed)}
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
