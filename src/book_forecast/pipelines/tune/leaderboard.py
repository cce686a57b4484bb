"""The leaderboard: errors of all families on the folds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from book_forecast.backtesting.metrics import error_ratios
from book_forecast.forecasters.ensemble import Ensemble
from book_forecast.forecasters.family_choice import reasons_of
from book_forecast.forecasters.weights import FoldForecasts
from book_forecast.series.history import ALL_TITLES, FloatArray

LEADERBOARD_TYPES = {
    "isbn": "str",
    "family": "str",
    "mae": "float64",
    "relative_error": "float64",
    "rank": "Int64",
    "weight": "float64",
    "n_folds": "int64",
    "left_out": "str",
}
ENSEMBLE = Ensemble.family


def leaderboard(
    families: Sequence[str],
    choice: pd.Series,
    folds: FoldForecasts,
    mean: FloatArray,
    weights: FloatArray,
) -> pd.DataFrame:
    """Return errors on the folds, a row for each title and family, the ensemble among them.

    Args:
        families: Those of the folds' members.
        choice: The column `families` of the titles, by ISBN.
        folds: Out-of-fold forecasts.
        mean: The ensembles' forecasts, shape (r, h).
        weights: Of the families by title, shape (n, m).

    Returns:
        isbn ("all" for the mean over all titles), family, mae, relative_error (beside the
        ensemble's), rank, weight, n_folds that the family has forecast, and left_out: why a title
        goes without it. In the rows "all", relative_error is over the titles that the family has
        forecast, and decides the rank, as families may have different titles; left_out has the
        number of titles that go without it and the most frequent reason.
    """
    isbns = choice.index.to_numpy(dtype=str)
    reasons = [reasons_of(column) for column in choice]
    known = np.isfinite(folds.volumes)
    everything = np.concatenate([folds.members, mean[:, None]], axis=1)
    wrong = np.abs(everything - folds.volumes[:, None])
    wrong = np.where(known[:, None], wrong, 0.0).sum(axis=2)
    weeks = known.sum(axis=1)
    n, names = len(isbns), [*families, ENSEMBLE]
    sums, counts = np.zeros((n, len(names))), np.zeros(n)
    np.add.at(sums, folds.titles, wrong)
    np.add.at(counts, folds.titles, weeks)
    mae = np.where(counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], np.nan)
    own = np.where(mae[:, -1:] > 0, mae[:, -1:], np.nan)
    n_folds = np.bincount(folds.titles, minlength=n)[:, None] * np.isfinite(mae)
    shares = np.column_stack([weights, np.ones(n)])
    board = pd.DataFrame(
        {
            "isbn": np.repeat(isbns, len(names)),
            "family": np.tile(names, n),
            "mae": mae.ravel(),
            "relative_error": (mae / own).ravel(),
            "weight": shares.ravel(),
            "n_folds": n_folds.ravel(),
            "left_out": [found.get(name) for found in reasons for name in names],
        }
    )
    board["rank"] = board.groupby("isbn")["mae"].rank(method="min")
    over_all = board.groupby("family", as_index=False).agg(
        mae=("mae", "mean"), weight=("weight", "mean"), n_folds=("n_folds", "sum")
    )
    errors = pd.DataFrame(mae, columns=names)
    ratios = error_ratios(errors, errors[ENSEMBLE])
    over_all["relative_error"] = over_all["family"].map(ratios)
    over_all["isbn"] = ALL_TITLES
    over_all["left_out"] = [_left_out(name, reasons) for name in over_all["family"]]
    over_all["rank"] = over_all["relative_error"].rank(method="min")
    board = pd.concat([over_all, board], ignore_index=True)[list(LEADERBOARD_TYPES)]
    board = board.sort_values(["isbn", "rank"], kind="stable", ignore_index=True)
    return board.astype(LEADERBOARD_TYPES)


def _left_out(family: str, reasons: Sequence[Mapping[str, str | None]]) -> str | None:
    """Return why titles go without a family; None if none does."""
    own = Counter(reason for found in reasons if (reason := found.get(family)))
    if not own:
        return None
    (most, count), total = own.most_common(1)[0], own.total()
    if count == len(reasons):
        return most
    which = "all" if total == len(reasons) else f"{total} of {len(reasons)}"
    some = "" if count == total else f", {count} of them"
    return f"{which} titles{some} because {most}"
