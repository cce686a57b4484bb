"""A tuning that follows a plan carries what other titles have."""

import json

import numpy as np
import pandas as pd
import pytest

from book_forecast.forecasters.family_choice import as_column, used_families
from book_forecast.options.groups import BacktestOptions
from book_forecast.pipelines.tune.carried import carry_families, merge_specifications, merge_tuning
from book_forecast.pipelines.tune.planned import place_origins
from book_forecast.releases.training_notes import NOTES
from tests.histories import fit, release_of, specifications_of, volumes, weeks_frame

ISBNS = ["9780241003008", "9780722532935", "9786703444075"]
WEEKS = weeks_frame({isbn: volumes(n, 150) for n, isbn in enumerate(ISBNS)})
TITLES = pd.DataFrame({"isbn": ISBNS, "title": list("ABC")})
BACKTEST = BacktestOptions(split_size=8, folds=3)
LAST = WEEKS["week"].max()


def plan(**decisions: str) -> pd.DataFrame:
    """Decisions on the titles A, B and C."""
    table = pd.DataFrame({"isbn": ISBNS, "is_sold": True, "can_tune": True})
    return table.assign(decision=[decisions.get(name, "keep") for name in "ABC"])


WHOLE = plan(A="retune", B="retune", C="retune")
SOME = plan(A="refit", B="retune")


def weeks_before(*weeks: int) -> list[pd.Timestamp]:
    return [LAST - pd.Timedelta(weeks=week) for week in weeks]


def days(*weeks: int) -> list[str]:
    return [f"{day:%Y-%m-%d}" for day in weeks_before(*weeks)]


def test_origins_of_the_former_tuning_stay_and_later_ones_are_as_far_apart():
    former = pd.DataFrame({"cutoff": weeks_before(29, 25, 21)})
    assert place_origins(WEEKS, BACKTEST, former, SOME)["cutoffs"] == days(9, 13, 17, 21, 25, 29)
    near = pd.DataFrame({"cutoff": weeks_before(18, 14, 10)})
    assert place_origins(WEEKS, BACKTEST, near, SOME)["cutoffs"] == days(10, 14, 18)


def test_a_whole_plan_places_origins_anew():
    former = pd.DataFrame({"cutoff": weeks_before(29, 25)})
    anew = place_origins(WEEKS, BACKTEST, former, WHOLE)
    assert anew == place_origins(WEEKS, BACKTEST, None, SOME)
    assert anew["cutoffs"][0] == days(8)[0]


def test_a_new_title_gets_the_families_of_its_stratum():
    few, every = (as_column(reasons) for reasons in ({"theta": None, "ets": "x"}, {"theta": None}))
    former = pd.DataFrame({"isbn": ISBNS[:2], "stratum": "a, b", "families": [few, few]})
    strata = pd.DataFrame({"isbn": ISBNS, "length": "a", "pace": "b"})
    fresh = pd.DataFrame({"isbn": ISBNS, "stratum": "a, b", "is_sampled": False, "families": every})
    found = carry_families(fresh, former, strata, SOME)
    assert {used_families(text) for text in found["families"]} == {("theta",)}
    assert found["families"].tolist() == [few] * 3
    assert carry_families(fresh, former, strata, WHOLE)["families"].tolist() == [every] * 3
    assert carry_families(fresh, None, strata, SOME)["families"].tolist() == [every] * 3


def tables(value: float, isbns: list[str]) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    folds = pd.DataFrame({"isbn": isbns, "cutoff": LAST, "week": LAST, "theta": value})
    seasons = pd.DataFrame({"isbn": isbns, "season": 52, "n_weeks": 1})
    return folds, seasons, pd.DataFrame({"isbn": isbns, "model": f"m{value}"})


