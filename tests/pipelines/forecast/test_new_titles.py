"""A release takes in titles that come out after its training, without a fit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from book_forecast.datasets import ReleaseDataset
from book_forecast.options.groups import ForecastOptions, SelectionOptions
from book_forecast.pipelines.forecast.nodes import forecast_titles, roll_forward
from tests.forecasters.launches.panels import default_prior
from tests.histories import (
    ALONE,
    checkpoints_in,
    release_of,
    specifications_of,
    volumes,
    weeks_frame,
)

OLD, LAST = "9780241003008", "9780722532935"
NEW, TO_COME, OLDER = "9780141036144", "9786703444075", "9786701816973"
WEEKS = weeks_frame(
    {
        OLD: volumes(1, 110),
        LAST: volumes(2, 110),
        NEW: np.array([60.0, 45.0, 30.0]),
        TO_COME: np.array([np.nan]),
        OLDER: volumes(3, 20),
    }
)
CUTOFF = WEEKS["week"].max()
KNOWN = WEEKS[(WEEKS["week"] <= CUTOFF - pd.Timedelta(weeks=6)) & WEEKS["isbn"].isin([OLD, LAST])]
TITLES = pd.DataFrame(
    {
        "isbn": [OLD, LAST, NEW, TO_COME, OLDER],
        "title": list("ABCDE"),
        "product_class": ["F", "F", "F", "T", "F"],
        "publication_date": [pd.NaT, pd.NaT, pd.NaT, CUTOFF + pd.Timedelta(days=11), pd.NaT],
    }
)
PRIORS = {
    "": default_prior(3.0, 500.0).to_state(),
    "F": default_prior(4.0, 900.0).to_state(),
}


@pytest.fixture(scope="module")
def release():
    made = release_of(KNOWN, specifications_of([OLD, LAST]), TITLES)
    return replace(made, manifest={**made.manifest, "launches": PRIORS})


def roll(release, weeks=WEEKS, titles=TITLES):
    with checkpoints_in(None) as checkpoints:
        return roll_forward(
            release, weeks, None, None, SelectionOptions(), ALONE, checkpoints, titles
        )


def forecast(release):
    options = ForecastOptions(horizon=6, levels=[80])
    return forecast_titles(release, None, options, SelectionOptions()).set_index("isbn")


def test_titles_whose_first_sale_is_after_the_training_are_forecast(release):
    found = forecast(roll(release))
    assert set(found.index) == {OLD, LAST, NEW, TO_COME}
    assert set(found.loc[[NEW, TO_COME], "model"]) == {"launch"}
    assert (found["cutoff"] == CUTOFF).all()
    own = found.loc[NEW]
    assert own["mean"].iloc[0] == pytest.approx(30, rel=0.5)
    assert (own["lo-80"] < own["mean"]).all()
    to_come = found.loc[TO_COME, "mean"].to_numpy()
    # Published on the Wednesday eleven days after the last week, in the second week ahead.
    assert to_come[0] == 0
    assert (to_come[1:] > 1).all()


def test_a_release_with_new_titles_is_stored_and_rolled_again(release, tmp_path):
    entry = ReleaseDataset(filepath=str(tmp_path / "releases"), release="current")
    earlier = WEEKS[(WEEKS["week"] < CUTOFF) | (WEEKS["isbn"] == TO_COME)]
    entry.save(roll(release, earlier))
    in_turn = roll(entry.load())
    entry.save(in_turn)
    at_once = roll(release)
    stored = entry.load()
    assert stored is not None
    pd.testing.assert_frame_equal(forecast(stored), forecast(at_once))
    assert stored.titles["isbn"].to_pylist() == sorted([OLD, LAST, NEW, TO_COME])
    assert stored.titles["title"].to_pylist() == ["C", "A", "B", "D"]


def test_the_other_titles_are_as_without_new_ones(release):
    without = forecast(roll(release, titles=None))
    assert set(without.index) == {OLD, LAST}
    pd.testing.assert_frame_equal(
        forecast(roll(release)).loc[[OLD, LAST]], without.loc[[OLD, LAST]]
    )


def test_releases_of_older_versions_take_in_nothing(release):
    about = {name: value for name, value in release.manifest.items() if name != "launches"}
    assert set(forecast(roll(replace(release, manifest=about))).index) == {OLD, LAST}
