"""The pages of single titles open in a browser without a network."""

import pandas as pd
import pytest

from book_forecast.datasets import FiguresDataset
from book_forecast.plots import title_figure, tuning_figure
from tests.plots.frames import LEVELS, WEEK, make_forecast, make_history

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    history = make_history()
    history.loc[200:210, "volume"] = None
    test = pd.concat(
        make_forecast(model, history["week"].iloc[-8]) for model in ("sarima", "seasonal_naive")
    )
    future = make_forecast("sarima", history["week"].iloc[-1] + WEEK)
    title = title_figure(history, test, future, LEVELS, "Tom & <Jerry>", "sarima")
    orders = dict.fromkeys("pdqPDQ", 1)
    trials = pd.DataFrame([{"number": 0, **orders, "s": 52, "state": "complete", "score": 0.5}])
    dataset = FiguresDataset(filepath=str(tmp_path_factory.mktemp("plots")))
    dataset.save({"title": title, "search": tuning_figure(trials, "Tom")})
    return dataset.load()


def test_a_titles_page_draws_sales_forecasts_and_gaps(browse, pages):
    drawn = browse(pages["title"])
    for text in ("Tom &amp; &lt;Jerry&gt;", "Sold", "SARIMA, forecast", "80 % interval"):
        assert f">{text}<" in drawn
    assert ">not reported<" in drawn
    assert ">All weeks<" in drawn
    # Sold, seasonal naive, test weeks, forecast and two intervals for each of the last two.
    assert drawn.count('class="trace scatter') >= 8


def test_a_searchs_page_draws_its_trials(browse, pages):
    drawn = browse(pages["search"])
    assert ">SARIMA search: Tom<" in drawn
    assert ">Best so far<" in drawn
