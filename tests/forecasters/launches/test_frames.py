"""Launches and what is known of them are cut from the tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from book_forecast.forecasters.launches.frames import cut_launches, read_facts
from tests.histories import CUTOFF, weeks_frame

OTHER, LAUNCH, OLD, SHORT = "9780000000001", "9780000000002", "9780000000003", "9780000000004"
LAUNCH_WEEKS = weeks_frame(
    {
        LAUNCH: np.array([90.0, 60.0, 40.0]),
        OLD: np.array([9.0, 8.0, 7.0]),
        SHORT: np.append([50.0, 20.0, 0.0, 3.0], np.zeros(40)),
    }
).assign(rrp=[np.nan, 8.99, 7.99, *[5.0] * 47])
WEEKS = weeks_frame({OTHER: np.arange(100.0), LAUNCH: np.array([90.0, 60.0, 40.0])})
TITLES = pd.DataFrame(
    {
        "isbn": [OTHER, LAUNCH, OLD, SHORT],
        "product_class": ["F", "F", "F", "Y"],
        "author": ["A", "B", None, "C"],
        "list_price": [np.nan, np.nan, 12.99, np.nan],
        "publication_date": pd.to_datetime(pd.Series([None, "2023-12-20", "2020-01-01", None])),
    }
)
LAUNCHES = pd.DataFrame(
    {
        "isbn": [LAUNCH, OLD],
        "publication_date": pd.to_datetime(pd.Series(["2023-12-19", None])),
        "comparable": [f"{OTHER} {SHORT}", None],
        "print_run": [3000.0, np.nan],
    }
)


def test_the_table_of_launches_says_more_than_the_titles():
    known = read_facts(TITLES, LAUNCHES, LAUNCH_WEEKS)
    assert known.of(LAUNCH).comparable == (OTHER, SHORT)
    assert known.of(LAUNCH).author == "B"
    assert known.print_runs == {LAUNCH: 3000.0}
    # The Saturday of the table's Tuesday, and of the Wednesday in the list of titles.
    assert known.publications == {
        LAUNCH: np.datetime64("2023-12-23"),
        OLD: np.datetime64("2020-01-04"),
    }
    later = LAUNCHES.assign(publication_date=pd.Timestamp("2024-03-01"))
    assert read_facts(TITLES, later, LAUNCH_WEEKS).publications[LAUNCH] == np.datetime64(
        "2024-03-02"
    )


def test_a_price_is_that_of_the_list_or_of_the_first_sale():
    known = read_facts(TITLES, None, LAUNCH_WEEKS)
    prices = [known.of(isbn).price for isbn in (OTHER, LAUNCH, OLD, SHORT, "unknown")]
    assert prices == pytest.approx([np.nan, 8.99, 12.99, 5.0, np.nan], nan_ok=True)


def test_launches_are_titles_of_the_panel_that_came_out_in_it():
    known = read_facts(TITLES, LAUNCHES, LAUNCH_WEEKS)
    launches, series = cut_launches(WEEKS, LAUNCH_WEEKS, known)
    # One was published years before its first sale; the others' titles have seasons alone.
    assert [one.isbn for one in launches] == [LAUNCH, SHORT]
    assert [len(volumes) for _, _, volumes in series] == [100, 3, 3, 44]
    # Silence of half a year shows that the last sale was the last one.
    assert launches[1].volumes.tolist() == [50.0, 20.0, 0.0, 3.0]
    assert launches[0].first_week == CUTOFF - 14
