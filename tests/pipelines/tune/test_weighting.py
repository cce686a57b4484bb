"""Families are weighted by their out-of-fold errors; specifications are one table."""

import json
import logging

import numpy as np
import pandas as pd
import pytest

from book_forecast.forecasters.calibration import Calibration
from book_forecast.forecasters.family_choice import as_column
from book_forecast.payload.dependence import KEY, UNKNOWN, Dependence
from book_forecast.payload.weight import Weight, weights_from_json
from book_forecast.pipelines.tune.weighting import LOST, SPECIFICATION_TYPES, expected_powers
from tests.pipelines.ensembles import (
    DEAD,
    FAMILIES,
    LAUNCH,
    OLD,
    TITLES,
    WEEKS,
    cross_validate,
    model_options,
    weigh,
)


def weights_of(specifications: pd.DataFrame) -> pd.Series:
    """Weights as mappings, by ISBN, of titles with an ensemble."""
    chosen = specifications.set_index("isbn").dropna(subset=["weights"])
    pairs = zip(chosen["weights"], chosen["compared_weeks"], strict=True)
    return pd.Series([weights_from_json(text, last) for text, last in pairs], chosen.index)


def mean_weight(weights: dict[str, Weight], family: str) -> float:
    return weights[family].mean if family in weights else 0.0


def test_weights_are_shares_of_families_that_can_be_fitted(weighted):
    found = weights_of(weighted.specifications)
    assert set(found.index) == {*OLD, LAUNCH}
    for weights in found:
        assert set(weights) <= set(FAMILIES)
        by_week = [weight.ahead(20) for weight in weights.values()]
        assert np.sum(by_week, axis=0) == pytest.approx(np.ones(20), abs=1e-3)


def test_weights_move_to_the_families_that_are_better_later(compared):
    """`theta` is exact in the first week, and `sarima` in the last one."""
    known = WEEKS.set_index(["isbn", "week"])["volume"]
    forecasts = compared.forecasts.sort_values(["isbn", "cutoff", "week"], ignore_index=True)
    sold = known.reindex(pd.MultiIndex.from_frame(forecasts[["isbn", "week"]])).to_numpy()
    ahead = forecasts.groupby(["isbn", "cutoff"]).cumcount()
    horizon = int(ahead.max()) + 1
    far = (ahead / (horizon - 1)).to_numpy()
    for family, off in (("theta", far), ("sarima", 1.0 - far)):
        forecasts[family] = sold * (1.0 + off)
    specifications = weigh(compared, forecasts=forecasts).specifications
    chosen = specifications.dropna(subset=["weights"])
    assert (chosen["compared_weeks"] == horizon).all()
    found = weights_of(specifications)[OLD[0]]
    assert found["theta"].near > 1.5 * found["theta"].far
    assert found["sarima"].far > 1.5 * found["sarima"].near


def test_a_launch_that_was_never_compared_takes_the_weights_of_other_launches(compared):
    rest = compared.forecasts[compared.forecasts["isbn"] != LAUNCH]
    weights = weights_of(weigh(compared, forecasts=rest).specifications)
    assert mean_weight(weights[LAUNCH], "boosting") > 0.7
    assert all(mean_weight(weights[isbn], "boosting") < 0.7 for isbn in OLD)


@pytest.mark.parametrize(("family", "counts"), [("boosting", True), ("theta", False)])
def test_only_a_model_of_all_titles_counts_for_a_title_without_its_forecasts(
    compared, family, counts
):
    forecasts = compared.forecasts.copy()
    forecasts.loc[forecasts["isbn"] == OLD[0], family] = np.nan
    found = weights_of(weigh(compared, forecasts=forecasts).specifications)
    one, other = (mean_weight(found[isbn], family) for isbn in OLD[:2])
    assert other > 0.1
    assert one == pytest.approx(other if counts else 0.0, rel=0.3)


def test_a_model_of_all_titles_that_a_title_goes_without_does_not_count(compared):
    forecasts, orders = compared.forecasts.copy(), compared.orders.copy()
    forecasts.loc[forecasts["isbn"] == OLD[0], "boosting"] = np.nan
    reasons = dict.fromkeys(FAMILIES) | {"boosting": "it does not pay"}
    orders.loc[orders["isbn"] == OLD[0], "families"] = as_column(reasons)
    found = weights_of(weigh(compared, forecasts=forecasts, orders=orders).specifications)
    assert "boosting" not in found[OLD[0]]
    assert "boosting" in found[OLD[1]]


