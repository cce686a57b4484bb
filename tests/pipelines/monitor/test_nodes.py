"""The nodes of the monitor pipeline, on recorded forecasts as files have them."""

import datetime as dt
import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from book_forecast.options.groups import SelectionOptions
from book_forecast.options.monitoring import MonitorOptions
from book_forecast.pipelines.monitor import nodes
from book_forecast.plots.monitoring import monitor_figure, monitor_page
from book_forecast.storage.errors import UserError
from tests.monitoring.catalogues import FIRST, LEVEL_WEEKS, WEEKS, Catalogue

OPTIONS = MonitorOptions()
RELEASE = "2024-01-01T00.00.00-00000000"
BAD_RELEASE = "2026-02-02T00.00.00-bad00000"
HORIZON = 8
CATALOGUE = Catalogue(40, copies=400.0, noise=0.05, seed=5)


def day(week: int) -> pd.Timestamp:
    return FIRST + pd.Timedelta(weeks=week)


def sales(catalogue: Catalogue, until: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "isbn": np.repeat(catalogue.isbns, until),
            "week": np.tile(pd.DatetimeIndex([day(week) for week in range(until)]), catalogue.n),
            "volume": catalogue.sold[:, :until].ravel(),
        }
    )


def recorded(catalogue: Catalogue, until: int, runs: int) -> dict:
    """The tables of weekly runs; each is read by a call, as Kedro's partitions are."""

    def table(end: int) -> pd.DataFrame:
        before = slice(end - LEVEL_WEEKS, end)
        level = (catalogue.sold[:, before] / catalogue.season[:, before]).mean(axis=1)
        weeks = list(range(end, min(end + HORIZON, WEEKS)))
        mean = (level[:, None] * catalogue.season[:, weeks]).ravel()
        return pd.DataFrame(
            {
                "isbn": np.repeat(catalogue.isbns, len(weeks)),
                "week": np.tile(pd.DatetimeIndex([day(week) for week in weeks]), catalogue.n),
                "cutoff": day(end - 1),
                "release": RELEASE,
                "mean": mean,
                "lo-80": mean * 0.9,
                "hi-80": mean * 1.1,
            }
        )

    ends = range(until - runs, until + 1)
    return {f"{RELEASE}/{day(end - 1):%Y-%m-%d}": lambda end=end: table(end) for end in ends}


def damaged(path: str) -> Any:
    """The read of a damaged table, as the catalog reports it."""

    def read() -> pd.DataFrame:
        raise ValueError("a dataset cannot be loaded") from UserError(f"{path} is damaged (x).")

    return read


def doubled(read: Any) -> Any:
    """The read of a table whose forecasts are twice as high."""

    def read_doubled() -> pd.DataFrame:
        table = read()
        high = {
            name: table[name] * 2 for name in table.columns if name in ("mean", "lo-80", "hi-80")
        }
        return table.assign(release=BAD_RELEASE, **high)

    return read_doubled


