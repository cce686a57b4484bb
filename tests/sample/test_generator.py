"""What the sample promises is in it: each effect is looked for in the rows, not in the code."""

import numpy as np
import pandas as pd
import pytest
from dateutil.easter import easter  # type: ignore[import-untyped]

from book_forecast.bookscan.isbn import normalise_isbn
from book_forecast.sample.weeks import mothers_day
from book_forecast.series.calendar import fathers_day, world_book_day

COLUMNS = [
    "ISBN", "Title", "Author", "Interval", "End Date", "Volume", "Value", "ASP", "RRP", "Binding",
    "Imprint", "Publisher Group", "Product Class",
]  # fmt: skip
CATERPILLAR = "The Very Hungry Caterpillar"
YEARS = range(2013, 2024)


def week_of(day: object) -> pd.Timestamp:
    """The Saturday on or before a Sunday, or after any other day."""
    date = pd.Timestamp(str(day))
    return date - pd.Timedelta(days=1) if date.weekday() == 6 else date + pd.offsets.Week(weekday=5)


def lift_around(volumes: pd.Series, week: pd.Timestamp) -> float:
    """Copies in a week over those of the usual week within three months."""
    span = pd.Timedelta(weeks=13)
    return float(volumes[week] / volumes[week - span : week + span].median())


def median_lift(volumes: pd.Series, weeks: list[pd.Timestamp]) -> float:
    lifts = [lift_around(volumes, week) for week in weeks if not np.isnan(volumes[week])]
    return float(np.median(lifts))


def christmas_lifts(volumes: pd.Series) -> pd.Series:
    """Best December week over the usual week, per year."""
    years = year_of(volumes)
    december = volumes.where(month_of(volumes) == 12)
    return december.groupby(years).max() / volumes.groupby(years).median()


def year_of(volumes: pd.Series) -> pd.Series:
    return pd.Series(pd.DatetimeIndex(volumes.index).year, index=volumes.index)


def month_of(volumes: pd.Series) -> pd.Series:
    return pd.Series(pd.DatetimeIndex(volumes.index).month, index=volumes.index)


def test_rows_have_the_columns_of_an_export_in_order(sales: pd.DataFrame) -> None:
    assert list(sales.columns) == COLUMNS
    assert sales.notna().all().all()
    assert not sales.duplicated(["ISBN", "End Date"]).any()


def test_26_titles_are_in_four_classes_and_the_two_defaults_among_them(sales: pd.DataFrame) -> None:
    titles = sales.drop_duplicates("ISBN").set_index("ISBN")
    assert len(titles) == 26
    assert titles["Product Class"].value_counts().to_dict() == {
        "F Adult Fiction": 8,
        "Y Children's, YA & Educational": 7,
        "T Adult Non-Fiction Trade": 6,
        "S Adult Non-Fiction Specialist": 5,
    }
    assert titles.loc["9780722532935", "Title"] == "The Alchemist"
    assert titles.loc["9780241003008", "Title"] == CATERPILLAR
    assert [normalise_isbn(isbn) for isbn in titles.index] == list(titles.index)


def test_intervals_and_dates_agree(sales: pd.DataFrame) -> None:
    dates = sales["End Date"]
    assert (dates.dt.day_of_week == 5).all()
    nth_saturday = (dates.dt.day_of_year - 1) // 7 + 1
    assert (sales.Interval == dates.dt.year * 100 + nth_saturday).all()
    assert dates.min() == pd.Timestamp("2012-01-07")
    assert dates.max() == pd.Timestamp("2024-06-29")


def test_money_adds_up(sales: pd.DataFrame) -> None:
    assert (sales.Volume >= 1).all()
    assert np.allclose(sales.Value, sales.Volume * sales.ASP, atol=0.005)
    assert (sales.ASP <= sales.RRP).all()
    assert (sales.ASP > 0).all()
    for money in (sales.Value, sales.ASP, sales.RRP):
        assert (money == money.round(2)).all()


def test_nobody_reports_in_the_lockdown_of_2020(volumes: pd.DataFrame) -> None:
    empty = volumes.index[volumes.isna().all(axis=1)]
    assert list(empty) == list(pd.date_range("2020-03-28", "2020-06-13", freq="7D"))


def test_christmas_peaks_and_its_height_differs_by_title(volumes: pd.DataFrame) -> None:
    height = {name: christmas_lifts(column).median() for name, column in volumes.items()}
    assert height["A Kitchen for All Weathers"] > 4
    assert 1.4 < height["The Alchemist"] < 3.5
    assert height["Clinical Skills at the Bedside"] < 1.7
    yearly = christmas_lifts(volumes["A Kitchen for All Weathers"]).loc[2012:2023]
    assert (yearly > 2.5).all()
    assert yearly.std() > 0.3


def test_world_book_day_lifts_childrens_titles_only(volumes: pd.DataFrame) -> None:
    weeks = [week_of(world_book_day(year)) for year in YEARS]
    assert median_lift(volumes["Mole and the Moon Biscuit"], weeks) > 2
    assert median_lift(volumes[CATERPILLAR], weeks) > 1.3
    assert median_lift(volumes["The Alchemist"], weeks) < 1.3


def test_september_sends_children_back_to_school(volumes: pd.DataFrame) -> None:
    weeks = [pd.Timestamp(year, 9, 3) + pd.offsets.Week(weekday=5) for year in YEARS]
    assert median_lift(volumes["Sums Without Tears: Ages 9-11"], weeks) > 1.5


