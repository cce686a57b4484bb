"""The chosen models' errors stand beside the baselines'."""

import pandas as pd
import pytest

from book_forecast.pipelines.evaluate.nodes import (
    forecast_known_weeks,
    make_score_table,
    score_titles,
    summarise_scores,
    tabulate_models,
)
from book_forecast.pipelines.preprocess.nodes import split_weeks
from tests.histories import (
    ALONE,
    BACKTEST,
    checkpoints_in,
    fit,
    specifications_of,
    volumes,
    weeks_frame,
)

ISBNS = ["9780241003008", "9780722532935", "9786703444075"]
EVERYTHING = weeks_frame({isbn: volumes(i, 110) for i, isbn in enumerate(ISBNS)})
TRAINING, _ = split_weeks(EVERYTHING, 6)
NO_ENSEMBLES = pd.DataFrame({"isbn": [], "cutoff": []})


@pytest.fixture(scope="module")
def models() -> pd.DataFrame:
    return fit(TRAINING, specifications_of(ISBNS)).frame


@pytest.fixture(scope="module")
def scores(models) -> pd.DataFrame:
    with checkpoints_in(None) as checkpoints:
        test, rolling = forecast_known_weeks(
            TRAINING, models, NO_ENSEMBLES, BACKTEST, [80, 95], ALONE, checkpoints
        )
    return score_titles(test.frame, rolling.frame, models, EVERYTHING, [80, 95])


def test_the_table_has_the_chosen_models_errors_beside_the_baselines(scores, models):
    titles = pd.DataFrame({"isbn": ISBNS, "title": ["a", "b", "c"]})
    table = make_score_table(scores, models, models, titles)
    assert table["isbn"].tolist() == ISBNS
    errors = ["wape", "mase", "seasonal_naive_wape", "seasonal_naive_mase"]
    assert table[errors].notna().all(axis=None)
    assert table["title"].tolist() == ["a", "b", "c"]
    test = scores[(scores["cutoff"] == scores["cutoff"].max()) & (scores["metric"] == "wape")]
    own = test[test["model"] == "sarima"].set_index("isbn")["value"]
    assert table["wape"].tolist() == own[ISBNS].tolist()


def test_metrics_are_those_of_the_chosen_models_over_all_titles(scores):
    metrics = summarise_scores(scores, {"success_rate": 1.0})
    assert {"test_wape", "test_wape_seasonal_naive", "rolling_mase", "success_rate"} < set(metrics)
    over_all = scores[(scores["isbn"] == "all") & (scores["model"] == "chosen")]
    wape = over_all[over_all["metric"] == "wape"].set_index("cutoff")["value"].sort_index()
    assert metrics["test_wape"] == wape.iloc[-1] > 0
    assert metrics["rolling_wape"] == pytest.approx(wape.iloc[:-1].mean())


def test_a_fallback_in_either_fit_shows_in_the_table(scores, models):
    titles = pd.DataFrame({"isbn": ISBNS, "title": ["a", "b", "c"]})
    reason = {ISBNS[1]: "fitting failed: its process died twice"}
    released = models.assign(fallback_reason=models["isbn"].map(reason)).astype(
        {"fallback_reason": "str"}
    )
    for fits in ((models, released), (released, models)):
        table = make_score_table(scores, *fits, titles).set_index("isbn")
        assert table["fallback_reason"].dropna().to_dict() == reason


def test_a_table_has_every_metric_of_every_model_over_all_titles(scores):
    table = tabulate_models(scores).set_index(["weeks", "model"])
    metrics = summarise_scores(scores, {})
    assert table.loc[("test", "chosen"), "wape"] == pytest.approx(metrics["test_wape"])
    assert table.loc[("rolling", "seasonal_naive"), "mase"] == pytest.approx(
        metrics["rolling_mase_seasonal_naive"]
    )
    assert set(table.columns) == set(scores["metric"])
    assert table.notna().to_numpy().sum() == len(metrics)
