"""Launches that are left out are forecast better than by the mean curve, and inside intervals."""

from __future__ import annotations

import numpy as np
import pytest

from book_forecast.forecasters.launches.backtest import (
    ClassMeans,
    backtest_launches,
    summarise_launches,
)
from book_forecast.forecasters.launches.knowledge import learn_launches
from book_forecast.forecasters.launches.past_launches import Facts
from tests.forecasters.launches.panels import launch, panel, series_of


@pytest.fixture(scope="module")
def table():
    launches = [*panel(60), *panel(60, group="T", seed=1, level=3.5)]
    knowledge = learn_launches(launches, series_of(launches))
    return summarise_launches(backtest_launches(knowledge, 13)).set_index(
        ["product_class", "known"]
    )


def test_there_is_a_row_for_each_class_and_number_of_own_weeks(table):
    assert set(table.index) == {(c, k) for c in ("all", "F", "T") for k in (0, 4, 13)}
    assert (table.loc["all"]["launches"] == 120).all()


@pytest.mark.parametrize("known", [0, 4, 13])
def test_the_mean_curve_of_the_class_is_beaten_and_intervals_hold(table, known):
    row = table.loc[("all", known)]
    assert row["ratio"] < 1.0
    assert row["coverage-80"] == pytest.approx(0.8, abs=0.08)
    assert row["coverage-95"] == pytest.approx(0.95, abs=0.04)


def test_the_baseline_is_the_mean_of_the_others_scaled_by_own_weeks():
    rows = [[10.0, 8.0, 6.0], [30.0, 16.0, 2.0], [5.0, 1.0, 1.0], [9.0, 9.0, 9.0]]
    groups = ["F", "F", "F", "T"]
    launches = [
        launch(n, np.array(v), Facts(g)) for n, (v, g) in enumerate(zip(rows, groups, strict=True))
    ]
    means = ClassMeans.of(launches)
    assert means.forecast(2, 0, 3).tolist() == [20.0, 12.0, 4.0]
    assert means.forecast(2, 1, 2).tolist() == [3.0, 1.0]
    assert means.forecast(3, 0, 1)[0] == 15.0


def test_a_panel_without_launches_has_no_scores():
    assert summarise_launches(backtest_launches(learn_launches([], []), 13)).empty


def test_a_launch_that_is_left_out_does_not_raise_its_own_ceiling():
    best_seller = launch(99, np.full(60, 30000.0))
    others = panel(12)
    knowledge = learn_launches([*others, best_seller], series_of([*others, best_seller]))
    of_others = max(each.volumes.max() for each in others)
    assert knowledge.prior(best_seller.facts, without=12).ceiling == of_others
    assert knowledge.prior(best_seller.facts, without=0).ceiling == 30000.0
    assert knowledge.prior(best_seller.facts).ceiling == 30000.0
