"""What a plan counts is of the weeks since a title's training, which it had not seen."""

import numpy as np
import pandas as pd
import pytest

from book_forecast.forecasters.family_choice import as_column
from book_forecast.options.groups import BacktestOptions
from book_forecast.options.monitoring import MonitorOptions
from book_forecast.options.retraining import RetrainOptions
from book_forecast.pipelines.plan.nodes import describe_trainings, find_degradation, plan_retraining
from tests.histories import MODELS
from tests.monitoring.catalogues import Catalogue
from tests.pipelines.monitor.test_nodes import day, recorded, sales
from tests.releases.test_retraining import facts

UNTIL, RUNS, BAD = 110, 12, 4
"""The first recorded forecasts are bad ones."""
TRAINED = UNTIL - 1 - RUNS + BAD
CATALOGUE = Catalogue(10, copies=400.0, noise=0.1, seed=5)
USABLE = {"state": "ok"}
NO_DEGRADATION = pd.DataFrame(
    {"isbn": [], "weeks": [], "degradation": [], "p_value": []}, dtype="float64"
).astype({"isbn": "str"})


def degradation_of(trained: int) -> pd.DataFrame:
    """Degradation of titles that are trained up to a week."""
    tables = recorded(CATALOGUE, UNTIL, RUNS)
    bad = {
        name: lambda read=read: read().assign(mean=read()["mean"] * 3.0)
        for name, read in sorted(tables.items())[:BAD]
    }
    before = pd.concat(
        [read() for read in recorded(CATALOGUE, UNTIL - RUNS - 1, 30).values()], ignore_index=True
    )
    trainings = pd.DataFrame({"isbn": CATALOGUE.isbns, "trained_until": day(trained)})
    weeks = sales(CATALOGUE, UNTIL)
    return find_degradation(tables | bad, before, weeks, trainings, MonitorOptions())


def test_forecasts_from_before_a_training_are_not_held_against_it():
    assert degradation_of(TRAINED)["degradation"].median() == pytest.approx(0.0, abs=0.3)
    former = degradation_of(TRAINED - BAD)
    assert former["degradation"].median() > 1.0
    # The weeks that the bad ones were of, too.
    assert (former["weeks"] > degradation_of(TRAINED)["weeks"].max()).all()


def test_without_records_or_a_tuning_nothing_has_degraded():
    trainings = pd.DataFrame({"isbn": CATALOGUE.isbns, "trained_until": day(TRAINED)})
    weeks, options = sales(CATALOGUE, UNTIL), MonitorOptions()
    tables = recorded(CATALOGUE, UNTIL, RUNS)
    for records, backtest in ((None, tables[min(tables)]()), (tables, None)):
        assert find_degradation(records, backtest, weeks, trainings, options).empty


def test_folds_of_other_families_are_none_to_weight_a_title_by():
    weeks = sales(CATALOGUE, UNTIL)
    for families, has_folds in ((MODELS.families, True), (["naive", "another"], False)):
        former = pd.DataFrame({"families": [as_column(dict.fromkeys(families))]})
        trainings = describe_trainings(None, weeks, weeks, None, MODELS, BacktestOptions(), former)
        assert (trainings["has_folds"] == has_folds).all()
    none = describe_trainings(None, weeks, weeks, None, MODELS, BacktestOptions(), None)
    assert not none["has_folds"].any()


@pytest.mark.parametrize(("weeks_before", "decision"), [(1, "keep"), (0, "refit"), (-1, "refit")])
def test_a_shift_in_forecasts_from_before_the_training_is_known_to_the_model(
    weeks_before, decision
):
    trainings = facts({}).drop(columns=["weeks", "degradation", "p_value", "shifted"])
    cutoff = trainings["trained_until"] - np.timedelta64(7 * weeks_before, "D")
    shifts = pd.DataFrame({"isbn": trainings["isbn"], "cutoff": cutoff, "shifted": True})
    plan, summary = plan_retraining(trainings, NO_DEGRADATION, shifts, USABLE, RetrainOptions())
    assert plan["decision"].tolist() == [decision]
    assert summary["titles"][decision] == 1
    shifts["shifted"] = False
    unshifted, _ = plan_retraining(trainings, NO_DEGRADATION, shifts, USABLE, RetrainOptions())
    assert unshifted["decision"].tolist() == ["keep"]


def test_a_broken_delivery_trains_nothing_and_is_named():
    trainings = facts({"age_days": 90.0}).drop(
        columns=["weeks", "degradation", "p_value", "shifted"]
    )
    shifts = pd.DataFrame({"isbn": [], "cutoff": [], "shifted": np.array([], dtype=bool)})
    for state, decision, delivery in (("broken", "keep", "broken"), ("late", "refit", "usable")):
        plan, summary = plan_retraining(
            trainings, NO_DEGRADATION, shifts, {"state": state}, RetrainOptions()
        )
        assert plan["decision"].tolist() == [decision]
        assert summary["delivery"] == delivery
