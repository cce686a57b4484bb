"""Forecasts of the test weeks and of the folds stand beside both baselines."""

import json

import pandas as pd
import pytest

from book_forecast.execution.parts import Part
from book_forecast.options.groups import BacktestOptions
from book_forecast.pipelines.evaluate.nodes import forecast_known_weeks, forecast_with_champion
from book_forecast.pipelines.preprocess.nodes import split_weeks
from book_forecast.pipelines.train.fits import COMPARED
from tests.forecasters.launches.panels import default_prior
from tests.histories import (
    ALONE,
    BACKTEST,
    checkpoints_in,
    fit,
    release_of,
    shard,
    specifications_of,
    volumes,
    weeks_frame,
)
from tests.pipelines import ensembles
from tests.pipelines.ensembles import FAMILIES, OLD

ISBNS = ["9780241003008", "9780722532935", "9786703444075"]
EVERYTHING = weeks_frame({isbn: volumes(i, 110) for i, isbn in enumerate(ISBNS)})
TRAINING, TEST = split_weeks(EVERYTHING, 6)
TITLES = pd.DataFrame({"isbn": ISBNS, "title": list("ABC")})
NO_ENSEMBLES = pd.DataFrame({"isbn": [], "cutoff": []})


def evaluate(
    models: pd.DataFrame,
    weeks: pd.DataFrame = TRAINING,
    backtest: BacktestOptions = BACKTEST,
    ensemble_backtest: pd.DataFrame = NO_ENSEMBLES,
    execution=ALONE,
) -> tuple[Part, Part]:
    with checkpoints_in(None) as checkpoints:
        return forecast_known_weeks(
            weeks, models, ensemble_backtest, backtest, [80, 95], execution, checkpoints
        )


@pytest.fixture(scope="module")
def models() -> pd.DataFrame:
    return fit(TRAINING, specifications_of(ISBNS)).frame


@pytest.fixture(scope="module")
def known(models) -> tuple[pd.DataFrame, ...]:
    return tuple(part.frame for part in evaluate(models))


def test_test_weeks_and_rolling_origins_are_forecast_beside_both_baselines(known):
    test, rolling = known
    assert set(test["model"]) == {"sarima", "seasonal_naive", "naive"}
    assert len(test["cutoff"].unique()) == 1
    assert test.groupby(["isbn", "model"]).size().eq(6).all()
    assert sorted(test["week"].unique()) == sorted(TEST["week"].unique())
    assert rolling["cutoff"].nunique() == 2
    assert rolling["week"].max() <= TRAINING["week"].max()


def test_rolling_origins_do_not_look_ahead(models, known):
    later = TRAINING.copy()
    last = later["week"] > later["week"].max() - pd.Timedelta(weeks=6)
    later.loc[last, "volume"] *= 100.0
    _, changed = evaluate(models, later)
    pd.testing.assert_series_equal(changed.frame["mean"], known[1]["mean"])


def test_shards_evaluate_what_one_run_evaluates(models, known):
    parts = [evaluate(models, execution=shard(k, 2)) for k in (1, 2)]
    for i in (0, 1):
        joined = pd.concat([part[i].frame for part in parts], ignore_index=True)
        pd.testing.assert_frame_equal(joined, known[i], check_exact=True)


def test_a_baseline_that_was_chosen_is_forecast_once():
    only = specifications_of(ISBNS).assign(model="seasonal_naive", fallback_reason="asked for")
    test = evaluate(fit(TRAINING, only).frame)[0].frame
    assert set(test["model"]) == {"seasonal_naive", "naive"}
    assert not test.duplicated(["isbn", "week", "model"]).any()


def test_a_launch_is_forecast_in_the_test_weeks_and_not_from_weeks_that_it_knows():
    prior = {"prior": default_prior(3.0, 500.0).to_state(), "publication": None}
    launches = pd.DataFrame({"isbn": ISBNS, "launch": json.dumps(prior)})
    test, rolled = evaluate(fit(TRAINING, launches).frame)
    assert set(test.frame["model"]) == {"launch", "seasonal_naive", "naive"}
    assert set(rolled.frame["model"]) == {"seasonal_naive", "naive"}


def test_the_test_weeks_are_forecast_by_the_ensemble_and_each_member(ensemble_models, weighted):
    test, rolled = evaluate(
        ensemble_models,
        ensembles.WEEKS,
        ensembles.BACKTEST,
        weighted.backtest,
    )
    own = test.frame[test.frame["isbn"] == OLD[0]]
    assert set(own["model"]) == {"ensemble", *FAMILIES}
    rolling = rolled.frame[rolled.frame["isbn"] == OLD[0]]
    assert set(rolling["model"]) == {"ensemble", "seasonal_naive", "naive"}


@pytest.fixture(scope="module")
def champion():
    return release_of(EVERYTHING, specifications_of(ISBNS[:2]).assign(q=1), TITLES)


@pytest.fixture(scope="module")
def champion_models() -> pd.DataFrame:
    return fit(TRAINING, specifications_of(ISBNS[:2]).assign(q=1), COMPARED).frame


def compare(champion, champion_models: pd.DataFrame, execution=ALONE) -> Part:
    with checkpoints_in(None) as checkpoints:
        return forecast_with_champion(
            champion, champion_models, BACKTEST, [80, 95], execution, checkpoints
        )


def test_the_champion_forecasts_the_test_weeks_with_its_own_specifications(
    champion, champion_models
):
    found = compare(champion, champion_models).frame
    assert set(found["model"]) == {champion.release}
    assert set(found["isbn"]) == set(ISBNS[:2])
    assert sorted(found["week"].unique()) == sorted(TEST["week"].unique())
    expected = evaluate(champion_models)[0].frame.query("model == 'sarima'")
    pd.testing.assert_frame_equal(
        found.drop(columns="model"),
        expected.drop(columns="model").reset_index(drop=True),
        check_exact=True,
    )


def test_shards_compare_what_one_run_compares(champion, champion_models):
    parts = [compare(champion, champion_models, shard(k, 2)).frame for k in (1, 2)]
    joined = pd.concat(parts, ignore_index=True)
    pd.testing.assert_frame_equal(
        joined, compare(champion, champion_models).frame, check_exact=True
    )


def test_without_a_champion_nothing_is_compared(champion_models):
    assert compare(None, champion_models).frame.empty
