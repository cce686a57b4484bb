"""Sums are scored at origins by the folds before them alone."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.accuracy.sums import FEWEST_ORIGINS, Run, section, sum_coverage, weights_by_week
from book_forecast.forecasters.family_choice import as_column
from book_forecast.options.models import ModelOptions
from tests.histories import specifications_of, weeks_frame

FAMILIES = ["theta", "naive"]
MODELS = ModelOptions.model_validate({"families": FAMILIES, "calendar": False})
ISBNS = [f"97800000{n:05}" for n in range(12)]
TITLES = pd.DataFrame({"isbn": ISBNS, "product_class": ["F"] * 6 + ["Y"] * 6}).astype("str")
MADE = ["spread", "spread_power", "n_folds", "ceiling", "families", "compared_weeks"]
"""Columns of specifications that come from the weights."""
N_WEEKS, HORIZON, N_ORIGINS = 120, 8, 8


def run(newest: float = 1.0, titles: pd.DataFrame = TITLES) -> Run:
    """Levels that both families know, around which weeks vary; `newest` scales the last fold."""
    rng = np.random.default_rng(3)
    levels = 200.0 * np.exp(rng.normal(size=len(ISBNS)))
    sold = levels[:, None] * np.exp(0.3 * rng.normal(size=(len(ISBNS), N_WEEKS)))
    sold[:, -HORIZON:] *= newest
    weeks = weeks_frame(dict(zip(ISBNS, sold, strict=True)))
    days = np.sort(weeks["week"].unique())
    folds = [
        pd.DataFrame(
            {
                "isbn": isbn,
                "cutoff": days[N_WEEKS - HORIZON * (k + 1) - 1],
                "week": days[N_WEEKS - HORIZON * (k + 1) :][:HORIZON],
                **dict.fromkeys(FAMILIES, level),
            }
        )
        for isbn, level in zip(ISBNS, levels, strict=True)
        for k in range(N_ORIGINS)
    ]
    seasons = pd.DataFrame({"isbn": ISBNS, "season": 1, "season_p_value": 0.5})
    seasons = seasons.assign(season_strength=0.0, expected_spread=0.3, n_weeks=N_WEEKS)
    orders = specifications_of(ISBNS).drop(columns=[*seasons.columns[1:-2], "weights", *MADE])
    orders = orders.assign(families=as_column(dict.fromkeys(FAMILIES)))
    return Run(pd.concat(folds, ignore_index=True), seasons, orders, weeks, titles, MODELS)


@pytest.fixture(scope="module")
def scored() -> pd.DataFrame:
    return sum_coverage(run())


def test_every_origin_with_enough_folds_before_it_is_scored(scored):
    origins = N_ORIGINS - FEWEST_ORIGINS
    counts = scored.groupby(["by", "weeks"]).size().to_dict()
    assert counts == {
        ("single weeks", 1): origins * len(ISBNS) * HORIZON,
        **{("single titles", span): origins * len(ISBNS) for span in (4, 8)},
        **{("product classes", span): origins * 2 for span in (4, 8)},
        **{("all titles", span): origins for span in (4, 8)},
    }


def test_intervals_of_errors_that_repeat_hold_about_what_they_should(scored):
    shares = scored.groupby("by")["inside"].mean()
    assert shares["single weeks"] == pytest.approx(0.8, abs=0.07)
    assert shares["single titles"] == pytest.approx(0.85, abs=0.14)


def test_sales_after_an_origin_change_nothing_before_it(scored):
    changed = sum_coverage(run(newest=20.0))
    per_origin = len(scored) // (N_ORIGINS - FEWEST_ORIGINS)
    # The rows come origin by origin, the oldest first.
    pd.testing.assert_frame_equal(changed[:-per_origin], scored[:-per_origin])
    assert not changed[-per_origin:]["inside"].any()


def test_a_single_class_has_no_row_of_its_own():
    alone = TITLES.assign(product_class="F").astype("str")
    assert "product classes" not in set(sum_coverage(run(titles=alone))["by"])


def test_the_section_has_shares_over_all_panels_and_of_each():
    one = pd.DataFrame({"by": "single titles", "weeks": [4, 4, 8], "inside": [True, False, True]})
    text = section({"a": one, "b": one.assign(inside=True)})
    assert "| sum of weeks | 4 | 8 |" in text
    assert "| single titles, over all panels | 75% of 4 | 100% of 2 |" in text
    assert "| single titles, a | 50% of 2 | 100% of 1 |" in text
    assert "| product classes" not in text


def test_weights_by_week_are_those_of_the_families_in_their_order():
    rows = pd.DataFrame(
        {"weights": ['{"naive": [0.8, 0.2], "theta": [0.2, 0.8]}'], "compared_weeks": [4]}
    )
    (found,) = weights_by_week(rows, ["theta", "ets", "naive"], 5)
    assert found[0] == pytest.approx(np.array([0.2, 0.4, 0.6, 0.8, 0.8]))
    assert (found[1] == 0.0).all()
    assert found[2] == pytest.approx(1.0 - found[0])
