"""A fallback, wherever it arises, has its reason in every table and counts in the summary."""

import logging
from typing import Any

import pandas as pd
import pytest

from book_forecast.forecasters.global_models.forecasts import FORECAST_TYPES
from book_forecast.options.groups import BacktestOptions, ExecutionOptions
from book_forecast.options.models import ModelOptions
from book_forecast.pipelines.evaluate import known_weeks
from book_forecast.pipelines.train import fits
from book_forecast.pipelines.train.fits import RELEASED, SCORED
from book_forecast.pipelines.train.nodes import summarise_fits
from book_forecast.pipelines.tune import folds, search, weighting
from tests.histories import ALONE, QUICK, checkpoints_in, every_family, fit, volumes, weeks_frame
from tests.pipelines import deaths
from tests.pipelines.deaths import COMPARISON, EVALUATION, FIT, SEARCH, TITLES

pytestmark = pytest.mark.slow

WEEKS = weeks_frame({isbn: volumes(i, 60) for i, isbn in enumerate(TITLES)})
# None of them imports statsforecast, which each of the many processes here would do.
FAMILIES = ["sarima", "regression", "naive"]
MODELS = ModelOptions(families=FAMILIES, calendar=False, seed=1, tune=QUICK)
BACKTEST = BacktestOptions(split_size=6, folds=2, step=6, min_train=20)
TWO = ExecutionOptions(n_jobs=2)
CLASSES = pd.DataFrame({"isbn": TITLES, "product_class": "F"}).astype("str")
NO_FORECASTS = pd.DataFrame(columns=list(FORECAST_TYPES)).astype(FORECAST_TYPES)
SEARCH_DIED = "tuning failed: its process died twice"


@pytest.fixture(scope="module")
def run() -> dict:
    """Tables and messages of tune and train, in which three titles' processes die twice.

    The third dies in the fits on the training weeks, and not in those on all weeks.
    """
    found: dict = {}
    messages: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: messages.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger("book_forecast").addHandler(handler)
    with pytest.MonkeyPatch.context() as patch, checkpoints_in(None) as checkpoints:
        patch.setattr(search, "search_title", deaths.search_or_die)
        patch.setattr(folds, "cross_validate", deaths.compare_or_die)
        patch.setattr(fits, "fit_title", deaths.fit_or_die)
        choice = every_family(WEEKS, MODELS)
        orders = search.search_orders(WEEKS, choice, MODELS, BACKTEST, TWO, checkpoints)[0].frame
        forecasts, seasons = (
            part.frame
            for part in folds.forecast_folds(
                WEEKS, orders, NO_FORECASTS, None, MODELS, BACKTEST, TWO, checkpoints
            )
        )
        specifications, calibration, *_ = weighting.weigh_families(
            forecasts, seasons, orders, WEEKS, CLASSES, MODELS, [80, 95]
        )
        found |= {"orders": orders, "specifications": specifications}
        for name, purpose, execution in (
            ("training_models", SCORED, TWO),
            ("release_models", RELEASED, ALONE),
        ):
            found[name] = fit(
                WEEKS, specifications, purpose, MODELS, execution, calibration=calibration
            ).frame
            patch.undo()
    logging.getLogger("book_forecast").removeHandler(handler)
    return found | {"messages": messages}


def reasons(frame: pd.DataFrame) -> dict[Any, str]:
    return frame.set_index("isbn")["fallback_reason"].dropna().to_dict()


def test_a_search_that_died_has_its_reason_in_every_table(run):
    for name in ("orders", "specifications", "training_models", "release_models"):
        assert reasons(run[name])[SEARCH] == SEARCH_DIED, name


def test_a_title_whose_search_died_is_forecast_by_its_other_members(run):
    models = run["release_models"].set_index("isbn")
    assert models["model"][SEARCH] == "ensemble"
    assert "sarima" not in models["specification"][SEARCH]


def test_a_cross_validation_that_died_has_its_reason_in_every_table(run):
    assert COMPARISON not in reasons(run["orders"])
    for name in ("specifications", "training_models", "release_models"):
        assert reasons(run[name])[COMPARISON] == weighting.LOST, name
    assert run["release_models"].set_index("isbn")["model"][COMPARISON] == "sarima"


def test_a_fit_that_died_has_its_reason_in_the_models(run):
    assert FIT not in reasons(run["specifications"])
    models = run["training_models"]
    assert reasons(models)[FIT] == "fitting failed: its process died twice"
    assert models.set_index("isbn")["model"][FIT] == "seasonal_naive"


def test_all_of_them_count_in_the_summary_and_no_other_title_does(run):
    assert set(reasons(run["training_models"])) == {SEARCH, COMPARISON, FIT}
    assert set(reasons(run["release_models"])) == {SEARCH, COMPARISON}
    summary = summarise_fits(run["training_models"], run["release_models"])
    assert summary["n_titles"] == len(TITLES)
    assert summary["n_fallbacks"] == 3.0
    assert summary["success_rate"] == pytest.approx(0.7)


def test_a_warning_names_each_title_that_falls_back(run):
    for isbn, reason in ((SEARCH, SEARCH_DIED), (COMPARISON, weighting.LOST)):
        assert f"{isbn} falls back to a simpler model: {reason}" in run["messages"]


def test_a_title_whose_evaluation_died_is_forecast_by_the_baselines(run, monkeypatch):
    monkeypatch.setattr(known_weeks, "evaluate_title", deaths.evaluate_or_die)
    with checkpoints_in(None) as checkpoints:
        test, rolling = known_weeks.forecast_known_weeks(
            WEEKS,
            run["training_models"],
            pd.DataFrame({"isbn": [], "cutoff": []}),
            BACKTEST,
            [80, 95],
            TWO,
            checkpoints,
        )
    by_title = test.frame.groupby("isbn")["model"].agg(set)
    assert by_title[EVALUATION] == {"seasonal_naive", "naive"}
    assert all(
        "ensemble" in by_title[isbn] for isbn in TITLES if isbn not in (COMPARISON, FIT, EVALUATION)
    )
    assert EVALUATION not in set(rolling.frame["isbn"])
