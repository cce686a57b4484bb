import logging
from typing import Any

import pytest

from book_forecast.datasets import ExportsDataset, TitleListsDataset
from book_forecast.options.groups import IngestOptions
from book_forecast.pipelines.ingest.changes import summarise_import
from book_forecast.pipelines.ingest.nodes import add_up_sales, clean_exports
from book_forecast.pipelines.ingest.report import report_import
from book_forecast.pipelines.ingest.title_lists import read_title_lists

HEADER = "ISBN,Title,End Date,Volume"
ROWS = [
    "9780722532935,The Alchemist,03/01/2026,10",
    "9780722532935,The Alchemist,10/01/2026,12",
    "9780241003008,VHC,10/01/2026,7",
]


@pytest.fixture
def report(tmp_path, caplog):
    """Return a function that imports the files of a folder and reports them."""
    caplog.set_level(logging.INFO)
    former: list[Any] = [None]

    def run(**files):
        for path in tmp_path.iterdir():
            path.unlink()
        for name, lines in files.items():
            text = "\n".join([HEADER, *lines])
            (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
        caplog.clear()
        exports = ExportsDataset(filepath=str(tmp_path)).load()
        rows, texts, rejected, _, table, lists = clean_exports(exports, {}, IngestOptions())
        no_lists = TitleListsDataset(filepath=str(tmp_path / "titles")).load()
        listed, rejected_titles, list_table = read_title_lists(no_lists, lists, table, {})
        before = summarise_import(former[0])
        _, former[0], summary = add_up_sales(rows, texts, listed, before)
        return report_import(table, rejected, summary, list_table, rejected_titles)

    return run


def summary_of(caplog):
    return [record.message for record in caplog.records if record.name.endswith("ingest.report")]


def test_the_log_has_the_summary_in_five_lines(report, caplog):
    report(sales=ROWS)
    assert summary_of(caplog) == [
        "Import: 1 files, 3 rows, 3 used, 0 copies, 0 returns",
        "Rejected: 0 rows",
        "Weekly sales: 3 title-weeks of 2 titles, 2026-01-03 to 2026-01-10",
        "Newest week 2026-01-10: 2 titles, 19 copies; 1 titles are new, 0 of 0 usual ones silent",
        "Against the last import: this is the first",
    ]


def test_no_line_of_the_log_is_longer_than_160_characters(report, caplog):
    report(sales=[*ROWS, f"978,{'x' * 300},10/01/2026,1"])
    assert all(len(line) <= 160 for line in summary_of(caplog))


def test_the_page_shows_what_was_understood_of_each_file(report):
    page = report(sales=ROWS)
    for text in ("Import report", "sales.csv", "decimal point", "day first", "Saturday", "utf-8"):
        assert text in page


def test_the_page_shows_rejected_rows_with_their_reason_and_place(report):
    page = report(sales=[*ROWS, "9780722532936,Wrong,10/01/2026,3"])
    assert "wrong ISBN check digit (1)" in page
    assert "9780722532936" in page


def test_a_reading_by_a_guess_is_to_be_looked_at(report):
    sundays = ["9780722532935,A,04/01/2026,1", "9780722532935,A,11/01/2026,2"]
    assert "Its weeks end on Sunday" in report(sales=sundays)


def test_cells_are_escaped(report):
    page = report(sales=[*ROWS, "<script>alert(1)</script>,X,10/01/2026,3"])
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_an_export_that_was_cut_is_told(report, caplog):
    report(sales=ROWS)
    page = report(sales=ROWS[:1])
    assert "2 title-weeks of the last import are gone" in caplog.text
    assert "2 title-weeks lost" in page


def test_a_week_that_a_delivery_with_a_misread_date_replaces_is_told(report, caplog):
    report(sales=ROWS)
    new = ["9780722532935,The Alchemist,10/01/2026,40", "9780241003008,VHC,10/01/2026,5"]
    page = report(sales=ROWS, w40=new)
    line = "Week 2026-01-10 has 45 copies, 19 in the last import: a correction, or a misread date?"
    (warning,) = [r for r in caplog.records if r.message == line]
    assert warning.levelno == logging.WARNING
    assert line in page
    report(sales=ROWS, w40=new)
    assert line not in caplog.text
