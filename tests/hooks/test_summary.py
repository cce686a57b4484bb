"""What a run prints at its end."""

import datetime as dt

import pandas as pd
import pytest

from book_forecast.hooks.summary import fallback_lines, refusal_lines
from book_forecast.releases.gates import Gate, Verdict
from book_forecast.releases.promotion_log import Promotion
from book_forecast.releases.store import ReleaseStore


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