def test_a_member_that_hardly_counts_is_left_out(weighted):
    found = weights_of(weighted.specifications)
    assert all(weight.mean >= 0.05 for weights in found for weight in weights.values())


def test_the_leaderboard_has_every_family_beside_the_ensemble(weighted):
    board = weighted.leaderboard
    for _, rows in board.groupby("isbn"):
        assert set(rows["family"]) == {*FAMILIES, "ensemble"}
    own = board[board["family"] == "ensemble"]
    assert (own["relative_error"].dropna() == 1.0).all()


def test_the_calibration_has_the_dependence_of_every_class_that_was_compared(weighted, compared):
    found = Dependence.from_state(weighted.calibration[KEY])
    classes = TITLES.set_index("isbn")["product_class"]
    assert set(found.classes) == set(classes[compared.forecasts["isbn"].unique()])
    restored = Dependence.from_state(json.loads(json.dumps(weighted.calibration[KEY])))
    assert restored == found


def test_without_folds_the_dependence_is_unknown(compared):
    nothing = weigh(compared, forecasts=compared.forecasts.iloc[:0])
    assert Dependence.from_state(nothing.calibration[KEY]) == UNKNOWN


def test_the_backtest_is_a_forecasts_frame_of_the_folds_weeks(weighted, compared):
    backtest = weighted.backtest
    assert (backtest["lo-95"] <= backtest["lo-80"]).all()
    assert (backtest["hi-95"] >= backtest["hi-80"]).all()
    assert (backtest[["mean", "lo-95"]] >= 0.0).all(axis=None)
    keys = ["isbn", "cutoff", "week"]
    expected = compared.forecasts.sort_values(keys)[keys].reset_index(drop=True)
    assert backtest[keys].equals(expected)


def test_the_bounds_of_the_backtest_grow_by_the_powers_of_the_specifications(weighted):
    calibration = Calibration.from_state(weighted.calibration)
    assert not calibration.factors
    titles = weighted.specifications.set_index("isbn")
    for (isbn, _), rows in weighted.backtest.groupby(["isbn", "cutoff"]):
        own = titles.loc[isbn]
        mean = rows.sort_values("week")["mean"].to_numpy()
        found = calibration.forecast(mean, own["spread"], (80,), power=own["spread_power"])
        top = np.maximum(own["ceiling"], mean)
        assert rows["hi-80"].to_numpy() == pytest.approx(np.minimum(found.upper[80], top))


def test_weeks_after_the_first_fold_of_a_title_change_no_power_that_is_expected_of_it():
    last = WEEKS["week"].max()
    isbns = np.array(OLD)
    keys = pd.DataFrame(
        {"isbn": OLD[:2], "cutoff": [last - pd.Timedelta(weeks=n) for n in (20, 10)]}
    )
    changed = WEEKS.copy()
    first = changed["isbn"].map(keys.set_index("isbn")["cutoff"]).fillna(last)
    changed.loc[changed["week"] > first, "volume"] = 1e6
    expected = expected_powers(isbns, keys, WEEKS, 8)
    assert expected_powers(isbns, keys, changed, 8).tolist() == expected.tolist()
    assert len(set(expected)) == len(OLD)
    changed.loc[changed["week"] == last - pd.Timedelta(weeks=20), "volume"] = 1e6
    assert (expected_powers(isbns, keys, changed, 8) != expected).all()


def test_a_specification_has_orders_season_and_weights(weighted, compared):
    found = weighted.specifications
    assert list(found.columns) == list(SPECIFICATION_TYPES)
    assert found["isbn"].tolist() == compared.orders["isbn"].tolist()
    own = found.set_index("isbn")
    orders = compared.orders.set_index("isbn")
    for column in (*"pdqPDQ", "s", "trend", "transform", "model"):
        pd.testing.assert_series_equal(own[column], orders[column])
    assert own["spread"].drop(DEAD).gt(0).all()
    assert own["spread_power"].drop(DEAD).between(0, 1).all()
    assert own["n_folds"][OLD].tolist() == [2, 2, 2]
    assert (own["ceiling"] == WEEKS["volume"].max()).all()
    assert pd.isna(own["weights"][DEAD])
    assert found["fallback_reason"].isna().all()


def test_sarima_alone_has_orders_and_no_weights():
    alone = model_options("sarima")
    found = weigh(cross_validate(models=alone), alone)
    assert found.backtest.empty
    assert found.leaderboard[found.leaderboard["isbn"] != "all"].empty
    own = found.specifications.set_index("isbn")
    assert own["weights"].isna().all()
    assert own["p"][OLD].notna().all()
    assert own["fallback_reason"].isna().all()


