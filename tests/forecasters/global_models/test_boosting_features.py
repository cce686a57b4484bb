"""What the model of all titles knows at an origin."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from book_forecast.forecasters.global_models.boosting_features import features
from book_forecast.forecasters.global_models.panel import panel_of
from book_forecast.forecasters.global_models.panel_covariates import covariate_values
from book_forecast.forecasters.global_models.smoothing import smoothed
from book_forecast.forecasters.global_models.windows import Windows
from book_forecast.series.history import Covariates
from tests.histories import CUTOFF, volumes, weeks_frame

WEEKS = 200


@pytest.mark.parametrize("origin", [3, 60, 150])
def test_nothing_after_an_origin_is_known_there(origin):
    frame = weeks_frame(
        {f"97800000000{number:02}": volumes(number, WEEKS) for number in range(3)}
    ).assign(promotion=0.1, rrp=9.99)
    after = frame["week"] > CUTOFF - 7 * (WEEKS - 1 - origin)
    changed = frame.assign(
        volume=frame["volume"].mask(after, 1e6), rrp=frame["rrp"].mask(after, 1.0)
    )
    panel, other = (
        panel_of(table, None, CUTOFF, 1, None, None, calendar=True) for table in (frame, changed)
    )
    # Factors of smoothing and slopes of effects are parameters, fitted to all weeks.
    promotions = panel.promotions.copy()
    promotions[:, origin + 1 : WEEKS] = 0.9
    promoted = Windows.of(promotions[:, :WEEKS])
    other = replace(
        other,
        promotions=promotions,
        promoted=promoted,
        smoothed=smoothed(other.logs, panel.factors),
        factors=panel.factors,
    )
    steps = np.arange(1, WEEKS - origin)
    title, step = np.repeat(np.arange(3), len(steps)), np.tile(steps, 3)
    origins, unplanned = np.full(len(title), origin), np.ones(len(title), dtype=bool)
    rows = [features(one, title, origins, step, unplanned) for one in (panel, other)]
    for place, name in enumerate(rows[0].names):
        known, unseen = (each.matrix[:, place] for each in rows)
        np.testing.assert_array_equal(known, unseen, name)


@settings(max_examples=50)
@given(
    values=hnp.arrays(
        np.float32, (2, 12), elements=st.floats(0, 10, width=32) | st.just(float("nan"))
    ),
    week=st.integers(-15, 11),
    length=st.integers(1, 15),
)
def test_a_window_averages_its_known_weeks(values, week, length):
    means = Windows.of(values).mean(np.arange(2), np.full(2, week), length)
    for mean, row in zip(means, values, strict=True):
        window = row[max(week + 1 - length, 0) : max(week + 1, 0)]
        known = window[np.isfinite(window)]
        expected = known.mean(dtype=float) if len(known) else np.nan
        assert mean == pytest.approx(expected, abs=1e-6, nan_ok=True)


@pytest.mark.parametrize("future", ["known", "zero", "last", "seasonal"])
def test_a_covariate_is_after_the_cutoff_what_its_history_says(future):
    values = np.random.default_rng(0).random((90, 1))
    covariate = Covariates(("tour",), values, (future,))
    series = {"9780722532935": volumes(1, 70), "9780241003008": volumes(2, WEEKS)}
    panel = panel_of(
        weeks_frame(series), None, CUTOFF, 60, None, {"9780722532935": covariate}, calendar=False
    )
    step = np.arange(1, 61)
    found = covariate_values(
        panel.covariates["tour"], np.ones(60, dtype=int), np.full(60, WEEKS - 1), step
    )
    assert found == pytest.approx(covariate.after(70, 60)[:, 0], rel=1e-6)
