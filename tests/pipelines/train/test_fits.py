"""Specifications are fitted as tune has chosen them; a title that cannot be fitted falls back."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from book_forecast.forecasters.ensemble import Ensemble
from book_forecast.forecasters.restoring import restore
from book_forecast.forecasters.week_widths import relative_widths
from book_forecast.payload.weight import Weight
from book_forecast.pipelines.preprocess.nodes import split_weeks
from book_forecast.pipelines.train.fits import COMPARED, RELEASED, SCORED
from book_forecast.pipelines.train.titles import TitleFit, fit_ensemble, specification_of
from book_forecast.releases.distributions import LEVELS
from book_forecast.series.history import title_histories
from tests.histories import CUTOFF, MODELS, fit, shard, specify, tune, volumes, weeks_frame
from tests.pipelines import ensembles
from tests.pipelines.ensembles import DEAD, FAMILIES, LAUNCH, OLD

ISBNS = ["9780241003008", "9780722532935", "9786703444075"]
EVERYTHING = weeks_frame({isbn: volumes(i, 110) for i, isbn in enumerate(ISBNS)})
TRAINING, _ = split_weeks(EVERYTHING, 6)


@pytest.fixture(scope="module")
def specifications() -> pd.DataFrame:
    return specify(tune(TRAINING)[0].frame)


@pytest.fixture(scope="module")
def models(specifications) -> pd.DataFrame:
    return fit(TRAINING, specifications).frame


def test_scored_models_know_the_training_weeks_and_released_ones_all(models, specifications):
    released = fit(EVERYTHING, specifications, RELEASED).frame
    assert (models["cutoff"] == pd.Timestamp(CUTOFF) - pd.Timedelta(weeks=6)).all()
    assert (released["cutoff"] == pd.Timestamp(CUTOFF)).all()
    assert models["fallback_reason"].isna().all()
    assert len(json.loads(models["state"][0])["volumes"]) == 104


def test_released_models_alone_have_distributions(models, specifications):
    released = fit(EVERYTHING, specifications, RELEASED).frame
    assert "distribution" not in models
    rows = 1 + 2 * len(LEVELS) - (0 in LEVELS)
    for isbn, row in released.set_index("isbn").iterrows():
        values = np.asarray(row["distribution"]).reshape(-1, 104)
        assert len(values) == rows, isbn
        model = restore(row["model"], json.loads(row["state"]))
        np.testing.assert_allclose(values[0], model.forecast(104, ()).mean, rtol=1e-5)


def test_shards_fit_what_one_run_fits(models, specifications):
    parts = [fit(TRAINING, specifications, execution=shard(k, 2)).frame for k in (1, 2)]
    joined = pd.concat(parts, ignore_index=True)
    pd.testing.assert_frame_equal(joined, models, check_exact=True)


def test_a_title_that_cannot_be_fitted_falls_back_with_the_reason(specifications):
    broken = TRAINING.copy()
    broken.loc[broken["isbn"] == ISBNS[0], "volume"] = 7.0
    found = fit(broken, specifications).frame.set_index("isbn")
    assert found.loc[ISBNS[0], "model"] == "seasonal_naive"
    assert "does not vary" in str(found.loc[ISBNS[0], "fallback_reason"])
    assert (found.loc[ISBNS[1:], "model"] == "sarima").all()


def test_a_title_that_tune_has_not_seen_falls_back(specifications):
    found = fit(TRAINING, specifications.iloc[1:]).frame
    assert found["model"].tolist() == ["seasonal_naive", "sarima", "sarima"]
    assert found["fallback_reason"][0] == "tune has not seen the title"


def test_a_title_that_the_champion_does_not_have_is_not_fitted_for_it(specifications, models):
    found = fit(TRAINING, specifications.iloc[1:], COMPARED).frame
    assert found["isbn"].tolist() == ISBNS[1:]
    expected = models[models["isbn"] != ISBNS[0]].reset_index(drop=True)
    pd.testing.assert_frame_equal(found, expected, check_exact=True)


def test_a_dead_title_forecasts_zero_and_that_is_no_fallback(specifications):
    dead = TRAINING.copy()
    gone = (dead["isbn"] == ISBNS[0]) & (dead["week"] > dead["week"].max() - pd.Timedelta(weeks=30))
    dead.loc[gone, "volume"] = 0.0
    found = fit(dead, specifications).frame
    assert found["model"][0] == "zero"
    assert found["fallback_reason"].isna().all()
    zero = json.loads(found["state"][0])
    assert (restore("zero", zero).forecast(8, (80,)).upper[80] == 0).all()


def test_a_title_that_sells_the_same_every_week_is_naive_and_that_is_no_fallback():
    constant = TRAINING.copy()
    constant.loc[constant["isbn"] == ISBNS[0], "volume"] = 7.0
    tuned = specify(tune(constant)[0].frame)
    found = fit(constant, tuned).frame
    assert found["model"][0] == "naive"
    assert found["fallback_reason"].isna().all()
    ahead = restore("naive", json.loads(found["state"][0])).forecast(8, (80,))
    assert all((column == 7.0).all() for column in ahead.columns().values())
    varied = fit(TRAINING, tuned).frame
    assert "varied since" in str(varied["fallback_reason"][0])


def test_titles_get_ensembles_and_dead_ones_zero(ensemble_models):
    chosen = ensemble_models.set_index("isbn")["model"]
    assert (chosen[[*OLD, LAUNCH]] == "ensemble").all()
    assert chosen[DEAD] == "zero"
    assert ensemble_models["fallback_reason"].isna().all()


def test_a_release_leaves_out_families_without_a_weight(ensemble_models, weighted):
    released = fit(
        ensembles.WEEKS,
        weighted.specifications,
        RELEASED,
        models=ensembles.MODELS,
        calibration=weighted.calibration,
        global_forecasts=ensembles.global_forecasts_after(ensembles.WEEKS),
    ).frame
    weights = json.loads(weighted.specifications.set_index("isbn")["weights"][OLD[0]])
    for frame, members in ((ensemble_models, set(FAMILIES)), (released, set(weights))):
        state = json.loads(frame.set_index("isbn")["state"][OLD[0]])
        assert set(state["members"]) == members
        model = restore("ensemble", state)
        assert isinstance(model, Ensemble)
        by_week = [weight.ahead(20) for weight in model.weights.values()]
        assert np.sum(by_week, axis=0) == pytest.approx(np.ones(20))


@pytest.mark.parametrize(
    ("text", "last", "expected"),
    [
        ('{"theta": [0.9, 0.2], "naive": [0.1, 0.8]}', 8, Weight(0.9, 0.2, 8)),
        ('{"theta": 0.9, "naive": 0.1}', None, Weight.steady(0.9)),
    ],
    ids=["both ends", "an older release"],
)
def test_an_ensemble_has_the_weights_of_its_specification(weighted, text, last, expected):
    chosen = weighted.specifications.copy()
    has_weights = chosen["weights"].notna()
    chosen.loc[has_weights, "weights"] = text
    chosen["compared_weeks"] = pd.Series([last] * len(chosen), dtype="Int64")
    found = fit(
        ensembles.WEEKS,
        chosen,
        RELEASED,
        models=ensembles.MODELS,
        calibration=weighted.calibration,
        global_forecasts=ensembles.global_forecasts_after(ensembles.WEEKS),
    ).frame
    state = found.set_index("isbn")["state"][OLD[0]]
    model = restore("ensemble", json.loads(state))
    assert isinstance(model, Ensemble)
    assert model.weights["theta"].ahead(20) == pytest.approx(expected.ahead(20))


def test_an_ensemble_without_any_fitted_member_falls_back_with_the_reason(weighted):
    has_weights = weighted.specifications["weights"].notna()
    only = weighted.specifications.copy()
    only.loc[has_weights, "weights"] = json.dumps({"boosting": 1.0})
    found = fit(
        ensembles.WEEKS, only, models=ensembles.MODELS, calibration=weighted.calibration
    ).frame.set_index("isbn")
    assert found["model"][OLD[0]] == "sarima"
    assert "no member of its ensemble can be fitted" in str(found["fallback_reason"][OLD[0]])
    assert "boosting: " in str(found["fallback_reason"][OLD[0]])


def test_each_purpose_has_checkpoints_of_its_own(specifications, tmp_path):
    generations = {
        fit(TRAINING, specifications, purpose, folder=tmp_path).fingerprint
        for purpose in (SCORED, COMPARED, RELEASED)
    }
    assert len(generations) == 3
    assert len([*tmp_path.rglob("*.results")]) == 3


def test_other_options_make_another_generation(specifications):
    first = fit(TRAINING, specifications).fingerprint
    other = MODELS.model_copy(update={"alive_weeks": 5})
    assert fit(TRAINING, specifications, models=other).fingerprint != first
    changed = specifications.assign(q=specifications["q"] + 1)
    assert fit(TRAINING, changed).fingerprint != first
    assert fit(TRAINING, specifications, calibration={"a": 1}).fingerprint != first


@pytest.mark.parametrize(
    ("factors", "expected"), [({"width": 1.3}, [0.0, 0.0, 0.25, 1.0]), ({}, [])]
)
def test_an_ensemble_has_the_widths_that_its_calibration_counts(weighted, factors, expected):
    row = weighted.specifications.set_index("isbn", drop=False).loc[OLD[0]].to_dict()
    calibration = {**weighted.calibration, "factors": {"christmas": 2.0, **factors}, "longest": 2}
    specification = specification_of(row, calibration)
    history = next(one for one in title_histories(ensembles.WEEKS) if one.isbn == OLD[0])
    task = TitleFit(history, specification, ensembles.MODELS, (80,))
    model = fit_ensemble(replace(task, widths=np.array([1.0, 1.0, 1.25, 3.0, 1.0, 1.0])))
    assert model.to_state()["weeks_ahead"].get("widths", []) == expected
    assert "widths" not in fit_ensemble(task).to_state()["weeks_ahead"]


def test_fits_get_the_widths_of_the_models_of_all_titles(weighted):
    given = {**weighted.calibration, "factors": {"width": 1.3}}
    ahead = ensembles.global_forecasts_after(ensembles.WEEKS)
    found = fit(
        ensembles.WEEKS,
        weighted.specifications,
        models=ensembles.MODELS,
        calibration=given,
        global_forecasts=ahead,
    ).frame
    state = json.loads(found.set_index("isbn")["state"][OLD[0]])
    known = ahead[ahead["isbn"] == OLD[0]].sort_values("week")["width"].to_numpy(float)
    longest = weighted.calibration["longest"]
    expected = relative_widths(known[None], longest)[0]
    assert state["weeks_ahead"]["widths"] == expected.tolist()


@pytest.mark.parametrize(("power", "expected"), [(0.4, 0.4), (np.nan, 0.0), (None, 0.0)])
def test_the_scale_of_an_ensemble_grows_as_its_specification_has_it(weighted, power, expected):
    given = weighted.specifications.assign(spread_power=power)
    given = given.drop(columns="spread_power") if power is None else given
    row = given.set_index("isbn", drop=False).loc[OLD[0]].to_dict()
    specification = specification_of(row, weighted.calibration)
    history = next(one for one in title_histories(ensembles.WEEKS) if one.isbn == OLD[0])
    model = fit_ensemble(TitleFit(history, specification, ensembles.MODELS, (80,)))
    state = model.to_state()
    assert state["spread_power"] == Ensemble.from_state(state).power == expected
    del state["spread_power"]
    assert Ensemble.from_state(state).power == 0.0
