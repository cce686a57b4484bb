import pytest

from book_forecast.bookscan.year_weeks import join_years
from tests.bookscan.raw_exports import raw_rows, read, volumes, weeks


def rows(**cells):
    return [dict(zip(cells, row, strict=True)) for row in zip(*cells.values(), strict=True)]


def columns(*names):
    return ["isbn", "volume", *names]


@pytest.mark.parametrize("week", ["31", "W31", "Week 31", "wk31", "KW 31", "31.0"])
@pytest.mark.parametrize("column", ["interval", "end_date"])
def test_a_year_and_a_week_in_two_columns_are_an_interval(week, column):
    export = read({"year": "2026", column: week}, columns=columns("year", column))
    assert weeks(export) == ["2026-08-01"]


def test_weeks_of_several_years_keep_their_rows():
    given = rows(year=["2025", "2026", "2025"], interval=["1", "1", "52"], volume=["1", "2", "3"])
    export = read(*given, columns=columns("year", "interval"))
    assert weeks(export) == ["2025-01-04", "2026-01-03", "2025-12-27"]
    assert volumes(export) == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("interval", ["202631", "2026-W31"])
def test_whole_intervals_beside_a_year_stay_as_they_are(interval):
    raw = raw_rows([{"isbn": "x", "year": "2026", "interval": interval}])
    assert join_years(raw) is raw


def test_a_row_without_a_year_or_a_week_has_no_interval():
    given = rows(year=["2026", "", "2026"], interval=["31", "31", ""])
    export = read(*given, columns=columns("year", "interval"))
    assert weeks(export) == ["2026-08-01"]
    assert len(export.rejected) == 2
