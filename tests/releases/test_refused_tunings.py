"""A refused tuning is known as long as the specification that it was to replace is in use."""

import numpy as np
import pandas as pd
import pytest

from book_forecast.releases.gates import Gate, Verdict
from book_forecast.releases.refused_tunings import days_since_refused, with_refused

WEEK = pd.Timestamp("2024-06-01")
PLAN = pd.DataFrame({"isbn": ["1", "2", "3"], "decision": ["retune", "refit", "keep"]})
TUNED = pd.Timestamp("2023-12-02")
NEW_TITLE = None


def verdict(failed: str | None, release: str = "b") -> Verdict:
    gates = (Gate(name=failed, status="failed", reason="x"),) if failed else ()
    return Verdict(release=release, champion="a", promote=failed is None, gates=gates)


def trainings(*tuned: pd.Timestamp | None) -> pd.DataFrame:
    isbns = [str(n + 1) for n in range(len(tuned))]
    return pd.DataFrame({"isbn": isbns, "tuned_until": pd.Series(tuned, dtype="datetime64[us]")})


OF_CHAMPION = trainings(TUNED, TUNED, TUNED)


@pytest.mark.parametrize(
    ("result", "noted"),
    [
        (verdict("champion"), ["1"]),
        (verdict("challenge"), ["1"]),
        (verdict(None), []),
        # No candidate has been judged on it, only what a person has forced.
        (verdict("delivery"), []),
        (verdict("champion", release="a"), []),
    ],
)
def test_titles_that_were_tuned_for_a_refused_candidate_are_noted(result, noted):
    found = with_refused(None, PLAN, OF_CHAMPION, result, WEEK)
    assert found["isbn"].tolist() == noted
    days = days_since_refused(found, OF_CHAMPION, WEEK + pd.Timedelta(days=14))
    assert days[days.notna()].tolist() == [14.0] * len(noted)


def test_a_new_title_is_tried_again_each_week():
    """Nothing forecasts it until it is tuned."""
    new = trainings(NEW_TITLE, TUNED, TUNED)
    found = with_refused(None, PLAN, new, verdict("champion"), WEEK)
    assert found.empty
    assert days_since_refused(found, new, WEEK).isna().all()


def test_notes_are_carried_until_the_title_has_another_specification():
    later = WEEK + pd.Timedelta(weeks=1)
    nothing = PLAN.assign(decision="keep")
    found = with_refused(None, PLAN, OF_CHAMPION, verdict("champion"), WEEK)
    found = with_refused(found, nothing, OF_CHAMPION, verdict(None), later)
    assert found["refused_until"].tolist() == [WEEK]
    # A later one takes its place.
    again = with_refused(found, PLAN, OF_CHAMPION, verdict("champion"), later)
    assert again["refused_until"].tolist() == [later]
    # A person has promoted the candidate all the same, or a whole run has tuned the title.
    tuned = trainings(WEEK, TUNED, TUNED)
    assert days_since_refused(found, tuned, later).isna().all()
    assert with_refused(found, nothing, tuned, verdict(None), later).empty


def test_before_the_first_there_is_none():
    assert np.isnan(days_since_refused(None, OF_CHAMPION, WEEK)).all()
