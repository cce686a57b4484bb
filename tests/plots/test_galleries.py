"""A figure for each of the largest titles."""

import logging

import pandas as pd

from book_forecast.plots import (
    explanation_figures,
    residual_figures,
    title_figures,
    tuning_figures,
)
from book_forecast.plots.choice import largest_titles
from book_forecast.plots.pages import linked_page
from tests.plots.frames import (
    FIRST_WEEK,
    LEVELS,
    WEEK,
    make_explanation,
    make_forecast,
    make_history,
    make_models,
    make_titles,
    traces_by_name,
    weeks_from,
)

ISBNS = ["9780000000001", "9780000000002", "9780000000003"]
MODEL_INPUT = pd.concat(
    [make_history(isbn, 120, 100.0 * i) for i, isbn in enumerate(ISBNS, 1)], ignore_index=True
)
END = MODEL_INPUT["week"].max()
TEST = pd.concat(
    [
        make_forecast(model, END - 7 * WEEK, isbn)
        for isbn in ISBNS
        for model in ("sarima", "seasonal_naive")
    ],
    ignore_index=True,
)
FUTURE = pd.concat([make_forecast("sarima", END + WEEK, isbn) for isbn in ISBNS])
TITLES = make_titles(*ISBNS)
MODELS = make_models(*ISBNS)


def draw(models=MODELS, max_titles=50):
    return title_figures(MODEL_INPUT, TEST, FUTURE, models, TITLES, LEVELS, max_titles)


def test_only_recent_volume_makes_a_title_large():
    early = MODEL_INPUT["week"] < END - 60 * WEEK
    first = MODEL_INPUT["isbn"] == ISBNS[0]
    model_input = MODEL_INPUT.assign(volume=MODEL_INPUT["volume"].mask(early & first, 1e6))
    assert largest_titles(model_input, 2) == [ISBNS[2], ISBNS[1]]


def test_each_title_is_drawn_from_its_own_rows():
    figures = draw()
    assert set(figures) == set(ISBNS)
    sold = traces_by_name(figures[ISBNS[1]])["Sold"][0]
    assert sold.y[0] == 200
    assert len(sold.y) == 120
    assert figures[ISBNS[1]].layout.title.text.startswith(f"Book 2 ({ISBNS[1]})")
    assert "SARIMA (1,0,0)" in figures[ISBNS[1]].layout.title.text


def test_of_many_titles_the_largest_are_drawn_and_the_log_says_so(caplog):
    with caplog.at_level(logging.INFO):
        assert list(draw(max_titles=2)) == [ISBNS[2], ISBNS[1]]
    assert "2 of 3 titles" in caplog.text
    assert "max_title_plots" in caplog.text


def test_a_fallback_names_its_reason():
    reason = "the fit did not converge"
    models = pd.concat([MODELS[1:], make_models(ISBNS[0], model="seasonal_naive", reason=reason)])
    text = draw(models)[ISBNS[0]].layout.title.text
    assert f"Fallback to Seasonal naive: {reason}" in text


def test_a_title_without_forecasts_or_a_model_still_has_its_sales():
    figures = title_figures(
        MODEL_INPUT, TEST.iloc[:0], FUTURE.iloc[:0], MODELS.iloc[:0], TITLES.iloc[:0], LEVELS, 1
    )
    assert [trace.name for trace in figures[ISBNS[2]].data] == ["Sold"]
    assert figures[ISBNS[2]].layout.title.text.startswith(ISBNS[2])


def test_residuals_are_drawn_for_titles_that_have_some():
    residuals = pd.DataFrame(
        {
            "isbn": ISBNS[1],
            "week": weeks_from(FIRST_WEEK, 50),
            "residual": [(-1.0) ** k for k in range(50)],
        }
    )
    figures = residual_figures(residuals, MODELS, TITLES)
    assert list(figures) == [ISBNS[1]]
    assert "Book 2" in figures[ISBNS[1]].layout.title.text


def test_searches_are_drawn_for_the_largest_titles_that_were_searched():
    orders = dict.fromkeys("pdqPDQ", 0)
    trials = pd.DataFrame(
        [
            {"isbn": isbn, "number": k, **orders, "s": 52, "state": "complete", "score": 0.5}
            for isbn in ISBNS[:2]
            for k in range(3)
        ]
    )
    figures = tuning_figures(trials, MODEL_INPUT, TITLES, 1)
    assert list(figures) == [ISBNS[1]]
    assert len(traces_by_name(figures[ISBNS[1]])["Scored on all folds"][0].x) == 3


def test_the_largest_titles_that_an_ensemble_forecasts_are_explained():
    content = {"theta": (1.0, [200.0] * 8)}, {"level": [201.0] * 8}
    explanations = pd.concat([make_explanation(*content, isbn, END + WEEK) for isbn in ISBNS[:2]])
    figures = explanation_figures(explanations, FUTURE, MODEL_INPUT, TITLES, LEVELS, 1)
    assert list(figures) == [ISBNS[1]]
    assert "Book 2" in figures[ISBNS[1]].layout.title.text
    assert "Theta, 100%" in traces_by_name(figures[ISBNS[1]])


def test_without_ensembles_nothing_is_explained():
    explanations = make_explanation({"theta": (1.0, [200.0])}, {}).iloc[:0]
    assert explanation_figures(explanations, FUTURE, MODEL_INPUT, TITLES, LEVELS, 50) == {}


def test_the_same_figure_makes_the_same_page():
    assert [linked_page(figure, "name") for figure in draw().values()] == [
        linked_page(figure, "name") for figure in draw().values()
    ]
