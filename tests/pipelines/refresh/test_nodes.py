"""The line that says what a refresh has done."""

import logging

import pandas as pd
import pytest

from book_forecast.pipelines.refresh.nodes import report_refresh

FORECASTS = pd.DataFrame({"isbn": ["1", "2"], "release": ["a", "a"]})


@pytest.mark.parametrize(
    ("refitted", "candidate", "promote", "champion_now", "expected"),
    [
        (0, "a", True, "a", "no new release"),
        # The same data once more.
        (1, "a", True, "a", "no new release"),
        (1, "b", True, "b", "b is champion"),
        (1, "b", True, "a", "b is not promoted: a is pinned"),
        (1, "b", False, "a", "b is refused: failed coverage"),
    ],
)
def test_a_refresh_reports_what_became_of_its_candidate(
    refitted, candidate, promote, champion_now, expected, caplog
):
    gate = {"name": "coverage", "status": "passed" if promote else "failed", "reason": "60 %"}
    verdict = {"release": candidate, "champion": "a", "promote": promote, "gates": [gate]}
    summary = {"titles": {"keep": 2 - refitted, "refit": refitted, "retune": 0}}
    with caplog.at_level(logging.INFO):
        report_refresh(summary, verdict, champion_now, FORECASTS)
    assert f"0 tuned anew; {expected}; forecasts of 2 titles by a" in caplog.text
