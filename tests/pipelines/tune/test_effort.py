"""Large catalogues compare every family on a sample; the others get those that may earn weight."""

import json

import numpy as np
import pandas as pd
import pytest

from book_forecast.execution.checkpoints import CheckpointFolder
from book_forecast.options.groups import BacktestOptions
from book_forecast.options.models import EffortOptions, ModelOptions, NetworkOptions
from book_forecast.options.values import FAMILIES
from book_forecast.pipelines.tune.effort import _families, _nested_families
from book_forecast.pipelines.tune.folds import CrossValidation, TitleFold
from book_forecast.pipelines.tune.nodes import (
    choose_families,
    fit_global_model,
    forecast_folds,
    search_orders,
    stratify_titles,
    weigh_families,
)
from book_forecast.storage.errors import UserError
from tests.histories import ALONE, QUICK, shard, weeks_frame

BACKTEST = BacktestOptions(split_size=6, folds=2, overlap=1, min_train=40)
N_TITLES = 30
SAMPLE = 10


def sales(seed: int) -> np.ndarray:
    """A level around which weeks are noise: the mean is better than the last week, or last year."""
    return np.random.default_rng(seed).poisson(40.0 + seed, 130).astype(float)


WEEKS = weeks_frame({f"97867000{i:05d}": sales(i) for i in range(N_TITLES)})
WEEKS = WEEKS.assign(promotion=0.0, asp=np.nan, rrp=np.nan)
CLASSES = np.where(np.arange(N_TITLES) % 3 == 0, "F", "Y")
TITLES = pd.DataFrame({"isbn": WEEKS["isbn"].unique(), "product_class": CLASSES}).astype("str")


def models(**changes: object) -> ModelOptions:
    effort = EffortOptions(every_title=5, sample=SAMPLE, max_loss=0.01)
    given = {"calendar": False, "seed": 3, "tune": QUICK, "effort": effort}
    small = {
        "boosting": {"fits": 1, "rows": 2000, "trees": 10},
        "network": {"fewest_weeks": 1, "fewest_rows": 1, "fits": 1, "steps": 1},
    }
    return ModelOptions.model_validate(given | small | changes)


MODELS = models()


def choose(models: ModelOptions, folder: CheckpointFolder, wanted: object = "all") -> pd.DataFrame:
    strata = stratify_titles(WEEKS, TITLES, wanted, models)  # type: ignore[arg-type]
    ahead = fit_global_model(WEEKS, TITLES, None, models, BACKTEST, folder)
    return choose_families(WEEKS, strata, ahead, None, models, BACKTEST, 1, folder)


@pytest.fixture(scope="module")
def choice(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return choose(MODELS, CheckpointFolder(tmp_path_factory.mktemp("checkpoints")))


def test_the_sample_has_titles_of_every_class_in_proportion():
    strata = stratify_titles(WEEKS, TITLES, "all", MODELS)
    assert strata["is_sampled"].sum() == SAMPLE
    by_class = strata[strata["is_sampled"]]["product_class"].value_counts()
    assert by_class["Y"] > by_class["F"] >= 2
    assert set(strata.loc[strata["is_sampled"], "volume"]) == {0, 1, 2}


@pytest.mark.parametrize(
    ("wanted", "changes"),
    [
        ("all", {"effort": EffortOptions(every_title=N_TITLES)}),
        (TITLES["isbn"].tolist(), {}),
        ("all", {"families": ["theta", "boosting"]}),
    ],
    ids=["a small catalogue", "named one by one", "families that are chosen"],
)
def test_every_title_gets_every_family_of(wanted, changes, tmp_path):
    options = models(**changes)
    found = choose(options, CheckpointFolder(tmp_path), wanted)
    assert not found["is_sampled"].any()
    every = json.dumps(dict.fromkeys(options.families))
    assert (found["families"] == every).all()


def few(n_titles: int, models: ModelOptions, folder: CheckpointFolder) -> pd.DataFrame:
    titles = TITLES.head(n_titles)
    weeks = WEEKS[WEEKS["isbn"].isin(titles["isbn"])]
    strata = stratify_titles(weeks, titles, "all", models)
    ahead = fit_global_model(weeks, titles, None, models, BACKTEST, folder)
    return choose_families(weeks, strata, ahead, None, models, BACKTEST, 1, folder)


@pytest.mark.parametrize("every_title", [5, 200], ids=["with a sample", "without"])
def test_a_family_that_needs_more_titles_is_left_out_with_the_reason(every_title, tmp_path):
    options = models(effort=EffortOptions(every_title=every_title, sample=6))
    found = few(12, options, CheckpointFolder(tmp_path))
    for column in found["families"]:
        reason = json.loads(column)["autoregression"]
        assert reason == "it needs at least 20 titles, there are 12"


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({}, "weeks in the mean, it needs 600 (models.network.fewest_weeks)"),
        ({"fewest_weeks": 1}, "weeks together, it needs 30000 (models.network.fewest_rows)"),
    ],
)
def test_a_network_of_few_weeks_is_left_out_with_the_reason(limits, expected, tmp_path):
    options = models(effort=EffortOptions(every_title=100), network=NetworkOptions(**limits))
    found = few(24, options, CheckpointFolder(tmp_path))
    for column in found["families"]:
        assert json.loads(column)["network"].endswith(expected)


def test_a_choice_of_families_of_which_none_can_be_fitted_is_refused(tmp_path):
    options = models(families=["autoregression"])
    with pytest.raises(UserError, match="needs at least 20 titles, there are 4"):
        few(4, options, CheckpointFolder(tmp_path))


