"""Forecasts come out of a release alone; newer weeks are rolled in without fitting."""

import numpy as np
import pandas as pd
import pytest
from kedro_datasets.partitions import PartitionedDataset

from book_forecast.datasets import CurrentReleaseDataset, TitleRowsDataset
from book_forecast.forecasters.sarima import Sarima
from book_forecast.pipelines.forecast.nodes import forecast_titles, keep_forecasts, roll_forward
from book_forecast.pipelines.train.nodes import fit_release_titles
from book_forecast.pipelines.train.release import assemble_release
from book_forecast.releases.assembly import assemble
from book_forecast.releases.models import model_of
from book_forecast.releases.post_release import post_release_errors
from book_forecast.releases.store import ReleaseStore
from book_forecast.storage.errors import UserError
from tests.histories import WHOLE, specifications_of, volumes, weeks_frame
from tests.releases import payloads
from tests.releases.payloads import RELEASE

ISBNS = ["9780241003008", "9780722532935", "9786703444075"]
LATER = weeks_frame({isbn: volumes(i, 110) for i, isbn in enumerate(ISBNS)})
KNOWN = LATER[LATER["week"] <= LATER["week"].max() - pd.Timedelta(weeks=6)]
TITLES = pd.DataFrame({"isbn": ISBNS, "title": list("ABC")})


@pytest.fixture(scope="module")
def draft():
    models, distributions = fit_release_titles(KNOWN, specifications_of(ISBNS[:2]), 26, 1, WHOLE)
    return assemble_release(models.frame, distributions.frame, KNOWN, TITLES)


@pytest.fixture
def entry(draft, tmp_path):
    """The catalog's entry for the release that forecasts, in a store that has one."""
    root = str(tmp_path / "releases")
    ReleaseStore(root).write(RELEASE, assemble(RELEASE, draft.tables, draft.about))
    return CurrentReleaseDataset(filepath=root)


def rolled(entry, weeks):
    store = ReleaseStore(entry._filepath)
    entry.save(roll_forward(store.read(RELEASE), {}, weeks, 1))
    return entry.load()


@pytest.mark.parametrize(("horizon", "levels"), [(1, [50]), (104, [80, 98.5])])
def test_a_release_alone_forecasts_any_horizon_and_levels(entry, horizon, levels):
    ahead = forecast_titles(rolled(entry, None), horizon, levels)
    assert len(ahead) == 3 * horizon
    numbers = ahead[["mean", *(f"{side}-{lv}" for lv in levels for side in ("lo", "hi"))]]
    assert np.isfinite(numbers.to_numpy()).all()
    assert (numbers.to_numpy() >= 0).all()
    assert ahead["week"].min() == KNOWN["week"].max() + pd.Timedelta(weeks=1)
    assert set(ahead["release"]) == {RELEASE}


def test_without_newer_weeks_the_release_stays_as_it_is(entry):
    before = ReleaseStore(entry._filepath).manifest(RELEASE)
    assert rolled(entry, KNOWN).manifest == before


def test_newer_weeks_are_forecast_from_with_the_parameters_that_were_released(entry):
    before = ReleaseStore(entry._filepath).read(RELEASE)
    payload = rolled(entry, LATER)
    assert payload.release == RELEASE
    assert payload.manifest["cutoff"] == str(LATER["week"].max().date())
    for row, isbn in enumerate(payload.titles["isbn"].to_pylist()):
        model = model_of(payload, row)
        known = LATER.loc[LATER["isbn"] == isbn, "volume"]
        assert payload.volumes[row].as_py() == known.tolist()
        np.testing.assert_allclose(payload.mean[row, :20], model.forecast(20, ()).mean, rtol=1e-6)
        if isinstance(model, Sarima):
            assert model.model.sigma2 == model_of(before, row).model.sigma2  # type: ignore[attr-defined]
    ahead = forecast_titles(payload, 4, [80])
    assert ahead["week"].min() == LATER["week"].max() + pd.Timedelta(weeks=1)
    assert (payload.mean != before.mean).any()


