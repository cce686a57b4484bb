"""Forecasts come out of a release alone; newer weeks are rolled in without fitting."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from kedro_datasets.partitions import PartitionedDataset

from book_forecast.datasets import ReleaseDataset, TitleRowsDataset
from book_forecast.forecasters.sarima import Sarima
from book_forecast.options.groups import ForecastOptions, SelectionOptions
from book_forecast.pipelines.forecast.nodes import (
    choose_release,
    forecast_titles,
    record_forecasts,
    roll_forward,
)
from book_forecast.pipelines.forecast.rolling import Roll, Unchanged, roll_title
from book_forecast.releases.assembly import RolledTitle, state_without_weeks, trained_states
from book_forecast.releases.models import model_of, weeks_of
from book_forecast.releases.post_release import post_release_errors
from book_forecast.storage.errors import UserError
from tests.histories import (
    ALONE,
    checkpoints_in,
    release_of,
    specifications_of,
    volumes,
    weeks_frame,
)
from tests.releases import payloads
from tests.releases.payloads import RELEASE

ISBNS = ["9780241003008", "9780722532935", "9786703444075"]
LATER = weeks_frame({isbn: volumes(i, 110) for i, isbn in enumerate(ISBNS)})
KNOWN = LATER[LATER["week"] <= LATER["week"].max() - pd.Timedelta(weeks=6)]
TITLES = pd.DataFrame({"isbn": ISBNS, "title": list("ABC")})


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    """A release as it comes out of a store; its last title has no specification."""
    made = release_of(KNOWN, specifications_of(ISBNS[:2]), TITLES)
    return payloads.payload_of(made, tmp_path_factory.mktemp("release"))


@pytest.fixture
def entry(tmp_path):
    """The catalog's entry for the release that forecasts."""
    return ReleaseDataset(filepath=str(tmp_path / "releases"), release="current")


def roll(release, weeks, selection=None):
    with checkpoints_in(None) as checkpoints:
        return roll_forward(
            release, weeks, None, None, selection or SelectionOptions(), ALONE, checkpoints
        )


@pytest.fixture
def rolled(entry, release):
    """Rolls weeks in, and returns the release as the catalog loads it."""

    def roll_and_load(weeks):
        entry.save(roll(entry.load() or release, weeks))
        return entry.load()

    return roll_and_load


def forecast(release, horizon=4, levels=(80,)):
    options = ForecastOptions(horizon=horizon, levels=list(levels))
    return forecast_titles(release, None, options, SelectionOptions())


@pytest.mark.parametrize(("horizon", "levels"), [(1, [50]), (104, [80, 98.5])])
def test_a_release_alone_forecasts_any_horizon_and_levels(release, horizon, levels):
    ahead = forecast(roll(release, None), horizon, levels)
    assert len(ahead) == 3 * horizon
    numbers = ahead[["mean", *(f"{side}-{lv}" for lv in levels for side in ("lo", "hi"))]]
    assert np.isfinite(numbers.to_numpy()).all()
    assert (numbers.to_numpy() >= 0).all()
    assert ahead["week"].min() == KNOWN["week"].max() + pd.Timedelta(weeks=1)
    assert set(ahead["release"]) == {RELEASE}


@pytest.mark.parametrize("weeks", [None, KNOWN], ids=["none", "known"])
def test_without_newer_weeks_the_release_stays_as_it_is(release, weeks):
    assert roll(release, weeks) is release


def test_newer_weeks_are_forecast_from_with_the_parameters_that_were_released(rolled, release):
    payload = rolled(LATER)
    assert payload.release == RELEASE
    assert payload.manifest["cutoff"] == str(LATER["week"].max().date())
    for row, isbn in enumerate(payload.titles["isbn"].to_pylist()):
        model = model_of(payload, row)
        known = LATER.loc[LATER["isbn"] == isbn, "volume"]
        assert payload.volumes[row].as_py() == known.tolist()
        np.testing.assert_allclose(payload.mean[row, :20], model.forecast(20, ()).mean, rtol=1e-6)
        if isinstance(model, Sarima):
            assert model.model.sigma2 == model_of(release, row).model.sigma2  # type: ignore[attr-defined]
    ahead = forecast(payload)
    assert ahead["week"].min() == LATER["week"].max() + pd.Timedelta(weeks=1)
    assert (payload.mean != release.mean).any()


def test_rolling_the_same_weeks_in_again_changes_nothing(rolled):
    once = rolled(LATER).manifest
    assert rolled(LATER).manifest == once