def test_too_few_weeks_for_a_search_are_a_fallback_of_sarima_alone(compared, caplog):
    reason = "2 training weeks leave no fold to score on"
    orders = compared.orders.copy()
    first = orders["isbn"] == OLD[0]
    orders.loc[first, ["model", "fallback_reason"]] = ["seasonal_naive", reason]
    with caplog.at_level(logging.WARNING):
        ensembles = weigh(compared, orders=orders).specifications.set_index("isbn")
    assert pd.isna(ensembles["fallback_reason"][OLD[0]])
    assert not caplog.records
    alone = model_options("sarima")
    nothing = cross_validate(models=alone)._replace(orders=orders)
    with caplog.at_level(logging.WARNING):
        single = weigh(nothing, alone).specifications.set_index("isbn")
    assert single["fallback_reason"][OLD[0]] == reason
    assert f"{OLD[0]} falls back to a simpler model: {reason}" in caplog.text


def test_a_failed_search_or_comparison_is_a_fallback_with_a_warning(compared, caplog):
    failed = "tuning failed: its process died twice"
    orders = compared.orders.copy()
    first = orders["isbn"] == OLD[0]
    orders.loc[first, ["model", "fallback_reason"]] = ["seasonal_naive", failed]
    gone = [OLD[1]]
    with caplog.at_level(logging.WARNING):
        found = weigh(
            compared,
            orders=orders,
            forecasts=compared.forecasts[~compared.forecasts["isbn"].isin(gone)],
            seasons=compared.seasons[~compared.seasons["isbn"].isin(gone)].reset_index(drop=True),
        ).specifications.set_index("isbn")
    assert found["fallback_reason"][OLD[0]] == failed
    assert isinstance(found["weights"][OLD[0]], str)
    assert found["fallback_reason"][OLD[1]] == LOST
    assert pd.isna(found["weights"][OLD[1]])
    assert found["fallback_reason"].drop(OLD[:2]).isna().all()
    told = [record.getMessage() for record in caplog.records]
    assert told == [
        f"{OLD[0]} falls back to a simpler model: {failed}",
        f"{OLD[1]} falls back to a simpler model: {LOST}",
    ]


def test_christmas_has_a_factor_of_its_own_which_bounds_of_the_backtest_have_too(compared):
    found = weigh(compared, model_options(calendar=True))
    [factor] = found.calibration["factors"].values()
    assert [*found.calibration["factors"]] == ["christmas"]
    usual = weigh(compared)
    assert "factors" not in usual.calibration
    assert factor != 1.0
    unlike = found.backtest["hi-80"] / usual.backtest["hi-80"]
    at = found.backtest["week"].isin(pd.to_datetime(["2023-12-23", "2023-12-30"]))
    assert np.sign(np.log(unlike[at]).mean() - np.log(unlike[~at]).mean()) == np.sign(factor - 1.0)


def test_weeks_whose_errors_are_as_large_as_their_widths_say_have_wider_bounds(compared):
    keys = ["isbn", "cutoff", "week"]
    forecasts = compared.forecasts.sort_values(keys, ignore_index=True)
    sold = forecasts.merge(WEEKS, on=["isbn", "week"])["volume"]
    errors = np.log1p(sold) - np.log1p(forecasts["boosting"])
    forecasts["width"] = np.log(np.maximum(errors.abs(), 0.05))
    shown = weigh(compared, forecasts=forecasts)
    assert shown.calibration["factors"]["width"] > 1.2
    unknown = weigh(compared, forecasts=forecasts.drop(columns="width"))
    assert "factors" not in unknown.calibration
    reach, usual = (
        np.log1p(found.backtest["hi-80"]) - np.log1p(found.backtest["mean"])
        for found in (shown, unknown)
    )
    relative = forecasts["width"] - forecasts.groupby(keys[:2])["width"].transform("mean")
    assert np.corrcoef(relative, np.log(reach / usual))[0, 1] > 0.8


def test_bounds_of_the_folds_end_at_the_ceilings_of_a_release(weighted):
    backtest = weighted.backtest
    tops = backtest["isbn"].map(weighted.specifications.set_index("isbn")["ceiling"])
    top = np.maximum(tops, backtest["mean"])
    for name in backtest.filter(like="hi-"):
        assert (backtest[name] <= top * (1.0 + 1e-9)).all()