def test_mothers_day_peaks_move_with_easter(volumes: pd.DataFrame) -> None:
    gardening = volumes["Hedgerow: A Gardener's Year"]
    weeks = [week_of(mothers_day(year)) for year in YEARS]
    assert median_lift(gardening, weeks) > 1.7
    # The same week of the year, when Mother's Day was three weeks away.
    early, late = week_of(mothers_day(2016)), week_of(mothers_day(2019))
    assert early.day_of_year < late.day_of_year - 20
    assert lift_around(gardening, late) > 1.2 * lift_around(gardening, late - pd.Timedelta(weeks=4))


def test_fathers_day_lifts_military_history(volumes: pd.DataFrame) -> None:
    weeks = [week_of(fathers_day(year)) for year in YEARS]
    assert median_lift(volumes["Convoy: The Winter Crossings"], weeks) > 1.8


def test_easter_books_peak_in_march_or_april_as_easter_falls(volumes: pd.DataFrame) -> None:
    bunny = volumes["Bunny's Busy Spring"]
    days_before, months = [], set()
    for year in set(YEARS) - {2020}:
        spring = bunny.loc[f"{year}-02-20" : f"{year}-05-10"]
        peak = pd.Timestamp(str(spring.idxmax()))
        days_before.append((pd.Timestamp(easter(year)) - peak).days)
        months.add(peak.month)
    assert sum(0 <= days <= 14 for days in days_before) >= 9
    assert months == {3, 4}


def test_a_launch_decays(volumes: pd.DataFrame) -> None:
    launch = volumes["The Cartographer's Apprentice"].loc["2016-07-09":]
    assert launch.index[0] == volumes["The Cartographer's Apprentice"].first_valid_index()
    assert launch.iloc[1:9].mean() > 4 * launch.iloc[60:112].mean()


def test_backlist_levels_drift(volumes: pd.DataFrame) -> None:
    for name in ("The Alchemist", CATERPILLAR, "Convoy: The Winter Crossings"):
        yearly = volumes[name].groupby(year_of(volumes[name])).median()
        assert yearly.max() > 1.25 * yearly.min()


def test_a_film_steps_the_level_up_for_good(volumes: pd.DataFrame) -> None:
    filmed = volumes["The Salt Road Home"]
    before = filmed.loc["2016-05-20":"2017-04-20"].median()
    assert filmed.loc["2017-05-20":"2017-07-20"].median() > 2 * before
    assert filmed.loc["2018-05-20":"2019-04-20"].median() > 1.15 * before


def test_promotions_show_in_the_price_and_in_the_copies(sales: pd.DataFrame) -> None:
    lifts = []
    for _, title in sales.groupby("ISBN"):
        ratio = title.ASP / title.RRP
        promoted = ratio < ratio.median() - 0.1
        if title.Volume.median() > 50 and promoted.sum() > 20:
            usual = title.Volume.rolling(27, center=True, min_periods=5).median()
            lifts.append((title.Volume / usual)[promoted].median())
    assert len(lifts) >= 8
    assert min(lifts) > 1.0
    assert np.median(lifts) > 1.3


def test_slow_sellers_have_many_weeks_without_a_row(volumes: pd.DataFrame) -> None:
    weeks_with_reports = volumes.notna().any(axis=1).sum()
    sold = volumes.notna().sum() / weeks_with_reports
    assert sold["Soil Mechanics of Reclaimed Land"] < 0.5
    assert sold["Letters from the Lamp Room"] < 0.8
    assert sold[CATERPILLAR] == 1.0


def test_a_dead_title_has_no_sale_after_its_last(volumes: pd.DataFrame) -> None:
    dead = volumes["Death at Nether Stoke"]
    assert dead.loc["2021-01-01":"2021-12-31"].notna().all()
    last_sale = dead.dropna().index[-1]
    assert pd.Timestamp("2022-01-01") <= last_sale <= pd.Timestamp("2022-02-26")


def test_titles_are_launched_midway_and_late(volumes: pd.DataFrame) -> None:
    first = volumes.notna().idxmax()
    assert first["Night Train to Quillan"] == pd.Timestamp("2023-03-04")
    assert first["The Glass Ferry"] == pd.Timestamp("2022-03-05")
    assert first["Dragon Post Number One"] == pd.Timestamp("2018-09-15")


def test_counts_are_over_dispersed(volumes: pd.DataFrame) -> None:
    slow = volumes["Letters from the Lamp Room"].loc[:"2019-12-31"].fillna(0)
    assert slow.var() > 1.4 * slow.mean()
    # Week to week, the steady sellers vary far beyond Poisson too.
    for name in ("The Alchemist", CATERPILLAR):
        quiet = volumes[name][month_of(volumes[name]).isin([9, 10])].dropna()
        change = quiet.diff()[quiet.index.to_series().diff() == pd.Timedelta(weeks=1)]
        assert (change**2).median() / 2 > 5 * quiet.median()


@pytest.mark.parametrize(
    ("title", "low", "high"),
    [("The Alchemist", 0.15, 0.5), (CATERPILLAR, 0.15, 0.5), ("Bunny's Busy Spring", 0.2, 0.8)],
)
def test_last_year_is_a_fair_but_poor_forecast(
    volumes: pd.DataFrame, title: str, low: float, high: float
) -> None:
    column = volumes[title]
    test = column.iloc[-32:]
    assert low < (test - column.shift(52).iloc[-32:]).abs().sum() / test.sum() < high
