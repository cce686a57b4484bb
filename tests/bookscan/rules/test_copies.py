import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from book_forecast.bookscan.export import clean_export
from book_forecast.bookscan.hints import ExportHints
from tests.bookscan.raw_exports import (
    ALCHEMIST,
    CATERPILLAR,
    TIGER,
    TODAY,
    raw_rows,
    read,
    saturdays,
)

ISBNS = (ALCHEMIST, CATERPILLAR, TIGER)


def sales(weeks=12, seed=1, **others):
    """Rows of three titles, no two of a title alike."""
    rng = np.random.default_rng(seed)
    return [
        {
            "isbn": isbn,
            "end_date": f"{day:%d/%m/%Y}",
            "volume": str(int(rng.integers(1, 200))),
            "asp": f"{rng.uniform(5, 9):.2f}",
        }
        | others
        for isbn in ISBNS
        for day in saturdays(weeks)
    ]


def history(export):
    """Return the volume of each title and week."""
    sums = export.sales.groupby(["isbn", "week"])["volume"].sum()
    return sums.sort_index().to_dict()


def read_sheets(sheets, hints=None):
    parts = [raw_rows(rows, sheet=name) for name, rows in sheets.items()]
    return clean_export(parts, hints or ExportHints(), TODAY)


def told(export, *words):
    return any(all(word in remark for word in words) for remark in export.remarks)


@pytest.mark.parametrize("times", [2, 3])
def test_an_export_that_is_pasted_several_times_counts_once(times):
    rows = sales()
    export = read(*rows * times)
    assert history(export) == history(read(*rows))
    assert told(export, f"{(times - 1) * len(rows):,} rows in it are copies")
    assert export.sheets[0]["copies"] == (times - 1) * len(rows)


def test_a_few_rows_that_are_pasted_twice_count_once():
    rows = sales()
    export = read(*rows, *rows[4:9])
    assert history(export) == history(read(*rows))
    assert told(export, "5 rows in it are copies")


def test_an_export_without_copies_has_no_remark():
    assert read(*sales()).remarks == ()


def test_channels_that_a_column_tells_apart_add_up_even_with_equal_figures():
    rows = sales(product_class="F")
    shops = [row | {"source": "Shops"} for row in rows]
    online = [row | {"source": "Online"} for row in rows]
    export = read(*shops, *online)
    assert history(export) == {key: 2 * volume for key, volume in history(read(*rows)).items()}
    assert told(export, "there again with the same copies")


def test_channels_of_a_column_that_is_not_used_add_up_too():
    rows = sales()
    channels = ["Shops"] * len(rows) + ["Online"] * len(rows)
    export = read(*rows, *rows, others=channels)
    assert history(export) == {key: 2 * volume for key, volume in history(read(*rows)).items()}


def test_rows_with_the_same_copies_but_another_text_add_up_and_are_told():
    rows = sales()
    copied = read(*rows * 2, others=[*("10:00",) * len(rows), *("10:05",) * len(rows)])
    assert sum(history(copied).values()) == 2 * sum(history(read(*rows)).values())
    assert told(copied, "there again with the same copies")
    channels = read(*rows, *sales(seed=2), others=[*("A",) * len(rows), *("B",) * len(rows)])
    assert channels.remarks == ()


def test_copies_are_found_beside_channels_that_a_column_tells_apart():
    shops, online = sales(seed=1, source="Shops"), sales(seed=2, source="Online")
    export = read(*shops, *online, *shops[:7])
    assert history(export) == history(read(*shops, *online))
    assert told(export, "7 rows", "copies")


def test_equal_rows_among_channels_without_a_column_are_sales_and_told():
    first, second = sales(seed=1), sales(seed=2)
    equal = {**second[5], "volume": first[5]["volume"], "asp": first[5]["asp"]}
    rows = [*first, *second[:5], equal, *second[6:]]
    export = read(*rows)
    assert len(export.sales) == len(rows)
    assert told(export, "1 rows in it equal others and count as sales")


def test_equal_sales_of_different_days_are_no_copies():
    days = [f"{day:02d}/01/2025" for day in range(5, 32)]
    rows = [{"end_date": day, "volume": "5", "asp": "7.99"} for day in days]
    assert sum(history(read(*rows)).values()) == 5 * len(days)


