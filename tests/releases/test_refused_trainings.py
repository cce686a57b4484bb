"""A refused training is known as long as the one that it was to replace is in use."""

import numpy as np
import pandas as pd
import pytest

from book_forecast.releases.gates import Gate, Verdict
from book_forecast.releases.refused_trainings import days_since_refused, with_refused
from book_forecast.releases.retraining import REFIT, RETUNE

WEEK = pd.Timestamp("2024-06-01")
PLAN = pd.DataFrame({"isbn": ["1", "2", "3"], "decision": ["retune", "refit", "keep"]})
TUNED, TRAINED = pd.Timestamp("2023-12-02"), pd.Timestamp("2024-05-04")
NEW_TITLE = None


def verdict(failed: str | None, release: str = "b") -> Verdict:
    gates = (Gate(name=failed, status="failed", reason="x"),) if failed else ()
    return Verdict(release=release, champion="a", promote=failed is None, gates=gates)


def trainings(*tuned: pd.Timestamp | None, trained: pd.Timestamp = TRAINED) -> pd.DataFrame:
    dates = pd.Series(tuned, dtype="datetime64[us]")
    isbns = [str(n + 1) for n in range(len(tuned))]
    last = pd.Series(trained, index=dates.index, dtype="datetime64[us]").where(dates.notna())
    return pd.DataFrame({"isbn": isbns, "tuned_until": dates, "trained_until": last})


OF_CHAMPION = trainings(TUNED, TUNED, TUNED)


def refused(plan: pd.DataFrame = PLAN, former: pd.DataFrame | None = None, at=WEEK) -> pd.DataFrame:
    return with_refused(former, plan, OF_CHAMPION, verdict("champion"), "a", at)


@pytest.mark.parametrize(
    ("result", "champion_now", "noted"),
    [
        (verdict("champion"), "a", ["1 retune", "2 refit"]),
        (verdict(None), "b", []),
        # No candidate has been judged on it, only what a person has forced.
        (verdict("delivery"), "a", []),
        # The training has made the champion once more.
        (verdict(None, release="a"), "a", []),
    ],
)
def test_a_candidate_is_refused_that_is_not_champion_for_what_it_is(result, champion_now, noted):
    found = with_refused(None, PLAN, OF_CHAMPION, result, champion_now, WEEK)
    assert (found["isbn"] + " " + found["decision"]).tolist() == noted


def test_a_first_release_that_has_failed_gates_is_champion_and_not_refused():
    first = verdict("fallbacks").model_copy(update={"champion": None, "promote": True})
    assert with_refused(None, PLAN, OF_CHAMPION, first, "b", WEEK).empty


def test_titles_that_were_trained_for_a_refused_candidate_are_noted_with_what_was_done():
    found = refused()
    assert found[["isbn", "decision"]].to_numpy().tolist() == [["1", "retune"], ["2", "refit"]]
    days = days_since_refused(found, OF_CHAMPION, WEEK + pd.Timedelta(days=14))
    assert days[RETUNE].fillna(-1).tolist() == [14, -1, -1]
    assert days[REFIT].fillna(-1).tolist() == [-1, 14, -1]


@pytest.mark.parametrize("result", [verdict("challenge"), verdict(None)])
def test_all_titles_wait_where_a_win_is_required_or_the_champion_is_pinned(result):
    found = with_refused(None, PLAN, OF_CHAMPION, result, "a", WEEK)
    days = days_since_refused(found, OF_CHAMPION, WEEK + pd.Timedelta(days=7))
    assert (days == 7.0).all(axis=None)


@pytest.mark.parametrize(
    ("result", "noted"), [(verdict("champion"), set()), (verdict(None), {"3"})]
)
def test_a_new_title_is_tried_again_each_week(result, noted):
    """Nothing forecasts it until it is trained."""
    new = trainings(NEW_TITLE, NEW_TITLE, TUNED)
    found = with_refused(None, PLAN, new, result, "a", WEEK)
    assert set(found["isbn"]) == noted
    assert days_since_refused(found[found["isbn"] != "3"], new, WEEK).isna().all(axis=None)


def test_notes_are_carried_until_the_champions_training_is_another():
    later, nothing = WEEK + pd.Timedelta(weeks=1), PLAN.assign(decision="keep")
    promoted = verdict(None)
    found = with_refused(refused(), nothing, OF_CHAMPION, promoted, "b", later)
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
    assert with_refused(found, nothing, tuned, promoted, "b", later).empty


def test_before_the_first_there_is_none():
    days = days_since_refused(None, OF_CHAMPION, WEEK)
    assert days.shape == (3, 2)
    assert np.isnan(days).all(axis=None)
