"""A refused training is known as long as the one that it was to replace is in use."""

import numpy as np
import pandas as pd
import pytest

from book_forecast.releases.gates import Gate, Verdict
from book_forecast.releases.refused_trainings import (
    days_since_refused,
    is_champion,
    is_protected,
    is_refused,
    with_refused,
)
from book_forecast.releases.retraining import REFIT, RETUNE

WEEK = pd.Timestamp("2024-06-01")
PLAN = pd.DataFrame({"isbn": ["1", "2", "3"], "decision": ["retune", "refit", "keep"]})
TUNED, TRAINED = pd.Timestamp("2023-12-02"), pd.Timestamp("2024-05-04")
NEW_TITLE = None


def verdict(failed: str | None, release: str = "b") -> Verdict:
    gates = (Gate(name=failed, status="failed", reason="x"),) if failed else ()
    return Verdict(release=release, champion="a", promote=failed is None, gates=gates)


def forecasts_by(release: str) -> pd.DataFrame:
    return pd.DataFrame({"release": [release] * 2})


def trainings(*tuned: pd.Timestamp | None, trained: pd.Timestamp = TRAINED) -> pd.DataFrame:
    dates = pd.Series(tuned, dtype="datetime64[us]")
    isbns = [str(n + 1) for n in range(len(tuned))]
    last = pd.Series(trained, index=dates.index, dtype="datetime64[us]").where(dates.notna())
    return pd.DataFrame({"isbn": isbns, "tuned_until": dates, "trained_until": last})


OF_CHAMPION = trainings(TUNED, TUNED, TUNED)


def refused(plan: pd.DataFrame = PLAN, former: pd.DataFrame | None = None, at=WEEK) -> pd.DataFrame:
    return with_refused(former, plan, OF_CHAMPION, at, is_refused=True, is_protected=False)


@pytest.mark.parametrize(
    ("result", "forecast_by", "expected"),
    [
        (verdict("champion"), "a", True),
        (verdict("challenge"), "a", True),
        (verdict(None), "b", False),
        # The champion is pinned.
        (verdict(None), "a", True),
        # No candidate has been judged on it, only what a person has forced.
        (verdict("delivery"), "a", False),
        # The training has made the champion once more.
        (verdict(None, release="a"), "a", False),
    ],
)
def test_a_candidate_is_refused_that_is_not_champion_for_what_it_is(result, forecast_by, expected):
    assert is_refused(result, forecasts_by(forecast_by)) is expected


def test_the_first_release_is_champion_though_gates_have_failed():
    first = verdict("fallbacks").model_copy(update={"champion": None, "promote": True})
    assert is_champion(first, forecasts_by("b"))
    assert not is_refused(first, forecasts_by("b"))


def test_titles_that_were_trained_for_a_refused_candidate_are_noted_with_what_was_done():
    found = refused()
    assert found[["isbn", "decision"]].to_numpy().tolist() == [["1", "retune"], ["2", "refit"]]
    days = days_since_refused(found, OF_CHAMPION, WEEK + pd.Timedelta(days=14))
    assert days[RETUNE].fillna(-1).tolist() == [14, -1, -1]
    assert days[REFIT].fillna(-1).tolist() == [-1, 14, -1]


@pytest.mark.parametrize(
    ("result", "forecast_by", "expected"),
    [
        (verdict("challenge"), "a", True),
        (verdict(None), "a", True),
        (verdict("champion"), "a", False),
        (verdict(None), "b", False),
    ],
)
def test_a_champion_is_protected_by_a_pin_or_by_the_challenge_that_must_be_won(
    result, forecast_by, expected
):
    assert is_protected(result, forecasts_by(forecast_by)) is expected


def test_all_titles_of_a_protected_champion_wait_for_fits_and_tunings():
    found = with_refused(None, PLAN, OF_CHAMPION, WEEK, is_refused=True, is_protected=True)
    days = days_since_refused(found, OF_CHAMPION, WEEK + pd.Timedelta(days=7))
    assert (days == 7.0).all(axis=None)


def test_nothing_is_noted_of_a_candidate_that_was_not_refused():
    assert with_refused(None, PLAN, OF_CHAMPION, WEEK, is_refused=False, is_protected=False).empty


@pytest.mark.parametrize("protected", [False, True])
def test_a_new_title_is_tried_again_each_week(protected):
    """Nothing forecasts it until it is trained."""
    new = trainings(NEW_TITLE, NEW_TITLE, TUNED)
    found = with_refused(None, PLAN, new, WEEK, is_refused=True, is_protected=protected)
    assert set(found["isbn"]) == ({"3"} if protected else set())
    assert days_since_refused(found[found["isbn"] != "3"], new, WEEK).isna().all(axis=None)


def test_notes_are_carried_until_the_champions_training_is_another():
    later, nothing = WEEK + pd.Timedelta(weeks=1), PLAN.assign(decision="keep")
    found = with_refused(
        refused(), nothing, OF_CHAMPION, later, is_refused=False, is_protected=False
    )
    assert found["refused_until"].tolist() == [WEEK, WEEK]
    # A later one takes its place.
    assert refused(former=found, at=later)["refused_until"].tolist() == [later, later]
    # A refit of the same specification ends the wait for a refit, not for a tuning.
    refitted = trainings(TUNED, TUNED, TUNED, trained=WEEK)
    days = days_since_refused(found, refitted, later)
    assert days[RETUNE].notna().tolist() == [True, False, False]
    assert days[REFIT].isna().all()
    # A person has promoted the candidate all the same, or a whole run has tuned the titles.
    tuned = trainings(WEEK, WEEK, WEEK, trained=WEEK)
    assert days_since_refused(found, tuned, later).isna().all(axis=None)
    assert with_refused(found, nothing, tuned, later, is_refused=False, is_protected=False).empty


def test_before_the_first_there_is_none():
    days = days_since_refused(None, OF_CHAMPION, WEEK)
    assert days.shape == (3, 2)
    assert np.isnan(days).all(axis=None)
