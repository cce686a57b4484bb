from datetime import date

import numpy as np
import pytest
from dateutil.easter import easter  # type: ignore[import-untyped]

from book_forecast.sample.weeks import (
    OCCASIONS,
    SampleWeeks,
    consecutive_weeks,
    demand,
    mothers_day,
)
from book_forecast.series.calendar import fathers_day, world_book_day


def test_moving_feasts_fall_on_their_published_dates() -> None:
    assert easter(2016) == date(2016, 3, 27)
    assert easter(2019) == date(2019, 4, 21)
    assert mothers_day(2016) == date(2016, 3, 6)
    assert mothers_day(2019) == date(2019, 3, 31)
    assert fathers_day(2019) == date(2019, 6, 16)
    assert fathers_day(2014) == date(2014, 6, 15)
    assert world_book_day(2012) == date(2012, 3, 1)
    assert world_book_day(2023) == date(2023, 3, 2)


def test_every_week_ends_on_a_saturday_and_follows_the_one_before(weeks: SampleWeeks) -> None:
    assert {day.astype(date).weekday() for day in weeks.ends} == {5}
    assert set(np.diff(weeks.ends).astype(int)) == {7}
    assert str(weeks.ends[0]) == "2012-01-07"
    assert str(weeks.ends[-1]) == "2024-06-29"


def test_an_interval_counts_the_saturdays_of_its_year() -> None:
    weeks = consecutive_weeks(date(2015, 12, 26), date(2016, 12, 31))
    assert list(weeks.intervals[:3]) == [201552, 201601, 201602]
    # 2016 has 53 Saturdays.
    assert weeks.intervals[-1] == 201653


def test_a_first_week_that_ends_on_another_day_is_refused() -> None:
    with pytest.raises(ValueError, match="Saturday, got 2012-01-06"):
        consecutive_weeks(date(2012, 1, 6), date(2012, 2, 4))


def test_demand_is_strongest_in_the_last_week_with_shopping_days(weeks: SampleWeeks) -> None:
    for year, week in ((2015, "2015-12-19"), (2016, "2016-12-24"), (2021, "2021-12-25")):
        profile = np.where(
            weeks.ends.astype("datetime64[Y]") == np.datetime64(str(year)),
            weeks.occasions["christmas"],
            0,
        )
        assert str(weeks.ends[np.argmax(profile)]) == week


def test_mothers_day_demand_moves_with_easter(weeks: SampleWeeks) -> None:
    profile = weeks.occasions["mothers_day"]
    for year in range(2012, 2024):
        in_year = weeks.ends.astype("datetime64[Y]") == np.datetime64(str(year))
        strongest = weeks.ends[in_year][np.argmax(profile[in_year])].astype(date)
        assert 0 < (mothers_day(year) - strongest).days <= 6


@pytest.mark.parametrize("name", OCCASIONS)
def test_demand_is_a_share_of_its_strongest_week(name: str, weeks: SampleWeeks) -> None:
    profile = demand(weeks.ends, OCCASIONS[name])
    assert profile.max() == 1.0
    assert profile.min() >= 0.0
    # Some weeks of every year have nothing to do with the occasion.
    assert np.quantile(profile, 0.2) < 0.12
