"""The page of advice on stock: the most urgent titles first, and rows that are not used."""

import re

from book_forecast.pipelines.decide.report import report_stock
from tests.pipelines.decide.frames import rejected_stock, stock_advice

ISBNS = ["9780000000003", "9780000000001", "9780000000002"]


def anchors(page: str) -> list[str]:
    return re.findall(r'<tr id="(\d+)">', page)


def test_titles_that_run_out_first_come_first():
    advice = stock_advice(*ISBNS).sample(frac=1.0, random_state=2)
    page = report_stock(advice, rejected_stock(), None)
    assert anchors(page) == ISBNS
    assert "of 3 titles. Order 1,300 copies of 1 titles. 2 may run out" in page
    assert '<td class="number" data-value="1234">60 to 1,234</td>' in page
    assert '<td class="date">2024-07-06</td>' in page
    assert '<td class="date">-</td>' in page
    assert "not used" not in page


def test_rows_that_are_not_used_are_on_the_page_up_to_200():
    page = report_stock(stock_advice(ISBNS[0]), rejected_stock(*map(str, range(250))), None)
    assert "Rows of stock that are not used: 250" in page
    assert "<td>199</td>" in page
    assert "<td>249</td>" not in page


def test_without_stock_the_page_says_so():
    page = report_stock(stock_advice(), rejected_stock(), None)
    assert "There is no advice: 01_raw/stock has no table" in page
    assert anchors(page) == []