def test_a_copy_may_have_its_week_as_an_interval_alone():
    rows = [row | {"interval": f"2025{at % 12 + 1:02d}"} for at, row in enumerate(sales())]
    export = read(*rows, *(row | {"end_date": ""} for row in rows))
    assert history(export) == history(read(*rows))
    assert export.sheets[0]["copies"] == len(rows)


def test_what_the_user_says_about_copies_holds():
    rows = sales()
    added = read(*rows, *rows, hints=ExportHints(copies="add"))
    assert history(added) == {key: 2 * volume for key, volume in history(read(*rows)).items()}
    assert added.remarks == ()
    first, second = sales(seed=1), sales(seed=2)
    equal = {**second[5], "volume": first[5]["volume"], "asp": first[5]["asp"]}
    dropped = read(*first, *second[:5], equal, hints=ExportHints(copies="drop"))
    assert len(dropped.sales) == len(first) + 5


def test_a_sheet_that_repeats_another_counts_once_and_names_both():
    rows = sales()
    export = read_sheets({"F Adult Fiction": rows, "Backup": rows})
    assert history(export) == history(read(*rows))
    assert told(export, "Sheet Backup repeats", "F Adult Fiction")
    classes = export.attributes.query("attribute == 'product_class'")["text"]
    assert set(classes) == {"F Adult Fiction"}


def test_an_older_copy_of_a_sheet_counts_once():
    rows = sales(weeks=12)
    older = [row for row in rows if int(row["end_date"][:2]) < 20]
    export = read_sheets({"Now": rows, "Before": older})
    assert history(export) == history(read(*rows))


@pytest.mark.parametrize("order", [("A", "B", "All"), ("All", "A", "B"), ("A", "All", "B")])
def test_a_sheet_of_all_titles_counts_once_beside_sheets_of_some(order):
    rows = sales()
    sheets = {"A": rows[:12], "B": rows[12:], "All": rows}
    export = read_sheets({name: sheets[name] for name in order})
    assert history(export) == history(read(*rows))
    assert told(export, "count once", "All")


@pytest.mark.parametrize("order", [("UK", "Ireland", "Total"), ("Total", "UK", "Ireland")])
@pytest.mark.parametrize("few", [6, 36])
def test_a_sheet_that_is_the_sum_of_the_others_counts_once(order, few):
    home = [row | {"asp": ""} for row in sales(seed=1)]
    abroad = [row | {"volume": str(number + 1)} for number, row in enumerate(home[:few])]
    added = [int(row["volume"]) for row in abroad] + [0] * (len(home) - few)
    total = [
        row | {"volume": str(int(row["volume"]) + more)}
        for row, more in zip(home, added, strict=True)
    ]
    sheets = {"UK": home, "Ireland": abroad, "Total": total}
    export = read_sheets({name: sheets[name] for name in order})
    assert history(export) == history(read(*total))
    assert told(export, "Sheet Total is the sum of the other sheets")


def test_sheets_of_different_titles_or_weeks_add_up_without_a_word():
    rows = sales()
    export = read_sheets({"F": rows[:20], "Y": rows[20:]})
    assert history(export) == history(read(*rows))
    assert export.remarks == ()


def test_sheets_with_different_figures_of_the_same_title_weeks_add_up_and_are_told():
    first, second = sales(seed=1), sales(seed=2)
    export = read_sheets({"Shops": first, "Online": second})
    assert history(export) == history(read(*first, *second))
    assert told(export, "are on both sheets Shops and Online")


@settings(max_examples=20)
@given(st.permutations(range(36)), st.lists(st.integers(0, 35), max_size=20))
def test_the_order_of_rows_and_copies_of_some_change_no_history(order, again):
    rows = sales()
    shuffled = [rows[at] for at in order]
    export = read(*shuffled, *(rows[at] for at in again))
    assert history(export) == history(read(*rows))
    assert bool(export.remarks) == bool(again)


@settings(max_examples=20)
@given(st.permutations(["isbn", "end_date", "volume", "asp"]))
def test_the_order_of_columns_changes_nothing(columns):
    rows = sales()
    assert history(read(*rows, columns=columns)) == history(read(*rows))
