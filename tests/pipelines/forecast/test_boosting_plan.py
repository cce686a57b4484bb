"""A promotion plan that changes after the training moves the forecasts of the global model."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from book_forecast.forecasters.promotion_effects import DEPTHS, EFFECTS
from book_forecast.options.groups import SelectionOptions
from book_forecast.payload.contents import Payload
from book_forecast.pipelines.forecast.explanations import explain_forecasts
from book_forecast.series.history import MODEL_HORIZON, weeks_after
from tests.histories import ALONE, checkpoints_in, release_of
from tests.pipelines.forecast.rhythm import (
    MODELS,
    SALES,
    TITLES,
    TRAINED,
    Root,
    before,
    calibration,
    model_input,
    specifications,
)
from tests.pipelines.preprocess.exports import week_of

HORIZON = 20
OPTIONS = MODELS.model_copy(update={"families": ["boosting", "naive"]})
# Without promotion a twentieth less than with an unknown one, 40 % off three times as much.
UPLIFTS = np.append(0.0, np.log(3.0) * np.array(DEPTHS) / 0.4)


def global_forecasts() -> pd.DataFrame:
    """What the global model forecasts after the training: 50 copies a week."""
    weeks = weeks_after(week_of(TRAINED - 1).to_datetime64(), MODEL_HORIZON)
    frame = pd.DataFrame(
        {"isbn": np.repeat(TITLES, MODEL_HORIZON), "week": np.tile(weeks, len(TITLES))}
    ).assign(family="boosting", cutoff=week_of(TRAINED - 1), mean=50.0)
    return frame.assign(**dict(zip(EFFECTS, np.log(0.95) + UPLIFTS, strict=True)))


def plan(*rows: tuple[str, int, float]) -> pd.DataFrame:
    """Rows of isbn, week and depth as covariates; without any there is no plan."""
    frame = pd.DataFrame(rows, columns=["isbn", "week", "value"]).assign(name="promotion_plan")
    frame["week"] = pd.to_datetime([week_of(int(week)) for week in frame["week"]])
    types = {"isbn": "str", "week": "datetime64[us]", "name": "str", "value": "float64"}
    return frame.astype(types)


def trained(covariates: pd.DataFrame) -> Payload:
    """A release whose titles are ensembles of the global model alone."""
    chosen = specifications().assign(
        model="ensemble", weights=json.dumps({"boosting": 1.0}), season=4, spread=0.3
    )
    release: Payload = release_of(
        model_input(before(TRAINED)),
        chosen,
        pd.DataFrame({"isbn": TITLES, "title": list("ABCD")}),
        models=OPTIONS,
        calibration=calibration(),
        global_forecasts=global_forecasts(),
        covariates=covariates,
    )
    return release


@pytest.fixture(scope="module")
def release() -> Payload:
    return trained(plan())


def ratios(changed: Payload, base: Payload) -> np.ndarray:
    """By how much the first three titles' forecasts of the next weeks have changed."""
    found: np.ndarray = ((1.0 + changed.mean) / (1.0 + base.mean))[:3, :HORIZON]
    return found


def test_a_changed_plan_moves_the_forecast_without_newer_weeks(
    tmp_path: Path, release: Payload
) -> None:
    root = Root(tmp_path, release)
    as_trained = root.files()
    deep = root.roll(before(TRAINED), plan((TITLES[0], TRAINED + 3, 0.4)))
    expected = np.ones((3, HORIZON))
    expected[:, :4] = 0.95
    expected[0, 3] *= 3.0
    np.testing.assert_allclose(ratios(deep, release), expected, rtol=1e-3)
    cancelled = root.roll(before(TRAINED), plan((TITLES[0], TRAINED + 3, 0.0)))
    expected[0, 3] = 0.95
    np.testing.assert_allclose(ratios(cancelled, release), expected, rtol=1e-3)
    root.roll(before(TRAINED), plan())
    assert root.files() == as_trained


def test_the_plan_of_the_training_is_in_its_forecast(tmp_path: Path, release: Payload) -> None:
    promoted = plan((TITLES[0], TRAINED + 3, 0.4))
    at_once = Root(tmp_path / "a", trained(promoted))
    as_trained = at_once.files()
    later = Root(tmp_path / "b", release).roll(before(TRAINED), promoted)
    np.testing.assert_array_equal(at_once.payload.mean, later.mean)
    at_once.roll(before(TRAINED), promoted)
    assert at_once.files() == as_trained


def test_a_plan_reaches_the_weeks_after_newer_ones(tmp_path: Path, release: Payload) -> None:
    root = Root(tmp_path, release)
    without = root.roll(SALES, plan((TITLES[0], TRAINED + 15, 0.0)))
    deep = root.roll(SALES, plan((TITLES[0], TRAINED + 15, 0.4)))
    expected = np.ones((3, HORIZON))
    # Ten weeks are rolled in.
    expected[0, 5] = 3.0
    np.testing.assert_allclose(ratios(deep, without), expected, rtol=1e-3)


def test_a_planned_promotion_is_explained(tmp_path: Path, release: Payload) -> None:
    root = Root(tmp_path, release)
    root.roll(before(TRAINED), plan((TITLES[0], TRAINED + 3, 0.4)))
    with checkpoints_in(None) as checkpoints:
        table = explain_forecasts(
            root.payload, SelectionOptions(), HORIZON, ALONE, checkpoints
        ).query(f"isbn == '{TITLES[0]}' and kind == 'part'")
    parts = table.pivot_table(index="week", columns="name", values="value")
    expected = np.where(np.arange(HORIZON) == 3, 3.0, 1.0)
    np.testing.assert_allclose(parts["promotion"], expected, rtol=1e-3)
    total = parts.prod(axis=1).to_numpy()
    row = root.payload.titles["isbn"].to_pylist().index(TITLES[0])
    np.testing.assert_allclose(total, 1.0 + root.payload.mean[row, :HORIZON], rtol=1e-6)
