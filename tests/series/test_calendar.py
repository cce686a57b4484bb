"""Calendar regressors mark the right weeks, also of feasts that move."""

import datetime as dt
from itertools import pairwise

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from book_forecast.series.calendar import CALENDAR_COVARIATES, CALENDAR_WEEKS_AHEAD, calendar_weeks

EASTER_SUNDAYS = [
    "2012-04-08", "2013-03-31", "2014-04-20", "2015-04-05", "2016-03-27", "2017-04-16",
    "2018-04-01", "2019-04-21", "2020-04-12", "2021-04-04", "2022-04-17", "2023-04-09",
    "2024-03-31", "2025-04-20", "2026-04-05", "2027-03-28", "2028-04-16", "2029-04-01",
    "2030-04-21",
]  # fmt: skip
SATURDAYS = st.dates(dt.date(1990, 1, 1), dt.date(2050, 1, 1)).map(
    lambda day: pd.Timestamp(day) + pd.offsets.Week(n=0, weekday=5)
)


@pytest.fixture(scope="module")
def weeks() -> pd.DataFrame:
    frame = calendar_weeks(pd.Timestamp("2012-01-07"), pd.Timestamp("2030-12-28"), 0)
    return frame.set_index("week")


def marked(weeks: pd.DataFrame, name: str, year: int) -> list[str]:
    found = weeks.index[(weeks[name].to_numpy() > 0) & (pd.DatetimeIndex(weeks.index).year == year)]
    return [str(week.date()) for week in found]


def bank_holidays(weeks: pd.DataFrame, week: str | pd.Timestamp) -> int:
    return int(weeks["bank_holidays"].to_numpy()[weeks.index == pd.Timestamp(week)].item())


@pytest.mark.parametrize("sunday", EASTER_SUNDAYS)
def test_easter_moves_and_takes_mothers_day_with_it(weeks: pd.DataFrame, sunday: str) -> None:
    easter = pd.Timestamp(sunday)
    eve = easter - pd.Timedelta(days=1)
    assert marked(weeks, "easter_run_up", easter.year) == [str(eve.date())]
    assert marked(weeks, "easter", easter.year) == [str((eve + pd.Timedelta(weeks=1)).date())]
    mothering_eve = eve - pd.Timedelta(weeks=3)
    assert marked(weeks, "mothers_day", easter.year) == [str(mothering_eve.date())]
    assert bank_holidays(weeks, eve) >= 1, "Good Friday"
    assert bank_holidays(weeks, eve + pd.Timedelta(weeks=1)) >= 1, "Easter Monday"


@pytest.mark.parametrize(
    ("name", "days"),
    [
        ("world_book_day", ["2012-03-01", "2016-03-03", "2019-03-07", "2024-03-07", "2025-03-06"]),
        ("black_friday", ["2012-11-23", "2013-11-29", "2018-11-23", "2019-11-29", "2024-11-29"]),
    ],
)
def test_a_day_of_action_marks_the_week_it_falls_in(
    weeks: pd.DataFrame, name: str, days: list[str]
) -> None:
    for day in map(pd.Timestamp, days):
        saturday = day + pd.offsets.Week(n=0, weekday=5)
        assert marked(weeks, name, day.year) == [str(saturday.date())]


@pytest.mark.parametrize("sunday", ["2014-06-15", "2019-06-16", "2020-06-21", "2024-06-16"])
def test_fathers_day_marks_the_week_of_shopping_before_it(weeks: pd.DataFrame, sunday: str) -> None:
    day = pd.Timestamp(sunday)
    assert marked(weeks, "fathers_day", day.year) == [str((day - pd.Timedelta(days=1)).date())]


def test_a_fixed_date_shares_its_window_between_two_weeks(weeks: pd.DataFrame) -> None:
    # The 18th to the 24th of December 2024: four days up to Saturday the 21st, three after it.
    build_up = weeks["christmas_1_week_before"]
    assert build_up["2024-12-21"] == pytest.approx(4 / 7)
    assert build_up["2024-12-28"] == pytest.approx(3 / 7)


def test_bank_holidays_are_counted_on_weekdays(weeks: pd.DataFrame) -> None:
    known = {
        "2020-05-09": 1,  # moved to the Friday of VE day
        "2022-06-04": 2,  # spring bank holiday and jubilee
        "2023-12-30": 2,
        "2023-01-07": 1,  # New Year's Day on a Sunday, observed on Monday
        "2024-07-06": 0,
    }
    assert {week: bank_holidays(weeks, week) for week in known} == known


@given(SATURDAYS, st.integers(0, 150), st.integers(0, 120))
def test_the_grid_of_weeks_has_no_holes_and_only_floats(
    first: pd.Timestamp, length: int, ahead: int
) -> None:
    frame = calendar_weeks(first, first + pd.Timedelta(weeks=length), ahead)
    assert len(frame) == length + ahead + 1
    assert all(late - early == pd.Timedelta(weeks=1) for early, late in pairwise(frame["week"]))
    assert list(frame.columns) == ["week", *CALENDAR_COVARIATES]
    assert set(map(str, frame.dtypes.drop("week"))) == {"float64"}
    shares = frame.drop(columns=["week", "bank_holidays"]).to_numpy()
    assert shares.min() >= 0
    assert shares.max() <= 1


@given(SATURDAYS, st.integers(1, 60))
def test_a_week_looks_the_same_wherever_the_calendar_starts(
    first: pd.Timestamp, later: int
) -> None:
    last = first + pd.Timedelta(weeks=70)
    whole = calendar_weeks(first, last, 5)
    part = calendar_weeks(first + pd.Timedelta(weeks=later), last, 5)
    pd.testing.assert_frame_equal(whole[later:].reset_index(drop=True), part)


@given(st.integers(1990, 2049))
def test_every_window_is_whole_within_a_year_around_it(year: int) -> None:
    first = pd.Timestamp(year, 7, 1) + pd.offsets.Week(n=0, weekday=5)
    days = calendar_weeks(first, first + pd.Timedelta(weeks=51), 0).sum(numeric_only=True) * 7
    assert days["back_to_school"] == pytest.approx(21)
    for name in ("easter", "christmas_4_weeks_before", "christmas_1_week_before", "new_year"):
        assert days[name] == pytest.approx(7)


def test_the_calendar_runs_past_any_usual_horizon() -> None:
    last = pd.Timestamp("2024-06-29")
    frame = calendar_weeks(pd.Timestamp("2012-01-07"), last)
    assert frame["week"].max() == last + pd.Timedelta(weeks=CALENDAR_WEEKS_AHEAD)


def test_weeks_that_do_not_end_on_a_saturday_are_refused() -> None:
    with pytest.raises(ValueError, match="2024-06-28 is a Friday"):
        calendar_weeks(pd.Timestamp("2024-06-01"), pd.Timestamp("2024-06-28"))
    with pytest.raises(ValueError, match="before"):
        calendar_weeks(pd.Timestamp("2024-06-29"), pd.Timestamp("2024-06-01"))
