"""Scores by hand beside those of the accuracy benchmark, and what the page says of them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.accuracy import comparison, page
from benchmarks.accuracy.options import PanelOptions
from benchmarks.accuracy.origins import LEVELS, OURS, Origin
from benchmarks.accuracy.panels import Panel
from benchmarks.accuracy.scoring import SIMPLE_MEAN, score_panel, value

WEEKS = pd.date_range("2024-01-06", periods=6, freq="7D").as_unit("us")
SOLD = {"a": [10.0, 12.0, 8.0, 10.0, 14.0, 10.0], "b": [100.0, 110.0, 90.0, 100.0, 100.0, 130.0]}
CUTOFF = WEEKS[3]
# Mean changes up to the cutoff.
SCALE = {"a": 8.0 / 3.0, "b": 40.0 / 3.0}
QUANTILES = np.arange(1, 10) / 10


def forecast(model, means, half_width=10.0, isbns=("a", "b")):
    """Uniform distributions around constant means, of a half width that covers 100 %."""
    rows = []
    for isbn in isbns:
        for week in WEEKS[4:]:
            row = {"isbn": isbn, "week": week, "cutoff": CUTOFF, "model": model}
            row["mean"] = means[isbn]
            for level in LEVELS:
                row[f"lo-{level}"] = means[isbn] - half_width * level / 100
                row[f"hi-{level}"] = means[isbn] + half_width * level / 100
            rows.append(row)
    return pd.DataFrame(rows)


def origin(*forecasts, ensembles=("a", "b")):
    weeks = pd.concat(
        pd.DataFrame({"isbn": isbn, "week": WEEKS, "volume": sold}) for isbn, sold in SOLD.items()
    )
    return Origin(
        root=Path(),
        forecasts=pd.concat(forecasts, ignore_index=True),
        weeks=weeks.astype({"isbn": "str"}),
        ensembles=frozenset(ensembles),
        listed=3,
        seconds=1.0,
        core_seconds=1.0,
    )


def families(ours=None):
    return [
        forecast(OURS, ours or {"a": 11.0, "b": 110.0}),
        forecast("theta", {"a": 10.0, "b": 100.0}),
        forecast("ets", {"a": 14.0, "b": 120.0}),
        forecast("seasonal_naive", {"a": 0.0, "b": 0.0}),
    ]


def actual(isbn):
    return np.array(SOLD[isbn][4:])


def test_scores_are_those_of_gift_eval():
    scores = score_panel([origin(*families())]).loc[OURS]
    means = {"a": 11.0, "b": 110.0}
    absolute, scaled, losses, interval, inside = [], [], [], [], []
    for isbn, mean in means.items():
        y = actual(isbn)
        absolute.extend(np.abs(y - mean))
        scaled.extend(np.abs(y - mean) / SCALE[isbn])
        quantiles = mean + 10.0 * (2 * QUANTILES - 1)
        over = y[:, None] - quantiles
        losses.append(2 * np.maximum(QUANTILES * over, (QUANTILES - 1) * over).sum(axis=0))
        low, high = mean - 9.5, mean + 9.5
        outside = np.maximum(low - y, 0) + np.maximum(y - high, 0)
        interval.extend((high - low + 2 / 0.05 * outside) / SCALE[isbn])
        inside.extend(np.abs(y - mean) <= 8.0)
    total = sum(actual(isbn).sum() for isbn in means)
    assert scores["wape"] == pytest.approx(sum(absolute) / total)
    assert scores["mase"] == pytest.approx(np.mean(scaled))
    assert scores["mase_of_mean"] == pytest.approx(np.mean(scaled))
    assert scores["wql"] == pytest.approx(np.mean(np.sum(losses, axis=0)) / total)
    assert scores["msis"] == pytest.approx(np.mean(interval))
    assert scores["coverage-80"] == pytest.approx(np.mean(inside))


def test_mase_is_of_the_median_where_it_is_not_the_mean():
    ours = forecast(OURS, {"a": 11.0, "b": 110.0}).assign(mean=lambda f: f["mean"] + 5.0)
    scores = score_panel([origin(ours, *families()[1:])]).loc[OURS]
    plain = score_panel([origin(*families())]).loc[OURS]
    assert scores["mase"] == plain["mase"]
    assert scores["mase_of_mean"] != plain["mase_of_mean"]


def test_the_simple_mean_is_that_of_the_families_without_naive_ones():
    scores = score_panel([origin(*families({"a": 12.0, "b": 110.0}))])
    assert scores.loc[SIMPLE_MEAN, "wape"] == pytest.approx(scores.loc[OURS, "wape"])


def test_a_family_without_a_title_is_compared_on_the_others():
    partial = forecast("sarima", {"a": 12.0}, isbns=("a",))
    scores = score_panel([origin(*families(), partial)])
    ours = np.abs(actual("a") - 11.0).sum() / actual("a").sum()
    assert scores.loc["sarima", "series"] == 1
    assert scores.loc["sarima", "ours_wape"] == pytest.approx(ours)
    assert comparison.best_family(scores, "wape") != "sarima"


def test_a_title_that_follows_a_rule_has_the_same_forecast_in_every_family():
    ours = forecast(OURS, {"a": 11.0, "b": 0.0})
    theta = forecast("theta", {"a": 10.0}, isbns=("a",))
    by_rule = score_panel([origin(ours, theta, families()[3], ensembles=("a",))])
    errors = np.abs(actual("a") - 10.0).sum() + actual("b").sum()
    assert value(by_rule, "theta", "series") == 2
    expected = errors / (actual("a").sum() + actual("b").sum())
    assert value(by_rule, "theta", "wape") == pytest.approx(expected)


def test_a_model_without_intervals_counts_as_a_point():
    bounds = [f"{side}-{level}" for level in LEVELS for side in ("lo", "hi")]
    naive = forecast("naive", {"a": 10.0, "b": 100.0})
    without = naive.assign(**dict.fromkeys(bounds, np.nan))
    points = naive.assign(**dict.fromkeys(bounds, naive["mean"]))
    found, expected = (score_panel([origin(*families(), one)]) for one in (without, points))
    pd.testing.assert_frame_equal(found, expected)
    assert value(found, "naive", "wql") > 0


def test_cutoffs_are_pooled():
    good = families({"a": 12.0, "b": 115.0})
    pooled = score_panel([origin(*families()), origin(*good)]).loc[OURS]
    each = [score_panel([origin(*one)]).loc[OURS] for one in (families(), good)]
    for metric in ("wape", "mase", "wql", "msis"):
        assert pooled[metric] == pytest.approx(np.mean([one[metric] for one in each]))


def result(name, origins):
    panel = Panel(name, PanelOptions(), lambda root, quick: None)
    return page.result_of(panel, score_panel(origins), origins)


def test_the_page_says_where_the_ensemble_loses_and_by_how_much():
    bad = result("shop", [origin(*families({"a": 20.0, "b": 150.0}))])
    good = result("library", [origin(*families({"a": 12.0, "b": 115.0}))])
    text = page.losses([bad, good])
    wape = bad.scores["wape"]
    assert f"| shop | 2 | theta | {wape['theta']:.3f} | {wape[OURS]:.3f} |" in text
    assert "| library | 2 | theta" not in text
    assert f"{wape[OURS] / wape['theta'] - 1:+.1%}" in text


def test_the_page_says_where_intervals_are_off():
    text = page.losses([result("shop", [origin(*families({"a": 40.0, "b": 150.0}))])])
    assert "| shop | 2 | 80 % | 0.0% | -80.0 |" in text


def test_geometric_means_are_over_panels():
    one = score_panel([origin(*families({"a": 20.0, "b": 150.0}))])
    two = score_panel([origin(*families())])
    ratios = comparison.ratios({"one": one, "two": two})
    own = ratios[ratios["beside"] == SIMPLE_MEAN]["wape"]
    expected = [value(t, OURS, "wape") / value(t, SIMPLE_MEAN, "wape") for t in (one, two)]
    assert list(own) == pytest.approx(expected)
    assert comparison.geometric_mean(own) == pytest.approx(np.sqrt(np.prod(expected)))


def test_published_figures_stand_beside_a_panel_that_is_one_of_gift_evals():
    origins = [origin(*families())]
    panel = Panel("some", PanelOptions(gift_eval="m4_weekly/W"), lambda root, quick: None)
    text = page.section(page.result_of(panel, score_panel(origins), origins))
    assert "| Chronos-2 | 2.026 | 0.0367 | 14.6 |" in text
    assert "on all 359 series (here: 2)" in text
    assert "1 of 3 titles in the export are left out" in text
