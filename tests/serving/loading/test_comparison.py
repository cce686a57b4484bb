"""Forecast changes between two releases, over the calendar weeks that both forecast."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from book_forecast.payload.contents import Payload
from book_forecast.payload.manifest import LONGEST_HORIZON, PROBABILITIES
from book_forecast.serving.loading.comparison import compare, compare_with_previous, last_promotion
from tests.serving import stores

DAY = dt.date(2024, 6, 29)


def payload(titles: dict[str, tuple[dt.date | None, float]], rises: bool = False) -> Payload:
    """A payload of cutoffs and copies a week, of which each week may have one more."""
    cutoffs = [cutoff for cutoff, _ in titles.values()]
    table = pa.table({"isbn": list(titles), "cutoff": pa.array(cutoffs, pa.date32())})
    weekly = np.array([copies for _, copies in titles.values()], dtype=np.float32)
    mean = weekly[:, None] + rises * np.arange(LONGEST_HORIZON)
    quantiles = np.zeros((len(titles), len(PROBABILITIES), LONGEST_HORIZON), dtype=np.float32)
    return Payload(
        {"release": "old"}, table, pa.chunked_array([[]]), mean.astype(np.float32), quantiles, None
    )


def test_the_same_weeks_of_a_later_release_are_compared():
    week = dt.timedelta(weeks=1)
    old = payload({"a": (DAY, 10.0), "gone": (DAY, 1.0)}, rises=True)
    new = payload({"a": (DAY + week, 11.0), "fresh": (DAY + week, 5.0)}, rises=True)
    changes = compare(new, old)
    # The older release expected 10 in a week that is past, and the same as the newer of the others.
    assert changes.copies[0] == 0.0
    assert changes.relative[0] == 0.0
    assert changes.weeks.tolist() == [32, 0]
    assert np.isnan(changes.copies[1])
    assert changes.before == "old"


def test_copies_and_share_are_of_32_weeks():
    changes = compare(payload({"a": (DAY, 15.0)}), payload({"a": (DAY, 10.0)}))
    assert changes.copies[0] == pytest.approx(5 * 32)
    assert changes.relative[0] == pytest.approx(0.5)


def test_a_release_that_knows_less_is_compared_too():
    week = dt.timedelta(weeks=1)
    changes = compare(payload({"a": (DAY, 8.0)}), payload({"a": (DAY + 3 * week, 10.0)}))
    assert changes.copies[0] == pytest.approx(-2 * 32)


@pytest.mark.parametrize(("apart", "weeks"), [(80, 24), (103, 1), (104, 0), (300, 0)])
def test_fewer_weeks_are_compared_where_fewer_are_shared(apart, weeks):
    new = payload({"a": (DAY + dt.timedelta(weeks=apart), 8.0)})
    changes = compare(new, payload({"a": (DAY, 10.0)}))
    assert changes.weeks[0] == weeks
    assert np.isnan(changes.copies[0]) == (weeks == 0)


def test_nothing_is_no_share_of_nothing():
    changes = compare(
        payload({"a": (DAY, 1.0), "b": (None, 1.0)}), payload({"a": (DAY, 0.0), "b": (DAY, 1.0)})
    )
    assert changes.copies[0] == 32.0
    assert np.isnan(changes.relative).all()
    assert changes.weeks.tolist() == [32, 0]


def test_the_release_before_is_the_champion_before(tmp_path):
    store = stores.write(tmp_path, titles=12)
    now = store.read(stores.NOW)
    changes = compare_with_previous(store, now, last_promotion(store, stores.NOW))
    assert changes is not None
    assert changes.before == stores.BEFORE
    assert np.isfinite(changes.copies).sum() == 11
    assert (
        compare_with_previous(
            store, store.read(stores.BEFORE), last_promotion(store, stores.BEFORE)
        )
        is None
    )
    assert last_promotion(store, "2020-01-01T00.00.00-00000000") is None
    assert compare_with_previous(store, now, None) is None


def test_a_release_that_replaced_one_which_is_gone_has_nothing_to_be_compared_with(tmp_path):
    store = stores.write(tmp_path, titles=12)
    now, promotion = store.read(stores.NOW), last_promotion(store, stores.NOW)
    (store.local_folder(stores.BEFORE) / "manifest.json").unlink()
    assert compare_with_previous(store, now, promotion) is None
