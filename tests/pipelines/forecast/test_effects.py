"""A plan that is tried has the forecast that the pipeline makes once it is a planned promotion."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from book_forecast.options.models import RegressorOptions
from book_forecast.payload.contents import Payload
from book_forecast.payload.what_if import Effects, Plan, changed, effects_of
from book_forecast.pipelines.forecast.effects import measure_effects
from tests.histories import ALONE, checkpoints_in, release_of
from tests.pipelines.forecast.rhythm import (
    MODELS,
    NEWER,
    SALES,
    TITLES,
    TRAINED,
    Root,
    before,
    calibration,
    model_input,
    specifications,
)
from tests.pipelines.forecast.test_boosting_plan import global_forecasts, plan
from tests.pipelines.preprocess.exports import week_of

HORIZON = 26
TOLERANCE = 0.003
"""Of one plus the copies of a week: documented in docs/decisions.md."""
OPTIONS = MODELS.model_copy(
    update={
        "families": ["boosting", "regression", "naive"],
        "regressors": RegressorOptions(futures={"advertising": "known"}),
    }
)


def covariates(*planned: tuple[str, int, float], spent: dict[int, float] | None = None):
    """Promotions and advertising of the past, a plan, and what will be spent by week."""
    weeks = np.arange(TRAINED + NEWER)
    depths = np.where(weeks % 11 < 2, 0.1 + 0.02 * (weeks % 7), 0.0)
    money = np.where(weeks % 13 < 3, 10.0 + weeks % 5, 0.0)
    past: list[tuple[str, str, int, float]]
    past = [
        (isbn, "promotion", int(w), float(depths[w])) for isbn in TITLES for w in weeks if depths[w]
    ]
    past += [("all", "advertising", int(w), float(money[w])) for w in weeks]
    ahead = {TRAINED + NEWER: 0.0} | (spent or {})
    past += [("all", "advertising", week, value) for week, value in ahead.items()]
    frame = pd.DataFrame(past, columns=["isbn", "name", "number", "value"])
    frame["week"] = [week_of(int(number)) for number in frame["number"]]
    rows = pd.concat([frame.drop(columns="number"), plan(*planned)], ignore_index=True)
    types = {"isbn": "str", "week": "datetime64[us]", "name": "str", "value": "float64"}
    return rows[list(types)].astype(types)


def release() -> Payload:
    """A title of boosting, regression and naive together, one of regression, others of neither."""
    three = {"boosting": [0.5, 0.3], "regression": [0.2, 0.6], "naive": [0.3, 0.1]}
    weights = [three, {"regression": [1.0, 1.0]}]
    chosen = specifications().assign(compared_weeks=8)
    chosen.loc[:1, "weights"] = [json.dumps(own) for own in weights]
    made: Payload = release_of(
        model_input(promoted(before(TRAINED))),
        chosen,
        pd.DataFrame({"isbn": TITLES, "title": list("ABCD")}),
        models=OPTIONS,
        calibration={**calibration(), "factors": {"promotion": 1.5}},
        global_forecasts=global_forecasts(),
        covariates=covariates(),
    )
    return made


def promoted(sales: pd.DataFrame) -> pd.DataFrame:
    """Sales that promotions and advertising have raised."""
    known = covariates().set_index(["isbn", "week"])
    depth = known[known["name"] == "promotion"]["value"]
    money = known[known["name"] == "advertising"]["value"].loc["all"]
    keys = pd.MultiIndex.from_frame(sales[["isbn", "week"]])
    uplift = np.exp(2.0 * depth.reindex(keys).fillna(0.0).to_numpy())
    uplift *= np.exp(0.03 * money.reindex(sales["week"]).fillna(0.0).to_numpy())
    return sales.assign(volume=(sales["volume"] * uplift).round())


@pytest.fixture(scope="module")
def trained() -> Payload:
    return release()


def rolled(folder: Path, payload: Payload, known: pd.DataFrame) -> Payload:
    """The release after all weeks, with these covariates."""
    return Root(folder, payload).roll(promoted(SALES), known)


def measured(payload: Payload, known: pd.DataFrame) -> Payload:
    with checkpoints_in(None) as checkpoints:
        return measure_effects(payload, known, ALONE, checkpoints)


def reactions(payload: Payload, row: int) -> Effects:
    found = effects_of(payload, row)
    assert found is not None
    return found


def tried(payload: Payload, row: int, depths=None, spent=None):
    """Mean and quantiles of a title under a plan: depths and money by week ahead, from 0."""
    path = np.full(HORIZON, np.nan)
    for week, depth in (depths or {}).items():
        path[week] = depth
    values = {}
    if spent is not None:
        values["advertising"] = np.full(HORIZON, np.nan)
        for week, value in spent.items():
            values["advertising"][week] = value
    own = Plan(path, values, np.ones(HORIZON))
    mean = payload.mean[row, :HORIZON].astype(float)
    return changed(
        reactions(payload, row), own, mean, payload.quantiles[row, :, :HORIZON].astype(float)
    )


def assert_same(found, payload: Payload, row: int) -> None:
    mean, quantiles = found
    expected = payload.mean[row, :HORIZON], payload.quantiles[row, :, :HORIZON]
    np.testing.assert_allclose(1.0 + mean, 1.0 + expected[0], rtol=TOLERANCE)
    np.testing.assert_allclose(1.0 + quantiles, 1.0 + expected[1], rtol=2.0 * TOLERANCE)


FIRST = TRAINED + NEWER
"""The first week ahead."""
DEPTHS = {3: 0.22, 4: 0.05, 5: 0.37, 11: 0.6}


def test_a_tried_promotion_is_the_forecast_of_the_planned_one(tmp_path: Path, trained: Payload):
    base = measured(rolled(tmp_path / "a", trained, covariates()), covariates())
    rows = [(isbn, FIRST + week, d) for isbn in TITLES[:2] for week, d in DEPTHS.items()]
    planned = rolled(tmp_path / "b", trained, covariates(*rows))
    for row in (0, 1):
        assert_same(tried(base, row, DEPTHS), planned, row)
        raised = planned.mean[row, 3] / base.mean[row, 3]
        assert raised > 1.2, "the plan must matter"
    assert reactions(base, 0).spread[1].min() > 1.2 > reactions(base, 0).spread[0].max()


def test_a_promotion_in_a_plan_is_changed_and_cancelled(tmp_path: Path, trained: Payload):
    now = covariates((TITLES[0], FIRST + 3, 0.3), (TITLES[1], FIRST + 7, 0.3))
    base = measured(rolled(tmp_path / "a", trained, now), now)
    later = covariates(
        (TITLES[0], FIRST + 3, 0.0), (TITLES[0], FIRST + 15, 0.15), (TITLES[1], FIRST + 7, 0.3)
    )
    planned = rolled(tmp_path / "b", trained, later)
    assert_same(tried(base, 0, {3: 0.0, 15: 0.15}), planned, 0)
    assert base.mean[0, 3] > 1.2 * planned.mean[0, 3]


def test_a_tried_regressor_is_the_forecast_of_the_known_one(tmp_path: Path, trained: Payload):
    base = measured(rolled(tmp_path / "a", trained, covariates()), covariates())
    spent = {FIRST + 2: 12.0, FIRST + 5: 0.0}
    planned = rolled(tmp_path / "b", trained, covariates(spent=spent))
    assert_same(tried(base, 1, spent=dict.fromkeys(range(2, 5), 12.0)), planned, 1)
    assert planned.mean[1, 2] > 1.2 * base.mean[1, 2]
    known = reactions(base, 1).regressors.others["advertising"]
    assert known.is_known
    assert (known.low, known.high) == (0.0, 14.0)


def test_a_promotion_and_a_regressor_are_tried_together(tmp_path: Path, trained: Payload):
    base = measured(rolled(tmp_path / "a", trained, covariates()), covariates())
    rows = [(TITLES[0], FIRST + week, depth) for week, depth in DEPTHS.items()]
    spent = {FIRST + 3: 12.0, FIRST + 6: 0.0}
    planned = rolled(tmp_path / "b", trained, covariates(*rows, spent=spent))
    found = tried(base, 0, DEPTHS, dict.fromkeys(range(3, 6), 12.0))
    assert_same(found, planned, 0)


def test_a_title_whose_models_take_no_covariates_reacts_to_nothing(trained: Payload):
    effects = reactions(measured(trained, covariates()), 2)
    assert effects.depths is None
    assert not effects.regressors.others
    assert effects.regressors.unused == ("advertising",)


def test_effects_are_part_of_the_release_and_repeat(tmp_path: Path, trained: Payload):
    root = Root(tmp_path, trained)
    root.current.save(measured(trained, covariates()))
    files = root.files()
    assert any(name.startswith("effects-") for name in files)
    root.current.save(measured(root.payload, covariates()))
    assert root.files() == files
