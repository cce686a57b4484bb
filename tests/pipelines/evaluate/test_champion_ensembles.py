"""A champion's ensemble is compared by its own weights on what the families have said."""

import numpy as np
import pandas as pd
import pytest

from book_forecast.forecasters.calibration import Errors, calibrate
from book_forecast.forecasters.sarima import Candidate, Sarima
from book_forecast.pipelines.evaluate.champion_ensembles import (
    ChampionEnsemble,
    forecast_ensemble,
    said_by_members,
)
from book_forecast.sarima import Specification
from tests.histories import CUTOFF, history, volumes

ISBN = "9780722532935"
EARLIER = CUTOFF - np.timedelta64(8 * 7, "D")
CALIBRATION, _ = calibrate(
    Errors(np.random.default_rng(1).normal(0.0, 0.3, (30, 8)), np.arange(30), np.full(30, 0.3))
)
OTHER_ORDERS = Candidate(Specification(1, 0, 0, trend="c"))


def task(weights, said, candidate=None) -> ChampionEnsemble:
    return ChampionEnsemble(
        champion="old",
        history=history(volumes(1)),
        weights=weights,
        candidate=candidate,
        calibration=CALIBRATION,
        spread=0.3,
        said=said,
        levels=(80,),
    )


def constant(value: float) -> np.ndarray:
    return np.full(8, value)


def test_its_forecast_is_the_weighted_mean_of_what_the_members_said():
    said = {CUTOFF: {"ets": constant(10.0), "theta": constant(20.0), "naive": constant(99.0)}}
    test, rolling = forecast_ensemble(task({"ets": 0.25, "theta": 0.75}, said))
    assert test[0].forecast.mean == pytest.approx(constant(17.5))
    assert (test[0].forecast.lower[80] < 17.5).all()
    assert test[0].model == "old"
    assert rolling == []


def test_a_member_that_said_nothing_leaves_its_weight_to_the_others():
    said = {EARLIER: {"ets": constant(10.0), "theta": constant(np.nan)}}
    test, rolling = forecast_ensemble(task({"ets": 0.25, "theta": 0.75}, said))
    assert rolling[0].forecast.mean == pytest.approx(constant(10.0))
    assert rolling[0].cutoff == EARLIER
    assert test == []


def test_a_title_of_which_no_member_said_anything_has_no_forecast():
    assert forecast_ensemble(task({"mstl": 1.0}, {CUTOFF: {"ets": constant(1.0)}})) == ([], [])


def test_a_sarima_member_of_other_orders_is_fitted_to_the_weeks_before_each_cutoff():
    said = {CUTOFF: {"sarima": constant(1e6)}, EARLIER: {"sarima": constant(1e6)}}
    test, rolling = forecast_ensemble(task({"sarima": 1.0}, said, OTHER_ORDERS))
    for item, weeks in ((test[0], 90), (rolling[0], 82)):
        own = Sarima.fit(history(volumes(1)).until(weeks), OTHER_ORDERS, thorough=False)
        assert item.forecast.mean == pytest.approx(own.forecast(8, ()).mean)


def test_what_members_said_is_found_by_isbn_and_cutoff():
    weeks = pd.date_range("2024-01-13", periods=2, freq="W-SAT")
    tested = pd.DataFrame(
        {
            "isbn": ISBN,
            "cutoff": pd.Timestamp(CUTOFF),
            "week": [*weeks, *weeks],
            "model": ["ets", "ets", "naive", "naive"],
            "mean": [1.0, 2.0, 3.0, 4.0],
        }
    )
    rolled = pd.DataFrame(
        {"isbn": ISBN, "cutoff": pd.Timestamp(EARLIER), "week": weeks, "ets": [5.0, 6.0]}
    )
    found = said_by_members(tested, rolled, [ISBN])[ISBN]
    assert found[CUTOFF]["naive"].tolist() == [3.0, 4.0]
    assert found[EARLIER]["ets"].tolist() == [5.0, 6.0]
    assert said_by_members(tested, rolled, ["9786703444075"]) == {}
