"""What a run prints at its end."""

import io

import pandas as pd
import pytest
from rich.console import Console

from book_forecast.hooks.summary import render_scores

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
