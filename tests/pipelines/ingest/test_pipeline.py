import logging

import numpy as np
import openpyxl
import pandas as pd
import pyarrow.parquet
import pytest
from kedro.io import DataCatalog, DatasetError

from book_forecast.storage.errors import UserError
from tests.pipelines.ingest.folder import IngestFolder

ALCHEMIST, CATERPILLAR = "9780722532935", "9780241003008"
HEADER = ["ISBN", "Title", "Author", "Interval", "End Date", "Volume", "Value", "ASP", "RRP"]


class Ingest(IngestFolder):
    """Has exports with all columns."""

    def csv(self, name, *rows):
        lines = [",".join(str(cell) for cell in row) for row in rows]
        (self.sales / name).write_text("\n".join([",".join(HEADER), *lines]) + "\n")


@pytest.fixture
def ingest(tmp_path, project_path):
    return Ingest(tmp_path / "data", project_path)


def row(isbn=ALCHEMIST, date="02/03/2019", volume=3, title="The Alchemist", interval=""):
    return [isbn, title, "Coelho", interval, date, volume, "", "", ""]


def saturdays(number):
    return pd.date_range("2018-01-06", periods=number, freq="7D").strftime("%d/%m/%Y")


def test_exports_of_every_format_become_one_table_of_weekly_sales(ingest):
    ingest.csv("a.csv", row(volume='"1,200"'), row("978-0-7225-3293-5", "09/03/2019", 2.5))
    book = openpyxl.Workbook()
    book.active.title = "Y Children's"
    book.active.append(HEADER)
    book.active.append(row(9780241003008, 43526, 7, "The Very Hungry Caterpillar"))
    book.save(ingest.sales / "b.xlsx")
    frame = pd.DataFrame({"isbn": [722532938], "volume": [9], "interval": [201911]})
    frame.to_parquet(ingest.sales / "c.parquet")
    ingest.run()
    weekly = ingest.table("weekly_sales")
    assert list(weekly.columns) == ["isbn", "week", "volume", "value", "asp", "rrp"]
    assert weekly[["isbn", "week", "volume"]].to_numpy().tolist() == [
        [CATERPILLAR, pd.Timestamp("2019-03-02"), 7],
        [ALCHEMIST, pd.Timestamp("2019-03-02"), 1200],
        [ALCHEMIST, pd.Timestamp("2019-03-09"), 2.5],
        [ALCHEMIST, pd.Timestamp("2019-03-16"), 9],
    ]
    assert weekly["isbn"].dtype == "str"
    titles = ingest.table("titles").set_index("isbn")
    assert titles.loc[CATERPILLAR, "title"] == "The Very Hungry Caterpillar"
    assert titles.loc[CATERPILLAR, "product_class"] == "Y Children's"
    assert titles.loc[ALCHEMIST, "author"] == "Coelho"
    assert ingest.table("rejected_rows").empty


def test_bad_rows_are_kept_with_their_place_and_stop_no_good_one(ingest, caplog):
    caplog.set_level(logging.INFO)
    good = [
        row(date=day.strftime("%d/%m/%Y"))
        for day in pd.date_range("2018-01-06", periods=60, freq="7D")
    ]
    ingest.csv("a.csv", *good[:1], row("9780722532936"), [], row(volume="many"), *good[1:])
    ingest.run()
    assert len(ingest.table("weekly_sales")) == 60
    rejected = ingest.table("rejected_rows")
    assert rejected[["file", "row", "column", "value"]].to_numpy().tolist() == [
        ["a.csv", 3, "ISBN", "9780722532936"],
        ["a.csv", 5, "Volume", "many"],
    ]
    assert "Read a.csv: 62 rows, 2 rejected" in caplog.messages
    assert "Rejected 2 rows, see rejected_rows" in caplog.messages


def test_the_file_with_the_last_name_replaces_the_others_per_title_and_week(ingest, caplog):
    caplog.set_level(logging.INFO)
    ingest.csv("2019-01.csv", row(volume=1), row(date="09/03/2019", volume=2), row(CATERPILLAR))
    ingest.csv("2019-02.csv", row(volume=10), row(volume=5), row(volume=5, date="16/03/2019"))
    ingest.run()
    weekly = ingest.table("weekly_sales")
    assert weekly.loc[weekly["isbn"] == ALCHEMIST, "volume"].tolist() == [15, 2, 5]
    assert weekly.loc[weekly["isbn"] == CATERPILLAR, "volume"].tolist() == [3]
    assert any(message.startswith("Replaced 1 title-weeks") for message in caplog.messages)


