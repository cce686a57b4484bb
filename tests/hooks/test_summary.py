"""What a run prints at its end."""

import datetime as dt
import io

import pandas as pd
import pytest
from rich.console import Console

from book_forecast.hooks.summary import fallback_lines, refusal_lines, render_scores
from book_forecast.releases.gates import Gate, Verdict
from book_forecast.releases.promotion_log import Promotion
from book_forecast.releases.store import ReleaseStore

METRICS = {
    "test_wape": 0.35,
    "test_wape_seasonal_naive": 0.39,
    "test_mase": 0.88,
    "test_mase_seasonal_naive": 0.99,
}


def scores(n: int) -> pd.DataFrame:
    row = {
        "title": "A Kitchen for All Weathers",
        "model": "sarima",
        "specification": "(1,1,1)(2,0,2)52",
        "wape": 0.348,
        "mase": float("nan"),
        "seasonal_naive_wape": 0.43,
        "seasonal_naive_mase": 0.71,
        "fallback_reason": None,
    }
    return pd.DataFrame([{"isbn": f"97867{i:08d}", **row} for i in range(n)])


def printed(n: int, width: int) -> str:
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(render_scores(scores(n), METRICS, width))
    return console.export_text()


def test_errors_stand_beside_seasonal_naives():
    text = printed(1, 110)
    line = next(line for line in text.splitlines() if "9786700000000" in line)
    for part in ("A Kitchen for All Weathers", "(1,1,1)(2,0,2)52", "0.35", "0.43", "-", "0.71"):
        assert part in line
    assert all(number in text.splitlines()[-2] for number in ("0.35", "0.39", "0.88", "0.99"))


def test_a_narrow_terminal_gets_no_titles_and_no_broken_lines():
    text = printed(2, 80)
    assert "Kitchen" not in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize(("n", "more"), [(40, False), (45, True)])
def test_beyond_forty_titles_the_rest_is_counted(n, more):
    assert ("and 5 more" in printed(n, 110)) is more


def test_fallbacks_are_listed_by_title_and_counted():
    table = scores(20)
    assert list(fallback_lines(table)) == []
    table["fallback_reason"] = pd.Series(["tune failed"] * 12 + [None] * 8, dtype="str")
    lines = list(fallback_lines(table))
    assert lines[0] == "12 of 20 titles with a fallback to a simpler model:"
    assert lines[1] == "  9786700000000 A Kitchen for All Weathers: tune failed"
    assert len(lines) == 12
    assert lines[-1] == "  and 2 more"


GATES = (
    Gate(name="champion", status="failed", reason="WAPE 1.213 times the champion's"),
    Gate(name="titles", status="passed", reason="2 of 2"),
)


@pytest.fixture
def store(tmp_path):
    """A store whose champion, "old", was pinned a week after its promotion."""
    store = ReleaseStore(str(tmp_path))
    for number, action, release in (
        (1, "promote", "older"),
        (2, "promote", "old"),
        (3, "pin", "old"),
    ):
        when = dt.datetime(2026, 11, 6 + 7 * number, tzinfo=dt.UTC)
        record = {"number": number, "action": action, "release": release, "before": "older"}
        store.record(Promotion.model_validate({**record, "who": "ann", "when": when, "why": "x"}))
    return store


def test_a_refused_candidate_is_said_with_its_gate_figures_and_whose_forecasts_there_are(store):
    verdict = Verdict(release="new", champion="old", promote=False, gates=GATES)
    assert list(refusal_lines(verdict, store, "old")) == [
        "new is NOT PROMOTED:",
        "  gate champion failed: WAPE 1.213 times the champion's",
        "The forecasts are those of old, champion since 2026-11-20.",
        "`kedro release promote new` promotes it regardless.",
    ]
    # A run without the forecast pipeline, and one that forecasts with another release.
    assert len(list(refusal_lines(verdict, store, ""))) == 3
    assert "The forecasts are those of new." in refusal_lines(verdict, store, "new")


def test_a_candidate_that_a_pin_holds_back_is_said(store):
    verdict = Verdict(release="new", champion="old", promote=True, gates=())
    first = next(refusal_lines(verdict, store, "old"))
    assert first == "new is NOT PROMOTED though it passed all gates: old is pinned."


@pytest.mark.parametrize("promote", [True, False])
def test_a_champion_has_no_refusal(store, promote):
    verdict = Verdict(release="old", champion="older", promote=promote, gates=())
    assert list(refusal_lines(verdict, store, "old")) == []
