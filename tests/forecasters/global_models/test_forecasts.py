"""The global model uses the plan of the weeks ahead, and at a fold nothing beyond its cutoff."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from book_forecast.backtesting.rolling_origins import RollingOrigins
from book_forecast.forecasters.global_models.forecasts import GlobalModels, forecast_all
from book_forecast.forecasters.global_models.members import Autoregression, Boosting, Network
from book_forecast.forecasters.promotion_effects import effects_by_title
from book_forecast.options.models import ModelOptions
from book_forecast.series.covariates import PROMOTION_PLAN
from book_forecast.series.history import PROMOTION, title_histories
from tests.histories import BACKTEST, weeks_frame

HORIZON = 6
WEEKS = 160
FEWEST_TITLES = Autoregression.capabilities.fewest_titles
ISBNS = [f"97800000000{n:02}" for n in range(FEWEST_TITLES)]
LIFTED = 2
NO_LIMITS = {"fewest_rows": 1, "fewest_weeks": 1}
FAMILIES = ("boosting", "autoregression", "network")
FOLDS = BACKTEST.model_copy(update={"folds": 1, "split_size": HORIZON}).origins


@pytest.fixture(scope="module")
def weeks() -> pd.DataFrame:
    """Titles whose promotions treble a week."""
    rng = np.random.default_rng(0)
    frames = []
    for isbn in ISBNS:
        depth = np.where(rng.random(WEEKS) < 0.15, 0.4, 0.0)
        # One in the week of the fold that the tests look at.
        depth[WEEKS - HORIZON + LIFTED] = 0.4
        sold = rng.poisson(40.0, WEEKS) * np.exp(2.75 * depth)
        frames.append(weeks_frame({isbn: np.round(sold)}).assign(promotion=depth))
    return pd.concat(frames, ignore_index=True).assign(asp=np.nan, rrp=np.nan)


def global_model(
    covariates: pd.DataFrame | None,
    families: tuple[str, ...] = FAMILIES,
    **rules: Any,
) -> GlobalModels:
    """A small model; `rules` are those of covariates in the weeks ahead."""
    titles = pd.DataFrame({"isbn": ISBNS, "product_class": "F"}).astype("str")
    options = ModelOptions.model_validate(
        {
            "families": list(families),
            "calendar": False,
            "seed": 1,
            "boosting": {"fits": 1, "rows": 4000, "trees": 40},
            "network": {**NO_LIMITS, "fits": 1, "width": 8, "passes": 10},
            "regressors": rules,
        }
    )
    return GlobalModels(titles, options, covariates)


def at_folds(model: GlobalModels, weeks: pd.DataFrame, origins: RollingOrigins) -> pd.DataFrame:
    """The forecasts at rolling origins."""
    cutoffs = origins.cutoffs(weeks["week"].max())
    found = [model.forecast_fold(weeks, cutoff, origins.horizon) for cutoff in cutoffs]
    return pd.concat(found, ignore_index=True)


def rows(name: str, weeks: pd.DataFrame) -> pd.DataFrame:
    """The promotions of some weeks as rows of the table of covariates."""
    there = weeks[weeks["promotion"] > 0]
    return there[["isbn", "week"]].assign(name=name, value=there["promotion"].to_numpy())


def first(forecasts: pd.DataFrame, family: str = "boosting") -> np.ndarray:
    """The forecast of the first title."""
    wanted = (forecasts["isbn"] == ISBNS[0]) & (forecasts["family"] == family)
    return forecasts.loc[wanted, "mean"].to_numpy()


@pytest.fixture(scope="module")
def now(weeks: pd.DataFrame) -> pd.DataFrame:
    """The forecast after the last week of all."""
    return global_model(None).forecast(weeks, weeks["week"].max(), HORIZON, is_now=True)


@pytest.mark.parametrize("member", [Boosting, Autoregression, Network])
def test_a_plan_lifts_its_week(weeks, now, member):
    [title] = title_histories(weeks[weeks["isbn"] == ISBNS[0]])
    path = first(now, member.family)
    model = member.from_forecast(title, path, effects_by_title(now)[ISBNS[0]][member.family])
    depth = np.zeros(HORIZON)
    depth[LIFTED] = 0.4
    planned, unplanned = (
        one.forecast(HORIZON, ()).mean
        for one in (model.with_covariates({PROMOTION_PLAN: depth}), model)
    )
    assert planned[LIFTED] > 1.7 * np.delete(planned, LIFTED).max()
    assert unplanned[LIFTED] < 1.3 * np.delete(unplanned, LIFTED).max()
    assert unplanned == pytest.approx(path)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("depth", [0.0, 0.25, 0.4, 0.6])
def test_effects_are_those_of_a_model_that_knows_the_plan(weeks, now, depth, family):
    model = global_model(None)
    now = now[now["family"] == family]
    plan = now[["isbn", "week"]].assign(promotion=depth)
    last = weeks["week"].max()
    options = model.options.model_copy(update={"families": [family]})
    exact = forecast_all(weeks, model.titles, last, HORIZON, options, planned=plan)
    for isbn, by_family in effects_by_title(now).items():
        effects = by_family[family]
        added = effects.none + effects.uplift(np.full(HORIZON, depth))
        logs = [np.log1p(frame.loc[frame["isbn"] == isbn, "mean"]) for frame in (now, exact)]
        assert logs[0].to_numpy() + added == pytest.approx(logs[1].to_numpy(), abs=0.12)


def test_titles_that_are_forecast_alone_have_the_forecasts_of_a_whole_catalogue(weeks, now):
    wanted = {ISBNS[7], ISBNS[2]}
    last = weeks["week"].max()
    found = global_model(None).forecast(weeks, last, HORIZON, is_now=True, wanted=wanted)
    whole = now[now["isbn"].isin(wanted)].reset_index(drop=True)
    assert set(found["family"]) == set(FAMILIES)
    pd.testing.assert_frame_equal(found, whole, check_exact=True)
    none = global_model(None).forecast(weeks, last, HORIZON, is_now=True, wanted={"9780000009999"})
    assert none.empty


def test_without_a_promotion_in_the_past_there_are_no_effects(weeks):
    quiet = weeks.assign(promotion=0.0)
    found = global_model(None).forecast(quiet, weeks["week"].max(), HORIZON, is_now=True)
    assert effects_by_title(found) == {}


def test_effects_do_not_change_the_forecast(weeks, now):
    without = global_model(None).forecast(weeks, weeks["week"].max(), HORIZON, is_now=False)
    assert now["mean"].tolist() == without["mean"].tolist()
    assert effects_by_title(without) == {}


def test_unplanned_promotions_are_unknown_at_a_fold(weeks):
    happened = rows(PROMOTION, weeks)
    blind = first(at_folds(global_model(None), weeks, FOLDS))
    assert first(at_folds(global_model(happened), weeks, FOLDS)).tolist() == blind.tolist()
    planned = first(at_folds(global_model(happened, promotions_known=True), weeks, FOLDS))
    assert planned[LIFTED] > 1.7 * blind[LIFTED]


def test_todays_plan_does_not_change_the_forecast_of_a_fold(weeks):
    later = weeks.loc[weeks.index[-1:], ["isbn"]].assign(
        week=weeks["week"].max() + pd.Timedelta(weeks=3), promotion=0.4
    )
    blind, planned = global_model(None), global_model(rows(PROMOTION_PLAN, later))
    assert first(at_folds(planned, weeks, FOLDS)).tolist() == (
        first(at_folds(blind, weeks, FOLDS)).tolist()
    )


def test_covariates_are_used_by_their_rule(weeks):
    quiet = weeks.assign(promotion=0.0)
    tours = rows("tour", weeks)
    calm = weeks[weeks["promotion"] == 0]
    none = calm[["isbn", "week"]].assign(name="tour", value=0.0)
    table = pd.concat([tours, none], ignore_index=True)
    known = global_model(table, future="known")
    blind = global_model(table, future="zero")
    planned, unplanned = (first(at_folds(one, quiet, FOLDS)) for one in (known, blind))
    assert planned[LIFTED] > 1.7 * unplanned[LIFTED]


@pytest.mark.parametrize(
    ("families", "fitted"),
    [
        (("sarima",), []),
        (("theta", "naive"), []),
        (("boosting",), ["boosting"]),
        (("naive", "boosting", "autoregression"), ["boosting", "autoregression"]),
        (("network", "theta"), ["network"]),
    ],
)
def test_models_are_fitted_only_for_ensembles_that_have_them(weeks, families, fitted):
    found = at_folds(global_model(None, families), weeks, FOLDS)
    assert found["family"].unique().tolist() == fitted
    assert list(found.columns) == ["isbn", "family", "cutoff", "week", "mean", "width"]


def test_each_fold_has_a_model_of_its_own(weeks):
    origins = BACKTEST.model_copy(update={"folds": 2, "split_size": HORIZON}).origins
    found = at_folds(global_model(None), weeks, origins)
    cutoffs = origins.cutoffs(weeks["week"].max())
    assert found["cutoff"].unique().tolist() == cutoffs
    for cutoff in cutoffs:
        alone = global_model(None).forecast(weeks, cutoff, HORIZON, is_now=False)
        rows = found[found["cutoff"] == cutoff].reset_index(drop=True)
        pd.testing.assert_frame_equal(rows, alone)
    assert found.groupby(["isbn", "family", "cutoff"]).size().eq(HORIZON).all()


def test_a_fold_has_one_fit_and_the_forecast_the_mean_of_several(weeks):
    def model(fits):
        single = global_model(None)
        boosting = single.options.boosting.model_copy(update={"fits": fits})
        return replace(single, options=single.options.model_copy(update={"boosting": boosting}))

    pd.testing.assert_frame_equal(
        at_folds(model(2), weeks, FOLDS), at_folds(model(1), weeks, FOLDS)
    )
    last = weeks["week"].max()
    one, two = (model(fits).forecast(weeks, last, 1, is_now=False)["mean"] for fits in (1, 2))
    assert (one != two).any()


def test_a_fold_has_half_of_the_networks_fits(weeks):
    def model(fits):
        single = global_model(None, ("network",))
        network = single.options.network.model_copy(update={"fits": fits})
        return replace(single, options=single.options.model_copy(update={"network": network}))

    three, four = (at_folds(model(fits), weeks, FOLDS) for fits in (3, 4))
    pd.testing.assert_frame_equal(three, four)
    cutoff = three["cutoff"].iloc[0]
    whole = model(2).forecast(weeks, cutoff, HORIZON, is_now=False)
    pd.testing.assert_frame_equal(three, whole)
