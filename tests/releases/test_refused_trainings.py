"""A refused training is known as long as the one that it was to replace is in use."""

import json

import pandas as pd
import pytest

from book_forecast.releases.gates import Gate, Verdict
from book_forecast.releases.refused_trainings import refused_facts, with_refused
from book_forecast.releases.retraining import WAIT_TYPES
from book_forecast.releases.training_notes import COVARIATES
from book_forecast.releases.training_notes import PLAN as PROMOTIONS

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
    facts = {"isbn": isbns, "tuned_until": dates, "trained_until": last, "can_tune": True}
    return pd.DataFrame({**facts, "made_by": "code", "corrected": 0.0, "covariates": plan_of("")})


def plan_of(week: str) -> str:
    return json.dumps({COVARIATES: "x", **({PROMOTIONS: {week: 0.2}} if week else {})})


def known(table: pd.DataFrame | None, facts: pd.DataFrame, newest, *, is_pinned=True):
    """What is known of refused trainings in the week of a later plan."""
    return refused_facts(
        table,
        facts.assign(age_days=(newest - facts["trained_until"]).dt.days.astype(float)),
        is_pinned=is_pinned,
    )


OF_CHAMPION = trainings(TUNED, TUNED, TUNED)
DAYS = ["tuning_refused_days", "fit_refused_days"]


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
    days = known(found, OF_CHAMPION, WEEK + pd.Timedelta(days=14))
    assert days["tuning_refused_days"].fillna(-1).tolist() == [14, -1, -1]
    assert days["fit_refused_days"].fillna(-1).tolist() == [-1, 14, -1]


@pytest.mark.parametrize("result", [verdict("challenge"), verdict(None)])
def test_all_titles_wait_where_a_win_is_required_or_the_champion_is_pinned(result):
    found = with_refused(None, PLAN, OF_CHAMPION, result, "a", WEEK)
    days = known(found, OF_CHAMPION, WEEK + pd.Timedelta(days=7))[DAYS]
    assert (days == 7.0).all(axis=None)


def test_the_end_of_a_pin_ends_the_wait_of_what_it_alone_has_refused():
    former = with_refused(None, PLAN, OF_CHAMPION, verdict("champion"), "a", WEEK)
    later = WEEK + pd.Timedelta(days=7)
    found = with_refused(former, PLAN, OF_CHAMPION, verdict(None), "a", later)
    pinned, free = (known(found, OF_CHAMPION, later, is_pinned=is_pinned) for is_pinned in (1, 0))
    assert (pinned[DAYS] == 0.0).all(axis=None)
    # What a gate has refused before waits on.
    assert free["tuning_refused_days"].fillna(-1).tolist() == [7, -1, -1]
    assert free["fit_refused_days"].fillna(-1).tolist() == [-1, 7, -1]
    asked = with_refused(None, PLAN, OF_CHAMPION, verdict("challenge"), "a", later)
    assert known(asked, OF_CHAMPION, later, is_pinned=False)[DAYS].notna().all(axis=None)


def test_a_refused_training_knew_the_options_corrections_and_promotions_of_its_day():
    seen = OF_CHAMPION.assign(corrected=0.3, covariates=plan_of("2024-09-07"))
    found = with_refused(None, PLAN, seen, verdict(None), "a", WEEK)
    later = WEEK + pd.Timedelta(days=7)
    same = known(found, seen, later)
    assert same[["is_refused_code", "is_refused_plan"]].all(axis=None)
    assert (same["corrected_refused"] == 0.3).all()
    other = seen.assign(made_by="other code", covariates=plan_of("2024-08-31"))
    assert not known(found, other, later)[["is_refused_code", "is_refused_plan"]].any(axis=None)
    # A promotion that is over by now is no other plan.
    over = known(found, seen.assign(covariates=plan_of("")), pd.Timestamp("2024-09-07"))
    assert over["is_refused_plan"].all()


def test_notes_of_an_older_version_do_not_say_what_a_training_knew():
    found = refused()[["isbn", "decision", "until", "refused_until"]]
    days = known(found, OF_CHAMPION, WEEK + pd.Timedelta(days=7), is_pinned=False)
    assert days["tuning_refused_days"].tolist()[0] == 7.0
    assert not days[["is_refused_code", "is_refused_plan"]].any(axis=None)
    assert days["corrected_refused"].isna().all()


@pytest.mark.parametrize(
    ("result", "noted"), [(verdict("champion"), set()), (verdict(None), {"3"})]
)
def test_a_new_title_is_tried_again_each_week(result, noted):
    """Nothing forecasts it until it is trained."""
    new = trainings(NEW_TITLE, NEW_TITLE, TUNED)
    found = with_refused(None, PLAN, new, result, "a", WEEK)
    assert set(found["isbn"]) == noted
    assert known(found[found["isbn"] != "3"], new, WEEK)[DAYS].isna().all(axis=None)


def test_notes_are_carried_until_the_champions_training_is_another():
    later, nothing = WEEK + pd.Timedelta(weeks=1), PLAN.assign(decision="keep")
    promoted = verdict(None)
    found = with_refused(refused(), nothing, OF_CHAMPION, promoted, "b", later)
    assert found["refused_until"].tolist() == [WEEK, WEEK]
    # A later one takes its place.
    assert refused(former=found, at=later)["refused_until"].tolist() == [later, later]
    # A refit of the same specification ends the wait for a refit, not for a tuning.
    refitted = trainings(TUNED, TUNED, TUNED, trained=WEEK)
    days = known(found, refitted, later)
    assert days["tuning_refused_days"].notna().tolist() == [True, False, False]
    assert days["fit_refused_days"].isna().all()
    # A person has promoted the candidate all the same, or a whole run has tuned the titles.
    tuned = trainings(WEEK, WEEK, WEEK, trained=WEEK)
    assert known(found, tuned, later)[DAYS].isna().all(axis=None)
    assert with_refused(found, nothing, tuned, promoted, "b", later).empty


def test_before_the_first_there_is_none():
    found = known(None, OF_CHAMPION, WEEK)
    assert found.columns.tolist() == list(WAIT_TYPES)
    assert len(found) == 3
    assert found[DAYS].isna().all(axis=None)
    assert not found[["is_refused_code", "is_refused_plan"]].any(axis=None)
