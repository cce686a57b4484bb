"""A launch is forecast from titles like it, and from its own weeks as they arrive."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from book_forecast.forecasters.launches.knowledge import LaunchKnowledge, learn_launches
from book_forecast.forecasters.launches.launch import Launch
from book_forecast.forecasters.launches.past_launches import Facts, launch_week
from book_forecast.series.history import WEEK, FloatArray, History
from tests.forecasters.launches.panels import curve, default_prior, panel, series_of

CUTOFF = np.datetime64("2022-03-05")


@pytest.fixture(scope="module")
def knowledge() -> LaunchKnowledge:
    launches = panel(60)
    return learn_launches(launches, series_of(launches))


def fit(knowledge: LaunchKnowledge, volumes: FloatArray, facts: Facts | None = None) -> Launch:
    return Launch.fit(History("new", volumes, CUTOFF), knowledge.prior(facts or Facts("F")))


def reach(model: Launch, week: int = 5) -> float:
    """How many times the upper bound of 80 % is the lower one."""
    forecast = model.forecast(week + 1, (80,))
    return float((1.0 + forecast.upper[80][week]) / (1.0 + forecast.lower[80][week]))


def test_a_launch_declines_as_those_of_its_class(knowledge: LaunchKnowledge) -> None:
    mean = fit(knowledge, np.empty(0)).forecast(52, ()).mean
    usual = curve(52, 1.0)
    assert mean[40] / mean[2] == pytest.approx(usual[40] / usual[2], rel=0.25)


def test_own_weeks_find_the_level(knowledge: LaunchKnowledge) -> None:
    for level in (20.0, 2000.0):
        own = curve(30, level)
        mean = fit(knowledge, own[:6]).forecast(24, ()).mean
        assert mean == pytest.approx(own[6:], rel=0.35)


def test_intervals_narrow_as_own_weeks_arrive(knowledge: LaunchKnowledge) -> None:
    own = curve(20, 300.0)
    reaches = [reach(fit(knowledge, own[:k])) for k in (0, 1, 4, 13)]
    assert reaches == sorted(reaches, reverse=True)
    assert reaches[0] > 2 * reaches[-1]


def test_rolling_weeks_in_is_as_if_they_had_been_known(knowledge: LaunchKnowledge) -> None:
    own = curve(20, 300.0)
    rolled = fit(knowledge, own[:4]).roll_forward(own[4:])
    later = Launch.fit(History("new", own, CUTOFF + 16 * WEEK), knowledge.prior(Facts("F")))
    assert np.array_equal(rolled.forecast(20, (80,)).upper[80], later.forecast(20, (80,)).upper[80])


def test_a_launch_whose_level_fell_stays_there() -> None:
    rng = np.random.default_rng(0)
    own = np.append(rng.poisson(2000.0, 45), rng.poisson(20.0, 15)).astype(float)
    prior = learn_launches([], []).prior(Facts("F"))
    before = Launch.fit(History("new", own[:45], CUTOFF - 15 * WEEK), prior)
    for model in (Launch.fit(History("new", own, CUTOFF), prior), before.roll_forward(own[45:])):
        forecast = model.forecast(32, (80,))
        assert 10.0 < forecast.mean.min() <= forecast.mean.max() < 30.0
        assert forecast.lower[80].max() < 20.0 < forecast.upper[80].min()
        assert forecast.upper[80].max() < 200.0


def test_weeks_before_publication_are_zero(knowledge: LaunchKnowledge) -> None:
    prior = knowledge.prior(Facts("F"))
    model = Launch.fit(History("new", np.array([np.nan]), CUTOFF), prior, CUTOFF + 5 * WEEK)
    forecast = model.forecast(10, (95,))
    for column in forecast.columns().values():
        assert (column[:4] == 0).all()
    assert (forecast.mean[4:] > 1).all()
    nearer = model.roll_forward(np.array([np.nan, np.nan])).forecast(8, (95,))
    assert nearer.mean == pytest.approx(forecast.mean[2:])


def test_a_title_that_is_overdue_is_forecast_from_next_week_on(knowledge: LaunchKnowledge) -> None:
    prior = knowledge.prior(Facts("F"))
    model = Launch.fit(History("new", np.full(5, np.nan), CUTOFF), prior, CUTOFF - 3 * WEEK)
    assert model.forecast(1, ()).mean[0] > 1


def test_no_bound_is_beyond_what_titles_like_it_have_sold(knowledge: LaunchKnowledge) -> None:
    most = max(each.volumes.max() for each in knowledge.launches)
    forecast = fit(knowledge, np.empty(0)).forecast(30, (99.9,))
    assert forecast.upper[99.9].max() <= most * (1.0 + 1e-9)
    strong = fit(knowledge, np.array([3.0 * most])).forecast(1, (99.9,))
    assert strong.upper[99.9][0] == pytest.approx(3.0 * most)


def test_an_author_tells_the_level(knowledge: LaunchKnowledge) -> None:
    totals: dict[str, list[float]] = {}
    for each in knowledge.launches:
        totals.setdefault(each.facts.author, []).append(each.volumes[:13].sum())
    means = {author: float(np.mean(found)) for author, found in totals.items()}
    best, least = max(means, key=lambda a: means[a]), min(means, key=lambda a: means[a])
    of_best, of_least = (
        fit(knowledge, np.empty(0), Facts("F", author=author)) for author in (best, least)
    )
    assert of_best.forecast(5, ()).mean.sum() > 1.5 * of_least.forecast(5, ()).mean.sum()
    assert reach(of_best) < reach(fit(knowledge, np.empty(0)))


def test_comparable_titles_come_before_the_author(knowledge: LaunchKnowledge) -> None:
    ranked = sorted(knowledge.launches, key=lambda each: each.volumes[:13].sum())
    weak, strong = ranked[0], ranked[-1]
    facts = Facts("F", author=weak.facts.author, comparable=(strong.isbn,))
    alone = fit(knowledge, np.empty(0), replace(facts, comparable=()))
    beside = fit(knowledge, np.empty(0), facts)
    assert beside.forecast(5, ()).mean.sum() > 1.5 * alone.forecast(5, ()).mean.sum()


def test_a_print_run_scales_the_forecast_and_bounds_it(knowledge: LaunchKnowledge) -> None:
    def year(print_run: float) -> float:
        prior = knowledge.prior(Facts("F"), print_run)
        forecast = Launch.fit(History("new", np.empty(0), CUTOFF), prior).forecast(52, ())
        return float(forecast.mean.sum())

    usual = year(np.inf)
    assert year(0.1 * usual) < 0.101 * usual
    assert year(5 * usual) > 1.3 * usual


@pytest.mark.parametrize("n", [0, 1, 3])
def test_few_launches_or_none_leave_a_default_shape_and_wide_intervals(n: int) -> None:
    launches = panel(60)
    few = learn_launches(launches[:n], series_of(launches)[:20])
    model = fit(few, np.empty(0))
    mean = model.forecast(52, ()).mean
    assert mean[2] > mean[20] > mean[50] > 0
    assert reach(model) > 5


def test_nothing_at_all_is_known_of_an_empty_panel() -> None:
    forecast = fit(learn_launches([], []), np.array([7.0])).forecast(10, (80,))
    assert np.isfinite(forecast.mean).all()
    assert forecast.mean[0] == pytest.approx(7.0, rel=0.7)


@pytest.mark.parametrize("own", [[1.0], [100.0], [100.0, 80.0]])
def test_the_only_title_of_a_panel_has_an_interval_above_its_weeks(own: list[float]) -> None:
    history = History("new", np.array(own), CUTOFF)
    weeks = CUTOFF - WEEK * np.arange(len(own))[::-1]
    known = learn_launches([], [("F", weeks, history.volumes)])
    forecast = Launch.fit(history, known.prior(Facts("F"))).forecast(52, (80, 95))
    assert (forecast.upper[80] > 1.2 * max(own)).all()
    assert (forecast.upper[95] > 1.05 * forecast.upper[80]).all()


def test_a_season_of_the_class_lifts_its_weeks() -> None:
    rng = np.random.default_rng(5)
    weeks = np.datetime64("2015-01-03") + WEEK * np.arange(260)
    december = np.isin(weeks.astype("datetime64[M]").astype(int) % 12, [11])
    titles = [
        ("F", weeks, rng.poisson(60.0 * np.where(december, 3.0, 1.0)).astype(float))
        for _ in range(12)
    ]
    known = learn_launches(panel(30), [*titles, *series_of(panel(30))])
    history = History("new", np.full(8, 50.0), np.datetime64("2022-11-12"))
    mean = Launch.fit(history, known.prior(Facts("F"))).forecast(16, ()).mean
    assert mean[4:6].mean() > 1.8 * mean[11:].mean()


@pytest.mark.parametrize(
    ("volumes", "planned", "start"),
    [
        ([0.0, 5.0, 4.0], None, 1),
        ([np.nan], 6, 6),
        ([np.nan, np.nan, np.nan], 1, 3),
        ([1.0, 2.0, 500.0, 300.0], 2, 2),
        ([300.0, 200.0, 150.0], 2, 0),
        ([40.0, 30.0], -30, -30),
        ([40.0, 30.0], -3, 0),
        ([40.0, 30.0], 90, 0),
    ],
)
def test_a_launch_begins_with_its_first_sale_unless_its_date_tells_more(
    volumes: list[float], planned: int | None, start: int
) -> None:
    first = np.datetime64("2022-01-01")
    date = None if planned is None else first + planned * WEEK
    assert launch_week(np.array(volumes), first, date) == start


def test_a_few_early_copies_are_no_launch(knowledge: LaunchKnowledge) -> None:
    prior = knowledge.prior(Facts("F"))
    early = History("new", np.array([2.0]), CUTOFF)
    on_date = Launch.fit(early, prior, CUTOFF + WEEK).forecast(3, ()).mean
    assert on_date[0] > 10 * Launch.fit(early, prior).forecast(3, ()).mean[0]


def test_the_default_prior_is_as_wide_as_nothing_known() -> None:
    prior = default_prior(4.0, 1e4)
    forecast = Launch.fit(History("new", np.empty(0), CUTOFF), prior).forecast(8, (80,))
    assert (forecast.upper[80] > 10 * forecast.mean / 4).all()
    assert (forecast.lower[80] < forecast.mean / 3).all()