def test_days_of_sales_are_told_and_counted_in_the_import_table(ingest, caplog):
    ingest.csv("a.csv", row(date="25/02/2019"), row(date="03/03/2019"), row(date="16/03/2019"))
    ingest.run()
    assert ingest.table("weekly_sales")["week"].dt.day.tolist() == [2, 9, 16]
    assert ingest.table("import_table")["moved"].tolist() == [2]
    assert any(message.startswith("a.csv: Its dates have several") for message in caplog.messages)


def test_the_import_table_says_how_each_file_was_understood(ingest):
    days = saturdays(30)
    ingest.csv("a.csv", *(row(date=day) for day in days), row(date=days[0], volume=-1))
    lines = [f"{ALCHEMIST};{day};1.234;7,99" for day in saturdays(40)[30:]]
    (ingest.sales / "b.csv").write_text("\n".join(["EAN;Week Ending;Qty;ASP", *lines, ""]))
    ingest.run()
    table = ingest.table("import_table").set_index("file")
    assert table["numbers"].tolist() == ["decimal point", "decimal comma"]
    assert table["dates"].tolist() == ["day first"] * 2
    assert table["weeks"].tolist() == ["weeks end on Saturday"] * 2
    assert table["rows"].tolist() == [31, 10]
    assert table["returns"].tolist() == [1, 0]
    assert table["volume"].tolist() == [89, 12340]
    assert table.loc["b.csv", "columns"] == "EAN, Week Ending, Qty, ASP"


def test_returns_are_taken_off_and_a_negative_week_stays_negative(ingest, caplog):
    caplog.set_level(logging.INFO)
    ingest.csv("a.csv", row(volume=100), row(volume=-20), row(date="09/03/2019", volume=-5))
    ingest.run()
    assert ingest.table("weekly_sales")["volume"].tolist() == [80, -5]
    assert any("Returns exceed sales in 1 title-weeks" in text for text in caplog.messages)


def test_a_delivery_with_the_month_first_replaces_no_week_of_another(ingest, caplog):
    days = pd.date_range("2026-01-03", periods=10, freq="7D")
    ingest.csv("2026-03.csv", *(row(date=f"{day:%d/%m/%Y}", volume=5) for day in days))
    ingest.csv("2026-08.csv", row(date="08/01/2026", volume=999, interval="202631"))
    ingest.run()
    weekly = ingest.table("weekly_sales").set_index("week")["volume"]
    assert weekly["2026-01-10"] == 5
    assert weekly["2026-08-01"] == 999
    assert any("2026-08.csv: Its dates have the month first" in text for text in caplog.messages)


@pytest.mark.parametrize("volume", [10**9, 10**11])
def test_an_implausible_volume_is_held_back_by_name_unless_the_user_wants_it(
    ingest, caplog, volume
):
    days = saturdays(60)
    good = [row(date=day, volume=100 + number) for number, day in enumerate(days[:-1])]
    ingest.csv("a.csv", *good, row(date=days[-1], volume=volume))
    ingest.run()
    assert ingest.table("weekly_sales")["volume"].max() == 158
    [rejected] = ingest.table("rejected_rows").to_dict("records")
    assert (rejected["file"], rejected["row"], rejected["column"]) == ("a.csv", 61, "Volume")
    assert "hold_back" in rejected["reason"]
    assert any(ALCHEMIST in text and "implausible" in text for text in caplog.messages)
    ingest.run(hold_back=False)
    assert ingest.table("weekly_sales")["volume"].max() == volume
    assert ingest.table("rejected_rows").empty


@pytest.mark.parametrize("volume", ["1e308", ALCHEMIST, "9.780722532935E+12"])
def test_an_impossible_volume_is_rejected_by_its_row(ingest, volume):
    days = saturdays(60)
    ingest.csv("a.csv", *(row(date=day) for day in days[:-1]), row(date=days[-1], volume=volume))
    ingest.run()
    assert ingest.table("rejected_rows")[["row", "value"]].to_numpy().tolist() == [[61, volume]]
    assert len(ingest.table("weekly_sales")) == 59


