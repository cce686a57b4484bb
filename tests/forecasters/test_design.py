"""The columns of a regression follow from their names and the weeks."""

import numpy as np
import pytest

from book_forecast.forecasters.design import (
    covariate_column,
    design_matrix,
    group_of,
    holiday_names,
    season_names,
    wave_number,
)
from book_forecast.series.calendar import CALENDAR_COVARIATES
from book_forecast.series.history import WEEK

WEEKS = np.datetime64("2020-01-04") + WEEK * np.arange(209)
SEEN = np.ones(len(WEEKS), dtype=bool)


def test_a_year_repeats_on_the_same_day_of_the_year_and_not_every_52_weeks():
    names = season_names(52)
    design = design_matrix(names, WEEKS, 52, {})
    assert design.shape == (209, 24)
    after_four_years = np.abs(design[208] - design[0])
    # The 4th of January and the 30th of December: five days apart.
    assert after_four_years[:2].max() < 0.1
    assert np.abs(design[52] - design[0])[-2:].max() > 0.05


@pytest.mark.parametrize(("season", "columns"), [(1, 0), (2, 1), (4, 3), (5, 4), (13, 12)])
def test_a_short_season_has_as_many_columns_as_weeks_less_one(season, columns):
    names = season_names(season)
    design = design_matrix(names, WEEKS, season, {})
    assert design.shape[1] == len(names) == columns
    assert np.linalg.matrix_rank(np.c_[np.ones(len(WEEKS)), design]) == columns + 1


def test_a_column_is_the_same_whichever_weeks_are_asked_for_and_beside_whatever_others():
    names = ["holidays.easter", "season.sin3", "season.cos1"]
    whole = design_matrix(names, WEEKS, 52, {})
    part = design_matrix(names[::-1], WEEKS[100:110], 52, {})
    assert np.array_equal(part, whole[100:110, ::-1])


def test_covariates_stand_beside_the_others_by_name():
    price = np.arange(209.0)
    names = [covariate_column("price"), "season.cos1", covariate_column("promotion")]
    design = design_matrix(names, WEEKS, 52, {names[0]: price, names[2]: -price})
    assert np.array_equal(design[:, [0, 2]], np.c_[price, -price])
    assert [group_of(name) for name in names] == ["other", "season", "promotion"]
    assert [wave_number(name) for name in season_names(52)[:4]] == [1, 1, 2, 2]


def test_without_names_there_are_no_columns():
    assert design_matrix([], WEEKS, 52, {}).shape == (209, 0)


def test_every_window_that_opened_twice_is_a_column():
    assert holiday_names(WEEKS, SEEN) == [f"holidays.{name}" for name in CALENDAR_COVARIATES]


def test_a_window_that_was_seen_open_once_is_none():
    names = holiday_names(WEEKS[:75], SEEN[:75])
    assert "holidays.new_year" in names
    assert "holidays.fathers_day" not in names
    # Its second year was not reported.
    lockdown = (np.datetime64("2021-03-20") < WEEKS) & (np.datetime64("2021-04-24") > WEEKS)
    assert "holidays.easter" in holiday_names(WEEKS[:104], SEEN[:104])
    assert "holidays.easter" not in holiday_names(WEEKS[:104], ~lockdown[:104])


def test_weeks_that_are_in_no_calendar_are_refused():
    with pytest.raises(ValueError, match="The calendar has no weeks that end from 2020-01-03"):
        holiday_names(WEEKS - 1, SEEN)
    with pytest.raises(ValueError, match="from 1970"):
        design_matrix(["holidays.easter"], WEEKS - 18_263, 52, {})
