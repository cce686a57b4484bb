"""Deliveries that come late, twice, partly and corrected end where one clean delivery does."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from book_forecast.payload.contents import Payload
from book_forecast.releases.assembly import with_titles_of
from book_forecast.storage.errors import UserError
from tests.pipelines.forecast.rhythm import (
    NEWER,
    SALES,
    TITLES,
    TRAINED,
    Root,
    before,
    trained,
)
from tests.pipelines.preprocess.exports import week_of


@pytest.fixture(scope="module")
def release() -> Payload:
    return trained()


@pytest.fixture(scope="module")
def clean(release: Payload, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files after one delivery of all weeks."""
    root = Root(tmp_path_factory.mktemp("clean"), release)
    root.roll(SALES)
    return root.files()


def deliveries(draws: np.random.Generator) -> list[pd.DataFrame]:
    """All newer weeks in random order, some wrong or in part at first, some twice."""
    found = []
    for week in draws.permutation(np.arange(TRAINED, TRAINED + NEWER)):
        rows = SALES[SALES["week"] == week_of(int(week))]
        kind = draws.integers(4)
        if kind == 1:
            found.append(rows.assign(volume=rows["volume"] * draws.integers(0, 5)))
        elif kind == 2:
            found.append(rows.sample(n=2, random_state=int(week)))
        elif kind == 3:
            found.append(rows)
        found.append(rows)
    # A correction may come after later weeks.
    order = np.sort(draws.permutation(len(found))[: len(found) // 2])
    again = [found[place] for place in order]
    return [*found, *again, SALES[SALES["week"] >= week_of(TRAINED)]]


@pytest.mark.parametrize("seed", range(6))
def test_ten_weeks_in_any_order_end_in_the_state_of_one_clean_delivery(
    tmp_path: Path, release: Payload, clean: dict[str, bytes], seed: int
) -> None:
    root, known = Root(tmp_path, release), before(TRAINED)
    for delivery in deliveries(np.random.default_rng(seed)):
        known = pd.concat([known, delivery]).drop_duplicates(["isbn", "week"], keep="last")
        root.roll(known)
    assert root.files() == clean


def test_a_correction_of_a_week_that_is_rolled_in_reaches_the_forecasts(
    tmp_path: Path, release: Payload, clean: dict[str, bytes]
) -> None:
    root = Root(tmp_path, release)
    corrected = SALES["week"] == week_of(TRAINED + NEWER - 2)
    wrong = SALES.assign(volume=SALES["volume"].mask(corrected, 500.0))
    different = root.roll(wrong).mean
    assert (root.roll(SALES).mean != different).any(axis=1).all()
    assert root.files() == clean


def test_weeks_that_are_deleted_again_leave_the_release_as_it_was_trained(
    tmp_path: Path, release: Payload
) -> None:
    root = Root(tmp_path, release)
    as_trained = root.files()
    assert "trained_states" in root.roll(SALES).manifest["files"]
    root.roll(before(TRAINED))
    assert root.files() == as_trained


def test_a_cutoff_between_training_and_last_week_is_forecast_from(
    tmp_path: Path, release: Payload
) -> None:
    root, other = Root(tmp_path / "a", release), Root(tmp_path / "b", release)
    root.roll(SALES)
    root.roll(SALES, cutoff_date=(week_of(TRAINED + 3) + pd.Timedelta(days=2)).date())
    other.roll(before(TRAINED + 4))
    assert root.files() == other.files()


def test_a_cutoff_inside_the_training_is_refused_with_both_dates(
    tmp_path: Path, release: Payload
) -> None:
    root, cutoff = Root(tmp_path, release), week_of(TRAINED - 2).date()
    last = week_of(TRAINED - 1).date()
    with pytest.raises(UserError, match=rf"cutoff_date is {cutoff}.*trained .* {last}.*Choose"):
        root.roll(SALES, cutoff_date=cutoff)


def test_changed_weeks_of_the_training_advise_to_train(
    tmp_path: Path, release: Payload, caplog: pytest.LogCaptureFixture
) -> None:
    changed = SALES.assign(volume=SALES["volume"].mask(SALES["week"] == week_of(50), 900.0))
    Root(tmp_path, release).roll(changed)
    (warning,) = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
    assert "Retraining advised: sales differ by" in warning
    assert len(warning) <= 140


def test_a_payload_that_an_older_version_has_rolled_is_told(
    tmp_path: Path, release: Payload, caplog: pytest.LogCaptureFixture
) -> None:
    root = Root(tmp_path / "a", release)
    rolled = root.roll(before(TRAINED + 5))
    manifest = dict(rolled.manifest)
    manifest["files"] = {
        kind: entry for kind, entry in manifest["files"].items() if kind != "trained_states"
    }
    older = Root(tmp_path / "b", replace(rolled, manifest=manifest, trained_states=None))
    after = older.roll(SALES)
    assert "was rolled by an older version" in caplog.text
    expected = root.roll(SALES)
    assert after.manifest["cutoff"] == expected.manifest["cutoff"]
    np.testing.assert_allclose(after.mean, expected.mean, rtol=1e-6)


def test_a_title_of_an_older_release_is_rolled_from_its_own_training(
    tmp_path: Path, release: Payload
) -> None:
    root = Root(tmp_path / "a", release)
    rolled = root.roll(SALES)
    mixed = with_titles_of(rolled, release, [TITLES[0]])
    again = Root(tmp_path / "b", mixed).roll(SALES)
    np.testing.assert_array_equal(again.mean, rolled.mean)


PROMOTIONS = range(3, TRAINED, 17)
PROMOTED = SALES.assign(
    volume=SALES["volume"].where(
        ~SALES["week"].isin([week_of(week) for week in PROMOTIONS]), SALES["volume"] * 2.5
    )
)
"""Sales that promotions have raised."""


def plan(week: int | None, name: str = "promotion_plan", depth: float = 0.4) -> pd.DataFrame:
    """Promotions in every 17th week of the past, and one week more."""
    rows = [(isbn, week_of(n), "promotion", 0.4) for isbn in TITLES for n in PROMOTIONS]
    if week is not None:
        rows += [(isbn, week_of(week), name, depth) for isbn in TITLES]
    frame = pd.DataFrame(rows, columns=["isbn", "week", "name", "value"])
    return frame.astype({"isbn": "str", "week": "datetime64[us]", "name": "str"})


@pytest.fixture(scope="module")
def promoted() -> Payload:
    """A release that was trained with a plan for the third week."""
    return trained(PROMOTED, plan(TRAINED + 2))


def test_a_changed_plan_reaches_the_forecast_without_newer_weeks(
    tmp_path: Path, promoted: Payload
) -> None:
    root = Root(tmp_path, promoted)
    as_trained = root.files()
    weeks = PROMOTED[PROMOTED["week"] < week_of(TRAINED)]
    root.roll(weeks, plan(TRAINED + 2))
    assert root.files() == as_trained
    other = root.roll(weeks, plan(TRAINED + 5))
    changed = np.abs(other.mean - promoted.mean) > 1e-6
    # The ensembles have a regression, the other titles have not.
    for row in (0, 1):
        assert set(np.flatnonzero(changed[row])) >= {2, 5}
    assert not changed[2:].any()
    root.roll(weeks, plan(TRAINED + 2))
    assert root.files() == as_trained


def test_promotions_of_newer_weeks_are_those_that_came(tmp_path: Path, promoted: Payload) -> None:
    root = Root(tmp_path, promoted)
    without = root.roll(PROMOTED, plan(None))
    with_it = root.roll(PROMOTED, plan(TRAINED + NEWER - 1, "promotion"))
    assert (with_it.mean[:2] != without.mean[:2]).any(axis=1).all()
    assert with_it.titles["cutoff"][0].as_py() == week_of(TRAINED + NEWER - 1).date()
    assert isinstance(with_it.titles["cutoff"][0].as_py(), dt.date)
