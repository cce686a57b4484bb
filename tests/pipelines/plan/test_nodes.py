"""What a plan counts is of weeks that a title's tuning, or its training, had not seen."""

import numpy as np
import pandas as pd
import pytest

from book_forecast.forecasters.family_choice import as_column
from book_forecast.monitoring.degradation import RATIO_TYPES
from book_forecast.options.groups import BacktestOptions
from book_forecast.options.monitoring import MonitorOptions
from book_forecast.options.retraining import RetrainOptions
from book_forecast.pipelines.plan.nodes import describe_trainings, find_degradation, plan_retraining
from book_forecast.releases.gates import Verdict
from book_forecast.releases.refused_trainings import with_refused
from book_forecast.releases.retraining import WAIT_TYPES
from book_forecast.releases.training_notes import noted_errors
from tests.histories import MODELS
from tests.monitoring.catalogues import Catalogue
from tests.pipelines.monitor.test_nodes import day, recorded, sales
from tests.releases.test_retraining import facts

UNTIL, RUNS, BAD = 110, 12, 4
"""The first recorded forecasts are bad ones."""
TUNED = UNTIL - 1 - RUNS + BAD
CATALOGUE = Catalogue(10, copies=400.0, noise=0.1, seed=5)
USABLE = {"state": "ok"}
OTHERS_FIND = ["weeks", "degradation", "p_value", "shifted", *WAIT_TYPES]
"""Facts that are not of a title's training."""
NO_DEGRADATION = pd.DataFrame(
    {"isbn": [], "weeks": [], "degradation": [], "p_value": []}, dtype="float64"
).astype({"isbn": "str"})


def tuned_titles(tuned: int, trained: int = UNTIL) -> pd.DataFrame:
    """Titles that are tuned and trained up to some weeks, with their errors before the records."""
    before = [read() for read in recorded(CATALOGUE, UNTIL - RUNS - 1, 30).values()]
    errors = noted_errors(pd.concat(before, ignore_index=True), sales(CATALOGUE, UNTIL))
    known = pd.DataFrame.from_dict(errors, orient="index").rename_axis("isbn").reset_index()
    return known.assign(tuned_until=day(tuned), trained_until=day(trained))


def degradation_of(trainings: pd.DataFrame) -> pd.DataFrame:
    """Degradation of titles of which the first recorded forecasts are bad."""
    tables = recorded(CATALOGUE, UNTIL, RUNS)
    bad = {
        name: lambda read=read: read().assign(mean=read()["mean"] * 3.0)
        for name, read in sorted(tables.items())[:BAD]
    }
    return find_degradation(tables | bad, sales(CATALOGUE, UNTIL), trainings, MonitorOptions())


def test_forecasts_from_before_a_tuning_are_not_held_against_it():
    since = degradation_of(tuned_titles(TUNED))
    assert since["degradation"].median() == pytest.approx(0.0, abs=0.3)
    former = degradation_of(tuned_titles(TUNED - BAD))
    assert former["degradation"].median() > 1.0
    # The weeks that the bad ones were of, too.
    assert (former["weeks"] > since["weeks"].max()).all()


def test_a_fit_on_newer_weeks_does_not_hide_what_its_specification_has_lost():
    """Fits every few weeks would leave too few weeks to tell degradation from chance."""
    former = degradation_of(tuned_titles(TUNED - BAD, trained=TUNED - BAD))
    assert former["weeks"].min() >= RetrainOptions().degradation_weeks
    pd.testing.assert_frame_equal(degradation_of(tuned_titles(TUNED - BAD, UNTIL - 1)), former)


def test_a_title_is_held_against_the_errors_of_its_own_tuning():
    """After a tuning that has not made it better it has not become worse."""
    since = degradation_of(tuned_titles(TUNED - BAD)).set_index("isbn")
    bad = tuned_titles(TUNED - BAD)
    bad["log_ratio"] = np.log(since["ratio_since"]).reindex(bad["isbn"]).to_numpy()
    assert degradation_of(bad)["degradation"].to_numpy() == pytest.approx(0.0, abs=1e-9)


def test_without_records_or_notes_of_a_tuning_nothing_has_degraded():
    trainings, weeks, options = tuned_titles(TUNED), sales(CATALOGUE, UNTIL), MonitorOptions()
    assert find_degradation(None, weeks, trainings, options).empty
    older = trainings.assign(**dict.fromkeys(RATIO_TYPES, np.nan))
    assert degradation_of(older)["p_value"].isna().all()
    assert degradation_of(trainings.assign(tuned_until=np.datetime64("NaT", "us"))).empty


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
    trainings = facts({}).drop(columns=OTHERS_FIND)
    cutoff = trainings["trained_until"] - np.timedelta64(7 * weeks_before, "D")
    shifts = pd.DataFrame({"isbn": trainings["isbn"], "cutoff": cutoff, "shifted": True})
    plan, summary = plan_retraining(
        trainings, NO_DEGRADATION, shifts, USABLE, None, False, RetrainOptions()
    )
    assert plan["decision"].tolist() == [decision]
    assert summary["titles"][decision] == 1
    shifts["shifted"] = False
    unshifted, _ = plan_retraining(
        trainings, NO_DEGRADATION, shifts, USABLE, None, False, RetrainOptions()
    )
    assert unshifted["decision"].tolist() == ["keep"]


def test_a_broken_delivery_trains_nothing_and_is_named():
    trainings = facts({"age_days": 90.0}).drop(columns=OTHERS_FIND)
    shifts = pd.DataFrame({"isbn": [], "cutoff": [], "shifted": np.array([], dtype=bool)})
    for state, decision, delivery in (("broken", "keep", "broken"), ("late", "refit", "usable")):
        plan, summary = plan_retraining(
            trainings, NO_DEGRADATION, shifts, {"state": state}, None, False, RetrainOptions()
        )
        assert plan["decision"].tolist() == [decision]
        assert summary["delivery"] == delivery


def test_a_pinned_champion_gets_one_fit_for_a_correction_and_another_when_the_pin_is_off():
    """Whatever is found again each week, the pin refuses; the plan does not ask for it again."""
    trainings = facts({"corrected": 0.3, "age_days": 14.0}, {}).drop(columns=OTHERS_FIND)
    shifts = pd.DataFrame({"isbn": [], "cutoff": [], "shifted": np.array([], dtype=bool)})

    def planned(table: pd.DataFrame, notes: pd.DataFrame | None, is_pinned: bool) -> pd.DataFrame:
        plan, _ = plan_retraining(
            table, NO_DEGRADATION, shifts, USABLE, notes, is_pinned, RetrainOptions()
        )
        return plan

    first = planned(trainings, None, True)
    assert first["decision"].tolist() == ["refit", "keep"]
    passed = Verdict(release="b", champion="a", promote=True, gates=())
    newest = trainings["trained_until"].max() + pd.Timedelta(days=14)
    notes = with_refused(None, first, trainings, passed, "a", newest)
    later = trainings.assign(age_days=trainings["age_days"] + 7.0)
    assert planned(later, notes, True)["decision"].tolist() == ["keep", "keep"]
    more = later.assign(corrected=later["corrected"] + 0.1)
    assert planned(more, notes, True)["decision"].tolist() == ["refit", "refit"]
    assert planned(later, notes, False)["decision"].tolist() == ["refit", "keep"]
