"""The chosen models held against every single family."""

import logging

import numpy as np
import pandas as pd
import pytest

from book_forecast.pipelines.evaluate.report import report_families
from tests.plots.frames import make_models, make_titles

CUTOFF = pd.Timestamp("2023-11-18")
SOLD = {"1": 100.0, "2": 10.0, "3": 50.0}
MAE = {
    "1": {"ensemble": 20.0, "theta": 25.0, "sarima": 30.0},
    "2": {"ensemble": 4.0, "theta": 2.0, "sarima": 5.0},
    "3": {"ensemble": 10.0, "theta": 12.0, "sarima": 5.0},
}
TITLES = make_titles("1", "2", "3")
MODELS = make_models("1", "2", "3", model="ensemble")


def make_scores(mae=MAE, sold=SOLD, chosen="ensemble"):
    """Scores of the test weeks, per title and over all, and older ones that do not count."""
    rows = []
    for isbn, by_model in mae.items():
        for model, value in by_model.items():
            rows.append((isbn, model, CUTOFF, "mae", value))
            rows.append((isbn, model, CUTOFF, "wape", value / sold[isbn] if sold[isbn] else np.nan))
            rows.append((isbn, model, CUTOFF - pd.Timedelta(weeks=13), "mae", 99.0))
    for model in {model for by_model in mae.values() for model in by_model}:
        of_model = {isbn: by_model[model] for isbn, by_model in mae.items() if model in by_model}
        wape = sum(of_model.values()) / sum(sold[isbn] for isbn in of_model)
        for name in (model, "chosen") if model == chosen else (model,):
            rows.append(("all", name, CUTOFF, "mae", np.mean(list(of_model.values()))))
            rows.append(("all", name, CUTOFF, "wape", wape))
    columns = ["isbn", "model", "cutoff", "metric", "value"]
    return pd.DataFrame(rows, columns=columns).astype({"isbn": "str", "model": "str"})


def report(scores=None, models=MODELS):
    scores = make_scores() if scores is None else scores
    return report_families(scores, models, TITLES).set_index("isbn")


def test_each_title_tells_the_best_single_family_and_whether_it_was_better():
    found = report()
    assert found.index.to_list() == ["all", "1", "2", "3"]
    assert found["lost"].to_list() == [False, False, True, True]
    assert found.loc["2", ["model", "best_family"]].to_list() == ["ensemble", "theta"]
    assert found.loc["2", ["wape", "best_wape", "ratio"]].to_list() == [0.4, 0.2, 2.0]
    assert found.loc["1", ["title", "best_family"]].to_list() == ["Book 1", "theta"]
    assert found.loc["1", "ratio"] == pytest.approx(0.8)


def test_every_family_has_its_own_column():
    found = report()
    assert found["theta_wape"].to_list()[1:] == pytest.approx([0.25, 0.2, 0.24])
    assert found["sarima_wape"].to_list()[1:] == pytest.approx([0.3, 0.5, 0.1])


def test_all_titles_together_are_pooled():
    whole = report().loc["all"]
    assert whole["wape"] == pytest.approx(34 / 160)
    assert whole["best_family"] == "theta"
    assert whole["best_wape"] == pytest.approx(39 / 160)
    assert whole["ratio"] == pytest.approx(34 / 39)


def test_a_family_is_compared_over_the_titles_that_it_has_forecast():
    # It has the small error of a small title, which is larger than the ensemble's there.
    mae = MAE | {"2": MAE["2"] | {"theta": 9.0, "sarima": 9.0, "ets": 6.0}}
    whole = report(make_scores(mae)).loc["all"]
    assert whole["best_family"] == "sarima"
    assert whole["ets_wape"] == pytest.approx(0.6)


def test_the_log_counts_wins_and_tells_the_place(caplog):
    with caplog.at_level(logging.INFO):
        report()
    assert "no single family was better than the ensemble for 1 of 3 titles" in caplog.text
    assert "rank 1 of 3 (WAPE 21.2 %; best single family theta 24.4 %)" in caplog.text


def test_a_title_that_sold_nothing_is_compared_all_the_same():
    found = report(make_scores(sold=SOLD | {"2": 0.0})).loc["2"]
    assert np.isnan(found["wape"])
    assert found["best_family"] == "theta"
    assert found["lost"]


def test_an_ensemble_of_one_member_has_not_lost_to_it():
    mae = {isbn: {"ensemble": 0.3, "theta": 0.1 + 0.2, "sarima": 1.0} for isbn in MAE}
    assert not report(make_scores(mae))["lost"].any()


def test_a_dead_title_has_nobody_to_compete_with():
    mae = MAE | {"3": {"zero": 0.0}}
    models = pd.concat([MODELS[:2], make_models("3", model="zero")])
    found = report(make_scores(mae), models)
    assert "zero_wape" not in found
    assert pd.isna(found.loc["3", "best_family"])
    assert not found.loc["3", "lost"]
