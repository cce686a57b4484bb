"""The challenger's forecasts are kept up with newer weeks, beside the champion's."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from book_forecast.datasets import ChallengeDataset, ChallengerDataset
from book_forecast.options.groups import ForecastOptions, SelectionOptions
from book_forecast.payload.contents import Payload
from book_forecast.pipelines.forecast.challenger import record_challenger, roll_challenger
from book_forecast.pipelines.forecast.nodes import forecast_titles, roll_forward
from book_forecast.releases.challenging import start_challenge
from book_forecast.releases.store import ReleaseStore
from tests.histories import ALONE, checkpoints_in, release_of, specifications_of
from tests.pipelines.forecast.test_nodes import ISBNS, KNOWN, LATER, TITLES
from tests.releases import payloads
from tests.serving.servers import promote

FORECAST, SELECTION = ForecastOptions(), SelectionOptions()


@pytest.fixture
def store(tmp_path: Path) -> ReleaseStore:
    """A champion of invented titles, and a challenger that can be rolled."""
    store = ReleaseStore(str(tmp_path / "releases"))
    promote(store, payloads.saved(store, 1))
    made = release_of(KNOWN, specifications_of(ISBNS[:2]), TITLES)
    store.save(made)
    start_challenge(store, made.release, 0.2, "x")
    return store


def roll(challenger: Payload | None, selection: SelectionOptions = SELECTION) -> dict[str, Payload]:
    with checkpoints_in(None) as checkpoints:
        return roll_challenger(challenger, LATER, None, None, selection, ALONE, checkpoints)


def test_newer_weeks_are_rolled_in_and_recorded_as_those_of_a_champion(store: ReleaseStore):
    entry = ChallengerDataset(filepath=store.root)
    challenger = entry.load()
    assert challenger is not None
    entry.save(roll(challenger))
    rolled = entry.load()
    assert rolled is not None
    assert rolled.manifest["cutoff"] > challenger.manifest["cutoff"]
    tables = record_challenger(rolled, FORECAST, SELECTION)
    with checkpoints_in(None) as checkpoints:
        same = roll_forward(challenger, LATER, None, None, SELECTION, ALONE, checkpoints)
    expected = forecast_titles(same, None, FORECAST, SELECTION)
    whole = pd.concat(tables.values()).sort_values(["isbn", "week"], ignore_index=True)
    expected = expected.sort_values(["isbn", "week"], ignore_index=True)
    pd.testing.assert_frame_equal(whole, expected)
    assert all(name.startswith(f"{challenger.release}/") for name in tables)


def test_without_a_challenger_nothing_is_rolled_or_recorded(tmp_path: Path):
    entry = ChallengerDataset(filepath=str(tmp_path))
    assert entry.load() is None
    assert ChallengeDataset(filepath=str(tmp_path)).load() is None
    entry.save(roll(None))
    assert record_challenger(None, FORECAST, SELECTION) == {}
    assert not any(tmp_path.iterdir())


def test_titles_that_are_named_are_recorded_alone(store: ReleaseStore):
    challenger = ChallengerDataset(filepath=store.root).load()
    some = SelectionOptions(titles=ISBNS[:1])
    (table,) = record_challenger(challenger, FORECAST, some).values()
    assert set(table["isbn"]) == {ISBNS[0]}
    assert record_challenger(challenger, FORECAST, SelectionOptions(titles=["9780140449136"])) == {}


@pytest.mark.parametrize("how", ["gone", "damaged", "entry"])
def test_a_run_goes_on_without_a_challenger_that_cannot_be_read(
    how: str, store: ReleaseStore, caplog: pytest.LogCaptureFixture
):
    running = store.challenge()
    assert running is not None
    folder = Path(store.location(running.release))
    if how == "gone":
        shutil.rmtree(folder)
    elif how == "damaged":
        (folder / "manifest.json").write_bytes(b"[null]")
    else:
        Path(store.challenges.location, "000001.json").write_bytes(b"\x00")
    assert ChallengerDataset(filepath=store.root).load() is None
    told = "no entry of a challenge" if how == "entry" else "goes on without the challenger"
    assert told in caplog.text


def test_a_cutoff_before_its_training_leaves_the_challenger_out(
    store: ReleaseStore, caplog: pytest.LogCaptureFixture
):
    challenger = ChallengerDataset(filepath=store.root).load()
    early = KNOWN["week"].max() - pd.Timedelta(weeks=10)
    assert roll(challenger, SelectionOptions(cutoff_date=early.date())) == {}
    assert "goes on without the challenger" in caplog.text
