"""Overrides are scored beside the forecasts that they replaced."""

import datetime as dt
from pathlib import Path

import pytest

from book_forecast.datasets import OverridesDataset
from book_forecast.payload.contents import Payload
from book_forecast.pipelines.forecast.overrides import TYPES, score_overrides
from book_forecast.releases.overrides import Override, OverrideLog
from tests.releases import payloads

WEEK = dt.timedelta(weeks=1)


@pytest.fixture(scope="module")
def release() -> Payload:
    return payloads.release()


def sold(release: Payload, row: int, week: dt.date) -> float:
    back = (payloads.CUTOFF - week).days // 7
    return float(release.volumes[row].as_py()[-1 - back])


def override(first: dt.date, copies: list[float], replaced: list[float], row: int = 1) -> Override:
    return Override(
        who="Ann",
        why="A prize",
        isbn=payloads.isbn(row),
        release=payloads.RELEASE,
        cutoff=first - WEEK,
        first_week=first,
        copies=tuple(copies),
        replaced=tuple(replaced),
    )


def scored(folder: Path, release: Payload, *made: Override) -> list[dict]:
    log = OverrideLog(str(folder))
    for one in made:
        log.add(one)
    table = OverridesDataset(filepath=str(folder)).load()
    scores = score_overrides(release, table)
    assert list(scores.columns) == list(TYPES)
    return scores.to_dict("records")


def test_weeks_that_have_arrived_are_scored(tmp_path: Path, release: Payload):
    first = payloads.CUTOFF - WEEK
    actual = [sold(release, 1, first), sold(release, 1, payloads.CUTOFF)]
    copies = [actual[0] + 1.0, actual[1] - 2.0, 99.0]
    replaced = [actual[0] + 5.0, actual[1], 99.0]
    (row,) = scored(tmp_path, release, override(first, copies, replaced))
    assert (row["weeks"], row["weeks_to_come"]) == (2, 1)
    assert row["sold"] == pytest.approx(sum(actual))
    assert row["override_error"] == pytest.approx(3.0)
    assert row["forecast_error"] == pytest.approx(5.0)
    assert (row["better"], row["who"], row["withdrawn"]) == ("override", "Ann", False)
    assert row["last_week"].date() == payloads.CUTOFF


def test_an_override_of_weeks_to_come_waits(tmp_path: Path, release: Payload):
    assert scored(tmp_path, release, override(payloads.CUTOFF + WEEK, [1.0], [2.0])) == []


def test_a_withdrawn_override_is_scored_and_marked(tmp_path: Path, release: Payload):
    OverrideLog(str(tmp_path)).add(override(payloads.CUTOFF, [1e6], [0.0]))
    OverrideLog(str(tmp_path)).withdraw(1, "Bob", "by mistake")
    (row,) = scored(tmp_path, release)
    assert (row["withdrawn"], row["better"]) == (True, "forecast")


def test_a_week_that_nobody_reported_does_not_count(tmp_path: Path, release: Payload):
    missing = payloads.CUTOFF - WEEK * (119 - 60)
    assert scored(tmp_path, release, override(missing, [1.0], [2.0], row=0)) == []


def test_unknown_titles_and_an_empty_log_are_no_error(tmp_path: Path, release: Payload):
    assert scored(tmp_path, release) == []
    assert score_overrides(release, None).empty
    unknown = override(payloads.CUTOFF, [1.0], [2.0]).model_copy(update={"isbn": "9780000000002"})
    assert scored(tmp_path, release, unknown) == []
