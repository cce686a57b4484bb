"""One model of all titles: what it learns from, what it must not see, whom it can forecast."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

from book_forecast.forecasters.global_models.forecasts import forecast_all
from book_forecast.forecasters.global_models.members import Autoregression
from book_forecast.options.models import BoostingOptions, ModelOptions
from book_forecast.series.history import MODEL_HORIZON, Covariates, weeks_after
from tests.histories import CUTOFF, weeks_frame

QUICK = BoostingOptions(fits=1, rows=4000, rows_per_title=400, trees=30, learning_rate=0.2)
GLOBAL = ["boosting", "autoregression", "network"]
WEEKS = 200
FEWEST_TITLES = Autoregression.capabilities.fewest_titles


def paths_of(frame: pd.DataFrame) -> dict[str, np.ndarray]:
    """What `forecast_all` says of each title, by ISBN, each of shape (horizon,)."""
    return {
        str(isbn): path.to_numpy(dtype=np.float64)
        for isbn, path in frame.sort_values("week").groupby("isbn")["mean"]
    }


def seasonal(seed: int, n: int = WEEKS, copies: float = 40.0) -> np.ndarray:
    """Counts around a level, threefold in the weeks before Christmas."""
    rng = np.random.default_rng(seed)
    week_of_year = (CUTOFF - 7 * np.arange(n)[::-1]).astype("datetime64[D]").astype(int) % 364 // 7
    peak = np.where(np.isin(week_of_year, np.unique(week_of_year[-5:-2])), 3.0, 1.0)
    return rng.poisson(copies * peak).astype(float)


def launch(seed: int, n: int, height: float = 400.0) -> np.ndarray:
    """Counts that fall by a third every three weeks from a launch, to a twentieth of it."""
    rng = np.random.default_rng(seed)
    return rng.poisson(height * (0.95 * np.exp(-np.arange(n) / 8.0) + 0.05)).astype(float)


def catalogue(titles: int = 8) -> dict[str, np.ndarray]:
    return {f"97800000000{number:02}": seasonal(number) for number in range(titles)}


def options(**changes) -> ModelOptions:
    return ModelOptions(**{"families": ["boosting"], "boosting": QUICK, "seed": 1, **changes})


def forecasts(
    frame: pd.DataFrame | dict[str, np.ndarray],
    horizon: int = 20,
    titles: pd.DataFrame | None = None,
    n_jobs: int = 1,
    planned: pd.DataFrame | None = None,
    covariates: dict[str, Covariates] | None = None,
    **changes,
) -> dict[str, np.ndarray]:
    """By ISBN; warnings are errors."""
    frame = weeks_frame(frame) if isinstance(frame, dict) else frame
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = forecast_all(
            frame,
            titles,
            CUTOFF,
            horizon,
            options(**changes),
            n_jobs=n_jobs,
            planned=planned,
            covariates=covariates,
        )
        return paths_of(found)


def assert_same(left: dict[str, np.ndarray], right: dict[str, np.ndarray]) -> None:
    assert left.keys() == right.keys()
    for isbn, path in left.items():
        np.testing.assert_array_equal(path, right[isbn], isbn)


def test_every_title_gets_as_many_weeks_as_were_asked_for():
    frame = forecast_all(weeks_frame(catalogue()), None, CUTOFF, 20, options())
    assert list(frame.columns) == ["isbn", "family", "week", "mean", "width"]
    assert frame["isbn"].tolist() == np.repeat(sorted(catalogue()), 20).tolist()
    assert (frame["week"].to_numpy().reshape(-1, 20) == weeks_after(CUTOFF, 20)).all()
    assert (frame["mean"] >= 0).all()


def test_the_same_rows_in_any_order_give_the_same_forecasts_with_any_number_of_threads():
    # Threads wait for each other at every leaf, for long where the cores are busy.
    few = QUICK.model_copy(update={"fits": 2, "trees": 3, "leaves": 8})
    frame = weeks_frame(catalogue(4))
    once = forecasts(frame, boosting=few)
    assert_same(once, forecasts(frame.sample(frac=1, random_state=0), boosting=few))
    assert_same(once, forecasts(frame, boosting=few, n_jobs=2))


def test_another_seed_gives_other_forecasts():
    once, again = forecasts(catalogue()), forecasts(catalogue(), seed=2)
    assert any((path != again[isbn]).any() for isbn, path in once.items())


def test_the_mean_of_several_fits_depends_less_on_the_seed():
    def distance(fits: int) -> float:
        few = QUICK.model_copy(update={"fits": fits, "trees": 10, "leaves": 8})
        once, again = (forecasts(catalogue(4), boosting=few, seed=seed) for seed in (1, 2))
        return sum(np.abs(np.log(path / again[isbn])).mean() for isbn, path in once.items())

    assert distance(6) < 0.7 * distance(1)


def test_nothing_after_the_cutoff_changes_a_forecast():
    frame = weeks_frame({isbn: volumes[:-30] for isbn, volumes in catalogue().items()})
    frame = frame.assign(promotion=0.1, rrp=9.99, asp=8.99)
    later = frame.assign(week=frame["week"] + pd.Timedelta(weeks=170))
    later = later.assign(volume=1e9, promotion=0.9, rrp=1.0)
    newcomer = later.assign(isbn="9780722532935")
    assert_same(forecasts(frame), forecasts(pd.concat([frame, later, newcomer])))


def test_a_longer_horizon_does_not_change_the_weeks_before():
    short, long = forecasts(catalogue(), 5), forecasts(catalogue(), MODEL_HORIZON)
    assert_same(short, {isbn: path[:5] for isbn, path in long.items()})


@pytest.mark.parametrize("horizon", [0, MODEL_HORIZON + 1])
def test_a_horizon_that_no_row_was_drawn_for_is_refused(horizon):
    with pytest.raises(ValueError, match=f"The horizon is {horizon}, not 1 to 156 weeks"):
        forecasts(catalogue(), horizon)


def test_the_season_comes_back():
    several = QUICK.model_copy(update={"fits": 3})
    for path in forecasts(catalogue(), 52, boosting=several).values():
        peak, rest = path[-5:-2], path[:-8]
        assert peak.min() > 1.7 * rest.max()


def test_a_title_far_larger_than_all_others_is_forecast_at_its_own_level():
    series = catalogue() | {"9780722532935": seasonal(50, copies=20_000.0)}
    path = forecasts(series)["9780722532935"]
    assert path == pytest.approx(np.full(20, 20_000.0), rel=0.2)


def test_a_launch_is_forecast_from_the_launches_of_others():
    others = {f"97800000000{n:02}": launch(n, 60 + 12 * n, 200.0 * (1 + n % 4)) for n in range(12)}
    new = launch(99, 40)
    path = forecasts(others | {"9780722532935": new[:5]})["9780722532935"]
    error = np.abs(path - new[5:25]).mean()
    # The last week and the mean of the weeks are all that the title alone tells.
    assert error < 0.4 * np.abs(new[4] - new[5:25]).mean()
    assert error < 0.4 * np.abs(new[:5].mean() - new[5:25]).mean()


@pytest.mark.parametrize("n", [1, 2, 7, 26, 51])
def test_a_launch_of_any_age_peaks_at_christmas_as_the_others_did(n):
    new = forecasts(catalogue() | {"9780722532935": seasonal(60)[-n:]}, 52)["9780722532935"]
    assert np.isfinite(new).all()
    assert new[-5:-2].mean() > 1.5 * np.median(new)


def test_missing_weeks_are_no_weeks_without_a_sale():
    volumes = seasonal(70)
    gap = np.arange(WEEKS - 40, WEEKS - 25)
    missing, unsold = volumes.copy(), volumes.copy()
    missing[gap], unsold[gap] = np.nan, 0.0
    whole, with_gap, with_zeros = (
        forecasts(catalogue() | {"9780722532935": v})["9780722532935"]
        for v in (volumes, missing, unsold)
    )
    assert np.abs(with_gap - whole).mean() < 0.15 * whole.mean()
    assert np.abs(with_zeros - whole).mean() > 0.5 * whole.mean()


@pytest.mark.parametrize(
    "volumes",
    [
        np.array([3.0]),
        np.array([3.0, np.nan]),
        np.r_[np.full(80, np.nan), seasonal(1, 30)],
        np.r_[seasonal(1, 30), np.full(80, np.nan)],
        np.zeros(60),
        np.full(60, 5.0),
        np.where(np.arange(60) == 45, 1e300, 5.0),
    ],
    ids=["a week", "and none", "late", "long ago", "no sale", "constant", "a slip of 300 digits"],
)
def test_a_title_alone_is_forecast_within_reach_of_what_it_sold(volumes):
    [path] = forecasts({"9780722532935": volumes}, MODEL_HORIZON).values()
    assert np.isfinite(path).all()
    assert path.max() <= 3.0 * np.nanmax(volumes) + 2.0 + 1e-9


def test_a_title_without_a_known_week_is_left_out():
    series = {"9780722532935": np.full(60, np.nan)}
    assert forecasts(series) == {}
    assert forecasts(catalogue() | series).keys() == catalogue().keys()


def test_no_rows_give_no_forecasts():
    frame = weeks_frame(catalogue(1))
    for empty in (frame.head(0), frame.assign(week=frame["week"] + pd.Timedelta(weeks=300))):
        found = forecast_all(empty, None, CUTOFF, 5, options(families=GLOBAL))
        assert found.empty
        assert list(found.columns) == ["isbn", "family", "week", "mean", "width"]


def test_a_product_class_may_be_unknown():
    isbns = sorted(catalogue())
    titles = pd.DataFrame({"isbn": isbns[:4], "product_class": ["F", "F", "Y", None]})
    paths = forecasts(catalogue(), titles=titles)
    assert paths.keys() == catalogue().keys()
    assert all(np.isfinite(path).all() for path in paths.values())
    nothing = titles.assign(product_class=None)
    assert_same(forecasts(catalogue(), titles=nothing), forecasts(catalogue()))


def test_a_planned_promotion_lifts_its_week_and_hardly_any_other():
    rng = np.random.default_rng(0)
    frames = []
    for isbn, volumes in catalogue(12).items():
        depth = np.where(rng.random(WEEKS) < 0.15, 0.4, 0.0)
        frames.append(weeks_frame({isbn: np.round(volumes * np.exp(3.0 * depth))}))
        frames[-1]["promotion"] = depth
    frame = pd.concat(frames)
    isbn = min(catalogue())
    ahead = weeks_after(CUTOFF, 6)
    plan = pd.DataFrame({"isbn": isbn, "week": ahead, "promotion": [0, 0.4, 0, 0, 0, 0]})
    planned = forecasts(frame, 8, planned=plan)[isbn]
    none = forecasts(frame, 8, planned=plan.assign(promotion=0.0))[isbn]
    without = forecasts(frame, 8)[isbn]
    assert planned[1] > 2.0 * none[1]
    assert np.delete(planned, 1) == pytest.approx(np.delete(none, 1), rel=0.15)
    # Weeks beyond the plan are as uncertain as without one.
    assert planned[6:] == pytest.approx(without[6:], rel=0.15)
    assert (without[:6] >= none[:6]).all()


def test_a_covariate_whose_future_is_known_is_followed():
    rng = np.random.default_rng(0)
    series, covariates = {}, {}
    for isbn, volumes in catalogue(12).items():
        tour = (rng.random(WEEKS + 8) < 0.2).astype(float)
        tour[-8:] = [0, 1, 0, 0, 1, 0, 0, 0]
        series[isbn] = np.round(volumes * np.exp(1.5 * tour[:WEEKS]))
        covariates[isbn] = Covariates(("tour",), tour[:, None], ("known",))
    for path in forecasts(series, 8, covariates=covariates).values():
        assert path[[1, 4]].min() > 1.5 * path[[0, 2, 3, 5, 6, 7]].max()


def test_without_the_calendar_weeks_need_no_saturdays():
    frame = weeks_frame(catalogue(FEWEST_TITLES))
    frame["week"] += pd.Timedelta(days=2)
    found = forecast_all(
        frame, None, CUTOFF + np.timedelta64(2, "D"), 5, options(families=GLOBAL, calendar=False)
    )
    assert found.groupby("family").size().tolist() == [5 * FEWEST_TITLES] * 2


@pytest.mark.slow
def test_on_the_sample_it_is_far_better_than_seasonal_naive():
    from book_forecast.forecasters.naive import SeasonalNaive
    from book_forecast.pipelines.preprocess.nodes import build_model_input
    from book_forecast.sample.generator import sample_frame
    from book_forecast.series.history import title_histories

    names = {"ISBN": "isbn", "End Date": "week", "Volume": "volume", "ASP": "asp", "RRP": "rrp"}
    export = sample_frame(50, seed=5).rename(columns=names | {"Product Class": "product_class"})
    export = export.astype({"isbn": "str", "week": "datetime64[us]"})
    titles = export[["isbn", "product_class"]].drop_duplicates("isbn")
    missing = pd.DataFrame({"week": pd.date_range("2020-03-28", "2020-06-13", freq="W-SAT")})
    weeks = build_model_input(export, missing, titles, 32)
    cutoff = weeks["week"].max() - pd.Timedelta(weeks=32)
    paths = paths_of(forecast_all(weeks, titles, cutoff, 32, options(boosting=BoostingOptions())))
    errors = {"boosting": 0.0, "naive": 0.0}
    for history in title_histories(weeks):
        if history.n_weeks > 32:
            known = history.until(history.n_weeks - 32)
            sold = history.volumes[-32:]
            errors["boosting"] += np.abs(paths[history.isbn] - sold).sum()
            naive = SeasonalNaive.fit(known).forecast(32, ()).mean
            errors["naive"] += np.abs(naive - sold).sum()
    assert errors["boosting"] < 0.85 * errors["naive"]
