"""Champion and challenger held against the sales that followed, as the pipeline has them."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from book_forecast.options.monitoring import MonitorOptions
from book_forecast.pipelines.monitor import nodes
from book_forecast.plots.monitoring import monitor_page
from book_forecast.releases.challenges import Challenge
from tests.monitoring.catalogues import Catalogue
from tests.pipelines.monitor.test_nodes import RELEASE, damaged, day, recorded, sales

OTHER = "2024-02-01T00.00.00-00000001"
UNTIL, RUNS = 110, 20
CATALOGUE = Catalogue(40, copies=400.0, noise=0.1, seed=5)
OPTIONS = MonitorOptions()


def challenge(since: int = UNTIL - RUNS - 1) -> dict[str, Any]:
    made = Challenge(
        number=2,
        who="ann",
        why="x",
        release=OTHER,
        champion=RELEASE,
        promotion=1,
        share=0.2,
        test=2,
        since=day(since).date(),
    )
    return made.model_dump(mode="json")


def worse(tables: dict[str, Any], release: str, deviation: float, seed: int = 1) -> dict[str, Any]:
    """The tables of a release whose forecasts are off by a random factor more."""

    def noisy(name: str) -> pd.DataFrame:
        frame = tables[name]()
        own = np.random.default_rng([seed, int(frame["cutoff"].iloc[0].value % 2**31)])
        factor = np.exp(deviation * own.normal(size=len(frame)))
        return frame.assign(mean=frame["mean"] * factor, release=release)

    return {f"{release}/{name.partition('/')[2]}": lambda name=name: noisy(name) for name in tables}


def compared(champion: float, challenger: float, since: int = UNTIL - RUNS - 1) -> Any:
    """The results of the node; both releases are off by a random factor."""
    plain = recorded(CATALOGUE, UNTIL, RUNS)
    ours = worse(plain, RELEASE, champion)
    theirs = worse(plain, OTHER, challenger, seed=2)
    weeks = sales(CATALOGUE, UNTIL)
    return nodes.compare_arms(challenge(since), ours, theirs, None, weeks, None, OPTIONS)


@pytest.mark.parametrize(
    ("champion", "challenger", "verdict"),
    [(0.15, 0.0, "win"), (0.0, 0.15, "lose"), (0.1, 0.1, "go on")],
)
def test_the_verdict_is_on_every_title_of_both_releases(
    champion: float, challenger: float, verdict: str
):
    state, weeks, _ = compared(champion, challenger)
    assert state["verdict"] == verdict, state["message"]
    assert (state["champion"], state["challenger"], state["test"]) == (RELEASE, OTHER, 2)
    assert len(weeks) == RUNS
    assert set(weeks["titles"]) == {40}
    assert set(weeks["test"]) == {"2"}
    assert state["metrics"]["weeks_compared"] == RUNS
    assert (state["decided"] is None) == (verdict == "go on")
    assert str(RUNS) in state["message"]


def test_only_weeks_after_the_start_of_the_challenge_count():
    state, weeks, _ = compared(0.15, 0.0, since=UNTIL - 4)
    assert weeks["week"].tolist() == [day(UNTIL - n) for n in (3, 2, 1)]
    assert state["verdict"] == "go on"
    nothing, weeks, _ = compared(0.15, 0.0, since=UNTIL - 1)
    assert weeks.empty
    assert nothing["message"].endswith("no week since has sales yet.")


def test_damaged_tables_of_either_arm_and_of_answers_are_left_out_and_named():
    ours = recorded(CATALOGUE, UNTIL, RUNS)
    theirs, weeks = worse(ours, OTHER, 0.1), sales(CATALOGUE, UNTIL)
    champions, challengers = sorted(ours)[2], sorted(theirs)[3]
    answers = {f"{day(UNTIL):%Y-%m-%d}/1": damaged("answers/1")}
    state, found, served = nodes.compare_arms(
        challenge(),
        ours | {champions: damaged(champions)},
        theirs | {challengers: damaged(challengers)},
        answers,
        weeks,
        None,
        OPTIONS,
    )
    assert len(state["damaged"]) == 3
    for name in ("answers/1", champions, challengers):
        assert any(name in problem for problem in state["damaged"])
    whole = nodes.compare_arms(challenge(), ours, theirs, None, weeks, None, OPTIONS)
    assert whole[0]["damaged"] == []
    assert found["weeks"].sum() <= whole[1]["weeks"].sum()
    assert served.empty


def test_without_a_challenge_there_is_a_table_without_rows():
    state, weeks, served = nodes.compare_arms(
        None, None, None, None, sales(CATALOGUE, UNTIL), None, OPTIONS
    )
    assert (state["verdict"], state["test"]) == ("none", None)
    assert weeks.empty
    assert served.empty
    assert weeks["week"].dtype.kind == "M"


def test_the_page_and_the_state_show_both_arms():
    answers = pd.DataFrame(
        {
            "isbn": CATALOGUE.isbns,
            "week": day(UNTIL - 1),
            "ahead": 1,
            "mean": 400.0,
            "arm": ["champion", "challenger"] * 20,
            "release": [RELEASE, OTHER] * 20,
        }
    )

    def too_old() -> pd.DataFrame:
        raise AssertionError("it is not read")

    tables = {f"{day(UNTIL):%Y-%m-%d}/1": lambda: answers, "2001-01-01/1": too_old}
    plain = recorded(CATALOGUE, UNTIL, RUNS)
    weeks = sales(CATALOGUE, UNTIL)
    theirs = worse(plain, OTHER, 0.3)
    test, _, served = nodes.compare_arms(challenge(), plain, theirs, tables, weeks, None, OPTIONS)
    assert served[["arm", "titles", "answers"]].to_numpy().tolist() == [
        ["challenger", 20, 20],
        ["champion", 20, 20],
    ]
    scores, *_ = nodes.score_recorded_forecasts(plain, weeks, None, None, OPTIONS)
    shifts = nodes.find_title_shifts(plain, None, None, None, weeks, None, OPTIONS)
    checks = pd.DataFrame(columns=["name", "state", "value", "bound", "message"])
    status = nodes.summarise_monitoring(scores, shifts, checks, test, [], OPTIONS)
    assert status["state"] == "degraded"
    assert test["message"] in status["problems"]
    assert status["challenge"] == test["message"]
    page = monitor_page(status, scores, shifts, checks, test, served, None)
    assert "Champion and challenger" in page
    assert f"<td>challenger</td><td>{OTHER}</td>" in page