def monitored(
    catalogue: Catalogue,
    until: int = 110,
    runs: int = 40,
    broken: Sequence[int] = (),
    bad: Sequence[int] = (),
    left_out: pd.DataFrame | None = None,
    volume_jump: float = OPTIONS.volume_jump,
) -> dict:
    """All results of the pipeline after a delivery; records of some weeks are damaged, or bad."""
    weeks, tables = sales(catalogue, until), recorded(catalogue, until, runs)
    for week in bad:
        read = tables.pop(f"{RELEASE}/{day(week):%Y-%m-%d}")
        tables[f"{BAD_RELEASE}/{day(week):%Y-%m-%d}"] = doubled(read)
    for name in [f"{RELEASE}/{day(week):%Y-%m-%d}" for week in broken]:
        tables[name] = damaged(name)
    titles = pd.DataFrame(
        {
            "isbn": catalogue.isbns,
            "title": [f"<b>{n}</b>" for n in range(catalogue.n)],
            "product_class": ["F", None] * (catalogue.n // 2),
        }
    )
    scores, by_week, wrong = nodes.score_recorded_forecasts(tables, weeks, None, titles, OPTIONS)
    shifts = nodes.find_title_shifts(tables, None, None, None, weeks, None, OPTIONS)
    checks = nodes.check_newest_delivery(
        weeks.assign(asp=9.0),
        weeks,
        left_out,
        tables,
        SelectionOptions(),
        MonitorOptions(volume_jump=volume_jump),
        today=(day(until - 1) + pd.Timedelta(days=2)).date(),
    )
    test, _, served = nodes.compare_arms(None, None, None, None, weeks, None, OPTIONS)
    status = nodes.summarise_monitoring(scores, shifts, checks, test, wrong, OPTIONS)
    return {
        "scores": scores,
        "weeks": by_week,
        "shifts": shifts,
        "checks": checks,
        "status": status,
        "page": monitor_page(status, scores, shifts, checks, test, served, titles),
        "figure": monitor_figure(by_week),
    }


def test_a_usual_week_is_ok_and_better_than_last_year():
    found = monitored(CATALOGUE)
    assert found["status"]["state"] == "ok", found["status"]["problems"]
    whole = found["scores"].set_index("by").loc["all"]
    assert whole["ratio"] < 1.0
    assert whole["weeks"] == OPTIONS.monitored_weeks
    assert whole["titles"] == 40
    assert set(found["scores"].loc[found["scores"]["by"] == "product_class", "name"]) == {"", "F"}
    assert list(found["status"]["releases"]) == [RELEASE]
    assert found["weeks"]["week"].nunique() == OPTIONS.monitored_weeks
    assert [len(trace.y) for trace in found["figure"].data] == [OPTIONS.monitored_weeks] * 4


def test_titles_that_shift_are_found_and_named_on_the_page_as_text():
    found = monitored(CATALOGUE.shifted(106, 1.6))
    assert found["shifts"]["shifted"].mean() > 0.9
    assert found["status"]["state"] == "degraded"
    assert any("by chance alone" in problem for problem in found["status"]["problems"])
    assert "&lt;b&gt;" in found["page"]
    assert "<b>" not in found["page"]


def test_a_release_that_is_worse_than_last_year_is_named():
    found = monitored(CATALOGUE, bad=range(105, 110))
    problems = [text for text in found["status"]["problems"] if "last year" in text]
    assert problems, found["status"]["problems"]
    assert problems[-1].startswith(f"Forecasts of {BAD_RELEASE} are worse")
    assert not any(f"of {RELEASE} are" in text for text in found["status"]["problems"])
    assert found["status"]["state"] == "degraded"


def test_a_broken_delivery_is_the_state_whatever_the_forecasts():
    found = monitored(CATALOGUE.shifted(109, 20.0))
    assert found["status"]["state"] == "broken"
    assert "must not be used" in found["page"]


@pytest.mark.parametrize(("week", "state"), [(109, "broken"), (104, "degraded")])
def test_a_week_that_preprocess_has_left_out_is_in_the_state_and_on_the_page(week, state):
    left_out = pd.DataFrame({"week": [day(week)], "ratio": [9.5]})
    found = monitored(CATALOGUE, left_out=left_out)
    assert found["status"]["state"] == state
    named = f"{day(week):%Y-%m-%d} (9.50 times the copies expected)"
    assert named in " ".join(found["status"]["problems"])
    assert named in found["page"]


@pytest.mark.parametrize("bad", [[108], [107]])
def test_the_newest_volume_is_held_against_the_forecasts_that_have_judged_it(bad):
    """A forecast that is twice as high has counted a wrong week, which is left out or corrected."""

    def volume(bad: list[int], left_out: pd.DataFrame | None) -> pd.Series:
        found = monitored(CATALOGUE, bad=bad, left_out=left_out, volume_jump=1.5)
        row: pd.Series = found["checks"].set_index("name").loc["volume"]
        return row

    usual = volume(bad, pd.DataFrame({"week": [day(107)], "ratio": [9.5]}))
    assert usual["state"] == "ok"
    assert usual["value"] == pytest.approx(1.0, rel=0.1)
    both = volume([107, 108], None)
    assert both["state"] == "broken"
    assert both["value"] == pytest.approx(0.5, rel=0.1)


def test_damaged_records_are_left_out_and_named_in_the_state(caplog):
    """The latest one, that of the shift test, and one of the weeks before."""
    wrong = [108, 105, 97]
    whole, found = monitored(CATALOGUE), monitored(CATALOGUE, broken=wrong)
    assert found["status"]["state"] == "degraded"
    problems = found["status"]["problems"]
    assert len(problems) == len(wrong) == found["status"]["metrics"]["records_damaged"]
    for week, problem in zip(sorted(wrong), problems, strict=True):
        assert f"{day(week):%Y-%m-%d}" in problem
        assert caplog.text.count(problem) == 1
        assert problem in found["page"]
    assert (
        found["scores"].set_index("by").loc["all", "n"]
        < (whole["scores"].set_index("by").loc["all", "n"])
    )
    # Those of the week before are taken in place of the latest ones.
    assert found["shifts"]["cutoff"].unique() == [day(104)]
    assert found["checks"]["state"].tolist() == whole["checks"]["state"].tolist()


def test_a_damaged_record_that_no_sales_have_met_is_in_the_state():
    """Preprocess has read it, and the newest week is left out: it does not end the record."""
    name = f"{RELEASE}/{day(109):%Y-%m-%d}"
    tables = recorded(CATALOGUE, 110, 40) | {name: damaged(name)}
    weeks = sales(CATALOGUE, 110)
    *_, wrong = nodes.score_recorded_forecasts(tables, weeks, None, None, OPTIONS)
    assert [name in problem for problem in wrong] == [True]


def test_records_that_are_all_damaged_are_like_none_but_for_the_state():
    found = monitored(CATALOGUE, broken=range(69, 110))
    assert found["scores"].empty
    assert found["shifts"].empty
    assert found["status"]["state"] == "degraded"


def test_a_record_that_the_disk_does_not_give_ends_the_run():
    def read() -> pd.DataFrame:
        raise OSError("the disk reports an error")

    tables = recorded(CATALOGUE, 110, 40) | {f"{RELEASE}/{day(100):%Y-%m-%d}": read}
    weeks = sales(CATALOGUE, 110)
    with pytest.raises(OSError, match="the disk"):
        nodes.score_recorded_forecasts(tables, weeks, None, None, OPTIONS)


def test_before_the_first_recorded_forecast_there_is_a_state_and_a_page(caplog):
    weeks = sales(CATALOGUE, 110)
    with caplog.at_level(logging.INFO):
        scores, by_week, _ = nodes.score_recorded_forecasts(None, weeks, None, None, OPTIONS)
        shifts = nodes.find_title_shifts(None, None, None, None, weeks, None, OPTIONS)
    ended = SelectionOptions(cutoff_date=dt.date(2024, 1, 6))
    checks = nodes.check_newest_delivery(weeks.assign(asp=np.nan), None, None, None, ended, OPTIONS)
    test, _, served = nodes.compare_arms(None, None, None, None, weeks, None, OPTIONS)
    status = nodes.summarise_monitoring(scores, shifts, checks, test, [], OPTIONS)
    assert status["state"] == "new"
    assert "No recorded forecast has met sales yet" in caplog.text
    assert "As usual" not in monitor_page(status, scores, shifts, checks, test, served, None)
    assert monitor_figure(by_week).layout.title.text


def test_a_title_in_two_releases_is_tested_by_the_later_one():
    tables = recorded(CATALOGUE, 110, 40)
    later = {
        name.replace("2024-01-01", "2024-02-01"): lambda read=read: read().assign(mean=1e6)
        for name, read in tables.items()
        if name.endswith(f"{day(105):%Y-%m-%d}")
    }
    weeks = sales(CATALOGUE, 110)
    found = nodes.find_title_shifts(tables | later, None, None, None, weeks, None, OPTIONS)
    assert found["expected"].min() == pytest.approx(4e6)


def test_the_coverage_of_a_level_is_of_runs_that_all_have_it():
    tables = recorded(CATALOGUE, 110, 40)
    narrow = {"lo-80": "lo-50", "hi-80": "hi-50"}
    both = {
        name: lambda read=read: read().assign(**{new: read()[old] for old, new in narrow.items()})
        for name, read in tables.items()
    }
    mixed = {name: both[name] if n % 2 else tables[name] for n, name in enumerate(tables)}
    weeks = sales(CATALOGUE, 110)
    alone, *_ = nodes.score_recorded_forecasts(tables, weeks, None, None, OPTIONS)
    found, *_ = nodes.score_recorded_forecasts(mixed, weeks, None, None, OPTIONS)
    pd.testing.assert_frame_equal(found, alone)
