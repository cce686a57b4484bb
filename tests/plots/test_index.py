"""The page that leads to all others."""

import pandas as pd

from book_forecast.plots.index import index_page, index_titles
from book_forecast.plots.listing import Link, TitlePages
from tests.plots.frames import make_forecast, make_history, make_titles, weeks_from

A, B, C = "9780000000001", "9780000000002", "9780000000003"


def tables() -> dict[str, pd.DataFrame]:
    history = pd.concat([make_history(A, 120, 10.0), make_history(B, 120, 500.0)])
    return {
        "titles": make_titles(A, B),
        "model_input": history,
        "forecasts": make_forecast("ensemble", history["week"].max(), B, weeks=2, mean=100.0),
        "score_table": pd.DataFrame(
            {"isbn": [B], "wape": [0.25], "seasonal_naive_wape": [float("nan")]}
        ),
    }


def test_titles_are_listed_by_recent_volume_with_what_is_known_of_them():
    found = index_titles([A, C], **tables())
    assert found["isbn"].tolist() == [B, A, C]
    of_b, of_a, of_c = found.to_dict("records")
    assert found["title"].tolist() == ["Book 2", "Book 1", C]
    last_year = sum(500 + week for week in range(68, 120))
    assert (of_b["sold"], of_b["forecast"], of_b["wape"]) == (last_year, 201.0, 0.25)
    assert all(pd.isna(row[name]) for row in (of_a, of_c) for name in ("forecast", "wape"))
    assert pd.isna(of_c["sold"])


def test_without_tables_there_are_the_isbns_of_pages():
    found = index_titles([C, A])
    assert found["title"].tolist() == [A, C]
    page = index_page(found, [TitlePages("forecast", "p/*.html", [A])], [], [])
    assert "WAPE" not in page
    assert f'<a href="p/{A}.html">{A}</a>' in page


def test_a_missing_week_or_title_breaks_nothing():
    given = tables()
    given["model_input"].loc[:, "volume"] = float("nan")
    given["titles"]["title"] = None
    found = index_titles([A], **given)
    assert sorted(found["title"]) == [A, B]
    assert "9780000000001" in index_page(found, [], [], [])


def test_titles_labels_and_addresses_are_escaped():
    titles = index_titles([A], pd.DataFrame({"isbn": [A], "title": ["</td><script>x()</script>"]}))
    links = [Link("<b>", 'odd "name"#1.html')]
    kinds = [TitlePages("a&b", "x/y.html", [A]), TitlePages("stock", "z.html#*", [A])]
    page = index_page(titles, kinds, links, [Link("t", "../a b.parquet")], "<i>")
    assert "<script>x()" not in page
    assert "&lt;/td&gt;&lt;script&gt;x()" in page
    assert '<a href="odd%20%22name%22%231.html">&lt;b&gt;</a>' in page
    assert '<a href="../a%20b.parquet">t</a>' in page
    assert '<a href="x/y.html">a&amp;b</a>' in page
    assert f'<a href="z.html#{A}">stock</a>' in page
    assert "<b>" not in page
    assert "<i>" not in page


def test_the_week_of_the_last_sale_ends_the_52_weeks():
    weeks = weeks_from(pd.Timestamp("2023-01-07"), 60)
    sold = pd.DataFrame({"isbn": A, "week": weeks, "volume": 1.0})
    assert index_titles([A], model_input=sold)["sold"].tolist() == [52.0]
