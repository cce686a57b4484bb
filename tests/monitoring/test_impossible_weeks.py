"""Weeks that forecasts made before them hold for impossible."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from book_forecast.monitoring.impossible_weeks import (
    beside,
    find_impossible_weeks,
    how_to_accept,
)
from book_forecast.storage.errors import UserError
from tests.releases import payloads

WEEKS = pd.date_range("2024-01-06", periods=60, freq="7D").as_unit("us")
ISBNS = [payloads.isbn(n) for n in range(20)]
USUAL = 50.0
JUDGED = 13
JUMP = 3.0


def week_rows(copies: float = USUAL) -> pd.DataFrame:
    """A week of twenty titles that sell alike."""
    return pd.DataFrame({"isbn": ISBNS, "volume": copies})


def bounds(mean: float = USUAL, width: float = 2.0) -> pd.DataFrame:
    """A forecast of a week, with bounds `width` times as far."""
    frame = pd.DataFrame({"isbn": ISBNS, "mean": mean, "lo-80": mean, "hi-80": mean})
    return frame.assign(**{"lo-95": mean / width, "hi-95": mean * width})


def sales(copies: Sequence[float]) -> pd.DataFrame:
    """Weeks with some copies of each title."""
    parts = [week_rows(value).assign(week=WEEKS[at]) for at, value in enumerate(copies)]
    return pd.concat(parts, ignore_index=True)


def recorded(levels: Mapping[int, float], horizon: int = 32) -> dict[str, Any]:
    """Forecasts of a level each, by the number of their cutoff."""

    def table(cutoff: int, level: float) -> Callable[[pd.Timestamp], pd.DataFrame]:
        ahead = WEEKS[cutoff + 1 : cutoff + 1 + horizon]
        return lambda week: bounds(level).assign(week=week).head(len(ISBNS) * (week in ahead))

    return {
        f"r/{WEEKS[cutoff]:%Y-%m-%d}": lambda cutoff=cutoff, level=level: table(cutoff, level)
        for cutoff, level in levels.items()
    }


def found(
    copies: Sequence[float],
    records: Mapping[str, Any] | None,
    accepted: Sequence[int] = (),
    judged: int = JUDGED,
) -> list[int]:
    """Numbers of the impossible weeks."""
    days = [WEEKS[week].date() for week in accepted]
    weeks, damaged = find_impossible_weeks(sales(copies), records, judged, days, JUMP)
    assert not damaged
    return [list(WEEKS).index(week) for week in weeks["week"]]


@pytest.mark.parametrize(
    ("factor", "width", "is_found"),
    [
        *((10.0, 2.0, True), (0.1, 2.0, True), (0.0, 2.0, True)),
        # Wide intervals hold it for possible, or it is no jump.
        *((10.0, 12.0, False), (0.1, 12.0, False), (2.5, 2.0, False), (1.0, 2.0, False)),
    ],
)
def test_a_week_is_impossible_far_from_the_forecast_and_beyond_its_widest_intervals(
    factor, width, is_found
):
    found = beside(week_rows(USUAL * factor), bounds(width=width))
    assert found is not None
    assert found.is_impossible(JUMP) == is_found
    assert found.ratio == pytest.approx(factor)
    assert found.copies == pytest.approx(20 * USUAL * factor)
    assert found.highest == pytest.approx(width**2 * found.lowest)


def test_a_forecast_without_the_titles_or_without_bounds_says_nothing():
    rows = week_rows(10 * USUAL)
    assert beside(rows, bounds().head(0)) is None
    assert beside(rows, bounds()[["isbn", "mean"]]) is None
    assert beside(rows, bounds().assign(**{"hi-95": np.nan})) is None


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(week_rows().head(1), id="an incomplete week, whose rows are right"),
        pytest.param(
            pd.concat([week_rows(), pd.DataFrame({"isbn": ["9780000000002"], "volume": 9e5})]),
            id="sales of a title that was not forecast",
        ),
    ],
)
def test_only_titles_with_a_row_and_a_forecast_count(rows):
    found = beside(rows, bounds())
    assert found is not None
    assert found.ratio == pytest.approx(1.0)


def test_an_impossible_week_stays_so_when_usual_ones_follow():
    copies = [USUAL] * 10 + [10 * USUAL]
    assert found(copies, recorded({9: USUAL})) == [10]
    records = recorded({9: USUAL, 11: USUAL, 12: USUAL})
    assert found([*copies, USUAL], records) == [10]
    assert found([*copies, USUAL, USUAL, USUAL], records) == [10]


def test_several_impossible_weeks_of_one_file_are_all_found():
    copies = [USUAL] * 10 + [10 * USUAL, 10 * USUAL, USUAL, 0.1 * USUAL]
    assert found(copies, recorded({9: USUAL})) == [10, 11, 13]


def test_a_week_that_is_corrected_counts_at_once():
    assert found([USUAL] * 12, recorded({9: USUAL})) == []


def test_each_week_is_judged_by_the_latest_forecasts_before_it():
    """The level has risen slowly: the forecast of long ago would rule the newest week out."""
    copies = [USUAL] * 10 + [2 * USUAL] * 3 + [5 * USUAL]
    assert found(copies, recorded({9: USUAL})) == [13]
    assert found(copies, recorded({9: USUAL, 12: 2.5 * USUAL})) == []
    # Those of long ago have no say.
    fallen = [5 * USUAL] * 8 + [USUAL] * 3 + [5 * USUAL]
    records = recorded({3: 5 * USUAL, 8: USUAL, 9: USUAL})
    assert found(fallen, records, accepted=[8, 9, 10]) == [11]
    # A forecast that begins at the week itself knows it.
    assert found(copies, recorded({13: USUAL})) == []


def test_a_week_is_possible_if_one_of_the_two_latest_forecasts_says_so():
    """A wrong week has been accepted, and is corrected together with the usual one after it."""
    copies = [USUAL] * 12
    assert found(copies, recorded({8: USUAL, 9: USUAL, 10: 10 * USUAL})) == []
    assert found(copies, recorded({9: 10 * USUAL, 10: 10 * USUAL})) == [10, 11]
    assert found(copies, recorded({10: 10 * USUAL})) == [11]


def test_a_forecast_that_has_counted_an_impossible_week_judges_none():
    """The week was accepted for a while, and the forecast after it is ten times as high."""
    copies = [USUAL] * 10 + [10 * USUAL, USUAL]
    records = recorded({9: USUAL, 10: 10 * USUAL})
    assert found(copies, records) == [10]
    assert found([*copies[:-1], 10 * USUAL], records) == [10, 11]
    # As long as it is accepted, it counts.
    assert found([*copies[:-1], 10 * USUAL], records, accepted=[10]) == []


def test_weeks_that_are_accepted_count_and_others_do_not():
    copies = [USUAL] * 10 + [10 * USUAL, 0.1 * USUAL, USUAL]
    records = recorded({9: USUAL})
    assert found(copies, records, accepted=[10]) == [11]
    assert found(copies, records, accepted=[11]) == [10]
    assert found(copies, records, accepted=[10, 11]) == []


def test_weeks_before_the_judged_ones_and_before_all_records_count():
    copies = [USUAL] * 10 + [10 * USUAL] + [USUAL] * 4
    records = recorded({9: USUAL})
    assert found(copies, records, judged=5) == [10]
    assert found(copies, records, judged=4) == []
    assert found(copies, recorded({11: USUAL})) == []
    assert found(copies, None) == []
    assert found(copies, {}) == []


def test_a_forecast_does_not_judge_weeks_beyond_its_horizon():
    copies = [USUAL] * 10 + [10 * USUAL] * 3
    assert found(copies, recorded({9: USUAL}, horizon=2)) == [10, 11]


def test_a_usual_week_costs_one_read_and_an_impossible_one_two():
    reads: list[str] = []

    def noted(name: str, load: Any) -> Callable[[], Callable[[pd.Timestamp], pd.DataFrame]]:
        def read(week: pd.Timestamp) -> pd.DataFrame:
            reads.append(f"{name} {week:%Y-%m-%d}")
            rows: pd.DataFrame = load()(week)
            return rows

        return lambda: read

    records = recorded(dict.fromkeys(range(20), USUAL))
    counted = {name: noted(name, load) for name, load in records.items()}
    copies = [USUAL] * 19 + [10 * USUAL, USUAL]
    assert found(copies, counted) == [19]
    assert len(reads) == JUDGED + 1
    # Never a table for a week that it does not judge.
    assert len(set(reads)) == len(reads)


def test_of_a_damaged_record_the_next_older_one_judges():
    def damaged() -> Callable[[pd.Timestamp], pd.DataFrame]:
        def read(week: pd.Timestamp) -> pd.DataFrame:
            raise UserError(f"9.parquet is damaged at {week.year}.")

        return read

    records = recorded({8: USUAL}) | {f"r/{WEEKS[9]:%Y-%m-%d}": damaged}
    copies = [USUAL] * 10 + [10 * USUAL, USUAL]
    weeks, problems = find_impossible_weeks(sales(copies), records, JUDGED, [], JUMP)
    assert list(weeks["week"]) == [WEEKS[10]]
    assert list(weeks["cutoff"]) == [WEEKS[8]]
    assert problems == ["9.parquet is damaged at 2024."]


def test_a_new_level_ends_by_itself_after_the_judged_weeks():
    """Forecasts are the mean of the last four weeks that count, as a slow level is."""
    copies, records, left = [USUAL] * 20, {19: USUAL}, []
    while len(copies) < 50:
        copies.append(USUAL / 10)
        out = found(copies, recorded(records))
        left.append(len(out))
        counted = [week for week in range(len(copies)) if week not in out]
        records[counted[-1]] = float(np.mean([copies[week] for week in counted[-4:]]))
    assert left[:JUDGED] == list(range(1, JUDGED + 1))
    ended = left.index(0)
    assert JUDGED < ended <= JUDGED + 6
    assert not any(left[ended:])


def test_weeks_like_one_that_is_accepted_count_after_it_and_not_before():
    """A new level: forecasts take months to follow a fall to a tenth."""
    copies = [USUAL] * 20 + [USUAL / 10, 7 * USUAL, USUAL / 8, USUAL / 5]
    records = recorded({19: USUAL})
    assert found(copies, records) == [20, 21, 22, 23]
    assert found(copies, records, accepted=[20]) == [21]
    assert found(copies, records, accepted=[22]) == [20, 21]
    # A wrong week on the new level is left out, and usual ones of the old level count.
    assert found([*copies, USUAL / 100, USUAL], records, accepted=[20]) == [21, 24]


def test_what_to_type_has_the_weeks_that_are_accepted_already():
    text = how_to_accept([WEEKS[3]], [dt.date(2023, 5, 6)])
    assert "accepted_weeks: [2023-05-06, 2024-01-27]`" in text
    assert "--params accepted_weeks=2023-05-06,2024-01-27`" in text