def test_families_that_do_not_pay_on_the_sample_are_left_out_with_the_reason(choice):
    reasons = json.loads(choice["families"].iloc[0])
    assert list(reasons) == list(FAMILIES)
    used = [family for family, reason in reasons.items() if reason is None]
    assert used
    # Sales are noise around a level, for which the last week and last year's are bad guesses.
    for family in ("naive", "seasonal_naive"):
        assert reasons[family].startswith(f"with {', '.join(used)} alone, errors change by ")
        assert "titles of the sample" in reasons[family]


def test_the_choice_repeats_and_resumes(choice, tmp_path):
    folder = CheckpointFolder(tmp_path)
    pd.testing.assert_frame_equal(choose(MODELS, folder), choice)
    pd.testing.assert_frame_equal(choose(MODELS, folder), choice)


def test_shards_together_have_what_one_run_has(choice, tmp_path):
    def run(execution, name):
        folder = CheckpointFolder(tmp_path / name)
        return search_orders(WEEKS, choice, MODELS, BACKTEST, execution, folder)[0].frame

    whole = run(ALONE, "whole")
    parts = pd.concat([run(shard(k, 3), f"part-{k}") for k in (1, 2, 3)], ignore_index=True)
    pd.testing.assert_frame_equal(parts, whole)


def test_left_out_families_have_no_forecast_no_weight_and_a_reason_on_the_leaderboard(
    choice, tmp_path
):
    folder = CheckpointFolder(tmp_path)
    ahead = fit_global_model(WEEKS, TITLES, None, MODELS, BACKTEST, folder)
    orders = search_orders(WEEKS, choice, MODELS, BACKTEST, ALONE, folder)[0].frame
    folds, seasons = (
        part.frame
        for part in forecast_folds(WEEKS, orders, ahead, None, MODELS, BACKTEST, ALONE, folder)
    )
    specifications, _, _, board = weigh_families(
        folds, seasons, orders, WEEKS, TITLES, MODELS, [80]
    )
    one = specifications.iloc[0]
    reasons = json.loads(one["families"])
    left_out = [name for name, reason in reasons.items() if reason]
    assert left_out
    own = folds[folds["isbn"] == one["isbn"]]
    assert own[left_out].isna().all(axis=None)
    assert not set(left_out) & set(json.loads(one["weights"]))
    rows = board[board["isbn"] == one["isbn"]].set_index("family")
    assert (rows.loc[left_out, "left_out"] == [reasons[name] for name in left_out]).all()
    assert rows.loc[left_out, "mae"].isna().all()
    used = [name for name in reasons if reasons[name] is None]
    assert rows.loc[used, "left_out"].isna().all()
    assert one["fallback_reason"] is None or pd.isna(one["fallback_reason"])


def hard_and_easy(isbn: str, rng: np.random.Generator) -> tuple[CrossValidation, pd.DataFrame]:
    """A title whose earlier fold is hard; `theta`, the best family, has no forecast there."""
    weeks = pd.date_range("2022-01-01", periods=20, freq="W-SAT", unit="us")
    frame = pd.DataFrame({"isbn": isbn, "week": weeks, "volume": 100.0})
    folds = []
    for cutoff, size in ((11, 6.0), (3, 60.0)):
        sizes = {"sarima": size, "ets": size, "theta": 0.5 * size}
        means = {name: 100.0 + rng.normal(0.0, own, 8) for name, own in sizes.items()}
        folds.append(TitleFold(weeks[cutoff].to_datetime64().astype("datetime64[D]"), means))
    folds[1].means["theta"][:] = np.nan
    season = {"season": 1, "season_p_value": 1.0, "season_strength": 0.0, "expected_spread": 0.1}
    return ({"isbn": isbn, **season, "n_weeks": 20}, folds), frame


def test_a_family_without_forecasts_of_hard_folds_does_not_look_better_for_that():
    rng = np.random.default_rng(0)
    isbns = [f"97867000{i:05d}" for i in range(12)]
    found, frames = zip(*(hard_and_easy(isbn, rng) for isbn in isbns), strict=True)
    options = models(families=["sarima", "ets", "theta"])
    sample = pd.DataFrame({"isbn": isbns, "product_class": ""})
    nested = _nested_families([*found], pd.concat(frames, ignore_index=True), sample, options)
    assert [*nested][-1] == ("theta",)
    assert (nested["theta",] >= 1.0).all()
    chosen = _families(nested, np.ones(len(isbns), dtype=bool), options)
    assert any(chosen[name] is None for name in ("sarima", "ets"))


def test_a_family_that_explodes_is_not_the_error_of_others_that_cannot_forecast_its_fold():
    rng = np.random.default_rng(0)
    isbns = [f"97867000{i:05d}" for i in range(12)]
    found, frames = zip(*(hard_and_easy(isbn, rng) for isbn in isbns), strict=True)
    for _, folds in found:
        for fold in folds:
            fold.means["mstl"] = fold.means["ets"] + rng.normal(0.0, 1.0, 8)
    for fold in found[0][1]:
        fold.means["sarima"][:] = 1e5
    options = models(families=["sarima", "ets", "mstl", "theta"])
    sample = pd.DataFrame({"isbn": isbns, "product_class": ""})
    nested = _nested_families([*found], pd.concat(frames, ignore_index=True), sample, options)
    assert nested["theta",].iloc[0] < 3.0