@pytest.mark.parametrize(
    ("decisions", "values"),
    [(SOME, [1.0, 2.0, 1.0]), (plan(A="refit"), [1.0, 1.0, 1.0]), (WHOLE, [2.0, 2.0, 2.0])],
)
def test_tables_of_titles_tuned_anew_replace_their_former_rows(decisions, values):
    again = [isbn for isbn, v in zip(ISBNS, values, strict=True) if v == 2.0]
    former = tables(1.0, [*ISBNS, "9786709016955"])
    folds, seasons, orders = merge_tuning(*tables(2.0, again), *former, WEEKS, decisions)
    assert folds.frame["isbn"].tolist() == ISBNS
    assert folds.frame["theta"].tolist() == values
    assert orders.frame["model"].tolist() == [f"m{value}" for value in values]
    # A title that is not in use any more has left.
    assert seasons.frame["n_weeks"].tolist() == [150] * 3
    again_merged, *_ = merge_tuning(
        *tables(2.0, again), folds.frame, seasons.frame, orders.frame, WEEKS, decisions
    )
    assert again_merged.fingerprint == folds.fingerprint


def test_a_former_tuning_of_another_layout_is_replaced_as_a_whole():
    folds, seasons, orders = tables(1.0, ISBNS)
    older = orders.drop(columns="model")
    merged = merge_tuning(*tables(2.0, ISBNS[:1]), folds, seasons, older, WEEKS, SOME)
    assert [part.frame["isbn"].tolist() for part in merged] == [ISBNS[:1]] * 3
    none = merge_tuning(*tables(2.0, []), folds, seasons, older, WEEKS, plan(A="refit"))
    assert [part.frame["isbn"].tolist() for part in none] == [ISBNS] * 3


def test_a_former_tuning_without_widths_stays():
    again, seasons, orders = tables(2.0, ISBNS[1:2])
    former = tables(1.0, ISBNS)
    folds, *_ = merge_tuning(again.assign(width=0.5), seasons, orders, *former, WEEKS, SOME)
    assert folds.frame["theta"].tolist() == [1.0, 2.0, 1.0]
    assert folds.frame["width"].fillna(-1.0).tolist() == [-1.0, 0.5, -1.0]


def test_a_refit_starts_from_its_former_coefficients_and_finds_the_same_optimum():
    champion = release_of(WEEKS[WEEKS["week"] < LAST], specifications_of(ISBNS), TITLES)
    fresh = specifications_of(ISBNS)
    planned, calibration = merge_specifications(fresh, {"new": 1}, champion, SOME)
    assert planned["isbn"].tolist() == ISBNS[:2]
    first, second = planned.to_dict("records")
    state = json.loads(champion.titles["state"][0].as_py())
    assert json.loads(first["start"]) == state["arma"]
    assert pd.isna(second["start"])
    assert calibration == {"new": 1}
    carried = merge_specifications(fresh.head(0), {"new": 1}, champion, plan(A="refit"))[1]
    assert carried == champion.manifest["calibration"]
    mine = WEEKS[WEEKS["isbn"] == ISBNS[0]]
    warm = fit(mine, planned.head(1)).frame
    cold = fit(mine, fresh.head(1)).frame
    np.testing.assert_allclose(warm["log_likelihood"], cold["log_likelihood"], atol=1e-3)
    assert NOTES not in planned.columns


def test_a_refit_has_the_scale_of_the_calibration_that_it_gets():
    of_champion, of_now = (
        specifications_of(ISBNS).assign(spread=spread, spread_power=power)
        for spread, power in ((0.3, 0.1), (0.5, 0.4))
    )
    champion = release_of(WEEKS[WEEKS["week"] < LAST], of_champion, TITLES)
    scales = ["spread", "spread_power"]
    mixed, _ = merge_specifications(of_now, {"new": 1}, champion, SOME)
    assert mixed[scales].to_numpy().tolist() == [[0.5, 0.4], [0.5, 0.4]]
    alone, _ = merge_specifications(of_now.head(0), {}, champion, plan(A="refit"))
    assert alone[scales].to_numpy().tolist() == [[0.3, 0.1]]
    unknown, _ = merge_specifications(of_now.tail(2), {"new": 1}, champion, SOME)
    assert unknown[scales].to_numpy().tolist() == [[0.3, 0.1], [0.5, 0.4]]
