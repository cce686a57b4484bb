"""Errors of the chosen models beside the baseline's."""

import numpy as np
import pandas as pd

from book_forecast.plots import scores_figure
from book_forecast.plots.style import BASELINE, model_colour
from tests.plots.frames import make_models, make_titles, traces_by_name

CUTOFF = pd.Timestamp("2023-11-18")


def make_scores(values, cutoff=CUTOFF, metric="wape"):
    """Scores from {isbn: {model: value}}."""
    rows = [
        (isbn, model, cutoff, metric, value)
        for isbn, by_model in values.items()
        for model, value in by_model.items()
    ]
    columns = ["isbn", "model", "cutoff", "metric", "value"]
    return pd.DataFrame(rows, columns=columns).astype({"isbn": "str", "model": "str"})


def pairs(chosen, baseline):
    return {"sarima": chosen, BASELINE: baseline, "naive": 9.0}


SCORES = make_scores(
    {
        "1": pairs(0.5, 0.4),
        "2": pairs(0.2, 0.3),
        "3": pairs(0.9, 1.2),
        "all": {"chosen": 0.35, BASELINE: 0.41},
    }
)
TITLES = make_titles("1", "2", "3")
MODELS = make_models("1", "2", "3")


def test_each_title_has_its_own_error_beside_the_baselines():
    figure = scores_figure(SCORES, MODELS, TITLES)
    traces = traces_by_name(figure)
    chosen, baseline = traces["SARIMA (chosen)"][0], traces["Seasonal naive"][0]
    assert dict(zip(chosen.y, chosen.x, strict=True)) == {"1": 0.5, "2": 0.2, "3": 0.9}
    assert dict(zip(baseline.y, baseline.x, strict=True)) == {"1": 0.4, "2": 0.3, "3": 1.2}
    # The worst at the top.
    assert figure.layout.yaxis.categoryarray == ("2", "1", "3")
    assert figure.layout.yaxis.ticktext == ("Book 2 (2)", "Book 1 (1)", "Book 3 (3)")


def test_the_axis_begins_at_zero_and_holds_all_errors():
    low, high = scores_figure(SCORES, MODELS, TITLES).layout.xaxis.range
    assert low == 0
    assert high > 1.2


def test_the_headline_counts_who_gained():
    text = scores_figure(SCORES, MODELS, TITLES).layout.title.text
    assert "better than seasonal naive: 2 of 3 titles" in text
    assert "all titles: 35% (seasonal naive 41%)" in text


def test_only_the_latest_cutoff_and_the_metric_asked_for_count():
    earlier = make_scores({"1": pairs(7.0, 8.0)}, cutoff=CUTOFF - pd.Timedelta(weeks=13))
    other = make_scores({"1": pairs(5.0, 6.0)}, metric="mase")
    scores = pd.concat([SCORES, earlier, other], ignore_index=True)
    figure = scores_figure(scores, MODELS, TITLES, "mase")
    assert traces_by_name(figure)["SARIMA (chosen)"][0].x == (5.0,)
    assert "MASE" in figure.layout.title.text


def test_a_fallback_has_its_own_colour_and_is_no_gain():
    models = pd.concat([make_models("1", "2"), make_models("3", model=BASELINE)])
    figure = scores_figure(SCORES, models, TITLES)
    fallen = traces_by_name(figure)["Seasonal naive (chosen)"][0]
    assert fallen.y == ("3",)
    assert fallen.marker.color == model_colour(BASELINE)
    assert "1 of 3 titles" in figure.layout.title.text


def test_titles_without_a_value_are_left_out_and_counted():
    scores = SCORES.assign(value=SCORES["value"].where(SCORES["isbn"] != "2"))
    figure = scores_figure(scores, MODELS, TITLES)
    assert figure.layout.yaxis.categoryarray == ("1", "3")
    assert "1 without a value left out" in figure.layout.title.text


def test_without_values_the_figure_says_so():
    figure = scores_figure(SCORES.iloc[:0], MODELS, TITLES)
    assert "no title has a value" in figure.layout.title.text


def test_thousands_of_titles_are_points_beside_a_diagonal():
    rng = np.random.default_rng(1)
    isbns = [str(i) for i in range(2000)]
    values = rng.uniform(0.1, 1.0, (2000, 2))
    values[0] = [400.0, 0.5]
    scores = make_scores({isbn: pairs(*row) for isbn, row in zip(isbns, values, strict=True)})
    figure = scores_figure(scores, make_models(*isbns), make_titles(*isbns))
    points = traces_by_name(figure)["SARIMA (chosen)"][0]
    assert len(points.x) == 2000
    at = [row[0] for row in points.customdata].index("Book 8 (7)")
    np.testing.assert_allclose([points.y[at], points.x[at]], values[7], atol=1e-4)
    # One wild title does not press all others into a corner.
    assert figure.layout.yaxis.range[1] < 2
    assert len(figure.to_json()) < 500_000