def test_rolling_the_same_weeks_in_again_changes_nothing(entry):
    once = rolled(entry, LATER).manifest
    assert rolled(entry, LATER).manifest == once


def test_a_title_that_the_sales_do_not_have_stays_as_it_was(entry):
    payload = rolled(entry, LATER[LATER["isbn"] != ISBNS[0]])
    cutoffs = payload.titles["cutoff"].to_pylist()
    assert cutoffs[0] < cutoffs[1] == cutoffs[2]
    ahead = forecast_titles(payload, 4, [80])
    assert ahead["cutoff"].nunique() == 2


def test_releases_are_held_against_the_weeks_since_their_trainings_after_these_were_rolled_in(
    entry, draft, tmp_path
):
    before = ReleaseStore(entry._filepath).read(RELEASE)
    after = rolled(entry, LATER)
    assert after.titles["trained_until"].equals(before.titles["trained_until"])
    assert after.manifest["trained_until"] == str(KNOWN["week"].max().date())
    once, again = (post_release_errors([release, before], LATER) for release in (before, after))
    assert once is not None
    assert again is not None
    assert once["weeks"].tolist() == [6, 6]
    assert once["titles"].tolist() == [3, 3]
    np.testing.assert_allclose(again["wape"], once["wape"], rtol=1e-6)


def test_a_release_of_an_older_training_forecasts_from_where_the_newer_one_does(entry, tmp_path):
    later = LATER[LATER["week"] <= LATER["week"].max() - pd.Timedelta(weeks=2)]
    models, distributions = fit_release_titles(later, specifications_of(ISBNS[:2]), 26, 1, WHOLE)
    made = assemble_release(models.frame, distributions.frame, later, TITLES)
    newer = payloads.payload_of(made, tmp_path / "newer")
    table = post_release_errors([ReleaseStore(entry._filepath).read(RELEASE), newer], LATER)
    assert table is not None
    assert table["weeks"].tolist() == [2, 2]
    from_there = forecast_titles(rolled(entry, later), 2, [80])
    known = LATER.merge(from_there, on=["isbn", "week"])
    wrong = (known["volume"] - known["mean"]).abs().sum() / known["volume"].sum()
    assert table["wape"][0] == pytest.approx(wrong, rel=1e-6)


def test_weeks_that_the_sales_leave_out_are_rolled_in_as_missing(entry):
    first = KNOWN["week"].max() + pd.Timedelta(weeks=3)
    payload = rolled(entry, LATER[LATER["week"] >= first])
    gap = payload.volumes[0].as_py()[-6:]
    assert gap[:2] == [None, None]
    assert None not in gap[2:]
    assert payload.manifest["cutoff"] == str(LATER["week"].max().date())


def test_without_a_release_the_user_is_told_what_to_run():
    with pytest.raises(UserError, match="no champion to forecast from: run train and evaluate"):
        roll_forward(None, {}, None, 1)


def test_forecasts_are_kept_by_release_and_cutoff(entry):
    ahead = forecast_titles(rolled(entry, None), 4, [80])
    ((key, kept),) = keep_forecasts(ahead).items()
    assert key == f"{RELEASE}/{KNOWN['week'].max():%Y-%m-%d}"
    pd.testing.assert_frame_equal(kept, ahead)
    assert keep_forecasts(ahead.iloc[:0]) == {}


def test_a_title_without_newer_weeks_is_kept_once_beside_the_others(entry, tmp_path):
    history = PartitionedDataset(
        path=str(tmp_path / "history"), dataset=TitleRowsDataset, filename_suffix=".parquet"
    )
    for weeks in (None, LATER[LATER["isbn"] != ISBNS[0]], LATER[LATER["isbn"] != ISBNS[0]]):
        history.save(keep_forecasts(forecast_titles(rolled(entry, weeks), 4, [80])))
    kept = pd.concat([load() for load in history.load().values()])
    assert len(history.load()) == 2
    assert not kept.duplicated(["release", "cutoff", "isbn", "week"]).any()
    assert len(kept) == (3 + 2) * 4
