import logging
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest
from kedro.io import DataCatalog, DatasetError
from kedro.runner import SequentialRunner
from omegaconf import OmegaConf

from book_forecast.pipelines.ingest import create_pipeline
from book_forecast.storage.errors import UserError

ALCHEMIST, CATERPILLAR = "9780722532935", "9780241003008"
HEADER = ["ISBN", "Title", "Author", "Interval", "End Date", "Volume", "Value", "ASP", "RRP"]


class Ingest:
    """The real pipeline on the real catalog, with its data in a folder of its own."""

    def __init__(self, root, project_path):
        self.root = root
        self.sales = root / "01_raw" / "sales"
        self.sales.mkdir(parents=True)
        entries = OmegaConf.load(project_path / "conf" / "base" / "catalog_ingest.yml")
        resolved: Any = OmegaConf.to_container(
            OmegaConf.merge({"_root": str(root)}, entries), resolve=True
        )
        self.entries = {name: entry for name, entry in resolved.items() if name != "_root"}

    def run(self, max_rejected_share=0.05):
        catalog = DataCatalog.from_config(self.entries)
        catalog["params:ingest.max_rejected_share"] = max_rejected_share
        SequentialRunner().run(create_pipeline(), catalog)

    def csv(self, name, *rows):
        lines = [",".join(str(cell) for cell in row) for row in rows]
        (self.sales / name).write_text("\n".join([",".join(HEADER), *lines]) + "\n")

    def table(self, name):
        [path] = self.root.rglob(f"{name}.parquet")
        return pd.read_parquet(path)


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
    ingest.csv("a.csv", *good[:1], row("9780722532936"), [], row(volume=-1), *good[1:])
    ingest.run()
    assert len(ingest.table("weekly_sales")) == 60
    rejected = ingest.table("rejected_rows")
    assert rejected[["file", "row", "column", "value"]].to_numpy().tolist() == [
        ["a.csv", 3, "ISBN", "9780722532936"],
        ["a.csv", 5, "Volume", "-1"],
    ]
    assert "Read a.csv: 62 rows, 2 rejected" in caplog.messages
    assert any("Volume: a negative volume (1)" in message for message in caplog.messages)


def test_the_file_with_the_last_name_replaces_the_others_per_title_and_week(ingest, caplog):
    caplog.set_level(logging.INFO)
    ingest.csv("2019-01.csv", row(volume=1), row(date="09/03/2019", volume=2), row(CATERPILLAR))
    ingest.csv("2019-02.csv", row(volume=10), row(volume=5), row(volume=5, date="16/03/2019"))
    ingest.run()
    weekly = ingest.table("weekly_sales")
    assert weekly.loc[weekly["isbn"] == ALCHEMIST, "volume"].tolist() == [15, 2, 5]
    assert weekly.loc[weekly["isbn"] == CATERPILLAR, "volume"].tolist() == [3]
    assert any(message.startswith("Replaced 1 title-weeks") for message in caplog.messages)


def test_how_many_days_moved_to_their_saturday_is_logged(ingest, caplog):
    caplog.set_level(logging.INFO)
    ingest.csv("a.csv", row(date="25/02/2019"), row(date="03/03/2019"), row(date="16/03/2019"))
    ingest.run()
    assert ingest.table("weekly_sales")["week"].dt.day.tolist() == [2, 9, 16]
    assert any(message.startswith("Moved 2 rows") for message in caplog.messages)


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
    assert len(before) == 2
    assert all(path.read_bytes() == content for path, content in before.items())


@pytest.mark.parametrize(("share", "stops"), [(0.24, True), (0.25, False), (1.0, False)])
def test_the_share_that_may_be_rejected_is_an_option(ingest, share, stops):
    ingest.csv("a.csv", row(), row(date="09/03/2019"), row(date="16/03/2019"), row(volume=-1))
    if stops:
        with pytest.raises(UserError, match=r"max_rejected_share=0\.24"):
            ingest.run(share)
    else:
        ingest.run(share)
        assert len(ingest.table("weekly_sales")) == 3


@pytest.mark.parametrize("rows", [[row(volume=-1)], []])
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

    def fail_half_way(self, file, **_):
        file.write(b"PAR1 half")
        raise OSError("No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", fail_half_way)
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
