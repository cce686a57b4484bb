"""The table at the end of a run."""

import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from rich.cells import cell_len
from rich.console import Console

from book_forecast.hooks.end_table import (
    WIDTH,
    caption_of,
    end_rows,
    render,
    stored_scores,
    sum_forecasts,
)
from book_forecast.releases.assembly import new_release, with_scores
from tests.releases import payloads

OVER_ALL = {"test_wape": 0.35, "test_wape_seasonal_naive": 0.39}
RELEASES = ("2026-11-25T05.00.00-1a2b3c4d", "2026-11-18T05.00.00-99999999")


def scores(n: int, title: str = "A Kitchen for All Weathers") -> pd.DataFrame:
    errors = {"wape": 0.348, "seasonal_naive_wape": 0.43}
    return pd.DataFrame(
        [{"isbn": f"97867{i:08d}", "title": title, "model": "ensemble", **errors} for i in range(n)]
    )


def forecasts(n: int, releases: tuple[str, ...] = RELEASES[:1]) -> pd.DataFrame:
    """Title i sells i + 1 copies a week for four weeks."""
    weeks = pd.date_range("2026-12-05", periods=4, freq="7D")
    number = np.repeat(np.arange(n), len(weeks))
    return pd.DataFrame(
        {
            "isbn": [f"97867{i:08d}" for i in number],
            "week": np.tile(weeks, n),
            "mean": number + 1.0,
            "cutoff": pd.Timestamp("2026-11-28"),
            "model": "seasonal_naive",
            "release": np.array(releases, dtype=object)[number % len(releases)],
        }
    )


def printed(rows: pd.DataFrame, caption: str = "", width: int = WIDTH) -> list[str]:
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(render(rows, OVER_ALL, caption, width), width=width)
    return [line.rstrip() for line in console.export_text().splitlines()]


def test_errors_stand_beside_copies_and_the_largest_forecast_comes_first():
    rows = end_rows(scores(2), sum_forecasts(forecasts(2)))
    lines = printed(rows)
    (first, second) = [line.split() for line in lines if line.startswith("97867")]
    assert first[0] == "9786700000001"
    assert first[-4:] == ["0.35", "0.43", "8", "seasonal_naive"]
    assert second[-4:] == ["0.35", "0.43", "4", "seasonal_naive"]
    last = next(line for line in lines if line.startswith("all 2"))
    assert last.split() == ["all", "2", "0.35", "0.39", "12"]


@pytest.mark.parametrize(
    "title", ["x" * 300, "本" * 200, "A [bold]title[/] of\nlines", "", "é̀" * 90, None]
)
@pytest.mark.parametrize("releases", [RELEASES[:1], RELEASES])
@pytest.mark.parametrize("width", [WIDTH, 70])
def test_no_line_is_wider_than_the_terminal(title, releases, width):
    rows = end_rows(scores(1000, title), sum_forecasts(forecasts(1000, releases)))
    lines = printed(rows, caption_of(sum_forecasts(forecasts(1000, releases))), width)
    assert max(map(cell_len, lines)) <= width
    assert sum(line.startswith("97867") for line in lines) == 40
    (more,) = [line for line in lines if line.startswith("and 960 more")]
    # Titles 0 to 959 sell 1 to 960 copies a week.
    assert more.split()[-1] == f"{4 * 960 * 961 // 2:,}"
    assert any("seasonal_naive" in line for line in lines)


def test_a_table_fits_80_characters_where_the_terminal_is_wider():
    rows = end_rows(scores(3, "x" * 300), sum_forecasts(forecasts(3)))
    assert max(map(cell_len, printed(rows))) <= 80


def test_one_release_is_named_below_and_several_at_each_title():
    one = sum_forecasts(forecasts(2))
    assert caption_of(one) == f"4 weeks after 2026-11-28, by release {RELEASES[0]}"
    assert not any("1a2b3c4d" in line for line in printed(end_rows(None, one)))
    two = sum_forecasts(forecasts(2, RELEASES))
    assert caption_of(two) == "4 weeks after 2026-11-28, by 2 releases"
    lines = printed(end_rows(None, two))
    assert any(line.endswith("seasonal_naive 1a2b3c4d") for line in lines)
    assert any(line.endswith("seasonal_naive 99999999") for line in lines)


def test_without_errors_there_are_no_columns_of_errors():
    lines = printed(end_rows(None, sum_forecasts(forecasts(1))))
    assert lines[0].strip() == "Copies forecast"
    assert "WAPE" not in lines[1]


def test_without_forecasts_there_is_no_column_of_copies():
    lines = printed(end_rows(scores(1), None))
    assert lines[0].strip() == "Errors on the test weeks"
    assert "Copies" not in lines[1]
    assert lines[3].split()[-3:] == ["0.35", "0.43", "ensemble"]


def test_a_title_without_an_error_has_none():
    table = scores(2)
    table.loc[1, "wape"] = np.nan
    lines = printed(end_rows(table, sum_forecasts(forecasts(2))))
    (line,) = [line for line in lines if line.startswith("9786700000001")]
    assert line.split()[-3:] == ["0.43", "8", "seasonal_naive"]


def test_a_launch_without_errors_has_the_title_that_its_release_knows():
    names = {"9786700000001": "Out next week"}
    rows = end_rows(scores(1), sum_forecasts(forecasts(2)), names).set_index("isbn")
    assert rows.loc["9786700000001", "title"] == "Out next week"
    assert rows.loc["9786700000000", "title"] != "Out next week"


def test_a_run_that_only_forecasts_shows_the_errors_stored_with_its_release():
    payload = new_release(payloads.tables(), {"data": "0", "fingerprint": "0" * 8})
    assert set(stored_scores(replace(payload, scores=None))) == {"isbn", "title"}
    isbns = payload.titles["isbn"].to_pylist()
    names = ("wape", "mase", "seasonal_naive_wape", "seasonal_naive_mase")
    table = pd.DataFrame({"isbn": isbns[::-1], **{name: [0.1, 0.2, 0.3] for name in names}})
    scored = with_scores(payload, pa.Table.from_pandas(table), {"test_wape": 0.2})
    found = stored_scores(scored).set_index("isbn")["wape"]
    assert found.to_dict() == dict(zip(isbns, [0.3, 0.2, 0.1], strict=True))