def test_a_rounded_isbn_of_several_titles_is_rejected_by_name(ingest):
    days = saturdays(60)
    rounded = [
        row("9780330000000", days[at], title=title)
        for at, title in enumerate(["One", "Two", "Six"])
    ]
    ingest.csv("a.csv", *(row(date=day) for day in days), *rounded)
    ingest.run()
    assert set(ingest.table("weekly_sales")["isbn"]) == {ALCHEMIST}
    rejected = ingest.table("rejected_rows")
    assert rejected["value"].tolist() == ["9780330000000"] * 3
    assert rejected["row"].tolist() == [62, 63, 64]
    assert rejected["reason"].str.contains("rounded").all()


def test_authors_tell_a_rounded_isbn_where_there_are_no_titles(ingest):
    lines = [f"9780330000000,{who},02/03/2019,3" for who in ("Coelho", "Carle")]
    lines += [f"{ALCHEMIST},Coelho,{day},3" for day in saturdays(60)]
    (ingest.sales / "a.csv").write_text("\n".join(["ISBN,Author,End Date,Volume", *lines, ""]))
    ingest.run()
    assert ingest.table("rejected_rows")["row"].tolist() == [2, 3]


def test_an_isbn_that_may_be_rounded_is_named_with_its_file(ingest, caplog):
    lines = ["9780330000000,02/03/2019,3", f"{ALCHEMIST},02/03/2019,3"]
    (ingest.sales / "a.csv").write_text("\n".join(["ISBN,End Date,Volume", *lines, ""]))
    ingest.run()
    assert any("a.csv: A spreadsheet may have rounded" in text for text in caplog.messages)


def test_a_rounded_isbn_is_found_across_files(ingest):
    ingest.csv("a.csv", *(row(date=day) for day in saturdays(60)))
    for name, title in (("b.csv", "One"), ("c.csv", "Two")):
        ingest.csv(name, row("9780330000000", title=title), row(CATERPILLAR))
    ingest.run()
    rejected = ingest.table("rejected_rows")
    assert rejected["file"].tolist() == ["b.csv", "c.csv"]


def test_what_the_user_says_about_a_file_holds_for_it_alone(ingest):
    for name in ("uk.csv", "us.csv"):
        isbn = ALCHEMIST if name == "uk.csv" else CATERPILLAR
        ingest.csv(name, row(isbn, date="05/02/2026", volume=1))
    ingest.run(exports={"us*": {"date_order": "month_first"}, "uk*": {"date_order": "day_first"}})
    weekly = ingest.table("weekly_sales").set_index("isbn")["week"]
    assert weekly[CATERPILLAR] == pd.Timestamp("2026-05-02")
    # 5 February is a Thursday: the end of a week that has most days before Saturday the 7th.
    assert weekly[ALCHEMIST] == pd.Timestamp("2026-02-07")


def test_too_many_bad_rows_stop_the_run_with_the_rows_kept_and_the_sales_as_they_were(ingest):
    ingest.csv("a.csv", row())
    ingest.run()
    before = {path: path.read_bytes() for path in ingest.root.rglob("03_primary/*.parquet")}
    ingest.csv("b.csv", row(volume="many"), row("x"), row("x"))
    with pytest.raises(UserError) as error:
        ingest.run()
    message = str(error.value)
    assert "3 of 4 rows (75.0%)" in message
    assert "max_rejected_share=0.05" in message
    assert "ISBN: not an ISBN: it has characters other than digits (2)" in message
    assert "rejected_rows" in message
    assert len(ingest.table("rejected_rows")) == 3
    assert len(before) == 3
    assert all(path.read_bytes() == content for path, content in before.items())


@pytest.mark.parametrize(("share", "stops"), [(0.24, True), (0.25, False), (1.0, False)])
def test_the_share_that_may_be_rejected_is_an_option(ingest, share, stops):
    ingest.csv("a.csv", row(), row(date="09/03/2019"), row(date="16/03/2019"), row(volume="many"))
    if stops:
        with pytest.raises(UserError, match=r"max_rejected_share=0\.24"):
            ingest.run(max_rejected_share=share)
    else:
        ingest.run(max_rejected_share=share)
        assert len(ingest.table("weekly_sales")) == 3