def test_a_title_that_does_not_change_is_a_finished_result(rolled, tmp_path):
    payload = rolled(LATER)
    row = payload.titles["isbn"].to_pylist().index(ISBNS[0])
    family = payload.titles["model"].to_pylist()[row]
    known, newer = weeks_of(payload, row)[:-6], weeks_of(payload, row)[-6:]
    state = trained_states(payload)[row] or payload.titles["state"].to_pylist()[row]
    task = Roll(ISBNS[0], family, state, known, newer)
    found = roll_title(task)
    assert isinstance(found, RolledTitle)
    same = replace(task, present=state_without_weeks(found.state), is_rolled=True)
    assert roll_title(same) == Unchanged(ISBNS[0])


@pytest.mark.parametrize(("factor", "warnings"), [(1.0, 0), (1.005, 0), (10.0, 1)])
def test_other_sales_in_weeks_that_the_release_knows_are_reported(
    release, caplog, factor, warnings
):
    roll(release, KNOWN.assign(volume=KNOWN["volume"] * factor))
    assert caplog.text.count("of the copies in weeks that") == warnings


def test_a_title_that_the_sales_do_not_have_stays_as_it_was(rolled):
    payload = rolled(LATER[LATER["isbn"] != ISBNS[0]])
    cutoffs = payload.titles["cutoff"].to_pylist()
    assert cutoffs[0] < cutoffs[1] == cutoffs[2]
    ahead = forecast(payload)
    assert ahead["cutoff"].nunique() == 2


def test_errors_after_a_release_are_the_same_before_and_after_newer_weeks_are_rolled_in(
    rolled, release
):
    after = rolled(LATER)
    assert after.titles["trained_until"].equals(release.titles["trained_until"])
    assert after.manifest["trained_until"] == str(KNOWN["week"].max().date())
    once, again = (post_release_errors([one, release], LATER) for one in (release, after))
    assert once is not None
    assert again is not None
    assert once["weeks"].tolist() == [6, 6]
    assert once["titles"].tolist() == [3, 3]
    np.testing.assert_allclose(again["wape"], once["wape"], rtol=1e-6)


def test_an_older_release_is_compared_from_the_last_week_of_the_newer_one(
    rolled, release, tmp_path
):
    later = LATER[LATER["week"] <= LATER["week"].max() - pd.Timedelta(weeks=2)]
    made = release_of(later, specifications_of(ISBNS[:2]), TITLES)
    newer = payloads.payload_of(made, tmp_path / "newer")
    table = post_release_errors([release, newer], LATER)
    assert table is not None
    assert table["weeks"].tolist() == [2, 2]
    from_there = forecast(rolled(later), 2)
    known = LATER.merge(from_there, on=["isbn", "week"])
    wrong = (known["volume"] - known["mean"]).abs().sum() / known["volume"].sum()
    assert table["wape"][0] == pytest.approx(wrong, rel=1e-6)


def test_weeks_that_the_sales_leave_out_are_rolled_in_as_missing(rolled):
    first = KNOWN["week"].max() + pd.Timedelta(weeks=3)
    payload = rolled(LATER[LATER["week"] >= first])
    gap = payload.volumes[0].as_py()[-6:]
    assert gap[:2] == [None, None]
    assert None not in gap[2:]
    assert payload.manifest["cutoff"] == str(LATER["week"].max().date())


def test_without_a_release_the_user_reads_what_to_run():
    with pytest.raises(UserError, match="no champion to forecast from: run train and evaluate"):
        choose_release(None, None)


def test_forecasts_are_recorded_by_release_and_cutoff(release):
    ahead = forecast(release)
    ((key, recorded),) = record_forecasts(ahead).items()
    assert key == f"{RELEASE}/{KNOWN['week'].max():%Y-%m-%d}"
    pd.testing.assert_frame_equal(recorded, ahead)
    assert record_forecasts(ahead.iloc[:0]) == {}


def test_a_title_without_newer_weeks_is_recorded_once_beside_the_others(rolled, tmp_path):
    history = PartitionedDataset(
        path=str(tmp_path / "history"), dataset=TitleRowsDataset, filename_suffix=".parquet"
    )
    for weeks in (None, LATER[LATER["isbn"] != ISBNS[0]], LATER[LATER["isbn"] != ISBNS[0]]):
        history.save(record_forecasts(forecast(rolled(weeks))))
    recorded = pd.concat([load() for load in history.load().values()])
    assert len(history.load()) == 2
    assert not recorded.duplicated(["release", "cutoff", "isbn", "week"]).any()
    assert len(recorded) == (3 + 2) * 4
