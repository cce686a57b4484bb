"""The chosen models beside every single family on the test weeks, also where they lost."""

from __future__ import annotations

import logging

import numpy as np
import pandas as pd

from book_forecast.backtesting.metrics import CHOSEN, error_ratios
from book_forecast.forecasters.ensemble import Ensemble
from book_forecast.forecasters.naive import Zero
from book_forecast.series.history import ALL_TITLES, FloatArray

logger = logging.getLogger(__name__)

# The forecast of titles that stopped selling has no competitor.
NO_SINGLE_FAMILY = {Ensemble.family, CHOSEN, Zero.family}
# A single member with all the weight differs from its ensemble by rounding alone.
SAME = 1.0 - 1e-9


def report_families(
    scores: pd.DataFrame, training_models: pd.DataFrame, titles: pd.DataFrame
) -> pd.DataFrame:
    """Compare each title's chosen model with the best single family on the test weeks.

    Weights and families were chosen on folds inside the training weeks. Families are compared by
    mean absolute error, which exists for titles without a sale too.

    Args:
        scores: As `score_titles` returns them; the latest cutoff is that of the test weeks.
        training_models: isbn, model: the chosen models.
        titles: isbn, title.

    Returns:
        A row over all titles (isbn "all"), where a family is compared over the titles that it has
        forecast, and one a title: isbn, title, model, wape; `<family>_wape` for each family;
        best_family, best_wape; ratio, the chosen model's error over that of the best single family;
        lost, whether it is above 1. Over all titles, best_wape is what the family's WAPE would be
        if it compared on all titles as it does on its own.
    """
    test = scores[scores["cutoff"] == scores["cutoff"].max()]
    mae, wape = _wide(test, "mae"), _wide(test, "wape")
    own = training_models.set_index("isbn")["model"].astype(object)
    own = pd.concat([pd.Series({ALL_TITLES: CHOSEN}), own])
    families = sorted({str(name) for name in mae.columns} - NO_SINGLE_FAMILY)
    mine = _own(mae, own)
    single = mae.reindex(index=own.index, columns=families)
    # Not the means over all titles: those of a family that some titles lack are of others.
    ratios = error_ratios(single.drop(index=ALL_TITLES), mine.drop(index=ALL_TITLES))
    single.loc[ALL_TITLES] = ratios * mine[ALL_TITLES]
    best = single.dropna(how="all").idxmin(axis=1).reindex(own.index).astype(object)
    least = single.min(axis=1)
    best_wape = _own(wape, best)
    best_wape[ALL_TITLES] = _own(wape, own)[ALL_TITLES] * ratios.min()
    names = titles.set_index("isbn")["title"].reindex(own.index)
    columns = {
        "isbn": own.index,
        "title": names.mask(own.index == ALL_TITLES, "all titles").to_numpy(),
        "model": own.to_numpy(),
        "wape": _own(wape, own).to_numpy(),
        **{f"{name}_wape": _column(wape, name, own.index) for name in families},
        "best_family": best.to_numpy(),
        "best_wape": best_wape.to_numpy(),
        "ratio": (mine / least.where(least > 0)).to_numpy(),
        "lost": (least < mine * SAME).to_numpy(),
    }
    report = pd.DataFrame(columns)
    _log(report, ratios)
    return report.astype(dict.fromkeys(("isbn", "title", "model", "best_family"), "str"))


def _wide(test: pd.DataFrame, metric: str) -> pd.DataFrame:
    """An error by title and model."""
    rows = test[test["metric"] == metric]
    return rows.pivot_table(index="isbn", columns="model", values="value", dropna=False)


def _own(errors: pd.DataFrame, models: pd.Series) -> pd.Series:
    """Each title's error with a model of its own."""
    long = errors.stack()  # noqa: PD013 - to look up pairs
    pairs = pd.MultiIndex.from_arrays([models.index, models.to_numpy()])
    return pd.Series(long.reindex(pairs).to_numpy(dtype=np.float64), index=models.index)


def _column(errors: pd.DataFrame, model: str, isbns: pd.Index) -> FloatArray:
    return errors.reindex(index=isbns, columns=[model])[model].to_numpy(dtype=np.float64)


def _log(report: pd.DataFrame, ratios: pd.Series) -> None:
    of_titles = report[report["isbn"] != ALL_TITLES]
    compared = of_titles[(of_titles["model"] == Ensemble.family) & of_titles["best_family"].notna()]
    if compared.empty:
        return
    whole = report[report["isbn"] == ALL_TITLES].iloc[0]
    logger.info(
        "On the test weeks no single family was better than the ensemble for %d of %d titles; "
        "over all titles it is rank %d of %d (WAPE %.1f %%; best single family %s %.1f %%)",
        (~compared["lost"]).sum(),
        len(compared),
        1 + (ratios < SAME).sum(),
        1 + ratios.notna().sum(),
        100.0 * whole["wape"],
        whole["best_family"],
        100.0 * whole["best_wape"],
    )
