"""The model of all titles knows what is planned, and in a past week no more than was planned."""

import numpy as np
import pandas as pd
import pytest

from book_forecast.options.groups import BoostingOptions, RegressorOptions
from book_forecast.pipelines.tune.boosting import Boost
from book_forecast.series.covariates import PROMOTION_PLAN
from book_forecast.series.history import PROMOTION, weeks_after
from tests.histories import CUTOFF, QUICK, weeks_frame

HORIZON = 6
WEEKS = 160
ISBNS = [f"97800000000{n:02}" for n in range(12)]
LIFTED = 2
FOLDS = QUICK.model_copy(update={"folds": 1})


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


def boost(regressors: pd.DataFrame | None, **options: bool | str) -> Boost:
    titles = pd.DataFrame({"isbn": ISBNS, "product_class": "F"}).astype("str")
    size = BoostingOptions(rows=4000, trees=40)
    known = RegressorOptions.model_validate(options)
    return Boost(titles, size, ["boosting", "naive"], False, 1, regressors, known)


def rows(name: str, weeks: pd.DataFrame) -> pd.DataFrame:
    """The promotions of some weeks as rows of the table of regressors."""
    there = weeks[weeks["promotion"] > 0]
    return there[["isbn", "week"]].assign(name=name, value=there["promotion"].to_numpy())


def first(paths: pd.DataFrame) -> np.ndarray:
    return paths.loc[paths["isbn"] == ISBNS[0], "mean"].to_numpy()


def test_a_plan_lifts_its_week(weeks):
    ahead = pd.DataFrame(
        {"isbn": ISBNS[0], "week": weeks_after(CUTOFF, HORIZON), "promotion": 0.0}
    ).astype({"week": "datetime64[us]"})
    ahead.loc[LIFTED, "promotion"] = 0.4
    last = weeks["week"].max()
    told = first(boost(rows(PROMOTION_PLAN, ahead)).paths(weeks, last, HORIZON, is_now=True))
    untold = first(boost(None).paths(weeks, last, HORIZON, is_now=True))
    assert told[LIFTED] > 1.7 * np.delete(told, LIFTED).max()
    assert untold[LIFTED] < 1.3 * np.delete(untold, LIFTED).max()


def test_promotions_that_nobody_planned_are_unknown_at_a_fold(weeks):
    happened = rows(PROMOTION, weeks)
    blind = first(boost(None).fold_paths(weeks, FOLDS, HORIZON))
    assert first(boost(happened).fold_paths(weeks, FOLDS, HORIZON)).tolist() == blind.tolist()
    told = first(boost(happened, promotions_known=True).fold_paths(weeks, FOLDS, HORIZON))
    assert told[LIFTED] > 1.7 * blind[LIFTED]


def test_todays_plan_tells_nothing_of_weeks_before_it(weeks):
    later = weeks.loc[weeks.index[-1:], ["isbn"]].assign(
        week=weeks["week"].max() + pd.Timedelta(weeks=3), promotion=0.4
    )
    blind, told = boost(None), boost(rows(PROMOTION_PLAN, later))
    assert first(told.fold_paths(weeks, FOLDS, HORIZON)).tolist() == (
        first(blind.fold_paths(weeks, FOLDS, HORIZON)).tolist()
    )
    earlier = weeks["week"].max() - pd.Timedelta(weeks=HORIZON)
    assert first(told.paths(weeks, earlier, HORIZON, is_now=True)).tolist() != (
        first(blind.paths(weeks, earlier, HORIZON, is_now=True)).tolist()
    )


def test_further_regressors_reach_it_as_their_rule_says(weeks):
    quiet = weeks.assign(promotion=0.0)
    tours = rows("tour", weeks)
    calm = weeks[weeks["promotion"] == 0]
    none = calm[["isbn", "week"]].assign(name="tour", value=0.0)
    table = pd.concat([tours, none], ignore_index=True)
    known = boost(table, future="known")
    blind = boost(table, future="zero")
    told, untold = (first(one.fold_paths(quiet, FOLDS, HORIZON)) for one in (known, blind))
    assert told[LIFTED] > 1.7 * untold[LIFTED]