@pytest.mark.parametrize("rows", [[row(volume="many")], []])
def test_exports_without_a_usable_row_stop_the_run_whatever_may_be_rejected(ingest, rows):
    ingest.csv("a.csv", *rows)
    with pytest.raises(UserError, match="exports"):
        ingest.run(max_rejected_share=1.0)
    assert not list(ingest.root.rglob("weekly_sales.parquet"))


def test_an_export_without_rows_among_others_is_named(ingest, caplog):
    ingest.csv("a.csv")
    ingest.csv("b.csv", row())
    ingest.run()
    assert "Read a.csv: it has a header but no rows" in caplog.messages


def test_a_broken_file_stops_the_run_with_nothing_written(ingest):
    ingest.csv("a.csv", row())
    (ingest.sales / "b.xlsx").write_bytes(b"PK\x03\x04 half a workbook")
    with pytest.raises(UserError, match=r"b\.xlsx"):
        ingest.run()
    assert not list(ingest.root.rglob("*.parquet"))


def test_a_frame_that_breaks_the_schema_is_refused_and_nothing_written(ingest):
    ingest.csv("a.csv", row())
    ingest.run()
    good = ingest.table("weekly_sales")
    catalog = DataCatalog.from_config(ingest.entries)
    with pytest.raises(DatasetError, match="Saturdays"):
        catalog.save("weekly_sales", good.assign(week=good["week"] + pd.Timedelta(days=1)))
    pd.testing.assert_frame_equal(ingest.table("weekly_sales"), good)


def test_a_write_that_fails_half_way_leaves_the_old_sales(ingest, monkeypatch):
    ingest.csv("a.csv", row())
    ingest.run()
    [path] = ingest.root.rglob("weekly_sales.parquet")
    before = path.read_bytes()

    def fail_half_way(table, file, **_):
        file.write(b"PAR1 half")
        raise OSError("No space left on device")

    monkeypatch.setattr(pyarrow.parquet, "write_table", fail_half_way)
    ingest.csv("a.csv", row(volume=99))
    with pytest.raises(DatasetError, match="No space left"):
        ingest.run()
    assert path.read_bytes() == before
    assert [entry.name for entry in path.parent.iterdir() if entry.name.startswith(".")] == []


def test_the_order_of_rows_and_how_they_are_spread_over_sheets_change_nothing(ingest):
    rng = np.random.default_rng(3)
    days = pd.date_range("2018-01-06", periods=40, freq="7D").strftime("%d/%m/%Y")
    rows = [
        row(isbn, day, int(rng.integers(99))) for isbn in (ALCHEMIST, CATERPILLAR) for day in days
    ]
    ingest.csv("a.csv", *rows)
    ingest.run()
    once = ingest.table("weekly_sales"), ingest.table("titles")
    (ingest.sales / "a.csv").unlink()
    book = openpyxl.Workbook()
    for sheet in (book.active, book.create_sheet("Sheet2")):
        sheet.append(HEADER)
    for place in rng.permutation(len(rows)):
        book.worksheets[int(rng.integers(2))].append(rows[place])
    book.save(ingest.sales / "a.xlsx")
    ingest.run()
    pd.testing.assert_frame_equal(ingest.table("weekly_sales"), once[0])
    pd.testing.assert_frame_equal(ingest.table("titles"), once[1])


def test_an_implausible_row_among_few_does_not_stop_the_run(ingest):
    ingest.csv("a.csv", row(), row(date="09/03/2019", volume="1e308"))
    ingest.run()
    assert ingest.table("weekly_sales")["volume"].tolist() == [3.0]
    assert ingest.table("rejected_rows")["reason"].str.startswith("implausible").all()


def test_a_sum_below_the_rows_is_no_sale_and_does_not_stop_the_run(ingest):
    ingest.csv("a.csv", row(), ["", "", "", "", "", 3, "", "", ""])
    ingest.run()
    assert ingest.table("weekly_sales")["volume"].tolist() == [3.0]
    assert ingest.table("rejected_rows").empty
